"""The refusals that many routes share, tried on every route that documents them."""

import pytest

from tests.faces.house import PASSWORD, House, secret_of, totp
from tests.faces.test_admin import administrator
from tests.faces.test_verify import SUBJECT, application
from twofold.core.policy import Enforcement, Policy
from twofold.web.kit import Auth, Taking

TABLE = [route for route in House().app.routes if route.listed]
SIGNED = [route for route in TABLE if route.auth in {Auth.SESSION, Auth.ADMIN}]
CEREMONIES = [route for route in TABLE if route.auth is Auth.CEREMONY]

BODIES = {
    "/v1/ceremony/first-factor": {"password": PASSWORD},
    "/v1/ceremony/verify": {"code": "123456"},
    "/v1/ceremony/enroll": {"kind": "totp"},
    "/v1/ceremony/confirm": {"code": "123456"},
    "/v1/factors/{id}": {"label": "x"},
    "/v1/account/locale": {"locale": "de"},
    "/v1/account/email": {"email": "a@b.example"},
    "/v1/account/password": {"current_password": "a", "new_password": "b"},
    "/admin/v1/users": {"name": "x"},
    "/admin/v1/users/{id}": {"groups": []},
    "/admin/v1/users/{id}/password": {"password": "x"},
    "/admin/v1/policy": {"policy": {}, "version": 0},
    "/admin/v1/theme": {"theme": {}, "version": 0},
    "/admin/v1/clients": {"id": "x"},
    "/admin/v1/clients/{id}": {"name": "x"},
}


def named(route):
    return f"{route.method} {route.path}"


def body_of(route):
    return BODIES.get(route.path, {}) if isinstance(route.handler, Taking) else None


def path_of(route):
    return route.path.replace("{", "").replace("}", "")


@pytest.mark.parametrize("route", SIGNED, ids=named)
async def test_a_route_for_those_who_are_signed_in_serves_nobody_else(house, route):
    """A53."""
    await house.add("alice", "totp")
    pending = house.client()
    await pending.start("alice")

    nobody = await house.client().ask(route.method, path_of(route), body_of(route))
    halfway = await house.client().ask(
        route.method,
        path_of(route),
        body_of(route),
        headers={"authorization": f"Bearer {pending.ticket}"},
    )

    assert (nobody.status, nobody.code) == (401, "invalid-token")
    assert (halfway.status, halfway.code) == (401, "invalid-token")


@pytest.mark.parametrize("route", SIGNED, ids=named)
async def test_a_route_for_those_who_are_signed_in_takes_one_credential(house, route):
    await house.add("carol")
    browser, client = house.browser(), house.client()
    await browser.start("carol", transport="cookie")
    await client.start("carol")
    browser.token = client.token

    answer = await browser.ask(route.method, path_of(route), body_of(route))

    assert (answer.status, answer.code) == (400, "mixed-credentials")


@pytest.mark.parametrize(
    "route",
    [r for r in SIGNED if r.auth is Auth.ADMIN and r.method == "GET"],
    ids=named,
)
async def test_an_administrator_with_a_weak_proof_reads_nothing(build, route):
    house = build(policy=Policy(enforcement=Enforcement.OFF, admins=Enforcement.OFF))
    await house.add("root", "totp", admin=True)
    client = house.client()
    await client.start("root")

    answer = await client.get(path_of(route))

    assert (answer.status, answer.code) == (401, "step-up-required")


@pytest.fixture
def demanding(build):
    return build(policy=Policy(enforcement=Enforcement.REQUIRED, grace=3_600))


async def standing(house, route, client):
    """Bring a ceremony to where the route's step is possible."""
    if route.path == "/v1/ceremony/first-factor":
        await client.start("carol")
        await client.post("/v1/ceremony/skip")
        return await client.post("/v1/ceremony", {"kind": "stepup"})
    if route.path == "/v1/ceremony/challenge":
        return await client.start("dave")
    if route.path in {"/v1/ceremony/enroll", "/v1/ceremony/skip"}:
        return await client.start("carol")
    if route.path == "/v1/ceremony/confirm":
        await client.start("carol")
        return await client.post("/v1/ceremony/enroll", {"kind": "totp"})
    return await client.start("alice")


async def populated(house):
    await house.add("alice", "totp")
    await house.add("dave", "email")
    await house.add("carol")


async def step(route, client):
    return await client.ask(route.method, path_of(route), body_of(route))


@pytest.mark.parametrize("route", CEREMONIES, ids=named)
async def test_a_step_after_the_end_of_its_time_is_too_late(demanding, route):
    await populated(demanding)
    client = demanding.client()
    await standing(demanding, route, client)
    demanding.clock.forward(1_000)

    answer = await step(route, client)

    assert (answer.status, answer.code) == (410, "ceremony-expired")


