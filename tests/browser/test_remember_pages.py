"""The question whether to remember a browser, with and without script."""

import re

import pytest
from playwright.async_api import expect

from tests.browser.hands import shown
from tests.support.server import running_server, twofold

pytestmark = [pytest.mark.browser, pytest.mark.realparts]

POLICY = {"policy": {"remember": {"days": 7}, "enforcement": "required"}}
NAME, PASSWORD = "alice", "corridor umbrella nineteen"


@pytest.fixture
def people(tmp_path):
    with running_server(tmp_path, config=POLICY) as server:
        made = twofold("user", "add", NAME, "--password-stdin", data=server.data, stdin=PASSWORD)
        assert made.returncode == 0, made.stderr
        yield server


async def types_password(page, server):
    await page.goto(f"{server.url}/login")
    await page.get_by_label("Name or e-mail address").fill(NAME)
    await page.get_by_label("Password", exact=True).fill(PASSWORD)
    await page.get_by_role("button", name="Sign in", exact=True).click()


async def leaves(page, server):
    await page.goto(f"{server.url}/account")
    await page.get_by_role("button", name="Sign out", exact=True).first.click()


@pytest.mark.parametrize("script", [True, False], ids=["script", "none"])
async def test_a_browser_is_remembered_spared_and_forgotten(people, open_page, script):
    page = await open_page(java_script_enabled=script)
    heading = page.get_by_role("heading", level=1)
    await types_password(page, people)
    await page.locator("button[value=totp]").click()
    uri = await page.get_by_role("link", name="Open in an app").get_attribute("href")
    secret = re.search("secret=([A-Z2-7]+)", uri)[1]
    await page.get_by_label("Code", exact=True).fill(shown(secret))
    if not script:
        await page.get_by_role("button", name="Confirm").click()
    await expect(heading).to_have_text("Save your recovery codes")
    await page.get_by_label("I have saved them").check()
    await page.get_by_role("button", name="Continue").click()
    await expect(heading).to_have_text("Remember this browser?")
    await expect(page.locator("main")).to_contain_text("For 7 days")
    await page.get_by_role("button", name="Yes, remember it").click()

    await expect(heading).to_have_text("My security")
    await leaves(page, people)
    await types_password(page, people)
    await expect(heading).to_have_text("My security")
    await page.get_by_role("button", name="Forget", exact=True).click()
    await expect(page.get_by_role("status").first).to_contain_text("The browser was forgotten.")
    await leaves(page, people)
    await types_password(page, people)
    await expect(page.get_by_label("Code", exact=True)).to_be_visible()
