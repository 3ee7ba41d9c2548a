"""What a step can lead to, as a closed union; a face or dialect is a ``match`` over it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from twofold.core.ceremony import Ceremony
from twofold.core.types import Instant, Session, Subject
from twofold.core.values import quick


@dataclass(frozen=True, slots=True)
class Choice:
    """A method the claimant may use now."""

    id: str
    kind: str
    label: str
    preferred: bool
    needs_challenge: bool
    hint: str = ""
    """A masked address; nothing that only the owner should know."""
    digits: int = 0
    """How many digits complete its code; 0 where that is not known."""


@dataclass(frozen=True, slots=True)
class Pending:
    """The ceremony goes on; ``ticket`` is the new name of it."""

    ceremony: Ceremony
    ticket: str = field(repr=False)
    subject: Subject | None = None
    """Known to faces once a first factor is proved, None before (I8)."""
    choices: tuple[Choice, ...] = ()
    """Second factors, preferred first."""
    recovery: bool = False
    """Whether a recovery code would be accepted."""
    attempts_left: int | None = None
    kinds: tuple[str, ...] = ()
    """What may be bound, in the states that bind."""
    show: Mapping[str, object] = field(default_factory=dict)
    """What a challenge needs to be answered: a masked address, WebAuthn options."""
    resend_at: Instant | None = None
    discoverable: bool = False
    """Whether a passkey alone may answer, in the state that begins a login."""


@dataclass(frozen=True, slots=True)
class Revealed:
    """The ceremony goes on, and here is a secret that is shown now and never again (I5)."""

    pending: Pending
    secrets: Mapping[str, object] = field(repr=False)


@quick
@dataclass(frozen=True, slots=True)
class Tokens:
    """The names of a session: ``session`` travels in a cookie, ``access`` in a header."""

    session: str = field(default="", repr=False)
    access: str = field(default="", repr=False)
    refresh: str = field(default="", repr=False)


@quick
@dataclass(frozen=True, slots=True)
class Granted:
    """The ceremony is over and this session stands for it."""

    session: Session
    subject: Subject
    tokens: Tokens
    notices: tuple[str, ...] = ()
    recovery_codes: tuple[str, ...] = field(default=(), repr=False)
    authenticator: str | None = None
    """The authenticator that was bound, when one was."""
    ended: tuple[str, ...] = ()
    """Ids of sessions that this one replaces."""
    device: str = field(default="", repr=False)
    """What the browser carries on from now on; empty leaves what it has."""
    purpose: str = ""
    """What the proof was for, as the face said that asked for it."""


@dataclass(frozen=True, slots=True)
class Done:
    """Something was done that leads to no session."""

    facts: Mapping[str, object] = field(default_factory=dict, repr=False)
    closes_session: bool = False
    """Whether the caller's own session ended with it, so that cookies must go."""


Outcome = Granted | Pending | Revealed | Done
"""All that a step can lead to."""
