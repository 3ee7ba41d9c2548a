"""Closes segments of audit records every few seconds, and remembers the newest outside the store.

What makes records tamper-evident is pure and lives in ``core.audit``; here it is only done in
time: records are sealed within six seconds of their commit, by whichever process comes first.
The head file lies beside the key, not in the database: who can cut the end off the trail there
would otherwise leave no trace.
"""

from __future__ import annotations

import asyncio
import logging
import os
import tempfile
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

from twofold.core import audit, evidence
from twofold.core.errors import Stale, TwofoldError
from twofold.core.evidence import Head
from twofold.core.keyring import Keyring
from twofold.core.types import SECOND
from twofold.ports import Clock, Metrics, Store

_LOG = logging.getLogger("twofold.sealer")

PERIOD = 3.0
"""Seconds between looks: half of what is promised."""

MOST = 1000
"""Records per segment; more make several segments, each cheap to close and to check."""

_SEGMENTS = 100


class Sealer:
    """One per process; several share a store, and a segment is closed by one of them."""

    def __init__(
        self,
        *,
        store: Store,
        ring: Callable[[], Keyring],
        clock: Clock,
        metrics: Metrics,
        head: Path,
        period: float = PERIOD,
        most: int = MOST,
    ) -> None:
        """Keep the newest segment's hash and ids in the file ``head``."""
        self._store = store
        self._ring = ring
        self._clock = clock
        self._metrics = metrics
        self._file = head
        self._period = period
        self._most = most
        self._stopping = asyncio.Event()

    async def run(self) -> None:
        """Seal until stopped; then once more, for what came during the last round."""
        last = False
        while not last:
            last = self._stopping.is_set()
            await self._round()
            if not last:
                with suppress(TimeoutError):
                    async with asyncio.timeout(self._period):
                        await self._stopping.wait()

    def stop(self) -> None:
        """Let ``run`` seal what is left and return."""
        self._stopping.set()

    async def _round(self) -> None:
        try:
            await self.seal()
        except (TwofoldError, OSError) as error:
            # Nothing is lost: the records stay unsealed and the next round finds them.
            _LOG.warning("audit records are not sealed yet: %s", error)
            self._metrics.count("audit.seal.failed", {})

    async def seal(self) -> None:
        """Seal all there is and bring the head file up to it.

        Unavailable or an OSError leave records to the next call.
        """
        while await self._close_one():
            pass
        await self._publish()

    async def _close_one(self) -> bool:
        """Close one segment; whether there may be more to seal."""
        # The newest segment first, then what it leaves open: a segment that another process
        # closes in between makes our number Stale, and never seals a record twice.
        last = await self._store.last_segment()
        entries = await self._store.unsealed(limit=self._most)
        now = self._clock.now()
        self._metrics.level("audit.unsealed", len(entries))
        oldest = entries[0].record.at if entries else now
        self._metrics.level("audit.unsealed.age.seconds", max(0, now - oldest) / SECOND)
        if not entries:
            return False
        seal = await asyncio.to_thread(
            audit.close,
            [entry.record for entry in entries],
            entries[-1].position,
            last,
            now,
            self._ring().current("audit-sign"),
        )
        try:
            await self._store.commit(seal)
        except Stale:
            return True
        return len(entries) == self._most

    async def _publish(self) -> None:
        """Bring the head file up to the newest segment, unless they contradict each other."""
        last = await self._store.last_segment()
        try:
            head = await asyncio.to_thread(read_head_file, self._file)
            continued = head is None or await self._is_ours(head)
        except ValueError:
            head, continued = None, False
        if not continued:
            # Kept as it is: it is the evidence that segments were cut off or replaced.
            _LOG.error("the audit trail does not continue what %s remembers", self._file)
            self._metrics.count("audit.head.differs", {})
            return
        newest = head
        # A head that was lost starts near the end: only the newest ids are remembered anyway.
        after = head.number if head else max(0, last.number - _SEGMENTS if last else 0)
        while seals := await self._store.segments(after=after, limit=_SEGMENTS):
            for seal in seals:
                newest = evidence.follow(newest, seal)
            after = seals[-1].number
        if newest is not None and newest != head:
            await asyncio.to_thread(_write, self._file, newest)

    async def _is_ours(self, head: Head) -> bool:
        """Whether the store still holds the segment that the head remembers."""
        found = await self._store.segments(after=head.number - 1, limit=1)
        return any(
            seal.number == head.number and audit.digest(seal.body) == head.digest for seal in found
        )


def read_head_file(file: Path) -> Head | None:
    """The head in a file, None if there is no file; ValueError if it holds something else."""
    try:
        return evidence.read_head(file.read_text("ascii"))
    except FileNotFoundError:
        return None


def _write(file: Path, head: Head) -> None:
    """Replace the head so that a crash leaves the old one or the new one, whole."""
    # Another process may be writing too: each has a file of its own until it is in place. The
    # one that comes last may be one segment behind; the next round mends that.
    handle, draft = tempfile.mkstemp(prefix=f".{file.name}.", dir=file.parent)  # mode 0600
    try:
        with os.fdopen(handle, "w", encoding="ascii") as stream:
            stream.write(head.text())
            stream.flush()
            os.fsync(stream.fileno())
        Path(draft).replace(file)
    except OSError:
        Path(draft).unlink(missing_ok=True)
        raise
    directory = os.open(file.parent, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(directory)
    finally:
        os.close(directory)