@pytest.mark.parametrize("ticket", ["", "t1.", "x", "a1.abc", "t1." + "A" * 20_000])
@pytest.mark.parametrize("route", CEREMONIES, ids=named)
async def test_a_step_without_a_ticket_of_ours_is_none(demanding, route, ticket):
    client = demanding.client()

    named_in_header = await client.ask(
        route.method, path_of(route), body_of(route), headers={"ceremony": ticket}
    )

    assert (named_in_header.status, named_in_header.code) == (410, "ceremony-expired")


@pytest.mark.parametrize("route", CEREMONIES, ids=named)
async def test_a_step_names_its_ceremony(demanding, route):
    answer = await step(route, demanding.client())

    if isinstance(route.handler, Taking) and not body_of(route):
        assert (answer.status, answer.code) == (400, "malformed")
        return
    assert (answer.status, answer.code, answer.json["field"]) == (400, "malformed", "ceremony")


@pytest.mark.parametrize("route", CEREMONIES, ids=named)
async def test_a_step_shows_its_ticket_in_one_place(demanding, route):
    await populated(demanding)
    browser, client = demanding.browser(), demanding.client()
    await standing(demanding, route, client)
    await browser.start("alice", transport="cookie")
    browser.ticket = client.ticket

    answer = await step(route, browser)

    assert (answer.status, answer.code) == (400, "mixed-credentials")


@pytest.mark.parametrize("route", CEREMONIES, ids=named)
async def test_a_step_of_a_ceremony_that_was_given_up_is_refused(demanding, route):
    await populated(demanding)
    client = demanding.client()
    await standing(demanding, route, client)
    ticket = client.ticket
    assert (await client.delete("/v1/ceremony")).status == 204
    client.ticket = ticket

    answer = await step(route, client)

    if route.method == "DELETE":
        assert answer.status == 204  # giving up twice is giving up
        return
    assert (answer.status, answer.code) == (409, "ceremony-consumed")


@pytest.mark.parametrize("route", CEREMONIES, ids=named)
async def test_a_step_after_a_change_of_the_account_is_refused(demanding, route):
    """A77."""
    await populated(demanding)
    client = demanding.client()
    await standing(demanding, route, client)
    root = await administrator(demanding)
    for name in ("alice", "carol", "dave"):
        changed = await root.patch(f"/admin/v1/users/{name}", {"groups": ["x"]})
        assert changed.status == 200

    answer = await step(route, client)

    assert (answer.status, answer.code) == (409, "stale-security-state")


@pytest.mark.parametrize(("path", "body"), [("verify", {"code": "123456"}), ("challenge", {})])
async def test_nothing_is_proved_while_something_is_set_up(demanding, path, body):
    await populated(demanding)
    client = demanding.client()
    await client.start("carol")

    answer = await client.post(f"/v1/ceremony/{path}", body)

    assert (answer.status, answer.code) == (409, "action-not-possible")


async def test_a_factor_that_is_not_theirs_verifies_nothing(house):
    """A33, A71."""
    await house.add("alice", "totp")
    await house.add("bob", "totp")
    client, bob = house.client(), house.client()
    await client.start("alice")
    theirs = (await bob.start("bob")).json["factors"][0]["id"]

    answer = await client.verify(house.code("bob"), factor=theirs)

    assert (answer.status, answer.code) == (404, "not-enrolled")
    assert (await bob.verify(house.code("bob"))).json["state"] == "done"


async def test_a_set_up_is_guessed_at_as_little_as_a_sign_in(house):
    await house.add("carol")
    answers = []
    for _ in range(3):
        client = house.client()
        await client.start("carol")
        await client.post("/v1/factors", {"kind": "totp", "qr": "none"})
        answers += [
            (await client.post("/v1/ceremony/confirm", {"code": "000000"})).code for _ in range(6)
        ]

    assert answers[5] == "ceremony-consumed"
    assert answers[-1] == "factor-blocked"


async def test_a_blocked_method_sends_nothing(house):
    await house.add("dave", "email")
    for _ in range(2):
        client = house.client()
        await client.start("dave")
        for _ in range(5):
            await client.verify("000000")
    client = house.client(peer="198.51.100.8")
    await client.start("dave")

    answer = await client.post("/v1/ceremony/challenge", {})

    assert (answer.status, answer.code) in {(429, "factor-blocked"), (429, "cooldown-active")}


async def test_a_kind_that_may_not_be_bound_is_refused_in_any_ceremony(demanding):
    await populated(demanding)
    client = demanding.client()
    await client.start("carol")

    answer = await client.post("/v1/ceremony/enroll", {"kind": "recovery"})

    assert (answer.status, answer.code) == (403, "not-allowed-by-policy")


