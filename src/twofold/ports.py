"""All doors to the world on one page; adapters stand behind them, wiring decides which.

Reads are snapshots; the only write is ``Store.commit``.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol, TypeVar

from twofold.core.effects import Effect, Record, Seal, Send
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
from twofold.core.values import quick

Result = TypeVar("Result")


@dataclass(frozen=True, slots=True)
class Queued:
    """A message in the outbox and where its delivery stands."""

    message: Send
    tries: int
    lease_until: Instant


@quick
@dataclass(frozen=True, slots=True)
class Entry:
    """An audit record with the store's own position, which rises in commit order."""

    position: int
    record: Record


class Store(Protocol):
    """Reads are snapshots; the only write is commit."""

    async def open(self) -> None:
        """Make ready: connect, migrate, refuse what cannot be durable."""

    async def close(self) -> None:
        """Finish what was accepted and let go."""

    async def view(
        self,
        realm: Realm,
        subject: SubjectId | None = None,
        *,
        identifier: str | None = None,
        session: SessionId | None = None,
        devices: bool = False,
    ) -> View | None:
        """Everything a step may decide on, in one read; None for an unknown subject.

        Give the subject's id, or an identifier as core.identifiers made it
        (``name:alice``, ``email:a@b.c``, ``phone:+4930...``). Remembered browsers are read along
        only where they are asked for.
        """

    async def session(
        self, realm: Realm, subject: SubjectId, session: SessionId
    ) -> tuple[Session, Subject] | None:
        """The hot path of every authenticated request: one point read."""

    async def sessions(self, realm: Realm, subject: SubjectId) -> Sequence[Session]:
        """The subject's sessions, newest first."""

    async def subjects(
        self, realm: Realm, *, search: str = "", after: str = "", limit: int = 50
    ) -> Sequence[Subject]:
        """Subjects in order of name, beyond ``after``; ``search`` matches name and email."""

    async def records(
        self,
        realm: Realm | None,
        *,
        subject: SubjectId | None = None,
        after: int = 0,
        limit: int = 100,
        newest: bool = False,
    ) -> Sequence[Entry]:
        """Audit records beyond position ``after`` in order, or the newest ones first.

        None means all realms: segments are closed over all of them together.
        """

    async def unsealed(self, *, limit: int) -> Sequence[Entry]:
        """Audit records of all realms that no segment covers yet, in commit order."""

    async def segments(self, *, after: int = 0, limit: int = 100) -> Sequence[Seal]:
        """Sealed segments beyond number ``after``, in order."""

    async def last_segment(self) -> Seal | None:
        """The newest sealed segment."""

    async def due(self, now: Instant, *, limit: int) -> Sequence[Queued]:
        """Messages whose time has come and that nobody holds a lease on, oldest first."""

    async def queued(self) -> tuple[int, Instant | None]:
        """How many messages wait, and since when the oldest has been due."""

    async def document(self, realm: Realm, kind: str, name: str) -> Document | None:
        """One document."""

    async def documents(self, realm: Realm, kind: str) -> Sequence[Document]:
        """All documents of a kind, by name."""

    async def commit(self, *effects: Effect) -> None:
        """Apply all effects or none.

        Raises Replayed, Stale or Taken, and then has changed nothing; raises Uncertain when
        the outcome is not known. A cancelled caller does not cancel the commit.
        """


@dataclass(frozen=True, slots=True)
class Letter:
    """A message as a sender sees it: rendered, addressed, and named for idempotency."""

    id: str
    channel: str
    to: str
    subject: str
    text: str
    html: str | None = None
    language: str = ""
    """What it is written in, as BCP 47 names it; empty where nobody knows."""


class Sender(Protocol):
    """Deliver or raise; the outbox decides about again."""

    @property
    def channel(self) -> str:
        """``email``, ``sms`` or ``webhook``."""

    async def send(self, letter: Letter) -> None:
        """Deliver one message; any exception means that it was not delivered.

        Raises Faulty when trying again cannot help, such as for an address that the other
        side refuses for good.
        """


class Clock(Protocol):
    """The only source of time."""

    def now(self) -> Instant:
        """The wall clock in microseconds, UTC."""


class Entropy(Protocol):
    """The only source of randomness."""

    def draw(self, size: int) -> bytes:
        """That many bytes nobody can predict."""


class Hashing(Protocol):
    """A bounded pool for slow hashes; code checks never wait behind it."""

    async def run(self, work: Callable[[], Result]) -> Result:
        """Run ``work`` off the event loop, or raise Overloaded when the queue is full."""


class Metrics(Protocol):
    """Counters for operators; never a name, a code or a token in a label."""

    def count(self, event: str, labels: Mapping[str, str]) -> None:
        """One more of this."""

    def observe(self, name: str, seconds: float) -> None:
        """How long something took."""

    def level(self, name: str, value: float) -> None:
        """How much of something there is now."""
