"""``/openapi.json`` and ``/docs``: the route table in words, with nothing loaded from elsewhere."""

from __future__ import annotations

from collections.abc import Iterable
from functools import cached_property

from twofold.faces import Front
from twofold.web import openapi, viewer
from twofold.web.cookies import own_cookies
from twofold.web.kit import Request, Response, Route
from twofold.web.response import json

_HREF = "/openapi.json"


class Docs:
    """The document, made when somebody first asks for it."""

    def __init__(self, front: Front, documented: Iterable[Route]) -> None:
        self._front = front
        self._documented = tuple(documented)

    @cached_property
    def _document(self) -> openapi.Json:
        return openapi.document(
            self._documented,
            own_cookies(https=self._front.site.https),
            title=f"{self._front.engine.rules.issuer}: sign-in API",
            version=self._front.version or "1",
            server=self._front.site.base_url,
        )

    async def document(self, _: Request) -> Response:
        """The OpenAPI document."""
        return json(self._document)

    async def page(self, _: Request) -> Response:
        """The same as a page."""
        return viewer.view(self._document, href=_HREF)

    def routes(self) -> tuple[Route, ...]:
        """The route table."""
        return (
            Route("GET", _HREF, self.document, "This document", listed=False),
            Route("GET", "/docs", self.page, "This document as a page", listed=False),
        )
