"""The rhythm of every attempt: look once, think purely, commit everything or nothing.

A verdict leaves the engine only with the commit that paid for it: a right answer in one
transaction with what it spends, the session it opens and its audit record; a wrong one in the
transaction that takes a guess. When the rows a verdict was based on have changed meanwhile the
store refuses, and the attempt looks and thinks again.
"""

from __future__ import annotations

import hashlib
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Any, TypeVar

from twofold.ceremonies.gate import Gate
from twofold.core import audit, letters, policy_document, seal, tickets
from twofold.core.ceremony import Ceremony, Kind, State, dump, load
from twofold.core.effects import Effect, Record, Send
from twofold.core.errors import (
    CeremonyExpired,
    Replayed,
    Stale,
    StaleSecurityState,
    Unavailable,
)
from twofold.core.keyring import Keyring
from twofold.core.policy import Policy
from twofold.core.types import (
    SECOND,
    Authenticator,
    AuthenticatorId,
    Context,
    Document,
    Instant,
    SessionId,
    Status,
    Subject,
    View,
)
from twofold.factors import Answer, Asked, Bound, Discoverable, Factor, Held, Opening, Proof, Wrong
from twofold.ports import Clock, Entropy, Hashing, Metrics, Store

ROUNDS = 24
"""How often an attempt looks again before it answers 503: more than the usual budgets, so that
whoever guesses in parallel runs out of guesses before an honest claimant runs out of rounds."""

SEED = 128
"""Bytes of randomness handed to a factor."""

_ENVELOPE = frozenset({"template", "channel", "to"})

Result = TypeVar("Result")


@dataclass(frozen=True, slots=True)
class Rules:
    """What settings fix for the life of a process."""

    issuer: str
    base_url: str
    policy: Policy = field(default_factory=Policy)
    """The policy of a realm that keeps none of its own."""
    password_minimum: int = 8
    blocked_passwords: frozenset[bytes] = field(default=frozenset(), repr=False)


