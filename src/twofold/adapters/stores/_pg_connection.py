"""Connections to PostgreSQL: each is looked at before it is trusted, and serves one at a time.

A connection that a replica answered, or one whose role would not wait for the disk, is refused: a
verdict read or given there could be taken back by a power cut or a failover.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any, Final, TypeAlias
from urllib.parse import urlsplit

import asyncpg

from twofold.core.errors import Misconfigured, Overloaded, Unavailable

Connection: TypeAlias = Any
"""A connection of the driver, which has no types of its own."""

PATIENCE: Final = 5.0
"""Seconds for a connection to be made, and for a read."""

RECOVERY: Final = 30.0
"""Seconds that a start waits for a server that recovers from a crash."""

CROWD: Final = 4_096
"""Reads that may wait for a connection; more would only time out later."""

_LOOK: Final = (
    "select pg_is_in_recovery(), current_setting('transaction_read_only'),"
    " current_setting('synchronous_commit'), current_setting('fsync'),"
    " current_setting('full_page_writes'), current_setting('synchronous_standby_names'),"
    " current_setting('server_version'), current_setting('server_version_num')::bigint,"
    " (extract(epoch from clock_timestamp()) * 1000000)::bigint"
)
OLDEST: Final = 140_000
"""The first version whose functions and planner we count on, as PostgreSQL numbers it."""


@dataclass(frozen=True, slots=True)
class Standing:
    """What a server says about itself."""

    replica: bool
    read_only: str
    synchronous_commit: str
    fsync: str
    full_page_writes: str
    standbys: str
    version: str
    number: int
    now: int
    """Its clock, in microseconds."""

    @property
    def durability(self) -> str:
        """What an acknowledged commit survives."""
        if self.standbys and self.synchronous_commit in {"on", "remote_apply"}:
            return "a crash of this server, and its loss: a standby has it too"
        if self.standbys and self.synchronous_commit == "remote_write":
            return "a crash of this server; a standby has received it"
        return "a crash of this server, not the loss of its disk"

    def faults(self) -> tuple[str, ...]:
        """Why no verdict may rest on this server."""
        found = []
        if self.number < OLDEST:
            found.append(f"database: PostgreSQL {self.version} is too old; 14 is the oldest we use")
        if self.synchronous_commit == "off":
            found.append(
                "database: synchronous_commit is off for this role, so a crash would bring spent"
                " codes back to life; set it to on"
            )
        if self.fsync != "on":
            found.append("database: fsync is off, so a crash would destroy the database")
        return tuple(found)


@dataclass(frozen=True, slots=True)
class Address:
    """Where the server is and how it is spoken to; the password in it is never shown."""

    url: str
    prepared: bool = True
    """Off behind a PgBouncer that hands a prepared statement to another connection."""

    def __repr__(self) -> str:
        return f"Address({self})"

    def __str__(self) -> str:
        """The host and the database, for sentences."""
        parts = urlsplit(self.url)
        where = parts.netloc.rpartition("@")[2] or "the local socket"
        return f"PostgreSQL at {where}{parts.path}"

    async def dial(self) -> Connection:
        """Connect to the server that takes writes; errors are the driver's own."""
        return await asyncpg.connect(
            self.url,
            timeout=PATIENCE,
            statement_cache_size=1_024 if self.prepared else 0,
            # A plan of ours is as good tomorrow; PostgreSQL itself replans when tables change.
            max_cached_statement_lifetime=0,
            server_settings={"application_name": "twofold"},
            target_session_attrs="read-write",
        )


async def dialled(address: Address) -> Connection:
    """Connect, and wait a while for a server that says that it is still recovering."""
    deadline = time.monotonic() + RECOVERY
    while True:
        try:
            return await address.dial()
        except asyncpg.CannotConnectNowError:
            if time.monotonic() > deadline:
                raise
        await asyncio.sleep(0.1)


async def standing(connection: Connection) -> Standing:
    """Ask a server about itself."""
    return Standing(*await connection.fetchrow(_LOOK))


async def trusted(address: Address) -> Connection:
    """Connect, or raise Unavailable where nothing is reached that a verdict may rest on."""
    try:
        connection = await address.dial()
    except FAILED as error:
        raise Unavailable(f"{address} cannot be reached: {reason(error)}.") from error
    try:
        found = await standing(connection)
    except FAILED as error:
        connection.terminate()
        raise Unavailable(f"{address} does not answer: {reason(error)}.") from error
    if found.replica or found.read_only == "on" or found.faults():
        connection.terminate()
        text = "; ".join(found.faults()) or f"{address} is a replica or takes no writes"
        raise Unavailable(f"{text}.")
    return connection


FAILED: Final = (
    OSError,
    TimeoutError,
    asyncpg.PostgresError,
    asyncpg.InterfaceError,
    asyncpg.InternalClientError,
)
"""Whatever the driver raises when a server does not do what it was asked."""


def reason(error: BaseException) -> str:
    """Say what went wrong without repeating what may hold a password or a value."""
    if isinstance(error, asyncpg.InvalidAuthorizationSpecificationError):
        return "it refuses the user or the password"
    if isinstance(error, asyncpg.InvalidCatalogNameError):
        return "it has no such database"
    if isinstance(error, asyncpg.PostgresError) and error.sqlstate:
        return f"{type(error).__name__} ({error.sqlstate})"
    if isinstance(error, asyncpg.TargetServerAttributeNotMatched):
        return "it is a replica"
    if isinstance(error, TimeoutError):
        return "it does not answer in time"
    if isinstance(error, OSError) and error.strerror:
        return error.strerror
    return type(error).__name__


def misconfigured(address: Address, error: BaseException) -> Misconfigured:
    """The same as a fault of the settings, for a start."""
    return Misconfigured((f"database.url: {address} cannot be used: {reason(error)}",))


class Readers:
    """A few connections for snapshots, made when they are needed; the last one used goes first."""

    def __init__(self, dial: Callable[[], Awaitable[Connection]], size: int) -> None:
        """Allow so many connections at once."""
        self._dial = dial
        self._free = asyncio.Semaphore(size)
        self._idle: list[Connection] = []
        self._waiting = 0

    @asynccontextmanager
    async def one(self) -> AsyncIterator[Connection]:
        """A connection for one read; one that broke or was left in the middle is thrown away."""
        await self._turn()
        try:
            connection = await self._whole()
            finished = False
            try:
                yield connection
                finished = True
            finally:
                if finished:
                    self._idle.append(connection)
                else:
                    connection.terminate()
        finally:
            self._free.release()

    async def close(self) -> None:
        """Let go of what is idle."""
        while self._idle:
            await hang_up(self._idle.pop())

    async def _whole(self) -> Connection:
        while self._idle:
            connection = self._idle.pop()
            if not connection.is_closed():
                return connection
        return await self._dial()

    async def _turn(self) -> None:
        if not self._free.locked():
            await self._free.acquire()
            return
        if self._waiting >= CROWD:
            raise Overloaded("Too many reads wait for the database.")
        self._waiting += 1
        try:
            async with asyncio.timeout(PATIENCE):
                await self._free.acquire()
        except TimeoutError:
            raise Unavailable("The database is too slow to be read right now.") from None
        finally:
            self._waiting -= 1


async def hang_up(connection: Connection) -> None:
    """Close a connection politely, but not for long."""
    try:
        await connection.close(timeout=1)
    except FAILED:
        connection.terminate()
