"""Every effect as statements: each refusal is a WHERE clause, and a row count decides.

A statement that names an error must find or change a row, or the commit is refused with it. The
text is the subset of SQL that SQLite and PostgreSQL share; ``?`` stands for a value.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from functools import lru_cache
from typing import NamedTuple, TypeAlias

from twofold.adapters.stores import _rows as rows
from twofold.adapters.stores._claims import claims
from twofold.adapters.stores._rows import Cell
from twofold.core.effects import (
    Advance,
    Amend,
    Bind,
    Burn,
    CloseSessions,
    Effect,
    Forget,
    Forgive,
    Issue,
    Lease,
    OpenSession,
    PutDocument,
    PutSubject,
    Record,
    Remember,
    RemoveDocument,
    RemoveSubject,
    Renew,
    Reusable,
    Rotate,
    Seal,
    Send,
    Settle,
    Sweep,
    TakeGuess,
    Touch,
    Unbind,
    Unchanged,
    Unguessed,
)
from twofold.core.errors import Refused, Replayed, Stale, Taken
from twofold.core.types import AuthenticatorId, Item, Status, Subject, SubjectId

_Plain: TypeAlias = tuple[str, tuple[Cell, ...], type[Refused] | None]


class Statement(NamedTuple):
    """One statement; ``refused`` is what it means when it found or changed no row."""

    sql: str
    values: tuple[Cell, ...]
    refused: type[Refused] | None = None


def _inserting(table: str, columns: str, rest: str = "") -> str:
    """Return the statement that inserts one row of these columns."""
    places = ", ".join("?" for _ in columns.split(","))
    return f"insert into {table} ({columns}) values ({places}) {rest}".rstrip()


_KNOWN = "on conflict do nothing"
_INSERT_SESSION = _inserting("session", rows.SESSION, _KNOWN)
_INSERT_DEVICE = _inserting("device", rows.DEVICE, _KNOWN)
_INSERT_RECORD = _inserting("audit", rows.RECORD)
_INSERT_TALLY = _inserting("guess", rows.TALLY, _KNOWN)
_INSERT_AUTHENTICATOR = _inserting("authenticator", rows.AUTHENTICATOR, _KNOWN)
_INSERT_ITEM = _inserting("item", rows.ITEM, _KNOWN)
_INSERT_SUBJECT = _inserting("subject", f"{rows.SUBJECT}, {rows.FOLDED}", _KNOWN)
_INSERT_IDENTIFIER = _inserting("identifier", "realm, lookup, subject", _KNOWN)
_INSERT_MESSAGE = _inserting("outbox", rows.QUEUED)
_INSERT_DOCUMENT = _inserting("document", rows.DOCUMENT, _KNOWN)
_INSERT_SEGMENT = (
    f"insert into segment ({rows.SEGMENT}) select ?, ?, ?, ?"
    f" where ? = (select coalesce(max(number), 0) + 1 from segment) {_KNOWN}"
)
_ADVANCE = (
    "update authenticator set mark = ?, used_at = ? where subject = ? and id = ? and mark < ?"
)
_ACTIVE = int(Status.ACTIVE)
_UNCHANGED = "select 1 from subject where id = ? and epoch = ? and status = ?"
_UNGUESSED = "select 1 where not exists (select 1 from guess where subject = ? and scope = ?)"
_UPDATE_TALLY = (
    "update guess set version = ?, spent = ?, since = ?, blocked_until = ?, streak = ?,"
    " rounds = ?, keep_until = ? where subject = ? and scope = ? and version = ?"
)
_SWEEPS = (
    ("session", "subject, id", "expires_at"),
    ("device", "subject, id", "trusted_until"),
    ("guess", "subject, scope", "keep_until"),
    ("outbox", "subject, id", "expires_at"),
    ("item", "subject, authenticator, key", "expires_at"),
)


def statements(effect: Effect) -> Iterable[_Plain]:
    """Return what to run for one effect, in order; asked for first is what every login does."""
    match effect:
        case Record():
            return ((_INSERT_RECORD, rows.from_record(effect), None),)
        case Unchanged():
            return (_unchanged(effect.subject, effect.epoch, effect.unguessed),)
        case Forgive() | Unguessed() if not effect.seen:
            return ((_UNGUESSED, (effect.subject, effect.scope), Stale),)
        case Advance():
            mark, subject, id = effect.mark, effect.subject, effect.authenticator
            return ((_ADVANCE, (mark, effect.at, subject, id, mark), Replayed),)
        case OpenSession():
            return ((_INSERT_SESSION, rows.from_session(effect.session), Replayed),)
        case TakeGuess() if effect.tally.version == 1:
            # Two first guesses at once: the primary key lets one in.
            return ((_INSERT_TALLY, rows.from_guess(effect), Stale),)
        case Burn():
            return _burn(effect)
        case TakeGuess() | Forgive() | Unguessed():
            return _guess(effect)
        case CloseSessions() | Rotate() | Touch():
            return _session(effect)
        case Remember() | Renew() | Forget():
            return _device(effect)
        case PutSubject() | RemoveSubject():
            return _subject(effect)
        case Seal(number, at, upto, body):
            return (Statement(_INSERT_SEGMENT, (number, at, upto, body, number), Stale),)
        case Reusable():
            return ()
        case Bind() | Amend() | Unbind() | Issue():
            return _authenticator(effect)
        case Send() | Lease() | Settle():
            return _message(effect)
        case PutDocument() | RemoveDocument():
            return _document(effect)
        case Sweep():
            return _sweep(effect)


def _unchanged(subject: SubjectId, epoch: int, scopes: tuple[str, ...]) -> _Plain:
    if not scopes:
        return _UNCHANGED, (subject, epoch, _ACTIVE), Stale
    return _unguessed(len(scopes)), (subject, epoch, _ACTIVE, *scopes), Stale


@lru_cache(maxsize=8)
def _unguessed(scopes: int) -> str:
    # One search for each scope: a list of them would be copied into a table of its own first.
    guessed = "exists (select 1 from guess where guess.subject = subject.id and scope = ?)"
    return _UNCHANGED + f" and not {guessed}" * scopes


def _burn(effect: Burn) -> Iterator[Statement]:
    where = (effect.subject, effect.authenticator)
    yield Statement(
        "delete from item where subject = ? and authenticator = ? and key = ?"
        " and (expires_at is null or expires_at > ?)",
        (*where, effect.item, effect.at),
        Replayed,
    )
    yield Statement(
        "update authenticator set used_at = ? where subject = ? and id = ?", (effect.at, *where)
    )


def _guess(effect: TakeGuess | Forgive | Unguessed) -> Iterator[Statement]:
    where = (effect.subject, effect.scope)
    match effect:
        case TakeGuess(tally=tally):
            cells = rows.from_guess(effect)[2:]
            yield Statement(_UPDATE_TALLY, (*cells, *where, tally.version - 1), Stale)
        case Forgive(seen=seen):
            yield Statement(
                "delete from guess where subject = ? and scope = ? and version = ?",
                (*where, seen),
                Stale,
            )
        case Unguessed(seen=seen):
            yield Statement(
                "select 1 from guess where subject = ? and scope = ? and version = ?",
                (*where, seen),
                Stale,
            )


def _session(effect: CloseSessions | Rotate | Touch) -> Iterator[Statement]:
    match effect:
        case CloseSessions(subject, only, keep):
            sql = "delete from session where subject = ?"
            values: list[Cell] = [subject]
            if only is not None:
                sql, values = f"{sql} and id = ?", [*values, only]
            if keep is not None:
                sql, values = f"{sql} and id <> ?", [*values, keep]
            yield Statement(sql, tuple(values))
        case Rotate(subject, id, generation, at):
            yield Statement(
                "update session set generation = generation + 1, rotated_at = ?,"
                " seen_at = case when seen_at < ? then ? else seen_at end"
                " where subject = ? and id = ? and generation = ?",
                (at, at, at, subject, id, generation),
                Stale,
            )
        case Touch(subject, id, at):
            yield Statement(
                "update session set seen_at = ? where subject = ? and id = ? and seen_at < ?",
                (at, subject, id, at),
            )


def _device(effect: Remember | Renew | Forget) -> Iterator[Statement]:
    match effect:
        case Remember(device):
            yield Statement(_INSERT_DEVICE, rows.from_device(device), Stale)
        case Renew(subject, id, generation, at, address):
            yield Statement(
                "update device set generation = generation + 1, seen_at = ?, address = ?"
                " where subject = ? and id = ? and generation = ?",
                (at, address, subject, id, generation),
                Stale,
            )
        case Forget(subject, None):
            yield Statement("delete from device where subject = ?", (subject,))
        case Forget(subject, id):
            yield Statement("delete from device where subject = ? and id = ?", (subject, id))


def _authenticator(effect: Bind | Amend | Unbind | Issue) -> Iterator[Statement]:
    match effect:
        case Bind(new):
            yield Statement(_INSERT_AUTHENTICATOR, rows.from_authenticator(new), Stale)
            yield from _items(new.subject, new.id, new.items)
        case Unbind(subject, id):
            yield Statement(
                "delete from authenticator where subject = ? and id = ?", (subject, id), Stale
            )
            yield _no_items(subject, id)
        case Issue(subject, id, items, None):
            yield Statement(
                "select 1 from authenticator where subject = ? and id = ?", (subject, id), Stale
            )
            yield _no_items(subject, id)
            yield from _items(subject, id, items)
        case Issue(subject, id, items, parameters, seen):
            yield Statement(
                "update authenticator set parameters = ?, mark = mark + 1"
                " where subject = ? and id = ? and mark = ?",
                (rows.from_mapping(parameters or {}), subject, id, seen),
                Stale,
            )
            yield _no_items(subject, id)
            yield from _items(subject, id, items)
        case Amend():
            yield from _amend(effect)


def _amend(effect: Amend) -> Iterator[Statement]:
    where = (effect.subject, effect.authenticator)
    changes: dict[str, Cell] = {
        "label": effect.label,
        "preferred": None if effect.preferred is None else int(effect.preferred),
        "state": None if effect.state is None else int(effect.state),
        "sealed": effect.sealed,
        "parameters": None if effect.parameters is None else rows.from_mapping(effect.parameters),
    }
    given = {column: cell for column, cell in changes.items() if cell is not None}
    # Setting the key to itself makes an amendment without changes refuse a missing row, too.
    wanted = ", ".join(["id = id", *(f"{column} = ?" for column in given)])
    yield Statement(
        f"update authenticator set {wanted} where subject = ? and id = ?",
        (*given.values(), *where),
        Stale,
    )
    if effect.preferred:
        yield Statement(
            "update authenticator set preferred = 0"
            " where subject = ? and id <> ? and preferred <> 0",
            where,
        )


def _no_items(subject: SubjectId, authenticator: AuthenticatorId) -> Statement:
    return Statement(
        "delete from item where subject = ? and authenticator = ?", (subject, authenticator)
    )


def _items(
    subject: SubjectId, authenticator: AuthenticatorId, items: tuple[Item, ...]
) -> Iterator[Statement]:
    for cells in rows.from_items(subject, authenticator, items):
        yield Statement(_INSERT_ITEM, cells)


def _message(effect: Send | Lease | Settle) -> Iterator[Statement]:
    match effect:
        case Send():
            yield _no_message(effect.subject, effect.id)
            yield Statement(_INSERT_MESSAGE, (*rows.from_message(effect), 0, 0))
        case Lease(subject, id, tries, until, at):
            yield Statement(
                "update outbox set lease_until = ?, tries = tries + 1"
                " where subject = ? and id = ? and tries = ? and lease_until <= ?",
                (until, subject, id, tries, at),
                Stale,
            )
        case Settle(subject, id, None):
            yield _no_message(subject, id)
        case Settle(subject, id, due_at):
            yield Statement(
                "delete from outbox where subject = ? and id = ? and due_at = ?",
                (subject, id, due_at),
            )


def _no_message(subject: SubjectId, message: str) -> Statement:
    return Statement("delete from outbox where subject = ? and id = ?", (subject, message))


def _subject(effect: PutSubject | RemoveSubject) -> Iterator[Statement]:
    match effect:
        case PutSubject(subject, seen):
            claimed = claims(subject)
            cells = (*rows.from_subject(subject), *rows.folded(subject))
            if seen is None:
                yield Statement(_INSERT_SUBJECT, cells, Stale)
            else:
                yield _replacing(subject, cells, seen)
            yield _disclaim(subject.id)
            for claim in claimed:
                values = (subject.realm, claim, subject.id)
                yield Statement(_INSERT_IDENTIFIER, values, Taken)
        case RemoveSubject(id):
            yield Statement("delete from subject where id = ?", (id,), Stale)
            yield _disclaim(id)
            for table in ("authenticator", "item", "guess", "session", "device", "outbox"):
                yield Statement(f"delete from {table} where subject = ?", (id,))


def _replacing(subject: Subject, cells: tuple[Cell, ...], seen: int) -> Statement:
    columns = f"{rows.SUBJECT}, {rows.FOLDED}".split(", ")
    wanted = ", ".join(f"{column} = ?" for column in columns)
    return Statement(
        f"update subject set {wanted} where id = ? and realm = ? and epoch = ?",
        (*cells, subject.id, subject.realm, seen),
        Stale,
    )


def _disclaim(subject: SubjectId) -> Statement:
    return Statement("delete from identifier where subject = ?", (subject,))


def _document(effect: PutDocument | RemoveDocument) -> Iterator[Statement]:
    match effect:
        case PutDocument(document) if document.version == 1:
            yield Statement(_INSERT_DOCUMENT, rows.from_document(document), Stale)
        case PutDocument(document):
            realm, kind, name, body, version = rows.from_document(document)
            yield Statement(
                "update document set body = ?, version = ?"
                " where realm = ? and kind = ? and name = ? and version = ?",
                (body, version, realm, kind, name, document.version - 1),
                Stale,
            )
        case RemoveDocument(realm, kind, name):
            yield Statement(
                "delete from document where realm = ? and kind = ? and name = ?",
                (realm, kind, name),
                Stale,
            )


def _sweep(effect: Sweep) -> Iterator[Statement]:
    for table, key, end in _SWEEPS:
        yield Statement(
            f"delete from {table} where ({key}) in (select {key} from {table}"
            # Said twice: a row that was renewed while its lock was waited for must stay.
            f" where {end} < ? order by {end}, {key} limit ?) and {end} < ?",
            (effect.before, effect.limit, effect.before),
        )
