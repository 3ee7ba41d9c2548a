"""The oracle: the laws of every effect said once, plainly, over dictionaries.

Other stores must agree with it. A commit works on a copy that replaces the tables only when no
effect refused; nothing is awaited in between, so commits are serial.
"""

from __future__ import annotations

from collections.abc import Sequence

from twofold.adapters.stores._rows import by_newest
from twofold.adapters.stores._tables import Tables
from twofold.core.effects import Effect, Seal
from twofold.core.types import (
    POLICY,
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


class MemoryStore:
    """A store that forgets at exit; for tests and for trying things out."""

    def __init__(self) -> None:
        """Begin empty."""
        self._tables = Tables()

    async def open(self) -> None:
        """Nothing has to be made ready."""

    async def close(self) -> None:
        """Nothing is held."""

    async def commit(self, *effects: Effect) -> None:
        """Apply all effects or none."""
        draft = self._tables.copy()
        for effect in effects:
            draft.apply(effect)
        self._tables = draft

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
        tables = self._tables
        if subject is None and identifier is not None:
            subject = tables.identifiers.get((realm, identifier))
        found = tables.subjects.get(subject) if subject is not None else None
        if found is None or found.realm != realm:
            return None
        return View(
            found,
            tuple(
                sorted(
                    (a for a in tables.authenticators.values() if a.subject == found.id),
                    key=lambda a: (a.created_at, a.id),
                )
            ),
            {scope: row.tally for (of, scope), row in tables.guesses.items() if of == found.id},
            tables.documents.get((realm, *POLICY)),
            tables.sessions.get((found.id, session)) if session is not None else None,
            tuple(
                sorted((d for d in tables.devices.values() if d.subject == found.id), key=by_newest)
            )
            if devices
            else (),
        )

    async def session(
        self, realm: Realm, subject: SubjectId, session: SessionId
    ) -> tuple[Session, Subject] | None:
        """One session and whose it is."""
        row = self._tables.sessions.get((subject, session))
        owner = self._tables.subjects.get(subject)
        if row is None or owner is None or owner.realm != realm:
            return None
        return row, owner

    async def sessions(self, realm: Realm, subject: SubjectId) -> Sequence[Session]:
        """The subject's sessions, newest first."""
        rows = [
            s for s in self._tables.sessions.values() if s.realm == realm and s.subject == subject
        ]
        return sorted(rows, key=lambda s: (-s.created_at, s.id))

    async def subjects(
        self, realm: Realm, *, search: str = "", after: str = "", limit: int = 50
    ) -> Sequence[Subject]:
        """Subjects in order of name."""
        wanted = search.casefold()
        rows = [
            s
            for s in self._tables.subjects.values()
            if s.realm == realm
            and s.name > after
            and (wanted in s.name.casefold() or wanted in (s.email or "").casefold())
        ]
        return sorted(rows, key=lambda s: s.name)[:limit]

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
        rows = [
            e
            for e in self._entries(after)
            if realm in (None, e.record.realm) and subject in (None, e.record.subject)
        ]
        return rows[::-1][:limit] if newest else rows[:limit]

    async def unsealed(self, *, limit: int) -> Sequence[Entry]:
        """Audit records that no segment covers yet."""
        segments = self._tables.segments
        return self._entries(segments[-1].upto if segments else 0)[:limit]

    def _entries(self, after: int) -> list[Entry]:
        return [
            Entry(position, record)
            for position, record in enumerate(self._tables.records, start=1)
            if position > after
        ]

    async def segments(self, *, after: int = 0, limit: int = 100) -> Sequence[Seal]:
        """Sealed segments in order."""
        return [s for s in self._tables.segments if s.number > after][:limit]

    async def last_segment(self) -> Seal | None:
        """The newest sealed segment."""
        return self._tables.segments[-1] if self._tables.segments else None

    async def due(self, now: Instant, *, limit: int) -> Sequence[Queued]:
        """Messages to be sent now, oldest first."""
        rows = [q for q in self._tables.outbox.values() if q.message.due_at <= now >= q.lease_until]
        rows.sort(key=lambda q: (q.message.due_at, q.message.subject, q.message.id))
        return rows[:limit]

    async def queued(self) -> tuple[int, Instant | None]:
        """How many messages wait, and since when the oldest has been due."""
        waiting = [q.message.due_at for q in self._tables.outbox.values()]
        return len(waiting), min(waiting, default=None)

    async def document(self, realm: Realm, kind: str, name: str) -> Document | None:
        """One document."""
        return self._tables.documents.get((realm, kind, name))

    async def documents(self, realm: Realm, kind: str) -> Sequence[Document]:
        """All documents of a kind, by name."""
        rows = [d for d in self._tables.documents.values() if (d.realm, d.kind) == (realm, kind)]
        return sorted(rows, key=lambda d: d.name)
