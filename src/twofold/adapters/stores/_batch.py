"""What one transaction does for a batch of commits, each of them refusable alone."""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from typing import TypeAlias

from twofold.adapters.stores._sql import statements
from twofold.core.effects import Effect
from twofold.core.errors import TwofoldError

Commit: TypeAlias = tuple[Effect, ...]
Outcome: TypeAlias = BaseException | None
"""What a commit raises at its caller; None when it was applied."""

_ITS_OWN = (
    TwofoldError,
    ArithmeticError,
    TypeError,
    ValueError,
    sqlite3.DataError,
    sqlite3.IntegrityError,
    sqlite3.InterfaceError,
    sqlite3.ProgrammingError,
)
"""What the values of one commit can be at fault for; any other error concerns the whole file."""


def apply(connection: sqlite3.Connection, batch: Sequence[Commit]) -> list[Outcome]:
    """Apply each commit or none of it, in the order they came, within an open transaction.

    Refusals need a race, so the whole batch is tried without guarding its commits from each
    other; when one is refused after all, it is undone and each is applied apart.

    Judging the commits of a batch together, with one statement per table, was measured: it
    saves a twentieth of a login and states every law a second time.
    """
    cursor = connection.cursor()
    cursor.execute("savepoint together")
    if _together(cursor, batch):
        return [None] * len(batch)
    cursor.execute("rollback to together")
    return [_apart(cursor, commit) for commit in batch]


def _together(cursor: sqlite3.Cursor, batch: Sequence[Commit]) -> bool:
    try:
        return all(_apply(cursor, commit) is None for commit in batch)
    except _ITS_OWN:
        return False


def _apart(cursor: sqlite3.Cursor, commit: Commit) -> Outcome:
    cursor.execute("savepoint alone")
    outcome: Outcome
    try:
        outcome = _apply(cursor, commit)
    except _ITS_OWN as error:
        outcome = error
    if outcome is not None:
        cursor.execute("rollback to alone")
    cursor.execute("release alone")
    return outcome


def _apply(cursor: sqlite3.Cursor, commit: Commit) -> Outcome:
    for effect in commit:
        for sql, values, refused in statements(effect):
            cursor.execute(sql, values)
            # A query has no row count: it found something or it did not.
            if refused and not (cursor.rowcount if cursor.rowcount >= 0 else cursor.fetchall()):
                return refused()
    return None
