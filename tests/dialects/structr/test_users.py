"""``/me`` and ``/User``: who may see and change what, and every refusal of section 2.3."""

import pytest

from tests.dialects.structr.hall import HIDDEN, PASSWORD, REST, refusal, session

ABSENT = "0" * 32
DENIED = (401, "Access denied", None)


async def signed(hall, name="user", **fields):
    """A client whose requests show a session."""
    await hall.user(name, **fields)
    return hall.client(headers=session(await hall.client().login(name)))


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", "me"),
        ("GET", "me/ui"),
        ("PUT", "me"),
        ("GET", "User"),
        ("GET", "User/ui"),
        ("POST", "User"),
        ("GET", f"User/{ABSENT}"),
        ("GET", f"User/{ABSENT}/ui"),
        ("PUT", f"User/{ABSENT}"),
        ("PATCH", f"User/{ABSENT}"),
        ("DELETE", f"User/{ABSENT}"),
    ],
)
@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"cookie": "JSESSIONID=x"},
        {"x-structrsessiontoken": "x"},
        {"authorization": "Bearer x"},
        {"authorization": "Basic cm9vdDpwYXNz"},
        {"cookie": "access_token=x"},
        {"x-user": "root"},
        {"x-password": PASSWORD},
    ],
    ids=lambda headers: "-".join(headers) or "nothing",
)
async def test_nobody_sees_or_changes_anything_unknown(hall, method, path, headers):
    await hall.ruler()
    body = None if method in {"GET", "DELETE"} else {}

    answer = await hall.client().ask(method, f"{REST}/{path}", body, headers=headers)

    assert refusal(answer) == DENIED


async def test_me_is_who_asks(hall):
    client = await signed(hall)

    plain, full = await client.get(f"{REST}/me"), await client.get(f"{REST}/me/ui")

    id = hall.users["user"]
    assert plain.json["result"] == {"id": id, "type": "User", "isUser": True, "name": "user"}
    assert float(plain.json["query_time"]) >= 0
    assert full.json["result"] == {
        "id": id,
        "type": "User",
        "isUser": True,
        "name": "user",
        "createdDate": "2027-01-15T08:00:00+0000",
        "eMail": "user@example.org",
        "isAdmin": False,
        "blocked": False,
        "isTwoFactorUser": False,
        "twoFactorConfirmed": False,
        "twoFactorSecret": HIDDEN,
        "twoFactorToken": HIDDEN,
        "password": HIDDEN,
        "salt": HIDDEN,
        "passwordChangeDate": "2027-01-15T08:00:00+0000",
        "passwordAttempts": 0,
        "lastLoginDate": "2027-01-15T08:00:00+0000",
        "locale": None,
        "sessionIds": full.json["result"]["sessionIds"],
        "refreshTokens": [],
    }
    assert len(full.json["result"]["sessionIds"]) == 1


async def test_a_user_sees_itself_and_no_other(hall):
    client = await signed(hall)
    other = await hall.user("other")

    assert (await client.get(f"{REST}/User/{hall.users['user']}")).status == 200
    assert (await client.get(f"{REST}/User/{hall.users['user']}/ui")).status == 200
    for path in (f"User/{other}", f"User/{other}/ui", f"User/{ABSENT}", "User", "User/ui"):
        assert refusal(await client.get(f"{REST}/{path}")) == DENIED
    assert refusal(await client.post(f"{REST}/User", {"name": "x"})) == DENIED
    for method in ("PUT", "PATCH", "DELETE"):
        body = {} if method != "DELETE" else None
        assert refusal(await client.ask(method, f"{REST}/User/{other}", body))[0] == 403


@pytest.mark.parametrize("spelled", ["plain", "dashed", "upper"])
async def test_an_id_may_have_dashes(hall, spelled):
    ruler, id = await hall.ruler(), await hall.user()
    dashed = f"{id[:8]}-{id[8:12]}-{id[12:16]}-{id[16:20]}-{id[20:]}"
    wanted = {"plain": id, "dashed": dashed, "upper": id.upper()}[spelled]

    assert (await ruler.get(f"{REST}/User/{wanted}")).json["result"]["id"] == id


@pytest.mark.parametrize("id", [ABSENT, "user", "user@example.org", "x", "%20"])
@pytest.mark.parametrize("method", ["GET", "PUT", "PATCH", "DELETE"])
async def test_what_is_no_id_of_anybody_is_not_found(hall, method, id):
    ruler = await hall.ruler()
    await hall.user()
    body = {"isTwoFactorUser": True} if method in {"PUT", "PATCH"} else None

    answer = await ruler.ask(method, f"{REST}/User/{id}", body)

    assert refusal(answer) == (404, "Not found", None)


