"""The link of a mailed code by which the mailbox's owner says: that was not me.

It can do nothing but take away: the code, the ceremony it was sent for, and the session that came
of it. Whoever finds the link learns nothing and gets in nowhere; it is a ticket of a purpose of
its own, and the page it opens acts only when a button is pressed, so that no scanner of links
ends anybody's sign-in.
"""

from __future__ import annotations

from collections.abc import Iterator

from twofold.ceremonies import guesses
from twofold.ceremonies.engine import Engine
from twofold.ceremonies.outcomes import Done
from twofold.core import tickets
from twofold.core.ceremony import Kind, session_of
from twofold.core.effects import CloseSessions, Effect, Issue
from twofold.core.errors import CeremonyExpired
from twofold.core.policy import Policy
from twofold.core.types import (
    SECOND,
    AuthenticatorId,
    Context,
    Instant,
    Subject,
    View,
)

PURPOSE = "disown"
"""Of the ticket, and the path of the page its link opens."""

LIFE = 86_400
"""Seconds for which the link works: longer than the code, because mail is read late."""

_KINDS = frozenset(str(kind) for kind in Kind)


def link(
    engine: Engine, subject: Subject, authenticator: AuthenticatorId, voice: str, now: Instant
) -> str:
    """Return the link for the message that carries a code asked for under the name ``voice``."""
    payload = {"s": subject.id, "a": authenticator, "v": voice, "x": now + LIFE * SECOND}
    token = tickets.seal_ticket(engine.ring(), PURPOSE, subject.realm, "", payload, engine.draw(12))
    # Behind the number sign, where no server and no Referer header writes it down.
    return f"{engine.rules.base_url.rstrip('/')}/{PURPOSE}#{token}"


async def disown(engine: Engine, token: str, context: Context) -> Done:
    """Void a mailed code and end what it was sent for; CeremonyExpired for a link that is over.

    A second time changes nothing more.
    """
    now = engine.clock.now()
    told = tickets.open_ticket(engine.ring(), PURPOSE, context.realm, "", token.strip())
    if told["x"] <= now:
        raise CeremonyExpired

    async def attempt() -> None:
        view = await engine.store.view(context.realm, told["s"])
        if view is None:
            raise CeremonyExpired
        policy = engine.policy(view.policy)
        record = engine.record("code.disowned", now, view.subject, context)
        await engine.commit(
            *_voided(view, told["a"], told["v"]), *_ended(view, told["v"], policy, now), record
        )

    await engine.settle(attempt)
    return Done()


def _voided(view: View, authenticator: str, voice: str) -> Iterator[Effect]:
    """Yield what voids this very code; one that was sent meanwhile is left alone."""
    for held in view.authenticators:
        left = tuple(item for item in held.items if item.ceremony != voice)
        if held.id == authenticator and left != held.items:
            yield Issue(held.subject, held.id, left, dict(held.parameters), seen=held.mark)


def _ended(view: View, voice: str, policy: Policy, now: Instant) -> Iterator[Effect]:
    """Yield what ends the ceremony; an application's code belongs to none."""
    kind, _, jti = voice.partition(".")
    if kind in _KINDS:
        longest = (policy.ceremony_life + policy.enrolment_life) * SECOND
        yield guesses.over(view, jti, policy, Instant(now + longest))
        yield CloseSessions(view.subject.id, only=session_of(jti))
