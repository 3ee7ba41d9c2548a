"""Other products' documented HTTP contracts, served in their own words by our engine.

A dialect is routes and words. It holds no state, computes no policy and touches no store: what
its vendor's settings ask for goes to the engine as ``Terms``, and comes back as outcomes.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

from twofold.ceremonies.engine import Engine
from twofold.core.types import DEFAULT_REALM, Realm
from twofold.web.kit import Route, Site


@dataclass(frozen=True, slots=True)
class Hall:
    """What every dialect stands on: one engine, one place in the net, one realm."""

    engine: Engine
    site: Site
    key: Callable[[str], bytes]
    """A key of this server's own for a purpose, for what a vendor signs and has no secret for."""
    realm: Realm = DEFAULT_REALM


class Dialect(Protocol):
    """What is mounted; an entry point of the group ``twofold.dialects`` is called with the hall."""

    @property
    def name(self) -> str:
        """As ``dialects.enabled`` names it."""

    def routes(self) -> tuple[Route, ...]:
        """Everything it serves, each route with its own words for errors."""
