"""Requests that somebody else's page makes a browser send (PROTOCOL section 9, A109).

Two defences. Every unsafe request with cookies is asked where it comes from: what the browser
says of another site is refused in every face and dialect, by the kit, before any handler. A
request that says nothing of its origin comes from no current browser and is served. HTML forms,
which the oldest browsers send without saying so, carry besides a token bound to the cookie that
exists before any login, so that a login itself cannot be forged.
"""

from __future__ import annotations

import hmac
import secrets
from dataclasses import dataclass
from typing import Final, Self
from urllib.parse import urlsplit

from twofold.core.encoding import framed, from_base64url, to_base64url
from twofold.core.errors import CsrfRejected, Malformed, NotFound
from twofold.web.request import Request

FIELD: Final = "csrf_token"
"""The name of the hidden field of every form."""

_SALT_SIZE: Final = 8
_DEFAULT_PORTS: Final = {"http": 80, "https": 443}


@dataclass(frozen=True, slots=True)
class Origins:
    """The origins whose pages may use our cookies, as browsers spell them."""

    own: str
    trusted: frozenset[str] = frozenset()

    @classmethod
    def of(cls, base_url: str, *trusted: str) -> Self:
        """Our own, and the others whose pages the operator trusts. Raises Malformed."""
        return cls(origin_of(base_url), frozenset(map(origin_of, trusted)))

    def foreign(self, request: Request) -> bool:
        """Whether a browser says that the page of another site has made this request."""
        origin = request.header("origin")
        if origin in self.trusted:
            return False
        site = request.header("sec-fetch-site")
        if site is None:
            return origin not in {None, self.own}
        if site not in {"same-origin", "none"}:
            return True
        # A page that hides its referrer makes browsers send `null` here; then `site` decides. The
        # name of the host that the request came by is ours too, when `base_url` has another one.
        return origin not in {None, "null", self.own} and (
            str(origin).partition("://")[2] != request.header("host")
        )


def origin_of(url: str) -> str:
    """Scheme, host and port of a URL, as browsers spell them. Raises Malformed."""
    try:
        parts = urlsplit(url)
        host, port = parts.hostname, parts.port
    except ValueError:
        host, port, parts = None, None, urlsplit("")
    if not host or parts.scheme not in _DEFAULT_PORTS or not host.isascii():
        raise Malformed(f"{url!r} is no http or https URL.")
    name = f"[{host}]" if ":" in host else host
    shown = "" if port in {None, _DEFAULT_PORTS[parts.scheme]} else f":{port}"
    return f"{parts.scheme}://{name}{shown}"


def new_binding() -> str:
    """A value for the cookie that ties forms and ceremonies to one browser."""
    return secrets.token_urlsafe(16)


@dataclass(frozen=True, slots=True)
class FormTokens:
    """Double-submit tokens under a key: a form proves that its page was made for this browser."""

    key: bytes

    def make(self, binding: str) -> str:
        """A token for a form shown to the browser with this cookie; each one looks different."""
        salt = secrets.token_bytes(_SALT_SIZE)
        return to_base64url(salt + self._tag(salt, binding))

    def check(self, binding: str | None, token: str | None) -> None:
        """Raise CsrfRejected unless the token was made for this cookie."""
        raw = from_base64url(token) if token else None
        if not binding or raw is None:
            raise CsrfRejected
        salt, tag = raw[:_SALT_SIZE], raw[_SALT_SIZE:]
        if not hmac.compare_digest(tag, self._tag(salt, binding)):
            raise CsrfRejected

    def _tag(self, salt: bytes, binding: str) -> bytes:
        return hmac.digest(self.key, framed("form", salt, binding), "sha256")


def refuse_speculation(request: Request) -> None:
    """Refuse a GET that shows a secret to a browser that only guesses, or only navigates.

    A prefetch would mint secrets nobody sees, and a document leaves them in the history.
    """
    purpose = request.header("sec-purpose") or request.header("purpose") or ""
    if "prefetch" in purpose or request.header("sec-fetch-dest") == "document":
        raise NotFound("This is for programs; it is not shown to a browser's address bar.")
