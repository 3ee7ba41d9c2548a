"""C: a token opens what it was made for, and nothing else."""

from __future__ import annotations

import pytest

from tests.support.catalogue import documented
from tests.support.client import Browser, Call, Client, InProcess, bearer
from tests.support.house import living
from twofold.ceremonies import admin
from twofold.core.effects import Sweep
from twofold.core.types import Context
from twofold.web.kit import Auth

OPERATOR = "operator"


async def test_a31_a_ticket_is_no_token_anywhere(house):
    """A token of the first step works as a session (GHSA-4qvm-r4pr-v3wg)."""
    alice = await house.settle("alice")
    ticket = await house.client().ticket("alice", alice.password)
    wire = InProcess(house.app)
    names = ("twofold_s", "twofold_r", "twofold_c", "twofold_d", "JSESSIONID", "access_token")
    shown = [bearer(ticket), *((("cookie", f"{name}={ticket}"),) for name in names)]
    shown += [((name, ticket),) for name in ("x-access-token", "x-user", "ceremony", "token")]

    calls = [d.call for d in documented(house.app.routes, Auth.SESSION, Auth.ADMIN)]
    assert len(calls) >= 12
    for call in calls:
        for headers in shown:
            method, path, known, body = call.raw
            answer = await wire.send(method, path, (*known, *headers), body)
            assert answer.said == "401 invalid-token", (path, headers[0][0])
            assert answer.header("www-authenticate") == 'Bearer error="invalid_token"'


async def test_a31_each_token_of_a_session_works_in_its_own_place_only(house):
    """A refresh token as an access token, a cookie's as a header's, and the reverse."""
    alice = await house.settle("alice")
    client = await house.signed_in(alice)
    wire = InProcess(house.app)
    browser = Browser(wire)
    await browser.send(
        "POST",
        "/v1/ceremony",
        {"identifier": "alice", "password": alice.password, "transport": "cookie"},
    )
    house.clock.move(30)
    code = alice.app.code(house.clock.seconds)
    done = await browser.send("POST", "/v1/ceremony/verify", {"code": code})
    assert done.status == 200
    cookie, refresh = browser.jar["twofold_s"], browser.jar["twofold_r"]

    for wrong in (client.refresh_token, cookie, refresh):
        answer = await wire.send("GET", "/v1/session", bearer(wrong), b"")
        assert answer.said == "401 invalid-token"
    for wrong in (client.token, client.refresh_token, refresh):
        shown = (("cookie", f"twofold_s={wrong}"),)
        assert (await wire.send("GET", "/v1/session", shown, b"")).said == "401 invalid-token"
    for wrong in (client.token, cookie):
        answer = await client.call(Call("POST", "/v1/tokens/refresh", {"refresh_token": wrong}))
        assert answer.said == "401 invalid-token"


async def test_a31_a_mangled_token_is_no_token(house):
    """Truncated, padded, re-encoded and foreign tokens are taken."""
    alice = await house.settle("alice")
    client = await house.signed_in(alice)
    good = client.token
    wire = InProcess(house.app)
    last = "A" if good[-1] != "A" else "B"
    mangled = [
        good[:-1], good + "A", good + "=", good + "==", good[:-1] + last, good[:-1] + "+",
        good.swapcase(), good[3:], "s1." + good[3:], "r1." + good[3:], good.replace("-", "+"),
        good[:20] + ("A" if good[20] != "A" else "B") + good[21:],
    ]  # fmt: skip
    for token in {*mangled} - {good}:
        answer = await wire.send("GET", "/v1/session", bearer(token), b"")
        assert answer.said == "401 invalid-token", token
    assert (await client.get("/v1/session")).status == 200


