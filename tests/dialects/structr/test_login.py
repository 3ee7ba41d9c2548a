"""``POST /structr/rest/login``: every row of its table, in both shapes."""

import asyncio

import pytest

from tests.dialects.structr.hall import (
    PASSWORD,
    REST,
    WRONG,
    key_of,
    parameters_of,
    png_of,
    refusal,
    session,
    uri_of,
)

FAILED = (401, "Two factor authentication failed", "wrongTwoFactorCode")
STALE = (401, "Two factor authentication token not valid anymore", "invalidTwoFactorToken")
LOCKED = (401, "Too many failed login attempts", "loginAttempts")


async def me(client, shown):
    return (await client.get(f"{REST}/me", headers=shown)).status


async def test_a_right_password_opens_a_session(hall):
    id = await hall.user()
    client = hall.client()

    answer = await client.login("user")

    assert answer.status == 200
    assert answer.json["result"] == {"id": id, "type": "User", "isUser": True, "name": "user"}
    assert (answer.json["result_count"], answer.json["page_count"]) == (1, 1)
    assert answer.header("content-type") == "application/json; charset=utf-8"
    cookie = answer.cookies()["JSESSIONID"]
    assert {k: v for k, v in cookie.items() if k != "value"} == {
        "Path": "/",
        "SameSite": "Lax",
        "HttpOnly": "",
        "Secure": "",
    }
    assert answer.header("token") is None
    assert await me(client, session(answer)) == 200


async def test_the_session_may_be_shown_in_structrs_own_header(hall):
    await hall.user()
    client = hall.client()
    value = (await client.login("user")).cookies()["JSESSIONID"]["value"]

    assert await me(client, {"x-structrsessiontoken": value}) == 200
    assert await me(client, {"x-structrsessiontoken": value[:-1] + "x"}) == 401


@pytest.mark.parametrize(
    "body",
    [
        {"name": "user"},
        {"eMail": "user@example.org"},
        {"eMail": "  USER@Example.org "},
        {"name": "user@example.org"},
        {"name": "nobody", "eMail": "user@example.org"},
        {"name": "user", "else": [1, {"ignored": None}]},
        {"name": "user", "twoFactorToken": "", "twoFactorCode": None},
    ],
    ids=lambda body: "-".join(f"{key}={str(value)[:12]}" for key, value in body.items()),
)
async def test_a_user_signs_in_by_name_or_address(hall, body):
    await hall.user()

    answer = await hall.client().post(f"{REST}/login", {**body, "password": PASSWORD})

    assert answer.status == 200


@pytest.mark.parametrize("kind", ["", "text/plain", "application/json", "application/x-thing"])
async def test_the_content_type_of_a_request_does_not_matter(hall, kind):
    await hall.user()
    raw = f'{{"name": "user", "password": "{PASSWORD}"}}'.encode()

    answer = await hall.client().post(f"{REST}/login", raw=raw, headers={"content-type": kind})

    assert answer.status == 200


async def test_a_second_factor_is_asked_for_with_202(hall):
    await hall.user()
    await hall.put("user", isTwoFactorUser=True)

    answer = await hall.client().login("user")

    assert answer.status == 202
    assert answer.json["result"] == {}
    assert answer.header("twoFactorLoginPage") == "/twofactor"
    assert answer.header("cache-control") == "no-store"
    assert answer.cookies() == {}
    assert set(answer.header("token")) <= set(
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789._~-"
    )
    assert uri_of(answer).startswith("otpauth://totp/structr:user%40example.org?")
    told = parameters_of(answer)
    assert len(told.pop("secret")) == 32
    assert told == {"issuer": "structr", "algorithm": "SHA1", "digits": "6", "period": "30"}


async def test_the_picture_has_two_hundred_pixels_a_side(hall):
    await hall.user()
    await hall.put("user", isTwoFactorUser=True)

    picture = png_of(await hall.client().login("user"))

    assert picture[:8] == b"\x89PNG\r\n\x1a\n"
    assert (picture[16:20], picture[20:24]) == (b"\0\0\0\xc8",) * 2


