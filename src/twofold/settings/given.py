"""What a source of settings says, line by line, before anybody believes it."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Given:
    """One value for one key, and where it came from."""

    key: str
    value: object
    origin: str


@dataclass(frozen=True, slots=True)
class Vendored:
    """One value for a key of a vendor's own, already read."""

    vendor: str
    key: str
    value: object
    origin: str


@dataclass(frozen=True, slots=True)
class Unread:
    """Something that is no value for any key, and why."""

    fault: str


@dataclass(frozen=True, slots=True)
class Noted:
    """Something that is taken, or left alone, and that an operator should hear of."""

    text: str


Read = Given | Vendored | Unread | Noted
