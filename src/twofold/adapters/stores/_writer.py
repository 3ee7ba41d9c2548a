"""One thread that writes: commits that arrive together share a transaction and one flush.

The first commit leaves at once; what arrives while it is being flushed travels in the next
transaction. One refusal never harms its neighbours, and nobody hears of success before the flush.
"""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial

from twofold.adapters.stores._batch import Commit, Outcome, apply
from twofold.adapters.stores._file import begin
from twofold.core.errors import Overloaded, Unavailable, Uncertain

CROWD = 4_096
"""Commits that may wait; more would only time out later."""

LARGEST = 512
"""Commits in one transaction: what is flushed together fails together."""


@dataclass(slots=True)
class Counters:
    """What was asked of the database so far, for tests, benchmarks and metrics."""

    reads: int = 0
    commits: int = 0
    transactions: int = 0


class Writer:
    """Owns the only connection that writes, on a thread of its own."""

    def __init__(self, connect: Callable[[], sqlite3.Connection], counters: Counters) -> None:
        """Begin idle; the connection is opened when the first commit comes."""
        self._connect = connect
        self._counters = counters
        self._loop = asyncio.get_running_loop()
        self._thread = ThreadPoolExecutor(1, "twofold-writer")
        self._connection: sqlite3.Connection | None = None
        self._effects: list[Commit] = []
        self._callers: list[asyncio.Future[None]] = []
        self._waiting = 0
        self._moving = False
        self._quiet = asyncio.Event()
        self._quiet.set()

    def submit(self, effects: Commit) -> asyncio.Future[None]:
        """Queue a commit; cancelling the future does not take it back."""
        if self._waiting >= CROWD:
            raise Overloaded("Too many changes wait for the disk.")
        self._waiting += 1
        self._counters.commits += 1
        caller: asyncio.Future[None] = self._loop.create_future()
        self._effects.append(effects)
        self._callers.append(caller)
        if not self._moving:
            self._moving = True
            self._quiet.clear()
            # At the end of this turn of the loop, so that its other commits come along.
            self._loop.call_soon(self._depart)
        return caller

    async def close(self) -> None:
        """Finish what was accepted, then end the thread."""
        await self._quiet.wait()
        await asyncio.to_thread(self._thread.shutdown)
        if self._connection is not None:
            self._connection.close()

    def _depart(self) -> None:
        """Send off what has gathered, or rest."""
        if not self._effects:
            self._moving = False
            self._quiet.set()
            return
        effects, self._effects = self._effects[:LARGEST], self._effects[LARGEST:]
        callers, self._callers = self._callers[:LARGEST], self._callers[LARGEST:]
        flight = self._loop.run_in_executor(self._thread, self._transact, effects)
        flight.add_done_callback(partial(self._arrive, callers))

    def _arrive(
        self, callers: Sequence[asyncio.Future[None]], flight: asyncio.Future[Sequence[Outcome]]
    ) -> None:
        """Tell every caller, and let those who answer at once join the next departure."""
        self._waiting -= len(callers)
        error = flight.exception()
        outcomes = flight.result() if error is None else [error] * len(callers)
        for caller, outcome in zip(callers, outcomes, strict=True):
            if caller.done():
                continue  # it was cancelled; its commit stands all the same
            if outcome is None:
                caller.set_result(None)
            else:
                caller.set_exception(outcome)
        self._loop.call_soon(self._depart)

    def _transact(self, batch: Sequence[Commit]) -> Sequence[Outcome]:
        """Run one transaction, on the writer's thread."""
        done = False
        try:
            if self._connection is None:
                self._connection = self._connect()
            begin(self._connection)
            self._counters.transactions += 1
            outcomes = apply(self._connection, batch)
            self._flush(self._connection)
            done = True
        except sqlite3.Error as error:
            raise Unavailable("The database cannot be written right now.") from error
        finally:
            if not done:
                self._abandon()
        return outcomes

    def _flush(self, connection: sqlite3.Connection) -> None:
        try:
            connection.execute("commit")
        except sqlite3.Error as error:
            # The log may already hold this commit: after a crash it could come back to life.
            raise Uncertain from error

    def _abandon(self) -> None:
        """Roll back by letting go: whatever broke, the next batch has a whole connection."""
        connection, self._connection = self._connection, None
        if connection is not None:
            connection.close()
