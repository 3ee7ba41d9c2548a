"""What happened, in words that stay: the events, their records, and how segments are sealed.

A record is written in the commit it describes. Later a sealer closes segments of records: a
hash per record, an RFC 6962 tree over the hashes in order, the previous segment's hash and a
signature; so that no login waits for a global chain, and yet whoever edits, deletes, adds,
reorders or cuts off a record is found offline and the record is named.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from types import MappingProxyType

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from twofold.core.effects import Record, Seal
from twofold.core.types import Context, Instant, Realm, SubjectId

EVENTS: Mapping[str, str] = MappingProxyType(
    {
        "login.password.accepted": "A right password began a sign-in.",
        "login.password.refused": "A wrong password, or one for an account that may not sign in.",
        "login.code.asked": "A code for a sign-in was put into the outbox.",
        "login.code.accepted": "A right answer of a second factor was spent on a sign-in.",
        "login.code.refused": "A wrong answer of a second factor was counted in a sign-in.",
        "login.code.replayed": "A right answer came a second time in a sign-in.",
        "login.passkey.refused": "A passkey's answer that opens no account was given to sign in.",
        "login.passkey.replayed": "A passkey's right answer came a second time in a sign-in.",
        "login.blocked": "An answer in a sign-in was not judged: the budget of guesses is spent.",
        "login.refused": "A sign-in was refused by policy or by a change of the account.",
        "login.cancelled": "The claimant gave a sign-in up.",
        "login.granted": "A sign-in ended with a session.",
        "stepup.password.accepted": "A right password was given as fresh proof.",
        "stepup.password.refused": "A wrong password was given as fresh proof.",
        "stepup.code.asked": "A code for fresh proof was put into the outbox.",
        "stepup.code.accepted": "A right answer was spent on fresh proof.",
        "stepup.code.refused": "A wrong answer was counted while fresh proof was asked for.",
        "stepup.code.replayed": "A right answer came a second time as fresh proof.",
        "stepup.blocked": "An answer was not judged as fresh proof: the budget is spent.",
        "stepup.refused": "Fresh proof was refused by policy or by a change of the account.",
        "stepup.cancelled": "The claimant gave a step-up up.",
        "stepup.granted": "A session was raised by fresh proof.",
        "code.disowned": "The owner of a mailbox said that a mailed code was not asked for.",
        "verify.asked": "An application had a code sent to a subject.",
        "verify.accepted": "An application had a right answer verified and spent.",
        "verify.refused": "An application had a wrong answer verified and counted.",
        "verify.replayed": "An application had a right answer verified a second time.",
        "verify.blocked": "An answer was not judged for an application: the budget is spent.",
        "enrol.begun": "The set-up of a factor began; nothing is bound yet.",
        "enrol.asked": "A code that confirms a set-up was put into the outbox.",
        "enrol.confirmed": "A factor was bound after a right answer.",
        "enrol.refused": "A wrong answer was given to confirm a set-up.",
        "enrol.replayed": "A right answer came a second time to confirm a set-up.",
        "enrol.blocked": "An answer was not judged in a set-up: the budget is spent.",
        "enrol.cancelled": "The claimant gave a set-up up.",
        "enrol.declined": "The claimant chose not to set a factor up where it may be skipped.",
        "factor.imported": "An administrator bound a factor with a secret from elsewhere.",
        "factor.removed": "A factor was removed by its owner.",
        "factor.renamed": "A factor was given another label.",
        "factor.preferred": "A factor became the one that is asked for first.",
        "factor.counter.regressed": "A passkey's counter did not rise: there may be a copy of it.",
        "factor.closed": "A factor was shut by the absolute limit of wrong guesses.",
        "factor.reset": "An administrator removed the factors of a subject.",
        "recovery.used": "A recovery code was spent.",
        "recovery.refused": "A wrong recovery code was counted.",
        "recovery.renewed": "A new set of recovery codes replaced the old one.",
        "session.refreshed": "A session's tokens were rotated.",
        "session.theft": "A rotated token came back, so its session was ended.",
        "session.closed": "One session was ended.",
        "session.closed.all": "All sessions of a subject, or all but one, were ended.",
        "device.remembered": "A browser is remembered: it is spared the second step of a login.",
        "device.forgotten": "A remembered browser was forgotten.",
        "device.forgotten.all": "All remembered browsers of a subject were forgotten.",
        "device.theft": "An old token of a remembered browser came back, so it was forgotten.",
        "account.registered": "A subject registered itself.",
        "account.registered.again": "Somebody registered with an address that is in use.",
        "account.verification.asked": "A message that verifies an address was queued.",
        "account.verified": "An address was verified by its owner.",
        "account.verification.refused": "A wrong answer was given to verify an address.",
        "account.changed": "An owner changed the data of the account.",
        "account.address.asked": "A message that moves the account to another address was queued.",
        "account.address.changed": "The account moved to another address of its owner.",
        "account.exported": "An owner took a copy of all that is kept of the account.",
        "account.deleted": "An owner deleted the account with all but its records.",
        "account.password.changed": "An owner changed the password.",
        "account.password.refused": "A change of the password was refused.",
        "account.password.reset.asked": "A message that resets a password was queued.",
        "account.password.reset": "A password was reset by the owner of the mailbox.",
        "subject.created": "An administrator created a subject.",
        "subject.changed": "An administrator changed a subject.",
        "subject.disabled": "An administrator shut a subject out.",
        "subject.enabled": "An administrator let a subject in again.",
        "subject.password.set": "An administrator set a subject's password.",
        "subject.deleted": "A subject was deleted with all but its records.",
        "guess.unlocked": "An administrator forgave a subject's wrong guesses.",
        "policy.changed": "The policy of a realm was changed.",
        "theme.changed": "The look of a realm's pages was changed.",
        "document.changed": "A piece of configuration kept in the store was changed.",
        "document.removed": "A piece of configuration kept in the store was removed.",
        "keys.created": "The first master key was made.",
        "keys.rotated": "A new master key became the first of the ring.",
        "message.expired": "A message was dropped undelivered because its content was dead.",
        "message.failed": "A message was given up after too many tries.",
        "access.refused": "Somebody asked for what a rule of the realm denies.",
    }
)
"""Every event that is ever recorded and its meaning; a name never changes its meaning."""

Scalar = str | int
Fact = Scalar | Sequence[Scalar] | None
"""What a record may say: text, whole numbers, truth, lists of them; None is left out."""

TEXT_LIMIT = 256
"""Characters of any text in a record: a claimant's user agent may be as long as it likes."""

