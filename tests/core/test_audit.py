"""Records say what happened and never a secret; segments are closed over them in order."""

import hashlib
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from twofold.core import audit
from twofold.core.effects import Record
from twofold.core.types import DEFAULT_REALM, Category, Context, Instant, SubjectId

SUBJECT = SubjectId("5" * 32)
SEED = bytes(range(8))
KEY = (b"\x01\x02\x03\x04", bytes(range(32)))
CONTEXT = Context(client="web", address="192.0.2.7", agent="Firefox", request="r1")


def event(name="login.granted", context=CONTEXT, by="", **facts):
    return audit.event(name, Instant(7), DEFAULT_REALM, SUBJECT, context, SEED, by=by, **facts)


def record(number, body="{}"):
    id = f"{number:016x}"
    return Record(DEFAULT_REALM, SUBJECT, id, Instant(number), "login.granted", body)


def test_a_record_says_who_asked_from_where():
    assert event() == Record(
        DEFAULT_REALM,
        SUBJECT,
        "0001020304050607",
        Instant(7),
        "login.granted",
        '{"address":"192.0.2.7","agent":"Firefox","client":"web","request":"r1"}',
    )


def test_a_record_of_nobody_from_nowhere_is_short():
    nobody = audit.event("keys.rotated", Instant(7), DEFAULT_REALM, None, Context(), SEED)

    assert (nobody.subject, nobody.body) == (None, "{}")


def test_a_record_names_who_acted_for_another():
    assert json.loads(event("factor.reset", Context(), by="operator").body) == {"by": "operator"}


@pytest.mark.parametrize(
    ("value", "kept"),
    [
        ("totp", "totp"),
        (57812, 57812),
        (True, True),
        (Category.MAILBOX, "mailbox"),
        (["totp", "email"], ["totp", "email"]),
        (("pwd", "otp"), ["pwd", "otp"]),
        ([1, 2], [1, 2]),
        ([], []),
        ("x" * 300, "x" * 256),
        (["x" * 300], ["x" * 256]),
        ("{{7*7}}\r\n\x00\ud800é", "{{7*7}}\r\n\x00\ud800é"),
    ],
)
def test_a_fact_is_kept_as_it_is_but_never_longer_than_a_line(value, kept):
    assert json.loads(event(context=Context(), fact=value).body) == {"fact": kept}


def test_a_fact_that_is_none_is_left_out():
    assert event(context=Context(), drift=None).body == "{}"


def test_a_body_is_one_line_of_ascii_in_one_spelling():
    body = event(agents="ü\n\u2028", zone="z", area="a").body

    assert body.isascii()
    assert body.isprintable()
    assert body == json.dumps(json.loads(body), sort_keys=True, separators=(",", ":"))


def test_a_claimant_cannot_fill_the_trail_with_a_long_agent():
    long = Context(client="c" * 10_000, agent="a" * 10_000, request="r" * 10_000)

    assert len(event(context=long).body) < 1_000


@pytest.mark.parametrize(
    "name",
    ["code", "codes", "secret", "totp_secret", "token", "refresh_token", "password", "passwort",
     "ticket", "pin", "sms_pin", "seed", "otp", "cookie", "nonce", "answer", "bearer"],
)  # fmt: skip
def test_a_fact_whose_name_sounds_like_a_secret_is_refused(name):
    with pytest.raises(ValueError, match=name):
        event(**{name: "x"})


@pytest.mark.parametrize("name", ["address", "agent", "client", "request"])
def test_a_fact_cannot_hide_what_the_context_says(name):
    with pytest.raises(ValueError, match=name):
        event(**{name: "x"})


@pytest.mark.parametrize("name", ["kind", "left", "mapping", "pinned", "step", "reasons"])
def test_an_innocent_name_is_allowed(name):
    assert json.loads(event(context=Context(), **{name: 1}).body) == {name: 1}


@pytest.mark.parametrize("value", [1.5, b"bytes", {"a": 1}, [[1]], [None], object()])
def test_a_value_of_another_kind_is_refused(value):
    with pytest.raises(TypeError):
        event(fact=value)


def test_an_event_nobody_described_is_refused():
    with pytest.raises(ValueError, match=r"login\.magic"):
        event("login.magic")


