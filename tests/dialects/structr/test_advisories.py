"""Entries of the attack catalogue that this dialect brings, or brings another door for."""

import asyncio
import json

import pytest

from tests.dialects.structr.hall import HIDDEN, PASSWORD, REST, key_of, refusal, session

ROUTES = [
    ("GET", "me"),
    ("GET", "me/ui"),
    ("PUT", "me"),
    ("PATCH", "me"),
    ("GET", "User"),
    ("GET", "User/ui"),
    ("POST", "User"),
    ("GET", "User/{id}"),
    ("GET", "User/{id}/ui"),
    ("PUT", "User/{id}"),
    ("PATCH", "User/{id}"),
    ("DELETE", "User/{id}"),
]


def body_of(method):
    return {"isTwoFactorUser": False} if method in {"PUT", "PATCH", "POST"} else None


async def test_a01_one_code_sent_many_times_at_once_opens_one_session(lasting):
    """Fifty requests with one right code: one session, and nobody else is let in."""
    key = await lasting.enrolled()
    before = (await lasting.shown())["sessionIds"]
    first = await lasting.client().login("user")
    code = lasting.shows(key)

    answers = await asyncio.gather(*(lasting.client().second(first, code) for _ in range(50)))

    opened = {session(answer)["cookie"] for answer in answers if answer.status == 200}
    assert len(opened) == 1
    assert len((await lasting.shown())["sessionIds"]) == len(before) + 1


async def test_a03_a_code_is_refused_a_second_time_within_its_window(hall):
    """A new password step does not make a spent code good again, now or a step later."""
    key = await hall.enrolled()
    client = hall.client()
    code = hall.shows(key)
    assert (await client.second(await client.login("user"), code)).status == 200

    for wait in (0, 29):
        hall.clock.forward(wait)
        answer = await client.second(await client.login("user"), code)
        assert refusal(answer)[2] == "wrongTwoFactorCode"


@pytest.mark.parametrize("first", ["structr", "native"])
async def test_a05_a_code_is_spent_for_every_door_at_once(hall, first):
    """One lane over faces and dialects: what one has taken, the other refuses."""
    key = await hall.enrolled()
    client, other = hall.client(), hall.client()
    code = hall.shows(key)
    pending = await client.login("user")
    await other.start("user", PASSWORD)

    if first == "structr":
        assert (await client.second(pending, code)).status == 200
        assert (await other.verify(code)).status == 422
    else:
        assert (await other.verify(code)).status == 200
        assert (await client.second(pending, code)).status == 401


async def test_a07_a_code_of_a_login_is_no_code_for_a_header(hall):
    """The one-shot header shares the lane with the login."""
    key = await hall.enrolled()
    client = hall.client()
    code = hall.shows(key)
    await client.second(await client.login("user"), code)
    headers = {"x-user": "user", "x-password": PASSWORD, "x-2fa-code": code}

    assert (await client.get(f"{REST}/me", headers=headers)).status == 401


async def test_a09_the_code_of_the_next_step_is_not_good_again_in_it(hall):
    """A code taken early stays spent as long as any window reaches it."""
    key = await hall.enrolled()
    client = hall.client()
    ahead = hall.shows(key, steps=1)
    assert (await client.second(await client.login("user"), ahead)).status == 200

    for wait in (31, 28):
        hall.clock.forward(wait)
        assert (await client.second(await client.login("user"), ahead)).status == 401


async def test_a15_a_fresh_token_brings_no_fresh_budget(hall):
    """Ten wrong codes lock the second step, whatever the number of password steps."""
    key = await hall.enrolled()
    client = hall.client()
    wrong = 0
    for _ in range(50):
        first = await client.login("user")
        answer = await client.second(first, hall.another(key))
        wrong += refusal(answer)[2] == "wrongTwoFactorCode"
    assert wrong == 10


async def test_a21_another_source_brings_no_fresh_budget(hall):
    """The budget is the user's, wherever the guesses come from."""
    key = await hall.enrolled()
    said = []
    for number in range(14):
        client = hall.client(peer=f"198.51.100.{number}")
        first = await client.login("user")
        said.append(refusal(await client.second(first, hall.another(key)))[2])

    assert said.count("wrongTwoFactorCode") == 10


async def test_a23_every_spelling_of_a_name_shares_one_count(hall):
    """Name, address and their variants are one account with one lock."""
    await hall.user()
    client = hall.client()
    for name in ("user", "USER ", "user@example.org", "User@Example.ORG", "\uff55ser"):
        await client.login(name, "wrong")

    assert (await hall.shown())["passwordAttempts"] == 5
    assert refusal(await client.login("user"))[2] == "loginAttempts"


