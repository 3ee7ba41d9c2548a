"""``/v1/devices``, and what a browser or a program carries from one login to the next."""

import pytest

from tests.faces.house import PASSWORD
from tests.faces.test_cost import Bill
from twofold.adapters.stores.sqlite import SqliteStore
from twofold.core.types import SECOND

COOKIE = "__Host-twofold_d"
DAY = 86_400


async def signed_in(house, name="alice"):
    """Somebody who has proved both factors over JSON; the client, and what it carries."""
    client = house.client()
    house.next_step()
    await client.start(name)
    done = await client.verify(house.code(name))
    assert done.status == 200, done.text
    return client, done.json["result"]["device"]


def begin(client, name, device, **others):
    body = {"kind": "login", "identifier": name, "password": PASSWORD, **others}
    return client.ask("POST", "/v1/ceremony", body, headers={"device": device})


async def test_a_program_that_is_remembered_signs_in_with_the_password_alone(kept):
    await kept.add("alice", "totp")
    client, device = await signed_in(kept)

    done = await client.ask("POST", "/v1/devices", {}, headers={"device": device})

    assert done.status == 201
    now = kept.clock.now() // SECOND
    remembered = done.json["remembered"]
    assert remembered["label"] == "tests"
    assert remembered["current"] is True
    assert remembered["trusted_until"] == now + 30 * DAY
    other = kept.client()
    again = await begin(other, "alice", done.json["device"])
    assert (again.status, again.json["state"]) == (200, "done")
    assert again.json["result"]["session"]["acr"] == "urn:twofold:aal1"
    assert again.json["result"]["session"]["amr"] == ["pwd", "rba"]
    assert again.json["result"]["device"] not in {device, done.json["device"]}


async def test_a_browser_is_known_by_its_cookie_and_its_page_sees_no_token(house):
    await house.add("alice", "totp")
    browser = house.browser()
    await browser.start("alice", transport="cookie")
    known = (await browser.verify(house.code("alice"))).cookies()[COOKIE]
    assert known == {
        "value": known["value"],
        "Path": "/",
        "Max-Age": str(400 * DAY),
        "HttpOnly": "",
        "Secure": "",
        "SameSite": "Lax",
    }

    done = await browser.post("/v1/devices", {})

    assert done.status == 201
    assert "device" not in done.json
    value = done.cookies()[COOKIE]["value"]
    assert value not in done.text
    again = await browser.start("alice", transport="cookie")
    assert again.json["state"] == "done"
    assert "device" not in again.json["result"]
    assert again.cookies()[COOKIE]["value"] != value
    assert (await browser.get("/v1/session")).json["acr"] == "urn:twofold:aal1"


async def test_signing_out_forgets_no_browser(house):
    await house.add("alice", "totp")
    browser = house.browser()
    await browser.start("alice", transport="cookie")
    await browser.verify(house.code("alice"))
    await browser.post("/v1/devices", {})

    await browser.delete("/v1/session")

    assert (await browser.start("alice", transport="cookie")).json["state"] == "done"


async def test_a_cookie_is_nothing_over_json_and_a_header_nothing_beside_cookies(house):
    await house.add("alice", "totp")
    browser = house.browser()
    await browser.start("alice", transport="cookie")
    await browser.verify(house.code("alice"))
    await browser.post("/v1/devices", {})
    text, _ = browser.jar[COOKIE]

    over_json = await house.client().ask(
        "POST",
        "/v1/ceremony",
        {"kind": "login", "identifier": "alice", "password": PASSWORD},
        headers={"cookie": f"{COOKIE}={text}"},
    )
    assert over_json.json["state"] == "second_factor"
    mixed = await begin(browser, "alice", text, transport="cookie")
    assert (mixed.status, mixed.code) == (400, "mixed-credentials")
    inside = await browser.ask("GET", "/v1/devices", headers={"device": text})
    assert inside.code == "mixed-credentials"


async def test_a_broken_cookie_keeps_nobody_out(house):
    await house.add("carol")
    for text in ("x", "~~~", "d1." + "A" * 76, "k1.x" * 500, "\xff"):
        answer = await begin(house.client(), "carol", text)
        assert answer.json["state"] == "done"


async def test_the_list_says_which_one_asks_and_for_how_long_it_is_offered(house):
    await house.add("alice", "totp")
    client, device = await signed_in(house)
    ask = {"headers": {"device": device}}
    assert (await client.get("/v1/devices", **ask)).json == {"devices": [], "offered": 30}

    done = await client.post("/v1/devices", {}, **ask)

    [row] = (await client.get("/v1/devices", **ask)).json["devices"]
    assert (row["id"], row["current"]) == (done.json["remembered"]["id"], False)
    here = await client.get("/v1/devices", headers={"device": done.json["device"]})
    assert (here.json["devices"][0]["current"], here.json["offered"]) == (True, 0)


