"""Every letter says what happened, what to do if it was not you, and does nothing else."""

import re
from html.parser import HTMLParser

import pytest
from jinja2 import Environment, meta

from twofold.adapters import specimens
from twofold.adapters.letters import WORDS, Stationery, Style, counting
from twofold.core.letters import OPTIONAL, TEMPLATES
from twofold.core.types import Instant

AT = specimens.AT
MINUTE = 60_000_000
STYLE = Style("Acme", host="id.acme.example", account="https://id.acme.example/account")
LANGUAGES = sorted(folder.name for folder in WORDS.iterdir() if folder.is_dir())
EVERY = [(template, language) for template in TEMPLATES for language in LANGUAGES]
CODES = [template for template in TEMPLATES if "code" in TEMPLATES[template]]
FIREFOX = "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0"
NOT_YOU = {
    "en": ("If it was not you", "If you did not", "If not, "),
    "de": ("Wenn Sie das nicht waren", "Wenn Sie nicht darum", "Wenn nicht, "),
}


class Figures:
    def __init__(self):
        self.counted = []

    def count(self, event, labels):
        self.counted.append((event, dict(labels)))


def write(template, channel="email", now=AT, *, stationery=None, full=False, **values):
    known = {**specimens.values(template, full=full), **values}
    stationery = stationery or Stationery(STYLE)
    return stationery.write(specimens.message(template, channel), known, now)


every_letter = pytest.mark.parametrize(("template", "locale"), EVERY)


@every_letter
def test_every_letter_can_be_written_with_what_it_needs(template, locale):
    letter = write(template, locale=locale)

    assert letter.language == locale
    assert "Acme" in letter.subject
    assert "\n" not in letter.subject
    assert "\n\n\n" not in letter.text
    assert "{" not in letter.subject + letter.text
    assert letter.text == letter.text.rstrip() + "\n"


@every_letter
def test_every_letter_says_what_to_do_if_it_was_not_you(template, locale):
    assert any(words in write(template, locale=locale).text for words in NOT_YOU[locale])


@every_letter
def test_every_letter_says_when_and_where_it_was_caused(template, locale):
    text = write(template, locale=locale, address="192.0.2.7", agent=FIREFOX).text

    assert {"en": "21 November 2026 at 14:03 UTC", "de": "21. November 2026 um 14:03 Uhr UTC"}[
        locale
    ] in text
    assert ": 192.0.2.7" in text
    assert "Browser: Firefox, Linux" in text
    assert "Browser:" not in write(template, locale=locale).text


@every_letter
def test_a_secret_stands_in_no_subject(template, locale):
    letter = write(template, locale=locale, full=True)

    assert "314159" not in letter.subject
    assert "secret" not in letter.subject


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("name", sorted(file.name for file in (WORDS / "en").iterdir()))
def test_every_language_has_every_text_and_the_same_values_in_it(name, language):
    def used(folder):
        return meta.find_undeclared_variables(Environment().parse((folder / name).read_text()))  # noqa: S701

    asked = used(WORDS / language)

    assert asked == used(WORDS / "en")
    template = name.split(".")[0]
    if template in TEMPLATES:
        ours = {"issuer", "host", "account", "minutes", "at", "label"}
        assert asked <= TEMPLATES[template] | OPTIONAL.keys() | ours


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_text_there_is_belongs_to_a_letter(language):
    files = {file.name.split(".")[0] for file in (WORDS / language).iterdir()}

    assert files == {*TEMPLATES, "_at", "_words"}


@pytest.mark.parametrize("locale", LANGUAGES)
@pytest.mark.parametrize("purpose", ["login", "stepup", "enroll", "verify"])
@pytest.mark.parametrize("channel", ["email", "sms"])
def test_a_code_stands_in_the_first_line(locale, purpose, channel):
    # What a notification shows, and where phones look for a code to fill in.
    letter = write("code", channel, locale=locale, purpose=purpose, application="Payroll")

    assert letter.text.lstrip().startswith("314159")
    assert "314159" in letter.text.splitlines()[0]


@pytest.mark.parametrize("locale", LANGUAGES)
def test_a_code_says_what_it_is_for(locale):
    purposes = ("login", "stepup", "enroll", "verify")
    for channel in ("email", "sms"):
        said = {write("code", channel, locale=locale, purpose=p).text for p in purposes[:3]}
        assert len(said) == 3
    theirs = write("code", locale=locale, purpose="verify", application="Payroll")
    assert "Payroll" in theirs.subject
    assert "Payroll" in theirs.text


