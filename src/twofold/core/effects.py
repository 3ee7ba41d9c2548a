"""All that a store can be told to do, as data; a commit applies a handful of these or none.

The union ``Effect`` is closed: a store that forgets a case does not type-check. Each effect
says in its docstring when it refuses; a refusal undoes the whole commit.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from twofold.core.types import (
    Authenticator,
    AuthenticatorId,
    Binding,
    Device,
    DeviceId,
    Document,
    Instant,
    Item,
    Realm,
    Session,
    SessionId,
    Subject,
    SubjectId,
    Tally,
)
from twofold.core.values import quick


@quick
@dataclass(frozen=True, slots=True)
class Advance:
    """Spend a TOTP step or HOTP counter; Replayed unless the stored mark is lower.

    ``at`` becomes the authenticator's last use.
    """

    subject: SubjectId
    authenticator: AuthenticatorId
    mark: int
    at: Instant


@quick
@dataclass(frozen=True, slots=True)
class Burn:
    """Spend an item by deleting it; Replayed unless it is there and has not expired.

    ``at`` becomes the authenticator's last use.
    """

    subject: SubjectId
    authenticator: AuthenticatorId
    item: str
    at: Instant


@dataclass(frozen=True, slots=True)
class Reusable:
    """Spend nothing: a password may be typed again."""


Spend = Advance | Burn | Reusable
"""What a right answer uses up."""


@quick
@dataclass(frozen=True, slots=True)
class Unchanged:
    """Stale unless the subject is active and still of this epoch (A77).

    And unless nobody guessed wrong in the scopes named: the first look that nearly every right
    answer depends on is one statement and not three.
    """

    subject: SubjectId
    epoch: int
    unguessed: tuple[str, ...] = ()
    """Scopes in which no tally was seen."""


@quick
@dataclass(frozen=True, slots=True)
class TakeGuess:
    """Count a wrong guess; Stale unless the stored tally has version ``tally.version - 1``.

    The rule that made ``tally`` is pure (core.throttle); the version check is what makes
    N parallel guesses against a budget B reveal at most B verdicts.
    """

    subject: SubjectId
    scope: str
    tally: Tally
    keep_until: Instant
    """When the row may be swept."""


@quick
@dataclass(frozen=True, slots=True)
class Forgive:
    """Forget wrong guesses; Stale unless the stored tally has the version that was seen.

    ``seen`` 0 means that no row was there: a guess taken meanwhile makes the commit Stale.
    """

    subject: SubjectId
    scope: str
    seen: int


@quick
@dataclass(frozen=True, slots=True)
class Unguessed:
    """Stale unless the stored tally has the version that was seen; the tally is kept.

    For scopes whose budget a right answer must respect but may not clear.
    """

    subject: SubjectId
    scope: str
    seen: int


@dataclass(frozen=True, slots=True)
class OpenSession:
    """Insert a session; Replayed if its id exists: one ceremony makes at most one."""

    session: Session


@dataclass(frozen=True, slots=True)
class CloseSessions:
    """End sessions of a subject: one, all, or all but one."""

    subject: SubjectId
    only: SessionId | None = None
    keep: SessionId | None = None


@dataclass(frozen=True, slots=True)
class Rotate:
    """Raise a session's generation by one; Stale unless it is ``generation`` now.

    It is a use of the session: what Touch notes is noted along.
    """

    subject: SubjectId
    session: SessionId
    generation: int
    at: Instant


@dataclass(frozen=True, slots=True)
class Touch:
    """Note that a session was used; never refuses and never moves time back."""

    subject: SubjectId
    session: SessionId
    at: Instant


@dataclass(frozen=True, slots=True)
class Remember:
    """Insert a remembered browser; Stale if the id is taken."""

    device: Device


@dataclass(frozen=True, slots=True)
class Renew:
    """Raise a remembered browser's generation by one; Stale unless it is ``generation`` now.

    ``at`` and ``address`` become its last use.
    """

    subject: SubjectId
    device: DeviceId
    generation: int
    at: Instant
    address: str


@dataclass(frozen=True, slots=True)
class Forget:
    """Forget one remembered browser of a subject, or all of them; never refuses."""

    subject: SubjectId
    only: DeviceId | None = None


@dataclass(frozen=True, slots=True)
class Bind:
    """Insert an authenticator with its items; Stale if the id is taken."""

    authenticator: Authenticator


@dataclass(frozen=True, slots=True)
class Amend:
    """Change what is not secret use: None leaves a field; Stale if the row is gone.

    ``preferred=True`` takes the preference from the subject's other authenticators.
    """

    subject: SubjectId
    authenticator: AuthenticatorId
    label: str | None = None
    preferred: bool | None = None
    state: Binding | None = None
    sealed: bytes | None = field(default=None, repr=False)
    parameters: dict[str, str | int] | None = None


@dataclass(frozen=True, slots=True)
class Unbind:
    """Delete an authenticator and its items; Stale if it is gone already."""

    subject: SubjectId
    authenticator: AuthenticatorId


@dataclass(frozen=True, slots=True)
class Issue:
    """Replace the unspent items of an authenticator: a new code voids the old ones.

    Stale if the authenticator is gone. ``parameters``, when given, replaces the row's
    parameters in the same breath (the moment a code was sent, for the cool-down), and then
    ``seen`` must equal the stored ``mark``, which rises by one: two sends at once are one.
    """

    subject: SubjectId
    authenticator: AuthenticatorId
    items: tuple[Item, ...]
    parameters: dict[str, str | int] | None = None
    seen: int | None = None


@dataclass(frozen=True, slots=True)
class Send:
    """Put a message into the outbox; a message with a known id replaces the unsent one.

    Its tries and its lease then begin anew.
    """

    realm: Realm
    subject: SubjectId
    id: str
    """32 hexadecimal digits; also the Message-ID, so that a retry is recognised."""
    channel: str
    to: str
    template: str
    sealed: bytes = field(repr=False)
    """The values of the template, sealed: a code waits in the outbox under a key."""
    due_at: Instant
    expires_at: Instant
    """A dead code is never delivered."""


@dataclass(frozen=True, slots=True)
class Lease:
    """Claim a message for sending; Stale unless its lease ended and its tries match."""

    subject: SubjectId
    message: str
    tries: int
    until: Instant
    at: Instant


@dataclass(frozen=True, slots=True)
class Settle:
    """Take a message out of the outbox: delivered, expired or given up; never refuses.

    ``due_at``, when given, is the row's: a newer message that took the same id while the
    older one was being delivered has another one, and stays.
    """

    subject: SubjectId
    message: str
    due_at: Instant | None = None


@dataclass(frozen=True, slots=True)
class PutSubject:
    """Insert or change a subject; Taken if another one has its name, or its email or phone.

    Addresses count once they are verified: an unverified one reserves nothing and finds nobody.

    ``seen`` is the epoch the change was decided on, None for a new subject; Stale otherwise.
    """

    subject: Subject
    seen: int | None = None


@dataclass(frozen=True, slots=True)
class RemoveSubject:
    """Delete a subject with all that hangs on it except its audit records; Stale if gone."""

    subject: SubjectId


@dataclass(frozen=True, slots=True)
class PutDocument:
    """Insert or replace a document; Stale unless the stored version is one lower."""

    document: Document


@dataclass(frozen=True, slots=True)
class RemoveDocument:
    """Delete a document; Stale if it is gone."""

    realm: Realm
    kind: str
    name: str


@quick
@dataclass(frozen=True, slots=True)
class Record:
    """Append an audit record; it is written in the commit it describes (I7)."""

    realm: Realm
    subject: SubjectId | None
    id: str
    """16 hexadecimal digits."""
    at: Instant
    event: str
    """A dotted name from core.audit.EVENTS."""
    body: str
    """Canonical JSON without any secret, code or token."""


@dataclass(frozen=True, slots=True)
class Seal:
    """Close a segment of audit records; Stale unless ``number`` follows the last one."""

    number: int
    at: Instant
    upto: int
    """The store's own position of the last record sealed."""
    body: str
    """Canonical JSON: ids and leaf hashes in order, root, previous hash, signature."""


@dataclass(frozen=True, slots=True)
class Sweep:
    """Delete what has expired before ``before``, at most ``limit`` rows per table."""

    before: Instant
    limit: int = 500


Effect = (
    Advance
    | Burn
    | Reusable
    | Unchanged
    | TakeGuess
    | Forgive
    | Unguessed
    | OpenSession
    | CloseSessions
    | Rotate
    | Touch
    | Remember
    | Renew
    | Forget
    | Bind
    | Amend
    | Unbind
    | Issue
    | Send
    | Lease
    | Settle
    | PutSubject
    | RemoveSubject
    | PutDocument
    | RemoveDocument
    | Record
    | Seal
    | Sweep
)
"""The closed union; stores match on it exhaustively."""
