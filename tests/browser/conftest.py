"""A real Chromium without JavaScript, on a phone's screen, and a real server for it to talk to."""

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
async def page():
    """One page in a fresh profile; nothing on it may run, and nothing may come from elsewhere."""
    chromium = shutil.which("chromium") or shutil.which("chromium-browser")
    assert chromium, "scripts/system-packages installs Chromium"
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=chromium, args=list(SWITCHES))
        context = await browser.new_context(
            java_script_enabled=False, viewport={"width": 420, "height": 800}
        )
        yield await context.new_page()
        await browser.close()
