"""What script adds to the pages: it spares a step, and never takes one over."""

import re
from datetime import UTC, datetime, timedelta

import pytest
from playwright.async_api import expect

from tests.browser.hands import Mail, key_of, shown
from tests.support.server import twofold

pytestmark = [pytest.mark.browser, pytest.mark.realparts]

NAME, PASSWORD = "alice", "corridor umbrella nineteen"


@pytest.fixture
def people(server):
    made = twofold(
        "user", "add", NAME, "--email", "a@example.org", "--password-stdin",
        data=server.data, stdin=PASSWORD,
    )  # fmt: skip
    assert made.returncode == 0, made.stderr
    return server


async def types(field, text):
    """Type where the page has put the cursor, and not before it has."""
    await expect(field).to_be_focused()
    await field.press_sequentially(text)


async def signs_in(page, server):
    await page.goto(f"{server.url}/login")
    await types(page.get_by_label("Name or e-mail address"), NAME)
    await page.get_by_label("Password", exact=True).fill(PASSWORD)
    await page.get_by_role("button", name="Sign in").click()


async def begins(page, server):
    """Open the set-up by the API, as any client of the browser's session may."""
    await page.evaluate(
        """() => fetch("/v1/ceremony", {method: "POST", body: '{"kind": "enroll"}',
                 headers: {"content-type": "application/json"}})"""
    )
    await page.goto(f"{server.url}/login/enrol")


async def sets_up(page, server):
    """Set an app up, typing its code without pressing anything; return its key."""
    await begins(page, server)
    await page.locator("button[value=totp]").click()
    uri = await page.get_by_role("link", name="Open in an app").get_attribute("href")
    secret = key_of(uri)
    await types(page.get_by_label("Code", exact=True), shown(secret))
    await expect(page.get_by_role("heading", name="Save your recovery codes")).to_be_visible()
    return secret


def complaints(page):
    """What the console said, but for the statuses of refused forms."""
    return [text for text in page.said if "the server responded with a status of 4" not in text]


async def test_a_code_is_sent_when_it_is_complete_and_never_twice(people, open_page):
    page = await open_page()
    await signs_in(page, people)
    await sets_up(page, people)
    await page.context.clear_cookies()
    await signs_in(page, people)
    page.posts.clear()

    field = page.get_by_label("Code", exact=True)
    await field.fill("12345")
    await field.fill("12a456")
    assert page.posts == []
    await field.fill("000 000")
    await expect(page.get_by_role("alert")).to_contain_text("This code is not right.")

    assert page.posts == [f"{people.url}/login/code"]
    await expect(field).to_be_focused()
    await expect(field).to_have_value("")
    assert complaints(page) == []


async def test_keys_and_codes_can_be_copied_kept_and_printed(people, open_page):
    page = await open_page(permissions=["clipboard-read", "clipboard-write"])
    await signs_in(page, people)
    await begins(page, people)
    await page.locator("button[value=totp]").click()
    await page.get_by_text("Scanning does not work?").click()
    await page.get_by_role("button", name="Copy").click()
    copied = await page.evaluate("navigator.clipboard.readText()")
    uri = await page.get_by_role("link", name="Open in an app").get_attribute("href")
    assert f"secret={copied}" in uri

    await page.get_by_label("Code", exact=True).press_sequentially(shown(copied))
    await page.get_by_role("button", name="Copy").click()
    codes = (await page.evaluate("navigator.clipboard.readText()")).splitlines()
    assert codes == await page.locator(".codes code").all_inner_texts()
    async with page.expect_download() as downloading:
        await page.get_by_role("link", name="Download").click()
    download = await downloading.value
    assert re.fullmatch(r"twofold-alice-\d{4}-\d\d-\d\d\.txt", download.suggested_filename)
    kept = (await download.path()).read_text("utf-8").splitlines()
    assert [line for line in kept if line in codes] == codes
    await page.emulate_media(media="print")
    printed = await page.inner_text("body")
    assert all(code in printed for code in codes)
    assert "Continue" not in printed
    assert complaints(page) == []


