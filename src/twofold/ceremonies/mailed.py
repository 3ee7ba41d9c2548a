"""Tokens in letters, which verify an address or reset a password.

They are sealed tickets, single use by the state they speak of: an address is verified once, and
setting a password raises the epoch that a token which resets it was made for.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass

from twofold.ceremonies.engine import Engine
from twofold.ceremonies.sessions import Seen
from twofold.core import tickets
from twofold.core.effects import Effect
from twofold.core.errors import CeremonyExpired
from twofold.core.types import SECOND, Context, Instant, Subject, SubjectId

VERIFY = "verify-address"
RESET = "reset-password"
"""Purpose of the ticket, name of the letter, and path of the page its link opens."""

LIVES = {VERIFY: 86_400, RESET: 3_600}
"""Seconds for which a mailed token is good; SP 800-63B section 4.2.1.2 has 24 hours."""


@dataclass(frozen=True, slots=True)
class Token:
    """What a mailed token says; true only if the subject's row agrees."""

    subject: SubjectId
    mark: str
    """What must be true of the subject for the token to work; see mark."""


def letter(
    engine: Engine, subject: Subject, purpose: str, seen: Seen, now: Instant
) -> tuple[Effect, ...]:
    """Return what sends a subject a token for a purpose."""
    life = engine.terms.links.get(purpose, LIVES[purpose])
    payload = {"s": subject.id, "m": mark(purpose, subject), "x": now + life * SECOND}
    token = tickets.seal_ticket(engine.ring(), purpose, subject.realm, "", payload, engine.draw(12))
    # Behind the number sign, where no server and no Referer header writes it down.
    link = f"{engine.rules.base_url.rstrip('/')}/{purpose}#{token}"
    values = {**seen, "code": token, "link": link}
    return engine.letter(now, subject, purpose, values, to=subject.email, lifetime=life)


def opened(engine: Engine, purpose: str, token: str, context: Context, now: Instant) -> Token:
    """Return what a token says; CeremonyExpired when it is too old."""
    payload = tickets.open_ticket(engine.ring(), purpose, context.realm, "", token.strip())
    if payload["x"] <= now:
        raise CeremonyExpired
    return Token(payload["s"], payload["m"])


def mark(purpose: str, subject: Subject) -> str:
    """Return what a token is bound to: the address it went to, or the epoch of the password."""
    if purpose == RESET:
        return str(subject.epoch)
    # A digest, because a letter has no room for the longest address within a token.
    return hashlib.sha256(f"address\0{subject.email}".encode()).hexdigest()[:16]
