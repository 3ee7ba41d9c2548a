"""The second step of clients that know one only: whatever the password step has left to prove."""

from __future__ import annotations

from twofold.ceremonies import adopt, prove, wishes
from twofold.ceremonies.engine import Engine
from twofold.ceremonies.outcomes import Granted, Outcome
from twofold.core.ceremony import State
from twofold.core.policy import WISH
from twofold.core.types import Context
from twofold.factors import Answer


async def finish(engine: Engine, ticket: str, answer: Answer, context: Context) -> Outcome:
    """Confirm the factor that the login showed, or prove the one that is bound.

    Raises what ``prove.prove`` does.
    """
    now = engine.clock.now()
    ceremony = engine.ceremony(ticket, context, now)
    if ceremony.state is State.CONFIRM and ceremony.draft is None:
        return await adopt.confirm(engine, ceremony, answer, context, now)
    outcome = await prove.prove(engine, ticket, answer, context)
    if isinstance(outcome, Granted) and WISH in outcome.subject.attributes:
        # Whoever takes two steps where they are demanded goes on doing so where they are not.
        subject = outcome.subject.id
        await wishes.switch(engine, context, subject, subject, on=True)
    return outcome