def test_an_id_is_made_of_eight_bytes():
    with pytest.raises(ValueError, match=r"login\.granted"):
        audit.event("login.granted", Instant(7), DEFAULT_REALM, None, Context(), b"short")


@pytest.mark.parametrize(("name", "meaning"), audit.EVENTS.items())
def test_every_event_has_a_dotted_name_and_one_sentence(name, meaning):
    assert all(part.isalpha() and part.islower() for part in name.split("."))
    assert "." in name
    assert meaning[0].isupper()
    assert meaning.endswith(".")
    assert ". " not in meaning


def test_a_leaf_covers_every_field_of_a_record():
    one = record(1)
    others = [
        Record("other", SUBJECT, one.id, one.at, one.event, one.body),
        Record(one.realm, None, one.id, one.at, one.event, one.body),
        Record(one.realm, SUBJECT, "f" * 16, one.at, one.event, one.body),
        Record(one.realm, SUBJECT, one.id, Instant(2), one.event, one.body),
        Record(one.realm, SUBJECT, one.id, one.at, "login.refused", one.body),
        Record(one.realm, SUBJECT, one.id, one.at, one.event, '{"a":1}'),
    ]

    assert len({audit.leaf(other) for other in [one, *others]}) == 7


@given(st.text(), st.none() | st.text(), st.text(), st.integers(), st.text(), st.text())
def test_a_leaf_is_the_hash_of_canonical_json(realm, subject, id, at, name, body):
    listed = json.dumps([id, realm, subject, at, name, body], separators=(",", ":"))

    leaf = audit.leaf(Record(realm, subject, id, Instant(at), name, body))

    assert leaf == hashlib.sha256(b"\x00twofold audit record\n" + listed.encode()).digest()


def test_the_tree_is_the_one_of_rfc_6962():
    def node(left, right):
        return hashlib.sha256(b"\x01" + left + right).digest()

    a, b, c, d, e = (hashlib.sha256(bytes([n])).digest() for n in range(5))

    assert audit.merkle([]) == hashlib.sha256(b"").digest()
    assert audit.merkle([a]) == a
    assert audit.merkle([a, b]) == node(a, b)
    assert audit.merkle([a, b, c]) == node(node(a, b), c)
    assert audit.merkle([a, b, c, d, e]) == node(node(node(a, b), node(c, d)), e)


def test_the_tree_hash_of_the_certificate_transparency_samples():
    # The leaves and the root that certificate-transparency-go checks its tree with.
    data = ["", "00", "10", "2021", "3031", "40414243", "5051525354555657",
            "606162636465666768696a6b6c6d6e6f"]  # fmt: skip
    leaves = [hashlib.sha256(b"\x00" + bytes.fromhex(one)).digest() for one in data]

    assert audit.merkle(leaves).hex() == (
        "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328"
    )


@given(st.lists(st.binary(min_size=32, max_size=32), min_size=1, max_size=40), st.data())
def test_a_root_changes_with_every_leaf(leaves, data):
    index = data.draw(st.integers(0, len(leaves) - 1))
    other = [*leaves[:index], bytes(32 * [data.draw(st.integers(0, 255))]), *leaves[index + 1 :]]

    assert (audit.merkle(leaves) == audit.merkle(other)) == (leaves == other)


def test_segments_number_and_name_each_other():
    first = audit.close([record(1), record(2)], 2, None, Instant(10), KEY)
    second = audit.close([record(3)], 3, first, Instant(20), KEY)
    body = json.loads(second.body)

    assert (first.number, second.number) == (1, 2)
    assert (second.at, second.upto) == (20, 3)
    assert body["previous"] == audit.digest(first.body)
    assert body["ids"] == ["0000000000000003"]
    assert body["leaves"] == [audit.leaf(record(3)).hex()]
    assert body["kid"] == "01020304"


def test_the_same_records_make_the_same_segment():
    # Ed25519 is deterministic: an honest retry writes the same bytes.
    assert audit.close([record(1)], 1, None, Instant(10), KEY) == audit.close(
        [record(1)], 1, None, Instant(10), KEY
    )


def test_public_keys_go_by_the_id_of_their_master():
    keys = audit.public_keys([KEY])

    assert list(keys) == ["01020304"]
    assert len(keys["01020304"]) == 32
    assert keys["01020304"] != KEY[1]
