"""A request shows one credential, in one place, in one spelling."""

import base64

import pytest

from tests.web.wire import request
from twofold.core.errors import InvalidToken, MixedCredentials
from twofold.core.types import Transport
from twofold.web.cookies import own_cookies
from twofold.web.credentials import basic, bearer, session_token

SESSION = own_cookies(https=True).session


def with_headers(*headers):
    return request(headers, method="GET")


def test_a_bearer_token_is_read():
    assert bearer(with_headers(("authorization", "Bearer a1.b-_~+/9=="))) == "a1.b-_~+/9=="
    assert bearer(with_headers(("authorization", "bearer x"))) == "x"
    assert bearer(with_headers()) is None


@pytest.mark.parametrize(
    "value",
    [
        "",
        "Bearer",
        "Bearer ",
        "Bearer a b",
        "Bearer a, Bearer b",
        " Bearer a",
        "Bearer ü",
        "Basic YTpi",
        "Bearer " + "a" * 9000,
    ],
)
def test_what_is_no_bearer_token_opens_nothing(value):
    with pytest.raises(InvalidToken):
        bearer(with_headers(("authorization", value)))


def test_two_authorizations_open_nothing():
    with pytest.raises(InvalidToken):
        bearer(with_headers(("authorization", "Bearer a"), ("authorization", "Bearer b")))


def encoded(text: bytes) -> str:
    return "Basic " + base64.b64encode(text).decode()


def test_basic_credentials_are_read():
    assert basic(with_headers(("authorization", encoded(b"app:se:cret")))) == ("app", "se:cret")
    assert basic(with_headers()) is None


@pytest.mark.parametrize(
    "value", [encoded(b"app"), encoded(b"\xff:x"), "Basic a", "Basic YTpi!", "Bearer YTpi"]
)
def test_what_is_no_basic_pair_opens_nothing(value):
    with pytest.raises(InvalidToken):
        basic(with_headers(("authorization", value)))


def test_a_session_comes_by_cookie_or_by_header():
    cookie = ("cookie", f"{SESSION.name}=s1.x")
    assert session_token(with_headers(cookie), SESSION) == ("s1.x", Transport.COOKIE)
    header = ("authorization", "Bearer a1.x")
    assert session_token(with_headers(header), SESSION) == ("a1.x", Transport.JSON)
    assert session_token(with_headers(), SESSION) is None


def test_both_at_once_are_refused():
    both = (("cookie", f"{SESSION.name}=s1.x"), ("authorization", "Bearer a1.x"))
    with pytest.raises(MixedCredentials):
        session_token(with_headers(*both), SESSION)


def test_a_tossed_session_cookie_is_no_session():
    tossed = ("cookie", f"{SESSION.name}=s1.x; {SESSION.name}=s1.evil")
    assert session_token(with_headers(tossed), SESSION) is None


def test_cookies_of_others_beside_a_header_do_not_mix():
    headers = (("cookie", "theme=dark"), ("authorization", "Bearer a1.x"))
    assert session_token(with_headers(*headers), SESSION) == ("a1.x", Transport.JSON)
