"""Every read as a function of a connection; each is one statement, hence one snapshot."""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from typing import Any

import msgspec

from twofold.adapters.stores import _rows as rows
from twofold.adapters.stores._rows import by_newest
from twofold.core.effects import Seal
from twofold.core.types import (
    POLICY,
    Document,
    Instant,
    Realm,
    Session,
    SessionId,
    Subject,
    SubjectId,
    Tally,
    View,
)
from twofold.ports import Entry, Queued

_WIDTH = 14
"""Columns of the widest part of a view, the subject; each cell of a row costs, full or empty."""

_SUBJECT, _AUTHENTICATOR, _ITEMS, _TALLY, _POLICY, _SESSION, _DEVICE = range(7)

# One row for all items of an authenticator: ten recovery codes must not cost ten steps.
_GATHERED = "authenticator, json_group_array(json_array(place, key, expires_at, ceremony))"

# The driver takes a lock three times for each cell; a row in one cell is a third cheaper to read.
_unpacked = msgspec.json.Decoder(list[Any]).decode


def _prefixed(alias: str, columns: str) -> str:
    return ", ".join(f"{alias}.{column}" for column in columns.split(", "))


def _packed(columns: str) -> str:
    return f"json_array({columns})"


def _part(number: int, columns: str, width: int, rest: str) -> str:
    """Return one part of the view, padded so that all parts have equally many columns."""
    return f"select {columns}{', null' * (_WIDTH - width)}, {number} from {rest}"


def _view(who: str, *more: str) -> str:
    """Return one statement for all a view needs: one snapshot, at half the price of six."""
    policy = f"document where realm = ?1 and kind = '{POLICY[0]}' and name = '{POLICY[1]}'"
    return " union all ".join(
        (
            _part(_SUBJECT, rows.SUBJECT, 14, f"subject where id = {who} and realm = ?1"),
            _part(_AUTHENTICATOR, rows.AUTHENTICATOR, 12, f"authenticator where subject = {who}"),
            _part(_ITEMS, _GATHERED, 2, f"item where subject = {who} group by authenticator"),
            _part(_TALLY, rows.TALLY, 9, f"guess where subject = {who}"),
            _part(_POLICY, rows.DOCUMENT, 5, policy),
            _part(_SESSION, _packed(rows.SESSION), 1, f"session where subject = {who} and id = ?3"),
            *more,
        )
    )


def _views(who: str) -> tuple[str, str]:
    """Return the statement without remembered browsers, which most claimants lack, and with."""
    return _view(who), _view(who, _part(_DEVICE, rows.DEVICE, 9, f"device where subject = {who}"))


_BY_SUBJECT = _views("?2")
_BY_IDENTIFIER = _views("(select subject from identifier where realm = ?1 and lookup = ?2)")
_SESSION_OF = (
    f"select {_packed(_prefixed('a', rows.SESSION))}, {_packed(_prefixed('b', rows.SUBJECT))}"
    " from session a join subject b on b.id = a.subject"
    " where a.subject = ? and a.id = ? and b.realm = ?"
)


def view(
    connection: sqlite3.Connection,
    realm: Realm,
    subject: SubjectId | None,
    identifier: str | None,
    session: SessionId | None,
    *,
    devices: bool = False,
) -> View | None:
    """See the port."""
    sql, who = (_BY_IDENTIFIER, identifier) if subject is None else (_BY_SUBJECT, subject)
    parts: tuple[list[Any], ...] = ([], [], [], [], [], [], [])
    for row in connection.execute(sql[devices], (realm, who, session)).fetchall():
        parts[row[_WIDTH]].append(row)
    subjects, authenticators, gathered, tallies, policies, sessions, remembered = parts
    if not subjects:
        return None
    if len(authenticators) > 1:
        authenticators.sort(key=rows.by_age)
    items = {row[0]: rows.to_items(row[1]) for row in gathered}
    return View(
        rows.to_subject(subjects[0]),
        tuple([rows.to_authenticator(row, items.get(row[0], ())) for row in authenticators]),
        {row[1]: Tally(*row[2:8]) for row in tallies},
        rows.to_document(policies[0]) if policies else None,
        rows.to_session(_unpacked(sessions[0][0])) if sessions else None,
        tuple(sorted(map(rows.to_device, remembered), key=by_newest)) if remembered else (),
    )


