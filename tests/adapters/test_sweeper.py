"""The sweeper deletes what has expired, and depends on nothing."""

import asyncio

from twofold.adapters.stores.memory import MemoryStore
from twofold.adapters.sweeper import LAG, Sweeper
from twofold.adapters.unmetered import Unmetered
from twofold.core.effects import PutSubject, TakeGuess
from twofold.core.errors import Unavailable
from twofold.core.types import DEFAULT_REALM, SECOND, Instant, Subject, SubjectId, Tally

NOW = Instant(1_800_000_000 * SECOND)
WHO = SubjectId("a" * 32)


class Clock:
    def now(self):
        return NOW


async def a_store_with_an_old_tally(age=LAG + 1):
    store = MemoryStore()
    await store.commit(
        PutSubject(Subject(DEFAULT_REALM, WHO, "alice", NOW)),
        TakeGuess(WHO, "kind:totp", Tally(version=1, spent=1), Instant(NOW - age)),
    )
    return store


async def tallies(store):
    return (await store.view(DEFAULT_REALM, WHO)).tallies


async def test_a_round_deletes_what_has_expired():
    store = await a_store_with_an_old_tally()
    sweeper = Sweeper(store=store, clock=Clock(), metrics=Unmetered(), period=60)

    await sweeper.sweep()

    assert await tallies(store) == {}


async def test_what_has_just_expired_is_left_to_those_who_record_it():
    store = await a_store_with_an_old_tally(age=LAG)
    sweeper = Sweeper(store=store, clock=Clock(), metrics=Unmetered(), period=60)

    await sweeper.sweep()

    assert list(await tallies(store)) == ["kind:totp"]


async def test_rounds_come_by_themselves_until_it_is_stopped():
    class Watched(MemoryStore):
        swept = 0
        twice = asyncio.Event()

        async def commit(self, *effects):
            self.swept += 1
            if self.swept > 1:
                self.twice.set()

    store = Watched()
    sweeper = Sweeper(store=store, clock=Clock(), metrics=Unmetered(), period=0.001)
    task = asyncio.create_task(sweeper.run())

    async with asyncio.timeout(10):
        await store.twice.wait()
        sweeper.stop()
        await task


async def test_stopping_does_not_wait_for_the_next_round():
    sweeper = Sweeper(store=MemoryStore(), clock=Clock(), metrics=Unmetered(), period=3_600)
    task = asyncio.create_task(sweeper.run())
    await asyncio.sleep(0)

    sweeper.stop()

    async with asyncio.timeout(10):
        await task


async def test_a_store_that_cannot_now_is_left_alone(caplog):
    class Closed(MemoryStore):
        async def commit(self, *effects):
            raise Unavailable

    sweeper = Sweeper(store=Closed(), clock=Clock(), metrics=Unmetered(), period=1)

    await sweeper.sweep()

    assert "not deleted yet" in caplog.text
