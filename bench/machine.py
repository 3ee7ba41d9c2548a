"""Processes on their own core, and what they used of it."""

from __future__ import annotations

import os
import platform
import socket
import sqlite3
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from importlib.metadata import version
from pathlib import Path

TICKS = os.sysconf("SC_CLK_TCK")
SERVER_CORE, CLIENT_CORE = 0, 1


def free_port() -> int:
    """A port nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@contextmanager
def served(
    command: Sequence[str], port: int, *, env: dict[str, str] | None = None, patience: float = 20
) -> Iterator[subprocess.Popen[bytes]]:
    """Run a server on the server's core until it is no longer needed."""
    process = subprocess.Popen(
        ["taskset", "-c", str(SERVER_CORE), *command],
        env={**os.environ, **(env or {})},
        stdout=subprocess.DEVNULL,
    )
    try:
        deadline = time.perf_counter() + patience
        while not _listening(port):
            assert process.poll() is None, f"the server stopped: {command}"
            assert time.perf_counter() < deadline, f"the server is not ready: {command}"
            time.sleep(0.005)
        yield process
    finally:
        process.terminate()
        process.wait(10)


def _listening(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


def core_seconds(pid: int) -> float:
    """Processor time a process and its threads have used so far."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / TICKS


def resident(pid: int) -> float:
    """Resident memory of a process in MiB."""
    lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    kilobytes = next(line for line in lines if line.startswith("VmRSS:")).split()[1]
    return int(kilobytes) / 1024


def described() -> str:
    """The machine and the versions that matter, in one paragraph."""
    cpu = next(
        (
            line.partition(":")[2].strip()
            for line in Path("/proc/cpuinfo").read_text().splitlines()
            if line.startswith("model name")
        ),
        platform.machine(),
    )
    packages = ("uvicorn", "uvloop", "httptools", "msgspec", "cryptography", "argon2-cffi")
    versions = ", ".join(f"{name} {version(name)}" for name in packages)
    return (
        f"{os.cpu_count()} cores ({cpu}), Linux {platform.release().split('-')[0]}, "
        f"CPython {platform.python_version()}, SQLite {sqlite3.sqlite_version}, {versions}"
    )


def python(*arguments: str) -> list[str]:
    """A command line for this interpreter."""
    return [sys.executable, *arguments]
