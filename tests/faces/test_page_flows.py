"""What the pages do beyond asking: leading back, helping, speaking languages, forgiving."""

import re
from urllib.parse import quote, unquote, urlencode

import pytest

from tests.faces.house import BASE, PASSWORD, secret_of, totp
from tests.faces.test_pages import Browser, Page, picture_of, sign_in
from twofold.core.networks import Networks
from twofold.core.policy import Enforcement, Policy
from twofold.core.types import Transport
from twofold.faces.pages import _FILES
from twofold.faces.transport import Entrance
from twofold.web.kit import Request
from twofold.web.limits import Limits

APP = "https://app.example.org"
FOREIGN = [
    "//evil.example",
    "/\\evil.example",
    "/%2fevil.example",
    "/%5cevil.example",
    "https://evil.example/",
    "https:evil.example",
    "javascript:alert(1)",
    "data:text/html,x",
    "/\t/evil.example",
    "/a\r\nset-cookie:x=1",
    f"{APP}.evil.example/",
    f"{APP}@evil.example/",
    f"{APP}:8443/",
    f"{APP}//evil.example",
    f"{APP}/\\evil.example",
    f"{APP}\\evil",
    f"{APP}?x",
    "http://app.example.org/",
    "HTTPS://app.example.org/",
    "/../x",
    "account",
    "remove:0123456789abcdef",
    "",
]
LOCAL = ["/account?tab=2&next=//x", "/account", "/a/b%C3%BC", APP, f"{APP}/inbox?a=1&b=%2F"]


async def leads_to(browser, action, **typed):
    """Where the answer to a form sends the browser."""
    form = browser.page.form(action)
    answer = await browser.client.ask("POST", action, form=form["f"] | typed)
    assert answer.status == 303, answer.text
    place = answer.header("location")
    if not place.startswith("/login/remember"):
        return place
    asked = Page(await browser.client.get(place))
    given = asked.form("/login/remember")["f"] | {"answer": "no"}
    answer = await browser.client.ask("POST", "/login/remember", form=given)
    return answer.header("location")


@pytest.fixture
def open_house(build):
    return build(front={"return_to": (APP,)})


@pytest.mark.parametrize("target", LOCAL)
async def test_a_sign_in_leads_back(open_house, target):
    await open_house.add("carol")
    browser = Browser(open_house)
    await browser.visit(f"/login?{urlencode({'return_to': target})}")

    assert await leads_to(browser, "/login", name="carol", password=PASSWORD) == target


@pytest.mark.parametrize("target", LOCAL)
async def test_the_target_travels_sealed_through_every_step(open_house, target):
    await open_house.add("alice", "totp")
    browser = Browser(open_house)
    await browser.visit(f"/login?{urlencode({'return_to': target})}")
    await browser.send("/login", name="alice", password="wrong")
    await browser.send("/login", password=PASSWORD)
    assert target not in browser.page.answer.text.replace("&amp;", "&") or target == "/account"
    await browser.send("/login/code", code=open_house.wrong("alice"))

    code = open_house.code("alice")
    assert await leads_to(browser, "/login/code", code=code, return_to="/elsewhere") == target


@pytest.mark.parametrize("target", FOREIGN)
@pytest.mark.parametrize("way", ["query", "form", "signed-in"])
async def test_a115_nobody_is_led_elsewhere(open_house, target, way):
    """Open redirect: the victim trusts our address and lands on another."""
    await open_house.add("carol")
    browser = Browser(open_house)
    query = f"/login?{urlencode({'return_to': target})}"
    if way == "signed-in":
        browser = await sign_in(open_house, "carol")
        answer = await browser.client.get(query)
        assert (answer.status, answer.header("location")) == (303, "/account")
        return
    await browser.visit(query if way == "query" else "/login")
    typed = {"return_to": target} if way == "form" else {}

    assert await leads_to(browser, "/login", name="carol", password=PASSWORD, **typed) == "/account"


async def test_a_target_that_is_given_twice_is_refused_and_not_guessed(open_house):
    answer = await open_house.client().get("/login?return_to=/a&return_to=//evil.example")

    assert answer.status == 400


async def test_an_origin_that_was_taken_off_the_list_is_no_target_any_more(build):
    house = build(front={"return_to": (APP,)})
    await house.add("alice", "totp")
    browser = Browser(house)
    await browser.visit(f"/login?{urlencode({'return_to': APP})}")
    await browser.send("/login", name="alice", password=PASSWORD)
    later = build(store=house.store, front={})
    later.ring, browser.client.app = house.ring, later.app

    assert await leads_to(browser, "/login/code", code=house.code("alice")) == "/account"


