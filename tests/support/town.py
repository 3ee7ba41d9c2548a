"""A data directory that real servers share with the test: who lives there, and what is written.

The test moves people in through the store, as one more process beside the servers, and looks into
the database file to see what really happened.
"""

from __future__ import annotations

import asyncio
import json
import sqlite3
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

from tests.support import postgres
from tests.support.codes import Letter, mailed, posted
from tests.support.people import Person, settle
from twofold import settings
from twofold.ceremonies.engine import Engine
from twofold.ceremonies.grants import tokens_of
from twofold.core.effects import OpenSession
from twofold.core.types import DEFAULT_REALM, SECOND, Aal, Instant, Session, SessionId
from twofold.wiring.house import build

Value = TypeVar("Value")

PATIENCE = 20.0
"""Seconds within which another process has done what it was asked for."""


@dataclass(frozen=True, slots=True)
class Town:
    """One data directory."""

    data: Path
    engine: Engine
    url: str = ""
    """The database, if it is PostgreSQL."""

    async def settle(self, name: str, **how: Any) -> Person:
        """Move somebody in."""
        return await settle(self.engine, name, **how)

    async def session(self, person: Person, *, proved: bool = True) -> str:
        """The access token of a session that stands since a moment ago; no login was needed."""
        engine = self.engine
        now = engine.clock.now()
        amr = ("pwd", "otp", "mfa") if proved else ("pwd",)
        opened = Session(
            realm=DEFAULT_REALM,
            subject=person.id,
            id=SessionId(engine.draw(16).hex()),
            created_at=now,
            auth_time=now,
            aal=Aal.TWO if proved else Aal.ONE,
            amr=amr,
            expires_at=Instant(now + 3_600 * SECOND),
            idle=3_600,
            seen_at=now,
            rotated_at=now,
        )
        await engine.store.commit(OpenSession(opened))
        return tokens_of(engine, opened).access

    def rows(self, sql: str, *values: object) -> list[tuple[Any, ...]]:
        """Look into the database."""
        if self.url:
            return postgres.rows(self.url, sql, *values)
        connection = sqlite3.connect(self.data / "twofold.db")
        try:
            return connection.execute(sql, values).fetchall()
        finally:
            connection.close()

    def events(self, person: Person) -> list[str]:
        """The names of what happened to somebody, oldest first."""
        found = self.rows("select event from audit where subject = ? order by position", person.id)
        return [row[0] for row in found]

    def bodies(self, person: Person, event: str) -> list[dict[str, Any]]:
        """What the records of an event say."""
        sql = "select body from audit where subject = ? and event = ? order by position"
        return [json.loads(row[0]) for row in self.rows(sql, person.id, event)]

    def letters(self, person: Person) -> list[Letter]:
        """What has left for somebody's mailbox."""
        return [one for one in posted(self.data / "mail.jsonl") if one.to == person.email]

    async def mailed_code(self, person: Person) -> str:
        """The newest code in somebody's mailbox, once one is there."""
        return (await until(lambda: mailed(self.letters(person), person.email)))[-1]


async def until(look: Callable[[], Value]) -> Value:
    """Look until there is something to see; TimeoutError if there never is."""
    loop = asyncio.get_running_loop()
    end = loop.time() + PATIENCE
    # Another process does it; nothing here can be told when.
    while not (found := look()):
        if loop.time() > end:
            raise TimeoutError
        await asyncio.sleep(0.01)
    return found


@asynccontextmanager
async def town(
    data: Path, options: Mapping[str, object] | None = None, *, url: str = ""
) -> AsyncIterator[Town]:
    """Join the servers of a data directory, and of a database elsewhere if its URL is given."""
    cheap = {"password.memory_kib": 64, "password.time": 1}
    where = {"data": str(data), "database.url": url}
    house = build(settings.load(options={**where, **cheap, **(options or {})}))
    await house.open()
    try:
        yield Town(data, house.engine, url)
    finally:
        await house.close()
