"""Session tokens: opaque, not stored, and checked before the store is asked.

A token is ``prefix ‖ base64url(key id ‖ kind ‖ subject ‖ session ‖ generation ‖ tag)``: it names
the row whose generation and times decide, and its tag keeps guesses away from the store.
The realm is part of what is tagged and not of what is sent.
"""

from __future__ import annotations

import hmac
import struct
from dataclasses import dataclass
from typing import Final, Literal

from twofold.core.encoding import from_base64url, to_base64url
from twofold.core.errors import InvalidToken
from twofold.core.keyring import Keyring
from twofold.core.mac import mac
from twofold.core.types import SessionId, SubjectId
from twofold.core.values import quick

Kind = Literal["access", "refresh", "session", "device", "known"]
"""``session`` is the cookie's; each works in its own place only (I4). See core.browsers for
``device`` and ``known``."""

PREFIXES: Final[dict[Kind, str]] = {
    "access": "a1.",
    "refresh": "r1.",
    "session": "s1.",
    "device": "d1.",
    "known": "k1.",
}

_KINDS: Final[dict[Kind, int]] = {
    "access": 1,
    "refresh": 2,
    "session": 3,
    "device": 4,
    "known": 5,
}
_HEAD: Final = struct.Struct(">4sB16s16sI")
_TAG_SIZE: Final = 16
LENGTH: Final = 3 + (_HEAD.size + _TAG_SIZE) * 4 // 3
_ID_SIZE: Final = 16


@quick
@dataclass(frozen=True, slots=True)
class Claims:
    """What a token says; true only if the session's row agrees."""

    subject: SubjectId
    session: SessionId
    generation: int


def mint(
    ring: Keyring, kind: Kind, realm: str, subject: SubjectId, session: SessionId, generation: int
) -> str:
    """The token of a session's generation; the same arguments give the same token."""
    key_id, key = ring.current("token")
    subject_raw, session_raw = bytes.fromhex(subject), bytes.fromhex(session)
    if len(subject_raw) != _ID_SIZE or len(session_raw) != _ID_SIZE:
        raise ValueError("an id has 32 hexadecimal digits")
    head = _HEAD.pack(key_id, _KINDS[kind], subject_raw, session_raw, generation)
    return PREFIXES[kind] + to_base64url(head + _tag(key, head, realm))


def read(ring: Keyring, kind: Kind, realm: str, text: str) -> Claims:
    """What a token of this kind and realm says; InvalidToken for everything else."""
    if len(text) != LENGTH or not text.startswith(PREFIXES[kind]):
        raise InvalidToken
    raw = from_base64url(text[3:])
    if raw is None:
        raise InvalidToken
    head = raw[: _HEAD.size]
    key_id, number, subject, session, generation = _HEAD.unpack(head)
    key = ring.find("token", key_id)
    if key is None or not hmac.compare_digest(_tag(key, head, realm), raw[_HEAD.size :]):
        raise InvalidToken
    # The prefix is outside the tag; the kind inside decides (A31).
    if number != _KINDS[kind]:
        raise InvalidToken
    return Claims(SubjectId(subject.hex()), SessionId(session.hex()), generation)


def _tag(key: bytes, head: bytes, realm: str) -> bytes:
    # The head has a fixed size, so head and realm cannot be cut differently.
    return mac(key, head + realm.encode())[:_TAG_SIZE]
