"""The store on PostgreSQL: many processes on many machines, one truth.

A read is one statement on one of a few connections. Commits gather and travel together, each of
them refusable alone; nobody is told of success before the server called it durable.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Concatenate, Final, ParamSpec, TypeVar

from twofold.adapters.stores import _migrations, _pg_schema
from twofold.adapters.stores import _pg_reads as reads
from twofold.adapters.stores._pg_commits import Commit, Lanes, Outcome
from twofold.adapters.stores._pg_connection import (
    FAILED,
    PATIENCE,
    Address,
    Connection,
    Readers,
    Standing,
    dialled,
    hang_up,
    misconfigured,
    reason,
    standing,
    trusted,
)
from twofold.adapters.stores._pg_frequent import FREQUENT
from twofold.adapters.stores._pg_function import Known, name, texts
from twofold.adapters.stores._pg_packing import Packer
from twofold.adapters.stores._pg_transaction import Lane
from twofold.adapters.stores._writer import Counters
from twofold.core.effects import Effect, Seal
from twofold.core.errors import Misconfigured, Unavailable
from twofold.core.types import (
    Document,
    Instant,
    Realm,
    Session,
    SessionId,
    Subject,
    SubjectId,
    View,
)
from twofold.ports import Entry, Queued

__all__ = ["Address", "PostgresStore", "Seen", "look"]

_Result = TypeVar("_Result")
_Asked = ParamSpec("_Asked")

LANES: Final = 2
"""Connections that commit; one batch may be decided on while another one is flushed."""


class PostgresStore:
    """One database, many processes; ``counters`` says what was asked of it by this one."""

    def __init__(
        self,
        address: Address,
        *,
        connections: int = 8,
        frequent: Sequence[Effect] = FREQUENT,
    ) -> None:
        """Name the database; ``open`` connects. Some of the connections only commit."""
        self._address = address
        self._size = connections
        self._known: tuple[Known, ...] = texts(frequent)
        self.counters = Counters()
        self._open: _Open | None = None

    async def open(self) -> None:
        """Bring the database up to date, or raise Misconfigured where that is refused."""
        try:
            connection = await dialled(self._address)
        except (*FAILED, ValueError) as error:
            raise misconfigured(self._address, error) from error
        try:
            faults = (await standing(connection)).faults()
            if faults:
                raise Misconfigured(faults)
            await _pg_schema.prepare(connection, self._known)
        except FAILED as error:
            raise misconfigured(self._address, error) from error
        finally:
            await hang_up(connection)
        self._open = _Open(partial(trusted, self._address), self._size, self._known, self.counters)

    async def close(self) -> None:
        """Finish what was accepted and let go of the database."""
        held, self._open = self._open, None
        if held is not None:
            await held.close()

    async def commit(self, *effects: Effect) -> None:
        """Apply all effects or none, durably."""
        held = self._held()
        self.counters.commits += 1
        if effects:
            await held.lanes.submit(effects)

    def _held(self) -> _Open:
        if self._open is None:
            raise Unavailable("The store is not open.")
        return self._open

    async def _asked(
        self,
        read: Callable[Concatenate[Connection, _Asked], Awaitable[_Result]],
        *asked: _Asked.args,
        **named: _Asked.kwargs,
    ) -> _Result:
        held = self._held()
        try:
            async with held.readers.one() as connection:
                # Not the driver's own time-out, which opens a second connection to cancel with.
                alarm = held.loop.call_later(PATIENCE, connection.terminate)
                try:
                    return await read(connection, *asked, **named)
                finally:
                    alarm.cancel()
        except FAILED as error:
            text = f"The database cannot be read right now: {reason(error)}."
            raise Unavailable(text) from error

    async def _read(
        self,
        read: Callable[Concatenate[Connection, _Asked], Awaitable[_Result]],
        *asked: _Asked.args,
        **named: _Asked.kwargs,
    ) -> _Result:
        self.counters.reads += 1
        return await self._asked(read, *asked, **named)

    async def view(
        self,
        realm: Realm,
        subject: SubjectId | None = None,
        *,
        identifier: str | None = None,
        session: SessionId | None = None,
        devices: bool = False,
    ) -> View | None:
        """Everything a step may decide on."""
        return await self._read(reads.view, realm, subject, identifier, session, devices=devices)

    async def session(
        self, realm: Realm, subject: SubjectId, session: SessionId
    ) -> tuple[Session, Subject] | None:
        """One session and whose it is."""
        return await self._read(reads.session, realm, subject, session)

    async def sessions(self, realm: Realm, subject: SubjectId) -> Sequence[Session]:
        """The subject's sessions, newest first."""
        return await self._read(reads.sessions, realm, subject)

    async def subjects(
        self, realm: Realm, *, search: str = "", after: str = "", limit: int = 50
    ) -> Sequence[Subject]:
        """Subjects in order of name."""
        return await self._read(reads.subjects, realm, search, after, limit)

    async def records(
        self,
        realm: Realm | None,
        *,
        subject: SubjectId | None = None,
        after: int = 0,
        limit: int = 100,
        newest: bool = False,
    ) -> Sequence[Entry]:
        """Audit records of all realms, of one, or of one subject."""
        order = "desc" if newest else "asc"
        return await self._read(reads.records, realm, subject, after, limit, order)

    async def unsealed(self, *, limit: int) -> Sequence[Entry]:
        """Audit records that no segment covers yet, as far as nothing can come before them."""
        return await self._read(reads.unsealed, limit)

    async def segments(self, *, after: int = 0, limit: int = 100) -> Sequence[Seal]:
        """Sealed segments in order."""
        return await self._read(reads.segments, after, limit)

    async def last_segment(self) -> Seal | None:
        """The newest sealed segment."""
        return await self._read(reads.last_segment)

    async def due(self, now: Instant, *, limit: int) -> Sequence[Queued]:
        """Messages to be sent now, oldest first."""
        return await self._read(reads.due, now, limit)

    async def queued(self) -> tuple[int, Instant | None]:
        """How many messages wait, and since when the oldest has been due."""
        return await self._read(reads.queued)

    async def document(self, realm: Realm, kind: str, name: str) -> Document | None:
        """One document."""
        return await self._read(reads.document, realm, kind, name)

    async def documents(self, realm: Realm, kind: str) -> Sequence[Document]:
        """All documents of a kind, by name."""
        return await self._read(reads.documents, realm, kind)


