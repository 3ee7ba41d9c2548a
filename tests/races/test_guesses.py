"""However many guess at once: no more verdicts than the budget, over both processes together."""

from __future__ import annotations

import time
from itertools import islice

import pytest

from tests.races.test_one_code import said, tickets
from tests.support.client import Call, at_once, proving


async def test_fifty_guesses_in_one_login_reveal_five_verdicts(pair, place):
    alice = await place.settle("alice-11")
    [ticket] = await tickets(pair, alice, 1)
    codes = islice(alice.app.wrong(time.time()), 50)

    answers = await at_once(pair.urls, [proving(ticket, code=code) for code in codes])

    assert said(answers) == {"409 ceremony-consumed": 45, "422 code-rejected": 5}
    sql = "select streak from guess where subject = ? and scope = 'kind:totp'"
    assert place.rows(sql, alice.id) == [(5,)]
    assert place.events(alice).count("login.code.refused") == 5


async def test_fifty_guesses_in_fifty_logins_reveal_ten_verdicts(pair, place):
    alice = await place.settle("alice-12")
    named = await tickets(pair, alice)
    codes = alice.app.wrong(time.time())

    answers = await at_once(pair.urls, [proving(ticket, code=next(codes)) for ticket in named])

    assert said(answers) == {"422 code-rejected": 10, "429 factor-blocked": 40}
    assert place.events(alice).count("login.code.refused") == 10
    assert place.events(alice).count("login.blocked") == 40


async def test_guesses_at_recovery_codes_have_the_same_budget(pair, place):
    alice = await place.settle("alice-13")
    named = await tickets(pair, alice, 30)

    answers = await at_once(
        pair.urls,
        [proving(ticket, recovery_code=f"AAAABBBBCCCC{n:04d}") for n, ticket in enumerate(named)],
    )

    assert said(answers) == {"422 code-rejected": 10, "429 factor-blocked": 20}


async def test_guesses_at_passwords_have_the_same_budget(pair, place):
    carol = await place.settle("carol-14", totp=False)
    calls = [
        Call("POST", "/v1/ceremony", {"identifier": carol.name, "password": f"wrong {n} wrong"})
        for n in range(30)
    ]

    answers = await at_once(pair.urls, calls)

    # The doorkeepers in memory, one per process, may speak first; the count is the database's.
    assert set(said(answers)) <= {"422 invalid-credentials", "429 rate-limited"}
    sql = "select streak from guess where subject = ? and scope = 'kind:password'"
    assert place.rows(sql, carol.id) == [(10,)]
    hints = [body["hint"] for body in place.bodies(carol, "login.password.refused")]
    assert hints.count("mismatch") == 10
    right = await pair.client().start(carol.name, carol.password)
    assert right.said in {"422 invalid-credentials", "429 rate-limited"}


@pytest.mark.parametrize("place_of_right", [0, 7, 24, 49])
async def test_a_right_code_among_guesses_is_judged_once_or_not_at_all(pair, place, place_of_right):
    alice = await place.settle(f"alice-15-{place_of_right}")
    named = await tickets(pair, alice)
    codes = list(islice(alice.app.wrong(time.time()), 50))
    codes[place_of_right] = alice.app.code(time.time())

    answers = await at_once(
        pair.urls,
        [proving(ticket, code=code) for ticket, code in zip(named, codes, strict=True)],
    )

    found = said(answers)
    opened = found.pop("200", 0)
    refused = found.pop("422 code-rejected")
    # A right code clears the count, so that ten more verdicts may follow it, and no more.
    assert refused <= 10 * (1 + opened)
    assert set(found) == {"429 factor-blocked"}
    assert opened == (answers[place_of_right].status == 200)
    assert place.rows("select count(*) from session where subject = ?", alice.id) == [(opened,)]


async def test_no_guess_is_lost_or_counted_twice(pair, place):
    alice = await place.settle("alice-16")
    named = await tickets(pair, alice, 9)
    codes = alice.app.wrong(time.time())

    answers = await at_once(pair.urls, [proving(ticket, code=next(codes)) for ticket in named])

    assert said(answers) == {"422 code-rejected": 9}
    sql = "select streak, spent, version from guess where subject = ? and scope = 'kind:totp'"
    assert place.rows(sql, alice.id) == [(9, 9, 9)]
    left = sorted(answer.json()["attempts_left"] for answer in answers)
    assert left[0] == 1
