"""How many wrong guesses are borne, as arithmetic on a tally; the store only compares versions.

SP 800-63B section 3.2.2 and RFC 4226 section 7.3. Guesses are counted per ceremony and per
subject and factor kind, over all faces; only a right answer of that very kind clears the latter,
so neither a new challenge (A15), nor a right password (A17), nor a new address (A21) helps.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from twofold.core.types import SECOND, Instant, Tally

NONE = Tally()
"""Nobody has guessed wrong here yet."""

_DOUBLINGS = 32
"""Beyond this the longest delay has long been reached; keeps the shift small."""


@dataclass(frozen=True, slots=True)
class Limits:
    """The budget of one scope; times in seconds."""

    allowed: int = 10
    """Wrong guesses borne without delay within one window."""
    window: int = 900
    delay: int = 900
    """The first back-off; each further one is twice as long."""
    longest: int = 86_400
    absolute: int = 100
    """Consecutive wrong guesses after which only another factor or a reset helps."""

    def __post_init__(self) -> None:
        """Refuse a budget that is none; SP 800-63B caps consecutive failures at 100."""
        low = min(self.allowed, self.window, self.delay, self.longest, self.absolute)
        if low < 1 or self.absolute > MOST_CONSECUTIVE:
            message = "throttle limits must be positive, with absolute at most 100"
            raise ValueError(message)


MOST_CONSECUTIVE = 100
"""SP 800-63B section 3.2.2."""


@dataclass(frozen=True, slots=True)
class Shut:
    """No guess is judged now, right or wrong alike; ``until`` None means until a reset."""

    until: Instant | None

    def seconds(self, now: Instant, longest: int) -> int:
        """How long to wait, in whole seconds, for a Retry-After."""
        if self.until is None:
            return longest
        return max(1, -(-(self.until - now) // SECOND))


def of_kind(kind: str) -> str:
    """Name the scope that all authenticators of a kind share."""
    return f"kind:{kind}"


def of_ceremony(jti: str) -> str:
    """Name the scope of one ceremony."""
    return f"ceremony:{jti}"


def shut(tally: Tally, now: Instant, limits: Limits) -> Shut | None:
    """Say whether guesses are refused unjudged."""
    if tally.streak >= limits.absolute:
        return Shut(None)
    if tally.blocked_until > now:
        return Shut(tally.blocked_until)
    return None


def taken(tally: Tally, now: Instant, limits: Limits) -> Tally:
    """Return the tally after one more wrong guess."""
    running = tally.spent > 0 and now < tally.since + limits.window * SECOND
    spent = tally.spent + 1 if running else 1
    counted = replace(
        tally,
        version=tally.version + 1,
        spent=spent,
        since=tally.since if running else now,
        streak=tally.streak + 1,
    )
    if spent < limits.allowed:
        return counted
    delay = min(limits.delay << min(tally.rounds, _DOUBLINGS), limits.longest)
    return replace(
        counted,
        spent=0,
        rounds=tally.rounds + 1,
        blocked_until=Instant(now + delay * SECOND),
    )


def left(tally: Tally, limits: Limits) -> int:
    """How many wrong guesses the window still bears; for telling claimants."""
    return max(0, min(limits.allowed - tally.spent, limits.absolute - tally.streak))
