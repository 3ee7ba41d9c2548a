import pytest

from twofold.adapters.stores.memory import MemoryStore
from twofold.adapters.stores.sqlite import SqliteStore


@pytest.fixture(params=["memory", "sqlite"])
async def store(request, tmp_path):
    """Every law runs on every store: a new one is one more name here."""
    made = {
        "memory": MemoryStore,
        "sqlite": lambda: SqliteStore(tmp_path / "twofold.db"),
    }[request.param]()
    await made.open()
    yield made
    await made.close()
