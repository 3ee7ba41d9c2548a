"""A client of the native API: one way to ask, over a socket or straight into the application.

It follows no action by itself and repairs nothing, so that a test says exactly what was sent.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

Headers = Sequence[tuple[str, str]]
PATIENCE = 20.0
"""Seconds within which every answer has come, or something hangs."""


@dataclass(frozen=True, slots=True)
class Answer:
    """What came back."""

    status: int
    headers: tuple[tuple[str, str], ...]
    body: bytes

    def json(self) -> Any:
        """The body as JSON."""
        return json.loads(self.body)

    def header(self, name: str) -> str | None:
        """The first header of this lower-case name."""
        return next((value for key, value in self.headers if key == name), None)

    @property
    def cookies(self) -> list[str]:
        """Every Set-Cookie."""
        return [value for key, value in self.headers if key == "set-cookie"]

    @property
    def code(self) -> str:
        """The code of the problem, empty if it is none."""
        if not (self.header("content-type") or "").startswith("application/problem+json"):
            return ""
        kind: str = self.json()["type"]
        return kind.removeprefix("urn:twofold:problem:")

    @property
    def said(self) -> str:
        """Status and code, for comparing refusals at a glance."""
        return f"{self.status} {self.code}".strip()


class Wire(Protocol):
    """A way to the server."""

    async def send(self, method: str, path: str, headers: Headers, body: bytes) -> Answer:
        """One request, one answer."""


class InProcess:
    """Straight into an ASGI application, with an address of one's own choosing."""

    def __init__(self, app: Any, peer: str = "127.0.0.1") -> None:
        self.app = app
        self.peer = peer

    async def send(self, method: str, path: str, headers: Headers, body: bytes) -> Answer:
        """One request, one answer."""
        plain, _, query = path.partition("?")
        raw = [(name.lower().encode(), value.encode("latin-1")) for name, value in headers]
        if body:
            raw.append((b"content-length", str(len(body)).encode()))
        scope = {
            "type": "http",
            "asgi": {"version": "3.0"},
            "http_version": "1.1",
            "method": method,
            "scheme": "http",
            "path": plain,
            "raw_path": plain.encode(),
            "query_string": query.encode(),
            "root_path": "",
            "headers": raw,
            "client": (self.peer, 40_000),
            "server": ("127.0.0.1", 8080),
        }
        pieces = [{"type": "http.request", "body": body, "more_body": False}]
        sent: list[Mapping[str, Any]] = []

        async def receive() -> Mapping[str, Any]:
            return pieces.pop() if pieces else {"type": "http.disconnect"}

        async def send(message: Mapping[str, Any]) -> None:
            sent.append(message)

        await self.app(scope, receive, send)
        found = tuple(
            (name.decode(), value.decode("latin-1")) for name, value in sent[0]["headers"]
        )
        return Answer(sent[0]["status"], found, b"".join(m.get("body", b"") for m in sent[1:]))


class Line:
    """One open connection; ``load`` and ``fire`` make requests of many lines leave together."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader = reader
        self._writer = writer
        self._last = b""

    @classmethod
    async def open(cls, url: str) -> Line:
        """Connect to ``http://host:port``."""
        host, _, port = url.removeprefix("http://").rpartition(":")
        return cls(*await asyncio.open_connection(host, int(port)))

    async def load(self, method: str, path: str, headers: Headers, body: bytes) -> None:
        """Send a request but for its last byte."""
        lines = [f"{method} {path} HTTP/1.1", "host: twofold"]
        lines += [f"{name}: {value}" for name, value in headers]
        if body or method in {"POST", "PUT", "PATCH"}:
            lines.append(f"content-length: {len(body)}")
        raw = "\r\n".join((*lines, "", "")).encode("latin-1") + body
        self._writer.write(raw[:-1])
        self._last = raw[-1:]
        await self._writer.drain()

    def fire(self) -> None:
        """Send the last byte."""
        self._writer.write(self._last)

    async def answer(self) -> Answer:
        """Read the answer; ConnectionError or IncompleteReadError if the server went away."""
        async with asyncio.timeout(PATIENCE):
            head = await self._reader.readuntil(b"\r\n\r\n")
            first, *lines = head.decode("latin-1").split("\r\n")[:-2]
            pairs = [line.partition(":") for line in lines]
            headers = tuple((name.lower(), value.strip()) for name, _, value in pairs)
            length = next((int(value) for name, value in headers if name == "content-length"), 0)
            body = await self._reader.readexactly(length)
        return Answer(int(first.split(" ")[1]), headers, body)

    async def send(self, method: str, path: str, headers: Headers, body: bytes) -> Answer:
        """One request, one answer."""
        await self.load(method, path, headers, body)
        self.fire()
        return await self.answer()

    async def close(self) -> None:
        """Hang up."""
        self._writer.close()


class Dialler:
    """A new connection for each request, so that clients never queue behind one another."""

    def __init__(self, url: str) -> None:
        self._url = url

    async def send(self, method: str, path: str, headers: Headers, body: bytes) -> Answer:
        """One request, one answer."""
        line = await Line.open(self._url)
        try:
            return await line.send(method, path, headers, body)
        finally:
            await line.close()


