"""D: no path leads around the second factor."""

from __future__ import annotations

from itertools import chain, combinations

import pytest

from tests.support.catalogue import documented
from tests.support.client import Browser, InProcess
from tests.support.codes import Phone
from tests.support.house import living
from twofold.ceremonies import admin
from twofold.core.effects import Amend, TakeGuess
from twofold.core.throttle import of_kind
from twofold.core.types import Binding, Context, Instant, Tally
from twofold.web.kit import Auth

OPEN = {"policy.registration": True}
REQUIRED = {"policy.enforcement": "required"}


async def register(house, email, **more):
    body = {"email": email, "password": "a phrase of the stranger", **more}
    return await house.client("198.51.100.9").post("/v1/account", body)


@pytest.mark.parametrize(
    "spelling",
    ["alice@example.org", "ALICE@Example.ORG", "ａlice@example.org", " alice@example.org"],
)
async def test_a49_registering_an_address_that_is_taken_takes_nothing(tmp_path, spelling):
    """Sign-up over an existing account (CVE-2024-49757, H1 3255473)."""
    async with living(tmp_path / "db", OPEN) as house:
        alice = await house.settle("alice")
        before = house.rows("select * from authenticator where subject = ?", alice.id)

        over = await register(house, spelling)
        fresh = await register(house, "newcomer@example.org")

        assert over.status == fresh.status == 202
        assert set(over.json()) == set(fresh.json()) == {"name"}
        assert house.rows("select count(*) from session") == [(0,)]
        assert house.rows("select * from authenticator where subject = ?", alice.id) == before
        client = house.client()
        stranger = await client.start("alice@example.org", "a phrase of the stranger")
        assert stranger.said == "422 invalid-credentials"
        assert (await client.start("alice@example.org", alice.password)).status == 200
        told = {(letter.to, "already" in letter.text) for letter in await house.post()}
        assert told == {("alice@example.org", True), ("newcomer@example.org", False)}


async def test_a49_a_link_of_an_old_registration_takes_no_address_that_became_somebodys(tmp_path):
    """The confirmation of a registration that was overtaken."""
    async with living(tmp_path / "db", OPEN) as house:
        await register(house, "carol@example.org", name="squatter")
        [letter] = await house.post()
        token = letter.text.split("#")[1].split()[0]
        carol = await house.settle("carol", totp=False)

        late = await house.client().post("/v1/account/verification/confirm", {"token": token})

        assert late.status == 409
        answer = await house.client().start("carol@example.org", carol.password)
        assert answer.json()["result"]["session"]["sub"] == carol.id


async def test_a49_no_name_poses_as_an_address_or_number(tmp_path):
    """A name that signs in under what is somebody else's."""
    async with living(tmp_path / "db", OPEN) as house:
        for name in ("dave@example.org", "+4930123456", "ｄave＠example.org"):
            answer = await register(house, "stranger@example.org", name=name)
            assert answer.said == "400 malformed", name


async def test_a53_a_pending_login_reaches_no_page_of_the_account(house):
    """The half-made session opens profile, factors, password (CVE-2026-109312, CVE-2026-62232)."""
    alice = await house.settle("alice")
    browser = Browser(InProcess(house.app))
    body = {"identifier": "alice", "password": alice.password, "transport": "cookie"}
    pending = await browser.send("POST", "/v1/ceremony", body)
    assert pending.json()["state"] == "second_factor"
    assert "twofold_ct" in browser.jar

    before = house.rows("select * from subject"), house.rows("select * from authenticator")
    for operation in documented(house.app.routes, Auth.SESSION, Auth.ADMIN):
        call = operation.call
        answer = await browser.send(call.method, call.path, call.body)
        assert answer.status == 401, call.path
    assert before == (
        house.rows("select * from subject"),
        house.rows("select * from authenticator"),
    )


async def test_a53_a_pending_login_binds_no_factor(house):
    """Set-up endpoints that take the ticket of the first step."""
    alice = await house.settle("alice")
    client = house.client()
    ticket = await client.ticket("alice", alice.password)

    for step, body in (
        ("enroll", {"kind": "totp"}),
        ("confirm", {"code": "123456"}),
        ("skip", {}),
        ("first-factor", {"password": alice.password}),
        ("first-factor", {"password": alice.password, "identifier": "bob"}),
    ):
        answer = await client.step(ticket, step, **body)
        assert answer.said == "409 action-not-possible", step
    assert (await client.inside("enroll")).said == "401 invalid-token"


async def test_a57_whoever_must_enrol_can_do_nothing_but_enrol(tmp_path):
    """Skip endpoints and onboarding pages (CVE-2024-10924, H1 1050244)."""
    async with living(tmp_path / "db", REQUIRED) as house:
        carol = await house.settle("carol", totp=False)
        alice = await house.settle("alice")
        client = house.client()
        answer = await client.start("carol", carol.password)
        assert answer.json()["state"] == "enroll"
        ticket = answer.json()["ceremony"]

        skipped = await client.step(ticket, "skip")
        assert skipped.said == "409 action-not-possible"
        others = await client.step(ticket, "skip", subject=alice.id)
        assert others.said == "400 malformed"
        for step, body in (("verify", {"code": "123456"}), ("challenge", {})):
            assert (await client.step(ticket, step, **body)).said == "409 action-not-possible"
        assert house.rows("select count(*) from session") == [(0,)]

        shown = (await client.step(ticket, "enroll", kind="totp")).json()
        code = Phone.scanned(shown["otpauth_uri"]).code(house.clock.seconds)
        done = await client.step(shown["ceremony"], "confirm", code=code)
        assert done.json()["result"]["session"]["acr"] == "urn:twofold:aal2"


