"""What the application does around every handler."""

import asyncio
import logging

import pytest

from tests.web.wire import app_of, ask, feed, scope
from twofold.core import errors
from twofold.core.networks import parse_networks
from twofold.web.headers import SIGNED_OUT
from twofold.web.kit import Hook, Route
from twofold.web.limits import Limits
from twofold.web.response import Response, empty, json, redirect, text

SECRET = "c0rrect-horse-s3cret"


async def hello(request):
    return json({"hello": "world"})


async def refuse(request):
    raise errors.CodeRejected(attempts_left=3)


async def break_down(request):
    raise KeyError(SECRET)


async def break_within(request):
    raise ExceptionGroup(SECRET, [ValueError(SECRET)])


async def no_content(request):
    return empty()


async def names(request):
    return json({"id": request.id})


ROUTES = (
    Route("GET", "/hello", hello),
    Route("POST", "/hello", hello),
    Route("GET", "/refuse", refuse),
    Route("GET", "/broken", break_down),
    Route("GET", "/group", break_within),
    Route("GET", "/nothing", no_content),
    Route("GET", "/names", names),
)
APP = app_of(*ROUTES)


async def test_an_answer_is_whole():
    answer = await ask(APP, target="/hello")
    assert (answer.status, answer.json) == (200, {"hello": "world"})
    assert answer.header("content-type") == "application/json"
    assert answer.header("content-length") == str(len(answer.body))
    assert answer.header("cache-control") == "no-store"
    assert answer.header("x-content-type-options") == "nosniff"
    assert answer.header("cross-origin-resource-policy") == "same-origin"
    assert answer.header("referrer-policy") == "no-referrer"


async def test_an_answer_without_content_has_no_length():
    answer = await ask(APP, target="/nothing")
    assert (answer.status, answer.body, answer.header("content-length")) == (204, b"", None)


async def test_the_request_id_is_one_in_answer_and_handler():
    answer = await ask(APP, target="/names")
    assert answer.header("x-request-id") == answer.json["id"]


async def test_a_declared_proxys_request_id_comes_back():
    app = app_of(*ROUTES, proxies=parse_networks("192.0.2.7"))
    answer = await ask(app, target="/names", headers=[("x-request-id", "from-the-proxy")])
    assert answer.header("x-request-id") == answer.json["id"] == "from-the-proxy"


@pytest.mark.parametrize(("base", "value"), [("https", True), ("http", False)])
@pytest.mark.parametrize("target", ["/hello", "/nowhere", "/broken"])
async def test_browsers_are_told_to_stay_with_tls_where_there_is_tls(base, value, target, caplog):
    answer = await ask(app_of(*ROUTES, base_url=f"{base}://login.example"), target=target)
    assert (answer.header("strict-transport-security") is not None) is value


async def test_a_refusal_becomes_a_problem():
    answer = await ask(APP, target="/refuse")
    assert (answer.status, answer.code, answer.json["attempts_left"]) == (422, "code-rejected", 3)
    assert answer.json["instance"] == answer.header("x-request-id")


def shout(request, error):
    return text(f"{request.path} {error.code}", status=418)


async def test_a_route_may_have_words_of_its_own():
    app = app_of(Route("GET", "/refuse", refuse, on_error=shout), *ROUTES[:2])
    answer = await ask(app, target="/refuse")
    assert (answer.status, answer.body) == (418, b"/refuse code-rejected")
    assert (await ask(app, target="/nowhere")).status == 404


async def test_the_application_may_have_words_of_its_own():
    app = app_of(*ROUTES, on_error=shout)
    assert (await ask(app, target="/refuse")).body == b"/refuse code-rejected"
    assert (await ask(app, target="/nowhere")).body == b"/nowhere not-found"
    assert (await ask(app, "PUT", "/hello")).body == b"/hello method-not-allowed"


@pytest.mark.parametrize("target", ["/broken", "/group"])
async def test_whatever_breaks_ends_closed_and_the_log_says_where_but_not_what(target, caplog):
    answer = await ask(APP, target=f"{target}?code={SECRET}", headers=[("cookie", SECRET)])
    assert (answer.status, answer.code) == (500, "internal-error")
    assert SECRET not in repr(answer)
    (record,) = caplog.records
    assert record.levelno == logging.ERROR
    assert record.exc_info is None
    said = record.getMessage()
    assert SECRET not in said
    assert answer.header("x-request-id") in said
    assert f"route={target}" in said
    assert "break_" in said


async def test_words_that_break_end_closed_too(caplog):
    def stutter(request, error):
        raise KeyError(SECRET)

    answer = await ask(app_of(*ROUTES, on_error=stutter), target="/refuse")
    assert (answer.status, answer.code) == (500, "internal-error")
    assert SECRET not in caplog.text


async def test_a_cancelled_handler_is_not_a_fault(caplog):
    async def cancelled(request):
        raise asyncio.CancelledError

    with pytest.raises(asyncio.CancelledError):
        await ask(app_of(Route("GET", "/", cancelled)), target="/")
    assert not caplog.records


