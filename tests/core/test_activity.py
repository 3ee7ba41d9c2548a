import json

import pytest

from twofold.core import activity
from twofold.core.audit import EVENTS
from twofold.core.effects import Record
from twofold.core.types import DEFAULT_REALM, Instant, SubjectId

ALICE = SubjectId("a" * 32)


def record(event: str, number: int = 0, **body: object) -> Record:
    text = json.dumps({"address": "192.0.2.7", "agent": "curl/8", **body})
    return Record(DEFAULT_REALM, ALICE, f"{number:016x}", Instant(number), event, text)


def test_only_events_that_exist_are_shown() -> None:
    assert set(EVENTS) >= activity.SHOWN


def test_what_concerns_the_operator_alone_is_not_told() -> None:
    found = [record(event) for event in sorted(EVENTS)]

    assert {one.event for one in activity.told(found)} == activity.SHOWN


def test_a_sign_in_is_told_with_what_was_proved_and_why_no_more_was_asked_for() -> None:
    (one,) = activity.told(
        [record("login.granted", 5, amr=["pwd", "rba"], reasons=["trusted-network"], client="shop")]
    )

    assert (one.at, one.address, one.agent, one.client) == (5, "192.0.2.7", "curl/8", "shop")
    assert (one.amr, one.reasons, one.by) == (("pwd", "rba"), ("trusted-network",), "")


@pytest.mark.parametrize("end", ["login.granted", "enrol.confirmed", "enrol.declined"])
def test_the_password_of_a_finished_sign_in_is_not_told_twice(end: str) -> None:
    found = [
        record(end, 3, ceremony="one"),
        record("login.password.accepted", 2, ceremony="two"),
        record("login.password.accepted", 1, ceremony="one"),
    ]

    assert [one.at for one in activity.told(found)] == [3, 2]


@pytest.mark.parametrize(
    ("event", "body"),
    [
        ("factor.reset", {"by": "b" * 32}),
        ("subject.changed", {"by": "operator"}),
        ("verify.refused", {"client": "shop"}),
        ("account.registered.again", {}),
    ],
)
def test_where_somebody_else_sat_is_not_told(event: str, body: dict[str, object]) -> None:
    (one,) = activity.told([record(event, **body)])

    assert (one.address, one.agent) == ("", "")
    assert one.by == ("administrator" if "by" in body else "")