def session(
    connection: sqlite3.Connection, realm: Realm, subject: SubjectId, id: SessionId
) -> tuple[Session, Subject] | None:
    """See the port."""
    found = connection.execute(_SESSION_OF, (subject, id, realm)).fetchall()
    if not found:
        return None
    session, subject = found[0]
    return rows.to_session(_unpacked(session)), rows.to_subject(_unpacked(subject))


def sessions(connection: sqlite3.Connection, realm: Realm, subject: SubjectId) -> Sequence[Session]:
    """See the port."""
    sql = f"select {rows.SESSION} from session where subject = ? and realm = ?"
    found = connection.execute(f"{sql} order by created_at desc, id", (subject, realm))
    return [rows.to_session(row) for row in found.fetchall()]


def subjects(
    connection: sqlite3.Connection, realm: Realm, search: str, after: str, limit: int
) -> Sequence[Subject]:
    """See the port."""
    sql = f"select {rows.SUBJECT} from subject where realm = ? and name > ?"
    values: tuple[rows.Cell, ...] = (realm, after)
    if search:
        wanted = f"%{literal(search.casefold())}%"
        sql = f"{sql} and (folded_name like ? escape '\\' or folded_email like ? escape '\\')"
        values = (*values, wanted, wanted)
    found = connection.execute(f"{sql} order by name limit ?", (*values, limit))
    return [rows.to_subject(row) for row in found.fetchall()]


def literal(text: str) -> str:
    """Return what LIKE takes for this text and for no other."""
    return text.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_")


def records(
    connection: sqlite3.Connection,
    realm: Realm | None,
    subject: SubjectId | None,
    after: int,
    limit: int,
    order: str,
) -> Sequence[Entry]:
    """See the port; ``order`` is asc or desc."""
    sql = f"select {rows.ENTRY} from audit where position > ?"
    values: tuple[rows.Cell, ...] = (after,)
    if realm is not None:
        sql, values = f"{sql} and realm = ?", (*values, realm)
    if subject is not None:
        sql, values = f"{sql} and subject = ?", (*values, subject)
    found = connection.execute(f"{sql} order by position {order} limit ?", (*values, limit))
    return [rows.to_entry(row) for row in found.fetchall()]


def unsealed(connection: sqlite3.Connection, limit: int) -> Sequence[Entry]:
    """See the port."""
    found = connection.execute(
        f"select {rows.ENTRY} from audit where position >"
        " (select coalesce(max(upto), 0) from segment where number ="
        " (select max(number) from segment)) order by position limit ?",
        (limit,),
    )
    return [rows.to_entry(row) for row in found.fetchall()]


def segments(connection: sqlite3.Connection, after: int, limit: int) -> Sequence[Seal]:
    """See the port."""
    sql = f"select {rows.SEGMENT} from segment where number > ? order by number limit ?"
    return [rows.to_segment(row) for row in connection.execute(sql, (after, limit)).fetchall()]


def last_segment(connection: sqlite3.Connection) -> Seal | None:
    """See the port."""
    sql = f"select {rows.SEGMENT} from segment order by number desc limit 1"
    found = connection.execute(sql).fetchall()
    return rows.to_segment(found[0]) if found else None


def due(connection: sqlite3.Connection, now: Instant, limit: int) -> Sequence[Queued]:
    """See the port."""
    found = connection.execute(
        f"select {rows.QUEUED} from outbox where due_at <= ? and lease_until <= ?"
        " order by due_at, subject, id limit ?",
        (now, now, limit),
    )
    return [rows.to_queued(row) for row in found.fetchall()]


def queued(connection: sqlite3.Connection) -> tuple[int, Instant | None]:
    """See the port."""
    sql = "select count(*), min(due_at) from outbox"
    number, oldest = connection.execute(sql).fetchall()[0]
    return number, oldest


def document(connection: sqlite3.Connection, realm: Realm, kind: str, name: str) -> Document | None:
    """See the port."""
    sql = f"select {rows.DOCUMENT} from document where realm = ? and kind = ? and name = ?"
    found = connection.execute(sql, (realm, kind, name)).fetchall()
    return rows.to_document(found[0]) if found else None


def documents(connection: sqlite3.Connection, realm: Realm, kind: str) -> Sequence[Document]:
    """See the port."""
    sql = f"select {rows.DOCUMENT} from document where realm = ? and kind = ? order by name"
    return [rows.to_document(row) for row in connection.execute(sql, (realm, kind)).fetchall()]
