"""One batch, one call, and what its end means: applied, refused, not done, or not known.

An error that the server reports before it has flushed undoes the whole transaction. Everything
else that keeps it from saying "done" is an unknown outcome: a connection that breaks, a server that
ends, and a warning at the end of a commit, which is how PostgreSQL says that it stopped waiting for
its standby.
"""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import Awaitable, Callable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import accumulate
from typing import Any, Final

import asyncpg

from twofold.adapters.stores._pg_commits import Commit, Outcome
from twofold.adapters.stores._pg_connection import FAILED, Connection, hang_up, reason
from twofold.adapters.stores._pg_function import MOST, REFUSALS
from twofold.adapters.stores._pg_packing import Packed, Packer
from twofold.adapters.stores._writer import Counters
from twofold.core.errors import TwofoldError, Unavailable, Uncertain

TRIES: Final = 8
"""Of a batch that the server undid because of what others did at the same time."""

_PAUSE: Final = 0.005
"""Seconds that the first pause lasts at most; each further one may last twice as long."""

HOPELESS: Final = 60.0
"""Seconds after which a commit that nobody answers is left to itself, with its connection."""

_ITS_OWN: Final = (TwofoldError, ArithmeticError, TypeError, ValueError)
"""What the values of one commit can be at fault for before it is sent."""

_REFUSED: Final = {state: refused for refused, state in REFUSALS.items()}
_UNDONE: Final = (asyncpg.SerializationError, asyncpg.DeadlockDetectedError)
_UNKNOWN: Final = "40003"
_DEMOTED: Final = "25006"
"""What a server says that takes no writes any more; the next connection looks for the new one."""


@dataclass(slots=True)
class Lane:
    """A connection that only commits, and is made again when it is gone."""

    dial: Callable[[], Awaitable[Connection]]
    call: str
    """The statement that applies a batch."""
    packer: Packer
    counters: Counters
    _connection: Connection | None = None
    _warned: list[Any] = field(default_factory=list)

    async def transact(self, batch: Sequence[Commit]) -> Sequence[Outcome]:
        """Apply a batch; an outcome for each commit, whatever happens."""
        packed: list[Packed] = []
        outcomes: list[Outcome] = []
        try:
            connection = await self._whole()
            for commit in batch:
                try:
                    packed.append(await self.packer.pack(commit, connection))
                    outcomes.append(None)
                except _ITS_OWN as error:
                    outcomes.append(error)
        except Unavailable as error:
            return [error] * len(batch)
        except FAILED as error:
            self._abandon()
            return [Unavailable(_unwritten(error))] * len(batch)
        travelled = iter(await self._travel(packed))
        return [outcome or next(travelled) for outcome in outcomes]

    async def close(self) -> None:
        """Let go of the connection."""
        connection, self._connection = self._connection, None
        if connection is not None:
            await hang_up(connection)

    async def _whole(self) -> Connection:
        if self._connection is None or self._connection.is_closed():
            self._connection = await self.dial()
            self._connection.add_log_listener(self._warn)
        return self._connection

    def _warn(self, _: object, message: Any) -> None:
        # None of our own statements warns, so whatever comes is about the end of the transaction.
        if message.severity_en == "WARNING":
            self._warned.append(message)

    async def _travel(self, batch: Sequence[Packed]) -> Sequence[Outcome]:
        """Apply what is packed, in as many tries as it takes."""
        if not batch:
            return ()
        if len(batch) > 1 and sum(len(commit.codes) for commit in batch) > MOST:
            half = len(batch) // 2
            return [*await self._travel(batch[:half]), *await self._travel(batch[half:])]
        for attempt in range(TRIES):
            try:
                return await self._once(await self._whole(), batch)
            except Unavailable as error:
                return [error] * len(batch)
            except _UNDONE:
                await asyncio.sleep(_jitter(attempt))
            except FAILED as error:
                return await self._failed(error, batch)
        return [Unavailable("Too many change the same rows at once.")] * len(batch)

    async def _once(self, connection: Connection, batch: Sequence[Packed]) -> Sequence[Outcome]:
        self._warned.clear()
        self.counters.transactions += 1
        # Hung up on, never cancelled: a cancelled commit is there for all, and on no standby.
        alarm = asyncio.get_running_loop().call_later(HOPELESS, connection.terminate)
        try:
            states: Sequence[str | None] = await connection.fetchval(self.call, *_arrays(batch))
        finally:
            alarm.cancel()
        if self._warned:
            # Committed here, and maybe nowhere else: after a failover it may not have happened.
            return [Uncertain()] * len(batch)
        return [None if state is None else _outcome(state) for state in states]

    async def _failed(self, error: BaseException, batch: Sequence[Packed]) -> Sequence[Outcome]:
        if _values(error) and len(batch) > 1:
            # One of them holds what no text of PostgreSQL can hold: each goes alone.
            return [(await self._travel([commit]))[0] for commit in batch]
        if _values(error):
            return [ValueError("PostgreSQL cannot hold a value of this commit.")]
        if not (isinstance(error, asyncpg.PostgresError) and _undone(error)):
            self._abandon()
            return [Uncertain()] * len(batch)
        if error.sqlstate == _DEMOTED:
            self._abandon()
        return [Unavailable(_unwritten(error))] * len(batch)

    def _abandon(self) -> None:
        connection, self._connection = self._connection, None
        if connection is not None:
            connection.terminate()


def _unwritten(error: BaseException) -> str:
    return f"The database cannot be written right now: {reason(error)}."


def _undone(error: asyncpg.PostgresError) -> bool:
    """Whether the server said that the transaction is undone, and lives on."""
    # An error that the driver made up because the connection broke has no severity.
    return getattr(error, "severity_en", None) == "ERROR" and error.sqlstate != _UNKNOWN


def _values(error: BaseException) -> bool:
    """Whether the values were at fault, here or there, and nothing was done."""
    ours = isinstance(error, asyncpg.InterfaceError) and isinstance(error, ValueError)
    return ours or isinstance(error, asyncpg.DataError)


def _outcome(state: str) -> BaseException:
    refused = _REFUSED.get(state)
    return refused() if refused else ValueError(f"PostgreSQL refuses a value ({state}).")


def _arrays(batch: Sequence[Packed]) -> Iterator[Sequence[object]]:
    """The arguments of the function: what all commits do in a row, and where each ends."""
    yield sorted({subject for commit in batch for subject in commit.subjects})
    yield [code for commit in batch for code in commit.codes]
    yield [cell for commit in batch for cell in commit.cells]
    yield list(accumulate(len(commit.codes) for commit in batch))
    yield list(accumulate(len(commit.cells) for commit in batch))


def _jitter(attempt: int) -> float:
    return _PAUSE * (1 << attempt) * secrets.randbelow(1_000) / 1_000
