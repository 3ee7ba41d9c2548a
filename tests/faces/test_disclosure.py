"""What an answer shows: headers of every route, secrets once, and nothing about who exists."""

import json
from collections import defaultdict

import pytest

from tests.faces.house import PASSWORD, secret_of, totp
from tests.faces.test_admin import administrator
from twofold.core.policy import Policy

DATA = {
    "cache-control": "no-store",
    "x-content-type-options": "nosniff",
    "cross-origin-resource-policy": "same-origin",
    "referrer-policy": "no-referrer",
    "strict-transport-security": "max-age=31536000; includeSubDomains",
}
PAGE = DATA | {
    "referrer-policy": "same-origin",
    "cross-origin-opener-policy": "same-origin",
    "x-frame-options": "DENY",
}
ASSET = DATA | {"cache-control": "public, max-age=86400"}
del ASSET["referrer-policy"]


def headers_of(answer):
    return {name.decode(): value.decode() for name, value in answer.headers}


async def test_every_route_answers_with_the_headers_of_its_class(build):
    """A83, A111, A113, A117: also when it refuses."""
    house = build()
    browser = house.browser()
    for route in house.app.routes:
        path = route.path.replace("{name}", "twofold.css").replace("{", "").replace("}", "")
        answer = await browser.ask(route.method, path, form={} if not route.listed else None)
        found = headers_of(answer)
        kind = found.get("content-type", "").partition(";")[0]
        expected = {"text/html": PAGE, "text/css": ASSET}.get(kind, DATA)
        if kind == "text/html" and route.path == "/docs":
            expected = {key: found[key] for key in expected if key in found}
        if not kind and answer.status == 303:
            expected = DATA
        for name, value in expected.items():
            assert found.get(name) == value, (route.method, route.path, name)
        if kind == "text/html":
            policy = found["content-security-policy"]
            assert "default-src 'none'" in policy
            assert "frame-ancestors 'none'" in policy
            assert "unsafe" not in policy
        assert "server" not in found
        assert len(found["x-request-id"]) == 16


async def test_nothing_promises_tls_where_there_is_none(build):
    answer = await build(base_url="http://127.0.0.1:8080").client().get("/health/live")

    assert answer.header("strict-transport-security") is None


async def test_no_answer_but_the_first_shows_a_secret(house):
    """A79, I5: everything an owner or administrator can read, searched for everything secret."""
    await house.add("alice", "totp", "email", "recovery")
    root = await administrator(house)
    alice = house.client()
    await alice.start("alice")
    await alice.verify(house.code("alice"))
    shown = await alice.post("/v1/factors", {"kind": "totp"})
    code = totp(secret_of(shown.json["otpauth_uri"]), house.clock.now())
    confirmed = await alice.post("/v1/ceremony/confirm", {"code": code})
    made = (await alice.post("/v1/recovery-codes")).json["codes"]
    client = (await root.post("/admin/v1/clients", {"id": "shop"})).json["secret"]
    secrets = [
        shown.json["secret"],
        house.secrets["alice", "totp"].hex(),
        *house.secrets["alice", "recovery"],
        *made,
        client,
        PASSWORD,
        "$argon2",
        alice.token[-22:],
        alice.refresh[-22:],
        code,
    ]
    paths = [route.path for route in house.app.routes if route.method == "GET"]
    for path in paths:
        for name in ("alice", "root", "shop", shown.json.get("factor", "x")):
            at = path.replace("{id}", name).replace("{client}", "shop").replace("{subject}", name)
            for reader in (alice, root):
                answer = await reader.get(at.replace("{name}", "twofold.css"))
                assert answer.status < 500
                for secret in secrets:
                    assert secret not in answer.text, (at, secret)
    assert confirmed.json["result"]["tokens"]["access_token"].startswith("a1.")


