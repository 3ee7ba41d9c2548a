"""Servers are killed while people sign in, and what was said is still true afterwards."""

from __future__ import annotations

import asyncio
import os
import random
import signal
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from tests.faults.actors import WINDOW, Actor
from tests.faults.history import Journal, check, facts_in, look
from tests.support import postgres
from tests.support.client import Client, Dialler
from tests.support.postgres import Cluster
from tests.support.server import RunningServer, start_server, twofold
from tests.support.town import town

KILLS = int(os.environ.get("KILLS", "50"))
SEED = int(os.environ.get("SEED", "20261122"))
ACTORS = 6
PEOPLE = 60
"""Per actor."""

CONFIG = {
    "totp": {"past": WINDOW},
    "throttle": {"source_allowed": 100_000},
    # Each actor renames what it has just signed in for; nothing here is about lives.
    "policy": {"closing": "none"},
}


@dataclass(slots=True)
class Place:
    """A server that is dead now and then."""

    directory: Path
    server: RunningServer
    config: Mapping[str, Any]
    deaths: int = 0

    async def fall(self) -> None:
        """Die, and rise again."""
        self.server.kill()
        self.deaths += 1
        self.server = await asyncio.to_thread(start_server, self.directory, config=self.config)


@dataclass(slots=True)
class Beneath:
    """A database server that is dead now and then, under both servers."""

    cluster: Cluster
    deaths: int = 0

    async def fall(self) -> None:
        """Crash, and recover."""
        await asyncio.to_thread(self.cluster.stop, signal.SIGQUIT)
        self.deaths += 1
        await asyncio.to_thread(self.cluster.start)


async def nemesis(
    place: Place | Beneath,
    journal: Journal,
    kills: int,
    draw: random.Random,
    one_at_a_time: asyncio.Lock,
) -> None:
    """Kill one server again and again, each time after some answers, at a moment of chance."""
    for _ in range(kills):
        until = len(journal.events) + draw.randrange(10, 150)
        async with asyncio.timeout(30):
            await journal.grown(until)
        await asyncio.sleep(draw.random() * 0.01)
        # A server does not start without its database, and is not asked to.
        async with one_at_a_time:
            await place.fall()


@pytest.fixture(params=["sqlite", "postgres"])
def beneath(request) -> Iterator[Beneath | None]:
    """The database server, if there is one."""
    if request.param == "sqlite":
        yield None
        return
    with postgres.cluster() as made:
        yield Beneath(made)


async def test_nothing_that_was_said_is_undone_by_killing_the_servers(tmp_path, beneath):
    draw = random.Random(SEED)
    url = beneath.cluster.url(beneath.cluster.database()) if beneath else ""
    config = {**CONFIG, "database": {"url": url}}
    first = await asyncio.to_thread(start_server, tmp_path, config=config)
    second = await asyncio.to_thread(start_server, tmp_path, config=config)
    places = [Place(tmp_path, first, config), Place(tmp_path, second, config)]
    doomed = [*places, beneath] if beneath else places
    # A database server takes longer to recover than a file does.
    kills = KILLS // 4 if beneath else KILLS
    one_at_a_time = asyncio.Lock()
    journal = Journal(tmp_path / "history.jsonl")
    try:
        async with town(first.data, url=url) as home:
            crowd = [[await home.settle(f"p{a}-{n}") for n in range(PEOPLE)] for a in range(ACTORS)]
        doors = [lambda place=place: Dialler(place.server.url) for place in places]
        actors = [
            Actor(number, people, doors, journal, random.Random(draw.random()))
            for number, people in enumerate(crowd)
        ]
        async with asyncio.TaskGroup() as group:
            for actor in actors:
                group.create_task(actor.run())
            share = [len(range(number, kills, len(doomed))) for number in range(len(doomed))]
            await asyncio.gather(
                *(
                    nemesis(place, journal, kills, random.Random(draw.random()), one_at_a_time)
                    for place, kills in zip(doomed, share, strict=True)
                )
            )
            for actor in actors:
                actor.stopped = True
        await everybody_gets_in(places[0], crowd)
    finally:
        journal.close()
        for place in places:
            place.server.stop()

    known = {"TWOFOLD_DATABASE__URL": url}
    verified = twofold("audit", "verify", data=first.data, environment=known)
    facts = facts_in(partial(postgres.rows, url)) if url else look(first.data / "twofold.db")
    if verified.returncode:
        facts = facts.broken_by(verified.stdout + verified.stderr)
    (tmp_path / "report.txt").write_text(report(journal, places, facts))
    assert check(journal.events, facts) == []
    seen = Counter(event.seen for event in journal.events)
    assert sum(place.deaths for place in doomed) >= kills
    assert seen["ok"] >= kills
    assert len(facts.trail) > seen["ok"]


async def everybody_gets_in(place: Place, crowd: list[list]) -> None:
    """Nobody is left behind a lock that a death has left shut."""
    client = Client(Dialler(place.server.url))
    for people in crowd:
        answer = await client.start(people[0].name, people[0].password)
        assert answer.status == 200, answer.body


def report(journal: Journal, places: list[Place], facts) -> str:
    """What the run amounted to."""
    seen = Counter(f"{event.act} {event.seen}" for event in journal.events)
    counted = ", ".join(f"{name}: {times}" for name, times in sorted(seen.items()))
    deaths = sum(place.deaths for place in places)
    return f"seed {SEED}; {deaths} kills; {len(facts.trail)} records; {counted}"