@dataclass(frozen=True, slots=True)
class Seen:
    """What a look at a server showed."""

    where: str
    standing: Standing
    pending: tuple[int, ...]
    """Steps of the schema that a start would apply."""


async def look(address: Address) -> Seen:
    """Look at a server and change nothing; Misconfigured where it cannot be reached."""
    try:
        connection = await address.dial()
    except (*FAILED, ValueError) as error:
        raise misconfigured(address, error) from error
    try:
        found = await standing(connection)
        steps = _migrations.pending(await _pg_schema.applied(connection))
    except FAILED as error:
        raise misconfigured(address, error) from error
    finally:
        await hang_up(connection)
    return Seen(str(address), found, tuple(step.number for step in steps))


class _Open:
    """What is held while the store is open."""

    def __init__(
        self,
        dial: Callable[[], Awaitable[Connection]],
        size: int,
        known: Sequence[Known],
        counters: Counters,
    ) -> None:

        self.loop = asyncio.get_running_loop()
        self.packer = Packer(known)
        self.readers = Readers(dial, max(1, size - LANES))
        call = f"select {name(known)}($1, $2, $3, $4, $5)"
        self._lanes = [Lane(dial, call, self.packer, counters) for _ in range(LANES)]
        self.lanes = Lanes(self._transact, list(range(LANES)))

    async def _transact(self, lane: int, batch: Sequence[Commit]) -> Sequence[Outcome]:
        return await self._lanes[lane].transact(batch)

    async def close(self) -> None:
        await self.lanes.quiet()
        for lane in self._lanes:
            await lane.close()
        await self.readers.close()
