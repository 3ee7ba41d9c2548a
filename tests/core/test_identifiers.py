"""One spelling for a name, an address and a number."""

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from twofold.core.errors import Malformed
from twofold.core.identifiers import candidates, email, name, phone


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("alice", "ALICE"),
        ("alice", " alice "),
        ("John Smith", "john   smith"),
        ("Zoë", "ZOE\u0308"),
        ("sam", "\u017fam"),
        ("kelvin", "\u212aelvin"),
        ("finn", "\ufb01nn"),
        ("alice", "ａｌｉｃｅ"),
        ("straße", "STRASSE"),
        ("σοφος", "ΣΟΦΟΣ"),
        ("σοφος", "σοφος".replace("ο", "ο")[:-1] + "ς"),
        ("a b", "a\u00a0b"),
        ("1", "①"),
    ],
)
def test_two_spellings_are_one_name(one, other):
    assert name(one) == name(other)


@pytest.mark.parametrize(
    ("one", "other"),
    [("i", "İ"), ("i", "ı"), ("alice", "alise"), ("zoe", "zoë"), ("ab", "a b"), ("a", "а")],
)
def test_what_no_rule_folds_stays_two_names(one, other):
    """The last is a Cyrillic letter: telling scripts apart is for people who read lists."""
    assert name(one) != name(other)


@pytest.mark.parametrize(
    "text",
    [
        "", " ", "\u00a0\u2003", "a\nb", "a\rb", "a\x00b", "a\tb", "a\x7fb", "a\x85b", "a\u2028b",
        "a\u2029b", "a\u200bb", "a\u202eb", "a\ufeffb", "a\u034fb", "a\u3164b", "a\ufe0fb",
        "a\u00adb", "a\U000e0041b", "\ud800", "a\ue000", "a\u0378", "a" * 255, "a" * 10_000_000,
        "\ufdfa" * 100, None, 0, True, [], {}, b"alice",
    ],
    ids=lambda text: ascii(text)[:20],
)  # fmt: skip
def test_what_cannot_be_a_name_is_refused(text):
    with pytest.raises(Malformed) as caught:
        name(text)
    assert caught.value.field == "name"
    assert candidates(text) == ()


@given(st.text(max_size=30))
def test_a_canonical_name_is_its_own_canonical_name(text):
    try:
        found = name(text).removeprefix("name:")
    except Malformed:
        return
    assert name(found) == f"name:{found}"
    assert name(f"  {found.upper()}") == name(found.upper())
    assert unicodedata.is_normalized("NFKC", found)


@pytest.mark.parametrize("first", range(0, 0x110000, 0x11000))
def test_no_letter_needs_a_second_folding(first):
    for code in range(first, first + 0x11000):
        for text in (chr(code), f"a{chr(code)}\u0345"):
            try:
                found = name(text).removeprefix("name:")
            except Malformed:
                continue
            assert name(found) == f"name:{found}"


@pytest.mark.parametrize("text", ["*", "%", "a' or 1=1", '{"$ne":null}', "../a", "admin:x"])
def test_signs_of_query_languages_are_only_letters(text):
    assert name(text) == f"name:{text}"


@pytest.mark.parametrize(
    ("typed", "canonical"),
    [
        ("alice@example.org", "alice@example.org"),
        (" Alice@EXAMPLE.org ", "alice@example.org"),
        ("alice+tag@example.org", "alice+tag@example.org"),
        ("a.l.i.c.e@example.org", "a.l.i.c.e@example.org"),
        ("root@localhost", "root@localhost"),
        ("o'hara@example.org", "o'hara@example.org"),
        ("ALICE＠example．org", "alice@example.org"),
        ("a@BÜCHER.example", "a@bücher.example"),
        ("a@xn--bcher-kva.example", "a@bücher.example"),
        ("a@XN--BCHER-KVA.example", "a@bücher.example"),
        ("jörg@example.org", "jörg@example.org"),
        ("a@1.2.3.4", "a@1.2.3.4"),
    ],
)
def test_an_address_has_one_spelling(typed, canonical):
    assert email(typed) == f"email:{canonical}"


@pytest.mark.parametrize(
    "text",
    [
        "alice", "@", "a@", "@a", "a@b@c", "a@b..c", "a@.b", "a@b.", "a@-b", "a@b-", "a b@c",
        ".a@b", "a.@b", "a..b@c", "a@b c", "<a@b>", "a,b@c", "a;b@c", "a:b@c", '"a"@b', "a\\@b",
        "a(b)@c", "a@[1.2.3.4]", "a@b_c", "a@b\u3002c", "a@b\r\nBcc: x@y", "a\n@b", "a\x00@b",
        "a@b\u2028", "x" * 65 + "@b", "é" * 33 + "@b", "a@" + "b" * 64, "a@" + "b." * 130 + "c",
        "a@xn--", "a@xn--abc-", "a@xn--\u00e9", "a@xn--0", "a@xn--xn---epa", "a＠b＠c", None, 1, [],
    ],
    ids=lambda text: ascii(text)[:24],
)  # fmt: skip
def test_what_is_no_address_is_refused(text):
    with pytest.raises(Malformed) as caught:
        email(text)
    assert caught.value.field == "email"


@given(st.text("abzAZ0.+-@ ÜßſİßａѠ", max_size=20))
def test_a_canonical_address_is_its_own_canonical_address(text):
    try:
        found = email(text).removeprefix("email:")
    except Malformed:
        return
    assert email(found) == f"email:{found}"
    assert found.count("@") == 1


@given(st.text(st.characters(min_codepoint=0xA1, max_codepoint=0x2FFF), min_size=1, max_size=8))
def test_a_domain_is_the_same_in_unicode_and_in_punycode(label):
    try:
        found = email(f"a@{label}.example")
    except Malformed:
        return
    folded = found.removeprefix("email:a@").removesuffix(".example")
    if folded.isascii() or "." in folded:
        return
    ace = "xn--" + folded.encode("punycode").decode()
    assert email(f"a@{ace}.example") == found


@pytest.mark.parametrize(
    "typed",
    ["+49 30 901820", "+49 (30) 901-820", "004930901820", "+49.30/901820", "＋４９30901820"],
)
def test_a_number_has_one_spelling(typed):
    assert phone(typed) == "phone:+4930901820"


@pytest.mark.parametrize(
    "text",
    ["", "030901820", "+", "+0301234567", "+49", "+4930901820x1", "+1234567890123456",
     "++4930901820",
     "+49\n30901820", "+٤٩30901820", "49 30 901820", "phone", None, 4930901820],
)  # fmt: skip
def test_what_is_no_number_is_refused(text):
    with pytest.raises(Malformed) as caught:
        phone(text)
    assert caught.value.field == "phone"


@pytest.mark.parametrize(
    ("typed", "found"),
    [
        ("Alice", ("name:alice",)),
        ("Alice@B.C", ("email:alice@b.c", "name:alice@b.c")),
        ("alice＠b.c", ("email:alice@b.c", "name:alice@b.c")),
        ("@alice", ("name:@alice",)),
        ("+49 30 901820", ("phone:+4930901820", "name:+49 30 901820")),
        ("+x", ("name:+x",)),
        ("030901820", ("name:030901820",)),
    ],
)
def test_a_login_identifier_is_tried_in_its_likeliest_meaning_first(typed, found):
    assert candidates(typed) == found
