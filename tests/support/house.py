"""A whole house in one process: our engine and faces on a real store, with a clock that tests set.

What it is made of is what wiring takes; only time, and what leaves by mail, are the test's own.
"""

from __future__ import annotations

import base64
import os
import sqlite3
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from tests.support.client import Client, InProcess
from tests.support.codes import Letter, mailed
from tests.support.people import Person, enlist, settle
from twofold import settings
from twofold.adapters.letters import Stationery
from twofold.ceremonies.engine import Engine
from twofold.ceremonies.gate import Gate
from twofold.core import letters
from twofold.core.audit import EVENTS
from twofold.core.effects import Record, Settle
from twofold.core.keyring import Keyring, MasterKey
from twofold.core.throttle import Limits
from twofold.core.types import DEFAULT_REALM, SECOND, Instant
from twofold.faces import Front
from twofold.faces.site import routes
from twofold.web.kit import App, Site
from twofold.wiring.house import World, build

NOON = Instant(1_800_000_000 * SECOND)
CHEAP: Mapping[str, object] = {
    "password.memory_kib": 8,
    "password.time": 1,
    "policy.sign_in_notice": False,
}
"""Hashes that cost nothing, and no letter with each login: these tests are about neither."""


@dataclass(slots=True)
class Clock:
    """A clock that stands until it is moved."""

    moment: Instant = NOON

    def now(self) -> Instant:
        """The moment in microseconds."""
        return self.moment

    @property
    def seconds(self) -> float:
        """The moment in seconds."""
        return self.moment / SECOND

    def move(self, seconds: float) -> None:
        """Let time pass."""
        self.moment = Instant(self.moment + int(seconds * SECOND))


@dataclass(slots=True)
class Tape:
    """The port ``Metrics``, remembering what was counted."""

    counted: list[str] = field(default_factory=list)

    def count(self, event: str, labels: object) -> None:
        """Remember it with its labels."""
        self.counted.append(f"{event} {labels}")

    def observe(self, name: str, seconds: float) -> None:
        """Nobody asks."""

    def level(self, name: str, value: float) -> None:
        """Nobody asks."""


@dataclass(slots=True)
class House:
    """What a test looks at."""

    engine: Engine
    app: Any
    clock: Clock
    ring: Keyring
    tape: Tape
    path: Path | None = None

    def client(self, peer: str = "127.0.0.1") -> Client:
        """Somebody at the door."""
        return Client(InProcess(self.app, peer))

    async def settle(self, name: str, **how: Any) -> Person:
        """Move somebody in."""
        return await settle(self.engine, name, **how)

    async def signed_in(self, person: Person, *, later: float = 30.0) -> Client:
        """Somebody who has signed in with all there is, in a step of the clock of their own."""
        self.clock.move(later)
        client = self.client()
        answer = await client.start(person.name, person.password)
        found = answer.json()
        if found["state"] != "done":
            answer = await client.verify(found["ceremony"], person.app.code(self.clock.seconds))
        assert answer.status == 200, answer.body
        client.keep(answer)
        return client

    async def application(self, name: str) -> Client:
        """A registered application, which shows its secret with every request."""
        id, secret = await enlist(self.engine, name)
        shown = base64.b64encode(f"{id}:{secret}".encode()).decode()
        return Client(InProcess(self.app), extra=(("authorization", f"Basic {shown}"),))

    async def records(self, person: Person | None = None) -> list[Record]:
        """The audit trail, oldest first."""
        found = await self.engine.store.records(
            DEFAULT_REALM, subject=person.id if person else None, limit=100_000
        )
        return [entry.record for entry in found]

    async def events(self, person: Person | None = None) -> list[str]:
        """The names of what happened, oldest first."""
        found = [record.event for record in await self.records(person)]
        assert set(found) <= EVENTS.keys()
        return found

    async def post(self) -> list[Letter]:
        """Deliver all that waits in the outbox, by opening it as the outbox does."""
        store, stationery = self.engine.store, Stationery()
        delivered = []
        for queued in await store.due(self.clock.now(), limit=1_000):
            message = queued.message
            written = stationery.write(
                message, letters.values(self.ring, message), self.clock.now()
            )
            delivered.append(Letter(message.channel, message.to, written.subject, written.text))
            await store.commit(Settle(message.subject, message.id))
        return delivered

    async def mailed_code(self, person: Person) -> str:
        """The newest code in somebody's mailbox."""
        return mailed(await self.post(), person.email)[-1]

    def table(self, name: str) -> list[tuple[Any, ...]]:
        """All rows of a table, in an order that does not change."""
        # Names come from tests, and from nowhere else.
        return self.rows(f"select * from {name} order by 1, 2")  # noqa: S608 - see above

    def rows(self, sql: str, *values: object) -> list[tuple[Any, ...]]:
        """Look past everything into the database file."""
        assert self.path is not None
        connection = sqlite3.connect(self.path)
        try:
            return connection.execute(sql, values).fetchall()
        finally:
            connection.close()


@asynccontextmanager
async def living(
    path: Path | None = None,
    options: Mapping[str, object] | None = None,
    *,
    site: Site | None = None,
    clock: Clock | None = None,
    slowed: bool = False,
    ring: Keyring | None = None,
) -> AsyncIterator[House]:
    """Build a house on a database file, or on the memory store without one.

    ``options`` are settings by their dotted names; ``slowed`` keeps the doorkeeper in memory,
    where otherwise the durable budgets alone are looked at.
    """
    clock, tape = clock or Clock(), Tape()
    ring = ring or Keyring((MasterKey.of(os.urandom(32), NOON),))
    url = "memory:" if path is None else f"sqlite:///{path}"
    known = settings.load(options={**CHEAP, "database.url": url, **(options or {})})
    built = build(known, World(clock=clock, metrics=tape), ring=ring)
    engine = built.engine if slowed else replace(built.engine, gate=_patient())
    front = Front(engine, site or Site("http://127.0.0.1:8080"))
    app = App(routes(front), front.site)
    await built.open()
    try:
        yield House(engine, app, clock, ring, tape, path)
    finally:
        await built.close()


def _patient() -> Gate:
    endless = Limits(allowed=1_000_000)
    return Gate(by_source=endless, by_name=endless)
