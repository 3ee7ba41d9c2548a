"""Passkeys on the pages: what script asks for and sends, and what is said when it goes wrong."""

import json
import re
from html import unescape

import pytest

from tests.faces.house import PASSWORD
from tests.faces.test_pages import Browser, Page, check, sign_in
from tests.support.authenticator import Passkey, b64
from twofold.core.policy import Enforcement, Policy

ORIGIN = "https://login.example"
OPTIONS = "/login/passkey/options"
OPENS_NOTHING = "This passkey signs nobody in here."


def handed(browser, name):
    """What a page hands to script in an attribute."""
    return json.loads(unescape(re.search(rf"{name}='([^']*)'", browser.page.answer.text)[1]))


async def asked(browser, action="/login/passkey", **more):
    """What script does when the button of a form is pressed."""
    form = browser.page.form(action, credential="")
    answer = await browser.client.ask("POST", OPTIONS, form=form["f"] | more)
    assert answer.status == 200, answer.text
    assert answer.header("cache-control") == "no-store"
    return answer.json


async def answers(browser, key, action="/login/passkey", **wrong):
    said = await asked(browser, action)
    signed = json.dumps(key.get(said["options"], **wrong))
    return await browser.send(action, [("credential", "")], credential=signed)


async def sets_up(browser, key, label=""):
    await browser.send("/account/methods/add")
    await browser.send("/login/enrol", kind="webauthn", label=label)
    made = json.dumps(key.create(handed(browser, "data-create")))
    return await browser.send("/login/enrol/confirm", credential=made)


@pytest.fixture
async def alice(build):
    """A house, a browser that is signed in, and a passkey that was set up in it."""
    house = build(policy=Policy(enforcement=Enforcement.OPTIONAL), front={"rp_id": "login.example"})
    house.alice = await house.add("alice")
    browser, key = await sign_in(house, "alice"), Passkey(ORIGIN)
    await sets_up(browser, key)
    assert "Save your recovery codes" in browser.page.words
    house.clock.forward(5)
    return house, browser, key


async def at_sign_in(house, path="/login"):
    browser = Browser(house)
    await browser.visit(path)
    return browser


def ways(page):
    """Links to other methods."""
    links = (link for link in page.links if link.startswith("/login/code?factor="))
    return [link for link in links if "locale=" not in link]


async def at_second_step(house):
    browser = await at_sign_in(house)
    return await browser.send("/login", name="alice", password=PASSWORD), browser


async def test_looking_at_the_sign_in_begins_nothing(alice):
    house, _, _ = alice
    before = len(await house.events())
    browser = await at_sign_in(house)

    assert "__Host-twofold_ct" not in browser.client.jar
    assert 'autocomplete="username webauthn"' in browser.page.answer.text
    assert len(await house.events()) == before


async def test_a_passkey_alone_signs_in_and_leads_back(alice):
    house, _, key = alice
    browser = await at_sign_in(house, "/login?return_to=/account/not-me")

    await answers(browser, key)

    assert browser.path == "/account/not-me"


async def test_asking_writes_nothing_and_tells_nothing_of_anybody(alice):
    house, _, _ = alice
    browser = await at_sign_in(house)
    before = len(await house.events())

    said = await asked(browser)

    assert said["options"]["allowCredentials"] == []
    assert said["options"]["userVerification"] == "required"
    assert len(await house.events()) == before


async def test_tabs_share_a_sign_in_so_that_the_older_one_may_answer_too(alice):
    house, _, key = alice
    browser = await at_sign_in(house)
    first = await asked(browser, quiet="yes")
    house.clock.forward(1)
    await asked(browser, quiet="yes")

    signed = json.dumps(key.get(first["options"]))
    await browser.send("/login/passkey", credential=signed)

    assert browser.path == "/account"


async def test_an_old_sign_in_is_not_given_another_challenge(alice):
    house, _, key = alice
    browser = await at_sign_in(house)
    await asked(browser)
    house.clock.forward(200)

    await answers(browser, key)

    assert browser.path == "/account"


