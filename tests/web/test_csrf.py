"""What another site makes a browser send is refused; what says nothing of its origin is served."""

import pytest

from tests.web.wire import app_of, ask, request
from twofold.core.errors import CsrfRejected, Malformed, NotFound
from twofold.web.csrf import FormTokens, Origins, new_binding, origin_of, refuse_speculation
from twofold.web.kit import Route
from twofold.web.response import empty

OURS = Origins.of("https://login.example", "https://app.example:8443")
HOST = ("host", "login.example")

# Sec-Fetch-Site, Origin, whether it is foreign
WHENCE = [
    (None, None, False),
    (None, "https://login.example", False),
    (None, "https://app.example:8443", False),
    (None, "https://evil.example", True),
    (None, "http://login.example", True),
    (None, "https://login.example:444", True),
    (None, "https://login.example.evil.example", True),
    (None, "https://login.example/", True),
    (None, "null", True),
    (None, "", True),
    ("same-origin", None, False),
    ("same-origin", "https://login.example", False),
    ("same-origin", "null", False),
    ("same-origin", "https://evil.example", True),
    ("none", None, False),
    ("none", "https://evil.example", True),
    ("same-site", None, True),
    ("same-site", "https://sibling.example", True),
    ("same-site", "https://app.example:8443", False),
    ("same-site", "https://login.example", True),
    ("cross-site", None, True),
    ("cross-site", "https://evil.example", True),
    ("cross-site", "https://login.example", True),
    ("cross-site", "https://app.example:8443", False),
    ("", None, True),
    ("same-origin, cross-site", None, True),
    ("nonsense", None, True),
]


def headers(site, origin):
    pairs = [("sec-fetch-site", site), ("origin", origin)]
    return [(name, value) for name, value in pairs if value is not None]


@pytest.mark.parametrize(("site", "origin", "foreign"), WHENCE)
def test_what_a_browser_says_of_another_site_is_foreign(site, origin, foreign):
    assert OURS.foreign(request([HOST, *headers(site, origin)])) is foreign


@pytest.mark.parametrize(
    ("site", "foreign"),
    [("same-origin", False), ("none", False), (None, True), ("same-site", True)],
)
def test_the_host_a_browser_came_by_is_ours_when_it_says_same_origin(site, foreign):
    came_by_loopback = [("host", "127.0.0.1:8080"), *headers(site, "http://127.0.0.1:8080")]
    assert OURS.foreign(request(came_by_loopback)) is foreign


def test_an_origin_sent_twice_is_foreign():
    twice = [("origin", "https://login.example"), ("origin", "https://login.example")]
    assert OURS.foreign(request(twice))


ORIGINS = [
    ("https://login.example", "https://login.example"),
    ("https://login.example/", "https://login.example"),
    ("https://login.example:443/two/fold", "https://login.example"),
    ("http://127.0.0.1:80", "http://127.0.0.1"),
    ("http://127.0.0.1:8080", "http://127.0.0.1:8080"),
    ("HTTPS://Login.Example:8443", "https://login.example:8443"),
    ("http://[::1]:8080", "http://[::1]:8080"),
]


@pytest.mark.parametrize(("url", "origin"), ORIGINS)
def test_an_origin_is_spelled_as_browsers_spell_it(url, origin):
    assert origin_of(url) == origin


@pytest.mark.parametrize(
    "url",
    ["", "login.example", "ftp://a", "https://", "https://a:b", "http://[::1", "https://ü.de"],
)
def test_what_is_no_web_address_has_no_origin(url):
    with pytest.raises(Malformed):
        origin_of(url)


CHANGING = ["POST", "PUT", "PATCH", "DELETE"]


@pytest.fixture
def changed():
    return []


@pytest.fixture
def app(changed):
    async def change(request):
        changed.append(request.method)
        return empty()

    return app_of(
        *(Route(method, "/thing", change) for method in ("GET", *CHANGING)),
        Route("POST", "/hook", change, guarded=False),
    )


@pytest.mark.parametrize("method", CHANGING)
@pytest.mark.parametrize(
    "foreign", [[("origin", "https://evil.example")], [("sec-fetch-site", "cross-site")]]
)
async def test_with_cookies_another_site_changes_nothing(app, changed, method, foreign):
    answer = await ask(app, method, "/thing", [("cookie", "any=1"), *foreign])
    assert (answer.status, answer.code, changed) == (403, "csrf-rejected", [])


@pytest.mark.parametrize("method", CHANGING)
async def test_with_neither_header_the_client_is_served(app, changed, method):
    answer = await ask(app, method, "/thing", [("cookie", "any=1")])
    assert (answer.status, changed) == (204, [method])


async def test_without_cookies_there_is_nothing_to_borrow(app, changed):
    answer = await ask(app, "POST", "/thing", [("origin", "https://evil.example")])
    assert (answer.status, changed) == (204, ["POST"])


async def test_reading_is_open_to_links_from_other_sites(app):
    foreign = [("cookie", "any=1"), ("sec-fetch-site", "cross-site")]
    assert (await ask(app, "GET", "/thing", foreign)).status == 204


async def test_a_route_may_take_its_guard_upon_itself(app):
    foreign = [("cookie", "any=1"), ("sec-fetch-site", "cross-site")]
    assert (await ask(app, "POST", "/hook", foreign)).status == 204


async def test_the_refused_origin_is_in_the_log_and_cannot_write_lines_of_its_own(app, caplog):
    foreign = [("cookie", "any=1"), ("origin", "https://evil.example\x85\u00a0forged")]
    answer = await ask(app, "POST", "/thing", foreign)
    (record,) = caplog.records
    assert "evil.example" in record.getMessage()
    assert answer.header("x-request-id") in record.getMessage()
    assert "\x85" not in record.getMessage()


TOKENS = FormTokens(b"k" * 32)


def test_a_form_token_is_good_for_the_browser_it_was_made_for():
    binding = new_binding()
    TOKENS.check(binding, TOKENS.make(binding))


def test_two_tokens_for_one_browser_look_different_and_both_work():
    binding = new_binding()
    first, second = TOKENS.make(binding), TOKENS.make(binding)
    assert first != second
    TOKENS.check(binding, first)
    TOKENS.check(binding, second)


OTHER = FormTokens(b"o" * 32)


@pytest.mark.parametrize(
    ("binding", "token"),
    [
        (None, TOKENS.make("mine")),
        ("", TOKENS.make("")),
        ("yours", TOKENS.make("mine")),
        ("mine", None),
        ("mine", ""),
        ("mine", "AAAA"),
        ("mine", "not base64url!"),
        ("mine", "ü"),
        ("mine", TOKENS.make("mine")[:-1]),
        ("mine", TOKENS.make("mine") + "A"),
        ("mine", OTHER.make("mine")),
    ],
    # Tokens are random; the processes that share the tests must call them alike.
    ids=range(11),
)
def test_any_other_token_is_refused(binding, token):
    with pytest.raises(CsrfRejected):
        TOKENS.check(binding, token)


@pytest.mark.parametrize(
    "header",
    [
        ("sec-purpose", "prefetch"),
        ("sec-purpose", "prefetch;prerender"),
        ("purpose", "prefetch"),
        ("sec-fetch-dest", "document"),
    ],
)
def test_a_secret_is_not_shown_to_a_guess_or_to_the_address_bar(header):
    with pytest.raises(NotFound):
        refuse_speculation(request([header], method="GET"))


@pytest.mark.parametrize("header", [("accept", "*/*"), ("sec-fetch-dest", "empty")])
def test_a_program_is_shown_it(header):
    refuse_speculation(request([header], method="GET"))
