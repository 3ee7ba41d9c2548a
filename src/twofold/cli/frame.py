"""What all commands share: settings from options, a house to act in, and one way to end.

The exit status is 0 when all is well, 1 when the command ran and found a fault or was refused,
2 when it was misused or the configuration is wrong. With ``--json`` standard output is JSON and
nothing else, faults included.
"""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from twofold import settings
from twofold.core.errors import Malformed, Misconfigured, TwofoldError
from twofold.core.types import SECOND, Instant
from twofold.settings import Settings

CONFIG = "TWOFOLD_CONFIG"
"""The variable that names configuration files where the command line names none."""

FOUND = 1
"""Exit status: the command ran, and found a fault or was refused."""

MISUSED = 2
"""Exit status: the command or the configuration makes no sense."""


def read_settings(
    files: Sequence[Path] | None, data: str | None, options: Mapping[str, object] | None = None
) -> Settings:
    """Read all sources; Misconfigured lists all faults."""
    named = [Path(name) for name in os.environ.get(CONFIG, "").split(os.pathsep) if name]
    return settings.load(files or named, os.environ, {"data": data, **(options or {})})


def ended(work: Callable[[], int], *, as_json: bool) -> int:
    """Do the work of a command and say why if it was refused; return the exit status."""
    try:
        return work()
    except Misconfigured as error:
        complain(error.code, error.faults, as_json=as_json)
        return MISUSED
    except Malformed as error:
        complain(error.code, [error.detail], as_json=as_json)
        return MISUSED
    except TwofoldError as error:
        complain(error.code, [error.detail], as_json=as_json)
        return FOUND
    except BrokenPipeError:
        # The reader has gone (`twofold audit export | head`): nothing is wrong with us, and
        # the interpreter must not complain about it a second time while it ends.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return FOUND


def complain(code: str, faults: Sequence[str], *, as_json: bool) -> None:
    """Say what is wrong, one line each."""
    if as_json:
        print(json.dumps({"error": code, "faults": list(faults)}))
        return
    for fault in faults:
        print(fault, file=sys.stderr)


def say(document: Mapping[str, Any] | Sequence[Any], *, as_json: bool, text: str) -> None:
    """Print an answer: the document for programs, the text for people."""
    print(json.dumps(document, indent=2) if as_json else text)


def moment(at: Instant | None) -> str | None:
    """A moment as people and programs read it (RFC 3339, UTC)."""
    if at is None:
        return None
    return datetime.fromtimestamp(at // SECOND, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def table(heads: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """Rows under their heads: drawn for a terminal, in plain columns for a pipe."""
    if not sys.stdout.isatty():
        return "\n".join("\t".join(row) for row in rows)
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    drawn = Table(*heads, box=None, header_style="bold", pad_edge=False)
    for row in rows:
        drawn.add_row(*(Text(cell) for cell in row))
    console = Console(highlight=False)
    with console.capture() as capture:
        console.print(drawn)
    return capture.get().rstrip("\n")
