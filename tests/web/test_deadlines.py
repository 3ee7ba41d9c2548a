"""Slow clients are cut (F16), fast ones are not, and both hear what a program can read.

Real sockets and a real uvicorn. Nothing here sleeps or measures: each test waits until the server
closes, with a bound that is only reached when it does not.
"""

import asyncio
import json
import socket
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass

import pytest
import uvicorn

from tests.web.wire import app_of
from twofold.web import response
from twofold.web.deadlines import Protocol
from twofold.web.kit import Route
from twofold.web.limits import Limits

SOON = 0.1
QUICK = Limits(
    head_seconds=SOON, body_seconds=SOON, idle_seconds=SOON, write_seconds=SOON, connections=5
)
PATIENT = Limits(connections=5)
TOO_LONG = 15
MUCH = 30_000_000


async def until(fact):
    """Let the server work until something is so."""
    async with asyncio.timeout(TOO_LONG):
        while not fact():  # noqa: ASYNC110 -- the server sets no event for it
            await asyncio.sleep(0.001)


class Server(uvicorn.Server):
    @contextmanager
    def capture_signals(self):
        yield  # the runner's own

    async def main_loop(self):
        await until(lambda: self.should_exit)  # uvicorn's own looks ten times a second


async def hello(request):
    return response.json({"hello": "world"})


async def length(request):
    return response.json(len(await request.body()))


async def much(request):
    return response.text("x" * MUCH)


class Gate:
    """A handler that answers when the test lets it."""

    def __init__(self):
        self.entered = asyncio.Event()
        self.open = asyncio.Event()

    async def __call__(self, request):
        self.entered.set()
        await self.open.wait()
        return response.json("late")


@asynccontextmanager
async def serving(limits, *routes):
    app = app_of(
        Route("GET", "/hello", hello),
        Route("POST", "/hello", hello),
        Route("POST", "/length", length),
        Route("GET", "/much", much),
        *routes,
        limits=limits,
    )
    config = uvicorn.Config(
        app,
        http=Protocol,
        ws="none",
        log_config=None,
        server_header=False,
        timeout_keep_alive=limits.idle_seconds,
    )
    server = Server(config)
    # asyncio switches Nagle's algorithm off only for a socket that says it is TCP.
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP) as listener:
        listener.bind(("127.0.0.1", 0))
        running = asyncio.create_task(server.serve(sockets=[listener]))
        await until(lambda: server.started)
        try:
            yield server, listener.getsockname()[1]
        finally:
            server.should_exit = True
            await asyncio.wait_for(running, TOO_LONG)


@dataclass
class Client:
    reader: asyncio.StreamReader
    writer: asyncio.StreamWriter

    async def send(self, raw: bytes):
        self.writer.write(raw)
        await self.writer.drain()

    async def until_closed(self) -> bytes:
        async with asyncio.timeout(TOO_LONG):
            try:
                return await self.reader.read()
            except ConnectionResetError:
                return b""

    async def answer(self) -> tuple[int, bytes]:
        async with asyncio.timeout(TOO_LONG):
            head = await self.reader.readuntil(b"\r\n\r\n")
            size = int(head.lower().split(b"content-length: ")[1].split(b"\r\n")[0])
            return int(head.split(b" ")[1]), await self.reader.readexactly(size)


@asynccontextmanager
async def connected(port):
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    try:
        yield Client(reader, writer)
    finally:
        writer.close()


async def trickle(client, raw: bytes):
    """One byte after another for as long as the server takes them."""
    try:
        while not client.reader.at_eof():
            await client.send(raw)
            await asyncio.sleep(SOON / 20)
    except (OSError, RuntimeError):  # what uvloop says of a closed socket is the latter
        return


def problem_in(raw: bytes) -> str:
    head, _, body = raw.partition(b"\r\n\r\n")
    assert b"content-type: application/problem+json" in head
    assert b"connection: close" in head
    assert b"content-length: %d" % len(body) in head
    said = json.loads(body)
    assert head.split(b" ")[1] == str(said["status"]).encode()
    return said["type"].removeprefix("urn:twofold:problem:")


HEAD = b"POST /length HTTP/1.1\r\nHost: x\r\n"
SLOW = {
    "connects and says nothing": (b"", None),
    "stops within the request line": (b"GET /hel", "request-timeout"),
    "stops within the headers": (HEAD + b"X-A: 1\r\n", "request-timeout"),
    "stops before the body": (HEAD + b"Content-Length: 10\r\n\r\n", "request-timeout"),
    "stops within the body": (HEAD + b"Content-Length: 10\r\n\r\nabc", "request-timeout"),
    "stops before a chunk": (HEAD + b"Transfer-Encoding: chunked\r\n\r\n", "request-timeout"),
    "stops within a chunk": (
        HEAD + b"Transfer-Encoding: chunked\r\n\r\n5\r\nab",
        "request-timeout",
    ),
    "stops before the last chunk": (
        HEAD + b"Transfer-Encoding: chunked\r\n\r\n1\r\na\r\n",
        "request-timeout",
    ),
}


