#!/usr/bin/env python3
"""Write the pages of the manual that only repeat what the code says.

    generate_reference.py            writes them
    generate_reference.py --check    writes nothing; exit status 1 names those that are out of date

A test compares them too, so a page that lags behind fails the build.
"""

import hashlib
import inspect
import json
import re
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any, Self, get_args

from typer.main import get_command

from twofold import settings
from twofold.cli import grammar
from twofold.core import audit, ceremony, effects, errors, evidence, policy_document
from twofold.core.errors import TwofoldError
from twofold.core.keyring import Keyring, MasterKey
from twofold.core.types import Instant
from twofold.dialects.structr import config as structr_config
from twofold.faces import Front
from twofold.faces.site import routes
from twofold.web import openapi, problems
from twofold.web.cookies import own_cookies
from twofold.web.kit import Auth, Route, Site
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
    found = ((f"`{fault}`", meaning) for fault, meaning in evidence.MEANINGS.items())
    lines += ["## What a verification finds", "", *table(("Finding", "Means"), found)]
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


def api_page() -> str:
    """Every route of the native API."""
    described = openapi.document(all_routes(), own_cookies(https=True), title="", version="1")
    shared = Shared.of(described)
    routes = {(route.method, route.path): route for route in all_routes()}
    lines: list[str] = []
    for tag in [entry["name"] for entry in described["tags"]]:
        lines += [f"## {tag}", ""]
        for path, methods in described["paths"].items():
            for method, operation in methods.items():
                if operation["tags"] == [tag]:
                    lines += _operation(routes[method.upper(), path], operation, described, shared)
    pages = [f"- `{route.method} {route.path}`" for route in all_routes() if not route.listed]
    lines += ["## Beside the API", "", "Its description, and pages for people:", "", *pages]
    return page(
        "The API",
        "Every route, what it takes, and what it may refuse with; the codes are explained under"
        " [errors](errors.md).",
        "A running server shows the same with all shapes and examples at `/docs`, and as OpenAPI"
        " 3.1 at `/openapi.json`.",
        "",
        f"Not repeated below: every route may refuse with {_listed(shared.always)};"
        f" one that takes a body with {_listed(shared.with_body)};"
        f" one that changes something with {_listed(shared.changing)}.",
        lines=lines,
    )


@dataclass(frozen=True)
class Shared:
    """Codes that all routes of a sort have in common, by status."""

    always: Mapping[str, str]
    with_body: Mapping[str, str]
    changing: Mapping[str, str]

    @classmethod
    def of(cls, described: Json) -> Self:
        """Find them."""
        found = [
            (method, operation)
            for methods in described["paths"].values()
            for method, operation in methods.items()
        ]
        always = _common(operation for _, operation in found)
        with_body = _common(o for _, o in found if "requestBody" in o)
        changing = _common(o for method, o in found if method != "get")
        return cls(
            always,
            {c: s for c, s in with_body.items() if c not in always and c not in changing},
            {c: s for c, s in changing.items() if c not in always},
        )

    def left(self, method: str, operation: Json) -> dict[str, str]:
        """What is particular to a route."""
        known = {*self.always}
        known |= {*self.with_body} if "requestBody" in operation else set()
        known |= {*self.changing} if method != "GET" else set()
        return {c: s for c, s in _codes(operation).items() if c not in known}


def _codes(operation: Json) -> dict[str, str]:
    return {
        code: status
        for status, answer in operation["responses"].items()
        for code in answer.get("content", {}).get(problems.MEDIA_TYPE, {}).get("examples", ())
    }


def _common(operations: Iterable[Json]) -> dict[str, str]:
    every = [_codes(operation) for operation in operations]
    return {code: every[0][code] for code in every[0] if all(code in codes for codes in every)}


def _listed(codes: Mapping[str, str]) -> str:
    return ", ".join(f"`{code}` ({status})" for code, status in codes.items()) or "nothing else"


_CREDENTIALS = {
    Auth.SESSION: "an access token (`Authorization: Bearer`) or the session's cookie",
    Auth.ADMIN: "the access token or cookie of an administrator's session",
    Auth.CEREMONY: "the ticket: header `Ceremony`, member `ceremony` of the body, or its cookie",
    Auth.CLIENT: "an application's id and secret (`Authorization: Basic`)",
}


def _operation(route: Route, operation: Json, described: Json, shared: Shared) -> Iterator[str]:
    yield f"### `{route.method} {route.path}`"
    yield ""
    yield f"{operation['summary']}."
    if route.auth is not Auth.NONE:
        yield f"Needs {_CREDENTIALS[route.auth]}."
    yield ""
    sent = operation.get("requestBody")
    if sent is not None:
        schema = sent["content"]["application/json"]["schema"]
        yield f"- Body: {_fields(schema, described)}"
    asked = [f"`{p['name']}`" for p in operation["parameters"] if p["in"] == "query"]
    if asked:
        yield f"- Query: {', '.join(asked)}"
    yield f"- Answers: {', '.join(_answers(operation['responses']))}"
    yield f"- Refuses with: {_listed(shared.left(route.method, operation))}"
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
        if problems.MEDIA_TYPE in content:
            continue
        shape = content.get("application/json", {}).get("schema", {}).get("$ref", "")
        name = shape.rpartition("/")[2]
        yield f"{status} `{name}`" if name else status


