"""Networks in prefix form, and the walk over declared proxies."""

import ipaddress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from twofold.core.errors import Malformed
from twofold.core.networks import (
    Networks,
    client_address,
    parse_networks,
    read_address,
    source_key,
)

PROXIES = parse_networks("127.0.0.1, 10.0.0.0/8 ::1 fd00::/8")


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("", ""),
        (" , ,\n\t", ""),
        ("10.0.0.0/8", "10.0.0.0/8"),
        ("10.1.2.3/8,192.168.1.7", "10.0.0.0/8, 192.168.1.7/32"),
        ("192.168.0.0/16\n2001:DB8::1/32", "192.168.0.0/16, 2001:db8::/32"),
        ("::1", "::1/128"),
        ("0.0.0.0/0 ::/0", "0.0.0.0/0, ::/0"),
        ("::ffff:10.0.0.0/104", "10.0.0.0/8"),
        ("::ffff:10.0.0.5", "10.0.0.5/32"),
        ("::ffff:0:0/96", "0.0.0.0/0"),
    ],
)
def test_networks_are_read(text, shown):
    assert str(parse_networks(text)) == shown


def test_a_list_of_texts_is_read_too():
    assert parse_networks(["10.0.0.1 ", "", "::1"]) == parse_networks("10.0.0.1,::1")


@pytest.mark.parametrize(
    "entry",
    [
        "10.0.0.0/0.0.0.255", "10.0.0.0/255.0.0.0", "10.0.0.0/33", "10.0.0.0/-1", "10.0.0.0/",
        "10.0.0/8", "10", "167772161", "010.0.0.1", "10.0.0.0/8/8", "2001:db8::/129",
        "fe80::1%eth0",
        "::ffff:10.0.0.0/8", "::ffff:10.0.0.0/95", "example.org", "*", "10.0.0.*",
        "10.0.0.1-10.0.0.9",
        "１０.0.0.1", "10.0.0.0/８", "localhost", "10.0.0.0/8;", "::/0x10",
    ],
)  # fmt: skip
def test_what_is_not_in_prefix_form_is_refused_by_name_or_left_out(entry):
    with pytest.raises(Malformed) as caught:
        parse_networks(f"127.0.0.1,{entry}", field="server.trusted_proxies")
    assert caught.value.field == "server.trusted_proxies"
    assert repr(entry) in caught.value.detail
    assert parse_networks(f"127.0.0.1,{entry}", strict=False) == parse_networks("127.0.0.1")


@pytest.mark.parametrize(
    ("networks", "address", "inside"),
    [
        ("10.0.0.0/24", "10.0.0.5", True),
        ("10.0.0.0/24", "10.0.1.5", False),
        ("10.0.0.0/24", "::ffff:10.0.0.5", True),
        ("10.0.0.0/24", "::ffff:a00:5", True),
        ("::ffff:10.0.0.0/120", "10.0.0.5", True),
        ("::/0", "10.0.0.5", False),
        ("::/0", "::ffff:10.0.0.5", False),
        ("fe80::/10", "fe80::1%eth0", True),
        ("0.0.0.0/0", "::1", False),
        ("0.0.0.0/0", "", False),
        ("0.0.0.0/0", "10.0.0.5%eth0", False),
        ("::/0", "fe80::1%", False),
        ("0.0.0.0/0", "10.0.0.5 ", False),
        ("0.0.0.0/0", "10.0.0.5:80", False),
        ("0.0.0.0/0", 167772161, False),
        ("0.0.0.0/0", None, False),
        ("0.0.0.0/0", "1" * 100_000, False),
        ("", "10.0.0.5", False),
    ],
)
def test_an_address_is_inside_or_not(networks, address, inside):
    found = parse_networks(networks)
    assert found.contains(address) is inside
    assert (address in found) is inside


addresses = st.ip_addresses(v=4) | st.ip_addresses(v=6)


