"""A client that only follows `actions` completes every flow; this is what `twofold login` does."""

import json

import pytest

from tests.faces.house import PASSWORD, exchange, secret_of, totp
from twofold.core.policy import Enforcement, Policy

PEER = "192.0.2.44"


async def drive(app, answer_for, prefer=(), first=None):
    """Post what `actions` ask for until there is nothing left to do; returns the last answer.

    ``answer_for(field, told)`` is the person at the keyboard; ``prefer`` are rels (or rel and
    ``for``) the person would choose.
    """
    action = first or {
        "rel": "start",
        "method": "POST",
        "href": "/v1/ceremony",
        "input": ["identifier", "password"],
        "send": {"kind": "login"},
    }
    told, ticket, trace = {}, None, []
    while True:
        body = dict(action.get("send", {}))
        body |= {name: answer_for(name, told) for name in action["input"]}
        headers = {"content-type": "application/json"}
        if ticket:
            headers["ceremony"] = ticket
        sent = json.dumps(body).encode()
        answer = await exchange(app, action["method"], action["href"], headers, sent, PEER)
        trace.append(action["rel"])
        assert answer.status == 200, answer.text
        told = answer.json
        ticket = told.get("ceremony", ticket)
        if not told["actions"]:
            return told, trace
        action = next(
            (
                possible
                for wanted in prefer
                for possible in told["actions"]
                if wanted in (possible["rel"], (possible["rel"], possible.get("for")))
                and trace.count(possible["rel"]) == 0
            ),
            told["actions"][0],
        )


def person(house, name, **more):
    def answer_for(field, told):
        known = {"identifier": name, "password": PASSWORD, **more}
        if field in known:
            return known[field]
        if "otpauth_uri" in told:
            return totp(secret_of(told["otpauth_uri"]), house.clock.now())
        return house.code(name)

    return answer_for


@pytest.mark.parametrize(
    ("kinds", "steps"),
    [
        ((), ["start"]),
        (("totp",), ["start", "verify"]),
        (("totp", "recovery"), ["start", "verify"]),
        (("totp", "email"), ["start", "verify"]),
    ],
)
async def test_a_login_is_driven_by_its_actions(house, kinds, steps):
    await house.add("alice", *kinds)

    told, trace = await drive(house.app, person(house, "alice"))

    assert told["result"]["tokens"]["access_token"]
    assert trace == steps


async def test_a_recovery_code_is_one_of_the_actions(house):
    await house.add("alice", "totp", "recovery")
    code = house.secrets["alice", "recovery"][3]

    told, trace = await drive(
        house.app, person(house, "alice", recovery_code=code), prefer=["recovery"]
    )

    assert trace == ["start", "recovery"]
    assert "rc" in told["result"]["session"]["amr"]


async def test_a_mailed_code_is_asked_for_and_typed(house):
    await house.add("dave", "email")
    said = {}

    async def mailbox():
        said["code"] = (await house.mailed())["code"]

    begun = house.client()
    await begun.start("dave")
    await mailbox()
    house.clock.forward(1)

    told, trace = await drive(house.app, person(house, "dave", **said))

    assert trace == ["start", "verify"]
    assert told["state"] == "done"


async def test_a_forced_enrolment_is_driven_to_its_end(build):
    house = build(policy=Policy(enforcement=Enforcement.REQUIRED))
    await house.add("carol")

    told, trace = await drive(house.app, person(house, "carol"))

    assert trace == ["start", "enroll", "confirm"]
    assert len(told["result"]["recovery_codes"]) == 10


async def test_an_enrolment_that_may_wait_can_be_skipped(build):
    house = build(policy=Policy(enforcement=Enforcement.REQUIRED, grace=60))
    await house.add("carol")

    told, trace = await drive(house.app, person(house, "carol"), prefer=["skip"])

    assert trace == ["start", "skip"]
    assert told["state"] == "done"


async def test_a_refusal_for_want_of_proof_says_how_to_go_on(house):
    await house.add("alice", "totp", "recovery")
    client = house.client()
    await client.start("alice")
    await client.verify(house.code("alice"))
    house.clock.forward(400)
    refused = await client.post("/v1/recovery-codes")
    assert (refused.status, refused.code) == (401, "step-up-required")
    assert refused.header("www-authenticate") == (
        'Bearer error="insufficient_user_authentication",'
        ' acr_values="urn:twofold:aal2", max_age=300'
    )

    action = refused.json["actions"][0]
    begun = await client.ask(action["method"], action["href"], action["send"])
    await client.verify(house.code("alice"))

    assert begun.json["kind"] == "stepup"
    assert len((await client.post("/v1/recovery-codes")).json["codes"]) == 10
