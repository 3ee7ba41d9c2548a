"""Slow hashes on threads of their own: bounded, and refused at the door when there are too many.

Argon2 lets go of the interpreter lock, so a few threads use that many cores while the event loop
keeps answering. A queue without an end would turn a burst of sign-ins, or of nonsense (A125), into
a minute of silence for everybody; past its limit the next one is told at once to come back.
"""

from __future__ import annotations

import asyncio
import os
import sys
import threading
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from typing import TypeVar

from twofold.core.errors import Misconfigured, Overloaded

Result = TypeVar("Result")

QUEUE_PER_WORKER = 32
"""About a second of Argon2id with 19 MiB and two passes on a slow core."""


NICENESS = 5
"""A third of the share of a thread that serves, where both want the same core."""


class HashingPool:
    """The port ``Hashing``: ``workers`` run at once and ``queue_limit`` more may wait.

    Workers default to the cores we may use, the queue to about a second of work; ``retry_after``
    is in seconds. It may be shared by threads and event loops.
    """

    def __init__(
        self,
        workers: int | None = None,
        queue_limit: int | None = None,
        *,
        retry_after: int = 1,
    ) -> None:
        """Start no thread yet; Misconfigured without a worker or with a negative queue."""
        threads = _cores() if workers is None else workers
        waiting = threads * QUEUE_PER_WORKER if queue_limit is None else queue_limit
        if threads < 1 or waiting < 0:
            raise Misconfigured(
                (f"hashing: {threads} workers with a queue of {waiting} can do nothing",)
            )
        self.workers = threads
        self.queue_limit = waiting
        self._retry_after = retry_after
        self._pool = ThreadPoolExecutor(threads, "twofold-hash", initializer=_step_back)
        self._lock = threading.Lock()
        self._admitted = 0
        self._closed = False

    @property
    def running(self) -> int:
        """How many threads are at work, for the metrics."""
        return min(self._admitted, self.workers)

    @property
    def depth(self) -> int:
        """How many wait for a thread, for the metrics."""
        return max(0, self._admitted - self.workers)

    async def run(self, work: Callable[[], Result]) -> Result:
        """Run ``work`` on a thread; Overloaded, with nothing tried, when too many wait.

        A caller that is cancelled takes its work out of the queue, if it has not begun.
        """
        return await asyncio.wrap_future(self._admit(work))

    async def close(self) -> None:
        """Take nothing more, finish what was taken, and end the threads."""
        with self._lock:
            self._closed = True
        await asyncio.to_thread(self._pool.shutdown)

    def _admit(self, work: Callable[[], Result]) -> Future[Result]:
        with self._lock:
            if self._closed or self._admitted >= self.workers + self.queue_limit:
                raise Overloaded(retry_after=self._retry_after)
            self._admitted += 1
            future = self._pool.submit(work)
        # Released when the thread is done with it, not when its caller has given up: abandoned
        # hashes still burn a core, and a claimant who hangs up must not make room for more.
        future.add_done_callback(self._release)
        return future

    def _release(self, _: Future[Result]) -> None:
        with self._lock:
            self._admitted -= 1


def _step_back() -> None:
    """Let requests go first where a core is shared: a hash takes long anyway, a code check not.

    Linux counts niceness per thread, and lowering one's own priority needs no right.
    """
    if sys.platform == "linux":
        os.setpriority(os.PRIO_PROCESS, threading.get_native_id(), NICENESS)


def _cores() -> int:
    """The cores this process may run on: more threads than that only get in each other's way."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1
