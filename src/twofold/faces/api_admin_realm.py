"""``/admin/v1/events``, ``policy``, ``clients``: what concerns a realm as a whole."""

from __future__ import annotations

from typing import Any

import msgspec
from msgspec import Struct, UnsetType

from twofold.ceremonies import admin_realm, clients
from twofold.core import errors, policy_document
from twofold.core.policy import Policy
from twofold.core.types import SECOND
from twofold.faces import Front, shapes_admin
from twofold.faces.api_admin import READING, TAG, administrator
from twofold.faces.transport import Entrance, Perhaps
from twofold.web.kit import Auth, Request, Response, Route, Taking
from twofold.web.response import empty, json


class Event(Struct, frozen=True):
    """An audit record; ``at`` in seconds since 1970, UTC, ``facts`` without secrets."""

    position: int
    id: str
    at: float
    event: str
    subject: str | None
    facts: dict[str, Any]


class EventList(Struct, frozen=True):
    """Records; ``next`` is the ``after`` of the next page."""

    events: tuple[Event, ...]
    next: int | None


class PolicyView(Struct, frozen=True):
    """The policy in force, and the version to name when changing it; 0: only the settings."""

    version: int
    policy: dict[str, Any]


class ClientView(Struct, frozen=True):
    """An application."""

    id: str
    name: str


class ClientList(Struct, frozen=True):
    """Applications, by id."""

    clients: tuple[ClientView, ...]


class ClientSecret(Struct, frozen=True):
    """A secret that is shown in this answer and never again."""

    id: str
    secret: str


class RealmApi:
    """Records, policy, applications."""

    __slots__ = ("_engine", "_entrance", "_realm")

    def __init__(self, front: Front, entrance: Entrance) -> None:
        self._engine = front.engine
        self._realm = front.realm
        self._entrance = entrance

    async def events(self, request: Request) -> Response:
        """List audit records."""
        await administrator(self._engine, self._entrance, request)
        query = request.arguments(shapes_admin.EventQuery)
        found = await admin_realm.events(
            self._engine,
            self._realm,
            None if isinstance(query.subject, UnsetType) else query.subject,
            query.after,
            query.limit,
            newest=query.newest,
        )
        rows = tuple(
            Event(
                entry.position,
                entry.record.id,
                entry.record.at / SECOND,
                entry.record.event,
                entry.record.subject,
                msgspec.json.decode(entry.record.body),
            )
            for entry in found
        )
        more = len(rows) == query.limit and not query.newest
        return json(EventList(rows, rows[-1].position if more else None))

    async def policy(self, request: Request) -> Response:
        """Show the policy in force."""
        await administrator(self._engine, self._entrance, request)
        return json(_policy(*await admin_realm.policy(self._engine, self._realm)))

    async def put_policy(self, request: Request, body: shapes_admin.PolicyChange) -> Response:
        """Replace what the realm says beyond the settings."""
        signed = await administrator(self._engine, self._entrance, request, fresh=True)
        by = signed.bearer.subject.id
        made = await admin_realm.put_policy(
            self._engine, signed.context, by, body.policy, body.version
        )
        return json(_policy(*made))

    async def clients(self, request: Request) -> Response:
        """List applications."""
        await administrator(self._engine, self._entrance, request)
        found = await clients.clients(self._engine, self._realm)
        return json(ClientList(tuple(ClientView(known.id, known.name) for known in found)))

    async def add_client(self, request: Request, body: shapes_admin.NewClient) -> Response:
        """Make an application and its first secret."""
        signed = await administrator(self._engine, self._entrance, request, fresh=True)
        by = signed.bearer.subject.id
        if any(known.id == body.id for known in await clients.clients(self._engine, self._realm)):
            raise errors.Taken
        made, secret = await clients.put_client(
            self._engine, signed.context, by, id=body.id, name=body.name
        )
        return json(ClientSecret(made.id, secret or ""), status=201)

    async def name_client(self, request: Request, body: shapes_admin.ClientName) -> Response:
        """Give an application another name."""
        signed = await administrator(self._engine, self._entrance, request, fresh=True)
        named = request.params["id"]
        known = await clients.clients(self._engine, self._realm)
        if all(client.id != named for client in known):
            raise errors.NotFound
        by = signed.bearer.subject.id
        made, _ = await clients.put_client(
            self._engine, signed.context, by, id=named, name=body.name
        )
        return json(ClientView(made.id, made.name))

    async def remove_client(self, request: Request) -> Response:
        """Forget an application."""
        signed = await administrator(self._engine, self._entrance, request, fresh=True)
        by = signed.bearer.subject.id
        await clients.remove_client(self._engine, signed.context, by, request.params["id"])
        return empty()

    async def rotate(self, request: Request, _: shapes_admin.Nothing) -> Response:
        """Make another secret; the one before it stays good until the next time."""
        signed = await administrator(self._engine, self._entrance, request, fresh=True)
        by, named = signed.bearer.subject.id, request.params["id"]
        secret = await clients.rotate_client_secret(self._engine, signed.context, by, named)
        return json(ClientSecret(named, secret), status=201)

    def routes(self) -> tuple[Route, ...]:
        """The route table."""
        one = "/admin/v1/clients/{id}"
        return (
            Route("GET", "/admin/v1/events", self.events, "List audit records", TAG, Auth.ADMIN,
                  {200: EventList}, READING, shapes_admin.EventQuery),
            Route("GET", "/admin/v1/policy", self.policy, "Show the policy", TAG, Auth.ADMIN,
                  {200: PolicyView}, READING),
            Route(
                "PUT", "/admin/v1/policy", Taking(shapes_admin.PolicyChange, self.put_policy),
                "Replace the policy", TAG, Auth.ADMIN, {200: PolicyView},
                (*READING, errors.Stale),
                example={"policy": {"enforcement": "required"}, "version": 0},
            ),
            Route("GET", "/admin/v1/clients", self.clients, "List applications", TAG,
                  Auth.ADMIN, {200: ClientList}, READING),
            Route(
                "POST", "/admin/v1/clients", Taking(shapes_admin.NewClient, self.add_client),
                "Make an application", TAG, Auth.ADMIN, {201: ClientSecret},
                (*READING, errors.Taken),
            ),
            Route(
                "PATCH", one, Taking(shapes_admin.ClientName, self.name_client),
                "Name an application", TAG, Auth.ADMIN, {200: ClientView}, READING,
            ),
            Route("DELETE", one, self.remove_client, "Forget an application", TAG, Auth.ADMIN,
                  {204: None}, READING),
            Route(
                "POST", f"{one}/secret", Perhaps(shapes_admin.Nothing, self.rotate),
                "Make another secret", TAG, Auth.ADMIN, {201: ClientSecret}, READING,
            ),
        )  # fmt: skip


def _policy(policy: Policy, version: int) -> PolicyView:
    return PolicyView(version, policy_document.dump(policy))