async def test_a_form_may_lead_to_a_listed_origin_and_to_no_other(open_house):
    answer = await open_house.client().get("/login")

    assert answer.header("content-security-policy").endswith(f"form-action 'self' {APP}")


async def test_recovery_codes_do_not_lose_the_target(build):
    house = build(policy=Policy(enforcement=Enforcement.REQUIRED), front={"return_to": (APP,)})
    await house.add("carol")
    browser = Browser(house)
    await browser.visit(f"/login?{urlencode({'return_to': APP + '/in?a=1&a=2&b='})}")
    await browser.send("/login", name="carol", password=PASSWORD)
    await browser.send("/login/enrol", kind="totp")
    uri = picture_of(browser.page).text
    form = browser.page.form("/login/enrol/confirm")["f"]
    code = totp(secret_of(uri), house.clock.now())
    answer = await browser.client.ask("POST", "/login/enrol/confirm", form=form | {"code": code})

    page = Page(answer)
    fields = [(t["name"], t["value"]) for tag, t in page.tags if t.get("type") == "hidden"]
    assert page.forms[0]["action"] == "/login/remember"
    assert page.forms[0]["method"] == "get"
    assert fields == [("return_to", f"{APP}/in?a=1&a=2&b=")]


async def test_a_hint_fills_the_name_in_as_text(house):
    browser = Browser(house)
    hint = '"><b>' + "x" * 300

    await browser.visit(f"/login?login_hint={quote(hint)}")

    assert browser.page.form("/login")["f"]["name"] == hint[:254]
    assert "<b>" not in browser.page.answer.text


async def test_a_language_is_chosen_once_and_kept(house):
    await house.add("alice", "totp")
    browser = Browser(house)

    page = await browser.visit("/login?locale=de&return_to=/account")
    assert '<html lang="de" dir="ltr">' in page.answer.text
    assert page.form("/login")["f"]["return_to"] == "/account"
    assert "/login?locale=en&return_to=%2Faccount" in page.links
    await browser.send("/login", name="alice", password="wrong")
    assert "Der Name oder das Passwort stimmt nicht." in browser.page.words
    await browser.send("/login", password=PASSWORD)
    await browser.send("/login/code", code=house.wrong("alice"))
    assert "Dieser Code stimmt nicht." in browser.page.words
    assert "4 Versuche sind übrig." in browser.page.words


async def test_a_browser_is_answered_in_its_language(house):
    answer = await house.client().get("/login", headers={"accept-language": "de-CH, en;q=0.5"})

    assert '<html lang="de"' in answer.text


async def test_a_page_may_run_from_right_to_left(house):
    answer = await house.client().get("/login?locale=ar-XB")

    assert '<html lang="ar-XB" dir="rtl">' in answer.text


@pytest.mark.parametrize("tag", ["xx", "../de", "de%00", "", "d" * 500])
async def test_a_language_we_do_not_have_changes_nothing(house, tag):
    answer = await house.client().get(f"/login?locale={tag}")

    if answer.status == 200:
        assert '<html lang="en"' in answer.text
        assert "twofold_l" not in str(answer.headers)
    else:
        assert answer.status == 400  # a NUL


async def test_a_query_that_makes_no_sense_is_a_plain_refusal(house):
    answer = await house.client().get("/login?locale=de&locale=en")

    assert answer.status == 400
    assert '<html lang="en"' in answer.text


def asking(**headers):
    pairs = [(name.replace("_", "-").encode(), value.encode()) for name, value in headers.items()]
    scope = {"type": "http", "method": "GET", "headers": pairs, "query_string": b""}

    async def receive():
        raise AssertionError

    return Request(scope, receive, Limits(), Networks())


@pytest.mark.parametrize(
    ("transport", "cookie", "expected"),
    [
        (Transport.COOKIE, "__Host-twofold_l=de", "de"),
        (Transport.COOKIE, "__Host-twofold_l=xx", "en"),
        (Transport.JSON, "__Host-twofold_l=de", "en"),
    ],
)
def test_the_engine_hears_which_language_is_read(house, transport, cookie, expected):
    entrance = Entrance(house.site)

    context = entrance.context(asking(cookie=cookie, accept_language="en"), transport)

    assert context.locale == expected