async def test_a31_the_token_of_a_login_is_no_credential(hall):
    """Whatever it is put into, and whichever route is asked."""
    key = await hall.enrolled()
    client = hall.client()
    token = (await client.login("user")).header("token")

    for method, path in ROUTES:
        for headers in (
            {"authorization": f"Bearer {token}"},
            {"cookie": f"JSESSIONID={token}"},
            {"cookie": f"access_token={token}; refresh_token={token}"},
            {"x-structrsessiontoken": token},
            {"x-user": "user", "x-password": token},
        ):
            where = f"{REST}/{path.format(id=hall.users['user'])}"
            answer = await client.ask(method, where, body_of(method), headers=headers)
            assert answer.status == 401, (method, path, headers)
    answer = await client.post("/v1/ceremony/verify", {"code": hall.shows(key), "ceremony": token})
    assert answer.status == 410


@pytest.mark.parametrize(("method", "path"), ROUTES)
async def test_a45_name_and_password_in_headers_do_not_do_without_the_second_factor(
    hall, method, path
):
    """On every route and method; HTTP Basic is not understood at all."""
    await hall.enrolled("boss")
    await hall.put("boss", isAdmin=True)
    before = await hall.shown("boss")
    where = f"{REST}/{path.format(id=hall.users['boss'])}"
    client = hall.client()

    headers = {"x-user": "boss", "x-password": PASSWORD}
    answer = await client.ask(method, where, body_of(method), headers=headers)
    assert refusal(answer) == (401, "Two factor authentication required", "twoFactorRequired")
    headers = {"authorization": "Basic Ym9zczpjb3JyaWRvciB1bWJyZWxsYSBuaW5ldGVlbg=="}
    answer = await client.ask(method, where, body_of(method), headers=headers)
    assert refusal(answer) == (401, "Access denied", None)
    assert await hall.shown("boss") == before


@pytest.mark.parametrize("email", ["user@example.org", "USER@EXAMPLE.ORG", " user@example.org"])
async def test_a49_registering_again_takes_nothing_over(hall, email):
    """No session, no other password, no other owner of the address."""
    hall.configure(autocreate=True, login_unconfirmed=True)
    id = await hall.user()
    client = hall.client()
    body = {"eMail": email, "password": "the attackers own password"}

    answer = await client.post(f"{REST}/registration", body)

    assert (answer.status, answer.cookies()) == (201, {})
    assert (await client.login("user@example.org", "the attackers own password")).status == 401
    assert (await client.login("user@example.org")).json["result"]["id"] == id


async def test_a57_whoever_must_enrol_can_do_nothing_else(hall):
    """With the password alone every route but the second step is shut."""
    await hall.user()
    await hall.level(2)
    client = hall.client()
    first = await client.login("user")
    headers = {"x-user": "user", "x-password": PASSWORD}

    assert first.cookies() == {}
    for method, path in ROUTES:
        where = f"{REST}/{path.format(id=hall.users['user'])}"
        answer = await client.ask(method, where, body_of(method), headers=headers)
        assert answer.status == 401
    key = key_of(first)
    assert (await client.second(first, hall.shows(key))).status == 200


async def test_a65_a_confirmed_key_is_never_shown_again(hall):
    """Not at a login, not by asking; only another key, after an administrator has reset it."""
    key = await hall.enrolled()
    client = hall.client()
    shown = session(await client.second(await client.login("user"), hall.shows(key)))
    hall.clock.forward(400)

    assert (await client.login("user")).header("qrdata") is None
    for body in ({"twoFactorConfirmed": False}, {"twoFactorSecret": None}):
        assert (await client.put(f"{REST}/me", body, headers=shown)).status == 403
    await hall.put("user", isTwoFactorUser=True, twoFactorConfirmed=True)
    assert (await client.login("user")).header("qrdata") is None
    await hall.put("user", twoFactorConfirmed=False)
    assert key_of(await client.login("user")) != key


async def test_a67_a_key_that_was_never_confirmed_locks_nobody_out_and_counts_for_nothing(hall):
    """It is shown again, and what it would prove is proved by nothing else."""
    await hall.user()
    await hall.put("user", isTwoFactorUser=True)
    client = hall.client()
    before = await hall.facts("login.granted")
    for _ in range(3):
        assert (await client.login("user")).header("qrdata")
    assert await hall.facts("login.granted") == before
    await hall.put("user", isTwoFactorUser=False)

    await client.login("user")

    [*_, granted] = await hall.facts("login.granted")
    assert (granted["aal"], granted["amr"]) == (1, ["pwd"])


async def test_a71_nobody_reaches_another_user(hall):
    """Ids of others are of no use to a user who is no administrator."""
    await hall.user("alice")
    bob = await hall.user("bob", "totp")
    client = hall.client(headers=session(await hall.client().login("alice")))

    for method in ("GET", "PUT", "PATCH", "DELETE"):
        answer = await client.ask(method, f"{REST}/User/{bob}", body_of(method))
        assert answer.status in {401, 403}
    assert (await hall.shown("bob"))["isTwoFactorUser"] is True


async def test_a77_a_new_password_ends_a_pending_login(hall):
    """The code of a login that began under the old password opens nothing."""
    key = await hall.enrolled()
    client = hall.client()
    first = await client.login("user")

    await hall.put("user", password="another good long one")

    assert refusal(await client.second(first, hall.shows(key)))[2] == "invalidTwoFactorToken"


