"""Every exchange of Structr's manual, word for word: curl against a real server, and Chromium.

What is replaced in the manual's text are its placeholders: where the server is, the user's id, the
token, the code, and passwords that no server of ours would let anybody have. oathtool is the
phone, zbarimg its camera.
"""

import base64
import json
import re
import shutil
import subprocess
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import pytest
from playwright.async_api import async_playwright

from tests.browser.conftest import SWITCHES
from tests.dialects.structr.application import DOCUMENT, application
from tests.support.server import ADMIN_PASSWORD, running_server

pytestmark = [pytest.mark.realparts]

PASSWORD = "corridor umbrella nineteen"


class Manual:
    """A shell for the manual's commands, and what the last one answered."""

    def __init__(self, server):
        self.server = server
        self.id = ""
        self.token = ""
        self.code = ""
        self.status = 0
        self.headers = {}
        self.body = {}

    def run(self, name):
        command = (DOCUMENT / f"{name}.sh").read_text()
        for placeholder, value in (
            ("http://localhost:8082", self.server.url),
            ('"password": "password"', f'"password": "{PASSWORD}"'),
            ('"X-Password: admin"', f'"X-Password: {ADMIN_PASSWORD}"'),
            ("<UUID>", self.id),
            ("eyJhbGciOiJIUzI1NiJ9...", self.token),
            ("123456", self.code),
        ):
            command = command.replace(placeholder, value)
        self.shell(command)

    def shell(self, command):
        told = subprocess.run(
            ["sh", "-c", command], capture_output=True, check=True, timeout=60
        ).stdout.decode()
        head, _, body = told.rpartition("\r\n\r\n")
        self.body = json.loads(body)
        self.headers = {}
        if head:
            first, *rest = head.split("\r\n")
            self.status = first
            self.headers = dict(line.lower().split(": ", 1) for line in rest)
            self.exact = dict(line.split(": ", 1) for line in rest)
            self.token = self.exact.get("token", self.token)

    def make_user(self):
        self.shell(
            f"curl -si {self.server.url}/structr/rest/User -H 'X-User: admin'"
            f" -H 'X-Password: {ADMIN_PASSWORD}'"
            f""" -d '{{"name": "user", "password": "{PASSWORD}"}}'"""
        )
        [self.id] = self.body["result"]


@pytest.fixture
def manual(tmp_path):
    with running_server(tmp_path, config={"log": {"requests": True}}) as server:
        shell = Manual(server)
        shell.make_user()
        yield shell


def scanned(png: bytes) -> str:
    """The key in a picture."""
    read = subprocess.run(
        ["zbarimg", "--quiet", "--raw", "-"], input=png, capture_output=True, check=True
    )
    return parse_qs(urlsplit(read.stdout.decode().strip()).query)["secret"][0]


def shown(secret: str, *, later: int = 0) -> str:
    """What the phone shows, now or so many seconds later."""
    when = f"now + {later} seconds"
    told = subprocess.run(
        ["oathtool", "--totp", "--base32", "--now", when, secret],
        capture_output=True,
        text=True,
        check=True,
    )
    return told.stdout.strip()


def picture(manual):
    return base64.urlsafe_b64decode(manual.exact["qrdata"])


def test_the_curl_lines_of_the_manual_do_what_it_says(manual):
    manual.run("login")
    assert manual.status == "HTTP/1.1 200 OK"

    manual.run("enable")
    assert manual.body["result"] == {}
    manual.run("login")
    sample = (DOCUMENT / "second-factor-required.http").read_text().splitlines()
    assert manual.status == sample[0]
    assert {line.split(": ")[0].lower() for line in sample[1:]} <= manual.headers.keys()
    assert manual.headers["twofactorloginpage"] == "/twofactor"
    assert manual.exact["qrdata"].startswith("iVBORw0KGgoAAAANSUhEUgAA")

    secret = scanned(picture(manual))
    manual.code = shown(secret)
    manual.run("second-step")
    assert manual.status == "HTTP/1.1 200 OK"
    assert manual.headers["set-cookie"].startswith("jsessionid=")

    manual.run("login")
    assert (manual.status, "qrdata" in manual.headers) == ("HTTP/1.1 202 Accepted", False)
    manual.run("second-step")
    assert manual.status == "HTTP/1.1 401 Unauthorized"
    assert manual.exact["reason"] == "wrongTwoFactorCode"
    manual.code = shown(secret, later=30)
    manual.run("second-step")
    assert manual.status == "HTTP/1.1 200 OK"

    manual.run("enrol-anew")
    manual.run("login")
    fresh = scanned(picture(manual))
    assert fresh != secret
    manual.code = shown(fresh)
    manual.run("second-step")
    assert manual.status == "HTTP/1.1 200 OK"

    manual.run("disable")
    manual.run("login")
    assert manual.status == "HTTP/1.1 200 OK"


