"""Codes that people read and type: drawn without bias, forgiving to read, kept as MACs."""

from __future__ import annotations

import functools
import hashlib
import hmac
import itertools
from collections.abc import Iterator
from typing import Final

from twofold.core.encoding import framed
from twofold.core.errors import Malformed

DIGITS: Final = "0123456789"

RECOVERY_ALPHABET: Final = "0123456789abcdefghjkmnpqrstvwxyz"
"""Crockford's 32: no i, l, o or u; five bits a letter."""

LEAST_SEED: Final = 16
"""Bytes of seed that any drawing needs; one seed is stretched as far as it must go."""

_BLOCK: Final = 64
_LONGEST_ANSWER: Final = 256
_MOST_CODES: Final = 1_000
_LONGEST_CODE: Final = 128
_TWINS: Final = ("o0", "il1")
_BYTE: Final = 256


def expand(seed: bytes, label: str, size: int) -> bytes:
    """``size`` bytes for one use, from a seed that serves several (SHAKE256).

    Different labels give independent bytes; ValueError below LEAST_SEED bytes of seed.
    """
    if len(seed) < LEAST_SEED:
        raise ValueError("too little seed")
    return hashlib.shake_256(framed(label, seed)).digest(size)


def letters(seed: bytes, size: int, alphabet: str) -> str:
    """``size`` letters, each of the alphabet equally likely."""
    return "".join(itertools.islice(_drawn(seed, alphabet), size))


def digits(seed: bytes, size: int) -> str:
    """``size`` decimal digits, each equally likely."""
    return letters(seed, size, DIGITS)


def recovery_codes(
    seed: bytes,
    count: int,
    length: int,
    alphabet: str = RECOVERY_ALPHABET,
    *,
    group: int = 4,
) -> tuple[str, ...]:
    """``count`` different codes of ``length`` letters, with a dash after each ``group``.

    ``group`` 0 writes them in one piece. What is kept is the hash of ``canonical(code)``.
    """
    if not 0 < count <= _MOST_CODES:
        raise Malformed("There are 1 to 1000 recovery codes.", field="count")
    if not 0 < length <= _LONGEST_CODE or len(alphabet) ** length < count:
        raise Malformed("A recovery code has 1 to 128 letters, enough to differ.", field="length")
    source = _drawn(seed, alphabet)
    drawn: dict[str, None] = {}
    while len(drawn) < count:
        drawn["".join(itertools.islice(source, length))] = None
    return tuple(grouped(code, group) for code in drawn)


def grouped(code: str, size: int = 4) -> str:
    """The code with a dash after each ``size`` letters; 0 leaves it whole."""
    if size == 0:
        return code
    return "-".join(code[start : start + size] for start in range(0, len(code), size))


def canonical(code: object, alphabet: str = RECOVERY_ALPHABET) -> str | None:
    """The one spelling of a typed code; None when it cannot be of this alphabet.

    Blanks and dashes go; case goes where the alphabet has one case; o/0 and i/l/1 go where
    only one of them exists. ASCII only: ``upper`` makes S of U+017F (section T of ATTACKS).
    """
    if not isinstance(code, str) or len(code) > _LONGEST_ANSWER or not code.isascii():
        return None
    bare = code.replace(" ", "").replace("-", "").translate(_reading(alphabet))
    return bare if bare and set(bare) <= set(alphabet) else None


def mac(key: bytes, *parts: str | bytes) -> str:
    """How a code sent out of band is recognised: bound to every part, 64 hex digits.

    Give the subject, the authenticator, the ceremony and the code, so that a code answers
    only where it was asked for (A13) and a stolen database shows none (A89).
    """
    return hmac.digest(key, framed(*parts), "sha256").hex()


def _drawn(seed: bytes, alphabet: str) -> Iterator[str]:
    """Letters without end; bytes past the last whole multiple are skipped (A149)."""
    size = len(alphabet)
    if not 1 < size <= _BYTE or len(set(alphabet)) != size:
        raise ValueError("an alphabet has 2 to 256 different letters")
    fair = _BYTE - _BYTE % size
    block = 0
    while True:
        for byte in expand(seed, f"letters:{alphabet}:{block}", _BLOCK):
            if byte < fair:
                yield alphabet[byte % size]
        block += 1


@functools.lru_cache(maxsize=16)
def _reading(alphabet: str) -> dict[int, str]:
    """What to read for a letter that is not in the alphabet; empty where case matters."""
    if alphabet not in (alphabet.lower(), alphabet.upper()):
        return {}
    table = {ord(case(letter)): letter for letter in alphabet for case in (str.lower, str.upper)}
    for twins in _TWINS:
        present = [letter for letter in alphabet if letter.lower() in twins]
        if len(present) == 1:
            table |= dict.fromkeys(map(ord, twins + twins.upper()), present[0])
    return table
