"""Messages are checked when they are made and wait sealed; nothing in them can act."""

import pytest

from twofold.core import letters
from twofold.core.errors import Malformed, Unsealable
from twofold.core.keyring import Keyring, MasterKey
from twofold.core.types import DEFAULT_REALM, Instant, SubjectId


def master(salt):
    return MasterKey.of(bytes((n * n * 7 + n * salt) % 256 for n in range(32)), Instant(1))


RING = Keyring((master(3),))
SUBJECT = SubjectId("5" * 32)


def draft(**changes):
    fields = {
        "realm": DEFAULT_REALM,
        "subject": SUBJECT,
        "id": "a" * 32,
        "channel": "email",
        "to": "alice@example.org",
        "template": "code",
        "expires_at": Instant(600),
        "values": {"name": "alice", "code": "123456"},
    }
    return letters.Draft(**fields | changes)


def compose(**changes):
    return letters.compose(RING, bytes(12), draft(**changes), Instant(5))


def test_what_was_composed_can_be_read_by_us():
    sent = compose()

    assert (sent.to, sent.template, sent.due_at, sent.expires_at) == (
        "alice@example.org", "code", 5, 600
    )  # fmt: skip
    assert letters.values(RING, sent) == {"name": "alice", "code": "123456"}


def test_a_code_waits_sealed():
    sent = compose()

    assert b"123456" not in sent.sealed
    assert "123456" not in repr(sent)
    assert "123456" not in repr(draft())


@pytest.mark.parametrize(
    "changes",
    [{"id": "b" * 32}, {"subject": SubjectId("6" * 32)}, {"realm": "other"}],
)
def test_values_moved_to_another_row_do_not_open(changes):
    sent = compose()
    fields = {name: getattr(sent, name) for name in sent.__slots__}

    with pytest.raises(Unsealable):
        letters.values(RING, type(sent)(**fields | changes))


def test_values_open_after_the_keys_were_rotated():
    sent = compose()

    assert letters.values(RING.with_newest(master(5)), sent)["code"] == "123456"


@pytest.mark.parametrize(
    "changes",
    [
        {"template": "unheard-of"},
        {"values": {"name": "alice"}},
        {"template": "recovery-used"},
        {"channel": "pigeon"},
    ],
)
def test_a_faulty_draft_is_the_callers_fault(changes):
    with pytest.raises(ValueError, match=r"."):
        compose(**changes)


@pytest.mark.parametrize(
    "to",
    [
        "alice@example.org\r\nBcc: eve@example.org",
        "alice@example.org\n",
        "alice@example.org\x00",
        "alice@example.org\u2028",
        "alice@example.org, eve@example.org",
        "alice@example.org;eve@example.org",
        "Alice <alice@example.org>",
        '"alice eve"@example.org',
        "=?utf-8?q?a=2Ceve=40example.com?=@example.org",
        "alice@exam\u200bple.org",
        "ali\ud800ce@example.org",
        "alice",
        "@example.org",
        "alice@",
        "a" * 65 + "@example.org",
        "",
    ],
)  # fmt: skip
def test_an_address_that_is_not_one_plain_mailbox_is_refused(to):
    with pytest.raises(Malformed) as refused:
        compose(to=to)

    assert refused.value.field == "to"
    assert "eve" not in refused.value.detail


@pytest.mark.parametrize(
    ("channel", "to"),
    [
        ("email", "alice+twofold@sub.example.org"),
        ("email", "o'brien@example.org"),
        ("email", "grüße@bücher.example"),
        ("email", "root@localhost"),
        ("sms", "+4915112345678"),
        ("webhook", "https://example.org/hook?x=1"),
    ],
)
def test_a_plain_address_is_taken(channel, to):
    assert compose(channel=channel, to=to).to == to


@pytest.mark.parametrize(
    ("channel", "to"),
    [("sms", "015112345678"), ("sms", "+49 151"), ("sms", "+491511234567\n"),
     ("webhook", "javascript:alert(1)"), ("webhook", "https://a b")],
)  # fmt: skip
def test_an_address_of_another_channel_is_refused(channel, to):
    with pytest.raises(Malformed):
        compose(channel=channel, to=to)


ODD = ["\r\n", "\n", "\x00", "\x85", "\u2028", "\u2029", "\u202e", "\u200b", "\ud800", "\ufeff"]


@pytest.mark.parametrize("odd", ODD, ids=ascii)
def test_a_typed_text_that_could_end_a_line_or_hide_is_refused(odd):
    with pytest.raises(Malformed) as refused:
        letters.check_text(f"al{odd}ice", field="name")

    assert refused.value.field == "name"


def test_a_typed_text_of_any_script_is_taken():
    letters.check_text("Ægir 山田 O'Brien {{7*7}} ${x} %(x)s", field="name")


def test_a_typed_text_has_a_length():
    with pytest.raises(Malformed):
        letters.check_text("x" * (letters.TEXT_LIMIT + 1), field="name")


@pytest.mark.parametrize("odd", ODD, ids=ascii)
def test_a_strange_agent_neither_stops_a_message_nor_breaks_its_lines(odd):
    sent = compose(values={"name": "alice", "code": "1", "agent": f"Fire{odd}fox"})

    assert letters.values(RING, sent)["agent"] == "Fire" + "\ufffd" * len(odd) + "fox"


def test_a_link_is_never_cut_short():
    link = "https://example.org/verify#" + "x" * 2_000

    opened = letters.values(RING, compose(values={"name": "a", "code": "1", "link": link}))

    assert opened["link"] == link


def test_a_value_is_cut_and_a_number_stays_a_number():
    values = {"name": "a" * 9_999, "left": 7}

    opened = letters.values(RING, compose(template="recovery-used", values=values))

    assert opened == {"name": "a" * letters.TEXT_LIMIT, "left": 7}
