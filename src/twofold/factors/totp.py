"""What somebody has: an app or token that shares a key with us and shows codes (RFC 6238)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Final

from twofold.core import codes, otp, otpauth
from twofold.core.effects import Advance
from twofold.core.errors import Malformed, Misconfigured, NotPossible
from twofold.core.types import Aal, Category, Instant, Subject
from twofold.factors import Answer, Asked, Bound, Held, Proof, Wish, Wrong

KEY_SIZES: Final = MappingProxyType({"SHA1": 20, "SHA256": 32, "SHA512": 64})
"""Bytes of a new key: as long as the hash, RFC 6238 section 5.1 and RFC 4226 R6."""

LEAST_KEY: Final = 16
"""Bytes of a key that is imported: RFC 4226 section 4, R6."""

MOST_KEY: Final = 128
"""Bytes: a longer key gains nothing, and an app may cut it off where we do not."""

MOST_PAST: Final = 10
MOST_FUTURE: Final = 1
"""Steps beside now: what vendors document, and no more; each one is another right guess."""

LEAST_PERIOD: Final = 15
MOST_PERIOD: Final = 120
"""Seconds: SP 800-63B section 3.1.4.1 has a code change at least every two minutes."""


@dataclass(frozen=True, slots=True)
class TotpFactor:
    """The factor ``totp``: how new keys are made, and how many steps are taken beside now.

    ``algorithm``, ``digits`` and ``period`` concern new keys only; each key keeps its own.
    """

    issuer: str
    algorithm: str = "SHA1"
    digits: int = 6
    period: int = 30
    past: int = 1
    future: int = 0
    kind: str = field(default="totp", init=False)
    amr: tuple[str, ...] = field(default=("otp",), init=False)
    aal: Aal = field(default=Aal.TWO, init=False)
    category: Category = field(default=Category.POSSESSION, init=False)
    first: bool = field(default=False, init=False)
    slow: bool = field(default=False, init=False)
    asks: bool = field(default=False, init=False)

    def __post_init__(self) -> None:
        """Refuse settings that would fail later, with a claimant waiting; all faults at once."""
        faults = [
            f"totp: {name} is {value}, not 0 to {most}"
            for name, value, most in (
                ("past", self.past, MOST_PAST),
                ("future", self.future, MOST_FUTURE),
            )
            if not 0 <= value <= most
        ]
        try:
            self._parameters({})
        except Malformed as error:
            faults.append(f"totp: {error.field}: {error.detail}")
        if faults:
            raise Misconfigured(tuple(faults))

    def bind(self, subject: Subject, wish: Wish, seed: bytes, now: Instant) -> Bound:
        """A new key, or the wished one; ``wish.parameters`` may say how its app makes codes."""
        parameters = self._parameters(wish.parameters)
        key = codes.expand(seed, "totp key", KEY_SIZES[parameters.algorithm])
        if wish.secret is not None:
            key = _imported(wish.secret)
        account = wish.account or subject.name
        return Bound(
            secret=key,
            parameters=parameters.parameters(),
            reveal=self._revealed(account, key, parameters),
        )

    def ask(self, subject: Subject, held: Held, ceremony: str, seed: bytes, now: Instant) -> Asked:
        """Nothing is asked for: the app shows codes all the time."""
        raise NotPossible

    def verify(self, held: Held, ceremony: str, answer: Answer, now: Instant) -> Proof | Wrong:
        """Compare with the codes of the accepted steps, made as this key's app makes them."""
        authenticator = held.authenticator
        parameters = otp.Totp.of(authenticator.parameters)
        code = otp.normalise(answer, parameters.digits)
        if code is None:
            return Wrong("malformed")
        step = otp.step_at(now, parameters.period)
        matched = otp.match(held.secret, code, step, parameters, past=self.past, future=self.future)
        if matched is None:
            drift = otp.drift(held.secret, code, step, parameters)
            # Of a step that is over the code is dead, whoever learns that it was right. Of a step
            # to come it will open the account: not a word of that to anybody.
            slow = drift is not None and drift < -self.past
            return Wrong("mismatch", drift, -drift * parameters.period if drift and slow else None)
        if matched <= authenticator.mark:
            return Wrong("replayed")  # A03, A09: for as long as the window can reach it
        return Proof(
            Advance(authenticator.subject, authenticator.id, mark=matched, at=now),
            note=f"step={matched}",
        )

    def _parameters(self, wished: Mapping[str, str | int]) -> otp.Totp:
        """How a new key makes its codes; Malformed names what no app or no standard knows."""
        settled = {"algorithm": self.algorithm, "digits": self.digits, "period": self.period}
        parameters = otp.Totp.of({**settled, **wished})
        if not LEAST_PERIOD <= parameters.period <= MOST_PERIOD:
            raise Malformed("The period is 15 to 120 seconds.", field="period")
        return parameters

    def _revealed(self, account: str, key: bytes, parameters: otp.Totp) -> dict[str, object]:
        uri = otpauth.KeyUri(
            issuer=self.issuer,
            account=account,
            secret=key,
            algorithm=parameters.algorithm,
            digits=parameters.digits,
            period=parameters.period,
        )
        secret = otpauth.base32(key)
        return {
            "uri": uri.build(),
            "secret": secret,
            "secret_groups": otpauth.in_groups(secret),
            **parameters.parameters(),
            "issuer": self.issuer,
            "account": account,
        }


def _imported(key: bytes) -> bytes:
    if not LEAST_KEY <= len(key) <= MOST_KEY:
        raise Malformed("An imported key has 128 to 1024 bits.", field="secret")
    return key
