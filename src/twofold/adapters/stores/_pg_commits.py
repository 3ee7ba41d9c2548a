"""Commits that arrive together travel together: one call, one transaction, one flush.

The first commit leaves at once; what arrives while all lanes are under way leaves with the next.
Nobody hears of success before the server said that it is durable, and nothing is ever cancelled on
its way: a caller that gives up hears that the outcome is unknown, and the commit goes on.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from typing import Final, TypeAlias

from twofold.core.effects import Effect
from twofold.core.errors import Overloaded, Unavailable, Uncertain

CROWD: Final = 4_096
"""Commits that may wait; more would only time out later."""

LARGEST: Final = 512
"""Commits in one transaction: what is flushed together fails together."""

PATIENCE: Final = 10.0
"""Seconds until a caller is told that the outcome is unknown."""

Commit: TypeAlias = tuple[Effect, ...]
Outcome: TypeAlias = BaseException | None
"""What a commit raises at its caller; None when it was applied."""


Transact: TypeAlias = Callable[[int, Sequence[Commit]], Awaitable[Sequence[Outcome]]]
"""Applies a batch on the lane of that number."""


@dataclass(slots=True, eq=False)
class _Waiting:
    commit: Commit
    caller: asyncio.Future[None]
    left: bool = False
    alarm: asyncio.TimerHandle | None = None

    def answer(self, outcome: Outcome) -> None:
        if self.alarm is not None:
            self.alarm.cancel()
        if self.caller.done():
            return  # it was cancelled or gave up; its commit stands all the same
        if outcome is None:
            self.caller.set_result(None)
        else:
            self.caller.set_exception(outcome)


@dataclass(slots=True)
class Lanes:
    """Gathers commits and sends them off, one batch at a time on each lane."""

    transact: Transact
    free: list[int]
    """The lanes that rest."""
    patience: float = PATIENCE
    _queue: deque[_Waiting] = field(default_factory=deque)
    _flights: set[asyncio.Task[None]] = field(default_factory=set)
    _called: bool = False

    def submit(self, commit: Commit) -> asyncio.Future[None]:
        """Queue a commit; cancelling the future does not take it back."""
        if len(self._queue) >= CROWD:
            raise Overloaded("Too many changes wait for the database.")
        loop = asyncio.get_running_loop()
        waiting = _Waiting(commit, loop.create_future())
        waiting.alarm = loop.call_later(self.patience, self._give_up, waiting)
        self._queue.append(waiting)
        if self.free and not self._called:
            self._called = True
            # At the end of this turn of the loop, so that its other commits come along.
            loop.call_soon(self._depart)
        return waiting.caller

    async def quiet(self) -> None:
        """Wait until everything accepted has arrived."""
        while self._called or self._queue or self._flights:
            if self._flights:
                await asyncio.wait(self._flights)
            await asyncio.sleep(0)

    def _give_up(self, waiting: _Waiting) -> None:
        if waiting.left:
            waiting.answer(Uncertain())
            return
        # It never left: it did not happen, and will not.
        self._queue.remove(waiting)
        waiting.answer(Unavailable("The database is too slow to be written right now."))

    def _depart(self) -> None:
        self._called = False
        while self.free and self._queue:
            batch = self._gather()
            flight = asyncio.get_running_loop().create_task(self._fly(self.free.pop(), batch))
            self._flights.add(flight)

    def _gather(self) -> list[_Waiting]:
        batch = [self._queue.popleft() for _ in range(min(LARGEST, len(self._queue)))]
        for waiting in batch:
            waiting.left = True
        return batch

    async def _fly(self, lane: int, batch: Sequence[_Waiting]) -> None:
        outcomes: Sequence[Outcome] = [Uncertain()] * len(batch)
        try:
            outcomes = await self.transact(lane, [waiting.commit for waiting in batch])
        finally:
            for waiting, outcome in zip(batch, outcomes, strict=True):
                waiting.answer(outcome)
            self.free.append(lane)
            flight = asyncio.current_task()
            if flight is not None:
                self._flights.discard(flight)
            # At the end of this turn: those who answer at once join the next departure.
            if not self._called:
                self._called = True
                asyncio.get_running_loop().call_soon(self._depart)
