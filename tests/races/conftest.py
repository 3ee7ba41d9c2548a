"""Every race is run on two servers, two processes on one database file, over real connections."""

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
    "policy": {"registration": True, "sign_in_notice": False},
    # The two doors have different ports; a browser would know them by one name.
    "webauthn": {"origins": ["http://localhost:7777"]},
}


@dataclass(frozen=True, slots=True)
class Pair:
    """Two servers that share everything but a process."""

    urls: tuple[str, str]
    data: Path

    def client(self, number: int = 0) -> Client:
        """Somebody at one of the two doors."""
        return Client(Dialler(self.urls[number % 2]))


@pytest.fixture(scope="module")
def pair(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Pair]:
    """Two servers on one data directory."""
    directory = tmp_path_factory.mktemp("pair")
    with ExitStack() as stack:
        servers = [stack.enter_context(running_server(directory, config=CONFIG)) for _ in range(2)]
        yield Pair((servers[0].url, servers[1].url), servers[0].data)


@pytest.fixture
async def place(pair: Pair) -> AsyncIterator[Town]:
    """The directory of both, seen from the test."""
    async with town(pair.data) as found:
        yield found
