"""Remembered browsers, for their owners and administrators: remember this one, see, forget.

Asked for after a login, on its session, so that no login is ever held up by the question. It
needs a second factor that was proved just now: a recovery code is for getting back in, and what
a trusted network or a remembered browser spared was not proved.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field, replace
from functools import partial

from twofold.ceremonies import second, sessions
from twofold.ceremonies.admin import find
from twofold.ceremonies.engine import Engine
from twofold.ceremonies.sessions import Bearer
from twofold.ceremonies.step_up import RECOVERED, is_proved, require_fresh
from twofold.core import browsers
from twofold.core.browsers import Mark
from twofold.core.effects import Effect, Forget, Remember, Unchanged
from twofold.core.errors import NotAllowed, NotEnrolled, NotFound, NotPossible
from twofold.core.policy import DAY, Policy, remembered_until
from twofold.core.types import (
    SECOND,
    Context,
    Device,
    DeviceId,
    Instant,
    Realm,
    Session,
    Subject,
    View,
)

MOST = 20
"""Browsers one subject may have remembered; the one that was used longest ago makes room."""


@dataclass(frozen=True, slots=True)
class DeviceRow:
    """A remembered browser as its owner and administrators see it."""

    id: str
    label: str
    address: str
    created_at: Instant
    seen_at: Instant
    trusted_until: Instant
    current: bool = False
    """Whether it is the one that asks."""


@dataclass(frozen=True, slots=True)
class Listed:
    """The remembered browsers of a subject, newest first."""

    rows: tuple[DeviceRow, ...]
    offered: int
    """For how many days the browser that asks may be remembered now; 0 for not or already."""


@dataclass(frozen=True, slots=True)
class Remembered:
    """A browser that is remembered now, and what it carries on from now on."""

    row: DeviceRow
    device: str = field(repr=False)


async def remember(engine: Engine, bearer: Bearer, context: Context) -> Remembered:
    """Remember the browser that asks, for the bearer's subject alone.

    Raises NotAllowed where policy remembers nobody like this, or for a session that a recovery
    code opened; NotEnrolled without a second factor, StepUpRequired without a fresh proof of it,
    NotPossible where a face has no place for the token. The owner is told: it makes logins
    weaker for a while.
    """
    now = engine.clock.now()
    if context.device is None:
        raise NotPossible
    return await engine.settle(partial(_remember, engine, bearer, context, now))


async def _remember(engine: Engine, bearer: Bearer, context: Context, now: Instant) -> Remembered:
    view, session = await sessions.look(engine, bearer, devices=True)
    policy, subject = engine.policy(view.policy), view.subject
    days = policy.remembers(subject)
    if not days or RECOVERED in session.amr:
        raise NotAllowed
    if not second.methods(engine, view):
        raise NotEnrolled
    require_fresh(engine, view, session, policy, now)
    id = _id_of(session)
    there = next((row for row in view.devices if row.id == id), None)
    if there is not None:
        # Asked twice at once, or again because the answer was lost: one session, one browser.
        return _carrying(engine, subject, there, context)
    new = Device(
        realm=subject.realm,
        subject=subject.id,
        id=id,
        created_at=now,
        seen_at=now,
        trusted_until=Instant(now + days * DAY * SECOND),
        generation=now // SECOND,
        label=context.agent,
        address=context.address,
    )
    told = {"days": days, **sessions.seen_from(context)}
    await engine.commit(
        Unchanged(subject.id, subject.epoch),
        *_making_room(engine, view, context),
        Remember(new),
        engine.record("device.remembered", now, subject, context, device=id, days=days),
        *engine.letter(now, subject, "browser-remembered", told),
    )
    return _carrying(engine, subject, new, context)


def _id_of(session: Session) -> DeviceId:
    digest = hashlib.sha256(b"twofold device\0" + bytes.fromhex(session.id)).digest()
    return DeviceId(digest[:16].hex())


def _making_room(engine: Engine, view: View, context: Context) -> tuple[Effect, ...]:
    """Return what forgets the row this very browser had before, and those beyond the limit."""
    ours = {mark.device for mark in _marks(engine, view.subject, context)}
    gone = [row for row in view.devices if row.id in ours]
    left = sorted((row for row in view.devices if row not in gone), key=lambda row: row.seen_at)
    gone += left[: max(0, len(left) + 1 - MOST)]
    return tuple(Forget(row.subject, only=row.id) for row in gone)


def _marks(engine: Engine, subject: Subject, context: Context) -> tuple[Mark, ...]:
    shown = browsers.read(engine.ring(), context.realm, context.device or "")
    return tuple(m for m in shown if m.kind == "device" and m.subject == subject.id)


def _carrying(engine: Engine, subject: Subject, device: Device, context: Context) -> Remembered:
    ring = engine.ring()
    marks = browsers.read(ring, context.realm, context.device or "")
    token = browsers.token(ring, device)
    text = browsers.write(ring, subject, subject.epoch, token, marks)
    return Remembered(replace(_row(device), current=True), text)


def _proved(engine: Engine, view: View, session: Session) -> bool:
    factors = second.methods(engine, view)
    return bool(factors) and is_proved(engine, view, session) and RECOVERED not in session.amr


def _row(device: Device) -> DeviceRow:
    return DeviceRow(
        device.id,
        device.label,
        device.address,
        device.created_at,
        device.seen_at,
        device.trusted_until,
    )


def _alive(view: View, policy: Policy, now: Instant) -> tuple[Device, ...]:
    """Return the browsers that are remembered by the policy of today, newest first."""
    return tuple(
        replace(row, trusted_until=until)
        for row in view.devices
        if (until := remembered_until(policy, view.subject, row)) > now
    )


async def listed(engine: Engine, bearer: Bearer, context: Context) -> Listed:
    """Return the bearer's remembered browsers, and whether this one may become one of them.

    What a page needs to ask the question of E18 after a login.
    """
    view, session = await sessions.look(engine, bearer, devices=True)
    found = rows(engine, view, context, engine.clock.now())
    askable = context.device is not None and _proved(engine, view, session)
    if not askable or any(row.current for row in found):
        return Listed(found, 0)
    return Listed(found, engine.policy(view.policy).remembers(view.subject))


def rows(engine: Engine, view: View, context: Context, now: Instant) -> tuple[DeviceRow, ...]:
    """Return the remembered browsers of a view, newest first; the one that asks is marked."""
    ours = {mark.device for mark in _marks(engine, view.subject, context)}
    alive = _alive(view, engine.policy(view.policy), now)
    return tuple(replace(_row(row), current=row.id in ours) for row in alive)


async def forget(engine: Engine, bearer: Bearer, id: str, context: Context) -> None:
    """Forget one of the bearer's browsers; NotFound for any other (A71).

    No proof is asked for: it makes the account safer.
    """
    view, _ = await sessions.look(engine, bearer, devices=True)
    await _forget(engine, view, context, "", id)


async def forget_all(engine: Engine, bearer: Bearer, context: Context) -> None:
    """Forget all browsers of the bearer."""
    view, _ = await sessions.look(engine, bearer)
    await _forget(engine, view, context, "", None)


async def of_subject(engine: Engine, realm: Realm, subject: str) -> tuple[DeviceRow, ...]:
    """Return the remembered browsers of a subject, newest first; NotFound if there is none."""
    now = engine.clock.now()
    view = await find(engine, realm, subject, devices=True)
    return tuple(map(_row, _alive(view, engine.policy(view.policy), now)))


async def forget_of(
    engine: Engine, context: Context, by: str, subject: str, id: str | None = None
) -> None:
    """Forget one browser of a subject, or all of them; NotFound if there is no such one."""
    view = await find(engine, context.realm, subject, devices=True)
    await _forget(engine, view, context, by, id)


async def _forget(engine: Engine, view: View, context: Context, by: str, id: str | None) -> None:
    now, subject = engine.clock.now(), view.subject
    if id is None:
        record = engine.record("device.forgotten.all", now, subject, context, by=by)
        await engine.commit(Forget(subject.id), record)
        return
    row = next((row for row in view.devices if row.id == id), None)
    if row is None:
        raise NotFound
    record = engine.record("device.forgotten", now, subject, context, by=by, device=row.id)
    await engine.commit(Forget(subject.id, only=row.id), record)
