"""Key URIs: how a secret travels into an authenticator app by QR code or by hand.

The format is the de facto one of Google Authenticator ("Key Uri Format"), which
draft-linuxgemini-otpauth-uri writes down.
"""

from __future__ import annotations

import base64
import unicodedata
from dataclasses import dataclass, field
from typing import Final, Literal
from urllib.parse import parse_qsl, quote, unquote, urlsplit

from twofold.core.errors import Malformed
from twofold.core.otp import Totp

LONGEST_URI: Final = 4096
_LONGEST_LABEL: Final = 254
_MOST_PARAMETERS: Final = 32
_LONGEST_NUMBER: Final = 19


@dataclass(frozen=True, slots=True)
class KeyUri:
    """All that an app must know; ``period`` matters to totp, ``counter`` to hotp."""

    issuer: str
    account: str
    secret: bytes = field(repr=False)
    algorithm: str = "SHA1"
    digits: int = 6
    period: int = 30
    kind: Literal["totp", "hotp"] = "totp"
    counter: int = 0

    def __post_init__(self) -> None:
        """Refuse what could not be read back as it was meant."""
        Totp(self.algorithm, self.digits, self.period)
        _check_label(self.issuer, "issuer")
        _check_label(self.account, "account")
        # The first colon of the label ends the issuer; the account may have its own.
        if ":" in self.issuer or (":" in self.account and not self.issuer):
            raise Malformed("An issuer has no colon.", field="issuer")
        if not self.secret:
            raise Malformed("A key URI needs a secret.", field="secret")
        if not 0 <= self.counter < 2**64:
            raise Malformed("A counter has 64 bits.", field="counter")

    def build(self) -> str:
        """The URI, with a label ``issuer:account`` and every parameter said aloud."""
        label = f"{_quoted(self.issuer)}:" if self.issuer else ""
        moving = f"period={self.period}" if self.kind == "totp" else f"counter={self.counter}"
        issuer = f"&issuer={_quoted(self.issuer)}" if self.issuer else ""
        return (
            f"otpauth://{self.kind}/{label}{_quoted(self.account)}?secret={base32(self.secret)}"
            f"{issuer}&algorithm={self.algorithm}&digits={self.digits}&{moving}"
        )


def parse(text: str) -> KeyUri:
    """Read a key URI as apps and exports write them; Malformed names what is wrong.

    Forgiving where real ones differ (case, blanks and padding of the secret, absent
    parameters, unknown ones); strict where two readings are possible.
    """
    kind, label, query = _split(text)
    issuer, colon, account = label.partition(":")
    if not colon:
        issuer, account = "", label
    named = query.get("algorithm", "SHA1")
    # `upper` would make SHA1 of a word with U+017F in it.
    algorithm = named.upper().replace("-", "").removeprefix("HMAC") if named.isascii() else named
    return KeyUri(
        issuer=query.get("issuer", issuer).strip(),
        account=account.strip(),
        secret=from_base32(query.get("secret", "")),
        algorithm=algorithm,
        digits=_number(query, "digits", 6),
        period=_number(query, "period", 30),
        kind=kind,
        counter=_number(query, "counter", 0),
    )


def base32(secret: bytes) -> str:
    """RFC 4648 section 6 in capitals without padding, as apps want it."""
    return base64.b32encode(secret).rstrip(b"=").decode("ascii")


def from_base32(text: str) -> bytes:
    """A secret as people type it: any case, with blanks, dashes or padding; or Malformed.

    Slack bits at the end are dropped, as every app does.
    """
    bare = text.translate(_FILLERS).upper().rstrip("=")
    try:
        # `upper` turns U+017F into S; only what was ASCII before may pass.
        raw = base64.b32decode(bare + "=" * (-len(bare) % 8)) if text.isascii() else b""
    except ValueError:
        raw = b""
    if not raw:
        raise Malformed("The secret is not base32.", field="secret")
    return raw


def in_groups(text: str, size: int = 4) -> str:
    """Blank-separated groups, for typing by hand."""
    return " ".join(text[start : start + size] for start in range(0, len(text), size))


def _split(text: str) -> tuple[Literal["totp", "hotp"], str, dict[str, str]]:
    # Python's urlsplit silently drops tabs and newlines anywhere in a URL.
    if len(text) > LONGEST_URI or not text.isprintable():
        raise Malformed("This is no key URI.", field="uri")
    try:
        parts = urlsplit(text)
        pairs = parse_qsl(
            parts.query,
            keep_blank_values=True,
            strict_parsing=True,
            errors="strict",
            max_num_fields=_MOST_PARAMETERS,
        )
        label = unquote(parts.path, errors="strict").removeprefix("/")
    except ValueError:
        raise Malformed("This is no key URI.", field="uri") from None
    query = {key.lower(): value for key, value in pairs}
    if len(query) != len(pairs):
        raise Malformed("A parameter is given twice.", field="uri")
    if parts.scheme != "otpauth" or parts.fragment:
        raise Malformed("This is no key URI.", field="uri")
    match parts.netloc.lower():
        case "totp":
            return "totp", label, query
        case "hotp":
            return "hotp", label, query
        case _:
            raise Malformed("A key URI is for totp or hotp.", field="uri")


def _number(query: dict[str, str], key: str, default: int) -> int:
    text = query.get(key)
    if text is None:
        return default
    if not (text.isascii() and text.isdecimal() and len(text) <= _LONGEST_NUMBER):
        raise Malformed("A number is expected.", field=key)
    return int(text)


def _check_label(text: str, name: str) -> None:
    if len(text) > _LONGEST_LABEL or any(unicodedata.category(c) in _UNSPEAKABLE for c in text):
        raise Malformed("Control characters have no place in a label.", field=name)


def _quoted(text: str) -> str:
    return quote(text, safe="")


_FILLERS: Final = str.maketrans("", "", " -")
_UNSPEAKABLE: Final = frozenset({"Cc", "Cs", "Zl", "Zp"})
