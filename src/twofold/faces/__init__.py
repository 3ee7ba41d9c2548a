"""Our own HTTP faces: they translate requests into steps and outcomes into answers.

``Front`` is all that wiring hands to them; ``faces.site.routes`` makes the route table from it.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from ipaddress import ip_network
from typing import Any

from twofold.ceremonies.dialect_settings import DialectSettings
from twofold.ceremonies.engine import Engine
from twofold.core.networks import Networks
from twofold.core.theme import Theme
from twofold.core.types import DEFAULT_REALM, Realm
from twofold.web.kit import Site

LOOPBACK = Networks((ip_network("127.0.0.0/8"), ip_network("::1/128")))
"""Where figures may be read without a token, unless the settings say otherwise."""

Checks = Mapping[str, str]
"""What was checked, and what is wrong with it; empty where all is well."""


async def _ready() -> Checks:
    return {}


def _no_figures() -> bytes:
    return b""


@dataclass(frozen=True, slots=True)
class Front:
    """What the faces stand on: one engine, one place in the net, one realm."""

    engine: Engine
    site: Site
    realm: Realm = DEFAULT_REALM
    ready: Callable[[], Awaitable[Checks]] = field(default=_ready)
    """Looks at the store, the keys and the outbox, for ``/health/ready``."""
    figures: Callable[[], bytes] = field(default=_no_figures)
    """The counters in Prometheus' text format, for ``/metrics``."""
    scrapers: Networks = LOOPBACK
    """Who may read them without an administrator's token."""
    version: str = ""
    theme: Theme = field(default_factory=Theme)
    """How pages look in a realm that says nothing else."""
    return_to: tuple[str, ...] = ()
    """Origins beside our own that a sign-in may lead back to."""
    dialects: Mapping[str, DialectSettings[Any]] = field(default_factory=dict)
    """The settings of each dialect that is mounted, by its name."""
    rp_id: str = ""
    """The domain that passkeys are made for; browsers are told by it which of them are gone."""
