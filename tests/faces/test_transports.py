"""Headers or cookies, never both; where a request may come from; whose browser a ticket is for."""

import itertools

import pytest

from tests.faces.house import BASE, PASSWORD, secret_of, totp
from twofold.core.policy import Enforcement, Policy

FORMS = {"content-type": "application/x-www-form-urlencoded"}


async def signed_in_browser(house, name="carol", **others):
    await house.add(name)
    browser = house.browser(**others)
    await browser.start(name, transport="cookie")
    return browser


async def test_with_cookies_no_token_and_no_ticket_is_in_any_body(kept):
    await kept.add("alice", "totp")
    browser = kept.browser()

    begun = await browser.start("alice", transport="cookie")

    assert "ceremony" not in begun.json
    assert set(begun.cookies()) == {"__Host-twofold_c", "__Host-twofold_ct"}
    done = await browser.verify(kept.code("alice"))
    assert "tokens" not in done.json["result"]
    assert set(done.cookies()) == {
        "__Host-twofold_s",
        "__Secure-twofold_r",
        "__Host-twofold_ct",
        "__Host-twofold_c",
        "__Host-twofold_d",
    }
    for cookie in done.cookies().values():
        assert len(cookie["value"]) < 8 or cookie["value"] not in done.text
    assert (await browser.get("/v1/session")).json["name"] == "alice"


async def test_session_and_binding_are_new_after_each_rise(house):
    browser = await signed_in_browser(house)
    before = dict(browser.jar)

    await browser.post("/v1/ceremony", {"kind": "stepup"})
    await browser.post("/v1/ceremony/first-factor", {"password": PASSWORD})

    for name in ("__Host-twofold_s", "__Secure-twofold_r", "__Host-twofold_c"):
        assert browser.jar[name] != before[name]
    assert "__Host-twofold_ct" not in browser.jar


@pytest.mark.parametrize(
    ("base", "prefix", "secure"), [(BASE, "__Host-", True), ("http://127.0.0.1:8080", "", False)]
)
async def test_every_cookie_has_the_attributes_its_transport_allows(build, base, prefix, secure):
    house = build(base_url=base)
    await house.add("alice", "totp")
    browser = house.browser()
    set_cookies = []

    for step in (
        browser.start("alice", transport="cookie"),
        browser.verify(house.code("alice")),
        browser.post("/v1/tokens/refresh", {}),
        browser.delete("/v1/session"),
    ):
        set_cookies += (await step).cookies().items()

    assert set_cookies
    for name, cookie in set_cookies:
        assert "HttpOnly" in cookie
        assert ("Secure" in cookie) is secure
        assert "Domain" not in cookie
        if name.endswith("twofold_r"):
            assert (cookie["Path"], cookie["SameSite"]) == ("/v1/tokens/refresh", "Strict")
        else:
            assert name.startswith(f"{prefix}twofold_")
            assert (cookie["Path"], cookie["SameSite"]) == ("/", "Lax")


async def test_a_cleared_cookie_has_the_attributes_it_was_set_with(house):
    browser = await signed_in_browser(house)
    was = (await browser.post("/v1/tokens/refresh", {})).cookies()

    gone = (await browser.delete("/v1/session")).cookies()

    assert set(gone) == {"__Host-twofold_s", "__Secure-twofold_r"}
    for name, cookie in gone.items():
        kept = {k: v for k, v in was[name].items() if k not in {"value", "Max-Age"}}
        assert (cookie.pop("value"), cookie.pop("Max-Age")) == ("", "0")
        assert cookie == kept


async def test_signing_out_forgets_what_the_browser_keeps(house):
    browser = await signed_in_browser(house)

    answer = await browser.delete("/v1/session")

    assert answer.status == 204
    assert answer.header("clear-site-data") == '"cache", "storage"'
    assert (await browser.get("/v1/session")).code == "invalid-token"


SESSION_ROUTES = [
    ("GET", "/v1/session", None),
    ("DELETE", "/v1/session", None),
    ("GET", "/v1/sessions", None),
    ("GET", "/v1/factors", None),
    ("POST", "/v1/factors", {}),
    ("POST", "/v1/recovery-codes", {}),
    ("POST", "/v1/ceremony", {"kind": "stepup"}),
    ("GET", "/admin/v1/users", None),
]


