"""A path leads to one resource or nowhere, however it is spelled."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.web.wire import app_of, ask, scope
from twofold.web.kit import Route
from twofold.web.response import json, text
from twofold.web.routes import Table, routed_path


async def echo(request):
    return json({"route": request.route.path, "path": request.path, **request.params})


TEMPLATES = [
    "/",
    "/v1/factors",
    "/v1/factors/{id}",
    "/v1/factors/new",
    "/v1/sessions/{sid}",
    "/v1/apps/{client}/subjects/{subject}",
    "/v1/apps/{client}/audit",
    "/v1/apps/main/keys",
    "/.well-known/jwks.json",
    "/structr/rest/User/{id}",
]
APP = app_of(*(Route("GET", path, echo) for path in TEMPLATES))

FOUND = [
    ("/", "/", {}),
    ("/v1/factors", "/v1/factors", {}),
    ("/v1/factors?x=%2F", "/v1/factors", {}),
    ("/v1/factors/f1", "/v1/factors/{id}", {"id": "f1"}),
    ("/v1/factors/new", "/v1/factors/new", {}),
    ("/v1/factors/%6eew", "/v1/factors/new", {}),
    ("/v1/factors/J%C3%BCrgen", "/v1/factors/{id}", {"id": "Jürgen"}),
    ("/v1/factors/a%20b", "/v1/factors/{id}", {"id": "a b"}),
    ("/v1/factors/a%2520b", "/v1/factors/{id}", {"id": "a%20b"}),
    (
        "/v1/apps/a/subjects/b",
        "/v1/apps/{client}/subjects/{subject}",
        {"client": "a", "subject": "b"},
    ),
    (
        "/v1/apps/main/subjects/b",
        "/v1/apps/{client}/subjects/{subject}",
        {"client": "main", "subject": "b"},
    ),
    ("/v1/apps/main/keys", "/v1/apps/main/keys", {}),
    ("/.well-known/jwks.json", "/.well-known/jwks.json", {}),
]


@pytest.mark.parametrize(("target", "route", "params"), FOUND)
async def test_a_path_leads_to_its_route(target, route, params):
    answer = await ask(APP, target=target)
    assert answer.status == 200
    assert {**answer.json, "path": None} == {"route": route, "path": None, **params}


LOST = [
    "/v1",
    "/v1/",
    "//v1/factors",
    "/v1//factors",
    "/v1/factors/",
    "/v1/factors/a/b",
    "/v1/factors/a%2Fb",
    "/v1/factors/%2f",
    "/v1/factors%2Ff1",
    "/v1%2Ffactors",
    "/v1/factors/a%5Cb",
    "/v1/factors/a%00b",
    "/v1/factors/a%0Ab",
    "/v1/factors/%7f",
    "/v1/factors/%ff",
    "/v1/factors/%ed%a0%80",
    "/V1/factors",
    "/v1/factors/../factors",
    "/v1/apps//subjects/b",
    "/v1/apps/main/other",
    "/{id}",
    "v1/factors",
    "*",
    "",
]


@pytest.mark.parametrize("target", LOST)
async def test_every_other_path_leads_nowhere(target):
    answer = await ask(APP, target=target)
    assert (answer.status, answer.code) == (404, "not-found")


@given(st.text(max_size=60))
def test_no_path_breaks_the_table(path):
    table = Table(Route("GET", template, echo) for template in TEMPLATES)
    found = table.find(path)
    assert found is None or all(found[1].values())


async def test_the_host_header_has_no_part_in_the_path():
    """CVE-2026-48710."""
    host = [("host", "login.example/v1/factors?")]
    assert (await ask(APP, target="/v1/sessions", headers=host)).status == 404
    assert (await ask(APP, target="/v1/factors", headers=host)).json["path"] == "/v1/factors"


async def test_mounted_below_a_path_the_rest_of_it_counts():
    answer = await ask(APP, target="/2fa/v1/factors/f%31", root="/2fa")
    assert answer.json == {"route": "/v1/factors/{id}", "path": "/v1/factors/f1", "id": "f1"}


def test_a_server_that_hands_over_no_raw_path_is_believed():
    given_scope = scope(target="/a/b")
    del given_scope["raw_path"]
    assert routed_path(given_scope) == "/a/b"


METHODS = app_of(
    Route("GET", "/both", echo),
    Route("PUT", "/both", echo),
    Route("POST", "/post", echo),
    Route("DELETE", "/thing/{id}", echo),
)

ALLOWED = [
    ("/both", "GET, HEAD, OPTIONS, PUT"),
    ("/post", "OPTIONS, POST"),
    ("/thing/1", "DELETE, OPTIONS"),
]


@pytest.mark.parametrize("method", ["PATCH", "TRACE", "get", "__class__", "PROPFIND"])
@pytest.mark.parametrize(("target", "allow"), ALLOWED)
async def test_another_method_hears_which_are_known(method, target, allow):
    answer = await ask(METHODS, method, target)
    assert (answer.status, answer.code) == (405, "method-not-allowed")
    assert answer.header("allow") == allow


@pytest.mark.parametrize(("target", "allow"), ALLOWED)
async def test_options_lists_the_methods_and_grants_no_origin_anything(target, allow):
    foreign = [("origin", "https://evil.example"), ("access-control-request-method", "PUT")]
    answer = await ask(METHODS, "OPTIONS", target, foreign)
    assert (answer.status, answer.body, answer.header("allow")) == (204, b"", allow)
    assert not [name for name, _ in answer.headers if name.startswith(b"access-control")]


async def test_head_is_get_without_its_body():
    got, headed = await ask(METHODS, "GET", "/both"), await ask(METHODS, "HEAD", "/both")
    assert headed.body == b""
    assert headed.header("content-length") == str(len(got.body))
    assert headed.header("content-type") == got.header("content-type")


async def word(request):
    return text("word")


@pytest.mark.parametrize(
    "routes",
    [
        [("GET", "/a"), ("GET", "/a")],
        [("GET", "/a/{id}"), ("GET", "/a/{id}")],
        [("GET", "/a/{id}"), ("PUT", "/a/{other}")],
    ],
)
def test_two_routes_for_one_request_are_a_fault_at_start(routes):
    with pytest.raises(ValueError, match="twice"):
        app_of(*(Route(method, path, word) for method, path in routes))


@pytest.mark.parametrize(
    "path", ["a", "", "/a/", "//a", "/a b", "/{}", "/{A}", "/a{id}", "/%61", "/a?"]
)
def test_what_is_no_template_is_a_fault_at_start(path):
    with pytest.raises(ValueError, match=r"."):
        Route("GET", path, word)


@pytest.mark.parametrize("method", ["get", "HEAD", "TRACE", ""])
def test_a_method_that_the_kit_answers_itself_is_no_route(method):
    with pytest.raises(ValueError, match="method"):
        Route(method, "/a", word)


def refused(_, error):
    return text(error.code, status=418)


OWN = app_of(
    Route("POST", "/own", word, on_error=refused),
    Route("GET", "/asked", word),
    Route("OPTIONS", "/asked", word),
)


async def test_a_wrong_method_is_refused_in_the_words_of_its_path():
    answer = await ask(OWN, "GET", "/own")

    assert (answer.status, answer.body) == (418, b"method-not-allowed")


async def test_a_path_may_answer_options_itself():
    assert (await ask(OWN, "OPTIONS", "/asked")).status == 200
    assert (await ask(OWN, "OPTIONS", "/own")).status == 204
