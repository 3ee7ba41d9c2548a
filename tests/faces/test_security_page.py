"""My security: what protects an account, who is signed in to it, what happened, and all changes."""

import asyncio
import json
import re

import pytest

from tests.faces.house import PASSWORD, subject_id
from tests.faces.test_pages import Browser, sign_in
from twofold.core.activity import SHOWN
from twofold.core.networks import parse_networks
from twofold.core.policy import Closing, Enforcement, Policy
from twofold.core.types import DEFAULT_REALM
from twofold.faces import intents, words

NEW = "another very good password"
FIREFOX = "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0"


async def with_a_code(house, name="alice"):
    """Somebody who has just proved both factors."""
    browser = await sign_in(house, name)
    await browser.send("/login/code", code=house.code(name))
    assert browser.path == "/account"
    return browser


def said(browser):
    return " ".join(browser.page.words.split())


def intent(word):
    return {"to": word}.items()


async def proves(browser, house, name="alice"):
    """Answer the step-up that stands in the way."""
    assert browser.path == "/login/code"
    house.next_step()
    await browser.send("/login/code", code=house.code(name))


def method_of(browser):
    return next(link for link in browser.page.links if link.startswith("/account/methods/"))


async def test_the_page_says_what_protects_the_account_in_the_order_of_importance(kept):
    """E20."""
    await kept.add("alice", "totp", "recovery")

    browser = await with_a_code(kept)

    order = re.findall(r"<h2 id=\"(\w+)\"", browser.page.answer.text)
    assert order == ["who", "methods", "codes", "sessions", "activity", "data"]
    assert "Authenticator app added 2027-01-15 08:00 UTC · last used 2027-01-15" in said(browser)
    assert "10 of 10 recovery codes are left." in said(browser)
    assert "two factors" in said(browser)


async def test_every_event_that_owners_see_has_words():
    assert set(words.EVENTS) == SHOWN
    assert set(words.EVENTS) >= words.ALARMING


async def test_sessions_are_told_apart_and_ended_one_by_one(kept):
    """E21."""
    await kept.add("carol")
    elsewhere = Browser(kept, agent=FIREFOX, peer="192.0.2.99")
    await elsewhere.visit("/login")
    await elsewhere.send("/login", name="carol", password=PASSWORD)
    browser = await sign_in(kept, "carol")
    assert "Firefox on Linux 192.0.2.99" in said(browser)
    assert "Unknown browser or app this session" in said(browser)
    assert len([form for form in browser.page.forms if "session" in form["f"]]) == 1

    await browser.send("/account/sessions/end")

    assert "The session was ended." in said(browser)
    assert "192.0.2.99" not in said(browser).partition("Recent activity")[0]
    await elsewhere.visit("/account")
    assert elsewhere.path == "/login"
    await browser.visit("/account")
    assert "The session was ended." not in said(browser)


async def test_all_other_sessions_are_ended_at_once(house):
    await house.add("carol")
    others = [await sign_in(house, "carol") for _ in range(2)]
    browser = await sign_in(house, "carol")

    await browser.send("/account/sessions/end-others")

    assert browser.path == "/account"
    assert "All other sessions were ended." in said(browser)
    for other in others:
        await other.visit("/account")
        assert other.path == "/login"


async def test_ending_the_session_one_sits_in_is_signing_out(house):
    await house.add("carol")
    browser = await sign_in(house, "carol")
    form = browser.page.form("/logout")["f"]
    (session,) = await house.store.sessions(DEFAULT_REALM, subject_id("carol"))

    answer = await browser.client.ask(
        "POST", "/account/sessions/end", form=form | {"session": session.id}
    )

    assert (answer.status, answer.header("location")) == (303, "/login")
    assert "__Host-twofold_s" not in browser.client.jar


