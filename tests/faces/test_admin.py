"""`/admin/v1`: what administrators see and do, and that nobody else does."""

import pytest

from tests.faces.house import PASSWORD, subject_id, totp
from twofold.core.policy import Enforcement, Policy
from twofold.core.types import SECOND

KEY = "GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ"
RAW = b"12345678901234567890"


async def administrator(house, name="root"):
    await house.add(name, "totp", admin=True)
    client = house.client()
    await client.start(name)
    await client.verify(house.code(name))
    return client


READ = [
    ("GET", "/admin/v1/users", None),
    ("GET", "/admin/v1/users/alice", None),
    ("GET", "/admin/v1/users/alice/factors", None),
    ("GET", "/admin/v1/users/alice/sessions", None),
    ("GET", "/admin/v1/events", None),
    ("GET", "/admin/v1/policy", None),
    ("GET", "/admin/v1/clients", None),
]
CHANGE = [
    ("POST", "/admin/v1/users", {"name": "new"}),
    ("PATCH", "/admin/v1/users/alice", {"groups": ["x"]}),
    ("PUT", "/admin/v1/users/alice/password", {"password": "another very good one"}),
    ("POST", "/admin/v1/users/alice/factors", {"kind": "totp", "secret": KEY}),
    ("DELETE", "/admin/v1/users/alice/factors/{factor}", None),
    ("POST", "/admin/v1/users/alice/reset", {}),
    ("POST", "/admin/v1/users/alice/unlock", {}),
    ("DELETE", "/admin/v1/users/alice/sessions", None),
    ("DELETE", "/admin/v1/users/alice/sessions/{session}", None),
    ("DELETE", "/admin/v1/users/alice", None),
    ("PUT", "/admin/v1/policy", {"policy": {"fresh": 60}, "version": 0}),
    ("POST", "/admin/v1/clients", {"id": "shop"}),
    ("PATCH", "/admin/v1/clients/known", {"name": "Known"}),
    ("POST", "/admin/v1/clients/known/secret", {}),
    ("DELETE", "/admin/v1/clients/known", None),
]


async def target(house, path):
    """The path with the ids of alice's first factor and session in it, and a client made."""
    if "{factor}" in path:
        named = next(v for k, v in house.secrets.items() if k[:2] == ("alice", "totp") and k[2:])
        path = path.replace("{factor}", named)
    if "{session}" in path:
        alice = house.client()
        await alice.start("alice")
        done = await alice.verify(house.code("alice"))
        path = path.replace("{session}", done.json["result"]["session"]["id"])
    return path


@pytest.mark.parametrize(("method", "path", "body"), READ + CHANGE)
async def test_an_administrator_may_and_everybody_else_may_not(house, method, path, body):
    """A93."""
    await house.add("alice", "totp", "recovery")
    await house.add("mallory")
    root, mallory = await administrator(house), house.client()
    await root.post("/admin/v1/clients", {"id": "known"})
    await mallory.start("mallory")
    path = await target(house, path)

    nobody = await house.client().ask(method, path, body)
    somebody = await mallory.ask(method, path, body)
    allowed = await root.ask(method, path, body)

    assert (nobody.status, nobody.code) == (401, "invalid-token")
    assert (somebody.status, somebody.code) == (403, "not-allowed-by-policy")
    assert allowed.status < 300, allowed.text


@pytest.mark.parametrize(("method", "path", "body"), CHANGE)
async def test_every_change_needs_a_fresh_proof(house, method, path, body):
    await house.add("alice", "totp", "recovery")
    root = await administrator(house)
    await root.post("/admin/v1/clients", {"id": "known"})
    path = await target(house, path)
    house.clock.forward(301)
    before = await house.events()

    answer = await root.ask(method, path, body)

    assert (answer.status, answer.code) == (401, "step-up-required")
    assert await house.events() == before
    assert (await root.get("/admin/v1/users")).status == 200


async def test_an_administrator_with_the_password_alone_sees_nothing(build):
    house = build(policy=Policy(enforcement=Enforcement.OFF, admins=Enforcement.OFF))
    await house.add("root", "totp", admin=True)
    root = house.client()
    await root.start("root")

    answer = await root.get("/admin/v1/users")

    assert (answer.status, answer.code) == (401, "step-up-required")


