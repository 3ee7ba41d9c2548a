"""Bodies and queries, read in one way only: what could be read in two ways is refused (A119, A123).

msgspec's own decoder is ten times as fast but takes the last of two equal keys in silence, so JSON
is read by the standard library's C scanner with hooks that refuse, and msgspec checks the shape:
1.3 to 2 µs for a typical body together.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Callable, Mapping
from itertools import accumulate
from typing import Any, Final, Never, TypeVar
from urllib.parse import parse_qsl

import msgspec

from twofold.core.errors import Malformed

Shape = TypeVar("Shape")

FORM: Final = "application/x-www-form-urlencoded"
JSON: Final = "application/json"

_PARAMETERS: Final = re.compile(r"\s*;\s*charset=\"?utf-8\"?\s*", re.IGNORECASE)
_STRING: Final = re.compile(rb'"(?:[^"\\]|\\.)*"')
_NO_BRACKETS: Final = bytes(set(range(256)) - set(b"[]{}"))
_STEPS: Final = tuple(1 if sign in b"[{" else -1 for sign in range(256))
_BLANKS: Final = " \t\n\r"
_LONGEST_INTEGER: Final = 20
_LONGEST_FRACTION: Final = 64
_INTEGERS: Final = range(-(2**63), 2**63)
_PLACE: Final = re.compile(r" - at (?:`key` in )?`\$\.?([^`]*)`$")
_NAMED: Final = re.compile(r"Object (missing required|contains unknown) field `([^`]*)`")
_NAME: Final = re.compile(r"[\w.\-\[\]]{1,80}", re.ASCII)


class TooLarge(Malformed):
    """The body is longer than we read."""

    code = "too-large"
    title = "The body of the request is too large."


class WrongMediaType(Malformed):
    """The body is in a form that we do not read; ``accepts`` says which we do."""

    code = "unsupported-media-type"
    title = "The body of the request has the wrong Content-Type."

    def __init__(self, detail: str = "", *, accepts: str) -> None:
        """Keep what would have been read."""
        super().__init__(detail or f"Send {accepts} in UTF-8.")
        self.accepts = accepts


def expect_media_type(given: str | None, wanted: str) -> None:
    """Refuse any other Content-Type, and any charset but UTF-8.

    A page of another site can send a form or plain text without asking first, JSON it cannot.
    """
    if given == wanted:
        return
    essence, semicolon, _ = (given or "").partition(";")
    if essence.strip().lower() != wanted or (
        semicolon and _PARAMETERS.fullmatch(given or "", len(essence)) is None
    ):
        raise WrongMediaType(accepts=wanted)


def parse_json(raw: bytes, *, depth: int = 32) -> object:
    """A JSON value without duplicate keys, odd numbers, odd text or anything behind it.

    Integers fit in 64 bits; text holds neither NUL (which PostgreSQL cannot keep) nor half of a
    surrogate pair (which nothing can encode). Raises Malformed.
    """
    _refuse_depth(raw, depth)
    try:
        text = raw.decode("utf-8").strip(_BLANKS)
        value, end = _read(text)
    except ValueError:
        # Neither the position nor the words of the parser: both would repeat the client's bytes.
        raise _no_json() from None
    if end != len(text):
        raise _no_json()
    if "\\u" in text:
        _refuse_odd_text(value)
    return value


def _no_json() -> Malformed:
    return Malformed("The body is not one JSON value in UTF-8.")


def convert(value: object, shape: type[Shape], *, lax: bool = False) -> Shape:
    """The value as this type, or Malformed naming the field and never its content.

    ``lax`` reads numbers and booleans from text, for queries and forms.
    """
    try:
        return msgspec.convert(value, shape, strict=not lax)
    except msgspec.ValidationError as fault:
        raise _explained(str(fault)) from None


def parse_form(raw: bytes, *, fields: int = 64) -> dict[str, str]:
    """Fields of an urlencoded form or query, each name once. Raises Malformed."""
    if not raw:
        return {}
    try:
        pairs = parse_qsl(
            raw.decode("ascii"),
            keep_blank_values=True,
            strict_parsing=True,
            errors="strict",
            max_num_fields=fields,
        )
    except ValueError:
        raise Malformed("The form or query is not well formed.") from None
    found = dict(pairs)
    if len(found) != len(pairs):
        # Whoever reads the first and whoever reads the last would see different requests.
        raise Malformed("A field of the form or query is given twice.")
    if any("\0" in name or "\0" in value for name, value in pairs):
        raise Malformed("A field of the form or query holds a NUL.")
    return found


def _pairs(pairs: list[tuple[str, Any]]) -> Mapping[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise Malformed("A key is given twice in one JSON object.")
    return found


def _integer(digits: str) -> int:
    # Checked before it is read: the conversion itself takes quadratic time.
    if len(digits) > _LONGEST_INTEGER or (number := int(digits)) not in _INTEGERS:
        raise Malformed("A number does not fit in 64 bits.")
    return number


def _fraction(digits: str) -> float:
    if len(digits) > _LONGEST_FRACTION or not math.isfinite(number := float(digits)):
        raise Malformed("A number is out of range.")
    return number


def _constant(_: str) -> Never:
    raise Malformed("NaN and Infinity are no JSON.")


_read: Final[Callable[[str], tuple[object, int]]] = json.JSONDecoder(
    object_pairs_hook=_pairs, parse_int=_integer, parse_float=_fraction, parse_constant=_constant
).raw_decode


def _refuse_depth(raw: bytes, depth: int) -> None:
    # Brackets inside strings count too at first: cheap, and right for nearly every body.
    if raw.count(b"[") + raw.count(b"{") <= depth:
        return
    brackets = _STRING.sub(b"", raw).translate(None, _NO_BRACKETS)
    if max(accumulate(map(_STEPS.__getitem__, brackets)), default=0) > depth:
        raise Malformed("The JSON is nested too deeply.")


def _refuse_odd_text(value: object) -> None:
    waiting = [value]
    while waiting:
        match waiting.pop():
            case str(text):
                if "\0" in text or not _encodable(text):
                    raise Malformed("A text holds a NUL or half a surrogate pair.")
            case dict(inner):
                waiting += inner
                waiting += inner.values()
            case list(inner):
                waiting += inner
            case _:
                pass


def _encodable(text: str) -> bool:
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True


def _explained(message: str) -> Malformed:
    """What msgspec found, without the values that some of its messages repeat."""
    place = _PLACE.search(message)
    inside = place[1] if place else ""
    said = message[: place.start()] if place else message
    if (named := _NAMED.match(said)) is not None:
        field = f"{inside}.{named[2]}" if inside else named[2]
        words = "is missing" if named[1] == "missing required" else "is not known here"
    else:
        field = inside
        words = "is wrong"
        if said.startswith("Expected "):
            words = f"is wrong: {said[0].lower()}{said[1:]}"
    if _NAME.fullmatch(field) is None:
        return Malformed(f"The body {words}." if not field else f"A field {words}.")
    return Malformed(f"{field} {words}.", field=field)
