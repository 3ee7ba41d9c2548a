"""What administrators and the operator do with subjects: find, make, change, remove.

Who acts is ``by``: an administrator's subject id, or ``operator`` at the command line. Faces ask
``require_admin`` first; every act is recorded with who did it. An administrator can never be the
one who leaves a realm without any: whoever remains is part of the same commit.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator, Mapping
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Any

from twofold.ceremonies import sessions
from twofold.ceremonies.account import check_name, plain
from twofold.ceremonies.changes import changed, first_password, hashed, new_password_effects
from twofold.ceremonies.engine import Engine
from twofold.ceremonies.manage import FactorRow, RecoveryRow, factor_rows, recovery_row
from twofold.ceremonies.sessions import Bearer
from twofold.ceremonies.step_up import is_proved, reachable, require_fresh
from twofold.core import identifiers, languages
from twofold.core.effects import (
    CloseSessions,
    Effect,
    Forget,
    PutSubject,
    Record,
    RemoveSubject,
    Unchanged,
)
from twofold.core.errors import NotAllowed, NotFound, StepUpRequired
from twofold.core.policy import ACR
from twofold.core.throttle import NONE, of_kind, shut
from twofold.core.types import (
    Context,
    Instant,
    Realm,
    Session,
    Status,
    Subject,
    SubjectId,
    View,
)

OPERATOR = "operator"
"""Who acts at the command line, with the database in hand: no rule of ours could hold them."""

_PAGE = 500
"""Subjects read at once while another administrator is looked for."""


@dataclass(frozen=True, slots=True)
class Detail:
    """Everything an administrator sees of a subject; no secret."""

    subject: Subject
    factors: tuple[FactorRow, ...]
    recovery: RecoveryRow | None
    sessions: tuple[Session, ...]
    blocked: Mapping[str, Instant | None] = field(default_factory=dict)
    """Kinds whose guesses are refused, and until when; None until somebody unlocks."""


@dataclass(frozen=True, slots=True)
class SubjectChange:
    """What is to be changed; None leaves a field, an empty text clears it."""

    name: str | None = None
    email: str | None = None
    email_verified: bool | None = None
    phone: str | None = None
    phone_verified: bool | None = None
    groups: tuple[str, ...] | None = None
    admin: bool | None = None
    disabled: bool | None = None
    attributes: Mapping[str, object] | None = None
    locale: str | None = None


async def require_admin(engine: Engine, bearer: Bearer, context: Context, *, fresh: bool) -> None:
    """Raise NotAllowed for whoever is no administrator, StepUpRequired for too weak a proof.

    An administrator with a second factor has proved it; a recovery code is for getting back in,
    not for this. ``fresh`` asks for a proof of the last minutes as well.
    """
    now = engine.clock.now()
    view, session = await sessions.look(engine, bearer)
    policy = engine.policy(view.policy)
    if not view.subject.admin:
        await engine.commit(engine.record("access.refused", now, view.subject, context))
        raise NotAllowed
    if not is_proved(engine, view, session):
        raise StepUpRequired(acr_values=ACR[reachable(engine, view)], max_age=None)
    if fresh:
        require_fresh(engine, view, session, policy, now)


async def subjects(
    engine: Engine, realm: Realm, search: str = "", after: str = "", limit: int = 50
) -> tuple[Subject, ...]:
    """Return subjects in order of name beyond ``after``; ``search`` matches name and email."""
    found = await engine.store.subjects(realm, search=search, after=after, limit=limit)
    return tuple(found)


async def find(engine: Engine, realm: Realm, id_or_name: str, *, devices: bool = False) -> View:
    """Return the view of a subject by id, name, verified address or number; or NotFound."""
    view = await engine.store.view(realm, SubjectId(id_or_name), devices=devices)
    for identifier in identifiers.candidates(id_or_name):
        view = view or await engine.store.view(realm, identifier=identifier, devices=devices)
    if view is None:
        raise NotFound
    return view


async def subject(engine: Engine, realm: Realm, id_or_name: str) -> Detail:
    """Return everything about one subject; NotFound if there is none."""
    now = engine.clock.now()
    view = await find(engine, realm, id_or_name)
    policy = engine.policy(view.policy)
    kinds = {held.kind for held in view.authenticators}
    blocked = {
        kind: closed.until
        for kind in sorted(kinds)
        if (closed := shut(view.tallies.get(of_kind(kind), NONE), now, policy.guesses)) is not None
    }
    return Detail(
        subject=view.subject,
        factors=factor_rows(engine, view),
        recovery=recovery_row(engine, view),
        sessions=await sessions.alive(engine, view.subject),
        blocked=blocked,
    )


async def create_subject(  # noqa: PLR0913 - what a subject is made of, each by its keyword
    engine: Engine,
    context: Context,
    by: str,
    *,
    name: str,
    email: str | None = None,
    phone: str | None = None,
    password: str | None = None,
    admin: bool = False,
    groups: tuple[str, ...] = (),
    email_verified: bool = False,
    attributes: Mapping[str, object] | None = None,
    locale: str = "",
) -> Subject:
    """Make a subject; raises Malformed, WeakPassword, or Taken for a name or verified address."""
    now = engine.clock.now()
    wanted = SubjectChange(
        name=name,
        email=email,
        email_verified=email_verified,
        phone=phone,
        groups=groups,
        admin=admin,
        attributes=attributes,
        locale=locale,
    )
    blank = Subject(
        realm=context.realm, id=SubjectId(engine.draw(16).hex()), name=name, created_at=now
    )
    new = replace(blank, **_fields(blank, wanted))
    effects: list[Effect] = [PutSubject(new)]
    if password is not None:
        bound = await hashed(engine, new, password, now)
        effects.append(first_password(engine, new, bound, now))
    record = engine.record("subject.created", now, new, context, by=by, admin=admin)
    await engine.commit(*effects, record)
    return new


async def change_subject(
    engine: Engine, context: Context, by: str, subject: str, change: SubjectChange
) -> Subject:
    """Change a subject; raises NotFound, Malformed, Taken, or NotAllowed for the last admin.

    A disabled subject loses its sessions; a new address is not verified unless the change says
    so, and the old one is told (A63).
    """
    now = engine.clock.now()
    return await engine.settle(partial(_change, engine, context, by, subject, change, now))


async def _change(
    engine: Engine,
    context: Context,
    by: str,
    id_or_name: str,
    change: SubjectChange,
    now: Instant,
) -> Subject:
    old = (await find(engine, context.realm, id_or_name)).subject
    effect = changed(old, **_fields(old, change))
    new = effect.subject
    shut_out = new.status is not Status.ACTIVE
    guard: tuple[Effect, ...] = ()
    if shut_out or not new.admin:
        guard = await _another_admin(engine, by, old)
    ended = (CloseSessions(old.id), Forget(old.id)) if shut_out else ()
    moved = new.email != old.email
    mail = engine.letter(now, old, "address-changed", {"administrator": 1}) if moved else ()
    records = _records(engine, context, by, old, new, now)
    await engine.commit(*guard, effect, *ended, *mail, *records)
    return new


def _fields(old: Subject, change: SubjectChange) -> dict[str, Any]:
    """Return the fields of a subject that a change replaces, in their one spelling."""
    fields: dict[str, Any] = {
        key: value
        for key in ("email_verified", "phone_verified", "groups", "admin", "attributes")
        if (value := getattr(change, key)) is not None
    }
    if change.name is not None:
        check_name(change.name.strip())
        fields["name"] = change.name.strip()
    if change.locale is not None:
        fields["locale"] = languages.tag(change.locale)
    for key, read in (("email", identifiers.email), ("phone", identifiers.phone)):
        text = getattr(change, key)
        if text is None:
            continue
        fields[key] = plain(read(text)) if text else None
        if fields[key] != getattr(old, key):
            # A proof of the old address says nothing about the new one.
            fields.setdefault(f"{key}_verified", False)
        if fields[key] is None:
            fields[f"{key}_verified"] = False
    if change.disabled is not None:
        fields["status"] = Status.DISABLED if change.disabled else Status.ACTIVE
    return fields


def _records(
    engine: Engine, context: Context, by: str, old: Subject, new: Subject, now: Instant
) -> Iterator[Record]:
    if new.status is not old.status:
        event = "subject.enabled" if new.status is Status.ACTIVE else "subject.disabled"
        yield engine.record(event, now, new, context, by=by)
    names = (
        "name", "email", "email_verified", "phone", "phone_verified", "groups", "admin",
        "attributes", "locale",
    )  # fmt: skip
    differing = [name for name in names if getattr(new, name) != getattr(old, name)]
    if differing or new.status is old.status:
        yield engine.record("subject.changed", now, new, context, by=by, fields=differing)


async def _another_admin(engine: Engine, by: str, target: Subject) -> tuple[Effect, ...]:
    """Return what makes a commit depend on an administrator who remains.

    NotAllowed if there is none. Two administrators who shut each other out at the same moment
    are stopped by it as well: the second commit finds its witness changed.
    """
    if by == OPERATOR or not target.admin or target.status is not Status.ACTIVE:
        return ()
    async for other in _admins(engine, by, target):
        if other.id != target.id and other.admin and other.status is Status.ACTIVE:
            return (Unchanged(other.id, other.epoch),)
    raise NotAllowed("This is the last administrator.")


async def _admins(engine: Engine, by: str, target: Subject) -> AsyncIterator[Subject]:
    view = await engine.store.view(target.realm, SubjectId(by))
    if view is not None:
        yield view.subject
    after = ""
    while page := await subjects(engine, target.realm, "", after, _PAGE):
        for other in page:
            yield other
        after = page[-1].name


async def remove_subject(engine: Engine, context: Context, by: str, subject: str) -> Subject:
    """Delete a subject with all but its records; NotFound, or NotAllowed for the last admin."""
    now = engine.clock.now()

    async def attempt() -> Subject:
        old = (await find(engine, context.realm, subject)).subject
        guard = await _another_admin(engine, by, old)
        record = engine.record("subject.deleted", now, old, context, by=by)
        # After the removal, which empties the outbox of all that waited for this subject.
        told = engine.letter(now, old, "account-deleted", {"administrator": 1})
        await engine.commit(*guard, RemoveSubject(old.id), *told, record)
        return old

    return await engine.settle(attempt)


async def set_password(
    engine: Engine, context: Context, by: str, subject: str, password: str
) -> None:
    """Give a subject another password and end its sessions; NotFound or WeakPassword."""
    now = engine.clock.now()
    known = (await find(engine, context.realm, subject)).subject
    bound = await hashed(engine, known, password, now)

    async def attempt() -> None:
        view = await find(engine, context.realm, known.id)
        await engine.commit(
            changed(view.subject),
            *new_password_effects(engine, view, bound, now),
            CloseSessions(known.id),
            engine.record("subject.password.set", now, view.subject, context, by=by),
            *engine.letter(now, view.subject, "password-changed", {"administrator": 1}),
        )

    await engine.settle(attempt)
