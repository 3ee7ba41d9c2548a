"""One spelling only: framing and strict base64url."""

import base64

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from twofold.core.encoding import framed, from_base64url, to_base64url

parts = st.lists(st.binary(max_size=6), max_size=4)


@given(parts, parts)
def test_different_parts_never_give_the_same_bytes(one, other):
    assume(one != other)
    assert framed(*one) != framed(*other)


def test_text_is_framed_as_its_utf8():
    assert framed("é", b"a") == b"\0\0\0\2\xc3\xa9\0\0\0\1a"
    assert framed("\ud800") != framed("?")
    assert framed() == b""
    assert framed("") == b"\0\0\0\0"


@given(st.binary(max_size=100))
def test_base64url_is_read_back_and_agrees_with_the_standard_library(raw):
    text = to_base64url(raw)
    assert from_base64url(text) == raw
    assert text == base64.urlsafe_b64encode(raw).decode().rstrip("=")


@pytest.mark.parametrize(
    "text",
    ["QR", "QQ==", "QQ=", "A", "YW!!Jj", "YW Jj", "YWJj\n", " YWJj", "YW+/", "YW/j", "ＹＷＪｊ",
     "=", "YWJj\x00", "é", "\ud800", "QUJD=QUJD"],
    ids=repr,
)  # fmt: skip
def test_a_second_spelling_is_refused(text):
    assert from_base64url(text) is None


@given(st.text(alphabet="AQRYZ-_+/= \n", max_size=12))
def test_whatever_is_read_is_what_would_be_written(text):
    raw = from_base64url(text)
    assert raw is None or to_base64url(raw) == text
