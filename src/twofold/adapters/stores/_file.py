"""The database file: made private, refused where it could not be durable, brought up to date."""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Iterable
from contextlib import closing, suppress
from pathlib import Path

from twofold.adapters.stores import _migrations
from twofold.core.errors import Misconfigured

PATIENCE = 5_000
"""Milliseconds a writer waits for another process before it gives up."""

_CACHE = -32_768
"""Kibibytes of pages a connection may keep."""

_LOG = 1_000
"""Pages in the log at which a commit copies them home; measured as a compromise.

Sixteen times as many gave a fifth more commits in all, and made one in a hundred wait four times
as long; a copy beside the writer competes with it for the disk and gained nothing.
"""

_NETWORKED = frozenset(
    {"9p", "afs", "beegfs", "ceph", "cifs", "coda", "davfs", "gpfs", "lustre", "ncpfs", "nfs"}
    | {"nfs4", "orangefs", "smb2", "smb3", "smbfs", "vboxsf"}
    | {f"fuse.{name}" for name in ("ceph", "ceph-fuse", "davfs", "glusterfs", "rclone", "s3fs")}
    | {f"fuse.{name}" for name in ("smbnetfs", "sshfs")}
)
"""File systems whose locks or flushes SQLite cannot rely on."""


def writer(path: Path) -> sqlite3.Connection:
    """Open the file for the one thread that writes; durable before a commit returns."""
    connection = _connect(path)
    _insist(connection, "journal_mode", "wal", "wal")
    _insist(connection, "synchronous", "full", 2)
    connection.execute(f"pragma wal_autocheckpoint = {_LOG}")
    connection.execute("pragma busy_timeout = 1")
    return connection


def begin(connection: sqlite3.Connection) -> None:
    """Begin to write, as soon as no other process does.

    The lock is taken at once, so that no decision is made on rows another process changes. SQLite
    by itself waits ever longer between two looks, and a busy neighbour would starve us.
    """
    deadline = time.monotonic() + PATIENCE / 1_000
    while True:
        try:
            connection.execute("begin immediate")
        except sqlite3.OperationalError as error:
            if error.sqlite_errorcode & 0xFF != sqlite3.SQLITE_BUSY or time.monotonic() > deadline:
                raise
        else:
            return


def reader(path: Path, patience: int = PATIENCE) -> sqlite3.Connection:
    """Open the file for snapshots; writers do not stop it, nor it them."""
    connection = _connect(path)
    connection.execute(f"pragma busy_timeout = {patience}")
    connection.execute("pragma query_only = on")
    return connection


def mounts() -> str:
    """What is mounted where, as Linux tells it; empty where there is no such file."""
    try:
        return Path("/proc/self/mounts").read_text("utf-8", "surrogateescape")
    except OSError:
        return ""


def prepare(path: Path, mounted: str) -> None:
    """Make the file and its tables as this version needs them; Misconfigured if that is refused."""
    kind = filesystem(path.absolute().parent.resolve(), mounted)
    if kind in _NETWORKED:
        fault = f"database: {path} lies on a network file system ({kind}), where SQLite is not safe"
        raise Misconfigured((fault,))
    try:
        _make_private(path)
        _migrate(path)
    except (OSError, sqlite3.Error) as error:
        raise Misconfigured((f"database: {path} cannot be used: {error}",)) from error


def _make_private(path: Path) -> None:
    try:
        # Opening and closing a file that exists would drop SQLite's locks on it in this process.
        path.touch(mode=0o600, exist_ok=False)
    except FileExistsError:
        for suffix in ("", "-wal", "-shm"):
            with suppress(FileNotFoundError):
                path.with_name(path.name + suffix).chmod(0o600)


def filesystem(folder: Path, mounted: str) -> str:
    """Return the type of file system a folder lies on; empty when nobody says."""
    best, kind = -1, ""
    for line in mounted.splitlines():
        _, point, of_type, *_ = line.split(" ")
        at = Path(_unescaped(point))
        if folder.is_relative_to(at) and len(at.parts) >= best:
            best, kind = len(at.parts), of_type
    return kind


def _unescaped(point: str) -> str:
    raw = point.encode("utf-8", "surrogateescape")
    return raw.decode("unicode_escape").encode("latin-1").decode("utf-8", "surrogateescape")


def _connect(path: Path) -> sqlite3.Connection:
    # One thread at a time uses each connection, though not always the one that opened it.
    connection = sqlite3.connect(
        path, isolation_level=None, check_same_thread=False, cached_statements=512
    )
    connection.execute(f"pragma busy_timeout = {PATIENCE}")
    connection.execute(f"pragma cache_size = {_CACHE}")
    return connection


def _insist(connection: sqlite3.Connection, name: str, wanted: str, reading: str | int) -> None:
    """Set a pragma and read it back: one that was ignored would only show after a power cut."""
    deadline = time.monotonic() + PATIENCE / 1_000
    while True:
        try:
            connection.execute(f"pragma {name} = {wanted}").fetchall()
            break
        except sqlite3.OperationalError:
            # Another process is just opening the file; this one pragma does not wait by itself.
            if time.monotonic() > deadline:
                raise
            time.sleep(0.01)
    if connection.execute(f"pragma {name}").fetchone()[0] != reading:
        raise Misconfigured((f"database: SQLite refuses {name} = {wanted}",))


def _migrate(path: Path) -> None:
    with closing(writer(path)) as connection:
        begin(connection)
        names = {row[0] for row in connection.execute("select name from sqlite_master")}
        if names and "migration" not in names:
            raise Misconfigured((f"database: {path} belongs to another program",))
        connection.execute(_migrations.TABLE)
        applied: Iterable[tuple[int, str]] = connection.execute(_migrations.APPLIED).fetchall()
        for step in _migrations.pending(dict(applied)):
            for statement in step.statements:
                connection.execute(statement)
            connection.execute(_migrations.NOTE, (step.number, step.checksum))
        connection.execute("commit")
