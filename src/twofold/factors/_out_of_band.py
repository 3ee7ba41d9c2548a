"""Codes sent to an address: what mail and text messages share.

One address gets one message per cool-down, whoever asks for it (A139), and at most ``daily`` a
day. A code answers the challenge it was sent for and no other (A13, ASVS 6.6.2), works once, and
is dead the moment a newer one is made.

Whoever closes the browser and signs in again within the cool-down holds a code that was sent for
the first sign-in. That ceremony may not get a second message, and must not be stuck: when it
asks, it is told to answer under the first one's name (``Asked.ceremony``), and nothing is written.
So the code in the mailbox works in whichever of the two is answered first, and only there, since
it is burnt once. This holds among ceremonies of one kind only: a code that was mailed to sign in
never changes a factor. A refusal writes nothing either, hence never voids what is on its way.

The address is the one that was bound and confirmed, never the subject's present one (A63).
"""

from __future__ import annotations

import hmac
from dataclasses import dataclass, field
from typing import Final, Literal

from twofold.core import codes, identifiers, otp
from twofold.core.effects import Burn
from twofold.core.errors import CooldownActive, Malformed, Misconfigured, Throttled
from twofold.core.types import SECOND, Aal, Authenticator, Category, Instant, Item, Subject
from twofold.factors import Answer, Asked, Bound, Held, Proof, Wish, Wrong

DAY: Final = 86_400
"""Seconds."""

LONGEST_LIFE: Final = 3600
"""Seconds. SP 800-63B section 3.1.3.2 has 600, Singularity documents 900; settings warn."""

_LEAST_DIGITS: Final = 6  # SP 800-63B section 3.1.3.2
_MOST_DIGITS: Final = 10
_MOST_DAILY: Final = 1000


