"""What a new password must be: long enough and not to be guessed first (SP 800-63B 3.1.1.2).

No composition rules: length and a block list do more and annoy less. The list is handed in.
"""

from __future__ import annotations

import hashlib
import itertools
import re
import unicodedata
from collections.abc import Collection, Iterable
from typing import Final

from twofold.core.errors import WeakPassword
from twofold.core.phrases import Phrase

LONGEST: Final = 1_024
"""Bytes of UTF-8; nothing longer is ever hashed (A125)."""

WITH_SECOND_FACTOR: Final = 8
ALONE: Final = 15
"""Fewest characters of a password that stands alone, SP 800-63B-4 section 3.1.1.2."""

_DIGEST_SIZE: Final = 6
_SHORTEST_WORD: Final = 4
_FEWEST_BESIDE_WORDS: Final = 5
_LONGEST_UNIT: Final = 3


def encoded(password: object) -> bytes | None:
    """The bytes that are hashed, NFKC as SP 800-63B asks; None for what no password can be."""
    # The count of characters first: a megabyte is not even normalised.
    if not isinstance(password, str) or not 0 < len(password) <= LONGEST:
        return None
    try:
        raw = unicodedata.normalize("NFKC", password).encode()
    except UnicodeEncodeError:
        return None  # a lone surrogate
    return raw if len(raw) <= LONGEST else None


def judge(
    password: object,
    minimum: int,
    context: Iterable[str] = (),
    blocked: Collection[bytes] = frozenset(),
) -> None:
    """Raise WeakPassword for a new password that is too short, too long or easily guessed.

    ``minimum`` counts characters; ``context`` is what an attacker knows of the subject (name,
    address, the site's name); ``blocked`` holds ``digest`` of common passwords.
    """
    raw = encoded(password)
    if raw is None:
        raise WeakPassword(Phrase("A password has at most {most} bytes.", most=LONGEST))
    text = raw.decode()
    if len(text) < minimum:
        raise WeakPassword(Phrase("A password has at least {least} characters.", least=minimum))
    folded = text.casefold()
    unit = _unit(folded)
    if len(unit) <= _LONGEST_UNIT or _is_run(folded):
        raise WeakPassword("This password only repeats or counts.")
    if digest(folded) in blocked or digest(unit) in blocked:
        raise WeakPassword("This password is among the first that are tried.")
    if len(_without_words(folded, context)) < _FEWEST_BESIDE_WORDS:
        raise WeakPassword("This password is little more than your name or address.")


def digest(password: str) -> bytes:
    """How the block list knows a password, whatever its case: 6 bytes of SHA-256."""
    return hashlib.sha256(password.casefold().encode()).digest()[:_DIGEST_SIZE]


def _unit(text: str) -> str:
    """The shortest text whose repetition it is; itself if it is none."""
    return text[: (text + text).find(text, 1)]


def _is_run(text: str) -> bool:
    steps = {ord(after) - ord(before) for before, after in itertools.pairwise(text)}
    return steps in ({1}, {-1})


def _without_words(text: str, context: Iterable[str]) -> str:
    words = {
        word
        for given in context
        for word in (given.casefold(), *re.split(r"[\W_]+", given.casefold()))
        if len(word) >= _SHORTEST_WORD
    }
    for word in sorted(words, key=len, reverse=True):
        text = text.replace(word, "")
    return text
