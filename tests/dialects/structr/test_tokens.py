"""``/token``: pairs of tokens by login and by refresh, and what an access token is worth."""

import base64
import hashlib
import hmac
import json

import pytest

from tests.dialects.structr.hall import KEY, PASSWORD, REST, WRONG, refusal, session
from twofold.core.types import Secret

SECRET = Secret(b"32 random characters or more of them")
INVALID = (401, "The given access_token or refresh_token is invalid", None)


async def pair(client, name="user", password=PASSWORD):
    answer = await client.post(f"{REST}/token", {"name": name, "password": password})
    assert answer.status == 200, answer.text
    return answer.json["result"]


def bearing(tokens):
    return {"authorization": f"Bearer {tokens['access_token']}"}


def parts(token):
    return [
        json.loads(base64.urlsafe_b64decode(part + "=" * (-len(part) % 4)))
        for part in token.split(".")[:2]
    ]


def forged(header, claims, key=b""):
    def encoded(value):
        raw = value if isinstance(value, bytes) else json.dumps(value).encode()
        return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()

    signed = f"{encoded(header)}.{encoded(claims)}"
    tag = hmac.digest(key, signed.encode(), "sha256") if key else b""
    return f"{signed}.{encoded(tag)}"


async def test_a_login_gives_a_pair_of_tokens(hall):
    hall.configure(jwt_secret=SECRET, jwt_issuer="acme", access_minutes=5, refresh_minutes=60)
    id = await hall.user()
    client = hall.client()

    answer = await client.post(f"{REST}/token", {"name": "user", "password": PASSWORD})

    tokens = answer.json["result"]
    assert sorted(tokens) == ["access_token", "expiration_date", "refresh_token", "token_type"]
    assert tokens["token_type"] == "Bearer"
    ends = hall.clock.now() // 1_000_000 + 300
    assert tokens["expiration_date"] == str(ends * 1_000)
    header, claims = parts(tokens["access_token"])
    assert header == {"typ": "JWT", "alg": "HS256"}
    assert len(claims.pop("tokenId")) > 40
    assert claims == {
        "sub": "user",
        "iss": "acme",
        "exp": ends,
        "uuid": id,
        "eMail": "user@example.org",
        "instance": "acme",
        "tokenType": "access_token",
    }
    cookies = answer.cookies()
    assert cookies["access_token"]["Max-Age"] == "300"
    assert cookies["refresh_token"]["Max-Age"] == "3600"
    for cookie in cookies.values():
        assert (cookie["Path"], cookie["HttpOnly"], cookie["Secure"]) == ("/", "", "")
    assert (await client.get(f"{REST}/me", headers=bearing(tokens))).status == 200
    by_cookie = {"cookie": f"access_token={tokens['access_token']}"}
    assert (await client.get(f"{REST}/me", headers=by_cookie)).status == 200


@pytest.mark.parametrize("given", [True, False])
async def test_the_signature_is_over_the_raw_bytes_of_the_secret(hall, given):
    if given:
        hall.configure(jwt_secret=SECRET)
    await hall.user()
    token = (await pair(hall.client()))["access_token"]

    signed, _, tag = token.rpartition(".")
    right = hmac.digest(SECRET.value if given else KEY, signed.encode(), hashlib.sha256)

    assert base64.urlsafe_b64decode(tag + "=") == right


async def test_a_second_factor_is_asked_for_and_given_here_as_well(hall):
    key = await hall.enrolled()
    client = hall.client()

    first = await client.post(f"{REST}/token", {"name": "user", "password": PASSWORD})
    assert (first.status, first.header("twoFactorLoginPage")) == (202, "/twofactor")
    body = {"twoFactorToken": first.header("token"), "twoFactorCode": hall.another(key)}
    assert refusal(await client.post(f"{REST}/token", body))[2] == "wrongTwoFactorCode"
    body["twoFactorCode"] = hall.shows(key)
    tokens = (await client.post(f"{REST}/token", body)).json["result"]

    assert (await client.get(f"{REST}/me", headers=bearing(tokens))).status == 200


