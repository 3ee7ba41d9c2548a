"""M: passkeys, whose answers name the site, the ceremony and the person they are for."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from tests.support.authenticator import BE, BS, UP, UV, Passkey, b64
from tests.support.house import House
from tests.support.people import Person

ORIGIN = "http://localhost:8080"
CEREMONY = "/v1/ceremony"


async def keyed(house: House, name: str = "alice", **how: Any) -> tuple[Person, Passkey]:
    """Somebody who has bound a passkey, seconds ago."""
    person = await house.settle(name)
    key = Passkey(ORIGIN, **how)
    client = await house.signed_in(person)
    begun = (await client.post("/v1/factors", {"kind": "webauthn"})).json()
    body = {"ceremony": begun["ceremony"], "webauthn": key.create(begun["webauthn"])}
    done = await client.post(f"{CEREMONY}/confirm", body)
    assert done.json()["state"] == "done", done.body
    house.clock.move(5)
    return person, key


async def invitation(house: House) -> tuple[str, dict[str, Any]]:
    """A ticket, and the options that anybody may answer."""
    client = house.client()
    begun = (await client.post(CEREMONY, {"kind": "login"})).json()
    asked = await client.post(f"{CEREMONY}/challenge", {"ceremony": begun["ceremony"]})
    return asked.json()["ceremony"], asked.json()["webauthn"]


async def second_step(house: House, person: Person) -> tuple[str, dict[str, Any]]:
    """A ticket after the password, and the options for one of this person's keys."""
    client = house.client()
    begun = (await client.start(person.name, person.password)).json()
    key = next(f["id"] for f in begun["factors"] if f["kind"] == "webauthn")
    body = {"ceremony": begun["ceremony"], "factor": key}
    asked = (await client.post(f"{CEREMONY}/challenge", body)).json()
    return asked["ceremony"], asked["webauthn"]


async def opens(house: House, ticket: str, answer: object) -> str:
    """Answer the invitation; what was said."""
    body = {"ceremony": ticket, "method": "passkey", "webauthn": answer}
    return (await house.client().post(f"{CEREMONY}/first-factor", body)).said


async def verifies(house: House, ticket: str, answer: object) -> str:
    """Answer the second step; what was said."""
    body = {"ceremony": ticket, "webauthn": answer}
    return (await house.client().post(f"{CEREMONY}/verify", body)).said


async def test_a153_an_assertion_is_good_for_one_session(house):
    """An assertion replayed (CVE-2022-42731), by fifty at once and by one later."""
    alice, key = await keyed(house)
    ticket, options = await invitation(house)
    answer = key.get(options)

    said = await asyncio.gather(*(opens(house, ticket, answer) for _ in range(50)))
    house.clock.move(16)

    assert set(said) == {"200"}
    assert (await house.events(alice)).count("login.granted") == 2  # one of them to enrol
    assert await opens(house, ticket, answer) == "409 ceremony-consumed"
    elsewhere, _ = await invitation(house)
    assert await opens(house, elsewhere, answer) == "422 invalid-credentials"


async def test_a153_an_assertion_for_an_application_is_good_for_one_statement(house):
    """Verification alone opens no session that a replay could be told by."""
    _alice, key = await keyed(house)
    shop = await house.application("shop")
    asked = (await shop.get("/v1/apps/shop/subjects/alice")).json()
    factor = next(f["id"] for f in asked["factors"] if f["kind"] == "webauthn")
    body = {"subject": "alice", "factor": factor}
    options = (await shop.post("/v1/verify/challenge", body)).json()["webauthn"]
    check = {**body, "webauthn": key.get(options)}

    answers = await asyncio.gather(*(shop.post("/v1/verify", check) for _ in range(50)))

    said = sorted(answer.said for answer in answers)
    assert said == ["200", *["422 code-already-used"] * 49]


async def test_a153_a_challenge_of_another_ceremony_person_or_purpose_is_none(house):
    """A challenge taken from elsewhere (GHSA-j5rm-v3vh-vx94)."""
    alice, key = await keyed(house)
    bob, other = await keyed(house, "bob")
    ticket, options = await second_step(house, alice)
    _, later = await second_step(house, alice)
    _, bobs = await second_step(house, bob)
    opening, anybody = await invitation(house)
    _, another = await invitation(house)

    for foreign in (later, bobs, anybody):
        assert await verifies(house, ticket, key.get(foreign)) == "422 code-rejected"
    assert await verifies(house, ticket, other.get(options)) == "422 code-rejected"
    for foreign in (another, options, bobs):
        assert await opens(house, opening, key.get(foreign)) == "422 invalid-credentials"
    assert await verifies(house, ticket, key.get(options)) == "200"
    assert await opens(house, opening, other.get(anybody)) == "200"


