"""The machine's clock and randomness, and what we ask of them."""

import os
import subprocess
import sys
import threading
import time

import pytest

from twofold.adapters.system import HELD, SystemClock, SystemEntropy
from twofold.core.types import SECOND

NOON = 1_800_000_000 * SECOND


class Hands:
    """A clock face whose hands are moved by the test; nanoseconds, as the system's."""

    def __init__(self, moment=NOON):
        self.moment = moment

    def __call__(self):
        return self.moment * 1000


def test_the_clock_tells_the_time_in_microseconds():
    before = time.time_ns() // 1000

    told = SystemClock().now()

    assert before <= told <= time.time_ns() // 1000
    assert type(told) is int


def test_the_clock_goes_on():
    hands = Hands()
    clock = SystemClock(hands)

    told = []
    for step in (0, 1, SECOND, 3600 * SECOND):
        hands.moment += step
        told.append(clock.now())

    assert told == [NOON, NOON, NOON + 1, NOON + 1 + SECOND, NOON + 1 + 3601 * SECOND][1:]


@pytest.mark.parametrize("back", [1, SECOND, HELD])
def test_a_small_step_back_is_waited_out(back):
    hands = Hands()
    clock = SystemClock(hands)
    clock.now()

    hands.moment = NOON - back
    assert clock.now() == NOON

    hands.moment = NOON + 1
    assert clock.now() == NOON + 1


@pytest.mark.parametrize("back", [HELD + 1, 3600 * SECOND, 10**9 * SECOND])
def test_a_large_step_back_is_followed_because_a_standing_clock_refuses_every_code(back):
    hands = Hands()
    clock = SystemClock(hands)
    clock.now()

    hands.moment = NOON - back

    assert clock.now() == NOON - back


def test_threads_see_one_clock():
    clock = SystemClock()
    runs = []

    def read():
        runs.append([clock.now() for _ in range(2000)])

    threads = [threading.Thread(target=read) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert all(run == sorted(run) for run in runs)


@pytest.mark.parametrize("size", [0, 1, 16, 128, 100_000])
def test_as_many_bytes_are_drawn_as_are_asked_for(size):
    assert len(SystemEntropy().draw(size)) == size


def test_no_two_draws_are_alike():
    entropy = SystemEntropy()

    assert len({entropy.draw(16) for _ in range(10_000)}) == 10_000


FORKING = """
import os
from twofold.adapters.system import SystemEntropy
entropy = SystemEntropy()
entropy.draw(1)
for _ in range(3):
    if os.fork() == 0:
        os.write(1, entropy.draw(32).hex().encode() + b"\\n")
        os._exit(0)
    os.wait()
os.write(1, entropy.draw(32).hex().encode() + b"\\n")
"""


def test_forked_workers_draw_apart():
    # A147: a pool of random bytes filled before the fork would serve all of them alike.
    # In a process of its own, because ours has threads and those do not survive a fork.
    run = subprocess.run(
        [sys.executable, "-c", FORKING],
        env={"PYTHONPATH": os.pathsep.join(sys.path)},
        capture_output=True,
        check=True,
        timeout=60,
    )

    assert len(set(run.stdout.split())) == 4
