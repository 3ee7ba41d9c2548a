"""What clients saw and what the database holds, and the rules both must agree with.

A client writes ``invoke`` before it sends and ``ok``, ``fail`` or ``unknown`` after the whole
answer came or did not; nothing here asks a server. The checker is a pure function, so that it can
be shown histories that must not be, and be seen to find what is wrong with each.
"""

from __future__ import annotations

import asyncio
import json
import re
import sqlite3
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any, Literal

Seen = Literal["invoke", "ok", "fail", "unknown"]

_STEP = re.compile(r"step=([0-9]+)")


@dataclass(frozen=True, slots=True)
class Event:
    """One line of a client's history."""

    call: str
    """Names the request; an ``invoke`` and what became of it share it."""
    seen: Seen
    act: Literal["login", "recover", "guess", "rename"]
    subject: str
    proof: str = ""
    """What the request would spend: ``totp:<authenticator>:<step>``, ``recovery:<subject>:<n>``."""
    session: str = ""
    problem: str = ""
    value: str = ""
    """A label that was to be set."""


@dataclass(frozen=True, slots=True)
class Entry:
    """One audit record."""

    event: str
    subject: str
    body: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Facts:
    """What the database holds when all is over."""

    sessions: frozenset[str] = frozenset()
    marks: Mapping[str, int] = field(default_factory=dict)
    labels: Mapping[str, str] = field(default_factory=dict)
    codes_left: Mapping[str, int] = field(default_factory=dict)
    """Recovery codes by subject."""
    streaks: Mapping[tuple[str, str], int] = field(default_factory=dict)
    """Consecutive wrong guesses by subject and kind."""
    trail: tuple[Entry, ...] = ()
    breaks: tuple[str, ...] = ()
    """What a verification of the sealed trail complained of."""

    def broken_by(self, complaint: str) -> Facts:
        """The same with what the verification said."""
        return replace(self, breaks=(*self.breaks, complaint))


class Journal:
    """Writes a history, one JSON line per event, and keeps it."""

    def __init__(self, file: Path | None = None) -> None:
        self.events: list[Event] = []
        self._more = asyncio.Event()
        self._stream = file.open("a", encoding="utf-8") if file else None

    def note(self, event: Event) -> None:
        """Write an event down."""
        self.events.append(event)
        self._more.set()
        if self._stream is not None:
            self._stream.write(json.dumps(asdict(event)) + "\n")
            self._stream.flush()

    async def grown(self, size: int) -> None:
        """Wait until there are so many events."""
        while len(self.events) < size:
            self._more.clear()
            await self._more.wait()

    def close(self) -> None:
        """Let go of the file."""
        if self._stream is not None:
            self._stream.close()


def look(database: Path) -> Facts:
    """Read the facts from a database file, past everything that might gloss over them."""
    connection = sqlite3.connect(f"file:{database}?mode=ro", uri=True)
    try:
        assert connection.execute("pragma integrity_check").fetchone() == ("ok",)
        return facts_in(lambda sql: connection.execute(sql).fetchall())
    finally:
        connection.close()


def facts_in(rows: Callable[[str], list[Any]]) -> Facts:
    """Read the facts by whatever answers SQL."""
    return Facts(
        sessions=frozenset(row[0] for row in rows("select id from session")),
        marks=dict(rows("select id, mark from authenticator where kind = 'totp'")),
        labels=dict(rows("select id, label from authenticator where kind = 'totp'")),
        codes_left=dict(
            rows(
                "select a.subject, count(i.key) from authenticator a left join item i"
                " on i.subject = a.subject and i.authenticator = a.id"
                " where a.kind = 'recovery' group by a.subject"
            )
        ),
        streaks={
            (subject, scope.removeprefix("kind:")): streak
            for subject, scope, streak in rows(
                "select subject, scope, streak from guess where scope like 'kind:%'"
            )
        },
        trail=tuple(
            Entry(event, subject or "", json.loads(body))
            for event, subject, body in rows(
                "select event, subject, body from audit order by position"
            )
        ),
    )


def check(history: Sequence[Event], facts: Facts) -> list[str]:
    """Everything that a history and a database must not say together."""
    return [
        *_spent_twice(history, facts),
        *_lost(history, facts),
        *_unaudited(history, facts),
        *_uncounted(history, facts),
        *(f"trail: {fault}" for fault in facts.breaks),
    ]


def _spent_twice(history: Sequence[Event], facts: Facts) -> Iterator[str]:
    opened: dict[str, set[str]] = defaultdict(set)
    for event in history:
        if event.seen == "ok" and event.proof:
            opened[event.proof].add(event.session)
    for proof, sessions in opened.items():
        if len(sessions) > 1:
            yield f"twice: {proof} opened {len(sessions)} sessions"
    spent = Counter(
        (entry.body["authenticator"], entry.body["spent"])
        for entry in facts.trail
        if entry.event == "login.granted" and entry.body.get("spent")
    )
    for (authenticator, note), times in spent.items():
        if times > 1:
            yield f"twice: {authenticator} spent {note} {times} times, says the trail"


