"""What a handler learns of a request, and what it can never be made to read."""

import asyncio

import msgspec
import pytest

from tests.web.wire import app_of, ask, feed, post_json, request, scope
from twofold.core.errors import Malformed
from twofold.core.networks import Networks, parse_networks
from twofold.web.bodies import TooLarge, WrongMediaType
from twofold.web.kit import Route, Taking
from twofold.web.limits import Limits
from twofold.web.request import KEEPS_DEADLINES, Gone, Request, TooSlow
from twofold.web.response import json

PROXIES = parse_networks("10.0.0.0/8")
IMPATIENT = Limits(body_seconds=0.05)
JSON = ("content-type", "application/json")


class Code(msgspec.Struct, forbid_unknown_fields=True):
    code: str


class Page(msgspec.Struct, forbid_unknown_fields=True):
    after: int = 0
    newest: bool = False


async def show(request, body: Code):
    return json({"code": body.code})


APP = app_of(Route("POST", "/code", Taking(Code, show)))


async def test_a_header_is_found_by_its_name():
    asked = request([("accept", "text/html"), ("x-name", "J\xfcrgen")])
    assert asked.header("accept") == "text/html"
    assert asked.header("x-name") == "Jürgen"
    assert asked.header("absent") is None


async def test_a_header_sent_twice_is_joined_and_so_no_choice_is_made():
    asked = request([("origin", "https://a"), ("accept", "x"), ("origin", "https://b")])
    assert asked.header("origin") == "https://a, https://b"
    assert asked.header("accept") == "x"


async def test_cookies_in_two_headers_are_one_list():
    asked = request([("cookie", "a=1; b=2"), ("cookie", "a=3; c=4")])
    assert asked.cookies == {"b": "2", "c": "4"}
    assert request().cookies == {}


async def test_the_query_is_read_as_strictly_as_a_form():
    assert request(target="/?a=1&b=%20").query == {"a": "1", "b": " "}
    assert request().query == {}
    for bad in ("a=1&a=2", "a", "a=%ff", "a=" + "x" * 9000, "&".join(f"a{n}=" for n in range(65))):
        with pytest.raises(Malformed):
            request(target=f"/?{bad}").query  # noqa: B018 -- reading it is the act


async def test_arguments_are_numbers_where_the_struct_says_so():
    assert request(target="/?after=7&newest=true").arguments(Page) == Page(7, newest=True)
    for bad in ("after=x", "after=1.5", "other=1", "newest=maybe"):
        with pytest.raises(Malformed):
            request(target=f"/?{bad}").arguments(Page)


ADDRESSES = [
    ("192.0.2.7", None, "192.0.2.7"),
    ("192.0.2.7", "198.51.100.1", "192.0.2.7"),
    ("10.0.0.1", "198.51.100.1", "198.51.100.1"),
    ("10.0.0.1", "192.168.1.100, 198.51.100.1", "198.51.100.1"),
    ("10.0.0.1", None, "10.0.0.1"),
]


@pytest.mark.parametrize(("peer", "forwarded", "address"), ADDRESSES)
async def test_who_asks_is_found_behind_declared_proxies_only(peer, forwarded, address):
    headers = [("x-forwarded-for", forwarded)] if forwarded else []
    asked = request(headers, peer=peer, proxies=PROXIES)
    assert (asked.peer, asked.address) == (peer, address)


async def test_a_unix_socket_has_no_address():
    local = {**scope(), "client": None}
    asked = Request(local, feed([]), Limits(), Networks())
    assert (asked.peer, asked.address) == ("", "")


IDS = [
    ("10.0.0.1", "abcdefgh-1", True),
    ("192.0.2.7", "abcdefgh-1", False),
    ("10.0.0.1", "short", False),
    ("10.0.0.1", "a" * 65, False),
    ("10.0.0.1", "abcdefgh\n1", False),
    ("10.0.0.1", "abcdefgh 1", False),
    ("10.0.0.1", None, False),
]


@pytest.mark.parametrize(("peer", "given", "kept"), IDS)
async def test_a_request_id_is_taken_from_a_declared_proxy_only(peer, given, kept):
    headers = [("x-request-id", given)] if given else []
    asked = request(headers, peer=peer, proxies=PROXIES)
    assert (asked.id == given) is kept
    assert len(asked.id) >= 8


async def test_no_two_requests_share_an_id():
    assert len({request().id for _ in range(1000)}) == 1000


async def test_a_body_in_pieces_is_one_body():
    assert await request([], b"ab", b"", b"c").body() == b"abc"
    assert await request([]).body() == b""


async def test_a_body_is_read_once_and_kept():
    asked = request([], b"abc")
    assert await asked.body() is await asked.body()


@pytest.mark.parametrize(
    "pieces", [(b"x" * 11,), (b"x" * 5, b"x" * 5, b"x"), (b"x" * 10, b"x" * 10**6)]
)
@pytest.mark.parametrize("declared", [True, False])
async def test_a_body_over_the_limit_is_refused(pieces, declared):
    headers = [] if declared else [("transfer-encoding", "chunked"), ("content-length", "1")]
    with pytest.raises(TooLarge):
        await request(headers, *pieces, limits=Limits(body=10)).body()


