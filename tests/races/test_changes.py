"""Two changes of one thing at the same moment are one change and one refusal, or two in a row."""

from __future__ import annotations

import time

from tests.races.test_one_code import said, tickets
from tests.support.client import Call, Client, at_once, bearer
from tests.support.codes import Phone
from tests.support.town import until

NEW = "another long phrase"


async def signed_in(pair, person, number=0) -> Client:
    client = pair.client(number)
    answer = await client.start(person.name, person.password)
    if answer.json()["state"] != "done":
        answer = await client.verify(
            answer.json()["ceremony"], person.app.code(time.time(), number - 1)
        )
    client.keep(answer)
    return client


def acting(client: Client, method: str, path: str, body: object = None) -> Call:
    return Call(method, path, body, bearer(client.token))


async def test_one_set_up_confirmed_many_times_binds_once(pair, place):
    carol = await place.settle("carol-21", totp=False)
    client = await signed_in(pair, carol)
    shown = (await client.post("/v1/factors", {"kind": "totp"})).json()
    phone = Phone.scanned(shown["otpauth_uri"])
    body = {"ceremony": shown["ceremony"], "code": phone.code(time.time())}

    answers = await at_once(pair.urls, [Call("POST", "/v1/ceremony/confirm", body)] * 20)

    assert said(answers) == {"200": 20}
    results = [answer.json()["result"] for answer in answers]
    assert len({one["tokens"]["access_token"] for one in results}) == 1
    assert len({tuple(one["recovery_codes"]) for one in results}) == 1
    kinds = place.rows("select kind from authenticator where subject = ? order by kind", carol.id)
    assert kinds == [("password",), ("recovery",), ("totp",)]
    assert place.events(carol).count("enrol.confirmed") == 1
    assert place.rows("select count(*) from session where subject = ?", carol.id) == [(1,)]
    # The code that confirmed is spent, and the codes that all were shown are the stored ones.
    [ticket] = await tickets(pair, carol, 1)
    replayed = await pair.client().verify(ticket, body["code"])
    assert replayed.said == "422 code-already-used"
    assert (await pair.client().recover(ticket, results[0]["recovery_codes"][0])).status == 200


async def test_two_set_ups_at_once_bind_one_and_the_other_begins_anew(pair, place):
    carol = await place.settle("carol-22", totp=False)
    client = await signed_in(pair, carol)
    calls = []
    for _ in range(6):
        shown = (await client.post("/v1/factors", {"kind": "totp"})).json()
        phone = Phone.scanned(shown["otpauth_uri"])
        body = {"ceremony": shown["ceremony"], "code": phone.code(time.time())}
        calls.append(Call("POST", "/v1/ceremony/confirm", body))

    answers = await at_once(pair.urls, calls)

    found = said(answers)
    assert found.pop("200") == 1
    assert sum(found.values()) == 5
    assert all(one.startswith(("401", "409", "410")) for one in found)
    sql = "select count(*) from authenticator where subject = ? and kind = ?"
    assert place.rows(sql, carol.id, "totp") == [(1,)]
    assert place.rows(sql, carol.id, "recovery") == [(1,)]


async def test_one_refresh_token_used_many_times_at_once_rotates_once(pair, place):
    alice = await place.settle("alice-23")
    client = await signed_in(pair, alice)
    call = Call("POST", "/v1/tokens/refresh", {"refresh_token": client.refresh_token})

    answers = await at_once(pair.urls, [call] * 30)

    assert said(answers) == {"200": 30}
    tokens = {answer.json()["tokens"]["refresh_token"] for answer in answers}
    assert len(tokens) == 1
    assert client.refresh_token not in tokens
    sql = "select generation from session where subject = ?"
    assert place.rows(sql, alice.id) == [(1,)]
    assert place.events(alice).count("session.refreshed") == 1
    assert "session.theft" not in place.events(alice)


async def test_many_askings_at_once_send_one_letter(pair, place):
    dave = await place.settle("dave-24", totp=False, mail=True)
    start = Call("POST", "/v1/ceremony", {"identifier": dave.name, "password": dave.password})
    begun = await at_once(pair.urls, [start] * 20)
    assert said(begun) == {"200": 20}
    again = await at_once(
        pair.urls,
        [
            Call("POST", "/v1/ceremony/challenge", {"ceremony": answer.json()["ceremony"]})
            for answer in begun
        ],
    )

    assert set(said(again)) <= {"200", "429 cooldown-active"}
    await place.mailed_code(dave)
    sql = "select count(*) from outbox where subject = ?"
    await until(lambda: place.rows(sql, dave.id) == [(0,)])
    assert len(place.letters(dave)) == 1
    sql = "select count(*) from item where subject = ? and authenticator = ?"
    assert place.rows(sql, dave.id, dave.factor("email")) == [(1,)]


