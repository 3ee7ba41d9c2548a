"""A new set of recovery codes: the old one is dead in the same commit (A11, A75)."""

from __future__ import annotations

from functools import partial

from twofold.ceremonies import second, sessions
from twofold.ceremonies.changes import ending, rebound
from twofold.ceremonies.engine import Engine
from twofold.ceremonies.enrol import recovery_set
from twofold.ceremonies.manage import forgetting, recovery_of
from twofold.ceremonies.outcomes import Done
from twofold.ceremonies.sessions import Bearer
from twofold.ceremonies.step_up import require_fresh
from twofold.core.effects import Unbind
from twofold.core.errors import NotEnrolled
from twofold.core.policy import Closing
from twofold.core.types import Context, Instant


async def renew(engine: Engine, bearer: Bearer, context: Context) -> Done:
    """Make a new set of recovery codes, shown in this outcome only.

    Raises StepUpRequired, and NotEnrolled for a subject without a second factor to recover.
    """
    now = engine.clock.now()
    return await engine.settle(partial(_renew, engine, bearer, context, now))


async def _renew(engine: Engine, bearer: Bearer, context: Context, now: Instant) -> Done:
    view, session = await sessions.look(engine, bearer)
    policy, subject = engine.policy(view.policy), view.subject
    require_fresh(engine, view, session, policy, now)
    if not second.methods(engine, view):
        raise NotEnrolled
    old = recovery_of(engine, view)
    made, codes = await recovery_set(engine, subject, engine.draw(), now)
    told = {"count": len(codes), **sessions.seen_from(context)}
    await engine.commit(
        *rebound(subject),
        *((Unbind(subject.id, old.id),) if old is not None else ()),
        *made,
        *forgetting(view, engine.recovery.kind),
        *ending(policy, subject.id, session.id),
        engine.record(
            "recovery.renewed", now, subject, context, count=len(codes), session=session.id
        ),
        *engine.letter(now, subject, "recovery-renewed", told),
    )
    facts = {"recovery_codes": codes, "remaining": len(codes), "generated_at": now}
    return Done(facts, closes_session=policy.closing is Closing.ALL)
