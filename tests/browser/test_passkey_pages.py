"""Passkeys on our own pages, in a real Chromium with an authenticator of the DevTools protocol."""

import re

import pytest
from playwright.async_api import expect

from tests.browser.test_pages_with_script import complaints as said
from tests.browser.test_passkeys import NAME, PASSWORD, PLATFORM
from tests.support.server import twofold

pytestmark = [pytest.mark.browser, pytest.mark.realparts]

QUIET = """if (!location.search.includes("offers")) {
  window.PublicKeyCredential.isConditionalMediationAvailable = async () => false;
}"""
"""An authenticator that agrees by itself would take each offer before anybody presses a button."""


def complaints(page):
    """What the console said, but for what signing out does on purpose."""
    return [text for text in said(page) if "Clear-Site-Data" not in text]


@pytest.fixture
def people(server):
    made = twofold("user", "add", NAME, "--password-stdin", data=server.data, stdin=PASSWORD)
    assert made.returncode == 0, made.stderr
    return server


class Person:
    """Somebody at a browser with an authenticator of its own."""

    def __init__(self, page, server, remote):
        self.page = page
        self.url = server.url.replace("127.0.0.1", "localhost")
        self.remote = remote
        self.authenticator = None

    async def arrives(self, **options):
        await self.remote.send("WebAuthn.enable")
        made = await self.remote.send(
            "WebAuthn.addVirtualAuthenticator", {"options": PLATFORM | options}
        )
        self.authenticator = made["authenticatorId"]
        await self.page.goto(f"{self.url}/login")

    async def holds(self):
        asked = {"authenticatorId": self.authenticator}
        return (await self.remote.send("WebAuthn.getCredentials", asked))["credentials"]

    async def types_password(self):
        await self.page.get_by_label("Name or e-mail address").fill(NAME)
        await self.page.get_by_label("Password", exact=True).fill(PASSWORD)
        await self.page.get_by_role("button", name="Sign in", exact=True).click()

    async def presses(self, name):
        await self.page.get_by_role("button", name=name).click()

    async def sees(self, heading):
        await expect(self.page.get_by_role("heading", level=1)).to_have_text(heading)

    async def leaves(self):
        await self.page.goto(f"{self.url}/account")
        await self.presses("Sign out")
        await self.sees("Sign in")

    async def makes_passkey(self):
        await self.page.goto(f"{self.url}/account")
        await self.page.get_by_role("button", name=re.compile("Add a method")).click()
        await self.page.locator("button[value=webauthn]").click()
        await self.presses("Create the passkey")

    async def keeps_codes(self):
        await self.sees("Save your recovery codes")
        await self.page.get_by_label("I have saved them").check()
        await self.presses("Continue")


@pytest.fixture
async def person(people, open_page):
    page = await open_page()
    await page.add_init_script(QUIET)
    return Person(page, people, await page.context.new_cdp_session(page))


@pytest.fixture
async def owner(person):
    """Somebody who made a passkey with the wizard, and is at My security."""
    await person.arrives()
    await person.types_password()
    await person.sees("My security")
    await person.makes_passkey()
    await person.keeps_codes()
    await person.sees("My security")
    return person


async def test_a_passkey_is_made_in_the_wizard_with_recovery_codes_after_it(owner):
    (key,) = await owner.holds()

    assert key["rpId"] == "localhost"
    methods = owner.page.locator("[aria-labelledby=methods]")
    await expect(methods).to_contain_text("Passkey or security key")
    await expect(methods).to_contain_text("on one device only")
    assert complaints(owner.page) == []


async def test_a_passkey_alone_signs_in(owner):
    await owner.leaves()

    await owner.presses("Sign in with a passkey")

    await owner.sees("My security")
    await expect(owner.page.locator("dl.who").first).to_contain_text("two factors")
    assert complaints(owner.page) == []


async def test_the_browser_offers_a_passkey_with_the_names_it_fills_in(owner):
    await owner.leaves()

    # The authenticator agrees by itself to what the page offers when it is opened.
    await owner.page.goto(f"{owner.url}/login?login_hint=offers")

    await owner.sees("My security")
    assert complaints(owner.page) == []


