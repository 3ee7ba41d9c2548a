"""What a kind of authenticator must know: to bind, to ask, to verify; and nothing else.

A factor never sees HTTP, SQL, another factor, or whether a code was spent. It cannot say yes
without handing over what must be spent: that is what ``Proof`` is for.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Protocol

from twofold.core.effects import Effect, Spend
from twofold.core.types import (
    Aal,
    Authenticator,
    Category,
    Instant,
    Item,
    Subject,
    SubjectId,
)
from twofold.core.values import quick

Answer = str | Mapping[str, object]
"""What a claimant sends back: a code, or a WebAuthn credential as parsed JSON."""


@quick
@dataclass(frozen=True, slots=True)
class Held:
    """An authenticator with its secret opened, for as long as one step lasts."""

    authenticator: Authenticator
    secret: bytes = field(repr=False)
    mac_keys: tuple[bytes, ...] = field(default=(), repr=False)
    """Keys for recognising what was asked: codes sent out of band, challenges; newest first."""
    kin: tuple[Authenticator, ...] = ()
    """The subject's other authenticators of this kind, where one challenge is for all of them."""


@dataclass(frozen=True, slots=True)
class Wish:
    """What the claimant or an administrator wants bound; None leaves it to the factor."""

    label: str = ""
    secret: bytes | None = field(default=None, repr=False)
    """Imported material (a TOTP key, a new password); refused below 128 bits."""
    parameters: Mapping[str, str | int] = field(default_factory=dict)
    account: str = ""
    """What the claimant's app shows beside the issuer."""


@dataclass(frozen=True, slots=True)
class Bound:
    """A new authenticator in the making: nothing is stored until it is confirmed."""

    secret: bytes = field(repr=False)
    parameters: Mapping[str, str | int] = field(default_factory=dict)
    items: tuple[Item, ...] = ()
    reveal: Mapping[str, object] = field(default_factory=dict, repr=False)
    """What the claimant must see now and never again (key URI, codes)."""
    needs_confirmation: bool = True


@dataclass(frozen=True, slots=True)
class Asked:
    """What a challenge sent or showed; ``deliver`` goes into the outbox by the engine."""

    items: tuple[Item, ...] | None = None
    """What replaces the stored items; None leaves them alone, so that nothing is voided."""
    parameters: Mapping[str, str | int] | None = None
    deliver: Mapping[str, str] | None = field(default=None, repr=False)
    """``channel``, ``to``, ``template`` and template values; None when nothing is sent."""
    show: Mapping[str, object] = field(default_factory=dict)
    """What the client needs to answer: a masked address, WebAuthn options."""
    expires_at: Instant | None = None
    resend_at: Instant | None = None
    ceremony: str | None = None
    """The name under which this challenge is answered, None for the ceremony's own. It differs
    where a code already on its way to the same place answers this one too: the ticket keeps it
    and hands it to ``ask`` and ``verify`` instead of its own."""


@quick
@dataclass(frozen=True, slots=True)
class Proof:
    """A right answer; it cannot be made without saying what it uses up."""

    spend: Spend
    also: tuple[Effect, ...] = ()
    """What the same commit should carry beside (a rehash, a new sign count)."""
    note: str = ""
    """For the audit record: ``step=57812``, ``left=7``; never a code."""
    renew: bytes | None = field(default=None, repr=False)
    """The secret in a newer form (a rehashed password), sealed and stored by the same commit."""
    parameters: Mapping[str, str | int] | None = None
    """What replaces the parameters by the same commit (a sign count); None leaves them alone."""
    amr: tuple[str, ...] = ()
    """What was really done, where a kind can do more or less; empty for the kind's own."""
    category: Category | None = None
    """What kind of evidence this answer was; None for the kind's own."""
    signal: str = ""
    """An event to record beside the yes, because the owner or operator should know of it."""


@dataclass(frozen=True, slots=True)
class Wrong:
    """A wrong answer and why, for the log; the claimant is told less."""

    hint: str
    """One of ``malformed``, ``mismatch``, ``replayed``, ``expired``, ``none-issued``,
    ``other-ceremony``, ``other-origin``, ``unverified``, ``already-bound``."""
    drift: int | None = None
    """How many steps the claimant's clock is off, where that could be told."""
    late: int | None = None
    """Seconds the claimant's clock is slow, where whoever only guesses may hear of it too."""


class Factor(Protocol):
    """One kind of authenticator."""

    @property
    def kind(self) -> str:
        """The stable slug stored with each authenticator."""

    @property
    def amr(self) -> tuple[str, ...]:
        """RFC 8176 values a proof of this kind adds."""

    @property
    def aal(self) -> Aal:
        """The highest SP 800-63B level it can help to reach."""

    @property
    def category(self) -> Category:
        """Two different categories make two factors."""

    @property
    def first(self) -> bool:
        """Whether it is a first step that others follow (a password)."""

    @property
    def slow(self) -> bool:
        """Whether binding and verifying hash slowly and belong into the pool."""

    @property
    def asks(self) -> bool:
        """Whether a challenge must be asked for before it can be answered."""

    def bind(self, subject: Subject, wish: Wish, seed: bytes, now: Instant) -> Bound:
        """Make a new secret from 128 bytes of ``seed``, or take the wished one."""

    def ask(self, subject: Subject, held: Held, ceremony: str, seed: bytes, now: Instant) -> Asked:
        """Make a challenge; raise CooldownActive while the last one is fresh.

        ``ceremony`` is ``<kind>.<jti>``, or the name an earlier ``Asked`` gave. What is sent
        for one kind of ceremony answers no other kind (I4).
        """

    def verify(self, held: Held, ceremony: str, answer: Answer, now: Instant) -> Proof | Wrong:
        """Judge an answer without knowing whether it was spent elsewhere meanwhile."""


class Opening(Factor, Protocol):
    """A factor a ceremony may begin with, before anybody knows whether the subject exists."""

    @property
    def decoy(self) -> bytes:
        """A secret nobody knows: unknown subjects cost the same work as known ones (I8)."""


class Discoverable(Factor, Protocol):
    """A factor whose answer says whose it is, so that a sign-in may consist of it alone."""

    def invite(self, nobody: Held, ceremony: str, now: Instant) -> Asked:
        """Make a challenge for whoever answers; it tells nothing of any account (I8)."""

    def claimed(self, answer: Answer) -> SubjectId | None:
        """Read whose an answer claims to be; nothing is proved by that."""

    def answers(self, authenticator: Authenticator, answer: Answer) -> bool:
        """Say whether an answer names this authenticator."""

    def decoy(self, subject: SubjectId, answer: Answer) -> tuple[bytes, Mapping[str, str | int]]:
        """Make a secret and parameters under which a stranger's answer costs the same work (I8)."""
