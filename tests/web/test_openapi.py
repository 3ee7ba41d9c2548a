"""The document says what is served, and the page says what the document says."""

import json
import re
from html.parser import HTMLParser
from typing import Annotated

import msgspec
import pytest
import schemathesis

from tests.web.wire import app_of, ask
from twofold.core import errors
from twofold.web import response
from twofold.web.cookies import own_cookies
from twofold.web.kit import Auth, Route, Taking
from twofold.web.openapi import document, example_of
from twofold.web.viewer import type_of, view


class Factor(msgspec.Struct):
    """One way to prove who you are."""

    id: str
    kind: Annotated[str, msgspec.Meta(examples=["totp"], description="Its kind.")]


class Code(msgspec.Struct, forbid_unknown_fields=True):
    code: Annotated[str, msgspec.Meta(examples=["123456"], min_length=6)]
    factor: str | None = None


class Done(msgspec.Struct):
    state: str
    factors: list[Factor]


class Page(msgspec.Struct, forbid_unknown_fields=True):
    after: Annotated[int, msgspec.Meta(description="A position.")] = 0


async def verify(request, body: Code):
    return response.json(Done("done", []))


async def items(request):
    request.arguments(Page)
    return response.json([])


async def gone(request):
    return response.empty()


async def words(request):
    return response.text("words")


ROUTES = [
    Route(
        "POST",
        "/v1/ceremony/verify",
        Taking(Code, verify),
        summary="Answer what was asked",
        tag="ceremony",
        auth=Auth.CEREMONY,
        answers={200: Done},
        errors=(errors.CodeRejected, errors.CodeAlreadyUsed, errors.FactorBlocked),
    ),
    Route(
        "GET",
        "/v1/factors",
        items,
        summary="Your factors",
        tag="factors",
        auth=Auth.SESSION,
        answers={200: list[Factor]},
        query=Page,
    ),
    Route(
        "DELETE",
        "/v1/factors/{id}",
        gone,
        summary="Remove one",
        tag="factors",
        auth=Auth.SESSION,
        answers={204: None},
        errors=(errors.LastFactor, errors.StepUpRequired),
    ),
    Route("GET", "/health/live", words, summary="Alive", answers={200: str}, description="<b>"),
    Route("GET", "/hidden", words, listed=False),
]
COOKIES = own_cookies(https=True)
DOCUMENT = document(
    ROUTES, COOKIES, title="Twofold <API>", version="1", server="https://login.example"
)
VERIFY = DOCUMENT["paths"]["/v1/ceremony/verify"]["post"]
DELETE = DOCUMENT["paths"]["/v1/factors/{id}"]["delete"]


def test_the_document_is_plain_json_and_openapi():
    assert json.loads(json.dumps(DOCUMENT)) == DOCUMENT
    schema = schemathesis.openapi.from_dict(DOCUMENT)
    schema.validate()
    labels = {operation.ok().label for operation in schema.get_all_operations()}
    assert labels == {
        "POST /v1/ceremony/verify",
        "GET /v1/factors",
        "DELETE /v1/factors/{id}",
        "GET /health/live",
    }


def test_every_listed_route_is_there_and_no_other():
    listed = {(route.path, route.method.lower()) for route in ROUTES if route.listed}
    found = {(path, method) for path, methods in DOCUMENT["paths"].items() for method in methods}
    assert found == listed


def test_a_body_has_its_schema_and_an_example_that_fits():
    content = VERIFY["requestBody"]["content"]["application/json"]
    assert content["schema"] == {"$ref": "#/components/schemas/Code"}
    schema = DOCUMENT["components"]["schemas"]["Code"]
    assert schema["additionalProperties"] is False
    assert schema["required"] == ["code"]
    assert msgspec.convert(content["example"], Code) == Code("123456")


def test_what_may_be_refused_is_said_with_its_codes():
    codes = {
        status: set(answer["description"].split(", "))
        for status, answer in VERIFY["responses"].items()
        if status != "200"
    }
    assert codes == {
        "400": {"malformed", "mixed-credentials"},
        "403": {"csrf-rejected"},
        "408": {"request-timeout"},
        "410": {"ceremony-expired"},
        "413": {"too-large"},
        "415": {"unsupported-media-type"},
        "422": {"code-rejected", "code-already-used"},
        "429": {"factor-blocked"},
        "431": {"head-too-large"},
        "503": {"dependency-unavailable"},
    }
    assert set(DELETE["responses"]) == {"204", "400", "401", "403", "404", "409", "431", "503"}
    assert "WWW-Authenticate" in DELETE["responses"]["401"]["headers"]
    assert "Retry-After" in VERIFY["responses"]["429"]["headers"]


def test_a_problem_is_a_problem_document_everywhere():
    for answer in (VERIFY["responses"]["422"], DELETE["responses"]["409"]):
        content = answer["content"]["application/problem+json"]
        assert content["schema"] == {"$ref": "#/components/schemas/Problem"}
        for code, example in content["examples"].items():
            assert example["value"]["type"] == f"urn:twofold:problem:{code}"


