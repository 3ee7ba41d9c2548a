"""A second opinion on codes: an authenticator app that shares nothing with the product.

Tests that asked the product for the right code would not notice if it were the wrong one.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import re
import struct
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import parse_qs, unquote, urlsplit


def hotp(secret: bytes, counter: int, digits: int = 6, algorithm: str = "sha1") -> str:
    """RFC 4226 section 5.3."""
    mac = hmac.new(secret, struct.pack(">Q", counter), getattr(hashlib, algorithm)).digest()
    at = mac[-1] & 15
    number = int.from_bytes(mac[at : at + 4], "big") & 0x7FFF_FFFF
    return f"{number % 10**digits:0{digits}d}"


@dataclass(frozen=True, slots=True)
class Phone:
    """What a person's authenticator app knows."""

    secret: bytes
    digits: int = 6
    period: int = 30
    algorithm: str = "sha1"

    @classmethod
    def scanned(cls, uri: str) -> Phone:
        """The app that has read a key URI."""
        fields = {name: values[0] for name, values in parse_qs(urlsplit(uri).query).items()}
        secret = fields["secret"]
        return cls(
            secret=base64.b32decode(secret + "=" * (-len(secret) % 8)),
            digits=int(fields.get("digits", "6")),
            period=int(fields.get("period", "30")),
            algorithm=fields.get("algorithm", "SHA1").lower(),
        )

    def step(self, at: float) -> int:
        """The step of a moment in seconds."""
        return int(at) // self.period

    def code(self, at: float, steps: int = 0) -> str:
        """The code at a moment in seconds, so many steps later."""
        return hotp(self.secret, self.step(at) + steps, self.digits, self.algorithm)

    def wrong(self, at: float, reach: int = 14) -> Iterator[str]:
        """Codes that are right at no step near the moment, without end."""
        near = {self.code(at, steps) for steps in range(-reach, reach + 1)}
        number = 0
        while True:
            code = f"{number % 10**self.digits:0{self.digits}d}"
            number += 7_919
            if code not in near:
                yield code


def account_of(uri: str) -> str:
    """The account a key URI names, without its issuer."""
    return unquote(urlsplit(uri).path).lstrip("/").partition(":")[2]


_CODE = re.compile(r"(?<![0-9])[0-9]{6}(?![0-9])")


def mailed(letters: Iterable[Letter], to: str) -> list[str]:
    """The codes that were sent to an address, oldest first."""
    found = (_CODE.search(letter.text) for letter in letters if letter.to == to)
    return [match[0] for match in found if match]


@dataclass(frozen=True, slots=True)
class Letter:
    """A message as it left the house."""

    channel: str
    to: str
    subject: str
    text: str


def posted(file: Path) -> list[Letter]:
    """What the console sender has written to its file so far."""
    if not file.exists():
        return []
    return [Letter(**json.loads(line)) for line in file.read_text("utf-8").splitlines()]
