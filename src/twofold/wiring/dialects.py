"""The dialects that settings name: ours, and those of other packages, each over the same engine."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from twofold.ceremonies.engine import Engine
from twofold.core.errors import Misconfigured
from twofold.dialects import Dialect, Hall
from twofold.dialects.structr import NAME, Structr
from twofold.settings import Settings
from twofold.web.kit import Route, Site
from twofold.wiring.structr_settings import Live

GROUP: Final = "twofold.dialects"
"""The entry point group; each entry names something that is called with the hall."""


def routes(
    settings: Settings, engine: Engine, site: Site, live: Mapping[str, Live]
) -> tuple[Route, ...]:
    """Every route of every dialect that is enabled; Misconfigured names those nobody offers."""
    hall = Hall(engine, site, key=lambda purpose: engine.ring().current(purpose)[1])
    mounted = [_mounted(name, hall, live) for name in dict.fromkeys(settings.dialects.enabled)]
    return tuple(route for dialect in mounted for route in dialect.routes())


def _mounted(name: str, hall: Hall, live: Mapping[str, Live]) -> Dialect:
    if name == NAME:
        return Structr(hall, live[NAME].current)
    from importlib.metadata import entry_points

    for point in entry_points(group=GROUP, name=name):
        found: Dialect = point.load()(hall)
        return found
    raise Misconfigured((f"dialects.enabled: no installed package offers {name!r}",))
