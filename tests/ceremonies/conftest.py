import pytest

from tests.ceremonies.stage import Interrupted, Scripted, Stage, StageClock, engine_on
from twofold.adapters.hashing import HashingPool
from twofold.adapters.stores.memory import MemoryStore
from twofold.adapters.stores.sqlite import SqliteStore
from twofold.adapters.system import SystemEntropy


@pytest.fixture(params=["memory", "sqlite"])
async def stage(request, tmp_path):
    """The same play on every store."""
    made = {
        "memory": MemoryStore,
        "sqlite": lambda: SqliteStore(tmp_path / "twofold.db"),
    }[request.param]()
    await made.open()
    store, clock, nudges = Interrupted(made), StageClock(), []
    hashing = HashingPool(workers=1)
    yield Stage(
        engine_on(store, clock, Scripted(SystemEntropy()), hashing, nudges), store, clock, nudges
    )
    await hashing.close()
    await made.close()
