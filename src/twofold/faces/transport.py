"""Who asks, by which credential, over which transport; and the cookies that go back.

A request shows its credentials in headers and body, or in cookies, never in both (PROTOCOL
section 9). In header transport cookies are no credentials and are not looked at, with one
exception: a browser, which cannot forge ``Sec-Fetch-Site``, has its ceremonies bound to the
pre-session cookie whatever the transport, so that a ticket that leaks from it is dead elsewhere.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Literal, TypeVar

from msgspec import UNSET, UnsetType

from twofold.ceremonies import sessions
from twofold.ceremonies.sessions import Bearer
from twofold.core.errors import (
    CeremonyExpired,
    CsrfRejected,
    InvalidToken,
    Malformed,
    MixedCredentials,
)
from twofold.core.networks import Networks, client_address
from twofold.core.types import Context, Transport
from twofold.core.values import quick
from twofold.faces import Front
from twofold.web.cookies import Cookies, own_cookies
from twofold.web.credentials import session_token
from twofold.web.csrf import new_binding
from twofold.web.kit import Request, Response, Taking
from twofold.web.languages import Language, preferred

Body = TypeVar("Body")

_AGENT = 256


@quick
@dataclass(frozen=True, slots=True)
class Caller:
    """What a ceremony's step is told: the context, the ticket, and a cookie not yet set."""

    context: Context
    ticket: str = field(default="", repr=False)
    fresh: str | None = field(default=None, repr=False)
    """The binding cookie that this answer must bring."""

    @property
    def cookies(self) -> bool:
        """Whether the answer travels in cookies."""
        return self.context.transport is Transport.COOKIE


@dataclass(frozen=True, slots=True)
class Signed:
    """Somebody who is signed in."""

    bearer: Bearer
    context: Context

    @property
    def cookies(self) -> bool:
        """Whether the session was shown by its cookie."""
        return self.context.transport is Transport.COOKIE


class Entrance:
    """Reads credentials, once for all routes."""

    __slots__ = ("_address", "_engine", "_origins", "_realm", "cookies")

    def __init__(self, front: Front) -> None:
        self.cookies: Cookies = own_cookies(https=front.site.https)
        self._engine = front.engine
        self._realm = front.realm
        self._origins = front.site.origins
        self._address = _reading_addresses(front.site.proxies)

    def context(
        self,
        request: Request,
        transport: Transport,
        *,
        client: str = "",
        binding: str | None = None,
    ) -> Context:
        """Everything the engine is told about a request."""
        return Context(
            realm=self._realm,
            client=client,
            address=self._address(request),
            agent=(request.header("user-agent") or "")[:_AGENT],
            binding=binding if binding is not None else self._binding(request, transport),
            transport=transport,
            request=request.id,
            device=self._device(request, transport),
            locale=self.language(request, cookie=transport is Transport.COOKIE).tag,
        )

    def _device(self, request: Request, transport: Transport) -> str:
        """What the client carries from earlier sign-ins: a cookie or a header, never both."""
        header = request.header("device")
        if transport is Transport.JSON:
            return header or ""
        if header is not None:
            raise MixedCredentials
        return request.cookies.get(self.cookies.device.name, "")

    def language(self, request: Request, *, cookie: bool = True) -> Language:
        """The language of whoever asks; in header transport cookies are not looked at."""
        chosen = request.cookies.get(self.cookies.language.name) if cookie else None
        return preferred(chosen, request.header("accept-language"))

    def _binding(self, request: Request, transport: Transport) -> str | None:
        if transport is Transport.JSON and request.header("sec-fetch-site") is None:
            return None
        shown = request.cookies.get(self.cookies.binding.name)
        return bound_to(shown) if shown else None

    def beginning(self, request: Request, transport: Transport) -> Caller:
        """Somebody who begins a login; a browser is given the cookie it will be known by."""
        if transport is Transport.COOKIE:
            if request.header("authorization") is not None:
                raise MixedCredentials
            self.refuse_foreign(request)
        if transport is Transport.JSON and request.header("sec-fetch-site") is None:
            return Caller(self.context(request, transport))
        if request.cookies.get(self.cookies.binding.name):
            return Caller(self.context(request, transport))
        fresh = new_binding()
        return Caller(self.context(request, transport, binding=bound_to(fresh)), fresh=fresh)

    def refuse_foreign(self, request: Request) -> None:
        """Refuse a login that another site begins in this browser, cookies or none (A109)."""
        if self._origins.foreign(request):
            raise CsrfRejected

    def continuing(self, request: Request, named: str | UnsetType = UNSET) -> Caller:
        """Somebody in the middle of a ceremony; the ticket's place decides the transport."""
        header = request.header("ceremony")
        shown = request.cookies.get(self.cookies.ticket.name)
        if header is None and named is UNSET:
            return self._by_cookie(request, shown)
        if shown:
            raise MixedCredentials
        if header is not None and named is not UNSET:
            raise Malformed("The ceremony is named twice.", field="ceremony")
        ticket = header if header is not None else str(named)
        return Caller(self.context(request, Transport.JSON), ticket)

    def _by_cookie(self, request: Request, shown: str | None) -> Caller:
        if not shown:
            # A browser forgets the cookie when the ceremony is over; a program forgot the field.
            if self.cookies.binding.name in request.cookies:
                raise CeremonyExpired
            raise Malformed("ceremony is missing.", field="ceremony")
        if request.header("authorization") is not None:
            raise MixedCredentials
        return Caller(self.context(request, Transport.COOKIE), shown)

    async def signed(self, request: Request) -> Signed:
        """Somebody who is signed in, by an access token or by the session's cookie."""
        shown = session_token(request, self.cookies.session)
        if shown is None:
            raise InvalidToken
        token, transport = shown
        context = self.context(request, transport)
        kind: Literal["access", "session"] = "access" if transport is Transport.JSON else "session"
        return Signed(await sessions.authenticate(self._engine, token, kind, context), context)


def _reading_addresses(proxies: Networks) -> Callable[[Request], str]:
    """Read who asks; addresses come in runs, and parsing one costs more than remembering it."""
    if proxies.entries:
        return lambda request: request.address

    @lru_cache(maxsize=4096)
    def spelled(peer: str) -> str:
        return client_address(peer, (), proxies)

    return lambda request: spelled(request.peer)


def bound_to(cookie: str) -> str:
    """What a ticket keeps of the pre-session cookie: enough to know it again."""
    return hashlib.sha256(b"twofold binding\0" + cookie.encode()).hexdigest()[:32]


@dataclass(frozen=True, slots=True)
class Perhaps(Taking[Body]):
    """A handler whose body may be left out by a caller that shows its credential in a header.

    With cookies the body must be there, and must be JSON: a form of another site cannot send it.
    """

    required: bool = False

    async def __call__(self, request: Request) -> Response:
        """Read what is there, hand over."""
        silent = not request.unread and request.header("content-type") is None
        if silent and (request.header("authorization") or request.header("ceremony")):
            return await self.handler(request, self.body())
        return await self.handler(request, await request.json(self.body))