@dataclass(frozen=True, slots=True)
class Engine:
    """Everything a ceremony needs, put together by wiring; it keeps no state of its own."""

    store: Store
    ring: Callable[[], Keyring]
    """The key ring as it is now; rotation replaces it while we run."""
    clock: Clock
    entropy: Entropy
    hashing: Hashing
    factors: Mapping[str, Factor]
    opening: Opening
    """The factor that ceremonies begin with."""
    recovery: Factor
    """The factor of last resort, made along with the first second factor."""
    metrics: Metrics
    rules: Rules
    gate: Gate
    nudge: Callable[[], None]
    """Wakes the outbox after a commit that queued a message."""
    discoverable: Discoverable | None = None
    """The factor that a login may consist of, one of ``factors``; None where none may."""

    def policy(self, document: Document | None) -> Policy:
        """Return the realm's rules as the same read saw them (I10)."""
        if document is None:
            return self.rules.policy
        return policy_document.load(document.body, self.rules.policy)

    def draw(self, size: int = SEED) -> bytes:
        """Return fresh randomness."""
        return self.entropy.draw(size)

    def held(self, authenticator: Authenticator) -> Held:
        """Open an authenticator's secret for one step."""
        ring = self.ring()
        secret = seal.open_sealed(ring.keys("seal"), authenticator.sealed, _row(authenticator))
        return Held(authenticator, secret, mac_keys=tuple(ring.keys("code-mac").values()))

    def draft(self, authenticator: Authenticator, secret: bytes) -> Held:
        """Return what was never stored, in the form that factors verify."""
        return Held(authenticator, secret, mac_keys=tuple(self.ring().keys("code-mac").values()))

    def sealed(self, authenticator: Authenticator, secret: bytes) -> bytes:
        """Seal an authenticator's secret for its row and no other (A89)."""
        key_id, key = self.ring().current("seal")
        return seal.seal(key, key_id, self.draw(12), secret, _row(authenticator))

    def is_current(self, sealed: bytes) -> bool:
        """Say whether a secret is sealed under the newest key."""
        return seal.key_id_of(sealed) == self.ring().current("seal")[0]

    def made(
        self, subject: Subject, kind: str, bound: Bound, now: Instant, **more: Any
    ) -> Authenticator:
        """Return a new authenticator of a subject, its secret sealed for its row."""
        blank = Authenticator(
            id=self.new_authenticator_id(),
            subject=subject.id,
            realm=subject.realm,
            kind=kind,
            created_at=now,
            parameters=bound.parameters,
            items=bound.items,
            **more,
        )
        return replace(blank, sealed=self.sealed(blank, bound.secret))

    def new_authenticator_id(self) -> AuthenticatorId:
        """Return an id nobody has."""
        return AuthenticatorId(self.draw(8).hex())

    async def judge(
        self, factor: Factor, held: Held, ceremony: str, answer: Answer, now: Instant
    ) -> Proof | Wrong:
        """Verify an answer; slow factors run in the pool, so code checks never wait for them."""
        work = partial(factor.verify, held, ceremony, answer, now)
        return await self.hashing.run(work) if factor.slow else work()

    async def settle(self, attempt: Callable[[], Awaitable[Result]]) -> Result:
        """Run look-think-commit until its commit was neither Stale nor overtaken."""
        for _ in range(ROUNDS):
            try:
                return await attempt()
            except (Stale, Replayed):
                continue
        raise Unavailable

    async def commit(self, *effects: Effect) -> None:
        """Commit; then count what was recorded and wake the outbox for what is to be sent."""
        await self.store.commit(*effects)
        for effect in effects:
            if isinstance(effect, Record):
                self.metrics.count(effect.event, {})
            elif isinstance(effect, Send):
                self.nudge()

    def begun(
        self, kind: Kind, state: State, context: Context, now: Instant, *, life: int, **more: Any
    ) -> Ceremony:
        """Return a new ceremony of ``life`` seconds, held to where its request came from."""
        return Ceremony(
            jti=self.draw(16).hex(),
            kind=kind,
            realm=context.realm,
            client=context.client,
            state=state,
            started_at=now,
            expires_at=Instant(now + life * SECOND),
            binding=context.binding,
            transport=context.transport.value,
            **more,
        )

    def ticket(self, ceremony: Ceremony) -> str:
        """Seal a ceremony into its next ticket."""
        return tickets.seal_ticket(
            self.ring(),
            "ceremony",
            ceremony.realm,
            ceremony.client,
            dump(ceremony),
            self.draw(12),
        )

    def ceremony(self, ticket: str, context: Context, now: Instant) -> Ceremony:
        """Open a ticket: alive, of this realm, client and browser, or CeremonyExpired."""
        found = load(
            tickets.open_ticket(self.ring(), "ceremony", context.realm, context.client, ticket)
        )
        # A ticket that leaked from one browser is worth nothing in another, nor over JSON.
        elsewhere = (found.binding, found.transport) != (context.binding, context.transport.value)
        if found.expires_at <= now or elsewhere:
            raise CeremonyExpired
        return found

    async def look(self, ceremony: Ceremony, session: SessionId | None = None) -> View:
        """Read what a step may decide on; raise if the account has changed under the ceremony."""
        if ceremony.subject is None:
            raise CeremonyExpired
        view = await self.store.view(ceremony.realm, ceremony.subject, session=session)
        if view is None or view.subject.status is not Status.ACTIVE:
            raise CeremonyExpired
        # A ceremony that already opened its session may have changed the epoch itself.
        if view.subject.epoch != ceremony.epoch and view.session is None:
            raise StaleSecurityState
        return view

    def record(
        self,
        event: str,
        now: Instant,
        subject: Subject | None,
        context: Context,
        *,
        by: str = "",
        **facts: audit.Fact,
    ) -> Record:
        """Make the audit record of an event, to travel in the commit it describes (I7)."""
        return audit.event(
            event,
            now,
            context.realm,
            subject.id if subject is not None else None,
            context,
            self.draw(8),
            by=by,
            **facts,
        )

    def letter(
        self,
        now: Instant,
        subject: Subject,
        template: str,
        values: Mapping[str, str | int],
        *,
        to: str | None = None,
        channel: str = "email",
        lifetime: int = 86_400,
        name: str | None = None,
    ) -> tuple[Send, ...]:
        """Make a message to a subject, sealed for the outbox; none if there is no address.

        Unverified addresses are written to only when ``to`` says so: a stranger's mailbox is
        not told of an account that merely claims it.
        """
        address = to or (subject.email if subject.email_verified else None)
        if address is None:
            return ()
        message = letters.Draft(
            realm=subject.realm,
            subject=subject.id,
            id=name or self.draw(16).hex(),
            channel=channel,
            to=address,
            template=template,
            expires_at=Instant(now + lifetime * SECOND),
            values={
                "name": subject.name,
                "issuer": self.rules.issuer,
                **values,
                # The owner's own choice, else what the browser of the request asks for.
                "locale": subject.locale or values.get("locale", ""),
            },
        )
        return (letters.compose(self.ring(), self.draw(12), message, now),)

    def delivery(
        self,
        now: Instant,
        subject: Subject,
        authenticator: AuthenticatorId,
        challenge: Asked,
        told: Mapping[str, str | int] | None = None,
    ) -> tuple[Send, ...]:
        """Make the message that carries a challenge; a newer one replaces it while unsent.

        ``told`` is what else it says: what the code is for, and where it was asked for.
        """
        if challenge.deliver is None:
            return ()
        values = {**(told or {}), **challenge.deliver}
        lifetime = (challenge.expires_at or now) - now
        named = hashlib.sha256(f"code\0{subject.id}\0{authenticator}".encode()).hexdigest()
        return self.letter(
            now,
            subject,
            challenge.deliver["template"],
            {key: value for key, value in values.items() if key not in _ENVELOPE},
            to=challenge.deliver["to"],
            channel=challenge.deliver["channel"],
            lifetime=lifetime // SECOND,
            name=named[:32],
        )


def _row(authenticator: Authenticator) -> bytes:
    return seal.row_context(
        authenticator.realm, "authenticator", "sealed", authenticator.subject, authenticator.id
    )
