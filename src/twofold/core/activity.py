"""What the owner of an account may read of its records: what happened, when, from where.

Records are written for the operator. An owner sees those that concern the account, without the
facts that are about somebody else: where an administrator sat, which address a stranger had
typed, which server of an application asked (A79, A85).
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, Final

from twofold.core.effects import Record
from twofold.core.types import Instant

SHOWN: Final = frozenset(
    {
        "login.granted",
        "login.password.accepted",
        "login.password.refused",
        "login.code.refused",
        "login.code.replayed",
        "login.blocked",
        "login.passkey.replayed",
        "login.refused",
        "stepup.granted",
        "stepup.password.refused",
        "stepup.code.refused",
        "stepup.code.replayed",
        "stepup.blocked",
        "verify.accepted",
        "verify.refused",
        "verify.blocked",
        "enrol.confirmed",
        "enrol.declined",
        "factor.imported",
        "factor.removed",
        "factor.renamed",
        "factor.preferred",
        "factor.closed",
        "factor.reset",
        "recovery.used",
        "recovery.refused",
        "recovery.renewed",
        "factor.counter.regressed",
        "device.remembered",
        "device.forgotten",
        "device.forgotten.all",
        "device.theft",
        "session.theft",
        "session.closed",
        "session.closed.all",
        "account.registered",
        "account.registered.again",
        "account.verified",
        "account.changed",
        "account.address.asked",
        "account.address.changed",
        "account.exported",
        "account.password.changed",
        "account.password.refused",
        "account.password.reset.asked",
        "account.password.reset",
        "subject.created",
        "subject.changed",
        "subject.disabled",
        "subject.enabled",
        "subject.password.set",
        "guess.unlocked",
    }
)
"""The events that an owner is told of; the rest is of use to the operator alone."""

_FINISHED: Final = frozenset({"login.granted", "enrol.confirmed", "enrol.declined"})
_ELSEWHERE: Final = frozenset({"account.registered.again"})
"""Done by a stranger who may have mistyped; where the stranger sat is nobody's business."""


@dataclass(frozen=True, slots=True)
class Activity:
    """One thing that happened to an account, as its owner may read it."""

    id: str
    at: Instant
    event: str
    address: str = ""
    agent: str = ""
    client: str = ""
    """The application it came through."""
    method: str = ""
    amr: tuple[str, ...] = ()
    reasons: tuple[str, ...] = ()
    """Why no more was asked for: ``trusted-network``, ``second-factor-proved``, ..."""
    left: int | None = None
    """Recovery codes that were left."""
    by: str = ""
    """``administrator`` where it was not the owner; nothing says which one."""


def told(records: Iterable[Record]) -> tuple[Activity, ...]:
    """Return what an owner may read of records that come newest first.

    The right password of a sign-in that was finished is not told of: the sign-in is. One that
    was not finished means that somebody else may know the password.
    """
    finished: set[str] = set()
    found: list[Activity] = []
    for record in records:
        body: dict[str, Any] = json.loads(record.body)
        ceremony = str(body.get("ceremony", ""))
        if ceremony and record.event in _FINISHED:
            finished.add(ceremony)
        begun = record.event == "login.password.accepted" and ceremony in finished
        if record.event in SHOWN and not begun:
            found.append(_told(record, body))
    return tuple(found)


def _told(record: Record, body: dict[str, Any]) -> Activity:
    by = "administrator" if body.get("by") else ""
    application = record.event.startswith("verify.")
    hidden = bool(by) or application or record.event in _ELSEWHERE
    return Activity(
        id=record.id,
        at=record.at,
        event=record.event,
        address="" if hidden else str(body.get("address", "")),
        agent="" if hidden else str(body.get("agent", "")),
        client=str(body.get("client", "")),
        method=str(body.get("method", "")),
        amr=tuple(body.get("amr", ())),
        reasons=tuple(body.get("reasons", ())),
        left=body.get("left"),
        by=by,
    )