async def test_a33_a_ticket_of_bob_is_no_step_of_alice(house):
    """Somebody's second step finishes somebody else's login (H1 921780, H1 1250474)."""
    alice, bob = await house.settle("alice"), await house.settle("bob")
    inside = await house.signed_in(alice)
    house.clock.move(30)
    now = house.clock.seconds
    of_bob = await house.client().ticket("bob", bob.password)

    crossed = await inside.verify(of_bob, alice.app.code(now))
    assert crossed.said == "422 code-rejected"
    aimed = await inside.verify(of_bob, alice.app.code(now), factor=alice.factor("totp"))
    assert aimed.said == "404 not-enrolled"
    own = await inside.verify(of_bob, bob.app.code(now))
    assert own.json()["result"]["session"]["sub"] == bob.id
    assert (await inside.get("/v1/session")).json()["sub"] == alice.id


async def test_a33_a_step_up_raises_the_session_it_began_from_and_no_other(house):
    """A foreign step-up freshens a session."""
    alice, bob = await house.settle("alice"), await house.settle("bob")
    inside, other = await house.signed_in(alice), await house.signed_in(bob)
    house.clock.move(600)
    raised = (await other.inside("stepup")).json()["ceremony"]
    done = await inside.verify(raised, bob.app.code(house.clock.seconds))
    assert done.json()["result"]["session"]["sub"] == bob.id

    removed = await inside.send("DELETE", f"/v1/factors/{alice.factor('totp')}")
    assert removed.said == "401 step-up-required"


async def test_a35_a_refresh_proves_nothing(house):
    """Any way to a new token counts as fresh proof (GHSA-hp74-gm6m-2qm5)."""
    alice = await house.settle("alice")
    client = await house.signed_in(alice)
    before = (await client.get("/v1/session")).json()
    house.clock.move(400)
    client.keep(await client.post("/v1/tokens/refresh", {"refresh_token": client.refresh_token}))

    after = (await client.get("/v1/session")).json()
    assert {k: after[k] for k in ("auth_time", "amr", "acr", "exp")} == {
        k: before[k] for k in ("auth_time", "amr", "acr", "exp")
    }
    for method, path, body in (
        ("DELETE", f"/v1/factors/{alice.factor('totp')}", None),
        ("POST", "/v1/recovery-codes", {}),
        ("POST", "/v1/factors", {"kind": "totp"}),
        ("POST", "/v1/account/password", {"current_password": alice.password,
                                          "new_password": "another long phrase"}),
    ):  # fmt: skip
        answer = await client.send(method, path, body)
        assert answer.said == "401 step-up-required", path
        assert "max_age=300" in (answer.header("www-authenticate") or "")


async def test_a35_a_trusted_network_is_no_fresh_proof(tmp_path):
    """A whitelisted address counts as the second factor."""
    async with living(tmp_path / "db", {"policy.trusted_networks": ["10.0.0.0/8"]}) as house:
        alice = await house.settle("alice")
        client = house.client("10.1.2.3")
        answer = client.keep(await client.start("alice", alice.password))
        session = answer.json()["result"]["session"]
        assert (session["acr"], session["amr"]) == ("urn:twofold:aal1", ["pwd", "rba"])
        gone = await client.send("DELETE", f"/v1/factors/{alice.factor('totp')}")
        assert gone.said == "401 step-up-required"


@pytest.mark.parametrize("act", ["disable", "password", "reset", "remove"])
async def test_a43_no_refresh_after_the_ground_moved(house, act):
    """A refresh token outlives what it stood on (CVE-2026-43983, CVE-2026-9097)."""
    alice = await house.settle("alice")
    other = await house.signed_in(alice)
    client = await house.signed_in(alice)
    engine, context = house.engine, Context()
    match act:
        case "disable":
            change = admin.SubjectChange(disabled=True)
            await admin.change_subject(engine, context, OPERATOR, alice.id, change)
        case "password":
            await admin.set_password(engine, context, OPERATOR, alice.id, "another long phrase")
        case "reset":
            from twofold.ceremonies import admin_factors

            await admin_factors.reset_factors(engine, context, OPERATOR, alice.id)
        case "remove":
            gone = await client.send("DELETE", f"/v1/factors/{alice.factor('totp')}")
            assert gone.status == 204

    answer = await other.post("/v1/tokens/refresh", {"refresh_token": other.refresh_token})
    assert answer.said == "401 invalid-token"
    assert (await other.get("/v1/session")).said == "401 invalid-token"


