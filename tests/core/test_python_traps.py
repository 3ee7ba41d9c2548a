"""What Python takes for granted and a security product must not: section T of ATTACKS.

Each test first shows the trap, so that a Python that no longer has it is noticed, and then
that our code does not fall in. The other rows belong to the web kit's tests.
"""

import base64
import hmac
import ipaddress
import json
import re
import unicodedata

import pytest

from twofold.core.codes import canonical
from twofold.core.encoding import from_base64url
from twofold.core.errors import CeremonyExpired, InvalidToken, Malformed, Misconfigured
from twofold.core.identifiers import email, name
from twofold.core.keyring import Keyring, MasterKey, load
from twofold.core.networks import client_address, parse_networks, read_address
from twofold.core.otp import Totp, normalise
from twofold.core.otpauth import from_base32, parse
from twofold.core.tickets import open_ticket
from twofold.core.tokens import mint, read
from twofold.core.types import Instant, SessionId, SubjectId

FULL_WIDTH, ARABIC, SUPERSCRIPT = "１２３４５６", "١٢٣٤٥٦", "²³²³²³"
RING = Keyring((MasterKey.of(base64.b64decode("yfJ1yKtZ3P0mN8vHqQeB5c7RkLwXh2uG9sTdEa4Fo6I="),
                             Instant(0)),))  # fmt: skip


def test_int_and_isdigit_know_more_digits_than_ten():
    assert int(FULL_WIDTH) == int(ARABIC) == 123456
    assert re.fullmatch(r"\d{6}", ARABIC)
    assert SUPERSCRIPT.isdigit()
    for code in (FULL_WIDTH, ARABIC, SUPERSCRIPT):
        assert normalise(code, 6) is None
        with pytest.raises(Malformed):
            parse(f"otpauth://totp/a?secret=JBSWY3DPEHPK3PXP&digits={code[:1]}")


@pytest.mark.parametrize("code", [" 123456\n", "+123456", "1_23456", "\u2003123456", "123456\x0b"])
def test_int_takes_signs_underscores_and_any_blank(code):
    assert int(code) == 123456
    assert normalise(code, 6) is None


def test_a_dollar_matches_before_a_newline():
    assert re.match(r"^\d{6}$", "123456\n")
    assert normalise("123456\n", 6) is None
    assert canonical("abcd\n") is None


def test_true_is_a_number():
    assert isinstance(True, int)
    assert normalise(True, 6) is None
    with pytest.raises(Malformed):
        Totp(period=True)


def test_compare_digest_raises_for_text_that_is_not_ascii():
    with pytest.raises(TypeError):
        hmac.compare_digest("é", "e")
    with pytest.raises(TypeError):
        hmac.compare_digest(1, "1")
    for text in ("s1." + "é" * 76, "é" * 79, "s1." + "\ud800" * 76):
        with pytest.raises(InvalidToken):
            read(RING, "session", "default", text)
    for code in ("é" * 6, "\ud800" * 6):
        assert normalise(code, 6) is None


def test_the_last_of_two_equal_json_keys_wins_silently():
    assert json.loads('{"version": 1, "version": 2}') == {"version": 2}
    with pytest.raises(Misconfigured):
        load('{"version": 2, "version": 1, "keys": []}')


@pytest.mark.parametrize(
    ("text", "raised"),
    [("[" * 60_000, RecursionError), ('{"version":' + "1" * 5000 + "}", ValueError)],
)
def test_json_raises_more_than_its_own_error(text, raised):
    with pytest.raises(raised):
        json.loads(text)
    with pytest.raises(Misconfigured):
        load(text)


def test_json_knows_numbers_that_are_none():
    assert json.loads("NaN") != json.loads("NaN")
    with pytest.raises(Misconfigured):
        load('{"version": NaN, "keys": []}')


def test_a_mapped_address_is_not_in_its_network():
    assert ipaddress.ip_address("::ffff:10.0.0.5") not in ipaddress.ip_network("10.0.0.0/24")
    assert "::ffff:10.0.0.5" in parse_networks("10.0.0.0/24")
    assert "10.0.0.5" in parse_networks("::ffff:10.0.0.0/120")
    trusted = parse_networks("10.0.0.0/24")
    assert client_address("::ffff:10.0.0.5", ["::ffff:192.0.2.1"], trusted) == "192.0.2.1"


def test_a_short_mapped_prefix_is_the_whole_internet():
    assert str(ipaddress.ip_network("::ffff:10.0.0.0/8", strict=False)) == "::/8"
    with pytest.raises(Malformed):
        parse_networks("::ffff:10.0.0.0/8")


def test_a_host_mask_is_taken_for_a_net_mask():
    assert ipaddress.ip_network("10.0.0.0/0.0.0.255").prefixlen == 24
    with pytest.raises(Malformed):
        parse_networks("10.0.0.0/0.0.0.255")


def test_a_number_is_an_address():
    assert str(ipaddress.ip_address(167772161)) == "10.0.0.1"
    assert read_address(167772161) is None
    assert read_address("167772161") is None
    assert not parse_networks("10.0.0.0/8").contains(167772161)


def test_base64_skips_what_it_does_not_know_and_ignores_slack_bits():
    assert base64.urlsafe_b64decode("YW!!Jj") == b"abc"
    assert base64.urlsafe_b64decode("QQ==") == base64.urlsafe_b64decode("QR==")
    assert from_base64url("YW!!Jj") is None
    assert from_base64url("QR") is None
    assert from_base64url("QQ") == b"A"
    for text in ("t1.YW!!Jj", "t1.QR"):
        with pytest.raises(CeremonyExpired):
            open_ticket(RING, "login", "default", "", text)


def test_upper_makes_ascii_of_what_was_not():
    assert "ſ".upper() == "S"
    assert "K".lower() == "k"
    assert unicodedata.normalize("NFKC", "ﬁ") == "fi"
    assert "İ".lower() == "i̇"
    assert name("ſam") == name("SAM")
    assert name("\u212aim") == name("kim")
    assert name("ﬁnn") == name("finn")
    assert name("İ") == name("i\u0307")
    assert email("ſam@example.org") == email("sam@example.org")
    assert canonical("ſſſſ") is None
    with pytest.raises(Malformed):
        from_base32("ſſſſſſſſ")


def test_fromhex_skips_blanks():
    assert bytes.fromhex("ab cd") == b"\xab\xcd"
    with pytest.raises(ValueError, match="32 hex"):
        mint(RING, "access", "default", SubjectId("ab cd" * 6 + "  "), SessionId("0" * 32), 0)


def test_compatibility_forms_bring_forbidden_signs_back():
    """A check before normalising would see no second @ and no line of a header."""
    assert unicodedata.normalize("NFKC", "a＠b") == "a@b"
    for address in ("a＠b@c.d", "a，b@c.d", "a＜b@c.d"):
        with pytest.raises(Malformed):
            email(address)
