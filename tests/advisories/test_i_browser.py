"""I: what browsers are told, and what other sites make them do."""

from __future__ import annotations

import re

import pytest

from tests.support.client import Browser, Call, InProcess
from tests.support.house import living
from twofold.web.kit import Site

HTTPS = Site("https://login.example.org")


async def every_cookie(house, person, origin):
    """Sign in, refresh and sign out with cookies; returns every Set-Cookie on the way."""
    browser = Browser(InProcess(house.app), origin)
    body = {"identifier": person.name, "password": person.password, "transport": "cookie"}
    answers = [await browser.send("POST", "/v1/ceremony", body)]
    code = person.app.code(house.clock.seconds)
    answers.append(await browser.send("POST", "/v1/ceremony/verify", {"code": code}))
    answers.append(await browser.send("POST", "/v1/tokens/refresh", {}))
    answers.append(await browser.send("DELETE", "/v1/session"))
    assert [answer.status for answer in answers] == [200, 200, 200, 204]
    return [cookie for answer in answers for cookie in answer.cookies]


async def test_a113_every_cookie_over_tls_is_for_us_alone(tmp_path):
    """Attributes that are missing somewhere (ASVS 3.3)."""
    async with living(tmp_path / "db", site=HTTPS) as house:
        alice = await house.settle("alice")
        cookies = await every_cookie(house, alice, "https://login.example.org")
        assert len(cookies) >= 7
        for cookie in cookies:
            name, _, rest = cookie.partition("=")
            parts = {part.strip() for part in rest.split(";")[1:]}
            assert {"HttpOnly", "Secure"} <= parts
            assert parts & {"SameSite=Lax", "SameSite=Strict"}
            assert not any(part.startswith("Domain") for part in parts)
            if name.startswith("__Host-"):
                assert "Path=/" in parts
            else:
                assert name == "__Secure-twofold_r"
                assert {"Path=/v1/tokens/refresh", "SameSite=Strict"} <= parts


async def test_a113_a_cookie_is_cleared_with_the_attributes_it_was_set_with(tmp_path):
    """A cookie that stays because its path differs."""
    async with living(tmp_path / "db", site=HTTPS) as house:
        alice = await house.settle("alice")
        attributes = {}
        for cookie in await every_cookie(house, alice, "https://login.example.org"):
            name, _, rest = cookie.partition("=")
            rest = re.sub(r"; Max-Age=[0-9]+", "", rest.partition(";")[2])
            attributes.setdefault(name, set()).add(rest)
        assert {name: len(kinds) for name, kinds in attributes.items()} == dict.fromkeys(
            attributes, 1
        )


async def test_a113_over_plain_http_nothing_is_called_what_it_is_not(tmp_path):
    """Prefixes that browsers would refuse."""
    async with living(tmp_path / "db") as house:
        alice = await house.settle("alice")
        for cookie in await every_cookie(house, alice, "http://127.0.0.1:8080"):
            assert not cookie.startswith(("__Host-", "__Secure-"))
            assert "HttpOnly" in cookie
            assert "SameSite=" in cookie


async def test_a113_a_session_has_new_cookies_at_every_rise(house):
    """Fixation: the value from before the login still names the session after it."""
    alice = await house.settle("alice")
    browser = Browser(InProcess(house.app))
    body = {"identifier": "alice", "password": alice.password, "transport": "cookie"}
    await browser.send("POST", "/v1/ceremony", body)
    before = dict(browser.jar)
    code = alice.app.code(house.clock.seconds)
    await browser.send("POST", "/v1/ceremony/verify", {"code": code})
    signed = dict(browser.jar)
    assert signed["twofold_c"] != before["twofold_c"]
    assert "twofold_ct" not in signed

    house.clock.move(30)
    await browser.send("POST", "/v1/ceremony", {"kind": "stepup"})
    code = alice.app.code(house.clock.seconds)
    assert (await browser.send("POST", "/v1/ceremony/verify", {"code": code})).status == 200
    raised = dict(browser.jar)
    # What a browser is known by opens nothing, and stays.
    assert {name for name in signed if raised.get(name) == signed[name]} == {"twofold_d"}
    old = (("cookie", f"twofold_s={signed['twofold_s']}"),)
    assert (await InProcess(house.app).send("GET", "/v1/session", old, b"")).status == 401


TARGETS = (
    "//evil.example", "/\\evil.example", "https:evil.example", "/%09/evil.example",
    "\\\\evil.example", "https://login.example.org@evil.example", "javascript:alert(1)",
    "https://login.example.org.evil.example", "http://evil.example#/account", "/../evil",
    "Ly9ldmlsLmV4YW1wbGU=", "https://ëvil.example", "/account/../../evil",
)  # fmt: skip
NAMES = ("return_to", "redirect_uri", "redirect_to", "next", "url", "targetPath", "continue")


@pytest.mark.parametrize("target", TARGETS)
async def test_a115_nobody_is_led_away(house, target):
    """Open redirects (CVE-2021-32618, CVE-2023-6291)."""
    alice = await house.settle("alice")
    client = house.client()
    for name in NAMES:
        body = {"kind": "login", "identifier": "alice", "password": alice.password, name: target}
        assert (await client.call(Call("POST", "/v1/ceremony", body))).said == "400 malformed"
    wire = InProcess(house.app)
    paths = [route.path for route in house.app.routes if route.method == "GET" and not route.names]
    for path in paths:
        for name in NAMES:
            query = f"{path}?{name}={_quoted(target)}"
            answer = await wire.send("GET", query, (("host", "evil.example"),), b"")
            led = answer.header("location") or ""
            assert "evil" not in led, query
            assert not led or re.fullmatch(r"/[a-z0-9/?=&_-]*", led.replace("%2F", "/")), led


def _quoted(text: str) -> str:
    from urllib.parse import quote

    return quote(text, safe="")
