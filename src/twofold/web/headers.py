"""The headers that every answer of a class carries, made once.

They are constants, because a security header that somebody has to remember is one that is
missing somewhere (A83, A111, A117).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

Header = tuple[bytes, bytes]

NO_STORE: Final[Header] = (b"cache-control", b"no-store")
NO_SNIFFING: Final[Header] = (b"x-content-type-options", b"nosniff")
SAME_ORIGIN_RESOURCE: Final[Header] = (b"cross-origin-resource-policy", b"same-origin")
NO_REFERRER: Final[Header] = (b"referrer-policy", b"no-referrer")
CLOSE: Final[Header] = (b"connection", b"close")

HSTS: Final[Header] = (b"strict-transport-security", b"max-age=31536000; includeSubDomains")
"""Sent with every answer when ``base_url`` is https, and never otherwise."""

SIGNED_OUT: Final[Header] = (b"clear-site-data", b'"cache", "storage"')
"""For the answer that ends a session: Back must not show what was on the page (A117)."""

DATA: Final[tuple[Header, ...]] = (NO_STORE, NO_SNIFFING, SAME_ORIGIN_RESOURCE, NO_REFERRER)
"""JSON, plain text, pictures: nothing is cached, sniffed, or read by another origin."""

ASSET: Final[tuple[Header, ...]] = (
    (b"cache-control", b"public, max-age=86400"),
    NO_SNIFFING,
    SAME_ORIGIN_RESOURCE,
)
"""Style sheets, scripts and icons that we ship; they hold nothing of anybody."""

_PAGE: Final[tuple[Header, ...]] = (
    NO_STORE,
    NO_SNIFFING,
    SAME_ORIGIN_RESOURCE,
    # Under `no-referrer` a browser sends `Origin: null` with our own forms, which looks foreign.
    (b"referrer-policy", b"same-origin"),
    (b"cross-origin-opener-policy", b"same-origin"),
    (b"x-frame-options", b"DENY"),
    (
        b"permissions-policy",
        (
            b"camera=(), geolocation=(), microphone=(), payment=(), usb=(), clipboard-write=(self),"
            b" publickey-credentials-create=(self), publickey-credentials-get=(self)"
        ),
    ),
)


@dataclass(frozen=True, slots=True)
class Sources:
    """Origins beside our own that a page has to do with."""

    forms: tuple[str, ...] = ()
    """Where an answer to one of its forms may lead: Chromium holds redirects to the policy too."""
    styles: tuple[str, ...] = ()
    """Where an operator's own style sheet comes from, and the fonts it names."""
    images: tuple[str, ...] = ()


OWN: Final = Sources()
"""None."""


def page(nonce: str, sources: Sources = OWN) -> tuple[Header, ...]:
    """The headers of an HTML page whose own ``<style>`` and ``<script>`` carry the nonce.

    Scripts run by nonce alone: a file of ours that an injected element names does not.
    """
    own = ("'self'",)
    rules = {
        "default-src": ("'none'",),
        "connect-src": own,
        "font-src": sources.styles or ("'none'",),
        "img-src": (*own, "data:", *sources.images),
        "script-src": (f"'nonce-{nonce}'",),
        "style-src": (*own, f"'nonce-{nonce}'", *sources.styles),
        "base-uri": ("'none'",),
        "frame-ancestors": ("'none'",),
        "form-action": (*own, *sources.forms),
    }
    policy = "; ".join(f"{rule} {' '.join(allowed)}" for rule, allowed in rules.items())
    return (*_PAGE, (b"content-security-policy", policy.encode("ascii")))
