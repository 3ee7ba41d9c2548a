"""One-time codes from a shared secret: RFC 4226 (HOTP) and RFC 6238 (TOTP)."""

from __future__ import annotations

import hmac
import struct
import unicodedata
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any, Final

from twofold.core.errors import Malformed
from twofold.core.mac import Mac
from twofold.core.types import SECOND, Instant

ALGORITHMS: Final[Mapping[str, str]] = MappingProxyType(
    {"SHA1": "sha1", "SHA256": "sha256", "SHA512": "sha512"}
)
"""The names of RFC 6238 and key URIs, and what hashlib calls them."""

MIN_DIGITS: Final = 6
"""RFC 4226 section 5.3, requirement R4."""

MAX_DIGITS: Final = 8
LONGEST_PERIOD: Final = 86_400
REACH: Final = 10
"""How many steps around now ``drift`` looks at."""

_LONGEST_ANSWER: Final = 32
_COUNTER: Final = struct.Struct(">Q")
_MOST: Final = 2**64 - 1


@dataclass(frozen=True, slots=True)
class Totp:
    """How codes are made from a secret; ``period`` is in seconds."""

    algorithm: str = "SHA1"
    digits: int = MIN_DIGITS
    period: int = 30

    def __post_init__(self) -> None:
        """Refuse what RFC 6238 or common sense does not know; Malformed names the field."""
        if self.algorithm not in ALGORITHMS:
            raise Malformed("The algorithm is SHA1, SHA256 or SHA512.", field="algorithm")
        if not _whole(self.digits, MIN_DIGITS, MAX_DIGITS):
            raise Malformed("A code has 6 to 8 digits.", field="digits")
        if not _whole(self.period, 1, LONGEST_PERIOD):
            raise Malformed("The period is 1 to 86400 seconds.", field="period")

    @classmethod
    def of(cls, parameters: Mapping[str, object]) -> Totp:
        """Read what ``parameters()`` wrote beside a secret; what is absent has its default."""
        read: Callable[[str, object], Any] = parameters.get  # __post_init__ checks each type
        return cls(read("algorithm", "SHA1"), read("digits", MIN_DIGITS), read("period", 30))

    def parameters(self) -> dict[str, str | int]:
        """What must be kept beside the secret for as long as it lives."""
        return {"algorithm": self.algorithm, "digits": self.digits, "period": self.period}


def hotp(secret: bytes, counter: int, digits: int = MIN_DIGITS, algorithm: str = "SHA1") -> str:
    """The code for one counter, RFC 4226 section 5.3."""
    return _code(Mac(secret, ALGORITHMS[algorithm]), counter, digits)


def _code(mac: Mac, counter: int, digits: int) -> str:
    digest = mac.digest(_COUNTER.pack(counter))
    offset = digest[-1] & 0x0F
    number = int.from_bytes(digest[offset : offset + 4]) & 0x7FFF_FFFF
    return str(number % 10**digits).zfill(digits)


def step_at(now: Instant, period: int) -> int:
    """The time step a moment falls into, RFC 6238 section 4.2 with T0 = 0."""
    return now // (period * SECOND)


def match(
    secret: bytes, code: str, step: int, parameters: Totp, *, past: int = 1, future: int = 1
) -> int | None:
    """The highest step from ``step - past`` to ``step + future`` whose code this is.

    The answer is to be spent as the authenticator's new mark; at or below the old mark it is
    a replay. Highest, because once in some hundred thousand windows two steps share a code:
    spending the lower one would let the very same digits in a second time (I1).
    All candidates are computed and compared whatever was found, so that the time taken tells
    nothing (A87). ``code`` comes from ``normalise``.
    """
    found = _right(secret, code, range(step - past, step + future + 1), parameters)
    return found[-1] if found else None


def drift(
    secret: bytes, code: str, step: int, parameters: Totp, *, reach: int = REACH
) -> int | None:
    """How many steps a wrong code is off, the nearest first; None when it is just wrong.

    For the log, and to tell the owner that a clock is wrong; never a reason to accept.
    """
    found = _right(secret, code, range(step - reach, step + reach + 1), parameters)
    return min((candidate - step for candidate in found), key=abs, default=None)


def normalise(code: object, digits: int) -> str | None:
    """A code as typed without its blanks and dashes; None unless exactly ``digits`` remain.

    Only ASCII blank and dash are separators (``123 456``, ``123-456``): a tab, a newline, a
    sign, an underscore or a digit of another script is not, and ``int()`` is never asked,
    because it takes all of them (A121). Nothing is padded or cut (A29).
    """
    if not isinstance(code, str) or len(code) > _LONGEST_ANSWER:
        return None
    bare = code.replace(" ", "").replace("-", "")
    return bare if len(bare) == digits and bare.isascii() and bare.isdecimal() else None


def from_keyboard(text: str) -> str:
    """What a person typed, with decimal digits, blanks and dashes of any script as ASCII.

    For pages only (E08); an API takes ASCII. Everything else stays and is refused later.
    """
    return "".join(map(_plain, text[: 2 * _LONGEST_ANSWER]))


def _plain(letter: str) -> str:
    value = unicodedata.decimal(letter, None)
    if value is not None:
        return str(value)
    # Zs and Pd are blanks and dashes; newlines and other controls are neither.
    return {"Zs": " ", "Pd": "-"}.get(unicodedata.category(letter), letter)


def _right(secret: bytes, code: str, steps: range, parameters: Totp) -> list[int]:
    """All steps whose code it is; each is computed and compared, whatever was found before."""
    mac, digits = Mac(secret, ALGORITHMS[parameters.algorithm]), parameters.digits
    return [
        step
        for step in steps
        if 0 <= step <= _MOST and hmac.compare_digest(_code(mac, step, digits), code)
    ]


def _whole(value: object, least: int, most: int) -> bool:
    """Whether it is a whole number in range; True is an int to Python but not to us."""
    return type(value) is int and least <= value <= most