@pytest.mark.parametrize(("sent", "code"), SLOW.values(), ids=SLOW.keys())
async def test_a_client_that_stops_is_cut(sent, code):
    async with serving(QUICK) as (_, port), connected(port) as client:
        await client.send(sent)
        last = await client.until_closed()
    assert (problem_in(last) if last else None) == code


@pytest.mark.parametrize(("sent", "code"), list(SLOW.values())[1:], ids=list(SLOW)[1:])
async def test_a_client_that_stops_in_its_second_request_is_cut(sent, code):
    async with serving(QUICK) as (_, port), connected(port) as client:
        await client.send(b"GET /hello HTTP/1.1\r\nHost: x\r\n\r\n")
        assert (await client.answer())[0] == 200
        await client.send(sent)
        assert problem_in(await client.until_closed()) == code


DRIPS = {
    "headers": (HEAD, b"X-A: 1\r\n"),
    "one endless header": (HEAD + b"X-A: ", b"1"),
    "body": (HEAD + b"Content-Length: 60000\r\n\r\n", b"x"),
    "chunks": (HEAD + b"Transfer-Encoding: chunked\r\n\r\n", b"1\r\nx\r\n"),
    "chunk extensions": (HEAD + b"Transfer-Encoding: chunked\r\n\r\n1;", b"x"),
    "blank lines before a request": (b"", b"\r\n"),
}


@pytest.mark.parametrize(("start", "drop"), DRIPS.values(), ids=DRIPS.keys())
async def test_a_client_that_drips_is_cut(start, drop):
    async with serving(QUICK) as (_, port), connected(port) as client:
        await client.send(start)
        dripping = asyncio.create_task(trickle(client, drop))
        await client.until_closed()
        await asyncio.wait_for(dripping, TOO_LONG)


@pytest.mark.parametrize("drop", [None, b"\r\n", b"G"], ids=["nothing", "blank lines", "a request"])
async def test_a_client_that_idles_after_its_answer_is_cut(drop):
    async with serving(QUICK) as (_, port), connected(port) as client:
        await client.send(b"GET /hello HTTP/1.1\r\nHost: x\r\n\r\n")
        assert (await client.answer())[0] == 200
        dripping = asyncio.create_task(trickle(client, drop) if drop else asyncio.sleep(0))
        await client.until_closed()
        await asyncio.wait_for(dripping, TOO_LONG)


async def test_a_client_that_drips_on_after_its_answer_is_cut():
    """The body of a request that was answered early; uvicorn alone would wait for ever."""
    async with serving(QUICK) as (_, port), connected(port) as client:
        await client.send(b"POST /hello HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n")
        dripping = asyncio.create_task(trickle(client, b"1\r\nx\r\n"))
        await client.until_closed()
        await asyncio.wait_for(dripping, TOO_LONG)


@pytest.mark.parametrize("version", [b"HTTP/1.1", b"HTTP/1.0"])
async def test_a_client_that_does_not_read_is_cut(version):
    async with serving(QUICK) as (server, port):
        with socket.create_connection(("127.0.0.1", port)) as deaf:
            deaf.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
            deaf.sendall(b"GET /much " + version + b"\r\nHost: x\r\n\r\n")
            await until(lambda: server.server_state.connections)
            await until(lambda: not server.server_state.connections)


async def test_a_client_that_reads_late_but_in_time_is_served():
    patient = Limits(write_seconds=TOO_LONG, idle_seconds=TOO_LONG)
    async with serving(patient) as (server, port):
        with socket.create_connection(("127.0.0.1", port)) as late:
            late.setblocking(False)
            loop = asyncio.get_running_loop()
            await loop.sock_sendall(late, b"GET /much HTTP/1.0\r\nHost: x\r\n\r\n")
            await until(lambda: any(c._reading for c in server.server_state.connections))
            size = 0
            while piece := await asyncio.wait_for(loop.sock_recv(late, 1 << 20), TOO_LONG):
                size += len(piece)
    assert size > MUCH


async def test_who_is_in_time_is_served_however_the_request_is_cut_up():
    request = HEAD + b"Content-Length: 10\r\n\r\n0123456789"
    async with serving(PATIENT) as (_, port), connected(port) as client:
        for cut in range(1, len(request)):
            await client.send(request[:cut])
            await asyncio.sleep(0)
            await client.send(request[cut:])
            assert await client.answer() == (200, b"10")


async def test_a_handler_may_take_longer_than_any_client():
    gate = Gate()
    async with serving(QUICK, Route("GET", "/gate", gate)) as (_, port), connected(port) as slow:
        await slow.send(b"GET /gate HTTP/1.1\r\nHost: x\r\n\r\n")
        async with connected(port) as other:  # its deadline passes while the handler works
            await other.until_closed()
        gate.open.set()
        assert await slow.answer() == (200, b'"late"')


async def test_last_words_never_stand_in_for_anothers_answer():
    gate = Gate()
    async with serving(QUICK, Route("GET", "/gate", gate)) as (_, port), connected(port) as client:
        await client.send(b"GET /gate HTTP/1.1\r\nHost: x\r\n\r\n")
        await asyncio.wait_for(gate.entered.wait(), TOO_LONG)
        await client.send(b"POST /length HTTP/1.1\r\nHost: x\r\n")
        assert await client.until_closed() == b""
        gate.open.set()


