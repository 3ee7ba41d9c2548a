"""Each figure as a scene: a server on its core, a load from the other, numbers out."""

from __future__ import annotations

import asyncio
import subprocess
import tempfile
import time
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass
from pathlib import Path

from bench import floors, load, machine, population, workloads
from bench.population import Person

CHEAP = "[password]\nmemory_kib = 8\ntime = 1\nqueue = 10000\n"
UNTHROTTLED = "[throttle]\nsource_allowed = 100000\n"
OPTIONS = {"password.memory_kib": 8, "password.time": 1, "password.queue": 10_000}
SOURCE = str(Path(__file__).parents[1] / "src")


@dataclass(frozen=True, slots=True)
class Rate:
    """Requests a second, and what they cost the server's core."""

    rate: float
    share: float
    """How much of its core the server really had."""
    median: float
    p99: float

    @property
    def per_core(self) -> float:
        """Requests per second of processor time."""
        return self.rate / self.share


@dataclass(frozen=True, slots=True)
class Scene:
    """A running server and who may use it."""

    port: int
    pid: int
    people: Sequence[Person]

    async def rated(self, work: Sequence[bytes], *, connections: int = 64) -> Rate:
        """Send everything once and say what it cost."""
        before = machine.core_seconds(self.pid)
        run = workloads.expect(await load.drive(self.port, work, connections=connections))
        return rate_of(run, machine.core_seconds(self.pid) - before)


def rate_of(run: load.Run, used: float) -> Rate:
    """Summarise a run."""
    return Rate(run.rate, used / run.seconds, run.percentile(0.5), run.percentile(0.99))


@contextmanager
def scratch() -> Iterator[Path]:
    """A directory on the disk the checkout lies on, so that flushes are real."""
    with tempfile.TemporaryDirectory(prefix="bench-", dir=Path.cwd()) as directory:
        yield Path(directory)


@asynccontextmanager
async def twofold(
    count: int, *, config: str = CHEAP, totp: bool = True, module: str = "twofold"
) -> AsyncIterator[Scene]:
    """Our server with that many accounts, or a variant of it that another module starts."""
    with scratch() as directory:
        data, file = directory / "data", directory / "bench.toml"
        file.write_text(config + UNTHROTTLED)
        options = OPTIONS if config.startswith(CHEAP) else {}
        people = await population.settled(data, count, options, totp=totp)
        port = machine.free_port()
        command = machine.python(
            "-m", module, "serve", "--config", str(file), "--data", str(data), "--port", str(port)
        )
        env = {"PYTHONPATH": f"{SOURCE}:{Path.cwd()}", "TWOFOLD_ADMIN_PASSWORD": "bench-admin-77"}
        with machine.served(command, port, env=env) as process:
            yield Scene(port, process.pid, people)


async def floor(kind: str, count: int, synchronous: str = "full") -> Rate:
    """A bare server that does one thing."""
    with scratch() as directory:
        database = directory / "floor.db"
        bodies = floors.made(str(database), count)
        port = machine.free_port()
        command = machine.python("-m", "bench.floors", kind, str(port), str(database), synchronous)
        work = (
            [load.request("GET", "/")] * count
            if kind == "hello"
            else [load.request("POST", "/", body=body) for body in bodies]
        )
        with machine.served(command, port, env={"PYTHONPATH": str(Path.cwd())}) as process:
            return await Scene(port, process.pid, ()).rated(work)


async def second_factor(count: int, *, relaxed: bool = False) -> Rate:
    """W1: everybody's code once, as fast as it goes."""
    async with twofold(count, module="bench.relaxed" if relaxed else "twofold") as scene:
        tickets = await workloads.past_password(scene.port, scene.people)
        work = workloads.codes(scene.people, tickets, await workloads.aligned(12))
        return await scene.rated(work)


async def second_factor_at(count: int, rate: float) -> load.Run:
    """W1 latency against a schedule, measured from when each request was due."""
    async with twofold(count) as scene:
        seconds = count / rate + 2
        return await workloads.second_factor(scene.port, scene.people, rate=rate, expected=seconds)


