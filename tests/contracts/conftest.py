import pytest

from tests.support.postgres import empty
from twofold.adapters.stores._pg_connection import Address
from twofold.adapters.stores.memory import MemoryStore
from twofold.adapters.stores.postgres import PostgresStore
from twofold.adapters.stores.sqlite import SqliteStore


@pytest.fixture(params=["memory", "sqlite", "postgres", "postgres, nothing known"])
async def store(request, tmp_path):
    """Every law runs on every store: a new one is one more name here."""
    if request.param.startswith("postgres"):
        url = request.getfixturevalue("swept")
        await empty(url)
        known = {"postgres": {}, "postgres, nothing known": {"frequent": ()}}[request.param]
        made = PostgresStore(Address(url), **known)
    else:
        made = {
            "memory": MemoryStore,
            "sqlite": lambda: SqliteStore(tmp_path / "twofold.db"),
        }[request.param]()
    await made.open()
    yield made
    await made.close()
