"""``python -m bench``: measure everything in one run and write the table.

``--quick`` takes one round of fewer people, to see that the harness works.
"""

from __future__ import annotations

import argparse
import os
import statistics
import time
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from pathlib import Path

import uvloop

from bench import floors, library, machine, scenes
from bench.report import Report
from bench.scenes import Rate

RESULTS = Path(__file__).with_name("RESULTS.md")


async def repeated(rounds: int, scene: Callable[[], Awaitable[Rate]]) -> list[Rate]:
    """The same scene several times, each on fresh data."""
    return [await scene() for _ in range(rounds)]


async def measure(*, rounds: int, people: int) -> Report:
    """Run every scene, floors and product in turn, so that drift hits both alike."""
    report = Report(machine.described(), rounds, people)
    grouped: list[Rate] = []
    ours: list[Rate] = []
    relaxed: list[Rate] = []
    for turn in range(rounds):
        say(f"W1, round {turn + 1} of {rounds}")
        grouped.append(await scenes.floor("grouped", people))
        ours.append(await scenes.second_factor(people))
        relaxed.append(await scenes.second_factor(people, relaxed=True))
    report.second_factor(
        grouped, await repeated(rounds, lambda: scenes.floor("alone", people // 4)), ours, relaxed
    )
    half = statistics.median(rate.rate for rate in ours) / 2
    say(f"W1 at half load ({half:.0f}/s), and with one client")
    report.latency(half, await scenes.second_factor_at(min(people, int(half * 6)), half))
    base = await scenes.one_client_floor(1_000)
    mine, single = [], []
    for _ in range(rounds):
        mine.append(await scenes.one_client(1_000))
        single.append(await scenes.one_client(1_000, single=True))
    report.alone(base, mine, single)
    say("W2")
    hashes = statistics.median(floors.argon2() for _ in range(3))
    logins = [await scenes.whole_login(200) for _ in range(rounds)]
    report.logins(hashes, logins, await scenes.session_check_under_logins(800))
    say("W3")
    report.enrolments([await scenes.enrolment(people // 5) for _ in range(rounds)])
    say("W4")
    hello = await repeated(rounds, lambda: scenes.floor("hello", people * 2))
    stored = await repeated(rounds, lambda: scenes.session_check(people * 2))
    cached = await repeated(rounds, lambda: scenes.session_check(people * 2, cached=True))
    return report.sessions(hello, stored, cached).start(await scenes.start())


def say(what: str) -> None:
    """Tell whoever waits what is being measured."""
    print(f"{time.strftime('%H:%M:%S')}  {what}", flush=True)


def main() -> None:
    """Measure and write."""
    parser = argparse.ArgumentParser(prog="python -m bench", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="one round, few people")
    parser.add_argument("--output", type=Path, default=RESULTS, help="where the table goes")
    parser.add_argument("--rounds", type=int, default=5, help="how often each scene is played")
    chosen = parser.parse_args()
    rounds, people = (1, 2_000) if chosen.quick else (chosen.rounds, 12_000)
    os.sched_setaffinity(0, {machine.CLIENT_CORE})
    report = uvloop.run(measure(rounds=rounds, people=people))
    report.imports([scenes.imports() for _ in range(5)])
    report.library(library.measured(cached=False), library.measured(cached=True))
    text = report.text(datetime.now(UTC).date())
    chosen.output.write_text(text)
    print(text)


if __name__ == "__main__":
    main()