async def test_strangers_mailboxes_get_few_letters_in_any_ceremony(demanding):
    """A139."""
    await populated(demanding)
    client = demanding.client()
    await client.start("carol")
    answers = [
        await client.post(
            "/v1/ceremony/enroll", {"kind": "email", "address": f"victim{n}@example.net"}
        )
        for n in range(6)
    ]

    assert (answers[-1].status, answers[-1].code) == (429, "rate-limited")


async def test_a_source_that_guessed_passwords_is_slowed_in_every_step(house):
    await house.add("alice", "totp")
    client = house.client()
    begun = await client.post("/v1/ceremony", {})
    other = house.client()
    await other.start("alice")
    for number in range(50):
        await house.client().start(f"nobody{number}")
    client.ticket = begun.json["ceremony"]

    first = await client.post(
        "/v1/ceremony/first-factor", {"identifier": "alice", "password": PASSWORD}
    )
    second = await other.verify(house.code("alice"))

    assert (first.status, first.code) == (429, "rate-limited")
    assert (second.status, second.code) == (429, "rate-limited")


FULL = [
    ("POST", "/v1/ceremony/first-factor", {"identifier": "alice", "password": PASSWORD}),
    ("POST", "/v1/account", {"name": "z", "email": "z@y.example", "password": "a good new one"}),
    (
        "POST",
        "/v1/account/password",
        {"current_password": PASSWORD, "new_password": "a good new one"},
    ),
    ("POST", "/v1/account/password/reset/confirm", {"new_password": "a good new one"}),
    ("POST", "/admin/v1/users", {"name": "z", "password": "a good new one"}),
    ("PUT", "/admin/v1/users/root/password", {"password": "a good new one"}),
]


@pytest.mark.parametrize(("method", "path", "body"), FULL)
async def test_where_hashes_are_made_a_full_queue_asks_to_come_back(build, method, path, body):
    """A125: and nothing was tried, counted or changed."""
    house = build(policy=Policy(registration=True))
    root = await administrator(house)
    begun = house.client()
    await begun.post("/v1/ceremony", {})
    root.ticket = begun.ticket
    if "reset" in path:
        await root.post("/v1/account/password/reset", {"identifier": "root"})
        body = body | {"token": (await house.mailed("reset-password"))["code"]}
    before = await house.events()
    house.pool.queue_limit = house.pool.workers = 0

    answer = await root.ask(method, path, body)

    assert (answer.status, answer.code) == (503, "overloaded")
    assert answer.header("retry-after") == "1"
    assert await house.events() == before


async def test_two_who_claim_an_address_cannot_both_have_it(build):
    house = build(policy=Policy(registration=True))
    client, tokens = house.client(), []
    for name in ("one", "two"):
        body = {"name": name, "email": "shared@example.net", "password": "a good new one"}
        await client.post("/v1/account", body)
        tokens.append((await house.mailed("verify-address"))["code"])
        house.clock.forward(1)

    first = await client.post("/v1/account/verification/confirm", {"token": tokens[0]})
    second = await client.post("/v1/account/verification/confirm", {"token": tokens[1]})

    assert first.status == 204
    assert (second.status, second.code) == (409, "identifier-taken")


async def test_a_token_for_an_address_dies_with_a_change_of_it(build):
    house = build(policy=Policy(registration=True))
    client = house.client()
    body = {"name": "zoe", "email": "zoe@example.net", "password": "a good new one"}
    await client.post("/v1/account", body)
    token = (await house.mailed("verify-address"))["code"]
    root = await administrator(house)
    await root.patch("/admin/v1/users/zoe", {"email": "other@example.net"})

    answer = await client.post("/v1/account/verification/confirm", {"token": token})

    assert (answer.status, answer.code) == (409, "stale-security-state")


async def test_an_application_that_guesses_is_stopped_in_a_set_up_too(house):
    shop = await application(house, "shop")
    client = house.client()
    await client.put(SUBJECT, {}, headers=shop)
    answers = []
    for _ in range(3):
        shown = await client.post(f"{SUBJECT}/factors", {"kind": "totp"}, headers=shop)
        body = {"ceremony": shown.json["ceremony"], "code": "000000"}
        answers += [
            (await client.post(f"{SUBJECT}/factors/confirm", body, headers=shop)).code
            for _ in range(6)
        ]

    assert answers[5] == "ceremony-consumed"
    assert answers[-1] == "factor-blocked"
    for kind, code in (("abacus", "not-allowed-by-policy"), ("email", "malformed")):
        refused = await client.post(f"{SUBJECT}/factors", {"kind": kind}, headers=shop)
        assert refused.code == code


