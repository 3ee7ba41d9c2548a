"""Who is spared the second step: the list of Structr, entry by entry."""

import pytest

from twofold.dialects.structr.config_whitelist import parse

ANY = "0.0.0.0"  # noqa: S104 -- nobody listens there

SPARED = [
    ("192.168.1.100, 10.0.0.0/24", ["192.168.1.100", "10.0.0.0", "10.0.0.255"],
     ["192.168.1.101", "10.0.1.0"]),
    ("192.168.1.1/24", ["192.168.1.0", "192.168.1.255"], ["192.168.2.1"]),
    ("10.0.0.1 10.0.0.2\t10.0.0.3,,10.0.0.4", ["10.0.0.1", "10.0.0.4"], ["10.0.0.5"]),
    ("2a01:598:d826:fe8f:28ab::/67", ["[2a01:598:d826:fe8f:38ab:d115:7644:3223]"],
     ["2a01:598:d826:fe8f:58ab::1"]),
    ("2001:db8::1", ["2001:db8::1", "[2001:DB8:0::1]"], ["2001:db8::2"]),
    ("[2001:db8::1]/64, [::1]", ["2001:db8::5", "::1"], ["2001:db9::1"]),
    ("10.0.0.1/0", ["10.0.0.1"], ["10.0.0.2", "8.8.8.8"]),
    ("10.0.0.1/-8, 10.0.0.9/x, 10.0.0.7/", ["10.0.0.1", "10.0.0.9", "10.0.0.7"], ["10.0.0.2"]),
    ("10.0.0.1/33, ::2/129", ["10.0.0.1", "::2"], ["10.0.0.2", "::3"]),
    ("::/0", ["::"], ["::1", "2001:db8::1", "10.0.0.1"]),
    ("0.0.0.0/0", [ANY], ["10.0.0.1", "::1"]),
    ("10.0.0.5", ["::ffff:10.0.0.5", "[::ffff:a00:5]"], ["::10.0.0.5"]),
    ("::ffff:10.0.0.0/104", ["10.1.2.3", "::ffff:10.9.9.9"], ["11.0.0.1", "::ffff:11.0.0.1"]),
    ("::ffff:10.0.0.1/96, ::ffff:10.0.0.2/64", ["10.0.0.1", "10.0.0.2"], ["10.0.0.3", "::1"]),
    ("0.0.0.0/1", ["1.2.3.4"], ["::1", "200.0.0.1"]),
    ("nonsense, 10.0.0.1, 10.0.0.256, 1.2.3", ["10.0.0.1"], ["10.0.0.256", "1.2.3.0"]),
    ("localhost, intranet.example", [], ["127.0.0.1", "::1", "localhost"]),
    ("fe80::1%eth0, 010.0.0.1, 10.0.0.1:80", [], ["fe80::1", "8.0.0.1", "10.0.0.1"]),
    ("", [], ["127.0.0.1", "::1", "", ANY]),
    ("*", [], ["127.0.0.1", "*"]),
]  # fmt: skip


@pytest.mark.parametrize(
    ("text", "inside", "outside"), SPARED, ids=[row[0] or "empty" for row in SPARED]
)
def test_the_list_spares_whom_it_names_and_nobody_else(text, inside, outside):
    found = parse(text)

    assert [address for address in inside if not found.contains(address)] == []
    assert [address for address in outside if found.contains(address)] == []


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("10.0.0.0/8, ::1", ()),
        ("intranet.example", ("'intranet.example' is no address and is left out",)),
        ("10.0.0.1/0", ("'10.0.0.1/0' has no prefix length and counts as the one address",)),
        ("::1/x a", (
            "'::1/x' has no prefix length and counts as the one address",
            "'a' is no address and is left out",
        )),
    ],
    ids=["fine", "a name", "no length", "both"],
)  # fmt: skip
def test_what_was_not_understood_is_said(text, said):
    assert parse(text).complaints == said


def test_the_list_is_shown_as_it_was_written():
    assert str(parse(" 192.168.1.1/24, x ")) == "192.168.1.1/24, x"
