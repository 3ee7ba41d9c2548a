"""Who must prove what: the truth table, and the reasons."""

from __future__ import annotations

from dataclasses import replace
from itertools import combinations

import pytest

from twofold.core.networks import parse_networks
from twofold.core.policy import (
    ClientRule,
    Decision,
    Enforcement,
    Need,
    Policy,
    Proven,
    Requirement,
    Situation,
    decide,
    demanded,
    enforced,
    fresh_enough,
    level,
    parse_acr,
    references,
)
from twofold.core.types import (
    DEFAULT_REALM,
    SECOND,
    Aal,
    Category,
    Instant,
    Subject,
    SubjectId,
)

NOW = Instant(1_700_000_000 * SECOND)
ALICE = Subject(DEFAULT_REALM, SubjectId("a" * 32), "alice", NOW)

PASSWORD = Proven("password", ("pwd",), Aal.ONE, Category.KNOWLEDGE, NOW, first=True)
TOTP = Proven("totp", ("otp",), Aal.TWO, Category.POSSESSION, NOW)
EMAIL = Proven("email", ("otp", "email"), Aal.ONE, Category.MAILBOX, NOW)
RECOVERY = Proven("recovery", ("otp", "rc"), Aal.ONE, Category.RECOVERY, NOW)
PROOFS = (PASSWORD, TOTP, EMAIL, RECOVERY)


def situation(**changes: object) -> Situation:
    """A subject past the password, with nothing bound."""
    given: dict[str, object] = {
        "subject": ALICE,
        "usable": frozenset(),
        "strong": frozenset(),
        "proofs": (PASSWORD,),
        "address": "203.0.113.9",
        "client": "",
        "require": Requirement(),
        "now": NOW,
    }
    return Situation(**{**given, **changes})  # type: ignore[arg-type] # a table of keywords


HAS_TOTP = {"usable": frozenset({"totp"}), "strong": frozenset({"totp"})}
HAS_EMAIL = {"usable": frozenset({"email"})}


@pytest.mark.parametrize(
    "proofs", [c for size in range(5) for c in combinations(PROOFS, size)], ids=str
)
def test_only_two_categories_with_a_strong_one_reach_the_second_level(
    proofs: tuple[Proven, ...],
) -> None:
    """SP 800-63B-4 section 2.2.1: a mailbox, a recovery code or a network never lift AAL1."""
    strong = TOTP in proofs and len(proofs) > 1

    assert level(proofs) is (Aal.TWO if strong else Aal.ONE)
    assert ("mfa" in references(proofs, level(proofs))) is strong


def test_two_passwords_stay_one_factor() -> None:
    assert level((PASSWORD, PASSWORD)) is Aal.ONE


def test_method_references_name_each_way_once() -> None:
    assert references((PASSWORD, TOTP, EMAIL), Aal.TWO) == ("pwd", "otp", "email", "mfa")
    assert references((PASSWORD,), Aal.ONE, trusted=True) == ("pwd", "rba")


@pytest.mark.parametrize(
    ("enforcement", "bound", "need"),
    [
        ("off", {}, Need.NOTHING),
        ("off", HAS_TOTP, Need.NOTHING),
        ("optional", {}, Need.NOTHING),
        ("optional", HAS_TOTP, Need.SECOND_FACTOR),
        ("optional", HAS_EMAIL, Need.SECOND_FACTOR),
        ("required", {}, Need.ENROLMENT),
        ("required", HAS_TOTP, Need.SECOND_FACTOR),
        ("required", HAS_EMAIL, Need.SECOND_FACTOR),
    ],
)
def test_enforcement_decides_after_the_password(
    enforcement: str, bound: dict[str, object], need: Need
) -> None:
    policy = Policy(enforcement=Enforcement(enforcement))

    assert decide(policy, situation(**bound)).need is need


def test_a_second_step_that_was_taken_is_enough() -> None:
    policy = Policy(enforcement=Enforcement.REQUIRED)
    decision = decide(policy, situation(**HAS_EMAIL, proofs=(PASSWORD, EMAIL)))

    assert decision == Decision(Need.NOTHING, ("second-factor-proved",))


def test_the_strictest_rule_that_applies_wins_and_is_named() -> None:
    policy = Policy(
        groups={"staff": Enforcement.REQUIRED, "guests": Enforcement.OFF},
        clients={"wiki": ClientRule(enforcement=Enforcement.OFF), "bank": ClientRule()},
    )
    member = replace(ALICE, groups=("staff", "guests", "unknown"))
    admin = replace(ALICE, admin=True)

    assert enforced(policy, ALICE, "wiki") == (Enforcement.OPTIONAL, "realm")
    assert enforced(policy, ALICE, "bank") == (Enforcement.OPTIONAL, "realm")
    assert enforced(policy, member, "wiki") == (Enforcement.REQUIRED, "group:staff")
    assert enforced(policy, admin, "") == (Enforcement.REQUIRED, "admins")


