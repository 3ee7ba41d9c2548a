"""One remembered browser, many tabs at two servers: one rotation, and nobody is punished."""

from __future__ import annotations

import time

from tests.support.client import Call, Client, at_once, bearer

MANY = 20


async def signed_in(pair, person) -> Client:
    """Somebody who has just proved both factors."""
    client = pair.client()
    ticket = await client.ticket(person.name, person.password)
    client.keep(await client.verify(ticket, person.app.code(time.time())))
    return client


def login(person, device: str) -> Call:
    """A login that needs no second step, if the browser is remembered."""
    body = {"kind": "login", "identifier": person.name, "password": person.password}
    return Call("POST", "/v1/ceremony", body, (("device", device),))


async def test_many_tabs_at_once_rotate_one_token_once(pair, place):
    alice = await place.settle("alice-51")
    client = await signed_in(pair, alice)
    device = (await client.post("/v1/devices", {})).json()["device"]
    before = place.rows("select generation from device where subject = ?", alice.id)[0][0]

    answers = await at_once(pair.urls, [login(alice, device)] * MANY)

    assert [answer.status for answer in answers] == [200] * MANY
    assert {answer.json()["state"] for answer in answers} == {"done"}
    assert len({answer.json()["result"]["device"] for answer in answers}) == 1
    after = place.rows("select generation from device where subject = ?", alice.id)
    assert after == [(before + 1,)]
    assert "device.theft" not in place.events(alice)


async def test_a_browser_that_asks_many_times_at_once_is_remembered_once(pair, place):
    alice = await place.settle("alice-52")
    client = await signed_in(pair, alice)

    asking = Call("POST", "/v1/devices", {}, bearer(client.token))
    answers = await at_once(pair.urls, [asking] * MANY)

    assert [answer.status for answer in answers] == [201] * MANY
    assert len({answer.json()["device"] for answer in answers}) == 1
    assert place.rows("select count(*) from device where subject = ?", alice.id) == [(1,)]
    assert place.events(alice).count("device.remembered") == 1


async def test_what_forgets_a_browser_and_what_uses_it_meet_without_a_door_left_open(pair, place):
    alice = await place.settle("alice-53")
    client = await signed_in(pair, alice)
    device = (await client.post("/v1/devices", {})).json()["device"]
    forgetting = Call("DELETE", "/v1/devices", None, bearer(client.token))

    answers = await at_once(pair.urls, [login(alice, device), forgetting] * MANY)

    assert {answer.status for answer in answers} == {200, 204}
    [late] = await at_once(pair.urls, [login(alice, device)])
    assert late.json()["state"] == "second_factor"
    assert "device.theft" not in place.events(alice)
