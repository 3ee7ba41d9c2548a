"""Tickets: the state of a ceremony, sealed, in the hands of the client it belongs to.

A ticket opens for one purpose, realm and client only (they are its associated data), and
shows nothing to whoever holds it (A37). Whether it is still in time is for its payload to say.
"""

from __future__ import annotations

import functools
import json
from typing import Any, Final

from twofold.core.encoding import framed, from_base64url, to_base64url
from twofold.core.errors import CeremonyExpired, Malformed, Unsealable
from twofold.core.keyring import Keyring
from twofold.core.seal import open_sealed, seal

PREFIX: Final = "t1."

LONGEST_TICKET: Final = 16_384
"""Characters; an enrolment carries a secret and a set of recovery codes. What must fit into
a cookie stays under 4,000."""

_KEY: Final = "ticket"
_encode: Final = json.JSONEncoder(separators=(",", ":"), allow_nan=False).encode
_decode: Final = json.JSONDecoder().raw_decode


def seal_ticket(
    ring: Keyring, purpose: str, realm: str, client: str, payload: Any, nonce: bytes
) -> str:
    """Seal a JSON value; ``nonce`` is 12 random bytes. Malformed if it grows too long."""
    key_id, key = ring.current(_KEY)
    plain = _encode(payload).encode()
    text = PREFIX + to_base64url(seal(key, key_id, nonce, plain, _context(purpose, realm, client)))
    if len(text) > LONGEST_TICKET:
        raise Malformed("The ceremony holds too much to be carried.", field="ticket")
    return text


def open_ticket(ring: Keyring, purpose: str, realm: str, client: str, text: str) -> Any:
    """The payload; CeremonyExpired for anything that is not exactly one of our tickets."""
    # The length first: nothing long is decoded (A127).
    if len(text) > LONGEST_TICKET or not text.startswith(PREFIX):
        raise CeremonyExpired
    box = from_base64url(text[len(PREFIX) :])
    if box is None:
        raise CeremonyExpired
    try:
        plain = open_sealed(ring.keys(_KEY), box, _context(purpose, realm, client))
    except Unsealable:
        raise CeremonyExpired from None
    # Nothing can stand behind the value: nobody but us writes what opens.
    payload, _ = _decode(plain.decode())
    return payload


@functools.lru_cache(maxsize=256)
def _context(purpose: str, realm: str, client: str) -> bytes:
    return framed("ticket", purpose, realm, client)