async def test_sessions_and_methods_of_others_are_as_unknown_as_none(house):
    """A71."""
    await house.add("alice", "totp")
    await house.add("bob", "totp")
    mine, theirs = await with_a_code(house), await with_a_code(house, "bob")
    (session,) = await house.store.sessions(DEFAULT_REALM, subject_id("bob"))
    method = method_of(theirs)
    token = mine.page.form("/logout")["f"]

    for action, fields in (
        ("/account/sessions/end", {"session": session.id}),
        (f"{method}/name", {"label": "mine"}),
        (f"{method}/prefer", {}),
        (f"{method}/remove", {}),
    ):
        answer = await mine.client.ask("POST", action, form=token | fields)
        assert answer.status == 404, action
    for path in (method, f"{method}/remove"):
        assert (await mine.visit(path)).answer.status == 404
    await theirs.visit("/account")
    assert theirs.path == "/account"


async def test_a_method_is_renamed_and_preferred(kept):
    """E13, E22."""
    await kept.add("erin", "totp", "email")
    browser = await with_a_code(kept, "erin")
    first = method_of(browser)
    await browser.visit(first)

    await browser.send(f"{first}/name", label="a\u202eb")
    assert browser.page.answer.status == 400
    await browser.send(f"{first}/name", label="  Blue phone  ")
    assert browser.path == "/account"
    assert "Blue phone asked for first" in said(browser)
    mail = [link for link in browser.page.links if link.startswith("/account/methods/")][1]
    await browser.visit(mail)
    await browser.send(f"{mail}/prefer")

    assert "This method is now asked for first." in said(browser)
    await browser.visit(mail)
    assert "This method is asked for first." in said(browser)


async def test_removing_says_what_is_lost(kept):
    """E24."""
    await kept.add("alice", "totp", "recovery")
    browser = await with_a_code(kept)
    method = method_of(browser)
    await browser.visit(method)

    await browser.send("/account/open")

    assert browser.path == f"{method}/remove"
    assert "Afterwards only your password protects this account." in said(browser)
    assert "Your recovery codes stop working, too." in said(browser)
    assert "You are signed out everywhere else." in said(browser)
    await browser.send(f"{method}/remove")
    assert browser.path == "/account"
    assert "The method was removed." in said(browser)
    assert "Only your password protects this account." in said(browser)


async def test_what_still_signs_in_is_named_before_a_method_goes(house):
    await house.add("erin", "totp", "email")
    browser = await with_a_code(house, "erin")

    await browser.visit(f"{method_of(browser)}/remove")

    assert "You can still sign in with: Code by e-mail" in said(browser)
    assert "only your password" not in said(browser)


async def test_the_last_method_cannot_go_where_the_rules_ask_for_one(build):
    """E22."""
    house = build(policy=Policy(enforcement=Enforcement.REQUIRED))
    await house.add("alice", "totp")
    browser = await with_a_code(house)
    method = method_of(browser)

    await browser.visit(f"{method}/remove")
    assert "this is your last one" in said(browser)
    assert not [form for form in browser.page.forms if form["action"] == f"{method}/remove"]
    token = browser.page.form("/account/methods/add")["f"]
    answer = await browser.client.ask("POST", f"{method}/remove", form=token)

    assert answer.status == 409
    assert "add another before removing it" in answer.text


async def test_removing_may_end_this_session_too(build):
    house = build(policy=Policy(closing=Closing.ALL))
    await house.add("alice", "totp")
    browser = await with_a_code(house)
    method = method_of(browser)
    await browser.visit(f"{method}/remove")
    assert "You are signed out everywhere, here too." in said(browser)

    await browser.send(f"{method}/remove")

    assert browser.path == "/login"
    assert "__Host-twofold_s" not in browser.client.jar


@pytest.mark.parametrize(
    ("to", "what", "place"),
    [
        ("codes", "make new recovery codes", "/account/recovery-codes"),
        ("password", "change your password", "/account/password"),
        ("address", "change your e-mail address", "/account/address"),
        ("export", "download your data", "/account/export"),
        ("delete", "delete your account", "/account/delete"),
    ],
)
async def test_a_proof_names_what_it_is_for_and_leads_there(build, to, what, place):
    """E27."""
    house = build(policy=Policy(deletion=True))
    await house.add("alice", "totp", "recovery")
    browser = await with_a_code(house)
    house.clock.forward(400)
    await browser.visit("/account")

    await browser.send("/account/open", _pick=intent(to))
    assert what in said(browser)
    await proves(browser, house)

    assert browser.path == place
    assert browser.page.answer.status == 200
    await browser.visit("/account")
    await browser.send("/account/open", _pick=intent(to))
    assert browser.path == place


