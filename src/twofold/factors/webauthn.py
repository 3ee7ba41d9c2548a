"""What somebody has, and may have to unlock: a passkey or a security key (WebAuthn L3).

A challenge is made, not stored: the moment it was made and a MAC over it, over the ceremony that
asks and over what is asked for. So it answers that ceremony only (A153), in any process, and the
moment is what a right answer spends: like a TOTP step it must be later than the last one spent,
which makes every answer good once and kills the challenges that are older.

The same authenticator is asked in three ways. ``create`` confirms a new one. ``get`` asks somebody
who is known for one of theirs. ``open`` asks a stranger, and only who unlocks the key may answer.
"""

from __future__ import annotations

import hmac
import ipaddress
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Final, Literal

from twofold.core import codes
from twofold.core.effects import Advance
from twofold.core.encoding import from_base64url, to_base64url
from twofold.core.errors import Malformed, Misconfigured, NotPossible
from twofold.core.types import (
    SECOND,
    Aal,
    Authenticator,
    Category,
    Instant,
    Subject,
    SubjectId,
)
from twofold.factors import Answer, Asked, Bound, Held, Proof, Wish, Wrong
from twofold.factors._webauthn import (
    ALGORITHMS,
    Key,
    Party,
    Refused,
    asserted,
    challenge_of,
    registered,
)

Purpose = Literal["create", "get", "open"]
Verification = Literal["required", "preferred", "discouraged"]

PURPOSES: Final[tuple[Purpose, ...]] = ("create", "get", "open")
TRANSPORTS: Final = ("ble", "hybrid", "internal", "nfc", "smart-card", "usb")
"""Ways to reach an authenticator (WebAuthn L3 section 5.8.4); of others nothing is kept."""

LEAST_LIFE: Final = 30
MOST_LIFE: Final = 600
"""Seconds: WebAuthn L3 section 15.1 recommends 5 to 10 minutes."""

REGRESSED: Final = "factor.counter.regressed"

_MOMENT: Final = 8
_SIZE: Final = _MOMENT + 32
"""Bytes of a challenge: when it was made, and the MAC."""

_NOBODYS_KEY: Final = bytes.fromhex(
    "a5010203262001215820"
    "6b17d1f2e12c4247f8bce6e563a440f277037d812deb33a0f4a13945d898c296"
    "225820"
    "4fe342e2fe1a7f9b8ee7eb4a7c0f9e162bce33576b315ececbb6406837bf51f5"
)
"""The base point of P-256 as a COSE key: it can be computed with, and nobody signs with it."""