async def test_a43_a_rotated_token_that_comes_back_ends_its_session(house):
    """Whoever stole a refresh token keeps it (ASVS 10.4.5)."""
    alice = await house.settle("alice")
    client = await house.signed_in(alice)
    stolen = client.refresh_token
    client.keep(await client.post("/v1/tokens/refresh", {"refresh_token": stolen}))
    house.clock.move(21)

    thief = await house.client().post("/v1/tokens/refresh", {"refresh_token": stolen})

    assert thief.said == "401 invalid-token"
    assert (await client.get("/v1/session")).said == "401 invalid-token"
    assert "session.theft" in await house.events(alice)
    assert any(letter.to == alice.email for letter in await house.post())


async def test_a43_a_ticket_whose_session_was_ended_opens_no_other(house):
    """Signed out, and signed in again by the page that is still open."""
    alice = await house.settle("alice")
    client = house.client()
    ticket = await client.ticket("alice", alice.password)
    client.keep(await client.verify(ticket, alice.app.code(house.clock.seconds)))
    old = client.token
    assert (await client.send("DELETE", "/v1/session")).status == 204
    house.clock.move(30)

    again = await client.verify(ticket, alice.app.code(house.clock.seconds))

    assert again.said == "409 ceremony-consumed"
    answer = await InProcess(house.app).send("GET", "/v1/session", bearer(old), b"")
    assert answer.said == "401 invalid-token"


async def test_a43_what_ended_a_ceremony_is_remembered_longer_than_its_last_ticket_lives(tmp_path):
    """Swept too early, and the ticket that was kept back opens the ended session again."""
    options = {"policy.enforcement": "required", "policy.grace": 86_400}
    async with living(tmp_path / "db", options) as house:
        carol = await house.settle("carol", totp=False)
        client = house.client()
        begun = await client.call(Call("POST", "/v1/ceremony", {"identifier": "carol"}))
        tickets = []
        for wait in (1, 297):
            house.clock.move(wait)
            answer = await client.step(
                begun.json()["ceremony"], "first-factor", password=carol.password
            )
            tickets.append(answer.json()["ceremony"])
        client.keep(await client.step(tickets[0], "skip"))
        old = client.token
        assert (await client.send("DELETE", "/v1/session")).status == 204
        house.clock.move(700)
        await house.engine.store.commit(Sweep(house.clock.now()))

        late = await client.step(tickets[1], "skip")

        assert late.said == "409 ceremony-consumed"
        answer = await InProcess(house.app).send("GET", "/v1/session", bearer(old), b"")
        assert answer.said == "401 invalid-token"


async def test_a41_a_remembered_session_changes_nothing_once_it_was_ended_elsewhere(tmp_path):
    """Revoked in one process, and still good for an act in another (CVE-2026-33496)."""
    options = {"sessions.cache_seconds": 30}
    async with living(tmp_path / "db", options) as house:
        alice = await house.settle("alice")
        thief, owner = await house.signed_in(alice), await house.signed_in(alice)
        async with living(tmp_path / "db", options, clock=house.clock, ring=house.ring) as other:
            remembered = Client(InProcess(other.app), token=thief.token)
            assert (await remembered.get("/v1/session")).status == 200
            assert (await owner.send("DELETE", "/v1/sessions")).status == 204
            before = [house.table(name) for name in ("subject", "authenticator", "session")]

            for operation in documented(other.app.routes, Auth.SESSION, id=alice.factor("totp")):
                call = operation.call
                if call.method != "GET":
                    body = {"label": "mine"} if call.method == "PATCH" else call.body
                    answer = await remembered.send(call.method, call.path, body)
                    # Signing out once more ends what has ended.
                    fine = {401, 410} | ({204} if call.path == "/v1/session" else set())
                    assert answer.status in fine, (call.method, call.path, answer.said)

            after = [house.table(name) for name in ("subject", "authenticator", "session")]
        assert after == before
        assert (await owner.get("/v1/session")).status == 200
