"""I: our pages are framed by nobody, sent by nobody else, and keep to the rules of the API."""

from __future__ import annotations

import re
from urllib.parse import urlencode

import pytest

from tests.support.client import Answer, Browser, InProcess

TYPE = (("content-type", "application/x-www-form-urlencoded"),)
_TOKEN = re.compile(r'name="csrf_token"[^>]*value="([^"]+)"|value="([^"]+)"[^>]*name="csrf_token"')


def token_of(page: Answer) -> str:
    """The token of the first form on a page."""
    match = _TOKEN.search(page.body.decode())
    assert match is not None, page.body
    return match[1] or match[2]


async def sent(browser: Browser, path: str, page: Answer | None, **how) -> Answer:
    """Send a form, with the token of the page it stood on."""
    site = how.pop("site", "same-origin")
    fields = {"csrf_token": token_of(page), **how} if page else how
    return await browser.send("POST", path, urlencode(fields).encode(), headers=TYPE, site=site)


async def pending(house, person) -> tuple[Browser, Answer]:
    """A browser that has given a right password, and the page it stands on."""
    browser = Browser(InProcess(house.app))
    page = await browser.send("GET", "/login")
    await sent(browser, "/login", page, name=person.name, password=person.password)
    return browser, await browser.send("GET", "/login/code")


async def test_a55_pages_and_api_spend_the_same_codes_and_the_same_guesses(house):
    """The second login page forgets what the first one knows (PYSEC-2022-192, H1 474963)."""
    alice = await house.settle("alice")
    await house.signed_in(alice)
    browser, page = await pending(house, alice)
    spent = alice.app.code(house.clock.seconds)

    again = await sent(browser, "/login/code", page, code=spent)
    assert again.status == 422
    assert "twofold_s" not in browser.jar
    guesses = alice.app.wrong(house.clock.seconds)
    for number in range(10):
        if number % 5 == 0:
            browser, page = await pending(house, alice)
        await sent(browser, "/login/code", page, code=next(guesses))
    house.clock.move(30)
    ticket = await house.client().ticket("alice", alice.password)
    blocked = await house.client().verify(ticket, alice.app.code(house.clock.seconds))
    assert blocked.said == "429 factor-blocked"


@pytest.mark.parametrize("forged", ["none", "empty", "other", "bent", "cross-site", "null"])
async def test_a109_no_other_site_signs_somebody_in(house, forged):
    """Login CSRF: the victim works in the attacker's account (H1 1133661)."""
    alice = await house.settle("alice", totp=False)
    browser, other = Browser(InProcess(house.app)), Browser(InProcess(house.app))
    page, foreign = await browser.send("GET", "/login"), await other.send("GET", "/login")
    fields = {"name": alice.name, "password": alice.password, "csrf_token": token_of(page)}
    site = "same-origin"
    match forged:
        case "none":
            del fields["csrf_token"]
        case "empty":
            fields["csrf_token"] = ""
        case "other":
            fields["csrf_token"] = token_of(foreign)
        case "bent":
            fields["csrf_token"] = fields["csrf_token"][::-1]
        case "cross-site":
            site = "cross-site"
        case "null":
            site, browser.origin = "cross-site", "null"

    answer = await sent(browser, "/login", None, site=site, **fields)

    assert answer.status == 403
    assert not {"twofold_s", "twofold_ct"} & browser.jar.keys()
    assert house.rows("select count(*) from session") == [(0,)]


async def test_a109_no_other_site_acts_for_somebody_who_is_signed_in(house):
    """A form on another page, with the cookies of the victim."""
    alice = await house.settle("alice", totp=False)
    browser = Browser(InProcess(house.app))
    page = await browser.send("GET", "/login")
    await sent(browser, "/login", page, name=alice.name, password=alice.password)
    page = await browser.send("GET", "/account")
    assert page.status == 200
    changes = ("methods/add", "recovery-codes", "password", "address", "sessions/end-others")
    for path in ("/logout", *(f"/account/{change}" for change in changes)):
        for site in ("cross-site", "same-site"):
            answer = await sent(browser, path, page, site=site, kind="totp")
            assert answer.status == 403, path
        assert (await sent(browser, path, None, kind="totp")).status == 403
    assert house.rows("select count(*) from session") == [(1,)]


