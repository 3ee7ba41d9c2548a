"""The schema on PostgreSQL: the same numbered steps as everywhere, under a lock, each checked.

The text of a step is not changed, only two of its types are read as what SQLite means by them: a
whole number has 64 bits, and texts are compared byte by byte, so that a new version of the
system's library can never put an index into another order.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Final

from twofold.adapters.stores import _migrations, _pg_function
from twofold.adapters.stores._pg_connection import Connection
from twofold.adapters.stores._pg_function import WIDTH, Known
from twofold.core.errors import Misconfigured

_LOCK: Final = "select pg_advisory_xact_lock(7602910215340)"
"""Between two programs that start at once; the number is ours and means nothing."""

_TYPES: Final = ((r"\btext\b", 'text collate "C"'), (r"\binteger\b", "bigint"))

_TABLES: Final = "select tablename from pg_tables where schemaname = current_schema()"
_COUNTING: Final = (
    "create table if not exists audit_base (base bigint not null)",
    "insert into audit_base select 0 where not exists (select 1 from audit_base)",
)
_RAISE: Final = (
    "update audit_base set base = base + greatest(0,"
    f" (select coalesce(max(position), 0) from audit) / {1 << WIDTH} + 1"
    " - base - pg_snapshot_xmax(pg_current_snapshot())::text::bigint)"
)
"""In another cluster, transactions may count from below what restored records are numbered by."""

_MADE: Final = "select 1 from pg_proc where proname = $1 and pronamespace = $2::regnamespace"


async def prepare(connection: Connection, known: Sequence[Known]) -> None:
    """Bring the schema up to date; Misconfigured when it is not one of ours."""
    async with connection.transaction(isolation="read_committed"):
        await connection.execute(_LOCK)
        await _migrate(connection)
        for statement in _COUNTING:
            await connection.execute(statement)
        await connection.execute(_RAISE)
        await _define(connection, known)


async def applied(connection: Connection) -> Mapping[int, str]:
    """The steps a database has had; none in one that is not ours yet."""
    names = {row[0] for row in await connection.fetch(_TABLES)}
    if "migration" not in names:
        if names:
            raise Misconfigured(("database: it belongs to another program",))
        return {}
    return dict(await connection.fetch(_migrations.APPLIED))


def translated(statement: str) -> str:
    """A statement of the schema with the types that PostgreSQL has for it."""
    for word, meant in _TYPES:
        statement = re.sub(word, meant, statement)
    return statement


async def _migrate(connection: Connection) -> None:
    steps = _migrations.pending(await applied(connection))
    await connection.execute(translated(_migrations.TABLE))
    for step in steps:
        for statement in step.statements:
            await connection.execute(translated(statement))
        note = _pg_function.placed(_migrations.NOTE)
        await connection.execute(note, step.number, step.checksum)


async def _define(connection: Connection, known: Sequence[Known]) -> None:
    named = _pg_function.name(known)
    schema = await connection.fetchval("select quote_ident(current_schema())")
    if await connection.fetchval(_MADE, named, schema):
        return
    types = {sql: await _pg_function.types_of(connection, sql) for sql, _ in known}
    for definition in _pg_function.definitions(known, types):
        await connection.execute(definition)
