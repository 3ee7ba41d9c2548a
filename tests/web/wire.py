"""An ASGI server of one request for the tests, and the parts of an answer."""

import asyncio
import json
from collections.abc import Iterable
from dataclasses import dataclass

from twofold.core.networks import Networks
from twofold.web.kit import App, Site
from twofold.web.limits import Limits
from twofold.web.request import Request

BASE = "https://login.example"


@dataclass(frozen=True)
class Answer:
    status: int
    headers: tuple[tuple[bytes, bytes], ...]
    body: bytes

    def header(self, name: str) -> str | None:
        found = [value for other, value in self.headers if other == name.encode()]
        assert len(found) < 2, f"{name} is there twice"
        return found[0].decode() if found else None

    @property
    def json(self):
        return json.loads(self.body)

    @property
    def code(self) -> str:
        assert self.header("content-type") == "application/problem+json"
        return self.json["type"].removeprefix("urn:twofold:problem:")


def scope(method="GET", target="/", headers=(), *, peer="192.0.2.7", root=""):
    path, _, query = target.partition("?")
    from urllib.parse import unquote

    return {
        "type": "http",
        "method": method,
        "path": unquote(path),
        "raw_path": path.encode(),
        "root_path": root,
        "query_string": query.encode(),
        "headers": [(name.encode(), value.encode("latin-1")) for name, value in headers],
        "client": (peer, 50000),
        "scheme": "http",
    }


def request(
    headers=(),
    *pieces: bytes,
    method="POST",
    target="/",
    peer="192.0.2.7",
    limits=Limits(),  # noqa: B008 -- frozen
    proxies=Networks(),  # noqa: B008 -- frozen
) -> Request:
    if pieces and not any(name == "content-length" for name, _ in headers):
        headers = [*headers, ("content-length", str(sum(map(len, pieces))))]
    return Request(scope(method, target, headers, peer=peer), feed(pieces), limits, proxies)


def feed(pieces: Iterable[bytes], *, then: str = "wait"):
    """Receive for these pieces of a body; afterwards it waits for ever, or the client leaves."""
    waiting = list(pieces) or [b""]

    async def receive():
        if waiting:
            piece = waiting.pop(0)
            more = bool(waiting) or then in {"leave", "drip"}
            return {"type": "http.request", "body": piece, "more_body": more}
        if then == "leave":
            return {"type": "http.disconnect"}
        await asyncio.Event().wait()
        raise AssertionError

    return receive


async def ask(
    app: App,
    method="GET",
    target="/",
    headers=(),
    body=None,
    *,
    peer="192.0.2.7",
    then="wait",
    root="",
) -> Answer | None:
    """The answer of the application; None when it said nothing."""
    pieces = [body] if isinstance(body, bytes) else list(body or ())
    headers = list(headers)
    names = {name for name, _ in headers}
    if pieces and not names & {"content-length", "transfer-encoding"}:
        headers.append(("content-length", str(sum(map(len, pieces)))))
    sent = []

    async def send(message):
        sent.append(message)

    await app(scope(method, target, headers, peer=peer, root=root), feed(pieces, then=then), send)
    if not sent:
        return None
    start, *bodies = sent
    assert start["type"] == "http.response.start"
    assert [message["type"] for message in bodies] == ["http.response.body"]
    return Answer(start["status"], tuple(start["headers"]), bodies[0].get("body", b""))


def post_json(value) -> dict:
    return {
        "method": "POST",
        "headers": [("content-type", "application/json")],
        "body": value if isinstance(value, bytes) else json.dumps(value).encode(),
    }


def app_of(*routes, **others) -> App:
    site = {name: others.pop(name) for name in ("limits", "proxies") if name in others}
    return App(routes, Site(others.pop("base_url", BASE), **site), **others)
