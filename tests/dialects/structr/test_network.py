"""Whose second step is spared, and credentials in headers: section 5, D8, D9 and ruling 9.1."""

import pytest

from tests.dialects.structr.hall import PASSWORD, REST, WRONG, refusal, session

REQUIRED = (401, "Two factor authentication required", "twoFactorRequired")


@pytest.mark.parametrize(
    ("listed", "peer", "spared"),
    [
        ("", "192.0.2.7", False),
        ("192.0.2.7", "192.0.2.7", True),
        ("192.0.2.8", "192.0.2.7", False),
        ("192.168.1.100, 10.0.0.0/24", "192.168.1.100", True),
        ("192.168.1.100, 10.0.0.0/24", "10.0.0.255", True),
        ("192.168.1.100, 10.0.0.0/24", "10.0.1.0", False),
        ("192.168.1.1/24", "192.168.1.77", True),
        ("a.b.c.d 192.0.2.7", "192.0.2.7", True),
        ("0.0.0.0/0", "192.0.2.7", False),
        ("192.0.2.7/x", "192.0.2.7", True),
        ("2001:db8::/32", "2001:db8::1", True),
        ("2001:db8::/32", "2001:db9::1", False),
        ("192.0.2.7", "::ffff:192.0.2.7", True),
        ("2001:db8::/32", "192.0.2.7", False),
    ],
)
async def test_a_listed_address_is_spared_the_second_step(hall, listed, peer, spared):
    hall.configure(whitelist=listed)
    await hall.user()
    await hall.put("user", isTwoFactorUser=True)

    answer = await hall.client(peer=peer).login("user")

    assert answer.status == (200 if spared else 202)


async def test_a_listed_address_spares_nothing_else(hall):
    await hall.enrolled()
    hall.configure(whitelist="192.0.2.7")
    client = hall.client()

    assert refusal(await client.login("user", "wrong")) == (401, WRONG, None)
    await client.login("user")
    [*_, granted] = await hall.facts("login.granted")
    assert (granted["aal"], granted["amr"]) == (1, ["pwd", "rba"])
    assert granted["reasons"] == ["trusted-network"]
    await hall.put("user", blocked=True)
    assert (await client.login("user")).status == 401


@pytest.mark.parametrize(
    "name",
    [
        "x-forwarded-for",
        "x-real-ip",
        "forwarded",
        "true-client-ip",
        "x_forwarded_for",
        "x-client-ip",
        "cf-connecting-ip",
    ],
)
async def test_a_header_makes_no_listed_address(hall, name):
    hall.configure(whitelist="10.0.0.5")
    await hall.enrolled()

    answer = await hall.client().login("user", headers={name: "10.0.0.5"})

    assert answer.status == 202


@pytest.mark.parametrize(
    ("chain", "status"),
    [
        ("10.0.0.5", 200),
        ("10.0.0.5:40000", 200),
        ("10.0.0.5, 203.0.113.9", 202),
        ("203.0.113.9, 10.0.0.5", 200),
        ("10.0.0.5, 203.0.113.9, 192.0.2.1", 202),
        ("nonsense", 202),
    ],
)
async def test_behind_a_declared_proxy_the_first_foreign_hop_counts(build, chain, status):
    hall = build(proxies="192.0.2.0/24")
    hall.configure(whitelist="10.0.0.5")
    await hall.enrolled()

    answer = await hall.client().login("user", headers={"x-forwarded-for": chain})

    assert answer.status == status


async def test_header_credentials_are_enough_without_a_second_factor(hall):
    await hall.user()
    client = hall.client(headers={"x-user": "user", "x-password": PASSWORD})

    answer = await client.get(f"{REST}/me")

    assert (answer.status, answer.json["result"]["name"]) == (200, "user")
    assert answer.cookies() == {}
    assert (await hall.shown())["sessionIds"] == []


@pytest.mark.parametrize("level", [1, 2])
@pytest.mark.parametrize("method", ["GET", "PUT", "DELETE"])
async def test_header_credentials_are_not_enough_with_one(hall, level, method):
    await hall.enrolled()
    await hall.level(level)
    client = hall.client(headers={"x-user": "user", "x-password": PASSWORD})
    body = {} if method == "PUT" else None

    answer = await client.ask(method, f"{REST}/User/{hall.users['user']}", body)

    assert refusal(answer) == REQUIRED


async def test_they_are_enough_from_a_listed_address_or_with_a_code(hall):
    key = await hall.enrolled()
    headers = {"x-user": "user", "x-password": PASSWORD}
    client = hall.client(headers=headers)

    with_code = {"x-2fa-code": hall.shows(key)}
    assert (await client.get(f"{REST}/me", headers=with_code)).status == 200
    again = await client.get(f"{REST}/me", headers=with_code)
    assert refusal(again)[2] == "wrongTwoFactorCode"
    wrong = await client.get(f"{REST}/me", headers={"x-2fa-code": hall.another(key)})
    assert refusal(wrong)[2] == "wrongTwoFactorCode"
    hall.configure(whitelist="192.0.2.7")
    assert (await client.get(f"{REST}/me")).status == 200


async def test_a_setting_brings_structrs_own_behaviour_back(hall):
    await hall.enrolled()
    hall.configure(header_bypass=True)
    client = hall.client(headers={"x-user": "user", "x-password": PASSWORD})

    assert (await client.get(f"{REST}/me")).status == 200
    assert (await hall.client().login("user")).status == 202


async def test_the_first_administrator_needs_a_listed_address_where_everybody_must(hall):
    await hall.user("admin", admin=True)
    headers = {"x-user": "admin", "x-password": PASSWORD}
    client = hall.client(headers=headers)
    assert (await client.get(f"{REST}/User")).status == 200

    await hall.level(2)
    assert refusal(await client.get(f"{REST}/User")) == REQUIRED
    hall.configure(whitelist="192.0.2.7")
    assert (await client.get(f"{REST}/User")).status == 200
    body = {"isTwoFactorUser": True}
    assert (await client.put(f"{REST}/User/{hall.users['admin']}", body)).status == 200


async def test_header_credentials_begin_nothing_that_waits(hall):
    key = await hall.enrolled()
    await hall.user("mailed", "email")
    client = hall.client()
    first = await client.login("user")

    for name in ("user", "mailed"):
        headers = {"x-user": name, "x-password": PASSWORD}
        assert refusal(await client.get(f"{REST}/me", headers=headers)) == REQUIRED

    assert "login.code.asked" not in await hall.events()
    assert (await client.second(first, hall.shows(key))).status == 200


async def test_a_session_comes_before_header_credentials(hall):
    await hall.user("first")
    await hall.user("second")
    shown = session(await hall.client().login("first"))
    client = hall.client(headers={**shown, "x-user": "second", "x-password": PASSWORD})

    assert (await client.get(f"{REST}/me")).json["result"]["name"] == "first"


async def test_a_dead_session_does_not_stand_in_the_way_of_header_credentials(hall):
    await hall.user()
    headers = {"cookie": "JSESSIONID=dead", "x-user": "user", "x-password": PASSWORD}

    assert (await hall.client(headers=headers).get(f"{REST}/me")).status == 200


@pytest.mark.parametrize("spelling", ["utf-8", "latin-1"])
async def test_header_credentials_may_have_any_letters(hall, spelling):
    await hall.user("jürgen")
    value = "jürgen".encode(spelling).decode("latin-1")

    answer = await hall.client(headers={"x-user": value, "x-password": PASSWORD}).get(f"{REST}/me")

    assert answer.status == 200