async def test_a_password_can_be_looked_at(people, open_page):
    page = await open_page()
    await page.goto(f"{people.url}/login")
    field = page.get_by_label("Password", exact=True)
    await field.fill("see me")

    await page.get_by_role("button", name="Show").click()
    await expect(field).to_have_attribute("type", "text")
    await page.get_by_role("button", name="Hide").click()
    await expect(field).to_have_attribute("type", "password")
    await expect(field).to_have_value("see me")


async def test_another_code_can_be_had_when_the_count_is_over(people, open_page):
    page = await open_page()
    await signs_in(page, people)
    await begins(page, people)
    await page.locator("button[value=email]").click()
    code = await Mail(people).code()
    await page.get_by_label("Code", exact=True).fill(code)
    await expect(page.get_by_role("heading", name="Save your recovery codes")).to_be_visible()
    await page.context.clear_cookies()
    await page.clock.install()
    await signs_in(page, people)

    # The letter of the set-up has only just left, so that none was sent by itself.
    button = page.get_by_role("button", name="Send the code")
    await button.click()
    await expect(button).to_be_disabled()
    await expect(page.get_by_text(re.compile(r"another code sent in 0:[0-5]\d"))).to_be_visible()
    await page.clock.fast_forward(61_000)
    await expect(button).to_be_enabled()


@pytest.mark.parametrize(("minutes", "said"), [(-3, "3 minutes slow"), (5, "5 minutes fast")])
async def test_a_device_hears_of_its_own_clock_before_any_code(people, open_page, minutes, said):
    page = await open_page()
    await signs_in(page, people)
    await sets_up(page, people)
    await page.context.clear_cookies()
    await page.clock.install(time=datetime.now(UTC) + timedelta(minutes=minutes))

    await signs_in(page, people)

    await expect(page.locator("[data-skew]")).to_contain_text(said)


async def test_a_page_that_ends_says_so_before(people, open_page):
    page = await open_page()
    await signs_in(page, people)
    await sets_up(page, people)
    await page.context.clear_cookies()
    await page.clock.install()
    await signs_in(page, people)
    note = page.locator("[data-ending]")

    await expect(note).to_be_hidden()
    await page.clock.fast_forward(245_000)
    await expect(note).to_contain_text("Less than a minute")
    await page.clock.fast_forward(60_000)
    await expect(note).to_contain_text("Time is up.")
    await expect(note.get_by_role("link", name="Start again")).to_be_visible()


@pytest.mark.parametrize("locale", ["en", "de", "en-XA", "ar-XB"])
async def test_nothing_is_wider_than_the_smallest_phone(people, open_page, locale):
    page = await open_page(viewport={"width": 320, "height": 640})
    seen = set()

    async def fits():
        seen.add(page.url)
        await page.evaluate("document.querySelectorAll('details').forEach(d => { d.open = true })")
        assert await page.evaluate("document.documentElement.scrollWidth") == 320, page.url

    await page.goto(f"{people.url}/login?locale={locale}")
    await fits()
    await page.locator("#name").fill(NAME)
    await page.locator("#password").fill(PASSWORD)
    await page.locator("main button[type=submit]").first.click()
    await begins(page, people)
    await fits()
    await page.locator("button[value=totp]").click()
    await fits()
    uri = await page.locator("a[href^='otpauth:']").get_attribute("href")
    code = shown(key_of(uri))
    await page.locator("#code").press_sequentially(code)
    await page.locator(".codes").wait_for()
    await fits()
    await page.goto(f"{people.url}/account")
    await page.context.clear_cookies()
    await page.goto(f"{people.url}/login?locale={locale}")
    await page.locator("#name").fill(NAME)
    await page.locator("#password").fill(PASSWORD)
    await page.locator("main button[type=submit]").first.click()
    await page.locator("#code").wait_for()
    await fits()
    await page.locator("#code").fill("000000")
    await page.locator("#problem").wait_for()
    await fits()
    assert len(seen) == 4
    assert complaints(page) == []
