"""Deletes what has expired, a little at a time, so that no commit ever waits behind a big delete.

Nothing depends on it: what is past its time is refused whether it still lies there or not.
"""

from __future__ import annotations

import asyncio
import logging
from contextlib import suppress
from typing import Final

from twofold.core.effects import Sweep
from twofold.core.errors import TwofoldError
from twofold.core.types import SECOND, Instant
from twofold.ports import Clock, Metrics, Store

_LOG: Final = logging.getLogger("twofold.sweeper")

LAG: Final = 60 * SECOND
"""How long what has expired is left lying: the outbox drops a dead message itself and records
that it did, and must not find it gone."""

MOST: Final = 2_000
"""Rows per table and round."""


class Sweeper:
    """One per process; several at once only share the work."""

    def __init__(
        self, *, store: Store, clock: Clock, metrics: Metrics, period: float, most: int = MOST
    ) -> None:
        """Sweep every ``period`` seconds."""
        self._store = store
        self._clock = clock
        self._metrics = metrics
        self._period = period
        self._most = most
        self._stopping = asyncio.Event()

    async def run(self) -> None:
        """Sweep until stopped."""
        while not self._stopping.is_set():
            with suppress(TimeoutError):
                async with asyncio.timeout(self._period):
                    await self._stopping.wait()
                    return
            await self.sweep()

    def stop(self) -> None:
        """Let ``run`` return."""
        self._stopping.set()

    async def sweep(self) -> None:
        """Delete one round of what has expired; a store that cannot do it now is left alone."""
        try:
            await self._store.commit(Sweep(Instant(self._clock.now() - LAG), self._most))
        except TwofoldError as error:
            _LOG.warning("what has expired is not deleted yet: %s", type(error).__name__)
            self._metrics.count("sweep.failed", {})