@pytest.mark.parametrize("algorithm", ["SHA1", "SHA256", "SHA512"])
async def test_the_headers_stay_below_four_kilobytes(hall, algorithm):
    hall.configure(algorithm=algorithm, digits=8, issuer="i" * 64, login_page="/" + "p" * 200)
    address = f"{'a' * 60}@{'b' * 60}.example"
    await hall.user("u" * 200, email=address)
    await hall.put("u" * 200, isTwoFactorUser=True)

    answer = await hall.client().login("u" * 200)

    block = sum(len(name) + len(value) + 4 for name, value in answer.headers)
    assert answer.status == 202
    assert block < 4_096
    assert uri_of(answer)


async def test_token_and_code_open_the_session_and_confirm(hall):
    id = await hall.user()
    await hall.put("user", isTwoFactorUser=True)
    client = hall.client()
    first = await client.login("user")
    assert (await hall.shown())["twoFactorConfirmed"] is False

    answer = await client.second(first, hall.shows(key_of(first)))

    assert answer.status == 200
    assert answer.json["result"] == {"id": id, "type": "User", "isUser": True, "name": "user"}
    assert await me(client, session(answer)) == 200
    shown = await hall.shown()
    assert (shown["isTwoFactorUser"], shown["twoFactorConfirmed"]) == (True, True)
    assert shown["lastLoginDate"] == "2027-01-15T08:00:00+0000"


async def test_who_has_confirmed_is_shown_no_picture_again(hall):
    key = await hall.enrolled()
    client = hall.client()

    first = await client.login("user")

    assert (first.status, first.header("qrdata")) == (202, None)
    assert (await client.second(first, hall.shows(key))).status == 200


async def test_name_and_password_beside_a_token_are_ignored(hall):
    key = await hall.enrolled()
    client = hall.client()
    first = await client.login("user")
    body = {"twoFactorToken": first.header("token"), "twoFactorCode": hall.shows(key)}

    answer = await client.post(f"{REST}/login", {**body, "name": "x", "password": "y"})

    assert answer.status == 200


@pytest.mark.parametrize("confirmed", [True, False])
@pytest.mark.parametrize("code", ["", None, "000000x", "1", "1234567", "wrong"])
async def test_a_wrong_code_leaves_the_token_good(hall, code, confirmed):
    key = await hall.enrolled()
    if not confirmed:
        await hall.put("user", twoFactorConfirmed=False)
    client = hall.client()
    first = await client.login("user")
    if not confirmed:
        key = key_of(first)
    code = hall.another(key) if code == "wrong" else code

    assert refusal(await client.second(first, code)) == FAILED
    assert (await client.second(first, hall.shows(key))).status == 200


async def test_a_missing_code_counts_as_a_wrong_one(hall):
    await hall.enrolled()
    client = hall.client()
    first = await client.login("user")
    body = {"twoFactorToken": first.header("token")}

    for _ in range(5):
        assert refusal(await client.post(f"{REST}/login", body)) == FAILED
    assert refusal(await client.post(f"{REST}/login", body)) == STALE


@pytest.mark.parametrize("confirmed", [True, False])
@pytest.mark.parametrize("seconds", [2, 30, 600])
async def test_a_token_is_good_for_exactly_its_time(hall, seconds, confirmed):
    hall.configure(login_timeout=seconds, skew=5)
    key = await hall.enrolled()
    if not confirmed:
        await hall.put("user", twoFactorConfirmed=False)
    client = hall.client()
    early, late = await client.login("user"), None
    key = key if confirmed else key_of(early)

    hall.clock.forward(seconds - 0.001)
    assert (await client.second(early, hall.shows(key))).status == 200
    hall.next_step()
    late = await client.login("user")
    hall.clock.forward(seconds)
    assert refusal(await client.second(late, hall.shows(key))) == STALE


async def test_a_wrong_code_does_not_prolong_a_token(hall):
    key = await hall.enrolled()
    client = hall.client()
    first = await client.login("user")

    hall.clock.forward(29)
    assert refusal(await client.second(first, hall.another(key))) == FAILED
    hall.clock.forward(2)
    assert refusal(await client.second(first, hall.shows(key))) == STALE


@pytest.mark.parametrize(
    "token", ["x", "t1.", "t1.AAAA", "a" * 5_000, "eyJhbGciOiJIUzI1NiJ9...", "\N{SNOWMAN}"]
)
async def test_a_token_that_never_was_is_as_one_that_is_over(hall, token):
    assert refusal(await hall.client().second(token, "123456")) == STALE


