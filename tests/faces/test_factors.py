"""A subject's own factors: listed, named, preferred, removed, replaced."""

import pytest

from tests.faces.house import secret_of, totp
from twofold.core.policy import Closing, Enforcement, Policy


async def signed_in(house, name="alice"):
    client = house.client()
    answer = await client.start(name)
    if answer.json["state"] != "done":
        await client.verify(house.code(name))
    return client


async def test_factors_are_listed_without_anything_secret(kept):
    await kept.add("alice", "totp", "email", "recovery")
    client = await signed_in(kept)

    told = (await client.get("/v1/factors")).json

    assert [factor["kind"] for factor in told["factors"]] == ["totp", "email"]
    assert set(told["factors"][0]) == {
        "id", "kind", "label", "preferred", "created_at", "used_at", "hint",
    }  # fmt: skip
    assert told["factors"][0]["used_at"] == kept.clock.now() // 1_000_000
    assert told["factors"][1]["hint"] == "a***@e***.org"
    assert told["recovery_codes"]["remaining"] == 10


async def test_a_factor_is_given_a_name_and_preferred(kept):
    await kept.add("alice", "totp", "email")
    client = await signed_in(kept)
    mailbox = next(
        f["id"] for f in (await client.get("/v1/factors")).json["factors"] if f["kind"] == "email"
    )

    named = await client.patch(f"/v1/factors/{mailbox}", {"label": "Work", "preferred": True})

    assert (named.json["label"], named.json["preferred"]) == ("Work", True)
    assert (await client.get("/v1/factors")).json["factors"][0]["id"] == mailbox


async def test_a_name_and_a_preference_change_alone(house):
    await house.add("alice", "totp", "email")
    client = await signed_in(house)
    named = [factor["id"] for factor in (await client.get("/v1/factors")).json["factors"]]

    label = await client.patch(f"/v1/factors/{named[1]}", {"label": "Work"})
    preferred = await client.patch(f"/v1/factors/{named[1]}", {"preferred": True})

    assert (label.json["label"], label.json["preferred"]) == ("Work", False)
    assert (preferred.json["label"], preferred.json["preferred"]) == ("Work", True)


@pytest.mark.parametrize("label", ["a\nb", "x\u202ey", "l" * 65])
async def test_a_name_that_could_trick_its_reader_is_refused(house, label):
    await house.add("alice", "totp")
    client = await signed_in(house)
    named = (await client.get("/v1/factors")).json["factors"][0]["id"]

    renamed = await client.patch(f"/v1/factors/{named}", {"label": label})
    added = await client.post("/v1/factors", {"kind": "totp", "label": label})

    assert (renamed.status, renamed.code) == (400, "malformed")
    assert (added.status, added.code) == (400, "malformed")


@pytest.mark.parametrize("body", [{}, {"preferred": False}, {"label": None}, {"mark": 0}])
async def test_a_change_of_nothing_or_of_what_is_not_theirs_is_refused(house, body):
    """A91."""
    await house.add("alice", "totp")
    client = await signed_in(house)
    named = (await client.get("/v1/factors")).json["factors"][0]["id"]

    answer = await client.patch(f"/v1/factors/{named}", body)

    assert (answer.status, answer.code) == (400, "malformed")


@pytest.mark.parametrize(
    ("method", "body"),
    [("PATCH", {"label": "x"}), ("PATCH", {"preferred": True}), ("DELETE", None)],
)
async def test_a_factor_of_somebody_else_is_as_unknown_as_none(house, method, body):
    """A71."""
    await house.add("alice", "totp")
    await house.add("bob", "totp")
    client, bob = await signed_in(house), await signed_in(house, "bob")
    theirs = (await bob.get("/v1/factors")).json["factors"][0]

    answer = await client.ask(method, f"/v1/factors/{theirs['id']}", body)
    unknown = await client.ask(method, "/v1/factors/ffffffffffffffff", body)

    assert (answer.status, answer.code) == (404, "not-found")
    assert answer.json | {"instance": ""} == unknown.json | {"instance": ""}
    assert (await bob.get("/v1/factors")).json["factors"] == [theirs]


async def test_the_recovery_codes_and_the_password_are_no_factors_to_be_removed(house):
    await house.add("alice", "totp", "recovery")
    client = await signed_in(house)
    ids = [value for key, value in house.secrets.items() if len(key) == 3 and key[1] != "totp"]

    for named in ids:
        assert (await client.delete(f"/v1/factors/{named}")).code == "not-found"


async def test_a_factor_is_replaced_by_a_new_one(kept):
    """The whole way of somebody with a new phone."""
    await kept.add("alice", "totp", "recovery")
    client = await signed_in(kept)
    old = (await client.get("/v1/factors")).json["factors"][0]["id"]

    shown = await client.post("/v1/factors", {"kind": "totp", "label": "New"})
    assert shown.status == 201
    secret = secret_of(shown.json["otpauth_uri"])
    done = await client.post("/v1/ceremony/confirm", {"code": totp(secret, kept.clock.now())})
    assert "recovery_codes" not in done.json["result"]
    removed = await client.delete(f"/v1/factors/{old}")

    assert removed.status == 204
    assert [f["label"] for f in (await client.get("/v1/factors")).json["factors"]] == ["New"]
    kept.next_step()
    again = kept.client()
    await again.start("alice")
    assert (await again.verify(kept.code("alice"))).code == "code-rejected"
    assert (await again.verify(totp(secret, kept.clock.now()))).json["state"] == "done"


