"""What follows a right answer: the decision, and the one commit that both pays and grants."""

from __future__ import annotations

from dataclasses import dataclass, replace

from twofold.ceremonies import browsers, guesses, second, step_up
from twofold.ceremonies.browsers import NOWHERE, Browser
from twofold.ceremonies.engine import Engine
from twofold.ceremonies.grants import granted, new_session
from twofold.ceremonies.outcomes import Granted, Outcome
from twofold.core import audit
from twofold.core.ceremony import Ceremony, Kind, State, Step, advance, require_step
from twofold.core.effects import Effect, OpenSession, Record
from twofold.core.errors import NotAllowed
from twofold.core.policy import Decision, Need, Policy, Proven, decide
from twofold.core.types import SECOND, Context, Instant, Session, View
from twofold.core.values import quick
from twofold.factors import Answer

EVENTS = {Kind.LOGIN: "login", Kind.STEP_UP: "stepup", Kind.ENROL: "enrol"}
"""How the records of a ceremony begin."""


@quick
@dataclass(frozen=True, slots=True)
class Right:
    """A right answer that is not yet paid for."""

    answer: Answer
    method: str
    authenticator: str
    note: str
    proofs: tuple[Proven, ...]
    """All that the ceremony has gathered, this answer included."""
    paid: tuple[Effect, ...]
    """Spend, budget and whatever else must be true or happen with it."""
    codes_left: int | None = None
    browser: Browser = NOWHERE
    """Where it was given, as far as that matters."""


async def proceed(
    engine: Engine,
    ceremony: Ceremony,
    view: View,
    policy: Policy,
    context: Context,
    now: Instant,
    right: Right,
) -> Outcome:
    """Decide what the proofs are good for, commit, and only then say so."""
    right = await _placed(engine, ceremony, view, context, now, right)
    device = right.browser.device
    situation = second.situation(engine, view, ceremony, right.proofs, context, now, device)
    decision = decide(policy, situation)
    if decision.need is Need.NOTHING:
        return await _grant(engine, ceremony, view, policy, context, now, right, decision)
    event = (
        f"{EVENTS[ceremony.kind]}.{'password' if right.method == engine.opening.kind else 'code'}"
    )
    if decision.need is Need.IMPOSSIBLE:
        refused = f"{EVENTS[ceremony.kind]}.refused"
        facts = engine.record(refused, now, view.subject, context, reasons=decision.reasons)
        await engine.commit(*right.paid, facts)
        raise NotAllowed
    accepted = engine.record(
        f"{event}.accepted", now, view.subject, context, by="", **_told(ceremony, right, decision)
    )
    await engine.commit(*right.paid, accepted)
    moved = _moved(replace(ceremony, proofs=right.proofs), policy, decision, now)
    return second.pending(engine, moved, view, policy)


async def _placed(
    engine: Engine, ceremony: Ceremony, view: View, context: Context, now: Instant, right: Right
) -> Right:
    """Return a right answer with where it was given; a token in two hands is its price as well."""
    browser = browsers.shown(engine, ceremony, view, context, now)
    if browser is NOWHERE:
        return right
    stolen = await browsers.theft(engine, browser, view, context, now)
    return replace(right, browser=browser, paid=(*right.paid, *stolen))


def _moved(ceremony: Ceremony, policy: Policy, decision: Decision, now: Instant) -> Ceremony:
    if decision.need is Need.SECOND_FACTOR:
        return advance(ceremony, Step.PROVE, State.SECOND_FACTOR, asked=None, challenge=None)
    return advance(
        ceremony,
        Step.PROVE,
        State.ENROL,
        asked=None,
        challenge=None,
        expires_at=Instant(now + policy.enrolment_life * SECOND),
        skippable_until=decision.skippable_until,
    )


async def _grant(
    engine: Engine,
    ceremony: Ceremony,
    view: View,
    policy: Policy,
    context: Context,
    now: Instant,
    right: Right,
    decision: Decision,
) -> Granted:
    require_step(ceremony, Step.PROVE, State.DONE)
    session = new_session(
        engine, ceremony, policy, context, right.answer, now,
        proofs=right.proofs, trusted=decision.trusted,
    )  # fmt: skip
    browser, rotation = browsers.used(right.browser, decision, context, now)
    session = browsers.shortened(session, browser, decision, policy, view)
    await engine.commit(
        *right.paid,
        *_over(ceremony, view, policy, now),
        # A step-up replaces the session it began from (ASVS 7.2.4).
        *await step_up.replaced(engine, ceremony, now),
        *rotation,
        *browsers.arrival(engine, browser, view, policy, context, now),
        OpenSession(session),
        _record(engine, ceremony, view, context, session, right, decision),
    )
    ended = (ceremony.session,) if ceremony.session else ()
    return granted(
        engine,
        session,
        view,
        ended=ended,
        codes_left=right.codes_left,
        device=browsers.carried(engine, browser, view),
        purpose=ceremony.purpose,
    )


def _record(
    engine: Engine,
    ceremony: Ceremony,
    view: View,
    context: Context,
    session: Session,
    right: Right,
    decision: Decision,
) -> Record:
    return engine.record(
        f"{EVENTS[ceremony.kind]}.granted",
        session.created_at,
        view.subject,
        context,
        session=session.id,
        aal=int(session.aal),
        amr=session.amr,
        by="",
        **_told(ceremony, right, decision),
    )


def _told(ceremony: Ceremony, right: Right, decision: Decision) -> dict[str, audit.Fact]:
    """Return what a record says of a right answer: who proved what, where, and why it sufficed."""
    return {
        "method": right.method,
        "authenticator": right.authenticator,
        "spent": right.note or None,
        "ceremony": ceremony.name,
        "reasons": decision.reasons,
        "browser": right.browser.name,
    }


def _over(ceremony: Ceremony, view: View, policy: Policy, now: Instant) -> tuple[Effect, ...]:
    """Return what ends a ceremony for good: it opens no other session once this one is closed.

    A ceremony that began in this very step has no ticket that anybody could come back with.
    """
    if ceremony.state is State.FIRST_FACTOR and ceremony.started_at == now:
        return ()
    return (guesses.ended(view, ceremony, policy),)