@pytest.fixture
async def browser():
    chromium = shutil.which("chromium") or shutil.which("chromium-browser")
    assert chromium, "scripts/system-packages installs Chromium"
    async with async_playwright() as playwright:
        found = await playwright.chromium.launch(executable_path=chromium, args=list(SWITCHES))
        yield found
        await found.close()


async def signs_in(page, url):
    await page.goto(f"{url}/app/login")
    await page.fill("#name", "user")
    await page.fill("#password", PASSWORD)
    await page.click("button")


async def scans(page, tmp_path: Path) -> str:
    place = tmp_path / "qr.png"
    await page.wait_for_selector("#qrcode", state="visible")
    await page.evaluate("document.getElementById('qrcode').style.padding = '16px'")
    await page.screenshot(path=place)
    return scanned(place.read_bytes())


async def who(page) -> int:
    return await page.evaluate("fetch('/structr/rest/me').then(answer => answer.status)")


@pytest.mark.browser
async def test_the_pages_of_the_manual_run_unmodified(manual, browser, tmp_path):
    manual.run("enable")
    with application(manual.server.port, own_page=True) as (url, _):
        page = await browser.new_page()
        await signs_in(page, url)
        await page.wait_for_url("**/twofactor?token=*")
        secret = await scans(page, tmp_path)

        await page.fill("#code", "000000" if shown(secret) != "000000" else "111111")
        await page.click("button")
        await page.wait_for_function("document.getElementById('error').textContent !== ''")
        assert await page.inner_text("#error") == "Invalid code. Please try again."
        await page.fill("#code", shown(secret))
        await page.click("button")
        await page.wait_for_url(f"{url}/")

        assert await who(page) == 200
        [cookie] = [c for c in await page.context.cookies() if c["name"] == "JSESSIONID"]
        assert (cookie["httpOnly"], cookie["sameSite"]) == (True, "Lax")

        # Confirmed now: the next login shows no picture.
        await signs_in(page, url)
        await page.wait_for_url("**/twofactor?token=*")
        assert "qrdata=" in page.url
        assert await page.is_hidden("#setup-instructions")


@pytest.mark.browser
async def test_an_administrators_page_enables_a_user_as_the_manual_shows(manual, browser):
    script = (DOCUMENT / "enable.js").read_text().replace("<UUID>", manual.id)
    with application(manual.server.port, own_page=True) as (url, _):
        page = await browser.new_page()
        await page.goto(f"{url}/app/login")
        await page.fill("#name", "admin")
        await page.fill("#password", ADMIN_PASSWORD)
        await page.click("button")
        await page.wait_for_url(f"{url}/")

        await page.evaluate(f"(async () => {{ {script} }})()")

    manual.run("login")
    assert manual.status == "HTTP/1.1 202 Accepted"


@pytest.mark.browser
async def test_our_page_leaves_nothing_in_address_history_referer_or_log(manual, browser, tmp_path):
    manual.run("enable")
    with application(manual.server.port, own_page=False) as (url, seen):
        page = await browser.new_page()
        places = []
        page.on("framenavigated", lambda frame: places.append(frame.url))
        await signs_in(page, url)
        await page.wait_for_url(f"{url}/twofactor")
        secret = await scans(page, tmp_path)
        await page.fill("#code", shown(secret))
        await page.click("button")
        await page.wait_for_url(f"{url}/")

        assert await who(page) == 200
        assert not [place for place in places if "token" in place or "qrdata" in place]
        await page.go_back()
        assert page.url == f"{url}/twofactor"
        assert "over" in await page.inner_text("main")
    named = [path for _, path, _ in seen if "token=" in path]
    assert len(named) == 1
    assert not [referer for _, _, referer in seen if "token" in referer or "qrdata" in referer]
    log = manual.server.log.read_text()
    assert "/twofactor" in log
    assert not re.search(r"t1\.|iVBOR|token=", log)


@pytest.mark.browser
async def test_a_form_signs_in_without_javascript(manual, browser, tmp_path):
    manual.run("enable")
    context = await browser.new_context(java_script_enabled=False)
    page = await context.new_page()
    await page.goto(f"{manual.server.url}/health/live")
    form = "<form method=post action=/structr/login><input name=name><input name=password>"

    async def served(route):
        await route.fulfill(body=f"{form}<button>Go</button></form>", content_type="text/html")

    await page.route("**/form", served)
    await page.goto(f"{manual.server.url}/form")
    await page.fill("[name=name]", "user")
    await page.fill("[name=password]", PASSWORD)
    await page.click("button")
    assert page.url == f"{manual.server.url}/twofactor"
    place = tmp_path / "qr.png"
    await page.screenshot(path=place)
    secret = scanned(place.read_bytes())
    await page.fill("#code", shown(secret))
    await page.click("button")

    assert "JSESSIONID" in {cookie["name"] for cookie in await context.cookies()}
