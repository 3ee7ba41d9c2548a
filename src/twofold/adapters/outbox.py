"""Delivers what commits have queued: at once when it can, again when it must, never too late.

A message is written in the commit that caused it, so nothing is told that did not happen and
nothing that happened stays untold. Delivery is at least once: whoever takes a message leases it
first, and a crash between delivering and noting it leads to a second copy under the same
Message-ID. The lease is long enough for one try and the pause after it, so a failed try costs no
commit of its own, and no message waits for a process that died.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass

from twofold.adapters.letters import Stationery
from twofold.core import audit
from twofold.core.effects import Lease, Record, Settle
from twofold.core.errors import Faulty, Stale
from twofold.core.keyring import Keyring
from twofold.core.letters import values
from twofold.core.types import SECOND, Context, Instant
from twofold.ports import Clock, Entropy, Metrics, Queued, Sender, Store

_LOG = logging.getLogger("twofold.outbox")

_BATCH = 500
_FIRST_PAUSE = 1 * SECOND
_LONGEST_PAUSE = 3600 * SECOND
_STEEPEST = 12
"""2**12 seconds exceed the longest pause."""


@dataclass(frozen=True, slots=True)
class Patience:
    """How long is tried, how often, and how much at once; times in seconds."""

    deadline: float = 15.0
    """For one try, whatever the other side does (A135)."""
    tries: int = 24
    """After so many a message is given up; with the pauses between, about nine hours."""
    at_once: int = 8
    """Per channel: a mail server that hangs holds up no text message."""
    poll: float = 1.0
    """Between looks for what another process left behind and for pauses that are over."""


class Outbox:
    """One per process; several share a store, and each message is leased by one of them."""

    def __init__(
        self,
        *,
        store: Store,
        ring: Callable[[], Keyring],
        clock: Clock,
        entropy: Entropy,
        metrics: Metrics,
        senders: Sequence[Sender],
        stationery: Stationery,
        patience: Patience | None = None,
    ) -> None:
        """Serve the channels that the senders name."""
        self._store = store
        self._ring = ring
        self._clock = clock
        self._entropy = entropy
        self._metrics = metrics
        self._senders: Mapping[str, Sender] = {sender.channel: sender for sender in senders}
        self._stationery = stationery
        self._patience = patience or Patience()
        self._free = dict.fromkeys(self._senders, self._patience.at_once)
        self._flying: dict[tuple[str, str], asyncio.Task[None]] = {}
        self._wake = asyncio.Event()
        self._stopping = False

    def nudge(self) -> None:
        """Say that a message was queued just now; it then leaves without waiting for a poll."""
        self._wake.set()

    async def run(self) -> None:
        """Deliver until stopped."""
        while not self._stopping:
            self._wake.clear()
            await self._guarded(self.look())
            with suppress(TimeoutError):
                async with asyncio.timeout(self._patience.poll):
                    await self._wake.wait()

    async def stop(self) -> None:
        """Take nothing new, and give what is under way the time of one try."""
        self._stopping = True
        self._wake.set()
        flying = list(self._flying.values())
        if flying:
            _, late = await asyncio.wait(flying, timeout=self._patience.deadline)
            for task in late:
                task.cancel()

    async def look(self) -> None:
        """Begin to deliver what is due, as far as there are free slots."""
        now = self._clock.now()
        for queued in await self._store.due(now, limit=_BATCH):
            message = queued.message
            if (message.subject, message.id) in self._flying:
                continue
            if message.expires_at <= now:
                await self._guarded(self._drop("message.expired", queued))
            elif self._free.get(message.channel, 0) > 0:
                self._begin(queued)
        waiting, oldest = await self._store.queued()
        self._metrics.level("outbox.depth", waiting)
        self._metrics.level("outbox.age.seconds", (now - min(now, oldest or now)) / SECOND)

    def _begin(self, queued: Queued) -> None:
        key = (queued.message.subject, queued.message.id)
        channel = queued.message.channel
        self._free[channel] -= 1
        task = self._flying[key] = asyncio.create_task(self._guarded(self._handle(queued)))

        def landed(_: object) -> None:
            del self._flying[key]
            self._free[channel] += 1
            if self._free[channel] == 1:
                self._wake.set()  # whatever waited for a slot need not wait for a poll as well

        task.add_done_callback(landed)

    async def _guarded(self, work: Awaitable[None]) -> None:
        """Let nothing that goes wrong with one message or one look end the delivery of others."""
        try:
            await work
        except Stale:
            return  # another process was faster
        except Exception as error:  # noqa: BLE001 - the loop must outlive whatever a store throws
            self._complain("the outbox could not go on at once", error)

    async def _handle(self, queued: Queued) -> None:
        """Lease a message, try once, and note how it ended."""
        message = queued.message
        now = self._clock.now()
        # A lease never outlasts the message: it falls due again to be dropped with a record.
        until = min(now + self._deadline + self._pause(queued.tries), message.expires_at)
        await self._store.commit(
            Lease(message.subject, message.id, queued.tries, Instant(until), now)
        )
        sender = self._senders[message.channel]
        try:
            # Never later than the message lives: a dead code is not delivered.
            async with asyncio.timeout(min(self._deadline, message.expires_at - now) / SECOND):
                letter = self._stationery.write(message, values(self._ring(), message), now)
                await sender.send(letter)
        except Faulty as error:
            await self._drop("message.failed", queued, error)
        except Exception as error:  # noqa: BLE001 - any exception means: not delivered
            if queued.tries + 1 >= self._patience.tries:
                await self._drop("message.failed", queued, error)
            else:
                self._complain(f"a message by {message.channel} must be tried again", error)
        else:
            await self._settle(queued)
            self._metrics.count("outbox.delivered", {"channel": message.channel})
            self._metrics.observe("outbox.delivery", (self._clock.now() - message.due_at) / SECOND)

    @property
    def _deadline(self) -> int:
        return int(self._patience.deadline * SECOND)

    def _pause(self, tries: int) -> int:
        """Microseconds until the next try: full jitter, so that a relay is not met by a crowd."""
        longest = min(_LONGEST_PAUSE, _FIRST_PAUSE << min(tries, _STEEPEST))
        return longest * int.from_bytes(self._entropy.draw(4), "big") >> 32

    async def _settle(self, queued: Queued, *records: Record) -> None:
        message = queued.message
        await self._store.commit(Settle(message.subject, message.id, message.due_at), *records)

    async def _drop(self, event: str, queued: Queued, error: Exception | None = None) -> None:
        """Take a message out undelivered, and say so in the audit trail."""
        message = queued.message
        record = audit.event(
            event,
            self._clock.now(),
            message.realm,
            message.subject,
            Context(realm=message.realm),
            self._entropy.draw(8),
            by="outbox",
            channel=message.channel,
            template=message.template,
            message=message.id,
            tries=queued.tries + (error is not None),
            reason=type(error).__name__ if error else None,
        )
        await self._settle(queued, record)
        self._metrics.count(event, {})

    def _complain(self, what: str, error: Exception) -> None:
        # The name only: a server's words may repeat what it was sent, code and all (A81).
        _LOG.warning("%s: %s", what, type(error).__name__)
        self._metrics.count("outbox.disturbed", {})
