"""Signing up, proving an address, and the password, changed or forgotten."""

import pytest

from tests.faces.house import PASSWORD
from twofold.core.policy import Policy
from twofold.core.types import DEFAULT_REALM, Instant

OPEN = Policy(registration=True)
NEW = "another very good password"
ASKED = {"name": "zoe", "email": "zoe@example.net", "password": NEW}


async def signed_in(house, name="carol", password=PASSWORD):
    client = house.client()
    await client.start(name, password)
    return client


async def letters_waiting(house):
    due = await house.store.due(Instant(house.clock.now() + 10**12), limit=1000)
    return sorted((queued.message.template, queued.message.to) for queued in due)


async def test_an_account_is_made_and_its_address_proved(kept_open):
    house = kept_open
    client = house.client()

    asked = await client.post("/v1/account", ASKED)

    assert (asked.status, asked.json) == (202, {"name": "zoe"})
    mailed = await house.mailed("verify-address")
    assert mailed["link"] == f"https://login.example/verify-address#{mailed['code']}"
    proved = await client.post("/v1/account/verification/confirm", {"token": mailed["code"]})
    assert (proved.status, proved.body) == (204, b"")
    done = await client.start("zoe@example.net", NEW)
    assert done.json["state"] == "done"
    assert (await client.get("/v1/session")).json["email_verified"] is True


@pytest.fixture
def kept_open(build):
    return build(policy=OPEN)


async def test_nobody_signs_up_where_the_realm_does_not_want_it(house):
    answer = await house.client().post("/v1/account", ASKED)

    assert (answer.status, answer.code) == (403, "not-allowed-by-policy")


async def test_an_address_that_is_taken_is_answered_like_a_free_one(kept_open):
    """A49, A85."""
    house = kept_open
    await house.add("alice")

    free = await house.client().post("/v1/account", ASKED)
    taken = await house.client().post(
        "/v1/account", {**ASKED, "name": "eve", "email": "ALICE@example.org"}
    )

    assert (taken.status, taken.json) == (202, {"name": "eve"})
    assert [name for name, _ in taken.headers] == [name for name, _ in free.headers]
    assert ("registered-again", "alice@example.org") in await letters_waiting(house)
    assert (await house.client().start("alice@example.org", NEW)).code == "invalid-credentials"
    assert (await house.client().start("alice@example.org")).json["state"] == "done"


async def test_a_name_that_is_taken_must_be_said(kept_open):
    house = kept_open
    await house.add("zoe")

    answer = await house.client().post("/v1/account", ASKED)

    assert (answer.status, answer.code) == (409, "identifier-taken")


async def test_whoever_gives_no_name_is_given_one(kept_open):
    body = {key: value for key, value in ASKED.items() if key != "name"}

    answer = await kept_open.client().post("/v1/account", body)

    assert answer.json["name"].startswith("zoe-")


@pytest.mark.parametrize("extra", ["admin", "groups", "email_verified", "id", "status"])
async def test_nobody_makes_themselves_more_than_they_are(kept_open, extra):
    """A91."""
    answer = await kept_open.client().post("/v1/account", {**ASKED, extra: True})

    assert (answer.status, answer.code, answer.json["field"]) == (400, "malformed", extra)
    assert await kept_open.store.subjects(DEFAULT_REALM) in ([], ())


@pytest.mark.parametrize("password", ["short", "zoe@example.net"])
async def test_a_password_that_is_too_easy_is_refused(kept_open, password):
    answer = await kept_open.client().post("/v1/account", {**ASKED, "password": password})

    assert (answer.status, answer.code) == (422, "weak-password")


async def test_one_source_signs_up_only_so_often(kept_open):
    client = kept_open.client()
    for number in range(50):
        body = {**ASKED, "name": f"z{number}", "email": f"z{number}@example.net"}
        await client.post("/v1/account", body)

    answer = await client.post("/v1/account", ASKED)

    assert (answer.status, answer.code) == (429, "rate-limited")


async def test_the_message_can_be_sent_again_but_not_for_ever(kept_open):
    house = kept_open
    client = house.client()
    await client.post("/v1/account", ASKED)
    await client.start("zoe", NEW)
    answers = [await client.post("/v1/account/verification") for _ in range(6)]

    assert [answer.status for answer in answers] == [202] * 5 + [429]


async def test_a_proved_address_needs_no_second_proof(house):
    await house.add("carol")
    client = await signed_in(house)

    answer = await client.post("/v1/account/verification")

    assert (answer.status, answer.code) == (409, "action-not-possible")


@pytest.mark.parametrize("token", ["x", "t1.", "t1.AAAA", "t1." + "A" * 4000])
async def test_a_token_that_is_none_of_ours_proves_nothing(house, token):
    verified = await house.client().post("/v1/account/verification/confirm", {"token": token})
    reset = await house.client().post(
        "/v1/account/password/reset/confirm", {"token": token, "new_password": NEW}
    )

    assert (verified.status, verified.code) == (410, "ceremony-expired")
    assert (reset.status, reset.code) == (410, "ceremony-expired")


async def test_a_token_proves_an_address_once(kept_open):
    client = kept_open.client()
    await client.post("/v1/account", ASKED)
    token = (await kept_open.mailed("verify-address"))["code"]
    await client.post("/v1/account/verification/confirm", {"token": token})

    again = await client.post("/v1/account/verification/confirm", {"token": token})

    assert (again.status, again.code) == (409, "ceremony-consumed")