@pytest.mark.parametrize("locale", LANGUAGES)
def test_a_text_message_ends_with_the_host_it_belongs_to(locale):
    """https://wicg.github.io/sms-one-time-codes/."""
    letter = write("code", "sms", locale=locale)

    assert letter.text.splitlines()[-1] == "@id.acme.example #314159"
    assert letter.html is None
    assert len(letter.text) < 160
    plain = write("code", "sms", locale=locale, stationery=Stationery(Style("Acme"))).text
    assert "@" not in plain
    assert plain == plain.rstrip() + "\n"


def test_a_code_to_set_mail_up_is_sent_to_no_name():
    # The address is somebody's who may never have heard of the account.
    assert "alice" not in write("code", purpose="enroll").text
    assert "alice" in write("code", purpose="login").text


@pytest.mark.parametrize(
    ("passed", "minutes"), [(0, "10 minutes"), (5 * MINUTE + 1, "4 minutes"), (11 * MINUTE, "1 m")]
)
def test_a_letter_says_how_long_the_code_still_lives(passed, minutes):
    assert minutes in write("code", now=Instant(AT + passed), minutes="99").text


@pytest.mark.parametrize(("locale", "words"), [("en", "for 24 hours."), ("de", "24 Stunden.")])
def test_a_long_life_is_told_in_hours(locale, words):
    day = Instant(AT - 24 * 60 * MINUTE + 10 * MINUTE)

    assert words in write("reset-password", now=day, locale=locale).text


@pytest.mark.parametrize(
    ("left", "locale", "words"),
    [
        (0, "en", "None is left"), (1, "en", "One is left"), (7, "en", "7 are left"),
        (0, "de", "Keiner ist übrig"), (1, "de", "Einer ist übrig"), (7, "de", "7 sind übrig"),
    ],
)  # fmt: skip
def test_recovery_codes_that_run_low_are_told_of(left, locale, words):
    letter = write("recovery-used", left=left, locale=locale)

    assert words in letter.text
    assert (letter.subject == write("recovery-used", left=9, locale=locale).subject) is (left > 1)


@pytest.mark.parametrize(
    "template",
    ["account-deleted", "address-changed", "factor-added", "factor-removed", "password-changed"],
)
def test_what_an_administrator_did_is_not_put_down_to_the_owner(template):
    letter = write(template, administrator=1, address="192.0.2.7", agent=FIREFOX)

    assert "an administrator" in letter.text.lower()
    # Where administrators sit is nobody else's business.
    assert "192.0.2.7" not in letter.text
    assert "an administrator" not in write(template).text.lower()


@pytest.mark.parametrize(
    ("kind", "label", "shown"),
    [
        ("totp", "Phone", "Phone (authenticator app)"),
        ("totp", "", "authenticator app"),
        ("email", "", "codes by mail"),
        ("carrier-pigeon", "", "carrier-pigeon"),
    ],
)
def test_a_method_is_called_by_its_label_and_its_kind(kind, label, shown):
    assert f"\n\n    {shown}\n\n" in write("factor-added", kind=kind, label=label).text


@pytest.mark.parametrize("template", CODES)
def test_a_link_is_given_only_where_there_is_one(template):
    link = "https://example.org/?a=1&b=2"
    assert "example.org" not in write(template, stationery=Stationery(Style("Acme"))).text

    letter = write(template, link=link)

    assert re.search(rf"\n\n    \S.*\n    {re.escape(link)}\n", letter.text)
    assert letter.html.count('<a href="https://example.org/?a=1&amp;b=2"') == 2


# Languages


@pytest.mark.parametrize(
    ("locale", "default", "written"),
    [
        ("de", "en", "de"), ("de-AT", "en", "de"), ("DE_at", "en", "de"), ("", "en", "en"),
        ("", "de", "de"), ("fr", "de", "de"), ("fr", "fr", "en"), ("en-GB", "de", "en"),
        ("../de", "en", "en"), ("*", "en", "en"),
    ],
)  # fmt: skip
def test_a_letter_is_in_the_readers_language_or_the_houses(locale, default, written):
    letter = write("code", locale=locale, stationery=Stationery(STYLE, None, default))

    assert letter.language == written
    assert f'<html lang="{written}">' in letter.html


# The operator's own words


def own(folder, **texts):
    for name, text in texts.items():
        path = folder / name.replace("__", "/").replace("_", "-")
        path = path.with_name(path.name + ".txt")
        path.parent.mkdir(exist_ok=True)
        path.write_text(text)
    return folder


def test_an_operator_may_word_one_letter_differently(tmp_path):
    ours = Stationery(STYLE, own(tmp_path, code="Hi\n\nHi {{ name }}: {{ code }}\n"))

    letter, other = write("code", stationery=ours), write("factor-reset", stationery=ours)

    assert (letter.subject, letter.text) == ("Hi", "Hi alice: 314159\n")
    assert "reset" in other.subject


