"""Binding another factor: begin, bind, confirm; nothing is stored until a right answer came.

The new secret and the seed of the recovery codes travel in the sealed ticket alone, so an
abandoned set-up leaves nothing behind, and the first commit that mentions them is the one that
proves the claimant holds them.
"""

from __future__ import annotations

import base64
from dataclasses import replace
from functools import partial

from twofold.ceremonies import browsers, guesses, second, step_up
from twofold.ceremonies.changes import ending, letter_taken, rebound
from twofold.ceremonies.engine import Engine
from twofold.ceremonies.grants import again, granted, new_session, session_id
from twofold.ceremonies.judging import Attempt, Judged, Words, judge
from twofold.ceremonies.outcomes import Done, Outcome, Pending, Revealed
from twofold.ceremonies.sessions import seen_from
from twofold.core import letters
from twofold.core.ceremony import Ceremony, Draft, Kind, State, Step, advance, require_step
from twofold.core.effects import (
    Bind,
    CloseSessions,
    Effect,
    OpenSession,
    Record,
)
from twofold.core.errors import NotAllowed
from twofold.core.policy import Closing, Policy
from twofold.core.types import (
    SECOND,
    Authenticator,
    AuthenticatorId,
    Context,
    Instant,
    Item,
    Session,
    Subject,
    SubjectId,
    View,
)
from twofold.factors import Answer, Asked, Bound, Factor, Held, Proof, Wish

__all__ = ["Wish", "begin", "bind", "confirm", "recovery_set"]
# Faces say what is wished, and may know no factor; so the word is handed on from here.

WORDS = Words("enrol.refused", "enrol.replayed", "enrol.blocked")


async def begin(engine: Engine, session: Session, context: Context) -> Pending:
    """Start binding a factor from a session whose proof is fresh, or raise StepUpRequired."""
    now = engine.clock.now()
    ceremony = await step_up.started(engine, session, context, now, Kind.ENROL)
    view = await engine.look(ceremony)
    policy = engine.policy(view.policy)
    step_up.require_fresh(engine, view, session, policy, now)
    ready = replace(ceremony, expires_at=Instant(now + policy.enrolment_life * SECOND))
    return second.pending(engine, ready, view, policy)


async def bind(
    engine: Engine, ticket: str, kind: str, context: Context, wish: Wish | None = None
) -> Revealed:
    """Make a new secret and show it, this once; a second call makes another and forgets it."""
    now = engine.clock.now()
    ceremony = engine.ceremony(ticket, context, now)
    require_step(ceremony, Step.BIND)
    return await engine.settle(partial(_bind, engine, ceremony, kind, context, now, wish or Wish()))


async def _bind(
    engine: Engine, ceremony: Ceremony, kind: str, context: Context, now: Instant, wish: Wish
) -> Revealed:
    view = await engine.look(ceremony)
    policy = engine.policy(view.policy)
    factor = engine.factors.get(kind)
    if factor is None or kind not in second.bindable(engine, policy):
        raise NotAllowed
    subject = view.subject
    guesses.going_on(view, ceremony, policy)
    letters.check_text(wish.label, field="label")
    named = replace(wish, account=wish.account or subject.email or subject.name)
    bound = factor.bind(subject, named, engine.draw(), now)
    held = _drafted(engine, ceremony, factor, bound, named, now)
    held, asked, effects = _challenged(engine, ceremony, view, held, context)
    record = engine.record(
        "enrol.begun", now, subject, context, method=kind, ceremony=ceremony.name
    )
    await engine.commit(*effects, record)
    moved = advance(
        ceremony,
        Step.BIND,
        State.CONFIRM,
        draft=_draft(engine, view, held),
        challenge=asked.ceremony,
        resend_at=asked.resend_at,
        good_until=asked.expires_at,
    )
    pending = second.pending(
        engine, moved, view, policy, show=dict(asked.show), resend_at=asked.resend_at
    )
    return Revealed(pending, dict(bound.reveal))


def _challenged(
    engine: Engine, ceremony: Ceremony, view: View, held: Held, context: Context
) -> tuple[Held, Asked, tuple[Effect, ...]]:
    """Ask at once for what confirms a factor that cannot be confirmed without being asked."""
    factor, now = engine.factors[held.authenticator.kind], held.authenticator.created_at
    if not factor.asks:
        return held, Asked(), ()
    asking_of = replace(held, kin=second.kin(view, held.authenticator))
    asked = factor.ask(view.subject, asking_of, ceremony.voice, engine.draw(), now)
    if asked.deliver is None:
        return held, asked, ()
    waiting = replace(
        held.authenticator,
        items=asked.items or (),
        # With the moment of sending, so that the cool-down goes on once it is bound (A139).
        parameters=asked.parameters or held.authenticator.parameters,
    )
    told = {**seen_from(context), **second.purpose(engine, view, waiting.id, ceremony.voice, now)}
    # Also within a sign-in that has to enrol first.
    told["purpose"] = str(Kind.ENROL)
    sending = engine.delivery(now, view.subject, waiting.id, asked, told)
    return replace(held, authenticator=waiting), asked, (letter_taken(view, "enrol", now), *sending)