@given(addresses, st.integers(0, 32))
def test_it_agrees_with_the_standard_library(address, prefix):
    network = ipaddress.ip_network((address, prefix), strict=False)
    mapped = isinstance(address, ipaddress.IPv6Address) and address.ipv4_mapped
    if not mapped:
        assert parse_networks(f"{address}/{prefix}") == Networks((network,))
        assert parse_networks(str(network)).contains(str(address))


@pytest.mark.parametrize(
    ("peer", "headers", "client"),
    [
        ("203.0.113.9", [], "203.0.113.9"),
        ("203.0.113.9", ["10.0.0.1"], "203.0.113.9"),
        ("10.0.0.1", [], "10.0.0.1"),
        ("10.0.0.1", [""], "10.0.0.1"),
        ("10.0.0.1", ["203.0.113.9"], "203.0.113.9"),
        ("10.0.0.1", ["192.0.2.1, 203.0.113.9"], "203.0.113.9"),
        ("10.0.0.1", ["127.0.0.1, 10.9.9.9, 203.0.113.9, 10.0.0.2"], "203.0.113.9"),
        ("10.0.0.1", ["192.0.2.1", "203.0.113.9,10.0.0.2"], "203.0.113.9"),
        ("10.0.0.1", ["10.0.0.3, 10.0.0.2"], "10.0.0.3"),
        ("10.0.0.1", ["203.0.113.9:4711"], "203.0.113.9"),
        ("10.0.0.1", ["[2001:db8::7]:4711"], "2001:db8::7"),
        ("10.0.0.1", ["[2001:DB8::7]"], "2001:db8::7"),
        ("10.0.0.1", ["2001:db8::7"], "2001:db8::7"),
        ("10.0.0.1", ["::ffff:203.0.113.9"], "203.0.113.9"),
        ("::ffff:10.0.0.1", ["203.0.113.9"], "203.0.113.9"),
        ("::1", ["203.0.113.9, fd00::5"], "203.0.113.9"),
        ("fe80::1%eth0", ["203.0.113.9"], "fe80::1"),
        ("10.0.0.1", ["203.0.113.9, unknown"], "10.0.0.1"),
        ("10.0.0.1", ["203.0.113.9, _hidden, 10.0.0.2"], "10.0.0.2"),
        ("10.0.0.1", ["203.0.113.9, "], "10.0.0.1"),
        ("10.0.0.1", ["203.0.113.9:port"], "10.0.0.1"),
        ("10.0.0.1", ["203.0.113.9\n"], "10.0.0.1"),
        ("10.0.0.1", ['"203.0.113.9"'], "10.0.0.1"),
        ("10.0.0.1", ["for=203.0.113.9"], "10.0.0.1"),
        ("10.0.0.1", ["[203.0.113.9"], "10.0.0.1"),
        ("", ["203.0.113.9"], ""),
        ("testclient", ["203.0.113.9"], ""),
    ],
)  # fmt: skip
def test_the_first_hop_that_is_no_declared_proxy_is_the_client(peer, headers, client):
    assert client_address(peer, headers, PROXIES) == client


@given(addresses.filter(lambda a: str(a) not in PROXIES), st.lists(st.text(max_size=20)))
def test_nothing_written_to_the_left_of_the_client_matters(client, spoofed):
    canonical = str(read_address(str(client)))
    assert client_address("10.0.0.1", [*spoofed, str(client)], PROXIES) == canonical
    assert client_address(str(client), spoofed, PROXIES) == canonical


@pytest.mark.parametrize(
    ("address", "key"),
    [
        ("203.0.113.9", "203.0.113.9"),
        ("::ffff:203.0.113.9", "203.0.113.9"),
        ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"),
        ("2001:db8:1:2:ffff::", "2001:db8:1:2::/64"),
        ("2001:db8:1:3::", "2001:db8:1:3::/64"),
        ("::1", "::/64"),
        ("fe80::1%eth0", "fe80::/64"),
        ("", "unknown"),
        ("rubbish", "unknown"),
    ],
)
def test_a_source_is_an_address_or_a_household(address, key):
    assert source_key(address) == key