async def test_an_offer_takes_no_sign_in_away_that_is_under_way_in_another_tab(alice):
    house, _, _ = alice
    _, browser = await at_second_step(house)
    ticket = browser.client.jar["__Host-twofold_ct"]
    await browser.visit("/login")

    assert await asked(browser, quiet="yes") == {}
    assert browser.client.jar["__Host-twofold_ct"] == ticket
    assert "options" in await asked(browser)


async def test_a_dead_ticket_is_no_hindrance(alice):
    house, _, key = alice
    browser = await at_sign_in(house)
    browser.client.jar["__Host-twofold_ct"] = ("nonsense", "/")

    await answers(browser, key)

    assert browser.path == "/account"


@pytest.mark.parametrize("whose", ["removed", "stranger", "locked"])
async def test_all_that_opens_nothing_has_one_text(alice, whose):
    house, owner, key = alice
    wrong = {}
    match whose:
        case "removed":
            await owner.visit("/account")
            (link,) = {one for one in owner.page.links if one.startswith("/account/methods/")}
            await owner.visit(f"{link}/remove")
            await owner.send(f"{link}/remove")
        case "stranger":
            key = Passkey(ORIGIN, handle=bytes(16))
        case "locked":
            wrong = {"flags": 0x1D & ~4}
    browser = await at_sign_in(house)

    page = await answers(browser, key, **wrong)

    assert page.answer.status == 422
    assert OPENS_NOTHING in page.words
    assert "password is not right" not in page.words


@pytest.mark.parametrize(
    ("sent", "said"),
    [
        ("", "Passkeys need JavaScript."),
        ("{", "What the passkey said cannot be read."),
        ('{"id": 1}', "What the passkey said cannot be read."),
        ("\ud800", "What the passkey said cannot be read."),
    ],
    ids=["nothing", "torn", "else", "surrogate"],
)
@pytest.mark.parametrize("action", ["/login/passkey", "/login/code", "/login/enrol/confirm"])
async def test_what_is_no_answer_is_refused_in_words(alice, action, sent, said):
    house, browser, _ = alice
    match action:
        case "/login/passkey":
            browser = await at_sign_in(house)
            await asked(browser)
        case "/login/code":
            _, browser = await at_second_step(house)
        case _:
            await browser.visit("/account")
            await browser.send("/account/methods/add")
            await browser.send("/login/enrol", kind="webauthn")
    form = browser.page.form(action)["f"]
    if sent == "\ud800":
        raw = "&".join(f"{k}={v}" for k, v in form.items() if k != "credential")
        kind = {"content-type": "application/x-www-form-urlencoded"}
        sent_raw = f"{raw}&credential=%ED%A0%80".encode()
        answer = await browser.client.ask("POST", action, raw=sent_raw, headers=kind)
        assert answer.status == 400
        return

    page = await browser.send(action, [("credential", "")], credential=sent)

    assert page.answer.status == 400
    assert said in page.words


async def test_an_answer_from_another_site_is_not_taken(alice):
    house, _, key = alice
    browser = await at_sign_in(house)
    said = await asked(browser)
    form = {"credential": json.dumps(key.get(said["options"]))}

    answer = await browser.client.ask("POST", "/login/passkey", form=form)

    assert answer.status == 403


async def test_a_passkey_is_the_second_step(alice):
    house, _, key = alice
    page, browser = await at_second_step(house)
    assert browser.path == "/login/code"
    assert "Use your passkey" in page.words
    assert "Recovery code" in page.words

    await answers(browser, key, "/login/code")

    assert browser.path == "/account"


async def test_a_wrong_second_step_is_called_a_passkey_and_counted(alice):
    house, _, _ = alice
    _, browser = await at_second_step(house)

    page = await answers(browser, Passkey(ORIGIN), "/login/code")

    assert page.answer.status == 422
    assert "This passkey was not accepted." in page.words
    assert "tries are left" in page.words


