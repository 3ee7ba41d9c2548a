"""What people expect of their pages, in a browser with scripts: lose, replace, look, be told."""

import re

from playwright.async_api import expect

from tests.browser.hands import shown
from tests.browser.test_pages_with_script import complaints, people, pytestmark, signs_in, types

__all__ = ["people", "pytestmark"]


async def adds(page, server):
    """Set an app up from the account; return the key and the recovery codes."""
    await page.goto(f"{server.url}/account")
    await page.get_by_role("button", name="Add a method").click()
    return await sets_up(page)


async def sets_up(page):
    await page.locator("button[value=totp]").click()
    uri = await page.get_by_role("link", name="Open in an app").get_attribute("href")
    secret = re.search("secret=([A-Z2-7]+)", uri)[1]
    await types(page.get_by_label("Code", exact=True), shown(secret))
    return secret


async def keeps_codes(page):
    await expect(page.get_by_role("heading", name="Save your recovery codes")).to_be_visible()
    codes = re.findall(r"(?:[0-9a-z]{4}-){3}[0-9a-z]{4}", await page.inner_text("main"))
    await page.get_by_label("I have saved them").check()
    await page.get_by_role("button", name="Continue").click()
    return codes


async def test_a_lost_phone_is_replaced_from_the_banner_and_then_nothing_is_said_of_it(
    people, open_page
):
    """E23, E28, E29, E31, E50."""
    page = await open_page()
    await signs_in(page, people)
    first = await adds(page, people)
    codes = await keeps_codes(page)
    await expect(page.get_by_text("Add a second method, on another device")).to_be_visible()
    await page.get_by_role("button", name="Not now").click()
    await expect(page.get_by_text("Add a second method, on another device")).to_have_count(0)
    await page.get_by_role("button", name="Sign out", exact=True).click()

    await signs_in(page, people)
    await page.get_by_role("link", name="Recovery code").click()
    await types(page.get_by_label("Recovery code"), codes[0])
    await page.get_by_role("button", name="Continue").click()
    banner = page.get_by_text("You signed in with a recovery code. If you have lost a method")
    await expect(banner).to_be_visible()
    await page.get_by_role("button", name="Replace Authenticator app").click()
    await expect(page.get_by_role("heading", name="Replace Authenticator app?")).to_be_visible()
    await page.get_by_role("button", name="Continue").click()
    await expect(page.get_by_text("This replaces Authenticator app")).to_be_visible()
    second = await sets_up(page)

    await expect(page.get_by_role("heading", name="My security")).to_be_visible()
    await expect(banner).to_have_count(0)
    told = await page.inner_text("main")
    assert second != first
    assert "9 of 10 recovery codes are left" in told
    for happened in ("Recovery code used", "Method removed", "Method added", "Signed in"):
        assert happened in told
    await expect(page.get_by_role("link", name="Was something here not you?")).to_be_visible()
    assert [text for text in complaints(page) if "Clear-Site-Data" not in text] == []


async def test_times_are_told_in_the_clock_of_whoever_reads_them(people, open_page):
    """E45."""
    far = await open_page(timezone_id="Pacific/Kiritimati", locale="en-GB")
    await signs_in(far, people)
    time = far.locator("#activity ~ ul time").first
    at = await time.get_attribute("datetime")

    said = await far.evaluate(
        """([at, lang]) => new Intl.DateTimeFormat(lang, {dateStyle: "medium", timeStyle: "short",
             timeZone: "Pacific/Kiritimati"}).format(new Date(at))""",
        [at, "en"],
    )

    await expect(time).to_have_text(said)
    plain = await open_page(java_script_enabled=False)
    await signs_in(plain, people)
    await expect(plain.locator("#activity ~ ul time").first).to_contain_text(" UTC")