async def one_client(count: int, *, single: bool = False) -> load.Run:
    """W1 latency with nobody else there; ``single`` is our server without its batches."""
    async with twofold(count, module="bench.single" if single else "twofold") as scene:
        return await workloads.second_factor(scene.port, scene.people, connections=1)


async def one_client_floor(count: int) -> load.Run:
    """The bare group-commit writer with nobody else there."""
    with scratch() as directory:
        database = directory / "floor.db"
        bodies = floors.made(str(database), count)
        port = machine.free_port()
        command = machine.python("-m", "bench.floors", "grouped", str(port), str(database), "full")
        with machine.served(command, port, env={"PYTHONPATH": str(Path.cwd())}):
            work = [load.request("POST", "/", body=body) for body in bodies]
            return workloads.expect(await load.drive(port, work, connections=1))


async def whole_login(count: int) -> tuple[float, float]:
    """W2 with our default hash, and the share of its core the server had."""
    async with twofold(count, config="") as scene:
        await workloads.aligned(count / 25 + 4)
        before, began = machine.core_seconds(scene.pid), time.perf_counter()
        rate = await workloads.whole_login(scene.port, scene.people)
        share = (machine.core_seconds(scene.pid) - before) / (time.perf_counter() - began)
        return rate, share


async def enrolment(count: int) -> tuple[float, float]:
    """W3 with a drawn QR code, and the share of its core the server had."""
    async with twofold(count, totp=False) as scene:
        before = machine.core_seconds(scene.pid)
        run = await workloads.enrolments(scene.port, scene.people)
        # The logins before it are part of what the core did; they are counted out by the share.
        used = machine.core_seconds(scene.pid) - before
        return run.rate, min(1.0, used / run.seconds)


async def session_check(count: int, *, cached: bool = False) -> Rate:
    """W4: who-am-I with the tokens of two hundred people in turn."""
    config = CHEAP + ("[sessions]\ncache_seconds = 1\n" if cached else "")
    async with twofold(200, config=config) as scene:
        inside = workloads.signed(await workloads.second_factor(scene.port, scene.people))
        return await scene.rated(workloads.sessions(inside, count))


async def session_check_under_logins(count: int) -> tuple[float, float]:
    """p99 of W4 when idle and while W2 saturates the core, in seconds."""
    async with twofold(200, config="") as scene:
        await workloads.aligned(15)
        tickets = await workloads.past_password(scene.port, scene.people[:20])
        work = workloads.codes(scene.people[:20], tickets, time.time())
        inside = workloads.signed(
            workloads.expect(await load.drive(scene.port, work, connections=8))
        )
        calm = await load.drive(
            scene.port, workloads.sessions(inside, count), connections=4, rate=200
        )
        logins = asyncio.ensure_future(
            load.drive(scene.port, workloads.passwords(scene.people[20:]), connections=16)
        )
        busy = await load.drive(
            scene.port, workloads.sessions(inside, count), connections=4, rate=200
        )
        await logins
        workloads.expect(calm)
        workloads.expect(busy)
        return calm.percentile(0.99), busy.percentile(0.99)


async def start() -> tuple[float, float]:
    """Seconds from the command to the first answer, and idle memory in MiB."""
    began = time.perf_counter()
    async with twofold(1) as scene:
        ready = time.perf_counter() - began
        await asyncio.sleep(1)
        return ready, machine.resident(scene.pid)


def imports() -> float:
    """Processor seconds of what is imported before serving, in a fresh interpreter."""
    found = subprocess.run(
        machine.python("-c", IMPORTS),
        capture_output=True,
        text=True,
        check=True,
        env={"PYTHONPATH": SOURCE, "PATH": "/usr/bin:/bin"},
    )
    return float(found.stdout)


IMPORTS = """
import time
before = time.process_time()
import twofold.cli.serve, twofold.wiring.serve
print(time.process_time() - before)
"""
