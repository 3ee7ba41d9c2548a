"""What all changes of an account have in common: a new epoch, sessions that end, few letters."""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from typing import Any

from twofold.ceremonies.engine import Engine
from twofold.core import passwords
from twofold.core.effects import (
    Amend,
    Bind,
    CloseSessions,
    Effect,
    Forget,
    Forgive,
    PutSubject,
    TakeGuess,
)
from twofold.core.errors import Throttled
from twofold.core.policy import Closing, Policy
from twofold.core.throttle import NONE, Limits, of_kind, shut, taken
from twofold.core.types import (
    SECOND,
    Binding,
    Instant,
    SessionId,
    Subject,
    SubjectId,
    View,
)
from twofold.factors import Bound, Wish

LETTERS = Limits(allowed=5, window=3_600, delay=3_600, longest=86_400)
"""Messages that somebody other than the mailbox's owner may cause: no tool for bombing (A139)."""


def changed(subject: Subject, **changes: Any) -> PutSubject:
    """Return the effect that changes a subject: Stale if anybody else changed it meanwhile.

    The new epoch is also what ends every pending ceremony (A77).
    """
    return PutSubject(replace(subject, epoch=subject.epoch + 1, **changes), seen=subject.epoch)


def rebound(subject: Subject, **changes: Any) -> tuple[PutSubject, Forget]:
    """Return the effects of a change of factors: ``changed``, and no browser is remembered (A51).

    What a browser was spared is not what would be asked for now.
    """
    return changed(subject, **changes), Forget(subject.id)


def ending(
    policy: Policy, subject: SubjectId, own: SessionId | None = None
) -> tuple[CloseSessions, ...]:
    """Return which sessions end when factors change, as policy says; ``own`` is the caller's."""
    if policy.closing is Closing.NONE:
        return ()
    kept = own if policy.closing is Closing.OTHERS else None
    return (CloseSessions(subject, keep=kept),)


def letter_taken(view: View, scope: str, now: Instant) -> TakeGuess:
    """Return the effect that counts a letter in ``letters:<scope>``, or raise Throttled."""
    name = f"letters:{scope}"
    tally = view.tallies.get(name, NONE)
    # Letters are no guesses: the absolute limit of consecutive ones is not for them.
    closed = shut(replace(tally, streak=0), now, LETTERS)
    if closed is not None:
        raise Throttled(retry_after=closed.seconds(now, LETTERS.longest))
    after = replace(taken(tally, now, LETTERS), streak=0)
    return TakeGuess(view.subject.id, name, after, Instant(now + LETTERS.longest * SECOND))


async def hashed(engine: Engine, subject: Subject, password: str, now: Instant) -> Bound:
    """Judge a new password and hash it; raises WeakPassword, or Overloaded with nothing tried."""
    known = (subject.name, subject.email or "", engine.rules.issuer)
    passwords.judge(password, engine.rules.password_minimum, known, engine.rules.blocked_passwords)
    wish = Wish(secret=password.encode())
    work = partial(engine.opening.bind, subject, wish, engine.draw(), now)
    return await engine.hashing.run(work)


def new_password_effects(
    engine: Engine, view: View, bound: Bound, now: Instant
) -> tuple[Effect, ...]:
    """Return what stores a new password, and forgets the guesses at the old one, and browsers."""
    subject, kind = view.subject, engine.opening.kind
    seen = view.tallies.get(of_kind(kind), NONE).version
    forgotten = (Forgive(subject.id, of_kind(kind), seen), Forget(subject.id))
    held = next((a for a in view.authenticators if a.kind == kind), None)
    if held is None:
        return (first_password(engine, subject, bound, now), *forgotten)
    sealed = engine.sealed(held, bound.secret)
    amended = Amend(
        held.subject,
        held.id,
        sealed=sealed,
        parameters=dict(bound.parameters),
        state=Binding.ACTIVE,
    )
    return (amended, *forgotten)


def first_password(engine: Engine, subject: Subject, bound: Bound, now: Instant) -> Bind:
    """Return the effect that gives a subject a password where there was none."""
    return Bind(engine.made(subject, engine.opening.kind, bound, now))
