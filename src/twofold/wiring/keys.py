"""Keys and database belong together: made once, remembered by fingerprint, refused as strangers.

A server that starts with another key than its database was used with would sign everybody out,
could open no secret and would seal new ones under a key nobody expects: it does not start.
"""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Final

from twofold.adapters.keyfile import KeyFile
from twofold.core import audit
from twofold.core.effects import PutDocument
from twofold.core.errors import Misconfigured, Stale, Unavailable
from twofold.core.keyring import SECRET_SIZE, Keyring, MasterKey
from twofold.core.types import DEFAULT_REALM, Context, Document
from twofold.ports import Clock, Entropy, Store

DOCUMENT: Final = ("keys", "ring")
"""Kind and name of the document by which a database knows its keys again."""

_ROUNDS: Final = 8


async def fit(store: Store, keys: KeyFile, clock: Clock, entropy: Entropy) -> Keyring:
    """Take the keys of the file, or make the first one; Misconfigured if the database has others.

    Two processes that start at once on one directory end with the same key.
    """
    for _ in range(_ROUNDS):
        # The document first: another process writes its key file before it writes the document.
        document = await store.document(DEFAULT_REALM, *DOCUMENT)
        remembered: dict[str, str] = json.loads(document.body) if document else {}
        if not keys.exists():
            _refuse_loss(keys, remembered)
            keys.create(Keyring((_drawn(clock, entropy),)))
        ring = keys.read()
        _refuse_strangers(keys, ring, remembered)
        try:
            await _remember(store, ring, document, clock, entropy)
        except Stale:
            continue
        return ring
    raise Unavailable("Other processes change the keys all the time.")


async def rotated(store: Store, keys: KeyFile | None, clock: Clock, entropy: Entropy) -> Keyring:
    """Put a new key before the others; running servers take it up within a few seconds."""
    if keys is None:
        raise _in_memory()
    with keys.locked():
        # Read again under the lock: two rotations at once must not lose one of the keys.
        keys.replace(keys.read().with_newest(_drawn(clock, entropy)))
    return await fit(store, keys, clock, entropy)


def ring_of(keys: KeyFile | None) -> Keyring:
    """The keys as the file has them now; Misconfigured where there is no file."""
    if keys is None:
        raise _in_memory()
    return keys.read()


def _in_memory() -> Misconfigured:
    return Misconfigured(("keys: they are in memory only",))


def _drawn(clock: Clock, entropy: Entropy) -> MasterKey:
    return MasterKey.of(entropy.draw(SECRET_SIZE), clock.now())


def _refuse_loss(keys: KeyFile, remembered: dict[str, str]) -> None:
    if remembered:
        ids = ", ".join(remembered)
        raise Misconfigured(
            (f"key file {keys.path}: is missing, but the database needs its keys: {ids}",)
        )


def _refuse_strangers(keys: KeyFile, ring: Keyring, remembered: dict[str, str]) -> None:
    strangers = ring.strangers(remembered)
    if strangers:
        ids = ", ".join(strangers)
        raise Misconfigured(
            (f"key file {keys.path}: does not fit the database, which was used with: {ids}",)
        )


async def _remember(
    store: Store, ring: Keyring, document: Document | None, clock: Clock, entropy: Entropy
) -> None:
    """Note keys the database has not seen, with the record that says so; Stale if overtaken."""
    remembered: dict[str, str] = json.loads(document.body) if document else {}
    ours = ring.fingerprint()
    fresh = [key_id for key_id in ours if key_id not in remembered]
    if not fresh:
        return
    known = document or Document(DEFAULT_REALM, *DOCUMENT, body="", version=0)
    body = json.dumps({**remembered, **ours})
    record = audit.event(
        "keys.rotated" if document else "keys.created",
        clock.now(),
        DEFAULT_REALM,
        None,
        Context(),
        entropy.draw(8),
        by="operator",
        keys=fresh,
    )
    await store.commit(PutDocument(replace(known, body=body, version=known.version + 1)), record)
