"""Every read as a function of a connection; each is one statement, hence one snapshot.

Only the order of audit records differs from SQLite in more than spelling: PostgreSQL commits side
by side, so what stands behind the oldest open transaction is not shown to the sealer yet.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

import msgspec

from twofold.adapters.stores import _rows as rows
from twofold.adapters.stores._pg_connection import Connection
from twofold.adapters.stores._pg_function import BASE, WIDTH
from twofold.adapters.stores._reads import literal
from twofold.core.effects import Seal
from twofold.core.types import (
    POLICY,
    Document,
    Instant,
    Item,
    Realm,
    Session,
    SessionId,
    Subject,
    SubjectId,
    Tally,
    View,
)
from twofold.ports import Entry, Queued

_unpacked = msgspec.json.Decoder(list[Any]).decode

_SEALED: Final = rows.AUTHENTICATOR.split(", ").index("sealed")


def _packed(alias: str, columns: str) -> str:
    # Bytes have no JSON; everything else in a row is a text or a whole number.
    cells = ", ".join(
        f"encode({alias}.{column}, 'hex')" if column == "sealed" else f"{alias}.{column}"
        for column in columns.split(", ")
    )
    return f"json_build_array({cells})"


def _gathered(alias: str, columns: str, rest: str) -> str:
    return f"(select json_agg({_packed(alias, columns)}) from {rest})::text"


def _view(who: str, *more: str) -> str:
    """Return one statement for all a view needs, one row of JSON texts."""
    items = _packed("i", rows.ITEM)
    parts = (
        f"{_packed('s', rows.SUBJECT)}::text,"
        f" {_gathered('a', rows.AUTHENTICATOR, 'authenticator a where a.subject = s.id')},"
        f" (select json_agg({items} order by i.place) from item i where i.subject = s.id)::text,"
        f" {_gathered('g', rows.TALLY, 'guess g where g.subject = s.id')},"
        f" (select {_packed('d', rows.DOCUMENT)} from document d where d.realm = $1"
        f" and d.kind = '{POLICY[0]}' and d.name = '{POLICY[1]}')::text,"
        f" (select {_packed('e', rows.SESSION)} from session e"
        " where e.subject = s.id and e.id = $3)::text"
    )
    wanted = ", ".join((parts, *more))
    return f"select {wanted} from subject s where s.id = {who} and s.realm = $1"


def _views(who: str) -> tuple[str, str]:
    """Return the statement without remembered browsers, which most claimants lack, and with."""
    return _view(who), _view(who, _gathered("b", rows.DEVICE, "device b where b.subject = s.id"))


_BY_SUBJECT: Final = _views("$2")
_BY_IDENTIFIER: Final = _views(
    "(select subject from identifier where identifier.realm = $1 and identifier.lookup = $2)"
)
_SESSION_OF: Final = (
    f"select {_packed('a', rows.SESSION)}::text, {_packed('b', rows.SUBJECT)}::text"
    " from session a join subject b on b.id = a.subject"
    " where a.subject = $1 and a.id = $2 and b.id = $1 and b.realm = $3"
)
_HORIZON: Final = (
    f"(select ((({BASE}) + pg_snapshot_xmin(pg_current_snapshot())::text::bigint) << {WIDTH}))"
)
"""The position that the oldest open transaction begins at: below it nothing appears any more."""

_UNSEALED: Final = (
    f"select {rows.ENTRY} from audit where position >"
    " (select coalesce(max(upto), 0) from segment where number ="
    f" (select max(number) from segment)) and position < {_HORIZON} order by position limit $1"
)


async def view(
    connection: Connection,
    realm: Realm,
    subject: SubjectId | None,
    identifier: str | None,
    session: SessionId | None,
    *,
    devices: bool = False,
) -> View | None:
    """See the port."""
    sql, who = (_BY_IDENTIFIER, identifier) if subject is None else (_BY_SUBJECT, subject)
    found = await connection.fetchrow(sql[devices], realm, who, session)
    if found is None:
        return None
    owner, authenticators, items, tallies, policy, opened, *more = found
    remembered = _unpacked(more[0]) if more and more[0] else ()
    return View(
        rows.to_subject(_unpacked(owner)),
        _authenticators(authenticators, items),
        {row[1]: Tally(*row[2:8]) for row in _unpacked(tallies)} if tallies else {},
        rows.to_document(_unpacked(policy)) if policy else None,
        rows.to_session(_unpacked(opened)) if opened else None,
        tuple(sorted(map(rows.to_device, remembered), key=rows.by_newest)),
    )


def _authenticators(held: str | None, items: str | None) -> tuple[Any, ...]:
    if held is None:
        return ()
    gathered: dict[str, list[Item]] = {}
    for _, of, key, _, expires_at, ceremony in _unpacked(items) if items else ():
        gathered.setdefault(of, []).append(Item(key, expires_at, ceremony))
    found = _unpacked(held)
    if len(found) > 1:
        found.sort(key=rows.by_age)
    for row in found:
        row[_SEALED] = bytes.fromhex(row[_SEALED])
    return tuple([rows.to_authenticator(row, tuple(gathered.get(row[0], ()))) for row in found])


async def session(
    connection: Connection, realm: Realm, subject: SubjectId, id: SessionId
) -> tuple[Session, Subject] | None:
    """See the port."""
    found = await connection.fetchrow(_SESSION_OF, subject, id, realm)
    if found is None:
        return None
    return rows.to_session(_unpacked(found[0])), rows.to_subject(_unpacked(found[1]))


async def sessions(connection: Connection, realm: Realm, subject: SubjectId) -> Sequence[Session]:
    """See the port."""
    sql = f"select {rows.SESSION} from session where subject = $1 and realm = $2"
    found = await connection.fetch(f"{sql} order by created_at desc, id", subject, realm)
    return [rows.to_session(row) for row in found]


async def subjects(
    connection: Connection, realm: Realm, search: str, after: str, limit: int
) -> Sequence[Subject]:
    """See the port."""
    sql = f"select {rows.SUBJECT} from subject where realm = $1 and name > $2"
    values: tuple[rows.Cell, ...] = (realm, after, limit)
    if search:
        sql = f"{sql} and (folded_name like $4 or folded_email like $4)"
        values = (*values, f"%{literal(search.casefold())}%")
    found = await connection.fetch(f"{sql} order by name limit $3", *values)
    return [rows.to_subject(row) for row in found]


async def records(
    connection: Connection,
    realm: Realm | None,
    subject: SubjectId | None,
    after: int,
    limit: int,
    order: str,
) -> Sequence[Entry]:
    """See the port; ``order`` is asc or desc."""
    sql = f"select {rows.ENTRY} from audit where position > $1"
    values: tuple[rows.Cell, ...] = (after, limit)
    for column, wanted in (("realm", realm), ("subject", subject)):
        if wanted is not None:
            values = (*values, wanted)
            sql = f"{sql} and {column} = ${len(values)}"
    found = await connection.fetch(f"{sql} order by position {order} limit $2", *values)
    return [rows.to_entry(row) for row in found]


async def unsealed(connection: Connection, limit: int) -> Sequence[Entry]:
    """See the port."""
    return [rows.to_entry(row) for row in await connection.fetch(_UNSEALED, limit)]


async def segments(connection: Connection, after: int, limit: int) -> Sequence[Seal]:
    """See the port."""
    sql = f"select {rows.SEGMENT} from segment where number > $1 order by number limit $2"
    return [rows.to_segment(row) for row in await connection.fetch(sql, after, limit)]


async def last_segment(connection: Connection) -> Seal | None:
    """See the port."""
    sql = f"select {rows.SEGMENT} from segment order by number desc limit 1"
    found = await connection.fetchrow(sql)
    return rows.to_segment(found) if found else None


async def due(connection: Connection, now: Instant, limit: int) -> Sequence[Queued]:
    """See the port."""
    sql = f"select {rows.QUEUED} from outbox where due_at <= $1 and lease_until <= $1"
    found = await connection.fetch(f"{sql} order by due_at, subject, id limit $2", now, limit)
    return [rows.to_queued(row) for row in found]


async def queued(connection: Connection) -> tuple[int, Instant | None]:
    """See the port."""
    number, oldest = await connection.fetchrow("select count(*), min(due_at) from outbox")
    return number, oldest


async def document(connection: Connection, realm: Realm, kind: str, name: str) -> Document | None:
    """See the port."""
    sql = f"select {rows.DOCUMENT} from document where realm = $1 and kind = $2 and name = $3"
    found = await connection.fetchrow(sql, realm, kind, name)
    return rows.to_document(found) if found else None


async def documents(connection: Connection, realm: Realm, kind: str) -> Sequence[Document]:
    """See the port."""
    sql = f"select {rows.DOCUMENT} from document where realm = $1 and kind = $2 order by name"
    return [rows.to_document(row) for row in await connection.fetch(sql, realm, kind)]
