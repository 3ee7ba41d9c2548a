"""The second step of a login or step-up: ask for a challenge, prove with an answer."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from functools import partial

from twofold.ceremonies import guesses, second
from twofold.ceremonies.engine import Engine
from twofold.ceremonies.grants import again, session_id
from twofold.ceremonies.outcomes import Outcome
from twofold.ceremonies.proceed import EVENTS, Right, proceed
from twofold.core.ceremony import Ceremony, State, Step, advance, require_step
from twofold.core.effects import Amend, Burn, Effect, Issue, Unchanged
from twofold.core.errors import (
    CeremonyConsumed,
    CodeAlreadyUsed,
    CodeRejected,
    FactorBlocked,
    NotEnrolled,
    NotPossible,
    Replayed,
)
from twofold.core.networks import source_key
from twofold.core.policy import Policy
from twofold.core.types import Authenticator, Context, Instant, View
from twofold.factors import Answer, Asked, Proof, Wrong

SECOND_STEP = frozenset({State.SECOND_FACTOR, State.CHALLENGE})
"""Where this file's steps are possible."""


@dataclass(slots=True)
class Attempt:
    """One answer on its way through as many rounds as races make necessary."""

    ceremony: Ceremony
    answer: Answer
    context: Context
    now: Instant
    wanted: str | None = None
    recovery: bool = False
    overtaken: bool = False
    """Whether what this answer spends was spent by somebody else meanwhile."""
    verdicts: dict[tuple[str, bytes, int], Proof | Wrong] = field(default_factory=dict)
    """By authenticator as judged: a round lost to a race does not pay for a slow hash again."""


async def prove(
    engine: Engine,
    ticket: str,
    answer: Answer,
    context: Context,
    *,
    authenticator: str | None = None,
    recovery: bool = False,
) -> Outcome:
    """Judge a second factor's answer; grants, or says what is still missing.

    Raises CodeRejected, CodeAlreadyUsed, FactorBlocked, CeremonyConsumed, CeremonyExpired,
    StaleSecurityState, NotEnrolled or NotPossible.
    """
    now = engine.clock.now()
    ceremony = engine.ceremony(ticket, context, now)
    require_step(ceremony, Step.PROVE)
    if ceremony.state not in SECOND_STEP:
        raise NotPossible
    source = source_key(context.address)
    engine.gate.check(source, "", now)
    attempt = Attempt(ceremony, answer, context, now, authenticator, recovery=recovery)
    try:
        return await engine.settle(partial(_round, engine, attempt))
    except CodeRejected:
        engine.gate.failed(source, "", now)
        raise


async def _round(engine: Engine, attempt: Attempt) -> Outcome:
    ceremony, now = attempt.ceremony, attempt.now
    view = await engine.look(ceremony, session_id(ceremony))
    already = again(engine, ceremony, view, attempt.answer, now)
    if already is not None:
        return already
    policy = engine.policy(view.policy)
    if attempt.overtaken:
        await _replayed(engine, attempt, view)
    targets = second.chosen(engine, view, ceremony, attempt.wanted, recovery=attempt.recovery)
    budget = await _budget(engine, attempt, view, policy, targets[0].factor.kind)
    worst: Wrong | None = None
    for method in targets:
        verdict = await _verdict(engine, attempt, method)
        if isinstance(verdict, Proof):
            return await _right(engine, attempt, view, policy, method, verdict, budget)
        if worst is None or verdict.hint == "replayed":
            worst = verdict
    return await _wrong(engine, attempt, view, targets[0], worst or Wrong("mismatch"), budget)


async def _verdict(engine: Engine, attempt: Attempt, method: second.Method) -> Proof | Wrong:
    held = method.authenticator
    key = (held.id, held.sealed, len(held.items))
    if method.factor.slow and key in attempt.verdicts:
        return attempt.verdicts[key]
    verdict = await engine.judge(
        method.factor, engine.held(held), attempt.ceremony.voice, attempt.answer, attempt.now
    )
    attempt.verdicts[key] = verdict
    return verdict


async def _budget(
    engine: Engine, attempt: Attempt, view: View, policy: Policy, kind: str
) -> guesses.Budget:
    try:
        return guesses.budget(view, policy, kind, attempt.ceremony, attempt.now)
    except (FactorBlocked, CeremonyConsumed):
        event = f"{EVENTS[attempt.ceremony.kind]}.blocked"
        facts = {"method": kind, "ceremony": attempt.ceremony.name}
        await engine.commit(
            engine.record(event, attempt.now, view.subject, attempt.context, **facts)
        )
        raise


