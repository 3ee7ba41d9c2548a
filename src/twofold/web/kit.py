"""The HTTP kit: one ASGI callable over a table of routes, with no onion of middleware.

What every answer needs (a request id, a length, the refusal of foreign sites, problem details for
errors, the deadline of a body) happens here once and in one frame; faces and dialects bring
routes and words.
"""

from __future__ import annotations

import logging
import time
import traceback
from collections.abc import Awaitable, Callable, Iterable, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from typing import Any, Final

from twofold.core.errors import CsrfRejected, Misconfigured, NotFound, TwofoldError
from twofold.core.networks import Networks
from twofold.web.csrf import Origins
from twofold.web.headers import CLOSE, DATA, HSTS, Header
from twofold.web.limits import Limits
from twofold.web.problems import broken, problem
from twofold.web.request import ANSWERS_WHOLE, Gone, HeadTooLarge, Receive, Request, Scope, Send
from twofold.web.response import Response
from twofold.web.routes import SAFE, Auth, OnError, Route, Table, Taking, WrongMethod, routed_path

__all__ = [
    "App",
    "Auth",
    "Hook",
    "Limits",
    "Request",
    "Response",
    "Route",
    "Site",
    "Taking",
]

Observe = Callable[[Route | None, int, float], None]
"""Told of each answer: its route (None: no such path), its status, and the seconds it took."""

_log: Final = logging.getLogger("twofold.web")
_NO_CONTENT: Final = 204
_STATELESS: Final[dict[str, Any]] = {}


@dataclass(frozen=True, slots=True)
class Hook:
    """Something that runs as long as the server: started in order, stopped in reverse."""

    start: Callable[[], Awaitable[None]]
    stop: Callable[[], Awaitable[None]]


@dataclass(frozen=True, slots=True)
class Site:
    """Where we stand in the net, as the operator declared it."""

    base_url: str
    trusted_origins: tuple[str, ...] = ()
    """Further origins whose pages may use our cookies."""
    proxies: Networks = field(default_factory=Networks)
    """Whose word about addresses and request ids counts."""
    limits: Limits = field(default_factory=Limits)

    @property
    def origins(self) -> Origins:
        """The origins whose pages may use our cookies. Raises Malformed."""
        return Origins.of(self.base_url, *self.trusted_origins)

    @property
    def https(self) -> bool:
        """Whether browsers reach us over TLS, wherever it ends."""
        return self.base_url.startswith("https://")


class App:
    """The ASGI application."""

    def __init__(
        self,
        routes: Iterable[Route],
        site: Site,
        *,
        on_error: OnError = problem,
        hooks: Sequence[Hook] = (),
        observe: Observe | None = None,
    ) -> None:
        self.routes: Final = tuple(routes)
        self.limits: Final = site.limits
        self._table: Final = Table(self.routes)
        self._origins: Final = site.origins
        self._proxies: Final = site.proxies
        self._always: Final[tuple[Header, ...]] = (HSTS,) if site.https else ()
        self._on_error: Final = on_error
        self._hooks: Final = tuple(hooks)
        self._observe: Final = observe

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request, or the life of the server."""
        if scope["type"] == "http":
            await self._serve(scope, receive, send)
        elif scope["type"] == "lifespan":
            await self._live(receive, send)
        else:
            await send({"type": "websocket.close", "code": 1008})

    async def _serve(self, scope: Scope, receive: Receive, send: Send) -> None:
        began = time.perf_counter() if self._observe else 0.0
        request = Request(scope, receive, self.limits, self._proxies)
        try:
            try:
                response = await self._answer(request)
            except TwofoldError as error:
                response = self._refuse(request, error)
            if request.unread and not await request.finish():
                response = response.plus(CLOSE)
        except Gone:
            return
        except Exception as fault:  # noqa: BLE001 -- the last resort: whatever broke ends closed (I9)
            _report(request, fault)
            response = broken(request)
        if self._observe:
            self._observe(request.route, response.status, time.perf_counter() - began)
        await self._send(request, response, send)

    async def _answer(self, request: Request) -> Response:
        if len(request.scope["headers"]) > self.limits.headers:
            raise HeadTooLarge
        path = routed_path(request.scope)
        if path is None:
            raise NotFound
        request.path = path
        found = self._table.find(path)
        if found is None:
            raise NotFound
        resource, request.params = found
        method = request.method
        route = resource.routes.get(method)
        if route is None:
            if method == "OPTIONS":
                return Response(_NO_CONTENT, b"", (*DATA, (b"allow", resource.allow.encode())))
            raise WrongMethod(allow=resource.allow)
        request.route = route
        if method not in SAFE and route.guarded and self.comes_from_elsewhere(request):
            raise CsrfRejected
        return await route.handler(request)

    def comes_from_elsewhere(self, request: Request) -> bool:
        """Whether another site makes this browser send its cookies; logged with its origin."""
        if request.header("cookie") is None or not self._origins.foreign(request):
            return False
        origin = request.header("origin") or ""
        _log.warning("csrf-rejected request=%s origin=%.100r", request.id, origin)
        return True

    def _refuse(self, request: Request, error: TwofoldError) -> Response:
        words = request.route.on_error if request.route else None
        return (words or self._on_error)(request, error)

    async def _send(self, request: Request, response: Response, send: Send) -> None:
        headers = [*response.headers, *self._always, (b"x-request-id", request.id.encode())]
        if response.status != _NO_CONTENT:
            headers.append((b"content-length", str(len(response.body)).encode()))
        body = b"" if request.method == "HEAD" else response.body
        whole = request.scope.get("state", _STATELESS).get(ANSWERS_WHOLE)
        if whole is not None and whole(request.scope, response.status, headers, body):
            return
        try:
            await send(
                {"type": "http.response.start", "status": response.status, "headers": headers}
            )
            await send({"type": "http.response.body", "body": body})
        except OSError:
            # What ASGI servers raise when the client has left; what was done stays done.
            return

    async def _live(self, receive: Receive, send: Send) -> None:
        async with AsyncExitStack() as running:
            await receive()
            try:
                for hook in self._hooks:
                    await hook.start()
                    running.push_async_callback(hook.stop)
            except TwofoldError as error:
                await running.aclose()
                await send({"type": "lifespan.startup.failed", "message": _said(error)})
                return
            await send({"type": "lifespan.startup.complete"})
            await receive()
        await send({"type": "lifespan.shutdown.complete"})


def _said(error: TwofoldError) -> str:
    return "\n".join(error.faults) if isinstance(error, Misconfigured) else error.detail


def _report(request: Request, fault: Exception) -> None:
    """Type and place only: an exception's text may repeat what the client has sent (A81)."""
    frames = traceback.extract_tb(fault.__traceback__)
    place = f"{frames[-1].name}:{frames[-1].lineno}" if frames else ""
    _log.error(
        "handler-failed request=%s route=%s type=%s at=%s",
        request.id,
        request.route.path if request.route else "",
        type(fault).__qualname__,
        place,
    )
