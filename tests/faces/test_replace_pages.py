"""A method is replaced on the pages and in the API, and one that was never used is tried."""

import base64
import re

import pytest

from tests.faces.house import PASSWORD, secret_of, subject_id, totp
from tests.faces.test_pages import sign_in
from tests.faces.test_security_page import intent, method_of, proves, said, with_a_code
from twofold.core.types import DEFAULT_REALM

KEY = re.compile(r'data-copy="([A-Z2-7]{32})"')


async def sets_up(browser, house):
    """Choose the app, read the key off the page, and type its code."""
    await browser.send("/login/enrol", kind="totp", label="New phone")
    key = KEY.search(browser.page.answer.text)[1]
    assert "This replaces Authenticator app, which works until" in said(browser)
    await browser.send("/login/enrol/confirm", code=totp(base64.b32decode(key), house.clock.now()))
    return key


async def asks_to_replace(browser):
    method = method_of(browser)
    await browser.visit(method)
    await browser.send("/account/open", intent(f"replace:{method.rpartition('/')[2]}"))
    return method


async def test_a_method_is_replaced_by_three_buttons(kept):
    """E23."""
    await kept.add("alice", "totp", "recovery")
    browser = await with_a_code(kept)
    method = await asks_to_replace(browser)
    assert browser.path == f"{method}/replace"
    assert "The old one works until you have confirmed the new one" in said(browser)

    await browser.send(f"{method}/replace")
    assert browser.path == "/login/enrol"
    await sets_up(browser, kept)

    assert browser.path == "/account"
    assert "New phone" in said(browser)
    assert "10 of 10 recovery codes are left." in said(browser)
    held = (await kept.store.view(DEFAULT_REALM, subject_id("alice"))).authenticators
    assert sorted(a.kind for a in held) == ["password", "recovery", "totp"]


async def test_the_proof_comes_first_and_names_what_it_is_for(house):
    """E27."""
    await house.add("alice", "totp")
    browser = await with_a_code(house)
    house.clock.forward(400)

    method = await asks_to_replace(browser)
    assert "You want to replace a method." in said(browser)
    await proves(browser, house)

    assert browser.path == f"{method}/replace"


async def test_who_cancels_on_the_way_keeps_the_old_one(house):
    await house.add("alice", "totp")
    browser = await with_a_code(house)
    method = await asks_to_replace(browser)
    await browser.send(f"{method}/replace")

    await browser.send("/login/cancel")

    house.next_step()
    assert await with_a_code(house)


async def test_after_a_recovery_code_the_lost_method_is_one_press_away(kept):
    """E28, E29: until something took its place, the page says so."""
    await kept.add("alice", "totp", "recovery")
    browser = await signed_in_with_recovery_code(kept)
    assert "You signed in with a recovery code. If you have lost a method, replace it" in said(
        browser
    )
    method = method_of(browser)

    await browser.send("/account/open", intent(f"replace:{method.rpartition('/')[2]}"))
    assert browser.path == f"{method}/replace"
    kept.clock.forward(1)
    await browser.send(f"{method}/replace")
    await sets_up(browser, kept)

    assert "You signed in with a recovery code." not in said(browser)
    assert "9 of 10 recovery codes are left." in said(browser)


async def signed_in_with_recovery_code(house):
    browser = await sign_in(house, "alice")
    await browser.visit("/login/code?use=recovery")
    await browser.send("/login/code", recovery_code=house.secrets["alice", "recovery"][0])
    return browser


async def test_a_method_that_was_never_used_is_tried_from_the_page(kept):
    """E30."""
    await kept.add("alice", "totp", "email")
    browser = await with_a_code(kept)
    assert "You have not used" not in said(browser)
    kept.clock.forward(28 * 86_400)

    browser = await with_a_code(kept)
    assert "You have not used Code by e-mail since you set it up" in said(browser)
    await browser.send("/account/try")

    assert browser.path == "/login/code"
    await proves(browser, kept)
    assert browser.path == "/account"


async def test_a_program_says_what_it_replaces(house):
    await house.add("alice", "totp")
    client = house.client()
    await client.start("alice")
    await client.verify(house.code("alice"))
    (factor,) = (await client.get("/v1/factors")).json["factors"]

    begun = await client.post("/v1/ceremony", {"kind": "enroll", "replaces": factor["id"]})
    bound = await client.post("/v1/ceremony/enroll", {"kind": "totp", "label": "New"})
    code = totp(secret_of(bound.json["otpauth_uri"]), house.clock.now())
    done = await client.post("/v1/ceremony/confirm", {"code": code})

    assert (begun.json["state"], done.json["state"]) == ("enroll", "done")
    (left,) = (await client.get("/v1/factors")).json["factors"]
    assert (left["label"], left["id"] != factor["id"]) == ("New", True)


@pytest.mark.parametrize("kind", ["login", "stepup"])
async def test_nothing_but_an_enrolment_replaces(house, kind):
    await house.add("alice", "totp")

    answer = await house.client().post(
        "/v1/ceremony",
        {"kind": kind, "identifier": "alice", "password": PASSWORD, "replaces": "0" * 16},
    )

    assert (answer.status, answer.json["field"]) == (400, "replaces")
