"""E: binding, changing, removing and recovering take more than a session or a password."""

from __future__ import annotations

import pytest

from tests.support.client import Call
from tests.support.codes import Phone, mailed
from tests.support.house import living
from twofold.ceremonies import admin, admin_factors
from twofold.core.types import Context

NEW = "another long phrase"


async def test_a61_a_password_alone_binds_nothing_over_a_factor(house):
    """Enrolment over an existing factor (django-multifactor 107, CVE-2026-62232)."""
    alice = await house.settle("alice")
    client = house.client()
    ticket = await client.ticket("alice", alice.password)

    for kind in ("totp", "email", "recovery", "password"):
        assert (await client.step(ticket, "enroll", kind=kind)).said == "409 action-not-possible"


async def test_a61_asking_for_a_higher_level_is_no_way_around_the_factor_there_is(house):
    """Who has a weak factor proves it before a strong one is bound."""
    dave = await house.settle("dave", totp=False, mail=True)
    client = house.client()
    found = (await client.start("dave", dave.password, require={"acr": "aal2"})).json()

    assert found["state"] == "challenge"
    assert (await client.step(found["ceremony"], "enroll", kind="totp")).status == 409


async def test_a61_a_session_without_fresh_proof_binds_nothing(house):
    """A stolen cookie adds the thief's own app."""
    alice = await house.settle("alice")
    client = await house.signed_in(alice)
    house.clock.move(301)

    for path, body in (("/v1/factors", {"kind": "totp"}), ("/v1/ceremony", {"kind": "enroll"})):
        assert (await client.post(path, body)).said == "401 step-up-required"


async def test_a61_a_set_up_dies_with_the_session_it_began_from(house):
    """Signed out everywhere, and the thief confirms the app that was being set up."""
    alice = await house.settle("alice")
    thief = await house.signed_in(alice)
    owner = await house.signed_in(alice)
    shown = (await thief.post("/v1/factors", {"kind": "totp"})).json()
    phone = Phone.scanned(shown["otpauth_uri"])
    assert (await owner.send("DELETE", "/v1/sessions")).status == 204

    late = await thief.step(shown["ceremony"], "confirm", code=phone.code(house.clock.seconds))

    assert late.status in {401, 409, 410}
    assert len((await owner.get("/v1/factors")).json()["factors"]) == 1


async def test_a61_a_step_up_dies_with_the_session_it_began_from(house):
    """A session that was ended comes back by being raised."""
    carol = await house.settle("carol", totp=False)
    thief, owner = await house.signed_in(carol), await house.signed_in(carol)
    ticket = (await thief.inside("stepup")).json()["ceremony"]
    assert (await owner.send("DELETE", "/v1/sessions")).status == 204

    late = await thief.step(ticket, "first-factor", password=carol.password)

    assert late.status in {401, 409, 410}


async def test_a63_codes_go_to_the_address_that_was_confirmed(house):
    """Overwrite the address, then ask for a code (CVE-2022-28601, H1 2588329)."""
    dave = await house.settle("dave", totp=False, mail=True)
    change = admin.SubjectChange(email="thief@example.net", email_verified=True)
    await admin.change_subject(house.engine, Context(), "operator", dave.id, change)
    await house.post()

    await house.client().start("dave", dave.password)

    assert {letter.to for letter in await house.post()} == {"dave@example.org"}


async def test_a63_another_address_takes_fresh_proof_a_code_from_it_and_tells_the_owner(house):
    """A session adds an address of its own."""
    alice = await house.settle("alice")
    client = await house.signed_in(alice)
    body = {"kind": "email", "address": "new@example.net"}
    house.clock.move(301)
    assert (await client.post("/v1/factors", body)).said == "401 step-up-required"

    client = await house.signed_in(alice)
    shown = (await client.post("/v1/factors", body)).json()
    code = mailed(await house.post(), "new@example.net")[0]
    wrong = f"{(int(code) + 1) % 1_000_000:06d}"
    refused = await client.step(shown["ceremony"], "confirm", code=wrong)
    assert refused.said == "422 code-rejected"
    assert (await client.step(shown["ceremony"], "confirm", code=code)).status == 200
    assert {letter.to for letter in await house.post()} == {alice.email}


