"""What somebody knows: a memorised secret, kept as an Argon2id hash under its own salt.

The hash carries its parameters; a right answer under old parameters comes with the hash under
the current ones, so that a changed setting reaches every subject at the next sign-in.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field
from typing import Final

from twofold.core import codes, passwords
from twofold.core.effects import Reusable
from twofold.core.errors import Malformed, NotPossible
from twofold.core.types import Aal, Category, Instant, Subject
from twofold.factors import Answer, Asked, Bound, Held, Proof, Wish, Wrong
from twofold.factors._argon2 import OWASP, SALT, Argon2, verify

NOTHING_UP_MY_SLEEVE: Final = hashlib.sha256(b"twofold: nobody has this password").digest()
"""The digest of the decoy: finding a password that hashes to it means inverting Argon2."""


@dataclass(frozen=True, slots=True)
class Password:
    """The factor ``password``; ``parameters`` are what a new hash costs."""

    parameters: Argon2 = OWASP
    kind: str = field(default="password", init=False)
    amr: tuple[str, ...] = field(default=("pwd",), init=False)
    aal: Aal = field(default=Aal.ONE, init=False)
    category: Category = field(default=Category.KNOWLEDGE, init=False)
    first: bool = field(default=True, init=False)
    slow: bool = field(default=True, init=False)
    asks: bool = field(default=False, init=False)

    @property
    def decoy(self) -> bytes:
        """A hash under the current parameters that no password has; it costs nothing to make."""
        return self.parameters.decoy(NOTHING_UP_MY_SLEEVE[:SALT], NOTHING_UP_MY_SLEEVE).encode()

    def bind(self, subject: Subject, wish: Wish, seed: bytes, now: Instant) -> Bound:
        """Hash the wished password (UTF-8); whether it is good enough is core.passwords' word."""
        password = passwords.encoded(_text(wish.secret))
        if password is None:
            raise Malformed("A password is 1 to 1024 bytes of text.", field="password")
        salt = codes.expand(seed, "password salt", SALT)
        return Bound(
            secret=self.parameters.hash(password, salt).encode("ascii"), needs_confirmation=False
        )

    def ask(self, subject: Subject, held: Held, ceremony: str, seed: bytes, now: Instant) -> Asked:
        """Nothing is asked for: a password is known or not."""
        raise NotPossible

    def verify(self, held: Held, ceremony: str, answer: Answer, now: Instant) -> Proof | Wrong:
        """Compare with the hash; nothing is spent, a password may be typed again.

        What cannot be a password costs no hash (A125), for known and unknown subjects alike.
        """
        password = passwords.encoded(answer)
        if password is None:
            return Wrong("malformed")
        encoded = held.secret.decode("ascii")
        if not verify(encoded, password):
            return Wrong("mismatch")
        return Proof(Reusable(), renew=self._renewed(encoded, password))

    def _renewed(self, encoded: str, password: bytes) -> bytes | None:
        """The hash under the current parameters, if it was made under others.

        Judging has no randomness, so the new salt is a digest of the old hash: as different
        from every other salt as the old one was, and a salt need not be a secret.
        """
        if not self.parameters.needs_rehash(encoded):
            return None
        salt = hashlib.sha256(b"twofold: salt after\0" + encoded.encode("ascii")).digest()[:SALT]
        return self.parameters.hash(password, salt).encode("ascii")


def _text(wished: bytes | None) -> str | None:
    try:
        return wished.decode() if wished is not None else None
    except UnicodeDecodeError:
        return None
