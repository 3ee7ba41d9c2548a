"""The second step of a login or step-up: ask for a challenge, prove with an answer."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

from twofold.ceremonies import browsers, passkey, second
from twofold.ceremonies.engine import Engine
from twofold.ceremonies.grants import again, session_id
from twofold.ceremonies.judging import Attempt, Words, budgeted, codes_left, judge, paid, spending
from twofold.ceremonies.outcomes import Outcome
from twofold.ceremonies.proceed import EVENTS, Right, proceed
from twofold.ceremonies.sessions import seen_from
from twofold.core.ceremony import Ceremony, State, Step, advance, require_step
from twofold.core.effects import Unchanged
from twofold.core.errors import (
    CodeRejected,
    NotPossible,
)
from twofold.core.networks import source_key
from twofold.core.types import Context, Instant, View
from twofold.factors import Answer

SECOND_STEP = frozenset({State.SECOND_FACTOR, State.CHALLENGE})
"""Where this file's steps are possible."""

WORDS = {
    kind: Words(f"{prefix}.code.refused", f"{prefix}.code.replayed", f"{prefix}.blocked")
    for kind, prefix in EVENTS.items()
}


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
    attempt = Attempt(answer, context, now, WORDS[ceremony.kind], ceremony.voice, ceremony)
    choose = partial(_targets, engine, ceremony, authenticator, answer, recovery=recovery)
    try:
        return await engine.settle(partial(_round, engine, ceremony, attempt, choose))
    except CodeRejected:
        engine.gate.failed(source, "", now)
        raise


def _targets(
    engine: Engine,
    ceremony: Ceremony,
    wanted: str | None,
    answer: Answer,
    view: View,
    *,
    recovery: bool,
) -> tuple[second.Method, ...]:
    """Return what the answer is meant for: named, or the one whose challenge is out."""
    asked = ceremony.asked if ceremony.state is State.CHALLENGE else None
    itself = not isinstance(answer, str)
    return second.chosen(engine, view, wanted or asked, recovery=recovery, names_itself=itself)


async def _round(
    engine: Engine,
    ceremony: Ceremony,
    attempt: Attempt,
    choose: Callable[[View], tuple[second.Method, ...]],
) -> Outcome:
    view = await engine.look(ceremony, session_id(ceremony))
    already = again(engine, ceremony, view, attempt.answer, attempt.now)
    if already is not None:
        return browsers.repeated(engine, already, ceremony, view, attempt.context, attempt.now)
    policy = engine.policy(view.policy)
    judged = await judge(engine, attempt, view, policy, choose(view))
    factor = judged.method.factor
    right = Right(
        answer=attempt.answer,
        method=factor.kind,
        authenticator=judged.method.authenticator.id,
        note=judged.proof.note,
        proofs=(*ceremony.proofs, second.proven(factor, attempt.now, judged.proof)),
        paid=paid(engine, attempt, view, judged, ceremony.epoch),
        codes_left=codes_left(engine, judged),
    )
    granting = proceed(engine, ceremony, view, policy, attempt.context, attempt.now, right)
    return await spending(attempt, judged, granting)


async def ask(
    engine: Engine, ticket: str, context: Context, *, authenticator: str | None = None
) -> Outcome:
    """Send or show a challenge; raises CooldownActive while the last code is still fresh.

    Before a first factor is proved, it is the challenge that any passkey may answer.
    """
    now = engine.clock.now()
    ceremony = engine.ceremony(ticket, context, now)
    require_step(ceremony, Step.ASK)
    if ceremony.state is State.FIRST_FACTOR:
        return passkey.invited(engine, ceremony, now)
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
    method = second.asking(engine, view, authenticator)
    asking = Attempt("", context, now, WORDS[ceremony.kind], ceremony.voice, ceremony)
    budget = await budgeted(engine, asking, view, policy, method.factor.kind)
    seen = seen_from(context)
    challenge, sent = second.challenged(engine, view, method, ceremony.voice, now, seen)
    if sent or challenge.resend_at is not None:
        # What is only shown leaves nothing behind: no row, no message, no record.
        record = engine.record(
            f"{EVENTS[ceremony.kind]}.code.asked",
            now,
            view.subject,
            context,
            method=method.factor.kind,
            ceremony=ceremony.name,
        )
        await engine.commit(Unchanged(view.subject.id, ceremony.epoch), *sent, record)
    out = {"asked": method.authenticator.id, "challenge": challenge.ceremony}
    times = {"resend_at": challenge.resend_at, "good_until": challenge.expires_at}
    moved = advance(ceremony, Step.ASK, State.CHALLENGE, **out, **times)
    return second.pending(
        engine,
        moved,
        view,
        policy,
        attempts_left=budget.left_after_wrong + 1,
        show=dict(challenge.show),
        resend_at=challenge.resend_at,
    )
