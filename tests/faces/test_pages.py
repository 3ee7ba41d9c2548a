"""The pages, as a browser without script uses them: links, forms, redirects, cookies."""

import hashlib
import re
from html.parser import HTMLParser

import pytest
import zxingcpp
from PIL import Image

from tests.faces.house import PASSWORD, START, secret_of, totp
from twofold.core.keyring import MasterKey
from twofold.core.networks import parse_networks
from twofold.core.policy import Closing, Enforcement, Policy


class Page(HTMLParser):
    """The forms, links and words of a page."""

    def __init__(self, answer):
        super().__init__()
        self.answer = answer
        self.forms, self.links, self.ids, self.labels = [], [], [], set()
        self.words, self.described, self.tags = "", [], []
        self.feed(answer.text)

    def handle_starttag(self, tag, attrs):
        given = dict(attrs)
        self.tags.append((tag, given))
        if "id" in given:
            self.ids.append(given["id"])
        if "aria-describedby" in given:
            self.described.append(given["aria-describedby"])
        match tag:
            case "form":
                self.forms.append({"action": given["action"], "method": given["method"], "f": {}})
            case "button" if "name" in given:
                self.forms[-1]["f"].pop(given["name"], None)  # sent only when it is pressed
            case "input" if "name" in given:
                self.forms[-1]["f"][given["name"]] = given.get("value", "")
            case "a":
                self.links.append(given["href"])
            case "label":
                self.labels.add(given.get("for"))

    def handle_data(self, data):
        self.words += data

    def form(self, action, **wanted):
        return next(
            form
            for form in self.forms
            if form["action"] == action and wanted.items() <= form["f"].items()
        )


class Browser:
    """Follows redirects, and fills in what it is told.

    It is nobody's browser to remember, unless a test ``asks`` about that.
    """

    def __init__(self, house, *, asks=False, **others):
        self.asks = asks
        self.client = house.browser(**others)
        self.page = None
        self.path = None

    async def visit(self, path):
        answer = await self.client.get(path)
        return await self._follow(path, answer)

    async def send(self, action, _pick=(), **typed):
        form = self.page.form(action, **dict(_pick))
        assert form["method"] in {"get", "post"}
        if form["method"] == "get":
            return await self.visit(action)
        answer = await self.client.ask("POST", action, form=form["f"] | typed)
        return await self._follow(action, answer)

    async def _follow(self, path, answer):
        self.path = path
        while answer.status == 303:
            assert answer.body == b""
            self.path = answer.header("location")
            assert self.path.startswith("/")
            assert not self.path.startswith("//")
            answer = await self.client.get(self.path)
        self.page = Page(answer)
        check(self.page)
        if self.path.startswith("/login/remember") and not self.asks:
            await self.send("/login/remember", answer="no")
        return self.page


def check(page):
    """What holds on every page: labels, single ids, nothing from elsewhere."""
    text = page.answer.text
    assert page.answer.header("content-type") == "text/html; charset=utf-8"
    assert page.answer.header("cache-control") == "no-store"
    assert len(page.ids) == len(set(page.ids))
    assert set(page.described) <= set(page.ids)
    assert text.count("<h1>") == 1
    for tag, given in page.tags:
        hidden = given.get("type") in {"hidden", "checkbox"} or "hidden" in given
        if tag == "input" and not hidden:
            assert given["id"] in page.labels
        for name in ("src", "href", "action"):
            if name in given:
                assert given[name].startswith(("/", "otpauth:", "data:,")), given[name]
        assert not any(name.startswith("on") for name in given)
        assert "style" not in given
    for form in page.forms:
        assert ("csrf_token" in form["f"]) is (form["method"] == "post")


async def sign_in(house, name, password=PASSWORD):
    browser = Browser(house)
    await browser.visit("/login")
    await browser.send("/login", name=name, password=password)
    return browser


async def test_name_and_password_lead_to_the_account(kept):
    await kept.add("carol")

    browser = await sign_in(kept, "carol")

    assert browser.path == "/account"
    assert "carol" in browser.page.words
    assert "Only your password protects this account." in browser.page.words