def test_a_trusted_network_spares_the_second_step_and_says_so() -> None:
    policy = Policy(
        enforcement=Enforcement.REQUIRED, trusted_networks=parse_networks("203.0.113.0/24")
    )
    decision = decide(policy, situation(**HAS_TOTP))

    assert decision == Decision(Need.NOTHING, ("trusted-network",), trusted=True)


def test_a_trusted_network_does_not_lower_what_a_client_demands() -> None:
    policy = Policy(
        trusted_networks=parse_networks("203.0.113.0/24"),
        clients={"bank": ClientRule(aal=Aal.TWO)},
    )

    assert decide(policy, situation(**HAS_TOTP, client="bank")).need is Need.SECOND_FACTOR


@pytest.mark.parametrize(
    ("bound", "proofs", "need"),
    [
        (HAS_TOTP, (PASSWORD,), Need.SECOND_FACTOR),
        (HAS_TOTP, (PASSWORD, EMAIL), Need.SECOND_FACTOR),
        (HAS_TOTP, (PASSWORD, TOTP), Need.NOTHING),
        (HAS_EMAIL, (PASSWORD,), Need.SECOND_FACTOR),
        (HAS_EMAIL, (PASSWORD, EMAIL), Need.ENROLMENT),
        ({}, (PASSWORD,), Need.ENROLMENT),
    ],
)
def test_a_demanded_level_is_reached_with_a_strong_factor_only(
    bound: dict[str, object], proofs: tuple[Proven, ...], need: Need
) -> None:
    """A61: while a weaker factor is bound, it must be proved before a stronger one is bound."""
    asked = situation(**bound, proofs=proofs, require=Requirement(aal=Aal.TWO))

    assert decide(Policy(enforcement=Enforcement.OFF), asked).need is need


def test_a_level_nobody_can_reach_is_said_to_be_impossible() -> None:
    asked = situation(**HAS_TOTP, require=Requirement(aal=Aal.THREE))

    assert decide(Policy(), asked).need is Need.IMPOSSIBLE


def test_a_demanded_enrolment_may_be_put_off_within_the_days_of_grace() -> None:
    policy = Policy(enforcement=Enforcement.REQUIRED, grace=60)
    end = Instant(NOW + 60 * SECOND)

    assert decide(policy, situation()).skippable_until == end
    assert decide(policy, situation(now=end)).skippable_until is None


def test_an_administrator_is_given_no_grace() -> None:
    policy = Policy(grace=60)
    decision = decide(policy, situation(subject=replace(ALICE, admin=True)))

    assert (decision.need, decision.skippable_until) == (Need.ENROLMENT, None)


def test_a_client_raises_a_requirement_and_never_lowers_it() -> None:
    policy = Policy(clients={"bank": ClientRule(aal=Aal.TWO, max_age=300)})

    assert demanded(policy, "bank", Requirement()) == Requirement(Aal.TWO, 300)
    assert demanded(policy, "bank", Requirement(Aal.THREE, 60)) == Requirement(Aal.THREE, 60)
    assert demanded(policy, "wiki", Requirement(Aal.ONE, 9)) == Requirement(Aal.ONE, 9)


@pytest.mark.parametrize(
    ("values", "aal"),
    [
        ("urn:twofold:aal2", Aal.TWO),
        ("unknown mfa", Aal.TWO),
        ("aal3 1", Aal.ONE),
        ("https://refeds.org/profile/mfa", Aal.TWO),
        ("unknown", None),
        ("", None),
    ],
)
def test_acr_values_are_read_by_all_their_names(values: str, aal: Aal | None) -> None:
    assert parse_acr(values) == aal


def test_a_proof_is_fresh_up_to_the_last_second_of_the_limit() -> None:
    policy = Policy(fresh=300)

    assert fresh_enough(policy, NOW, Instant(NOW + 300 * SECOND))
    assert not fresh_enough(policy, NOW, Instant(NOW + 300 * SECOND + 1))
    assert not fresh_enough(policy, NOW, Instant(NOW + 61 * SECOND), max_age=60)


def test_stronger_sessions_end_sooner() -> None:
    policy = Policy()

    assert policy.lifetime(Aal.TWO).absolute < policy.lifetime(Aal.ONE).absolute
    assert policy.lifetime(Aal.THREE).idle < policy.lifetime(Aal.TWO).idle
