"""What a new password must be, and what no password is."""

import contextlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from twofold.core.errors import WeakPassword
from twofold.core.passwords import ALONE, LONGEST, WITH_SECOND_FACTOR, digest, encoded, judge

BLOCKED = frozenset(map(digest, ["password", "trustno1", "qwertyuiop"]))
KNOWN = ("alice", "Alice.Liddell@wonderland.example", "Twofold")


@pytest.mark.parametrize(
    "password",
    ["correct horse", "tr0ub4dor&3", "пароль моей кошки", "密码是一只可爱猫", "🐘🐪🐫🦒🦓🦍🐅🐆",
     "alice eats cakes",
     "        x        y", "12345678x", "ab" * 3 + "cd", "'; drop table --", "passwort",
     "x" * 3 + "y" * 9],
)  # fmt: skip
def test_a_long_enough_password_needs_no_composition(password):
    judge(password, WITH_SECOND_FACTOR, KNOWN, BLOCKED)


@pytest.mark.parametrize(
    ("password", "why"),
    [
        ("", "at most"),
        ("1234567", "at least 8"),
        ("ﬁ" * 3 + "a", "at least 8"),
        ("x" * 1025, "at most"),
        ("é" * 513, "at most"),
        ("ﷺ" * 100, "at most"),
        ("\ud800aaaaaaaa", "at most"),
        (None, "at most"),
        (12345678, "at most"),
        (b"correct horse", "at most"),
        (["correct horse"], "at most"),
        ("aaaaaaaa", "repeats"),
        ("abababab", "repeats"),
        ("AbcaBCabcabc", "repeats"),
        ("12345678", "repeats"),
        ("hgfedcba", "repeats"),
        ("password", "first"),
        ("PassWord", "first"),
        ("ｐａｓｓｗｏｒｄ", "first"),
        ("passwordpassword", "first"),
        ("TrustNo1", "first"),
        ("alice123", "name"),
        ("123alice", "name"),
        ("liddellalice", "name"),
        ("Wonderland1!", "name"),
        ("alice.liddell@wonderland.example", "name"),
        ("twofold-2", "name"),
    ],
)
def test_what_is_guessed_first_is_refused_and_says_why(password, why):
    with pytest.raises(WeakPassword, match=why):
        judge(password, WITH_SECOND_FACTOR, KNOWN, BLOCKED)


def test_a_password_alone_must_be_longer():
    judge("correct horse b", ALONE)
    with pytest.raises(WeakPassword, match="at least 15"):
        judge("correct horse ", ALONE)


def test_the_longest_password_is_taken_and_one_byte_more_is_not():
    judge("ab cd" + "x" * (LONGEST - 5), ALONE)
    assert encoded("x" * LONGEST) is not None
    assert encoded("x" * (LONGEST + 1)) is None


def test_no_reason_repeats_the_password():
    with pytest.raises(WeakPassword) as caught:
        judge("trustno1", WITH_SECOND_FACTOR, KNOWN, BLOCKED)
    assert "trustno1" not in str(caught.value)


def test_one_password_typed_on_two_keyboards_is_one():
    assert encoded("Zoë") == encoded("Zoe\u0308") == b"Zo\xc3\xab"
    assert encoded("ﬁ") == b"fi"


@given(st.text(max_size=40))
def test_encoding_is_stable_and_bounded(password):
    raw = encoded(password)
    assert raw is None or (0 < len(raw) <= LONGEST and encoded(raw.decode()) == raw)


@given(st.text(max_size=40))
def test_judging_never_fails_otherwise(password):
    with contextlib.suppress(WeakPassword):
        judge(password, WITH_SECOND_FACTOR, KNOWN, BLOCKED)
