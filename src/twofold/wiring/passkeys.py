"""For whose pages passkeys are made: the relying party, as settings and address say."""

from __future__ import annotations

import ipaddress
from typing import Final
from urllib.parse import urlsplit

from twofold.factors._webauthn import Party
from twofold.factors.webauthn import WebAuthn
from twofold.settings import Settings
from twofold.web.csrf import origin_of

LOCALHOST: Final = "localhost"


def passkeys_of(settings: Settings, base_url: str) -> WebAuthn:
    """The factor for passkeys of this site, reached by browsers at ``base_url``.

    Browsers make no passkey for an address. This machine has a name of its own, under which the
    very same server is reached; under any other address none can be made.
    """
    wanted = settings.webauthn
    own = origin_of(base_url)
    host = urlsplit(own).hostname or ""
    if _is_loopback(host):
        own, host = _renamed(own), LOCALHOST
    party = Party(
        id=wanted.rp_id or host,
        name=settings.totp.issuer,
        origins=tuple(dict.fromkeys((own, *map(origin_of, wanted.origins)))),
    )
    return WebAuthn(party, wanted.user_verification.value, wanted.challenge_seconds)


def _renamed(origin: str) -> str:
    parts = urlsplit(origin)
    port = "" if parts.port is None else f":{parts.port}"
    return f"{parts.scheme}://{LOCALHOST}{port}"


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False
