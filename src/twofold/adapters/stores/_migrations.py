"""Forward-only migrations by number: each is applied once, and its text may never change again."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from importlib import resources

from twofold.core.errors import Misconfigured

TABLE = (
    "create table if not exists migration"
    " (number integer not null, checksum text not null, primary key (number))"
)
APPLIED = "select number, checksum from migration"
NOTE = "insert into migration (number, checksum) values (?, ?)"


@dataclass(frozen=True, slots=True)
class Migration:
    """One step of the schema."""

    number: int
    checksum: str
    statements: tuple[str, ...]


def known() -> tuple[Migration, ...]:
    """Return every migration this version of the code brings along, in order."""
    folder = resources.files("twofold.adapters.stores") / "migrations"
    files = sorted((file.name, file.read_text("utf-8")) for file in folder.iterdir())
    return tuple(
        Migration(
            int(name.partition("_")[0]),
            hashlib.sha256(text.encode()).hexdigest(),
            _statements(text),
        )
        for name, text in files
        if name.endswith(".sql")
    )


def pending(applied: Mapping[int, str]) -> tuple[Migration, ...]:
    """Return what a database still needs; Misconfigured when it is not one of ours."""
    steps = known()
    newer = applied.keys() - {step.number for step in steps}
    if newer:
        # Older code would write rows that newer code no longer understands.
        fault = f"database: it was made by a newer version (migration {max(newer)} is unknown here)"
        raise Misconfigured((fault,))
    edited = [s.number for s in steps if applied.get(s.number, s.checksum) != s.checksum]
    if edited:
        fault = f"database: migration {edited[0]} is not the one that was applied to it"
        raise Misconfigured((fault,))
    return tuple(step for step in steps if step.number not in applied)


def _statements(text: str) -> tuple[str, ...]:
    code = "\n".join(line.partition("--")[0].rstrip() for line in text.splitlines())
    return tuple(part.strip() for part in code.split(";") if part.strip())
