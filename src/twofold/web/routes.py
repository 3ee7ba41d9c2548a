"""The route table: made once at start, looked up by exact path, then by template.

A route carries all that the OpenAPI document says about it, so the two cannot drift apart.
"""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable, Iterable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, Final, Generic, TypeVar
from urllib.parse import unquote

from twofold.core.errors import Faulty, TwofoldError
from twofold.web.request import Request, Scope
from twofold.web.response import Response

Handler = Callable[[Request], Awaitable[Response]]
OnError = Callable[[Request, TwofoldError], Response]
Body = TypeVar("Body")

SAFE: Final = frozenset({"GET", "HEAD", "OPTIONS"})
"""Methods that never change anything (RFC 9110 section 9.2.1)."""

_METHODS: Final = frozenset({"GET", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})
_SEGMENT: Final = re.compile(r"[A-Za-z0-9._~$@+\-]+|\{[a-z_]+\}")
_CONTROL: Final = re.compile(r"[\x00-\x1f\x7f/\\]")


class WrongMethod(Faulty):
    """The resource does not know this method; ``allow`` lists those it knows."""

    code = "method-not-allowed"
    title = "This resource does not know this method."

    def __init__(self, detail: str = "", *, allow: str) -> None:
        """Keep what would have been understood."""
        super().__init__(detail)
        self.allow = allow


class Auth(StrEnum):
    """Which credential a route asks for; said in the documentation, checked by the handler."""

    NONE = "none"
    CEREMONY = "ceremony"
    SESSION = "session"
    ADMIN = "admin"
    CLIENT = "client"


@dataclass(frozen=True, slots=True)
class Taking(Generic[Body]):
    """A handler that is given its JSON body as a checked struct."""

    body: type[Body]
    handler: Callable[[Request, Body], Awaitable[Response]]
    required: bool = True
    """Whether the body must be there."""

    async def __call__(self, request: Request) -> Response:
        """Read, check, hand over."""
        return await self.handler(request, await request.json(self.body))


@dataclass(frozen=True, slots=True)
class Route:
    """One method on one path, the function behind it, and what the documentation says of it."""

    method: str
    path: str
    """``/v1/factors/{id}``: a name in braces stands for one segment, never empty, without ``/``."""
    handler: Handler | Taking[Any]
    summary: str = ""
    tag: str = ""
    auth: Auth = Auth.NONE
    answers: Mapping[int, Any] = field(default_factory=lambda: {200: None})
    """By status: the struct that is answered, ``str`` for text or HTML, None for no body."""
    errors: tuple[type[TwofoldError], ...] = ()
    """What it may refuse with, beyond what every route may."""
    query: type[Any] | None = None
    """The struct of ``Request.arguments``."""
    description: str = ""
    example: object = None
    """A request body that would work; None has one made from the struct."""
    guarded: bool = True
    """Whether a request of another site that brings cookies is refused before the handler."""
    listed: bool = True
    """Whether it stands in the OpenAPI document."""
    on_error: OnError | None = None
    """A dialect's own words; None takes the application's."""

    def __post_init__(self) -> None:
        if self.method not in _METHODS:
            raise ValueError(f"{self.method} {self.path}: no such method")
        if not self.path.startswith("/"):
            raise ValueError(f"{self.path} does not begin with a slash")
        if not all(map(_SEGMENT.fullmatch, self._segments())) and self.path != "/":
            raise ValueError(f"{self.path} is no path template")

    @property
    def body(self) -> type[Any] | None:
        """The struct that the handler is given."""
        return self.handler.body if isinstance(self.handler, Taking) else None

    @property
    def names(self) -> tuple[str, ...]:
        """The names in the template, in order."""
        return tuple(part[1:-1] for part in self._segments() if part.startswith("{"))

    def _segments(self) -> list[str]:
        return self.path[1:].split("/")


class Resource:
    """Everything that one path can do."""

    __slots__ = ("allow", "names", "on_error", "routes")

    def __init__(self, names: tuple[str, ...]) -> None:
        self.names = names
        self.routes: dict[str, Route] = {}
        self.allow = "OPTIONS"
        """The value of the Allow header."""
        self.on_error: OnError | None = None
        """The words for a method that the path does not know: those of its routes."""

    def add(self, route: Route) -> None:
        """One more method; GET brings HEAD."""
        if route.method in self.routes or route.names != self.names:
            raise ValueError(f"{route.method} {route.path} is there twice")
        self.routes[route.method] = route
        self.on_error = route.on_error
        if route.method == "GET":
            self.routes["HEAD"] = route
        self.allow = ", ".join(sorted({*self.routes, "OPTIONS"}))


class _Branch:
    """A node of the tree of templates: literal segments first, then the one that is named."""

    __slots__ = ("literals", "named", "resource")

    def __init__(self) -> None:
        self.literals: dict[str, _Branch] = {}
        self.named: _Branch | None = None
        self.resource: Resource | None = None


class Table:
    """Finds the resource of a path."""

    def __init__(self, routes: Iterable[Route]) -> None:
        self._exact: Final[dict[str, Resource]] = {}
        self._tree: Final = _Branch()
        for route in routes:
            self._resource(route).add(route)

    def find(self, path: str) -> tuple[Resource, Mapping[str, str]] | None:
        """The resource and what its template's names stand for here."""
        resource = self._exact.get(path)
        if resource is not None:
            return resource, _NO_PARAMS
        values: list[str] = []
        found = _descend(self._tree, path[1:].split("/"), 0, values)
        return (found, dict(zip(found.names, values, strict=True))) if found else None

    def _resource(self, route: Route) -> Resource:
        if not route.names:
            return self._exact.setdefault(route.path, Resource(()))
        branch = self._tree
        for part in route.path[1:].split("/"):
            if not part.startswith("{"):
                branch = branch.literals.setdefault(part, _Branch())
                continue
            if branch.named is None:
                branch.named = _Branch()
            branch = branch.named
        if branch.resource is None:
            branch.resource = Resource(route.names)
        return branch.resource


_NO_PARAMS: Final[Mapping[str, str]] = {}


def _descend(branch: _Branch, parts: list[str], depth: int, values: list[str]) -> Resource | None:
    if depth == len(parts):
        return branch.resource
    part = parts[depth]
    literal = branch.literals.get(part)
    if literal is not None and (found := _descend(literal, parts, depth + 1, values)):
        return found
    if branch.named is None or not part:
        return None
    values.append(part)
    found = _descend(branch.named, parts, depth + 1, values)
    if found is None:
        values.pop()
    return found


def routed_path(scope: Scope) -> str | None:
    """The path below the mount point, or None where it could be read in two ways.

    Servers decode the whole path at once, so ``/a%2Fb`` arrives as two segments where a proxy
    in front of us has seen, and perhaps allowed, one. A segment that hides a slash, a backslash
    or a control character leads nowhere; so does broken UTF-8.
    """
    path: str = scope["path"]
    raw: bytes | None = scope.get("raw_path")
    if raw is not None and b"%" in raw:
        try:
            parts = [unquote(part, errors="strict") for part in raw.decode("ascii").split("/")]
        except ValueError:
            return None
        if any(map(_CONTROL.search, parts)):
            return None
    root: str = scope.get("root_path", "")
    return path.removeprefix(root) if root else path
