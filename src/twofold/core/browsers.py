"""What a browser carries from earlier sign-ins, for each of those who use it.

Two tokens, made and checked like a session's. ``device`` names the row of a browser that its
subject asked to be remembered, in one generation; the row decides. ``known`` says that somebody
of this account, in this epoch, has signed in here before: it has no row and opens nothing, it
only keeps a letter from being sent. A browser has one such text for all its people, newest
first; in JSON transport the client keeps it.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final, Literal

from twofold.core import tokens
from twofold.core.errors import InvalidToken
from twofold.core.keyring import Keyring
from twofold.core.types import Device, DeviceId, Realm, SessionId, Subject, SubjectId

MOST: Final = 10
"""Tokens kept: those of five people at least. The oldest go, so that the cookie stays small."""

_BETWEEN: Final = "~"
"""In no token, and allowed in a cookie and in a header (RFC 6265 section 4.1.1)."""

LONGEST: Final = MOST * (tokens.LENGTH + len(_BETWEEN))
"""Characters; nothing longer was made by us."""

_NO_ROW: Final = SessionId("0" * 32)


@dataclass(frozen=True, slots=True)
class Mark:
    """One token of a browser, its tag found right."""

    text: str
    kind: Literal["device", "known"]
    subject: SubjectId
    device: DeviceId
    generation: int
    """Of the row; for ``known`` the subject's epoch."""


def read(ring: Keyring, realm: Realm, text: str) -> tuple[Mark, ...]:
    """The marks of a text in their order; what is not ours is not among them.

    Never an error: a browser with a broken cookie is a stranger, and strangers may sign in.
    """
    if not text or len(text) > LONGEST:
        return ()
    found = (_read(ring, realm, part) for part in text.split(_BETWEEN)[:MOST])
    return tuple(mark for mark in found if mark is not None)


def _read(ring: Keyring, realm: Realm, part: str) -> Mark | None:
    kind: Literal["device", "known"] = (
        "device" if part.startswith(tokens.PREFIXES["device"]) else "known"
    )
    try:
        claims = tokens.read(ring, kind, realm, part)
    except InvalidToken:
        return None
    return Mark(part, kind, claims.subject, DeviceId(claims.session), claims.generation)


def token(ring: Keyring, device: Device) -> str:
    """The token of a remembered browser's present generation."""
    row = SessionId(device.id)
    return tokens.mint(ring, "device", device.realm, device.subject, row, device.generation)


def write(ring: Keyring, subject: Subject, epoch: int, device: str, marks: Iterable[Mark]) -> str:
    """The text a browser carries on after a sign-in of this subject, who is newest now.

    ``epoch`` is the subject's once the sign-in is committed, ``device`` a token or empty;
    ``marks`` are what was shown, of which those of other subjects stay.
    """
    known = tokens.mint(ring, "known", subject.realm, subject.id, _NO_ROW, epoch)
    others = [mark.text for mark in marks if mark.subject != subject.id]
    return _BETWEEN.join([known, *([device] if device else []), *others][:MOST])