async def test_what_is_refused_at_login_is_refused_here(hall):
    await hall.user()
    client = hall.client()

    for body in ({"name": "user", "password": "x"}, {"name": "nobody", "password": PASSWORD}, {}):
        assert refusal(await client.post(f"{REST}/token", body)) == (401, WRONG, None)
    assert refusal(await client.post(f"{REST}/token")) == (401, WRONG, None)


@pytest.mark.parametrize(
    "place", ["body", "refresh_token", "refresh-token", "cookie", "Refresh-Token cookie"]
)
async def test_a_refresh_token_is_taken_wherever_clients_put_it(hall, place):
    key = await hall.enrolled()
    client = hall.client()
    first = await client.post(f"{REST}/token", {"name": "user", "password": PASSWORD})
    body = {"twoFactorToken": first.header("token"), "twoFactorCode": hall.shows(key)}
    old = (await client.post(f"{REST}/token", body)).json["result"]["refresh_token"]
    hall.clock.forward(100)

    if place == "body":
        answer = await client.post(f"{REST}/token", {"refresh_token": old})
    elif place.endswith("cookie"):
        name = "Refresh-Token" if place[0] == "R" else "refresh_token"
        answer = await client.post(f"{REST}/token", headers={"cookie": f"{name}={old}"})
    else:
        answer = await client.post(f"{REST}/token", headers={place: old})

    # No second factor is asked for again.
    assert answer.status == 200
    new = answer.json["result"]
    assert new["refresh_token"] != old
    assert (await client.get(f"{REST}/me", headers=bearing(new))).status == 200


async def test_a_refresh_token_is_good_once(hall):
    await hall.user()
    client = hall.client()
    old = await pair(client)
    body = {"refresh_token": old["refresh_token"]}
    new = (await client.post(f"{REST}/token", body)).json["result"]

    assert refusal(await client.post(f"{REST}/token", body)) == INVALID
    assert (await client.get(f"{REST}/me", headers=bearing(new))).status == 200

    # Long after an honest retry it is in two hands, and what came of it ends.
    hall.clock.forward(30)
    assert refusal(await client.post(f"{REST}/token", body)) == INVALID
    assert (await client.get(f"{REST}/me", headers=bearing(new))).status == 401


@pytest.mark.parametrize("token", ["x", "r1.x", " ", "a" * 9_000])
async def test_a_bad_refresh_token_is_refused(hall, token):
    assert refusal(await hall.client().post(f"{REST}/token", {"refresh_token": token})) == INVALID


async def test_a_refresh_token_that_is_no_text_is_no_login(hall):
    answer = await hall.client().post(f"{REST}/token", {"refresh_token": 5})

    assert refusal(answer)[1].startswith("Unable to process login data")


async def test_tokens_live_as_long_as_the_settings_say(hall):
    hall.configure(access_minutes=5, refresh_minutes=60)
    await hall.user()
    client = hall.client()
    tokens = await pair(client)

    hall.clock.forward(299)
    assert (await client.get(f"{REST}/me", headers=bearing(tokens))).status == 200
    hall.clock.forward(1)
    assert (await client.get(f"{REST}/me", headers=bearing(tokens))).status == 401
    hall.clock.forward(3_601)
    body = {"refresh_token": tokens["refresh_token"]}
    assert refusal(await client.post(f"{REST}/token", body)) == INVALID


async def ends_by_logout(hall, client, tokens):
    await client.post(f"{REST}/logout", headers=bearing(tokens))


async def ends_by_logout_of_a_session(hall, client, tokens):
    shown = session(await client.login("user"))
    await client.post(f"{REST}/logout", headers=shown)


async def ends_by_blocking(hall, client, tokens):
    await hall.put("user", blocked=True)


async def ends_by_password(hall, client, tokens):
    await hall.put("user", password="another good long one")


