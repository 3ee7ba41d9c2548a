"""A reader at a terminal: runs a page's commands in order, and types what they ask for.

The commands of a page run in one shell, as a reader's do. What they read is typed only when the
output shows that it is time: programs read ahead, and would swallow the answers of the next one.
"""

import os
import re
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from tests.documents.markdown import blocks
from tests.support.codes import Phone
from tests.support.server import ROOT, RunningServer

PATIENCE = 30.0
HERE = "http://127.0.0.1:8080"

_URI = re.compile(r"otpauth://[^\s\"]+")
_RECOVERY = re.compile(r"\b[0-9a-z]{4}(?:-[0-9a-z]{4}){3}\b")


@dataclass
class Terminal:
    """What has been printed so far, and what a person has in hand."""

    server: RunningServer
    shell: subprocess.Popen[str]
    printed: str = ""
    moved: threading.Condition = field(default_factory=threading.Condition)
    steps_used: dict[bytes, int] = field(default_factory=dict)
    """The last step of each phone that was typed."""

    def listen(self) -> None:
        for line in self.shell.stdout:
            with self.moved:
                self.printed += line
                self.moved.notify_all()

    def wait_for(self, pattern: str, times: int = 1) -> None:
        deadline = time.monotonic() + PATIENCE
        with self.moved:
            while len(re.findall(pattern, self.printed)) < times:
                left = deadline - time.monotonic()
                assert left > 0, f"{pattern} did not come:\n{self.printed}"
                assert self.shell.poll() is None, f"the page ended early:\n{self.printed}"
                self.moved.wait(min(left, 0.5))

    def password(self) -> str:
        return self.server.admin_password

    def code(self, phone: int) -> str:
        """A code of the phone that was set up as the so manieth; the past step first."""
        self.wait_for(_URI.pattern, phone)
        app = Phone.scanned(_URI.findall(self.printed)[phone - 1])
        now = time.time()
        step = self.steps_used.get(app.secret, app.step(now) - 2) + 1
        self.steps_used[app.secret] = step
        return app.code(now, step - app.step(now))

    def recovery_code(self) -> str:
        self.wait_for(_RECOVERY.pattern)
        return _RECOVERY.findall(self.printed)[0]


Typed = tuple[int, Callable[[Terminal], str]]
"""In which block of the page something is asked for, from 1, and what is typed."""


def read_aloud(page: Path, server: RunningServer, directory: Path, typed: Sequence[Typed]) -> str:
    """Run a page and return all that was printed; a command that fails fails the page."""
    script = directory / "page.sh"
    parts = [
        f"printf '\\n@@ {number}\\n'\n{block.text.replace(HERE, server.url)}"
        for number, block in enumerate(blocks(page, "sh"), start=1)
    ]
    script.write_text("set -euo pipefail\n" + "\n".join(parts))
    _install(directory, server)
    with subprocess.Popen(
        ["bash", str(script)],
        cwd=directory,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        bufsize=1,
        env={**os.environ, "PYTHONPATH": str(ROOT / "src")},
    ) as shell:
        terminal = Terminal(server, shell)
        reader = threading.Thread(target=terminal.listen, daemon=True)
        reader.start()
        try:
            for number, answer in typed:
                terminal.wait_for(rf"(?m)^@@ {number}$")
                shell.stdin.write(answer(terminal) + "\n")
                shell.stdin.flush()
            shell.stdin.close()
            status = shell.wait(PATIENCE)
        finally:
            shell.kill()
        reader.join(PATIENCE)
    assert status == 0, terminal.printed
    return terminal.printed


def _install(directory: Path, server: RunningServer) -> None:
    """The command where `make serve` puts it, speaking to the server of this test."""
    command = directory / ".venv" / "bin" / "twofold"
    command.parent.mkdir(parents=True, exist_ok=True)
    command.write_text(
        f'#!/bin/sh\n[ "$1" = login ] && set -- "$@" --url {server.url}\n'
        f'exec {sys.executable} -m twofold "$@"\n'
    )
    command.chmod(0o755)
