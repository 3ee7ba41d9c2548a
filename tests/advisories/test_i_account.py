"""I: what is done on the pages of one's own account takes a form of ours and a fresh proof."""

from __future__ import annotations

import re

import pytest

from tests.advisories.test_i_pages import pending, sent
from tests.support.client import Browser, InProcess

NEW = "lantern orchard forty"


async def standing(house, person) -> tuple[Browser, object]:
    """A browser that has proved both factors, and its account's page."""
    house.clock.move(30)
    browser, page = await pending(house, person)
    await sent(browser, "/login/code", page, code=person.app.code(house.clock.seconds))
    page = await browser.send("GET", "/account")
    assert page.status == 200
    return browser, page


def method_on(page) -> str:
    """The page of the first method."""
    return re.search(r'href="(/account/methods/[0-9a-f]+)"', page.body.decode())[1]


async def test_a69_no_address_and_no_old_proof_removes_a_factor(house):
    """Disabling by a link, or with a session alone (H1 587910, H1 992450)."""
    alice = await house.settle("alice")
    browser, page = await standing(house, alice)
    method = method_on(page)
    for path in (f"{method}/remove", f"{method}/remove?sure=yes&csrf_token=x"):
        assert (await browser.send("GET", path)).status == 200
    house.clock.move(301)

    answer = await sent(browser, f"{method}/remove", page)

    assert (answer.status, answer.header("location")) == (303, "/login/code")
    assert "factor.removed" not in await house.events(alice)


async def test_a75_a_stolen_session_makes_no_recovery_codes(house):
    """Regenerate backup codes with an old full session (PayloadsAllTheThings)."""
    alice = await house.settle("alice")
    browser, page = await standing(house, alice)
    house.clock.move(301)

    answer = await sent(browser, "/account/recovery-codes", page)

    assert answer.header("location") == "/login/code"
    assert "recovery.renewed" not in await house.events(alice)


async def test_a63_an_account_moves_after_fresh_proof_and_tells_the_old_mailbox(house):
    """Overwrite the address with a stolen session, then have the password reset (H1 2501984)."""
    alice = await house.settle("alice")
    browser, page = await standing(house, alice)
    house.clock.move(301)
    stolen = await sent(browser, "/account/address", page, email="thief@example.net")
    assert stolen.header("location") == "/login/code"
    assert not await house.post()

    browser, page = await standing(house, alice)
    await sent(browser, "/account/address", page, email="new@example.net")
    (letter,) = await house.post()
    assert letter.to == "new@example.net"
    token = re.search(r"#(\S+)", letter.text)[1]
    await sent(browser, "/change-address", page, token=token)

    assert [letter.to for letter in await house.post()] == [alice.email]
    again = await sent(browser, "/change-address", page, token=token)
    assert again.status == 409


@pytest.mark.parametrize(
    "target", ["https://evil.example", "//evil.example", "/\\evil.example", "remove://evil"]
)
async def test_a115_a_fresh_proof_leads_to_pages_of_ours_alone(house, target):
    """What was wanted before a step-up is a redirect that somebody else writes (CVE-2023-6291)."""
    alice = await house.settle("alice")
    browser, page = await standing(house, alice)
    house.clock.move(301)

    answer = await sent(browser, "/account/open", page, to=target)

    assert (answer.status, answer.header("location")) == (404, None)


async def test_a117_nothing_of_an_account_is_kept_after_it(house):
    """Log out, Back; and a file of all that is known (ASVS 14.3)."""
    alice = await house.settle("alice")
    browser, page = await standing(house, alice)
    method = method_on(page)
    shown = ["/account", method, f"{method}/remove", "/account/password", "/account/address"]
    for path in shown:
        answer = await browser.send("GET", path)
        assert (answer.status, answer.header("cache-control")) == (200, "no-store"), path
    copy = await sent(browser, "/account/export", page)
    assert (copy.status, copy.header("cache-control")) == (200, "no-store")
    assert copy.header("x-content-type-options") == "nosniff"

    ended = await sent(browser, "/logout", page)

    assert "cache" in (ended.header("clear-site-data") or "")


async def test_a109_no_other_site_makes_a_browser_take_the_copy_or_leave(house):
    """Forms of another page, with the cookies of the victim (H1 1133661)."""
    alice = await house.settle("alice")
    browser, page = await standing(house, alice)
    before = await house.events(alice)
    for path in ("export", "delete", "not-me", "open", "later", "sessions/end-others"):
        for site in ("cross-site", "same-site"):
            fields = {"to": "export", "sure": "yes"}
            answer = await sent(browser, f"/account/{path}", page, site=site, **fields)
            assert answer.status == 403, path

    assert await house.events(alice) == before


async def test_a77_a_reset_ends_what_was_pending_and_asks_for_the_second_factor(house):
    """Password step, owner resets, attacker enters the code (CVE-2019-15612)."""
    alice = await house.settle("alice")
    waiting, page = await pending(house, alice)
    browser = Browser(InProcess(house.app))
    form = await browser.send("GET", "/forgot-password")
    await sent(browser, "/forgot-password", form, name="alice")
    token = re.search(r"#(\S+)", (await house.post())[0].text)[1]

    answer = await sent(browser, "/reset-password", form, token=token, password=NEW)
    assert answer.status == 200
    assert "twofold_s" not in browser.jar
    late = await sent(waiting, "/login/code", page, code=alice.app.code(house.clock.seconds))

    assert late.status == 409
    form = await browser.send("GET", "/login")
    asked = await sent(browser, "/login", form, name="alice", password=NEW)
    assert asked.header("location") == "/login/code"
