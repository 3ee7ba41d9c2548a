"""J: what could be read in two ways is refused, cheaply, and never with a 5xx."""

from __future__ import annotations

import asyncio
import json

import pytest

from tests.support.catalogue import documented
from tests.support.client import Call, InProcess
from tests.support.house import living

ZOO = (
    None, True, False, 0, 1, -1, 123456, 123456.0, 1e5, 2**63, -(2**63) - 1, "", " ", [], {},
    [""], {"code": "123456"}, {"$ne": None}, [None], [[[]]], "0" * 70_000,
)  # fmt: skip
RAW_VALUES = (b"NaN", b"Infinity", b"-Infinity", b"1e999", b"0x10", b"01", b"'a'", b'"\\ud800"')


async def counts(house):
    return house.rows("select count(*) from session"), house.rows("select count(*) from guess")


async def test_a119_no_field_of_any_request_takes_what_it_is_not(house):
    """Truthiness, nulls and numbers for codes (H1 897385)."""
    alice = await house.settle("alice")
    client = await house.signed_in(alice)
    for operation in documented(house.app.routes, id=alice.factor("totp")):
        call = operation.call
        if not isinstance(call.body, dict):
            continue
        for name in call.body:
            for value in ZOO:
                answer = await client.send(call.method, call.path, {**call.body, name: value})
                assert answer.status < 500, (call.path, name, value)


@pytest.mark.parametrize("value", ZOO, ids=lambda value: repr(value)[:24])
async def test_a119_a_code_is_text_and_nothing_else_opens(house, value):
    """A number, a truth or a list where a code belongs."""
    alice = await house.settle("alice")
    client = house.client()
    ticket = await client.ticket("alice", alice.password)
    for name in ("code", "recovery_code"):
        answer = await client.step(ticket, "verify", **{name: value})
        assert answer.status in {400, 413, 422}
    await client.step(ticket, "verify", code=int(alice.app.code(house.clock.seconds)))
    assert house.rows("select count(*) from session") == [(0,)]


@pytest.mark.parametrize("raw", RAW_VALUES)
async def test_a119_no_odd_number_is_json(house, raw):
    """NaN and friends, which Python reads and others do not."""
    body = b'{"kind": "login", "identifier": ' + raw + b"}"
    headers = (("content-type", "application/json"),)
    answer = await house.client().post("/v1/ceremony", body, headers=headers)
    assert answer.said == "400 malformed"


def odd(code: str) -> list[str]:
    """A right code in forms nobody documented."""
    return [
        f"{code}\n", f"\n{code}", f"+{code}", f"{code[:1]}_{code[1:]}", f"{code}\x00",
        code.translate({48 + n: 0xFF10 + n for n in range(10)}),
        code.translate({48 + n: 0x0660 + n for n in range(10)}),
        f"{code}\u200b", f"{code[:3]}\u2028{code[3:]}", f"{code}.", f"0x{code}",
        f"{code[:3]}.{code[3:]}",
        f"{code}{code}", f"{code},{code}", f"'{code}'",
    ]  # fmt: skip


async def test_a121_a_code_has_one_spelling_and_blanks(house):
    """int() takes signs, underscores, other scripts and line ends (T)."""
    alice = await house.settle("alice")
    for form in odd("123456"):
        house.clock.move(3_600)
        code = alice.app.code(house.clock.seconds)
        spelled = odd(code)[odd("123456").index(form)]
        client = house.client()
        ticket = await client.ticket("alice", alice.password)
        answer = await client.verify(ticket, spelled)
        assert answer.said in {"400 malformed", "422 code-rejected"}, repr(form)
    assert house.rows("select count(*) from session") == [(0,)]


@pytest.mark.parametrize("spelling", ["{0}{1}", "{0} {1}", " {0}{1} ", "{0}-{1}"])
async def test_a121_the_separators_that_are_documented_are_ignored(house, spelling):
    """People copy codes with the gap their app shows."""
    alice = await house.settle("alice")
    client = house.client()
    code = alice.app.code(house.clock.seconds)
    ticket = await client.ticket("alice", alice.password)
    assert (await client.verify(ticket, spelling.format(code[:3], code[3:]))).status == 200