async def test_a_changed_password_ends_every_session_but_the_new_one(kept):
    await kept.add("carol")
    client, other = await signed_in(kept), await signed_in(kept)
    old = client.token

    changed = await client.post(
        "/v1/account/password", {"current_password": PASSWORD, "new_password": NEW}
    )

    assert changed.json["tokens"]["access_token"] != old
    assert (await client.get("/v1/session")).status == 200
    assert (await other.get("/v1/session")).status == 401
    assert (await kept.client().start("carol")).code == "invalid-credentials"
    assert (await kept.client().start("carol", NEW)).json["state"] == "done"


async def test_a_changed_password_gives_a_browser_new_cookies(house):
    await house.add("carol")
    browser = house.browser()
    await browser.start("carol", transport="cookie")
    old = browser.jar["__Host-twofold_s"]

    changed = await browser.post(
        "/v1/account/password", {"current_password": PASSWORD, "new_password": NEW}
    )

    assert "tokens" not in changed.json
    assert browser.jar["__Host-twofold_s"] != old
    assert (await browser.get("/v1/session")).status == 200


async def test_the_present_password_must_be_right_and_guesses_are_counted(house):
    await house.add("carol")
    client = await signed_in(house)
    body = {"current_password": "not this one", "new_password": NEW}
    answers = [await client.post("/v1/account/password", body) for _ in range(11)]

    assert (answers[0].status, answers[0].code) == (422, "invalid-credentials")
    assert (answers[-1].status, answers[-1].code) == (429, "factor-blocked")


async def test_a_source_that_guessed_is_slowed_at_the_present_password_too(house):
    await house.add("carol")
    client = await signed_in(house)
    for number in range(50):
        await house.client().start(f"nobody{number}")

    body = {"current_password": PASSWORD, "new_password": NEW}
    answer = await client.post("/v1/account/password", body)

    assert (answer.status, answer.code) == (429, "rate-limited")


async def test_the_next_password_must_be_good(house):
    await house.add("carol")
    client = await signed_in(house)

    answer = await client.post(
        "/v1/account/password", {"current_password": PASSWORD, "new_password": "abc"}
    )

    assert (answer.status, answer.code) == (422, "weak-password")


async def test_an_old_session_with_a_second_factor_must_prove_it_first(house):
    await house.add("alice", "totp")
    client = house.client()
    await client.start("alice")
    await client.verify(house.code("alice"))
    house.clock.forward(301)

    answer = await client.post(
        "/v1/account/password", {"current_password": PASSWORD, "new_password": NEW}
    )

    assert (answer.status, answer.code) == (401, "step-up-required")


async def test_a_forgotten_password_is_set_anew_and_skips_no_second_factor(kept):
    await kept.add("alice", "totp")
    client = kept.client()

    asked = await client.post("/v1/account/password/reset", {"identifier": "alice"})
    token = (await kept.mailed("reset-password"))["code"]
    body = {"token": token, "new_password": NEW}
    done = await client.post("/v1/account/password/reset/confirm", body)

    assert (asked.status, asked.body) == (202, b"")
    assert (done.status, done.body, done.cookies()) == (204, b"", {})
    begun = await client.start("alice", NEW)
    assert begun.json["state"] == "second_factor"
    again = await client.post("/v1/account/password/reset/confirm", body)
    assert (again.status, again.code) == (409, "stale-security-state")


async def test_a_reset_says_nothing_about_who_exists(house):
    """A85."""
    await house.add("alice")
    await house.add("nomail", email=None, email_verified=False)

    answers = [
        await house.client().post("/v1/account/password/reset", {"identifier": name})
        for name in ("alice", "nomail", "nobody", "%", " ", "alice@example.org")
    ]

    assert {(answer.status, answer.body) for answer in answers} == {(202, b"")}
    assert {tuple(name for name, _ in answer.headers) for answer in answers} == {
        tuple(name for name, _ in answers[0].headers)
    }


async def test_one_source_asks_for_resets_only_so_often(house):
    answers = [
        await house.client().post("/v1/account/password/reset", {"identifier": f"n{number}"})
        for number in range(51)
    ]

    assert (answers[-1].status, answers[-1].code) == (429, "rate-limited")


async def test_a_weak_password_is_refused_in_a_reset_too(house):
    await house.add("alice")
    await house.client().post("/v1/account/password/reset", {"identifier": "alice"})
    token = (await house.mailed("reset-password"))["code"]

    answer = await house.client().post(
        "/v1/account/password/reset/confirm", {"token": token, "new_password": "abc"}
    )

    assert (answer.status, answer.code) == (422, "weak-password")


async def test_a_subject_without_a_password_has_none_to_change(house):
    await house.add("root", "totp", admin=True)
    root = house.client()
    await root.start("root")
    await root.verify(house.code("root"))
    await root.post("/admin/v1/users", {"name": "bare"})

    assert (await house.client().start("bare", NEW)).code == "invalid-credentials"


async def test_the_owner_chooses_the_language_of_messages(kept):
    await kept.add("carol")
    client = await signed_in(kept)

    chosen = await client.put("/v1/account/locale", {"locale": "de_AT"})

    assert (chosen.status, chosen.body) == (204, b"")
    assert (await client.get("/v1/session")).json["locale"] == "de-AT"
    odd = await client.put("/v1/account/locale", {"locale": "../de"})
    assert (odd.status, odd.code) == (400, "malformed")
    assert (await client.get("/v1/session")).json["locale"] == "de-AT"