async def test_a_wrong_password_is_said_beside_the_form_and_the_name_stays(house):
    await house.add("carol")

    browser = await sign_in(house, "carol", "wrong")

    assert browser.page.answer.status == 422
    assert "The name or the password is not right." in browser.page.words
    assert browser.page.form("/login")["f"]["name"] == "carol"
    assert browser.page.form("/login")["f"]["password"] == ""
    await browser.send("/login", password=PASSWORD)
    assert browser.path == "/account"


async def test_a_code_is_asked_for_on_a_page_of_its_own(kept):
    await kept.add("alice", "totp")

    browser = await sign_in(kept, "alice")

    assert browser.path == "/login/code"
    field = next(given for tag, given in browser.page.tags if given.get("name") == "code")
    assert field["type"] == "text"
    assert field["inputmode"] == "numeric"
    assert field["autocomplete"] == "one-time-code"
    assert field["maxlength"] == "16"
    assert "required" in field
    await browser.send("/login/code", code=kept.code("alice"))
    assert browser.path == "/account"
    assert "two factors" in browser.page.words


async def test_no_ticket_is_in_any_address_or_page(house):
    await house.add("alice", "totp")
    browser = await sign_in(house, "alice")
    ticket = browser.client.jar["__Host-twofold_ct"][0]

    assert ticket not in browser.page.answer.text
    assert "?" not in browser.path


@pytest.mark.parametrize(
    "spell",
    [
        lambda code: f"{code[:3]} {code[3:]}",
        lambda code: code.translate({48 + n: 0xFF10 + n for n in range(10)}),
        lambda code: code.translate({48 + n: 0x0660 + n for n in range(10)}),
    ],
)
async def test_a_code_is_read_from_any_keyboard(house, spell):
    """E08."""
    await house.add("alice", "totp")
    browser = await sign_in(house, "alice")

    await browser.send("/login/code", code=spell(house.code("alice")))

    assert browser.path == "/account"


async def test_a_wrong_code_says_how_many_tries_are_left(house):
    await house.add("alice", "totp")
    browser = await sign_in(house, "alice")

    await browser.send("/login/code", code=house.wrong("alice"))

    assert browser.page.answer.status == 422
    assert "4 tries are left" in browser.page.words
    assert browser.page.form("/login/code")["f"]["code"] == ""
    await browser.send("/login/code", code="")
    assert browser.page.answer.status == 400
    await browser.send("/login/code", code="1" * 300)
    assert browser.page.answer.status == 400
    await browser.send("/login/code", code=house.code("alice"))
    assert browser.path == "/account"


async def test_a_blocked_method_says_how_long(house):
    await house.add("alice", "totp")
    for _ in range(2):
        browser = await sign_in(house, "alice")
        for _ in range(5):
            await browser.send("/login/code", code=house.wrong("alice"))
    browser = await sign_in(house, "alice")

    await browser.send("/login/code", code=house.code("alice"))

    assert browser.page.answer.status == 429
    assert int(browser.page.answer.header("retry-after")) > 0
    assert re.search(r"Wait \d+ seconds", browser.page.words)


async def test_too_many_wrong_codes_end_the_sign_in(house):
    await house.add("alice", "totp")
    browser = await sign_in(house, "alice")
    for _ in range(5):
        assert browser.page.form("/login/code")
        await browser.send("/login/code", code=house.wrong("alice"))

    assert browser.page.answer.status == 409
    assert "/login" in browser.page.links
    assert "__Host-twofold_ct" not in browser.client.jar


async def test_a_recovery_code_has_a_field_of_its_own(kept):
    await kept.add("alice", "totp", "recovery")
    browser = await sign_in(kept, "alice")
    assert "/login/code?use=recovery" in browser.page.links

    page = await browser.visit("/login/code?use=recovery")
    field = next(given for tag, given in page.tags if given.get("name") == "recovery_code")
    assert field["inputmode"] == "text"
    await browser.send("/login/code", recovery_code="wrong-wrong")
    assert browser.page.answer.status == 422
    assert "recovery_code" in browser.page.form("/login/code")["f"]
    await browser.send("/login/code", recovery_code=kept.secrets["alice", "recovery"][0])

    assert browser.path == "/account"
    assert "You signed in with a recovery code." in browser.page.words
    assert "9 of 10 recovery codes are left" in browser.page.words