@pytest.mark.parametrize(("method", "path", "body"), SESSION_ROUTES)
async def test_a_header_and_a_cookie_together_are_refused(house, method, path, body):
    browser = await signed_in_browser(house)
    other = house.client()
    await other.start("carol")
    browser.token = other.token

    answer = await browser.ask(method, path, body)

    assert (answer.status, answer.code) == (400, "mixed-credentials")


@pytest.mark.parametrize("place", ["header", "field", "authorization"])
async def test_a_ticket_in_a_cookie_and_elsewhere_is_refused(house, place):
    await house.add("alice", "totp")
    browser, other = house.browser(), house.client()
    await browser.start("alice", transport="cookie")
    await other.start("alice")
    body, headers = {"code": house.code("alice")}, {}
    if place == "field":
        body["ceremony"] = other.ticket
    elif place == "header":
        headers["ceremony"] = other.ticket
    else:
        headers["authorization"] = "Bearer a1.whatever"

    answer = await browser.post("/v1/ceremony/verify", body, headers=headers)

    assert (answer.status, answer.code) == (400, "mixed-credentials")
    assert (await browser.verify(house.code("alice"))).json["state"] == "done"


async def test_a_ticket_in_a_header_and_a_field_is_refused(house):
    await house.add("alice", "totp")
    client = house.client()
    await client.start("alice")

    answer = await client.verify(house.code("alice"), ceremony=client.ticket)

    assert (answer.status, answer.code, answer.json["field"]) == (400, "malformed", "ceremony")


async def test_a_program_that_forgot_the_ticket_is_told_so(house):
    answer = await house.client().verify("123456")

    assert (answer.status, answer.code, answer.json["field"]) == (400, "malformed", "ceremony")


async def test_a_browser_whose_ceremony_is_over_is_told_so(house):
    browser = await signed_in_browser(house)

    answer = await browser.verify("123456")

    assert (answer.status, answer.code) == (410, "ceremony-expired")


async def test_a_dead_ticket_is_taken_out_of_the_browser(house):
    await house.add("alice", "totp")
    browser = house.browser()
    await browser.start("alice", transport="cookie")
    house.clock.forward(301)

    answer = await browser.verify(house.code("alice"))

    assert answer.code == "ceremony-expired"
    assert answer.cookies()["__Host-twofold_ct"]["Max-Age"] == "0"


async def test_header_transport_does_not_look_at_a_session_cookie(house):
    browser = await signed_in_browser(house)
    await house.add("alice", "totp")

    begun = await browser.start("alice", transport="json")
    done = await browser.verify(house.code("alice"))

    assert begun.json["ceremony"]
    assert done.json["result"]["tokens"]
    assert (await house.client().get("/v1/session")).status == 401


async def test_a_ticket_made_for_one_browser_is_dead_in_another(house):
    await house.add("alice", "totp")
    browser, thief = house.browser(), house.browser()
    await browser.start("alice", transport="json")
    await thief.start("nobody", transport="cookie")
    thief.ticket = browser.ticket
    thief.jar.pop("__Host-twofold_ct", None)

    from_another = await thief.verify(house.code("alice"))
    elsewhere = house.client()
    elsewhere.ticket = browser.ticket
    from_a_program = await elsewhere.verify(house.code("alice"))

    assert (from_another.status, from_another.code) == (410, "ceremony-expired")
    assert (from_a_program.status, from_a_program.code) == (410, "ceremony-expired")
    assert (await browser.verify(house.code("alice"))).json["state"] == "done"


async def test_a_cookie_ticket_without_its_binding_is_dead(house):
    await house.add("alice", "totp")
    browser = house.browser()
    await browser.start("alice", transport="cookie")
    del browser.jar["__Host-twofold_c"]

    answer = await browser.verify(house.code("alice"))

    assert (answer.status, answer.code) == (410, "ceremony-expired")


async def test_a_login_by_cookie_shows_no_other_credential(house):
    await house.add("carol")
    client = house.client()
    client.token = "a1.whatever"

    answer = await client.start("carol", transport="cookie")

    assert (answer.status, answer.code) == (400, "mixed-credentials")


async def test_a_program_is_given_no_cookie(house):
    await house.add("alice", "totp")

    answer = await house.client().start("alice")

    assert answer.cookies() == {}


