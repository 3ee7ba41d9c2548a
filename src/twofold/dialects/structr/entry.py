"""Who asks, and on which terms: credentials in Structr's order, other origins, cookies.

Everything that a route of this dialect has in common stands here once.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass
from functools import partial
from typing import Final

from twofold.ceremonies import finish, login, sessions
from twofold.ceremonies.engine import Engine
from twofold.ceremonies.outcomes import Granted, Pending, Revealed
from twofold.ceremonies.sessions import Bearer
from twofold.core.errors import CsrfRejected, InvalidToken, NotFound, TwofoldError
from twofold.core.types import Context, Transport
from twofold.dialects import Hall
from twofold.dialects.structr import words
from twofold.dialects.structr.config import StructrSettings
from twofold.dialects.structr.jwt import Signer
from twofold.dialects.structr.manner import CLIENT, Desk, desk
from twofold.web.cookies import Cookie
from twofold.web.csrf import Origins
from twofold.web.headers import Header
from twofold.web.kit import Request, Response, Route
from twofold.web.routes import SAFE

Current = Callable[[], Awaitable[StructrSettings]]
"""The settings as they are now."""

Open = Callable[[Request, Desk], Awaitable[Response]]

TOKENS: Final = "structr tokens"
"""What our own key is for, where no secret is given."""

EXPOSED: Final = ("token", "qrdata", "twoFactorLoginPage", "reason")
"""Headers that pages of other origins must be able to read to sign anybody in."""

_AGENT: Final = 256


@dataclass(frozen=True, slots=True)
class Visitor:
    """Somebody who is signed in, for this request at least."""

    bearer: Bearer
    engine: Engine
    context: Context
    settings: StructrSettings
    fleeting: bool = False
    """Whether the session was opened for this request alone."""


Known = Callable[[Request, Visitor], Awaitable[Response]]


class Entry:
    """The way in, once for all routes."""

    __slots__ = ("_desk", "_hall", "_origins", "_settings")

    def __init__(self, hall: Hall, settings: Current) -> None:
        self._hall: Final = hall
        self._settings: Final = settings
        self._origins: Final[Origins] = hall.site.origins
        self._desk: Desk | None = None

    async def desk(self) -> Desk:
        """The engine on the terms of the present settings."""
        settings = await self._settings()
        if self._desk is None or self._desk.settings is not settings:
            self._desk = desk(self._hall.engine, settings)
        return self._desk

    def context(self, request: Request, transport: Transport) -> Context:
        """Everything the engine is told about a request."""
        return Context(
            realm=self._hall.realm,
            client=CLIENT,
            address=request.address,
            agent=(request.header("user-agent") or "")[:_AGENT],
            transport=transport,
            request=request.id,
        )

    def signer(self, settings: StructrSettings) -> Signer:
        """Who signs access tokens: the secret of the settings, else a key of this server's own."""
        secret = settings.jwt_secret.value or self._hall.key(TOKENS)
        return Signer(secret, settings.jwt_issuer)

    def session_cookie(self, settings: StructrSettings) -> Cookie:
        """The cookie of a session, which here ends with the browser."""
        return self._cookie("JSESSIONID", settings, http_only=settings.cookie_http_only)

    def token_cookies(self, settings: StructrSettings) -> tuple[Cookie, Cookie]:
        """The cookies of a pair of tokens."""
        names = ("access_token", "refresh_token")
        access, refresh = (self._cookie(name, settings, http_only=True) for name in names)
        return access, refresh

    def page_cookie(self, name: str, path: str) -> Cookie:
        """A cookie of our own page for the second step."""
        return Cookie(name, secure=self._hall.site.https, path=path, same_site="Strict")

    def _cookie(self, name: str, settings: StructrSettings, *, http_only: bool) -> Cookie:
        return Cookie(
            name,
            secure=settings.cookie_secure or self._hall.site.https,
            same_site=settings.cookie_same_site.value,
            http_only=http_only,
        )

    def open(self, method: str, path: str, handler: Open) -> Route:
        """A route for anybody; it changes nothing for a page of another site."""
        return self._route(method, path, handler, anybody=True)

    def known(self, method: str, path: str, handler: Known) -> Route:
        """A route for whoever is signed in."""
        return self._route(method, path, partial(self._visited, handler), anybody=False)

    def _route(self, method: str, path: str, handler: Open, *, anybody: bool) -> Route:
        async def served(request: Request) -> Response:
            now = await self.desk()
            try:
                if method not in SAFE:
                    self._refuse_foreign(request, now.settings, anybody=anybody)
                answer = await handler(request, now)
            except TwofoldError as error:
                answer = words.refusal(error)
            return answer.plus(*self._cors(request, now.settings))

        return Route(method, path, served, guarded=False, listed=False, on_error=words.on_error)

    def options(self, routes: Iterable[Route]) -> tuple[Route, ...]:
        """A route for OPTIONS on each path, which also answers what browsers ask beforehand."""
        methods: dict[str, set[str]] = {}
        for route in routes:
            methods.setdefault(route.path, {"OPTIONS"}).add(route.method)
        return tuple(
            self._route(
                "OPTIONS", path, partial(self._told, ", ".join(sorted(known))), anybody=True
            )
            for path, known in methods.items()
        )

    def nowhere(self, path: str) -> tuple[Route, ...]:
        """Routes that say in Structr's words that there is nothing here, nor one step below."""

        async def lost(_: Request, __: Desk) -> Response:
            raise NotFound

        methods = ("GET", "POST", "PUT", "PATCH", "DELETE")
        places = (path, f"{path}/{{id}}")
        return tuple(self.open(method, place, lost) for place in places for method in methods)

    async def _told(self, allow: str, request: Request, now: Desk) -> Response:
        answer = words.options(allow)
        if request.header("access-control-request-method") is None:
            return answer
        settings = now.settings
        if not self._cors(request, settings):
            return answer
        return answer.plus(
            (b"access-control-allow-methods", (settings.cors_methods or allow).encode()),
            (b"access-control-allow-headers", _listed(settings.cors_headers, "Content-Type")),
            (b"access-control-max-age", str(settings.cors_max_age).encode()),
        )

    def _cors(self, request: Request, settings: StructrSettings) -> tuple[Header, ...]:
        origin = request.header("origin")
        if origin is None or not _accepted(origin, settings):
            return ()
        exposed = _listed(settings.cors_expose, *EXPOSED)
        shared: list[Header] = [
            (b"access-control-allow-origin", origin.encode("latin-1")),
            (b"access-control-expose-headers", exposed),
            (b"vary", b"origin"),
        ]
        if settings.cors_credentials:
            shared.append((b"access-control-allow-credentials", b"true"))
        return tuple(shared)

    def _refuse_foreign(
        self, request: Request, settings: StructrSettings, *, anybody: bool
    ) -> None:
        """Refuse what another site makes a browser send with cookies, or to sign it in (A109)."""
        if not self._origins.foreign(request):
            return
        cookies = request.header("cookie") is not None
        accepted = _accepted(request.header("origin") or "", settings)
        if accepted and (settings.cors_credentials or not cookies):
            return
        if cookies or anybody:
            raise CsrfRejected

    async def _visited(self, handler: Known, request: Request, now: Desk) -> Response:
        visitor = await self.visitor(request, now)
        if isinstance(visitor, Response):
            return visitor
        try:
            return await handler(request, visitor)
        finally:
            if visitor.fleeting:
                await sessions.log_out(visitor.engine, visitor.bearer, visitor.context)

    async def visitor(self, request: Request, now: Desk) -> Visitor | Response:
        """Who is signed in: by a token, a session, or name and password; or the refusal."""
        try:
            found = await self.signed(request, now)
        except InvalidToken as error:
            return words.refusal(error)
        return found or await self._by_header(request, now)

    async def signed(self, request: Request, now: Desk) -> Visitor | None:
        """Who is signed in by a token or a session; InvalidToken for a bad one in a header."""
        return await self._by_token(request, now) or await self.carried(request, now)

    async def _by_token(self, request: Request, now: Desk) -> Visitor | None:
        scheme, _, shown = (request.header("authorization") or "").partition(" ")
        if scheme.lower() == "bearer":
            return await self._of_token(request, now, shown.strip())
        cookie = request.cookies.get("access_token")
        try:
            return await self._of_token(request, now, cookie) if cookie else None
        except InvalidToken:
            # It outlives its session in the browser; there may be another credential.
            return None

    async def _of_token(self, request: Request, now: Desk, text: str) -> Visitor:
        engine, context = now.token, self.context(request, Transport.JSON)
        token = self.signer(now.settings).read(text, engine.clock.now())
        bearer = await sessions.authenticate(engine, token, "access", context)
        return Visitor(bearer, engine, context, now.settings)

    async def carried(self, request: Request, now: Desk) -> Visitor | None:
        """Whose session the request carries, in its cookie or in Structr's header for it."""
        context = self.context(request, Transport.COOKIE)
        for token in (
            request.cookies.get("JSESSIONID"),
            request.header("x-structrsessiontoken"),
        ):
            if not token:
                continue
            try:
                bearer = await sessions.authenticate(now.login, token, "session", context)
            except InvalidToken:
                continue
            return Visitor(bearer, now.login, context, now.settings)
        return None

    async def _by_header(self, request: Request, now: Desk) -> Visitor | Response:
        name, password = _shown(request, "x-user"), _shown(request, "x-password")
        if not name or not password:
            return words.refusal(InvalidToken())
        engine, context = now.header, self.context(request, Transport.JSON)
        try:
            outcome = await login.begin(engine, context, identifier=name, answer=password)
        except TwofoldError as error:
            return words.refusal(error, words.PASSWORD)
        code = _shown(request, "x-2fa-code")
        if code and isinstance(outcome, Pending):
            try:
                outcome = await finish.finish(engine, outcome.ticket, code, context)
            except TwofoldError as error:
                return words.refusal(error, words.CODE)
        match outcome:
            case Granted(session=session, subject=subject):
                bearer = Bearer(session, subject)
                return Visitor(bearer, engine, context, now.settings, fleeting=True)
            case Pending() | Revealed() | _:
                return words.refusal(words.SecondFactorMissing(), words.PASSWORD)


def _shown(request: Request, name: str) -> str:
    """A header that people type; most programs send it as UTF-8."""
    value = request.header(name) or ""
    try:
        return value.encode("latin-1").decode()
    except UnicodeDecodeError:
        return value


def _accepted(origin: str, settings: StructrSettings) -> bool:
    return origin in settings.cors_origins or "*" in settings.cors_origins


def _listed(configured: str, *always: str) -> bytes:
    names = [name for name in configured.replace(",", " ").split() if name]
    known = {name.lower() for name in names}
    names += [name for name in always if name.lower() not in known]
    return ", ".join(names).encode()