async def test_a_mailed_code_is_sent_again_when_it_may_be(house):
    await house.add("dave", "email")
    browser = await sign_in(house, "dave")
    assert "We sent a code to d***@e***.org" in " ".join(browser.page.words.split())
    first = (await house.mailed())["code"]

    await browser.send("/login/challenge")
    assert browser.page.answer.status == 429
    assert "You can have another code sent at" in browser.page.words
    house.clock.forward(61)
    await browser.send("/login/challenge")
    assert browser.path == "/login/code"
    await browser.send("/login/code", code=first)
    assert browser.page.answer.status == 422
    await browser.send("/login/code", code=(await house.mailed())["code"])

    assert browser.path == "/account"


async def test_there_is_a_way_to_every_other_method(house):
    await house.add("erin", "totp", "email", "recovery")
    browser = await sign_in(house, "erin")

    mailbox = next(form for form in browser.page.forms if form["action"] == "/login/challenge")
    await browser.send("/login/challenge", _pick={"factor": mailbox["f"]["factor"]}.items())
    assert "We sent a code to" in browser.page.words
    app = next(link for link in browser.page.links if "factor=" in link)
    await browser.visit(app)
    await browser.send("/login/code", code=house.code("erin"))

    assert browser.path == "/account"


async def test_a_code_that_is_on_its_way_elsewhere_is_offered_to_be_sent(house):
    await house.add("erin", "totp", "email")
    browser = await sign_in(house, "erin")
    mailbox = next(form for form in browser.page.forms if form["action"] == "/login/challenge")

    page = await browser.visit(f"/login/code?factor={mailbox['f']['factor']}")

    assert "We can send a code to" in page.words
    await browser.send("/login/challenge")
    await browser.send("/login/code", code=(await house.mailed())["code"])
    assert browser.path == "/account"


async def test_whoever_gives_up_is_back_at_the_start(house):
    await house.add("alice", "totp")
    browser = await sign_in(house, "alice")

    await browser.send("/login/cancel")

    assert browser.path == "/login"
    assert "__Host-twofold_ct" not in browser.client.jar


def picture_of(page):
    """The QR code of a page, drawn from its SVG."""
    text = page.answer.text
    side = int(re.search(r'viewBox="0 0 (\d+) ', text)[1])
    path = re.search(r'stroke="#000" d="([^"]+)"', text)[1]
    image = Image.new("L", (side, side), 255)
    for x, y, run in re.findall(r"M(\d+) (\d+)\.5h(\d+)", path):
        for step in range(int(run)):
            image.putpixel((int(x) + step, int(y)), 0)
    return zxingcpp.read_barcodes(image.resize((side * 4, side * 4), Image.Resampling.NEAREST))[0]


async def test_a_demanded_enrolment_goes_from_picture_to_recovery_codes(build):
    house = build(policy=Policy(enforcement=Enforcement.REQUIRED))
    await house.add("carol")
    browser = await sign_in(house, "carol")
    assert browser.path == "/login/enrol"
    assert "needs a second method" in browser.page.words

    await browser.send("/login/enrol", kind="totp")

    uri = picture_of(browser.page).text
    assert uri in [link.replace("&amp;", "&") for link in browser.page.links]
    groups = re.search(r'<code dir="ltr">([A-Z2-7 ]+)</code>', browser.page.answer.text)[1]
    assert secret_of(uri) == secret_of(f"otpauth://x?secret={groups.replace(' ', '')}")
    await browser.send("/login/enrol/confirm", code="000000")
    assert browser.page.answer.status == 422
    assert groups not in browser.page.answer.text
    await browser.send("/login/enrol/confirm", code="")
    assert browser.page.answer.status == 400
    await browser.send("/login/enrol/confirm", code=totp(secret_of(uri), house.clock.now()))
    codes = re.findall(r"<li><code>([^<]+)</code>", browser.page.answer.text)
    assert len(codes) == 10
    box = next(given for tag, given in browser.page.tags if given.get("type") == "checkbox")
    assert "required" in box
    await browser.send("/login/remember")
    assert browser.path == "/account"
    assert "10 of 10 recovery codes are left" in browser.page.words
    assert codes[0] not in browser.page.answer.text