async def test_pipelined_requests_are_answered_in_order():
    async with serving(PATIENT) as (_, port), connected(port) as client:
        first = HEAD + b"Content-Length: 3\r\n\r\nabc"
        await client.send(first + b"GET /hello HTTP/1.1\r\nHost: x\r\n\r\n" + first)
        answers = [await client.answer() for _ in range(3)]
    assert answers == [(200, b"3"), (200, b'{"hello":"world"}'), (200, b"3")]


async def test_headers_do_not_grow_without_end():
    async with serving(PATIENT) as (_, port), connected(port) as client:
        await client.send(HEAD)
        flooding = asyncio.create_task(trickle(client, b"X-A: " + b"a" * 8000 + b"\r\n"))
        last = await client.until_closed()
        await asyncio.wait_for(flooding, TOO_LONG)
    assert not last or problem_in(last) == "head-too-large"


async def test_one_connection_too_many_is_turned_away_and_the_others_stay():
    async with serving(PATIENT) as (_, port), connected(port) as first:
        await first.send(b"GET /hello HTTP/1.1\r\nHost: x\r\n\r\n")
        assert (await first.answer())[0] == 200
        others = [connected(port) for _ in range(4)]
        for other in others:
            await other.__aenter__()
        async with connected(port) as turned_away:
            last = await turned_away.until_closed()
        assert problem_in(last) == "overloaded"
        assert b"retry-after: 1\r\n" in last
        await first.send(b"GET /hello HTTP/1.1\r\nHost: x\r\n\r\n")
        assert (await first.answer())[0] == 200
        for other in others:
            await other.__aexit__(None, None, None)


NO_HTTP = {
    "no method": b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\r\n\r\n",
    "an unknown method": b"FROB /hello HTTP/1.1\r\n\r\n",
    "a blank in a header's name": b"GET /hello HTTP/1.1\r\nX A: 1\r\n\r\n",
    "a NUL in a header": b"GET /hello HTTP/1.1\r\nX: \x00\r\n\r\n",
    "two lengths": HEAD + b"Content-Length: 1\r\nContent-Length: 2\r\n\r\na",
    "length and chunks": HEAD + b"Content-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
    "a length below zero": HEAD + b"Content-Length: -1\r\n\r\n",
    "a chunk without length": HEAD + b"Transfer-Encoding: chunked\r\n\r\nzz\r\n",
    "another coding": HEAD + b"Transfer-Encoding: gzip, chunked, gzip\r\n\r\n",
    "a tunnel": b"CONNECT evil.example:443 HTTP/1.1\r\nHost: x\r\n\r\n",
    "a raw path beyond ASCII": "GET /ü HTTP/1.1\r\nHost: x\r\n\r\n".encode(),
}


@pytest.mark.parametrize("sent", NO_HTTP.values(), ids=NO_HTTP.keys())
async def test_what_is_no_http_is_a_problem_too(sent):
    async with serving(PATIENT) as (_, port), connected(port) as client:
        await client.send(sent)
        last = await client.until_closed()
    assert problem_in(last) == "malformed"


async def test_a_large_body_hears_why_it_was_refused():
    size = 10_000_000
    async with serving(PATIENT) as (_, port), connected(port) as client:
        await client.send(HEAD + b"Content-Length: %d\r\n\r\n" % size)
        sending = asyncio.create_task(client.send(b"x" * size))
        status, body = await client.answer()
        await sending
        assert (status, json.loads(body)["type"]) == (413, "urn:twofold:problem:too-large")
        await client.send(b"GET /hello HTTP/1.1\r\nHost: x\r\n\r\n")
        assert (await client.answer())[0] == 200


async def test_an_upgrade_nobody_offers_is_served_as_if_it_were_not_asked_for():
    async with serving(PATIENT) as (_, port), connected(port) as client:
        upgrade = b"Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n"
        await client.send(b"GET /hello HTTP/1.1\r\nHost: x\r\n" + upgrade + b"\r\n")
        assert (await client.answer())[0] == 200


async def test_nobody_below_us_names_itself():
    async with serving(PATIENT) as (_, port), connected(port) as client:
        await client.send(b"GET /hello HTTP/1.0\r\nHost: x\r\n\r\n")
        head = (await client.until_closed()).lower()
    assert b"server:" not in head
    assert b"uvicorn" not in head


def protocol_of(application, **others):
    config = uvicorn.Config(application, log_config=None, http=Protocol, lifespan="off", **others)
    config.load()
    return Protocol(config, uvicorn.server.ServerState(), {}, asyncio.get_running_loop())


async def test_the_limits_are_found_inside_what_is_wrapped_around_the_application():
    app = app_of(limits=QUICK)
    assert protocol_of(app, proxy_headers=False)._limits == QUICK
    assert protocol_of(app, proxy_headers=True)._limits == QUICK


async def test_a_foreign_application_gets_our_usual_limits():
    async def foreign(scope, receive, send):
        raise NotImplementedError

    assert protocol_of(foreign)._limits == Limits()
