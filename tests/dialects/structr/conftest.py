"""A hall for each test."""

from collections.abc import AsyncIterator

import pytest

from tests.dialects.structr.hall import StructrHall
from twofold.adapters.stores.sqlite import SqliteStore


@pytest.fixture
async def build() -> AsyncIterator:
    """Makes halls, and closes what they hold."""
    made = []

    def make(**fields):
        hall = StructrHall(**fields)
        made.append(hall)
        return hall

    yield make
    for hall in made:
        await hall.pool.close()


@pytest.fixture
def hall(build):
    return build()


@pytest.fixture
async def lasting(build, tmp_path):
    """A hall on the store that keeps."""
    store = SqliteStore(tmp_path / "twofold.db")
    await store.open()
    yield build(store=store)
    await store.close()
