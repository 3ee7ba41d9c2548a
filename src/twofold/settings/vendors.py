"""What vendors' own files say, kept by their names until the dialect reads it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from importlib import import_module
from pathlib import Path
from typing import Any, Protocol, cast

from twofold.core.policy import Profile
from twofold.settings.given import Read, Vendored


@dataclass(frozen=True, slots=True)
class Vendor:
    """What one vendor's files and variables say, by that vendor's names."""

    values: Mapping[str, Any] = field(default_factory=dict, repr=False)
    origins: Mapping[str, str] = field(default_factory=dict, repr=False, compare=False)


class Reader(Protocol):
    """What the module that reads a vendor's sources does."""

    def from_text(self, path: Path, text: str) -> Iterator[Read]:
        """Read a file."""

    def from_environment(self, environment: Mapping[str, str]) -> Iterator[Read]:
        """Read variables; those of nobody are left alone."""

    def misfits(self, values: Mapping[str, Any], profile: Profile) -> Iterator[tuple[str, str]]:
        """Yield the keys of values that do not go together, and what is wrong."""

    def explained(self, values: Mapping[str, Any], origins: Mapping[str, str]) -> Iterator[str]:
        """Yield what an operator should hear of values that are taken."""


@dataclass(slots=True)
class Vendors:
    """Gathers what the sources say; later ones win."""

    notes: list[str] = field(default_factory=list)
    _values: dict[str, dict[str, Any]] = field(default_factory=dict)
    _origins: dict[str, dict[str, str]] = field(default_factory=dict)

    def take(self, given: Vendored) -> None:
        """Keep a value."""
        self._values.setdefault(given.vendor, {})[given.key] = given.value
        self._origins.setdefault(given.vendor, {})[given.key] = given.origin

    def faults(self, profile: Profile) -> Iterator[str]:
        """Say of each vendor what does not go together."""
        for name, values in self._values.items():
            origins = self._origins[name]
            for key, text in reader(name).misfits(values, profile):
                yield f"{origins.get(key, 'default')}: {key} {text}"

    def explained(self) -> Iterator[str]:
        """Say of each vendor what an operator should hear."""
        for name, values in self._values.items():
            yield from reader(name).explained(values, self._origins[name])

    @property
    def given(self) -> dict[str, Vendor]:
        """What each vendor's sources said."""
        return {name: Vendor(v, self._origins[name]) for name, v in self._values.items()}


def reader(name: str) -> Reader:
    """The module that reads a vendor's sources, loaded only where there are any."""
    return cast("Reader", import_module(f"twofold.settings.{name}"))