async def test_a153_a_challenge_dies_with_its_time(house):
    """An answer that was kept for later."""
    _alice, key = await keyed(house)
    ticket, options = await invitation(house)
    answer = key.get(options)
    house.clock.move(301)

    assert await opens(house, ticket, answer) == "410 ceremony-expired"


async def test_a153_what_was_made_is_not_taken_for_what_was_signed(house):
    """``create`` against ``get``: the set-up's own answer as proof, and a proof as a set-up."""
    alice, key = await keyed(house)
    client = await house.signed_in(alice)
    begun = (await client.post("/v1/factors", {"kind": "webauthn"})).json()
    fresh = Passkey(ORIGIN)
    fresh.create(begun["webauthn"])
    signed = fresh.get({**begun["webauthn"], "rpId": "localhost"})
    ticket, options = await second_step(house, alice)
    made = key.create({**begun["webauthn"], "challenge": options["challenge"]})

    body = {"ceremony": begun["ceremony"], "webauthn": signed}
    assert (await client.post(f"{CEREMONY}/confirm", body)).said == "422 code-rejected"
    assert await verifies(house, ticket, made) == "422 code-rejected"


@pytest.mark.parametrize("fmt", ["none", "packed", "fido-u2f", "tpm", "apple", "acme", ""])
async def test_a155_no_attestation_is_believed_that_cannot_be_checked(house, fmt):
    """A statement that looks like more than it is (CVE-2025-12150)."""
    alice = await house.settle("alice")
    client = await house.signed_in(alice)
    begun = (await client.post("/v1/factors", {"kind": "webauthn"})).json()
    forged = {"fmt": fmt, "attStmt": {"alg": -7, "sig": b"x" * 70, "x5c": [b"x" * 300]}}
    answer = Passkey(ORIGIN).create(begun["webauthn"], attestation=forged)

    body = {"ceremony": begun["ceremony"], "webauthn": answer}
    refused = await client.post(f"{CEREMONY}/confirm", body)

    assert begun["webauthn"]["attestation"] == "none"
    assert refused.said == "422 code-rejected"


@pytest.mark.parametrize(
    "client",
    [
        {"origin": "http://127.0.0.1:8080"},
        {"origin": "https://localhost:8080"},
        {"origin": "http://localhost"},
        {"origin": "http://localhost:8081"},
        {"origin": "http://a.localhost:8080"},
        {"origin": "http://localhost.:8080"},
        {"origin": "http://l\u043ecalhost:8080"},
        {"origin": "http://localhost:8080/"},
        {"origin": "null"},
        {"crossOrigin": True},
        {"crossOrigin": True, "topOrigin": "https://evil.example"},
        {"topOrigin": ORIGIN},
    ],
    ids=lambda client: ascii(client)[:60],
)
async def test_a157_only_a_page_of_ours_that_nobody_frames_may_speak_for_us(house, client):
    """Related origins, look-alikes and frames (WebAuthn L3 section 13.4.9)."""
    alice, key = await keyed(house)
    ticket, options = await second_step(house, alice)
    opening, anybody = await invitation(house)

    assert await verifies(house, ticket, key.get(options, client=client)) == "422 code-rejected"
    said = await opens(house, opening, key.get(anybody, client=client))
    assert said == "422 invalid-credentials"


@pytest.mark.parametrize("rp_id", ["127.0.0.1", "evil.example", "", "a.localhost"])
async def test_a157_a_key_of_another_site_is_none(house, rp_id):
    """The hash of the relying party's id, which the authenticator signs."""
    alice, key = await keyed(house)
    ticket, options = await second_step(house, alice)

    assert await verifies(house, ticket, key.get(options, rp_id=rp_id)) == "422 code-rejected"


@pytest.mark.parametrize("flags", [0, UP | BE | BS, UV | BE | BS, UP | UV, UP | UV | BS])
async def test_a157_an_answer_that_nobody_gave_or_unlocked_opens_no_account(house, flags):
    """Presence, verification and the flags of a copy, one wrong at a time (N33)."""
    _, key = await keyed(house)
    ticket, options = await invitation(house)

    assert await opens(house, ticket, key.get(options, flags=flags)) == "422 invalid-credentials"


async def test_a157_a_handle_of_somebody_else_opens_nobodys_account(house):
    """A key of one account with the name of another."""
    _alice, key = await keyed(house)
    bob, other = await keyed(house, "bob")
    ticket, options = await invitation(house)

    for handle in (other.handle, b"\0" * 16, b64(key.handle).encode()):
        said = await opens(house, ticket, key.get(options, handle=handle))
        assert said == "422 invalid-credentials"
    assert (await house.events(bob)).count("login.granted") == 1
