"""What a request costs the database, counted by the driver: one read, one transaction, no more."""

import pytest

from twofold.adapters.stores.sqlite import SqliteStore


class Bill:
    """Reads and write transactions since the last look."""

    def __init__(self, store):
        self._counters = store.counters
        self.presented()

    def presented(self):
        before = getattr(self, "_seen", None)
        self._seen = (self._counters.reads, self._counters.transactions)
        return (
            None
            if before is None
            else tuple(now - then for now, then in zip(self._seen, before, strict=True))
        )


@pytest.fixture
async def house(build, tmp_path):
    store = SqliteStore(tmp_path / "twofold.db")
    await store.open()
    yield build(store=store)
    await store.close()


async def test_a_login_costs_one_read_and_one_transaction_a_step(house):
    await house.add("alice", "totp")
    client, bill = house.client(), Bill(house.store)

    begun = await client.start("alice")
    assert (begun.status, bill.presented()) == (200, (1, 1))
    granted = await client.verify(house.code("alice"))
    assert (granted.status, bill.presented()) == (200, (1, 1))

    again = await client.verify(house.code("alice"), ceremony=begun.json["ceremony"])
    assert (again.status, bill.presented()) == (200, (1, 0))


async def test_a_wrong_code_costs_no_more_than_a_right_one(house):
    await house.add("alice", "totp")
    client = house.client()
    await client.start("alice")
    bill = Bill(house.store)

    refused = await client.verify(house.wrong("alice"))

    assert (refused.status, bill.presented()) == (422, (1, 1))


async def test_a_session_check_costs_one_read_and_no_write(house):
    await house.add("carol")
    client = house.client()
    await client.start("carol")
    bill = Bill(house.store)

    assert (await client.get("/v1/session")).status == 200
    assert bill.presented() == (1, 0)
