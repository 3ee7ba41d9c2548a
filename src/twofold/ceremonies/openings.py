"""How every login opens, whichever factor goes first."""

from __future__ import annotations

from twofold.ceremonies.engine import Engine
from twofold.core.ceremony import Ceremony, Kind, State
from twofold.core.policy import Requirement
from twofold.core.types import Context, Instant, SubjectId

NOBODY = SubjectId("0" * 32)
"""Whose decoy is judged when the subject is unknown, so that it costs the same (I8)."""


def opened(
    engine: Engine,
    context: Context,
    now: Instant,
    *,
    identifier: str,
    require: Requirement | None,
    purpose: str,
) -> Ceremony:
    """Return a new login, nothing proved; ``purpose`` comes back with what it grants."""
    return engine.begun(
        Kind.LOGIN,
        State.FIRST_FACTOR,
        context,
        now,
        life=engine.rules.policy.ceremony_life,
        require=require or Requirement(),
        identifier=identifier,
        purpose=purpose,
    )
