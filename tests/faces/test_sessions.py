"""Who is signed in, where, and for how long; refreshing proves nothing."""

import pytest

from tests.faces.house import PASSWORD


async def signed_in(house, name="carol", **others):
    client = house.client(**others)
    await client.start(name)
    return client


async def test_whoami_says_what_was_proved(kept):
    subject = await kept.add("carol", groups=("staff",))
    client = await signed_in(kept)

    told = (await client.get("/v1/session")).json

    now = kept.clock.now() // 1_000_000
    sid = told.pop("sid")
    assert len(sid) == 32
    assert told == {
        "sub": subject.id,
        "name": "carol",
        "acr": "urn:twofold:aal1",
        "amr": ["pwd"],
        "auth_time": now,
        "exp": now + 30 * 86_400,
        "admin": False,
        "groups": ["staff"],
        "email": "carol@example.org",
        "email_verified": True,
        "locale": "",
    }


async def test_nobody_is_signed_in_without_a_token(house):
    answer = await house.client().get("/v1/session")

    assert (answer.status, answer.code) == (401, "invalid-token")
    assert answer.header("www-authenticate").startswith("Bearer")


async def test_a_session_ends_with_its_access_token_unless_it_is_refreshed(kept):
    await kept.add("carol")
    client = await signed_in(kept)
    kept.clock.forward(901)
    assert (await client.get("/v1/session")).code == "invalid-token"

    renewed = await client.post("/v1/tokens/refresh", {"refresh_token": client.refresh})

    assert renewed.json["tokens"]["expires_in"] == 900
    told = (await client.get("/v1/session")).json
    assert told["auth_time"] == kept.clock.now() // 1_000_000 - 901
    assert told["acr"] == "urn:twofold:aal1"


async def test_refreshing_makes_no_proof_fresh(house):
    """A35."""
    await house.add("alice", "totp", "recovery")
    client = house.client()
    await client.start("alice")
    await client.verify(house.code("alice"))
    house.clock.forward(600)

    await client.post("/v1/tokens/refresh", {"refresh_token": client.refresh})

    assert (await client.post("/v1/recovery-codes")).code == "step-up-required"


async def test_a_rotated_refresh_token_that_comes_back_ends_the_session(kept):
    """A43."""
    await kept.add("carol")
    client = await signed_in(kept)
    old = client.refresh
    await client.post("/v1/tokens/refresh", {"refresh_token": old})
    kept.clock.forward(21)

    stolen = await kept.client().post("/v1/tokens/refresh", {"refresh_token": old})

    assert (stolen.status, stolen.code) == (401, "invalid-token")
    assert (await client.get("/v1/session")).code == "invalid-token"
    assert "session.theft" in await kept.events()


async def test_two_tabs_may_refresh_at_once(house):
    await house.add("carol")
    client = await signed_in(house)
    old = client.refresh

    first = await client.post("/v1/tokens/refresh", {"refresh_token": old})
    second = await client.post("/v1/tokens/refresh", {"refresh_token": old})

    assert first.json["tokens"] == second.json["tokens"]


async def test_refresh_travels_in_a_cookie_or_a_field_and_not_in_both(house):
    await house.add("carol")
    browser = house.browser()
    await browser.start("carol", transport="cookie")
    client = await signed_in(house)

    both = await browser.post("/v1/tokens/refresh", {"refresh_token": client.refresh})
    header = await browser.post(
        "/v1/tokens/refresh", {}, headers={"authorization": f"Bearer {client.token}"}
    )
    alone = await browser.post("/v1/tokens/refresh", {})
    neither = await house.client().post("/v1/tokens/refresh", {})

    assert (both.status, both.code) == (400, "mixed-credentials")
    assert (header.status, header.code) == (400, "mixed-credentials")
    assert "tokens" not in alone.json
    assert set(alone.cookies()) == {"__Host-twofold_s", "__Secure-twofold_r"}
    assert (neither.status, neither.code) == (400, "malformed")


