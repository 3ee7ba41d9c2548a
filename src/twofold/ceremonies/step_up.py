"""Fresh proof inside a session: step-up (RFC 9470), and the rule that says when it is due."""

from __future__ import annotations

from dataclasses import replace

from twofold.ceremonies import second
from twofold.ceremonies.engine import Engine
from twofold.ceremonies.grants import session_id
from twofold.ceremonies.outcomes import Pending
from twofold.ceremonies.sessions import is_alive
from twofold.core.ceremony import Ceremony, Kind, State
from twofold.core.effects import CloseSessions, Effect, Rotate
from twofold.core.errors import CeremonyExpired, InvalidToken, Stale, StepUpRequired
from twofold.core.policy import ACR, Policy, Proven, Requirement, fresh_enough
from twofold.core.types import (
    SECOND,
    Aal,
    Category,
    Context,
    Instant,
    Session,
    SubjectId,
    View,
)

RECOVERED = "rc"
"""In a session's amr: it was opened with a recovery code, to replace what was lost."""


async def begin(
    engine: Engine,
    session: Session,
    context: Context,
    require: Requirement | None = None,
    *,
    purpose: str = "",
) -> Pending:
    """Start a step-up from a session; ends with a new session in the old one's place.

    ``purpose`` travels sealed in the ticket and comes back with the grant: a face that was asked
    for something leads there again, and nobody else can say where that is (A115).
    """
    now = engine.clock.now()
    ceremony = await started(engine, session, context, now, Kind.STEP_UP)
    ceremony = replace(ceremony, purpose=purpose)
    view = await engine.look(ceremony)
    policy = engine.policy(view.policy)
    wanted = require or Requirement()
    if second.methods(engine, view):
        # Whoever has a second factor proves it again; the session alone is no proof (C14, V20).
        # How strong a one it must be is decided when the answer is there: second.situation.
        moved = replace(ceremony, state=State.SECOND_FACTOR, require=wanted)
    else:
        moved = replace(ceremony, state=State.FIRST_FACTOR, require=wanted, proofs=())
    ready = replace(moved, expires_at=Instant(now + policy.ceremony_life * SECOND))
    return second.pending(engine, ready, view, policy)


async def started(
    engine: Engine, session: Session, context: Context, now: Instant, kind: Kind
) -> Ceremony:
    """Return a ceremony that begins from a session and stands on what the session proved.

    InvalidToken if the session has ended since it was read, or remembered (A41).
    """
    view = await engine.store.view(session.realm, session.subject, session=session.id)
    if view is None or view.session is None:
        raise InvalidToken
    return engine.begun(
        kind,
        State.ENROL,
        context,
        now,
        life=engine.rules.policy.ceremony_life,
        subject=session.subject,
        epoch=view.subject.epoch,
        proofs=(inherited(session, kind),),
        session=session.id,
    )


async def replaced(engine: Engine, ceremony: Ceremony, now: Instant) -> tuple[Effect, ...]:
    """Return what ends the session that a ceremony was begun from, if it was: a new id each time.

    CeremonyExpired if it has ended already: whoever was signed out must not come back by a page
    that is still open (A61). If it ends, or is refreshed, at this very moment, the commit is
    Stale.
    """
    if ceremony.session is None:
        return ()
    subject = SubjectId(ceremony.subject or "")
    found = await engine.store.session(ceremony.realm, subject, ceremony.session)
    if found is None or not is_alive(found[0], now):
        if await engine.store.session(ceremony.realm, subject, session_id(ceremony)):
            # This very ceremony ended it while we looked away: an honest retry looks again.
            raise Stale
        raise CeremonyExpired
    return (
        Rotate(subject, ceremony.session, found[0].generation, now),
        CloseSessions(subject, only=ceremony.session),
    )


def inherited(session: Session, kind: Kind) -> Proven:
    """Return what a session still proves: who it was, at the moment it was proved.

    To a step-up it is one factor and no more: a stolen session of a high level and a mailbox
    would otherwise add up to fresh proof of an authenticator that nobody has shown (A35).
    """
    forgotten = {"mfa", "rba"}
    aal = session.aal
    if kind is Kind.STEP_UP:
        forgotten, aal = {*forgotten, RECOVERED}, Aal.ONE
    kept = tuple(value for value in session.amr if value not in forgotten)
    return Proven("session", kept, aal, Category.KNOWLEDGE, session.auth_time, first=True)


def require_fresh(
    engine: Engine, view: View, session: Session, policy: Policy, now: Instant
) -> None:
    """Raise StepUpRequired unless the session's proof is strong and young enough (I6).

    With a second factor bound, that factor (or a recovery code) must be what was proved.
    """
    proved = is_proved(engine, view, session) or RECOVERED in session.amr
    if not proved or not fresh_enough(policy, session.auth_time, now):
        raise StepUpRequired(acr_values=ACR[reachable(engine, view)], max_age=policy.fresh)


def is_proved(engine: Engine, view: View, session: Session) -> bool:
    """Say whether a session proved as much as its subject can, however long ago."""
    methods = second.methods(engine, view)
    if methods and not any(m.factor.aal >= Aal.TWO for m in methods):
        # Only weaker second factors are bound: one of them must have been proved.
        return any(set(m.factor.amr) <= set(session.amr) for m in methods)
    return session.aal >= reachable(engine, view)


def reachable(engine: Engine, view: View) -> Aal:
    """Return the highest level the subject's factors reach."""
    strong = any(m.factor.aal >= Aal.TWO for m in second.methods(engine, view))
    return Aal.TWO if strong else Aal.ONE