def bodies() -> dict[str, bytes]:
    """Bodies that two parsers would read differently."""
    plain = json.dumps({"kind": "login", "identifier": "alice", "password": "x" * 12})
    return {
        "duplicate": b'{"identifier": "alice", "identifier": "root", "password": "xxxxxxxxxxxx"}',
        "duplicate-escaped": b'{"identifier": "a", "\\u0069dentifier": "b"}',
        "deep-list": b"[" * 100_000,
        "deep-closed": b"[" * 30_000 + b"]" * 30_000,
        "deep-object": b'{"a":' * 9_000 + b"1" + b"}" * 9_000,
        "long-integer": b'{"identifier": ' + b"9" * 5_000 + b"}",
        "bom": b"\xef\xbb\xbf" + plain.encode(),
        "utf-16": plain.encode("utf-16"),
        "utf-32": plain.encode("utf-32"),
        "latin": '{"identifier": "älice"}'.encode("latin-1"),
        "overlong": b'{"identifier": "\xc0\xae"}',
        "surrogate": b'{"identifier": "\\ud800", "password": "xxxxxxxxxxxx"}',
        "surrogate-bytes": b'{"identifier": "\xed\xa0\x80", "password": "xxxxxxxxxxxx"}',
        "nul": b'{"identifier": "a\\u0000b", "password": "xxxxxxxxxxxx"}',
        "trailing": plain.encode() + b" {}",
        "comment": b"/* */" + plain.encode(),
        "line": b'{"identifier": "a\nb"}',
        "single": plain.replace('"', "'").encode(),
        "comma": plain[:-1].encode() + b",}",
        "empty": b"",
        "blank": b" ",
        "string": b'"login"',
        "list": b"[" + plain.encode() + b"]",
        "large": b'{"identifier": "' + b"a" * 70_000 + b'"}',
    }


@pytest.mark.parametrize("name", bodies())
async def test_a123_what_two_parsers_read_differently_is_refused(house, name):
    """One layer checks what another does not use (CVE-2025-59043, CVE-2025-59531)."""
    alice = await house.settle("alice")
    client = await house.signed_in(alice)
    before = await counts(house)
    for operation in documented(house.app.routes, id=alice.factor("totp")):
        if operation.call.body is None:
            continue
        headers = (("content-type", "application/json"),)
        answer = await client.send(
            operation.call.method, operation.call.path, bodies()[name], headers=headers
        )
        assert answer.status in {400, 401, 403, 404, 408, 413}, operation.call.path
    assert await counts(house) == before


@pytest.mark.parametrize(
    ("header", "status"),
    [
        ("application/json; charset=utf-16", 415),
        ("application/json; charset=latin-1", 415),
        ("text/json", 415),
        ("application/x-www-form-urlencoded", 415),
        ("multipart/form-data; boundary=x", 415),
        ("application/json, text/plain", 415),
        ("application/json; charset=utf-8", 422),
        ("Application/JSON", 422),
    ],
)
async def test_a123_a_body_is_what_its_type_says_and_only_json_is_read(house, header, status):
    """A simple request that needs no leave of the other site."""
    body = json.dumps({"identifier": "nobody", "password": "x" * 12}).encode()
    answer = await house.client().post("/v1/ceremony", body, headers=(("content-type", header),))
    assert answer.status == status


async def test_a125_what_is_too_long_is_never_hashed(tmp_path):
    """A megabyte of password per hash (ASVS 15.2.2)."""
    async with living(tmp_path / "db") as house:
        alice = await house.settle("alice")
        worked = []
        original = house.engine.hashing.run

        async def counted(work):
            worked.append(work)
            return await original(work)

        object.__setattr__(house.engine.hashing, "run", counted)
        client = house.client()
        ticket = await client.ticket("alice", alice.password)
        hashed = len(worked)
        huge = "x" * 1_000_000
        said = [
            (await client.start("alice", huge)).status,
            (await client.start("alice", "x" * 4_097)).status,
            (await client.recover(ticket, huge)).status,
            (await client.recover(ticket, "A" * 257)).status,
        ]
        assert said == [413, 400, 413, 400]
        assert len(worked) == hashed