async def test_a_used_token_opens_nothing_again(hall):
    key = await hall.enrolled()
    client = hall.client()
    first = await client.login("user")
    code = hall.shows(key)
    opened = await client.second(first, code)

    again = await client.second(first, code)
    hall.next_step()
    other = await client.second(first, hall.shows(key))

    # The lost answer of a moment ago is given once more: the same session, never a second one.
    assert session(again) == session(opened)
    assert refusal(other) == STALE
    hall.clock.forward(1)
    assert refusal(await client.second(first, code)) == STALE


async def test_a_newer_password_step_ends_the_token_before_it(hall):
    key = await hall.enrolled()
    client = hall.client()
    old = await client.login("user")
    hall.clock.forward(0.001)
    new = await client.login("user")

    assert refusal(await client.second(old, hall.shows(key))) == STALE
    assert (await client.second(new, hall.shows(key))).status == 200


async def test_of_two_password_steps_at_once_one_token_lives(lasting):
    key = await lasting.enrolled()

    async def begin():
        return await lasting.client().login("user")

    firsts = await asyncio.gather(*(begin() for _ in range(6)))
    answers = []
    for first in firsts:
        lasting.clock.forward(0.001)
        answers.append(await lasting.client().second(first, lasting.shows(key)))

    assert [first.status for first in firsts] == [202] * 6
    assert [answer.status for answer in answers].count(200) == 1


@pytest.mark.parametrize(
    "body",
    [
        {"name": "user", "password": "wrong"},
        {"name": "nobody", "password": PASSWORD},
        {"name": "shut", "password": PASSWORD},
        {"name": "user"},
        {"password": PASSWORD},
        {"name": "", "password": PASSWORD},
        {"name": "user", "password": ""},
        {"name": "user", "password": None},
        {},
        {"name": "*", "password": PASSWORD},
        {"name": " ", "password": PASSWORD},
        {"name": "' or 1=1 --", "password": PASSWORD},
    ],
    ids=lambda body: "-".join(f"{key}={value}" for key, value in body.items()) or "nothing",
)
async def test_whatever_is_wrong_at_the_password_has_one_answer(hall, body):
    await hall.user()
    await hall.user("shut")
    await hall.put("shut", blocked=True)

    assert refusal(await hall.client().post(f"{REST}/login", body)) == (401, WRONG, None)


@pytest.mark.parametrize("value", [1, 1.5, True, [], ["user"], {"$ne": None}])
@pytest.mark.parametrize("key", ["name", "eMail", "password", "twoFactorToken", "twoFactorCode"])
async def test_what_is_no_text_is_no_login(hall, key, value):
    await hall.user()
    told = "Unable to process login data. All attributes must be of type String."

    body = {"name": "user", "password": PASSWORD, key: value}
    for path in ("login", "token"):
        assert refusal(await hall.client().post(f"{REST}/{path}", body)) == (401, told, None)


@pytest.mark.parametrize(
    "raw", [b"", b"{", b"[]", b'"x"', b"{'name': 'user'}", b'{"name":"a","name":"b"}', b"\xff"]
)
async def test_what_is_no_json_object_is_a_bad_request(hall, raw):
    status, _, reason = refusal(await hall.client().post(f"{REST}/login", raw=raw))

    assert (status, reason) == (400, None)


async def test_the_superuser_does_not_sign_in(hall):
    answer = await hall.client().login("superadmin")

    assert refusal(answer) == (401, "login with superuser not supported.", None)


async def test_a_new_login_is_a_new_session_and_ends_the_one_it_came_with(hall):
    await hall.user()
    client = hall.client()
    old = session(await client.login("user"))

    new = session(await client.login("user", headers=old))

    assert new != old
    assert (await me(client, old), await me(client, new)) == (401, 200)


async def test_a_first_step_ends_the_session_it_came_with(hall):
    await hall.user("plain")
    await hall.enrolled()
    client = hall.client()
    old = session(await client.login("plain"))

    assert (await client.login("user", headers=old)).status == 202
    assert await me(client, old) == 401


async def test_no_more_sessions_are_opened_than_may_be(hall):
    hall.configure(max_sessions=2)
    key = await hall.enrolled()
    await hall.user("plain")
    client = hall.client()
    kept = [session(await client.login("plain")) for _ in range(2)]

    refused = await client.login("plain")
    assert refusal(refused) == (401, "Max. number of sessions exceeded", "sessionLimitExceeded")
    await client.post(f"{REST}/logout", headers=kept[0])
    assert (await client.login("plain")).status == 200

    # The second step of others is not in its way, and is counted as well.
    first = await client.login("user")
    assert (await client.second(first, hall.shows(key))).status == 200
    hall.next_step()
    first = await client.login("user")
    assert refusal(await client.second(first, hall.shows(key)))[2] == "sessionLimitExceeded"


