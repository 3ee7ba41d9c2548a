"""Figures for nobody: what stands behind the port ``Metrics`` where no one will ever ask."""

from __future__ import annotations

from collections.abc import Mapping


class Unmetered:
    """The port ``Metrics`` for commands and tests; it counts nothing and loads nothing."""

    def count(self, event: str, labels: Mapping[str, str]) -> None:
        """Let it pass."""

    def observe(self, name: str, seconds: float) -> None:
        """Let it pass."""

    def level(self, name: str, value: float) -> None:
        """Let it pass."""
