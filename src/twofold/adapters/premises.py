"""What the machine says about the place a database and its keys lie in; for the doctor only."""

from __future__ import annotations

import resource
import shutil
import sqlite3
import stat
from dataclasses import dataclass
from pathlib import Path

from twofold.adapters.stores import _file

_OTHERS = 0o077


@dataclass(frozen=True, slots=True)
class Database:
    """A SQLite file as another reader sees it."""

    filesystem: str
    journal: str
    damage: str
    """What SQLite finds wrong with the file, empty if nothing."""


def is_private(path: Path) -> bool:
    """Whether nobody but the owner may enter or read."""
    return not path.stat().st_mode & _OTHERS


def mode_of(path: Path) -> str:
    """The mode as chmod writes it."""
    return f"{stat.S_IMODE(path.stat().st_mode):04o}"


def free_bytes(path: Path) -> int:
    """How much room is left where it lies."""
    return shutil.disk_usage(path).free


def open_files() -> int:
    """How many files and connections a process may have open at once."""
    return resource.getrlimit(resource.RLIMIT_NOFILE)[0]


def look_at(path: Path) -> Database:
    """Read a database file without changing it."""
    connection = _file.reader(path)
    try:
        journal = connection.execute("pragma journal_mode").fetchone()[0]
        checked = [row[0] for row in connection.execute("pragma quick_check(3)")]
    except sqlite3.DatabaseError as error:
        journal, checked = "", [str(error)]
    finally:
        connection.close()
    damage = "" if checked == ["ok"] else "; ".join(checked)
    mounts = Path("/proc/self/mounts")
    known = mounts.read_text() if mounts.exists() else ""
    return Database(_file.filesystem(path.resolve().parent, known), journal, damage)