def settings_page() -> str:
    """Every setting, by section."""
    groups: dict[str, list[tuple[str, ...]]] = {}
    for name, key in settings.KEYS.items():
        section = "policy" if name.startswith("policy.") else name.rpartition(".")[0]
        row = (f"`{name}`", key.reader.expected, _default(key), key.text)
        groups.setdefault(section, []).append(row)
    lines: list[str] = []
    for section, rows in groups.items():
        lines += [f"## {f'[{section}]' if section else 'At the top'}", ""]
        lines += [*table(("Setting", "May be", "Default", "What it is for"), rows), ""]
    return page(
        "Settings",
        "Each stands in a TOML file (`--config`, which may repeat), in the environment, or on the"
        " command line; each of these wins over the one before.",
        "In the environment `server.port` is `TWOFOLD_SERVER__PORT`: two underscores for each dot."
        " Lists are separated by commas there, tables are JSON.",
        "`twofold config check` names all that is wrong at once; `twofold config show --origin`"
        " says what is in force and where it comes from.",
        "The keys of `[policy]` are also those of a realm's own policy, which administrators change"
        " while the server runs.",
        "Besides, `TWOFOLD_ADMIN_PASSWORD` holds the password of the first account, and"
        " `TWOFOLD_CONFIG` names configuration files, separated by colons, where the command line"
        " names none.",
        lines=lines,
    )


def structr_page() -> str:
    """Every setting of a structr.conf that means something here."""
    groups: dict[str, list[tuple[str, ...]]] = {}
    for known in structr_config.SETTINGS.values():
        names = ", ".join(f"`{name}`" for name in (known.name, *known.aliases))
        default = structr_config.written(known.default)
        row = (
            names,
            known.reader.expected,
            f"`{default}`" if default else "empty",
            known.applies.value,
            known.text,
        )
        groups.setdefault(known.name.partition(".")[0], []).append(row)
    lines: list[str] = []
    for name, rows in groups.items():
        lines += [f"## {name}", ""]
        lines += [*table(("Setting", "May be", "Default", "Applies", "What it is for"), rows), ""]
    return page(
        "Settings of Structr",
        "Each stands in a `structr.conf` (`--config`), in the environment, or is changed while the"
        " server runs; each of these wins over the one before.",
        "In the environment `security.twofactorauthentication.level` is"
        " `STRUCTR_SECURITY_TWOFACTORAUTHENTICATION_LEVEL`: `_` for a dot, `__` for an underscore.",
        "[Moving from Structr](../dialects/structr.md) says what is the same and what is not.",
        lines=lines,
    )


def _default(key: settings.Key) -> str:
    return f"`{json.dumps(policy_document.plain(key.default))}`"


def cli_page() -> str:
    """Every command with its options."""
    lines: list[str] = []
    for words, command in _commands("twofold", get_command(grammar.app)):
        usage = " ".join(
            [words, *(p.name.upper() for p in command.params if p.param_type_name == "argument")]
        )
        lines += [f"## `{usage}`", "", command.help or "", ""]
        rows = [
            (", ".join(f"`{word}`" for word in (*p.opts, *p.secondary_opts)), p.help or "")
            for p in command.params
            if p.param_type_name == "option"
        ]
        lines += [*table(("Option", "Does"), rows), ""] if rows else []
    return page(
        "Commands",
        "All of them work on the data directory, with the server down or up.",
        "The exit status is 0 when all is well, 1 when the command ran and found a fault or was"
        " refused, 2 when it was misused or the configuration is wrong.",
        "With `--json` standard output is JSON and nothing else, faults included; `serve` prints"
        " a line of JSON per event, and between them the mail, while `email.sender` is `console`.",
        "A password is read from standard input or typed at a prompt, never taken from the"
        " command line.",
        lines=lines,
    )


def _commands(words: str, command: Any) -> Iterator[tuple[str, Any]]:
    inner = getattr(command, "commands", None)
    if inner is None:
        yield words, command
        return
    for name, child in inner.items():
        yield from _commands(f"{words} {name}", child)


PAGES: Mapping[str, Callable[[], str]] = {
    "ceremony.md": ceremony_page,
    "effects.md": effects_page,
    "errors.md": errors_page,
    "events.md": events_page,
    "api.md": api_page,
    "settings.md": settings_page,
    "cli.md": cli_page,
    "structr.md": structr_page,
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