async def test_passkeys_are_one_choice_among_others(alice):
    house, browser, key = alice
    await browser.visit("/account")
    await sets_up(browser, Passkey(ORIGIN), "Second")
    await house.bind(house.alice, "totp", label="Phone")
    page, other = await at_second_step(house)

    choices = ways(page)

    assert len(choices) == 1
    assert "Phone" in page.words
    await other.visit(choices[0])
    assert other.page.form("/login/code")["f"].keys() >= {"code"}
    (back,) = ways(other.page)
    await other.visit(back)
    await answers(other, key, "/login/code")
    assert other.path == "/account"


async def test_a_sign_in_that_was_begun_elsewhere_may_be_ended_with_a_passkey(alice):
    house, _, key = alice
    browser = await at_sign_in(house)
    begun = {"kind": "login", "transport": "cookie", "identifier": "alice"}
    await browser.client.post("/v1/ceremony", begun)
    await browser.visit("/login/password")
    assert "Use a passkey" in browser.page.words

    page = await answers(browser, Passkey(ORIGIN, handle=bytes(16)))
    assert OPENS_NOTHING in page.words
    assert browser.path == "/login/passkey"
    await answers(browser, key)

    assert browser.path == "/account"


async def test_a_challenge_for_whoever_comes_asks_for_no_password_without_a_name(alice):
    house, _, _ = alice
    browser = await at_sign_in(house)
    await asked(browser)

    await browser.visit("/login/password")

    assert browser.path == "/login"


async def test_a_set_up_that_was_left_can_be_begun_again(alice):
    _, browser, _ = alice
    await browser.visit("/account")
    await browser.send("/account/methods/add")
    await browser.send("/login/enrol", kind="webauthn", label="Blue")
    await browser.visit("/login/enrol")
    assert "data-create" not in browser.page.answer.text
    key = Passkey(ORIGIN)

    await browser.send("/login/enrol", [("kind", "webauthn")])
    made = key.create(handed(browser, "data-create"))
    page = await browser.send("/login/enrol/confirm", credential=json.dumps(made | {"id": "AAAA"}))
    assert "This passkey was not accepted." in page.words
    await browser.send("/login/enrol", [("kind", "webauthn")])
    made = key.create(handed(browser, "data-create"))
    await browser.send("/login/enrol/confirm", credential=json.dumps(made))

    assert browser.path == "/account"
    assert "Blue" in browser.page.words


async def test_the_account_shows_where_a_passkey_is_and_tells_the_browser_which_are_good(alice):
    house, browser, key = alice
    page = await browser.visit("/account")

    assert "Windows Hello" in page.words
    assert "on all your devices" in page.words
    told = handed(browser, "data-signal")
    assert (told["rpId"], told["name"]) == ("login.example", "alice")
    assert told["allAcceptedCredentialIds"] == [b64(key.id)]
    assert told["userId"] == b64(key.handle)
    (link,) = {one for one in page.links if one.startswith("/account/methods/")}
    assert "Windows Hello" in (await browser.visit(link)).words
    await browser.visit(f"{link}/remove")
    assert "Its codes" not in browser.page.words
    await browser.send(f"{link}/remove")
    assert handed(browser, "data-signal")["allAcceptedCredentialIds"] == []
    assert house


async def test_where_no_passkey_can_be_made_the_reason_is_said(build):
    house = build(base_url="https://192.0.2.1")
    await house.add("alice")
    browser = await sign_in(house, "alice")
    await browser.send("/account/methods/add")

    page = await browser.send("/login/enrol", kind="webauthn")

    assert page.answer.status == 409
    assert "Passkeys need a host name" in page.words
    check(Page(page.answer))


async def test_setting_up_at_the_wrong_moment_is_still_refused(alice):
    house, _, _ = alice
    _, browser = await at_second_step(house)
    token = browser.page.form("/login/code")["f"]["csrf_token"]

    form = {"csrf_token": token, "kind": "webauthn"}
    answer = await browser.client.ask("POST", "/login/enrol", form=form)

    assert answer.status == 409
    assert "/login/enrol" not in answer.text
