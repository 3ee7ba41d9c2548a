"""Fresh proof inside a session: step-up (RFC 9470), and the rule that says when it is due."""

from __future__ import annotations

from dataclasses import replace

from twofold.ceremonies import second
from twofold.ceremonies.engine import Engine
from twofold.ceremonies.outcomes import Pending
from twofold.core.ceremony import Ceremony, Kind, State
from twofold.core.errors import StepUpRequired
from twofold.core.policy import ACR, Policy, Proven, Requirement, fresh_enough
from twofold.core.types import SECOND, Aal, Category, Context, Instant, Session, View

RECOVERED = "rc"
"""In a session's amr: it was opened with a recovery code, to replace what was lost."""


async def begin(
    engine: Engine, session: Session, context: Context, require: Requirement | None = None
) -> Pending:
    """Start a step-up from a session; ends with a new session in the old one's place."""
    now = engine.clock.now()
    ceremony = await started(engine, session, context, now, Kind.STEP_UP)
    view = await engine.look(ceremony)
    policy = engine.policy(view.policy)
    wanted = require or Requirement(aal=Aal.ONE)
    if second.methods(engine, view):
        # Whoever has a second factor proves it again; the session alone is no proof (C14, V20).
        wanted = replace(wanted, aal=max(wanted.aal, _reachable(engine, view)))
        moved = replace(ceremony, state=State.SECOND_FACTOR, require=wanted)
    else:
        moved = replace(ceremony, state=State.FIRST_FACTOR, require=wanted, proofs=())
    ready = replace(moved, expires_at=Instant(now + policy.ceremony_life * SECOND))
    return second.pending(engine, ready, view, policy)


async def started(
    engine: Engine, session: Session, context: Context, now: Instant, kind: Kind
) -> Ceremony:
    """Return a ceremony that begins from a session and stands on what the session proved."""
    view = await engine.store.view(session.realm, session.subject)
    epoch = view.subject.epoch if view is not None else 0
    return Ceremony(
        jti=engine.draw(16).hex(),
        kind=kind,
        realm=session.realm,
        client=context.client,
        state=State.ENROL,
        started_at=now,
        expires_at=Instant(now + engine.rules.policy.ceremony_life * SECOND),
        subject=session.subject,
        epoch=epoch,
        proofs=(inherited(session),),
        binding=context.binding,
        transport=context.transport.value,
        session=session.id,
    )


def inherited(session: Session) -> Proven:
    """Return what a session still proves: who it was, at the moment it was proved."""
    kept = tuple(value for value in session.amr if value not in {"mfa", "rba"})
    return Proven("session", kept, session.aal, Category.KNOWLEDGE, session.auth_time, first=True)


def require_fresh(
    engine: Engine, view: View, session: Session, policy: Policy, now: Instant
) -> None:
    """Raise StepUpRequired unless the session's proof is strong and young enough (I6).

    With a second factor bound, that factor (or a recovery code) must be what was proved.
    """
    needed = _reachable(engine, view)
    proved = session.aal >= needed or RECOVERED in session.amr
    if needed is Aal.ONE and second.methods(engine, view):
        # Only weaker second factors are bound: one of them must have been proved.
        proved = len([value for value in session.amr if value not in {"mfa", "rba"}]) > 1
    if not proved or not fresh_enough(policy, session.auth_time, now):
        raise StepUpRequired(acr_values=ACR[needed], max_age=policy.fresh)


def _reachable(engine: Engine, view: View) -> Aal:
    strong = any(m.factor.aal >= Aal.TWO for m in second.methods(engine, view))
    return Aal.TWO if strong else Aal.ONE
