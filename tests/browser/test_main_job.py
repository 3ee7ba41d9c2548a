"""The main job in a browser without JavaScript: enrol, sign in, lose the phone, replace it.

The phone is oathtool, and zbarimg reads what the camera would see.
"""

import re
import subprocess
from urllib.parse import parse_qs, urlsplit

import pytest

from tests.browser.hands import shown
from tests.support.server import twofold

pytestmark = [pytest.mark.browser, pytest.mark.realparts]

NAME, PASSWORD = "alice", "corridor umbrella nineteen"


def scanned(picture) -> str:
    """The key in the QR code of a screenshot."""
    read = subprocess.run(
        ["zbarimg", "--quiet", "--raw", str(picture)], capture_output=True, text=True, check=True
    )
    return parse_qs(urlsplit(read.stdout.strip()).query)["secret"][0]


async def signs_in(page, server):
    await page.goto(f"{server.url}/login")
    await page.get_by_label("Name or e-mail address").fill(NAME)
    await page.get_by_label("Password").fill(PASSWORD)
    await page.get_by_role("button", name="Sign in").click()


async def sets_up(page, tmp_path):
    """Scan the code, confirm it, keep the recovery codes if there are any; return the key."""
    await page.get_by_role("button", name="Authenticator app").first.click()
    picture = tmp_path / "qr.png"
    await page.locator("svg").screenshot(path=picture)
    secret = scanned(picture)
    await page.get_by_label("Code", exact=True).fill(shown(secret))
    await page.get_by_role("button", name="Confirm").click()
    return secret


async def keeps_codes(page):
    codes = re.findall(r"(?:[0-9a-z]{4}-){3}[0-9a-z]{4}", await page.inner_text("main"))
    await page.get_by_label("I have saved them").check()
    await page.get_by_role("button", name="Continue").click()
    return codes


async def test_a_phone_is_set_up_used_lost_and_replaced(page, server, tmp_path):
    made = twofold("user", "add", NAME, "--password-stdin", data=server.data, stdin=PASSWORD)
    assert made.returncode == 0

    await signs_in(page, server)
    await page.get_by_role("button", name="Add a method").click()
    first = await sets_up(page, tmp_path)
    codes = await keeps_codes(page)
    assert len(set(codes)) == 10
    assert page.url.startswith(f"{server.url}/account")
    await page.get_by_role("button", name="Sign out").click()

    await signs_in(page, server)
    assert page.url == f"{server.url}/login/code"
    await page.get_by_role("link", name="Recovery code").click()
    await page.get_by_label("Recovery code").fill(codes[0])
    await page.get_by_role("button", name="Continue").click()
    told = await page.inner_text("main")
    assert "9 of 10 recovery codes are left" in told
    assert "signed in with a recovery code" in told

    await page.get_by_role("button", name="Add a method").click()
    second = await sets_up(page, tmp_path)
    assert second != first
    told = await account(page, server)
    assert told.count("Authenticator app") == 2
    assert "two factors" in told
    await page.get_by_role("link", name="Authenticator app").first.click()
    await page.get_by_role("button", name="Remove").click()
    assert "You can still sign in with: Authenticator app" in await page.inner_text("main")
    await page.get_by_role("button", name="Remove it").click()
    assert "The method was removed." in await page.inner_text("main")
    assert (await account(page, server)).count("Authenticator app") == 1
    await page.get_by_role("button", name="Sign out").click()

    await signs_in(page, server)
    await page.get_by_label("Code", exact=True).fill(shown(first))
    await page.get_by_role("button", name="Continue").click()
    assert "not right" in await page.inner_text("main")


async def account(page, server) -> str:
    await page.goto(f"{server.url}/account")
    return await page.inner_text("main")


async def test_a_wrong_password_and_an_unknown_name_look_alike(page, server):
    said = []
    for name in ("admin", "nobody"):
        await page.goto(f"{server.url}/login")
        await page.get_by_label("Name or e-mail address").fill(name)
        await page.get_by_label("Password").fill("not the password")
        await page.get_by_role("button", name="Sign in").click()
        said.append((await page.inner_text("main")).replace(name, ""))

    assert said[0] == said[1]
