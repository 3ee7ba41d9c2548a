"""Passkeys over ``/v1``: options for the browser out, its ``toJSON()`` in."""

import pytest

from tests.faces.house import PASSWORD, START
from tests.faces.test_verify import application
from tests.support.authenticator import BE, BS, UP, Passkey, b64
from twofold.core.policy import Enforcement, Policy
from twofold.core.types import SECOND

ORIGIN = "https://login.example"
CEREMONY = "/v1/ceremony"


async def enrols(client, key, **body):
    begun = await client.post("/v1/factors", {"kind": "webauthn", **body})
    assert begun.status == 201, begun.text
    return await client.post(
        f"{CEREMONY}/confirm", {"webauthn": key.create(begun.json["webauthn"])}
    )


@pytest.fixture
async def alice(kept):
    """Somebody with a passkey: the house, a client that is signed in, and the key."""
    await kept.add("alice")
    client, key = kept.client(), Passkey(ORIGIN)
    await client.start("alice")
    done = await enrols(client, key, label="Yellow")
    assert done.json["state"] == "done"
    kept.clock.forward(5)
    return kept, client, key


async def invited(client, **start):
    begun = await client.post(CEREMONY, {"kind": "login", **start})
    assert begun.json["methods"] == ["password", "passkey"]
    return await client.post(f"{CEREMONY}/challenge", {})


def opening(key, asked, **wrong):
    return {"method": "passkey", "webauthn": key.get(asked.json["webauthn"], **wrong)}


async def test_a_passkey_is_set_up_with_what_the_browser_is_told_and_tells(kept):
    await kept.add("alice")
    client, key = kept.client(), Passkey(ORIGIN)
    await client.start("alice")

    begun = await client.post("/v1/factors", {"kind": "webauthn", "label": "Yellow"})
    answer = key.create(begun.json["webauthn"])
    done = await client.post(f"{CEREMONY}/confirm", {"webauthn": answer})

    assert (begun.json["state"], begun.json["factor_kind"]) == ("enroll_confirm", "webauthn")
    assert begun.json["webauthn"]["user"]["name"] == "alice"
    assert begun.json["actions"][0]["input"] == ["webauthn"]
    assert done.json["result"]["session"]["acr"] == "urn:twofold:aal2"
    assert len(done.json["result"]["recovery_codes"]) == 10
    (factor,) = (await client.get("/v1/factors")).json["factors"]
    assert (factor["kind"], factor["label"]) == ("webauthn", "Yellow")
    assert factor["traits"] == {
        "credential": b64(key.id),
        "aaguid": "08987058-cadc-4b81-b6e1-30de50dcbe96",
        "transports": "hybrid internal",
        "synced": 1,
        "backed_up": 1,
    }


async def test_a_passkey_is_the_second_step(alice):
    house, _, key = alice
    client = house.client()

    asked = await client.start("alice")
    signed = {"webauthn": key.get(asked.json["webauthn"])}
    done = await client.post(f"{CEREMONY}/verify", signed)

    assert asked.json["state"] == "challenge"
    assert asked.json["actions"][0]["input"] == ["webauthn"]
    assert done.json["result"]["session"]["amr"] == ["pwd", "swk", "pop", "user", "mfa"]


async def test_options_are_made_again_and_not_repeated(alice):
    house, _, key = alice
    client = house.client()
    asked = await client.start("alice")

    looked = await client.get(CEREMONY)
    again = await client.post(f"{CEREMONY}/challenge", {"factor": looked.json["factor"]})

    assert "webauthn" not in looked.json
    assert again.json["webauthn"].keys() == asked.json["webauthn"].keys()
    body = {"webauthn": key.get(again.json["webauthn"]), "factor": looked.json["factor"]}
    assert (await client.post(f"{CEREMONY}/verify", body)).json["state"] == "done"


