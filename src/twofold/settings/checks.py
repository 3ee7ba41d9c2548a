"""What no single reader can see: values that are fine alone but not together.

Everything that would leave people locked out or a secret in the open is refused at start, by the
name of its key, instead of at the first sign-in.
"""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from twofold.core import policy_document, theme
from twofold.core.policy import Policy, Profile
from twofold.settings.sections import Sending, Texting, Tls

Misfit = tuple[str, str]
"""A key, and what is wrong with its value."""

OURS = frozenset({"structr"})
"""Dialects that are built in."""

LEAST_CODES = 2**20
"""How many recovery codes there must be to draw from: ASVS 5.0 row 6.5.4."""

HARDENED_LIFE = 600
"""Seconds: SP 800-63B section 3.1.3.2 for a code sent out of band."""

_SAMPLE = re.compile(
    r"change[-_ ]?me.*|your[-_ ].*|my[-_ ]?(?:password|secret)|<.*>|x{3,}|\*+|example|sample|todo",
    re.IGNORECASE,
)


def misfits(values: Mapping[str, Any]) -> Iterator[Misfit]:
    """Yield every key whose value does not go with the others."""
    policy = {n.removeprefix("policy."): v for n, v in values.items() if n.startswith("policy.")}
    yield from ((f"policy.{name}", fault) for name, fault in policy_document.misfits(policy))
    worn = {n.removeprefix("theme."): v for n, v in values.items() if n.startswith("theme.")}
    yield from ((f"theme.{name}", fault) for name, fault in theme.misfits(worn))
    yield from _mail(values)
    yield from _codes(values)
    yield from _places(values)
    yield from _passkeys(values)
    known = {*Policy().kinds, *values["factors.enabled"]}
    for kind in values["policy.kinds"]:
        if kind not in known:
            yield "policy.kinds", f"{kind!r} is no kind of ours, nor in factors.enabled"
    if values["throttle.source_delay"] > values["throttle.source_longest"]:
        yield "throttle.source_delay", "must not exceed throttle.source_longest"
    if values["password.memory_kib"] < 8 * values["password.lanes"]:
        yield "password.memory_kib", "must be at least 8 per lane (RFC 9106 section 3.1)"


def _mail(values: Mapping[str, Any]) -> Iterator[Misfit]:
    password, username = values["email.password"], values["email.username"]
    if password and _SAMPLE.fullmatch(password):
        yield "email.password", "is a sample value, not a secret"
    if password and not username:
        yield "email.username", "is missing: email.password is set"
    if "@" not in values["email.from"]:
        yield "email.from", "must hold an address"
    if values["sms.sender"] is not Texting.CONSOLE:
        yield "sms.sender", "must be console: this version sends no text messages yet"
    if values["email.sender"] is not Sending.SMTP:
        return
    if not values["email.host"]:
        yield "email.host", "is missing: email.sender is smtp"
    elif values["email.tls"] is Tls.NONE and username and not _loopback(values["email.host"]):
        yield "email.tls", "must not be none: the password would travel in the clear"


def _codes(values: Mapping[str, Any]) -> Iterator[Misfit]:
    if len(values["recovery.alphabet"]) ** values["recovery.length"] < LEAST_CODES:
        yield "recovery.length", "makes codes of less than 20 bits, which can be guessed"
    if values["email.code_cooldown"] > values["email.code_life"]:
        yield "email.code_cooldown", "must not exceed email.code_life"
    if values["profile"] is Profile.STRICT and values["email.code_life"] > HARDENED_LIFE:
        yield "email.code_life", f"must not exceed {HARDENED_LIFE} in the profile strict"


def _places(values: Mapping[str, Any]) -> Iterator[Misfit]:
    if not values["data"]:
        yield "data", "must name a directory"
    for key in ("email.authorities", "email.templates"):
        if values[key] and not Path(values[key]).exists():
            yield key, "names what is not there"
    if values["database.url"].startswith("postgres") and values["sessions.cache_seconds"]:
        yield "sessions.cache_seconds", "must be 0: sessions on PostgreSQL are not remembered yet"
    if values["database.url"] == "memory:" and values["server.workers"] > 1:
        yield "server.workers", "must be 1: processes do not share memory:"
    for name in values["dialects.enabled"]:
        if name not in OURS and name not in _offered("twofold.dialects"):
            yield "dialects.enabled", f"names {name}, which nobody here speaks"


def _offered(group: str) -> set[str]:
    """Return what other packages bring; they are asked only when a name is not one of ours."""
    from importlib.metadata import entry_points  # noqa: PLC0415 -- dear, and seldom needed

    return {point.name for point in entry_points(group=group)}


def _passkeys(values: Mapping[str, Any]) -> Iterator[Misfit]:
    domain, further = values["webauthn.rp_id"], values["webauthn.origins"]
    base = values["server.base_url"]
    domain = domain or (urlsplit(base).hostname or "")
    for key, page in (("rp_id", base), *(("origins", origin) for origin in further)):
        host = urlsplit(page).hostname or ""
        if page and domain and host != domain and not host.endswith("." + domain):
            yield f"webauthn.{key}", f"does not go with {host}: passkeys are for {domain}"
    for origin in further:
        if origin.startswith("http:") and urlsplit(origin).hostname != "localhost":
            yield "webauthn.origins", "must be https: browsers make no passkeys for http"


def _loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