async def test_a65_a_secret_is_shown_once(house):
    """The QR appears again after it was confirmed (bugcrowd VRT)."""
    carol = await house.settle("carol", totp=False)
    client = await house.signed_in(carol)
    shown = (await client.post("/v1/factors", {"kind": "totp"})).json()
    secret, ticket = shown["secret"], shown["ceremony"]
    state = await client.get("/v1/ceremony", headers=(("ceremony", ticket),))
    assert state.status == 200
    assert secret not in state.body.decode()
    assert "otpauth" not in state.body.decode()

    code = Phone.scanned(shown["otpauth_uri"]).code(house.clock.seconds)
    done = client.keep(await client.step(ticket, "confirm", code=code))
    assert secret not in done.body.decode()
    for path in ("/v1/factors", "/v1/session", "/v1/recovery-codes", "/v1/sessions"):
        assert secret not in (await client.get(path)).body.decode()
    again = await client.step(ticket, "enroll", kind="totp")
    assert again.said in {"409 stale-security-state", "409 ceremony-consumed"}
    fresh = (await client.post("/v1/factors", {"kind": "totp"})).json()
    assert fresh["secret"] != secret


async def test_a67_a_factor_that_was_never_confirmed_is_none(house):
    """Enabled without a code: locked out, or counted as a second factor."""
    carol = await house.settle("carol", totp=False)
    client = await house.signed_in(carol)
    await client.post("/v1/factors", {"kind": "totp"})

    assert (await client.get("/v1/factors")).json()["factors"] == []
    assert house.rows("select count(*) from authenticator where kind = 'totp'") == [(0,)]
    answer = (await house.client().start("carol", carol.password)).json()
    assert answer["state"] == "done"
    assert answer["result"]["session"]["acr"] == "urn:twofold:aal1"


async def test_a69_nothing_is_removed_without_fresh_proof(house):
    """Disable by session, by empty body, by GET (H1 587910, CVE-2026-109312)."""
    alice = await house.settle("alice")
    client = await house.signed_in(alice)
    house.clock.move(301)
    path = f"/v1/factors/{alice.factor('totp')}"

    for method, body in (
        ("DELETE", None),
        ("DELETE", {}),
        ("DELETE", {"password": alice.password}),
        ("DELETE", {"code": alice.app.code(house.clock.seconds)}),
    ):
        assert (await client.send(method, path, body)).said == "401 step-up-required"
    for method in ("GET", "POST", "PUT"):
        assert (await client.send(method, path)).said == "405 method-not-allowed"
    override = (("x-http-method-override", "DELETE"),)
    overridden = await client.post(path, {}, headers=override)
    assert overridden.said == "405 method-not-allowed"
    assert len((await client.get("/v1/factors")).json()["factors"]) == 1


async def test_a69_the_last_factor_stays_where_policy_demands_one(tmp_path):
    """Policy is for enrolment only."""
    async with living(tmp_path / "db", {"policy.enforcement": "required"}) as house:
        alice = await house.settle("alice")
        client = await house.signed_in(alice)
        gone = await client.send("DELETE", f"/v1/factors/{alice.factor('totp')}")
        assert gone.said == "409 last-factor"


async def test_a71_what_is_bobs_is_unknown_to_alice(house):
    """Ids of others under one's own token (CVE-2020-5240, CVE-2026-108066)."""
    alice, bob = await house.settle("alice"), await house.settle("bob")
    client, other = await house.signed_in(alice), await house.signed_in(bob)
    house.clock.move(30)
    client = await house.signed_in(alice)
    session = (await other.get("/v1/session")).json()["sid"]

    said = [
        (await client.send(method, path, body)).said
        for method, path, body in (
            ("DELETE", f"/v1/factors/{bob.factor('totp')}", None),
            ("PATCH", f"/v1/factors/{bob.factor('totp')}", {"label": "mine"}),
            ("PATCH", f"/v1/factors/{bob.factor('totp')}", {"preferred": True}),
            ("DELETE", f"/v1/factors/{bob.factor('recovery')}", None),
            ("DELETE", f"/v1/sessions/{session}", None),
            ("DELETE", f"/v1/sessions/{'0' * 32}", None),
        )
    ]

    assert said == ["404 not-found"] * 6
    assert (await other.get("/v1/session")).status == 200
    assert (await other.get("/v1/factors")).json()["factors"][0]["label"] == ""


JUNK = ("junk", " " * 10, "0" * 16, "\u200b" * 16, "AAAA-AAAA-AAAA-AAAA", "null", "%", "' or 1=1")


