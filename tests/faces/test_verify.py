"""`/v1/verify` and `/v1/apps`: for applications that keep their own passwords."""

import base64
import json

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from tests.faces.house import secret_of, totp
from tests.faces.test_admin import administrator

SUBJECT = "/v1/apps/shop/subjects/u-42"


def basic(client, secret):
    return {"authorization": "Basic " + base64.b64encode(f"{client}:{secret}".encode()).decode()}


@pytest.fixture
async def shop(house):
    return await application(house, "shop")


async def application(house, name):
    """What an application sends along with each request."""
    root = house.root = house.root or await administrator(house)
    made = await root.post("/admin/v1/clients", {"id": name})
    return basic(name, made.json["secret"])


def statement(token, keys):
    """The claims of a signed statement, checked with the published keys."""
    head, body, signature = token.split(".")
    parts = [base64.urlsafe_b64decode(part + "==") for part in (head, body, signature)]
    header = json.loads(parts[0])
    key = next(key for key in keys if key["kid"] == header["kid"])
    public = Ed25519PublicKey.from_public_bytes(base64.urlsafe_b64decode(key["x"] + "=="))
    public.verify(parts[2], f"{head}.{body}".encode())
    assert header["typ"] == "twofold-assertion+jwt"
    return json.loads(parts[1])


async def test_a_right_code_earns_a_signed_statement_once(house, shop):
    alice = await house.add("alice", "totp")
    client = house.client()
    body = {"subject": "alice", "code": house.code("alice"), "nonce": "n-1"}

    answer = await client.post("/v1/verify", body, headers=shop)
    again = await client.post("/v1/verify", body, headers=shop)

    assert answer.status == 200
    assert answer.json["acr"] == "urn:twofold:aal2"
    assert answer.json["sub"] == alice.id
    keys = (await client.get("/.well-known/jwks.json")).json["keys"]
    claims = statement(answer.json["assertion"], keys)
    assert (claims["aud"], claims["sub"], claims["nonce"]) == ("shop", "alice", "n-1")
    assert (again.status, again.code) == (422, "code-already-used")
    assert all("d" not in key for key in keys)


async def test_a_code_that_was_verified_signs_nobody_in(house, shop):
    """A05."""
    await house.add("alice", "totp")
    client = house.client()
    await client.start("alice")
    code = house.code("alice")
    await house.client().post("/v1/verify", {"subject": "alice", "code": code}, headers=shop)

    assert (await client.verify(code)).code == "code-already-used"


async def test_a_wrong_code_is_counted_and_blocks(house, shop):
    await house.add("alice", "totp")
    client, body = house.client(), {"subject": "alice", "code": house.wrong("alice")}
    answers = [await client.post("/v1/verify", body, headers=shop) for _ in range(11)]

    assert (answers[0].status, answers[0].code) == (422, "code-rejected")
    assert (answers[-1].status, answers[-1].code) == (429, "factor-blocked")


async def test_a_recovery_code_is_verified_and_spent(house, shop):
    await house.add("alice", "totp", "recovery")
    code = house.secrets["alice", "recovery"][0]
    body = {"subject": "alice", "recovery_code": code}

    answer = await house.client().post("/v1/verify", body, headers=shop)
    again = await house.client().post("/v1/verify", body, headers=shop)

    assert answer.json["recovery_codes_left"] == 9
    assert again.code == "code-rejected"


@pytest.mark.parametrize("name", ["nobody", "carol"])
async def test_who_has_nothing_to_verify_is_not_enrolled(house, shop, name):
    await house.add("carol")

    answer = await house.client().post(
        "/v1/verify", {"subject": name, "code": "123456"}, headers=shop
    )

    assert (answer.status, answer.code) == (404, "not-enrolled")


@pytest.mark.parametrize(
    "body",
    [
        {"subject": "alice"},
        {"subject": "alice", "code": "123456", "recovery_code": "abcd"},
        {"code": "123456"},
        {"subject": "alice", "code": "123456", "context": {"ip": "not an address"}},
        {"subject": "alice", "code": "123456", "context": {"action": 1}},
        {"subject": "alice", "code": 123456},
        {"subject": "alice", "code": "123456", "nonce": "n" * 513},
    ],
)
async def test_a_request_that_makes_no_sense_is_refused_before_anything_is_counted(
    house, shop, body
):
    await house.add("alice", "totp")
    before = await house.events()

    answer = await house.client().post("/v1/verify", body, headers=shop)

    assert (answer.status, answer.code) == (400, "malformed")
    assert await house.events() == before


