"""How one line of the table of settings is declared: its name, its reader, its default, its use."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, TypeVar

from twofold.core.fields import Reader, Truth

Value = TypeVar("Value")


class Applies(StrEnum):
    """When another value takes effect."""

    NOW = "at once"
    START = "at the next start"
    NEVER = "not at all"
    """The key is known and its value checked, but nothing here depends on it."""


@dataclass(frozen=True, slots=True)
class Setting:
    """One key as files, the page, the API and the manual see it."""

    name: str
    """As Structr writes it; any case is read."""
    attribute: str
    """The field of StructrSettings."""
    reader: Reader[object]
    default: Any
    text: str
    aliases: tuple[str, ...] = ()
    applies: Applies = Applies.NOW
    secret: bool = False

    @property
    def variable(self) -> str:
        """The environment variable that sets it."""
        return "STRUCTR_" + self.name.replace("_", "__").replace(".", "_").upper()


def setting(
    name: str,
    default: Value,
    reader: Reader[Value],
    text: str,
    *,
    aliases: tuple[str, ...] = (),
    applies: Applies = Applies.NOW,
    secret: bool = False,
) -> Value:
    """Declare one setting."""
    known = {
        "name": name,
        "reader": reader,
        "text": text,
        "aliases": aliases,
        "applies": applies,
        "secret": secret,
    }
    return field(default=default, repr=not secret, metadata=known)


def switch(name: str, text: str, *, on: bool = False, applies: Applies = Applies.NOW) -> bool:
    """Declare a setting that is true or false."""
    return setting(name, on, Truth(), text, applies=applies)
