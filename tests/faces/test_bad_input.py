"""Odd types, odd text, odd JSON: a documented refusal, nothing counted, nothing granted."""

import json

import pytest

from tests.faces.house import PASSWORD
from twofold.web.kit import Taking

# A119. JSON text, so that what Python cannot hold is there as well.
ZOO = [
    "null",
    "true",
    "0",
    "123456",
    "123456.0",
    "1e5",
    "-1",
    "[]",
    '["123456"]',
    "{}",
    '{"code": "123456"}',
    "99999999999999999999999999",
    "NaN",
    "Infinity",
    "-Infinity",
]

# Fields that are text wherever they are taken, with what else that route needs to get there.
TEXTS = [
    ("/v1/ceremony", "identifier", {"password": PASSWORD}),
    ("/v1/ceremony", "password", {"identifier": "alice"}),
    ("/v1/ceremony", "kind", {}),
    ("/v1/ceremony", "transport", {}),
    ("/v1/ceremony/first-factor", "password", {"identifier": "alice"}),
    ("/v1/ceremony/first-factor", "identifier", {"password": PASSWORD}),
    ("/v1/ceremony/challenge", "factor", {}),
    ("/v1/ceremony/verify", "code", {}),
    ("/v1/ceremony/verify", "recovery_code", {}),
    ("/v1/ceremony/verify", "factor", {"code": "123456"}),
    ("/v1/ceremony/verify", "ceremony", {"code": "123456"}),
    ("/v1/ceremony/enroll", "kind", {}),
    ("/v1/ceremony/enroll", "label", {"kind": "totp"}),
    ("/v1/ceremony/enroll", "qr", {"kind": "totp"}),
    ("/v1/ceremony/confirm", "code", {}),
    ("/v1/tokens/refresh", "refresh_token", {}),
    ("/v1/account/password/reset", "identifier", {}),
    ("/v1/account/verification/confirm", "token", {}),
]


@pytest.mark.parametrize("value", ZOO)
@pytest.mark.parametrize(("path", "field", "others"), TEXTS)
async def test_a_text_is_a_text_and_nothing_else(house, path, field, others, value):
    await house.add("alice", "totp", "recovery")
    client = house.client()
    await client.start("alice")
    before = await house.events()
    inside = "".join(f", {json.dumps(key)}: {json.dumps(other)}" for key, other in others.items())
    headers = {} if field != "ceremony" else {"ceremony": ""}

    answer = await client.post(
        path, raw=f'{{"{field}": {value}{inside}}}'.encode(), headers=headers
    )

    assert (answer.status, answer.code) == (400, "malformed")
    assert await house.events() == before


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"null",
        b"[]",
        b'"text"',
        b"123456",
        b'{"code": "123456", "code": "123456"}',
        b'{"code": "123456"} ',
        b'{"code": "123456"}x',
        b'{"code": "123456"}{"code": "123456"}',
        b'{"code": "123456",}',
        b"{'code': '123456'}",
        b'{"code": "123456"} // so there',
        b'\xef\xbb\xbf{"code": "123456"}',
        '{"code": "123456"}'.encode("utf-16"),
        '{"code": "123456"}'.encode("utf-32"),
        b'{"code": "12\xff456"}',
        b'{"code": "\\ud800"}',
        b'{"code": "12345\\u0000"}',
        b'{"code": "123456", "extra": 1}',
        b'{"Code": "123456"}',
        b'{"code": ' + b"9" * 5_000 + b"}",
        b"[" * 60_000,
        b'{"code":' * 5_000,
        b'{"code": "' + b"1" * 65 + b'"}',
    ],
)
async def test_json_that_could_be_read_in_two_ways_is_not_read(house, body):
    """A123."""
    await house.add("alice", "totp")
    client = house.client()
    await client.start("alice")
    right = house.code("alice").encode()
    before = await house.events()

    answer = await client.post("/v1/ceremony/verify", raw=body.replace(b"123456", right))

    if body == b'{"code": "123456"} ':
        assert answer.status == 200  # blanks behind a value are JSON
        return
    assert (answer.status, answer.code) == (400, "malformed")
    assert await house.events() == before


