"""The settings of the Structr dialect: what files and variables say, and what was changed since."""

from __future__ import annotations

from collections.abc import Mapping

from twofold.ceremonies.dialect_settings import DialectSettings
from twofold.ceremonies.engine import Engine
from twofold.core.types import DEFAULT_REALM, Realm
from twofold.dialects.structr import config_level
from twofold.dialects.structr.config import StructrSettings
from twofold.dialects.structr.config_table import NAME, StructrTable
from twofold.settings import Settings, Vendor

Live = DialectSettings[StructrSettings]


def table(settings: Settings) -> StructrTable:
    """What this process was started with."""
    given = settings.vendors.get(NAME, Vendor())
    origins = dict(given.origins)
    origins.pop(config_level.NAME, None)
    # The level is the policy's enforcement; whoever said that last has said the level too.
    said = settings.origins.get(f"policy.{config_level.POLICY_KEY}")
    if said is not None:
        origins[config_level.NAME] = said
    return StructrTable(given.values, origins)


def live(engine: Engine, settings: Settings, realm: Realm = DEFAULT_REALM) -> Live:
    """The settings as they are now; one object per process, so that a change shows at once."""
    return DialectSettings(engine, realm, table(settings))


def mounted(engine: Engine, settings: Settings) -> Mapping[str, Live]:
    """The settings of the dialects that are mounted, by name."""
    return {NAME: live(engine, settings)} if NAME in settings.dialects.enabled else {}
