"""What owners ask about their account over the API: what happened, another address, a copy."""

import pytest

from tests.faces.house import PASSWORD, subject_id
from twofold.core.policy import Policy
from twofold.core.types import DEFAULT_REALM

EDGE = "Mozilla/5.0 (Windows NT 10.0; Win64; x64) Chrome/141.0.0.0 Safari/537.36 Edg/141.0.0.0"


async def signed_in(house, name="alice", **others):
    client = house.client(**others)
    await client.start(name)
    await client.verify(house.code(name))
    return client


async def test_owners_read_what_happened_lately(kept):
    """E50."""
    await kept.add("alice", "totp")
    client = await signed_in(kept, agent=EDGE)

    told = (await client.get("/v1/account/events")).json["events"]

    assert [one["event"] for one in told] == ["login.granted"]
    assert (told[0]["label"], told[0]["address"]) == ("Edge, Windows", "192.0.2.7")
    assert told[0]["amr"] == ["pwd", "otp", "mfa"]
    assert told[0]["by"] == ""


@pytest.mark.parametrize(
    ("query", "status"), [("limit=1", 200), ("limit=0", 400), ("limit=101", 400), ("x=1", 400)]
)
async def test_how_much_is_asked_for_has_bounds(house, query, status):
    await house.add("alice", "totp")
    client = await signed_in(house)

    assert (await client.get(f"/v1/account/events?{query}")).status == status


async def test_nobody_reads_what_happened_to_others(house):
    """A71: there is no way to name another account, and what administrators do has no place."""
    await house.add("alice", "totp")
    await house.add("root", "totp", admin=True)
    root = await signed_in(house, "root", peer="192.0.2.200", agent="the office")
    await root.patch(f"/admin/v1/users/{subject_id('alice')}", {"groups": ["staff"]})
    client = await signed_in(house)

    answer = await client.get("/v1/account/events")

    told = answer.json["events"]
    assert [one["event"] for one in told] == ["login.granted", "subject.changed"]
    assert told[1]["by"] == "administrator"
    for secret in ("192.0.2.200", "the office", subject_id("root")):
        assert secret not in answer.text
    assert (await house.client().get("/v1/account/events")).status == 401


async def test_sessions_say_which_browser_they_are_and_when_they_were_used(house):
    """E21."""
    await house.add("alice", "totp")
    client = await signed_in(house, agent=EDGE)

    (one,) = (await client.get("/v1/sessions")).json["sessions"]

    assert one["label"] == "Edge, Windows"
    assert one["seen_at"] >= one["created_at"]
    assert one["current"] is True


async def test_recovery_codes_are_counted_out_of_all(house):
    await house.add("alice", "totp", "recovery")
    client = await signed_in(house)

    answer = await client.get("/v1/recovery-codes")

    assert (answer.json["remaining"], answer.json["total"]) == (10, 10)


async def test_a_copy_needs_fresh_proof_and_holds_no_secret(house):
    """E57."""
    await house.add("alice", "totp", "recovery")
    client = await signed_in(house)

    answer = await client.post("/v1/account/export", {})
    assert answer.status == 200
    assert answer.json["account"]["sub"] == subject_id("alice")
    assert answer.json["events"][0]["event"] == "account.exported"
    for secret in (PASSWORD, client.token, *house.secrets["alice", "recovery"]):
        assert secret not in answer.text
    house.clock.forward(400)
    stale = await client.post("/v1/account/export", {})

    assert (stale.status, stale.code) == (401, "step-up-required")


async def test_an_account_moves_to_another_address(house):
    """A63."""
    await house.add("alice", "totp")
    client = await signed_in(house)

    asked = await client.post("/v1/account/email", {"email": "alice@new.example"})
    assert (asked.status, asked.body) == (202, b"")
    assert (await client.get("/v1/session")).json["email"] == "alice@example.org"
    token = (await house.mailed("verify-address"))["code"]
    moved = await house.client().post("/v1/account/email/confirm", {"token": token})

    assert moved.status == 204
    assert (await client.get("/v1/session")).json["email"] == "alice@new.example"
    again = await house.client().post("/v1/account/email/confirm", {"token": token})
    assert (again.status, again.code) == (409, "stale-security-state")


@pytest.mark.parametrize("email", ["nonsense", "alice@example.org"])
async def test_an_account_moves_to_nowhere(house, email):
    await house.add("alice", "totp")
    client = await signed_in(house)

    assert (await client.post("/v1/account/email", {"email": email})).status in {400, 409}


@pytest.mark.parametrize(
    ("method", "path", "body"),
    [
        ("POST", "/v1/account/email", {"email": "a@new.example"}),
        ("DELETE", "/v1/account", None),
        ("POST", "/v1/account/export", {}),
    ],
)
async def test_an_old_proof_moves_and_deletes_and_copies_nothing(build, method, path, body):
    house = build(policy=Policy(deletion=True))
    await house.add("alice", "totp")
    client = await signed_in(house)
    house.clock.forward(400)

    answer = await client.ask(method, path, body)

    assert (answer.status, answer.code) == (401, "step-up-required")
    assert (await house.client().ask(method, path, body)).status == 401


async def test_an_owner_deletes_the_account(build):
    """E57."""
    house = build(policy=Policy(deletion=True))
    await house.add("alice", "totp")
    client = await signed_in(house)

    assert (await client.delete("/v1/account")).status == 204

    assert await house.store.view(DEFAULT_REALM, subject_id("alice")) is None
    assert (await client.get("/v1/session")).status == 401


async def test_policy_may_keep_accounts(house):
    await house.add("alice", "totp")
    client = await signed_in(house)

    answer = await client.delete("/v1/account")

    assert (answer.status, answer.code) == (403, "not-allowed-by-policy")