async def test_a_wrong_code_does_not_lose_what_the_proof_is_for(house):
    await house.add("alice", "totp")
    browser = await with_a_code(house)
    method = method_of(browser)
    house.clock.forward(400)
    await browser.visit(method)
    await browser.send("/account/open")
    assert "remove a method" in said(browser)

    await browser.send("/login/code", code=house.wrong("alice"))
    assert "remove a method" in said(browser)
    await proves(browser, house)

    assert browser.path == f"{method}/remove"
    await browser.send(f"{method}/remove")
    assert "The method was removed." in said(browser)


async def test_a_page_that_was_left_open_asks_for_a_proof_and_comes_back(kept):
    """The form of an hour ago is sent: nothing happens before a fresh proof, and a second press."""
    await kept.add("alice", "totp", "recovery")
    browser = await with_a_code(kept)
    method = method_of(browser)
    await browser.visit(f"{method}/remove")
    kept.clock.forward(400)

    await browser.send(f"{method}/remove")
    await proves(browser, kept)

    assert browser.path == f"{method}/remove"
    assert "factor.removed" not in await kept.events()
    await browser.send(f"{method}/remove")
    assert "factor.removed" in await kept.events()


async def test_without_a_second_method_the_password_is_the_fresh_proof(house):
    await house.add("carol")
    browser = await sign_in(house, "carol")
    house.clock.forward(400)

    await browser.send("/account/methods/add")
    assert browser.path == "/login/password"
    assert "add a method" in said(browser)
    await browser.send("/login/password", password="wrong")
    assert browser.page.answer.status == 422
    await browser.send("/login/password", password=PASSWORD)
    assert browser.path == "/account/methods/add"
    await browser.send("/account/methods/add")

    assert browser.path == "/login/enrol"


@pytest.mark.parametrize(
    "to",
    [
        "", "nothing", "https://evil.example", "//evil.example", "remove", "remove:", "remove:x",
        "remove:../../login", "codes:x", "add:0123456789abcdef", "remove:0123456789ABCDEF",
        "remove:0123456789abcdef\n",
    ],
)  # fmt: skip
async def test_a_proof_leads_to_no_other_page(house, to):
    """A115."""
    await house.add("alice", "totp")
    browser = await with_a_code(house)
    house.clock.forward(400)
    token = browser.page.form("/logout")["f"]

    answer = await browser.client.ask("POST", "/account/open", form=token | {"to": to})

    assert answer.status == 404
    assert answer.header("location") is None
    assert intents.place(to) == "/account"
    assert intents.words(to) == ""


GETS = [
    "/account", "/account/methods/add", "/account/recovery-codes", "/account/password",
    "/account/address", "/account/export", "/account/delete", "/account/not-me",
]  # fmt: skip


@pytest.mark.parametrize("path", GETS)
async def test_looking_changes_nothing(build, path):
    house = build(policy=Policy(deletion=True))
    await house.add("alice", "totp", "recovery")
    browser = await with_a_code(house)
    house.clock.forward(400)
    before, events = house.store._tables, await house.events()

    page = await browser.visit(path)

    assert page.answer.status == 200
    assert await house.events() == events
    assert house.store._tables.authenticators == before.authenticators
    assert house.store._tables.subjects == before.subjects


@pytest.mark.parametrize("path", [*GETS, "/account/methods/0123456789abcdef"])
async def test_whoever_is_not_signed_in_sees_none_of_it(house, path):
    answer = await house.browser().get(path)

    assert answer.status == 303
    assert answer.header("location").partition("?")[0] == "/login"


@pytest.mark.parametrize("path", ["/account", "/account/password"])
async def test_somebody_with_only_the_password_sees_none_of_it(house, path):
    """A61: a sign-in that still lacks its code opens nothing."""
    await house.add("alice", "totp")
    browser = await sign_in(house, "alice")
    assert browser.path == "/login/code"

    await browser.visit(path)

    assert browser.path.partition("?")[0] == "/login"