def test_parameters_stand_where_they_are_sent():
    (path,) = DELETE["parameters"]
    assert (path["name"], path["in"], path["required"]) == ("id", "path", True)
    (query,) = DOCUMENT["paths"]["/v1/factors"]["get"]["parameters"]
    assert (query["name"], query["in"], query["required"]) == ("after", "query", False)
    assert query["description"] == "A position."


def test_credentials_are_named_as_they_travel():
    schemes = DOCUMENT["components"]["securitySchemes"]
    assert schemes["sessionCookie"]["name"] == "__Host-twofold_s"
    assert schemes["ceremonyCookie"]["name"] == "__Host-twofold_ct"
    used = {
        name
        for methods in DOCUMENT["paths"].values()
        for operation in methods.values()
        for scheme in operation["security"]
        for name in scheme
    }
    assert used <= set(schemes)
    assert DOCUMENT["paths"]["/health/live"]["get"]["security"] == []


EXAMPLES = [
    ({"type": "string"}, "string"),
    ({"type": "string", "examples": ["a", "b"]}, "a"),
    ({"enum": ["x", "y"]}, "x"),
    ({"const": 7}, 7),
    ({"type": "integer", "default": 3}, 3),
    ({"anyOf": [{"type": "integer"}, {"type": "null"}]}, 1),
    ({"type": "array", "items": {"type": "string"}}, []),
    (
        {"type": "object", "properties": {"a": {"type": "boolean"}, "b": {}}, "required": ["a"]},
        {"a": True},
    ),
    ({"$ref": "#/components/schemas/A"}, 1.0),
    ({}, None),
]


@pytest.mark.parametrize(("schema", "example"), EXAMPLES)
def test_an_example_is_made_from_the_schema(schema, example):
    assert example_of(schema, {"A": {"type": "number"}}) == example


TYPES = [
    ({"type": "string"}, "string"),
    ({"type": "array", "items": {"$ref": "#/components/schemas/Factor"}}, "list of Factor"),
    ({"type": "array"}, "list of anything"),
    ({"anyOf": [{"type": "string"}, {"type": "null"}]}, "string or null"),
    ({"enum": ["a", "b"]}, '"a" or "b"'),
    ({"const": "x"}, '"x"'),
    ({}, "anything"),
]


@pytest.mark.parametrize(("schema", "said"), TYPES)
def test_a_type_is_said_in_words(schema, said):
    assert type_of(schema) == said


class Elements(HTMLParser):
    def __init__(self):
        super().__init__()
        self.tags = []
        self.attributes = []
        self.text = []

    def handle_starttag(self, tag, attrs):
        self.tags.append(tag)
        self.attributes += attrs

    def handle_data(self, data):
        self.text.append(data)


@pytest.fixture(scope="module")
def shown():
    answer = view(DOCUMENT, href="/openapi.json")
    elements = Elements()
    elements.feed(answer.body.decode())
    return answer, elements, "".join(elements.text)


def test_the_page_shows_every_operation_with_its_fields_and_a_command(shown):
    _, _, said = shown
    for path, methods in DOCUMENT["paths"].items():
        for method in methods:
            assert f"{method.upper()} {path}" in said
    assert said.count("curl") == 4
    assert "one-time" not in said
    assert "code-already-used" in said
    assert "string or null" in said
    assert "A position." in said


def test_a_command_is_quoted_for_a_shell(shown):
    _, _, said = shown
    assert "curl \\\n  -X POST \\\n  https://login.example/v1/ceremony/verify" in said
    assert "-H 'Ceremony: '\"$CEREMONY\"" in said
    assert """-d '{"code": "123456"}'""" in said
    assert "-H 'Authorization: Bearer '\"$TOKEN\"" in said
    assert "'https://login.example/v1/factors/{id}'" in said


def test_the_page_asks_nothing_of_the_net_and_runs_nothing(shown):
    answer, elements, _ = shown
    assert "script" not in elements.tags
    assert {"img", "link", "iframe", "form"}.isdisjoint(elements.tags)
    links = [value for name, value in elements.attributes if name in {"href", "src"}]
    assert all(re.fullmatch(r"#[a-z0-9_]+|/openapi\.json", link) for link in links)
    assert not [name for name, _ in elements.attributes if name.startswith("on") or name == "style"]
    assert any(name == b"content-security-policy" for name, _ in answer.headers)


def test_the_page_escapes_what_the_document_says(shown):
    answer, _, _ = shown
    assert b"Twofold &lt;API&gt;" in answer.body
    assert b"<b>" not in answer.body


def test_every_link_within_the_page_leads_somewhere(shown):
    _, elements, _ = shown
    ids = [value for name, value in elements.attributes if name == "id"]
    assert len(ids) == len(set(ids)) == 4
    links = {value[1:] for name, value in elements.attributes if name == "href" and value[0] == "#"}
    assert links == set(ids)


async def test_the_documented_routes_answer_as_documented():
    app = app_of(*ROUTES)
    answer = await ask(app, target="/v1/factors?after=x")
    assert answer.status == 400
    assert str(answer.status) in DOCUMENT["paths"]["/v1/factors"]["get"]["responses"]