@pytest.mark.parametrize(
    "headers",
    [
        {},
        basic("shop", "wrong"),
        basic("other", "wrong"),
        basic("", ""),
        {"authorization": "Basic !!!"},
        {"authorization": "Bearer a1.abc"},
        {"authorization": "Basic " + base64.b64encode(b"nocolon").decode()},
    ],
)
@pytest.mark.parametrize(
    ("method", "path", "body"),
    [
        ("POST", "/v1/verify", {"subject": "alice", "code": "123456"}),
        ("POST", "/v1/verify/challenge", {"subject": "alice"}),
        ("GET", SUBJECT, None),
        ("PUT", SUBJECT, {}),
        ("DELETE", SUBJECT, None),
        ("POST", f"{SUBJECT}/factors", {"kind": "totp"}),
        ("POST", f"{SUBJECT}/factors/confirm", {"ceremony": "t1.x", "code": "123456"}),
    ],
)
async def test_an_application_shows_its_secret_by_http_basic(
    house, shop, headers, method, path, body
):
    answer = await house.client().ask(method, path, body, headers=headers)

    assert (answer.status, answer.code) == (401, "invalid-token")
    assert answer.header("www-authenticate").startswith("Basic ")


async def test_an_application_enrols_its_own_subject(house, shop):
    client = house.client()

    made = await client.put(SUBJECT, {"email": "u42@example.net"}, headers=shop)
    shown = await client.post(f"{SUBJECT}/factors", {"kind": "totp"}, headers=shop)

    assert (made.json["name"], made.json["factors"]) == ("u-42", [])
    assert shown.status == 201
    action = shown.json["actions"][0]
    assert action["href"] == f"{SUBJECT}/factors/confirm"
    secret = secret_of(shown.json["otpauth_uri"])
    body = action["send"] | {"code": totp(secret, house.clock.now())}
    done = await client.ask(action["method"], action["href"], body, headers=shop)
    assert done.json["state"] == "done"
    assert "session" not in done.json["result"]
    assert len(done.json["result"]["recovery_codes"]) == 10
    house.next_step()
    code = totp(secret, house.clock.now())
    verified = await client.post("/v1/verify", {"subject": "u-42", "code": code}, headers=shop)
    assert verified.json["acr"] == "urn:twofold:aal2"
    summary = await client.get(SUBJECT, headers=shop)
    assert [factor["kind"] for factor in summary.json["factors"]] == ["totp"]
    assert summary.json["recovery_codes"]["remaining"] == 10
    assert (await client.delete(SUBJECT, headers=shop)).status == 204
    assert (await client.get(SUBJECT, headers=shop)).code == "not-found"


async def test_another_factor_needs_the_first(house, shop):
    """A61."""
    client = house.client()
    await client.put(SUBJECT, {}, headers=shop)
    secret = await enrolled(house, client, shop)
    house.next_step()

    refused = await client.post(f"{SUBJECT}/factors", {"kind": "totp"}, headers=shop)
    body = {"kind": "totp", "code": totp(secret, house.clock.now())}
    allowed = await client.post(f"{SUBJECT}/factors", body, headers=shop)

    assert (refused.status, refused.code) == (401, "step-up-required")
    assert allowed.status == 201


async def enrolled(house, client, headers):
    shown = await client.post(f"{SUBJECT}/factors", {"kind": "totp"}, headers=headers)
    secret = secret_of(shown.json["otpauth_uri"])
    body = {"ceremony": shown.json["ceremony"], "code": totp(secret, house.clock.now())}
    done = await client.post(f"{SUBJECT}/factors/confirm", body, headers=headers)
    assert done.status == 200, done.text
    return secret


async def test_a_wrong_code_confirms_nothing(house, shop):
    client = house.client()
    await client.put(SUBJECT, {}, headers=shop)
    shown = await client.post(f"{SUBJECT}/factors", {"kind": "totp"}, headers=shop)

    body = {"ceremony": shown.json["ceremony"], "code": "000000"}
    answer = await client.post(f"{SUBJECT}/factors/confirm", body, headers=shop)

    assert (answer.status, answer.code) == (422, "code-rejected")
    assert (await client.get(SUBJECT, headers=shop)).json["factors"] == []