@pytest.mark.parametrize(
    ("spell", "status"),
    [
        (lambda code: f"{code[:3]} {code[3:]}", 200),
        (lambda code: f"{code[:3]}-{code[3:]}", 200),
        (lambda code: f" {code}", 200),
        (lambda code: code.translate({48 + n: 0xFF10 + n for n in range(10)}), 422),
        (lambda code: code.translate({48 + n: 0x0660 + n for n in range(10)}), 422),
        (lambda code: f"{code}\n", 422),
        (lambda code: f"+{code}", 422),
        (lambda code: f"{code[:1]}_{code[1:]}", 422),
        (lambda code: f"\t{code}", 422),
        (lambda code: f"{code}0", 422),
        (lambda code: code[:-1], 422),
        (lambda code: " " * 10, 422),
        (lambda code: "²²²²²²", 422),
        (lambda code: "①②③④⑤⑥", 422),
        (lambda code: "", 400),
    ],
)
async def test_a_code_may_be_spelled_as_people_spell_it_and_not_otherwise(house, spell, status):
    """A121; what a keyboard of another script types is the pages' business."""
    await house.add("alice", "totp")
    client = house.client()
    await client.start("alice")

    answer = await client.verify(spell(house.code("alice")))

    assert answer.status == status, answer.text


@pytest.mark.parametrize(
    "name",
    [" ", "*", "%", "a' or 1=1 --", '{"$ne": null}', "\u200balice", "alice\n", "a" * 254, "../etc"],
)
async def test_a_name_that_is_nobodys_is_a_wrong_password(house, name):
    """A129."""
    await house.add("alice")

    answer = await house.client().start(name)

    assert (answer.status, answer.code) == (422, "invalid-credentials")


async def test_alice_is_alice_in_every_spelling(house):
    """A23: one account, one budget."""
    await house.add("alice")

    for name in ("ALICE", " alice ", "Alice@Example.ORG", "ａｌｉｃｅ"):
        assert (await house.client().start(name)).json["state"] == "done", name


@pytest.mark.parametrize("length", [1_025, 4_096])
async def test_a_long_password_costs_no_hash_and_is_wrong(house, length):
    """A125."""
    await house.add("alice")
    house.pool.queue_limit = 10_000

    answer = await house.client().start("alice", "p" * length)

    assert (answer.status, answer.code) == (422, "invalid-credentials")


@pytest.mark.parametrize(
    ("body", "status"),
    [({"identifier": "a" * 255, "password": "x"}, 400), ({"password": "p" * 4_097}, 400)],
)
async def test_what_is_longer_than_anybody_types_is_refused(house, body, status):
    assert (await house.client().post("/v1/ceremony", body)).status == status


async def test_a_body_of_ten_megabytes_is_not_read_to_its_end(house):
    answer = await house.client().post("/v1/ceremony", raw=b" " * 10_000_000)

    assert (answer.status, answer.code) == (413, "too-large")


@pytest.mark.parametrize("kind", ["text/plain", "application/xml", "multipart/form-data", ""])
async def test_only_json_is_read(house, kind):
    answer = await house.client().post(
        "/v1/ceremony", raw=b'{"kind": "login"}', headers={"content-type": kind}
    )

    assert (answer.status, answer.code) == (415, "unsupported-media-type")


async def test_no_route_takes_what_it_does_not_list(house):
    """A91, for every body there is."""
    client = house.client()
    for route in house.app.routes:
        if not isinstance(route.handler, Taking):
            continue
        path = route.path.replace("{", "").replace("}", "")
        answer = await client.ask(route.method, path, {"zz_unknown": 1})
        assert answer.code in {"malformed", "invalid-token"}, route.path
        shape = route.handler.body
        assert shape.__struct_config__.forbid_unknown_fields, route.path


async def test_every_route_survives_a_body_of_every_kind(house):
    """I9: no 5xx, and nothing that was not asked for."""
    await house.add("root", "totp", admin=True)
    root = house.client()
    await root.start("root")
    await root.verify(house.code("root"))
    for route in house.app.routes:
        if not isinstance(route.handler, Taking):
            continue
        path = route.path.replace("{", "").replace("}", "")
        for value in ("null", "[]", "1", '"x"', "{", '{"a": {"b": []}}'):
            answer = await root.ask(route.method, path, raw=value.encode())
            assert 400 <= answer.status < 500, (route.path, value, answer.text)


@pytest.mark.parametrize(
    "path",
    [
        "/v1/sessions/%2e%2e",
        "/v1/sessions/a%2Fb",
        "/v1/sessions/%00",
        "/v1/sessions/%ff",
        "/v1/sessions/",
        "/v1//session",
        "/v1/session/",
        "/V1/session",
        "/admin/v1/users/a%5Cb",
    ],
)
async def test_a_path_with_two_readings_leads_nowhere(house, path):
    answer = await house.client().get(path)

    assert answer.status in {404, 405}


async def test_a_method_that_a_resource_does_not_know_is_named(house):
    answer = await house.client().put("/v1/session", {})

    assert (answer.status, answer.code) == (405, "method-not-allowed")
    assert answer.header("allow") == "DELETE, GET, HEAD, OPTIONS"
