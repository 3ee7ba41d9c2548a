"""Addresses and networks: who is trusted to be asked less, and whose word about hops counts."""

from __future__ import annotations

import functools
import re
from collections.abc import Sequence
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network
from typing import Final

from twofold.core.errors import Malformed

_MAPPED_PREFIX: Final = 96
_SOURCE_MASK: Final = (2**64 - 1) << 64
_LONGEST_ADDRESS: Final = 64
_PREFIX_FORM: Final = re.compile(r"([0-9A-Fa-f:.]+)(?:/([0-9]{1,3}))?")
_WITH_PORT: Final = re.compile(r"\[([0-9A-Fa-f:.]+)\](?::[0-9]{1,5})?|([0-9.]+):[0-9]{1,5}")


@dataclass(frozen=True, slots=True)
class Networks:
    """A list of networks, IPv4-mapped ones already in their IPv4 form."""

    entries: tuple[IPv4Network | IPv6Network, ...] = ()

    def contains(self, address: str) -> bool:
        """Whether the address lies in one of them; what is no address lies in none."""
        found = read_address(address)
        return found is not None and any(found in network for network in self.entries)

    def __contains__(self, address: str) -> bool:
        return self.contains(address)

    def __str__(self) -> str:
        return ", ".join(map(str, self.entries))


def parse_networks(
    value: str | Sequence[str], *, strict: bool = True, field: str | None = None
) -> Networks:
    """Networks from a list, or a text separated by commas and blanks.

    Only the prefix form (``10.0.0.0/8``, ``2001:db8::/32``, a bare address); host bits may be
    set. ``10.0.0.0/0.0.0.255`` is refused, because it means one thing to some and another to
    Python. What cannot be read is Malformed naming the entry, or left out unless ``strict``.
    """
    entries = re.split(r"[,\s]+", value) if isinstance(value, str) else list(value)
    found: list[IPv4Network | IPv6Network] = []
    for entry in filter(None, entries):
        network = _network(entry.strip())
        if network is not None:
            found.append(network)
        elif strict:
            raise Malformed(f"{entry!r} is no network in prefix form.", field=field)
    return Networks(tuple(found))


def read_address(text: object) -> IPv4Address | IPv6Address | None:
    """An address without zone, an IPv4-mapped one as IPv4; None for anything else.

    Text only: ``ip_address(167772161)`` would be 10.0.0.1.
    """
    if not isinstance(text, str) or len(text) > _LONGEST_ADDRESS:
        return None
    return _read(text)


def client_address(peer: str, forwarded_for: Sequence[str], trusted: Networks) -> str:
    """Who really asks, walking ``X-Forwarded-For`` from right to left (A99, A101).

    The header counts only as far as each hop is a declared proxy: the first address that is
    not is the client, however much it wrote to its left. What is no address ends the walk.
    Empty when the peer itself has no address (a unix socket).
    """
    current = read_address(peer)
    if current is None:
        return ""
    for hop in reversed(",".join(forwarded_for).split(",")):
        if not trusted.contains(str(current)):
            break
        before = read_address(_without_port(hop.strip(" \t")))
        if before is None:
            break
        current = before
    return str(current)


@functools.lru_cache(maxsize=1024)
def source_key(address: str) -> str:
    """What requests of one source are counted under: an IPv4 address, an IPv6 /64.

    One household has 2**64 addresses; counting each alone would count none.
    """
    found = read_address(address)
    if isinstance(found, IPv6Address):
        return f"{IPv6Address(int(found) & _SOURCE_MASK)}/64"
    return str(found) if found else "unknown"


@functools.lru_cache(maxsize=1024)
def _read(text: str) -> IPv4Address | IPv6Address | None:
    # Remembered: reading an address costs as much as checking a token, and peers come again.
    try:
        found = ip_address(text)
    except ValueError:
        return None
    if isinstance(found, IPv4Address):
        return found
    # `::ffff:10.0.0.5` is 10.0.0.5 to a socket and must be to every list; a zone is ours alone.
    return found.ipv4_mapped or IPv6Address(int(found))


def _network(text: str) -> IPv4Network | IPv6Network | None:
    form = _PREFIX_FORM.fullmatch(text)
    if form is None:
        return None
    try:
        base = ip_address(form[1])
        prefix = base.max_prefixlen if form[2] is None else int(form[2])
        if isinstance(base, IPv6Address) and base.ipv4_mapped is not None:
            # Below 96 it would reach beyond the mapped addresses: ::ffff:10.0.0.0/8 is ::/8.
            base, prefix = base.ipv4_mapped, prefix - _MAPPED_PREFIX
        return ip_network((base, prefix), strict=False)
    except ValueError:
        return None


def _without_port(hop: str) -> str:
    form = _WITH_PORT.fullmatch(hop)
    return (form[1] or form[2]) if form else hop
