"""Codes: unbiased, forgiving to read, bound to their context."""

import hashlib
import hmac
from collections import Counter

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from twofold.core.codes import (
    DIGITS,
    RECOVERY_ALPHABET,
    canonical,
    digits,
    expand,
    grouped,
    letters,
    mac,
    recovery_codes,
)
from twofold.core.errors import Malformed

SEED = bytes(range(16))
ALNUM = "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"
MIXED = ALNUM + ALNUM[:26].lower()

seeds = st.binary(min_size=16, max_size=128)
alphabets = st.sampled_from([DIGITS, RECOVERY_ALPHABET, RECOVERY_ALPHABET.upper(), ALNUM, MIXED])

# The chi-square value that chance exceeds once in a million times, for size - 1 degrees of
# freedom: Wilson and Hilferty's approximation with z = 4.753.
Z = 4.753


def limit(size):
    free = size - 1
    return free * (1 - 2 / (9 * free) + Z * (2 / (9 * free)) ** 0.5) ** 3


def chi_square(counts, size):
    expected = counts.total() / size
    return sum((counts[letter] - expected) ** 2 / expected for letter in counts)


@pytest.mark.parametrize("alphabet", [DIGITS, RECOVERY_ALPHABET, ALNUM, MIXED, "abc"])
def test_every_letter_is_equally_likely_over_200_000_draws(alphabet):
    counts = Counter(letters(SEED, 200_000, alphabet))
    assert set(counts) == set(alphabet)
    assert chi_square(counts, len(alphabet)) < limit(len(alphabet))


def test_mailed_codes_are_uniform_over_200_000_seeds():
    """Each place of each code, and the pairs of neighbours too."""
    codes = [digits(n.to_bytes(16), 6) for n in range(200_000)]
    for place in range(6):
        assert chi_square(Counter(code[place] for code in codes), 10) < limit(10)
    pairs = Counter(code[place : place + 2] for code in codes for place in (0, 2, 4))
    assert chi_square(pairs, 100) < limit(100)
    assert sum(code[0] == "0" for code in codes) > 19_000


def test_the_check_would_notice_modulo_bias():
    biased = Counter(DIGITS[byte % 10] for byte in expand(SEED, "biased", 200_000))
    assert chi_square(biased, 10) > limit(10)


@given(seeds, st.integers(0, 300), alphabets)
def test_drawing_is_repeatable_and_of_the_size_asked_for(seed, size, alphabet):
    drawn = letters(seed, size, alphabet)
    assert len(drawn) == size
    assert set(drawn) <= set(alphabet)
    assert drawn == letters(seed, size, alphabet)


@given(seeds, st.text(max_size=5), st.text(max_size=5), st.binary(min_size=1, max_size=3))
def test_each_use_of_one_seed_gets_its_own_bytes(seed, label, other, more):
    assume(label != other)
    assert expand(seed, label, 32) != expand(seed, other, 32)
    assert expand(seed, label, 32) != expand(seed + more, label, 32)
    assert expand(seed, label, 64).startswith(expand(seed, label, 32))


@pytest.mark.parametrize("size", [0, 1, 15])
def test_too_little_seed_is_a_fault_of_the_caller(size):
    with pytest.raises(ValueError, match="seed"):
        expand(bytes(size), "x", 1)


@pytest.mark.parametrize("alphabet", ["", "a", "aa", "abca", "".join(map(chr, range(257)))])
def test_what_is_no_alphabet_is_a_fault_of_the_caller(alphabet):
    with pytest.raises(ValueError, match="alphabet"):
        letters(SEED, 1, alphabet)


@given(seeds, st.integers(1, 20), st.integers(4, 24), alphabets, st.integers(0, 6))
def test_recovery_codes_are_different_and_read_back(seed, count, length, alphabet, group):
    codes = recovery_codes(seed, count, length, alphabet, group=group)
    assert len(set(codes)) == count
    for code in codes:
        bare = canonical(code, alphabet)
        assert bare is not None
        assert len(bare) == length
        assert grouped(bare, group) == code


def test_recovery_codes_stand_in_groups():
    for code in recovery_codes(SEED, 10, 16):
        assert [len(part) for part in code.split("-")] == [4, 4, 4, 4]
    assert "-" not in "".join(recovery_codes(SEED, 10, 8, ALNUM, group=0))


def test_a_code_drawn_twice_is_drawn_again():
    assert sorted(recovery_codes(SEED, 10, 1, DIGITS)) == list(DIGITS)


@pytest.mark.parametrize(
    ("count", "length", "field"),
    [(0, 16, "count"), (-1, 16, "count"), (1001, 16, "count"), (10, 0, "length"),
     (10, -1, "length"), (10, 129, "length"), (100, 1, "length")],
)  # fmt: skip
def test_impossible_sets_are_refused_by_name(count, length, field):
    with pytest.raises(Malformed) as caught:
        recovery_codes(SEED, count, length)
    assert caught.value.field == field


@pytest.mark.parametrize(
    ("typed", "alphabet", "code"),
    [
        ("abcd-efgh", RECOVERY_ALPHABET, "abcdefgh"),
        (" ABCD EFGH ", RECOVERY_ALPHABET, "abcdefgh"),
        ("oOiIlL", RECOVERY_ALPHABET, "001111"),
        ("abc12345", ALNUM, "ABC12345"),
        ("o0il1", ALNUM, "O0IL1"),
        ("1", "abcdefghijklmnopqrstuvwxyz", None),
        ("0o", "abcdefghijkmnopqrstuvwxyz", "oo"),
        ("1lIO", "ABCDEFGHIJKMNPQRSTUVWXYZ", None),
        ("1lI", "ABCDEFGHIJKMNPQRSTUVWXYZ", "III"),
        ("AbC1", MIXED, "AbC1"),
        ("O0", "abcABC0", None),
        ("l23", DIGITS, "123"),
    ],
)
def test_a_code_has_one_spelling(typed, alphabet, code):
    assert canonical(typed, alphabet) == code


@pytest.mark.parametrize(
    "typed",
    ["", " " * 10, "---", "abcd\n", "abc_d", "u", "ſbcd", "\u212abcd", "ａｂｃｄ", "a" * 257, None,
     0, True, [], {}, b"abcd", "\ud800", "ab\x00"],
    ids=repr,
)  # fmt: skip
def test_what_cannot_be_a_code_is_none(typed):
    assert canonical(typed, RECOVERY_ALPHABET) is None


@given(st.text(max_size=40), alphabets)
def test_canonical_is_its_own_canonical(typed, alphabet):
    code = canonical(typed, alphabet)
    assert code is None or canonical(code, alphabet) == code


@given(st.lists(st.text(max_size=4), max_size=4), st.lists(st.text(max_size=4), max_size=4))
def test_a_mac_is_bound_to_every_part(one, other):
    assume(one != other)
    assert mac(SEED, *one) != mac(SEED, *other)
    assert mac(SEED, *one) != mac(SEED[::-1], *one)


def test_a_mac_is_hmac_sha256_over_the_framed_parts():
    expected = hmac.new(SEED, b"\0\0\0\2ab\0\0\0\1c", hashlib.sha256).hexdigest()
    assert mac(SEED, "ab", b"c") == expected
