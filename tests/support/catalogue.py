"""Every request the API documents, made from its own OpenAPI document."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

from tests.support.client import Call
from twofold.web.cookies import own_cookies
from twofold.web.kit import Auth, Route
from twofold.web.openapi import document

ABSENT = "0" * 32
"""An id of the right form that nobody has."""


@dataclass(frozen=True, slots=True)
class Documented:
    """One operation with a request that would be well formed."""

    call: Call
    auth: Auth
    route: Route


def documented(routes: Iterable[Route], *auth: Auth, **ids: str) -> Iterator[Documented]:
    """Every listed operation, of some kinds of auth only if any are named.

    ``ids`` stand for the names in path templates.
    """
    listed = [route for route in routes if route.listed]
    paths: dict[str, Any] = document(
        listed, own_cookies(https=False), title="Twofold", version="test"
    )["paths"]
    for route in listed:
        if auth and route.auth not in auth:
            continue
        body = paths[route.path][route.method.lower()].get("requestBody")
        example = body["content"]["application/json"]["example"] if body else None
        path = route.path
        for name in route.names:
            path = path.replace(f"{{{name}}}", ids.get(name, ABSENT))
        yield Documented(Call(route.method, path, example), route.auth, route)
