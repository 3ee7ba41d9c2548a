"""An account from its first to its last day, in a browser with its scripts and in one without."""

import json
import re

import pytest

from tests.support.server import running_server

pytestmark = [pytest.mark.browser, pytest.mark.realparts]

ADDRESS, PASSWORD, NEXT = "zoe@example.net", "corridor umbrella nineteen", "lantern orchard forty"
OPEN = {"policy": {"registration": True, "deletion": True}}


@pytest.fixture
def server(tmp_path):
    with running_server(tmp_path, config=OPEN) as running:
        yield running


@pytest.fixture(params=["script", "no-script"])
async def visitor(browser, request):
    """A page on a phone, and whether its scripts run."""
    context = await browser.new_context(
        java_script_enabled=request.param == "script",
        viewport={"width": 375, "height": 720},
        locale="en-US",
    )
    return await context.new_page(), request.param == "script"


async def mailed(server, page):
    """The link in the newest message; the outbox delivers within moments."""
    for _ in range(100):
        if server.mails():
            return re.search(r"http://\S+#(\S+)", server.mails()[-1]["text"])
        await page.wait_for_timeout(100)
    raise AssertionError("no message came")


async def test_somebody_registers_changes_the_password_and_leaves(server, visitor):
    page, scripts = visitor
    await page.goto(f"{server.url}/login")
    await page.get_by_role("link", name="Create an account").click()
    await page.get_by_label("E-mail address").fill(ADDRESS)
    await page.get_by_label("Password", exact=True).fill(PASSWORD)
    await page.get_by_role("button", name="Create the account").click()
    assert "a message is on its way" in await page.inner_text("main")

    link = await mailed(server, page)
    asked = []
    page.on("request", lambda request: asked.append((request.url, request.headers)))
    # Another page first: the same address with another fragment is no navigation.
    await page.goto(f"{server.url}/login")
    await page.goto(link[0])
    field = page.get_by_label("Code from the message")
    if scripts:
        assert await field.input_value() == link[1]
        assert page.url == f"{server.url}/verify-address"
    else:
        await field.fill(link[1])
    await page.get_by_role("button", name="Confirm").click()
    assert "Your address is confirmed." in await page.inner_text("main")
    assert not [url for url, headers in asked if link[1] in url or link[1] in str(headers)]

    await signs_in(page, server, PASSWORD)
    assert "My security" in await page.title()
    assert not await page.evaluate("document.documentElement.scrollWidth > innerWidth")
    await page.get_by_role("button", name="Change password").click()
    await page.get_by_label("Present password").fill(PASSWORD)
    await page.get_by_label("New password").fill(NEXT)
    await page.get_by_role("button", name="Change the password").click()
    assert "Your password was changed" in await page.inner_text("main")

    await page.get_by_role("button", name="Download your data").click()
    async with page.expect_download() as download:
        await page.get_by_role("button", name="Download", exact=True).click()
    told = json.loads((await (await download.value).path()).read_text())
    assert told["account"]["email"] == ADDRESS
    assert told["events"][0]["event"] == "account.exported"

    await page.goto(f"{server.url}/account")
    await page.get_by_role("button", name="Delete your account").click()
    await page.get_by_label("I want this account to be deleted").check()
    await page.get_by_role("button", name="Delete it").click()
    assert "Your account was deleted" in await page.inner_text("main")
    await signs_in(page, server, NEXT)
    assert "not right" in await page.inner_text("main")


async def signs_in(page, server, password):
    await page.goto(f"{server.url}/login")
    await page.get_by_label("Name or e-mail address").fill(ADDRESS)
    await page.get_by_label("Password", exact=True).fill(password)
    await page.get_by_role("button", name="Sign in").click()
