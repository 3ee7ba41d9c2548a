"""A vendor's settings at run time: the API, and the page that needs no script."""

import asyncio
import re

import pytest

from tests.faces.test_admin import administrator
from tests.faces.test_pages import Browser, sign_in
from twofold.adapters.stores.sqlite import SqliteStore
from twofold.ceremonies.dialect_settings import DialectSettings
from twofold.core.types import DEFAULT_REALM, Secret
from twofold.dialects.structr.config_table import StructrTable

TF = "security.twofactorauthentication."
API = "/admin/v1/dialects/structr/settings"
PAGE = "/admin/dialects/structr"
DRAWN = "k3Zq-81vX_0mTbYw7Rj2LsUe9GpNcHd4"
GROUND = StructrTable(
    {f"{TF}digits": 8, "security.jwt.secret": Secret(DRAWN.encode())},
    {f"{TF}digits": "structr.conf", "security.jwt.secret": "structr.conf"},
)


@pytest.fixture
def town(build):
    """A house whose Structr settings can be changed."""

    def make(**fields):
        dialects = {}
        house = build(front={"dialects": dialects}, **fields)
        dialects["structr"] = DialectSettings(house.engine, DEFAULT_REALM, GROUND)
        return house

    return make


def setting(answer, name):
    return next(row for row in answer.json["settings"] if row["name"] == f"{TF}{name}")


async def change(client, version=None, **settings):
    named = {f"{TF}{name}": value for name, value in settings.items()}
    body = {"settings": named} | ({} if version is None else {"version": version})
    return await client.patch(API, body)


async def test_every_setting_is_shown_with_its_origin_and_no_secret(town):
    root = await administrator(town())

    answer = await root.get(API)

    assert answer.json["version"] == 0
    assert setting(answer, "digits") == {
        "name": f"{TF}digits", "value": 8, "default": 6, "origin": "structr.conf",
        "applies": "at once", "text": "Digits of a code.", "expected": "6 or 8",
        "changeable": True, "note": "",
    }  # fmt: skip
    secret = next(row for row in answer.json["settings"] if row["name"] == "security.jwt.secret")
    assert (secret["value"], secret["changeable"]) == ("(hidden)", False)
    assert DRAWN not in answer.text


async def test_a_change_holds_without_a_restart_and_can_be_taken_back(town):
    root = await administrator(town())

    changed = await change(root, digits=6, level=2, version=0)
    assert (changed.status, changed.json["version"]) == (200, 1)
    assert setting(changed, "digits")["origin"] == "run time"
    assert (await root.get("/admin/v1/policy")).json["policy"]["enforcement"] == "required"

    back = await change(root, digits=None, level=None, version=1)
    assert (setting(back, "digits")["value"], setting(back, "level")["value"]) == (8, 1)
    assert (await root.get("/admin/v1/policy")).json["policy"]["enforcement"] == "optional"


async def test_every_wrong_key_is_named_and_nothing_is_saved(town):
    root = await administrator(town())

    answer = await change(root, digits=7, lvel=1, period=60)

    assert (answer.status, answer.code) == (400, "malformed")
    assert answer.json["errors"] == {
        f"{TF}digits": "must be 6 or 8",
        f"{TF}lvel": "is no setting of Structr that is known here",
    }
    assert answer.json["field"] == f"{TF}digits"
    assert (await root.get(API)).json["version"] == 0


@pytest.mark.parametrize(
    "body",
    [
        {}, {"settings": []}, {"settings": {"a": []}}, {"settings": {}, "zebra": 1},
        {"settings": {}, "version": -1}, {"settings": {str(n): 1 for n in range(257)}},
    ],
    ids=["none", "list", "nested", "unknown", "negative", "many"],
)  # fmt: skip
async def test_a_body_of_another_shape_is_malformed(town, body):
    root = await administrator(town())

    answer = await root.patch(API, body)

    assert (answer.status, answer.code) == (400, "malformed")


async def test_a_change_of_what_somebody_else_has_changed_is_refused(town):
    root = await administrator(town())
    await change(root, digits=6)

    answer = await change(root, digits=8, version=0)

    assert (answer.status, answer.code) == (409, "stale")