KINDS = ["session", "access", "refresh", "ticket"]
PLACES = ["authorization", "cookie", "refresh", "ceremony"]
RIGHT = {
    ("access", "authorization"),
    ("session", "cookie"),
    ("refresh", "refresh"),
    ("ticket", "ceremony"),
}


@pytest.mark.parametrize(
    ("kind", "place"), [pair for pair in itertools.product(KINDS, PLACES) if pair not in RIGHT]
)
async def test_a_token_works_in_its_own_place_only(house, kind, place):
    """A31."""
    browser = await signed_in_browser(house)
    client = house.client()
    await client.start("carol")
    enrolling = house.client()
    enrolling.token = client.token
    await enrolling.post("/v1/ceremony", {"kind": "enroll"})
    shown = {
        "session": browser.jar["__Host-twofold_s"][0],
        "access": client.token,
        "refresh": client.refresh,
        "ticket": enrolling.ticket,
    }[kind]
    thief = house.client()

    match place:
        case "authorization":
            answer = await thief.get("/v1/session", headers={"authorization": f"Bearer {shown}"})
        case "cookie":
            answer = await thief.get("/v1/session", headers={"cookie": f"__Host-twofold_s={shown}"})
        case "refresh":
            answer = await thief.post("/v1/tokens/refresh", {"refresh_token": shown[:256]})
        case _:
            answer = await thief.get("/v1/ceremony", headers={"ceremony": shown})

    assert answer.status in {401, 410}
    assert answer.code in {"invalid-token", "ceremony-expired"}


@pytest.mark.parametrize(
    "spoil",
    [
        lambda token: token[:-1],
        lambda token: token + "A",
        lambda token: token + "=",
        lambda token: token.upper(),
        lambda token: "s1." + token[3:],
        lambda token: token.replace("a1.", "a1. "),
        lambda token: token[:10] + ("A" if token[10] != "A" else "B") + token[11:],
    ],
)
async def test_a_token_that_was_touched_is_none(house, spoil):
    """I4."""
    await house.add("carol")
    client = house.client()
    await client.start("carol")
    client.token = spoil(client.token)

    answer = await client.get("/v1/session")

    assert (answer.status, answer.code) == (401, "invalid-token")
    assert answer.header("www-authenticate") == 'Bearer error="invalid_token"'


@pytest.mark.parametrize(
    "header", ["", "Bearer", "bearer  ", "Token abc", "Basic abc", "Bearer a b", "Bearer ü"]
)
async def test_any_other_authorization_shows_no_session(house, header):
    answer = await house.client().get("/v1/session", headers={"authorization": header})

    assert (answer.status, answer.code) == (401, "invalid-token")


# What a browser says of where a request comes from, and whether it may change anything here.
ORIGINS = [
    ({"sec-fetch-site": "same-origin", "origin": BASE}, True),
    ({"sec-fetch-site": "same-origin"}, True),
    ({"origin": BASE}, True),
    ({}, True),
    ({"sec-fetch-site": "none"}, True),
    ({"sec-fetch-site": "cross-site", "origin": "https://evil.example"}, False),
    ({"sec-fetch-site": "cross-site"}, False),
    ({"sec-fetch-site": "same-site", "origin": "https://other.example"}, False),
    ({"origin": "https://evil.example"}, False),
    ({"origin": "http://login.example"}, False),
    ({"origin": "https://login.example.evil.example"}, False),
    ({"origin": "https://login.example:8443"}, False),
    ({"origin": "null"}, False),
]
UNSAFE = [
    ("DELETE", "/v1/session", None),
    ("DELETE", "/v1/sessions", None),
    ("POST", "/v1/ceremony", {"kind": "stepup"}),
    ("POST", "/v1/factors", {"kind": "totp"}),
    ("POST", "/v1/tokens/refresh", {}),
]


@pytest.mark.parametrize(("method", "path", "body"), UNSAFE)
@pytest.mark.parametrize(("said", "served"), ORIGINS)
async def test_only_our_own_pages_use_our_cookies(house, said, served, method, path, body):
    browser = await signed_in_browser(house)
    browser.browser = False
    before = await house.events()

    answer = await browser.ask(method, path, body, headers=said)

    if served:
        assert answer.status < 300, answer.text
    else:
        assert (answer.status, answer.code) == (403, "csrf-rejected")
        assert await house.events() == before