async def test_a_page_that_is_opened_again_shows_no_secret(build):
    house = build(policy=Policy(enforcement=Enforcement.REQUIRED))
    await house.add("carol")
    browser = await sign_in(house, "carol")
    await browser.send("/login/enrol", kind="totp")
    groups = re.search(r'<code dir="ltr">([A-Z2-7 ]+)</code>', browser.page.answer.text)[1]

    page = await browser.visit("/login/enrol")

    assert groups not in page.answer.text
    assert "<svg" not in page.answer.text
    assert page.form("/login/enrol/confirm")


async def test_a_demanded_enrolment_may_be_put_off(build):
    house = build(policy=Policy(enforcement=Enforcement.REQUIRED, grace=3_600))
    await house.add("carol")
    browser = await sign_in(house, "carol")

    await browser.send("/login/skip")

    assert browser.path == "/account"


async def test_a_mailbox_is_enrolled_with_its_code(house):
    await house.add("carol")
    browser = await sign_in(house, "carol")
    await browser.send("/account/methods/add")
    assert browser.path == "/login/enrol"
    assert "Choose what you want to use" in browser.page.words

    await browser.send("/login/enrol", kind="email")
    assert "c***@e***.org" in browser.page.words
    await browser.send("/login/enrol/confirm", code=(await house.mailed())["code"])

    assert "Save your recovery codes" in browser.page.words


async def test_a_method_can_be_given_a_name(house):
    await house.add("carol")
    browser = await sign_in(house, "carol")
    await browser.send("/account/methods/add")

    await browser.send("/login/enrol", kind="totp", label="a\u202eb")
    assert browser.page.answer.status == 400
    await browser.send("/login/enrol", kind="totp", label=" Blue phone ")
    uri = picture_of(browser.page).text
    await browser.send("/login/enrol/confirm", code=totp(secret_of(uri), house.clock.now()))
    await browser.send("/account")

    assert "Blue phone" in browser.page.words


async def test_strangers_mailboxes_get_few_letters(house):
    """A139."""
    await house.add("carol")
    browser = await sign_in(house, "carol")
    await browser.send("/account/methods/add")
    for _ in range(6):
        await browser.send("/login/enrol", kind="email")

    assert browser.page.answer.status == 429
    assert browser.page.answer.header("retry-after")


async def test_sessions_may_all_end_with_a_new_method(build):
    house = build(policy=Policy(closing=Closing.ALL))
    await house.add("carol")
    browser = await sign_in(house, "carol")
    await browser.send("/account/methods/add")
    await browser.send("/login/enrol", kind="totp")
    uri = picture_of(browser.page).text

    await browser.send("/login/enrol/confirm", code=totp(secret_of(uri), house.clock.now()))
    assert "Save your recovery codes" in browser.page.words
    await browser.send("/account")

    assert browser.path == "/login"


async def test_signing_out_ends_the_session(house):
    await house.add("carol")
    browser = await sign_in(house, "carol")
    held = dict(browser.client.jar)

    await browser.send("/logout")

    assert browser.path == "/login"
    assert "__Host-twofold_s" not in browser.client.jar
    browser.client.jar = held
    await browser.visit("/account")
    assert browser.path == "/login"


async def test_whoever_is_signed_in_is_led_on(house):
    await house.add("carol")
    browser = await sign_in(house, "carol")

    for path in ("/", "/login"):
        await browser.visit(path)
        assert browser.path == "/account"
    house.clock.forward(40 * 86_400)
    await browser.visit("/login")
    assert browser.path == "/login"


@pytest.mark.parametrize(
    "path", ["/", "/account", "/login/code", "/login/enrol", "/login/password"]
)
async def test_whoever_is_not_signed_in_is_led_to_the_start(house, path):
    browser = Browser(house)

    await browser.visit(path)

    assert browser.path == "/login"


@pytest.mark.parametrize(
    ("path", "kinds", "lands"),
    [
        ("/login/enrol", ("totp",), "/login/code"),
        ("/login/password", ("totp",), "/login/code"),
    ],
)
async def test_a_page_of_another_step_leads_to_the_right_one(house, path, kinds, lands):
    await house.add("alice", *kinds)
    browser = await sign_in(house, "alice")

    await browser.visit(path)

    assert browser.path == lands


