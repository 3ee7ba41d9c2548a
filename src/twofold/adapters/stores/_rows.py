"""How values become rows and rows become values, once for every SQL store.

Each table has one tuple of columns, in the order of the value's fields where it can be; flags are
0 and 1, structures are JSON text. Decoded structures are cached where they repeat, because a
session check costs less than parsing JSON.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import Any, TypeAlias

import msgspec

from twofold.core.effects import Record, Seal, Send, TakeGuess
from twofold.core.types import (
    Aal,
    Authenticator,
    Binding,
    Device,
    Document,
    Instant,
    Item,
    Session,
    Status,
    Subject,
)
from twofold.ports import Entry, Queued

Cell: TypeAlias = str | int | bytes | None
Row: TypeAlias = Sequence[Any]
"""What a driver hands over; the decoders below are the only place that trusts its types."""

SUBJECT = (
    "realm, id, name, created_at, email, email_verified, phone, phone_verified,"
    " member_of, admin, status, epoch, attributes, locale"
)
FOLDED = "folded_name, folded_email"
AUTHENTICATOR = (
    "id, subject, realm, kind, created_at, state, label, sealed, parameters, mark, preferred,"
    " used_at"
)
ITEM = "subject, authenticator, key, place, expires_at, ceremony"
TALLY = "subject, scope, version, spent, since, blocked_until, streak, rounds, keep_until"
SESSION = (
    "realm, subject, id, created_at, auth_time, aal, amr, expires_at, idle, seen_at, client,"
    " transport, generation, rotated_at, address, agent, proof, access_life"
)
DEVICE = "realm, subject, id, created_at, seen_at, trusted_until, generation, label, address"
MESSAGE = "realm, subject, id, channel, recipient, template, sealed, due_at, expires_at"
QUEUED = f"{MESSAGE}, tries, lease_until"
RECORD = "realm, subject, id, at, event, body"
ENTRY = f"position, {RECORD}"
SEGMENT = "number, at, upto, body"
DOCUMENT = "realm, kind, name, body, version"

_GATHERED = msgspec.json.Decoder(list[tuple[int, str, Instant | None, str | None]])
_AALS = {int(aal): aal for aal in Aal}
_STATES = {int(state): state for state in Binding}
_STATUSES = {int(status): status for status in Status}


@lru_cache(maxsize=1024)
def from_words(words: tuple[str, ...]) -> str:
    """Write a tuple of strings, of which few different ones exist."""
    return json.dumps(words, separators=(",", ":"))


@lru_cache(maxsize=1024)
def to_words(text: str) -> tuple[str, ...]:
    """Undo from_words."""
    return tuple(json.loads(text))


def from_mapping(mapping: Mapping[str, object]) -> str:
    """Write a JSON object."""
    return json.dumps(dict(mapping), separators=(",", ":")) if mapping else "{}"


def to_mapping(text: str) -> dict[str, Any]:
    """Undo from_mapping; a fresh dictionary each time."""
    return {} if text == "{}" else json.loads(text)


@lru_cache(maxsize=1024)
def _parameters(text: str) -> dict[str, Any]:
    return to_mapping(text)


def from_subject(subject: Subject) -> tuple[Cell, ...]:
    """Cells for the columns of SUBJECT."""
    return (
        subject.realm,
        subject.id,
        subject.name,
        subject.created_at,
        subject.email,
        int(subject.email_verified),
        subject.phone,
        int(subject.phone_verified),
        from_words(subject.groups),
        int(subject.admin),
        int(subject.status),
        subject.epoch,
        from_mapping(subject.attributes),
        subject.locale,
    )


def folded(subject: Subject) -> tuple[str, str]:
    """Cells for the columns of FOLDED: what a search looks into."""
    return subject.name.casefold(), (subject.email or "").casefold()


def to_subject(row: Row) -> Subject:
    """Undo from_subject."""
    return Subject(
        row[0],
        row[1],
        row[2],
        row[3],
        row[4],
        row[5] != 0,
        row[6],
        row[7] != 0,
        to_words(row[8]),
        row[9] != 0,
        _STATUSES[row[10]],
        row[11],
        to_mapping(row[12]),
        row[13],
    )


def from_authenticator(authenticator: Authenticator) -> tuple[Cell, ...]:
    """Cells for the columns of AUTHENTICATOR; items are rows of their own."""
    return (
        authenticator.id,
        authenticator.subject,
        authenticator.realm,
        authenticator.kind,
        authenticator.created_at,
        int(authenticator.state),
        authenticator.label,
        authenticator.sealed,
        from_mapping(authenticator.parameters),
        authenticator.mark,
        int(authenticator.preferred),
        authenticator.used_at,
    )


def to_authenticator(row: Row, items: tuple[Item, ...]) -> Authenticator:
    """Undo from_authenticator."""
    return Authenticator(
        row[0],
        row[1],
        row[2],
        row[3],
        row[4],
        _STATES[row[5]],
        row[6],
        row[7],
        _parameters(row[8]).copy(),
        row[9],
        row[10] != 0,
        row[11],
        items,
    )


def from_items(subject: str, authenticator: str, items: tuple[Item, ...]) -> list[tuple[Cell, ...]]:
    """Cells for the columns of ITEM, one row each, in order."""
    return [
        (subject, authenticator, item.key, place, item.expires_at, item.ceremony)
        for place, item in enumerate(items)
    ]


def to_items(gathered: str) -> tuple[Item, ...]:
    """Decode one authenticator's items, gathered as JSON arrays that begin with the place."""
    items = _GATHERED.decode(gathered)
    items.sort()
    return tuple([Item(key, expires_at, ceremony) for _, key, expires_at, ceremony in items])