@dataclass(frozen=True, slots=True)
class WebAuthn:
    """The factor ``webauthn`` for one relying party; ``life`` in seconds.

    ``verification`` is what is asked of a second factor. A sign-in without a password always
    requires it.
    """

    party: Party
    verification: Verification = "preferred"
    life: int = 300
    kind: str = field(default="webauthn", init=False)
    amr: tuple[str, ...] = field(default=("pop", "user"), init=False)
    aal: Aal = field(default=Aal.TWO, init=False)
    category: Category = field(default=Category.POSSESSION, init=False)
    first: bool = field(default=False, init=False)
    slow: bool = field(default=False, init=False)
    asks: bool = field(default=True, init=False)

    def __post_init__(self) -> None:
        """Refuse settings under which no browser would ever answer; all faults at once."""
        faults = []
        if not LEAST_LIFE <= self.life <= MOST_LIFE:
            faults.append(f"webauthn: life is {self.life}, not {LEAST_LIFE} to {MOST_LIFE}")
        if not self.party.origins:
            faults.append("webauthn: origins: there is none")
        if faults:
            raise Misconfigured(tuple(faults))

    def bind(self, subject: Subject, wish: Wish, seed: bytes, now: Instant) -> Bound:
        """Nothing yet: an authenticator makes its key by itself, once it is asked to."""
        if wish.secret is not None or wish.parameters:
            raise Malformed("An authenticator makes its key by itself.", field="secret")
        if _is_address(self.party.id):
            raise NotPossible("Passkeys need a host name; browsers make none for an address.")
        return Bound(secret=b"")

    def ask(self, subject: Subject, held: Held, ceremony: str, seed: bytes, now: Instant) -> Asked:
        """Options for ``navigator.credentials``: to create where nothing is bound yet, or to get.

        Any of the subject's credentials may answer; none of them may be created again.
        """
        mark = held.authenticator.mark
        # A process whose clock is a little behind must not ask what is dead already.
        moment = Instant(max(now, mark + 1))
        if _is_bound(held.authenticator):
            made = self._challenge(held.mac_keys[0], "get", ceremony, subject.id, moment)
            known = (held.authenticator, *held.kin)
            return self._asked(self._getting(made, known, self.verification), moment)
        made = self._challenge(held.mac_keys[0], "create", ceremony, subject.id, moment)
        return self._asked(self._creating(made, subject, held.kin), moment)

    def invite(self, nobody: Held, ceremony: str, now: Instant) -> Asked:
        """Options that are the same for everybody: whose passkey it is, the answer says (I8)."""
        made = self._challenge(nobody.mac_keys[0], "open", ceremony, None, now)
        return self._asked(self._getting(made, (), "required"), now)

    def claimed(self, answer: Answer) -> SubjectId | None:
        """Read the user handle, which is the subject's id; no such thing in a password."""
        if not isinstance(answer, Mapping):
            return None
        handle = _response(answer).get("userHandle")
        raw = from_base64url(handle) if isinstance(handle, str) else None
        return SubjectId(raw.hex()) if raw is not None and len(raw) == len(_NO_ONE) else None

    def answers(self, authenticator: Authenticator, answer: Answer) -> bool:
        """Say whether the credential is this authenticator's."""
        named = answer.get("id") if isinstance(answer, Mapping) else None
        return _is_bound(authenticator) and authenticator.parameters["credential"] == named

    def decoy(self, subject: SubjectId, answer: Answer) -> tuple[bytes, Mapping[str, str | int]]:
        """A key that nobody has, under the very id that the answer names."""
        named = answer.get("id") if isinstance(answer, Mapping) else None
        told = {"synced": 1, "backed_up": 1, "verified": 1, "count": 0}
        return _NOBODYS_KEY, {"credential": str(named), **told}

    def verify(self, held: Held, ceremony: str, answer: Answer, now: Instant) -> Proof | Wrong:
        """Judge a credential that a browser brought: a new one, or what a known one signed."""
        if not isinstance(answer, Mapping):
            return Wrong("malformed")
        try:
            challenge = challenge_of(answer, self.party)
            purpose, moment = self._recognised(held, ceremony, challenge)
            if now > moment + self.life * SECOND:
                return Wrong("expired")
            if _is_bound(held.authenticator) is (purpose == "create"):
                return Wrong("other-ceremony")
            if purpose == "create":
                return self._created(held, answer, challenge, moment, now)
            return self._used(held, answer, challenge, moment, now, opens=purpose == "open")
        except Refused as refused:
            return Wrong(refused.hint)

    def _created(
        self, held: Held, answer: Mapping[str, Any], challenge: bytes, moment: Instant, now: Instant
    ) -> Proof | Wrong:
        key = registered(answer, challenge, self.party)
        if self._demands and not key.verified:
            return Wrong("unverified")
        if any(other.parameters.get("credential") == key.id for other in held.kin):
            return Wrong("already-bound")
        known: dict[str, str | int] = {
            "credential": key.id,
            "count": key.count,
            "aaguid": key.aaguid,
            "transports": _transports(_response(answer).get("transports")),
            "synced": int(key.synced),
            "backed_up": int(key.backed_up),
            "verified": int(key.verified),
        }
        proof = _proof(held, key, moment, now, verified=key.verified)
        return replace(proof, renew=key.public, parameters=known)

    def _used(
        self,
        held: Held,
        answer: Mapping[str, Any],
        challenge: bytes,
        moment: Instant,
        now: Instant,
        *,
        opens: bool,
    ) -> Proof | Wrong:
        authenticator = held.authenticator
        known = authenticator.parameters
        if not self.answers(authenticator, answer) or not _is_theirs(authenticator, answer):
            return Wrong("mismatch")
        key = asserted(answer, challenge, self.party, held.secret)
        if key.synced != bool(known["synced"]):
            # L3 section 7.2: whether a key may be copied is settled when it is made.
            return Wrong("mismatch")
        # A first use of PIN or finger counts once something else was proved along with it.
        verified = key.verified and bool(known["verified"])
        if (opens and not verified) or (self._demands and not key.verified):
            return Wrong("unverified")
        if moment <= authenticator.mark:
            return Wrong("replayed")
        now_known: dict[str, str | int] = {
            **known,
            "count": key.count,
            "backed_up": int(key.backed_up),
            "verified": int(key.verified or bool(known["verified"])),
        }
        proof = _proof(held, key, moment, now, verified=verified)
        # Authenticators that do not count say 0 for ever. Any other counter rises with each use.
        stood = int(known["count"])
        regressed = (key.count or stood) and key.count <= stood
        return replace(
            proof,
            parameters=None if now_known == known else now_known,
            signal=REGRESSED if regressed else "",
        )

    @property
    def _demands(self) -> bool:
        return self.verification == "required"

    def _challenge(
        self, key: bytes, purpose: Purpose, ceremony: str, subject: str | None, moment: Instant
    ) -> bytes:
        mac = codes.mac(key, "webauthn challenge", purpose, ceremony, subject or "", str(moment))
        return moment.to_bytes(_MOMENT, "big") + bytes.fromhex(mac)

    def _recognised(self, held: Held, ceremony: str, challenge: bytes) -> tuple[Purpose, Instant]:
        """What was asked and when, under any key still in use; Refused if we did not ask it."""
        if len(challenge) != _SIZE:
            raise Refused("other-ceremony")
        moment = Instant(int.from_bytes(challenge[:_MOMENT], "big"))
        found: Purpose | None = None
        for purpose in PURPOSES:
            subject = None if purpose == "open" else held.authenticator.subject
            for key in held.mac_keys:
                made = self._challenge(key, purpose, ceremony, subject, moment)
                if hmac.compare_digest(made, challenge):
                    found = purpose
        if found is None:
            raise Refused("other-ceremony")
        return found, moment

    def _asked(self, options: dict[str, object], moment: Instant) -> Asked:
        expires_at = Instant(moment + self.life * SECOND)
        return Asked(show={"webauthn": options}, expires_at=expires_at)

    def _creating(
        self, challenge: bytes, subject: Subject, kin: Iterable[Authenticator]
    ) -> dict[str, object]:
        """PublicKeyCredentialCreationOptionsJSON (WebAuthn L3 section 5.1.8)."""
        return {
            "rp": {"id": self.party.id, "name": self.party.name},
            "user": {
                "id": to_base64url(bytes.fromhex(subject.id)),
                "name": subject.name,
                "displayName": subject.name,
            },
            "challenge": to_base64url(challenge),
            "pubKeyCredParams": [{"type": "public-key", "alg": alg} for alg in ALGORITHMS],
            "timeout": self.life * 1000,
            "excludeCredentials": _descriptors(kin),
            "authenticatorSelection": {
                "residentKey": "preferred",
                "requireResidentKey": False,
                "userVerification": self.verification,
            },
            "attestation": "none",
        }

    def _getting(
        self, challenge: bytes, allowed: Iterable[Authenticator], verification: Verification
    ) -> dict[str, object]:
        """PublicKeyCredentialRequestOptionsJSON (WebAuthn L3 section 5.1.9)."""
        return {
            "challenge": to_base64url(challenge),
            "timeout": self.life * 1000,
            "rpId": self.party.id,
            "allowCredentials": _descriptors(allowed),
            "userVerification": verification,
        }