@pytest.mark.parametrize("transport", ["json", "cookie"])
async def test_a_passkey_alone_signs_in(alice, transport):
    house, _, key = alice
    client = house.browser() if transport == "cookie" else house.client()

    asked = await invited(client, transport=transport)
    done = await client.post(f"{CEREMONY}/first-factor", opening(key, asked))

    assert asked.json["webauthn"]["allowCredentials"] == []
    assert asked.rels() == ["first-factor", "first-factor", "challenge", "cancel"]
    assert done.json["result"]["session"]["acr"] == "urn:twofold:aal2"
    assert (await client.get("/v1/session")).status == 200


async def test_a_ticket_in_one_browser_answers_in_no_other(alice):
    house, _, key = alice
    one, other = house.browser(), house.browser()
    asked = await invited(one, transport="cookie")
    await invited(other, transport="cookie")

    stolen = await other.post(f"{CEREMONY}/first-factor", opening(key, asked))

    assert stolen.code == "invalid-credentials"
    assert (await one.post(f"{CEREMONY}/first-factor", opening(key, asked))).status == 200


async def test_whether_an_account_or_its_passkeys_exist_is_not_told(alice):
    house, _, key = alice
    told = []
    for name in ("alice", "nobody"):
        client = house.client()
        asked = await invited(client, identifier=name)
        shape = {**asked.json, "webauthn": {**asked.json["webauthn"], "challenge": ""}}
        told.append({**shape, "ceremony": ""})
    assert told[0] == told[1]

    refused = []
    stranger, twin = Passkey(ORIGIN, handle=b"\7" * 16), Passkey(ORIGIN, handle=key.handle)
    wrongs = (
        (key, {"signer": twin.private}),
        (key, {"flags": UP | BE | BS}),
        (stranger, {}),
        (twin, {}),
    )
    for someone, wrong in wrongs:
        client = house.client()
        asked = await invited(client)
        answer = await client.post(f"{CEREMONY}/first-factor", opening(someone, asked, **wrong))
        assert answer.status == 422
        refused.append({**answer.json, "instance": ""})
    assert all(body == refused[0] for body in refused)
    assert refused[0]["type"].endswith(":invalid-credentials")