async def test_no_secret_is_in_the_records_or_in_the_outbox(house):
    """A81, A89."""
    await house.add("alice", "totp", "email", "recovery")
    client = house.client()
    begun = await client.start("alice")
    mailbox = next(f["id"] for f in begun.json["factors"] if f["kind"] == "email")
    await client.post("/v1/ceremony/challenge", {"factor": mailbox})
    mailed = (await house.mailed())["code"]
    await client.verify(mailed)
    said = [
        entry.record.body + entry.record.event
        for entry in await house.store.records("default", limit=1000)
    ]
    due = await house.store.due(house.clock.now(), limit=1000)
    kept = [repr(queued.message) + repr(queued.message.sealed) for queued in due]

    for text in (*said, *kept):
        for secret in (mailed, PASSWORD, *house.secrets["alice", "recovery"], client.token):
            assert secret not in text


async def people(house):
    """Names, each with something else about it that a stranger should not learn."""
    await house.add("pat")
    await house.add("ada", "totp")
    await house.add("cora", "totp", "recovery")
    await house.add("postie", "email")
    await house.add("bo", "totp", admin=True)
    await house.add("gil", status=2)
    await house.add("bea", "totp")
    for number in range(10):
        await house.client(peer=f"198.51.100.{number}").start("bea", "wrong")
    house.engine.gate._seen.clear()
    return ["pat", "ada", "cora", "postie", "bo", "gil", "bea", "zed", "ada@example.org"]


@pytest.mark.parametrize("step", ["start", "first-factor", "page"])
@pytest.mark.parametrize("transport", ["json", "cookie"])
async def test_a_stranger_learns_nothing_about_who_exists(house, step, transport):
    """A85, I8: one answer, byte for byte but the request's own id, until the password is right."""
    answers = defaultdict(list)
    for name in await people(house):
        client = house.browser() if transport == "cookie" else house.client()
        if step == "start":
            answer = await client.start(name, "wrong", transport=transport)
        elif step == "first-factor":
            begun = await client.post("/v1/ceremony", {"identifier": name, "transport": transport})
            assert begun.json["factors"] == []
            assert begun.json["recovery_codes"] is False
            answer = await client.post("/v1/ceremony/first-factor", {"password": "wrong"})
        else:
            page = await client.get("/login")
            client.jar = {n: (c["value"], "/") for n, c in page.cookies().items()}
            token = page.text.partition('name="csrf_token" value="')[2].partition('"')[0]
            form = {"csrf_token": token, "name": name, "password": "wrong"}
            answer = await client.ask("POST", "/login", form=form)
        same = {key: value for key, value in headers_of(answer).items() if key not in VARYING}
        if step == "page":
            body = answer.text.replace(f'value="{name}"', "NAME")
            body = body.replace(between(body, 'name="csrf_token" value="'), "TOKEN")
            body = body.replace(between(body, 'nonce="'), "NONCE")
            length = None
        else:
            body = json.dumps(answer.json | {"instance": ""})
            length = answer.header("content-length")
        told = (answer.status, body, tuple(sorted(same.items())), length)
        answers[told].append(name)

    assert len(answers) == 1, [(names, told[0]) for told, names in answers.items()]


VARYING = {"x-request-id", "content-length", "set-cookie", "content-security-policy"}


def between(text, start):
    return text.partition(start)[2].partition('"')[0]


async def test_what_has_been_typed_is_not_repeated_to_a_stranger(house):
    answer = await house.client().start("someone<script>", "a secret thing")

    assert "someone" not in answer.text
    assert "a secret thing" not in answer.text


async def test_being_signed_up_or_not_costs_the_same_reads(build):
    """A85: the neutral answers of an open realm."""
    house = build(policy=Policy(registration=True))
    await house.add("alice")
    body = {"email": "alice@example.org", "password": "a brand new password", "name": "n1"}

    known = await house.client().post("/v1/account", body)
    fresh = await house.client().post("/v1/account", body | {"email": "x@y.example", "name": "n2"})

    assert known.status == fresh.status == 202
    assert set(known.json) == set(fresh.json) == {"name"}
