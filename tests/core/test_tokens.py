"""Tokens work for their kind and realm, whole and unaltered."""

import hashlib
import struct

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from twofold.core.encoding import from_base64url, to_base64url
from twofold.core.errors import InvalidToken
from twofold.core.keyring import Keyring, MasterKey
from twofold.core.tokens import PREFIXES, Claims, mint, read
from twofold.core.types import Instant


def ring_of(*numbers):
    return Keyring(
        tuple(
            MasterKey.of(hashlib.sha256(b"token %d" % number).digest(), Instant(number))
            for number in numbers
        )
    )


RING = ring_of(1)
SUBJECT, SESSION = "0123456789abcdef" * 2, "fedcba9876543210" * 2
TOKEN = mint(RING, "access", "default", SUBJECT, SESSION, 7)

kinds = st.sampled_from(sorted(PREFIXES))
ids = st.binary(min_size=16, max_size=16).map(bytes.hex)


@given(kinds, st.text(max_size=10), ids, ids, st.integers(0, 2**32 - 1))
def test_a_token_says_what_it_was_minted_for(kind, realm, subject, session, generation):
    text = mint(RING, kind, realm, subject, session, generation)
    assert len(text) == 79
    assert read(RING, kind, realm, text) == Claims(subject, session, generation)
    assert text == mint(RING, kind, realm, subject, session, generation)


@pytest.mark.parametrize("kind", sorted(PREFIXES))
@pytest.mark.parametrize("place", sorted(PREFIXES))
@pytest.mark.parametrize("prefix", sorted(PREFIXES))
def test_a_token_of_one_kind_is_nothing_in_another_place(kind, place, prefix):
    """Not even with the other kind's prefix in front of it (A31)."""
    text = PREFIXES[prefix] + mint(RING, kind, "default", SUBJECT, SESSION, 0)[3:]
    if kind == place == prefix:
        assert read(RING, place, "default", text).session == SESSION
    else:
        with pytest.raises(InvalidToken):
            read(RING, place, "default", text)


@given(st.text(max_size=8), st.text(max_size=8))
def test_a_token_of_one_realm_is_nothing_in_another(here, there):
    assume(here != there)
    with pytest.raises(InvalidToken):
        read(RING, "access", there, mint(RING, "access", here, SUBJECT, SESSION, 0))


@pytest.mark.parametrize("place", range(len(TOKEN)))
def test_any_altered_letter_is_noticed(place):
    for letter in "AQgwz-_.=+/ \n":
        altered = TOKEN[:place] + letter + TOKEN[place + 1 :]
        if altered != TOKEN:
            with pytest.raises(InvalidToken):
                read(RING, "access", "default", altered)


@pytest.mark.parametrize("bit", range(57 * 8))
def test_any_altered_bit_is_noticed(bit):
    raw = bytearray(from_base64url(TOKEN[3:]))
    raw[bit // 8] ^= 1 << bit % 8
    with pytest.raises(InvalidToken):
        read(RING, "access", "default", "a1." + to_base64url(bytes(raw)))


@pytest.mark.parametrize(
    "text",
    ["", "a1.", TOKEN[3:], TOKEN[:-1], TOKEN + "A", TOKEN + "=", TOKEN + "\n", " " + TOKEN,
     TOKEN.upper(), TOKEN[:-1] + "é", TOKEN[:-1] + "\ud800", "A1." + TOKEN[3:], TOKEN[:40] * 2,
     "a1." + "A" * 76, "a1." + "A" * 10_000_000, "Bearer " + TOKEN],
    ids=range(16),
)  # fmt: skip
def test_what_is_not_exactly_a_token_is_none(text):
    with pytest.raises(InvalidToken):
        read(RING, "access", "default", text)


def test_tokens_outlive_a_rotation_and_die_with_their_key():
    assert read(ring_of(2, 1), "access", "default", TOKEN).generation == 7
    with pytest.raises(InvalidToken):
        read(ring_of(2), "access", "default", TOKEN)


@pytest.mark.parametrize(
    ("subject", "session", "generation"),
    [
        ("", SESSION, 0), (SUBJECT[:-2], SESSION, 0), (SUBJECT, SESSION + "00", 0),
        (SUBJECT[:-2] + "  ", SESSION, 0), ("g" * 32, SESSION, 0), ("é" * 32, SESSION, 0),
        (SUBJECT, SESSION, -1), (SUBJECT, SESSION, 2**32),
    ],
)  # fmt: skip
def test_what_cannot_be_said_is_not_minted(subject, session, generation):
    with pytest.raises((ValueError, struct.error)):
        mint(RING, "access", "default", subject, session, generation)
