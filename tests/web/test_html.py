"""Pages escape everything, carry a strict policy, and redirect to paths of this site only."""

import pytest
from jinja2 import UndefinedError

from twofold.web.headers import Sources
from twofold.web.html import Templates, local_path, page


@pytest.fixture
def templates(tmp_path):
    (tmp_path / "hello.html").write_text(
        '<style nonce="{{ nonce }}"></style><p title="{{ name }}">{{ name }}</p>'
    )
    (tmp_path / "plain.txt").write_text("{{ name }}")
    return Templates(tmp_path)


@pytest.mark.parametrize("name", ["hello.html", "plain.txt"])
def test_every_value_is_escaped_whatever_the_template_is_called(templates, name):
    body = page(templates, name, name="<script>\"'&").body
    assert b"<script>" not in body
    assert b"&lt;script&gt;&#34;&#39;&amp;" in body


def test_template_syntax_in_a_value_is_inert(templates):
    assert b"{{7*7}} {% x %}" in page(templates, "hello.html", name="{{7*7}} {% x %}").body


def test_a_value_that_was_forgotten_stops_the_page(templates):
    with pytest.raises(UndefinedError):
        page(templates, "hello.html")


def headers_of(answer):
    return {name.decode(): value.decode() for name, value in answer.headers}


def test_a_page_is_framed_cached_and_extended_by_nobody(templates):
    answer = page(templates, "hello.html", name="x")
    headers = headers_of(answer)
    policy = dict(
        part.strip().split(" ", 1) for part in headers["content-security-policy"].split(";")
    )
    assert policy["default-src"] == "'none'"
    assert policy["frame-ancestors"] == "'none'"
    assert policy["base-uri"] == "'none'"
    assert policy["form-action"] == "'self'"
    assert "unsafe" not in headers["content-security-policy"]
    assert headers["cache-control"] == "no-store"
    assert headers["x-content-type-options"] == "nosniff"
    assert headers["x-frame-options"] == "DENY"
    assert headers["cross-origin-opener-policy"] == "same-origin"
    assert headers["referrer-policy"] == "same-origin"
    assert "camera=()" in headers["permissions-policy"]
    assert headers["content-type"] == "text/html; charset=utf-8"


def test_each_page_has_a_nonce_of_its_own_in_policy_and_body(templates):
    nonces = set()
    for _ in range(2):
        answer = page(templates, "hello.html", name="x")
        nonce = answer.body.decode().split('nonce="')[1].split('"')[0]
        assert headers_of(answer)["content-security-policy"].count(f"'nonce-{nonce}'") == 2
        nonces.add(nonce)
    assert len(nonces) == 2


def test_a_form_may_lead_on_to_a_named_origin(templates):
    sources = Sources(forms=("https://app.example",))
    answer = page(templates, "hello.html", sources=sources, name="x")
    assert headers_of(answer)["content-security-policy"].endswith(
        "form-action 'self' https://app.example"
    )


LOCAL = [
    "/",
    "/account",
    "/account?tab=2&next=//x",
    "/a/b.c/d~e",
    "/%C3%BC",
    "/a..b",
    "/.well",
    "/a:b@c",
]


@pytest.mark.parametrize("target", LOCAL)
def test_a_path_of_this_site_is_a_target(target):
    assert local_path(target) == target


FOREIGN = [
    None,
    "",
    "account",
    "//evil.example",
    "///evil.example",
    "/\\evil.example",
    "\\\\evil.example",
    "\\/evil.example",
    "https:evil.example",
    "https://evil.example",
    "https:/evil.example",
    "javascript:alert(1)",
    "/\t/evil.example",
    "/\n/evil.example",
    "/%09/evil.example",
    "/%0d%0aSet-Cookie:x=1",
    "/%2fevil.example",
    "/%2F%2Fevil.example",
    "/%5cevil.example",
    "/%5Cevil.example",
    "/%00",
    "/ evil",
    " /account",
    "/account\n",
    "/account#//evil.example",
    "/..//evil.example",
    "/a/../b",
    "/a/..",
    "/./b",
    "/%2e%2e/b",
    "/a//b",
    "/ü",
    "/\u2215evil.example",
    "/\uff0fevil.example",
    "@evil.example",
    "L2FjY291bnQ=",
    "/" + "a" * 2048,
    "/\x7f",
]


@pytest.mark.parametrize("target", FOREIGN)
def test_everything_else_is_none(target):
    assert local_path(target) is None