async def test_the_unread_body_of_a_refused_request_is_read_first():
    answer = await ask(APP, "POST", "/nowhere", body=[b"x" * 100, b"y" * 100])
    assert (answer.status, answer.header("connection")) == (404, None)


async def test_a_body_that_will_not_end_closes_the_connection():
    app = app_of(*ROUTES, limits=Limits(body_seconds=0.05))
    chunked = [("transfer-encoding", "chunked")]

    async def receive():
        await asyncio.Event().wait()

    sent = []

    async def send(message):
        sent.append(message)

    await app(scope("POST", "/hello", chunked), receive, send)
    assert sent[0]["status"] == 200
    assert (b"connection", b"close") in sent[0]["headers"]


async def test_nobody_is_answered_when_nobody_is_there():
    answer = await ask(APP, "POST", "/hello", [("content-length", "9")], [b"x"], then="leave")
    assert answer is None


async def test_a_client_that_leaves_during_the_answer_is_no_fault(caplog):
    async def send(message):
        raise BrokenPipeError

    await APP(scope("GET", "/hello"), feed([]), send)
    assert not caplog.records


@pytest.mark.parametrize(("count", "status"), [(100, 200), (101, 431)])
async def test_a_request_has_so_many_headers_and_no_more(count, status):
    answer = await ask(APP, target="/hello", headers=[(f"x-{n}", "1") for n in range(count)])
    assert answer.status == status


async def test_each_answer_is_observed_once():
    seen = []
    app = app_of(
        *ROUTES, observe=lambda route, status, seconds: seen.append((route, status, seconds))
    )
    await ask(app, target="/hello")
    await ask(app, target="/nowhere")
    await ask(app, "PUT", "/hello")
    routes = [(route.path if route else None, status) for route, status, _ in seen]
    assert routes == [("/hello", 200), (None, 404), (None, 405)]
    assert all(seconds >= 0 for _, _, seconds in seen)


async def test_websockets_are_closed_at_once():
    sent = []

    async def send(message):
        sent.append(message)

    await APP({"type": "websocket"}, feed([]), send)
    assert sent == [{"type": "websocket.close", "code": 1008}]


def test_an_answer_carries_cookies_behind_its_own_headers():
    answer = json({}).plus(SIGNED_OUT, (b"set-cookie", b"a=1"), (b"set-cookie", b"b=2"))
    assert answer.headers[-3:] == (SIGNED_OUT, (b"set-cookie", b"a=1"), (b"set-cookie", b"b=2"))
    assert isinstance(answer, Response)


@pytest.mark.parametrize(
    ("target", "location"),
    [
        ("/account?x=1#y", b"/account?x=1#y"),
        ("/a b\r\nSet-Cookie: x", b"/a%20b%0D%0ASet-Cookie:%20x"),
        ("/ü", b"/%C3%BC"),
        ("https://app.example/cb?code=a%20b", b"https://app.example/cb?code=a%20b"),
    ],
)
def test_a_redirect_cannot_break_out_of_its_header(target, location):
    answer = redirect(target)
    assert (answer.status, dict(answer.headers)[b"location"]) == (303, location)


class Life:
    """The lifespan side of a server."""

    def __init__(self):
        self.said = []
        self.queue = asyncio.Queue()

    async def run(self, app):
        await self.queue.put({"type": "lifespan.startup"})
        await self.queue.put({"type": "lifespan.shutdown"})
        await app({"type": "lifespan"}, self.queue.get, self.send)
        return self.said

    async def send(self, message):
        self.said.append(message)


def hook(log, name, *, fault=None):
    async def start():
        if fault:
            raise fault
        log.append(f"start {name}")

    async def stop():
        log.append(f"stop {name}")

    return Hook(start, stop)


async def test_hooks_start_in_order_and_stop_in_reverse():
    log = []
    app = app_of(*ROUTES, hooks=[hook(log, "store"), hook(log, "outbox")])
    said = await Life().run(app)
    assert log == ["start store", "start outbox", "stop outbox", "stop store"]
    assert [message["type"] for message in said] == [
        "lifespan.startup.complete",
        "lifespan.shutdown.complete",
    ]


async def test_a_start_that_is_refused_says_why_and_stops_what_ran():
    log = []
    fault = errors.Misconfigured(("[database] url: no such host", "[server] port: too high"))
    app = app_of(*ROUTES, hooks=[hook(log, "store"), hook(log, "outbox", fault=fault)])
    (said,) = await Life().run(app)
    assert log == ["start store", "stop store"]
    assert said["type"] == "lifespan.startup.failed"
    assert said["message"].splitlines() == list(fault.faults)


async def test_a_start_that_breaks_stops_what_ran():
    log = []
    app = app_of(*ROUTES, hooks=[hook(log, "store"), hook(log, "outbox", fault=OSError("x"))])
    with pytest.raises(OSError, match="x"):
        await Life().run(app)
    assert log == ["start store", "stop store"]
