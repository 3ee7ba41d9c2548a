"""A: what works once works once."""

from __future__ import annotations

import asyncio

from tests.support.client import Client
from tests.support.codes import Phone, mailed
from tests.support.house import living


async def test_a01_fifty_clients_share_one_code_and_one_gets_in(house):
    """Race between reading and spending a one-time code (GHSA-qq2p-4282-cfc5)."""
    alice = await house.settle("alice")
    clients = [house.client() for _ in range(50)]
    tickets = [await client.ticket("alice", alice.password) for client in clients]
    code = alice.app.code(house.clock.seconds)

    answers = await asyncio.gather(
        *(c.verify(ticket, code) for c, ticket in zip(clients, tickets, strict=True))
    )

    said = sorted(answer.said for answer in answers)
    assert said == ["200", *["422 code-already-used"] * 49]
    assert house.rows("select count(*) from session") == [(1,)]
    assert house.rows("select count(*) from guess where scope like 'kind:%'") == [(0,)]
    events = await house.events(alice)
    assert (events.count("login.granted"), events.count("login.code.replayed")) == (1, 49)


async def test_a03_a_code_is_dead_after_its_use_as_long_as_the_window_reaches(house):
    """Replay within the validity of a code (CVE-2015-7225 and a dozen since)."""
    alice = await house.settle("alice")
    code = alice.app.code(house.clock.seconds)
    client = await house.signed_in(alice, later=0)
    assert (await client.send("DELETE", "/v1/session")).status == 204

    for later in (0, 10, 20):
        house.clock.move(later)
        ticket = await client.ticket("alice", alice.password)
        answer = await client.verify(ticket, code)
        assert answer.said == "422 code-already-used"


async def test_a03_a_code_of_an_earlier_step_is_dead_once_a_later_one_was_used(house):
    """The window is no store of spare codes."""
    alice = await house.settle("alice")
    early = alice.app.code(house.clock.seconds, -1)
    client = await house.signed_in(alice, later=0)
    ticket = await client.ticket("alice", alice.password)

    assert (await client.verify(ticket, early)).said == "422 code-already-used"


async def test_a05_a_code_spent_on_a_login_is_spent_for_everything_else(house):
    """One code used for two purposes (H1 695041)."""
    alice = await house.settle("alice")
    client = await house.signed_in(alice)
    code = alice.app.code(house.clock.seconds)

    raised = (await client.inside("stepup")).json()["ceremony"]
    assert (await client.verify(raised, code)).said == "422 code-already-used"
    again = await client.ticket("alice", alice.password)
    assert (await client.verify(again, code)).said == "422 code-already-used"


async def test_a05_a_code_that_confirmed_a_set_up_is_spent_for_the_first_login(house):
    """The code that activates an app also opens the next login (H1 695041)."""
    carol = await house.settle("carol", totp=False)
    client = await house.signed_in(carol)
    shown = (await client.post("/v1/factors", {"kind": "totp"})).json()
    phone = Phone.scanned(shown["otpauth_uri"])
    code = phone.code(house.clock.seconds)
    assert (await client.step(shown["ceremony"], "confirm", code=code)).status == 200

    ticket = await client.ticket("carol", carol.password)

    assert (await client.verify(ticket, code)).said == "422 code-already-used"


async def test_a07_a_code_spent_at_the_login_is_spent_for_applications_and_the_reverse(house):
    """A second surface that keeps no memory of spent codes (CVE-2026-20779)."""
    alice = await house.settle("alice")
    await house.signed_in(alice)
    code = alice.app.code(house.clock.seconds)
    secret = await house.application("shop")

    told = await secret.post("/v1/verify", {"subject": alice.id, "code": code})
    assert told.said == "422 code-already-used"

    house.clock.move(30)
    code = alice.app.code(house.clock.seconds)
    assert (await secret.post("/v1/verify", {"subject": alice.id, "code": code})).status == 200
    ticket = await house.client().ticket("alice", alice.password)
    assert (await house.client().verify(ticket, code)).said == "422 code-already-used"


