"""Signing in with a passkey alone: a challenge for whoever comes, an answer that says who it is.

Nobody is asked for by name before they have answered: the options are the same for every name and
for none, so they tell nothing of who exists or has a passkey (I8). The challenge is made from the
ceremony's own ticket, and with cookies that ticket is held to one browser. An answer of a stranger
costs the work of a right one and gets the words of a wrong one.
"""

from __future__ import annotations

from dataclasses import replace
from functools import partial

from twofold.ceremonies import browsers, guesses, second
from twofold.ceremonies.engine import Engine
from twofold.ceremonies.grants import again, session_id
from twofold.ceremonies.judging import Attempt, Judged, Words, judge, paid, spending
from twofold.ceremonies.openings import NOBODY, opened
from twofold.ceremonies.outcomes import Outcome, Pending
from twofold.ceremonies.proceed import Right, proceed
from twofold.core.ceremony import Ceremony, Step, require_step
from twofold.core.effects import Effect
from twofold.core.errors import (
    CodeAlreadyUsed,
    CodeRejected,
    FactorBlocked,
    InvalidCredentials,
    NotPossible,
)
from twofold.core.networks import source_key
from twofold.core.policy import Requirement
from twofold.core.types import (
    SECOND,
    Authenticator,
    AuthenticatorId,
    Binding,
    Context,
    Instant,
    Status,
    SubjectId,
    View,
)
from twofold.factors import Answer, Discoverable, Held

WORDS = Words("login.passkey.refused", "login.passkey.replayed", "login.blocked")


async def begin(
    engine: Engine,
    context: Context,
    *,
    identifier: str = "",
    require: Requirement | None = None,
    purpose: str = "",
) -> Pending:
    """Start a login and show its challenge in the same breath; NotPossible where none is offered.

    What somebody typed as ``identifier`` is kept for a password, and changes nothing here.
    ``purpose`` travels sealed in the ticket and comes back with the grant.
    """
    now = engine.clock.now()
    ceremony = opened(engine, context, now, identifier=identifier, require=require, purpose=purpose)
    return invited(engine, ceremony, now)


def invited(engine: Engine, ceremony: Ceremony, now: Instant) -> Pending:
    """Return the ceremony as it stands, with a challenge that any passkey may answer."""
    factor = _offered(engine, ceremony)
    nobody = engine.draft(_nobody(ceremony, factor, NOBODY, now), b"")
    asked = factor.invite(nobody, _voice(ceremony), now)
    return second.pending(engine, ceremony, None, engine.rules.policy, show=dict(asked.show))


async def prove(engine: Engine, ticket: str, answer: Answer, context: Context) -> Outcome:
    """Judge a passkey's answer, and sign in whoever it proves to be.

    Raises InvalidCredentials for every reason there is, Throttled for known and unknown alike.
    """
    now = engine.clock.now()
    ceremony = engine.ceremony(ticket, context, now)
    require_step(ceremony, Step.PROVE)
    factor = _offered(engine, ceremony)
    owner = factor.claimed(answer) or NOBODY
    source = source_key(context.address)
    engine.gate.check(source, owner, now)
    attempt = Attempt(answer, context, now, WORDS, _voice(ceremony))
    try:
        outcome = await engine.settle(partial(_round, engine, factor, ceremony, owner, attempt))
    except InvalidCredentials:
        engine.gate.failed(source, owner, now)
        raise
    engine.gate.forget(owner)
    return outcome


def _offered(engine: Engine, ceremony: Ceremony) -> Discoverable:
    """Return the factor a login may consist of; NotPossible in any other place."""
    if engine.discoverable is None or not second.is_open(engine, ceremony):
        raise NotPossible
    return engine.discoverable


def _voice(ceremony: Ceremony) -> str:
    # Not the ceremony's own: what a second step asked for never stands in for both steps.
    return f"open.{ceremony.jti}"


async def _round(
    engine: Engine, factor: Discoverable, ceremony: Ceremony, owner: SubjectId, attempt: Attempt
) -> Outcome:
    context = attempt.context
    view = await engine.store.view(
        ceremony.realm, owner, session=session_id(ceremony), devices=bool(context.device)
    )
    target = _target(factor, view, attempt.answer)
    if view is None or target is None:
        await _refuse_stranger(engine, factor, ceremony, owner, attempt)
        raise InvalidCredentials
    already = again(engine, ceremony, view, attempt.answer, attempt.now)
    if already is not None:
        return browsers.repeated(engine, already, ceremony, view, context, attempt.now)
    policy = engine.policy(view.policy)
    method = second.Method(target, factor)
    try:
        judged = await judge(engine, attempt, view, policy, (method,))
    except (CodeRejected, CodeAlreadyUsed, FactorBlocked):
        raise InvalidCredentials from None
    not_ended = guesses.going_on(view, ceremony, policy)
    known = replace(
        ceremony,
        subject=view.subject.id,
        epoch=view.subject.epoch,
        identifier="",
        expires_at=Instant(ceremony.started_at + policy.ceremony_life * SECOND),
    )
    paying = (*paid(engine, attempt, view, judged, view.subject.epoch), not_ended)
    right = _right(attempt, judged, paying)
    granting = proceed(engine, known, view, policy, context, attempt.now, right)
    return await spending(attempt, judged, granting)


def _right(attempt: Attempt, judged: Judged, paying: tuple[Effect, ...]) -> Right:
    return Right(
        answer=attempt.answer,
        method=judged.method.factor.kind,
        authenticator=judged.method.authenticator.id,
        note=judged.proof.note,
        proofs=(second.proven(judged.method.factor, attempt.now, judged.proof),),
        paid=paying,
    )


def _target(factor: Discoverable, view: View | None, answer: Answer) -> Authenticator | None:
    if view is None or view.subject.status is not Status.ACTIVE:
        return None
    active = (a for a in view.authenticators if a.state is Binding.ACTIVE)
    mine = (a for a in active if a.kind == factor.kind)
    return next((a for a in mine if factor.answers(a, answer)), None)


async def _refuse_stranger(
    engine: Engine, factor: Discoverable, ceremony: Ceremony, owner: SubjectId, attempt: Attempt
) -> None:
    """Do the work of a verdict, and record that nobody was meant."""
    decoy = _decoy(engine, factor, ceremony, owner, attempt)
    await engine.judge(factor, decoy, attempt.voice, attempt.answer, attempt.now)
    record = engine.record(
        WORDS.refused, attempt.now, None, attempt.context, hint="unknown", ceremony=ceremony.name
    )
    await engine.commit(record)


def _decoy(
    engine: Engine, factor: Discoverable, ceremony: Ceremony, owner: SubjectId, attempt: Attempt
) -> Held:
    secret, parameters = factor.decoy(owner, attempt.answer)
    blank = _nobody(ceremony, factor, owner, attempt.now)
    return engine.draft(replace(blank, parameters=parameters), secret)


def _nobody(
    ceremony: Ceremony, factor: Discoverable, owner: SubjectId, now: Instant
) -> Authenticator:
    return Authenticator(
        id=AuthenticatorId("0" * 16),
        subject=owner,
        realm=ceremony.realm,
        kind=factor.kind,
        created_at=now,
    )
