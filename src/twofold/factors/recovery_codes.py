"""Look-up secrets printed once, for the day the other authenticator is lost (SP 800-63B 3.1.2).

A set has one salt, so that a try costs one Argon2id hash however many codes are left. The salt is
the authenticator's secret and lies sealed: whoever steals the database without the key file
cannot try a single code. What the hash costs decides what a thief of *both* can do:

* Codes of 80 bits or more were drawn, not chosen. Argon2id at 64 KiB and one pass costs 1/600 of
  the full parameters (memory times passes), which is 9.2 bits; a set of ten gives away 3.3 more.
  What remains of the default 80 bits is the work of a 67-bit secret under the full parameters,
  10**11 core-years; should so little memory make special hardware a thousand times better than
  that, it is still 10**8. A set of ten costs 0.5 ms to make instead of 170.
* Shorter ones, which Conduit (41 bits) and Singularity (59) ask for, get the full parameters.

The parameters are stored with the set, and so are alphabet and length.
"""

from __future__ import annotations

import hmac
from dataclasses import dataclass, field, replace
from typing import Final

from twofold.core import codes
from twofold.core.effects import Burn
from twofold.core.errors import Malformed, Misconfigured, NotPossible
from twofold.core.types import Aal, Category, Instant, Item, Subject
from twofold.factors import Answer, Asked, Bound, Held, Proof, Wish, Wrong
from twofold.factors._argon2 import DRAWN, OWASP, Argon2

STRONG: Final = 2**80
"""How many codes there must be for the cheap hash; the sum is in the module's docstring."""

SALT: Final = 32
"""Bytes; it also serves as the set's pepper, so it is longer than a salt need be."""

LEAST: Final = 2**20
"""How many codes there must be at all: ASVS 5.0 row 6.5.4."""

MOST_CODES: Final = 100
LONGEST: Final = 64


@dataclass(frozen=True, slots=True)
class RecoveryCodes:
    """The factor ``recovery``: ``count`` codes of ``length`` letters of ``alphabet``.

    ``group`` is after how many letters a dash is shown, 0 for none.
    """

    count: int = 10
    length: int = 16
    alphabet: str = codes.RECOVERY_ALPHABET
    group: int = 4
    strong: Argon2 = DRAWN
    """What a hash costs for codes of 80 bits or more."""
    weak: Argon2 = OWASP
    """What a hash costs for shorter ones."""
    kind: str = field(default="recovery", init=False)
    amr: tuple[str, ...] = field(default=("otp", "rc"), init=False)
    aal: Aal = field(default=Aal.ONE, init=False)
    category: Category = field(default=Category.RECOVERY, init=False)
    first: bool = field(default=False, init=False)
    slow: bool = field(default=True, init=False)
    asks: bool = field(default=False, init=False)

    def __post_init__(self) -> None:
        """Refuse settings that make no codes, or codes that can be guessed; all faults at once."""
        faults = [
            f"recovery: {name} is {value}, not {least} to {most}"
            for name, value, least, most in (
                ("count", self.count, 1, MOST_CODES),
                ("length", self.length, 1, LONGEST),
                ("group", self.group, 0, LONGEST),
            )
            if type(value) is not int or not least <= value <= most
        ]
        if not _speakable(self.alphabet):
            faults.append("recovery: alphabet is not 2 or more different ASCII letters and digits")
        if not faults and len(self.alphabet) ** self.length < LEAST:
            faults.append(f"recovery: length is {self.length}, which is less than 20 bits")
        if faults:
            raise Misconfigured(tuple(faults))

    def bind(self, subject: Subject, wish: Wish, seed: bytes, now: Instant) -> Bound:
        """Draw a set of codes and hash each; ``wish.parameters`` may give them another shape."""
        if wish.secret is not None:
            raise Malformed("Recovery codes are drawn, never chosen.", field="secret")
        shape = self._shaped(wish)
        cost = shape.strong if len(shape.alphabet) ** shape.length >= STRONG else shape.weak
        salt = codes.expand(seed, "recovery salt", SALT)
        drawn = codes.recovery_codes(
            codes.expand(seed, "recovery codes", SALT),
            shape.count,
            shape.length,
            shape.alphabet,
            group=shape.group,
        )
        bare = [codes.canonical(code, shape.alphabet) or "" for code in drawn]
        return Bound(
            secret=salt,
            parameters={
                "alphabet": shape.alphabet,
                "length": shape.length,
                "count": shape.count,
                "memory_kib": cost.memory_kib,
                "time": cost.time,
                "lanes": cost.lanes,
            },
            items=tuple(Item(_hashed(code, salt, cost)) for code in bare),
            reveal={"codes": list(drawn)},
            needs_confirmation=False,
        )

    def ask(self, subject: Subject, held: Held, ceremony: str, seed: bytes, now: Instant) -> Asked:
        """Nothing is asked for: the codes were printed."""
        raise NotPossible

    def verify(self, held: Held, ceremony: str, answer: Answer, now: Instant) -> Proof | Wrong:
        """Hash the answer once and look for it among the codes that are left.

        What cannot be a code of this set costs no hash (A125).
        """
        authenticator = held.authenticator
        stored = authenticator.parameters
        code = codes.canonical(answer, str(stored["alphabet"]))
        if code is None or len(code) != stored["length"]:
            return Wrong("malformed")
        if not authenticator.items:
            return Wrong("none-issued")
        cost = Argon2(int(stored["memory_kib"]), int(stored["time"]), int(stored["lanes"]))
        answered = _hashed(code, held.secret, cost)
        # Every item is compared, so that time does not tell which one it was (A87).
        found = [i for i in authenticator.items if hmac.compare_digest(i.key, answered)]
        if not found:
            return Wrong("mismatch")
        return Proof(
            Burn(authenticator.subject, authenticator.id, answered, now),
            note=f"left={len(authenticator.items) - 1}",
        )

    def _shaped(self, wish: Wish) -> RecoveryCodes:
        """The same factor with the shape a dialect documents for its codes."""
        wished = {name: wish.parameters[name] for name in _SHAPE if name in wish.parameters}
        try:
            return replace(self, **wished)  # type: ignore[arg-type] # __post_init__ checks each
        except Misconfigured as error:
            raise Malformed(error.detail, field="parameters") from None


_SHAPE: Final = ("count", "length", "alphabet", "group")


def _speakable(alphabet: object) -> bool:
    """Whether each letter can be typed and told from a separator."""
    return (
        isinstance(alphabet, str)
        and alphabet.isascii()
        and alphabet.isalnum()
        and 1 < len(alphabet) == len(set(alphabet))
    )


def _hashed(code: str, salt: bytes, cost: Argon2) -> str:
    """How a code is kept: 64 hexadecimal digits."""
    return cost.raw(code.encode("ascii"), salt).hex()