@dataclass(frozen=True, slots=True)
class Call:
    """A request that can be made once or many times at once."""

    method: str
    path: str
    body: object = None
    headers: tuple[tuple[str, str], ...] = ()

    @property
    def raw(self) -> tuple[str, str, Headers, bytes]:
        """What a wire takes."""
        if self.body is None:
            return self.method, self.path, self.headers, b""
        if isinstance(self.body, bytes):
            return self.method, self.path, self.headers, self.body
        headers = (("content-type", "application/json"), *self.headers)
        return self.method, self.path, headers, json.dumps(self.body).encode()


async def at_once(urls: Sequence[str], calls: Sequence[Call]) -> list[Answer]:
    """Make all calls at the same moment, spread over servers: the last bytes leave together."""
    lines = await asyncio.gather(*(Line.open(urls[n % len(urls)]) for n in range(len(calls))))
    try:
        for line, call in zip(lines, calls, strict=True):
            await line.load(*call.raw)
        for line in lines:
            line.fire()
        return list(await asyncio.gather(*(line.answer() for line in lines)))
    finally:
        for line in lines:
            await line.close()


def bearer(token: str) -> tuple[tuple[str, str], ...]:
    """The header that shows an access token."""
    return (("authorization", f"Bearer {token}"),)


@dataclass(slots=True)
class Client:
    """Somebody who speaks the native API in header transport."""

    wire: Wire
    token: str = ""
    refresh_token: str = ""
    extra: tuple[tuple[str, str], ...] = ()

    async def call(self, call: Call) -> Answer:
        """Make a call as it is."""
        method, path, headers, body = call.raw
        return await self.wire.send(method, path, (*headers, *self.extra), body)

    async def get(self, path: str, *, headers: tuple[tuple[str, str], ...] = ()) -> Answer:
        """GET, signed in if one is."""
        return await self.call(Call("GET", path, None, self._signed(headers)))

    async def post(
        self, path: str, body: object, *, headers: tuple[tuple[str, str], ...] = ()
    ) -> Answer:
        """POST, signed in if one is."""
        return await self.call(Call("POST", path, body, self._signed(headers)))

    async def send(
        self,
        method: str,
        path: str,
        body: object = None,
        *,
        headers: tuple[tuple[str, str], ...] = (),
    ) -> Answer:
        """Any other method, signed in if one is."""
        return await self.call(Call(method, path, body, self._signed(headers)))

    def _signed(self, headers: tuple[tuple[str, str], ...]) -> tuple[tuple[str, str], ...]:
        return (*headers, *(bearer(self.token) if self.token else ()))

    async def start(self, identifier: str, password: str, **more: object) -> Answer:
        """Begin a login with its first step."""
        body = {"kind": "login", "identifier": identifier, "password": password, **more}
        return await self.call(Call("POST", "/v1/ceremony", body))

    async def ticket(self, identifier: str, password: str) -> str:
        """The ticket of a login whose password was right."""
        answer = await self.start(identifier, password)
        assert answer.status == 200, answer.body
        ticket: str = answer.json()["ceremony"]
        return ticket

    async def verify(self, ticket: str, code: str, **more: object) -> Answer:
        """Prove a second factor."""
        return await self.call(proving(ticket, code=code, **more))

    async def recover(self, ticket: str, code: str) -> Answer:
        """Prove with a recovery code."""
        return await self.call(proving(ticket, recovery_code=code))

    async def inside(self, kind: str, **more: object) -> Answer:
        """Begin a step-up or an enrolment from the session."""
        return await self.post("/v1/ceremony", {"kind": kind, **more})

    async def step(self, ticket: str, name: str, **body: object) -> Answer:
        """Any step of a ceremony."""
        return await self.call(Call("POST", f"/v1/ceremony/{name}", body, (("ceremony", ticket),)))

    def keep(self, answer: Answer) -> Answer:
        """Keep the tokens that an answer brought."""
        found = answer.json()
        tokens = found.get("result", found)["tokens"]
        self.token, self.refresh_token = tokens["access_token"], tokens["refresh_token"]
        return answer


def proving(ticket: str, **answer: object) -> Call:
    """The call that proves a second factor."""
    return Call("POST", "/v1/ceremony/verify", {"ceremony": ticket, **answer})


@dataclass(slots=True)
class Browser:
    """Somebody whose credentials travel in cookies; ``origin`` is where its pages are from."""

    wire: Wire
    origin: str = "http://127.0.0.1:8080"
    jar: dict[str, str] = field(default_factory=dict)

    async def send(
        self,
        method: str,
        path: str,
        body: object = None,
        *,
        headers: tuple[tuple[str, str], ...] = (),
        site: str = "same-origin",
    ) -> Answer:
        """One request with the cookies there are; what is set is kept."""
        shown = "; ".join(f"{name}={value}" for name, value in self.jar.items())
        known = (("origin", self.origin), ("sec-fetch-site", site), *headers)
        if shown:
            known = (*known, ("cookie", shown))
        plain = Call(method, path, body, known)
        name, target, sent, raw = plain.raw
        answer = await self.wire.send(name, target, sent, raw)
        for cookie in answer.cookies:
            key, _, rest = cookie.partition("=")
            value = rest.partition(";")[0]
            if "Max-Age=0" in cookie:
                self.jar.pop(key, None)
            else:
                self.jar[key] = value
        return answer