BODIES = {
    "neither": ({}, "password"),
    "a passkey without one": ({"method": "passkey"}, "webauthn"),
    "both": ({"password": PASSWORD, "webauthn": "K"}, "password"),
    "a name beside a passkey": (
        {"method": "passkey", "webauthn": "K", "identifier": "alice"}, "identifier",
    ),
    "a password beside a passkey": (
        {"method": "passkey", "webauthn": "K", "password": PASSWORD}, "password",
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", BODIES)
async def test_a_first_step_is_one_thing_and_says_which(alice, name):
    body, field = BODIES[name]
    house, _, key = alice
    client = house.client()
    asked = await invited(client)
    sent = {k: key.get(asked.json["webauthn"]) if v == "K" else v for k, v in body.items()}

    answer = await client.post(f"{CEREMONY}/first-factor", sent)

    assert (answer.code, answer.json["field"]) == ("malformed", field)


async def test_a_second_step_is_one_thing(alice):
    house, _, key = alice
    client = house.client()
    signed = key.get((await client.start("alice")).json["webauthn"])

    for body in (
        {},
        {"webauthn": signed, "code": "123456"},
        {"webauthn": signed, "recovery_code": "abcd"},
    ):
        assert (await client.post(f"{CEREMONY}/verify", body)).code == "malformed"
    assert (await client.post(f"{CEREMONY}/verify", {"webauthn": signed})).status == 200


SHAPES = {
    "text": "credential",
    "no response": {"id": "AAAA", "rawId": "AAAA", "type": "public-key"},
    "another type": {"type": "password"},
    "an id that is no base64url": {"id": "a+b="},
    "a signature that is no text": {"response": {"signature": 1}},
    "no client data": {"response": {"clientDataJSON": None}},
    "too long": {"response": {"signature": "A" * 40_000}},
}


@pytest.mark.parametrize("name", SHAPES)
async def test_a_credential_of_another_shape_is_malformed(alice, name):
    house, _, key = alice
    client = house.client()
    right = key.get((await client.start("alice")).json["webauthn"])
    bent = SHAPES[name]
    if isinstance(bent, dict) and "rawId" not in bent:
        inner = {**right["response"], **bent.get("response", {})}
        bent = {**right, **bent, "response": inner}

    answer = await client.post(f"{CEREMONY}/verify", {"webauthn": bent})

    assert (answer.status, answer.code) == (400, "malformed")


async def test_what_browsers_add_to_a_credential_is_not_read_and_what_clients_add_is_refused(alice):
    house, _, key = alice
    client = house.client()
    signed = key.get((await client.start("alice")).json["webauthn"])
    signed |= {"authenticatorAttachment": "telepathic", "tomorrow": {"x": 1}}
    signed["response"] |= {"tomorrow": "y"}

    refused = await client.post(f"{CEREMONY}/verify", {"webauthn": signed, "tomorrow": 1})
    taken = await client.post(f"{CEREMONY}/verify", {"webauthn": signed})

    assert (refused.code, taken.status) == ("malformed", 200)


async def test_a_passkey_is_renamed_preferred_and_removed(alice):
    house, client, key = alice
    (factor,) = (await client.get("/v1/factors")).json["factors"]

    named = await client.patch(f"/v1/factors/{factor['id']}", {"label": "Blue", "preferred": True})
    gone = await client.delete(f"/v1/factors/{factor['id']}")
    asked = await invited(house.client())
    stranger = house.client()
    asked = await invited(stranger)
    refused = await stranger.post(f"{CEREMONY}/first-factor", opening(key, asked))

    assert (named.json["label"], gone.status) == ("Blue", 204)
    assert refused.code == "invalid-credentials"


async def test_a_policy_that_demands_a_factor_is_met_by_a_passkey_in_one_go(build):
    house = build(policy=Policy(enforcement=Enforcement.REQUIRED))
    await house.add("carol")
    client, key = house.client(), Passkey(ORIGIN)
    demanded = await client.start("carol")
    assert "webauthn" in demanded.json["allowed_kinds"]

    begun = await client.post(f"{CEREMONY}/enroll", {"kind": "webauthn", "label": "Phone"})
    body = {"webauthn": key.create(begun.json["webauthn"])}
    done = await client.post(f"{CEREMONY}/confirm", body)

    assert done.json["result"]["session"]["acr"] == "urn:twofold:aal2"


async def test_an_application_asks_for_a_passkey_and_gets_a_statement(house):
    shop = await application(house, "shop")
    await house.add("alice")
    client, key = house.client(), Passkey(ORIGIN)
    await client.start("alice")
    await enrols(client, key)
    house.clock.forward(5)
    backend = house.client()

    asked = await backend.post("/v1/verify/challenge", {"subject": "alice"}, headers=shop)
    signed = {"subject": "alice", "webauthn": key.get(asked.json["webauthn"])}
    nameless = await backend.post("/v1/verify", signed, headers=shop)
    body = {**signed, "factor": asked.json["factor"]}
    done = await backend.post("/v1/verify", body, headers=shop)
    again = await backend.post("/v1/verify", body, headers=shop)

    assert asked.json["expires_at"] == START // SECOND + 305
    assert nameless.json["field"] == "factor"
    assert (done.json["acr"], done.json["amr"]) == (
        "urn:twofold:aal2", ["swk", "pop", "user", "mfa"],
    )  # fmt: skip
    assert again.code == "code-already-used"


async def test_an_application_binds_a_passkey_to_a_subject_of_its_own(house):
    shop = await application(house, "shop")
    backend, key = house.client(), Passkey(ORIGIN)
    one = "/v1/apps/shop/subjects/u-42"
    await backend.put(one, {}, headers=shop)

    begun = await backend.post(f"{one}/factors", {"kind": "webauthn"}, headers=shop)
    (action,) = begun.json["actions"]
    body = {**action["send"], "webauthn": key.create(begun.json["webauthn"])}
    done = await backend.post(action["href"], body, headers=shop)
    twice = {**body, "code": "123456"}

    assert action["input"] == ["webauthn"]
    assert done.json["state"] == "done"
    assert (await backend.post(action["href"], twice, headers=shop)).code == "malformed"
    another = {"kind": "totp", "code": "123456", "recovery_code": "x"}
    assert (await backend.post(f"{one}/factors", another, headers=shop)).code == "malformed"