@dataclass(frozen=True, slots=True)
class OutOfBand:
    """A factor that sends codes; lives in seconds, ``daily`` in messages per address."""

    kind: str
    amr: tuple[str, ...]
    aal: Aal
    category: Category
    channel: str
    """Which sender carries it: ``email``, ``sms``."""
    address: Literal["email", "phone"]
    digits: int = 6
    lifetime: int = 600
    cooldown: int = 60
    daily: int = 30
    first: bool = field(default=False, init=False)
    slow: bool = field(default=False, init=False)
    asks: bool = field(default=True, init=False)

    def __post_init__(self) -> None:
        """Refuse settings that would send dead or guessable codes; all faults at once."""
        faults = [
            f"{self.kind}: {name} is {value}, not {least} to {most}"
            for name, value, least, most in (
                ("digits", self.digits, _LEAST_DIGITS, _MOST_DIGITS),
                ("lifetime", self.lifetime, 1, LONGEST_LIFE),
                # A code that dies before the next may be sent would lock its owner out.
                ("cooldown", self.cooldown, 0, self.lifetime),
                ("daily", self.daily, 1, _MOST_DAILY),
            )
            if not least <= value <= most
        ]
        if faults:
            raise Misconfigured(tuple(faults))

    def bind(self, subject: Subject, wish: Wish, seed: bytes, now: Instant) -> Bound:
        """Take the wished address, or the subject's; it counts once a code came back from it."""
        known = subject.email if self.address == "email" else subject.phone
        to = self._plain(wish.parameters.get("address", known))
        hint = masked(to)
        return Bound(secret=b"", parameters={"address": to, "hint": hint}, reveal={"hint": hint})

    def ask(self, subject: Subject, held: Held, ceremony: str, seed: bytes, now: Instant) -> Asked:
        """Send a code, or say that one is on its way; Throttled when the day's are used up."""
        authenticator = held.authenticator
        resend_at = self._resend_at(authenticator, now)
        if now < resend_at:
            return self._waiting(authenticator, ceremony, resend_at, now)
        to = str(authenticator.parameters["address"])
        code = codes.digits(seed, self.digits)
        key = _key(held.mac_keys[0], authenticator, ceremony, code)
        expires_at = Instant(now + self.lifetime * SECOND)
        day = _day(now)
        return Asked(
            items=(Item(key, expires_at, ceremony),),
            parameters={
                **authenticator.parameters,
                "sent_at": now,
                "day": day,
                "count": _sent(authenticator, day) + 1,
                "digits": self.digits,
            },
            deliver={
                "channel": self.channel,
                "to": to,
                "template": "code",
                "code": code,
                "minutes": str(-(-self.lifetime // 60)),
            },
            show={"hint": masked(to)},
            expires_at=expires_at,
            resend_at=Instant(now + self.cooldown * SECOND),
            ceremony=ceremony,
        )

    def verify(self, held: Held, ceremony: str, answer: Answer, now: Instant) -> Proof | Wrong:
        """Recognise the code that was sent for this challenge, under any key still in use."""
        code = otp.normalise(answer, self.digits)
        if code is None:
            return Wrong("malformed")
        item = _recognised(held, ceremony, code)
        if item is None:
            return Wrong("mismatch" if held.authenticator.items else "none-issued")
        if item.ceremony not in (ceremony, None):
            return Wrong("other-ceremony")
        if item.expires_at is not None and item.expires_at <= now:
            return Wrong("expired")
        authenticator = held.authenticator
        return Proof(Burn(authenticator.subject, authenticator.id, item.key, now))

    def _plain(self, address: object) -> str:
        """The one spelling of an address: it goes into message headers (A137)."""
        if address is None:
            raise Malformed("There is no address to send codes to.", field="address")
        read = identifiers.email if self.address == "email" else identifiers.phone
        return read(address).partition(":")[2]

    def _resend_at(self, authenticator: Authenticator, now: Instant) -> Instant:
        """When the next message may leave; not later than now if it may."""
        sent_at = _number(authenticator, "sent_at")
        # Either way round: a server whose clock is a little behind must not send again.
        cooling = bool(sent_at) and abs(now - sent_at) < self.cooldown * SECOND
        resend_at = sent_at + self.cooldown * SECOND if cooling else now
        day = _day(now)
        if _sent(authenticator, day) >= self.daily:
            resend_at = max(resend_at, (day + 1) * DAY * SECOND)
        return Instant(resend_at)

    def _waiting(
        self, authenticator: Authenticator, ceremony: str, resend_at: Instant, now: Instant
    ) -> Asked:
        """The code already on its way, if this ceremony may share it."""
        live = _live(authenticator, now)
        if live is not None and live.ceremony != ceremony and _alike(live.ceremony, ceremony):
            return Asked(
                show={"hint": masked(str(authenticator.parameters["address"]))},
                expires_at=live.expires_at,
                resend_at=resend_at,
                ceremony=live.ceremony,
            )
        retry_after = -(-(resend_at - now) // SECOND)
        if live is not None and live.ceremony == ceremony:
            raise CooldownActive(retry_after=retry_after, resend_at=resend_at)
        if _sent(authenticator, _day(now)) >= self.daily:
            raise Throttled("Too many codes went to this address today.", retry_after=retry_after)
        raise CooldownActive(
            "A code was sent a moment ago; wait before the next one.",
            retry_after=retry_after,
            resend_at=resend_at,
        )


def masked(address: str) -> str:
    """An address its owner recognises and nobody else can write to: ``j***@e***.com``.

    The stars are always three, so that they do not tell a length.
    """
    local, at, domain = address.partition("@")
    if not at:
        return f"{address[:3]}***{address[-2:]}"
    host, dot, top = domain.rpartition(".")
    return f"{local[:1]}***@{(host or top)[:1]}***{dot}{top if dot else ''}"


def _recognised(held: Held, ceremony: str, code: str) -> Item | None:
    """The item this code was made for; all are compared, so that time tells nothing (A87)."""
    found = None
    for item in held.authenticator.items:
        for key in held.mac_keys:
            made = _key(key, held.authenticator, item.ceremony or ceremony, code)
            if hmac.compare_digest(made, item.key):
                found = item
    return found


def _key(key: bytes, authenticator: Authenticator, ceremony: str, code: str) -> str:
    """How the code is kept: useless elsewhere, and to whoever has no key (A13, A89)."""
    return codes.mac(
        key, authenticator.kind, authenticator.subject, authenticator.id, ceremony, code
    )


def _live(authenticator: Authenticator, now: Instant) -> Item | None:
    alive = (i for i in authenticator.items if i.expires_at is not None and i.expires_at > now)
    return next(alive, None)


def _alike(one: str | None, other: str) -> bool:
    """Whether two ceremonies are of one kind, as their names ``<kind>.<jti>`` say."""
    kind, dot, _ = (one or "").partition(".")
    return bool(dot) and other.startswith(kind + dot)


def _day(now: Instant) -> int:
    return now // (DAY * SECOND)


def _sent(authenticator: Authenticator, day: int) -> int:
    """How many messages went out on that day (UTC)."""
    return _number(authenticator, "count") if _number(authenticator, "day") == day else 0


def _number(authenticator: Authenticator, name: str) -> int:
    value = authenticator.parameters.get(name, 0)
    return value if isinstance(value, int) else 0
