"""D: a remembered browser is no way around the second factor for anybody but who asked for it."""

from __future__ import annotations

import base64
import json
import os

import pytest

from tests.support.client import Answer, Client
from tests.support.house import House
from tests.support.people import Person
from twofold.ceremonies import admin, admin_factors
from twofold.core import browsers, tokens
from twofold.core.keyring import Keyring, MasterKey
from twofold.core.types import DEFAULT_REALM, Context, DeviceId, Realm, SessionId

DAY = 86_400
THIEF = "198.51.100.66"


async def remembered(house: House, person: Person) -> tuple[Client, str]:
    """Somebody who has asked for this browser to be remembered, and what it carries."""
    client = await house.signed_in(person)
    done = await client.post("/v1/devices", {})
    assert done.status == 201, done.body
    return client, done.json()["device"]


async def comes(
    house: House, person: Person, device: str, password: str = "", **more: object
) -> Answer:
    """A login with this password and this in the header."""
    body = {
        "kind": "login",
        "identifier": person.name,
        "password": password or person.password,
        **more,
    }
    client = house.client(THIEF)
    client.extra = (("device", device),)
    return await client.post("/v1/ceremony", body)


def state(answer: Answer) -> str:
    assert answer.status == 200, answer.body
    found: str = answer.json()["state"]
    return found


def pieces(device: str) -> tuple[str, str]:
    """The mark that somebody is known by, and the token of the row."""
    known, token = device.split("~")
    return known, token


async def test_a51_the_owners_browser_is_spared_or_nothing_below_proves_anything(house):
    """The very same request, told apart by what it carries alone."""
    alice = await house.settle("alice")
    _, device = await remembered(house, alice)

    assert state(await comes(house, alice, "")) == "second_factor"
    assert state(await comes(house, alice, device)) == "done"