async def test_a_further_trusted_origin_is_ours_too(build):
    house = build(origins=("https://shop.example",))
    browser = await signed_in_browser(house)

    answer = await browser.delete(
        "/v1/session", headers={"origin": "https://shop.example", "sec-fetch-site": "cross-site"}
    )

    assert answer.status == 204


@pytest.mark.parametrize("said", [said for said, served in ORIGINS if not served])
async def test_another_site_cannot_even_begin_a_login_that_sets_cookies(house, said):
    """A109: no cookie is there yet that could be asked for."""
    await house.add("mallory")

    body = {"identifier": "mallory", "password": PASSWORD, "transport": "cookie"}
    answer = await house.client().post("/v1/ceremony", body, headers=said)

    assert (answer.status, answer.code) == (403, "csrf-rejected")
    assert answer.cookies() == {}


@pytest.mark.parametrize(
    ("path", "kind"),
    [
        ("/v1/recovery-codes", "text/plain"),
        ("/v1/recovery-codes", "application/x-www-form-urlencoded"),
        ("/v1/recovery-codes", None),
        ("/v1/ceremony", "text/plain"),
        ("/v1/factors", None),
        ("/v1/tokens/refresh", None),
    ],
)
async def test_with_cookies_a_body_must_be_json_even_where_it_may_be_empty(house, path, kind):
    """What a form of another site can send changes nothing, though it says nothing of itself."""
    browser = await signed_in_browser(house)
    browser.browser = False
    headers = {"content-type": kind} if kind else {}

    answer = await browser.ask("POST", path, headers=headers)

    assert (answer.status, answer.code) == (415, "unsupported-media-type")


async def test_the_peer_counts_and_no_header_unless_a_proxy_is_declared(build):
    house = build()
    await house.add("carol")
    client = house.client(peer="198.51.100.9")
    claimed = {"x-forwarded-for": "10.0.0.1", "forwarded": "for=10.0.0.1", "x-real-ip": "10.0.0.1"}

    await client.post(
        "/v1/ceremony", {"identifier": "carol", "password": PASSWORD}, headers=claimed
    )

    assert (await client.get("/v1/sessions")).json["sessions"][0]["address"] == "198.51.100.9"


async def test_a_declared_proxy_says_who_asks(build):
    house = build(proxies="10.0.0.0/8")
    await house.add("carol")
    client = house.client(peer="10.1.1.1")
    headers = {"x-forwarded-for": "203.0.113.5, 198.51.100.7, 10.2.2.2"}

    await client.post(
        "/v1/ceremony", {"identifier": "carol", "password": PASSWORD}, headers=headers
    )

    assert (await client.get("/v1/sessions")).json["sessions"][0]["address"] == "198.51.100.7"


async def test_a_forced_enrolment_goes_through_cookies_too(build):
    house = build(policy=Policy(enforcement=Enforcement.REQUIRED))
    browser = await signed_in_browser(house)
    assert "__Host-twofold_s" not in browser.jar
    shown = await browser.post("/v1/ceremony/enroll", {"kind": "totp"})
    assert shown.json["state"] == "enroll_confirm"
    assert len(browser.jar["__Host-twofold_ct"][0]) < 3_800

    code = totp(secret_of(shown.json["otpauth_uri"]), house.clock.now())
    done = await browser.post("/v1/ceremony/confirm", {"code": code})

    assert len(done.json["result"]["recovery_codes"]) == 10
    assert (await browser.get("/v1/session")).json["acr"] == "urn:twofold:aal2"


async def test_a_ticket_stays_in_the_transport_it_was_made_for(house):
    await house.add("alice", "totp")
    browser = house.browser()
    await browser.start("alice", transport="cookie")
    ticket = browser.jar.pop("__Host-twofold_ct")[0]
    browser.ticket = ticket

    in_a_header = await browser.verify(house.code("alice"))
    browser.ticket = None
    await browser.start("alice", transport="json")
    browser.jar["__Host-twofold_ct"] = (browser.ticket, "/")
    browser.ticket = None
    in_a_cookie = await browser.verify(house.code("alice"))

    assert (in_a_header.status, in_a_header.code) == (410, "ceremony-expired")
    assert (in_a_cookie.status, in_a_cookie.code) == (410, "ceremony-expired")
