"""Users as they come out of Structr: JSON as its REST interface answers, or CSV with a head.

Structr's own interfaces hide ``twoFactorSecret``; an export that is to bring it along comes from
the database. Passwords never come along: their hashes are of a kind that is not used here.
"""

from __future__ import annotations

import csv
import io
import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from twofold.core import otpauth
from twofold.core.errors import Malformed

HIDDEN: Final = "****** HIDDEN ******"
"""How Structr shows what it does not show."""

LEAST_SECRET: Final = 16
"""Bytes: 128 bits, RFC 4226 section 4, R6; Structr itself drew 80 for years."""

_ID = re.compile(r"[0-9a-f]{32}")
_TRUE: Final = frozenset({"true", "1", "yes"})
_FALSE: Final = frozenset({"false", "0", "no", "", "null"})
_FLAGS: Final = ("isTwoFactorUser", "twoFactorConfirmed", "isAdmin", "blocked")


@dataclass(frozen=True, slots=True)
class Exported:
    """One user of an export."""

    name: str
    id: str | None = None
    """As it was, where it has the shape of ours: what a script wrote down goes on to be right."""
    email: str | None = None
    unconfirmed: bool = False
    """Whether the address was never confirmed."""
    admin: bool = False
    blocked: bool = False
    two_factor: bool = False
    locale: str | None = None
    secret: bytes | None = field(default=None, repr=False)
    """A confirmed one that is long enough."""
    why: str = ""
    """Why a user with two factors has to set up its app again."""


@dataclass(frozen=True, slots=True)
class Unreadable:
    """An entry that makes no user, and why."""

    number: int
    name: str
    fault: str


def read(text: str) -> tuple[Exported | Unreadable, ...]:
    """Every user of an export in order; Malformed if it is no export at all."""
    rows = list(_json(text) if text.lstrip("\ufeff \t\r\n")[:1] in {"{", "["} else _csv(text))
    return tuple(_user(number, row) for number, row in enumerate(rows, 1))


def _json(text: str) -> Iterator[Mapping[str, Any]]:
    try:
        document = json.loads(text.removeprefix("\ufeff"))
    except (ValueError, RecursionError):
        raise Malformed("The export is no JSON.") from None
    if isinstance(document, dict) and "result" in document:
        document = document["result"]
    rows = document if isinstance(document, list) else [document]
    if not all(isinstance(row, dict) for row in rows):
        raise Malformed("The export is no list of users.")
    yield from rows


def _csv(text: str) -> Iterator[Mapping[str, Any]]:
    lines = io.StringIO(text.removeprefix("\ufeff"), newline="")
    head = text.partition("\n")[0]
    reader = csv.DictReader(lines, delimiter=max(",;\t", key=head.count), strict=True)
    try:
        if "name" not in (reader.fieldnames or ()) and "eMail" not in (reader.fieldnames or ()):
            raise Malformed("The first line of the export names neither name nor eMail.")
        yield from reader
    except csv.Error:
        raise Malformed("The export is no CSV.") from None


def _user(number: int, row: Mapping[str, Any]) -> Exported | Unreadable:
    name = _text(row.get("name")) or _text(row.get("eMail")) or ""
    if not name:
        return Unreadable(number, "", "has neither name nor eMail")
    flags = {flag: _truth(row.get(flag)) for flag in _FLAGS}
    odd = [flag for flag, value in flags.items() if value is None]
    if odd:
        return Unreadable(number, name, f"{odd[0]} is neither true nor false")
    two_factor = bool(flags["isTwoFactorUser"])
    secret, why = _secret(_text(row.get("twoFactorSecret")), bool(flags["twoFactorConfirmed"]))
    id = (_text(row.get("id")) or "").replace("-", "").lower()
    return Exported(
        name=name,
        id=id if _ID.fullmatch(id) else None,
        email=_text(row.get("eMail")),
        unconfirmed=bool(_text(row.get("confirmationKey"))),
        admin=bool(flags["isAdmin"]),
        blocked=bool(flags["blocked"]),
        two_factor=two_factor,
        locale=_text(row.get("locale")),
        secret=secret,
        why=why if two_factor else "",
    )


def _secret(text: str | None, confirmed: bool) -> tuple[bytes | None, str]:  # noqa: FBT001
    """The secret if it can go on to be used, or why not."""
    if not confirmed:
        return None, "was never confirmed"
    if text is None:
        return None, "has no secret in the export"
    if text == HIDDEN:
        return None, "has a hidden secret in the export"
    try:
        raw = otpauth.from_base32(text)
    except Malformed:
        return None, "has a secret that is not base32"
    if len(raw) < LEAST_SECRET:
        return None, f"has a secret of {8 * len(raw)} bits, less than {8 * LEAST_SECRET}"
    return raw, ""


def _text(value: object) -> str | None:
    return value.strip() or None if isinstance(value, str) else None


def _truth(value: object) -> bool | None:
    match value:
        case bool():
            return value
        case None:
            return False
        case str() if value.strip().lower() in _TRUE:
            return True
        case str() if value.strip().lower() in _FALSE:
            return False
        case _:
            return None