async def test_a_slow_clock_is_told_to_whoever_has_the_key_and_costs_a_guess(house):
    """E04: of a step that is over nobody can make use."""
    await house.add("alice", "totp")
    browser = await sign_in(house, "alice")

    await browser.send("/login/code", code=house.code("alice", offset=-4))

    assert "clock seems to be about 2 minutes slow" in browser.page.words
    assert "4 tries are left" in browser.page.words


@pytest.mark.parametrize("offset", [1, 2, 4, 10])
async def test_of_a_code_to_come_not_a_word_is_said(house, offset):
    """It would tell a guesser what opens the account in a minute."""
    await house.add("alice", "totp")
    browser = await sign_in(house, "alice")
    await browser.send("/login/code", code=house.wrong("alice"))
    plain = browser.page.words

    browser = await sign_in(house, "alice")
    await browser.send("/login/code", code=house.code("alice", offset=offset))

    assert browser.page.words == plain


async def test_a_page_knows_how_long_until_another_code_and_how_long_one_is_good(house):
    await house.add("dave", "email")
    browser = await sign_in(house, "dave")
    house.clock.forward(20)
    await browser.visit("/login/code")

    assert 'data-wait="40"' in browser.page.answer.text
    assert "You can have another code sent at" in browser.page.words
    assert "It is good for 10 minutes." in browser.page.words
    house.clock.forward(41)
    await browser.visit("/login/code")
    assert "data-wait" not in browser.page.answer.text
    assert "another code sent at" not in browser.page.words


async def test_a_field_knows_how_many_digits_complete_a_code(house):
    await house.add("alice", "totp")
    await house.add("dave", "email")

    for name in ("alice", "dave"):
        browser = await sign_in(house, name)
        field = next(given for _, given in browser.page.tags if given.get("name") == "code")
        assert field["data-digits"] == "6"


async def test_a_demand_says_how_many_days_it_may_wait(build):
    house = build(policy=Policy(enforcement=Enforcement.REQUIRED, grace=3 * 86_400))
    await house.add("carol")

    house.clock.forward(3_600)
    browser = await sign_in(house, "carol")
    assert "You can put this off for 2 more days." in browser.page.words
    house.clock.forward(2 * 86_400)
    browser = await sign_in(house, "carol")
    assert "later today" in browser.page.words


async def test_the_steps_of_a_set_up_are_counted(house):
    await house.add("carol")
    browser = await sign_in(house, "carol")
    browser = await begins(house, browser)

    assert "Step 1 of 3" in browser.page.words
    await browser.send("/login/enrol", kind="totp")
    assert "Step 2 of 3" in browser.page.words
    uri = picture_of(browser.page).text
    await browser.send("/login/enrol/confirm", code=totp(secret_of(uri), house.clock.now()))
    assert "Step 3 of 3" in browser.page.words
    browser = await begins(house, browser)
    assert "Step 1 of 2" in browser.page.words


async def begins(house, browser):
    """Begin to set a method up, as the security page does."""
    session = browser.client.jar["__Host-twofold_s"][0]
    assert session
    body = {"kind": "enroll"}
    headers = {"sec-fetch-site": "same-origin", "origin": BASE}
    answer = await browser.client.post("/v1/ceremony", body, headers=headers)
    assert answer.status in {200, 201}, answer.text
    await browser.visit("/login/enrol")
    return browser


@pytest.mark.parametrize("steps", [1, 2])
async def test_whoever_cancels_a_set_up_leaves_nothing_behind(house, steps):
    await house.add("carol")
    browser = await sign_in(house, "carol")
    await begins(house, browser)
    if steps == 2:
        await browser.send("/login/enrol", kind="totp")

    await browser.send("/login/cancel")

    assert browser.path == "/account"
    assert "Only your password protects this account." in browser.page.words


async def test_recovery_codes_can_be_taken_away_without_script(house):
    await house.add("carol")
    browser = await sign_in(house, "carol")
    await begins(house, browser)
    await browser.send("/login/enrol", kind="totp")
    uri = picture_of(browser.page).text
    await browser.send("/login/enrol/confirm", code=totp(secret_of(uri), house.clock.now()))

    codes = re.findall(r"<li><code>([^<]+)</code>", browser.page.answer.text)
    link = next(given for tag, given in browser.page.tags if "download" in given)
    kept = unquote(link["href"].removeprefix("data:,")).splitlines()
    assert kept[:3] == ["Twofold", "carol", "2027-01-15"]
    assert kept[-10:] == codes
    assert link["download"] == "twofold-carol-2027-01-15.txt"


