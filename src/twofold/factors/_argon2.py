"""The one door to Argon2, so that its parameters and its traps are known in one place."""

from __future__ import annotations

import base64
from dataclasses import dataclass
from typing import Final

from argon2 import extract_parameters
from argon2.exceptions import VerifyMismatchError
from argon2.low_level import ARGON2_VERSION, Type, hash_secret, hash_secret_raw, verify_secret

from twofold.core.errors import Misconfigured

LEAST_SALT: Final = 8
"""Bytes of salt RFC 9106 section 3.1 asks for at the least; ours has SALT."""

SALT: Final = 16
"""Bytes of salt RFC 9106 section 3.1 recommends for passwords."""

_DIGEST: Final = 32
_LEAST_MEMORY_PER_LANE: Final = 8  # KiB, RFC 9106 section 3.1
_MOST_MEMORY: Final = 4 * 1024 * 1024  # KiB: more is a slip of the pen, not a setting
_MOST_TIME: Final = 64
_MOST_LANES: Final = 16


@dataclass(frozen=True, slots=True)
class Argon2:
    """What one Argon2id hash costs: memory in KiB, passes over it, lanes.

    Misconfigured where RFC 9106 section 3.1 does not allow it.
    """

    memory_kib: int = 19_456
    time: int = 2
    lanes: int = 1

    def __post_init__(self) -> None:
        """Refuse parameters that Argon2 would refuse later, with a claimant waiting."""
        faults = [
            f"argon2: {name} is {value}, not {least} to {most}"
            for name, value, least, most in (
                ("memory_kib", self.memory_kib, _LEAST_MEMORY_PER_LANE * self.lanes, _MOST_MEMORY),
                ("time", self.time, 1, _MOST_TIME),
                ("lanes", self.lanes, 1, _MOST_LANES),
            )
            if not least <= value <= most
        ]
        if faults:
            raise Misconfigured(tuple(faults))

    def hash(self, secret: bytes, salt: bytes) -> str:
        """The encoded hash, which carries its salt and its parameters."""
        return hash_secret(
            secret, salt, self.time, self.memory_kib, self.lanes, _DIGEST, Type.ID
        ).decode("ascii")

    def raw(self, secret: bytes, salt: bytes) -> bytes:
        """The bare hash of 32 bytes, for many secrets under one salt."""
        return hash_secret_raw(
            secret, salt, self.time, self.memory_kib, self.lanes, _DIGEST, Type.ID
        )

    def decoy(self, salt: bytes, digest: bytes) -> str:
        """An encoded hash of nothing: as costly to verify as a real one, and never right."""
        return (
            f"$argon2id$v={ARGON2_VERSION}$m={self.memory_kib},t={self.time},p={self.lanes}"
            f"${_base64(salt)}${_base64(digest)}"
        )

    def needs_rehash(self, encoded: str) -> bool:
        """Whether a hash was made with other parameters than these."""
        made = extract_parameters(encoded)
        return (made.type, made.memory_cost, made.time_cost, made.parallelism) != (
            Type.ID,
            self.memory_kib,
            self.time,
            self.lanes,
        )


OWASP: Final = Argon2(memory_kib=19_456, time=2, lanes=1)
"""What a person chose: OWASP Password Storage Cheat Sheet, second of its equal choices."""

ASVS: Final = Argon2(memory_kib=47_104, time=1, lanes=1)
"""What a person chose, where memory is cheap: ASVS 5.0 appendix C, first row (46 MiB)."""

RFC9106_LOW_MEMORY: Final = Argon2(memory_kib=65_536, time=3, lanes=4)
"""What a person chose, with cores to spare: RFC 9106 section 4, second recommended option."""

DRAWN: Final = Argon2(memory_kib=64, time=1, lanes=1)
"""What we drew ourselves, with 80 bits or more: see factors.recovery_codes for the sum."""

CHEAPEST: Final = Argon2(memory_kib=8, time=1, lanes=1)
"""For tests only: the least that Argon2 can do."""


def verify(encoded: str, secret: bytes) -> bool:
    """Whether the secret is the hashed one, under the parameters of the hash itself.

    Only a mismatch is False. Too little memory or a hash that cannot be read is no wrong
    guess: it is raised, so that an overloaded machine takes nobody's budget (I9).
    """
    try:
        return verify_secret(encoded.encode("ascii"), secret, Type.ID)
    except VerifyMismatchError:
        return False


def _base64(raw: bytes) -> str:
    """The standard alphabet without padding, as the encoded form of Argon2 has it."""
    return base64.b64encode(raw).rstrip(b"=").decode("ascii")
