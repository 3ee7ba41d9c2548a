"""``/v1/devices``: the browsers that are spared the second step of a login; administrators' too."""

from __future__ import annotations

from msgspec import UNSET, Struct, UnsetType

from twofold.ceremonies import devices
from twofold.ceremonies.devices import DeviceRow
from twofold.core import errors
from twofold.core.types import SECOND
from twofold.faces import Front, shapes
from twofold.faces.answers import Answers
from twofold.faces.api_admin import READING, administrator
from twofold.faces.api_admin import TAG as ADMIN_TAG
from twofold.faces.transport import Entrance, Perhaps, Signed
from twofold.web.kit import Auth, Request, Response, Route
from twofold.web.response import empty, json

_TAG = "Devices"


class RememberedDevice(Struct, frozen=True):
    """A remembered browser or program; times in seconds since 1970, UTC."""

    id: str
    label: str
    """How it calls itself, its ``User-Agent``."""
    address: str
    created_at: int
    seen_at: int
    """When it last spared a second step."""
    trusted_until: int
    current: bool


class DeviceList(Struct, frozen=True):
    """Remembered browsers, newest first; ``offered`` are the days this one may be remembered."""

    devices: tuple[RememberedDevice, ...]
    offered: int


class UserDevices(Struct, frozen=True):
    """The remembered browsers of a user, newest first."""

    devices: tuple[RememberedDevice, ...]


class NewDevice(Struct, frozen=True):
    """The browser that is remembered now; ``device`` in header transport only."""

    remembered: RememberedDevice
    device: str | UnsetType = UNSET
    """For the ``Device`` header of the next login from here."""


def device_shape(row: DeviceRow) -> RememberedDevice:
    """A remembered browser without anything that is worth a second step."""
    return RememberedDevice(
        id=row.id,
        label=row.label,
        address=row.address,
        created_at=row.created_at // SECOND,
        seen_at=row.seen_at // SECOND,
        trusted_until=row.trusted_until // SECOND,
        current=row.current,
    )


class DeviceApi:
    """A subject's own remembered browsers, and for administrators those of others."""

    __slots__ = ("_answers", "_engine", "_entrance", "_realm")

    def __init__(self, front: Front, entrance: Entrance, answers: Answers) -> None:
        self._engine = front.engine
        self._realm = front.realm
        self._entrance = entrance
        self._answers = answers

    async def listed(self, request: Request) -> Response:
        """List remembered browsers."""
        signed = await self._entrance.signed(request)
        found = await devices.listed(self._engine, signed.bearer, signed.context)
        return json(DeviceList(tuple(map(device_shape, found.rows)), found.offered))

    async def remember(self, request: Request, _: shapes.Empty) -> Response:
        """Remember the browser that asks."""
        signed = await self._entrance.signed(request)
        done = await devices.remember(self._engine, signed.bearer, signed.context)
        shape = device_shape(done.row)
        if signed.cookies:
            cookie = self._answers.device_cookie(done.device)
            return json(NewDevice(shape), *cookie, status=201)
        return json(NewDevice(shape, done.device), status=201)

    async def forget(self, request: Request) -> Response:
        """Forget one; somebody else's is as unknown as one that never was (A71)."""
        signed = await self._entrance.signed(request)
        await devices.forget(self._engine, signed.bearer, request.params["id"], signed.context)
        return empty()

    async def forget_all(self, request: Request) -> Response:
        """Forget all of them."""
        signed = await self._entrance.signed(request)
        await devices.forget_all(self._engine, signed.bearer, signed.context)
        return empty()

    async def _acting(self, request: Request) -> tuple[Signed, str]:
        signed = await administrator(self._engine, self._entrance, request, fresh=True)
        return signed, signed.bearer.subject.id

    async def of_user(self, request: Request) -> Response:
        """List the remembered browsers of a user."""
        await administrator(self._engine, self._entrance, request)
        rows = await devices.of_subject(self._engine, self._realm, request.params["id"])
        return json(UserDevices(tuple(map(device_shape, rows))))

    async def forget_of_user(self, request: Request) -> Response:
        """Forget one browser of a user, or all where none is named."""
        signed, by = await self._acting(request)
        params = request.params
        await devices.forget_of(
            self._engine, signed.context, by, params["id"], params.get("device")
        )
        return empty()

    def routes(self) -> tuple[Route, ...]:
        """The route table."""
        theirs = "/admin/v1/users/{id}/devices"
        return (
            Route("GET", "/v1/devices", self.listed, "List remembered browsers", _TAG,
                  Auth.SESSION, {200: DeviceList}),
            Route(
                "POST", "/v1/devices", Perhaps(shapes.Empty, self.remember),
                "Remember this browser", _TAG, Auth.SESSION, {201: NewDevice},
                (errors.StepUpRequired, errors.NotAllowed, errors.NotEnrolled),
            ),
            Route("DELETE", "/v1/devices", self.forget_all, "Forget all remembered browsers",
                  _TAG, Auth.SESSION, {204: None}),
            Route("DELETE", "/v1/devices/{id}", self.forget, "Forget a remembered browser",
                  _TAG, Auth.SESSION, {204: None}),
            Route("GET", theirs, self.of_user, "List a user's remembered browsers", ADMIN_TAG,
                  Auth.ADMIN, {200: UserDevices}, READING),
            Route("DELETE", theirs, self.forget_of_user, "Forget a user's remembered browsers",
                  ADMIN_TAG, Auth.ADMIN, {204: None}, READING),
            Route("DELETE", f"{theirs}/{{device}}", self.forget_of_user,
                  "Forget one remembered browser of a user", ADMIN_TAG, Auth.ADMIN, {204: None},
                  READING),
        )  # fmt: skip