def from_guess(effect: TakeGuess) -> tuple[Cell, ...]:
    """Cells for the columns of TALLY."""
    tally = effect.tally
    return (
        effect.subject,
        effect.scope,
        tally.version,
        tally.spent,
        tally.since,
        tally.blocked_until,
        tally.streak,
        tally.rounds,
        effect.keep_until,
    )


def from_session(session: Session) -> tuple[Cell, ...]:
    """Cells for the columns of SESSION."""
    return (
        session.realm,
        session.subject,
        session.id,
        session.created_at,
        session.auth_time,
        int(session.aal),
        from_words(session.amr),
        session.expires_at,
        session.idle,
        session.seen_at,
        session.client,
        session.transport,
        session.generation,
        session.rotated_at,
        session.address,
        session.agent,
        session.proof,
        session.access_life,
    )


def to_session(row: Row) -> Session:
    """Undo from_session."""
    return Session(
        row[0],
        row[1],
        row[2],
        row[3],
        row[4],
        _AALS[row[5]],
        to_words(row[6]),
        *row[7:18],
    )


def from_device(device: Device) -> tuple[Cell, ...]:
    """Cells for the columns of DEVICE."""
    return (
        device.realm,
        device.subject,
        device.id,
        device.created_at,
        device.seen_at,
        device.trusted_until,
        device.generation,
        device.label,
        device.address,
    )


def to_device(row: Row) -> Device:
    """Undo from_device."""
    return Device(*row[:9])


def by_age(row: Row) -> tuple[int, str]:
    """Sort rows of authenticators as a view has them."""
    return row[4], row[0]


def by_newest(device: Device) -> tuple[int, str]:
    """Sort remembered browsers as a view has them."""
    return -device.created_at, device.id


def from_message(message: Send) -> tuple[Cell, ...]:
    """Cells for the columns of MESSAGE."""
    return (
        message.realm,
        message.subject,
        message.id,
        message.channel,
        message.to,
        message.template,
        message.sealed,
        message.due_at,
        message.expires_at,
    )


def to_queued(row: Row) -> Queued:
    """Decode the columns of QUEUED."""
    return Queued(Send(*row[:9]), row[9], row[10])


def from_record(record: Record) -> tuple[Cell, ...]:
    """Cells for the columns of RECORD."""
    return (
        record.realm,
        record.subject,
        record.id,
        record.at,
        record.event,
        record.body,
    )


def to_entry(row: Row) -> Entry:
    """Decode the columns of ENTRY."""
    return Entry(row[0], Record(*row[1:]))


def to_segment(row: Row) -> Seal:
    """Decode the columns of SEGMENT."""
    return Seal(*row)


def to_document(row: Row) -> Document:
    """Decode the columns of DOCUMENT."""
    return Document(*row[:5])


def from_document(document: Document) -> tuple[str, str, str, str, int]:
    """Cells for the columns of DOCUMENT."""
    return (document.realm, document.kind, document.name, document.body, document.version)
