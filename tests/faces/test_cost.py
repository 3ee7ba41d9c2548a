"""What a request costs the database, counted by the driver: one read, one transaction, no more."""

from contextlib import AsyncExitStack

import pytest

from tests.support.postgres import empty
from tests.support.proxy import wire
from twofold.adapters.stores._writer import Counters
from twofold.adapters.stores.postgres import Address, PostgresStore
from twofold.adapters.stores.sqlite import SqliteStore


class Bill:
    """Reads and write transactions since the last look."""

    def __init__(self, store):
        self._counters = store.counters
        self.presented()

    def presented(self):
        before = getattr(self, "_seen", None)
        assert getattr(self._counters, "agree", lambda: True)()
        self._seen = (self._counters.reads, self._counters.transactions)
        return (
            None
            if before is None
            else tuple(now - then for now, then in zip(self._seen, before, strict=True))
        )


@pytest.fixture(params=["sqlite", "postgres"])
async def house(request, build, tmp_path):
    async with AsyncExitStack() as stack:
        if request.param == "sqlite":
            store = SqliteStore(tmp_path / "twofold.db")
        else:
            url = request.getfixturevalue("swept")
            await empty(url)
            line = await stack.enter_async_context(wire(url))
            store = PostgresStore(Address(line.through))
            store.counters = Counted(line)
        await store.open()
        stack.push_async_callback(store.close)
        made = build(store=store)
        await accustom(made)
        yield made


class Counted(Counters):
    """The store's own counts, each look compared with what went over the wire."""

    def __init__(self, line):
        super().__init__()
        self.line = line
        self.before = None

    def agree(self):
        """Whether all that was asked since the last look was one round trip each."""
        seen = (self.reads + self.transactions, self.line.trips)
        before, self.before = self.before, seen
        return before is None or seen[0] - before[0] == seen[1] - before[1]


async def accustom(house, name="zoe"):
    """Let each statement be prepared once, as it is on a server that has run for a minute."""
    await house.add(name, "totp")
    client = house.client()
    await client.start(name)
    await client.verify(house.wrong(name))
    begun = await client.start(name)
    await client.verify(house.code(name))
    await client.verify(house.code(name), ceremony=begun.json["ceremony"])
    await client.get("/v1/session")


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


async def test_a_login_needs_no_statement_that_is_planned_anew(build, swept):
    await empty(swept)
    store = PostgresStore(Address(swept))
    await store.open()
    house = build(store=store)
    await house.add("zoe", "totp")
    before = set(store._open.packer.learnt)

    await accustom(house, "max")

    # Moving in may be slow; signing in is what everybody waits for.
    moved_in = set(store._open.packer.learnt) - before
    await store.close()
    assert moved_in == set()
