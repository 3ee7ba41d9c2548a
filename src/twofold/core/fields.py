"""What a single setting may be, said once: settings, policy documents and the manual read it here.

A reader takes a value as JSON or TOML gives it, or as text from the environment, and answers with
a value of its own type, or raises Malformed with a sentence that says what is expected. The
sentence never holds the value: some of them are secrets.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Generic, Protocol, TypeVar

from twofold.core.errors import Malformed
from twofold.core.networks import Networks, parse_networks

Value_co = TypeVar("Value_co", covariant=True)
Value = TypeVar("Value")
Member = TypeVar("Member", bound=StrEnum)

LONGEST = 2_000
"""Characters of a text, unless its reader says otherwise."""

_NUMBER = re.compile(r"[+-]?[0-9]{1,18}")
_ODD = re.compile("[\x00-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff]")
_TRUTH = {"true": True, "false": False}
_NAME = re.compile(r"[^\x00-\x20\x7f-\xa0]{1,128}")


class Reader(Protocol[Value_co]):
    """What one setting may be."""

    @property
    def expected(self) -> str:
        """The words that follow ``must be``."""

    def read(self, value: object) -> Value_co:
        """Take a value of JSON or TOML, or raise Malformed."""

    def text(self, text: str) -> object:
        """Turn text from the environment into what ``read`` takes."""


@dataclass(frozen=True, slots=True)
class Whole:
    """A whole number within bounds."""

    least: int
    most: int

    @property
    def expected(self) -> str:
        """Its bounds."""
        return f"a whole number from {self.least} to {self.most}"

    def read(self, value: object) -> int:
        """Take a number; to Python a truth value is one, to a reader of settings it is not."""
        if isinstance(value, bool) or not isinstance(value, int):
            raise refused(self)
        if not self.least <= value <= self.most:
            raise refused(self)
        return value

    def text(self, text: str) -> object:
        """Take ASCII digits only; ``int`` would read any script's, and underscores."""
        return int(text) if _NUMBER.fullmatch(text.strip()) else text


@dataclass(frozen=True, slots=True)
class Truth:
    """True or false."""

    expected: str = "true or false"

    def read(self, value: object) -> bool:
        """Take a truth value and nothing that merely looks like one."""
        if not isinstance(value, bool):
            raise refused(self)
        return value

    def text(self, text: str) -> object:
        """Take the two words."""
        return _TRUTH.get(text.strip().lower(), text)


@dataclass(frozen=True, slots=True)
class Text:
    """One line of text; ``pattern`` and ``expected`` go together."""

    expected: str = "one line of text"
    pattern: str = ".*"
    longest: int = LONGEST

    def read(self, value: object) -> str:
        """Take a text without control characters."""
        if not isinstance(value, str) or len(value) > self.longest or _ODD.search(value):
            raise refused(self)
        if re.fullmatch(self.pattern, value) is None:
            raise refused(self)
        return value

    def text(self, text: str) -> object:
        """Take it as it is."""
        return text


@dataclass(frozen=True, slots=True)
class Choice(Generic[Member]):
    """One word of a closed list."""

    among: type[Member]

    @property
    def expected(self) -> str:
        """The words."""
        return "one of " + ", ".join(self.among)

    def read(self, value: object) -> Member:
        """Take one of the words."""
        for member in self.among:
            if value == member.value:
                return member
        raise refused(self)

    def text(self, text: str) -> object:
        """Take it as it is."""
        return text


@dataclass(frozen=True, slots=True)
class Listed(Generic[Value]):
    """A list without repeats; in the environment separated by commas, or as JSON."""

    of: Reader[Value]
    least: int = 0
    most: int = 1_000

    @property
    def expected(self) -> str:
        """What stands in the list."""
        length = f" of at least {self.least}" if self.least else ""
        return f"a list{length} in which each is {self.of.expected}"

    def read(self, value: object) -> tuple[Value, ...]:
        """Take a list, in order."""
        if not isinstance(value, list | tuple) or not self.least <= len(value) <= self.most:
            raise refused(self)
        found = tuple(_inside(self, self.of, item) for item in value)
        if len(set(found)) != len(found):
            raise refused(self)
        return found

    def text(self, text: str) -> object:
        """Split at commas, or read JSON."""
        if text.lstrip().startswith("["):
            return _json(text)
        return [self.of.text(part.strip()) for part in text.split(",") if part.strip()]


@dataclass(frozen=True, slots=True)
class Table(Generic[Value]):
    """Values by names that the operator chooses; in the environment as JSON."""

    of: Reader[Value]
    names: str = "name"
    most: int = 1_000

    @property
    def expected(self) -> str:
        """What stands in the table."""
        return f"a table in which each {self.names} has {self.of.expected}"

    def read(self, value: object) -> dict[str, Value]:
        """Take a table."""
        if not isinstance(value, Mapping) or len(value) > self.most:
            raise refused(self)
        if not all(isinstance(name, str) and _NAME.fullmatch(name) for name in value):
            raise refused(self)
        return {name: _inside(self, self.of, item) for name, item in value.items()}

    def text(self, text: str) -> object:
        """Read JSON."""
        return _json(text)


@dataclass(frozen=True, slots=True)
class Nets:
    """A list of networks in prefix form."""

    expected: str = "a list of networks such as 10.0.0.0/8 or 2001:db8::/32"

    def read(self, value: object) -> Networks:
        """Take a list, or text separated by commas."""
        if isinstance(value, list | tuple) and all(isinstance(item, str) for item in value):
            value = ",".join(value)
        if not isinstance(value, str):
            raise refused(self)
        try:
            return parse_networks(value)
        except Malformed:
            raise refused(self) from None

    def text(self, text: str) -> object:
        """Take it as it is."""
        return text


@dataclass(frozen=True, slots=True)
class Entry:
    """One key: what it may be, and one line of what it is for."""

    reader: Reader[object]
    text: str


def refused(reader: Reader[object]) -> Malformed:
    """Say what was expected, and not what came."""
    return Malformed(f"must be {reader.expected}")


def leaves(
    known: Mapping[str, object], table: Mapping[str, object], prefix: str = ""
) -> Iterator[tuple[str, object]]:
    """Yield the dotted names and values of a nested table, as deep as the known names go.

    A name that is not known is yielded too, whole: the caller says what is wrong with it.
    """
    for name, value in table.items():
        dotted = f"{prefix}{name}"
        inner = any(other.startswith(f"{dotted}.") for other in known)
        if inner and isinstance(value, Mapping):
            yield from leaves(known, value, f"{dotted}.")
        else:
            yield dotted, value


def _inside(outer: Reader[object], reader: Reader[Value], value: object) -> Value:
    try:
        return reader.read(value)
    except Malformed:
        raise refused(outer) from None


def _json(text: str) -> object:
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        return text