async def test_a_set_up_of_an_application_is_confirmed_once(house):
    shop = await application(house, "shop")
    client = house.client()
    await client.put(SUBJECT, {}, headers=shop)
    shown = await client.post(f"{SUBJECT}/factors", {"kind": "totp"}, headers=shop)
    code = totp(secret_of(shown.json["otpauth_uri"]), house.clock.now())
    body = {"ceremony": shown.json["ceremony"], "code": code}
    await client.post(f"{SUBJECT}/factors/confirm", body, headers=shop)

    again = await client.post(f"{SUBJECT}/factors/confirm", body, headers=shop)
    wrong = {"kind": "totp", "code": "000000"}
    guessed = [await client.post(f"{SUBJECT}/factors", wrong, headers=shop) for _ in range(11)]
    spent = await client.post(f"{SUBJECT}/factors", {"kind": "totp", "code": code}, headers=shop)

    assert (again.status, again.code) == (409, "stale-security-state")
    assert guessed[0].code == "code-rejected"
    assert guessed[-1].code == "factor-blocked"
    assert spent.code == "factor-blocked"


async def test_what_policy_cannot_grant_is_refused_in_every_step(house):
    await house.add("dave", "email")
    await house.add("erin", "totp", "email")
    begun = house.client()
    await begun.post("/v1/ceremony", {"require": {"acr": "aal3"}})
    body = {"identifier": "dave", "password": PASSWORD}
    first = await begun.post("/v1/ceremony/first-factor", body)

    assert (first.status, first.code) == (403, "not-allowed-by-policy")


async def test_an_administrator_makes_no_weak_password(house):
    root = await administrator(house)

    answer = await root.post("/admin/v1/users", {"name": "zoe", "password": "zoe"})

    assert (answer.status, answer.code) == (422, "weak-password")


async def test_figures_need_one_credential_and_a_strong_proof(build):
    house = build(policy=Policy(enforcement=Enforcement.OFF, admins=Enforcement.OFF))
    await house.add("root", "totp", admin=True)
    browser, client = house.browser(), house.client()
    await browser.start("root", transport="cookie")
    await client.start("root")
    weak = await client.get("/metrics")
    browser.token = client.token

    both = await browser.get("/metrics")

    assert (weak.status, weak.code) == (401, "step-up-required")
    assert (both.status, both.code) == (400, "mixed-credentials")


async def test_the_days_letters_to_one_address_are_numbered(house):
    """A139: 30 a day, whoever asks for them, and none instead of a code that died."""
    shop = await application(house, "shop")
    await house.add("dave", "email")
    client, answers = house.client(), []
    for number in range(31):
        body = {"subject": "dave"}
        house.clock.forward(61 if number < 30 else 700)
        answers.append(await client.post("/v1/verify/challenge", body, headers=shop))

    assert [answer.status for answer in answers] == [200] * 30 + [429]
    assert answers[-1].code == "rate-limited"


async def test_an_application_sends_nothing_for_the_blocked_and_the_disabled(house):
    shop = await application(house, "shop")
    await house.add("dave", "email")
    await house.add("gil", "email", status=2)
    client = house.client()
    await client.post("/v1/verify/challenge", {"subject": "dave"}, headers=shop)
    for _ in range(10):
        await client.post("/v1/verify", {"subject": "dave", "code": "000000"}, headers=shop)

    blocked = await client.post("/v1/verify/challenge", {"subject": "dave"}, headers=shop)
    disabled = await client.post("/v1/verify/challenge", {"subject": "gil"}, headers=shop)

    assert (blocked.status, blocked.code) == (429, "factor-blocked")
    assert (disabled.status, disabled.code) == (403, "not-allowed-by-policy")


async def test_another_factor_of_an_application_costs_a_code_that_is_spent_with_it(house):
    shop = await application(house, "shop")
    client = house.client()
    await client.put(SUBJECT, {"email": "u@example.net"}, headers=shop)
    shown = await client.post(f"{SUBJECT}/factors", {"kind": "totp"}, headers=shop)
    secret = secret_of(shown.json["otpauth_uri"])
    body = {"ceremony": shown.json["ceremony"], "code": totp(secret, house.clock.now())}
    await client.post(f"{SUBJECT}/factors/confirm", body, headers=shop)
    house.next_step()
    wanted = {"kind": "totp", "code": totp(secret, house.clock.now())}

    first = await client.post(f"{SUBJECT}/factors", wanted, headers=shop)
    again = await client.post(f"{SUBJECT}/factors", wanted, headers=shop)
    unknown = await client.post(
        f"{SUBJECT}/factors", {**wanted, "factor": "ffffffffffffffff"}, headers=shop
    )
    house.next_step()
    letters = []
    for number in range(6):
        house.next_step()
        code = totp(secret, house.clock.now())
        body = {"kind": "email", "address": f"v{number}@example.net", "code": code}
        letters.append(await client.post(f"{SUBJECT}/factors", body, headers=shop))

    assert first.status == 201
    assert (again.status, again.code) == (422, "code-already-used")
    assert (unknown.status, unknown.code) == (404, "not-enrolled")
    assert letters[-1].code == "rate-limited"