@pytest.mark.parametrize(("method", "body"), [("GET", None), ("PATCH", {"settings": {}})])
async def test_only_an_administrator_may_and_only_of_what_is_mounted(town, method, body):
    house = town()
    await house.add("mallory")
    root, mallory = await administrator(house), house.client()
    await mallory.start("mallory")

    assert (await house.client().ask(method, API, body)).code == "invalid-token"
    assert (await mallory.ask(method, API, body)).code == "not-allowed-by-policy"
    elsewhere = await root.ask(method, "/admin/v1/dialects/other/settings", body)
    assert (elsewhere.status, elsewhere.code) == (404, "not-found")
    assert (await root.ask(method, API, body)).status == 200


async def test_a_change_needs_a_fresh_proof(town):
    house = town()
    root = await administrator(house)
    house.clock.forward(301)

    assert (await change(root, level=0)).code == "step-up-required"
    assert (await root.get(API)).json["version"] == 0


async def test_two_processes_on_one_file_see_each_others_changes_within_a_second(town, tmp_path):
    stores = [SqliteStore(tmp_path / "twofold.db") for _ in range(2)]
    for store in stores:
        await store.open()
    one, two = (town(store=store) for store in stores)
    root = await administrator(one)
    await two.site.dialects["structr"].current()

    await change(root, issuer="ACME", level=2)

    policy = await two.store.document(DEFAULT_REALM, "policy", "realm")
    assert two.engine.policy(policy).enforcement == "required"
    two.clock.forward(1)
    found = await two.site.dialects["structr"].current()
    assert (found.issuer, found.level) == ("ACME", 2)
    for store in stores:
        await store.close()


async def test_changes_that_two_administrators_send_at_once_are_never_mixed_up(town):
    root = await administrator(town())

    answers = await asyncio.gather(
        change(root, digits=6, issuer="A", version=0), change(root, digits=8, issuer="B", version=0)
    )

    assert sorted(answer.status for answer in answers) == [200, 409]
    now = await root.get(API)
    assert (setting(now, "digits")["value"], setting(now, "issuer")["value"]) in {
        (6, "A"),
        (8, "B"),
    }


async def signed_in(house):
    await house.add("root", "totp", admin=True)
    browser = await sign_in(house, "root")
    await browser.send("/login/code", code=house.code("root"))
    await browser.visit(PAGE)
    return browser


def chosen(browser):
    """What the lists of the form have selected."""
    selects = re.findall(r'<select id="([^"]+)".*?</select>', browser.page.answer.text, re.DOTALL)
    text = browser.page.answer.text
    found = {}
    for name in selects:
        body = text.split(f'<select id="{name}"')[1].split("</select>")[0]
        found[name] = re.search(r'<option value="([^"]*)" selected>', body)[1]
    return found


async def save(browser, **typed):
    named = {f"{TF}{name}": value for name, value in typed.items()}
    return await browser.send(PAGE, (("version", field(browser, "version")),), **{
        **chosen(browser), **named
    })  # fmt: skip


def field(browser, name):
    return browser.page.form(PAGE)["f"][name]


async def test_the_page_shows_what_is_in_force_and_no_secret(town):
    browser = await signed_in(town())

    assert browser.page.answer.status == 200
    assert "Settings of structr" in browser.page.words
    assert chosen(browser)[f"{TF}digits"] == "8"
    assert field(browser, f"{TF}issuer") == "structr"
    assert "security.jwt.secret: (hidden)" in browser.page.words
    assert DRAWN not in browser.page.answer.text
    assert "Default: 6. From: structr.conf. Applies at once." in browser.page.words


async def test_what_is_saved_is_in_force_and_only_what_was_changed(town):
    house = town()
    browser = await signed_in(house)

    await save(browser, level="2", issuer="<b>ACME</b>", whitelistedIPs="10.0.0.1, x")

    assert (browser.path, browser.page.answer.status) == (PAGE, 200)
    assert field(browser, f"{TF}issuer") == "<b>ACME</b>"
    assert "<b>ACME" not in browser.page.answer.text
    assert "'x' is no address and is left out" in browser.page.words
    found = await house.site.dialects["structr"].current()
    assert (found.level, found.issuer, found.digits) == (2, "<b>ACME</b>", 8)
    assert found.whitelist.contains("10.0.0.1")
    entries = await house.store.records(DEFAULT_REALM, limit=100)
    bodies = [e.record.body for e in entries if e.record.event == "document.changed"]
    assert len(bodies) == 1
    assert f'"keys":["{TF}issuer","{TF}level","{TF}whitelistedIPs"]' in bodies[0]


