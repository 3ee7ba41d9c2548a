"""A sender for trying things out: it prints each message, and may append it to a file.

It is the default until an operator names a real mail server, so that a first login works with
nothing else installed.
"""

from __future__ import annotations

import asyncio
import json
import os
import re
import sys
from pathlib import Path

from twofold.ports import Letter

# A message may carry what a stranger typed: it must not drive the operator's terminal.
_CONTROLS = re.compile("[\x00-\x09\x0b-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069]")


class ConsoleSender:
    """Prints to standard output; with ``file`` also appends one JSON line per message.

    The line is ``{"channel", "to", "subject", "text"}``. The file is made with mode 0600,
    because messages hold codes.
    """

    def __init__(self, channel: str = "email", file: Path | None = None) -> None:
        """Serve one channel."""
        self._channel = channel
        self._file = file

    @property
    def channel(self) -> str:
        """The channel it was made for."""
        return self._channel

    async def send(self, letter: Letter) -> None:
        """Print and append; an OSError if the file cannot be written."""
        _print(letter)
        if self._file is not None:
            await asyncio.to_thread(_append, self._file, letter)


def _print(letter: Letter) -> None:
    rule = "-" * 72
    head = f"{letter.channel} to {letter.to}"
    text = _CONTROLS.sub("\N{REPLACEMENT CHARACTER}", f"{head}\n{letter.subject}\n\n{letter.text}")
    encoding = sys.stdout.encoding or "utf-8"
    # A terminal in the C locale must not turn a letter with an umlaut into a failed delivery.
    safe = text.encode(encoding, "backslashreplace").decode(encoding)
    sys.stdout.write(f"{rule}\n{safe.rstrip()}\n{rule}\n")
    sys.stdout.flush()


def _append(file: Path, letter: Letter) -> None:
    fields = {
        "channel": letter.channel,
        "to": letter.to,
        "subject": letter.subject,
        "text": letter.text,
    }
    line = json.dumps(fields).encode() + b"\n"
    handle = os.open(file, os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        # One write per line: other processes append to the same file.
        if os.write(handle, line) != len(line):
            raise OSError(f"{file}: the disk is full")
    finally:
        os.close(handle)
