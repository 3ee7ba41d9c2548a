"""Cookies: one place that spells them, so that each is cleared with the attributes it was set with.

Over https our names carry ``__Host-``: no sibling domain and no plain connection can plant them
(A109, A113). Browsers and curl refuse such names, and ``Secure`` cookies, over plain http, so a
``base_url`` without TLS (loopback, a first try) has the same names without prefix or ``Secure``.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final, Literal

from twofold.web.headers import Header

_TOKEN: Final = re.compile(r"[!#$%&'*+\-.^_`|~0-9A-Za-z]+")
_VALUE: Final = re.compile(r"[\x21\x23-\x2b\x2d-\x3a\x3c-\x5b\x5d-\x7e]*")  # RFC 6265 section 4.1.1
_PATH: Final = re.compile(r"/[\x21-\x3a\x3c-\x7e]*")


@dataclass(frozen=True, slots=True)
class Cookie:
    """A cookie that we set: its name and the attributes it always has."""

    name: str
    secure: bool
    path: str = "/"
    same_site: Literal["Lax", "Strict", "None"] = "Lax"
    http_only: bool = True

    def __post_init__(self) -> None:
        if _TOKEN.fullmatch(self.name) is None or _PATH.fullmatch(self.path) is None:
            raise ValueError(f"no cookie can be called {self.name!r} on {self.path!r}")
        if self.name.startswith(("__Host-", "__Secure-")) and not self.secure:
            raise ValueError(f"browsers refuse {self.name} without Secure")
        if self.name.startswith("__Host-") and self.path != "/":
            raise ValueError(f"browsers refuse {self.name} with another path than /")
        if self.same_site == "None" and not self.secure:
            raise ValueError("browsers refuse SameSite=None without Secure")

    def put(self, value: str, *, max_age: int | None = None) -> Header:
        """Set-Cookie; without ``max_age`` (seconds) it ends with the browser."""
        if _VALUE.fullmatch(value) is None:
            raise ValueError(f"the value of {self.name} cannot travel in a cookie")
        parts = [f"{self.name}={value}", f"Path={self.path}"]
        if max_age is not None:
            parts.append(f"Max-Age={max_age}")
        if self.http_only:
            parts.append("HttpOnly")
        if self.secure:
            parts.append("Secure")
        parts.append(f"SameSite={self.same_site}")
        return b"set-cookie", "; ".join(parts).encode("ascii")

    def clear(self) -> Header:
        """Set-Cookie that removes it: every other attribute is equal, or browsers keep it."""
        return self.put("", max_age=0)


@dataclass(frozen=True, slots=True)
class Cookies:
    """The cookies of our own faces."""

    session: Cookie
    binding: Cookie
    """Random bytes that tie a ceremony, and the forms before it, to one browser."""
    ticket: Cookie
    refresh: Cookie
    device: Cookie
    """A remembered browser."""
    language: Cookie
    """The language somebody chose; no credential."""
    notice: Cookie
    """What was just done, to be said on the next page, once; a word of ours, no credential."""
    later: Cookie
    """Which advice this browser does not want to hear for a while; no credential."""


def own_cookies(*, https: bool) -> Cookies:
    """Our cookies, as a ``base_url`` with or without TLS allows them."""
    host, secure = ("__Host-", "__Secure-") if https else ("", "")
    return Cookies(
        session=Cookie(f"{host}twofold_s", https),
        binding=Cookie(f"{host}twofold_c", https),
        ticket=Cookie(f"{host}twofold_ct", https),
        refresh=Cookie(f"{secure}twofold_r", https, path="/v1/tokens/refresh", same_site="Strict"),
        device=Cookie(f"{host}twofold_d", https),
        language=Cookie(f"{host}twofold_l", https),
        notice=Cookie(f"{host}twofold_n", https),
        later=Cookie(f"{host}twofold_w", https),
    )


def parse_cookies(header: str) -> dict[str, str]:
    """Names and values of a Cookie header; a name that comes twice counts as absent.

    A sibling domain or another path can toss a second cookie of ours at the browser, which then
    sends both in an order nobody promises: guessing which one is ours would be fixation (A113).
    """
    found: dict[str, str] = {}
    twice: set[str] = set()
    for part in header.split(";"):
        name, equals, value = part.strip(" \t").partition("=")
        if not equals:
            continue
        if name in found:
            twice.add(name)
        found[name] = value
    for name in twice:
        del found[name]
    return {name: value for name, value in found.items() if _VALUE.fullmatch(value) is not None}