FORMS = [
    "/account/open",
    "/account/sessions/end",
    "/account/sessions/end-others",
    "/account/not-me",
    "/account/later",
    "/account/methods/add",
    "/account/methods/0000000000000002/name",
    "/account/methods/0000000000000002/prefer",
    "/account/methods/0000000000000002/remove",
    "/account/recovery-codes",
    "/account/password",
    "/account/address",
    "/account/address/prove",
    "/account/export",
    "/account/delete",
    "/logout",
    "/register",
    "/forgot-password",
    "/reset-password",
    "/verify-address",
    "/change-address",
]


@pytest.mark.parametrize("action", FORMS)
@pytest.mark.parametrize("forged", ["none", "empty", "odd", "another", "no-cookie", "elsewhere"])
async def test_a_form_that_is_not_from_our_page_changes_nothing(build, action, forged):
    """A109."""
    house = build(policy=Policy(deletion=True, registration=True))
    await house.add("alice", "totp", "recovery")
    browser = await with_a_code(house)
    stranger = Browser(house)
    await stranger.visit("/login")
    fields = {
        "to": "password", "label": "x", "current": PASSWORD, "password": NEW, "sure": "yes",
        "email": "a@b.example", "token": "x", "name": "alice",
    }  # fmt: skip
    own = browser.page.forms[0]["f"]["csrf_token"]
    token = stranger.page.form("/login")["f"]["csrf_token"]
    fields["csrf_token"] = {"another": token, "empty": "", "odd": "!!"}.get(forged, own)
    if forged == "none":
        del fields["csrf_token"]
    if forged == "no-cookie":
        del browser.client.jar["__Host-twofold_c"]
    headers = {}
    if forged == "elsewhere":
        headers = {"origin": "https://evil.example", "sec-fetch-site": "cross-site"}
    before = await house.events()

    answer = await browser.client.ask("POST", action, form=fields, headers=headers)

    assert answer.status == 403, answer.text
    assert await house.events() == before
    assert "__Host-twofold_s" in browser.client.jar


async def test_new_recovery_codes_end_the_old_ones_and_say_so(kept):
    """E07."""
    await kept.add("alice", "totp", "recovery")
    old = kept.secrets["alice", "recovery"]
    browser = await with_a_code(kept)

    await browser.send("/account/open", _pick=intent("codes"))
    assert "The codes you have now stop working" in said(browser)
    await browser.send("/account/recovery-codes")

    codes = re.findall(r"<li><code>([^<]+)</code>", browser.page.answer.text)
    assert len(codes) == 10
    assert not set(codes) & set(old)
    await browser.visit("/account")
    assert codes[0] not in browser.page.answer.text
    again = await sign_in(kept, "alice")
    await again.visit("/login/code?use=recovery")
    await again.send("/login/code", recovery_code=old[0])
    assert again.page.answer.status == 422


async def test_few_recovery_codes_are_warned_of(house):
    """E07."""
    await house.add("alice", "totp", "recovery")
    codes = house.secrets["alice", "recovery"]
    for used in codes[:7]:
        browser = await sign_in(house, "alice")
        await browser.visit("/login/code?use=recovery")
        await browser.send("/login/code", recovery_code=used)

    assert "3 of 10 recovery codes are left. Make new ones before you run out." in said(browser)


async def test_nobody_makes_codes_who_has_nothing_to_recover(house):
    await house.add("carol")
    browser = await sign_in(house, "carol")

    await browser.visit("/account/recovery-codes")

    assert browser.path == "/account"


async def test_a_lost_method_is_spoken_of_until_it_is_replaced(house):
    """E29."""
    await house.add("alice", "totp", "recovery")
    browser = await sign_in(house, "alice")
    house.clock.forward(1)
    await browser.visit("/login/code?use=recovery")
    await browser.send("/login/code", recovery_code=house.secrets["alice", "recovery"][0])
    assert "You signed in with a recovery code." in said(browser)
    await browser.visit("/account")
    assert "You signed in with a recovery code." in said(browser)

    house.next_step()
    browser = await with_a_code(house)

    assert "You signed in with a recovery code." not in said(browser)


