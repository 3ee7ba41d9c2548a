"""``/admin/v1/dialects/{name}/settings``: a vendor's settings, changed without a restart."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any

from msgspec import UNSET, Meta, Struct, UnsetType

from twofold.ceremonies.dialect_settings import DialectSettings, Plain, Shown
from twofold.core import errors
from twofold.faces import Front
from twofold.faces.api_admin import READING, TAG, administrator
from twofold.faces.shapes import Body
from twofold.faces.transport import Entrance
from twofold.web.kit import Auth, Request, Response, Route, Taking
from twofold.web.response import json


class DialectChange(Body, frozen=True):
    """New values by the vendor's names; null takes a change back to what the files say."""

    settings: Annotated[Mapping[str, str | int | bool | None], Meta(max_length=256)]
    version: Annotated[int, Meta(ge=0, le=2**62)] | UnsetType = UNSET


class DialectSetting(Struct, frozen=True):
    """One setting; ``expected`` are the words that follow "must be"."""

    name: str
    value: Plain
    default: Plain
    origin: str
    applies: str
    text: str
    expected: str
    changeable: bool
    note: str
    """What of the value was not understood, and counts for nothing."""


class DialectView(Struct, frozen=True):
    """What is in force, and the version to name when changing it; 0: only the files."""

    version: int
    settings: tuple[DialectSetting, ...]


class DialectApi:
    """The settings of dialects."""

    __slots__ = ("_dialects", "_engine", "_entrance")

    def __init__(self, front: Front, entrance: Entrance) -> None:
        self._engine = front.engine
        self._dialects = front.dialects
        self._entrance = entrance

    async def show(self, request: Request) -> Response:
        """Show the settings of a dialect and where each comes from; never a secret."""
        await administrator(self._engine, self._entrance, request)
        return json(_view(await named(self._dialects, request).shown()))

    async def change(self, request: Request, body: DialectChange) -> Response:
        """Change settings; they hold at once here, and within a second everywhere."""
        signed = await administrator(self._engine, self._entrance, request, fresh=True)
        shown = await named(self._dialects, request).change(
            signed.context,
            signed.bearer.subject.id,
            body.settings,
            None if isinstance(body.version, UnsetType) else body.version,
        )
        return json(_view(shown))

    def routes(self) -> tuple[Route, ...]:
        """The route table."""
        path = "/admin/v1/dialects/{name}/settings"
        return (
            Route("GET", path, self.show, "Show the settings of a dialect", TAG, Auth.ADMIN,
                  {200: DialectView}, READING),
            Route(
                "PATCH", path, Taking(DialectChange, self.change),
                "Change the settings of a dialect", TAG, Auth.ADMIN, {200: DialectView},
                (*READING, errors.Stale),
                example={"settings": {"security.twofactorauthentication.level": 2}},
            ),
        )  # fmt: skip


def named(dialects: Mapping[str, DialectSettings[Any]], request: Request) -> DialectSettings[Any]:
    """The settings of the dialect that the path names, or NotFound."""
    found = dialects.get(request.params["name"])
    if found is None:
        raise errors.NotFound
    return found


def _view(shown: Shown) -> DialectView:
    rows = tuple(
        DialectSetting(
            name=row.name,
            value=row.value,
            default=row.default,
            origin=row.origin,
            applies=row.applies,
            text=row.text,
            expected=row.expected,
            changeable=not row.fixed,
            note=row.note,
        )
        for row in shown.rows
    )
    return DialectView(shown.version, rows)
