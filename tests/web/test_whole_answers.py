"""An answer that our protocol writes in one piece is the one uvicorn would have written in two."""

import re

import pytest

from tests.web.test_deadlines import PATIENT, connected, serving
from twofold.web import deadlines, response
from twofold.web.kit import Route
from twofold.web.response import Response


async def nothing(request):
    return response.empty()


async def two_lines(request):
    return Response(200, b"", ((b"x-split", b"a\r\nset-cookie: b=c"),))


async def asked(method: bytes, path: bytes, *, version: bytes = b"1.1", more: bytes = b"") -> bytes:
    routes = Route("DELETE", "/nothing", nothing), Route("GET", "/split", two_lines)
    async with serving(PATIENT, *routes) as (_, port), connected(port) as client:
        head = b"%b %b HTTP/%b\r\nHost: x\r\n" % (method, path, version)
        await client.send(head + more + b"\r\n")
        client.writer.write_eof()
        return await client.until_closed()


def undated(raw: bytes) -> list[bytes]:
    """The lines without what is new with every request."""
    lines = re.sub(rb"[0-9a-f]{16}", b"an id", raw).split(b"\r\n")
    return [line for line in lines if not line.startswith(b"date: ")]


ASKED = {
    "JSON": (b"GET", b"/hello"),
    "only its head": (b"HEAD", b"/hello"),
    "no content": (b"DELETE", b"/nothing"),
    "a refusal": (b"GET", b"/nowhere"),
}


@pytest.mark.parametrize(("method", "path"), ASKED.values(), ids=ASKED.keys())
async def test_it_is_the_same_answer(method, path, monkeypatch):
    whole = await asked(method, path)
    monkeypatch.setattr(deadlines.Protocol, "answer", lambda *_: False)
    in_two = await asked(method, path)

    assert undated(whole) == undated(in_two)
    assert whole.startswith(b"HTTP/1.1 ")


@pytest.mark.parametrize(
    ("version", "more"), [(b"1.0", b""), (b"1.1", b"Connection: close\r\n")], ids=["1.0", "1.1"]
)
async def test_the_last_answer_of_a_connection_says_so(version, more):
    assert b"\r\nconnection: close\r\n" in await asked(
        b"GET", b"/hello", version=version, more=more
    )


async def test_a_header_in_two_lines_is_never_written():
    assert b"set-cookie" not in await asked(b"GET", b"/split")
