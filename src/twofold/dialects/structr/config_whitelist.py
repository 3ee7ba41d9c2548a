"""The list of addresses that are spared the second step, as Structr writes and reads it.

Far more forgiving than a list of ours, because a real one must not stop a server from starting;
but what cannot be understood never lets anybody in.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from ipaddress import ip_address, ip_network

from twofold.core.fields import Text
from twofold.core.networks import Networks, parse_networks, read_address

LONGEST = 65_536
"""Characters of a list."""

_SEPARATORS = re.compile(r"[,\s]+")
_NUMBER = re.compile(r"[0-9]{1,3}")
_BEFORE_IPV4 = 96
"""Bits of an IPv4-mapped IPv6 address before the IPv4 one (RFC 4291 section 2.5.5.2)."""


@dataclass(frozen=True, slots=True)
class Whitelist:
    """Addresses and networks in the order given; equal lists were written alike."""

    text: str = ""
    networks: Networks = field(default_factory=Networks)
    complaints: tuple[str, ...] = ()
    """Entries that were left out or taken for a single address, and why; for the log."""

    def contains(self, address: str) -> bool:
        """Whether an address is spared; brackets around an IPv6 one are no part of it."""
        return self.networks.contains(_bare(address))

    def __str__(self) -> str:
        return self.text


@dataclass(frozen=True, slots=True)
class Addresses:
    """Reads such a list; nothing in it is ever refused, except that it is no text at all."""

    expected: str = "addresses and networks, separated by commas or blanks"

    def read(self, value: object) -> Whitelist:
        """Take the text, and leave out what is no address."""
        return parse(Text(longest=LONGEST, expected=self.expected).read(value))

    def text(self, text: str) -> object:
        """Take it as it is."""
        return text


def parse(text: str) -> Whitelist:
    """Read a list: host bits may be set, a prefix that is no length means the one address.

    A name is never looked up: whoever answers for it could open the door.
    """
    found: list[str] = []
    complaints: list[str] = []
    for entry in filter(None, _SEPARATORS.split(text)):
        network, complaint = _entry(entry)
        if network:
            found.append(network)
        if complaint:
            complaints.append(f"{entry!r:.80} {complaint}")
    return Whitelist(text.strip(), parse_networks(found), tuple(complaints))


def _entry(entry: str) -> tuple[str, str]:
    """One entry in the strict form, empty if it is left out; and what is wrong with it."""
    before, slash, after = entry.partition("/")
    base = read_address(_bare(before))
    if base is None or "%" in before:
        return "", "is no address and is left out"
    if not slash:
        return str(base), ""
    length = _length(_bare(before), after)
    if length is None:
        # `/0`, and what somebody mistyped, must not open the door to everybody.
        return str(base), "has no prefix length and counts as the one address"
    return str(ip_network((base, length), strict=False)), ""


def _length(before: str, after: str) -> int | None:
    """The prefix length within the family that the address belongs to."""
    if _NUMBER.fullmatch(after) is None:
        return None
    written, found = ip_address(before), read_address(before)
    mapped = found is not None and found.version < written.version
    length = int(after) - (_BEFORE_IPV4 if mapped else 0)
    most = written.max_prefixlen - (_BEFORE_IPV4 if mapped else 0)
    return length if 0 < length <= most else None


def _bare(text: str) -> str:
    return text[1:-1] if text.startswith("[") and text.endswith("]") else text