async def test_a_second_method_is_advised_and_the_advice_put_off(house):
    """E31."""
    await house.add("alice", "totp", "recovery")
    browser = await with_a_code(house)
    assert "Add a second method" in said(browser)

    await browser.send("/account/later")

    assert "We will not remind you" in said(browser)
    assert "Add a second method" not in said(browser)
    await browser.visit("/account")
    assert "Add a second method" not in said(browser)


async def test_nothing_is_advised_to_whoever_has_two_methods_or_none(house):
    await house.add("erin", "totp", "email")
    await house.add("carol")

    for browser in (await with_a_code(house, "erin"), await sign_in(house, "carol")):
        assert "Add a second method" not in said(browser)


async def test_what_happened_is_told_in_words(kept):
    """E50."""
    await kept.add("alice", "totp", "recovery")
    await sign_in(kept, "alice", "wrong")
    half = await sign_in(kept, "alice")
    await half.send("/login/code", code=kept.wrong("alice"))
    kept.clock.forward(60)

    browser = await with_a_code(kept)

    told = said(browser).partition("Recent activity")[2]
    order = [
        "Signed in",
        "Right password, then a wrong code",
        "Right password, but the sign-in was not finished",
        "Wrong password",
    ]
    assert sorted(order, key=told.index) == order
    assert '<time datetime="2027-01-15T08:01:00' in browser.page.answer.text


async def test_a_trusted_network_says_why_no_code_was_asked_for(build):
    """E49."""
    house = build(policy=Policy(trusted_networks=parse_networks("192.0.2.0/24")))
    await house.add("alice", "totp")

    browser = await sign_in(house, "alice")

    assert "Signed in, no second method was asked for: trusted network" in said(browser)


async def test_what_others_call_themselves_is_not_printed(house):
    await house.add("carol")
    stranger = Browser(house, agent="<script>alert(1)</script>")
    await stranger.visit("/login")
    await stranger.send("/login", name="carol", password="wrong")

    browser = await sign_in(house, "carol")

    assert "alert(1)" not in browser.page.answer.text
    assert "Wrong password" in said(browser)


async def test_it_was_not_me_ends_the_others_and_leads_to_a_new_password(house):
    await house.add("alice", "totp")
    thief = await with_a_code(house)
    house.next_step()
    browser = await with_a_code(house)
    house.clock.forward(400)
    assert "/account/not-me" in browser.page.links
    await browser.visit("/account/not-me")

    await browser.send("/account/not-me")
    assert browser.path == "/login/code"
    await thief.visit("/account")
    assert thief.path.partition("?")[0] == "/login"
    await proves(browser, house)

    assert browser.path == "/account/password"
    await browser.visit("/account/not-me")
    await browser.send("/account/not-me")
    assert browser.path == "/account/password"
    assert "All other sessions were ended." in said(browser)


async def test_a_password_is_changed_with_the_present_one(kept):
    await kept.add("alice", "totp")
    other = await with_a_code(kept)
    kept.next_step()
    browser = await with_a_code(kept)
    session = browser.client.jar["__Host-twofold_s"]
    await browser.send("/account/open", _pick=intent("password"))
    assert "At least 8 characters" in said(browser)
    fields = {given["name"]: given for tag, given in browser.page.tags if "name" in given}
    assert fields["current"]["autocomplete"] == "current-password"
    assert fields["password"]["autocomplete"] == "new-password"

    await browser.send("/account/password", current="wrong", password=NEW)
    assert browser.page.answer.status == 422
    assert "The present password is not right." in said(browser)
    await browser.send("/account/password", current=PASSWORD, password="12345678")
    assert browser.page.answer.status == 422
    assert NEW not in browser.page.answer.text
    await browser.send("/account/password", current=PASSWORD, password=NEW)

    assert browser.path == "/account"
    assert "Your password was changed" in said(browser)
    assert browser.client.jar["__Host-twofold_s"] != session
    await other.visit("/account")
    assert other.path == "/login"
    assert (await sign_in(kept, "alice", NEW)).path == "/login/code"


async def test_wrong_present_passwords_are_counted(house):
    await house.add("carol")
    browser = await sign_in(house, "carol")
    await browser.visit("/account/password")
    for _ in range(10):
        await browser.send("/account/password", current="wrong", password=NEW)

    await browser.send("/account/password", current=PASSWORD, password=NEW)

    assert browser.page.answer.status == 429


