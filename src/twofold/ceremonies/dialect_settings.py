"""The settings of a dialect, changed by an administrator while the server runs.

What the files and the environment say is the ground; a document of the realm says what differs
from it, by the vendor's own names. What of it is the realm's policy is written into the policy,
in the same commit, and travels with every read as that does; the rest is looked up at most once
a second.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Final, Generic, Protocol, TypeVar

from twofold.ceremonies.admin_realm import policy_effects
from twofold.ceremonies.engine import Engine
from twofold.core.effects import Effect, PutDocument
from twofold.core.errors import Malformed, Stale
from twofold.core.policy import Policy
from twofold.core.types import POLICY, SECOND, Context, Document, Instant, Realm

KIND: Final = "dialect"
"""The kind of the documents; each has the name of its dialect."""

REMEMBERED: Final = SECOND
"""For how long a process may trust what it read."""

Plain = str | int | bool
Settings = TypeVar("Settings")
Settings_co = TypeVar("Settings_co", covariant=True)


@dataclass(frozen=True, slots=True)
class Row:
    """One setting as administrators see it; never a secret's value."""

    name: str
    value: Plain
    default: Plain
    origin: str
    """``default``, a file, a variable, or ``run time``."""
    text: str
    expected: str
    """The words that follow ``must be``."""
    applies: str
    """When another value takes effect."""
    choices: tuple[str, ...] = ()
    fixed: bool = False
    """Whether it is read from files and the environment only."""
    note: str = ""
    """What of the value was not understood, and counts for nothing."""


@dataclass(frozen=True, slots=True)
class Shown:
    """All settings of a dialect, and the version to name when changing them."""

    rows: tuple[Row, ...]
    version: int


@dataclass(frozen=True, slots=True)
class Alias:
    """A key of the policy, and what a value of the setting is there."""

    key: str
    value: Callable[[Plain], Plain]


class Table(Protocol[Settings_co]):
    """The settings of a dialect as the vendor names them, over what files and variables say."""

    @property
    def dialect(self) -> str:
        """Its name."""

    @property
    def policies(self) -> Mapping[str, Alias]:
        """Settings that are the realm's policy under another name."""

    def taken(self, name: str, value: object) -> tuple[str, Plain]:
        """The name as the vendor writes it, and the value to keep; or Malformed."""

    def named(self, name: str) -> str:
        """The name as the vendor writes it; or Malformed."""

    def misfits(self, kept: Mapping[str, Plain], policy: Policy) -> Iterable[tuple[str, str]]:
        """Yield names of values that do not go together, and what is wrong."""

    def rows(
        self, kept: Mapping[str, Plain], policy: Policy, changed: frozenset[str]
    ) -> tuple[Row, ...]:
        """All settings, in order; ``changed`` are the keys of the policy that its realm changed."""

    def settings(self, kept: Mapping[str, Plain], policy: Policy) -> Settings_co:
        """All settings, frozen."""


@dataclass(frozen=True, slots=True)
class _Found:
    """What one look at the store found."""

    own: Document | None
    policy: Document | None

    @property
    def version(self) -> int:
        """0 where nothing was ever changed."""
        return self.own.version if self.own else 0

    @property
    def kept(self) -> dict[str, Plain]:
        """What differs from the files."""
        return dict(json.loads(self.own.body)) if self.own else {}

    @property
    def realm(self) -> dict[str, object]:
        """What the realm's policy says beyond the settings."""
        return dict(json.loads(self.policy.body)) if self.policy else {}


