"""A house for each test, on the store that forgets and, where it matters, on the one that keeps."""

from collections.abc import AsyncIterator

import pytest

from tests.faces.house import House
from twofold.adapters.stores.memory import MemoryStore
from twofold.adapters.stores.sqlite import SqliteStore


@pytest.fixture
async def build() -> AsyncIterator:
    """Makes houses, and closes what they hold."""
    made = []

    def make(**fields):
        house = House(**fields)
        made.append(house)
        return house

    yield make
    for house in made:
        await house.pool.close()


@pytest.fixture
def house(build):
    return build()


@pytest.fixture(params=["memory", "sqlite"])
async def kept(request, build, tmp_path):
    """A house on each store."""
    store = MemoryStore() if request.param == "memory" else SqliteStore(tmp_path / "twofold.db")
    await store.open()
    yield build(store=store)
    await store.close()