async def test_users_are_listed_filtered_and_paged(hall):
    ruler = await hall.ruler()
    for name in ("carol", "alice", "bob"):
        await hall.user(name)

    async def names(query=""):
        return [user["name"] for user in (await ruler.get(f"{REST}/User{query}")).json["result"]]

    assert await names() == ["alice", "bob", "carol", "root"]
    assert await names("?name=bob") == ["bob"]
    assert await names("?name=bo") == []
    assert await names("?eMail=bob@example.org") == ["bob"]
    assert await names("?name=bob&eMail=alice@example.org") == []
    assert await names("?_pageSize=3&_page=2") == ["root"]
    assert await names("?_sort=name&_order=desc") == ["root", "carol", "bob", "alice"]
    assert sorted(await names("?_sort=id")) == await names()
    assert await names("?_sort=eMail") == ["alice", "bob", "carol", "root"]
    assert await names("?_sort=createdDate") == ["alice", "bob", "carol", "root"]
    paged = (await ruler.get(f"{REST}/User?_pageSize=3")).json
    assert (paged["result_count"], paged["page_count"]) == (4, 2)
    assert (paged["page"], paged["page_size"]) == (1, 3)
    full = (await ruler.get(f"{REST}/User/ui?name=bob")).json["result"]
    assert full[0]["eMail"] == "bob@example.org"


@pytest.mark.parametrize(
    "query",
    ["_sort=twoFactorSecret", "_sort=password;drop", "_page=-1", "_pageSize=0", "_page=x'--"],
)
async def test_odd_queries_do_no_harm(hall, query):
    ruler = await hall.ruler()

    answer = await ruler.get(f"{REST}/User?{query}")

    assert [user["name"] for user in answer.json["result"]] == ["root"]


async def test_an_administrator_makes_users_who_can_sign_in(hall):
    ruler = await hall.ruler()
    body = {"name": "new", "eMail": "New@Example.org", "password": PASSWORD}

    answer = await ruler.post(f"{REST}/User", {**body, "isTwoFactorUser": True, "unknown": 1})

    assert answer.status == 201
    [id] = answer.json["result"]
    assert answer.header("location") == f"/structr/rest/User/{id}"
    client = hall.client()
    assert (await client.login("new")).status == 202
    assert (await client.login("new@example.org")).status == 202


async def test_a_user_without_a_name_is_called_by_its_address(hall):
    ruler = await hall.ruler()

    answer = await ruler.post(f"{REST}/User", {"eMail": "a@example.org", "password": PASSWORD})

    assert answer.status == 201
    assert (await hall.client().login("a@example.org")).status == 200


UNFIT = [
    ({}, [("name", "must_not_be_empty"), ("eMail", "must_not_be_empty")]),
    ({"name": "", "eMail": ""}, [("name", "must_not_be_empty")]),
    ({"name": "user"}, [("name", "already_taken")]),
    ({"name": "x", "eMail": "user@example.org"}, [("eMail", "already_taken")]),
    ({"name": "x", "eMail": "nonsense"}, [("eMail", "is_not_valid")]),
    ({"name": "x\u202e"}, [("name", "is_not_valid")]),
    ({"name": "x", "password": "short"}, [("password", "too_short")]),
    ({"name": "x", "password": ""}, [("password", "must_not_be_empty")]),
    ({"name": "x", "isAdmin": "yes"}, [("isAdmin", "must_be_boolean")]),
    (
        {"name": 1, "isTwoFactorUser": 1, "blocked": "x", "passwordAttempts": "0"},
        [
            ("isTwoFactorUser", "must_be_boolean"),
            ("blocked", "must_be_boolean"),
            ("name", "must_be_string"),
            ("passwordAttempts", "must_be_numerical"),
        ],
    ),
    ({"name": "x", "passwordAttempts": True}, [("passwordAttempts", "must_be_numerical")]),
    ({"name": "x", "passwordAttempts": -1}, [("passwordAttempts", "must_be_numerical")]),
    ({"name": "x", "locale": "l" * 5_000}, [("locale", "is_too_long")]),
    ({"name": "x", "twoFactorSecret": "A" * 32}, [("twoFactorSecret", "is_read_only_property")]),
]


@pytest.mark.parametrize(("body", "faults"), UNFIT, ids=lambda value: str(value)[:60])
async def test_what_does_not_fit_is_named_by_its_property(hall, body, faults):
    ruler = await hall.ruler()
    await hall.user()

    answer = await ruler.post(f"{REST}/User", body)

    assert answer.status == 422
    found = [(e["property"], e["token"]) for e in answer.json["errors"]]
    assert found == faults
    assert {e["type"] for e in answer.json["errors"]} == {"User"}


async def test_a_user_with_no_name_is_told_so_in_structrs_words(hall):
    ruler = await hall.ruler()

    answer = await ruler.post(f"{REST}/User", {"password": PASSWORD})

    assert refusal(answer)[:2] == (422, "A user must have a name or an email address")