async def test_a_user_is_made_read_changed_and_deleted(kept):
    root = await administrator(kept)
    new = {
        "name": "Zoe",
        "email": "Zoe@Example.net",
        "email_verified": True,
        "phone": "+49 30 123456",
        "password": "a very good password",
        "groups": ["staff"],
        "locale": "DE_at",
    }

    made = await root.post("/admin/v1/users", new)

    assert made.status == 201
    assert made.json | {"id": "", "created_at": 0} == {
        "id": "",
        "name": "Zoe",
        "email": "zoe@example.net",
        "email_verified": True,
        "phone": "+4930123456",
        "phone_verified": False,
        "groups": ["staff"],
        "admin": False,
        "status": "active",
        "created_at": 0,
        "locale": "de-AT",
    }
    zoe = kept.client()
    assert (await zoe.start("zoe", "a very good password")).json["state"] == "done"
    read = await root.get(f"/admin/v1/users/{made.json['id']}")
    assert read.json["user"] == made.json
    assert len(read.json["sessions"]) == 1
    changed = await root.patch(
        f"/admin/v1/users/{made.json['id']}", {"email": "", "groups": [], "admin": True}
    )
    assert (changed.json["email"], changed.json["groups"], changed.json["admin"]) == (
        None, [], True,
    )  # fmt: skip
    gone = await root.delete(f"/admin/v1/users/{made.json['id']}")
    assert (gone.status, gone.body) == (204, b"")
    assert (await root.get(f"/admin/v1/users/{made.json['id']}")).code == "not-found"
    assert (await zoe.get("/v1/session")).status == 401


async def test_a_name_is_given_once(house):
    root = await administrator(house)
    await root.post("/admin/v1/users", {"name": "zoe"})

    again = await root.post("/admin/v1/users", {"name": "ZOE"})
    renamed = await root.patch("/admin/v1/users/zoe", {"name": "Root"})

    assert (again.status, again.code) == (409, "identifier-taken")
    assert (renamed.status, renamed.code) == (409, "identifier-taken")


async def test_the_last_administrator_cannot_leave(house):
    root = await administrator(house)

    for answer in (
        await root.delete("/admin/v1/users/root"),
        await root.patch("/admin/v1/users/root", {"admin": False}),
        await root.patch("/admin/v1/users/root", {"status": "disabled"}),
    ):
        assert (answer.status, answer.code) == (403, "not-allowed-by-policy")


@pytest.mark.parametrize(
    "body",
    [
        {"twofold.client": "x"},
        {"attributes": {"a": 1}},
        {"epoch": 0},
        {"id": "0" * 32},
        {"realm": "other"},
        {"secret": "x"},
        {"Admin": True},
        {"status": "gone"},
        {"groups": "staff"},
        {"groups": [1]},
    ],
)
async def test_only_what_is_listed_can_be_changed(house, body):
    """A91."""
    root = await administrator(house)

    answer = await root.patch("/admin/v1/users/root", body)

    assert (answer.status, answer.code) == (400, "malformed")


async def test_users_are_listed_in_pages_and_searched(house):
    root = await administrator(house)
    for name in ("ada", "bob", "bobby"):
        await root.post("/admin/v1/users", {"name": name})

    first = (await root.get("/admin/v1/users?limit=2")).json
    second = (await root.get(f"/admin/v1/users?limit=2&after={first['next']}")).json
    found = (await root.get("/admin/v1/users?search=bob")).json

    assert [user["name"] for user in first["users"]] == ["ada", "bob"]
    assert [user["name"] for user in second["users"]] == ["bobby", "root"]
    assert [user["name"] for user in found["users"]] == ["bob", "bobby"]
    assert found["next"] is None


@pytest.mark.parametrize(
    "query", ["limit=0", "limit=501", "limit=x", "limit=1&limit=2", "sort=secret", "limit=%00"]
)
async def test_a_query_that_is_not_known_is_refused(house, query):
    """A131."""
    root = await administrator(house)

    for path in ("/admin/v1/users", "/admin/v1/events"):
        answer = await root.get(f"{path}?{query}")
        assert (answer.status, answer.code) == (400, "malformed")


@pytest.mark.parametrize("name", ["*", "%25", "%27%20or%201=1--", "%20", "nobody", "0" * 32])
async def test_a_user_that_is_not_there_is_not_found(house, name):
    """A129."""
    root = await administrator(house)

    answer = await root.get(f"/admin/v1/users/{name}")

    assert (answer.status, answer.code) == (404, "not-found")


async def test_a_reset_takes_the_factors_and_the_owner_is_told(kept):
    await kept.add("alice", "totp", "recovery")
    root = await administrator(kept)

    gone = await root.post("/admin/v1/users/alice/reset", {"reason": "lost phone"})

    assert [factor["kind"] for factor in gone.json["factors"]] == ["totp"]
    assert (await root.get("/admin/v1/users/alice/factors")).json == {"factors": []}
    assert (await kept.mailed("factor-reset"))["name"] == "alice"
    assert (await kept.client().start("alice")).json["state"] == "done"


