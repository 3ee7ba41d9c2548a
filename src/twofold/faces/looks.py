"""The theme of a realm as its pages use it: read now and then, drawn once per version."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from twofold.ceremonies import admin_theme
from twofold.core import theme
from twofold.core.contrast import palette
from twofold.core.errors import NotFound, TwofoldError
from twofold.core.theme import Theme
from twofold.core.types import SECOND, Instant
from twofold.faces import Front
from twofold.web.csrf import origin_of
from twofold.web.headers import ASSET, Sources
from twofold.web.kit import Request, Response, Route
from twofold.web.languages import marked
from twofold.web.routes import Handler

_TRUSTED: Final = 5 * SECOND
"""How long a page may show the theme before the last change."""

_CSS: Final = (b"content-type", b"text/css; charset=utf-8")
_CLOSED: Final = (b"content-security-policy", b"default-src 'none'; sandbox")


@dataclass(frozen=True, slots=True)
class Look:
    """A theme made ready for templates."""

    name: str
    logo: str
    sheet: str
    """The address of the colours."""
    stylesheet: str
    lost: str
    links: tuple[tuple[str, str], ...]
    """Words and address of what stands below every page."""
    sources: Sources
    colours: Response = field(repr=False)
    picture: Response | None = field(default=None, repr=False)


def look_of(worn: Theme, issuer: str, return_to: tuple[str, ...]) -> Look:
    """The theme with everything that is worked out from it."""
    css = _sheet(worn)
    drawn = theme.picture(worn.logo)
    version = hashlib.sha256(repr(worn).encode()).hexdigest()[:8]
    logo = f"/theme/logo?{version}" if drawn else worn.logo
    links = (
        (marked("Help"), worn.help),
        (marked("Privacy"), worn.privacy),
        (marked("Imprint"), worn.imprint),
    )
    return Look(
        name=worn.name or issuer,
        logo=logo,
        sheet=f"/theme.css?{version}",
        stylesheet=worn.stylesheet,
        lost=worn.lost,
        links=tuple((words, url) for words, url in links if url),
        sources=Sources(
            forms=return_to,
            styles=(origin_of(worn.stylesheet),) if worn.stylesheet else (),
            images=(origin_of(worn.logo),) if worn.logo and not drawn else (),
        ),
        colours=Response(
            200, css.encode(), (*ASSET, (b"content-type", b"text/css; charset=utf-8"))
        ),
        picture=Response(200, drawn[1], (*ASSET, _CLOSED, (b"content-type", drawn[0].encode())))
        if drawn
        else None,
    )


def _sheet(worn: Theme) -> str:
    values: dict[str, Any] = theme.dump(worn)
    light, dark = (
        ";".join(f"--{name}:{colour}" for name, colour in palette(*_four(values, tail)).items())
        for tail in ("", "_dark")
    )
    return f":root{{{light}}}@media(prefers-color-scheme:dark){{:root{{{dark}}}}}\n"


def _four(values: Mapping[str, str], tail: str) -> tuple[str, str, str, str]:
    return (
        values[f"background{tail}"],
        values[f"surface{tail}"],
        values[f"text{tail}"],
        values[f"accent{tail}"],
    )


class Looks:
    """What the pages of one realm look like now."""

    __slots__ = ("_front", "_until", "_version", "now")

    def __init__(self, front: Front) -> None:
        self._front = front
        self._until = Instant(0)
        self._version = -1
        self.now: Look = look_of(front.theme, front.engine.rules.issuer, front.return_to)

    async def refresh(self) -> None:
        """Read the realm's document if the last reading is old; without it, stay as we are.

        A page must not fail for its colours: it would lock everybody out of signing in.
        """
        engine = self._front.engine
        now = engine.clock.now()
        if now < self._until:
            return
        self._until = Instant(now + _TRUSTED)
        try:
            worn, version = await admin_theme.look(engine, self._front.realm, self._front.theme)
        except TwofoldError:
            return
        if version != self._version:
            self._version = version
            self.now = look_of(worn, engine.rules.issuer, self._front.return_to)

    def dressed(self, handler: Handler) -> Handler:
        """The handler, preceded by a look at the theme."""

        async def handle(request: Request) -> Response:
            await self.refresh()
            return await handler(request)

        return handle

    async def colours(self, _: Request) -> Response:
        """The colours as a style sheet; pages have no inline styles."""
        return self.now.colours

    async def logo(self, _: Request) -> Response:
        """The picture, which runs nothing even where it is opened by itself."""
        if self.now.picture is None:
            raise NotFound
        return self.now.picture

    def routes(self) -> tuple[Route, ...]:
        """The route table."""
        return (
            Route("GET", "/theme.css", self.dressed(self.colours), "Colours", listed=False),
            Route("GET", "/theme/logo", self.dressed(self.logo), "The logo", listed=False),
        )