_canonical = json.JSONEncoder(
    sort_keys=True, separators=(",", ":"), ensure_ascii=True, check_circular=False
).encode
_text = json.encoder.encode_basestring_ascii
"""A string as the same encoder writes it."""

# One prefix per kind of hash and signature: none can be passed off as another (RFC 6962 2.1).
_LEAF = b"\x00twofold audit record\n"
_NODE = b"\x01"
_SEGMENT = b"\x02twofold audit segment\n"
_SIGNED = b"twofold audit segment\n"

_OWN = frozenset({"address", "agent", "by", "client", "request"})
_SECRETIVE = re.compile(
    r"answer|bearer|code|cookie|nonce|otp|passw|(^|_)pin(_|$)|secret|seed|ticket|token"
)
_SEED_SIZE = 8


def event(
    name: str,
    now: Instant,
    realm: Realm,
    subject: SubjectId | None,
    context: Context,
    seed: bytes,
    /,
    *,
    by: str = "",
    **facts: Fact,
) -> Record:
    """The record of an event, to be committed together with what it describes.

    ``seed`` are 8 random bytes, the record's id. ``by`` names who acted when that is not the
    subject itself: an administrator's subject id, or a word such as ``operator``. The facts
    are the caller's; an unknown event, or a fact whose name sounds like a secret, is a
    ValueError, a value of another kind a TypeError: both are faults of the caller's text.
    """
    if name not in EVENTS or len(seed) != _SEED_SIZE:
        raise ValueError(name)
    body: dict[str, Fact] = {}
    if by:
        body["by"] = by
    if context.address:
        body["address"] = context.address
    if context.agent:
        body["agent"] = context.agent[:TEXT_LIMIT]
    if context.client:
        body["client"] = context.client[:TEXT_LIMIT]
    if context.request:
        body["request"] = context.request[:TEXT_LIMIT]
    _allow(tuple(facts))
    for fact, value in facts.items():
        if value is not None:
            body[fact] = value[:TEXT_LIMIT] if type(value) is str else _plain(value)
    return Record(realm, subject, seed.hex(), now, name, _canonical(body))


@lru_cache(maxsize=512)
def _allow(facts: tuple[str, ...]) -> None:
    """Refuse names that sound like a secret or that would hide what the context says (A81)."""
    for fact in facts:
        if fact in _OWN or _SECRETIVE.search(fact):
            raise ValueError(fact)


