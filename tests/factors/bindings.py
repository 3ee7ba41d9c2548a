"""What the tests of factors share: a subject, and what engine and store do around a factor."""

import hashlib
from dataclasses import replace

from twofold.core.effects import Advance, Burn
from twofold.core.types import (
    DEFAULT_REALM,
    SECOND,
    Authenticator,
    AuthenticatorId,
    Instant,
    Subject,
    SubjectId,
)
from twofold.factors import Held, Wish

NOW = Instant(1_800_000_000 * SECOND)
CEREMONY = "login.0123456789abcdef"
MAC_KEY = hashlib.sha256(b"a key for codes").digest()
ALICE = Subject(
    DEFAULT_REALM,
    SubjectId("a" * 32),
    "alice",
    NOW,
    email="jane@example.com",
    phone="+4930123456",
)
BOB = replace(ALICE, id=SubjectId("b" * 32), name="bob", email="bob@example.org")
NOBODYS_WISH = Wish()


def seed(number=0):
    """128 bytes, as the engine draws them; others for every number."""
    return hashlib.shake_256(f"seed {number}".encode()).digest(128)


def later(seconds, since=NOW):
    return Instant(since + int(seconds * SECOND))


def authenticator(kind, bound, subject=ALICE, number=1):
    return Authenticator(
        AuthenticatorId(f"{number:016x}"),
        subject.id,
        subject.realm,
        kind,
        NOW,
        parameters=bound.parameters,
        items=bound.items,
    )


def bind(factor, wish=NOBODYS_WISH, *, subject=ALICE, number=1):
    """The authenticator as it is held once it was bound, and what its owner was shown."""
    bound = factor.bind(subject, wish, seed(number), NOW)
    row = authenticator(factor.kind, bound, subject, number)
    return Held(row, bound.secret, mac_keys=(MAC_KEY,)), bound.reveal


def issue(held, asked):
    """What the store keeps when the engine commits what a factor asked."""
    changes = {}
    if asked.items is not None:
        changes["items"] = asked.items
    if asked.parameters is not None:
        changes["parameters"] = asked.parameters
    return replace(held, authenticator=replace(held.authenticator, **changes))


def spend(held, proof):
    """What the store keeps when the engine commits a proof."""
    row = held.authenticator
    match proof.spend:
        case Advance(mark=mark):
            row = replace(row, mark=mark)
        case Burn(item=key):
            row = replace(row, items=tuple(item for item in row.items if item.key != key))
    if proof.parameters is not None:
        row = replace(row, parameters=proof.parameters)
    return replace(held, authenticator=row, secret=proof.renew or held.secret)
