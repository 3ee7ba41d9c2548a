import pytest

from twofold.ceremonies import guesses
from twofold.core.ceremony import Ceremony, Kind, State
from twofold.core.effects import Forgive, TakeGuess, Unchanged, Unguessed
from twofold.core.errors import CeremonyConsumed, FactorBlocked
from twofold.core.policy import Policy
from twofold.core.types import DEFAULT_REALM, SECOND, Instant, Subject, SubjectId, Tally, View

NOON = Instant(1_800_000_000 * SECOND)
ALICE = Subject(DEFAULT_REALM, SubjectId("a" * 32), "alice", NOON)
POLICY = Policy()
CEREMONY = Ceremony(
    jti="c" * 32,
    kind=Kind.LOGIN,
    realm=DEFAULT_REALM,
    client="",
    state=State.SECOND_FACTOR,
    started_at=NOON,
    expires_at=Instant(NOON + 300 * SECOND),
)
HERE = f"ceremony:{CEREMONY.jti}"


def view(**tallies):
    return View(ALICE, tallies={"kind:totp": Tally(), **tallies})


def test_a_right_answer_clears_its_kind_and_keeps_the_count_of_the_ceremony():
    seen = View(ALICE, tallies={"kind:totp": Tally(version=3, streak=3), HERE: Tally(version=2)})

    budget = guesses.budget(seen, POLICY, "totp", CEREMONY, NOON)

    assert budget.right() == (Forgive(ALICE.id, "kind:totp", 3), Unguessed(ALICE.id, HERE, 2))


def test_a_right_answer_looks_once_at_the_account_and_at_budgets_nobody_touched():
    budget = guesses.budget(view(), POLICY, "totp", CEREMONY, NOON)
    alone = guesses.budget(view(), POLICY, "totp", None, NOON)

    assert budget.standing(7) == (Unchanged(ALICE.id, 7, ("kind:totp", HERE)),)
    assert alone.standing(7) == (Unchanged(ALICE.id, 7, ("kind:totp",)),)


@pytest.mark.parametrize("guessed", ["kind:totp", HERE])
def test_a_right_answer_looks_at_each_budget_where_somebody_guessed(guessed):
    budget = guesses.budget(view(**{guessed: Tally(version=2)}), POLICY, "totp", CEREMONY, NOON)

    assert budget.standing(7) == (Unchanged(ALICE.id, 7), *budget.right())


def test_an_answer_that_stands_alone_has_no_ceremony_to_respect():
    budget = guesses.budget(view(), POLICY, "totp", None, NOON)

    assert budget.right() == (Forgive(ALICE.id, "kind:totp", 0),)
    assert [effect.scope for effect in budget.wrong()] == ["kind:totp"]
    assert budget.left_after_wrong == 9


def test_a_wrong_answer_counts_in_both():
    budget = guesses.budget(view(), POLICY, "totp", CEREMONY, NOON)

    of_kind, of_ceremony = budget.wrong()

    assert isinstance(of_kind, TakeGuess)
    assert (of_kind.scope, of_kind.tally.version, of_kind.tally.streak) == ("kind:totp", 1, 1)
    assert of_kind.keep_until == NOON + guesses.REMEMBER
    assert (of_ceremony.scope, of_ceremony.keep_until) == (HERE, CEREMONY.expires_at)


@pytest.mark.parametrize(
    ("of_kind", "of_ceremony", "left"),
    [
        (Tally(), Tally(), 4),
        (Tally(), Tally(streak=4), 0),
        (Tally(spent=8, streak=8), Tally(), 1),
        (Tally(spent=0, streak=97), Tally(), 2),
    ],
)
def test_a_claimant_is_told_the_smaller_of_what_is_left(of_kind, of_ceremony, left):
    seen = View(ALICE, tallies={"kind:totp": of_kind, HERE: of_ceremony})

    budget = guesses.budget(seen, POLICY, "totp", CEREMONY, NOON)

    assert budget.left_after_wrong == left


def test_a_blocked_kind_is_not_judged():
    until = Instant(NOON + 90 * SECOND)
    seen = View(ALICE, tallies={"kind:totp": Tally(version=10, blocked_until=until)})

    with pytest.raises(FactorBlocked) as refused:
        guesses.budget(seen, POLICY, "totp", CEREMONY, NOON)

    assert refused.value.retry_after == 90
    guesses.budget(seen, POLICY, "email", CEREMONY, NOON)


def test_a_ceremony_that_was_guessed_out_is_over():
    seen = View(ALICE, tallies={HERE: Tally(version=5, streak=5)})

    with pytest.raises(CeremonyConsumed):
        guesses.budget(seen, POLICY, "totp", CEREMONY, NOON)


def test_ending_a_ceremony_takes_its_whole_budget():
    effect = guesses.ended(view(), CEREMONY, POLICY)
    seen = View(ALICE, tallies={HERE: effect.tally})

    with pytest.raises(CeremonyConsumed):
        guesses.budget(seen, POLICY, "totp", CEREMONY, NOON)
