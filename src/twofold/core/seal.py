"""Secrets at rest and in tickets: AES-256-GCM, the only door to an AEAD in core.

A box is ``version ‖ key id ‖ nonce ‖ ciphertext ‖ tag``. What it belongs to is its associated
data, so that a box moved to another row, column, table or realm does not open (A89).
One key must not seal more than 2**32 boxes with random nonces (SP 800-38D section 8.3):
rotate long before.
"""

from __future__ import annotations

import functools
from collections.abc import Mapping
from typing import Final

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from twofold.core.encoding import framed
from twofold.core.errors import Unsealable

KEY_SIZE: Final = 32
KEY_ID_SIZE: Final = 4
NONCE_SIZE: Final = 12

_VERSION: Final = b"\x01"
_NONCE_AT: Final = len(_VERSION) + KEY_ID_SIZE
_TEXT_AT: Final = _NONCE_AT + NONCE_SIZE
_TAG_SIZE: Final = 16


def seal(key: bytes, key_id: bytes, nonce: bytes, plain: bytes, context: bytes) -> bytes:
    """Encrypt and bind to a context; the nonce is 12 random bytes, never used twice."""
    if len(key) != KEY_SIZE or len(key_id) != KEY_ID_SIZE or len(nonce) != NONCE_SIZE:
        raise ValueError("key, key id or nonce of a wrong size")
    return _VERSION + key_id + nonce + _cipher(key).encrypt(nonce, plain, context)


def open_sealed(keys: Mapping[bytes, bytes], box: bytes, context: bytes) -> bytes:
    """Decrypt what was sealed in this very context; ``keys`` are by key id.

    Raises Unsealable for an unknown key as for a single altered bit.
    """
    key = keys.get(key_id_of(box))
    if key is None:
        raise Unsealable("The key of a stored secret is not in the key ring.")
    try:
        return _cipher(key).decrypt(box[_NONCE_AT:_TEXT_AT], box[_TEXT_AT:], context)
    except InvalidTag:
        raise Unsealable("A stored secret was altered or moved.") from None


def key_id_of(box: bytes) -> bytes:
    """Which key sealed it, 4 bytes; Unsealable for what is no box of ours."""
    if len(box) < _TEXT_AT + _TAG_SIZE or not box.startswith(_VERSION):
        raise Unsealable("A stored secret is not of a known form.")
    return box[len(_VERSION) : _NONCE_AT]


def row_context(realm: str, table: str, column: str, *row: str) -> bytes:
    """The associated data of one cell; no two cells share theirs."""
    return _column(realm, table, column) + framed(*row)


@functools.lru_cache(maxsize=256)
def _column(realm: str, table: str, column: str) -> bytes:
    return framed("row", realm, table, column)


@functools.lru_cache(maxsize=64)
def _cipher(key: bytes) -> AESGCM:
    # Making one costs more than using it; bounded, so that retired keys leave memory.
    return AESGCM(key)
