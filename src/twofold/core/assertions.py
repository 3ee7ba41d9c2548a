"""What an application is handed after we verified somebody for it: a signed statement (RFC 7515).

A truth value in a JSON answer can be ignored, mixed up or made up by whatever stands in between;
a statement for one audience, one subject and one nonce, dead after a minute, cannot.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Final

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from twofold.core.encoding import to_base64url
from twofold.core.types import SECOND, Instant

PURPOSE: Final = "assertion-sign"
"""What the key ring derives the signing keys for."""

TYPE: Final = "twofold-assertion+jwt"
"""The ``typ`` header: no other kind of JWT may be taken for one of these (RFC 8725 3.11)."""

LIFE: Final = 60
"""Seconds for which a statement is good."""

NONCE_LIMIT: Final = 512
"""Characters of the application's nonce, which is given back as it came."""

ALGORITHM: Final = "EdDSA"
"""RFC 8037. RFC 9864 renames it ``Ed25519``, which few of the verifiers in use know yet."""

_encode: Final = json.JSONEncoder(separators=(",", ":"), ensure_ascii=True).encode


@dataclass(frozen=True, slots=True)
class Assertion:
    """Who was verified for whom, how well, and when."""

    issuer: str
    audience: str
    subject: str
    """As the application calls it."""
    acr: str
    amr: tuple[str, ...]
    at: Instant
    jti: str
    nonce: str = ""

    def claims(self) -> dict[str, Any]:
        """The claims of RFC 7519 and OpenID Connect Core section 2; times in seconds."""
        moment = self.at // SECOND
        claims: dict[str, Any] = {
            "iss": self.issuer,
            "aud": self.audience,
            "sub": self.subject,
            "acr": self.acr,
            "amr": list(self.amr),
            "auth_time": moment,
            "iat": moment,
            "exp": moment + LIFE,
            "jti": self.jti,
        }
        if self.nonce:
            claims["nonce"] = self.nonce
        return claims


def sign(key: tuple[bytes, bytes], assertion: Assertion) -> str:
    """The compact JWS of a statement; ``key`` is a key id and the 32 bytes derived for us."""
    key_id, seed = key
    header = {"alg": ALGORITHM, "kid": key_id.hex(), "typ": TYPE}
    said = f"{_part(header)}.{_part(assertion.claims())}"
    signature = Ed25519PrivateKey.from_private_bytes(seed).sign(said.encode("ascii"))
    return f"{said}.{to_base64url(signature)}"


def jwks(pairs: Iterable[tuple[bytes, bytes]]) -> dict[str, Any]:
    """The public keys as a JWK set (RFC 7517, RFC 8037), in the order of the ring."""
    return {"keys": [_jwk(key_id, seed) for key_id, seed in pairs]}


def _jwk(key_id: bytes, seed: bytes) -> dict[str, str]:
    public = Ed25519PrivateKey.from_private_bytes(seed).public_key().public_bytes_raw()
    return {
        "kty": "OKP",
        "crv": "Ed25519",
        "x": to_base64url(public),
        "kid": key_id.hex(),
        "use": "sig",
        "alg": ALGORITHM,
    }


def _part(values: Mapping[str, Any]) -> str:
    return to_base64url(_encode(values).encode("ascii"))
