"""One request as a handler sees it: a slim, lazy reading of the ASGI scope.

It has no URL. The path is the one that was routed, and the Host header, which the client writes,
has no part in it (CVE-2026-48710).
"""

from __future__ import annotations

import asyncio
import os
import re
import sys
from collections.abc import Awaitable, Callable, Mapping, MutableMapping
from functools import lru_cache
from typing import TYPE_CHECKING, Any, Final

from twofold.core.errors import Malformed
from twofold.core.networks import Networks, client_address
from twofold.web.bodies import (
    FORM,
    JSON,
    Shape,
    TooLarge,
    convert,
    expect_media_type,
    parse_form,
    parse_json,
)
from twofold.web.cookies import parse_cookies
from twofold.web.limits import Limits

if TYPE_CHECKING:  # a route knows its handler, which knows the request
    from twofold.web.routes import Route

Scope = MutableMapping[str, Any]
Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]

KEEPS_DEADLINES: Final = "twofold.deadlines"
"""The key in the scope's ``state`` by which our protocol says that it cuts slow bodies itself."""

ANSWERS_WHOLE: Final = "twofold.answer"
"""The key by which it offers to write an answer in one piece."""

_REQUEST_ID: Final = re.compile(r"[A-Za-z0-9._:\-]{8,64}")
_LENGTH: Final = re.compile(r"[0-9]{1,18}")


@lru_cache(maxsize=1024)
def _spelled(peer: str) -> str:
    """The one spelling of an address; most requests come from few peers."""
    return client_address(peer, (), Networks())


class Gone(Exception):
    """The client left before its request was whole; nobody is there to be answered."""


class TooSlow(Malformed):
    """The body did not arrive in time."""

    code = "request-timeout"
    title = "The body of the request did not arrive in time."


class HeadTooLarge(Malformed):
    """There are more headers, or longer ones, than any client of ours sends."""

    code = "head-too-large"
    title = "The headers of the request are too large."