async def test_a11_the_old_set_of_recovery_codes_dies_with_the_new_one(house):
    """Old recovery codes still work after a new set was made (H1 1485788)."""
    alice = await house.settle("alice")
    client = await house.signed_in(alice)
    answer = await client.post("/v1/recovery-codes", {})
    assert answer.status == 200
    fresh = answer.json()["codes"]
    assert not set(fresh) & set(alice.recovery)

    ticket = await client.ticket("alice", alice.password)
    assert (await client.recover(ticket, alice.recovery[0])).said == "422 code-rejected"
    assert (await client.recover(ticket, fresh[0])).status == 200


async def test_a11_recovery_codes_die_when_the_last_factor_goes_and_stay_dead(house):
    """Codes of a set that was abandoned open the account after a new enrolment."""
    alice = await house.settle("alice")
    client = await house.signed_in(alice)
    gone = await client.send("DELETE", f"/v1/factors/{alice.factor('totp')}")
    assert gone.status == 204
    shown = (await client.post("/v1/factors", {"kind": "totp"})).json()
    phone = Phone.scanned(shown["otpauth_uri"])
    done = await client.step(shown["ceremony"], "confirm", code=phone.code(house.clock.seconds))
    assert done.status == 200

    ticket = await client.ticket("alice", alice.password)

    assert (await client.recover(ticket, alice.recovery[0])).said == "422 code-rejected"


async def test_a13_a_mailed_code_of_one_person_is_nothing_in_another_login(house):
    """A code is not bound to whom it was sent (H1 2885636)."""
    dave = await house.settle("dave", totp=False, mail=True)
    erin = await house.settle("erin", totp=False, mail=True)
    mine = (await house.client().start("erin", erin.password)).json()["ceremony"]
    letters = await house.post()
    assert mailed(letters, erin.email)
    assert (await house.client().start("dave", dave.password)).status == 200
    code = await house.mailed_code(dave)

    assert (await house.client().verify(mine, code)).said == "422 code-rejected"


async def test_a13_two_open_logins_and_one_mailed_code_make_one_session(house):
    """One code opens two logins of the same person."""
    dave = await house.settle("dave", totp=False, mail=True)
    first = (await house.client().start("dave", dave.password)).json()["ceremony"]
    code = await house.mailed_code(dave)
    second = (await house.client().start("dave", dave.password)).json()["ceremony"]
    assert await house.post() == []

    answers = await asyncio.gather(
        *(house.client().verify(ticket, code) for ticket in (first, second))
    )

    assert sorted(answer.status for answer in answers) == [200, 422]
    assert house.rows("select count(*) from session") == [(1,)]


async def test_a13_a_code_mailed_to_sign_in_changes_no_factor(house):
    """A code for one kind of request answers another kind."""
    dave = await house.settle("dave", totp=False, mail=True)
    client = house.client()
    ticket = (await client.start("dave", dave.password)).json()["ceremony"]
    client.keep(await client.verify(ticket, await house.mailed_code(dave)))
    house.clock.move(61)
    await client.start("dave", dave.password)
    for_login = await house.mailed_code(dave)
    raised = (await client.inside("stepup")).json()["ceremony"]
    await client.step(raised, "challenge")

    assert (await client.verify(raised, for_login)).said.startswith("4")


async def test_a01_two_houses_on_one_database_share_what_is_spent(house, tmp_path):
    """A replay memory that each process keeps for itself."""
    alice = await house.settle("alice")
    code = alice.app.code(house.clock.seconds)
    async with living(house.path, clock=house.clock, ring=house.ring) as other:
        doors: list[Client] = [house.client(), other.client()] * 8
        tickets = [await door.ticket("alice", alice.password) for door in doors]
        answers = await asyncio.gather(
            *(door.verify(ticket, code) for door, ticket in zip(doors, tickets, strict=True))
        )

    assert sorted(a.said for a in answers) == ["200", *["422 code-already-used"] * 15]