def _drafted(
    engine: Engine, ceremony: Ceremony, factor: Factor, bound: Bound, wish: Wish, now: Instant
) -> Held:
    authenticator = Authenticator(
        id=engine.new_authenticator_id(),
        subject=_known(ceremony),
        realm=ceremony.realm,
        kind=factor.kind,
        created_at=now,
        label=wish.label,
        parameters=bound.parameters,
        items=bound.items,
    )
    return engine.draft(authenticator, bound.secret)


def _known(ceremony: Ceremony) -> SubjectId:
    if ceremony.subject is None:
        raise NotAllowed
    return ceremony.subject


def _draft(engine: Engine, view: View, held: Held) -> Draft:
    first = not any(a.kind == engine.recovery.kind for a in view.authenticators)
    return Draft(
        authenticator=held.authenticator.id,
        kind=held.authenticator.kind,
        label=held.authenticator.label,
        secret=base64.b64encode(held.secret).decode(),
        parameters=dict(held.authenticator.parameters),
        items=tuple((item.key, item.expires_at) for item in held.authenticator.items),
        seed=base64.b64encode(engine.draw(32)).decode() if first else "",
    )


async def confirm(engine: Engine, ticket: str, answer: Answer, context: Context) -> Outcome:
    """Bind the draft if the answer proves it is held; a session comes with it.

    The first second factor brings a set of recovery codes, shown in this outcome only.
    """
    now = engine.clock.now()
    ceremony = engine.ceremony(ticket, context, now)
    require_step(ceremony, Step.CONFIRM)
    if ceremony.draft is None:
        raise NotAllowed
    attempt = Attempt(answer, context, now, WORDS, ceremony.voice, ceremony)
    return await engine.settle(partial(_confirm, engine, ceremony, ceremony.draft, attempt))


async def _confirm(engine: Engine, ceremony: Ceremony, draft: Draft, attempt: Attempt) -> Outcome:
    view = await engine.look(ceremony, session_id(ceremony))
    already = again(engine, ceremony, view, attempt.answer, attempt.now)
    if already is not None:
        # The set-up's answer was lost on its way: its codes are made from the ticket again.
        _, codes = await _recovery(engine, draft, view.subject, attempt.now)
        return replace(already, recovery_codes=codes, authenticator=draft.authenticator)
    policy = engine.policy(view.policy)
    held = _undrafted(engine, ceremony, draft, attempt.now)
    held = replace(held, kin=second.kin(view, held.authenticator))
    method = second.Method(held.authenticator, engine.factors[draft.kind])
    judged = await judge(engine, attempt, view, policy, (method,), lambda _: held)
    return await _bound(engine, ceremony, draft, attempt, view, held, judged)


def _undrafted(engine: Engine, ceremony: Ceremony, draft: Draft, now: Instant) -> Held:
    authenticator = Authenticator(
        id=AuthenticatorId(draft.authenticator),
        subject=_known(ceremony),
        realm=ceremony.realm,
        kind=draft.kind,
        created_at=now,
        label=draft.label,
        parameters=draft.parameters,
        items=tuple(Item(key, _instant(until), ceremony.voice) for key, until in draft.items),
    )
    return engine.draft(authenticator, base64.b64decode(draft.secret))


def _instant(value: int | None) -> Instant | None:
    return None if value is None else Instant(value)


async def _bound(
    engine: Engine,
    ceremony: Ceremony,
    draft: Draft,
    attempt: Attempt,
    view: View,
    held: Held,
    judged: Judged,
) -> Outcome:
    now, subject, factor = attempt.now, view.subject, judged.method.factor
    policy = engine.policy(view.policy)
    authenticator = _stored(engine, view, held, judged.proof)
    recovery, codes = await _recovery(engine, draft, subject, now)
    proofs = (*ceremony.proofs, second.proven(factor, now, judged.proof))
    ceremony = replace(ceremony, proofs=proofs)
    session = new_session(engine, ceremony, policy, attempt.context, attempt.answer, now)
    sessions, ended = _sessions(policy, ceremony, session)
    opened = any(isinstance(effect, OpenSession) for effect in sessions)
    await engine.commit(
        *await step_up.replaced(engine, ceremony, now),
        *rebound(subject, **_verified(subject, authenticator)),
        *judged.budget.right(),
        Bind(authenticator),
        *recovery,
        *sessions,
        _confirmed(engine, ceremony, attempt, view, judged, session if opened else None),
        *_letters(engine, ceremony, attempt, view, policy, authenticator),
    )
    if not opened:
        facts = {"authenticator": authenticator.id, "recovery_codes": codes}
        return Done(facts, closes_session=ceremony.session is not None)
    return granted(
        engine,
        session,
        replace(view, authenticators=(*view.authenticators, authenticator)),
        recovery_codes=codes,
        authenticator=authenticator.id,
        ended=ended,
        device=browsers.changed(engine, view, attempt.context),
        purpose=ceremony.purpose,
    )


