"""Key URIs: what apps write is read, and what is built is read back."""

import json
from pathlib import Path

import pyotp
import pytest
from hypothesis import given
from hypothesis import strategies as st

from twofold.core.errors import Malformed
from twofold.core.otpauth import KeyUri, base32, from_base32, in_groups, parse

VECTORS = json.loads((Path(__file__).parents[1] / "vectors" / "key_uris.json").read_text())

words = st.text(
    st.characters(exclude_categories=["Cc", "Cs", "Zl", "Zp", "Cn"], exclude_characters=":"),
    max_size=40,
).map(str.strip)
uris = st.builds(
    KeyUri,
    issuer=words,
    account=words,
    secret=st.binary(min_size=1, max_size=64),
    algorithm=st.sampled_from(["SHA1", "SHA256", "SHA512"]),
    digits=st.integers(6, 8),
    period=st.integers(1, 86_400),
)


@pytest.mark.parametrize("row", VECTORS["good"], ids=lambda row: row["uri"][:60])
def test_a_real_uri_is_read(row):
    expected = {**row, "secret": bytes.fromhex(row["secret"])}
    del expected["uri"]
    assert parse(row["uri"]) == KeyUri(**expected)


@pytest.mark.parametrize("row", VECTORS["bad"], ids=lambda row: row["uri"][-60:])
def test_nonsense_is_refused_and_its_field_named(row):
    with pytest.raises(Malformed) as caught:
        parse(row["uri"])
    assert caught.value.field == row["field"]


def test_an_overlong_uri_is_not_even_parsed():
    with pytest.raises(Malformed):
        parse("otpauth://totp/a?secret=" + "A" * 4096)


def test_more_parameters_than_any_app_writes_are_refused():
    with pytest.raises(Malformed):
        parse("otpauth://totp/a?secret=JBSWY3DPEHPK3PXP" + "".join(f"&p{i}=1" for i in range(40)))


@given(uris)
def test_what_is_built_is_read_back(uri):
    built = uri.build()
    assert built.isascii()
    assert " " not in built
    assert parse(built) == uri


@given(uris, st.integers(0, 2**63))
def test_a_counter_is_read_back(uri, counter):
    moving = KeyUri(uri.issuer, uri.account, uri.secret, kind="hotp", counter=counter)
    assert parse(moving.build()) == moving


def test_pyotp_reads_what_we_build():
    uri = KeyUri("ACME & Söhne", "alice+tag@example.org", bytes(range(20)), "SHA256", 8, 60)
    theirs = pyotp.parse_uri(uri.build())
    assert theirs.secret == base32(uri.secret)
    assert (theirs.issuer, theirs.name) == (uri.issuer, uri.account)
    assert (theirs.digits, theirs.interval) == (8, 60)


def test_a_label_says_issuer_and_account():
    uri = KeyUri("My Site", "alice@example.org", b"12345678901234567890")
    assert uri.build() == (
        "otpauth://totp/My%20Site:alice%40example.org?secret=GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ"
        "&issuer=My%20Site&algorithm=SHA1&digits=6&period=30"
    )


def test_an_account_may_have_a_colon_if_the_issuer_comes_first():
    uri = KeyUri("Site", "urn:alice", b"secret")
    assert parse(uri.build()) == uri
    with pytest.raises(Malformed) as caught:
        KeyUri("", "urn:alice", b"secret")
    assert caught.value.field == "issuer"


@pytest.mark.parametrize(
    ("values", "field"),
    [
        ({"secret": b""}, "secret"),
        ({"counter": -1}, "counter"),
        ({"counter": 2**64}, "counter"),
        ({"account": "a" * 255}, "account"),
        ({"issuer": "a\r\nb"}, "issuer"),
        ({"account": "\ud800"}, "account"),
        ({"digits": 9}, "digits"),
    ],
)
def test_what_could_not_be_read_back_is_not_built(values, field):
    with pytest.raises(Malformed) as caught:
        KeyUri(**{"issuer": "Site", "account": "alice", "secret": b"x", **values})
    assert caught.value.field == field


def test_no_repr_shows_the_secret():
    assert "hush" not in repr(KeyUri("Site", "alice", b"hush"))


@given(st.binary(min_size=1, max_size=80))
def test_base32_is_read_back_however_it_is_typed(secret):
    text = base32(secret)
    assert "=" not in text
    assert from_base32(text) == secret
    assert from_base32(in_groups(text.lower())) == secret
    assert from_base32("-".join(text) + "=" * (-len(text) % 8)) == secret


@pytest.mark.parametrize(
    "text",
    ["", " ", "=", "A", "AAA", "A1", "A0", "A8", "ſSSS", "AA\nAA", "ＡＡＡＡ", "AA=AAAAA", "é"],
)
def test_what_is_not_base32_is_refused(text):
    with pytest.raises(Malformed) as caught:
        from_base32(text)
    assert caught.value.field == "secret"


def test_groups_are_for_typing():
    assert in_groups("ABCDEFGHIJ") == "ABCD EFGH IJ"
