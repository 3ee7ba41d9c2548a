"""The store on one SQLite file: durable before it answers, for one machine and all its processes.

Point reads run on the event loop, because a snapshot of a few rows costs less than a hop to a
thread and writers never stop it; listings go to a thread. Commits go to the one writer.
"""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path
from typing import Concatenate, ParamSpec, TypeVar

from twofold.adapters.stores import _file, _reads
from twofold.adapters.stores._writer import Counters, Writer
from twofold.core.effects import Effect, Seal
from twofold.core.errors import Unavailable
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

_Result = TypeVar("_Result")
_Asked = ParamSpec("_Asked")

_PATIENCE = 250
"""Milliseconds the event loop may stand still while another process repairs the log."""


class SqliteStore:
    """One file, many readers, one writer at a time; ``counters`` says what was asked of it."""

    def __init__(self, path: Path) -> None:
        """Name the file; ``open`` makes it."""
        self._path = path
        self.counters = Counters()
        self._open: _Open | None = None

    async def open(self) -> None:
        """Make the file ready, or raise Misconfigured."""
        await asyncio.to_thread(_file.prepare, self._path, _file.mounts())
        self._open = _Open(self._path, self.counters)

    async def close(self) -> None:
        """Finish what was accepted and let go of the file."""
        held, self._open = self._open, None
        if held is not None:
            await held.close()

    async def commit(self, *effects: Effect) -> None:
        """Apply all effects or none, durably."""
        if self._open is None:
            raise _closed()
        await self._open.writer.submit(effects)

    def _at_once(
        self,
        read: Callable[Concatenate[sqlite3.Connection, _Asked], _Result],
        *asked: _Asked.args,
        **named: _Asked.kwargs,
    ) -> _Result:
        if self._open is None:
            raise _closed()
        self.counters.reads += 1
        try:
            return read(self._open.near, *asked, **named)
        except sqlite3.Error as error:
            raise _unreadable() from error

    async def _aside(
        self,
        read: Callable[Concatenate[sqlite3.Connection, _Asked], _Result],
        *asked: _Asked.args,
        **named: _Asked.kwargs,
    ) -> _Result:
        if self._open is None:
            raise _closed()
        self.counters.reads += 1
        work = partial(read, self._open.far, *asked, **named)
        try:
            return await asyncio.get_running_loop().run_in_executor(self._open.lister, work)
        except sqlite3.Error as error:
            raise _unreadable() from error

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
        return self._at_once(_reads.view, realm, subject, identifier, session, devices=devices)

    async def session(
        self, realm: Realm, subject: SubjectId, session: SessionId
    ) -> tuple[Session, Subject] | None:
        """One session and whose it is."""
        return self._at_once(_reads.session, realm, subject, session)

    async def sessions(self, realm: Realm, subject: SubjectId) -> Sequence[Session]:
        """The subject's sessions, newest first."""
        return self._at_once(_reads.sessions, realm, subject)

    async def subjects(
        self, realm: Realm, *, search: str = "", after: str = "", limit: int = 50
    ) -> Sequence[Subject]:
        """Subjects in order of name."""
        return await self._aside(_reads.subjects, realm, search, after, limit)

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
        return await self._aside(_reads.records, realm, subject, after, limit, order)

    async def unsealed(self, *, limit: int) -> Sequence[Entry]:
        """Audit records that no segment covers yet."""
        return await self._aside(_reads.unsealed, limit)

    async def segments(self, *, after: int = 0, limit: int = 100) -> Sequence[Seal]:
        """Sealed segments in order."""
        return await self._aside(_reads.segments, after, limit)

    async def last_segment(self) -> Seal | None:
        """The newest sealed segment."""
        return await self._aside(_reads.last_segment)

    async def due(self, now: Instant, *, limit: int) -> Sequence[Queued]:
        """Messages to be sent now, oldest first."""
        return await self._aside(_reads.due, now, limit)

    async def queued(self) -> tuple[int, Instant | None]:
        """How many messages wait, and since when the oldest has been due."""
        return await self._aside(_reads.queued)

    async def document(self, realm: Realm, kind: str, name: str) -> Document | None:
        """One document."""
        return self._at_once(_reads.document, realm, kind, name)

    async def documents(self, realm: Realm, kind: str) -> Sequence[Document]:
        """All documents of a kind, by name."""
        return await self._aside(_reads.documents, realm, kind)


class _Open:
    """What is held while the store is open."""

    def __init__(self, path: Path, counters: Counters) -> None:
        self.near = _file.reader(path, _PATIENCE)
        self.far = _file.reader(path)
        self.lister = ThreadPoolExecutor(1, "twofold-lister")
        self.writer = Writer(partial(_file.writer, path), counters)

    async def close(self) -> None:
        await self.writer.close()
        await asyncio.to_thread(self.lister.shutdown)
        self.far.close()
        self.near.close()


def _closed() -> Unavailable:
    return Unavailable("The store is not open.")


def _unreadable() -> Unavailable:
    return Unavailable("The database cannot be read right now.")
