"""The machine's own clock and randomness; everything else is handed what these two give."""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Callable

from twofold.core.types import SECOND, Instant

HELD = 5 * SECOND
"""How large a step back is held instead of followed, in microseconds."""


class SystemClock:
    """The wall clock, which may stand for a moment but does not run backwards.

    A correction backwards by up to ``HELD`` is waited out: no record is older than the one
    before it. A larger one is followed, because a clock that stood still for an hour, or for
    ever after one wild jump ahead, would refuse every code meanwhile; what may happen once is
    guarded by marks and versions, never by the clock.
    """

    def __init__(self, source: Callable[[], int] = time.time_ns) -> None:
        """Tell the time of ``source``, nanoseconds since 1970."""
        self._source = source
        self._lock = threading.Lock()
        self._last = 0

    def now(self) -> Instant:
        """The moment in microseconds, UTC."""
        with self._lock:
            # Read inside the lock: two threads must not swap their readings.
            moment = self._source() // 1000
            if not self._last - HELD <= moment < self._last:
                self._last = moment
            return Instant(self._last)


class SystemEntropy:
    """The kernel's generator, asked anew each time.

    A pool of our own would save half a microsecond, and hand two forked workers the same
    secrets (A147).
    """

    def draw(self, size: int) -> bytes:
        """That many bytes nobody can predict."""
        return os.urandom(size)