async def test_a_session_of_cookies_is_not_refreshed_in_a_header_nor_the_reverse(house):
    await house.add("carol")
    browser = house.browser()
    await browser.start("carol", transport="cookie")
    client = await signed_in(house)
    cookie = browser.jar["__Secure-twofold_r"][0]

    out = await house.client().post("/v1/tokens/refresh", {"refresh_token": cookie})
    back = await house.client().post(
        "/v1/tokens/refresh", {}, headers={"cookie": f"__Secure-twofold_r={client.refresh}"}
    )

    assert (out.status, out.code) == (401, "invalid-token")
    assert (back.status, back.code) == (401, "invalid-token")
    assert (await browser.get("/v1/session")).status == 200
    assert (await client.get("/v1/session")).status == 200


async def test_sessions_are_listed_and_told_apart(house):
    await house.add("carol")
    first = await signed_in(house, agent="laptop")
    house.clock.forward(5)
    await signed_in(house, agent="phone", peer="198.51.100.3")

    rows = (await first.get("/v1/sessions")).json["sessions"]

    assert [(row["agent"], row["current"]) for row in rows] == [("phone", False), ("laptop", True)]
    assert rows[0]["address"] == "198.51.100.3"
    assert not any("token" in key or "proof" in key for key in rows[0])


async def test_one_session_of_many_is_ended(house):
    await house.add("carol")
    first, second = await signed_in(house), await signed_in(house)
    sid = (await second.get("/v1/session")).json["sid"]

    answer = await first.delete(f"/v1/sessions/{sid}")

    assert answer.status == 204
    assert (await second.get("/v1/session")).status == 401
    assert (await first.get("/v1/session")).status == 200


async def test_all_other_sessions_are_ended(house):
    await house.add("carol")
    first, second = await signed_in(house), await signed_in(house)

    answer = await first.delete("/v1/sessions")

    assert answer.status == 204
    assert (await second.get("/v1/session")).status == 401
    assert len((await first.get("/v1/sessions")).json["sessions"]) == 1


async def test_ending_the_session_that_asks_takes_its_cookies(house):
    await house.add("carol")
    browser = house.browser()
    await browser.start("carol", transport="cookie")
    sid = (await browser.get("/v1/session")).json["sid"]

    answer = await browser.delete(f"/v1/sessions/{sid}")

    assert answer.status == 204
    assert "__Host-twofold_s" not in browser.jar


@pytest.mark.parametrize("whose", ["bob", "nobody", "odd"])
async def test_a_session_of_somebody_else_is_as_unknown_as_none(house, whose):
    """A71."""
    await house.add("carol")
    await house.add("bob")
    client, bob = await signed_in(house), await signed_in(house, "bob")
    sid = {
        "bob": (await bob.get("/v1/session")).json["sid"],
        "nobody": "0" * 32,
        "odd": "%27%20or%201=1--",
    }[whose]

    answer = await client.delete(f"/v1/sessions/{sid}")

    assert (answer.status, answer.code) == (404, "not-found")
    assert (await bob.get("/v1/session")).status == 200


async def test_signing_out_ends_the_session_and_its_refresh_token(house):
    await house.add("carol")
    client = await signed_in(house)

    assert (await client.delete("/v1/session")).status == 204

    assert (await client.get("/v1/session")).status == 401
    again = await client.post("/v1/tokens/refresh", {"refresh_token": client.refresh})
    assert (again.status, again.code) == (401, "invalid-token")


async def test_a_dead_session_cookie_is_taken_out_of_the_browser(house):
    await house.add("carol")
    browser = house.browser()
    await browser.start("carol", transport="cookie")
    house.clock.forward(31 * 86_400)

    answer = await browser.get("/v1/session")

    assert answer.code == "invalid-token"
    assert answer.cookies()["__Host-twofold_s"]["Max-Age"] == "0"


async def test_a_disabled_subject_is_signed_out_at_once(house):
    """A43, I10."""
    await house.add("carol")
    root = await administrator(house)
    client = await signed_in(house)

    changed = await root.patch("/admin/v1/users/carol", {"status": "disabled"})

    assert changed.json["status"] == "disabled"
    assert (await client.get("/v1/session")).status == 401
    renewed = await client.post("/v1/tokens/refresh", {"refresh_token": client.refresh})
    assert renewed.code == "invalid-token"
    assert (await client.start("carol", PASSWORD)).code == "invalid-credentials"


async def administrator(house):
    await house.add("root", "totp", admin=True)
    client = house.client()
    await client.start("root")
    await client.verify(house.code("root"))
    return client
