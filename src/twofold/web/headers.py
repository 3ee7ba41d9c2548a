"""The headers that every answer of a class carries, made once.

They are constants, because a security header that somebody has to remember is one that is
missing somewhere (A83, A111, A117).
"""

from __future__ import annotations

from collections.abc import Sequence
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
            b"camera=(), geolocation=(), microphone=(), payment=(), usb=(),"
            b" publickey-credentials-create=(self), publickey-credentials-get=(self)"
        ),
    ),
)


def page(nonce: str, *, form_targets: Sequence[str] = ()) -> tuple[Header, ...]:
    """The headers of an HTML page whose own ``<style>`` and ``<script>`` carry the nonce.

    ``form_targets`` are further origins that an answer to one of its forms may redirect to.
    """
    targets = " ".join(("'self'", *form_targets))
    policy = (
        "default-src 'none'; connect-src 'self'; font-src 'self'; img-src 'self' data:;"
        f" manifest-src 'self'; script-src 'self' 'nonce-{nonce}';"
        f" style-src 'self' 'nonce-{nonce}'; base-uri 'none'; frame-ancestors 'none';"
        f" form-action {targets}"
    )
    return (*_PAGE, (b"content-security-policy", policy.encode("ascii")))
