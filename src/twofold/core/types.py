"""The values every room speaks of; nothing here decides or remembers anything."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import Enum, IntEnum, StrEnum
from typing import NewType

from twofold.core.values import quick

Instant = NewType("Instant", int)
"""A moment in microseconds since 1970, UTC; it enters once per step and is passed down."""

Realm = NewType("Realm", str)
"""The name of a tenant; settings, subjects and keys belong to one."""

SubjectId = NewType("SubjectId", str)
"""32 hexadecimal digits, drawn at random; the shard key of every row."""

AuthenticatorId = NewType("AuthenticatorId", str)
"""16 hexadecimal digits, unique within its subject."""

SessionId = NewType("SessionId", str)
"""32 hexadecimal digits, derived from the ceremony that opened the session."""

DeviceId = NewType("DeviceId", str)
"""32 hexadecimal digits, derived from the session that asked for a browser to be remembered."""

SECOND = 1_000_000
"""Microseconds in a second."""

DEFAULT_REALM = Realm("default")


class Aal(IntEnum):
    """The assurance levels of SP 800-63B."""

    ONE = 1
    TWO = 2
    THREE = 3


class Category(StrEnum):
    """What kind of evidence a factor is; two different ones are needed for AAL2."""

    KNOWLEDGE = "knowledge"
    POSSESSION = "possession"
    MULTI_FACTOR = "multi-factor"
    """A key that its holder had to unlock: two kinds of evidence by itself (SP 800-63B-4
    section 3.1.7)."""
    MAILBOX = "mailbox"
    """SP 800-63B-4 section 3.1.3.1: a mailbox is no out-of-band authenticator."""
    RECOVERY = "recovery"


class Status(IntEnum):
    """Whether a subject may authenticate at all."""

    ACTIVE = 1
    DISABLED = 2


class Binding(IntEnum):
    """Where an authenticator stands in its life."""

    PENDING = 0
    """Bound but never confirmed: it proves nothing yet."""
    ACTIVE = 1
    CLOSED = 2
    """Shut by the absolute limit of SP 800-63B section 3.2.2 until it is reset."""


@dataclass(frozen=True, slots=True)
class Secret:
    """Bytes that no log, traceback or repr may show."""

    value: bytes = field(repr=False)


@quick
@dataclass(frozen=True, slots=True)
class Subject:
    """Whom authenticators are bound to, as the store knows it."""

    realm: Realm
    id: SubjectId
    name: str
    created_at: Instant
    email: str | None = None
    email_verified: bool = False
    phone: str | None = None
    phone_verified: bool = False
    groups: tuple[str, ...] = ()
    admin: bool = False
    status: Status = Status.ACTIVE
    epoch: int = 0
    """Rises with every change of factors or password; tickets of an older epoch are dead."""
    attributes: Mapping[str, object] = field(default_factory=dict)
    """What a dialect keeps about its user; JSON values only."""
    locale: str = ""
    """The language its owner reads, as core.languages spells it; empty where nobody said."""


@quick
@dataclass(frozen=True, slots=True)
class Item:
    """Something that can be spent once: a recovery code, a mailed code."""

    key: str
    """How the answer is recognised: a MAC or a slow hash, never the code itself."""
    expires_at: Instant | None = None
    ceremony: str | None = None
    """The only ceremony it answers; None for codes that any ceremony may spend."""


@quick
@dataclass(frozen=True, slots=True)
class Authenticator:
    """One thing bound to a subject, its secret still sealed."""

    id: AuthenticatorId
    subject: SubjectId
    realm: Realm
    kind: str
    created_at: Instant
    state: Binding = Binding.ACTIVE
    label: str = ""
    sealed: bytes = field(default=b"", repr=False)
    parameters: Mapping[str, str | int] = field(default_factory=dict)
    """What verification needs beside the secret (digits, period, ...): it lives with the
    secret, so that a changed setting never breaks an old enrolment."""
    mark: int = 0
    """The highest TOTP step or HOTP counter ever spent."""
    preferred: bool = False
    used_at: Instant | None = None
    items: tuple[Item, ...] = ()


@quick
@dataclass(frozen=True, slots=True)
class Tally:
    """Wrong guesses counted in one scope of one subject; absent means none."""

    version: int = 0
    """Rises with each write; a commit that saw another version is Stale."""
    spent: int = 0
    """Wrong guesses in the current window."""
    since: Instant = Instant(0)
    """When the current window began."""
    blocked_until: Instant = Instant(0)
    streak: int = 0
    """Consecutive wrong guesses; only a right answer of this very kind clears it."""
    rounds: int = 0
    """How many back-offs were served in a row; each doubles the next."""


@quick
@dataclass(frozen=True, slots=True)
class Session:
    """What a completed ceremony left behind."""

    realm: Realm
    subject: SubjectId
    id: SessionId
    created_at: Instant
    auth_time: Instant
    """The last moment the claimant proved something; refresh never moves it."""
    aal: Aal
    amr: tuple[str, ...]
    expires_at: Instant
    """The absolute end."""
    idle: int
    """Seconds without use after which the session is over."""
    seen_at: Instant
    client: str = ""
    transport: str = "json"
    generation: int = 0
    """Rises with each refresh; tokens carry it."""
    rotated_at: Instant = Instant(0)
    address: str = ""
    agent: str = ""
    proof: str = ""
    """MAC of the answer that opened it, so that an honest retry is told from a replay."""
    access_life: int = 900
    """Seconds an access token is good for after ``rotated_at``: policy's word when the session
    was opened, kept here so that a request needs no second read."""


@quick
@dataclass(frozen=True, slots=True)
class Device:
    """A browser, or a program, that one subject asked to be remembered; it proves nothing."""

    realm: Realm
    subject: SubjectId
    id: DeviceId
    created_at: Instant
    seen_at: Instant
    """When it last spared a second step, and its token was rotated."""
    trusted_until: Instant
    generation: int
    """Rises with each use; it begins with the second of ``created_at``, so that tokens of an
    earlier life of this id are old ones."""
    label: str = ""
    """How it called itself when it was remembered."""
    address: str = ""
    """Where it was last seen."""


@dataclass(frozen=True, slots=True)
class Document:
    """A realm-wide piece of configuration kept in the store, as JSON text."""

    realm: Realm
    kind: str
    name: str
    body: str
    version: int = 1


POLICY = ("policy", "realm")
"""Kind and name of the document that every view reads along."""


@quick
@dataclass(frozen=True, slots=True)
class View:
    """One consistent read of everything a step may decide on."""

    subject: Subject
    authenticators: tuple[Authenticator, ...] = ()
    tallies: Mapping[str, Tally] = field(default_factory=dict)
    """By scope, as core.throttle names it."""
    policy: Document | None = None
    session: Session | None = None
    devices: tuple[Device, ...] = ()
    """Remembered browsers, newest first; only where they were asked for."""


class Transport(Enum):
    """How credentials travel; one request never mixes both."""

    JSON = "json"
    COOKIE = "cookie"


@quick
@dataclass(frozen=True, slots=True)
class Context:
    """Who asks, from where: all that a face tells the engine about a request."""

    realm: Realm = DEFAULT_REALM
    client: str = ""
    """The application the request comes from; part of every ticket's associated data."""
    address: str = ""
    """The peer's address after the declared proxy chain, never a header taken on trust."""
    agent: str = ""
    binding: str | None = None
    """The pre-session cookie of a browser; a ticket made for one browser is dead in another."""
    transport: Transport = Transport.JSON
    request: str = ""
    """The request id that errors and audit records share."""
    locale: str = ""
    """The language the claimant reads, as the face negotiated it; empty where nobody asked."""
    device: str | None = field(default=None, repr=False)
    """What the browser carries from earlier sign-ins (core.browsers), empty if nothing; None
    where a face has no place for it."""
