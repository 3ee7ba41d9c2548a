"""The engine with everything around it: put together from settings, opened, and closed again.

The server, the commands and the tests live in the same house; they differ in what keeps running
inside it and in whose clock hangs on the wall.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from twofold.adapters.hashing import HashingPool
from twofold.adapters.keyfile import NAME, KeyFile, make_private
from twofold.adapters.sealer import Sealer
from twofold.adapters.stores.memory import MemoryStore
from twofold.adapters.stores.remembering import RememberingStore
from twofold.adapters.stores.sqlite import SqliteStore
from twofold.adapters.system import SystemClock, SystemEntropy
from twofold.adapters.unmetered import Unmetered
from twofold.adapters.wordlist import common_passwords
from twofold.ceremonies.engine import Engine, Rules
from twofold.ceremonies.gate import Gate
from twofold.core.errors import Misconfigured, Unavailable
from twofold.core.keyring import Keyring
from twofold.core.throttle import MOST_CONSECUTIVE, Limits
from twofold.factors import Factor
from twofold.factors._argon2 import Argon2
from twofold.factors.email import email
from twofold.factors.password import Password
from twofold.factors.recovery_codes import RecoveryCodes
from twofold.factors.totp import TotpFactor
from twofold.ports import Clock, Entropy, Metrics, Store
from twofold.settings import Settings
from twofold.wiring import extensions, postgres
from twofold.wiring.keys import fit
from twofold.wiring.passkeys import passkeys_of

DATABASE: Final = "twofold.db"
HEAD: Final = "audit.head"
"""Files of the data directory beside the key file."""

_SQLITE: Final = "sqlite:///"
_MEMORY: Final = "memory:"


def _nobody() -> None:
    """No outbox runs here; what was queued leaves with the next server that does."""


@dataclass(frozen=True, slots=True)
class World:
    """What the rules are handed from outside; tests bring their own."""

    clock: Clock = field(default_factory=SystemClock)
    entropy: Entropy = field(default_factory=SystemEntropy)
    metrics: Metrics = field(default_factory=Unmetered)
    nudge: Callable[[], None] = _nobody


@dataclass(frozen=True, slots=True)
class House:
    """Everything that belongs together."""

    settings: Settings
    world: World
    engine: Engine
    store: Store
    keys: KeyFile | None
    """None where the key ring is in memory only."""
    hashing: HashingPool
    sealer: Sealer

    async def open(self) -> None:
        """Open the store and take the keys; Misconfigured if they do not fit each other."""
        async with AsyncExitStack() as undo:
            await self.store.open()
            undo.push_async_callback(self.store.close)
            if self.keys is not None:
                await fit(self.store, self.keys, self.world.clock, self.world.entropy)
            undo.pop_all()

    async def close(self) -> None:
        """Finish what was begun and let go of everything."""
        await self.hashing.close()
        await self.store.close()


def build(
    settings: Settings,
    world: World | None = None,
    *,
    ring: Keyring | None = None,
    store: Store | None = None,
) -> House:
    """Put a house together; nothing is opened, read or started yet.

    With a ``ring`` the keys are in memory, and no key file is made or read. A ``store`` that was
    made before takes the place of the one that the settings name.
    """
    world = world or World()
    directory = Path(settings.data)
    keys, source = _keys(directory, world, ring)
    hashing = _hashing(settings)
    store = store or store_of(settings)
    passkeys = passkeys_of(settings, base_url(settings))
    engine = Engine(
        store=store,
        ring=source,
        clock=world.clock,
        entropy=world.entropy,
        hashing=hashing,
        metrics=world.metrics,
        nudge=world.nudge,
        gate=_gate(settings),
        rules=_rules(settings),
        factors={factor.kind: factor for factor in (passkeys, *_second(settings))},
        opening=Password(_cost(settings)),
        recovery=_recovery(settings),
        discoverable=passkeys if settings.webauthn.passwordless else None,
    )
    sealer = _sealer(settings, engine, directory / HEAD)
    return House(settings, world, engine, store, keys, hashing, sealer)


def _sealer(settings: Settings, engine: Engine, head: Path) -> Sealer:
    return Sealer(
        store=engine.store,
        ring=engine.ring,
        clock=engine.clock,
        metrics=engine.metrics,
        head=head,
        period=settings.audit.seal_seconds,
    )


@asynccontextmanager
async def opened(
    settings: Settings,
    *,
    create: bool = True,
    reads_only: bool = False,
    store: Store | None = None,
) -> AsyncIterator[House]:
    """A house for one command; audit records it wrote are sealed before it closes.

    Unless ``create``, a data directory that is not there is Misconfigured instead of made. Who
    ``reads_only`` leaves the trail as it is: a look must not seal what it was to look at.
    """
    prepare(settings, create=create)
    house = build(settings, store=store)
    await house.open()
    try:
        yield house
        if not reads_only:
            # What was done is done; a disk that is full now leaves the records to the next round.
            with suppress(Unavailable, OSError):
                await house.sealer.seal()
    finally:
        await house.close()


def prepare(settings: Settings, *, create: bool = True) -> None:
    """Make the data directory, private; or say that there is none."""
    directory = Path(settings.data)
    if not create and not directory.is_dir():
        raise Misconfigured((f"data: {directory} is not there; no server has run with it yet",))
    make_private(directory)


def store_of(settings: Settings) -> Store:
    """The store that ``database.url`` names, not yet open."""
    if postgres.meant(settings):
        return postgres.store(settings)
    path = database_path(settings)
    if path is None:
        return MemoryStore()
    if settings.sessions.cache_seconds:
        return RememberingStore(path, settings.sessions.cache_seconds)
    return SqliteStore(path)


def lasting_store(settings: Settings) -> Store | None:
    """The store of a server in memory, which must be one and the same from its first start on."""
    return store_of(settings) if settings.database.url == _MEMORY else None


def database_path(settings: Settings) -> Path | None:
    """The database file; None where there is none."""
    url = settings.database.url
    if url == _MEMORY or postgres.meant(settings):
        return None
    if not url:
        return Path(settings.data) / DATABASE
    return Path(url.removeprefix(_SQLITE))


def base_url(settings: Settings) -> str:
    """How browsers reach us: as the operator says, else by the address we listen on."""
    server = settings.server
    if server.base_url:
        return server.base_url.rstrip("/")
    # Nobody browses to "any address"; from this machine, localhost is what it means.
    host = {"0.0.0.0": "localhost", "::": "localhost"}.get(server.host, server.host)  # noqa: S104
    return f"http://{f'[{host}]' if ':' in host else host}:{server.port}"


def _keys(
    directory: Path, world: World, ring: Keyring | None
) -> tuple[KeyFile | None, Callable[[], Keyring]]:
    if ring is not None:
        return None, lambda: ring
    keys = KeyFile(directory / NAME, world.clock)
    return keys, keys.ring


def _cost(settings: Settings) -> Argon2:
    password = settings.password
    return Argon2(memory_kib=password.memory_kib, time=password.time, lanes=password.lanes)


def _recovery(settings: Settings) -> RecoveryCodes:
    recovery = settings.recovery
    return RecoveryCodes(
        count=recovery.count,
        length=recovery.length,
        alphabet=recovery.alphabet,
        group=recovery.group,
        weak=_cost(settings),
    )


def _second(settings: Settings) -> tuple[Factor, ...]:
    totp, mail = settings.totp, settings.email
    return (
        TotpFactor(
            issuer=totp.issuer,
            algorithm=totp.algorithm,
            digits=totp.digits,
            period=totp.period,
            past=totp.past,
            future=totp.future,
        ),
        email(
            digits=mail.code_digits,
            lifetime=mail.code_life,
            cooldown=mail.code_cooldown,
            daily=mail.code_daily,
        ),
        *extensions.factors(settings.factors.enabled),
    )


def _hashing(settings: Settings) -> HashingPool:
    pool = HashingPool(settings.password.workers or None)
    return HashingPool(pool.workers, pool.workers * settings.password.queue)


def _gate(settings: Settings) -> Gate:
    throttle = settings.throttle
    return Gate(
        by_source=Limits(
            allowed=throttle.source_allowed,
            window=throttle.source_window,
            delay=throttle.source_delay,
            longest=throttle.source_longest,
            absolute=MOST_CONSECUTIVE,
        )
    )


def _rules(settings: Settings) -> Rules:
    return Rules(
        issuer=settings.totp.issuer,
        base_url=base_url(settings),
        policy=settings.policy,
        password_minimum=settings.password.minimum,
        blocked_passwords=common_passwords(),
    )
