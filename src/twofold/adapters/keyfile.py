"""The key file: one file beside the database, private, replaced whole, and noticed when it changes.

It appears complete or not at all, so that two servers that start at once on one directory cannot
both make a key, and a server that reads while another writes never sees half of one.
"""

from __future__ import annotations

import fcntl
import logging
import os
import stat
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Final

from twofold.core import keyring
from twofold.core.errors import Misconfigured
from twofold.core.keyring import Keyring
from twofold.core.types import SECOND
from twofold.ports import Clock

NAME: Final = "twofold.key"

LOOK_EVERY: Final = 1.0
"""Seconds between two looks at the file: how long a rotation may take to reach a process."""

SETTLE: Final = 3 * SECOND
"""How long a new key is only accepted, until every process has seen it (R16)."""

_OPEN_TO_OTHERS: Final = 0o077
_LONGEST: Final = 131_072
_log: Final = logging.getLogger("twofold.keys")


class KeyFile:
    """The ring of master keys as it is on disk now."""

    def __init__(
        self, path: Path, clock: Clock, ticks: Callable[[], float] = time.monotonic
    ) -> None:
        """Name the file; nothing is read yet."""
        self.path: Final = path
        self._clock = clock
        self._ticks = ticks
        self._ring: Keyring | None = None
        self._seen: tuple[int, int, int] | None = None
        self._look_at = 0.0

    def exists(self) -> bool:
        """Whether there is such a file."""
        return self.path.exists()

    def ring(self) -> Keyring:
        """The present ring, which a rotation replaces within LOOK_EVERY; cheap.

        A key younger than SETTLE stands second: what one process made with it, another that has
        not looked yet could not read. A file that became unreadable changes nothing: a server
        that knows its keys does not stop because of a slip in the shell.
        """
        if self._ring is None:
            return self._take()
        if self._ticks() < self._look_at:
            return self._ring
        self._look_at = self._ticks() + LOOK_EVERY
        try:
            return self._ring if self._is_as_seen() else self._take()
        except (OSError, Misconfigured) as error:
            _log.warning("keys-unreadable file=%s error=%s", self.path, type(error).__name__)
            return self._ring

    def read(self) -> Keyring:
        """The ring as the file has it; Misconfigured if missing, damaged, or open to others."""
        return self._read()[0]

    def create(self, ring: Keyring) -> bool:
        """Write a first file; False, and nothing done, if another process was faster."""
        draft = self._draft(ring)
        try:
            # A link fails where a rename would overwrite: the first one wins (A95).
            os.link(draft, self.path)
        except FileExistsError:
            return False
        finally:
            draft.unlink()
        _flush(self.path.parent)
        return True

    def replace(self, ring: Keyring) -> None:
        """Put another ring in the file's place, durably and all at once."""
        draft = self._draft(ring)
        try:
            draft.rename(self.path)
        except OSError:
            draft.unlink()
            raise
        _flush(self.path.parent)

    @contextmanager
    def locked(self) -> Iterator[None]:
        """Hold off other processes that want to change the file; a crash lets go of it."""
        handle = os.open(self.path.parent, os.O_RDONLY | os.O_CLOEXEC)
        try:
            fcntl.flock(handle, fcntl.LOCK_EX)
            yield
        finally:
            os.close(handle)

    def _draft(self, ring: Keyring) -> Path:
        draft = self.path.with_name(f".{self.path.name}.{os.getpid()}.{os.urandom(4).hex()}")
        flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC
        handle = os.open(draft, flags, 0o600)
        try:
            with os.fdopen(handle, "w", encoding="utf-8") as file:
                file.write(keyring.dump(ring))
                file.flush()
                os.fsync(file.fileno())
        except OSError:
            draft.unlink()
            raise
        return draft

    def _take(self) -> Keyring:
        ring, status = self._read()
        settled = _settled(ring, self._clock)
        # Unsettled, it is read again at the next look; read, then remembered: a change in
        # between is noticed.
        self._seen = _identity(status) if settled is ring else None
        self._look_at = self._ticks() + LOOK_EVERY
        self._ring = settled
        return settled

    def _is_as_seen(self) -> bool:
        return self._seen is not None and _identity(self.path.stat()) == self._seen

    def _read(self) -> tuple[Keyring, os.stat_result]:
        try:
            # Without waiting: a pipe in its place must not hold the event loop.
            handle = os.open(self.path, os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK)
        except OSError as error:
            fault = f"key file {self.path}: cannot be read: {error.strerror}"
            raise Misconfigured((fault,)) from None
        try:
            status = os.fstat(handle)
            self._refuse_odd(status.st_mode)
            raw = os.read(handle, _LONGEST)
        finally:
            os.close(handle)
        return keyring.load(raw.decode("utf-8", "replace")), status

    def _refuse_odd(self, mode: int) -> None:
        if not stat.S_ISREG(mode):
            raise Misconfigured((f"key file {self.path}: is no file",))
        if mode & _OPEN_TO_OTHERS:
            said = f"mode {stat.S_IMODE(mode):04o} lets others in; chmod 600 it"
            raise Misconfigured((f"key file {self.path}: {said}",))


def _settled(ring: Keyring, clock: Clock) -> Keyring:
    newest, *older = ring.masters
    if not older or clock.now() - newest.created_at >= SETTLE:
        return ring
    return Keyring((older[0], newest, *older[1:]))


def make_private(directory: Path) -> None:
    """Make a directory that only we may enter; one that exists is left as its owner made it."""
    try:
        with suppress(FileExistsError):
            directory.mkdir(mode=0o700, parents=True)
    except OSError as error:
        raise Misconfigured((f"data: {directory} cannot be made: {error.strerror}",)) from None
    if not directory.is_dir():
        raise Misconfigured((f"data: {directory} is no directory",))


def _identity(status: os.stat_result) -> tuple[int, int, int]:
    # A rename gives another inode, an edit another time or size: a clock alone could stand still.
    return status.st_ino, status.st_mtime_ns, status.st_size


def _flush(directory: Path) -> None:
    handle = os.open(directory, os.O_RDONLY | os.O_CLOEXEC)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
