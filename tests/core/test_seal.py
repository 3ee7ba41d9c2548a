"""Boxes open under their key and in their context, and nowhere else."""

from concurrent.futures import ThreadPoolExecutor

import pytest
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from hypothesis import assume, given
from hypothesis import strategies as st

from twofold.core.errors import Unavailable, Unsealable
from twofold.core.seal import key_id_of, open_sealed, row_context, seal

KEY = bytes(range(32))
ID = b"\x01\x02\x03\x04"
NONCE = bytes(12)
CONTEXT = row_context("default", "authenticator", "sealed", "subject", "authenticator")
BOX = seal(KEY, ID, NONCE, b"hush", CONTEXT)


@given(
    st.binary(min_size=32, max_size=32),
    st.binary(min_size=4, max_size=4),
    st.binary(min_size=12, max_size=12),
    st.binary(max_size=200),
    st.binary(max_size=50),
)
def test_what_is_sealed_is_opened(key, key_id, nonce, plain, context):
    box = seal(key, key_id, nonce, plain, context)
    assert open_sealed({key_id: key}, box, context) == plain
    assert key_id_of(box) == key_id
    assert len(plain) < 8 or plain not in box[17:]


def test_a_box_is_aes_256_gcm_behind_version_key_id_and_nonce():
    """So that a recovery tool can be written from the documentation alone."""
    assert BOX[:17] == b"\x01" + ID + NONCE
    assert AESGCM(KEY).decrypt(BOX[5:17], BOX[17:], CONTEXT) == b"hush"


@pytest.mark.parametrize("place", range(len(BOX)))
def test_any_altered_byte_is_noticed(place):
    for flip in (1, 128, 255):
        altered = bytearray(BOX)
        altered[place] ^= flip
        with pytest.raises(Unsealable):
            open_sealed({ID: KEY}, bytes(altered), CONTEXT)


@pytest.mark.parametrize("size", range(len(BOX)))
def test_a_cut_box_is_noticed(size):
    with pytest.raises(Unsealable):
        open_sealed({ID: KEY}, BOX[:size], CONTEXT)


def test_a_longer_box_is_noticed():
    with pytest.raises(Unsealable):
        open_sealed({ID: KEY}, BOX + b"\0", CONTEXT)


cells = st.lists(st.text(max_size=4), min_size=3, max_size=6)


@given(cells, cells)
def test_a_box_moved_to_another_cell_does_not_open(here, there):
    assume(here != there)
    box = seal(KEY, ID, NONCE, b"hush", row_context(*here))
    with pytest.raises(Unsealable):
        open_sealed({ID: KEY}, box, row_context(*there))


def test_an_unknown_key_and_a_wrong_key_are_refused():
    with pytest.raises(Unsealable, match="key ring"):
        open_sealed({b"else": KEY}, BOX, CONTEXT)
    with pytest.raises(Unsealable, match="altered"):
        open_sealed({ID: KEY[::-1]}, BOX, CONTEXT)


def test_it_ends_closed_and_says_nothing_of_the_secret():
    with pytest.raises(Unavailable) as caught:
        open_sealed({}, BOX, CONTEXT)
    assert caught.value.code == "unsealable"
    assert KEY.hex() not in repr(caught.value)
    assert "hush" not in str(caught.value)


@pytest.mark.parametrize(
    ("key", "key_id", "nonce"),
    [(KEY[:16], ID, NONCE), (KEY, ID[:3], NONCE), (KEY, ID, NONCE[:8]), (KEY, ID, NONCE + b"0000")],
)
def test_parts_of_a_wrong_size_are_a_fault_of_the_caller(key, key_id, nonce):
    with pytest.raises(ValueError, match="size"):
        seal(key, key_id, nonce, b"", b"")


def test_threads_may_share_a_key():
    def there_and_back(number):
        plain = number.to_bytes(8) * 50
        box = seal(KEY, ID, number.to_bytes(12), plain, CONTEXT)
        return open_sealed({ID: KEY}, box, CONTEXT) == plain

    with ThreadPoolExecutor(4) as pool:
        assert all(pool.map(there_and_back, range(2_000)))
