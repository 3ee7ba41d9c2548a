"""What owners see of their own account: all on one page, what happened, and a copy to keep."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

from twofold.ceremonies import devices, second, sessions
from twofold.ceremonies.devices import DeviceRow
from twofold.ceremonies.engine import Engine
from twofold.ceremonies.manage import (
    FactorRow,
    RecoveryRow,
    factor_rows,
    is_demanded,
    recovery_row,
)
from twofold.ceremonies.sessions import Bearer, is_alive
from twofold.ceremonies.step_up import require_fresh
from twofold.core.activity import Activity, told
from twofold.core.errors import StepUpRequired
from twofold.core.policy import Closing, Policy
from twofold.core.types import SECOND, Context, Instant, Session, Subject, View

READ = 200
"""Records that are looked through for what an owner is shown."""

MOST = 100
"""Things that happened, in one answer at most."""

SHOWN = 20
"""Things that happened, beside everything else."""

KEPT = 10_000
"""Records in a copy of the account at most; the newest."""


@dataclass(frozen=True, slots=True)
class Standing:
    """What protects an account, as one read shows it; no secret."""

    subject: Subject
    session: Session
    factors: tuple[FactorRow, ...]
    recovery: RecoveryRow | None
    demanded: bool
    """Whether policy demands a second factor, so that the last one must stay."""
    closing: Closing
    """Which sessions end when the factors change."""
    deletable: bool
    """Whether policy lets this owner delete the account."""


@dataclass(frozen=True, slots=True)
class Overview(Standing):
    """Everything an owner sees at once."""

    sessions: tuple[Session, ...]
    browsers: tuple[DeviceRow, ...]
    activity: tuple[Activity, ...]
    recovered: bool
    """Whether a recovery code was used and nothing has taken the lost factor's place yet."""
    unused: tuple[FactorRow, ...]
    """Factors that were set up a while ago and never used since."""


async def standing(engine: Engine, bearer: Bearer) -> Standing:
    """Return what protects the bearer's account; InvalidToken if the session has ended."""
    return Standing(**_standing(engine, *await sessions.look(engine, bearer)))


def _standing(engine: Engine, view: View, session: Session) -> dict[str, Any]:
    policy = engine.policy(view.policy)
    return {
        "subject": view.subject,
        "session": session,
        "factors": factor_rows(engine, view),
        "recovery": recovery_row(engine, view),
        "demanded": is_demanded(policy, view, session),
        "closing": policy.closing,
        "deletable": may_delete(policy, view.subject),
    }


async def overview(engine: Engine, bearer: Bearer, context: Context) -> Overview:
    """Return what the bearer sees of the account; InvalidToken if the session has ended."""
    view, session = await sessions.look(engine, bearer, devices=True)
    found = await _overview(engine, view, session, context, READ)
    return replace(found, activity=found.activity[:SHOWN])


async def _overview(
    engine: Engine, view: View, session: Session, context: Context, limit: int
) -> Overview:
    now, policy, subject = engine.clock.now(), engine.policy(view.policy), view.subject
    kept = _standing(engine, view, session)
    open_ones = await engine.store.sessions(subject.realm, subject.id)
    happened = await _told(engine, subject, limit)
    return Overview(
        **kept,
        sessions=tuple(one for one in open_ones if is_alive(one, now)),
        browsers=devices.rows(engine, view, context, now),
        activity=happened,
        recovered=_is_lost(kept["factors"], happened),
        unused=_untried(kept["factors"], policy, now),
    )


def may_delete(policy: Policy, subject: Subject) -> bool:
    """Say whether policy lets an owner delete the account; administrators ask another one."""
    return policy.deletion and not subject.admin


def _is_lost(rows: tuple[FactorRow, ...], happened: tuple[Activity, ...]) -> bool:
    """Say whether a factor that a recovery code stood in for was not replaced or found since."""
    used = next((one.at for one in happened if one.event == "recovery.used"), None)
    return used is not None and not any(
        max(row.created_at, row.used_at or Instant(0)) > used for row in rows
    )


def _untried(rows: tuple[FactorRow, ...], policy: Policy, now: Instant) -> tuple[FactorRow, ...]:
    """Return what nobody can be sure of any more that it works."""
    since = now - policy.unused * SECOND
    untried = (row for row in rows if row.used_at is None and row.created_at <= since)
    return tuple(untried) if policy.unused else ()


async def _told(engine: Engine, subject: Subject, limit: int) -> tuple[Activity, ...]:
    found = await engine.store.records(subject.realm, subject=subject.id, limit=limit, newest=True)
    return told(entry.record for entry in found)


async def activity(engine: Engine, bearer: Bearer, limit: int) -> tuple[Activity, ...]:
    """Return what happened to the bearer's account lately, newest first."""
    view, _ = await sessions.look(engine, bearer)
    return (await _told(engine, view.subject, READ))[:limit]


async def missing(
    engine: Engine, bearer: Bearer, *, password: bool = False
) -> StepUpRequired | None:
    """Return what must be proved before the bearer may change what protects the account.

    Whoever has nothing but a password changes it without: typing it is the freshest proof.
    """
    view, session = await sessions.look(engine, bearer)
    if password and not second.methods(engine, view):
        return None
    try:
        require_fresh(engine, view, session, engine.policy(view.policy), engine.clock.now())
    except StepUpRequired as error:
        return error
    return None


async def export(engine: Engine, bearer: Bearer, context: Context) -> Overview:
    """Return all that is kept of the account for its owner to keep; StepUpRequired.

    It is recorded: whoever takes a copy with a stolen session leaves a trace.
    """
    now = engine.clock.now()
    view, session = await sessions.look(engine, bearer, devices=True)
    require_fresh(engine, view, session, engine.policy(view.policy), now)
    await engine.commit(engine.record("account.exported", now, view.subject, context))
    return await _overview(engine, view, session, context, KEPT)
