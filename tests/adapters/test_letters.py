"""Every letter says what happened, what to do if it was not you, and does nothing else."""

import pytest

from twofold.adapters.letters import WORDS, Stationery
from twofold.core.effects import Send
from twofold.core.letters import TEMPLATES
from twofold.core.types import DEFAULT_REALM, Instant, SubjectId

AT = Instant(1_795_269_780_000_000)
MINUTE = 60_000_000
VALUES = {
    "name": "alice", "code": "123456", "kind": "totp", "label": "Phone", "count": 10, "left": 7,
    "days": 30,
}  # fmt: skip


def message(template, channel="email", due_at=AT):
    return Send(
        realm=DEFAULT_REALM,
        subject=SubjectId("5" * 32),
        id="a" * 32,
        channel=channel,
        to="alice@example.org",
        template=template,
        sealed=b"",
        due_at=due_at,
        expires_at=Instant(due_at + 10 * MINUTE),
    )


def write(template, channel="email", now=AT, **values):
    needed = {name: VALUES[name] for name in TEMPLATES[template]}
    return Stationery("Acme").write(message(template, channel), needed | values, now)


@pytest.mark.parametrize("template", TEMPLATES)
def test_every_letter_can_be_written_with_what_it_needs(template):
    letter = write(template)

    assert "Acme" in letter.subject
    assert "\n" not in letter.subject
    assert letter.text.endswith(".\n")
    assert "\n\n\n" not in letter.text
    assert "{" not in letter.text + letter.html


@pytest.mark.parametrize("template", TEMPLATES)
def test_every_letter_says_what_to_do_if_it_was_not_you(template):
    assert any(
        words in write(template).text
        for words in ("If it was not you", "If you did not", "If not, ", "somebody else knows")
    )


@pytest.mark.parametrize("template", TEMPLATES)
def test_the_html_says_what_the_text_says(template):
    letter = write(template, address="192.0.2.1", agent="Firefox", link="https://example.org/x")

    for paragraph in letter.text.split("\n\n"):
        assert f">{paragraph.strip()}<" in letter.html


def test_every_text_there_is_belongs_to_a_letter():
    texts = {file.name.split(".")[0] for file in WORDS.glob("*.txt")}

    assert texts == set(TEMPLATES)


def test_a_code_stands_on_a_line_of_its_own():
    assert "\n\n    123456\n\n" in write("code").text
    assert ">123456</p>" in write("code").html


@pytest.mark.parametrize(
    ("passed", "minutes"), [(0, "10 minutes"), (5 * MINUTE + 1, "4 minutes"), (11 * MINUTE, "1 m")]
)
def test_a_letter_says_how_long_the_code_still_lives(passed, minutes):
    assert minutes in write("code", now=Instant(AT + passed), minutes="99").text


def test_a_long_life_is_told_in_hours():
    day = Instant(AT - 24 * 60 * MINUTE + 10 * MINUTE)

    assert "for 24 hours." in write("reset-password", now=day).text
    assert "for 10 minutes." in write("reset-password").text


def test_a_notice_says_when_in_utc():
    assert "2026-11-21 at 14:03 UTC from 192.0.2.7" in (
        write("password-changed", address="192.0.2.7").text
    )


@pytest.mark.parametrize(
    ("left", "words"), [(0, "None is left"), (1, "One is left"), (7, "7 are left")]
)
def test_a_used_recovery_code_is_counted(left, words):
    assert words in write("recovery-used", left=left).text


@pytest.mark.parametrize("template", ["verify-address", "reset-password"])
def test_a_link_is_given_only_where_there_is_one(template):
    assert "open this page" not in write(template).text

    letter = write(template, link="https://example.org/?a=1&b=2")
    assert "\n\n    https://example.org/?a=1&b=2\n\n" in letter.text
    assert '<a href="https://example.org/?a=1&amp;b=2"' in letter.html


def test_a_label_that_looks_like_a_link_does_not_become_one():
    assert "<a " not in write("factor-added", label="https://evil.example").html


@pytest.mark.parametrize("template", ["verify-address", "registered-again"])
def test_a_mailbox_nobody_proved_to_own_is_not_sent_a_strangers_words(template):
    assert "Buy at evil.example" not in write(template, name="Buy at evil.example").text


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
    letter = write("code", name=name)

    assert f"Hello {name}," in letter.text
    assert "<script" not in letter.html
    assert "49" not in letter.text


def test_a_missing_value_is_an_error_and_not_a_gap():
    from jinja2 import UndefinedError

    with pytest.raises(UndefinedError):
        Stationery().write(message("code"), {"name": "alice"}, AT)


def test_a_text_message_is_short_and_plain():
    letter = write("code", channel="sms")

    assert letter.html is None
    assert len(letter.text) < 160
    assert letter.text.startswith("123456 ")


def test_a_channel_without_words_of_its_own_takes_the_common_ones():
    assert "If it was not you" in write("password-changed", channel="sms").text


def test_an_operator_may_word_one_letter_differently(tmp_path):
    (tmp_path / "code.txt").write_text("Ihr Code\n\nHallo {{ name }}: {{ code }}\n")
    ours = Stationery("Acme", (tmp_path,), "de")

    letter = ours.write(message("code"), {"name": "alice", "code": "1"}, AT)
    other = ours.write(message("factor-reset"), {"name": "alice"}, AT)

    assert (letter.subject, letter.text) == ("Ihr Code", "Hallo alice: 1\n")
    assert 'lang="de"' in letter.html
    assert "reset" in other.subject


def test_a_message_that_replaces_another_has_another_id():
    # Mailboxes show one message per Message-ID: the newer code would never be seen.
    ids = {
        Stationery().write(message("code", due_at=Instant(AT + n)), VALUES, AT).id for n in (0, 1)
    }

    assert len(ids) == 2
