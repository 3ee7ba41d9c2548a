#!/usr/bin/env python3
"""Write the pages of the manual that only repeat what the code says.

    generate_reference.py            writes them
    generate_reference.py --check    writes nothing; exit status 1 names those that are out of date

A test compares them too, so a page that lags behind fails the build.
"""

import hashlib
import inspect
import re
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping
from functools import lru_cache
from pathlib import Path
from typing import Any, get_args

from twofold import settings
from twofold.core import audit, ceremony, effects, errors
from twofold.core.errors import TwofoldError
from twofold.core.keyring import Keyring, MasterKey
from twofold.core.types import Instant
from twofold.faces import Front
from twofold.faces.site import routes
from twofold.web import openapi, problems
from twofold.web.cookies import own_cookies
from twofold.web.kit import Route, Site
from twofold.wiring.house import build

ROOT = Path(__file__).parents[1]
REFERENCE = ROOT / "docs" / "reference"

Json = dict[str, Any]

_MARKERS = re.compile(
    r"\s*\((?:PROTOCOL section \d+, )?[A-Z]{1,2}\d{1,3}(?:, (?:[A-Z]\d{1,3}|ASVS [\d.]+))*\)"
)
"""References to the catalogue of attacks and the like: for readers of the code."""


def told(text: str | None) -> str:
    """The first paragraph of a docstring, in Markdown, on one line."""
    first = inspect.cleandoc(text or "").split("\n\n")[0]
    return _MARKERS.sub("", " ".join(first.split())).replace("``", "`")


def table(heads: Iterable[str], rows: Iterable[Iterable[str]]) -> Iterator[str]:
    """A Markdown table."""
    names = list(heads)
    yield _row(names)
    yield _row("---" for _ in names)
    yield from map(_row, rows)


def _row(cells: Iterable[str]) -> str:
    return "| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |"


def page(title: str, *intro: str, lines: Iterable[str]) -> str:
    """A page with its title and what it says before the tables."""
    return "\n".join([f"# {title}", "", *intro, "", *lines]).rstrip() + "\n"


def subclasses(kind: type[TwofoldError]) -> Iterator[type[TwofoldError]]:
    """The tree below a class, parents first."""
    for child in kind.__subclasses__():
        if child.__module__.startswith("twofold."):
            yield child
            yield from subclasses(child)


def errors_page() -> str:
    """Every error by its code."""
    lines: list[str] = []
    for branch in (errors.Denied, errors.Faulty, errors.Unavailable, errors.Refused):
        lines += [f"## {branch.__name__}", "", told(branch.__doc__), ""]
        kinds = (branch, *subclasses(branch))
        lines += table(("Code", "Status", "Said", "Means"), map(_error, kinds))
        lines.append("")
    lines += [
        "## When we are at fault",
        "",
        "`internal-error`, status 500: nothing was granted; the log has the cause by request id.",
    ]
    return page(
        "Errors",
        "Every refusal is a problem document (RFC 9457), `application/problem+json`.",
        "Its `type` is `urn:twofold:problem:` and the code; a code never changes its meaning.",
        "`title` and `detail` are for people and may change; `instance` is the request id, which"
        " the audit record has too.",
        "Where they apply there are `attempts_left`, `retry_after` (seconds, also as the header),"
        " `resend_at` (seconds since 1970), `acr_values` and `max_age` (RFC 9470), `field`, and"
        " `actions` that say how to go on.",
        lines=lines,
    )


def _error(kind: type[TwofoldError]) -> tuple[str, ...]:
    return (f"`{kind.code}`", str(problems.status_of(kind)), kind.title, told(kind.__doc__))


def events_page() -> str:
    """Every event that is ever recorded."""
    groups: dict[str, list[tuple[str, str]]] = {}
    for name, meaning in audit.EVENTS.items():
        groups.setdefault(name.partition(".")[0], []).append((f"`{name}`", meaning))
    lines: list[str] = []
    for rows in groups.values():
        lines += [*table(("Event", "Means"), rows), ""]
    return page(
        "Events",
        "What the audit trail records; a name never changes its meaning.",
        "Every record has an id, the realm, the subject if one is known, the time in microseconds"
        " since 1970 (UTC), the event, and a body in JSON: who acted, from which address and"
        " program, under which request id, and the facts of the event.",
        "No record holds a secret, a code or a token.",
        lines=lines,
    )


def effects_page() -> str:
    """Everything that a commit can consist of."""
    kinds = (kind for kind in get_args(effects.Effect))
    rows = ((f"`{kind.__name__}`", told(kind.__doc__)) for kind in kinds)
    return page(
        "Effects",
        "All that a store can be told to do, and when it refuses.",
        "A commit applies a handful of these or none; a refusal undoes the whole commit.",
        lines=table(("Effect", "Does"), rows),
    )