async def test_a_body_of_exactly_the_limit_is_read():
    assert await request([], b"x" * 5, b"x" * 5, limits=Limits(body=10)).body() == b"x" * 10


async def test_a_length_that_is_no_number_is_too_large():
    with pytest.raises(TooLarge):
        await request([("content-length", "-1"), ("expect", "100-continue")], b"x").body()


async def test_who_waits_for_leave_is_told_before_sending():
    headers = [JSON, ("content-length", "70000"), ("expect", "100-continue")]
    app = app_of(Route("POST", "/code", Taking(Code, show)))
    answer = await ask(app, "POST", "/code", headers, then="wait", body=None)
    assert (answer.status, answer.header("connection")) == (413, "close")


async def test_a_body_that_stands_still_is_cut():
    asked = Request(
        scope("POST", "/", [("content-length", "9")]),
        feed([b"x"], then="drip"),
        IMPATIENT,
        Networks(),
    )
    receive = asked._receive

    async def stalled():
        message = await receive()
        return message if message["body"] else await asyncio.Event().wait()

    asked._receive = stalled
    with pytest.raises(TooSlow):
        await asked.body()
    assert not await asked.finish()


async def late():
    for _ in range(10):
        await asyncio.sleep(0)
    return {"type": "http.request", "body": b"x"}


@pytest.mark.parametrize("server_keeps_deadlines", [True, False])
async def test_the_deadline_is_left_to_a_server_that_keeps_it(server_keeps_deadlines):
    given_scope = scope("POST", "/", [("content-length", "1")])
    given_scope["state"] = {KEEPS_DEADLINES: {}} if server_keeps_deadlines else {}
    asked = Request(given_scope, late, Limits(body_seconds=0), Networks())
    if server_keeps_deadlines:
        assert await asked.body() == b"x"
    else:
        with pytest.raises(TooSlow):
            await asked.body()


async def test_a_client_that_left_ends_the_reading():
    asked = Request(
        scope("POST", "/", [("content-length", "9")]),
        feed([b"x"], then="leave"),
        Limits(),
        Networks(),
    )
    with pytest.raises(Gone):
        await asked.body()


async def test_a_checked_body_reaches_the_handler():
    answer = await ask(APP, target="/code", **post_json({"code": "123456"}))
    assert (answer.status, answer.json) == (200, {"code": "123456"})


BAD = [
    (post_json(b""), 400, "malformed", None),
    (post_json(b'{"code":"1","code":"2"}'), 400, "malformed", None),
    (post_json({"code": 1}), 400, "malformed", "code"),
    (post_json({"code": "1", "more": 1}), 400, "malformed", "more"),
    (post_json({}), 400, "malformed", "code"),
    (post_json([]), 400, "malformed", None),
    (post_json(b"[" * 60000), 400, "malformed", None),
    (post_json(b'"' + b"x" * 65536 + b'"'), 413, "too-large", None),
    (post_json(b"x" * 10_000_000), 413, "too-large", None),
    ({"method": "POST", "body": b"code=1"}, 415, "unsupported-media-type", None),
    (
        {"method": "POST", "body": b'{"code":"1"}', "headers": [("content-type", "text/plain")]},
        415,
        "unsupported-media-type",
        None,
    ),
    (
        {"method": "POST", "body": b"x", "headers": [JSON, ("content-encoding", "gzip")]},
        400,
        "malformed",
        "Content-Encoding",
    ),
]


@pytest.mark.parametrize(("sent", "status", "code", "field"), BAD)
async def test_a_bad_body_is_a_documented_refusal(sent, status, code, field):
    answer = await ask(APP, target="/code", **sent)
    assert (answer.status, answer.code, answer.json.get("field")) == (status, code, field)
    assert answer.header("connection") is None


async def test_a_form_is_read_and_multipart_is_not():
    form = ("content-type", "application/x-www-form-urlencoded")
    assert await request([form], b"a=1&b=2").form() == {"a": "1", "b": "2"}
    for other in ("multipart/form-data; boundary=x", "application/json", "text/plain"):
        with pytest.raises(WrongMediaType):
            await request([("content-type", other)], b"a=1").form()


async def test_a_dialect_reads_any_shape_as_strictly():
    assert await request([JSON], b'{"x":[1]}').plain_json() == {"x": [1]}
    assert await request([], b'{"x":[1]}').plain_json(typed=False) == {"x": [1]}
    with pytest.raises(Malformed):
        await request([JSON], b'{"x":1,"x":2}').plain_json()


async def test_what_is_left_of_a_body_is_read_before_the_answer():
    asked = request([], b"x" * 10, b"y" * 10)
    assert asked.unread
    assert await asked.finish()
    assert not asked.unread


async def test_a_body_without_end_is_not_followed_for_ever():
    small = Limits(body=10, drained=100)
    assert not await request([], b"x" * 101, limits=small).finish()
    endless = Request(
        scope("POST", "/", [("transfer-encoding", "chunked")]),
        feed([b"x" * 60] * 3, then="drip"),
        small,
        Networks(),
    )
    assert not await endless.finish()
