"""Signing up, a forgotten password, and the codes of messages, on pages without a session."""

import pytest

from tests.faces.house import BASE, PASSWORD
from tests.faces.test_pages import Browser, sign_in
from twofold.core.policy import Policy

OPEN = Policy(registration=True)
NEW = "another very good password"
ZOE = {"email": "zoe@example.net", "name": "zoe", "password": NEW}


def said(browser):
    return " ".join(browser.page.words.split())


async def at(house, path):
    browser = Browser(house)
    await browser.visit(path)
    return browser


async def registers(house, **typed):
    browser = await at(house, "/register")
    await browser.send("/register", **(ZOE | typed))
    return browser


async def test_an_account_is_made_and_its_address_proved(build):
    house = build(policy=OPEN)
    browser = await at(house, "/register")
    assert "At least 8 characters." in said(browser)
    fields = {given["name"]: given for tag, given in browser.page.tags if "name" in given}
    assert fields["password"]["autocomplete"] == "new-password"
    assert "onpaste" not in browser.page.answer.text

    await browser.send("/register", **ZOE)
    assert browser.path == "/verify-address"
    assert "a message is on its way to it" in said(browser)
    mailed = await house.mailed("verify-address")
    assert mailed["link"] == f"{BASE}/verify-address#{mailed['code']}"
    await browser.send("/verify-address", token="wrong")
    assert browser.page.answer.status == 410
    await browser.send("/verify-address", token=mailed["code"])

    assert "Your address is confirmed." in said(browser)
    assert (await sign_in(house, "zoe@example.net", NEW)).path == "/account"


async def test_a_code_of_a_message_works_once(build):
    house = build(policy=OPEN)
    browser = await registers(house)
    token = (await house.mailed("verify-address"))["code"]
    await browser.send("/verify-address", token=token)

    await browser.visit("/verify-address")
    await browser.send("/verify-address", token=token)

    assert browser.page.answer.status == 409


async def test_nobody_signs_up_where_the_realm_does_not_want_it(house):
    browser = Browser(house)
    assert (await browser.visit("/register")).answer.status == 403
    await browser.visit("/login")
    token = browser.page.form("/login")["f"]["csrf_token"]

    answer = await browser.client.ask("POST", "/register", form=ZOE | {"csrf_token": token})

    assert answer.status == 403


async def test_an_address_that_is_taken_is_answered_like_a_free_one(build):
    """A49, A85."""
    house = build(policy=OPEN)
    await house.add("alice")
    heard = set()
    for address, name in (("alice@example.org", "eve"), ("free@example.org", "eva")):
        browser = await registers(house, email=address, name=name)
        heard.add((browser.path, browser.page.answer.status, said(browser)))

    assert len(heard) == 1
    assert (await sign_in(house, "alice@example.org")).path == "/account"


@pytest.mark.parametrize(
    ("typed", "status"),
    [
        ({"email": "no address"}, 400),
        ({"password": "short"}, 422),
        ({"password": "aaaaaaaaaaaa"}, 422),
        ({"name": "alice"}, 409),
        ({"name": "x@y.example"}, 400),
    ],
)
async def test_what_cannot_be_is_said_and_what_was_typed_stays(build, typed, status):
    house = build(policy=OPEN)
    await house.add("alice")

    browser = await registers(house, **typed)

    assert browser.page.answer.status == status
    fields = browser.page.form("/register")["f"]
    wanted = ZOE | typed
    assert (fields["email"], fields["name"]) == (wanted["email"], wanted["name"])
    assert fields["password"] == ""
    assert wanted["password"] not in browser.page.answer.text


async def test_one_source_cannot_sign_up_for_ever(build):
    """A139."""
    house = build(policy=OPEN)
    for number in range(51):
        browser = await registers(house, name=f"n{number}", email=f"n{number}@example.net")

    assert browser.page.answer.status == 429


async def test_a_forgotten_password_is_set_anew(house):
    await house.add("alice")
    elsewhere = await sign_in(house, "alice")
    browser = await at(house, "/forgot-password")

    await browser.send("/forgot-password", name="alice")
    assert "a message is on its way" in said(browser)
    mailed = await house.mailed("reset-password")
    assert mailed["link"].startswith(f"{BASE}/reset-password#")
    await browser.visit("/reset-password")
    await browser.send("/reset-password", token=mailed["code"], password="abc")
    assert browser.page.answer.status == 422
    assert browser.page.form("/reset-password")["f"]["token"] == mailed["code"]
    await browser.send("/reset-password", password=NEW)
    assert "Your password was changed, and you are signed out everywhere." in said(browser)

    await elsewhere.visit("/account")
    assert elsewhere.path == "/login"
    assert (await sign_in(house, "alice", NEW)).path == "/account"


@pytest.mark.parametrize("kind", ["totp", "email"])
async def test_a_new_password_never_skips_the_second_method(kept, kind):
    """ASVS 6.4.3: a mailbox is one factor, and setting a password proves no other."""
    await kept.add("alice", kind, "recovery")
    browser = await at(kept, "/forgot-password")
    await browser.send("/forgot-password", name="alice")
    await browser.visit("/reset-password")
    token = (await kept.mailed("reset-password"))["code"]
    await browser.send("/reset-password", token=token, password=NEW)
    assert "__Host-twofold_s" not in browser.client.jar
    assert "__Host-twofold_ct" not in browser.client.jar

    browser = await sign_in(kept, "alice", NEW)

    assert browser.path == "/login/code"
    await browser.visit("/account")
    assert browser.path == "/login"


async def test_the_old_password_and_the_used_code_are_dead(house):
    await house.add("alice")
    browser = await at(house, "/forgot-password")
    await browser.send("/forgot-password", name="alice")
    token = (await house.mailed("reset-password"))["code"]
    await browser.visit("/reset-password")
    await browser.send("/reset-password", token=token, password=NEW)

    await browser.visit("/reset-password")
    await browser.send("/reset-password", token=token, password="yet another good one")

    assert browser.page.answer.status == 409
    assert (await sign_in(house, "alice", PASSWORD)).path == "/login"


async def test_forgetting_is_answered_alike_for_everybody(house):
    """A85."""
    await house.add("alice")
    await house.add("dora", email_verified=False)
    heard = set()
    for name in ("alice", "dora", "nobody", ""):
        browser = await at(house, "/forgot-password")
        await browser.send("/forgot-password", name=name)
        heard.add((browser.page.answer.status, browser.page.words))

    assert len(heard) == 1


async def test_forgetting_too_often_is_slowed(house):
    browser = Browser(house)
    for _ in range(51):
        await browser.visit("/forgot-password")
        await browser.send("/forgot-password", name="x")

    assert browser.page.answer.status == 429


@pytest.mark.parametrize("path", ["/reset-password", "/verify-address", "/change-address"])
async def test_a_code_in_the_address_is_not_read_and_not_shown(house, path):
    """A code belongs behind the number sign; a query would stand in logs and Referer headers."""
    browser = await at(house, f"{path}?token=t1.secret&code=t1.secret")

    assert browser.page.form(path)["f"]["token"] == ""
    assert not [given for tag, given in browser.page.tags if given.get("value") == "t1.secret"]
    policy = browser.page.answer.header("referrer-policy")
    assert policy in {"no-referrer", "same-origin"}
