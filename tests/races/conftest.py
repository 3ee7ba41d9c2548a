"""Every race is run on two servers, two processes on one database, over real connections."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.support.client import Client, Dialler
from tests.support.server import running_server
from tests.support.town import Town, town

CONFIG = {
    # One source makes all the noise here; the budgets of people are what is looked at.
    "throttle": {"source_allowed": 100_000},
    "policy": {"registration": True, "sign_in_notice": False, "remember": {"days": 30}},
    # The two doors have different ports; a browser would know them by one name.
    "webauthn": {"origins": ["http://localhost:7777"]},
}


@dataclass(frozen=True, slots=True)
class Pair:
    """Two servers that share everything but a process."""

    urls: tuple[str, str]
    data: Path
    database: str = ""
    """The URL of a database that is not a file in the directory."""

    def client(self, number: int = 0) -> Client:
        """Somebody at one of the two doors."""
        return Client(Dialler(self.urls[number % 2]))


@pytest.fixture(scope="module", params=["sqlite", "postgres"])
def database(request: pytest.FixtureRequest) -> str:
    """The URL of what is fought over; empty for a file in the data directory."""
    if request.param == "sqlite":
        return ""
    cluster = request.getfixturevalue("cluster")
    return cluster.url(cluster.database())


@pytest.fixture(scope="module")
def pair(tmp_path_factory: pytest.TempPathFactory, database: str) -> Iterator[Pair]:
    """Two servers on one data directory."""
    directory = tmp_path_factory.mktemp("pair")
    config = {**CONFIG, "database": {"url": database}}
    with ExitStack() as stack:
        servers = [stack.enter_context(running_server(directory, config=config)) for _ in range(2)]
        yield Pair((servers[0].url, servers[1].url), servers[0].data, database)


@pytest.fixture
async def place(pair: Pair) -> AsyncIterator[Town]:
    """The directory of both, seen from the test."""
    async with town(pair.data, url=pair.database) as found:
        yield found
