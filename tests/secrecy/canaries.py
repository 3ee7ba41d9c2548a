"""Secrets that are looked for everywhere they must not be."""

from __future__ import annotations

import base64
import re
import sqlite3
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import quote

SEALED = {("authenticator", "sealed"), ("outbox", "sealed")}
"""The only columns that may hold a secret, and they hold it sealed."""


@dataclass(slots=True)
class Canaries:
    """Everything secret that was said so far, and how it would look somewhere else."""

    known: dict[str, str] = field(default_factory=dict)

    def keep(self, name: str, *secrets: str) -> None:
        """Remember secrets under a name that may be shown."""
        for secret in secrets:
            assert len(secret) >= 6, name
            self.known[f"{name}#{len(self.known)}"] = secret

    def forms(self) -> Iterator[tuple[str, re.Pattern[str]]]:
        """A pattern for every way each of them might be written."""
        for name, secret in self.known.items():
            if re.fullmatch(r"[0-9]{6}", secret):
                # Six digits stand in many numbers; alone, they are a code.
                yield name, re.compile(rf"(?<![0-9A-Fa-f.:_-]){secret}(?![0-9A-Fa-f_])")
                continue
            raw = secret.encode()
            written = {
                secret,
                quote(secret, safe=""),
                raw.hex(),
                base64.b64encode(raw).decode().rstrip("="),
                base64.urlsafe_b64encode(raw).decode().rstrip("="),
                secret.replace("-", ""),
                repr(secret)[1:-1],
            }
            yield name, re.compile("|".join(map(re.escape, sorted(written))))

    def seen_in(self, places: dict[str, str]) -> list[str]:
        """Which secret stands where; names only, so that a failing test tells none."""
        patterns = list(self.forms())
        return [
            f"{name} in {place}"
            for place, text in places.items()
            for name, pattern in patterns
            if pattern.search(text)
        ]


def cells(database: Path) -> dict[str, str]:
    """Every column of every table as text, but for those that are sealed."""
    connection = sqlite3.connect(f"file:{database}?mode=ro", uri=True)
    try:
        tables = [
            row[0]
            for row in connection.execute("select name from sqlite_schema where type='table'")
        ]
        found = {}
        for table in tables:
            # The names are the database's own.
            cursor = connection.execute(f"select * from {table}")  # noqa: S608 - see above
            columns = [column[0] for column in cursor.description]
            rows = cursor.fetchall()
            for place, column in enumerate(columns):
                if (table, column) not in SEALED:
                    found[f"{table}.{column}"] = "\n".join(_texts(row[place] for row in rows))
        return found
    finally:
        connection.close()


def _texts(values: Iterable[object]) -> Iterator[str]:
    for value in values:
        if isinstance(value, bytes):
            yield value.hex()
            yield value.decode("latin-1")
        elif value is not None:
            yield str(value)
