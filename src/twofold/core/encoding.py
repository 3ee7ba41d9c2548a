"""Bytes that have one spelling only: framing for MACs and contexts, and strict base64url."""

from __future__ import annotations

import binascii
import struct
from typing import Final

_LENGTH: Final = struct.Struct(">I").pack
_TO_URL: Final = bytes.maketrans(b"+/", b"-_")
_FROM_URL: Final = bytes.maketrans(b"-_+/=", b"+/!!!")
"""The other alphabet's own letters, and padding, become what no decoder takes."""

_PADDING: Final = (b"", b"===", b"==", b"=")
"""By what is left over from groups of four letters; a single letter spells nothing."""


def framed(*parts: str | bytes) -> bytes:
    """Join parts so that no other sequence of parts gives the same bytes.

    Each part stands behind its length in four bytes; ``("ab", "c")`` and ``("a", "bc")``
    must never share a MAC or an AEAD context.
    """
    pieces: list[bytes] = []
    for part in parts:
        # A lone surrogate out of somebody's JSON is a part like any other, not a crash.
        raw = part.encode("utf-8", "surrogatepass") if isinstance(part, str) else part
        pieces += (_LENGTH(len(raw)), raw)
    return b"".join(pieces)


def to_base64url(raw: bytes) -> str:
    """RFC 4648 section 5, without padding."""
    return _encoded(raw).decode("ascii")


def from_base64url(text: str) -> bytes | None:
    """Undo to_base64url; None for anything that it cannot have made.

    Python's strict decoder refuses foreign characters and wrong padding but ignores slack bits
    (``QQ`` and ``QR`` are equal to it), so the end is encoded again and compared: a token has one
    spelling.
    """
    try:
        given = text.encode("ascii")
        padding = _PADDING[len(given) % 4]
        raw = binascii.a2b_base64(given.translate(_FROM_URL) + padding, strict_mode=True)
    except ValueError:
        return None
    if not padding:
        return raw
    return raw if given.endswith(_encoded(raw[-(len(raw) % 3) :])) else None


def _encoded(raw: bytes) -> bytes:
    return binascii.b2a_base64(raw, newline=False).translate(_TO_URL).rstrip(b"=")