async def _right(
    engine: Engine,
    attempt: Attempt,
    view: View,
    policy: Policy,
    method: second.Method,
    proof: Proof,
    budget: guesses.Budget,
) -> Outcome:
    ceremony = replace(
        attempt.ceremony,
        proofs=(*attempt.ceremony.proofs, second.proven(method.factor, attempt.now)),
    )
    left = len(method.authenticator.items) - 1 if method.factor is engine.recovery else None
    right = Right(
        answer=attempt.answer,
        method=method.factor.kind,
        authenticator=method.authenticator.id,
        note=proof.note,
        paid=(
            Unchanged(view.subject.id, ceremony.epoch),
            proof.spend,
            *renewed(engine, method, proof),
            *budget.right(),
            *proof.also,
            *(_told(engine, attempt, view, left) if left is not None else ()),
        ),
        codes_left=left,
    )
    try:
        return await proceed(engine, ceremony, view, policy, attempt.context, attempt.now, right)
    except Replayed:
        attempt.overtaken = isinstance(proof.spend, Burn)
        raise


def renewed(engine: Engine, method: second.Method, proof: Proof) -> tuple[Effect, ...]:
    """Return the effect that stores a secret in its newer form, if the proof brought one."""
    if proof.renew is None:
        return ()
    held = method.authenticator
    return (Amend(held.subject, held.id, sealed=engine.sealed(held, proof.renew)),)


def _told(engine: Engine, attempt: Attempt, view: View, left: int) -> tuple[Effect, ...]:
    used = engine.record("recovery.used", attempt.now, view.subject, attempt.context, left=left)
    return (used, *engine.letter(attempt.now, view.subject, "recovery-used", {"left": left}))


async def _wrong(
    engine: Engine,
    attempt: Attempt,
    view: View,
    method: second.Method,
    verdict: Wrong,
    budget: guesses.Budget,
) -> Outcome:
    if verdict.hint == "replayed":
        await _replayed(engine, attempt, view)
    prefix = EVENTS[attempt.ceremony.kind]
    event = "recovery.refused" if method.factor is engine.recovery else f"{prefix}.code.refused"
    record = engine.record(
        event,
        attempt.now,
        view.subject,
        attempt.context,
        method=method.factor.kind,
        hint=verdict.hint,
        drift=verdict.drift,
        ceremony=attempt.ceremony.name,
    )
    await engine.commit(*budget.wrong(), record)
    raise CodeRejected(attempts_left=budget.left_after_wrong)


async def _replayed(engine: Engine, attempt: Attempt, view: View) -> None:
    """Record and refuse an answer that was spent before; a replay costs no guess (A01)."""
    event = f"{EVENTS[attempt.ceremony.kind]}.code.replayed"
    name = attempt.ceremony.name
    await engine.commit(
        engine.record(event, attempt.now, view.subject, attempt.context, ceremony=name)
    )
    raise CodeAlreadyUsed


async def ask(
    engine: Engine, ticket: str, context: Context, *, authenticator: str | None = None
) -> Outcome:
    """Send or show a challenge; raises CooldownActive while the last code is still fresh."""
    now = engine.clock.now()
    ceremony = engine.ceremony(ticket, context, now)
    require_step(ceremony, Step.ASK)
    return await engine.settle(partial(asked, engine, ceremony, context, now, authenticator))


async def asked(
    engine: Engine,
    ceremony: Ceremony,
    context: Context,
    now: Instant,
    authenticator: str | None = None,
) -> Outcome:
    """Look, make the challenge, and commit it together with the message that carries it."""
    view = await engine.look(ceremony)
    policy = engine.policy(view.policy)
    method = _asking(engine, view, authenticator)
    budget = guesses.budget(view, policy, method.factor.kind, ceremony, now)
    held = method.authenticator
    challenge = method.factor.ask(
        view.subject, engine.held(held), ceremony.voice, engine.draw(), now
    )
    record = engine.record(
        f"{EVENTS[ceremony.kind]}.code.asked",
        now,
        view.subject,
        context,
        method=method.factor.kind,
        ceremony=ceremony.name,
    )
    await engine.commit(
        Unchanged(view.subject.id, ceremony.epoch),
        *_issued(held, challenge),
        *engine.delivery(now, view.subject, held.id, challenge),
        record,
    )
    moved = advance(
        ceremony, Step.ASK, State.CHALLENGE, asked=held.id, challenge=challenge.ceremony
    )
    return second.pending(
        engine,
        moved,
        view,
        policy,
        attempts_left=budget.left_after_wrong + 1,
        show=dict(challenge.show),
        resend_at=challenge.resend_at,
    )


def _asking(engine: Engine, view: View, wanted: str | None) -> second.Method:
    for method in second.methods(engine, view):
        if method.factor.asks and wanted in (None, method.authenticator.id):
            return method
    raise NotEnrolled


def _issued(held: Authenticator, challenge: Asked) -> tuple[Effect, ...]:
    """Replace what was sent before, unless nothing new was: two sends at once are one (A139)."""
    if challenge.items is None:
        return ()
    parameters = dict(challenge.parameters) if challenge.parameters is not None else None
    return (Issue(held.subject, held.id, challenge.items, parameters, seen=held.mark),)
