"""The pool for slow hashes: bounded, honest when it is full, and never forgetting a place."""

import asyncio
import threading

import pytest

from twofold.adapters.hashing import QUEUE_PER_WORKER, HashingPool
from twofold.core.errors import Misconfigured, Overloaded
from twofold.factors._argon2 import CHEAPEST


@pytest.fixture
async def pool():
    pool = HashingPool(workers=2, queue_limit=3)
    yield pool
    await pool.close()


class Gate:
    """Work that begins when a thread takes it and ends when it is told to."""

    def __init__(self):
        self.begun = threading.Semaphore(0)
        self.open = threading.Event()
        self.done = 0

    def __call__(self):
        self.begun.release()
        self.open.wait(timeout=30)
        self.done += 1
        return threading.current_thread().name

    async def wait_for(self, times):
        for _ in range(times):
            assert await asyncio.to_thread(self.begun.acquire, timeout=30)


async def fill(pool, gate, places):
    """As many runs as there are places, once all threads are at work on them."""
    runs = [asyncio.create_task(pool.run(gate)) for _ in range(places)]
    await gate.wait_for(min(places, pool.workers))
    return runs


async def test_work_is_done_on_a_thread_of_the_pool(pool):
    assert (await pool.run(lambda: threading.current_thread().name)).startswith("twofold-hash")


async def test_a_real_hash_comes_back(pool):
    salt = b"sixteen bytes !!"

    assert await pool.run(lambda: CHEAPEST.raw(b"secret", salt)) == CHEAPEST.raw(b"secret", salt)


async def test_an_error_comes_back_to_its_caller_and_frees_the_place(pool):
    def fail():
        raise LookupError("this one")

    for _ in range(20):
        with pytest.raises(LookupError, match="this one"):
            await pool.run(fail)

    assert (pool.running, pool.depth) == (0, 0)


async def test_past_the_limit_nothing_is_tried(pool):
    gate = Gate()
    runs = await fill(pool, gate, 5)
    tried = []

    with pytest.raises(Overloaded) as refused:
        await pool.run(lambda: tried.append("never"))

    assert refused.value.retry_after == 1
    assert (pool.running, pool.depth) == (2, 3)
    gate.open.set()
    await asyncio.gather(*runs)
    assert (tried, gate.done) == ([], 5)
    assert (pool.running, pool.depth) == (0, 0)


async def test_a_place_that_was_freed_is_given_again(pool):
    gate = Gate()
    runs = await fill(pool, gate, 5)
    gate.open.set()
    await asyncio.gather(*runs)

    assert await pool.run(lambda: "welcome") == "welcome"


async def test_the_loop_answers_while_all_threads_work(pool):
    gate = Gate()
    runs = await fill(pool, gate, 5)

    assert await asyncio.sleep(0, "a code check") == "a code check"

    gate.open.set()
    await asyncio.gather(*runs)


async def test_whoever_hangs_up_in_the_queue_is_never_hashed_and_frees_the_place(pool):
    gate = Gate()
    runs = await fill(pool, gate, 5)

    for run in runs[2:]:
        run.cancel()
    await asyncio.wait(runs[2:])

    assert (pool.running, pool.depth) == (2, 0)
    gate.open.set()
    await asyncio.gather(*runs[:2])
    assert await pool.run(lambda: gate.done) == 2


async def test_whoever_hangs_up_while_being_hashed_makes_no_room_for_more(pool):
    # or a thousand clients that hang up would be a thousand hashes at once
    gate = Gate()
    runs = await fill(pool, gate, 5)

    for run in runs[:2]:
        run.cancel()
    await asyncio.wait(runs[:2])

    with pytest.raises(Overloaded):
        await pool.run(lambda: None)
    gate.open.set()
    await asyncio.gather(*runs[2:])
    # Those who hung up are not waited for by anybody; closing is what waits for their hashes.
    await pool.close()
    assert gate.done == 5


async def test_closing_finishes_what_was_taken_and_takes_nothing_more():
    pool, gate = HashingPool(workers=1, queue_limit=2), Gate()
    runs = await fill(pool, gate, 3)

    closing = asyncio.create_task(pool.close())
    await asyncio.sleep(0)
    with pytest.raises(Overloaded):
        await pool.run(lambda: None)
    gate.open.set()
    await closing

    assert len(await asyncio.gather(*runs)) == gate.done == 3


async def test_closing_twice_is_closing_once(pool):
    await pool.close()
    await pool.close()


async def test_a_pool_without_a_queue_takes_what_it_can_work_on():
    pool, gate = HashingPool(workers=1, queue_limit=0, retry_after=7), Gate()
    (run,) = await fill(pool, gate, 1)

    with pytest.raises(Overloaded) as refused:
        await pool.run(lambda: None)

    assert refused.value.retry_after == 7
    gate.open.set()
    await run
    await pool.close()


async def test_a_pool_serves_several_loops(pool):
    def elsewhere():
        return asyncio.run(pool.run(lambda: "from another loop"))

    assert await asyncio.to_thread(elsewhere) == "from another loop"


async def test_a_pool_of_its_own_choice_has_a_worker_per_core():
    pool = HashingPool()

    assert pool.workers >= 1
    assert pool.queue_limit == pool.workers * QUEUE_PER_WORKER
    await pool.close()


@pytest.mark.parametrize(("workers", "queue_limit"), [(0, 1), (-1, 1), (1, -1)])
def test_a_pool_that_could_do_nothing_is_refused(workers, queue_limit):
    with pytest.raises(Misconfigured, match="hashing"):
        HashingPool(workers, queue_limit)
