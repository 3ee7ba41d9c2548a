"""Languages: which one somebody gets, what it says, and that its catalogue is complete."""

import importlib.util
import re
from pathlib import Path

import pytest
from babel.messages.pofile import read_po

from twofold.core.errors import CodeRejected, Malformed, WeakPassword
from twofold.core.phrases import Phrase
from twofold.web.html import Templates
from twofold.web.languages import LOCALES, accepted, languages, marked, named, preferred

_SCRIPT = Path(__file__).parents[2] / "scripts" / "catalogues.py"
_PLACEHOLDER = re.compile(r"%\(\w+\)s|\{\w+\}|<[^>]+>")


@pytest.fixture(scope="module")
def catalogues():
    spec = importlib.util.spec_from_file_location("catalogues", _SCRIPT)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.mark.parametrize(
    ("header", "tag"),
    [
        ("", "en"),
        ("de", "de"),
        ("DE-at", "de"),
        ("de_DE", "en"),
        ("en-GB,en;q=0.9,de;q=0.8", "en"),
        ("fr, de;q=0.5, en;q=0.4", "de"),
        ("en;q=0.4, de;q=0.5", "de"),
        ("de;q=0", "en"),
        ("de ; q = 0.7 , en;q=0.9", "en"),
        ("*", "en"),
        ("tlh-Latn-x-private", "en"),
        ("en-XA", "en"),
        ("ar-XB", "en"),
        ("de;q=2", "en"),
        ("../../etc/passwd, de", "de"),
        (",;,=;q", "en"),
        ("x," * 10_000 + "de", "en"),
        ("\x00", "en"),
    ],
)
def test_a_browser_gets_the_best_language_there_is(header, tag):
    assert accepted(header).tag == tag


@pytest.mark.parametrize("tag", [None, "", "fr", "../de", "de\x00", "de/LC_MESSAGES", "d" * 10_000])
def test_what_names_no_language_of_ours_names_none(tag):
    assert named(tag) is None


@pytest.mark.parametrize(
    ("tag", "direction"), [("de", "ltr"), ("en", "ltr"), ("en-xa", "ltr"), ("ar_XB", "rtl")]
)
def test_a_language_is_asked_for_by_its_name(tag, direction):
    found = named(tag)

    assert found.tag.lower() == tag.lower().replace("_", "-")
    assert found.direction == direction


def test_what_was_chosen_before_wins_over_what_the_browser_says():
    assert preferred("en", "de").tag == "en"
    assert preferred("xx", "de").tag == "de"
    assert preferred(None, None).tag == "en"


def test_a_sentence_with_data_is_said_with_its_data():
    german = named("de")

    assert german.text(Phrase("A password has at least {least} characters.", least=9)) == (
        "Ein Passwort hat mindestens 9 Zeichen."
    )


def test_data_that_looks_like_a_placeholder_is_only_data():
    assert Phrase("{name} is gone.", name="{0} %(x)s") == "{0} %(x)s is gone."


def test_an_error_is_said_in_the_readers_language():
    german = named("de")

    assert german.said(CodeRejected()) == "Dieser Code stimmt nicht."
    detail = Phrase("A password has at most {most} bytes.", most=1024)
    assert german.said(WeakPassword(detail)) == "Ein Passwort hat höchstens 1024 Byte."
    assert named("en").said(Malformed("period is no number.")) == "period is no number."


def test_details_that_nobody_translated_are_told_by_their_kind():
    assert named("de").said(Malformed("period is no number.")) == (
        "Die Anfrage ist nicht wohlgeformt."
    )


def test_a_detail_stays_plain_text_for_programs():
    assert type(WeakPassword(Phrase("{n}", n=1)).detail) is str


def test_the_language_for_tests_accents_what_is_translated_and_keeps_what_is_data():
    pseudo = named("en-XA")

    assert pseudo.text(marked("Sign in")) == "⟦Šígñ íñ⟧"
    assert "%(to)s" in pseudo.text("We sent a code to <bdi>%(to)s</bdi>.")
    assert pseudo.catalogue.ngettext("one", "many", 2) == pseudo.text("many")
    assert pseudo.catalogue.ngettext("one", "many", 1) == pseudo.text("one")


def test_a_template_speaks_each_language_and_escapes_in_all(tmp_path):
    (tmp_path / "x.html").write_text(
        "{{ _('Sign in') }} {% trans to=to %}We sent a code to <bdi>{{ to }}</bdi>.{% endtrans %}"
    )
    templates = Templates(tmp_path)

    said = [templates.render("x.html", language=named(tag), to="<b>") for tag in ("en", "de")]

    assert said == [
        "Sign in We sent a code to <bdi>&lt;b&gt;</bdi>.",
        "Anmelden Wir haben einen Code an <bdi>&lt;b&gt;</bdi> gesendet.",
    ]


def translated():
    return [tag for tag in languages() if tag != "en"]


@pytest.mark.parametrize("tag", ["de"])
def test_no_sentence_is_missing_superfluous_or_unsure(catalogues, tag):
    path = LOCALES / tag / "LC_MESSAGES" / "twofold.po"

    current = catalogues.updated(path, catalogues.collected())

    missing = [m.id for m in current if m.id and not catalogues.done(m.string)]
    assert missing == []
    assert [m.id for m in current if m.id and m.fuzzy] == []
    assert catalogues.as_po(current) == path.read_bytes(), "run scripts/catalogues.py"
    assert catalogues.as_mo(current) == path.with_suffix(".mo").read_bytes()
    assert tag in translated()


@pytest.mark.parametrize("tag", ["de"])
def test_a_translation_has_the_placeholders_and_tags_of_its_sentence(tag):
    with (LOCALES / tag / "LC_MESSAGES" / "twofold.po").open("rb") as file:
        catalogue = read_po(file, locale=tag)
    for message in catalogue:
        ours = message.id if isinstance(message.id, tuple) else (message.id,)
        theirs = message.string if isinstance(message.string, tuple) else (message.string,)
        if not message.id:
            continue
        for text in theirs:
            assert sorted(_PLACEHOLDER.findall(text)) == sorted(_PLACEHOLDER.findall(ours[-1]))


def test_there_are_sentences_at_all(catalogues):
    known = {m.id for m in catalogues.collected()}

    assert "Sign in" in known
    assert "This code is not right." in known
    assert "A password has at least {least} characters." in known
    assert ("%(left)s try is left.", "%(left)s tries are left.") in known
    assert len(known) > 150
