"""The OpenAPI 3.1 document, made from the route table: what is served is what is documented."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Any, Final

import msgspec

from twofold.core import errors
from twofold.core.errors import TwofoldError
from twofold.web.bodies import TooLarge, WrongMediaType
from twofold.web.cookies import Cookies
from twofold.web.problems import MEDIA_TYPE, Problem, status_of
from twofold.web.request import HeadTooLarge, TooSlow
from twofold.web.routes import SAFE, Auth, Route, Taking

Json = dict[str, Any]

_REFERENCE: Final = "#/components/schemas/{name}"
_NOT_WORDS: Final = re.compile(r"[^a-z0-9]+")
_PLAIN: Final = {"string": "string", "integer": 1, "number": 1.0, "boolean": True, "array": []}
_ALWAYS: Final = (HeadTooLarge, errors.Unavailable)
_WITH_BODY: Final = (errors.Malformed, TooLarge, TooSlow, WrongMediaType)
_BY_AUTH: Final[Mapping[Auth, tuple[type[TwofoldError], ...]]] = {
    Auth.NONE: (),
    Auth.CEREMONY: (errors.Malformed, errors.CeremonyExpired, errors.MixedCredentials),
    Auth.SESSION: (errors.InvalidToken, errors.MixedCredentials),
    Auth.ADMIN: (errors.InvalidToken, errors.MixedCredentials, errors.NotAllowed),
    Auth.CLIENT: (errors.InvalidToken,),
}
_SECURITY: Final[Mapping[Auth, list[Json]]] = {
    Auth.NONE: [],
    # The ticket may also stand in the body, as its member `ceremony`.
    Auth.CEREMONY: [{"ceremony": []}, {"ceremonyCookie": []}, {}],
    Auth.SESSION: [{"session": []}, {"sessionCookie": []}],
    Auth.ADMIN: [{"session": []}, {"sessionCookie": []}],
    Auth.CLIENT: [{"client": []}],
}
_HEADERS: Final[Mapping[int, Json]] = {
    401: {
        "WWW-Authenticate": {
            "description": "What is missing: RFC 6750, RFC 9470.",
            "schema": {"type": "string"},
        }
    },
    429: {"Retry-After": {"description": "Seconds.", "schema": {"type": "integer"}}},
    503: {"Retry-After": {"description": "Seconds.", "schema": {"type": "integer"}}},
}


def document(
    routes: Iterable[Route], cookies: Cookies, *, title: str, version: str, server: str = "/"
) -> Json:
    """The document for these routes; ``server`` is the URL their paths stand behind."""
    listed = [route for route in routes if route.listed]
    schemas = _Schemas(listed)
    paths: Json = {}
    for route in listed:
        paths.setdefault(route.path, {})[route.method.lower()] = _operation(route, schemas)
    return {
        "openapi": "3.1.0",
        "info": {"title": title, "version": version},
        "servers": [{"url": server}],
        "tags": [{"name": tag} for tag in dict.fromkeys(route.tag for route in listed) if tag],
        "paths": paths,
        "components": {
            "schemas": schemas.components,
            "securitySchemes": _security_schemes(cookies),
        },
    }


def example_of(schema: Json, components: Mapping[str, Json]) -> object:
    """A value of this schema: its own example, or the smallest that has all required fields."""
    match schema:
        case {"$ref": str(reference)}:
            return example_of(components[reference.rpartition("/")[2]], components)
        case {"examples": [value, *_]} | {"enum": [value, *_]} | {"const": value}:
            return value
        case {"default": value}:
            return value
        case {"anyOf": [first, *_]}:
            return example_of(first, components)
        case {"type": "object"}:
            known = schema.get("properties", {})
            return {
                name: example_of(known[name], components) for name in schema.get("required", ())
            }
        case _:
            return _PLAIN.get(schema.get("type", ""))


class _Schemas:
    """The schemas of every struct in the table, each described once."""

    def __init__(self, routes: Iterable[Route]) -> None:
        kinds: dict[Any, None] = {Problem: None}
        for route in routes:
            kinds |= dict.fromkeys((route.body, route.query, *route.answers.values()))
        kinds.pop(None, None)
        references, components = msgspec.json.schema_components(
            list(kinds), ref_template=_REFERENCE
        )
        self.components: Final[dict[str, Json]] = components
        self._references: Final[dict[Any, Json]] = dict(zip(kinds, references, strict=True))

    def reference(self, kind: Any) -> Json:
        return self._references[kind]

    def resolved(self, kind: Any) -> Json:
        return self.components[self._references[kind]["$ref"].rpartition("/")[2]]


def _operation(route: Route, schemas: _Schemas) -> Json:
    operation: Json = {
        "operationId": _NOT_WORDS.sub("_", f"{route.method} {route.path}".lower()).strip("_"),
        "summary": route.summary,
        "tags": [route.tag] if route.tag else [],
        "security": _SECURITY[route.auth],
        "parameters": [*_path_parameters(route), *_query_parameters(route, schemas)],
        "responses": {**_answers(route, schemas), **_refusals(route, schemas)},
    }
    if route.description:
        operation["description"] = route.description
    if route.body is not None:
        schema = schemas.reference(route.body)
        example = route.example
        if example is None:
            example = example_of(schema, schemas.components)
        operation["requestBody"] = {
            "required": not isinstance(route.handler, Taking) or route.handler.required,
            "content": {"application/json": {"schema": schema, "example": example}},
        }
    return operation


def _path_parameters(route: Route) -> list[Json]:
    return [
        {"name": name, "in": "path", "required": True, "schema": {"type": "string"}}
        for name in route.names
    ]


def _query_parameters(route: Route, schemas: _Schemas) -> list[Json]:
    if route.query is None:
        return []
    schema = schemas.resolved(route.query)
    required = schema.get("required", ())
    return [
        {
            "name": name,
            "in": "query",
            "required": name in required,
            "description": field.get("description", ""),
            "schema": field,
        }
        for name, field in schema["properties"].items()
    ]


def _answers(route: Route, schemas: _Schemas) -> Json:
    answers: Json = {}
    for status, kind in route.answers.items():
        answer: Json = {"description": route.summary}
        if kind is str:
            answer["content"] = {"text/plain": {"schema": {"type": "string"}}}
        elif kind is not None:
            schema = schemas.reference(kind)
            example = example_of(schema, schemas.components)
            answer["content"] = {"application/json": {"schema": schema, "example": example}}
        answers[str(status)] = answer
    return answers


def _refusals(route: Route, schemas: _Schemas) -> Json:
    by_status: dict[int, list[type[TwofoldError]]] = {}
    for kind in _possible(route):
        by_status.setdefault(status_of(kind), []).append(kind)
    return {
        str(status): {
            "description": ", ".join(kind.code for kind in kinds),
            "headers": _HEADERS.get(status, {}),
            "content": {
                MEDIA_TYPE: {
                    "schema": schemas.reference(Problem),
                    "examples": {kind.code: {"value": _problem(kind, status)} for kind in kinds},
                }
            },
        }
        for status, kinds in sorted(by_status.items())
    }


def _possible(route: Route) -> dict[type[TwofoldError], None]:
    """What the route names, and what the kit refuses for every route of its shape."""
    kinds = [*route.errors, *_BY_AUTH[route.auth], *_ALWAYS]
    if route.body is not None:
        kinds += _WITH_BODY
    if route.query is not None:
        kinds.append(errors.Malformed)
    if route.names:
        kinds.append(errors.NotFound)
    if route.guarded and route.method not in SAFE:
        kinds.append(errors.CsrfRejected)
    return dict.fromkeys(kinds)


def _problem(kind: type[TwofoldError], status: int) -> Json:
    return {
        "type": f"urn:twofold:problem:{kind.code}",
        "title": kind.title,
        "status": status,
        "detail": kind.title,
        "instance": "5f3c0d1e9a7b2c48",
    }


def _security_schemes(cookies: Cookies) -> Json:
    return {
        "session": {"type": "http", "scheme": "bearer"},
        "sessionCookie": {"type": "apiKey", "in": "cookie", "name": cookies.session.name},
        "ceremony": {"type": "apiKey", "in": "header", "name": "Ceremony"},
        "ceremonyCookie": {"type": "apiKey", "in": "cookie", "name": cookies.ticket.name},
        "device": {"type": "apiKey", "in": "header", "name": "Device"},
        "deviceCookie": {"type": "apiKey", "in": "cookie", "name": cookies.device.name},
        "client": {"type": "http", "scheme": "basic"},
    }
