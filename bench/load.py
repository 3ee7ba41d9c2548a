"""A load generator that sends each prepared request exactly once and checks every answer.

Requests are bytes, made before the clock starts; connections are kept alive; one request is in
flight per connection, so the number of connections is the concurrency.
"""

from __future__ import annotations

import asyncio
import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import cast

SLOWEST = 30.0
"""Seconds after which a run that stands still is given up."""


@dataclass(frozen=True, slots=True)
class Reply:
    """One answer, with the seconds it took."""

    status: int
    body: bytes
    seconds: float


@dataclass(slots=True)
class Run:
    """What a run gave: answers in the order of their requests, and the wall time."""

    replies: list[Reply | None]
    seconds: float = 0.0
    statuses: Counter[int] = field(default_factory=Counter)

    @property
    def rate(self) -> float:
        """Answers a second."""
        return len(self.replies) / self.seconds

    def percentile(self, share: float) -> float:
        """Seconds within which that share of the answers came."""
        times = sorted(reply.seconds for reply in self.replies if reply is not None)
        return times[min(len(times) - 1, int(share * len(times)))]


def request(
    method: str, path: str, *, body: bytes = b"", headers: Sequence[tuple[str, str]] = ()
) -> bytes:
    """The bytes of a request, ready to be sent."""
    lines = [f"{method} {path} HTTP/1.1", "Host: 127.0.0.1"]
    lines += [f"{name}: {value}" for name, value in headers]
    if body:
        lines += ["Content-Type: application/json", f"Content-Length: {len(body)}"]
    return "\r\n".join(lines).encode() + b"\r\n\r\n" + body


class Connection(asyncio.Protocol):
    """One keep-alive connection that works through its share of the requests."""

    def __init__(self, work: Sequence[bytes], todo: Todo) -> None:
        self._work = work
        self._todo = todo
        self._buffer = bytearray()
        self._index = -1
        self._sent = 0.0
        self._transport: asyncio.Transport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Wait for the start; connecting is not part of what is measured."""
        self._transport = cast("asyncio.Transport", transport)
        self._todo.connected(self)

    def next(self) -> None:
        """Send the next request nobody has sent, when its time has come."""
        assert self._transport is not None
        index = self._todo.take()
        if index is None:
            self._transport.close()
            return
        self._index = index
        due = self._todo.due(index)
        if due is not None and due > time.perf_counter():
            loop = asyncio.get_running_loop()
            loop.call_later(due - time.perf_counter(), self._send, index, due)
        else:
            self._send(index, due)

    def _send(self, index: int, due: float | None) -> None:
        assert self._transport is not None
        # Against a schedule the clock starts when the request was due, so that a server that
        # stands still is charged for everybody who waited (coordinated omission).
        self._sent = time.perf_counter() if due is None else due
        self._transport.write(self._work[index])

    def data_received(self, data: bytes) -> None:
        """Gather one whole answer."""
        buffer = self._buffer
        buffer += data
        end = buffer.find(b"\r\n\r\n")
        if end < 0:
            return
        head = bytes(buffer[:end]).lower()
        at = head.find(b"content-length:")
        length = int(head[at + 15 :].split(b"\r\n", 1)[0]) if at >= 0 else 0
        if len(buffer) < end + 4 + length:
            return
        body = bytes(buffer[end + 4 : end + 4 + length])
        status = int(head[9:12])
        del buffer[: end + 4 + length]
        self._todo.done(self._index, Reply(status, body, time.perf_counter() - self._sent))
        self.next()

    def connection_lost(self, _exc: Exception | None) -> None:
        """A connection may only end when there is nothing left to send."""
        self._todo.lost()


class Todo:
    """What is still to be sent, shared by all connections of a run."""

    def __init__(self, count: int, connections: int, rate: float | None) -> None:
        self.run = Run([None] * count)
        self.finished = asyncio.get_running_loop().create_future()
        self._next = 0
        self._open = connections
        self._waiting: list[Connection] = []
        self._rate = rate
        self._began = 0.0
        self._left = count

    def connected(self, connection: Connection) -> None:
        """Start all at once when the last one is connected."""
        self._waiting.append(connection)
        if len(self._waiting) == self._open:
            self._began = time.perf_counter()
            for each in self._waiting:
                each.next()

    def take(self) -> int | None:
        """The index of a request that nobody has sent."""
        if self._next >= len(self.run.replies):
            return None
        self._next += 1
        return self._next - 1

    def due(self, index: int) -> float | None:
        """When a request is due, if the run has a schedule."""
        return None if self._rate is None else self._began + index / self._rate

    def done(self, index: int, reply: Reply) -> None:
        """Keep an answer."""
        self.run.replies[index] = reply
        self.run.statuses[reply.status] += 1
        self._left -= 1
        if self._left == 0:
            self.run.seconds = time.perf_counter() - self._began
            self.finished.set_result(None)

    def lost(self) -> None:
        """Fail the run if the server hung up while work was left."""
        self._open -= 1
        if self._open == 0 and not self.finished.done():
            self.finished.set_exception(ConnectionError("the server closed all connections"))


async def drive(
    port: int, work: Sequence[bytes], *, connections: int, rate: float | None = None
) -> Run:
    """Send all requests over that many connections; at ``rate`` a second, or as fast as it goes."""
    connections = min(connections, len(work))
    todo = Todo(len(work), connections, rate)
    loop = asyncio.get_running_loop()
    for _ in range(connections):
        await loop.create_connection(lambda: Connection(work, todo), "127.0.0.1", port)
    await asyncio.wait_for(todo.finished, SLOWEST + (len(work) / rate if rate else SLOWEST))
    return todo.run