def _plain(value: Fact) -> Fact:
    """The value as JSON will hold it, if it is of a kind that a record may hold."""
    if isinstance(value, list | tuple):
        return [item[:TEXT_LIMIT] if type(item) is str else _scalar(item) for item in value]
    return _scalar(value)


def _scalar(value: object) -> Scalar:
    match value:
        case str():
            return value[:TEXT_LIMIT]
        case int():
            return value
        case _:
            raise TypeError(type(value).__name__)


def leaf(record: Record) -> bytes:
    """The hash that stands for a record: all of it, and nothing of where it is kept."""
    subject = "null" if record.subject is None else _text(record.subject)
    # The canonical JSON of a list, written by hand: every record comes by here.
    text = (
        f"[{_text(record.id)},{_text(record.realm)},{subject},{record.at},"
        f"{_text(record.event)},{_text(record.body)}]"
    )
    return hashlib.sha256(_LEAF + text.encode()).digest()


def merkle(leaves: Sequence[bytes]) -> bytes:
    """The root of RFC 6962 section 2.1 over hashes in order, its leaves hashed already."""
    level = list(leaves)
    if not level:
        return hashlib.sha256(b"").digest()
    while len(level) > 1:
        pairs = zip(level[::2], level[1::2], strict=False)
        above = [hashlib.sha256(_NODE + left + right).digest() for left, right in pairs]
        level = above + level[len(level) // 2 * 2 :]
    return level[0]


@dataclass(frozen=True, slots=True)
class Segment:
    """A closed run of records, as its body says; nothing is believed before it is checked."""

    number: int
    at: int
    upto: int
    """Signed too: raised, it would keep later records from ever being sealed."""
    ids: tuple[str, ...]
    leaves: tuple[str, ...]
    """Hexadecimal, one per record, in the same order."""
    root: str
    previous: str
    """The digest of the segment before; empty for the first."""
    kid: str
    signature: str = ""

    def body(self) -> str:
        """The canonical JSON that is kept; without a signature, what is signed."""
        fields: dict[str, object] = {
            "at": self.at,
            "count": len(self.ids),
            "ids": self.ids,
            "kid": self.kid,
            "leaves": self.leaves,
            "number": self.number,
            "previous": self.previous,
            "root": self.root,
            "upto": self.upto,
            "v": 1,
        }
        if self.signature:
            fields["signature"] = self.signature
        return _canonical(fields)

    def signed(self) -> bytes:
        """The bytes that the signature covers."""
        return _SIGNED + replace(self, signature="").body().encode()


def digest(body: str) -> str:
    """The hash by which the next segment and the head name a segment's body."""
    return hashlib.sha256(_SEGMENT + body.encode()).hexdigest()


def close(
    records: Sequence[Record], upto: int, last: Seal | None, at: Instant, key: tuple[bytes, bytes]
) -> Seal:
    """Close a segment over records in commit order, after ``last``.

    ``upto`` is the store's position of the last of them; ``key`` is a key id and the 32 bytes
    derived for ``audit-sign``.
    """
    key_id, seed = key
    leaves = [leaf(record) for record in records]
    segment = Segment(
        number=last.number + 1 if last else 1,
        at=at,
        upto=upto,
        ids=tuple(record.id for record in records),
        leaves=tuple(value.hex() for value in leaves),
        root=merkle(leaves).hex(),
        previous=digest(last.body) if last else "",
        kid=key_id.hex(),
    )
    signature = Ed25519PrivateKey.from_private_bytes(seed).sign(segment.signed()).hex()
    return Seal(segment.number, at, upto, replace(segment, signature=signature).body())


def public_keys(pairs: Iterable[tuple[bytes, bytes]]) -> dict[str, bytes]:
    """What others need to check our signatures: 32 bytes by key id in hexadecimal.

    ``pairs`` are what the key ring derives for ``audit-sign``.
    """
    return {
        key_id.hex(): Ed25519PrivateKey.from_private_bytes(seed).public_key().public_bytes_raw()
        for key_id, seed in pairs
    }


def is_signed(segment: Segment, keys: Mapping[str, bytes]) -> bool:
    """Whether one of the public keys, by key id, made the segment's signature."""
    raw = keys.get(segment.kid)
    if raw is None:
        return False
    try:
        signature = bytes.fromhex(segment.signature)
        Ed25519PublicKey.from_public_bytes(raw).verify(signature, segment.signed())
    except (InvalidSignature, ValueError):
        return False
    return True