async def test_a57_a_set_up_is_put_off_no_longer_than_policy_says(tmp_path):
    """'Later' is for ever."""
    async with living(tmp_path / "db", {**REQUIRED, "policy.grace": 600}) as house:
        carol = await house.settle("carol", totp=False)
        client = house.client()
        ticket = (await client.start("carol", carol.password)).json()["ceremony"]
        assert (await client.step(ticket, "skip")).status == 200
        late = (await client.start("carol", carol.password)).json()["ceremony"]
        house.clock.move(601)
        assert (await client.step(late, "skip")).status in {409, 410}
        fresh = (await client.start("carol", carol.password)).json()["ceremony"]
        assert (await client.step(fresh, "skip")).said == "409 action-not-possible"


KINDS = ("totp", "email", "recovery")
SUBSETS = tuple(chain.from_iterable(combinations(KINDS, size) for size in range(4)))
STATES = ("active", "pending", "closed", "blocked")


async def changed(house, person, kind, state):
    """Bring one authenticator into a state."""
    engine, id = house.engine, person.factor(kind)
    if state == "blocked":
        until = Instant(house.clock.now() + 900_000_000)
        tally = Tally(1, blocked_until=until, streak=10)
        await engine.store.commit(TakeGuess(person.id, of_kind(kind), tally, until))
    elif state != "active":
        await engine.store.commit(Amend(person.id, id, state=Binding[state.upper()]))


@pytest.mark.parametrize("enforcement", ["off", "optional", "required"])
@pytest.mark.parametrize("state", STATES)
@pytest.mark.parametrize("kinds", SUBSETS, ids="+".join)
async def test_a59_the_level_that_is_asked_for_is_the_level_that_is_given(
    tmp_path, kinds, state, enforcement
):
    """'Highest available' computed wrongly (CVE-2024-45042, CVE-2025-64103, CVE-2026-9091)."""
    async with living(None, {"policy.enforcement": enforcement}) as house:
        person = await house.settle(
            "person", totp="totp" in kinds, mail="email" in kinds, recovery="recovery" in kinds
        )
        if "totp" in kinds:
            await changed(house, person, "totp", state)
        usable_totp = "totp" in kinds and state in {"active", "blocked"}

        answer = await house.client().start(
            "person", person.password, require={"acr": "urn:twofold:aal2"}
        )

        found = answer.json()
        assert answer.status == 200
        if usable_totp or "email" in kinds:
            assert found["state"] in {"second_factor", "challenge"}
            kinds_shown = {factor["kind"] for factor in found["factors"]}
            assert kinds_shown == ({"totp"} if usable_totp else set()) | ({"email"} & {*kinds})
        else:
            # Nothing that can be proved: AAL2 is reached by binding, never by the password alone.
            assert found["state"] == "enroll"
        assert "result" not in found


@pytest.mark.parametrize("kinds", [("email",), ("email", "recovery")])
async def test_a59_mail_and_recovery_codes_never_reach_the_second_level(house, kinds):
    """A mailbox counted as a second factor (SP 800-63B-4 3.1.3.1)."""
    dave = await house.settle("dave", totp=False, mail=True, recovery="recovery" in kinds)
    client = house.client()
    wanted = {"acr": "aal2"}
    first = (await client.start("dave", dave.password, require=wanted)).json()
    code = await house.mailed_code(dave)
    after = (await client.verify(first["ceremony"], code)).json()
    assert after["state"] == "enroll"
    assert house.rows("select count(*) from session") == [(0,)]

    plain = (await client.start("dave", dave.password)).json()
    house.clock.move(61)
    again = (await client.step(plain["ceremony"], "challenge")).json()
    done = await client.verify(again["ceremony"], await house.mailed_code(dave))
    assert done.json()["result"]["session"]["acr"] == "urn:twofold:aal1"


async def test_a59_a_requirement_is_raised_by_policy_and_lowered_by_nobody(tmp_path):
    """The client asks for less than the rules."""
    async with living(tmp_path / "db", REQUIRED) as house:
        carol, alice = await house.settle("carol", totp=False), await house.settle("alice")
        for person, state in ((carol, "enroll"), (alice, "second_factor")):
            answer = await house.client().start(
                person.name, person.password, require={"acr": "aal1", "max_age": 999_999}
            )
            assert answer.json()["state"] == state


async def test_a59_an_administrator_has_a_second_factor_whatever_the_realm_says(house):
    """The most powerful account is the least protected."""
    root = await house.settle("root", totp=False, admin=True)
    assert (await house.client().start("root", root.password)).json()["state"] == "enroll"
    await admin.change_subject(
        house.engine, Context(), "operator", root.id, admin.SubjectChange(admin=False)
    )
    assert (await house.client().start("root", root.password)).json()["state"] == "done"