def ceremony_page() -> str:
    """The table of ceremonies, drawn."""
    rows = (
        (f"`{state}`", f"`{step}`", ", ".join(f"`{target}`" for target in sorted(targets)))
        for (state, step), targets in ceremony.TRANSITIONS.items()
    )
    kinds = ", ".join(f"`{kind}`" for kind in ceremony.Kind)
    return page(
        "The ceremony",
        f"One run of {kinds}: a state, and the steps that lead out of it.",
        "Whatever is not in the table is refused as `action-not-possible` and changes nothing.",
        "A wrong answer moves nothing.",
        "A login begins in `first_factor`, a step-up in `second_factor` or, where none is bound, in"
        " `first_factor`, an enrolment in `enroll`.",
        lines=[
            "```mermaid",
            ceremony.diagram().rstrip(),
            "```",
            "",
            *table(("In the state", "the step", "leads to"), rows),
        ],
    )


@lru_cache
def all_routes() -> tuple[Route, ...]:
    """Our own routes, over a house that is never opened."""
    nobodys = hashlib.sha256(b"a key that opens nothing").digest()
    ring = Keyring((MasterKey.of(nobodys, Instant(0)),))
    house = build(settings.load(options={"database.url": "memory:"}), ring=ring)
    return routes(Front(house.engine, Site("https://login.example.org")))


def document() -> Json:
    """The OpenAPI document of those routes."""
    return openapi.document(
        all_routes(), own_cookies(https=True), title="Twofold", version="1", server="/"
    )


def api_page() -> str:
    """Every route of the native API."""
    described = document()
    lines: list[str] = []
    for tag in [entry["name"] for entry in described["tags"]]:
        lines += [f"## {tag}", ""]
        for path, methods in described["paths"].items():
            for method, operation in methods.items():
                if operation["tags"] == [tag]:
                    lines += _operation(method.upper(), path, operation, described)
    return page(
        "The API",
        "Every route, what it takes, and what it may refuse with; the codes are explained under"
        " [errors](errors.md).",
        "A running server shows the same with all shapes and examples at `/docs`, and as OpenAPI"
        " 3.1 at `/openapi.json`.",
        lines=lines,
    )


_CREDENTIALS = {
    "session": "an access token (`Authorization: Bearer`) or the session's cookie",
    "ceremony": "the ticket: header `Ceremony`, member `ceremony` of the body, or its cookie",
    "client": "an application's id and secret (`Authorization: Basic`)",
}


def _operation(method: str, path: str, operation: Json, described: Json) -> Iterator[str]:
    yield f"### `{method} {path}`"
    yield ""
    yield f"{operation['summary']}."
    if operation["security"]:
        yield f"Needs {_CREDENTIALS[next(iter(operation['security'][0]))]}."
    yield ""
    sent = operation.get("requestBody")
    if sent is not None:
        schema = sent["content"]["application/json"]["schema"]
        yield f"- Body: {_fields(schema, described)}"
    asked = [f"`{p['name']}`" for p in operation["parameters"] if p["in"] == "query"]
    if asked:
        yield f"- Query: {', '.join(asked)}"
    yield f"- Answers: {', '.join(_answers(operation['responses']))}"
    yield f"- Refuses with: {', '.join(_refusals(operation['responses']))}"
    yield ""


def _fields(schema: Json, described: Json) -> str:
    kinds = described["components"]["schemas"]
    while "$ref" in schema:
        schema = kinds[schema["$ref"].rpartition("/")[2]]
    required = schema.get("required", ())
    names = [
        f"`{name}`" + ("" if name in required else " (optional)")
        for name in schema.get("properties", {})
    ]
    return ", ".join(names) or "`{}`"


def _answers(responses: Mapping[str, Json]) -> Iterator[str]:
    for status, answer in responses.items():
        content = answer.get("content", {})
        if "application/problem+json" in content:
            continue
        shape = content.get("application/json", {}).get("schema", {}).get("$ref", "")
        name = shape.rpartition("/")[2]
        yield f"{status} `{name}`" if name else status


def _refusals(responses: Mapping[str, Json]) -> Iterator[str]:
    for status, answer in responses.items():
        problem = answer.get("content", {}).get("application/problem+json")
        if problem is not None:
            yield f"{status} " + ", ".join(f"`{code}`" for code in problem["examples"])


PAGES: Mapping[str, Callable[[], str]] = {
    "ceremony.md": ceremony_page,
    "effects.md": effects_page,
    "errors.md": errors_page,
    "events.md": events_page,
    "api.md": api_page,
}
"""By the name of the file in docs/reference."""


def main(words: list[str]) -> int:
    """Write the pages, or name those that differ."""
    late = []
    for name, made in PAGES.items():
        file, text = REFERENCE / name, made()
        if file.exists() and file.read_text("utf-8") == text:
            continue
        late.append(name)
        if "--check" not in words:
            file.write_text(text, "utf-8")
    print("\n".join(late) if late else "up to date")
    return int(bool(late) and "--check" in words)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
