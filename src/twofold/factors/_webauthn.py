"""The one door to py_webauthn: what a browser brought, checked; values in, values out.

The library is asked for no more than it can say without a clock: attestation is never demanded,
and a statement whose check would read certificates against the time of day is refused before the
library sees it. It is imported with the first passkey, because loading it takes longer than
everything else that happens before the server listens.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from twofold.core.encoding import from_base64url, to_base64url

ALGORITHMS: Final = (-7, -8, -257)
"""COSE names of ES256, EdDSA and RS256, the order being our preference (WebAuthn L3 5.4)."""

_FORMATS: Final = ("none", "packed")
"""Attestation statements that browsers leave to us although we ask for none: the empty one, and
one that the new key itself has signed (WebAuthn L3 section 5.1.3)."""

_LONGEST_ID: Final = 1023
"""Bytes: WebAuthn L3 section 7.1."""

_LONGEST_KEY: Final = 2048
"""Bytes of a public key: RSA with 4096 bits has 526."""


class Refused(Exception):
    """The answer does not hold; ``hint`` is the one that ``Wrong`` will have."""

    def __init__(self, hint: str) -> None:
        super().__init__(hint)
        self.hint: Final = hint


@dataclass(frozen=True, slots=True)
class Party:
    """The relying party: its id, and the exact origins of pages that may speak for it."""

    id: str
    name: str
    origins: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Key:
    """What an authenticator said of itself when it answered."""

    id: str
    """The credential's id, as base64url."""
    count: int
    synced: bool
    """BE: the key may be copied to other devices."""
    backed_up: bool
    """BS: it was."""
    verified: bool
    """UV: its holder was verified, by a PIN or a finger."""
    public: bytes = field(default=b"", repr=False)
    """COSE; only a new credential brings it along."""
    aaguid: str = ""


def challenge_of(credential: Mapping[str, Any], party: Party) -> bytes:
    """Read what was answered; Refused for a page that is not ours, or is framed by another.

    The library compares origins too. It does not look at frames: a page of ours in somebody
    else's frame is theirs to dress up (WebAuthn L3 sections 7.1, 7.2 and 13.4.9; A157).
    """
    client = _client_data(credential)
    challenge = client.get("challenge")
    raw = from_base64url(challenge) if isinstance(challenge, str) else None
    if raw is None:
        raise Refused("malformed")
    if client.get("crossOrigin", False) is not False or "topOrigin" in client:
        raise Refused("other-origin")
    if client.get("origin") not in party.origins:
        raise Refused("other-origin")
    return raw


def _client_data(credential: Mapping[str, Any]) -> dict[str, Any]:
    response = credential.get("response")
    text = response.get("clientDataJSON") if isinstance(response, Mapping) else None
    raw = from_base64url(text) if isinstance(text, str) else None
    if raw is None:
        raise Refused("malformed")
    try:
        client = json.loads(raw)
    except (ValueError, RecursionError):
        raise Refused("malformed") from None
    if not isinstance(client, dict):
        raise Refused("malformed")
    return client


def registered(credential: Mapping[str, Any], challenge: bytes, party: Party) -> Key:
    """Return the new credential; Refused unless WebAuthn L3 section 7.1 is satisfied.

    Whether its holder had to be verified is the caller's to judge.
    """
    made = _asked_of_library(_registered, credential, challenge, party)
    _same(made, credential)
    if len(made.public) > _LONGEST_KEY or len(from_base64url(made.id) or b"") > _LONGEST_ID:
        raise Refused("malformed")
    return made


def asserted(credential: Mapping[str, Any], challenge: bytes, party: Party, public: bytes) -> Key:
    """Return what the authenticator said; Refused unless WebAuthn L3 section 7.2 is satisfied.

    Whose credential it is, whether its holder had to be verified and whether its counter rose,
    is the caller's to judge.
    """
    used = _asked_of_library(_asserted, credential, challenge, party, public)
    _same(used, credential)
    return used


def _same(key: Key, credential: Mapping[str, Any]) -> None:
    """Refuse what the authenticator and the browser call by different names."""
    if not key.id == credential.get("id") == credential.get("rawId"):
        raise Refused("mismatch")


def _asked_of_library(ask: Any, credential: Mapping[str, Any], *rest: Any) -> Key:
    """Ask the library; whatever it trips over is a refusal and never more than that (I9)."""
    try:
        answer = ask(dict(credential), *rest)
    except Refused:
        raise
    except Exception:  # noqa: BLE001 - a foreign parser raises what it likes on what it is fed
        raise Refused("mismatch") from None
    if not isinstance(answer, Key):
        raise Refused("mismatch")
    return answer


def _registered(credential: dict[str, Any], challenge: bytes, party: Party) -> Key:
    from webauthn import verify_registration_response
    from webauthn.helpers import parse_attestation_object
    from webauthn.helpers.cose import COSEAlgorithmIdentifier

    attested = from_base64url(credential["response"]["attestationObject"])
    if attested is None or parse_attestation_object(attested).fmt not in _FORMATS:
        raise Refused("malformed")
    made = verify_registration_response(
        credential=credential,
        expected_challenge=challenge,
        expected_rp_id=party.id,
        expected_origin=list(party.origins),
        require_user_presence=True,
        supported_pub_key_algs=[COSEAlgorithmIdentifier(name) for name in ALGORITHMS],
    )
    return Key(
        id=to_base64url(made.credential_id),
        count=made.sign_count,
        synced=made.credential_device_type.value == "multi_device",
        backed_up=made.credential_backed_up,
        verified=made.user_verified,
        public=made.credential_public_key,
        aaguid=made.aaguid,
    )


def _asserted(credential: dict[str, Any], challenge: bytes, party: Party, public: bytes) -> Key:
    from webauthn import verify_authentication_response

    used = verify_authentication_response(
        credential=credential,
        expected_challenge=challenge,
        expected_rp_id=party.id,
        expected_origin=list(party.origins),
        credential_public_key=public,
        # The library would refuse a counter that does not rise; to us that is a signal.
        credential_current_sign_count=0,
    )
    return Key(
        id=to_base64url(used.credential_id),
        count=used.new_sign_count,
        synced=used.credential_device_type.value == "multi_device",
        backed_up=used.credential_backed_up,
        verified=used.user_verified,
    )