async def test_a_ticket_of_one_application_is_dead_in_another(house, shop):
    client = house.client()
    other = await application(house, "other")
    await client.put(SUBJECT, {}, headers=shop)
    shown = await client.post(f"{SUBJECT}/factors", {"kind": "totp"}, headers=shop)
    code = totp(secret_of(shown.json["otpauth_uri"]), house.clock.now())
    body = {"ceremony": shown.json["ceremony"], "code": code}

    stolen = await client.post("/v1/apps/other/subjects/u-42/factors/confirm", body, headers=other)
    elsewhere = house.client()
    elsewhere.ticket = shown.json["ceremony"]

    assert (stolen.status, stolen.code) == (410, "ceremony-expired")
    assert (await elsewhere.post("/v1/ceremony/confirm", {"code": code})).status == 410


@pytest.mark.parametrize(
    ("method", "path", "body"),
    [
        ("GET", "", None),
        ("PUT", "", {}),
        ("DELETE", "", None),
        ("POST", "/factors", {"kind": "totp"}),
    ],
)
async def test_an_application_acts_in_its_own_name_only(house, shop, method, path, body):
    client = house.client()
    await application(house, "other")

    answer = await client.ask(method, f"/v1/apps/other/subjects/u-42{path}", body, headers=shop)

    assert (answer.status, answer.code) == (404, "not-found")


async def test_an_application_cannot_take_or_forget_what_it_has_not_made(house, shop):
    """A71."""
    await house.add("alice", "totp")
    client = house.client()
    path = "/v1/apps/shop/subjects/alice"

    assert (await client.put(path, {}, headers=shop)).code == "identifier-taken"
    assert (await client.delete(path, headers=shop)).code == "not-found"
    begun = await client.post(f"{path}/factors", {"kind": "totp"}, headers=shop)
    assert begun.code == "not-found"
    assert (await client.get(path, headers=shop)).json["factors"][0]["kind"] == "totp"


async def test_a_code_is_mailed_for_one_application(house, shop):
    await house.add("dave", "email")
    client = house.client()
    other = await application(house, "other")

    sent = await client.post("/v1/verify/challenge", {"subject": "dave"}, headers=shop)
    soon = await client.post("/v1/verify/challenge", {"subject": "dave"}, headers=shop)
    none = await client.post("/v1/verify/challenge", {"subject": "nobody"}, headers=shop)
    code = (await house.mailed())["code"]
    body = {"subject": "dave", "code": code, "factor": sent.json["factor"]}
    elsewhere = await client.post("/v1/verify", body, headers=other)
    right = await client.post("/v1/verify", body, headers=shop)

    now = house.clock.now() // 1_000_000
    assert sent.json["channel_hint"] == "d***@e***.org"
    assert (sent.json["resend_at"], sent.json["expires_at"]) == (now + 60, now + 600)
    assert (soon.status, soon.code) == (429, "cooldown-active")
    assert (none.status, none.code) == (404, "not-enrolled")
    assert elsewhere.code == "code-rejected"
    assert right.json["acr"] == "urn:twofold:aal1"


async def test_where_the_person_sits_is_on_record(house, shop):
    await house.add("alice", "totp")
    body = {
        "subject": "alice",
        "code": house.code("alice"),
        "context": {"ip": "::ffff:203.0.113.9", "user_agent": "Browser"},
    }

    await house.client().post("/v1/verify", body, headers=shop)

    record = (await house.store.records("default", newest=True, limit=1))[0].record
    assert json.loads(record.body)["address"] == "203.0.113.9"
    assert json.loads(record.body)["agent"] == "Browser"


async def test_a_disabled_subject_is_not_verified(house, shop):
    await house.add("alice", "totp")
    await house.root.patch("/admin/v1/users/alice", {"status": "disabled"})

    answer = await house.client().post(
        "/v1/verify", {"subject": "alice", "code": house.code("alice")}, headers=shop
    )

    assert (answer.status, answer.code) == (403, "not-allowed-by-policy")
