"""Every setting once: its name, what it may be, its default and what it is for.

The rest of the house reads these frozen values; the manual, the environment and the faults that
name a key are made from the same lines. A key of ``[policy]`` is declared in core.policy_document,
because a realm's own document has the same ones.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, fields, is_dataclass
from enum import StrEnum
from types import MappingProxyType
from typing import Any, get_type_hints

from twofold.core import codes, languages, policy_document
from twofold.core.fields import Choice, Listed, Nets, Text, Truth, Whole
from twofold.core.networks import Networks, parse_networks
from twofold.core.policy import Policy, Profile
from twofold.core.theme import Theme
from twofold.settings.declaring import ORIGIN, Key, setting
from twofold.settings.passkeys import Passkeys
from twofold.settings.vendors import Vendor

DAY = 86_400
"""Seconds."""


class Sending(StrEnum):
    """How mail leaves the house."""

    CONSOLE = "console"
    SMTP = "smtp"


class Texting(StrEnum):
    """How text messages leave the house."""

    CONSOLE = "console"
    TWILIO = "twilio"
    HTTP = "http"
    SMPP = "smpp"


class Tls(StrEnum):
    """How the connection to the mail server is encrypted."""

    STARTTLS = "starttls"
    TLS = "tls"
    NONE = "none"


class Algorithm(StrEnum):
    """The hash of new TOTP keys."""

    SHA1 = "SHA1"
    SHA256 = "SHA256"
    SHA512 = "SHA512"


class LogLevel(StrEnum):
    """The least a line of the log must matter."""

    DEBUG = "debug"
    INFO = "info"
    WARNING = "warning"
    ERROR = "error"


_PATH = Text("a path", pattern=r"[^\x00]*")
_HOST = r"[A-Za-z0-9._:\-]{1,255}"


@dataclass(frozen=True, slots=True)
class Server:
    """Where and how we listen."""

    host: str = setting(
        "127.0.0.1", Text("an address or a host name", _HOST), "Address to listen on."
    )
    port: int = setting(8080, Whole(0, 65_535), "Port to listen on; 0 takes a free one.")
    base_url: str = setting(
        "",
        Text("an http or https URL without a path", rf"(?:{ORIGIN}/?)?"),
        "How browsers reach the server; empty for the listening address.",
    )
    trusted_origins: tuple[str, ...] = setting(
        (),
        Listed(Text("an origin such as https://app.example.org", ORIGIN)),
        "Further origins whose pages may use our cookies.",
    )
    return_to: tuple[str, ...] = setting(
        (),
        Listed(Text("an origin such as https://app.example.org", ORIGIN)),
        "Further origins that a sign-in may lead back to.",
    )
    trusted_proxies: Networks = setting(
        Networks(), Nets(), "Proxies whose X-Forwarded-For and X-Request-Id count."
    )
    workers: int = setting(1, Whole(1, 64), "Processes that serve.")
    head_seconds: int = setting(10, Whole(1, 300), "Seconds for the headers of a request.")
    body_seconds: int = setting(15, Whole(1, 600), "Seconds for the body of a request.")
    idle_seconds: int = setting(20, Whole(1, 3_600), "Seconds between two requests.")
    write_seconds: int = setting(20, Whole(1, 600), "Seconds a client may leave an answer unread.")
    connections: int = setting(
        800, Whole(1, 100_000), "Open connections per process; below the limit of open files."
    )
    drain_seconds: int = setting(
        10, Whole(1, 600), "Seconds that requests under way are given when the server stops."
    )


@dataclass(frozen=True, slots=True)
class Database:
    """What is kept, and where."""

    url: str = setting(
        "",
        Text(
            "sqlite:///PATH, postgresql://USER@HOST/NAME or memory:",
            r"(?:sqlite:///[^\x00?#]+|memory:|postgres(?:ql)?://[^\x00\s]+)?",
        ),
        "sqlite:///PATH (a fourth slash begins an absolute path), postgresql://USER@HOST/NAME,"
        " or memory: for tests; empty for twofold.db in the data directory.",
        secret=True,
    )
    connections: int = setting(
        8, Whole(3, 500), "Connections of one process to PostgreSQL; two of them only commit."
    )
    prepared: bool = setting(
        default=True,
        reader=Truth(),
        text="Whether PostgreSQL keeps statements prepared; false behind a PgBouncer older than"
        " 1.21 that pools transactions.",
    )
    sweep_seconds: int = setting(
        15, Whole(1, DAY), "Seconds between two rounds that delete what has expired."
    )


@dataclass(frozen=True, slots=True)
class Dialects:
    """Whose clients are served in their own words."""

    enabled: tuple[str, ...] = setting(
        ("structr",),
        Listed(Text("the name of a dialect", r"[a-z][a-z0-9_]{0,31}")),
        "Dialects to mount: ours, or entry points of the group twofold.dialects.",
    )


@dataclass(frozen=True, slots=True)
class Factors:
    """Which factors of other packages are loaded; ours always are."""

    enabled: tuple[str, ...] = setting(
        (),
        Listed(Text("the name of an entry point", r"[a-z][a-z0-9_]{0,31}")),
        "Entry points of the group twofold.factors to load.",
    )


@dataclass(frozen=True, slots=True)
class Email:
    """How mail is sent, and the codes in it."""

    sender: Sending = setting(
        Sending.CONSOLE, Choice(Sending), "console prints each message; smtp delivers it."
    )
    host: str = setting("", Text("a host name", rf"(?:{_HOST})?"), "Mail server.")
    port: int = setting(587, Whole(1, 65_535), "Port of the mail server.")
    username: str = setting("", Text(), "Name to sign in to the mail server with, if any.")
    password: str = setting("", Text(), "Password for the mail server.", secret=True)
    tls: Tls = setting(
        Tls.STARTTLS,
        Choice(Tls),
        "Encryption on the way to the mail server; none only to loopback.",
    )
    authorities: str = setting(
        "", _PATH, "File of certificates to trust for the mail server, instead of the system's."
    )
    timeout: int = setting(10, Whole(1, 300), "Seconds for the delivery of one message.")
    from_: str = setting("Twofold <twofold@localhost>", Text(), "Who mail is from.", name="from")
    file: str = setting(
        "", _PATH, "With the sender console, a file that gets each message as a JSON line too."
    )
    templates: str = setting("", _PATH, "Directory of texts that are looked into before ours.")
    locale: str = setting(
        "en",
        Text("a language such as en or de", languages.PATTERN),
        "Language of messages to those of whom none is known.",
    )
    colour: str = setting(
        "#1d4ed8",
        Text("a colour as #rrggbb", r"#[0-9A-Fa-f]{6}"),
        "Of buttons and of the upper edge, in the HTML of messages.",
    )
    code_digits: int = setting(6, Whole(6, 10), "Digits of a mailed code.")
    code_life: int = setting(600, Whole(30, 900), "Seconds for which a mailed code is good.")
    code_cooldown: int = setting(
        60, Whole(0, 900), "Seconds before another code goes to the same address."
    )
    code_daily: int = setting(30, Whole(1, 1_000), "Codes that go to one address in a day.")


@dataclass(frozen=True, slots=True)
class Sms:
    """How text messages are sent."""

    sender: Texting = setting(
        Texting.CONSOLE, Choice(Texting), "console prints each message; others come later."
    )
    file: str = setting(
        "", _PATH, "With the sender console, a file that gets each message as a JSON line too."
    )


@dataclass(frozen=True, slots=True)
class Totp:
    """New keys for authenticator apps, and how many steps beside the present one count."""

    issuer: str = setting(
        "Twofold",
        Text("a name of 1 to 64 characters without a colon", r"[^:%]{1,64}"),
        "How the service calls itself, in apps and in mail.",
    )
    algorithm: Algorithm = setting(
        Algorithm.SHA1, Choice(Algorithm), "Hash of new keys; every app reads SHA1."
    )
    digits: int = setting(6, Whole(6, 8), "Digits of the codes of new keys.")
    period: int = setting(30, Whole(15, 120), "Seconds of one step of new keys.")
    past: int = setting(1, Whole(0, 10), "Past steps whose codes are taken.")
    future: int = setting(0, Whole(0, 1), "Future steps whose codes are taken.")


@dataclass(frozen=True, slots=True)
class Recovery:
    """The shape of new recovery codes."""

    count: int = setting(10, Whole(1, 100), "Codes in a set.")
    length: int = setting(16, Whole(1, 64), "Letters of a code.")
    alphabet: str = setting(
        codes.RECOVERY_ALPHABET,
        Text("2 to 62 different ASCII letters and digits", r"(?:([A-Za-z0-9])(?!.*\1)){2,62}"),
        "Letters that codes are made of.",
    )
    group: int = setting(4, Whole(0, 64), "Letters before each dash; 0 writes none.")


@dataclass(frozen=True, slots=True)
class Passwords:
    """What a password must be, what its hash costs, and how many are hashed at once."""

    minimum: int = setting(8, Whole(8, 64), "Characters of a new password, at least.")
    memory_kib: int = setting(19_456, Whole(8, 4_194_304), "KiB of memory for one Argon2id hash.")
    time: int = setting(2, Whole(1, 64), "Passes over that memory.")
    lanes: int = setting(1, Whole(1, 16), "Lanes of one hash.")
    workers: int = setting(
        0, Whole(0, 256), "Threads that hash, in each process; 0 for one per core."
    )
    queue: int = setting(
        32, Whole(0, 10_000), "Hashes that may wait per thread before sign-ins are put off."
    )


@dataclass(frozen=True, slots=True)
class Throttle:
    """How sources that try many names are slowed; the budget of a subject is in [policy]."""

    source_allowed: int = setting(
        50, Whole(5, 100_000), "Wrong passwords from one source within one window."
    )
    source_window: int = setting(300, Whole(1, DAY), "Seconds of such a window.")
    source_delay: int = setting(60, Whole(1, DAY), "Seconds of the first back-off of a source.")
    source_longest: int = setting(3_600, Whole(1, DAY), "Seconds of the longest one.")


@dataclass(frozen=True, slots=True)
class Sessions:
    """How sessions are looked up; their lives are in [policy]."""

    cache_seconds: int = setting(
        0,
        Whole(0, 60),
        "Seconds for which a process may trust its own memory of a session;"
        " with 0 a revocation works everywhere at once.",
    )


@dataclass(frozen=True, slots=True)
class Audit:
    """How soon records are sealed."""

    seal_seconds: int = setting(2, Whole(1, 6), "Seconds between two closed segments.")


@dataclass(frozen=True, slots=True)
class Figures:
    """Who may read the counters."""

    networks: Networks = setting(
        parse_networks("127.0.0.0/8, ::1/128"),
        Nets(),
        "Networks from which /metrics is read without an administrator's token.",
    )


@dataclass(frozen=True, slots=True)
class Log:
    """What is written to standard error."""

    level: LogLevel = setting(LogLevel.WARNING, Choice(LogLevel), "The least a line must matter.")
    requests: bool = setting(
        default=False,
        reader=Truth(),
        text="Whether each request gets a line (method, route, status; no query).",
    )


@dataclass(frozen=True, slots=True)
class Settings:
    """All of them, checked and frozen."""

    data: str = setting("twofold-data", _PATH, "Directory of the database and the keys.")
    profile: Profile = setting(
        Profile.STANDARD,
        Choice(Profile),
        "How collisions of a vendor's contract with a standard end.",
    )
    server: Server = field(default_factory=Server)
    database: Database = field(default_factory=Database)
    policy: Policy = field(default_factory=Policy)
    dialects: Dialects = field(default_factory=Dialects)
    factors: Factors = field(default_factory=Factors)
    email: Email = field(default_factory=Email)
    sms: Sms = field(default_factory=Sms)
    totp: Totp = field(default_factory=Totp)
    webauthn: Passkeys = field(default_factory=Passkeys)
    recovery: Recovery = field(default_factory=Recovery)
    password: Passwords = field(default_factory=Passwords)
    throttle: Throttle = field(default_factory=Throttle)
    sessions: Sessions = field(default_factory=Sessions)
    audit: Audit = field(default_factory=Audit)
    metrics: Figures = field(default_factory=Figures)
    log: Log = field(default_factory=Log)
    theme: Theme = field(default_factory=Theme)
    origins: Mapping[str, str] = field(default_factory=dict, repr=False, compare=False)
    """Where each value that is not a default came from, by key."""
    vendors: Mapping[str, Vendor] = field(default_factory=dict)
    """What vendors' own files and variables say, by the name of the dialect."""
    notes: tuple[str, ...] = field(default=(), compare=False)
    """What was taken or left alone, and an operator should hear of."""


def _declared() -> dict[str, Key]:
    found: dict[str, Key] = {}
    sections = get_type_hints(Settings)
    for part in fields(Settings):
        if part.name == "policy":
            found |= _of_policy()
        elif is_dataclass(section := sections[part.name]):
            found |= {key.name: key for key in _of_section(part.name, section)}
        elif part.metadata:
            found[part.name] = _key(part.name, part)
    return found


def _of_section(name: str, section: Any) -> list[Key]:
    return [_key(f"{name}.{part.metadata['name'] or part.name}", part) for part in fields(section)]


def _key(name: str, part: Any) -> Key:
    known = part.metadata
    return Key(name, known["reader"], part.default, known["text"], known["secret"])


def _of_policy() -> dict[str, Key]:
    defaults = policy_document.flat(Policy())
    return {
        f"policy.{name}": Key(f"policy.{name}", entry.reader, defaults[name], entry.text)
        for name, entry in policy_document.ENTRIES.items()
        if name != "profile"  # stands at the top, because it decides more than policy
    }


KEYS: Mapping[str, Key] = MappingProxyType(_declared())
"""Every setting by its dotted name, in the order of the manual."""
