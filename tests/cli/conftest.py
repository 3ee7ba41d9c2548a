"""Commands run in this process: what they print, and with which status they end."""

import io
import json
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from twofold.cli import main


@dataclass(frozen=True)
class Ended:
    """What a command left behind."""

    status: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        """Standard output as JSON."""
        return json.loads(self.out)

    @property
    def lines(self) -> list[Any]:
        """Standard output as JSON lines."""
        return [json.loads(line) for line in self.out.splitlines()]


@pytest.fixture
def run(tmp_path, capsys, monkeypatch):
    """Run a command on a data directory of the test."""
    for name in ("TWOFOLD_CONFIG", "TWOFOLD_ADMIN_PASSWORD"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("TWOFOLD_PASSWORD__MEMORY_KIB", "8")
    monkeypatch.setenv("TWOFOLD_PASSWORD__TIME", "1")

    def command(*words: str, stdin: str = "", data: Path | None = tmp_path / "data") -> Ended:
        monkeypatch.setattr(sys, "stdin", io.StringIO(stdin))
        where = [] if data is None else ["--data", str(data)]
        status = main([*words, *where])
        printed = capsys.readouterr()
        return Ended(status, printed.out, printed.err)

    return command


@pytest.fixture
def data(tmp_path):
    """The data directory of the test."""
    return tmp_path / "data"