async def test_a51_a_token_of_our_form_that_we_did_not_make_is_nothing(house):
    """Unsigned, signed by others, made from what is known (scheb 2018-07-08)."""
    alice = await house.settle("alice")
    _, device = await remembered(house, alice)
    _, token = pieces(device)
    row, generation = await in_store(house, alice)
    raw = bytearray(base64.urlsafe_b64decode(token[3:]))
    strange = Keyring((MasterKey.of(os.urandom(32), house.clock.now()),))
    forged = [
        tokens.mint(strange, "device", "default", alice.id, SessionId(row), generation),
        tokens.mint(house.ring, "device", Realm("other"), alice.id, SessionId(row), generation),
        tokens.mint(house.ring, "access", "default", alice.id, SessionId(row), generation),
        "d1." + base64.urlsafe_b64encode(bytes(raw[:-16]) + bytes(16)).decode(),
        _unsigned_jwt(alice),
        token[:-1],
        token.upper(),
        "k1." + token[3:],
    ]
    for bit in range(0, len(raw) * 8, 5):
        raw[bit // 8] ^= 1 << bit % 8
        forged.append("d1." + base64.urlsafe_b64encode(raw).decode())
        raw[bit // 8] ^= 1 << bit % 8

    for text in forged:
        assert state(await comes(house, alice, text)) == "second_factor", text
    assert state(await comes(house, alice, token)) == "done"


def _unsigned_jwt(person: Person) -> str:
    head, body = (
        base64.urlsafe_b64encode(json.dumps(part).encode()).decode().rstrip("=")
        for part in ({"alg": "none"}, {"sub": person.id, "username": person.name, "version": 0})
    )
    return f"{head}.{body}."


async def in_store(house: House, person: Person) -> tuple[DeviceId, int]:
    """What the one row of somebody's browsers says."""
    seen = await house.engine.store.view(DEFAULT_REALM, person.id, devices=True)
    assert seen is not None
    [row] = seen.devices
    return row.id, row.generation


async def test_a51_the_browser_of_one_is_nothing_with_the_password_of_another(house):
    """Alice's cookie with bob's password (H1 665722)."""
    alice, bob = await house.settle("alice"), await house.settle("bob")
    _, device = await remembered(house, alice)

    assert state(await comes(house, bob, device)) == "second_factor"
    assert state(await comes(house, alice, device)) == "done"


async def test_a51_the_mark_of_a_known_browser_spares_nothing(house):
    """What everybody is given is not what is asked for."""
    alice = await house.settle("alice")
    _, device = await remembered(house, alice)

    assert state(await comes(house, alice, pieces(device)[0])) == "second_factor"


async def test_a51_without_the_password_it_is_worth_nothing_and_tells_nothing(house):
    """A stolen cookie alone."""
    alice = await house.settle("alice")
    _, device = await remembered(house, alice)

    stolen = await comes(house, alice, device, "a wrong guess")
    other = await comes(house, alice, "", "a wrong guess")

    assert stolen.said == other.said == "422 invalid-credentials"
    shown = {key for key in stolen.json() if stolen.json()[key] != other.json()[key]}
    assert shown <= {"instance", "request_id"}
    refused = await Client(house.client().wire, token=device).get("/v1/session")
    assert refused.said == "401 invalid-token"


@pytest.mark.parametrize("act", ["reset", "import", "password", "codes", "sessions", "forget"])
async def test_a51_it_is_dead_after_every_change_of_how_one_signs_in(house, act):
    """After re-enrolment, after a new password, after revocation."""
    alice = await house.settle("alice", mail=True)
    owner, device = await remembered(house, alice)
    password = alice.password
    match act:
        case "reset":
            factor = alice.factor("email")
            await admin_factors.reset_factors(
                house.engine, Context(), "operator", alice.id, only=factor
            )
        case "import":
            await admin_factors.import_factor(
                house.engine, Context(), "operator", alice.id, "email"
            )
        case "password":
            password = "another long phrase"
            await admin.set_password(house.engine, Context(), "operator", alice.id, password)
        case "codes":
            assert (await owner.post("/v1/recovery-codes", {})).status == 200
        case "sessions":
            assert (await owner.send("DELETE", "/v1/sessions")).status == 204
        case "forget":
            [row] = (await owner.get("/v1/devices")).json()["devices"]
            assert (await owner.send("DELETE", f"/v1/devices/{row['id']}")).status == 204

    assert state(await comes(house, alice, device, password)) != "done"


async def test_a51_it_is_dead_when_its_days_are_over(house):
    """After expiry, whatever the cookie says."""
    alice = await house.settle("alice")
    _, device = await remembered(house, alice)
    house.clock.move(30 * DAY)

    assert state(await comes(house, alice, device)) == "second_factor"


async def test_a51_a_copy_is_found_out_when_both_have_used_it(house):
    """A cookie stolen from a disk, with a password that was guessed or seen."""
    alice = await house.settle("alice")
    _, device = await remembered(house, alice)
    thief = await comes(house, alice, device)
    assert state(thief) == "done"
    house.clock.move(61)

    assert state(await comes(house, alice, device)) == "second_factor"

    stolen = thief.json()["result"]
    client = Client(house.client().wire, token=stolen["tokens"]["access_token"])
    assert (await client.get("/v1/session")).said == "401 invalid-token"
    assert state(await comes(house, alice, stolen["device"])) == "second_factor"
    assert (await house.events(alice)).count("device.theft") == 1
    subjects = [letter.subject for letter in await house.post()]
    assert any("was forgotten" in subject for subject in subjects)


async def test_a51_nothing_but_the_second_step_of_a_login_is_spared(house):
    """A step-up, a change of factors, a demanded level, and itself for longer."""
    alice = await house.settle("alice", mail=True)
    _, device = await remembered(house, alice)
    spared = (await comes(house, alice, device)).json()["result"]
    client = Client(house.client().wire, token=spared["tokens"]["access_token"])
    client.extra = (("device", spared["device"]),)

    demanded = await comes(house, alice, spared["device"], require={"acr": "aal2"})
    fresh = await comes(house, alice, spared["device"], require={"max_age": 0})
    assert state(demanded) == state(fresh) == "second_factor"
    for method, path, body in (
        ("POST", "/v1/factors", {"kind": "totp"}),
        ("DELETE", f"/v1/factors/{alice.factor('email')}", None),
        ("POST", "/v1/recovery-codes", {}),
        ("POST", "/v1/devices", {}),
    ):
        answer = await client.send(method, path, body)
        assert answer.said == "401 step-up-required", path
    raising = await client.post("/v1/ceremony", {"kind": "stepup"})
    assert state(raising) == "second_factor"


async def test_a51_an_administrator_is_asked_each_time(house):
    """What opens everything is worth a code."""
    root = await house.settle("root", admin=True)
    client = await house.signed_in(root)

    assert (await client.post("/v1/devices", {})).said == "403 not-allowed-by-policy"


async def test_a51_what_lies_in_the_database_makes_no_browser(house):
    """A stolen table of remembered browsers."""
    alice = await house.settle("alice")
    _, device = await remembered(house, alice)
    row, generation = await in_store(house, alice)
    strange = Keyring((MasterKey.of(os.urandom(32), house.clock.now()),))

    for key in (row, f"{row}{generation}", tokens.PREFIXES["device"] + row):
        assert state(await comes(house, alice, key)) == "second_factor"
    assert browsers.read(strange, DEFAULT_REALM, device) == ()