async def test_a_page_for_a_password_that_was_left_open_needs_a_proof(house):
    await house.add("alice", "totp")
    browser = await with_a_code(house)
    await browser.visit("/account/password")
    house.clock.forward(400)

    await browser.send("/account/password", current=PASSWORD, password=NEW)
    assert "change your password" in said(browser)
    await proves(browser, house)

    assert browser.path == "/account/password"
    assert PASSWORD not in browser.page.answer.text
    assert (await sign_in(house, "alice", NEW)).path == "/login"


async def test_another_address_is_proved_before_it_counts(kept):
    """A63."""
    await kept.add("alice", "totp")
    browser = await with_a_code(kept)
    await browser.send("/account/open", _pick=intent("address"))
    await browser.send("/account/address", email="no address")
    assert browser.page.answer.status == 400
    assert browser.page.form("/account/address")["f"]["email"] == "no address"
    await browser.send("/account/address", email="alice@example.org")
    assert browser.page.answer.status == 409

    await browser.send("/account/address", email="alice@new.example")
    assert browser.path == "/change-address"
    assert "We sent a code to the new address." in said(browser)
    await browser.send("/change-address", token="wrong")
    assert browser.page.answer.status == 410
    await browser.send("/change-address", token=(await kept.mailed("verify-address"))["code"])
    assert "Your account has its new address." in said(browser)

    await browser.visit("/account")
    assert "alice@new.example" in said(browser)
    assert (await kept.mailed("address-changed"))["name"] == "alice"


async def test_an_address_that_is_somebody_elses_is_answered_alike(house):
    """A85."""
    await house.add("alice", "totp")
    await house.add("bob")
    browser = await with_a_code(house)
    heard = set()
    for address in ("bob@example.org", "free@new.example"):
        await browser.visit("/account/address")
        await browser.send("/account/address", email=address)
        heard.add((browser.path, browser.page.answer.status, said(browser)))

    assert len(heard) == 1


async def test_an_unproved_address_can_be_sent_its_message_again(house):
    await house.add("carol", email_verified=False)
    browser = await sign_in(house, "carol")
    assert "not confirmed" in said(browser)
    await browser.visit("/account/address")

    await browser.send("/account/address/prove")
    assert browser.path == "/verify-address"
    assert "We sent another message." in said(browser)
    await browser.send("/verify-address", token=(await house.mailed("verify-address"))["code"])
    assert "Your address is confirmed." in said(browser)
    await browser.visit("/account")
    assert "not confirmed" not in said(browser)


async def test_messages_to_an_unproved_address_are_few(house):
    """A139."""
    await house.add("carol", email_verified=False)
    browser = await sign_in(house, "carol")
    for _ in range(6):
        await browser.visit("/account/address")
        await browser.send("/account/address/prove")

    assert browser.page.answer.status == 429


async def test_owners_take_their_data_along(house):
    """E57."""
    await house.add("alice", "totp", "recovery")
    browser = await with_a_code(house)
    await browser.send("/account/open", _pick=intent("export"))
    form = browser.page.form("/account/export")

    answer = await browser.client.ask("POST", "/account/export", form=form["f"])

    assert answer.status == 200
    assert answer.header("content-disposition") == 'attachment; filename="account.json"'
    assert answer.header("cache-control") == "no-store"
    told = json.loads(answer.body)
    assert told["account"]["name"] == "alice"
    assert [factor["kind"] for factor in told["factors"]] == ["totp"]
    assert {event["event"] for event in told["events"]} == {"account.exported", "login.granted"}
    for secret in (PASSWORD, *house.secrets["alice", "recovery"]):
        assert secret not in answer.text


