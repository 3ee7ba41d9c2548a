"""People for the server to serve: accounts in a data directory, and their authenticators here."""

from __future__ import annotations

import hashlib
import hmac
import os
import struct
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from twofold.core.effects import Bind, Effect, PutSubject
from twofold.core.types import DEFAULT_REALM, Authenticator, AuthenticatorId, Subject, SubjectId
from twofold.factors import Wish
from twofold.settings import load
from twofold.wiring.house import opened

PASSWORD = "correct horse battery staple"  # noqa: S105 -- of people who do not exist
PERIOD = 30
CHUNK = 500


@dataclass(frozen=True, slots=True)
class Person:
    """An account and the secret in its owner's phone, if there is one."""

    name: str
    secret: bytes = b""

    def code(self, at: float) -> str:
        """What the phone shows at a time, by our own reading of RFC 6238."""
        digest = hmac.digest(self.secret, struct.pack(">Q", int(at) // PERIOD), "sha1")
        offset = digest[-1] & 15
        number = int.from_bytes(digest[offset : offset + 4], "big") & 0x7FFF_FFFF
        return f"{number % 1_000_000:06d}"


async def settled(
    data: Path, count: int, options: Mapping[str, object], *, totp: bool = True
) -> list[Person]:
    """Make that many accounts in a data directory; one password hash serves them all."""
    settings = load(options={"data": str(data), **options})
    people: list[Person] = []
    async with opened(settings) as house:
        engine = house.engine
        now = engine.clock.now()
        first = Subject(DEFAULT_REALM, SubjectId("0" * 32), "nobody", now)
        hashed = engine.opening.bind(first, Wish(secret=PASSWORD.encode()), engine.draw(), now)
        effects: list[Effect] = []
        for number in range(count):
            person = Person(f"person{number}", os.urandom(20) if totp else b"")
            subject = Subject(DEFAULT_REALM, SubjectId(os.urandom(16).hex()), person.name, now)
            kept = [("password", hashed.secret, dict(hashed.parameters))]
            if totp:
                parameters = {"algorithm": "SHA1", "digits": 6, "period": PERIOD}
                kept.append(("totp", person.secret, parameters))
            effects.append(PutSubject(subject))
            for kind, secret, known in kept:
                held = Authenticator(
                    AuthenticatorId(os.urandom(8).hex()), subject.id, DEFAULT_REALM, kind, now,
                    parameters=known,
                )  # fmt: skip
                effects.append(Bind(replace(held, sealed=engine.sealed(held, secret))))
            people.append(person)
            if len(effects) > CHUNK:
                await house.store.commit(*effects)
                effects.clear()
        if effects:
            await house.store.commit(*effects)
    return people


def fingerprint(people: Sequence[Person]) -> str:
    """Something to tell populations apart in a record."""
    return hashlib.sha256("".join(p.name for p in people).encode()).hexdigest()[:8]