def _confirmed(
    engine: Engine,
    ceremony: Ceremony,
    attempt: Attempt,
    view: View,
    judged: Judged,
    session: Session | None,
) -> Record:
    return engine.record(
        "enrol.confirmed",
        attempt.now,
        view.subject,
        attempt.context,
        method=judged.method.factor.kind,
        authenticator=judged.method.authenticator.id,
        spent=judged.proof.note or None,
        ceremony=ceremony.name,
        session=session.id if session is not None else None,
        aal=int(session.aal) if session is not None else None,
        amr=session.amr if session is not None else None,
    )


def _letters(
    engine: Engine,
    ceremony: Ceremony,
    attempt: Attempt,
    view: View,
    policy: Policy,
    new: Authenticator,
) -> tuple[Effect, ...]:
    """Return what the owner is told: of the factor, and of a login from a browser that is new."""
    now, context = attempt.now, attempt.context
    told = {"kind": new.kind, "label": new.label, **seen_from(context)}
    browser = browsers.shown(engine, ceremony, view, context, now)
    return (
        *engine.letter(now, view.subject, "factor-added", told),
        *browsers.arrival(engine, browser, view, policy, context, now),
    )


def _stored(engine: Engine, view: View, held: Held, proof: Proof) -> Authenticator:
    """Return the draft as it will be stored: sealed, its first step already spent."""
    draft = held.authenticator
    first = not second.methods(engine, view)
    secret = held.secret if proof.renew is None else proof.renew
    return replace(
        draft,
        sealed=engine.sealed(draft, secret),
        parameters=draft.parameters if proof.parameters is None else proof.parameters,
        mark=getattr(proof.spend, "mark", 0),
        preferred=first,
        items=(),
    )


async def _recovery(
    engine: Engine, draft: Draft, subject: Subject, now: Instant
) -> tuple[tuple[Effect, ...], tuple[str, ...]]:
    """Return the effects that store a first set of recovery codes, and the codes to show."""
    if not draft.seed:
        return (), ()
    return await recovery_set(engine, subject, base64.b64decode(draft.seed), now)


async def recovery_set(
    engine: Engine, subject: Subject, seed: bytes, now: Instant
) -> tuple[tuple[Effect, ...], tuple[str, ...]]:
    """Make a set of recovery codes from a seed: what stores it, and what its owner must see."""
    bound = await engine.hashing.run(partial(engine.recovery.bind, subject, Wish(), seed, now))
    shown = bound.reveal["codes"]
    codes = tuple(str(code) for code in shown) if isinstance(shown, list | tuple) else ()
    return (Bind(engine.made(subject, engine.recovery.kind, bound, now)),), codes


def _verified(subject: Subject, authenticator: Authenticator) -> dict[str, bool]:
    """Return what a code that came back says about the address it went to."""
    address = authenticator.parameters.get("address")
    return {"email_verified": True} if address and address == subject.email else {}


def _sessions(
    policy: Policy, ceremony: Ceremony, session: Session
) -> tuple[tuple[Effect, ...], tuple[str, ...]]:
    """Return which sessions open and end with a change of factors, as policy says."""
    opened = OpenSession(session)
    if ceremony.kind is Kind.ENROL and ceremony.session is None:
        # An application binds a factor to a subject of its own, who is not signed in here.
        return ending(policy, session.subject), ()
    if ceremony.session is None:
        # A login that had to enrol: nobody else can be signed in with less than this.
        return (opened, CloseSessions(session.subject, keep=session.id)), ()
    if policy.closing is Closing.ALL:
        return (CloseSessions(session.subject),), (ceremony.session,)
    replaced = CloseSessions(session.subject, only=ceremony.session)
    others = CloseSessions(session.subject, keep=session.id)
    kept = others if policy.closing is Closing.OTHERS else replaced
    return (opened, kept), (ceremony.session,)
