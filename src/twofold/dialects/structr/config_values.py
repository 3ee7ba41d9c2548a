"""What single values of a structr.conf may be, beyond what any setting of ours may be."""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import StrEnum
from typing import Generic, TypeVar

from twofold.core.fields import Truth, Whole, refused
from twofold.core.types import Secret

Member = TypeVar("Member", bound=StrEnum)

LEAST_SECRET = 32
"""Characters: 256 bits for HS256 (RFC 7518 section 3.2), as Structr asks for too."""

LEAST_DIFFERENT = 8
"""Different characters: what has fewer was not drawn at random."""

_SAMPLE = re.compile(
    r"(?:change[-_ ]?(?:me|this|it)|your[-_ ]|my[-_ ]?(?:jwt|secret)|example|sample|todo|<|\$\{).*"
    r"|(.{1,8}?)\1+",
    re.IGNORECASE | re.DOTALL,
)


_SEPARATORS = re.compile(r"[,\s]+")
_ORIGIN = re.compile(r"https?://(?:[A-Za-z0-9._\-]+|\[[0-9A-Fa-f:.]+\])(?::[0-9]{1,5})?")


class Algorithm(StrEnum):
    """The hash of new TOTP keys."""

    SHA1 = "SHA1"
    SHA256 = "SHA256"
    SHA512 = "SHA512"


class SameSite(StrEnum):
    """Which requests of other sites carry the session cookie."""

    LAX = "Lax"
    STRICT = "Strict"
    NONE = "None"


class SecretType(StrEnum):
    """How tokens are signed; Structr's ``keypair`` and ``jwks`` are not spoken."""

    SECRET = "secret"  # noqa: S105 -- the vendor's word for a mode


@dataclass(frozen=True, slots=True)
class Word(Generic[Member]):
    """One word of a closed list, in any case."""

    among: type[Member]

    @property
    def expected(self) -> str:
        """The words."""
        words = list(self.among)
        return f"one of {', '.join(words)}" if len(words) > 1 else str(words[0])

    def read(self, value: object) -> Member:
        """Take one of the words."""
        for member in self.among:
            if isinstance(value, str) and value.lower() == member.lower():
                return member
        raise refused(self)

    def text(self, text: str) -> object:
        """Take it as it is."""
        return text


@dataclass(frozen=True, slots=True)
class Figures:
    """One of a few numbers."""

    among: tuple[int, ...]

    @property
    def expected(self) -> str:
        """The numbers."""
        return " or ".join(map(str, self.among))

    def read(self, value: object) -> int:
        """Take one of them."""
        if isinstance(value, bool) or not isinstance(value, int) or value not in self.among:
            raise refused(self)
        return value

    def text(self, text: str) -> object:
        """Take ASCII digits only."""
        return Whole(0, 0).text(text)


@dataclass(frozen=True, slots=True)
class OffOr:
    """0 for not at all, or a number within bounds."""

    least: int
    most: int

    @property
    def expected(self) -> str:
        """Its bounds."""
        return f"0 or a whole number from {self.least} to {self.most}"

    def read(self, value: object) -> int:
        """Take 0 or the number."""
        if isinstance(value, bool) or not isinstance(value, int):
            raise refused(self)
        if value and not self.least <= value <= self.most:
            raise refused(self)
        return value

    def text(self, text: str) -> object:
        """Take ASCII digits only."""
        return Whole(0, 0).text(text)


@dataclass(frozen=True, slots=True)
class Perhaps:
    """True or false; nothing means false."""

    expected: str = "true, false or nothing"

    def read(self, value: object) -> bool:
        """Take a truth value."""
        if value == "":
            return False
        if not isinstance(value, bool):
            raise refused(self)
        return value

    def text(self, text: str) -> object:
        """Take the two words."""
        return Truth().text(text)


@dataclass(frozen=True, slots=True)
class Origins:
    """Origins of pages, or ``*`` for all of them."""

    expected: str = "origins such as https://app.example.org, separated by commas or blanks, or *"

    def read(self, value: object) -> tuple[str, ...]:
        """Take a text, in order and without repeats."""
        if not isinstance(value, str):
            raise refused(self)
        found = tuple(dict.fromkeys(filter(None, _SEPARATORS.split(value))))
        if found != ("*",) and not all(map(_ORIGIN.fullmatch, found)):
            raise refused(self)
        return found

    def text(self, text: str) -> object:
        """Take it as it is."""
        return text


@dataclass(frozen=True, slots=True)
class SigningSecret:
    """A secret that signs tokens, or none; one that could be guessed is no secret."""

    expected: str = (
        f"empty, or a secret of at least {LEAST_SECRET} characters that were drawn at random"
    )

    def read(self, value: object) -> Secret:
        """Take the raw characters as UTF-8, as Structr does."""
        if not isinstance(value, str):
            raise refused(self)
        weak = len(value) < LEAST_SECRET or len(set(value)) < LEAST_DIFFERENT
        if value and (weak or _SAMPLE.fullmatch(value)):
            raise refused(self)
        return Secret(value.encode())

    def text(self, text: str) -> object:
        """Take it as it is."""
        return text
