"""Remembered browsers on the pages: a question after success, a list, and ways to forget."""

import pytest

from tests.faces.house import PASSWORD
from tests.faces.test_pages import Browser, sign_in
from twofold.core.policy import Policy, Remembering

QUESTION = "Remember this browser?"


async def signs_in(house, browser, path="/login"):
    await browser.visit(path)
    await browser.send("/login", name="alice", password=PASSWORD)
    if browser.path == "/login/code":
        house.next_step()
        await browser.send("/login/code", code=house.code("alice"))
    return browser


@pytest.fixture
async def asked(house):
    """Somebody who is signed in with a code, and is asked."""
    await house.add("alice", "totp")
    return await signs_in(house, Browser(house, asks=True), "/login?return_to=/account/not-me")


async def test_who_says_yes_is_led_on_and_spared_the_code_next_time(house, asked):
    assert QUESTION in asked.page.words
    assert "30 days" in asked.page.words

    await asked.send("/login/remember", answer="yes")
    assert asked.path == "/account/not-me"
    assert "This browser is remembered." in asked.page.words
    await asked.visit("/account")
    await asked.send("/logout")
    await signs_in(house, asked)

    assert asked.path == "/account"
    assert "no second method was asked for: remembered browser" in asked.page.words
    assert "this browser" in asked.page.words


async def test_who_says_no_is_led_on_and_left_in_peace(house, asked):
    await asked.send("/login/remember", answer="no")
    assert asked.path == "/account/not-me"
    await asked.visit("/account")
    assert "Remembered browsers" not in asked.page.words
    await asked.send("/logout")

    await signs_in(house, asked)

    assert asked.path == "/account"
    assert "device.remembered" not in await house.events()


async def test_two_things_are_put_off_without_one_forgetting_the_other(house, asked):
    await asked.send("/login/remember", answer="no")
    await asked.visit("/account")
    await asked.send("/account/later")
    await asked.send("/logout")

    await signs_in(house, asked)

    assert asked.path == "/account"
    assert "Add a second method" not in asked.page.words


async def test_a_late_yes_stops_nobody(house, asked):
    house.clock.forward(600)

    await asked.send("/login/remember", answer="yes")

    assert asked.path == "/account/not-me"
    assert "This browser was not remembered" in asked.page.words


@pytest.mark.parametrize(
    ("policy", "fields"),
    [(Policy(remember=Remembering(days=0)), {}), (Policy(), {"admin": True})],
    ids=["nobody", "administrators"],
)
async def test_who_may_not_be_remembered_is_not_asked(build, policy, fields):
    house = build(policy=policy)
    await house.add("alice", "totp", **fields)

    browser = await signs_in(house, Browser(house, asks=True))

    assert browser.path == "/account"


async def test_who_proved_no_second_method_is_not_asked(house):
    await house.add("carol")

    assert (await sign_in(house, "carol")).path == "/account"


async def test_the_question_leads_to_no_other_site(house, asked):
    await asked.visit("/login/remember?return_to=//evil.example")
    assert asked.page.form("/login/remember")["f"]["return_to"] == "/account"

    await asked.send("/login/remember", answer="no", return_to="https://evil.example/")

    assert asked.path == "/account"


async def test_one_browser_is_forgotten_or_all_of_them(house, asked):
    await asked.send("/login/remember", answer="yes")
    second = await signs_in(house, Browser(house, asks=True))
    await second.send("/login/remember", answer="yes")
    form = asked.page = await asked.visit("/account")
    assert len([f for f in form.forms if "browser" in f["f"]]) == 2
    one = next(f["f"]["browser"] for f in form.forms if "browser" in f["f"])

    await asked.send("/account/browsers/forget", [("browser", one)])
    assert "The browser was forgotten." in asked.page.words
    assert "Forget all of them" not in asked.page.words
    await asked.send("/account/browsers/forget", browser=one)
    assert asked.path == "/account"
    token = asked.page.form("/logout")["f"]["csrf_token"]
    answer = await asked.client.ask("POST", "/account/browsers/forget", form={"csrf_token": token})
    assert answer.status == 303
    await asked.visit("/account")

    assert "All remembered browsers were forgotten." in asked.page.words
    assert "Remembered browsers" not in asked.page.words
    await second.visit("/account")
    await second.send("/logout")
    await second.visit("/login")
    await second.send("/login", name="alice", password=PASSWORD)
    assert second.path == "/login/code"


@pytest.mark.parametrize("path", ["/login/remember", "/account/browsers/forget"])
async def test_another_site_neither_remembers_nor_forgets(house, asked, path):
    answer = await asked.client.ask("POST", path, form={"answer": "yes"})

    assert answer.status == 403
    assert "device.remembered" not in await house.events()


async def test_the_question_is_for_somebody_who_is_signed_in(house):
    browser = await Browser(house).visit("/login/remember")

    assert browser.answer.status == 200
    assert "Password" in browser.words