def _lost(history: Sequence[Event], facts: Facts) -> Iterator[str]:
    ended = {str(e.body.get("session", "")) for e in facts.trail if e.event == "session.closed"}
    burnt: Counter[str] = Counter()
    for event in _ended(history, "ok"):
        if event.act in {"login", "recover"} and event.session not in facts.sessions | ended:
            yield f"lost: session {event.session} of {event.call}"
        kind, _, rest = event.proof.partition(":")
        authenticator, _, step = rest.rpartition(":")
        if kind == "totp" and facts.marks.get(authenticator, 0) < int(step):
            yield f"lost: {event.proof} can be spent again"
        if kind == "recovery":
            burnt[event.subject] += 1
    for subject, times in burnt.items():
        if facts.codes_left.get(subject, 0) > 10 - times:
            yield f"lost: a spent recovery code of {subject} is back"
    yield from _lost_labels(history, facts)


def _lost_labels(history: Sequence[Event], facts: Facts) -> Iterator[str]:
    possible: dict[str, set[str]] = defaultdict(lambda: {""})
    for event in history:
        if event.act != "rename":
            continue
        if event.seen == "invoke":
            possible[event.proof].add(event.value)
        elif event.seen == "ok":
            # One writer per factor: what was answered is what there is, until the next request.
            possible[event.proof] = {event.value}
        elif event.seen == "fail":
            possible[event.proof].discard(event.value)
    for authenticator, labels in possible.items():
        if facts.labels.get(authenticator, "") not in labels:
            yield f"lost: label {facts.labels.get(authenticator)!r} of {authenticator}"


def _unaudited(history: Sequence[Event], facts: Facts) -> Iterator[str]:
    granted = {str(e.body["session"]): e for e in facts.trail if e.event.endswith(".granted")}
    ended = {str(e.body.get("session", "")) for e in facts.trail if e.event == "session.closed"}
    for event in _ended(history, "ok"):
        if event.act in {"login", "recover"} and event.session not in granted:
            yield f"unaudited: session {event.session} was answered"
    for session in facts.sessions - granted.keys():
        yield f"unaudited: session {session} is there"
    for session in granted.keys() - facts.sessions - ended:
        yield f"unaudited: session {session} was recorded and is not there"
    yield from _unaudited_marks(granted.values(), facts)
    yield from _unaudited_changes(facts)


def _unaudited_marks(granted: Iterable[Entry], facts: Facts) -> Iterator[str]:
    steps: dict[str, int] = defaultdict(int)
    for entry in granted:
        found = _STEP.search(str(entry.body.get("spent", "")))
        if found:
            name = str(entry.body["authenticator"])
            steps[name] = max(steps[name], int(found[1]))
    for authenticator, mark in facts.marks.items():
        if mark != steps[authenticator]:
            yield f"unaudited: mark {mark} of {authenticator}, recorded is {steps[authenticator]}"


def _unaudited_changes(facts: Facts) -> Iterator[str]:
    used = Counter(entry.subject for entry in facts.trail if entry.event == "recovery.used")
    for subject, left in facts.codes_left.items():
        if left != 10 - used[subject]:
            yield f"unaudited: {left} codes of {subject} left, {used[subject]} recorded"
    renamed = {e.body.get("authenticator") for e in facts.trail if e.event == "factor.renamed"}
    for authenticator, label in facts.labels.items():
        if label and authenticator not in renamed:
            yield f"unaudited: label of {authenticator}"


def _uncounted(history: Sequence[Event], facts: Facts) -> Iterator[str]:
    told: Counter[str] = Counter()
    for event in history:
        if event.act == "guess" and event.problem == "code-rejected":
            told[event.subject] += 1
        elif event.act == "login" and event.seen != "invoke":
            # Forgiven, or perhaps forgiven: from here on counts what is told next.
            told[event.subject] = 0
    recorded: Counter[str] = Counter()
    for entry in facts.trail:
        if entry.event == "login.code.refused" and entry.body.get("method") == "totp":
            recorded[entry.subject] += 1
        elif entry.event == "login.granted" and entry.body.get("method") == "totp":
            recorded[entry.subject] = 0
    for subject in {*told, *recorded, *(s for s, kind in facts.streaks if kind == "totp")}:
        streak = facts.streaks.get((subject, "totp"), 0)
        if streak < told[subject]:
            yield f"uncounted: {told[subject]} refusals were told to {subject}, {streak} counted"
        if streak != recorded[subject]:
            yield f"uncounted: {recorded[subject]} refusals of {subject} recorded, {streak} counted"


def _ended(history: Iterable[Event], seen: Seen) -> Iterator[Event]:
    return (event for event in history if event.seen == seen)
