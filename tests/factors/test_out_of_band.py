"""Codes sent to an address: one message per cool-down, one challenge per code, one use."""

from dataclasses import replace

import pytest

from tests.factors.bindings import (
    ALICE,
    BOB,
    CEREMONY,
    MAC_KEY,
    NOW,
    bind,
    later,
    seed,
    spend,
)
from tests.factors.mailing import MAIL, OTHER_LOGIN, ask, ready
from twofold.core.effects import Burn
from twofold.core.errors import Malformed, Misconfigured
from twofold.core.types import Aal, Binding, Category, Item
from twofold.factors import Proof, Wish, Wrong
from twofold.factors._out_of_band import OutOfBand, masked
from twofold.factors.email import email

SMS = OutOfBand("sms", ("otp", "sms"), Aal.TWO, Category.POSSESSION, "sms", "phone")


def another(code):
    return f"{(int(code) + 1) % 10 ** len(code):0{len(code)}}"


# --- sending ---


def test_a_code_goes_to_the_address_and_only_its_mac_is_kept():
    held, _ = bind(MAIL)

    asked, _ = ask(held)

    code = asked.deliver["code"]
    assert asked.deliver == {
        "channel": "email",
        "to": "jane@example.com",
        "template": "code",
        "code": code,
        "minutes": "10",
    }
    assert len(code) == 6
    assert code.isdecimal()
    (item,) = asked.items
    assert (item.expires_at, item.ceremony) == (later(600), CEREMONY)
    assert len(item.key) == 64
    assert asked.show == {"hint": "j***@e***.com"}
    assert (asked.expires_at, asked.resend_at) == (later(600), later(60))
    assert asked.ceremony == CEREMONY
    assert code not in repr(asked)


def test_sending_is_remembered_beside_the_address():
    held, _ = bind(MAIL)

    asked, _ = ask(held)

    today = NOW // (86_400 * 10**6)
    assert asked.parameters == {
        "address": "jane@example.com",
        "hint": "j***@e***.com",
        "sent_at": NOW,
        "day": today,
        "count": 1,
        "digits": 6,
    }


def test_a_text_message_goes_to_the_phone():
    asked, _ = ask(bind(SMS)[0], factor=SMS)

    assert (asked.deliver["channel"], asked.deliver["to"]) == ("sms", "+4930123456")
    assert asked.show == {"hint": "+49***56"}


def test_the_minutes_in_the_message_never_promise_too_little():
    asked, _ = ask(bind(email(lifetime=90))[0], factor=email(lifetime=90))

    assert asked.deliver["minutes"] == "2"


@pytest.mark.parametrize("digits", [6, 8, 10])
def test_a_code_has_as_many_digits_as_it_is_set(digits):
    factor = email(digits=digits)
    held, code = ready(factor)

    assert len(code) == digits
    assert isinstance(factor.verify(held, CEREMONY, code, NOW), Proof)


def test_codes_keep_going_to_the_confirmed_address():
    # A63: whoever changes the subject's address with a stolen session gets no codes by it
    held, _ = bind(MAIL)
    moved = replace(ALICE, email="mallory@example.net")

    assert MAIL.ask(moved, held, CEREMONY, seed(), NOW).deliver["to"] == "jane@example.com"


# --- answering ---


def test_the_right_code_burns_its_item():
    held, code = ready()

    proof = MAIL.verify(held, CEREMONY, code, later(599))

    row = held.authenticator
    assert proof == Proof(Burn(row.subject, row.id, row.items[0].key, later(599)))
    assert MAIL.verify(spend(held, proof), CEREMONY, code, later(599)) == Wrong("none-issued")


def test_a_wrong_code_is_a_mismatch():
    held, code = ready()

    assert MAIL.verify(held, CEREMONY, another(code), NOW) == Wrong("mismatch")


@pytest.mark.parametrize("separator", [" ", "-", "  ", " - "])
def test_a_code_may_be_typed_in_groups(separator):
    held, code = ready()

    answer = separator.join((code[:3], code[3:]))

    assert isinstance(MAIL.verify(held, CEREMONY, answer, NOW), Proof)


def test_without_a_code_sent_nothing_is_right():
    held, _ = bind(MAIL)

    assert MAIL.verify(held, CEREMONY, "123456", NOW) == Wrong("none-issued")


@pytest.mark.parametrize("seconds", [600, 601, 10**6])
def test_a_code_dies_on_time(seconds):
    held, code = ready()

    assert MAIL.verify(held, CEREMONY, code, later(seconds)) == Wrong("expired")


def test_a_code_answers_no_other_ceremony():
    # A13: the code mailed for one login typed into another
    held, code = ready()

    assert MAIL.verify(held, OTHER_LOGIN, code, NOW) == Wrong("other-ceremony")
    assert MAIL.verify(held, OTHER_LOGIN, another(code), NOW) == Wrong("mismatch")