class DialectSettings(Generic[Settings]):
    """The settings of one dialect in one realm, as they are now."""

    __slots__ = ("_engine", "_looked_at", "_read", "_realm", "_settings", "table")

    def __init__(self, engine: Engine, realm: Realm, table: Table[Settings]) -> None:
        """Read nothing yet."""
        self.table = table
        self._engine = engine
        self._realm = realm
        self._read: _Found | None = None
        self._settings: Settings | None = None
        self._looked_at = Instant(0)

    async def current(self) -> Settings:
        """All settings; the same object while nothing has changed."""
        now = self._engine.clock.now()
        if self._settings is not None and 0 <= now - self._looked_at < REMEMBERED:
            return self._settings
        found = await self._look()
        if self._settings is None or found != self._read:
            policy = self._engine.policy(found.policy)
            self._settings = self.table.settings(found.kept, policy)
        self._read, self._looked_at = found, now
        return self._settings

    async def shown(self) -> Shown:
        """Every setting with its origin, as it is at this moment."""
        found = await self._look()
        policy = self._engine.policy(found.policy)
        return Shown(
            self.table.rows(found.kept, policy, frozenset(found.realm)),
            found.version,
        )

    async def change(
        self,
        context: Context,
        by: str,
        changes: Mapping[str, object],
        version: int | None = None,
    ) -> Shown:
        """Change settings by name, None takes a change back; returns what is then in force.

        Raises Malformed naming each one that is wrong, and Stale unless the stored version
        is ``version``, where one is given.
        """
        now = self._engine.clock.now()
        wanted = self._taken(changes)

        async def attempt() -> None:
            found = await self._look()
            if version is not None and found.version != version:
                raise Stale
            if wanted:
                await self._engine.commit(*self._effects(found, wanted, context, by, now))

        if version is None:
            await self._engine.settle(attempt)
        else:
            await attempt()
        # Whoever changed it sees it changed; other processes do within a second.
        self._looked_at = Instant(0)
        return await self.shown()

    def _taken(self, changes: Mapping[str, object]) -> dict[str, Plain | None]:
        wanted: dict[str, Plain | None] = {}
        faults: dict[str, str] = {}
        for given, value in changes.items():
            try:
                if value is None:
                    name, kept = self.table.named(given), None
                else:
                    name, kept = self.table.taken(given, value)
            except Malformed as error:
                faults[given] = error.detail
            else:
                if name in wanted:
                    faults[given] = "is given twice"
                wanted[name] = kept
        if faults:
            raise _refused(faults)
        return wanted

    def _effects(
        self,
        found: _Found,
        wanted: Mapping[str, Plain | None],
        context: Context,
        by: str,
        now: Instant,
    ) -> Iterable[Effect]:
        engine, table, kept, realm = self._engine, self.table, found.kept, found.realm
        for name, value in wanted.items():
            alias = table.policies.get(name)
            if alias is not None:
                _set(realm, alias.key, None if value is None else alias.value(value))
            else:
                _set(kept, name, value)
        policy = engine.policy(found.policy)
        effects: tuple[Effect, ...] = ()
        if realm != found.realm:
            before = found.policy.version if found.policy else 0
            policy, effects = policy_effects(engine, context, by, realm, before, now)
        faults = dict(table.misfits(kept, policy))
        if faults:
            raise _refused(faults)
        body = json.dumps(kept, sort_keys=True)
        record = engine.record(
            "document.changed",
            now,
            None,
            context,
            by=by,
            kind=KIND,
            name=table.dialect,
            version=found.version + 1,
            keys=sorted(wanted),
        )
        document = Document(context.realm, KIND, table.dialect, body, found.version + 1)
        return (PutDocument(document), *effects, record)

    async def _look(self) -> _Found:
        store = self._engine.store
        own = await store.document(self._realm, KIND, self.table.dialect)
        return _Found(own, await store.document(self._realm, *POLICY))


def _set(where: dict[str, Any], name: str, value: Plain | None) -> None:
    if value is None:
        where.pop(name, None)
    else:
        where[name] = value


def _refused(faults: Mapping[str, str]) -> Malformed:
    said = "; ".join(f"{name} {text}" for name, text in faults.items())
    return Malformed(f"{said}.", field=next(iter(faults)), fields=faults)