async def ends_by_deleting(hall, client, tokens):
    await (await hall.ruler()).delete(f"{REST}/User/{hall.users['user']}")


ENDS = [
    ends_by_logout,
    ends_by_logout_of_a_session,
    ends_by_blocking,
    ends_by_password,
    ends_by_deleting,
]


@pytest.mark.parametrize("end", ENDS, ids=lambda end: end.__name__)
async def test_tokens_end_with_what_they_stand_for(hall, end):
    await hall.user()
    client = hall.client()
    tokens = await pair(client)

    await end(hall, client, tokens)

    assert (await client.get(f"{REST}/me", headers=bearing(tokens))).status == 401
    body = {"refresh_token": tokens["refresh_token"]}
    assert refusal(await client.post(f"{REST}/token", body)) == INVALID


HS = {"alg": "HS256", "typ": "JWT"}


@pytest.mark.parametrize(
    "make",
    [
        lambda claims: forged({"alg": "none"}, claims),
        lambda claims: forged({"alg": "None"}, claims),
        lambda claims: forged({"alg": "HS512"}, claims, KEY),
        lambda claims: forged({**HS, "crit": ["x"], "x": 1}, claims, KEY),
        lambda claims: forged({**HS, "b64": False, "crit": ["b64"]}, claims, KEY),
        lambda claims: forged(HS, claims, b"another key of 32 bytes, at least"),
        lambda claims: forged(HS, {**claims, "iss": "other"}, KEY),
        lambda claims: forged(HS, {**claims, "exp": 1}, KEY),
        lambda claims: forged(HS, {**claims, "exp": "9999999999"}, KEY),
        lambda claims: forged(HS, {**claims, "tokenType": "refresh_token"}, KEY),
        lambda claims: forged(HS, {**claims, "tokenId": "a1.x"}, KEY),
        lambda claims: forged(HS, {k: v for k, v in claims.items() if k != "exp"}, KEY),
        lambda claims: forged(HS, b"no json", KEY),
        lambda claims: forged(HS, b"[]", KEY),
        lambda _: "." * 100_000,
        lambda _: "a.b.c.d.e",
        lambda _: "\N{SNOWMAN}".encode().decode("latin-1"),
    ],
)
async def test_no_other_token_is_taken(hall, make):
    await hall.user()
    client = hall.client()
    _, claims = parts((await pair(client))["access_token"])
    assert (
        await client.get(
            f"{REST}/me", headers={"authorization": f"Bearer {forged(HS, claims, KEY)}"}
        )
    ).status == 200

    answer = await client.get(f"{REST}/me", headers={"authorization": f"Bearer {make(claims)}"})

    assert refusal(answer) == (401, "Access denied", None)


async def test_each_token_works_in_its_own_place_only(hall):
    key = await hall.enrolled()
    await hall.user("plain")
    client = hall.client()
    tokens = await pair(client, "plain")
    cookie = (await client.login("plain")).cookies()["JSESSIONID"]["value"]
    ticket = (await client.login("user")).header("token")
    inner = parts(tokens["access_token"])[1]["tokenId"]
    everything = [*tokens.values(), cookie, ticket, inner]

    right = 0
    for value in everything:
        for headers in (
            {"authorization": f"Bearer {value}"},
            {"cookie": f"JSESSIONID={value}"},
            {"cookie": f"access_token={value}"},
            {"x-structrsessiontoken": value},
        ):
            right += (await client.get(f"{REST}/me", headers=headers)).status == 200
        assert (
            await client.get("/v1/session", headers={"authorization": f"Bearer {value}"})
        ).status == 401
        headers = {"cookie": f"__Host-twofold_s={value}"}
        assert (await client.get("/v1/session", headers=headers)).status == 401
    # The access token as header and cookie, the session as cookie and header.
    assert right == 4
    first = await client.login("user")
    assert (await client.second(first, hall.shows(key))).status == 200