async def test_of_many_logins_at_once_no_more_get_in_than_may(lasting):
    lasting.configure(max_sessions=3)
    await lasting.user()

    answers = await asyncio.gather(*(lasting.client().login("user") for _ in range(9)))

    assert sorted(answer.status for answer in answers) == [200] * 3 + [401] * 6


@pytest.mark.parametrize("idle", [2, 30, 1_800])
async def test_a_session_ends_exactly_when_it_was_idle_for_so_long(hall, idle):
    hall.configure(session_timeout=idle)
    await hall.user()
    client = hall.client()
    shown = session(await client.login("user"))

    for _ in range(3):
        hall.clock.forward(idle - 1)
        assert await me(client, shown) == 200
    hall.clock.forward(idle)
    assert await me(client, shown) == 401


async def test_a_session_that_never_idles_out_lives_on(hall):
    hall.configure(session_timeout=0)
    await hall.user()
    client = hall.client()
    shown = session(await client.login("user"))

    hall.clock.forward(86_400 * 300)

    assert await me(client, shown) == 200


async def test_whoever_logs_out_is_out(hall):
    await hall.user()
    client = hall.client()
    shown = session(await client.login("user"))

    answer = await client.post(f"{REST}/logout", headers=shown)

    assert (answer.status, answer.json["result"]) == (200, {})
    assert answer.cookies()["JSESSIONID"]["Max-Age"] == "0"
    assert await me(client, shown) == 401
    assert (await client.post(f"{REST}/logout", headers=shown)).status == 200
    assert (await client.post(f"{REST}/logout")).status == 200


@pytest.mark.parametrize(
    ("path", "allow"),
    [
        ("login", "OPTIONS, POST"),
        ("logout", "OPTIONS, POST"),
        ("token", "OPTIONS, POST"),
        ("registration", "OPTIONS, POST"),
        ("reset-password", "OPTIONS, POST"),
        ("me", "GET, HEAD, OPTIONS, PATCH, PUT"),
        ("User", "GET, HEAD, OPTIONS, POST"),
        (f"User/{'0' * 32}", "DELETE, GET, HEAD, OPTIONS, PATCH, PUT"),
    ],
)
async def test_every_path_says_what_it_can_do(hall, path, allow):
    client = hall.client()

    asked = await client.ask("OPTIONS", f"{REST}/{path}")
    assert (asked.status, asked.body) == (200, b"")
    assert set(asked.header("allow").split(", ")) == set(allow.split(", ")) - {"HEAD"}

    wrong = await client.ask("TRACE", f"{REST}/{path}")
    assert (wrong.status, wrong.json["code"], wrong.header("allow")) == (405, 405, allow)


async def test_a_password_may_grow_too_old(hall):
    hall.configure(force_change=True, max_age_days=90)
    await hall.user()
    client = hall.client()
    hall.clock.forward(90 * 86_400 - 1)
    assert (await client.login("user")).status == 200

    hall.clock.forward(1)
    old = "The password has not been changed for too long"
    assert refusal(await client.login("user")) == (401, old, "passwordChangeRequired")
    assert refusal(await client.login("user", "wrong")) == (401, WRONG, None)
    hall.configure(force_change=False)
    await hall.put("user", password="another good long one")
    hall.configure(force_change=True)

    assert (await client.login("user", "another good long one")).status == 200
    hall.clock.forward(90 * 86_400)
    answer = await client.login("user", "another good long one")
    assert refusal(answer)[2] == "passwordChangeRequired"


async def test_a_login_costs_one_read_and_one_transaction_a_step(lasting):
    key = await lasting.enrolled()
    client, counters = lasting.client(), lasting.store.counters

    def spent():
        return counters.reads, counters.transactions

    before = spent()
    first = await client.login("user")
    between = spent()
    answer = await client.second(first, lasting.shows(key))
    after = spent()

    assert answer.status == 200
    assert (between[0] - before[0], between[1] - before[1]) == (1, 1)
    assert (after[0] - between[0], after[1] - between[1]) == (1, 1)
