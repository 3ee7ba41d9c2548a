"""How an answer is judged, wherever it is given: the budget, the verdict, and what it costs.

Logins, step-ups, set-ups, changes of a password and applications that keep their own passwords
all come through here, so there is one order of things: a spent budget refuses right and wrong
alike, a wrong answer is counted before it is refused, and a right one is worth nothing until the
commit that spends it.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import TypeVar

from twofold.ceremonies import guesses
from twofold.ceremonies.engine import Engine
from twofold.ceremonies.second import Method
from twofold.ceremonies.sessions import seen_from
from twofold.core.ceremony import Ceremony
from twofold.core.effects import Amend, Burn, Effect
from twofold.core.errors import (
    CeremonyConsumed,
    CodeAlreadyUsed,
    CodeRejected,
    FactorBlocked,
    Replayed,
)
from twofold.core.policy import Policy
from twofold.core.types import Authenticator, Context, Instant, View
from twofold.core.values import quick
from twofold.factors import Answer, Held, Proof, Wrong

Result = TypeVar("Result")


@dataclass(frozen=True, slots=True)
class Words:
    """How the records of an attempt are called; names from core.audit.EVENTS."""

    refused: str
    replayed: str
    blocked: str


@dataclass(slots=True)
class Attempt:
    """One answer on its way through as many rounds as races make necessary."""

    answer: Answer
    context: Context
    now: Instant
    words: Words
    voice: str
    """The name under which a challenge was asked, as factors know it."""
    ceremony: Ceremony | None = None
    """Whose budget is shared; None for an answer that stands alone."""
    overtaken: bool = False
    """Whether what this answer spends was spent by somebody else meanwhile."""
    verdicts: dict[tuple[str, bytes, int], Proof | Wrong] = field(default_factory=dict)
    """By authenticator as judged: a round lost to a race does not pay for a slow hash again."""

    @property
    def name(self) -> str | None:
        """What records call the ceremony."""
        return self.ceremony.name if self.ceremony is not None else None


@quick
@dataclass(frozen=True, slots=True)
class Judged:
    """A right answer: whose, what it uses up, and the budget it was judged under."""

    method: Method
    proof: Proof
    budget: guesses.Budget


async def judge(
    engine: Engine,
    attempt: Attempt,
    view: View,
    policy: Policy,
    targets: tuple[Method, ...],
    opened: Callable[[Authenticator], Held] | None = None,
) -> Judged:
    """Return the first right verdict among authenticators of one kind.

    Raises FactorBlocked, CeremonyConsumed, CodeRejected or CodeAlreadyUsed, each recorded and
    paid for. ``opened`` opens what is not stored yet.
    """
    if attempt.overtaken:
        await _replayed(engine, attempt, view)
    budget = await budgeted(engine, attempt, view, policy, targets[0].factor.kind)
    worst: Wrong | None = None
    for method in targets:
        verdict = await _verdict(engine, attempt, method, opened or engine.held)
        if isinstance(verdict, Proof):
            return Judged(method, verdict, budget)
        if worst is None or verdict.hint == "replayed":
            worst = verdict
    return await _wrong(engine, attempt, view, targets[0], worst or Wrong("mismatch"), budget)


async def _verdict(
    engine: Engine, attempt: Attempt, method: Method, opened: Callable[[Authenticator], Held]
) -> Proof | Wrong:
    held = method.authenticator
    key = (held.id, held.sealed, len(held.items))
    if method.factor.slow and key in attempt.verdicts:
        return attempt.verdicts[key]
    verdict = await engine.judge(
        method.factor, opened(held), attempt.voice, attempt.answer, attempt.now
    )
    attempt.verdicts[key] = verdict
    return verdict


async def budgeted(
    engine: Engine, attempt: Attempt, view: View, policy: Policy, kind: str
) -> guesses.Budget:
    """Return the budget an answer of a kind is judged under; a spent one is recorded and raises.

    Asking for a code needs a budget too: none is sent that could not be judged.
    """
    try:
        return guesses.budget(view, policy, kind, attempt.ceremony, attempt.now)
    except (FactorBlocked, CeremonyConsumed):
        record = engine.record(
            attempt.words.blocked,
            attempt.now,
            view.subject,
            attempt.context,
            method=kind,
            ceremony=attempt.name,
        )
        await engine.commit(record)
        raise


async def _wrong(
    engine: Engine,
    attempt: Attempt,
    view: View,
    method: Method,
    verdict: Wrong,
    budget: guesses.Budget,
) -> Judged:
    if verdict.hint == "replayed":
        await _replayed(engine, attempt, view)
    recovery = method.factor is engine.recovery
    record = engine.record(
        "recovery.refused" if recovery else attempt.words.refused,
        attempt.now,
        view.subject,
        attempt.context,
        method=method.factor.kind,
        hint=verdict.hint,
        drift=verdict.drift,
        ceremony=attempt.name,
    )
    await engine.commit(*budget.wrong(), record)
    raise CodeRejected(attempts_left=budget.left_after_wrong, late=verdict.late)


async def _replayed(engine: Engine, attempt: Attempt, view: View) -> None:
    """Record and refuse an answer that was spent before; a replay costs no guess (A01)."""
    record = engine.record(
        attempt.words.replayed,
        attempt.now,
        view.subject,
        attempt.context,
        ceremony=attempt.name,
    )
    await engine.commit(record)
    raise CodeAlreadyUsed


def paid(
    engine: Engine, attempt: Attempt, view: View, judged: Judged, epoch: int
) -> tuple[Effect, ...]:
    """Return all that a right answer spends, clears and tells, true for this epoch only."""
    proof = judged.proof
    left = codes_left(engine, judged)
    return (
        proof.spend,
        *judged.budget.standing(epoch),
        *renewed(engine, judged.method, proof),
        *proof.also,
        *(_signalled(engine, attempt, view, judged) if proof.signal else ()),
        *(_told(engine, attempt, view, left) if left is not None else ()),
    )


def codes_left(engine: Engine, judged: Judged) -> int | None:
    """Return how many recovery codes remain, if it was one that was spent."""
    if judged.method.factor is not engine.recovery:
        return None
    return len(judged.method.authenticator.items) - 1


def renewed(engine: Engine, method: Method, proof: Proof) -> tuple[Effect, ...]:
    """Return the effect that stores a secret in its newer form, or under the newest key.

    It rides on a commit that is made anyway, so rotating keys costs nobody a login.
    """
    held = method.authenticator
    parameters = None if proof.parameters is None else dict(proof.parameters)
    if proof.renew is not None:
        sealed = engine.sealed(held, proof.renew)
    elif not engine.is_current(held.sealed):
        sealed = engine.sealed(held, engine.held(held).secret)
    elif parameters is None:
        return ()
    else:
        sealed = None
    return (Amend(held.subject, held.id, sealed=sealed, parameters=parameters),)


def _signalled(engine: Engine, attempt: Attempt, view: View, judged: Judged) -> tuple[Effect, ...]:
    """Return the record of what was right and yet odd, so that somebody looks at it."""
    record = engine.record(
        judged.proof.signal,
        attempt.now,
        view.subject,
        attempt.context,
        method=judged.method.factor.kind,
        authenticator=judged.method.authenticator.id,
        ceremony=attempt.name,
    )
    return (record,)


def _told(engine: Engine, attempt: Attempt, view: View, left: int) -> tuple[Effect, ...]:
    used = engine.record("recovery.used", attempt.now, view.subject, attempt.context, left=left)
    told = {"left": left, **seen_from(attempt.context)}
    return (used, *engine.letter(attempt.now, view.subject, "recovery-used", told))


async def spending(attempt: Attempt, judged: Judged, commit: Awaitable[Result]) -> Result:
    """Await the commit of a right answer; if its code was burnt meanwhile, remember that.

    The next round then says so, instead of counting the second of two equal answers as wrong.
    """
    try:
        return await commit
    except Replayed:
        attempt.overtaken = isinstance(judged.proof.spend, Burn)
        raise
