"""A real Chromium, pages in fresh profiles of it, and a real server for them to talk to."""

import shutil

import pytest
from playwright.async_api import async_playwright

from tests.support.server import running_server

SWITCHES = (
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)


@pytest.fixture
def server(tmp_path):
    with running_server(tmp_path) as running:
        yield running


@pytest.fixture
async def browser():
    chromium = shutil.which("chromium") or shutil.which("chromium-browser")
    assert chromium, "scripts/system-packages installs Chromium"
    async with async_playwright() as playwright:
        opened = await playwright.chromium.launch(executable_path=chromium, args=list(SWITCHES))
        yield opened
        await opened.close()


@pytest.fixture
async def page(browser):
    """One page without scripts, on a phone's screen."""
    context = await browser.new_context(
        java_script_enabled=False, viewport={"width": 420, "height": 800}
    )
    return await context.new_page()


@pytest.fixture
def open_page(browser):
    """Makes pages in fresh profiles; what they complain of in the console is gathered."""

    async def make(**options):
        context = await browser.new_context(**options)
        made = await context.new_page()
        made.said = []
        made.on("console", lambda message: made.said.append(message.text))
        made.on("pageerror", lambda error: made.said.append(str(error)))
        made.posts = []
        made.on("request", lambda r: made.posts.append(r.url) if r.method == "POST" else None)
        return made

    return make
