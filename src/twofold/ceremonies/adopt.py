"""A factor that a login sets up by itself, for clients that know a login of two steps only.

Where a second factor is demanded and none is bound, the password step makes one, keeps it
pending, and shows it; every further password step shows the same one, because thirty seconds are
short and a code is scanned once. The first right answer binds it and is at once the second step.
"""

from __future__ import annotations

from dataclasses import replace
from functools import partial

from twofold.ceremonies import concurrent, guesses, second
from twofold.ceremonies.changes import rebound
from twofold.ceremonies.engine import Engine
from twofold.ceremonies.enrol import WORDS, confirmed
from twofold.ceremonies.grants import again, granted, new_session, session_id
from twofold.ceremonies.judging import Attempt, Judged, judge, renewed
from twofold.ceremonies.outcomes import Granted, Revealed
from twofold.ceremonies.sessions import seen_from
from twofold.core.ceremony import Ceremony, State, Step, advance
from twofold.core.effects import Amend, Bind, CloseSessions, Effect, OpenSession
from twofold.core.errors import CodeRejected, NotAllowed, StaleSecurityState
from twofold.core.networks import source_key
from twofold.core.policy import Policy, wishing
from twofold.core.types import Authenticator, Binding, Context, Instant, View
from twofold.factors import Answer, Bound, Wish


def of_kind(view: View, kind: str) -> Authenticator | None:
    """Return the factor of a kind that is shown but not yet bound."""
    known = (a for a in view.authenticators if a.kind == kind)
    return next((a for a in known if a.state is Binding.PENDING), None)


async def offered(
    engine: Engine,
    ceremony: Ceremony,
    view: View,
    policy: Policy,
    context: Context,
    now: Instant,
    paid: tuple[Effect, ...],
) -> Revealed:
    """Keep or find the pending factor, commit that the password was right, and show it."""
    kind = engine.terms.adopts
    if kind not in second.bindable(engine, policy):
        raise NotAllowed
    held = of_kind(view, kind)
    bound = _shown(engine, view, held, now)
    made: tuple[Effect, ...] = ()
    if held is None:
        held = engine.made(view.subject, kind, bound, now, state=Binding.PENDING)
        begun = engine.record(
            "enrol.begun", now, view.subject, context, method=kind, ceremony=ceremony.name
        )
        made = (Bind(held), begun)
    await engine.commit(*paid, *made)
    moved = advance(ceremony, Step.PROVE, State.ENROL)
    moved = advance(moved, Step.BIND, State.CONFIRM, asked=held.id)
    return Revealed(second.pending(engine, moved, view, policy), dict(bound.reveal))


def _shown(engine: Engine, view: View, held: Authenticator | None, now: Instant) -> Bound:
    subject, terms = view.subject, engine.terms
    wish = Wish(
        parameters=terms.parameters,
        account=subject.email or subject.name,
        issuer=terms.issuer,
    )
    if held is not None:
        # The one that is kept, with the parameters it was made with.
        secret = engine.held(held).secret
        wish = replace(wish, secret=secret, parameters=held.parameters)
    return engine.factors[terms.adopts].bind(subject, wish, engine.draw(), now)


async def confirm(
    engine: Engine, ceremony: Ceremony, answer: Answer, context: Context, now: Instant
) -> Granted:
    """Bind the pending factor if the answer proves it is held, and grant the session."""
    source = source_key(context.address)
    engine.gate.check(source, "", now)
    attempt = Attempt(answer, context, now, WORDS, ceremony.voice, ceremony)
    try:
        return await engine.settle(partial(_confirm, engine, ceremony, attempt))
    except CodeRejected:
        engine.gate.failed(source, "", now)
        raise


async def _confirm(engine: Engine, ceremony: Ceremony, attempt: Attempt) -> Granted:
    view = await engine.look(ceremony, session_id(ceremony))
    already = again(engine, ceremony, view, attempt.answer, attempt.now)
    if already is not None:
        return already
    policy = engine.policy(view.policy)
    held = next((a for a in view.authenticators if a.id == ceremony.asked), None)
    if held is None or held.state is not Binding.PENDING:
        raise StaleSecurityState
    still = concurrent.standing(engine, view, ceremony, policy, attempt.now)
    method = second.Method(held, engine.factors[held.kind])
    judged = await judge(engine, attempt, view, policy, (method,))
    return await _bound(engine, ceremony, attempt, view, judged, still)


async def _bound(
    engine: Engine,
    ceremony: Ceremony,
    attempt: Attempt,
    view: View,
    judged: Judged,
    still: tuple[Effect, ...],
) -> Granted:
    now, subject, method = attempt.now, view.subject, judged.method
    policy, held = engine.policy(view.policy), judged.method.authenticator
    proofs = (*ceremony.proofs, second.proven(method.factor, now))
    session = new_session(
        engine, ceremony, policy, attempt.context, attempt.answer, now, proofs=proofs
    )
    told = {"kind": held.kind, "label": held.label, **seen_from(attempt.context)}
    await engine.commit(
        # What is bound is asked for; the wish for it is fulfilled.
        *rebound(subject, attributes=wishing(subject, None)),
        judged.proof.spend,
        *renewed(engine, method, judged.proof),
        *judged.budget.right(),
        Amend(subject.id, held.id, state=Binding.ACTIVE, preferred=True),
        *still,
        guesses.ended(view, ceremony, policy),
        *await concurrent.admitted(engine, view, session),
        OpenSession(session),
        CloseSessions(subject.id, keep=session.id),
        confirmed(engine, ceremony, attempt, view, judged, session),
        *engine.letter(now, subject, "factor-added", told),
    )
    bound = replace(held, state=Binding.ACTIVE)
    others = tuple(a for a in view.authenticators if a.id != held.id)
    return granted(
        engine, session, replace(view, authenticators=(*others, bound)), authenticator=held.id
    )
