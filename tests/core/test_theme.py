"""Themes: what may be set, and that nobody can choose colours that nobody can read."""

import base64
import itertools

import pytest

from twofold.core import theme
from twofold.core.contrast import palette, ratio
from twofold.core.errors import Malformed
from twofold.core.theme import ENTRIES, LONGEST_LOGO, Theme, picture

PNG = b"\x89PNG\r\n\x1a\n" + b"\0" * 20
JPEG = b"\xff\xd8\xff" + b"\0" * 20
WEBP = b"RIFF\0\0\0\0WEBP" + b"\0" * 20
SVG = b"<svg xmlns='http://www.w3.org/2000/svg'><script>alert(1)</script></svg>"


def data(media, content):
    return f"data:{media};base64,{base64.b64encode(content).decode()}"


@pytest.mark.parametrize(
    ("one", "other", "expected"),
    [
        ("#000000", "#ffffff", 21.0),
        ("#ffffff", "#ffffff", 1.0),
        ("#777777", "#ffffff", 4.48),  # the textbook's grey that just fails
        ("#767676", "#ffffff", 4.54),
        ("#ff0000", "#ffffff", 4.00),
    ],
)
def test_contrast_is_what_wcag_says(one, other, expected):
    assert ratio(one, other) == ratio(other, one) == pytest.approx(expected, abs=0.01)


SAMPLES = ["#000000", "#ffffff", "#1b1d24", "#e8eaf1", "#777777", "#3449c4", "#a3b4ff", "#ffe08a",
           "#003300", "#550000", "#c0ffee", "#808000"]  # fmt: skip


def test_every_colour_that_is_worked_out_can_be_read():
    tried = 0
    for background, surface, text, accent in itertools.product(SAMPLES, repeat=4):
        grounds = (background, surface)
        if any(ratio(c, ground) < 4.5 for c in (text, accent) for ground in grounds):
            continue
        tried += 1
        found = palette(background, surface, text, accent)
        for name in ("ink", "act", "soft", "bad", "good"):
            assert all(ratio(found[name], ground) >= 4.5 for ground in grounds), name
        assert ratio(found["on-act"], found["act"]) >= 4.5
        assert ratio(found["line"], surface) >= 3
    assert tried > 100


def test_our_own_colours_can_be_read():
    assert list(theme.misfits(theme.dump(Theme()))) == []


def test_a_theme_goes_into_a_document_and_back():
    worn = theme.merge({"name": "Acme", "accent": "#0b57d0"}, Theme())

    assert theme.merge(theme.dump(worn), Theme()) == worn
    assert set(theme.dump(worn)) == set(ENTRIES)
    assert theme.load('{"name": "Acme"}', Theme()).name == "Acme"


@pytest.mark.parametrize("body", ["", "[]", "{", "null", '"x"', "[" * 100_000])
def test_a_document_that_is_no_theme_is_refused(body):
    with pytest.raises(Malformed, match="JSON object"):
        theme.load(body, Theme())


@pytest.mark.parametrize(
    ("key", "value", "told"),
    [
        ("accent", "#ffff00", "accent has a contrast of 1.07 to surface; text needs 4.5."),
        ("text", "#999999", "text has a contrast of 2.85 to surface; text needs 4.5."),
        ("surface_dark", "#ffffff", "text_dark has a contrast of 1.20 to surface_dark"),
        ("background", "#3449c4", "text has a contrast of 2.32 to background"),
    ],
)
def test_colours_that_cannot_be_read_are_refused_with_their_contrast(key, value, told):
    with pytest.raises(Malformed) as refused:
        theme.merge({key: value}, Theme())

    assert told in refused.value.detail


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("accent", "red"),
        ("accent", "#12345"),
        ("accent", "#1234567"),
        ("accent", "#0b57d0;}*{display:none"),
        ("accent", None),
        ("name", "x" * 65),
        ("name", "a\nb"),
        ("name", 5),
        ("lost", "x" * 501),
        ("stylesheet", "http://cdn.example/x.css"),
        ("stylesheet", "//cdn.example/x.css"),
        ("stylesheet", "https://cdn.example/x.css' onload='"),
        ("stylesheet", "https://cdn.example; script-src *"),
        ("stylesheet", "https://a b.example/"),
        ("stylesheet", "https://user@cdn.example/x.css"),
        ("stylesheet", "javascript:alert(1)"),
        ("help", "data:text/html,x"),
        ("help", "https://help.example/\u202ex"),
        ("imprint", "ftp://x.example/"),
        ("logo", "https://"),
        ("logo", "/logo.png"),
        ("logo", data("image/svg+xml", SVG)),
        ("logo", data("image/png", SVG)),
        ("logo", data("image/png", JPEG)),
        ("logo", data("text/html", PNG)),
        ("logo", "data:image/png;base64,!!!"),
        ("logo", "data:image/png,x"),
        ("logo", data("image/png", PNG + b"\0" * LONGEST_LOGO)),
        ("logo", 5),
        ("colour", "#000000"),
    ],
)
def test_what_makes_no_sense_or_is_no_safe_address_is_refused(key, value):
    with pytest.raises(Malformed) as refused:
        theme.merge({key: value}, Theme())

    assert refused.value.field == key
    assert str(value)[:20] not in refused.value.detail.removeprefix(key)


@pytest.mark.parametrize(
    ("media", "content"), [("image/png", PNG), ("image/jpeg", JPEG), ("image/webp", WEBP)]
)
def test_a_logo_is_a_picture_that_is_what_it_says(media, content):
    worn = theme.merge({"logo": data(media, content)}, Theme())

    assert picture(worn.logo) == (media, content)


@pytest.mark.parametrize(
    "url", ["", "https://cdn.example/logo.svg", "https://cdn.example:8443/a?b=1"]
)
def test_a_logo_may_be_elsewhere_or_nowhere(url):
    assert picture(theme.merge({"logo": url}, Theme()).logo) is None


def test_a_logo_comes_from_the_environment_as_it_is():
    assert ENTRIES["logo"].reader.text("https://x.example/") == "https://x.example/"


def test_text_that_is_just_readable_is_not_faded_any_further():
    assert palette("#ffffff", "#ffffff", "#767676", "#000000")["soft"] == "#767676"