async def test_one_factor_of_two_is_removed(house):
    await house.add("erin", "totp", "email")
    root = await administrator(house)
    rows = (await root.get("/admin/v1/users/erin/factors")).json["factors"]

    answer = await root.delete(f"/admin/v1/users/erin/factors/{rows[0]['id']}")
    body = {"factor": rows[1]["id"]}
    other = await root.post("/admin/v1/users/erin/reset", body)

    assert answer.status == 204
    assert [factor["kind"] for factor in other.json["factors"]] == ["email"]
    assert (await root.delete(f"/admin/v1/users/erin/factors/{rows[0]['id']}")).status == 404


@pytest.mark.parametrize(
    "body",
    [
        {"kind": "totp", "secret": KEY, "label": "Token"},
        {"secret": KEY.lower(), "digits": 6, "period": 30, "algorithm": "SHA1"},
        {"uri": f"otpauth://totp/Old:carol?secret={KEY}&issuer=Old"},
    ],
)
async def test_a_secret_from_elsewhere_is_imported_and_not_shown(house, body):
    await house.add("carol")
    root = await administrator(house)

    made = await root.post("/admin/v1/users/carol/factors", body)

    assert made.status == 201
    assert KEY not in made.text
    client = house.client()
    await client.start("carol")
    code = totp(RAW, house.clock.now())
    assert (await client.verify(code)).json["result"]["session"]["acr"] == "urn:twofold:aal2"
    assert "factor-added" in {m async for m in templates(house)}


async def templates(house):
    for queued in await house.store.due(house.clock.now() + 3600 * SECOND, limit=100):
        yield queued.message.template


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"secret": "GEZDGNBV"},
        {"secret": "not base32 at all!"},
        {"secret": KEY, "digits": 3},
        {"secret": KEY, "algorithm": "MD5"},
        {"secret": KEY, "period": 0},
        {"uri": "https://example.org"},
        {"uri": f"otpauth://totp/x?secret={KEY}", "secret": KEY},
        {"uri": f"otpauth://hotp/x?secret={KEY}&counter=1"},
    ],
)
async def test_a_secret_that_is_too_short_or_odd_is_not_imported(house, body):
    await house.add("carol")
    root = await administrator(house)

    answer = await root.post("/admin/v1/users/carol/factors", body)

    assert (answer.status, answer.code) == (400, "malformed")
    assert (await root.get("/admin/v1/users/carol/factors")).json == {"factors": []}


async def test_a_kind_that_is_not_offered_is_not_imported(house):
    await house.add("carol")
    root = await administrator(house)

    answer = await root.post("/admin/v1/users/carol/factors", {"kind": "abacus", "secret": KEY})

    assert (answer.status, answer.code) == (403, "not-allowed-by-policy")


async def test_an_address_is_imported_for_codes_by_mail(house):
    await house.add("carol")
    root = await administrator(house)

    made = await root.post(
        "/admin/v1/users/carol/factors", {"kind": "email", "address": "c@example.net"}
    )

    assert made.json["kind"] == "email"
    rows = (await root.get("/admin/v1/users/carol/factors")).json["factors"]
    assert rows[0]["hint"] == "c***@e***.net"


async def test_a_blocked_user_is_seen_and_unlocked(kept):
    await kept.add("alice", "totp")
    root = await administrator(kept)
    for _ in range(2):
        client = kept.client()
        await client.start("alice")
        for _ in range(5):
            await client.verify(kept.wrong("alice"))
    seen = (await root.get("/admin/v1/users/alice")).json["blocked"]
    assert seen["totp"] > kept.clock.now() // SECOND

    answer = await root.post("/admin/v1/users/alice/unlock")

    assert any("totp" in scope for scope in answer.json["scopes"])
    assert (await root.get("/admin/v1/users/alice")).json["blocked"] == {}
    client = kept.client(peer="198.51.100.5")
    await client.start("alice")
    assert (await client.verify(kept.code("alice"))).json["state"] == "done"


async def test_sessions_of_a_user_are_seen_and_ended(house):
    await house.add("carol")
    root, one, two = await administrator(house), house.client(), house.client()
    await one.start("carol")
    await two.start("carol")
    rows = (await root.get("/admin/v1/users/carol/sessions")).json["sessions"]
    sid = (await one.get("/v1/session")).json["sid"]
    assert sid in {row["id"] for row in rows}

    assert (await root.delete(f"/admin/v1/users/carol/sessions/{sid}")).status == 204
    assert (await one.get("/v1/session")).status == 401
    assert (await two.get("/v1/session")).status == 200
    assert (await root.delete("/admin/v1/users/carol/sessions")).status == 204
    assert (await two.get("/v1/session")).status == 401
    assert (await root.delete(f"/admin/v1/users/carol/sessions/{sid}")).code == "not-found"


