"""What Structr exports of its users, and which of their secrets may go on to be used."""

import base64
import json

import pytest

from twofold.core.errors import Malformed
from twofold.dialects.structr.users_export import Exported, Unreadable, read

LONG = "GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ"
RAW = b"12345678901234567890"
SHORT = base64.b32encode(b"1234567890").decode()
ALICE = {
    "id": "0a1b2c3d4e5f60718293a4b5c6d7e8f9",
    "type": "User",
    "name": "alice",
    "eMail": "alice@example.org",
    "isTwoFactorUser": True,
    "twoFactorConfirmed": True,
    "twoFactorSecret": LONG,
    "isAdmin": False,
    "password": "****** HIDDEN ******",
    "sessionIds": ["x"],
}


def one(**changes):
    (found,) = read(json.dumps([ALICE | changes]))
    return found


def test_a_user_with_its_secret_is_read():
    assert one() == Exported(
        name="alice", id=ALICE["id"], email="alice@example.org", two_factor=True, secret=RAW
    )
    assert LONG not in repr(one())
    assert repr(RAW) not in repr(one())


@pytest.mark.parametrize(
    "text",
    [
        json.dumps({"result": [ALICE], "result_count": 1, "page_count": 1}),
        json.dumps({"result": ALICE}),
        json.dumps([ALICE]),
        json.dumps(ALICE),
        "\ufeff\n" + json.dumps(ALICE),
        (
            "name,eMail,id,isTwoFactorUser,twoFactorConfirmed,twoFactorSecret\n"
            f"alice,alice@example.org,{ALICE['id']},true,TRUE,{LONG}\n"
        ),
        (
            '\ufeffid;"name";eMail;isTwoFactorUser;twoFactorConfirmed;twoFactorSecret\r\n'
            f'{ALICE["id"]};"alice";alice@example.org;1;yes;{LONG.lower()}\r\n'
        ),
    ],
    ids=["answer", "one of an answer", "list", "one", "mark", "commas", "semicolons"],
)
def test_each_form_of_an_export_means_the_same(text):
    assert read(text) == (one(),)


@pytest.mark.parametrize(
    ("changes", "secret", "why"),
    [
        ({}, RAW, ""),
        ({"twoFactorSecret": SHORT}, None, "has a secret of 80 bits, less than 128"),
        ({"twoFactorSecret": None}, None, "has no secret in the export"),
        ({"twoFactorSecret": "****** HIDDEN ******"}, None, "has a hidden secret in the export"),
        ({"twoFactorSecret": "1!"}, None, "has a secret that is not base32"),
        ({"twoFactorConfirmed": False}, None, "was never confirmed"),
        ({"twoFactorConfirmed": None}, None, "was never confirmed"),
        ({"isTwoFactorUser": False}, RAW, ""),
        ({"isTwoFactorUser": False, "twoFactorSecret": SHORT}, None, ""),
    ],
    ids=[
        "fine", "short", "none", "hidden", "garbage", "pending", "null", "off", "off and short",
    ],
)  # fmt: skip
def test_a_secret_goes_on_only_if_it_was_confirmed_and_is_long_enough(changes, secret, why):
    found = one(**changes)

    assert (found.secret, found.why) == (secret, why)


@pytest.mark.parametrize(
    ("changes", "field", "value"),
    [
        ({"id": "0A1B2C3D-4E5F-6071-8293-A4B5C6D7E8F9"}, "id", ALICE["id"]),
        ({"id": "user-1"}, "id", None),
        ({"id": 7}, "id", None),
        ({"eMail": " "}, "email", None),
        ({"name": None}, "name", "alice@example.org"),
        ({"blocked": True}, "blocked", True),
        ({"isAdmin": "true"}, "admin", True),
        ({"confirmationKey": "k"}, "unconfirmed", True),
        ({"locale": "de_DE"}, "locale", "de_DE"),
    ],
)
def test_what_else_a_user_has_is_kept(changes, field, value):
    assert getattr(one(**changes), field) == value


@pytest.mark.parametrize(
    ("changes", "fault"),
    [
        ({"name": "", "eMail": None}, "has neither name nor eMail"),
        ({"name": 7, "eMail": []}, "has neither name nor eMail"),
        ({"isTwoFactorUser": "maybe"}, "isTwoFactorUser is neither true nor false"),
        ({"blocked": 1}, "blocked is neither true nor false"),
        ({"isAdmin": {}}, "isAdmin is neither true nor false"),
    ],
)
def test_an_entry_that_makes_no_user_is_named_and_the_others_are_read(changes, fault):
    bad = ALICE | changes

    first, second = read(json.dumps([bad, ALICE]))

    assert first == Unreadable(1, second.name if bad["name"] == "alice" else "", fault)
    assert second == one()


@pytest.mark.parametrize(
    "text",
    ["", "{", "[1]", '{"result": 1}', "[" * 100_000, "a,b\n1,2\n", 'name\n"x', "just words"],
    ids=["empty", "cut", "numbers", "result", "deep", "other table", "open quote", "words"],
)
def test_what_is_no_export_is_refused(text):
    with pytest.raises(Malformed):
        read(text)


def test_an_export_of_nobody_is_one():
    assert read("[]") == ()
    assert read("name,eMail\n") == ()