async def test_the_page_of_the_code_leads_to_an_enrolment_that_is_due(build):
    house = build(policy=Policy(enforcement=Enforcement.REQUIRED))
    await house.add("carol")
    browser = await sign_in(house, "carol")

    await browser.visit("/login/code")

    assert browser.path == "/login/enrol"


async def test_an_expired_sign_in_says_so(house):
    await house.add("alice", "totp")
    browser = await sign_in(house, "alice")
    house.clock.forward(301)

    await browser.send("/login/code", code=house.code("alice"))

    assert browser.page.answer.status == 410
    assert "expired" in browser.page.words
    assert "/login" in browser.page.links


FORMS = [
    "/login",
    "/login/password",
    "/login/code",
    "/login/challenge",
    "/login/cancel",
    "/login/enrol",
    "/login/enrol/confirm",
    "/login/skip",
]


@pytest.mark.parametrize("action", FORMS)
@pytest.mark.parametrize("forged", ["none", "empty", "odd", "another", "no-cookie", "elsewhere"])
async def test_a_form_that_is_not_from_our_page_changes_nothing(house, action, forged):
    """A109."""
    await house.add("carol")
    browser = await sign_in(house, "carol")
    stranger = Browser(house)
    await stranger.visit("/login")
    token = stranger.page.form("/login")["f"]["csrf_token"]
    fields = {"name": "carol", "password": PASSWORD, "code": "1", "kind": "totp", "token": "x"}
    own = browser.page.forms[0]["f"]["csrf_token"]
    fields["csrf_token"] = {"another": token, "empty": "", "odd": "!!"}.get(forged, own)
    if forged == "none":
        del fields["csrf_token"]
    if forged == "no-cookie":
        browser.client.jar = {
            name: value for name, value in browser.client.jar.items() if name != "__Host-twofold_c"
        }
    headers = {"origin": "https://evil.example"} if forged == "elsewhere" else {}
    if forged == "elsewhere":
        headers["sec-fetch-site"] = "cross-site"
    before = await house.events()

    answer = await browser.client.ask("POST", action, form=fields, headers=headers)

    assert answer.status == 403, answer.text
    assert await house.events() == before


async def test_a_form_outlives_a_rotation_of_keys(house):
    await house.add("carol")
    browser = Browser(house)
    await browser.visit("/login")
    house.ring = house.ring.with_newest(MasterKey.of(hashlib.sha256(b"the next").digest(), START))

    await browser.send("/login", name="carol", password=PASSWORD)

    assert browser.path == "/account"
    await browser.send("/logout")  # a form that was made under the newer key
    assert browser.path == "/login"


async def test_a_token_in_a_header_is_no_sign_in_for_pages(house):
    await house.add("carol")
    client = house.client()
    await client.start("carol")

    answer = await client.get("/account")

    assert (answer.status, answer.header("location")) == (303, "/login")


async def test_a_busy_server_asks_for_patience(house):
    await house.add("carol")
    house.pool.queue_limit = house.pool.workers = 0

    browser = await sign_in(house, "carol")

    assert browser.page.answer.status == 503
    assert browser.page.answer.header("retry-after") == "1"


async def test_a_trusted_network_is_led_past_the_code(build):
    house = build(policy=Policy(trusted_networks=parse_networks("192.0.2.0/24")))
    await house.add("alice", "totp")

    browser = await sign_in(house, "alice")

    assert browser.path == "/account"
    assert "one factor" in browser.page.words


async def test_what_is_typed_is_shown_as_text(house):
    browser = await sign_in(house, '"><script>alert(1)</script>')

    assert "<script>alert" not in browser.page.answer.text


@pytest.mark.parametrize(
    ("name", "kind"),
    [("twofold.css", "text/css; charset=utf-8"), ("token.js", "text/javascript; charset=utf-8")],
)
async def test_what_pages_need_is_served_by_us(house, name, kind):
    answer = await house.client().get(f"/static/{name}")

    assert answer.status == 200
    assert answer.header("content-type") == kind
    assert answer.header("cache-control") == "public, max-age=86400"


@pytest.mark.parametrize("name", ["../pages.py", "..%2fpages.py", "nothing.css", "__init__.py"])
async def test_nothing_else_of_ours_is_served(house, name):
    assert (await house.client().get(f"/static/{name}")).status == 404