@pytest.mark.parametrize("junk", JUNK)
async def test_a73_no_odd_text_is_a_recovery_code(house, junk):
    """Any string opens the account (CVE-2022-45174, authboss 351)."""
    alice = await house.settle("alice")
    client = house.client()
    ticket = await client.ticket("alice", alice.password)

    answer = await client.recover(ticket, junk)

    assert answer.said == "422 code-rejected"
    assert house.rows("select streak from guess where scope = 'kind:recovery'") == [(1,)]


async def test_a73_a_code_works_in_its_own_slot_only(house):
    """The code of one kind taken for another (CVE-2025-64175)."""
    alice, bob = await house.settle("alice"), await house.settle("bob")
    client = house.client()
    ticket = await client.ticket("alice", alice.password)
    now = house.clock.seconds

    assert (await client.recover(ticket, alice.app.code(now))).said == "422 code-rejected"
    assert (await client.verify(ticket, alice.recovery[0])).said == "422 code-rejected"
    assert (await client.recover(ticket, bob.recovery[0])).said == "422 code-rejected"
    for body in (
        {"recovery_code": ""},
        {"recovery_code": None},
        {"recovery_code": [alice.recovery[0]]},
        {"recovery_code": alice.recovery[0], "code": alice.app.code(now)},
        {},
    ):
        assert (await client.step(ticket, "verify", **body)).said == "400 malformed"
    assert (await client.recover(ticket, alice.recovery[0])).status == 200


async def test_a75_an_old_session_makes_no_recovery_codes(house):
    """A stolen session prints itself a set (metabase 77458)."""
    alice = await house.settle("alice")
    client = await house.signed_in(alice)
    house.clock.move(301)

    assert (await client.post("/v1/recovery-codes", {})).said == "401 step-up-required"

    raised = (await client.inside("stepup")).json()["ceremony"]
    client.keep(await client.verify(raised, alice.app.code(house.clock.seconds)))
    assert (await client.post("/v1/recovery-codes", {})).status == 200
    assert "recovery.renewed" in await house.events(alice)
    assert {letter.to for letter in await house.post()} == {alice.email}


@pytest.mark.parametrize("act", ["own", "reset", "admin", "factor", "admin-factor"])
async def test_a77_a_change_kills_every_second_step_that_is_open(house, act):
    """The attacker's pending login outlives the owner's new password (CVE-2019-15612)."""
    alice = await house.settle("alice")
    owner = await house.signed_in(alice)
    attacker = house.client()
    ticket = await attacker.ticket("alice", alice.password)
    engine = house.engine
    match act:
        case "own":
            body = {"current_password": alice.password, "new_password": NEW}
            assert (await owner.post("/v1/account/password", body)).status == 200
        case "reset":
            await owner.post("/v1/account/password/reset", {"identifier": "alice"})
            [letter] = await house.post()
            token = letter.text.split("#")[1].split()[0]
            path = "/v1/account/password/reset/confirm"
            body = {"token": token, "new_password": NEW}
            assert (await owner.call(Call("POST", path, body))).status == 204
        case "admin":
            await admin.set_password(engine, Context(), "operator", alice.id, NEW)
        case "factor":
            assert (await owner.post("/v1/recovery-codes", {})).status == 200
        case "admin-factor":
            await admin_factors.reset_factors(engine, Context(), "operator", alice.id)

    house.clock.move(30)
    late = await attacker.verify(ticket, alice.app.code(house.clock.seconds))
    assert late.said == "409 stale-security-state"
    with_codes = await attacker.recover(ticket, alice.recovery[0])
    assert with_codes.said == "409 stale-security-state"


async def test_a77_a_reset_password_opens_no_session_and_skips_no_factor(house):
    """The mailbox becomes the only factor (ASVS 6.4.3)."""
    await house.settle("alice")
    client = house.client()
    await client.post("/v1/account/password/reset", {"identifier": "alice@example.org"})
    [letter] = await house.post()
    token = letter.text.split("#")[1].split()[0]
    path = "/v1/account/password/reset/confirm"

    assert (await client.post(path, {"token": token, "new_password": NEW})).status == 204
    assert house.rows("select count(*) from session") == [(0,)]
    assert (await client.start("alice", NEW)).json()["state"] == "second_factor"
    again = await client.post(path, {"token": token, "new_password": "a third long phrase"})
    assert again.said in {"409 stale-security-state", "409 ceremony-consumed"}
    assert (await client.start("alice", NEW)).status == 200