async def test_a79_no_view_of_a_user_holds_a_secret(hall):
    """As administrator and as oneself, in objects and lists, with whatever the query asks for."""
    key = await hall.enrolled()
    first = await hall.client().login("user")
    shown = session(await hall.client().second(first, hall.shows(key)))
    from twofold.core.otpauth import base32

    found = []
    for client in (await hall.ruler(), hall.client(headers=shown)):
        paths = (
            "me/ui",
            f"User/{hall.users['user']}/ui",
            f"User/{hall.users['user']}?depth=9&_elements=twoFactorSecret",
            f"User/ui?twoFactorSecret={base32(key)}",
            "User?_sort=twoFactorSecret",
        )
        found += [await client.get(f"{REST}/{path}") for path in paths]
    for answer in found:
        assert base32(key) not in answer.text
        assert first.header("token") not in answer.text
        assert "$argon2" not in answer.text
    assert json.loads(found[1].body)["result"]["twoFactorSecret"] == HIDDEN
    # Filtering by a secret is no oracle: it filters nothing.
    assert len(found[3].json["result"]) == 2


async def test_a83_the_picture_is_kept_by_nobody_and_read_by_no_other_origin(hall):
    """A header of an answer to POST; our page has it inline, from a cookie of its own."""
    await hall.user()
    await hall.put("user", isTwoFactorUser=True)

    answer = await hall.client().login("user")

    assert answer.header("cache-control") == "no-store"
    assert answer.header("cross-origin-resource-policy") == "same-origin"
    assert answer.header("x-content-type-options") == "nosniff"
    assert answer.header("access-control-allow-origin") is None


@pytest.mark.parametrize(
    "body",
    [
        {"isAdmin": True},
        {"passwordAttempts": 0},
        {"twoFactorSecret": "A" * 32},
        {"twoFactorSecret": None},
        {"twoFactorConfirmed": False},
        {"isTwoFactorUser": False},
        {"id": "0" * 32, "sessionIds": [], "roles": ["admin"], "groups": ["admins"]},
        {"isadmin": True, "IsAdmin": True, "admin": True, "is_admin": True},
        {"user": {"isAdmin": True}, "user.isAdmin": True},
        {"attributes": {"twofold.second_step": "off"}, "twofold.second_step": "off"},
        [{"op": "replace", "path": "/isAdmin", "value": True}],
    ],
    ids=str,
)
async def test_a91_a_user_gives_itself_nothing(hall, body):
    """Whatever it writes to its own node, it stays as it was."""
    await hall.user("user", "totp")
    client = hall.client()
    shown = session(await client.second(await client.login("user"), hall.code("user")))
    hall.clock.forward(400)
    before = await hall.shown()

    answer = await client.put(f"{REST}/me", body, headers=shown)

    assert answer.status in {200, 400, 403, 422}
    assert await hall.shown() == before


async def test_a91_a_key_that_is_given_twice_is_refused(hall):
    """Whoever reads the first and whoever reads the last would see different requests."""
    await hall.user()
    shown = session(await hall.client().login("user"))
    raw = b'{"isTwoFactorUser": true, "isTwoFactorUser": false}'

    assert (await hall.client().put(f"{REST}/me", raw=raw, headers=shown)).status == 400


@pytest.mark.parametrize(
    "headers",
    [
        {"remote-user": "root"},
        {"x-user": "root"},
        {"x-forwarded-user": "root"},
        {"x-user": "root", "x-password": ""},
        {"x-user": "root", "x-forwarded-uri": "/structr/rest/login"},
    ],
    ids=str,
)
async def test_a105_a_name_in_a_header_is_nobody(hall, headers):
    """A name without its password says nothing about who asks."""
    await hall.ruler()

    assert (await hall.client(headers=headers).get(f"{REST}/me")).status == 401


@pytest.mark.parametrize(
    "name", ["'; drop table subject; --", '" or 1=1', "%", "_", "*", "\\", "{'$ne': null}"]
)
async def test_a131_what_is_searched_for_is_text_and_nothing_else(hall, name):
    """In filters, in paging and in names at the login."""
    from urllib.parse import quote

    ruler = await hall.ruler()
    await hall.user()

    found = await ruler.get(f"{REST}/User?name={quote(name)}&_sort={quote(name)}")
    assert (found.status, found.json["result"]) == (200, [])
    assert (await hall.client().login(name)).status == 401
    assert len((await ruler.get(f"{REST}/User")).json["result"]) == 2


async def test_a151_other_settings_neither_break_nor_weaken_what_is_bound(hall):
    """A key is verified with the parameters it was made with, and with no others."""
    key = await hall.enrolled()
    hall.configure(algorithm="SHA256", digits=8, period=60)
    client = hall.client()
    first = await client.login("user")

    for code in (hall.shows(key, digits=8), hall.shows(key, digits=8, period=60)):
        assert (await client.second(first, code)).status == 401
    assert (await client.second(first, hall.shows(key))).status == 200
