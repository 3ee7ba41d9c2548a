"""The table of settings over what files and variables say, for an administrator to change."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any, Final

from twofold.ceremonies.dialect_settings import Alias, Plain, Row
from twofold.core.errors import Malformed
from twofold.core.policy import Policy
from twofold.dialects.structr import config, config_level
from twofold.dialects.structr.config import SETTINGS, StructrSettings
from twofold.dialects.structr.config_setting import Setting
from twofold.dialects.structr.config_values import Figures, Word
from twofold.dialects.structr.config_whitelist import Whitelist

NAME: Final = "structr"
RUN_TIME: Final = "run time"
DEFAULT: Final = "default"


def _enforcement(level: Plain) -> Plain:
    return config_level.ENFORCEMENTS[int(level)].value


_POLICIES: Final = MappingProxyType(
    {config_level.NAME: Alias(config_level.POLICY_KEY, _enforcement)}
)


@dataclass(frozen=True, slots=True)
class StructrTable:
    """What files and variables say, by Structr's names, and where they said it."""

    values: Mapping[str, Any] = field(default_factory=dict, repr=False)
    origins: Mapping[str, str] = field(default_factory=dict)
    dialect: str = field(default=NAME, init=False)

    @property
    def policies(self) -> Mapping[str, Alias]:
        """The level, which is the realm's enforcement."""
        return _POLICIES

    def named(self, name: str) -> str:
        """The name as Structr writes it; a secret is never kept in the open, nor changed here."""
        known = config.find(name)
        if known is None:
            raise Malformed("is no setting of Structr that is known here")
        if known.secret:
            raise Malformed("is a secret, which is read from files and the environment only")
        return known.name

    def taken(self, name: str, value: object) -> tuple[str, Plain]:
        """The name as Structr writes it, and the value to keep; or Malformed."""
        known = SETTINGS[self.named(name)]
        return known.name, config.plain(config.read(known, value))

    def misfits(self, kept: Mapping[str, Plain], policy: Policy) -> Iterator[tuple[str, str]]:
        """Yield names of values that do not go together, and what is wrong."""
        yield from config.misfits(self._all(kept, policy), policy.profile)

    def rows(
        self, kept: Mapping[str, Plain], policy: Policy, changed: frozenset[str]
    ) -> tuple[Row, ...]:
        """All settings, in the order of the manual."""
        values = self._all(kept, policy)
        here = _read(kept).keys() | {
            n for n, alias in self.policies.items() if alias.key in changed
        }
        return tuple(
            _row(
                known,
                values.get(name, known.default),
                RUN_TIME if name in here else self.origins.get(name, DEFAULT),
            )
            for name, known in SETTINGS.items()
        )

    def settings(self, kept: Mapping[str, Plain], policy: Policy) -> StructrSettings:
        """All settings, frozen."""
        return config.build(self._all(kept, policy))

    def _all(self, kept: Mapping[str, Plain], policy: Policy) -> dict[str, Any]:
        return {**self.values, **_read(kept), config_level.NAME: config_level.of(policy)}


def _read(kept: Mapping[str, Plain]) -> dict[str, Any]:
    """What is kept, read again; what a later version no longer takes is as if taken back."""
    found: dict[str, Any] = {}
    for name, value in kept.items():
        known = config.find(name)
        if known is None:
            continue
        try:
            found[known.name] = config.read(known, value)
        except Malformed:
            continue
    return found


def _row(known: Setting, value: Any, origin: str) -> Row:
    return Row(
        name=known.name,
        value=config.plain(value),
        default=config.plain(known.default),
        origin=origin,
        text=known.text,
        expected=known.reader.expected,
        applies=known.applies,
        choices=_choices(known),
        fixed=known.secret,
        note="; ".join(value.complaints) if isinstance(value, Whitelist) else "",
    )


def _choices(known: Setting) -> tuple[str, ...]:
    if isinstance(known.default, bool):
        return ("true", "false")
    match known.reader:
        case Word(among=among):
            return tuple(member.value for member in among)
        case Figures(among=numbers):
            return tuple(map(str, numbers))
        case _:
            return ("0", "1", "2") if known.name == config_level.NAME else ()