async def test_a_passkey_is_the_second_step_and_another_method_can_be_chosen(owner):
    await owner.leaves()
    await owner.types_password()
    await owner.sees("Use your passkey")
    await expect(owner.page.get_by_role("link", name="Recovery code")).to_be_visible()

    await owner.presses("Use your passkey")

    await owner.sees("My security")
    assert complaints(owner.page) == []


async def test_the_proof_for_a_change_is_given_with_a_passkey(owner):
    await owner.leaves()
    await owner.presses("Sign in with a passkey")
    await owner.sees("My security")
    begun = """() => fetch("/v1/ceremony", {method: "POST", body: '{"kind": "stepup"}',
        headers: {"content-type": "application/json"}})"""
    await owner.page.evaluate(begun)
    await owner.page.goto(f"{owner.url}/login/code")
    await owner.sees("Confirm that it is you")

    await owner.presses("Use your passkey")

    await owner.sees("My security")


async def test_a_device_makes_no_second_passkey_for_one_account(owner):
    await owner.makes_passkey()

    alert = owner.page.get_by_role("alert").filter(visible=True)
    await expect(alert).to_contain_text("This device already has a passkey for your account.")
    assert len(await owner.holds()) == 1


async def test_a_removed_passkey_is_removed_from_the_browser_too(owner):
    await owner.page.goto(f"{owner.url}/account")
    await owner.page.get_by_role("link", name="Passkey or security key").click()
    await owner.page.get_by_label("What you call it").fill("This computer")
    await owner.presses("Save the name")
    await owner.page.get_by_role("link", name="This computer").click()
    await owner.presses("Remove")
    await owner.sees("Remove This computer?")
    await expect(owner.page.locator(".lost")).to_contain_text("It opens this account no more.")

    await owner.presses("Remove it")

    await owner.sees("My security")
    await expect(owner.page.get_by_role("status").first).to_contain_text("removed")
    await owner.page.wait_for_load_state("networkidle")
    assert await owner.holds() == []


async def test_whoever_cancels_is_told_and_may_try_again(owner):
    await owner.leaves()
    await owner.remote.send(
        "WebAuthn.removeVirtualAuthenticator", {"authenticatorId": owner.authenticator}
    )
    await owner.arrives(isUserVerified=False)

    await owner.presses("Sign in with a passkey")

    alert = owner.page.get_by_role("alert").filter(visible=True)
    await expect(alert).to_contain_text("no fitting passkey is here")
    await expect(owner.page.get_by_role("button", name="Sign in with a passkey")).to_be_enabled()
    await owner.types_password()
    await owner.sees("Use your passkey")


async def test_a_sign_in_under_an_address_without_a_name_offers_no_passkey(people, open_page):
    page = await open_page()
    await page.goto(f"{people.url}/login")

    await offers_none(page)
    assert page.posts == []


async def test_a_sign_in_in_a_browser_that_knows_no_passkeys_offers_none(people, open_page):
    page = await open_page()
    await page.add_init_script("delete window.PublicKeyCredential")
    await page.goto(f"{people.url.replace('127.0.0.1', 'localhost')}/login")

    await offers_none(page)
    assert complaints(page) == []


async def offers_none(page):
    """Nobody has asked for one, so that nothing is said of it either."""
    await expect(page.get_by_role("button", name="Sign in", exact=True)).to_be_visible()
    await expect(page.get_by_role("button", name="Sign in with a passkey")).to_be_hidden()
    await expect(page.get_by_role("alert").filter(visible=True)).to_have_count(0)


async def test_without_script_the_page_names_the_reason_and_the_other_ways(people, open_page):
    page = await open_page(java_script_enabled=False)
    await page.goto(f"{people.url.replace('127.0.0.1', 'localhost')}/login")

    assert "Passkeys need JavaScript" in await page.locator("main").inner_text()
    await expect(page.get_by_role("button", name="Sign in with a passkey")).to_be_hidden()