def test_an_operators_text_is_for_one_language_or_for_all(tmp_path):
    own(tmp_path, code="All\n\n{{ code }}", de__code="Nur Deutsch\n\n{{ code }}")
    ours = Stationery(STYLE, tmp_path)

    subjects = [write("code", stationery=ours, locale=x).subject for x in ("de-AT", "en", "fr")]

    assert subjects == ["Nur Deutsch", "All", "All"]


def test_a_language_of_the_operators_is_a_folder(tmp_path):
    own(tmp_path, fr__code="Votre code\n\n{{ code }} {{ at }}")
    ours = Stationery(STYLE, tmp_path)

    letter = write("code", stationery=ours, locale="fr-CA")

    assert (letter.subject, letter.language) == ("Votre code", "fr")
    # A language that has no way to write a moment gets the one everybody reads.
    assert letter.text == "314159 2026-11-21 14:03 UTC\n"
    assert write("factor-reset", stationery=ours, locale="fr").language == "en"


def test_an_operators_words_for_mail_do_not_make_text_messages_long(tmp_path):
    ours = Stationery(STYLE, own(tmp_path, code="Code\n\n" + "{{ code }}, at length. " * 50))

    assert len(write("code", "sms", stationery=ours).text) < 160


BROKEN = {
    "a value there is not": "Hi\n\n{{ code }} {{ surname }}",
    "no template": "Hi\n\n{{ code }} {% if %}",
    "a sum that does not work": "Hi\n\n{{ code }} {{ 1 // 0 }} {{ name + 1 }}",
    "no text": "Hi",
    "no subject": "",
    "no code": "Hi\n\nSee you soon.",
    "a reach into Python": "Hi\n\n{{ code }} {{ ''.__class__.__mro__[1].__subclasses__() }}",
    "another file that is missing": "{% include 'nowhere.txt' %}\n\n{{ code }}",
    "itself": "{% include 'code.txt' %}\n\n{{ code }}",
}


@pytest.mark.parametrize("text", BROKEN.values(), ids=BROKEN.keys())
def test_a_broken_text_of_the_operators_loses_no_message(tmp_path, caplog, text):
    figures = Figures()
    ours = Stationery(STYLE, own(tmp_path, code=text), faulty=counting(figures))

    letter = write("code", stationery=ours, locale="de")

    assert letter == write("code", locale="de")
    assert figures.counted == [("letter.faulty", {"template": "code.txt"})]
    assert f"{tmp_path}/code.txt cannot be used" in caplog.text
    assert "314159" not in caplog.text


def test_a_text_that_is_no_text_loses_no_message(tmp_path):
    (tmp_path / "code.txt").write_bytes(b"Hi\n\n{{ code }} \xff\xfe")
    (tmp_path / "en").write_text("a file where a folder is looked for")

    assert write("code", stationery=Stationery(STYLE, tmp_path)) == write("code")


def test_an_operators_layout_is_taken_and_a_broken_one_is_not(tmp_path, caplog):
    layout = tmp_path / "_letter.html"
    ours = Stationery(STYLE, tmp_path)
    layout.write_text("<p>{{ issuer }}: {{ paragraphs[0].text }}</p>")
    assert write("code", stationery=ours).html == "<p>Acme: 314159</p>"

    layout.write_text("<p>{{ motto }}</p>")

    assert write("code", stationery=ours).html == write("code").html
    assert "_letter.html cannot be used: UndefinedError" in caplog.text


def test_a_text_of_ours_that_cannot_be_filled_in_is_an_error_and_not_a_gap():
    from jinja2 import UndefinedError

    with pytest.raises(UndefinedError):
        Stationery().write(specimens.message("factor-removed"), {"kind": "totp"}, AT)
    with pytest.raises(ValueError, match=r"."):
        Stationery().write(specimens.message("unheard-of"), {}, AT)


# What is wrong is found beforehand