async def test_a_form_that_is_sent_twice_does_its_work_once(house):
    """E48."""
    await house.add("alice", "totp")
    browser = await sign_in(house, "alice")
    form = browser.page.form("/login/code")["f"] | {"code": house.code("alice")}
    jar = dict(browser.client.jar)

    first = await browser.client.ask("POST", "/login/code", form=form)
    browser.client.jar = jar
    second = await browser.client.ask("POST", "/login/code", form=form)

    assert (first.status, second.status) == (303, 303)
    assert first.header("location") == second.header("location")
    assert first.header("location") == "/login/remember?return_to=%2Faccount"
    assert (await house.events()).count("login.granted") == 1


async def walk(house, locale="en"):
    """Every page of a sign-in and of a set-up, as (name, page)."""
    await house.add("bo9", "totp", "email", "recovery")
    await house.add("cy9")
    browser = Browser(house)
    yield "login", await browser.visit(f"/login?locale={locale}")
    await browser.send("/login", name="bo9", password="wrong")
    yield "login-wrong", browser.page
    await browser.send("/login", password=PASSWORD)
    yield "code", browser.page
    await browser.send("/login/code", code=house.code("bo9", offset=-4))
    yield "code-slow", browser.page
    yield "recovery", await browser.visit("/login/code?use=recovery")
    await browser.send("/login/code", recovery_code="wrong")
    yield "recovery-wrong", browser.page
    mailbox = next(form for form in browser.page.forms if form["action"] == "/login/challenge")
    await browser.send("/login/challenge", _pick={"factor": mailbox["f"]["factor"]}.items())
    yield "sent", browser.page
    await browser.send("/login/challenge")
    yield "cooldown", browser.page
    house.clock.forward(400)
    await browser.send("/login/code", code="123456")
    yield "expired", browser.page
    browser = Browser(house)
    await browser.visit(f"/login?locale={locale}")
    await browser.send("/login", name="cy9", password=PASSWORD)
    await begins(house, browser)
    yield "choose", browser.page
    await browser.send("/login/enrol", kind="totp")
    yield "set-up", browser.page
    uri = picture_of(browser.page).text
    yield "set-up-again", await browser.visit("/login/enrol")
    await browser.send("/login/enrol/confirm", code="000000")
    yield "confirm-wrong", browser.page
    await browser.send("/login/enrol/confirm", code=totp(secret_of(uri), house.clock.now()))
    yield "codes", browser.page


DATA = re.compile(
    r"<(script|code|title|svg|time)\b.*?</\1>|otpauth:\S+|Twofold|English|Deutsch|\bbo9\S*|"
    r"\bcy9\S*|b\*\*\*@e\*\*\*\.org|SHA1|UTC|data:,[^\"]*",
    re.DOTALL,
)
SPOKEN = re.compile(
    r'\b(?:aria-label|title|alt|placeholder|data-(?:done|other|soon|over|slow|fast))="([^"]*)"'
)


def unmarked(html):
    """The words of a page that did not go through a catalogue."""
    html = DATA.sub(" ", html)
    text = " ".join([re.sub(r"<[^>]*>", " ", html), *SPOKEN.findall(html)])
    while (shorter := re.sub(r"⟦[^⟦⟧]*⟧", " ", text)) != text:
        text = shorter
    return re.findall(r"[^\W\d_]{2,}", re.sub(r"&\w+;", " ", text))


async def test_every_word_of_a_page_goes_through_the_catalogue(house):
    async for name, page in walk(house, "en-XA"):
        assert unmarked(page.answer.text) == [], name


async def test_a_page_is_light_and_has_nothing_inline(house):
    """Less than 60 kB with everything it needs, and less than 10 kB of script (issue 3)."""
    assert sum(len(f.body) for n, f in _FILES.items() if n.endswith(".js")) < 10_000
    async for name, page in walk(house):
        text = re.sub(r"<svg.*?</svg>", "", page.answer.text, flags=re.DOTALL)
        weight = len(text.encode())
        for path in re.findall(r'(?:src|href)="(/(?:static/|theme)[^"]+)"', text):
            weight += len((await house.client().get(path)).body)
        assert weight < 60_000, name
        nonce = re.search(r"'nonce-([^']+)'", page.answer.header("content-security-policy"))[1]
        scripts = [given for tag, given in page.tags if tag == "script"]
        assert scripts
        for given in scripts:
            assert given["nonce"] == nonce
            assert given["src"].startswith("/static/")
        assert "style" not in [tag for tag, _ in page.tags]
        assert re.search(r"<script[^>]*>[^<]", text) is None
