"""The budget of wrong guesses, as arithmetic."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from twofold.core.throttle import (
    MOST_CONSECUTIVE,
    NONE,
    Limits,
    Shut,
    left,
    of_ceremony,
    of_kind,
    shut,
    taken,
)
from twofold.core.types import SECOND, Instant, Tally

NOW = Instant(1_700_000_000 * SECOND)
LIMITS = Limits()


def after(guesses: int, limits: Limits = LIMITS, step: int = 1) -> tuple[Tally, Instant]:
    """Guess wrong that often, ``step`` seconds apart, whenever guessing is allowed."""
    tally, now = NONE, NOW
    for _ in range(guesses):
        closed = shut(tally, now, limits)
        if closed is not None and closed.until is not None:
            now = closed.until
        tally = taken(tally, now, limits)
        now = Instant(now + step * SECOND)
    return tally, now


def test_nine_wrong_guesses_cost_no_delay() -> None:
    tally, now = after(9)

    assert shut(tally, now, LIMITS) is None
    assert left(tally, LIMITS) == 1


def test_the_tenth_wrong_guess_starts_fifteen_minutes_of_waiting() -> None:
    tally, _ = after(10)

    assert shut(tally, NOW, LIMITS) == Shut(Instant(NOW + (9 + 900) * SECOND))


def test_each_further_round_waits_twice_as_long_up_to_a_day() -> None:
    delays = []
    tally, now = NONE, NOW
    for _ in range(9):
        for _ in range(10):
            tally = taken(tally, now, LIMITS)
        delays.append((tally.blocked_until - now) // SECOND)
        now = tally.blocked_until

    assert delays == [900, 1800, 3600, 7200, 14400, 28800, 57600, 86400, 86400]


def test_a_hundred_in_a_row_shut_the_kind_until_a_reset() -> None:
    tally, now = after(MOST_CONSECUTIVE)

    assert shut(tally, Instant(now + 10**15), LIMITS) == Shut(None)
    assert left(tally, LIMITS) == 0


def test_a_quiet_window_starts_a_new_count_but_keeps_the_streak() -> None:
    tally, now = after(9)
    later = taken(tally, Instant(now + LIMITS.window * SECOND), LIMITS)

    assert (later.spent, later.streak) == (1, 10)


def test_a_retry_after_is_rounded_up_and_never_zero() -> None:
    assert Shut(Instant(NOW + 1)).seconds(NOW, 60) == 1
    assert Shut(Instant(NOW + SECOND + 1)).seconds(NOW, 60) == 2
    assert Shut(NOW).seconds(NOW, 60) == 1


def test_a_kind_shut_for_good_says_to_come_back_after_the_longest_delay() -> None:
    assert Shut(None).seconds(NOW, 86_400) == 86_400


@pytest.mark.parametrize("field", ["allowed", "window", "delay", "longest", "absolute"])
def test_a_budget_of_nothing_is_refused(field: str) -> None:
    with pytest.raises(ValueError, match="positive"):
        Limits(**{field: 0})


def test_more_than_a_hundred_consecutive_failures_are_never_allowed() -> None:
    with pytest.raises(ValueError, match="at most 100"):
        Limits(absolute=101)


def test_scopes_of_kinds_and_ceremonies_never_meet() -> None:
    assert of_kind("totp") == "kind:totp"
    assert of_ceremony("totp") == "ceremony:totp"


@given(st.lists(st.integers(0, 10**11), max_size=300))
def test_whatever_the_pace_no_more_than_the_budget_is_judged(pauses: list[int]) -> None:
    """Law: in any window at most ``allowed`` guesses are judged, in all at most ``absolute``."""
    tally, now, judged = NONE, NOW, []
    for pause in pauses:
        now = Instant(now + pause)
        if shut(tally, now, LIMITS) is None:
            judged.append(now)
            tally = taken(tally, now, LIMITS)

    assert len(judged) <= LIMITS.absolute
    assert tally.version == tally.streak == len(judged)
    for first, beyond in zip(judged, judged[2 * LIMITS.allowed :], strict=False):
        assert beyond - first >= LIMITS.window * SECOND