async def test_one_and_all_are_forgotten(house):
    await house.add("alice", "totp")
    first, device = await signed_in(house)
    await first.post("/v1/devices", {}, headers={"device": device})
    second, device = await signed_in(house)
    done = await second.post("/v1/devices", {}, headers={"device": device})

    gone = await second.delete(f"/v1/devices/{done.json['remembered']['id']}")

    assert gone.status == 204
    assert len((await second.get("/v1/devices")).json["devices"]) == 1
    again = await second.delete(f"/v1/devices/{done.json['remembered']['id']}")
    assert again.status == 404
    assert (await second.delete("/v1/devices")).status == 204
    assert (await second.get("/v1/devices")).json["devices"] == []


async def test_whoever_may_not_be_remembered_is_told_why(house):
    await house.add("carol")
    await house.add("root", "totp", admin=True)
    plain = house.client()
    await plain.start("carol")
    refused = await plain.post("/v1/devices", {})
    assert (refused.status, refused.code) == (404, "not-enrolled")
    admin, _ = await signed_in(house, "root")
    assert (await admin.post("/v1/devices", {})).code == "not-allowed-by-policy"


async def test_without_a_fresh_proof_the_way_to_one_is_shown(house):
    await house.add("alice", "totp")
    client, device = await signed_in(house)
    house.clock.forward(600)

    refused = await client.post("/v1/devices", {}, headers={"device": device})

    assert (refused.status, refused.code) == (401, "step-up-required")
    assert [action["rel"] for action in refused.json["actions"]] == ["stepup"]


async def test_an_administrator_sees_and_forgets_those_of_others(house):
    alice = await house.add("alice", "totp")
    await house.add("root", "totp", admin=True)
    client, device = await signed_in(house)
    done = await client.post("/v1/devices", {}, headers={"device": device})
    root, _ = await signed_in(house, "root")
    theirs = f"/admin/v1/users/{alice.id}/devices"

    [row] = (await root.get(theirs)).json["devices"]
    assert row["id"] == done.json["remembered"]["id"]
    assert (await client.get(theirs)).status == 403
    assert (await root.delete(f"{theirs}/{row['id']}")).status == 204
    assert (await root.delete(f"{theirs}/{row['id']}")).status == 404
    assert (await root.delete(theirs)).status == 204
    assert (await root.get(theirs)).json["devices"] == []
    house.clock.forward(600)
    assert (await root.delete(theirs)).code == "step-up-required"


async def test_a_changed_password_leaves_the_browser_known_and_not_remembered(house):
    await house.add("alice", "totp")
    browser = house.browser()
    await browser.start("alice", transport="cookie")
    await browser.verify(house.code("alice"))
    remembered = (await browser.post("/v1/devices", {})).cookies()[COOKIE]["value"]
    body = {"current_password": PASSWORD, "new_password": "another long phrase"}

    changed = await browser.post("/v1/account/password", body)

    assert changed.status == 200
    known = changed.cookies()[COOKIE]["value"]
    assert known.startswith("k1.")
    assert known != remembered
    again = await browser.start("alice", "another long phrase", transport="cookie")
    assert again.json["state"] == "second_factor"


async def test_a_page_marks_the_browser_too(house):
    await house.add("carol")
    browser = house.browser()
    page = await browser.get("/login")
    token = page.text.partition('name="csrf_token" value="')[2].partition('"')[0]
    form = {"csrf_token": token, "name": "carol", "password": PASSWORD}

    answer = await browser.ask("POST", "/login", form=form)

    assert (answer.status, answer.header("location")) == (303, "/account")
    assert answer.cookies()[COOKIE]["value"].startswith("k1.")


@pytest.fixture
async def counted(build, tmp_path):
    store = SqliteStore(tmp_path / "twofold.db")
    await store.open()
    yield build(store=store)
    await store.close()


async def test_a_login_from_a_remembered_browser_costs_one_read_and_one_transaction(counted):
    await counted.add("alice", "totp")
    client, device = await signed_in(counted)
    done = await client.post("/v1/devices", {}, headers={"device": device})
    other, bill = counted.client(), Bill(counted.store)

    granted = await begin(other, "alice", done.json["device"])

    assert (granted.json["state"], bill.presented()) == ("done", (1, 1))


async def test_a_letter_about_a_new_browser_costs_no_further_read_or_transaction(counted):
    await counted.add("carol")
    client, bill = counted.client(), Bill(counted.store)

    assert (await client.start("carol")).json["state"] == "done"

    assert bill.presented() == (1, 1)
    assert (await counted.mailed("new-sign-in"))["name"] == "carol"
