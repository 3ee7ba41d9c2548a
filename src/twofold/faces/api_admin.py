"""``/admin/v1/users``: what administrators see of subjects, and do with them; never a secret.

Reading needs an administrator's session. Every change needs a fresh proof besides, so that a
stolen session of an administrator changes nothing (RFC 9470).
"""

from __future__ import annotations

from msgspec import Struct, UnsetType

from twofold.ceremonies import admin
from twofold.ceremonies.admin import Detail, SubjectChange
from twofold.ceremonies.engine import Engine
from twofold.core import errors
from twofold.core.types import SECOND, Status, Subject
from twofold.faces import Front, shapes_admin
from twofold.faces.api_factors import Factor, RecoveryCodes, factor_shape, recovery_shape
from twofold.faces.api_session import SessionRow, session_row
from twofold.faces.transport import Entrance, Signed
from twofold.web.kit import Auth, Request, Response, Route, Taking
from twofold.web.response import empty, json

TAG = "Administration"
READING = (errors.StepUpRequired, errors.NotAllowed)


class User(Struct, frozen=True):
    """A subject as administrators see it."""

    id: str
    name: str
    email: str | None
    email_verified: bool
    phone: str | None
    phone_verified: bool
    groups: tuple[str, ...]
    admin: bool
    status: str
    created_at: int
    locale: str
    """The language messages are written in; empty for the server's own."""


class UserDetail(Struct, frozen=True):
    """A subject with what hangs on it."""

    user: User
    factors: tuple[Factor, ...]
    recovery_codes: RecoveryCodes
    sessions: tuple[SessionRow, ...]
    blocked: dict[str, int | None]
    """Kinds of factor that are blocked, until when; null until an administrator unlocks."""


class UserList(Struct, frozen=True):
    """Users in order of name; ``next`` is the ``after`` of the next page."""

    users: tuple[User, ...]
    next: str | None


async def administrator(
    engine: Engine, entrance: Entrance, request: Request, *, fresh: bool = False
) -> Signed:
    """Who asks, if it is an administrator who proved enough; ``fresh`` for whatever changes."""
    signed = await entrance.signed(request)
    await admin.require_admin(engine, signed.bearer, signed.context, fresh=fresh)
    return signed


def user_shape(subject: Subject) -> User:
    """A subject without anything secret."""
    return User(
        id=subject.id,
        name=subject.name,
        email=subject.email,
        email_verified=subject.email_verified,
        phone=subject.phone,
        phone_verified=subject.phone_verified,
        groups=subject.groups,
        admin=subject.admin,
        status="active" if subject.status is Status.ACTIVE else "disabled",
        created_at=subject.created_at // SECOND,
        locale=subject.locale,
    )


def detail_shape(detail: Detail) -> UserDetail:
    """A subject and what hangs on it."""
    return UserDetail(
        user=user_shape(detail.subject),
        factors=tuple(map(factor_shape, detail.factors)),
        recovery_codes=recovery_shape(detail.recovery),
        sessions=tuple(session_row(session, "") for session in detail.sessions),
        blocked={
            kind: None if until is None else -(-until // SECOND)
            for kind, until in detail.blocked.items()
        },
    )


class UserApi:
    """Users, made and changed by administrators."""

    __slots__ = ("_engine", "_entrance", "_realm")

    def __init__(self, front: Front, entrance: Entrance) -> None:
        self._engine = front.engine
        self._realm = front.realm
        self._entrance = entrance

    async def listed(self, request: Request) -> Response:
        """List or search users."""
        await administrator(self._engine, self._entrance, request)
        query = request.arguments(shapes_admin.UserQuery)
        found = await admin.subjects(
            self._engine, self._realm, query.search, query.after, query.limit
        )
        full = len(found) == query.limit
        return json(UserList(tuple(map(user_shape, found)), found[-1].name if full else None))

    async def create(self, request: Request, body: shapes_admin.NewUser) -> Response:
        """Make a user."""
        signed = await administrator(self._engine, self._entrance, request, fresh=True)
        made = await admin.create_subject(
            self._engine,
            signed.context,
            signed.bearer.subject.id,
            name=body.name,
            email=_text(body.email),
            phone=_text(body.phone),
            password=_text(body.password),
            admin=body.admin,
            groups=body.groups,
            email_verified=body.email_verified,
            locale=body.locale,
        )
        return json(user_shape(made), status=201)

    async def read(self, request: Request) -> Response:
        """Show a user."""
        await administrator(self._engine, self._entrance, request)
        return json(
            detail_shape(await admin.subject(self._engine, self._realm, request.params["id"]))
        )

    async def change(self, request: Request, body: shapes_admin.UserChange) -> Response:
        """Change a user."""
        signed = await administrator(self._engine, self._entrance, request, fresh=True)
        change = SubjectChange(
            name=_text(body.name),
            email=_text(body.email),
            email_verified=_truth(body.email_verified),
            phone=_text(body.phone),
            phone_verified=_truth(body.phone_verified),
            groups=None if isinstance(body.groups, UnsetType) else body.groups,
            admin=_truth(body.admin),
            disabled=None if isinstance(body.status, UnsetType) else body.status == "disabled",
            locale=_text(body.locale),
        )
        by = signed.bearer.subject.id
        changed = await admin.change_subject(
            self._engine, signed.context, by, request.params["id"], change
        )
        return json(user_shape(changed))

    async def remove(self, request: Request) -> Response:
        """Delete a user; what is on record about it stays."""
        signed = await administrator(self._engine, self._entrance, request, fresh=True)
        by = signed.bearer.subject.id
        await admin.remove_subject(self._engine, signed.context, by, request.params["id"])
        return empty()

    async def set_password(self, request: Request, body: shapes_admin.NewPassword) -> Response:
        """Give a user another password and end its sessions."""
        signed = await administrator(self._engine, self._entrance, request, fresh=True)
        by = signed.bearer.subject.id
        await admin.set_password(
            self._engine, signed.context, by, request.params["id"], body.password
        )
        return empty()

    def routes(self) -> tuple[Route, ...]:
        """The route table."""
        one = "/admin/v1/users/{id}"
        made = (errors.Taken, errors.WeakPassword, errors.Overloaded)
        return (
            Route(
                "GET", "/admin/v1/users", self.listed, "List users", TAG, Auth.ADMIN,
                {200: UserList}, READING, shapes_admin.UserQuery,
            ),
            Route(
                "POST", "/admin/v1/users", Taking(shapes_admin.NewUser, self.create),
                "Make a user", TAG, Auth.ADMIN, {201: User}, (*READING, *made),
            ),
            Route("GET", one, self.read, "Show a user", TAG, Auth.ADMIN,
                  {200: UserDetail}, READING),
            Route(
                "PATCH", one, Taking(shapes_admin.UserChange, self.change), "Change a user", TAG,
                Auth.ADMIN, {200: User}, (*READING, errors.Taken),
            ),
            Route("DELETE", one, self.remove, "Delete a user", TAG, Auth.ADMIN, {204: None},
                  READING),
            Route(
                "PUT", f"{one}/password", Taking(shapes_admin.NewPassword, self.set_password),
                "Set a password", TAG, Auth.ADMIN, {204: None},
                (*READING, errors.WeakPassword, errors.Overloaded),
            ),
        )  # fmt: skip


def _text(value: str | UnsetType) -> str | None:
    return None if isinstance(value, UnsetType) else value


def _truth(value: bool | UnsetType) -> bool | None:  # noqa: FBT001 -- a field on its way
    return None if isinstance(value, UnsetType) else value
