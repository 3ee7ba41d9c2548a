"""How a setting is declared: one field that says its type, its default and what it is for."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Final, TypeVar

from twofold.core.fields import Reader

Value = TypeVar("Value")

ORIGIN: Final = r"https?://(?:[A-Za-z0-9._\-]+|\[[0-9A-Fa-f:.]+\])(?::[0-9]{1,5})?"
"""The pattern of an origin."""


@dataclass(frozen=True, slots=True)
class Key:
    """One setting as sources and the manual see it."""

    name: str
    """Dotted, as in ``server.port``."""
    reader: Reader[object]
    default: Any
    text: str
    secret: bool = False

    @property
    def variable(self) -> str:
        """The environment variable that sets it."""
        return "TWOFOLD_" + self.name.replace(".", "__").upper()


def setting(
    default: Value, reader: Reader[Value], text: str, *, secret: bool = False, name: str = ""
) -> Value:
    """Declare one setting; ``name`` where Python reserves the word."""
    known = {"reader": reader, "text": text, "secret": secret, "name": name}
    return field(default=default, repr=not secret, metadata=known)
