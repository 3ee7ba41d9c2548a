"""What each effect means, over dictionaries of values: the text other stores are measured by."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import TypeVar

from twofold.adapters.stores._claims import claims
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
from twofold.core.errors import Replayed, Stale, Taken
from twofold.core.types import (
    Authenticator,
    AuthenticatorId,
    Device,
    DeviceId,
    Document,
    Instant,
    Item,
    Realm,
    Session,
    SessionId,
    Status,
    Subject,
    SubjectId,
    Tally,
)
from twofold.ports import Queued

_Key = TypeVar("_Key", bound=tuple[SubjectId, str])
_Row = TypeVar("_Row")


@dataclass(frozen=True, slots=True)
class Guesses:
    """A tally and when it may be forgotten."""

    tally: Tally
    keep_until: Instant


@dataclass(slots=True)
class Tables:
    """All rows; values are immutable, so copying the dictionaries copies everything."""

    subjects: dict[SubjectId, Subject] = field(default_factory=dict)
    identifiers: dict[tuple[Realm, str], SubjectId] = field(default_factory=dict)
    authenticators: dict[tuple[SubjectId, AuthenticatorId], Authenticator] = field(
        default_factory=dict
    )
    guesses: dict[tuple[SubjectId, str], Guesses] = field(default_factory=dict)
    sessions: dict[tuple[SubjectId, SessionId], Session] = field(default_factory=dict)
    devices: dict[tuple[SubjectId, DeviceId], Device] = field(default_factory=dict)
    outbox: dict[tuple[SubjectId, str], Queued] = field(default_factory=dict)
    records: list[Record] = field(default_factory=list)
    segments: list[Seal] = field(default_factory=list)
    documents: dict[tuple[Realm, str, str], Document] = field(default_factory=dict)

    def copy(self) -> Tables:
        """Return tables that can be changed without touching these."""
        return Tables(
            self.subjects.copy(),
            self.identifiers.copy(),
            self.authenticators.copy(),
            self.guesses.copy(),
            self.sessions.copy(),
            self.devices.copy(),
            self.outbox.copy(),
            self.records.copy(),
            self.segments.copy(),
            self.documents.copy(),
        )

    def apply(self, effect: Effect) -> None:
        """Do one effect, or raise and leave these tables to be thrown away."""
        match effect:
            case Reusable():
                pass
            case Advance() | Burn():
                self._spend(effect)
            case TakeGuess() | Forgive() | Unguessed():
                self._guess(effect)
            case OpenSession() | CloseSessions() | Rotate() | Touch():
                self._session(effect)
            case Remember() | Renew() | Forget():
                self._device(effect)
            case Bind() | Amend() | Unbind() | Issue():
                self._authenticator(effect)
            case Send() | Lease() | Settle():
                self._message(effect)
            case Unchanged() | PutSubject() | RemoveSubject():
                self._subject(effect)
            case PutDocument() | RemoveDocument():
                self._document(effect)
            case Record() | Seal():
                self._audit(effect)
            case Sweep():
                self._sweep(effect)

    def _spend(self, effect: Advance | Burn) -> None:
        key = (effect.subject, effect.authenticator)
        held = self.authenticators.get(key)
        if held is None:
            raise Replayed
        match effect:
            case Advance(mark=mark):
                if not held.mark < mark:
                    raise Replayed
                self.authenticators[key] = replace(held, mark=mark, used_at=effect.at)
            case Burn(item=wanted):
                left = tuple(i for i in held.items if i.key != wanted or not _alive(i, effect.at))
                if left == held.items:
                    raise Replayed
                self.authenticators[key] = replace(held, items=left, used_at=effect.at)

    def _guess(self, effect: TakeGuess | Forgive | Unguessed) -> None:
        key = (effect.subject, effect.scope)
        stored = self.guesses[key].tally.version if key in self.guesses else 0
        match effect:
            case TakeGuess(tally=tally):
                if stored != tally.version - 1:
                    raise Stale
                self.guesses[key] = Guesses(tally, effect.keep_until)
            case Forgive(seen=seen):
                if stored != seen:
                    raise Stale
                self.guesses.pop(key, None)
            case Unguessed(seen=seen):
                if stored != seen:
                    raise Stale

    def _session(self, effect: OpenSession | CloseSessions | Rotate | Touch) -> None:
        match effect:
            case OpenSession(session):
                if (session.subject, session.id) in self.sessions:
                    raise Replayed
                self.sessions[session.subject, session.id] = session
            case CloseSessions(subject, only, keep):
                for of, id in list(self.sessions):
                    if of == subject and only in (None, id) and id != keep:
                        del self.sessions[of, id]
            case Rotate(subject, id, generation, at):
                row = self.sessions.get((subject, id))
                if row is None or row.generation != generation:
                    raise Stale
                self.sessions[subject, id] = replace(
                    row, generation=generation + 1, rotated_at=at, seen_at=max(row.seen_at, at)
                )
            case Touch(subject, id, at):
                row = self.sessions.get((subject, id))
                if row is not None:
                    self.sessions[subject, id] = replace(row, seen_at=max(row.seen_at, at))

    def _device(self, effect: Remember | Renew | Forget) -> None:
        match effect:
            case Remember(device):
                if (device.subject, device.id) in self.devices:
                    raise Stale
                self.devices[device.subject, device.id] = device
            case Renew(subject, id, generation, at, address):
                row = self.devices.get((subject, id))
                if row is None or row.generation != generation:
                    raise Stale
                self.devices[subject, id] = replace(
                    row, generation=generation + 1, seen_at=at, address=address
                )
            case Forget(subject, only):
                for of, id in list(self.devices):
                    if of == subject and only in (None, id):
                        del self.devices[of, id]

    def _authenticator(self, effect: Bind | Amend | Unbind | Issue) -> None:
        if isinstance(effect, Bind):
            new = effect.authenticator
            if (new.subject, new.id) in self.authenticators:
                raise Stale
            self.authenticators[new.subject, new.id] = replace(new, items=_once(new.items))
            return
        key = (effect.subject, effect.authenticator)
        held = self.authenticators.get(key)
        if held is None:
            raise Stale
        match effect:
            case Unbind():
                del self.authenticators[key]
            case Issue():
                if effect.parameters is not None:
                    if effect.seen != held.mark:
                        raise Stale
                    held = replace(held, parameters=effect.parameters, mark=held.mark + 1)
                self.authenticators[key] = replace(held, items=_once(effect.items))
            case Amend():
                self._amend(effect, held)

    def _amend(self, effect: Amend, held: Authenticator) -> None:
        if effect.preferred:
            for key, other in self.authenticators.items():
                if other.subject == held.subject:
                    self.authenticators[key] = replace(other, preferred=False)
        self.authenticators[held.subject, held.id] = replace(
            held,
            label=held.label if effect.label is None else effect.label,
            preferred=held.preferred if effect.preferred is None else effect.preferred,
            state=held.state if effect.state is None else effect.state,
            sealed=held.sealed if effect.sealed is None else effect.sealed,
            parameters=held.parameters if effect.parameters is None else effect.parameters,
        )

    def _message(self, effect: Send | Lease | Settle) -> None:
        match effect:
            case Send(subject=subject, id=id):
                self.outbox[subject, id] = Queued(effect, tries=0, lease_until=Instant(0))
            case Lease(subject, id, tries, until, at):
                row = self.outbox.get((subject, id))
                if row is None or row.lease_until > at or row.tries != tries:
                    raise Stale
                self.outbox[subject, id] = replace(row, tries=tries + 1, lease_until=until)
            case Settle(subject, id, due_at):
                row = self.outbox.get((subject, id))
                if row is not None and due_at in {None, row.message.due_at}:
                    del self.outbox[subject, id]

    def _subject(self, effect: Unchanged | PutSubject | RemoveSubject) -> None:
        match effect:
            case Unchanged(id, epoch, scopes):
                row = self.subjects.get(id)
                if row is None or row.epoch != epoch or row.status is not Status.ACTIVE:
                    raise Stale
                if any((id, scope) in self.guesses for scope in scopes):
                    raise Stale
            case PutSubject(subject, seen):
                claimed = claims(subject)
                stored = self.subjects.get(subject.id)
                if (stored.epoch if stored else None) != seen:
                    raise Stale
                if stored is not None and stored.realm != subject.realm:
                    raise Stale
                self._disclaim(subject.id)
                for claim in claimed:
                    if (
                        self.identifiers.setdefault((subject.realm, claim), subject.id)
                        != subject.id
                    ):
                        raise Taken
                self.subjects[subject.id] = subject
            case RemoveSubject(id):
                if self.subjects.pop(id, None) is None:
                    raise Stale
                self._disclaim(id)
                _wipe(self.authenticators, id)
                _wipe(self.guesses, id)
                _wipe(self.sessions, id)
                _wipe(self.devices, id)
                _wipe(self.outbox, id)

    def _disclaim(self, subject: SubjectId) -> None:
        for claim, owner in list(self.identifiers.items()):
            if owner == subject:
                del self.identifiers[claim]

    def _document(self, effect: PutDocument | RemoveDocument) -> None:
        match effect:
            case PutDocument(document):
                key = (document.realm, document.kind, document.name)
                stored = self.documents[key].version if key in self.documents else 0
                if stored != document.version - 1:
                    raise Stale
                self.documents[key] = document
            case RemoveDocument(realm, kind, name):
                if self.documents.pop((realm, kind, name), None) is None:
                    raise Stale

    def _audit(self, effect: Record | Seal) -> None:
        match effect:
            case Record():
                self.records.append(effect)
            case Seal(number=number):
                if number != (self.segments[-1].number if self.segments else 0) + 1:
                    raise Stale
                self.segments.append(effect)

    def _sweep(self, effect: Sweep) -> None:
        _drop(self.sessions, lambda session: session.expires_at, effect)
        _drop(self.devices, lambda device: device.trusted_until, effect)
        _drop(self.guesses, lambda row: row.keep_until, effect)
        _drop(self.outbox, lambda row: row.message.expires_at, effect)
        expired = sorted(
            (item.expires_at, key, item.key)
            for key, held in self.authenticators.items()
            for item in held.items
            if item.expires_at is not None and item.expires_at < effect.before
        )
        for _, key, gone in expired[: effect.limit]:
            held = self.authenticators[key]
            left = tuple(item for item in held.items if item.key != gone)
            self.authenticators[key] = replace(held, items=left)


def _alive(item: Item, at: Instant) -> bool:
    return item.expires_at is None or item.expires_at > at


def _once(items: tuple[Item, ...]) -> tuple[Item, ...]:
    """Two items with one key are one item: it could be spent once only."""
    first: dict[str, Item] = {}
    for item in items:
        first.setdefault(item.key, item)
    return tuple(first.values())


def _wipe(table: dict[_Key, _Row], subject: SubjectId) -> None:
    for key in [key for key in table if key[0] == subject]:
        del table[key]


def _drop(table: dict[_Key, _Row], end: Callable[[_Row], Instant], sweep: Sweep) -> None:
    ended = sorted((end(row), key) for key, row in table.items() if end(row) < sweep.before)
    for _, key in ended[: sweep.limit]:
        del table[key]
