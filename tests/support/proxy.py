"""A wire to PostgreSQL that can be cut at the worst moment, and that counts what goes over it.

It understands just enough of the protocol to know where an answer ends: a round trip is an answer
that says that the server is ready again.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from enum import Enum
from urllib.parse import urlsplit

_SSL_REQUEST = (8).to_bytes(4) + (80_877_103).to_bytes(4)
_BIND, _READY = b"B", b"Z"


class Cut(Enum):
    """When the wire breaks: on the way there, or on the way back."""

    ASKING = "asking"
    ANSWERING = "answering"


@dataclass(slots=True)
class Wire:
    """A port that leads to a server."""

    url: str
    through: str = ""
    """The URL that leads through it."""
    trips: int = 0
    """Answers that came back."""
    cut: Cut | None = None
    """What happens to the next statement with values."""
    cuts: int = 0
    frozen: asyncio.Event = field(default_factory=asyncio.Event)
    """While it is not set, nothing passes in either direction."""
    _tasks: set[asyncio.Task[None]] = field(default_factory=set)
    _writers: set[asyncio.StreamWriter] = field(default_factory=set)

    async def _serve(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, host: str, port: int
    ) -> None:
        far_reader, far_writer = await asyncio.open_connection(host, port)
        self._writers |= {writer, far_writer}
        doomed = asyncio.Event()
        try:
            await self._greet(reader, writer, far_writer)
            async with asyncio.TaskGroup() as both:
                both.create_task(self._ask(reader, far_writer, doomed))
                both.create_task(self._answer(far_reader, writer, doomed))
        finally:
            for one in (writer, far_writer):
                one.close()

    async def _greet(
        self,
        reader: asyncio.StreamReader,
        writer: asyncio.StreamWriter,
        far: asyncio.StreamWriter,
    ) -> None:
        head = await reader.readexactly(8)
        if head == _SSL_REQUEST:
            writer.write(b"N")
            head = await reader.readexactly(8)
        far.write(head + await reader.readexactly(int.from_bytes(head[:4]) - 8))

    async def _ask(
        self, reader: asyncio.StreamReader, far: asyncio.StreamWriter, doomed: asyncio.Event
    ) -> None:
        while True:
            kind, message = await _message(reader)
            await self.frozen.wait()
            if kind == _BIND and self.cut is not None:
                cut, self.cut = self.cut, None
                self.cuts += 1
                if cut is Cut.ASKING:
                    raise ConnectionResetError
                doomed.set()
            far.write(message)

    async def _answer(
        self, far: asyncio.StreamReader, writer: asyncio.StreamWriter, doomed: asyncio.Event
    ) -> None:
        while True:
            kind, message = await _message(far)
            await self.frozen.wait()
            if doomed.is_set():
                if kind == _READY:
                    raise ConnectionResetError
                continue
            self.trips += kind == _READY
            writer.write(message)

    async def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        parts = urlsplit(self.url)
        task = asyncio.current_task()
        assert task is not None
        self._tasks.add(task)
        with suppress(EOFError, ConnectionError, asyncio.CancelledError, ExceptionGroup):
            await self._serve(reader, writer, parts.hostname or "", parts.port or 0)
        self._tasks.discard(task)


async def _message(reader: asyncio.StreamReader) -> tuple[bytes, bytes]:
    head = await reader.readexactly(5)
    return head[:1], head + await reader.readexactly(int.from_bytes(head[1:]) - 4)


@asynccontextmanager
async def wire(url: str) -> AsyncIterator[Wire]:
    """Lay a wire to the server of this URL; the wire's own URL goes through it."""
    made = Wire(url)
    made.frozen.set()
    listener = await asyncio.start_server(made._accept, "127.0.0.1", 0)
    port = listener.sockets[0].getsockname()[1]
    made.through = url.replace(f":{urlsplit(url).port}/", f":{port}/")
    try:
        yield made
    finally:
        listener.close()
        for writer in made._writers:
            writer.close()
        for task in list(made._tasks):
            task.cancel()
        await asyncio.gather(*made._tasks, return_exceptions=True)