class Request:
    """What was asked, by whom, with which headers; bodies are read when a handler wants one."""

    __slots__ = (
        "_body",
        "_cookies",
        "_headers",
        "_late",
        "_limits",
        "_proxies",
        "_query",
        "_receive",
        "_repeated",
        "_unread",
        "id",
        "method",
        "params",
        "path",
        "route",
        "scope",
    )

    def __init__(self, scope: Scope, receive: Receive, limits: Limits, proxies: Networks) -> None:
        self.scope: Final = scope
        self.method: Final[str] = scope["method"]
        self.path: str = ""
        """The routed path, percent-decoded, without the mount point; set by the application."""
        self.params: Mapping[str, str] = {}
        """What the path's template named."""
        self.route: Route | None = None
        self._receive = receive
        self._limits = limits
        self._proxies = proxies
        # C speed; the last of equal names wins, which `header` notices by the lengths.
        self._headers: dict[bytes, bytes] = dict(scope["headers"])
        self._repeated = len(self._headers) != len(scope["headers"])
        self._cookies: dict[str, str] | None = None
        self._query: dict[str, str] | None = None
        self._body: bytes | None = None
        self._unread = (
            self._headers.get(b"content-length", b"0") != b"0"
            or b"transfer-encoding" in self._headers
        )
        self._late = False
        self.id: Final = self._forwarded_id() or os.urandom(8).hex()
        """Named in the answer, in problems, in the log and in audit records."""

    def header(self, name: str) -> str | None:
        """The value of a header by its lower-case name.

        One that was sent several times is joined with commas (RFC 9110 section 5.3): for headers
        that may come once only, the joined value is malformed and so refused where it is read.
        """
        key = name.encode("ascii")
        value = self._headers.get(key)
        if value is None:
            return None
        if self._repeated:
            glue = b"; " if key == b"cookie" else b", "
            value = glue.join(found for other, found in self.scope["headers"] if other == key)
        return value.decode("latin-1")

    @property
    def cookies(self) -> Mapping[str, str]:
        """Cookies by name; a name that was sent twice is absent."""
        if self._cookies is None:
            header = self.header("cookie")
            self._cookies = parse_cookies(header) if header else {}
        return self._cookies

    @property
    def query(self) -> Mapping[str, str]:
        """Query parameters, each given once; Malformed otherwise."""
        if self._query is None:
            raw: bytes = self.scope["query_string"]
            if len(raw) > self._limits.query:
                raise Malformed("The query is too long.")
            self._query = parse_form(raw, fields=self._limits.fields)
        return self._query

    def arguments(self, shape: type[Shape]) -> Shape:
        """The query as this struct; numbers and booleans are read from text."""
        return convert(dict(self.query), shape, lax=True)

    @property
    def peer(self) -> str:
        """The address at the other end of the socket; empty when it has none."""
        client = self.scope.get("client")
        return client[0] if client else ""

    @property
    def address(self) -> str:
        """Who asks, behind the declared proxies; never a header taken on trust (A99)."""
        forwarded = self.header("x-forwarded-for") if self._proxies.entries else None
        if forwarded is None:
            return _spelled(self.peer)
        return client_address(self.peer, (forwarded,), self._proxies)

    @property
    def unread(self) -> bool:
        """Whether the client is still owed a reading of its body."""
        return self._unread

    async def body(self) -> bytes:
        """The whole body. Raises TooLarge, TooSlow."""
        if self._body is None:
            limit = self._limits.body
            # Asked to wait for our leave, the client sends nothing when it hears 413 at once.
            if self._awaits_leave() and self._declared() > limit:
                raise TooLarge
            self._body = await self._in_time(limit)
        return self._body

    async def json(self, shape: type[Shape]) -> Shape:
        """The body as JSON of this shape. Raises Malformed and its kin."""
        self._expect(JSON)
        return convert(parse_json(await self.body(), depth=self._limits.depth), shape)

    async def plain_json(self) -> object:
        """The body as a JSON value of any shape, read as strictly; for dialects."""
        self._expect(JSON)
        return parse_json(await self.body(), depth=self._limits.depth)

    async def form(self) -> dict[str, str]:
        """The fields of an urlencoded form, each given once; multipart is refused."""
        self._expect(FORM)
        return parse_form(await self.body(), fields=self._limits.fields)

    async def finish(self) -> bool:
        """Read and forget what is left of the body; whether the connection may live on.

        A server that closes with unread data resets the connection, and the client may never
        see the answer that says what was wrong.
        """
        if self._late or self._awaits_leave() or self._declared() > self._limits.drained:
            return False
        try:
            await self._in_time(self._limits.drained, keep=False)
        except (TooLarge, TooSlow):
            return False
        return True

    def _expect(self, wanted: str) -> None:
        expect_media_type(self.header("content-type"), wanted)
        if (self.header("content-encoding") or "identity") != "identity":
            raise Malformed("A compressed body is not read.", field="Content-Encoding")

    def _awaits_leave(self) -> bool:
        return self._unread and self.header("expect") == "100-continue"

    def _declared(self) -> int:
        length = self.header("content-length") or "0"
        # Our server has refused what is no number; another may not.
        return int(length) if _LENGTH.fullmatch(length) else sys.maxsize

    def _forwarded_id(self) -> str | None:
        # Anybody else could make our log and audit tell one story about two requests.
        if not self._proxies.entries or self.peer not in self._proxies:
            return None
        given = self.header("x-request-id") or ""
        return given if _REQUEST_ID.fullmatch(given) else None

    def _in_time(self, limit: int, *, keep: bool = True) -> Awaitable[bytes]:
        if KEEPS_DEADLINES in (self.scope.get("state") or ()):
            return self._read(limit, keep=keep)
        return self._timed(limit, keep=keep)

    async def _timed(self, limit: int, *, keep: bool) -> bytes:
        try:
            async with asyncio.timeout(self._limits.body_seconds):
                return await self._read(limit, keep=keep)
        except TimeoutError:
            self._late = True
            raise TooSlow from None

    async def _read(self, limit: int, *, keep: bool) -> bytes:
        read = bytearray()
        size = 0
        while True:
            message = await self._receive()
            if message["type"] != "http.request":
                raise Gone
            piece: bytes = message.get("body", b"")
            size += len(piece)
            if keep and size <= limit:
                read += piece
            if not message.get("more_body", False):
                self._unread = False
                break
            if size > limit:
                break
        if size > limit:
            raise TooLarge
        return bytes(read)
