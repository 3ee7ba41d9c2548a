"""What a subject may have at once, on terms that say so: one pending login, so many sessions.

Both are counted in tallies, whose versions make two that happen at once follow each other.
"""

from __future__ import annotations

from twofold.ceremonies.engine import Engine
from twofold.core.ceremony import Ceremony
from twofold.core.effects import Effect, TakeGuess, Unguessed
from twofold.core.errors import CeremonyConsumed, TooManySessions
from twofold.core.policy import Policy
from twofold.core.throttle import NONE, of_kind, shut
from twofold.core.types import SECOND, Instant, Session, Tally, View

_BUSY = 60 * SECOND
"""How long it is remembered that a session was opened: longer than any commit takes."""


def begun(engine: Engine, view: View, ceremony: Ceremony) -> tuple[Effect, ...]:
    """Return the effect that makes this the subject's one pending login with this client."""
    if not engine.terms.newest_only:
        return ()
    scope = _latest(ceremony)
    seen = view.tallies.get(scope, NONE).version
    mine = Tally(version=seen + 1, since=_mark(ceremony))
    return (TakeGuess(view.subject.id, scope, mine, ceremony.expires_at),)


def standing(
    engine: Engine, view: View, ceremony: Ceremony, policy: Policy, now: Instant
) -> tuple[Effect, ...]:
    """Return what makes a commit depend on no newer login having begun.

    CeremonyConsumed if one has, or if the password was guessed at too often meanwhile.
    """
    if not engine.terms.newest_only:
        return ()
    scope = _latest(ceremony)
    latest = view.tallies.get(scope, NONE)
    guessed = view.tallies.get(of_kind(engine.opening.kind), NONE)
    locked = shut(guessed, now, engine.terms.passwords or policy.guesses)
    if latest.since != _mark(ceremony) or locked is not None:
        raise CeremonyConsumed
    return (Unguessed(view.subject.id, scope, latest.version),)


async def admitted(engine: Engine, view: View, session: Session) -> tuple[Effect, ...]:
    """Return what lets one session more in, one at a time; or raise TooManySessions."""
    most = engine.terms.most_sessions
    if most is None:
        return ()
    now = session.created_at
    found = await engine.store.sessions(session.realm, session.subject)
    alive = [
        other
        for other in found
        if other.client == session.client
        and now < min(other.expires_at, other.seen_at + other.idle * SECOND)
    ]
    if len(alive) >= most:
        raise TooManySessions
    # Not only read: of two that come in at once, one looks again and counts the other.
    scope = f"ceremony:sessions:{session.client}"
    seen = view.tallies.get(scope, NONE).version
    return (TakeGuess(session.subject, scope, Tally(version=seen + 1), Instant(now + _BUSY)),)


def _mark(ceremony: Ceremony) -> Instant:
    # A tally holds whole numbers of 64 bits, and this one no moment but a name.
    return Instant(int(ceremony.name, 16) >> 1)


def _latest(ceremony: Ceremony) -> str:
    # Below `ceremony:`, which an administrator's unlocking leaves alone.
    return f"ceremony:latest:{ceremony.client}"