@pytest.mark.parametrize(
    ("files", "fault"),
    [
        ({"code": BROKEN["no code"]}, "code.txt: ValueError: the code is missing"),
        ({"code": BROKEN["no text"]}, "code.txt: ValueError: a letter needs"),
        ({"code": "Hi\n\n{{ code }}\n{{ surname }}"}, "code.txt: UndefinedError: 'surname'"),
        ({"de__code": "Hi\n\n{% if %}"}, "de/code.txt: TemplateSyntaxError"),
        ({"code": "Hi\n\n{{ code }}{{ 'x' if not left }}", "codes": "x\n\ny"}, "codes.txt: is the"),
        ({"deutsch__code": "x\n\n{{ code }}"}, "deutsch/code.txt: is in a folder that is no"),
        ({"DE__code": "x\n\n{{ code }}"}, "DE/code.txt: is in a folder that must be called de"),
        ({"code.pigeon": "x\n\n{{ code }}"}, "code.pigeon.txt: is the name of no message"),
        ({"password_changed": "x\n\n{% if administrator %}{{ who }}{% endif %}y"},
         "password-changed.txt: UndefinedError"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)  # fmt: skip
def test_a_fault_is_named_with_its_file(tmp_path, files, fault):
    found = list(specimens.faults(Stationery(STYLE, own(tmp_path, **files)), tmp_path))

    assert any(line.startswith(fault) for line in found), found


def test_a_faulty_layout_is_named_too(tmp_path):
    def raised(_, error):
        raise error

    (tmp_path / "_letter.html").write_text("{{ motto }}")
    stationery = Stationery(STYLE, tmp_path, faulty=raised)

    [fault] = specimens.faults(stationery, tmp_path)

    assert fault.startswith("_letter.html: UndefinedError: 'motto'")
    (tmp_path / "_letter.html").write_text("fine")
    assert list(specimens.faults(stationery, tmp_path)) == []


def test_our_own_texts_are_without_fault_when_an_operator_copies_them(tmp_path):
    for language in LANGUAGES:
        (tmp_path / language).mkdir()
        for file in (WORDS / language).iterdir():
            (tmp_path / language / file.name).write_text(file.read_text())

    assert list(specimens.faults(Stationery(STYLE, tmp_path), tmp_path)) == []


# The HTML


class Seen(HTMLParser):
    def __init__(self, html):
        super().__init__()
        self.text, self.addresses, self.tags = [], [], []
        self.feed(html)

    def handle_starttag(self, tag, attrs):
        self.tags.append(tag)
        self.addresses += [value for name, value in attrs if name in {"href", "src", "srcset"}]

    def handle_data(self, data):
        self.text += [data.strip()] if data.strip() else []


@every_letter
def test_the_html_says_what_the_text_says(template, locale):
    letter = write(template, locale=locale, full=True)
    seen = "\n".join(Seen(letter.html).text)

    for line in letter.text.splitlines():
        for part in re.split(r"(?<=^  \w)(?=:)|: ", line) if line.startswith("  ") else [line]:
            assert part.strip() in seen
    assert f">{letter.subject}</h1>" in letter.html


@every_letter
def test_the_html_loads_nothing_and_follows_nobody(template, locale):
    seen = Seen(write(template, locale=locale, full=True).html)

    assert set(seen.addresses) <= {"https://id.example.org/page#a-long-secret", STYLE.account}
    assert not {"img", "link", "script", "iframe", "object", "form"} & set(seen.tags)
    html = write(template, locale=locale, full=True).html
    assert "url(" not in html
    assert "@import" not in html


def test_a_code_is_shown_large_and_a_long_one_small():
    short, long = write("code").html, write("reset-password", code="x" * 200).html

    assert re.search(r"34px[^>]*user-select:all\">314159</p>", short)
    assert re.search(r"13px[^>]*user-select:all\">x{200}</p>", long)


def test_what_a_mailbox_previews_begins_with_the_code():
    assert Seen(write("code").html.partition("</head>")[2]).text[0].startswith("314159")


@pytest.mark.parametrize(
    ("colour", "on"), [("#000000", "#ffffff"), ("#ffff00", "#000000"), ("#1D4ED8", "#ffffff")]
)
def test_the_words_on_a_button_can_be_read_on_any_colour(colour, on):
    html = write("reset-password", full=True, stationery=Stationery(Style(colour=colour))).html

    assert f"background:{colour};color:{on};" in html


def test_a_label_that_looks_like_a_link_does_not_become_one():
    evil = "https://evil.example"

    assert evil not in Seen(write("factor-added", label=evil, kind=evil).html).addresses


# What strangers choose


@pytest.mark.parametrize("template", ["verify-address", "registered-again"])
def test_a_mailbox_nobody_proved_to_own_is_not_sent_a_strangers_words(template):
    said = "Buy at evil.example"

    assert said not in write(template, name=said, agent=said).text


INERT = [
    "{{7*7}}",
    "${7*7}",
    "{0.__class__}",
    "%(x)s",
    "{% for x in y %}",
    "<script>alert(1)</script>",
]


@pytest.mark.parametrize("name", INERT)
def test_what_a_user_chose_is_text_and_nothing_more(name):
    letter = write("factor-reset", name=name)

    assert f"Hello {name}," in letter.text
    assert "<script" not in letter.html
    assert "49" not in letter.text


def test_a_message_that_replaces_another_has_another_id():
    # Mailboxes show one message per Message-ID: the newer code would never be seen.
    from dataclasses import replace

    known = specimens.values("code")
    ids = {
        Stationery().write(replace(specimens.message("code"), due_at=at), known, AT).id
        for at in (AT, Instant(AT + 1))
    }

    assert len(ids) == 2
