"""Each cookie is set and cleared with the same attributes, and a tossed one counts as absent."""

from http.cookies import SimpleCookie

import pytest
from hypothesis import given
from hypothesis import strategies as st

from twofold.web.cookies import Cookie, own_cookies, parse_cookies

OVER_TLS = [
    ("session", "__Host-twofold_s", "/", "Lax"),
    ("binding", "__Host-twofold_c", "/", "Lax"),
    ("ticket", "__Host-twofold_ct", "/", "Lax"),
    ("refresh", "__Secure-twofold_r", "/v1/tokens/refresh", "Strict"),
    ("device", "__Host-twofold_d", "/", "Lax"),
    ("language", "__Host-twofold_l", "/", "Lax"),
]


@pytest.mark.parametrize(("which", "name", "path", "same_site"), OVER_TLS)
def test_over_tls_a_sibling_domain_cannot_plant_our_cookies(which, name, path, same_site):
    header, line = getattr(own_cookies(https=True), which).put("v1", max_age=60)
    assert header == b"set-cookie"
    assert (
        line.decode()
        == f"{name}=v1; Path={path}; Max-Age=60; HttpOnly; Secure; SameSite={same_site}"
    )


@pytest.mark.parametrize(("which", "name", "path", "same_site"), OVER_TLS)
def test_without_tls_the_names_have_no_prefix_that_browsers_would_refuse(
    which, name, path, same_site
):
    _, line = getattr(own_cookies(https=False), which).put("v1")
    plain = name.removeprefix("__Host-").removeprefix("__Secure-")
    assert line.decode() == f"{plain}=v1; Path={path}; HttpOnly; SameSite={same_site}"


@pytest.mark.parametrize("https", [True, False])
@pytest.mark.parametrize("which", [row[0] for row in OVER_TLS])
def test_a_cookie_is_cleared_with_the_attributes_it_was_set_with(which, https):
    cookie = getattr(own_cookies(https=https), which)

    def attributes(header):
        (morsel,) = SimpleCookie(header[1].decode()).values()
        return {key: value for key, value in morsel.items() if key != "max-age"}

    assert attributes(cookie.clear()) == attributes(cookie.put("v1", max_age=60))
    assert b"; Max-Age=0;" in cookie.clear()[1]


@pytest.mark.parametrize("value", ["a b", "a;b", "a,b", 'a"b', "a\\b", "a\nb", "ü", "a\x7f"])
def test_a_value_that_cannot_travel_is_refused(value):
    with pytest.raises(ValueError, match="cannot travel"):
        Cookie("c", secure=True).put(value)


@pytest.mark.parametrize(
    "attributes",
    [
        {"name": "a b", "secure": True},
        {"name": "", "secure": True},
        {"name": "a=b", "secure": True},
        {"name": "a", "secure": True, "path": "x"},
        {"name": "a", "secure": True, "path": "/;Domain=evil"},
        {"name": "__Host-a", "secure": False},
        {"name": "__Secure-a", "secure": False},
        {"name": "__Host-a", "secure": True, "path": "/x"},
        {"name": "a", "secure": False, "same_site": "None"},
    ],
)
def test_a_cookie_that_browsers_would_refuse_is_not_made(attributes):
    with pytest.raises(ValueError, match=r"."):
        Cookie(**attributes)


HEADERS = [
    ("", {}),
    ("a=1", {"a": "1"}),
    ("a=1; b=2", {"a": "1", "b": "2"}),
    ("a=1;b=2;", {"a": "1", "b": "2"}),
    ("a=1=2", {"a": "1=2"}),
    ("a=", {"a": ""}),
    ("a", {}),
    ("a=1; a=2; b=3", {"b": "3"}),
    ("a=1; a=1", {}),
    ("a=1; a=2; a=1", {}),
    ('a="1"; b=2', {"b": "2"}),
    ("a=1 2; b=2", {"b": "2"}),
    ("a=ü; b=2", {"b": "2"}),
    ("A=1; a=2", {"A": "1", "a": "2"}),
]


@pytest.mark.parametrize(("header", "found"), HEADERS)
def test_a_name_that_comes_twice_counts_as_absent(header, found):
    assert parse_cookies(header) == found


@given(st.text(max_size=100))
def test_any_header_is_read_without_a_fault(header):
    assert all("\x00" not in value for value in parse_cookies(header).values())