def test_moving_a_row_to_another_ceremony_moves_no_code():
    # The name is inside the MAC: whoever writes to the database gains nothing
    held, code = ready()
    forged = replace(held.authenticator.items[0], ceremony=OTHER_LOGIN)
    row = replace(held.authenticator, items=(forged,))

    assert MAIL.verify(replace(held, authenticator=row), OTHER_LOGIN, code, NOW) == Wrong(
        "mismatch"
    )


@pytest.mark.parametrize(("subject", "number"), [(ALICE, 2), (BOB, 1)])
def test_moving_a_row_to_another_authenticator_moves_no_code(subject, number):
    held, code = ready()
    theirs, _ = bind(MAIL, subject=subject, number=number)
    row = replace(theirs.authenticator, items=held.authenticator.items)

    assert MAIL.verify(replace(theirs, authenticator=row), CEREMONY, code, NOW) == Wrong("mismatch")


def test_a_code_survives_the_rotation_of_keys():
    held, code = ready()
    rotated = replace(held, mac_keys=(b"a newer key of thirty-two bytes.", MAC_KEY))
    retired = replace(held, mac_keys=rotated.mac_keys[:1])

    assert isinstance(MAIL.verify(rotated, CEREMONY, code, NOW), Proof)
    assert MAIL.verify(retired, CEREMONY, code, NOW) == Wrong("mismatch")


def test_an_item_that_names_no_ceremony_and_no_end_is_taken_as_it_stands():
    held, code = ready()
    bare = Item(held.authenticator.items[0].key)
    row = replace(held.authenticator, items=(bare,))

    assert isinstance(MAIL.verify(replace(held, authenticator=row), CEREMONY, code, NOW), Proof)


# --- binding ---


def test_an_address_counts_only_once_it_was_confirmed():
    bound = MAIL.bind(ALICE, Wish(), seed(), NOW)

    assert bound.needs_confirmation
    assert bound.secret == b""
    assert bound.reveal == {"hint": "j***@e***.com"}


def test_an_enrolment_is_confirmed_by_a_code_before_anything_is_stored():
    held, _ = bind(MAIL)
    pending = replace(held, authenticator=replace(held.authenticator, state=Binding.PENDING))

    asked, pending = ask(pending, "enroll.0123456789abcdef")

    proof = MAIL.verify(pending, "enroll.0123456789abcdef", asked.deliver["code"], NOW)
    assert isinstance(proof, Proof)


@pytest.mark.parametrize(
    ("factor", "typed", "kept"),
    [
        (MAIL, "Other@Example.COM", "other@example.com"),
        (MAIL, "o.t+tag@example.com", "o.t+tag@example.com"),
        (SMS, "0049 30 / 999-999", "+4930999999"),
    ],
)
def test_another_address_may_be_wished_in_any_spelling(factor, typed, kept):
    # A139: case variants of one address are one destination
    held, _ = bind(factor, Wish(parameters={"address": typed}))

    assert held.authenticator.parameters["address"] == kept


@pytest.mark.parametrize(
    "address",
    ["", "jane", "@example.com", "jane@", "a@b.c, d@e.f", "jane@example.com\r\nBcc: x@y.z",
     "<jane@example.com>", 17, "jane@exam ple.com", "j" * 300 + "@example.com"],
)  # fmt: skip
def test_what_is_no_address_is_refused(address):
    # A137: it would become a header line
    with pytest.raises(Malformed):
        bind(MAIL, Wish(parameters={"address": address}))


@pytest.mark.parametrize("factor", [MAIL, SMS])
def test_without_an_address_nothing_is_bound(factor):
    with pytest.raises(Malformed) as refused:
        factor.bind(replace(ALICE, email=None, phone=None), Wish(), seed(), NOW)

    assert refused.value.field == "address"


# --- settings and hints ---


@pytest.mark.parametrize(
    ("settings", "named"),
    [
        ({"digits": 5}, "digits"),
        ({"digits": 11}, "digits"),
        ({"lifetime": 0}, "lifetime"),
        ({"lifetime": -1}, "lifetime"),
        ({"lifetime": 3601}, "lifetime"),
        ({"cooldown": -1}, "cooldown"),
        ({"cooldown": 61, "lifetime": 60}, "cooldown"),
        ({"daily": 0}, "daily"),
    ],
)
def test_settings_out_of_range_are_refused_by_name(settings, named):
    with pytest.raises(Misconfigured, match=f"email: {named}"):
        email(**settings)


@pytest.mark.parametrize(
    ("address", "hint"),
    [
        ("jane@example.com", "j***@e***.com"),
        ("j@e.c", "j***@e***.c"),
        ("jane@mail.example.co.uk", "j***@m***.uk"),
        ("root@localhost", "r***@l***"),
        ("жук@пример.рф", "ж***@п***.рф"),
        ("+4930123456", "+49***56"),
        ("+493012345678901", "+49***01"),
    ],
)
def test_a_hint_is_for_the_owner_only(address, hint):
    assert masked(address) == hint
