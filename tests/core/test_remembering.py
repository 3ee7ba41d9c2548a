"""When a remembered browser spares the second step: the truth table."""

from dataclasses import replace

import pytest

from tests.core.test_policy import ALICE, NOW, PASSWORD, TOTP, situation
from twofold.core.errors import Malformed
from twofold.core.networks import parse_networks
from twofold.core.policy import (
    DAY,
    ClientRule,
    Enforcement,
    Need,
    Policy,
    Profile,
    Remembering,
    Requirement,
    decide,
    level,
    references,
    remembered_until,
)
from twofold.core.policy_document import dump, flat, merge
from twofold.core.types import DEFAULT_REALM, SECOND, Aal, Device, DeviceId, Instant


def days(number):
    return Instant(NOW + number * DAY * SECOND)


def device(*, since=0, until=30):
    at = days(since)
    return Device(DEFAULT_REALM, ALICE.id, DeviceId("d" * 32), at, at, days(until), 1)


BOUND = {"usable": frozenset({"totp"}), "strong": frozenset({"totp"})}


def asked(policy=Policy(), **changes):  # noqa: B008 - a frozen value
    return decide(policy, situation(**{**BOUND, "device": device(), **changes}))


def test_a_remembered_browser_spares_the_second_step_and_says_so():
    decision = asked()

    assert (decision.need, decision.reasons) == (Need.NOTHING, ("remembered-browser",))
    assert decision.remembered
    assert level([PASSWORD]) is Aal.ONE
    assert references([PASSWORD], Aal.ONE, trusted=decision.trusted) == ("pwd", "rba")


ADMIN = replace(ALICE, admin=True)
ASKED = {
    "no browser": (Policy(), {"device": None}),
    "a policy that remembers nobody": (Policy(remember=Remembering(days=0)), {}),
    "the strict profile": (Policy(profile=Profile.STRICT), {}),
    "an administrator": (Policy(), {"subject": ADMIN}),
    "a level": (Policy(), {"require": Requirement(Aal.TWO)}),
    "fresh proof": (Policy(), {"require": Requirement(max_age=3600)}),
    "an application with a level": (
        Policy(clients={"bank": ClientRule(aal=Aal.TWO)}),
        {"client": "bank"},
    ),
    "an application with an age": (
        Policy(clients={"bank": ClientRule(max_age=60)}),
        {"client": "bank"},
    ),
    "a browser of long ago": (Policy(), {"now": days(30)}),
    "a policy that became shorter": (Policy(remember=Remembering(days=2)), {"now": days(2)}),
    "a policy that became longer": (Policy(remember=Remembering(days=90)), {"now": days(30)}),
}


@pytest.mark.parametrize(("policy", "changes"), list(ASKED.values()), ids=list(ASKED))
def test_the_second_factor_is_asked_for_all_the_same(policy, changes):
    decision = asked(policy, **changes)

    assert decision.need is Need.SECOND_FACTOR
    assert (decision.remembered, decision.trusted) == (False, False)


SPARED = {
    "the last moment": (Policy(), {"now": Instant(days(30) - 1)}),
    "a second factor that everybody needs": (Policy(enforcement=Enforcement.REQUIRED), {}),
    "an administrator where policy says so": (
        Policy(remember=Remembering(admins=True)),
        {"subject": ADMIN},
    ),
    "another application": (Policy(clients={"bank": ClientRule(aal=Aal.TWO)}), {"client": "shop"}),
}


@pytest.mark.parametrize(("policy", "changes"), list(SPARED.values()), ids=list(SPARED))
def test_it_is_spared_for(policy, changes):
    assert asked(policy, **changes).remembered


def test_a_browser_is_not_the_reason_where_there_was_another():
    nets = Policy(trusted_networks=parse_networks("203.0.113.0/24"))

    assert not asked(nets).remembered
    assert not asked(Policy(enforcement=Enforcement.OFF, admins=Enforcement.OFF)).remembered
    assert not asked(proofs=(PASSWORD, TOTP)).remembered


def test_nothing_to_spare_is_not_spared():
    """A browser stands in for no enrolment that is demanded."""
    decision = asked(
        Policy(enforcement=Enforcement.REQUIRED), usable=frozenset(), strong=frozenset()
    )

    assert decision.need is Need.ENROLMENT


def test_a_browser_is_remembered_no_longer_than_the_policy_of_today_says():
    assert remembered_until(Policy(), ALICE, device()) == days(30)
    assert remembered_until(Policy(remember=Remembering(days=7)), ALICE, device()) == days(7)
    assert remembered_until(Policy(remember=Remembering(days=0)), ALICE, device()) <= NOW


def test_a_policy_says_for_how_many_days():
    policy = merge({"remember": {"days": 7, "admins": True}, "sign_in_notice": False}, Policy())

    assert policy.remember == Remembering(7, admins=True)
    assert dump(policy)["remember"] == {"days": 7, "admins": True}
    assert flat(policy)["sign_in_notice"] is False


@pytest.mark.parametrize("value", [-1, 91, "x", True, 1.5, None])
def test_no_other_number_of_days_is_taken(value):
    with pytest.raises(Malformed, match=r"remember\.days"):
        merge({"remember": {"days": value}}, Policy())