async def test_an_administrator_changes_what_a_user_is(hall):
    ruler, id = await hall.ruler(), await hall.user()

    for method, body in (
        ("PUT", {"name": "renamed", "eMail": "renamed@example.org", "locale": "de_DE"}),
        ("PATCH", {"isAdmin": True}),
        ("PUT", {"password": "quite another good one"}),
    ):
        answer = await ruler.ask(method, f"{REST}/User/{id}", body)
        assert (answer.status, answer.json["result"]) == (200, {})

    shown = (await ruler.get(f"{REST}/User/{id}/ui")).json["result"]
    assert (shown["name"], shown["eMail"]) == ("renamed", "renamed@example.org")
    assert (shown["isAdmin"], shown["locale"]) == (True, "de_DE")
    client = hall.client()
    assert (await client.login("renamed@example.org", "quite another good one")).status == 200
    assert (await client.login("renamed", PASSWORD)).status == 401


async def test_a_name_that_is_taken_is_refused_in_a_change_too(hall):
    ruler, id = await hall.ruler(), await hall.user()

    answer = await ruler.put(f"{REST}/User/{id}", {"name": "root"})

    assert answer.json["errors"] == [{"type": "User", "property": "name", "token": "already_taken"}]


@pytest.mark.parametrize("raw", [b"", b"{", b"[]", b"null", b'"x"'])
async def test_a_change_that_is_no_json_object_is_a_bad_request(hall, raw):
    ruler, id = await hall.ruler(), await hall.user()

    assert refusal(await ruler.put(f"{REST}/User/{id}", raw=raw))[0] == 400


async def test_blocking_ends_sessions_and_shuts_out(hall):
    client = await signed(hall)

    await hall.put("user", blocked=True)
    assert (await client.get(f"{REST}/me")).status == 401
    assert (await hall.client().login("user")).status == 401

    await hall.put("user", blocked=False)
    assert (await hall.client().login("user")).status == 200


async def test_a_deleted_user_is_gone(hall):
    ruler, client = await hall.ruler(), await signed(hall)
    id = hall.users["user"]

    assert (await ruler.delete(f"{REST}/User/{id}")).status == 200

    assert (await client.get(f"{REST}/me")).status == 401
    assert (await ruler.get(f"{REST}/User/{id}")).status == 404
    assert (await ruler.delete(f"{REST}/User/{id}")).status == 404


async def test_the_last_administrator_stays(hall):
    ruler = await hall.ruler()
    root = hall.users["root"]

    for answer in (
        await ruler.delete(f"{REST}/User/{root}"),
        await ruler.put(f"{REST}/User/{root}", {"isAdmin": False}),
        await ruler.put(f"{REST}/User/{root}", {"blocked": True}),
    ):
        assert refusal(answer)[:2] == (403, "This is the last administrator.")


async def test_a_session_of_an_administrator_changes_users_as_the_manual_shows(hall):
    client = await signed(hall, "boss", admin=True)
    id = await hall.user()

    answer = await client.put(f"{REST}/User/{id}", {"isTwoFactorUser": True})

    assert answer.status == 200
    assert (await hall.shown())["isTwoFactorUser"] is True


async def test_an_own_password_needs_a_fresh_proof(hall):
    client = await signed(hall)

    assert (await client.put(f"{REST}/me", {"password": "another good long one"})).status == 200
    client = hall.client(
        headers=session(await hall.client().login("user", "another good long one"))
    )
    hall.clock.forward(400)
    assert (await client.put(f"{REST}/me", {"password": "yet another long one"})).status == 403


async def test_the_rules_for_passwords_are_those_of_the_settings(hall):
    hall.configure(
        enforce_complexity=True,
        min_length=12,
        require_uppercase=True,
        require_lowercase=True,
        require_digits=True,
        require_special=True,
    )
    ruler = await hall.ruler()

    answer = await ruler.post(f"{REST}/User", {"name": "x", "password": "-------"})

    assert [error["token"] for error in answer.json["errors"]] == [
        "too_short",
        "must_contain_uppercase",
        "must_contain_lowercase",
        "must_contain_digits",
    ]
    body = {"name": "x", "password": "Corridor Umbrella 19"}
    assert (await ruler.post(f"{REST}/User", body)).status == 201


async def test_what_is_read_may_be_sent_back(hall):
    ruler, id = await hall.ruler(), await hall.user()
    shown = await hall.shown()

    answer = await ruler.put(f"{REST}/User/{id}", shown)

    assert (answer.status, await hall.shown()) == (200, shown)
    assert (await hall.client().login("user")).status == 200
    assert await hall.store.due(hall.clock.now() + 1, limit=9) == []


@pytest.mark.parametrize("method", ["GET", "POST", "PUT", "PATCH", "DELETE"])
@pytest.mark.parametrize("path", ["Nothing", f"Nothing/{ABSENT}", "user", "Login"])
async def test_what_is_not_there_is_said_in_structrs_words(hall, method, path):
    body = {} if method in {"POST", "PUT", "PATCH"} else None

    answer = await hall.client().ask(method, f"{REST}/{path}", body)

    assert refusal(answer) == (404, "Not found", None)
