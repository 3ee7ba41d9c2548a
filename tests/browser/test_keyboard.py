"""Signing in and setting up with the keyboard alone, and help that no field refuses (WCAG 2.2)."""

import pytest
from playwright.async_api import expect

from tests.browser.hands import key_of, shown
from tests.support.server import twofold

pytestmark = [pytest.mark.browser, pytest.mark.realparts]

NAME, PASSWORD = "alice", "corridor umbrella nineteen"
MARK = """() => {
  const one = document.activeElement, look = getComputedStyle(one);
  return {what: one.id || one.name || one.textContent.trim(), seen: look.outlineStyle !== "none" &&
      parseFloat(look.outlineWidth) >= 2 && one.getBoundingClientRect().height > 0};
}"""


@pytest.fixture
def people(server):
    made = twofold("user", "add", NAME, "--password-stdin", data=server.data, stdin=PASSWORD)
    assert made.returncode == 0, made.stderr
    return server


class Keyboard:
    """Somebody without a mouse, who must see where they are."""

    def __init__(self, page):
        self.page = page

    async def stands_on(self, what):
        mark = await self.page.evaluate(MARK)
        assert mark == {"what": what, "seen": True}

    async def tabs(self, *stops):
        for stop in stops:
            await self.page.keyboard.press("Tab")
            await self.stands_on(stop)

    async def tabs_to(self, what):
        """Go on until it is there; each place on the way must be seen."""
        for _ in range(40):
            await self.page.keyboard.press("Tab")
            mark = await self.page.evaluate(MARK)
            assert mark["seen"], mark
            if mark["what"] == what:
                return
        raise AssertionError(f"no key leads to {what}")

    async def enters(self, text=""):
        await self.page.keyboard.type(text)
        async with self.page.expect_navigation():
            await self.page.keyboard.press("Enter")


async def test_keys_lead_through_the_sign_in_and_the_set_up(people, open_page):
    page = await open_page()
    keys = Keyboard(page)
    await page.goto(f"{people.url}/login")
    await keys.stands_on("name")
    await page.keyboard.type(NAME)
    await keys.tabs("password", "Show", "I forgot my password", "Sign in")
    await page.keyboard.press("Shift+Tab")
    await page.keyboard.press("Shift+Tab")
    await page.keyboard.press("Shift+Tab")
    await keys.enters(PASSWORD)

    await keys.tabs_to("Add a method")
    await keys.enters()
    await page.keyboard.press("Tab")
    async with page.expect_navigation():
        await page.keyboard.press("Enter")
    await keys.stands_on("code")
    secret = key_of(await page.locator("a[href^='otpauth:']").get_attribute("href"))
    async with page.expect_navigation():
        await page.keyboard.type(shown(secret))
    await keys.tabs("Copy", "Download", "Print")
    await page.keyboard.press("Tab")
    await page.keyboard.press("Space")
    await expect(page.get_by_label("I have saved them")).to_be_checked()
    await keys.tabs("Continue")
    await keys.enters()
    assert await page.locator("h1").inner_text() == "My security"

    await keys.tabs_to("Sign out")
    await keys.enters()
    await keys.stands_on("name")
    await page.keyboard.type(NAME)
    await keys.tabs("password")
    await keys.enters(PASSWORD)
    await keys.stands_on("code")
    await keys.tabs("Continue")
    await keys.tabs_to("Recovery code")
    await keys.enters()
    await keys.stands_on("recovery_code")


@pytest.mark.parametrize(
    ("path", "fields"),
    [
        ("/login", {"name": "username webauthn", "password": "current-password"}),
        ("/forgot-password", {"name": "username"}),
        ("/reset-password", {"token": "off", "password": "new-password"}),
    ],
)
async def test_whatever_is_kept_elsewhere_can_be_pasted(people, open_page, path, fields):
    page = await open_page(permissions=["clipboard-read", "clipboard-write"])
    await page.goto(f"{people.url}{path}")
    await page.evaluate("navigator.clipboard.writeText('kept elsewhere')")

    for name, purpose in fields.items():
        field = page.locator(f"#{name}")
        await field.focus()
        await page.keyboard.press("Control+V")
        await expect(field).to_have_value("kept elsewhere")
        await expect(field).to_have_attribute("autocomplete", purpose)


@pytest.mark.parametrize("path", ["/login", "/forgot-password", "/reset-password"])
async def test_twice_as_large_still_fits(people, open_page, path):
    """WCAG 1.4.4 and 1.4.10: a window of 640 pixels at 200 % is one of 320."""
    page = await open_page(viewport={"width": 320, "height": 320}, device_scale_factor=2)
    await page.goto(f"{people.url}{path}?locale=de")

    assert await page.evaluate("document.documentElement.scrollWidth") == 320