async def test_one_reset_token_sets_one_password(pair, place):
    alice = await place.settle("alice-25")
    await pair.client().post("/v1/account/password/reset", {"identifier": alice.name})
    [letter] = await until(lambda: place.letters(alice))
    token = letter.text.split("#")[1].split()[0]
    path = "/v1/account/password/reset/confirm"
    words = [f"the {n}th long phrase" for n in range(10)]

    answers = await at_once(
        pair.urls, [Call("POST", path, {"token": token, "new_password": word}) for word in words]
    )

    found = said(answers)
    assert found.pop("204") == 1
    assert set(found) <= {"409 stale-security-state", "503 overloaded"}
    winner = [answer.status for answer in answers].index(204)
    assert (await pair.client().start(alice.name, words[winner])).status == 200
    assert place.events(alice).count("account.password.reset") == 1
    other = await pair.client().start(alice.name, words[winner - 1])
    assert other.said == "422 invalid-credentials"


async def test_a_password_changed_twice_at_once_is_changed_once(pair, place):
    carol = await place.settle("carol-26", totp=False)
    client = await signed_in(pair, carol)
    bodies = [
        {"current_password": carol.password, "new_password": f"the {n}th long phrase"}
        for n in range(6)
    ]

    answers = await at_once(
        pair.urls, [acting(client, "POST", "/v1/account/password", body) for body in bodies]
    )

    found = said(answers)
    assert found.pop("200") == 1
    assert all(one.startswith(("401", "409", "422")) for one in found), found
    assert place.events(carol).count("account.password.changed") == 1
    assert place.rows("select count(*) from session where subject = ?", carol.id) == [(1,)]


async def test_of_two_factors_removed_at_once_where_one_must_stay_one_stays(pair, place):
    root = await place.settle("root-27", mail=True, admin=True)
    client = await signed_in(pair, root)
    calls = [
        acting(client, "DELETE", f"/v1/factors/{root.factor(kind)}") for kind in ("totp", "email")
    ]

    answers = await at_once(pair.urls, [*calls, *calls, *calls])

    found = said(answers)
    assert found.pop("204") == 1
    sql = "select count(*) from authenticator where subject = ? and kind in ('totp', 'email')"
    assert place.rows(sql, root.id) == [(1,)]


async def test_new_recovery_codes_asked_for_twice_at_once_leave_one_whole_set(pair, place):
    alice = await place.settle("alice-28")
    client = await signed_in(pair, alice)

    # No more than one login may get wrong, since all but one of the sets will be dead.
    answers = await at_once(pair.urls, [acting(client, "POST", "/v1/recovery-codes", {})] * 5)

    assert said(answers) == {"200": 5}
    sets = [answer.json()["codes"] for answer in answers]
    sql = "select count(*) from item where subject = ?"
    assert place.rows(sql, alice.id) == [(10,)]
    sql = "select count(*) from authenticator where subject = ? and kind = 'recovery'"
    assert place.rows(sql, alice.id) == [(1,)]
    [ticket] = await tickets(pair, alice, 1)
    worked = 0
    for codes in sets:
        worked += (await pair.client().recover(ticket, codes[0])).status == 200
    assert worked == 1


async def test_an_account_registered_twice_at_once_is_one_name(pair, place):
    body = {"name": "newcomer-29", "email": "newcomer-29@example.org", "password": NEW}

    answers = await at_once(pair.urls, [Call("POST", "/v1/account", body)] * 8)

    found = said(answers)
    assert found.pop("202") == 1
    assert set(found) <= {"409 identifier-taken", "503 overloaded"}
    sql = "select count(*) from subject where name = 'newcomer-29'"
    assert place.rows(sql) == [(1,)]


async def test_nobody_signs_in_with_what_was_changed_before_the_answer_came(pair, place):
    alice = await place.settle("alice-30")
    client = await signed_in(pair, alice)
    named = await tickets(pair, alice, 20)
    code = alice.app.code(time.time(), 0)
    change = acting(client, "POST", "/v1/recovery-codes", {})
    calls = [
        Call("POST", "/v1/ceremony/verify", {"ceremony": ticket, "code": code}) for ticket in named
    ]

    changed, *answers = await at_once(pair.urls, [change, *calls])

    assert changed.status == 200
    assert set(said(answers)) <= {"200", "409 stale-security-state", "422 code-already-used"}
    late = await pair.client().verify(named[0], alice.app.code(time.time(), 0))
    assert late.status in {200, 409, 422}
    # Whoever got in before the change was ended by it; whoever came after had to begin anew.
    sessions = place.rows("select id from session where subject = ?", alice.id)
    own = (await client.get("/v1/session")).json()["sid"]
    won = [a.json()["result"]["session"]["id"] for a in answers if a.status == 200]
    assert {row[0] for row in sessions} <= {own, *won}
    assert len(won) <= 1