async def test_an_account_is_deleted_by_its_owner_where_policy_lets_it(build):
    """E57."""
    house = build(policy=Policy(deletion=True))
    await house.add("alice", "totp", "recovery")
    browser = await with_a_code(house)
    await browser.send("/account/open", _pick=intent("delete"))
    assert "Nobody can bring it back." in said(browser)

    await browser.send("/account/delete", sure="")
    assert browser.page.form("/account/delete")
    await browser.send("/account/delete")

    assert "Your account was deleted" in said(browser)
    assert "__Host-twofold_s" not in browser.client.jar
    assert await house.store.view(DEFAULT_REALM, subject_id("alice")) is None
    assert (await sign_in(house, "alice")).page.answer.status == 422


async def test_nobody_deletes_an_account_where_policy_does_not_let_it(house):
    await house.add("alice", "totp")
    browser = await with_a_code(house)
    assert not [f for f in browser.page.forms if f["f"].get("to") == "delete"]
    token = browser.page.form("/logout")["f"]

    assert (await browser.visit("/account/delete")).answer.status == 403
    answer = await browser.client.ask("POST", "/account/delete", form=token | {"sure": "yes"})

    assert answer.status == 403
    assert await house.store.view(DEFAULT_REALM, subject_id("alice"))


async def test_a_word_that_we_never_said_is_not_said(house):
    await house.add("carol")
    browser = await sign_in(house, "carol")
    browser.client.jar["__Host-twofold_n"] = ("you-have-won", "/")

    await browser.visit("/account")

    assert "won" not in browser.page.answer.text
    assert "__Host-twofold_n" not in browser.client.jar


async def test_what_was_done_twice_at_once_is_done_once(house):
    await house.add("erin", "totp", "email")
    browser = await with_a_code(house, "erin")
    method = method_of(browser)
    await browser.visit(f"{method}/remove")
    form = browser.page.form(f"{method}/remove")["f"]

    sent = browser.client.ask("POST", f"{method}/remove", form=form)
    again = browser.client.ask("POST", f"{method}/remove", form=form)
    await asyncio.gather(sent, again)

    assert (await house.events()).count("factor.removed") == 1
    assert len((await house.store.view(DEFAULT_REALM, subject_id("erin"))).authenticators) == 2


async def renews_codes(house, browser):
    await browser.visit("/account/recovery-codes")
    await browser.send("/account/recovery-codes")


async def ends_others(house, browser):
    await browser.send("/account/sessions/end-others")


async def changes_password(house, browser):
    await browser.visit("/account/password")
    await browser.send("/account/password", current=PASSWORD, password=NEW)


async def waits(house, browser):
    house.clock.forward(86_401)


@pytest.mark.parametrize(
    ("happens", "words"),
    [
        (renews_codes, "signed out because your sign-in methods were changed"),
        (ends_others, "This session was ended from another place."),
        (changes_password, "signed out because the password was changed"),
        (waits, "Your session has expired."),
    ],
)
async def test_a_session_that_was_ended_says_why_once(kept, happens, words):
    """E51."""
    await kept.add("alice", "totp", "recovery")
    other = await with_a_code(kept)
    kept.next_step()
    browser = await with_a_code(kept)

    await happens(kept, browser)

    await other.visit("/account")
    assert other.path == "/login"
    assert words in said(other)
    assert "__Host-twofold_s" not in other.client.jar
    await other.visit("/login")
    assert words not in said(other)


async def test_why_a_session_ended_is_told_to_its_own_browser_only(kept):
    """E51, and no oracle: without our seal on the cookie nothing is said (I8)."""
    await kept.add("alice", "totp")
    await kept.add("bob")
    bob, browser = await sign_in(kept, "bob"), await with_a_code(kept)
    await changes_password(kept, browser)
    plain = said(await at_login(kept))
    genuine = browser.client.jar["__Host-twofold_s"][0]

    for forged in ("s1." + "A" * len(genuine[3:]), genuine[:-2] + "AA", "x"):
        assert said(await at_login(kept, forged)) == plain
    await bob.visit("/login")
    assert bob.path == "/account"


async def at_login(house, cookie=""):
    browser = Browser(house)
    if cookie:
        browser.client.jar["__Host-twofold_s"] = (cookie, "/")
    await browser.visit("/login")
    return browser


async def test_there_is_a_way_to_register_where_people_may(build):
    for policy in (Policy(), Policy(registration=True)):
        browser = await at_login(build(policy=policy))
        assert ("/register" in browser.page.links) is policy.registration
