"""What a guess costs: the budgets an answer is judged under, and the effects that pay."""

from __future__ import annotations

from dataclasses import dataclass

from twofold.core.ceremony import Ceremony
from twofold.core.effects import Effect, Forgive, TakeGuess, Unchanged, Unguessed
from twofold.core.errors import CeremonyConsumed, FactorBlocked
from twofold.core.policy import Policy
from twofold.core.throttle import NONE, Limits, left, of_ceremony, of_kind, shut, taken
from twofold.core.types import SECOND, Instant, SubjectId, Tally, View
from twofold.core.values import quick

REMEMBER = 400 * 86_400 * SECOND
"""How long a tally of consecutive failures is kept: the cap of 100 must outlive a lull (I3)."""


@quick
@dataclass(frozen=True, slots=True)
class Budget:
    """The tallies one answer is judged under: its kind's, and its ceremony's."""

    subject: SubjectId
    now: Instant
    limits: Limits
    kind: str
    of_kind: Tally
    ceremony: str | None
    of_ceremony: Tally
    per_ceremony: int
    ceremony_ends: Instant

    def right(self) -> tuple[Effect, ...]:
        """Return what makes a right answer conditional on the budget, and clears its kind."""
        kind = Forgive(self.subject, of_kind(self.kind), self.of_kind.version)
        if self.ceremony is None:
            return (kind,)
        return (kind, Unguessed(self.subject, self.ceremony, self.of_ceremony.version))

    def standing(self, epoch: int) -> tuple[Effect, ...]:
        """Return the same, conditional on the account as well: one look if nobody guessed wrong."""
        if self.of_kind.version or self.of_ceremony.version:
            return (Unchanged(self.subject, epoch), *self.right())
        kind = of_kind(self.kind)
        scopes = (kind,) if self.ceremony is None else (kind, self.ceremony)
        return (Unchanged(self.subject, epoch, scopes),)

    def wrong(self) -> tuple[Effect, ...]:
        """Return what counts a wrong answer, in its kind and in its ceremony."""
        after = taken(self.of_kind, self.now, self.limits)
        remember = Instant(self.now + REMEMBER)
        kind = TakeGuess(self.subject, of_kind(self.kind), after, remember)
        if self.ceremony is None:
            return (kind,)
        mine = taken(self.of_ceremony, self.now, self.limits)
        return (kind, TakeGuess(self.subject, self.ceremony, mine, self.ceremony_ends))

    @property
    def left_after_wrong(self) -> int:
        """How many tries remain once this one was wrong."""
        ever = left(self.of_kind, self.limits) - 1
        if self.ceremony is None:
            return max(0, ever)
        return max(0, min(self.per_ceremony - self.of_ceremony.streak - 1, ever))


def budget(
    view: View, policy: Policy, kind: str, ceremony: Ceremony | None, now: Instant
) -> Budget:
    """Return the budget for judging an answer of a kind; raise when it is spent.

    A spent budget refuses right and wrong alike: FactorBlocked for the kind, CeremonyConsumed
    for a ceremony with too many wrong answers.
    """
    mine = view.tallies.get(of_kind(kind), NONE)
    closed = shut(mine, now, policy.guesses)
    if closed is not None:
        raise FactorBlocked(retry_after=closed.seconds(now, policy.guesses.longest))
    scope = of_ceremony(ceremony.jti) if ceremony is not None else None
    here = view.tallies.get(scope, NONE) if scope is not None else NONE
    if ceremony is not None and _left(here, policy) == 0:
        raise CeremonyConsumed
    return Budget(
        subject=view.subject.id,
        now=now,
        limits=policy.guesses,
        kind=kind,
        of_kind=mine,
        ceremony=scope,
        of_ceremony=here,
        per_ceremony=policy.guesses_per_ceremony,
        ceremony_ends=ceremony.expires_at if ceremony is not None else now,
    )


def going_on(view: View, ceremony: Ceremony, policy: Policy) -> Unguessed:
    """Raise CeremonyConsumed if a ceremony was guessed out or ended; else say so to the commit."""
    if left_here(view, ceremony, policy) == 0:
        raise CeremonyConsumed
    scope = of_ceremony(ceremony.jti)
    return Unguessed(view.subject.id, scope, view.tallies.get(scope, NONE).version)


def left_here(view: View, ceremony: Ceremony, policy: Policy) -> int:
    """Return how many wrong answers a ceremony still bears."""
    return _left(view.tallies.get(of_ceremony(ceremony.jti), NONE), policy)


def _left(tally: Tally, policy: Policy) -> int:
    return max(0, policy.guesses_per_ceremony - tally.streak)


def ended(view: View, ceremony: Ceremony, policy: Policy) -> TakeGuess:
    """Return the effect that ends a ceremony for good: its whole budget is taken at once."""
    # Another ticket of the same ceremony may live longer than this one: a set-up that the first
    # step led to a second time. None outlives this, and until then it must not be forgotten.
    longest = (policy.ceremony_life + policy.enrolment_life) * SECOND
    keep_until = max(ceremony.expires_at, Instant(ceremony.started_at + longest))
    return over(view, ceremony.jti, policy, keep_until)


def over(view: View, jti: str, policy: Policy, keep_until: Instant) -> TakeGuess:
    """Return the effect that ends a ceremony of which only the name is known."""
    scope = of_ceremony(jti)
    seen = view.tallies.get(scope, NONE)
    spent = Tally(version=seen.version + 1, streak=policy.guesses_per_ceremony)
    return TakeGuess(view.subject.id, scope, spent, keep_until)
