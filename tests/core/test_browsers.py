"""What a browser carries: bounded, for many people, and never an error."""

import hashlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from twofold.core.browsers import LONGEST, MOST, read, token, write
from twofold.core.keyring import Keyring, MasterKey
from twofold.core.tokens import mint
from twofold.core.types import (
    DEFAULT_REALM,
    Device,
    DeviceId,
    Instant,
    Realm,
    SessionId,
    Subject,
    SubjectId,
)

RING = Keyring((MasterKey.of(hashlib.sha256(b"browsers").digest(), Instant(0)),))


def person(number):
    return Subject(DEFAULT_REALM, SubjectId(f"{number:032x}"), f"p{number}", Instant(0), epoch=3)


def device(of, generation=7):
    at = Instant(0)
    return Device(DEFAULT_REALM, of.id, DeviceId("d" * 32), at, at, at, generation)


ALICE, BOB = person(1), person(2)


def carried(subject, text="", *, device=""):
    return write(RING, subject, subject.epoch, device, read(RING, DEFAULT_REALM, text))


def test_a_browser_knows_who_has_signed_in_newest_first():
    text = carried(BOB, carried(ALICE))

    found = read(RING, DEFAULT_REALM, text)
    assert [(m.kind, m.subject, m.generation) for m in found] == [
        ("known", BOB.id, 3),
        ("known", ALICE.id, 3),
    ]


def test_a_remembered_browser_is_named_with_its_generation():
    text = carried(ALICE, device=token(RING, device(ALICE)))

    known, named = read(RING, DEFAULT_REALM, text)
    assert known.kind == "known"
    assert (named.kind, named.device, named.generation) == ("device", "d" * 32, 7)


def test_who_comes_again_has_one_place():
    text = carried(ALICE, carried(BOB, carried(ALICE, device=token(RING, device(ALICE)))))

    subjects = [mark.subject for mark in read(RING, DEFAULT_REALM, text)]
    assert subjects == [ALICE.id, BOB.id]


def test_whoever_was_here_longest_ago_makes_room():
    text = ""
    for number in range(40):
        one = person(number)
        text = carried(one, text, device=token(RING, device(one)))

    marks = read(RING, DEFAULT_REALM, text)
    assert len(marks) == MOST
    assert {mark.subject for mark in marks} == {person(n).id for n in range(35, 40)}
    assert len(text) <= LONGEST


@pytest.mark.parametrize(
    "text",
    ["", "~", "x" * 79, "~" * 900, carried(ALICE) * 20, carried(ALICE)[:-1], carried(ALICE) + "A",
     mint(RING, "session", DEFAULT_REALM, ALICE.id, SessionId("5" * 32), 0),
     mint(RING, "access", DEFAULT_REALM, ALICE.id, SessionId("5" * 32), 0)],
    ids=range(9),
)  # fmt: skip
def test_what_is_not_ours_is_nothing(text):
    assert read(RING, DEFAULT_REALM, text) == ()


def test_what_is_broken_takes_nothing_else_along():
    text = carried(ALICE)

    assert [m.subject for m in read(RING, DEFAULT_REALM, f"k1.x~{text}~rubbish")] == [ALICE.id]


def test_a_mark_of_one_realm_is_nothing_in_another():
    assert read(RING, Realm("other"), carried(ALICE)) == ()


@given(st.text(max_size=LONGEST + 5))
def test_no_text_is_an_error(text):
    assert read(RING, DEFAULT_REALM, text) == ()


@pytest.mark.parametrize("kind", ["known", "device"])
def test_a_mark_with_the_others_prefix_is_nothing(kind):
    """A mark that anybody is given must not become one that spares a second step (A31)."""
    other = {"known": "d1.", "device": "k1."}[kind]
    text = mint(RING, kind, DEFAULT_REALM, ALICE.id, SessionId("d" * 32), 7)

    assert read(RING, DEFAULT_REALM, other + text[3:]) == ()