async def test_a111_every_page_refuses_to_be_framed_and_to_run_what_is_not_ours(house):
    """Clickjacking of enable, disable and consent (H1 971234)."""
    alice = await house.settle("alice")
    browser, page = await pending(house, alice)
    paths = ("/login", "/forgot-password", "/reset-password", "/verify-address", "/docs")
    pages = [page, *[await Browser(InProcess(house.app)).send("GET", path) for path in paths]]
    pages.append(await browser.send("GET", "/login/code?use=recovery"))
    code = alice.app.code(house.clock.seconds)
    await sent(browser, "/login/code", page, code=code)
    pages.append(await browser.send("GET", "/account"))
    pages.append(await browser.send("GET", "/nothing-here"))
    for answer in pages:
        if not (answer.header("content-type") or "").startswith("text/html"):
            assert answer.status == 404
            continue
        policy = answer.header("content-security-policy") or ""
        assert "frame-ancestors 'none'" in policy
        assert "default-src 'none'" in policy
        assert "unsafe" not in policy
        assert answer.header("x-frame-options") == "DENY"
        assert answer.header("x-content-type-options") == "nosniff"
        assert (
            re.search(r"(?i)<script(?![^>]*(nonce=|src=\"/static/))", answer.body.decode()) is None
        )
        assert " onclick=" not in answer.body.decode().lower()


async def test_a117_what_was_on_a_page_is_gone_with_the_session(house):
    """Back after signing out shows the secrets (ASVS 14.3)."""
    alice = await house.settle("alice", totp=False)
    browser = Browser(InProcess(house.app))
    page = await browser.send("GET", "/login")
    await sent(browser, "/login", page, name=alice.name, password=alice.password)
    page = await browser.send("GET", "/account")
    drawn = await sent(browser, "/account/methods/add", page)
    for answer in (page, drawn):
        assert answer.header("cache-control") == "no-store"
    gone = await sent(browser, "/logout", page)
    assert '"cache"' in (gone.header("clear-site-data") or "")
    assert (await browser.send("GET", "/account")).header("location") == "/login"


async def test_a83_no_page_shows_a_secret_to_a_get(house):
    """The picture of a secret at an address (GHSA-fxq4-r6mr-9x64)."""
    alice = await house.settle("alice", totp=False)
    browser = Browser(InProcess(house.app))
    page = await browser.send("GET", "/login")
    await sent(browser, "/login", page, name=alice.name, password=alice.password)
    page = await browser.send("GET", "/account")
    begun = await sent(browser, "/account/methods/add", page)
    if begun.status == 303:
        page = await browser.send("GET", begun.header("location") or "")
        begun = await sent(browser, "/login/enrol", page, kind="totp", label="")
    assert "<svg" in begun.body.decode()
    again = await browser.send("GET", "/login/enrol")
    assert again.status == 200
    assert "<svg" not in again.body.decode()
    assert "otpauth" not in again.body.decode()


@pytest.mark.parametrize("target", ["//evil.example", "/\\evil.example", "https://evil.example/",
                                    "/%2f/evil.example", "javascript:alert(1)"])  # fmt: skip
async def test_a115_a_sign_in_leads_to_no_other_site(house, target):
    """Open redirect after the second factor, where nobody looks at the address any more."""
    alice = await house.settle("alice")
    browser = Browser(InProcess(house.app))
    page = await browser.send("GET", "/login")
    fields = {"name": alice.name, "password": alice.password, "return_to": target}
    await sent(browser, "/login", page, **fields)
    page = await browser.send("GET", "/login/code")
    code = alice.app.code(house.clock.seconds)

    answer = await sent(browser, "/login/code", page, code=code, return_to=target)

    asked = "/login/remember?return_to=%2Faccount"
    assert (answer.status, answer.header("location")) == (303, asked)
    page = await browser.send("GET", f"/login/remember?{urlencode({'return_to': target})}")
    answer = await sent(browser, "/login/remember", page, answer="no", return_to=target)
    assert (answer.status, answer.header("location")) == (303, "/account")


async def test_a109_a_browser_is_known_by_another_cookie_once_it_is_signed_in(house):
    """Fixation: whoever planted the cookie before the sign-in knows nothing after it."""
    alice = await house.settle("alice")
    browser, page = await pending(house, alice)
    planted = dict(browser.jar)

    await sent(browser, "/login/code", page, code=alice.app.code(house.clock.seconds))

    assert browser.jar["twofold_c"] != planted["twofold_c"]
    assert "twofold_s" not in planted
    assert "twofold_ct" not in browser.jar
    again = await browser.send("GET", "/account")
    forged = {"csrf_token": token_of(page)}
    assert again.status == 200
    answer = await browser.send("POST", "/logout", urlencode(forged).encode(), headers=TYPE)
    assert answer.status == 403, "a form of before is worth nothing"


async def test_a83_what_cookies_hold_is_on_no_page(house):
    """Script could read there what it cannot read in a cookie."""
    alice = await house.settle("alice", totp=False)
    browser = Browser(InProcess(house.app))
    page = await browser.send("GET", "/login")
    await sent(browser, "/login", page, name=alice.name, password=alice.password)
    page = await browser.send("GET", "/account")
    for name, value in browser.jar.items():
        assert value[:12] not in page.body.decode(), name