async def test_a_change_is_taken_back_by_its_button(town):
    house = town()
    browser = await signed_in(house)
    await save(browser, issuer="ACME", period="60")

    await browser.send(PAGE, (("back", f"{TF}issuer"),))

    assert field(browser, f"{TF}issuer") == "structr"
    assert field(browser, f"{TF}period") == "60"


async def test_what_is_wrong_is_said_beside_each_field_and_what_was_typed_stays(town):
    house = town()
    browser = await signed_in(house)

    await save(browser, period="7", issuer="a:b", logintimeout="45")

    assert browser.page.answer.status == 400
    assert "Nothing was saved: 2 settings are not right." in browser.page.words
    assert "It must be a whole number from 15 to 120." in browser.page.words
    assert field(browser, f"{TF}issuer") == "a:b"
    assert field(browser, f"{TF}logintimeout") == "45"
    assert (await house.site.dialects["structr"].current()).login_timeout == 30
    await save(browser, period="60", issuer="AB")
    found = await house.site.dialects["structr"].current()
    assert (found.period, found.issuer, found.login_timeout) == (60, "AB", 45)


async def test_a_form_that_was_overtaken_saves_nothing_and_shows_what_is_there_now(town):
    house = town()
    browser, other = await signed_in(house), Browser(house)
    other.client.jar = dict(browser.client.jar)
    await other.visit(PAGE)
    await save(other, issuer="THEIRS")

    await save(browser, issuer="MINE")

    assert browser.page.answer.status == 409
    assert "Somebody else changed the settings meanwhile" in browser.page.words
    assert field(browser, f"{TF}issuer") == "THEIRS"


async def test_a_form_without_its_token_or_from_another_site_changes_nothing(town):
    house = town()
    browser = await signed_in(house)
    form = browser.page.form(PAGE)["f"] | chosen(browser) | {f"{TF}level": "0"}

    bare = await browser.client.ask("POST", PAGE, form=form | {"csrf_token": "x"})
    foreign = await browser.client.ask(
        "POST", PAGE, form=form,
        headers={"origin": "https://evil.example", "sec-fetch-site": "cross-site"},
    )  # fmt: skip
    odd = await browser.client.ask("POST", PAGE, form=form | {"version": "٣"})

    assert (bare.status, foreign.status, odd.status) == (403, 403, 409)
    assert (await house.site.dialects["structr"].current()).level == 1


async def test_who_is_nobody_is_led_to_the_sign_in_and_who_is_no_administrator_is_refused(town):
    house = town()
    await house.add("mallory")

    nobody = Browser(house)
    await nobody.visit(PAGE)
    assert nobody.path == "/login?return_to=%2Fadmin%2Fdialects%2Fstructr"
    mallory = await sign_in(house, "mallory")
    await mallory.visit(PAGE)
    assert mallory.page.answer.status == 403
    root = await administrator(house)
    token = await root.get(PAGE)
    assert (token.status, token.header("location")) == (303, nobody.path)


async def test_administrators_find_it_from_their_account_and_nobody_else_is_told(town):
    house = town()
    await house.add("mallory")
    root, mallory = await signed_in(house), await sign_in(house, "mallory")

    await root.visit("/account")
    await mallory.visit("/account")

    assert PAGE in root.page.links
    assert PAGE not in mallory.page.links


async def test_saving_long_after_the_proof_asks_for_another_one(town):
    house = town()
    browser = await signed_in(house)
    house.clock.forward(301)

    await save(browser, level="0")

    assert browser.path == "/login/code"
    assert (await house.site.dialects["structr"].current()).level == 1


async def test_an_administrator_who_proved_too_little_proves_the_rest_first(town):
    house = town()
    await house.add("root", admin=True)
    browser = await sign_in(house, "root")
    await house.bind((await house.store.subjects(DEFAULT_REALM))[0], "totp")

    await browser.visit(PAGE)

    assert browser.path.startswith("/login")


async def test_a_dialect_that_is_not_mounted_has_no_page(town):
    browser = await signed_in(town())

    assert (await browser.visit("/admin/dialects/other")).answer.status == 404