async def test_a125_more_logins_than_can_be_hashed_are_put_off_and_codes_are_not(tmp_path):
    """A crowd of unknown names stops everybody."""
    options = {"password.workers": 1, "password.queue": 2, "password.memory_kib": 19_456}
    async with living(tmp_path / "db", options) as house:
        alice = await house.settle("alice")
        client = house.client()
        ticket = await client.ticket("alice", alice.password)
        crowd = [
            asyncio.create_task(house.client().start(f"nobody-{n}", "wrong wrong wrong"))
            for n in range(50)
        ]
        await asyncio.sleep(0)
        code = await client.verify(ticket, alice.app.code(house.clock.seconds))
        hashing = sum(not task.done() for task in crowd)
        answers = await asyncio.gather(*crowd)

    assert code.status == 200
    assert hashing > 0, "the code waited for the hashes"
    said = {answer.said for answer in answers}
    assert said == {"422 invalid-credentials", "503 overloaded"}
    put_off = next(answer for answer in answers if answer.status == 503)
    assert int(put_off.header("retry-after") or 0) >= 1


HUGE_TOKENS = (
    "x" * 100_000, "." * 1_000_000, "t1." + "A" * 5_000_000, "a1." + "A" * 100_000,
    "eyJhbGciOiJub25lIn0." + "A" * 100_000 + ".",
)  # fmt: skip


@pytest.mark.parametrize("token", HUGE_TOKENS, ids=lambda token: f"{token[:5]}*{len(token)}")
async def test_a127_a_token_that_is_too_long_is_not_read(house, token):
    """Megabytes of token (CVE-2025-61920, CVE-2025-59420)."""
    wire = InProcess(house.app)
    shown = (("authorization", f"Bearer {token}"),)
    assert (await wire.send("GET", "/v1/session", shown, b"")).said == "401 invalid-token"
    answer = await wire.send("GET", "/v1/ceremony", (("ceremony", token),), b"")
    assert answer.status in {400, 410}
    body = {"refresh_token": token}
    answer = await house.client().call(Call("POST", "/v1/tokens/refresh", body))
    assert answer.status in {400, 401, 413}


NAMES = (
    " ", "", "*", "%", "_", "a%", "' or '1'='1", "alice' --", "alice\\", "name:alice", "ali_e",
    "alice@%", "*)(uid=*", "$ne", "${jndi:ldap://x}", "../alice", "alice/../root", "a" * 254,
)  # fmt: skip


@pytest.mark.parametrize("name", NAMES)
async def test_a129_a_name_is_looked_up_and_never_searched(house, name):
    """Blank users, wildcards and operators (CVE-2018-1000809)."""
    alice = await house.settle("alice")
    answer = await house.client().start(name, alice.password)
    assert answer.said in {"422 invalid-credentials", "400 malformed"}
    assert house.rows("select count(*) from session") == [(0,)]


async def test_a131_search_and_cursors_are_values_and_never_statements(house):
    """Injection by search, order and page (CVE-2026-33503)."""
    root = await house.settle("root", admin=True)
    await house.settle("alice")
    client = await house.signed_in(root)
    everybody = (await client.get("/admin/v1/users")).json()
    assert len(everybody["users"]) == 2
    for odd_text in ("%25", "_", "%27", "%27%20or%201=1--", "%5C", "%22", "%3B", "%00"):
        for name in ("search", "after", "subject", "limit", "order", "_sort"):
            for path in ("/admin/v1/users", "/admin/v1/events"):
                answer = await client.get(f"{path}?{name}={odd_text}")
                assert answer.status < 500, (path, name, odd_text)
                if name == "search" and answer.status == 200:
                    assert answer.json()["users"] == [], odd_text
