"""One code, many hands: it opens one door, once, whichever process is asked."""

from __future__ import annotations

import time

import pytest

from tests.support.client import Answer, Call, at_once, proving

MANY = 50


async def tickets(pair, person, number=MANY) -> list[str]:
    """So many logins of one person whose password was right, half of them at each server."""
    return [await pair.client(n).ticket(person.name, person.password) for n in range(number)]


def said(answers: list[Answer]) -> dict[str, int]:
    """How often each answer was given."""
    found = [answer.said for answer in answers]
    return {one: found.count(one) for one in sorted(set(found))}


def opened(place, person) -> tuple[int, int, int]:
    """Session rows, records that one was granted, kinds with wrong guesses counted.

    A ceremony that led to a session keeps a row of its own until it would have expired: it is
    spent, which is no guess.
    """
    sessions = place.rows("select count(*) from session where subject = ?", person.id)[0][0]
    counted = place.rows(
        "select count(*) from guess where subject = ? and scope like 'kind:%'", person.id
    )[0][0]
    return sessions, place.events(person).count("login.granted"), counted


async def test_one_app_code_in_fifty_logins_opens_one(pair, place):
    alice = await place.settle("alice-1")
    named = await tickets(pair, alice)
    code = alice.app.code(time.time())

    answers = await at_once(pair.urls, [proving(ticket, code=code) for ticket in named])

    assert said(answers) == {"200": 1, "422 code-already-used": MANY - 1}
    assert opened(place, alice) == (1, 1, 0)
    assert place.events(alice).count("login.code.replayed") == MANY - 1


async def test_one_recovery_code_in_fifty_logins_opens_one(pair, place):
    alice = await place.settle("alice-2")
    named = await tickets(pair, alice)

    answers = await at_once(
        pair.urls, [proving(ticket, recovery_code=alice.recovery[0]) for ticket in named]
    )

    # Whoever looks after it was spent finds no such code, as with any code that never was.
    found = said(answers)
    assert found.pop("200") == 1
    assert set(found) <= {"422 code-already-used", "422 code-rejected", "429 factor-blocked"}
    assert opened(place, alice)[:2] == (1, 1)
    assert place.events(alice).count("recovery.used") == 1
    sql = "select count(*) from item where subject = ? and authenticator = ?"
    assert place.rows(sql, alice.id, alice.factor("recovery")) == [(9,)]


async def test_one_mailed_code_in_fifty_logins_opens_one(pair, place):
    dave = await place.settle("dave-3", totp=False, mail=True)
    named = await tickets(pair, dave)
    code = await place.mailed_code(dave)

    answers = await at_once(pair.urls, [proving(ticket, code=code) for ticket in named])

    found = said(answers)
    assert found.pop("200") == 1
    assert set(found) <= {"422 code-already-used", "422 code-rejected", "429 factor-blocked"}
    assert opened(place, dave)[:2] == (1, 1)
    assert len(place.letters(dave)) == 1


async def test_two_recovery_codes_at_once_both_work(pair, place):
    alice = await place.settle("alice-4")
    for round_ in range(4):
        named = await tickets(pair, alice, 2)
        codes = alice.recovery[2 * round_ :]
        answers = await at_once(
            pair.urls,
            [
                proving(ticket, recovery_code=code)
                for ticket, code in zip(named, codes, strict=False)
            ],
        )
        assert said(answers) == {"200": 2}
    assert opened(place, alice) == (8, 8, 0)


async def test_one_login_answered_fifty_times_gives_one_session_and_the_same_tokens(pair, place):
    alice = await place.settle("alice-5")
    [ticket] = await tickets(pair, alice, 1)
    call = proving(ticket, code=alice.app.code(time.time()))

    answers = await at_once(pair.urls, [call] * MANY)

    assert said(answers) == {"200": MANY}
    results = [answer.json()["result"] for answer in answers]
    assert len({one["session"]["id"] for one in results}) == 1
    assert len({one["tokens"]["access_token"] for one in results}) == 1
    assert len({one["tokens"]["refresh_token"] for one in results}) == 1
    assert opened(place, alice) == (1, 1, 0)


async def test_a_password_that_is_all_there_is_may_be_sent_twice(pair, place):
    carol = await place.settle("carol-6", totp=False)
    ticket = (await pair.client().post("/v1/ceremony", {"identifier": carol.name})).json()
    headers = (("ceremony", ticket["ceremony"]),)
    call = Call("POST", "/v1/ceremony/first-factor", {"password": carol.password}, headers)

    answers = await at_once(pair.urls, [call] * 10)

    assert said(answers) == {"200": 10}
    assert len({a.json()["result"]["tokens"]["access_token"] for a in answers}) == 1
    assert opened(place, carol) == (1, 1, 0)


async def test_a_code_shared_by_login_step_up_and_an_application_is_spent_once(pair, place):
    alice = await place.settle("alice-7")
    client = pair.client()
    [ticket] = await tickets(pair, alice, 1)
    now = time.time()
    client.keep(await client.verify(ticket, alice.app.code(now, -1)))
    raised = [(await client.inside("stepup")).json()["ceremony"] for _ in range(10)]
    fresh = await tickets(pair, alice, 10)
    code = alice.app.code(now)

    answers = await at_once(pair.urls, [proving(one, code=code) for one in [*raised, *fresh]])

    found = said(answers)
    # A step-up that wins also ends the session the other nine began from.
    assert set(found) <= {"200", "422 code-already-used", "410 ceremony-expired"}
    assert (found["200"], sum(found.values())) == (1, 20)
    granted = [e for e in place.events(alice) if e in {"login.granted", "stepup.granted"}]
    assert len(granted) == 2


@pytest.mark.parametrize("late", [False, True])
async def test_a_later_code_that_wins_kills_the_earlier_one(pair, place, late):
    alice = await place.settle(f"alice-8-{late}")
    named = await tickets(pair, alice, 20)
    now = time.time()
    codes = [alice.app.code(now, -1), alice.app.code(now)]

    answers = await at_once(
        pair.urls,
        [proving(ticket, code=codes[(n + late) % 2]) for n, ticket in enumerate(named)],
    )

    found = said(answers)
    assert found.get("200") in {1, 2}
    assert found["422 code-already-used"] == 20 - found["200"]
    steps = [body["spent"] for body in place.bodies(alice, "login.granted")]
    assert len(set(steps)) == len(steps)
