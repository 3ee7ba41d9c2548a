"""``/admin/v1/theme``: how the pages of a realm look."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any

from msgspec import Meta, Struct

from twofold.ceremonies import admin_theme
from twofold.core import errors, theme
from twofold.faces import Front
from twofold.faces.api_admin import READING, TAG, administrator
from twofold.faces.shapes import Body
from twofold.faces.transport import Entrance
from twofold.web.kit import Auth, Request, Response, Route, Taking
from twofold.web.response import json


class ThemeView(Struct, frozen=True):
    """The theme in force, and the version to name when changing it; 0: only the settings."""

    version: int
    theme: dict[str, Any]


class ThemeChange(Body, frozen=True):
    """What the realm says beyond the settings, all of it, and the version it was read at."""

    theme: Mapping[str, Any]
    version: Annotated[int, Meta(ge=0, le=2**62)]


class ThemeApi:
    """The look of the pages."""

    __slots__ = ("_engine", "_entrance", "_own", "_realm")

    def __init__(self, front: Front, entrance: Entrance) -> None:
        self._engine = front.engine
        self._realm = front.realm
        self._own = front.theme
        self._entrance = entrance

    async def theme(self, request: Request) -> Response:
        """Show the theme in force."""
        await administrator(self._engine, self._entrance, request)
        worn, version = await admin_theme.look(self._engine, self._realm, self._own)
        return json(ThemeView(version, dict(theme.dump(worn))))

    async def put_theme(self, request: Request, body: ThemeChange) -> Response:
        """Replace what the realm says beyond the settings."""
        signed = await administrator(self._engine, self._entrance, request, fresh=True)
        by = signed.bearer.subject.id
        worn, version = await admin_theme.put_theme(
            self._engine, signed.context, by, body.theme, body.version, self._own
        )
        return json(ThemeView(version, dict(theme.dump(worn))))

    def routes(self) -> tuple[Route, ...]:
        """The route table."""
        return (
            Route("GET", "/admin/v1/theme", self.theme, "Show the theme", TAG, Auth.ADMIN,
                  {200: ThemeView}, READING),
            Route(
                "PUT", "/admin/v1/theme", Taking(ThemeChange, self.put_theme),
                "Replace the theme", TAG, Auth.ADMIN, {200: ThemeView},
                (*READING, errors.Stale),
                example={"theme": {"name": "Acme", "accent": "#0b57d0"}, "version": 0},
            ),
        )  # fmt: skip
