"""A real server in processes of its own, on a free port, with its data in a directory of the test.

    with running_server(tmp_path, config={"policy": {"enforcement": "required"}}) as server:
        server.url, server.data, server.pid, server.admin_password, server.mails()

Only processes that were started here are ever signalled.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from queue import Empty, SimpleQueue
from typing import Any

ROOT = Path(__file__).parents[2]
ADMIN_PASSWORD = "a-quiet-harbour-in-november"
READY_WITHIN = 60.0
ENDED_WITHIN = 30.0

CHEAP = {
    "password": {"memory_kib": 64, "time": 1},
    "audit": {"seal_seconds": 1},
    "policy": {"remember": {"days": 0}},
}
"""What most tests do not want to wait for, or be asked."""


@dataclass(slots=True)
class RunningServer:
    """A server as its operator sees it."""

    url: str
    data: Path
    process: subprocess.Popen[str]
    admin_password: str
    config: Path
    log: Path
    """What it wrote to standard error, over all starts in this directory."""
    lines: list[str] = field(default_factory=list)
    """Everything it printed so far."""
    reader: threading.Thread | None = None

    @property
    def pid(self) -> int:
        """The process to signal; the parent of all workers."""
        return self.process.pid

    @property
    def pids(self) -> list[int]:
        """The processes that serve."""
        return children(self.pid) or [self.pid]

    @property
    def port(self) -> int:
        """Where it listens on loopback."""
        return int(self.url.rpartition(":")[2])

    @property
    def mailbox(self) -> Path:
        """Where the console sender appends what it prints."""
        return self.data / "mail.jsonl"

    def mails(self) -> list[dict[str, str]]:
        """Every message so far."""
        if not self.mailbox.exists():
            return []
        return [json.loads(line) for line in self.mailbox.read_text().splitlines()]

    def stop(self) -> int:
        """End it politely and return the exit status."""
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
        return self._ended()

    def kill(self) -> None:
        """End it as a power cut would, workers first."""
        for pid in {*children(self.pid), self.pid}:
            os.kill(pid, signal.SIGKILL)
        self._ended()

    def _ended(self) -> int:
        status = self.process.wait(ENDED_WITHIN)
        if self.reader is not None:
            self.reader.join(ENDED_WITHIN)
        return status


@contextmanager
def running_server(
    directory: Path,
    *,
    config: Mapping[str, Any] | None = None,
    workers: int = 1,
    port: int = 0,
    environment: Mapping[str, str] | None = None,
    admin_password: str | None = ADMIN_PASSWORD,
    cheap: bool = True,
    files: Sequence[Path] = (),
) -> Iterator[RunningServer]:
    """Start a server and stop it politely; a second start on the same directory finds its data.

    ``config`` is ``twofold.toml`` as nested tables; with ``admin_password`` None the server draws
    one itself, which is then read from what it prints.
    """
    server = start_server(
        directory,
        config=config,
        workers=workers,
        port=port,
        environment=environment,
        admin_password=admin_password,
        cheap=cheap,
        files=files,
    )
    try:
        yield server
    finally:
        if server.process.poll() is None:
            try:
                server.stop()
            except subprocess.TimeoutExpired:
                server.kill()


def start_server(
    directory: Path,
    *,
    config: Mapping[str, Any] | None = None,
    workers: int = 1,
    port: int = 0,
    environment: Mapping[str, str] | None = None,
    admin_password: str | None = ADMIN_PASSWORD,
    cheap: bool = True,
    files: Sequence[Path] = (),
) -> RunningServer:
    """Start a server and wait until it answers; the caller stops or kills it.

    ``files`` are further files of configuration, such as a vendor's.
    """
    data = directory / "twofold-data"
    tables: dict[str, Any] = {"email": {"file": str(data / "mail.jsonl")}}
    for given in (CHEAP if cheap else {}, config or {}):
        for name, table in given.items():
            known = tables.get(name)
            tables[name] = {**known, **table} if isinstance(known, dict) else table
    file = directory / "twofold.toml"
    file.write_text(toml(tables))
    command = [*TWOFOLD, "serve", "--json", "--config", str(file), "--data", str(data)]
    command += [word for file in files for word in ("--config", str(file))]
    log = directory / "server.log"
    with log.open("ab") as errors:
        process = subprocess.Popen(
            [*command, "--port", str(port), "--workers", str(workers)],
            env=surroundings(environment, admin_password),
            stdout=subprocess.PIPE,
            stderr=errors,
            text=True,
        )
    server = RunningServer("", data, process, admin_password or "", file, log)
    _wait_until_ready(server)
    return server


TWOFOLD = [sys.executable, "-m", "twofold"]


def surroundings(
    environment: Mapping[str, str] | None = None, admin_password: str | None = None
) -> dict[str, str]:
    """The environment of a process of ours: nothing of ours in it but what is given."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("TWOFOLD_")}
    kept["PYTHONPATH"] = str(ROOT / "src")
    if admin_password is not None:
        kept["TWOFOLD_ADMIN_PASSWORD"] = admin_password
    return {**kept, **(environment or {})}


def twofold(
    *words: str,
    data: Path | None = None,
    stdin: str = "",
    environment: Mapping[str, str] | None = None,
) -> subprocess.CompletedProcess[str]:
    """Run a command to its end."""
    where = ["--data", str(data)] if data is not None else []
    return subprocess.run(
        [*TWOFOLD, *words, *where],
        input=stdin,
        env=surroundings(environment),
        capture_output=True,
        text=True,
        timeout=ENDED_WITHIN,
        check=False,
    )


def children(pid: int) -> list[int]:
    """The workers of a server: children that run our code, not Python's own trackers."""
    found = []
    for task in Path(f"/proc/{pid}/task").glob("*/children"):
        for child in task.read_text().split():
            command = Path(f"/proc/{child}/cmdline").read_bytes()
            if b"spawn_main" in command:
                found.append(int(child))
    return found


def toml(tables: Mapping[str, Any], prefix: str = "") -> str:
    """Nested tables as TOML; enough of it for our own settings."""
    plain = {name: value for name, value in tables.items() if not isinstance(value, Mapping)}
    lines = [f"{_key(name)} = {json.dumps(value)}" for name, value in plain.items()]
    for name, value in tables.items():
        if isinstance(value, Mapping):
            path = f"{prefix}{_key(name)}"
            lines += [f"[{path}]", toml(value, f"{path}.")]
    return "\n".join(lines)


def _key(name: str) -> str:
    return name if name.replace("_", "").isalnum() else json.dumps(name)


def _wait_until_ready(server: RunningServer) -> None:
    """Read what it prints until it says where it is; from then on somebody keeps reading."""
    told: SimpleQueue[dict[str, str] | None] = SimpleQueue()

    def listen() -> None:
        with server.process.stdout as printed:
            for line in printed:
                server.lines.append(line)
                if line.startswith("{") and '"event"' in line:
                    told.put(json.loads(line))
        told.put(None)

    server.reader = threading.Thread(target=listen, daemon=True)
    server.reader.start()
    while True:
        try:
            event = told.get(timeout=READY_WITHIN)
        except Empty:
            server.kill()
            raise TimeoutError("the server did not become ready") from None
        if event is None:
            server.process.wait(ENDED_WITHIN)
            said = "".join(server.lines) + server.log.read_text()
            raise RuntimeError(f"the server ended at once: {said}")
        if event["event"] == "admin":
            server.admin_password = event["password"]
        elif event["event"] == "ready":
            server.url = event["url"]
            return