async def test_the_last_factor_stays_where_policy_demands_one(build):
    """I6."""
    house = build(policy=Policy(enforcement=Enforcement.REQUIRED))
    await house.add("alice", "totp")
    client = await signed_in(house)
    named = (await client.get("/v1/factors")).json["factors"][0]["id"]

    answer = await client.delete(f"/v1/factors/{named}")

    assert (answer.status, answer.code) == (409, "last-factor")
    assert len((await client.get("/v1/factors")).json["factors"]) == 1


STALE = [
    ("POST", "/v1/factors", {"kind": "totp"}),
    ("POST", "/v1/ceremony", {"kind": "enroll"}),
    ("POST", "/v1/recovery-codes", {}),
    ("DELETE", "/v1/factors/{id}", None),
]


@pytest.mark.parametrize(("method", "path", "body"), STALE)
async def test_changing_factors_needs_a_fresh_proof(house, method, path, body):
    """A69, A75, I6."""
    await house.add("alice", "totp", "recovery")
    client = await signed_in(house)
    named = (await client.get("/v1/factors")).json["factors"][0]["id"]
    house.clock.forward(301)

    answer = await client.ask(method, path.replace("{id}", named), body)

    assert (answer.status, answer.code) == (401, "step-up-required")
    assert answer.json["acr_values"] == "urn:twofold:aal2"
    assert answer.json["max_age"] == 300
    assert (await client.get("/v1/factors")).json["recovery_codes"]["remaining"] == 10


@pytest.mark.parametrize(("method", "path", "body"), STALE)
async def test_a_ceremony_that_knows_only_the_password_changes_nothing(house, method, path, body):
    """A53, A61."""
    await house.add("alice", "totp", "recovery")
    client = house.client()
    await client.start("alice")
    client.token = client.ticket

    answer = await client.ask(method, path.replace("{id}", "0" * 16), body)

    assert (answer.status, answer.code) == (401, "invalid-token")


async def test_new_recovery_codes_kill_the_old_ones(kept):
    """A11."""
    await kept.add("alice", "totp", "recovery")
    old = kept.secrets["alice", "recovery"][0]
    client = await signed_in(kept)

    made = await client.post("/v1/recovery-codes")

    codes = made.json["codes"]
    assert len(codes) == len(set(codes)) == 10
    assert (await client.get("/v1/recovery-codes")).json == {
        "remaining": 10,
        "total": 10,
        "generated_at": kept.clock.now() // 1_000_000,
    }
    other = kept.client()
    await other.start("alice")
    refused = await other.post("/v1/ceremony/verify", {"recovery_code": old})
    assert refused.code == "code-rejected"
    taken = await other.post("/v1/ceremony/verify", {"recovery_code": codes[0]})
    assert taken.json["state"] == "done"
    assert (await client.get("/v1/recovery-codes")).json["remaining"] == 9


async def test_recovery_codes_recover_something(house):
    await house.add("carol")
    client = await signed_in(house, "carol")

    answer = await client.post("/v1/recovery-codes")

    assert (answer.status, answer.code) == (404, "not-enrolled")
    assert (await client.get("/v1/recovery-codes")).json == {
        "remaining": 0,
        "generated_at": None,
        "total": 0,
    }


@pytest.mark.parametrize(
    ("closing", "others", "own"),
    [(Closing.OTHERS, 401, 200), (Closing.NONE, 200, 200), (Closing.ALL, 401, 401)],
)
async def test_sessions_end_with_a_change_of_factors_as_policy_says(build, closing, others, own):
    house = build(policy=Policy(closing=closing))
    await house.add("alice", "totp", "recovery")
    client = await signed_in(house)
    house.next_step()
    elsewhere = await signed_in(house)

    made = await client.post("/v1/recovery-codes")

    assert len(made.json["codes"]) == 10
    assert (await elsewhere.get("/v1/session")).status == others
    assert (await client.get("/v1/session")).status == own


async def test_a_new_factor_may_end_even_the_session_that_bound_it(build):
    house = build(policy=Policy(closing=Closing.ALL))
    await house.add("carol")
    browser = house.browser()
    await browser.start("carol", transport="cookie")
    shown = await browser.post("/v1/factors", {"kind": "totp"})
    code = totp(secret_of(shown.json["otpauth_uri"]), house.clock.now())

    done = await browser.post("/v1/ceremony/confirm", {"code": code})

    assert done.json["state"] == "done"
    assert done.json["result"]["notices"] == ["signed-out"]
    assert len(done.json["result"]["recovery_codes"]) == 10
    assert "session" not in done.json["result"]
    assert "__Host-twofold_s" not in browser.jar


async def test_an_enrolment_can_be_begun_without_choosing_yet(house):
    await house.add("carol")
    client = await signed_in(house, "carol")

    begun = await client.post("/v1/factors")

    assert (begun.status, begun.json["state"]) == (201, "enroll")
    assert begun.json["allowed_kinds"] == ["totp", "email", "webauthn"]


async def test_whoever_gave_another_address_is_sent_the_code_there(house):
    await house.add("carol")
    client = await signed_in(house, "carol")

    begun = await client.post(
        "/v1/factors", {"kind": "email", "address": "Other@Example.net", "label": "Other"}
    )

    assert begun.json["channel_hint"] == "o***@e***.net"
    mailed = await house.mailed()
    done = await client.post("/v1/ceremony/confirm", {"code": mailed["code"]})
    assert done.json["state"] == "done"


async def test_addresses_that_nobody_confirmed_get_few_letters(house):
    """A139."""
    await house.add("carol")
    client = await signed_in(house, "carol")
    answers = [
        await client.post("/v1/factors", {"kind": "email", "address": f"victim{n}@example.net"})
        for n in range(6)
    ]

    assert [answer.status for answer in answers] == [201] * 5 + [429]
    assert answers[-1].code == "rate-limited"
