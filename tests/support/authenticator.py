"""A passkey in software, and the browser around it: what ``navigator.credentials`` would answer.

It knows the standard (WebAuthn L3) and nothing of ours. CBOR is fido2's, so that nothing here comes
from the library that is being asked. A test that wants something to be wrong says so by name.
"""

import base64
import hashlib
import json
import os
from dataclasses import dataclass, field

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, padding, rsa
from fido2 import cbor

UP, UV, BE, BS, AT = 1, 4, 8, 16, 64
ES256, EDDSA, RS256 = -7, -8, -257
AAGUID = bytes.fromhex("08987058cadc4b81b6e130de50dcbe96")


def b64(raw):
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()


def unb64(text):
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))


def _int(number):
    return number.to_bytes((number.bit_length() + 7) // 8, "big")


def _key(alg):
    """A private key, and its public half in COSE (RFC 9053)."""
    if alg == ES256:
        private = ec.generate_private_key(ec.SECP256R1())
        spot = private.public_key().public_numbers()
        return private, {
            1: 2, 3: alg, -1: 1, -2: spot.x.to_bytes(32, "big"), -3: spot.y.to_bytes(32, "big"),
        }  # fmt: skip
    if alg == EDDSA:
        private = ed25519.Ed25519PrivateKey.generate()
        return private, {1: 1, 3: alg, -1: 6, -2: private.public_key().public_bytes_raw()}
    private = rsa.generate_private_key(65537, 2048)
    numbers = private.public_key().public_numbers()
    return private, {1: 3, 3: alg, -1: _int(numbers.n), -2: _int(numbers.e)}


def _sign(private, data):
    match private:
        case ec.EllipticCurvePrivateKey():
            return private.sign(data, ec.ECDSA(hashes.SHA256()))
        case ed25519.Ed25519PrivateKey():
            return private.sign(data)
        case _:
            return private.sign(data, padding.PKCS1v15(), hashes.SHA256())


@dataclass
class Passkey:
    """One credential; ``counts`` False says 0 for ever, as synced ones do."""

    origin: str
    alg: int = ES256
    synced: bool = True
    unlocks: bool = True
    """Whether its holder is verified (UV)."""
    counts: bool = False
    count: int = 0
    id: bytes = field(default_factory=lambda: os.urandom(32))
    handle: bytes = b""
    rp_id: str = ""

    def __post_init__(self):
        self.private, self.cose = _key(self.alg)

    def create(self, options, **wrong):
        """What ``create()`` resolves to, as ``toJSON`` writes it."""
        self.handle = unb64(options["user"]["id"])
        self.rp_id = options["rp"]["id"]
        client = self._client("webauthn.create", options, wrong)
        data = self._data(wrong, attested=True)
        made = {"fmt": "none", "attStmt": {}, **wrong.get("attestation", {}), "authData": data}
        if wrong.get("self_attested"):
            stamp = _sign(self.private, data + hashlib.sha256(client).digest())
            made |= {"fmt": "packed", "attStmt": {"alg": self.alg, "sig": stamp}}
        response = {
            "clientDataJSON": b64(client),
            "attestationObject": b64(cbor.encode(made)),
            "transports": ["internal", "hybrid"],
            "authenticatorData": b64(data),
            "publicKeyAlgorithm": self.alg,
        }
        return self._shown(response, wrong)

    def get(self, options, **wrong):
        """What ``get()`` resolves to, as ``toJSON`` writes it."""
        self.rp_id = options["rpId"]
        if self.counts:
            self.count += 1
        client = self._client("webauthn.get", options, wrong)
        data = self._data(wrong)
        signer = wrong.get("signer", self.private)
        response = {
            "clientDataJSON": b64(client),
            "authenticatorData": b64(data),
            "signature": b64(_sign(signer, data + hashlib.sha256(client).digest())),
            "userHandle": b64(wrong.get("handle", self.handle)) or None,
        }
        return self._shown(response, wrong)

    def _client(self, kind, options, wrong):
        said = {
            "type": kind,
            "challenge": options["challenge"],
            "origin": self.origin,
            "crossOrigin": False,
            **wrong.get("client", {}),
        }
        return json.dumps({k: v for k, v in said.items() if v is not None}).encode()

    def _data(self, wrong, *, attested=False):
        flags = UP | (UV if self.unlocks else 0) | (BE | BS if self.synced else 0)
        flags = wrong.get("flags", flags) | (AT if attested else 0)
        rp_id = wrong.get("rp_id", self.rp_id)
        head = hashlib.sha256(rp_id.encode()).digest() + bytes([flags])
        head += wrong.get("count", self.count).to_bytes(4, "big")
        if not attested:
            return head
        size = len(self.id).to_bytes(2, "big")
        return head + AAGUID + size + self.id + cbor.encode(wrong.get("cose", self.cose))

    def _shown(self, response, wrong):
        return {
            "id": b64(self.id),
            "rawId": b64(self.id),
            "type": "public-key",
            "authenticatorAttachment": "platform",
            "clientExtensionResults": {},
            **wrong.get("outer", {}),
            "response": {**response, **wrong.get("response", {})},
        }