_NO_ONE: Final = bytes(16)
"""As long as a subject's id is."""


def _proof(held: Held, key: Key, moment: Instant, now: Instant, *, verified: bool) -> Proof:
    """What an answer proves: a key; and its holder too, where that may be counted."""
    authenticator = held.authenticator
    return Proof(
        Advance(authenticator.subject, authenticator.id, mark=moment, at=now),
        note=f"count={key.count} verified={int(key.verified)}",
        # RFC 8176: a key that may be copied is held by software. Of any other its authenticator
        # says that it stays where it was made; nobody attests it, so this makes no AAL3.
        amr=("swk" if key.synced else "hwk", "pop", "user"),
        category=Category.MULTI_FACTOR if verified else Category.POSSESSION,
    )


def _is_bound(authenticator: Authenticator) -> bool:
    """Whether there is a credential yet; a draft has none."""
    return "credential" in authenticator.parameters


def _is_theirs(authenticator: Authenticator, answer: Mapping[str, Any]) -> bool:
    """Whether the user handle, where there is one, names the very subject (L3 section 7.2)."""
    handle = _response(answer).get("userHandle")
    return handle is None or handle == to_base64url(bytes.fromhex(authenticator.subject))


def _response(answer: Mapping[str, Any]) -> Mapping[str, Any]:
    response = answer.get("response")
    return response if isinstance(response, Mapping) else {}


def _descriptors(known: Iterable[Authenticator]) -> list[dict[str, object]]:
    return [
        {
            "type": "public-key",
            "id": str(held.parameters["credential"]),
            "transports": str(held.parameters["transports"]).split(),
        }
        for held in known
    ]


def _transports(told: object) -> str:
    found = told if isinstance(told, list | tuple) else ()
    return " ".join(name for name in TRANSPORTS if name in found)


def _is_address(host: str) -> bool:
    try:
        ipaddress.ip_address(host)
    except ValueError:
        return False
    return True
