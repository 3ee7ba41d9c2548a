"""The OpenAPI document as one page to read, without script, network or build step."""

from __future__ import annotations

import json
import shlex
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from twofold.web.html import Templates, page
from twofold.web.openapi import Json
from twofold.web.response import Response

_TEMPLATES: Final = Templates(Path(__file__).parent / "templates")
_CREDENTIALS: Final[Mapping[str, str]] = {
    "session": "-H 'Authorization: Bearer '\"$TOKEN\"",
    "ceremony": "-H 'Ceremony: '\"$CEREMONY\"",
    "client": '-u "$CLIENT:$SECRET"',
}


@dataclass(frozen=True, slots=True)
class Field:
    """A member of a body, an answer or a query, in words."""

    name: str
    type: str
    required: bool
    description: str


@dataclass(frozen=True, slots=True)
class Answer:
    """One status and what comes with it."""

    status: str
    description: str
    fields: tuple[Field, ...]
    example: str


@dataclass(frozen=True, slots=True)
class Operation:
    """One method on one path."""

    id: str
    method: str
    path: str
    summary: str
    description: str
    parameters: tuple[Field, ...]
    fields: tuple[Field, ...]
    curl: str
    answers: tuple[Answer, ...]


def view(document: Json, *, href: str) -> Response:
    """The page for this document, which itself is at ``href``."""
    sections: dict[str, list[Operation]] = {}
    for path, methods in document["paths"].items():
        for method, operation in methods.items():
            tag = operation["tags"][0] if operation["tags"] else "other"
            sections.setdefault(tag, []).append(_operation(document, path, method, operation))
    return page(_TEMPLATES, "openapi.html", info=document["info"], sections=sections, href=href)


def type_of(schema: Json) -> str:
    """A schema in words: ``string``, ``list of integer``, ``Factor or null``."""
    if "$ref" in schema:
        return str(schema["$ref"].rpartition("/")[2])
    if "anyOf" in schema:
        return " or ".join(map(type_of, schema["anyOf"]))
    if "enum" in schema:
        return " or ".join(json.dumps(value) for value in schema["enum"])
    if "const" in schema:
        return json.dumps(schema["const"])
    if schema.get("type") == "array":
        return f"list of {type_of(schema.get('items') or {})}"
    return str(schema.get("type", "anything"))


def _operation(document: Json, path: str, method: str, operation: Json) -> Operation:
    content = operation.get("requestBody", {}).get("content", {}).get("application/json", {})
    return Operation(
        id=operation["operationId"],
        method=method.upper(),
        path=path,
        summary=operation["summary"],
        description=operation.get("description", ""),
        parameters=tuple(
            Field(
                given["name"],
                type_of(given["schema"]),
                given["required"],
                given.get("description", ""),
            )
            for given in operation["parameters"]
        ),
        fields=_fields(content.get("schema", {}), document),
        curl=_curl(document, path, method, operation, content),
        answers=tuple(
            _answer(document, status, answer) for status, answer in operation["responses"].items()
        ),
    )


def _answer(document: Json, status: str, answer: Json) -> Answer:
    content = answer.get("content", {})
    inside = content.get("application/json", {})
    example = json.dumps(inside["example"], indent=2) if "example" in inside else ""
    return Answer(
        status, answer["description"], _fields(inside.get("schema", {}), document), example
    )


def _fields(schema: Json, document: Json) -> tuple[Field, ...]:
    if "$ref" in schema:
        schema = document["components"]["schemas"][schema["$ref"].rpartition("/")[2]]
    required = schema.get("required", ())
    return tuple(
        Field(name, type_of(inner), name in required, inner.get("description", ""))
        for name, inner in schema.get("properties", {}).items()
    )


def _curl(document: Json, path: str, method: str, operation: Json, content: Json) -> str:
    server = document["servers"][0]["url"].rstrip("/")
    parts = ["curl"]
    if method != "get":
        parts.append(f"-X {method.upper()}")
    parts.append(shlex.quote(server + path))
    schemes = [name for scheme in operation["security"] for name in scheme]
    parts += [_CREDENTIALS[name] for name in schemes if name in _CREDENTIALS]
    if "example" in content:
        parts.append("-H 'Content-Type: application/json'")
        parts.append(f"-d {shlex.quote(json.dumps(content['example']))}")
    return " \\\n  ".join(parts)