async def test_a_password_is_set_and_ends_sessions(house):
    await house.add("carol")
    root, carol = await administrator(house), house.client()
    await carol.start("carol")

    answer = await root.put(
        "/admin/v1/users/carol/password", {"password": "something else entirely"}
    )
    weak = await root.put("/admin/v1/users/carol/password", {"password": "carol"})

    assert answer.status == 204
    assert (await carol.get("/v1/session")).status == 401
    assert (await house.client().start("carol")).code == "invalid-credentials"
    assert (weak.status, weak.code) == (422, "weak-password")


async def test_records_are_read_in_order_and_name_who_acted(kept):
    await kept.add("carol")
    root = await administrator(kept)
    await root.patch("/admin/v1/users/carol", {"groups": ["x"]})

    first = (await root.get("/admin/v1/events?limit=2")).json
    rest = (await root.get(f"/admin/v1/events?after={first['next']}")).json
    newest = (await root.get("/admin/v1/events?newest=true&limit=1")).json
    carols = (await root.get(f"/admin/v1/events?subject={subject_id('carol')}")).json

    assert [event["position"] for event in first["events"]] == sorted(
        event["position"] for event in first["events"]
    )
    assert first["events"][-1]["position"] < rest["events"][0]["position"]
    assert newest["next"] is None
    changed = newest["events"][0]
    assert changed["event"] == "subject.changed"
    assert changed["facts"]["by"] == subject_id("root")
    assert changed["at"] == kept.clock.now() / SECOND
    assert [event["event"] for event in carols["events"]] == ["subject.changed"]


async def test_the_policy_is_read_and_replaced_by_version(kept):
    root = await administrator(kept)
    before = (await root.get("/admin/v1/policy")).json
    assert before["version"] == 0
    assert before["policy"]["enforcement"] == "optional"

    body = {"policy": {"enforcement": "required", "grace": 60}, "version": 0}
    after = await root.put("/admin/v1/policy", body)
    stale = await root.put("/admin/v1/policy", body)

    assert after.json["version"] == 1
    assert after.json["policy"]["enforcement"] == "required"
    assert (stale.status, stale.code) == (409, "stale")
    await kept.add("carol")
    assert (await kept.client().start("carol")).json["state"] == "enroll"


@pytest.mark.parametrize(
    ("policy", "field"),
    [
        ({"enforcement": "sometimes"}, "enforcement"),
        ({"fresh": 901}, "fresh"),
        ({"nonsense": 1}, "nonsense"),
        ({"guesses": {"allowed": 1}}, "guesses.allowed"),
        ({"trusted_networks": ["10.0.0.0/0.0.0.255"]}, "trusted_networks"),
    ],
)
async def test_a_policy_that_makes_no_sense_is_refused_by_key(house, policy, field):
    root = await administrator(house)

    answer = await root.put("/admin/v1/policy", {"policy": policy, "version": 0})

    assert (answer.status, answer.code) == (400, "malformed")
    assert answer.json["field"] == field


async def test_an_application_has_secrets_that_are_shown_once(kept):
    root = await administrator(kept)

    made = await root.post("/admin/v1/clients", {"id": "shop", "name": "The shop"})
    again = await root.post("/admin/v1/clients", {"id": "shop"})
    listed = await root.get("/admin/v1/clients")
    named = await root.patch("/admin/v1/clients/shop", {"name": "Shop"})
    more = await root.post("/admin/v1/clients/shop/secret")

    assert made.status == 201
    assert len(made.json["secret"]) >= 43
    assert (again.status, again.code) == (409, "identifier-taken")
    assert listed.json == {"clients": [{"id": "shop", "name": "The shop"}]}
    assert named.json["name"] == "Shop"
    assert more.json["secret"] != made.json["secret"]
    assert (await root.delete("/admin/v1/clients/shop")).status == 204
    for answer in (
        await root.delete("/admin/v1/clients/shop"),
        await root.patch("/admin/v1/clients/shop", {"name": "x"}),
        await root.post("/admin/v1/clients/shop/secret"),
    ):
        assert (answer.status, answer.code) == (404, "not-found")


@pytest.mark.parametrize("id", ["", "Shop", "a b", "-a", "a" * 64, "a:b"])
async def test_an_application_has_a_plain_id(house, id):
    root = await administrator(house)

    answer = await root.post("/admin/v1/clients", {"id": id})

    assert (answer.status, answer.code) == (400, "malformed")


async def test_a_new_administrator_enrols_before_anything_else(house):
    root = await administrator(house)
    await root.post("/admin/v1/users", {"name": "ann", "password": PASSWORD, "admin": True})

    assert (await house.client().start("ann")).json["state"] == "enroll"
