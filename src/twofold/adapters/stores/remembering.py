"""A store that may trust its own memory of a session for some seconds, where an operator allows it.

What this process commits is forgotten at once; what another process commits is believed late, at
most by the seconds given. Only the check of a session is answered from memory: whatever is
decided on a view, or spent, asks the file.
"""

from __future__ import annotations

import time
from collections import OrderedDict
from collections.abc import Callable
from pathlib import Path
from typing import TypeAlias

from twofold.adapters.stores.sqlite import SqliteStore
from twofold.core.effects import Effect, PutSubject, Sweep
from twofold.core.types import Realm, Session, SessionId, Subject, SubjectId

REMEMBERED = 100_000
"""Subjects; beyond it the one that was looked up longest ago is forgotten."""

_Found: TypeAlias = tuple[Session, Subject]


class RememberingStore(SqliteStore):
    """The store on one SQLite file, with a memory for sessions that were just checked."""

    def __init__(
        self, path: Path, seconds: float, clock: Callable[[], float] = time.monotonic
    ) -> None:
        """Trust what was read for so many seconds."""
        super().__init__(path)
        self._seconds = seconds
        self._clock = clock
        self._known: OrderedDict[SubjectId, dict[SessionId, tuple[float, _Found]]] = OrderedDict()

    async def session(self, realm: Realm, subject: SubjectId, session: SessionId) -> _Found | None:
        """One session and whose it is, from memory while that is fresh."""
        now = self._clock()
        kept = self._known.get(subject)
        if kept is not None and session in kept:
            until, found = kept[session]
            if now < until and found[1].realm == realm:
                return found
        read = await super().session(realm, subject, session)
        # Nobody else runs between the read and here: a commit of ours cannot slip in between.
        if read is not None:
            self._remember(subject, session, (now + self._seconds, read))
        return read

    async def commit(self, *effects: Effect) -> None:
        """Apply all effects or none, and forget whom they concern before and after."""
        self._forget(effects)
        try:
            await super().commit(*effects)
        finally:
            self._forget(effects)

    def _remember(
        self, subject: SubjectId, session: SessionId, found: tuple[float, _Found]
    ) -> None:
        self._known.setdefault(subject, {})[session] = found
        self._known.move_to_end(subject)
        if len(self._known) > REMEMBERED:
            self._known.popitem(last=False)

    def _forget(self, effects: tuple[Effect, ...]) -> None:
        for effect in effects:
            if isinstance(effect, PutSubject):
                self._known.pop(effect.subject.id, None)
            elif not isinstance(effect, Sweep):
                self._known.pop(getattr(effect, "subject", SubjectId("")), None)
