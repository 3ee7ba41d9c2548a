"""Clients that are slow, huge or malformed on real sockets: cut, refused, and never expensive."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest

from tests.support.client import Call, Client, Dialler, Line
from tests.support.server import RunningServer, running_server
from tests.support.town import Town, town

DEADLINE = 1
CONFIG = {
    "server": {
        "head_seconds": DEADLINE,
        "body_seconds": DEADLINE,
        "idle_seconds": DEADLINE,
        "write_seconds": DEADLINE,
        "connections": 200,
    },
    "throttle": {"source_allowed": 100_000},
}
CUT_WITHIN = 10.0
"""Seconds: far more than a deadline, far less than for ever."""

MEGABYTE = 1024 * 1024


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningServer]:
    """A server that waits a second for everything."""
    with running_server(tmp_path_factory.mktemp("hostile"), config=CONFIG) as found:
        yield found


@pytest.fixture
async def place(server: RunningServer) -> AsyncIterator[Town]:
    """Its directory."""
    async with town(server.data) as found:
        yield found


def resident(server: RunningServer) -> int:
    """Bytes of memory the server holds."""
    for line in Path(f"/proc/{server.pids[0]}/status").read_text().splitlines():
        if line.startswith("VmRSS:"):
            return int(line.split()[1]) * 1024
    raise AssertionError


async def connected(server: RunningServer):
    return await asyncio.open_connection("127.0.0.1", server.port)


HEAD = b"POST /v1/ceremony HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\n"
SLOW = {
    "silent": (b"", b""),
    "half a request line": (b"POST /v1/cer", b""),
    "headers without an end": (HEAD, b"x-a: b\r\n"),
    "a header that grows": (HEAD + b"x-long: ", b"a"),
    "a body that trickles": (HEAD + b"content-length: 4000\r\n\r\n", b" "),
    "a body that stops": (HEAD + b"content-length: 4000\r\n\r\n{", b""),
    "chunks that trickle": (HEAD + b"transfer-encoding: chunked\r\n\r\n", b"1\r\n \r\n"),
    "blank lines": (b"", b"\r\n"),
}


@pytest.mark.parametrize("name", SLOW)
async def test_a_slow_client_is_cut_off(server, name):
    """Slowloris and its cousins (RELIABILITY F16)."""
    first, more = SLOW[name]
    began = time.monotonic()
    reader, writer = await connected(server)
    writer.write(first)

    async def trickle() -> None:
        while more:
            writer.write(more)
            await writer.drain()
            await asyncio.sleep(0.05)

    dripping = asyncio.create_task(trickle())
    try:
        async with asyncio.timeout(CUT_WITHIN):
            said = await reader.read()
    except ConnectionError:
        said = b""
    finally:
        dripping.cancel()
        writer.close()
    assert time.monotonic() - began < CUT_WITHIN
    assert not said or b" 408 " in said.split(b"\r\n")[0] or b" 400 " in said.split(b"\r\n")[0]


async def test_a_client_that_does_not_read_is_cut_off(server):
    """An answer that nobody takes holds its memory for ever."""
    reader, writer = await connected(server)
    writer.transport.pause_reading()
    ask = b"GET /openapi.json HTTP/1.1\r\nhost: x\r\n\r\n"
    async with asyncio.timeout(CUT_WITHIN):
        try:
            for _ in range(4_000):
                writer.write(ask)
                await writer.drain()
            while not reader.at_eof():
                writer.write(ask)
                await writer.drain()
                await asyncio.sleep(0.05)
        except ConnectionError:
            pass
    writer.close()


async def test_an_idle_connection_is_closed_and_a_busy_one_is_not(server):
    line = await Line.open(server.url)
    for _ in range(3):
        assert (await line.send("GET", "/health/live", (), b"")).status == 200
        await asyncio.sleep(DEADLINE / 4)
    async with asyncio.timeout(CUT_WITHIN):
        assert await line._reader.read() == b""
    await line.close()


HUGE = {
    "spaces": b" " * (10 * MEGABYTE),
    "one string": b'{"identifier": "' + b"a" * (10 * MEGABYTE) + b'"}',
    "brackets": b"[" * (10 * MEGABYTE),
    "objects": b'{"a":' * (2 * MEGABYTE),
    "numbers": b"[" + b"1," * (5 * MEGABYTE) + b"1]",
    "one number": b"9" * (10 * MEGABYTE),
}


@pytest.mark.parametrize("name", HUGE)
async def test_ten_megabytes_are_refused_by_a_word(server, name):
    headers = (("content-type", "application/json"),)
    began = time.monotonic()
    answer = await Client(Dialler(server.url)).post("/v1/ceremony", HUGE[name], headers=headers)
    assert answer.said == "413 too-large"
    assert time.monotonic() - began < CUT_WITHIN


async def test_a_body_that_announces_too_much_and_waits_for_leave_gets_none(server):
    line = await Line.open(server.url)
    headers = (("content-type", "application/json"), ("expect", "100-continue"))
    line._writer.write(
        b"POST /v1/ceremony HTTP/1.1\r\nhost: x\r\ncontent-length: 999999999999\r\n"
        + b"".join(f"{name}: {value}\r\n".encode() for name, value in headers)
        + b"\r\n"
    )
    assert (await line.answer()).status == 413
    await line.close()


NONSENSE = (
    b"\x00" * 1_000, b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + b"\x00" * 200,
    b"GET / HTTP/9.9\r\n\r\n", b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
    b"POST /v1/ceremony HTTP/1.1\r\nhost: x\r\ncontent-length: -1\r\n\r\n",
    b"POST /v1/ceremony HTTP/1.1\r\nhost: x\r\ncontent-length: 1\r\ncontent-length: 2\r\n\r\nab",
    b"PUT / HTTP/1.1\r\nhost: x\r\ncontent-length: 3\r\ntransfer-encoding: chunked\r\n\r\n",
    b"GET /health/live HTTP/1.1\r\nhost: x\r\n x: folded\r\n\r\n",
    b"GET /health/live HTTP/1.1\r\nhost : x\r\n\r\n",
    b"GET " + b"/" * 100_000 + b" HTTP/1.1\r\nhost: x\r\n\r\n",
    b"GET / HTTP/1.1\r\n" + b"".join(b"x-%d: y\r\n" % n for n in range(5_000)) + b"\r\n",
)  # fmt: skip


@pytest.mark.parametrize("raw", NONSENSE, ids=lambda raw: repr(raw[:24]))
async def test_what_is_no_http_is_refused_and_harms_nobody(server, raw):
    reader, writer = await connected(server)
    writer.write(raw)
    try:
        async with asyncio.timeout(CUT_WITHIN):
            said = await reader.read()
    except ConnectionError:
        said = b""
    writer.close()
    assert not said or said.split(b" ")[1] in {b"400", b"404", b"408", b"413", b"414", b"431"}
    assert (await Client(Dialler(server.url)).get("/health/live")).status == 200


async def test_more_connections_than_allowed_are_refused_and_the_others_are_served(server):
    async with asyncio.timeout(CUT_WITHIN):
        lines = [await Line.open(server.url) for _ in range(CONFIG["server"]["connections"] + 50)]
        served = await asyncio.gather(
            *(line.send("GET", "/health/live", (), b"") for line in lines), return_exceptions=True
        )
        for line in lines:
            await line.close()
    statuses = [answer.status for answer in served if not isinstance(answer, BaseException)]
    assert statuses.count(200) >= 150
    assert set(statuses) <= {200, 503}
    assert len(statuses) - statuses.count(503) <= CONFIG["server"]["connections"]


async def test_memory_stays_where_it_was_whatever_is_thrown_at_us(server, place):
    """Bounded everything: what one client can make us keep does not add up."""
    alice = await place.settle("alice")
    client = Client(Dialler(server.url))
    ticket = await client.ticket("alice", alice.password)

    async def volley() -> None:
        calls = [
            Call("POST", "/v1/ceremony", HUGE["numbers"][: 4 * MEGABYTE]),
            Call("POST", "/v1/ceremony", HUGE["brackets"][:60_000]),
            Call("POST", "/v1/ceremony", b'{"a":1,"a":2}'),
            Call("POST", "/v1/ceremony/verify", {"ceremony": ticket, "code": "x" * 64}),
            Call("POST", "/v1/ceremony/verify", {"ceremony": "t1." + "A" * 16_000, "code": "1"}),
            Call("GET", "/v1/session", None, (("authorization", "Bearer " + "a" * 8_000),)),
            Call("GET", "/v1/session", None, (("cookie", "twofold_s=" + "a" * 8_000),)),
            Call("GET", "/" + "a" * 8_000, None),
        ]
        json_type = (("content-type", "application/json"),)
        for number in range(40):
            unknown = {"identifier": f"nobody-{number}-{time.monotonic_ns()}", "password": "x" * 64}
            calls.append(Call("POST", "/v1/ceremony", json.dumps(unknown).encode(), json_type))
        answers = await asyncio.gather(*(client.call(call) for call in calls))
        assert all(answer.status < 500 or answer.status == 503 for answer in answers)

    for _ in range(3):
        await volley()
    before = resident(server)
    for _ in range(12):
        await volley()
    grown = resident(server) - before
    assert grown < 24 * MEGABYTE, f"{grown / MEGABYTE:.1f} MB more"
