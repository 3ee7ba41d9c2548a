"""One signature, many hands, two processes: it is worth one statement, and one session."""

from __future__ import annotations

import base64

from tests.support.authenticator import Passkey
from tests.support.client import Call, at_once, bearer
from tests.support.people import enlist

MANY = 50
ORIGIN = "http://localhost:7777"


async def keyed(pair, place, name):
    """Somebody who has bound a passkey at one of the two doors."""
    person = await place.settle(name)
    client, key = pair.client(), Passkey(ORIGIN)
    shown = bearer(await place.session(person))
    begun = (await client.post("/v1/factors", {"kind": "webauthn"}, headers=shown)).json()
    made = {"ceremony": begun["ceremony"], "webauthn": key.create(begun["webauthn"])}
    done = await client.post("/v1/ceremony/confirm", made)
    assert done.status == 200, done.body
    return person, key, done.json()["result"]["factor"]


async def test_one_signature_for_an_application_is_worth_one_statement(pair, place):
    alice, key, factor = await keyed(pair, place, "alice-key")
    id, secret = await enlist(place.engine, "shop-key")
    shown = base64.b64encode(f"{id}:{secret}".encode()).decode()
    headers = (("authorization", f"Basic {shown}"),)
    body = {"subject": "alice-key", "factor": factor}
    asked = await pair.client().post("/v1/verify/challenge", body, headers=headers)
    signed = {**body, "webauthn": key.get(asked.json()["webauthn"])}

    answers = await at_once(pair.urls, [Call("POST", "/v1/verify", signed, headers)] * MANY)

    said = sorted(answer.said for answer in answers)
    assert said == ["200", *["422 code-already-used"] * (MANY - 1)]
    assert place.events(alice).count("verify.accepted") == 1


async def test_one_signature_opens_one_session_at_both_doors(pair, place):
    alice, key, _ = await keyed(pair, place, "bob-key")
    before = place.rows("select count(*) from session where subject = ?", alice.id)[0][0]
    begun = (await pair.client().post("/v1/ceremony", {"kind": "login"})).json()
    asked = await pair.client(1).post("/v1/ceremony/challenge", {"ceremony": begun["ceremony"]})
    body = {
        "ceremony": asked.json()["ceremony"],
        "method": "passkey",
        "webauthn": key.get(asked.json()["webauthn"]),
    }

    answers = await at_once(pair.urls, [Call("POST", "/v1/ceremony/first-factor", body)] * MANY)

    tokens = {answer.json()["result"]["tokens"]["access_token"] for answer in answers}
    assert len(tokens) == 1
    after = place.rows("select count(*) from session where subject = ?", alice.id)[0][0]
    assert after - before == 1
    assert place.events(alice).count("login.granted") == 1
