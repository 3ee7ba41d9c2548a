"""Codes on paper: shown once, hashed under one salt, each good once, whatever the shape."""

import string

import pytest
from argon2.exceptions import HashingError

from tests.factors.bindings import ALICE, BOB, CEREMONY, NOW, bind, seed, spend
from twofold.core import codes
from twofold.core.effects import Burn
from twofold.core.errors import Malformed, Misconfigured
from twofold.core.types import Aal, Category
from twofold.factors import Proof, Wish, Wrong
from twofold.factors._argon2 import CHEAPEST, DRAWN, OWASP, Argon2
from twofold.factors.recovery_codes import RecoveryCodes

CHEAP = RecoveryCodes(strong=CHEAPEST, weak=CHEAPEST)
CONDUIT = {"count": 10, "length": 8, "alphabet": string.ascii_uppercase + string.digits, "group": 0}
SINGULARITY = {"count": 6, "length": 10, "alphabet": string.ascii_letters + string.digits}


def test_recovery_codes_are_a_category_of_their_own():
    assert (CHEAP.first, CHEAP.slow, CHEAP.asks) == (False, True, False)
    assert (CHEAP.amr, CHEAP.aal, CHEAP.category) == (("otp", "rc"), Aal.ONE, Category.RECOVERY)


def test_a_set_is_ten_codes_of_eighty_bits():
    _, reveal = bind(CHEAP)

    assert len(set(reveal["codes"])) == 10
    assert {len(code) for code in reveal["codes"]} == {19}  # four groups of four
    assert len(codes.RECOVERY_ALPHABET) ** 16 == 2**80


def test_every_code_of_a_set_works_once():
    held, reveal = bind(CHEAP)

    for left, code in zip(range(9, -1, -1), reveal["codes"], strict=True):
        proof = CHEAP.verify(held, CEREMONY, code, NOW)
        assert isinstance(proof.spend, Burn)
        assert proof.note == f"left={left}"
        held = spend(held, proof)
        assert isinstance(CHEAP.verify(held, CEREMONY, code, NOW), Wrong)

    assert held.authenticator.items == ()
    assert CHEAP.verify(held, CEREMONY, reveal["codes"][0], NOW) == Wrong("none-issued")


@pytest.mark.parametrize(
    "typed", [str.upper, str.lower, lambda c: c.replace("-", ""), lambda c: c.replace("-", " "),
              lambda c: f"  {c}  ", lambda c: c.replace("0", "o").replace("1", "L")],
)  # fmt: skip
def test_a_code_may_be_typed_as_it_is_read(typed):
    held, reveal = bind(CHEAP)

    for code in reveal["codes"]:
        assert isinstance(CHEAP.verify(held, CEREMONY, typed(code), NOW), Proof)


@pytest.mark.parametrize("change", [lambda c: c[:-1], lambda c: c + "0", lambda c: c + c])
def test_a_part_of_a_code_or_more_than_one_is_nothing(change):
    held, reveal = bind(CHEAP)

    assert CHEAP.verify(held, CEREMONY, change(reveal["codes"][0]), NOW) == Wrong("malformed")


def test_another_code_of_the_right_shape_is_a_mismatch():
    held, _ = bind(CHEAP)

    assert CHEAP.verify(held, CEREMONY, "0" * 16, NOW) == Wrong("mismatch")


def test_a_new_set_is_another_set():
    # A11: regenerating replaces the authenticator, and nothing of the old one fits
    _, old = bind(CHEAP, number=1)
    held, _ = bind(CHEAP, number=2)

    for code in old["codes"]:
        assert CHEAP.verify(held, CEREMONY, code, NOW) == Wrong("mismatch")


def test_each_set_has_a_salt_of_its_own():
    mine, theirs = bind(CHEAP, number=1)[0], bind(CHEAP, subject=BOB, number=2)[0]

    assert len(mine.secret) == 32
    assert mine.secret != theirs.secret
    assert mine.secret.hex() not in repr(mine.authenticator)


def test_what_is_kept_is_argon2id_under_the_salt_of_the_set():
    held, reveal = bind(CHEAP)

    kept = {item.key for item in held.authenticator.items}

    assert kept == {
        CHEAPEST.raw(code.replace("-", "").encode(), held.secret).hex() for code in reveal["codes"]
    }


def test_a_set_needs_no_confirmation():
    assert not CHEAP.bind(ALICE, Wish(), seed(), NOW).needs_confirmation


def test_long_codes_are_hashed_cheaply_and_short_ones_in_full():
    # A89: what is below 80 bits must withstand whoever has database and keys
    assert (CHEAP.strong, RecoveryCodes().strong, RecoveryCodes().weak) == (CHEAPEST, DRAWN, OWASP)
    marked = {"strong": Argon2(8), "weak": Argon2(9)}
    for shape, memory in [
        ({}, 8),
        ({"length": 15}, 9),
        (CONDUIT, 9),
        (SINGULARITY, 9),
        (SINGULARITY | {"length": 16}, 8),
    ]:
        held, reveal = bind(RecoveryCodes(**shape, **marked))

        assert held.authenticator.parameters["memory_kib"] == memory
        assert isinstance(CHEAP.verify(held, CEREMONY, reveal["codes"][0], NOW), Proof)


def test_changed_settings_never_break_a_printed_set():
    held, reveal = bind(RecoveryCodes(**CONDUIT, strong=CHEAPEST, weak=Argon2(16, 2)))

    assert isinstance(CHEAP.verify(held, CEREMONY, reveal["codes"][0], NOW), Proof)


@pytest.mark.parametrize(("shape", "length"), [(CONDUIT, 8), (SINGULARITY | {"group": 0}, 10)])
def test_a_dialect_may_ask_for_the_shape_it_documents(shape, length):
    held, reveal = bind(CHEAP, Wish(parameters=shape))

    assert len(reveal["codes"]) == shape["count"]
    assert {len(code) for code in reveal["codes"]} == {length}
    assert set("".join(reveal["codes"])) <= set(shape["alphabet"])
    for code in reveal["codes"]:
        assert isinstance(CHEAP.verify(held, CEREMONY, code, NOW), Proof)


def test_case_matters_where_the_alphabet_has_both():
    held, reveal = bind(CHEAP, Wish(parameters=SINGULARITY))
    code = reveal["codes"][0]

    assert isinstance(CHEAP.verify(held, CEREMONY, code.swapcase(), NOW), Wrong)


@pytest.mark.parametrize(
    "parameters",
    [{"count": 0}, {"count": "10"}, {"count": True}, {"length": 0}, {"length": 3},
     {"alphabet": "ab-"}, {"alphabet": 7}, {"group": -1}],
    ids=str,
)  # fmt: skip
def test_a_shape_that_makes_no_codes_is_refused(parameters):
    with pytest.raises(Malformed):
        bind(CHEAP, Wish(parameters=parameters))


def test_codes_are_drawn_and_never_chosen():
    with pytest.raises(Malformed) as refused:
        bind(CHEAP, Wish(secret=b"0123456789abcdef"))

    assert refused.value.field == "secret"


@pytest.mark.parametrize(
    ("settings", "named"),
    [
        ({"count": 0}, "count"),
        ({"count": -1}, "count"),
        ({"count": 101}, "count"),
        ({"length": 0}, "length"),
        ({"length": -16}, "length"),
        ({"length": 65}, "length"),
        ({"length": 3}, "length"),
        ({"length": 5, "alphabet": "0123456789"}, "length"),
        ({"group": -1}, "group"),
        ({"alphabet": ""}, "alphabet"),
        ({"alphabet": "a"}, "alphabet"),
        ({"alphabet": "aa"}, "alphabet"),
        ({"alphabet": "ab "}, "alphabet"),
        ({"alphabet": "äöü"}, "alphabet"),
    ],
)
def test_settings_that_make_no_codes_are_refused_by_name(settings, named):
    with pytest.raises(Misconfigured, match=f"recovery: {named}"):
        RecoveryCodes(**settings)


def test_all_faults_are_said_at_once():
    with pytest.raises(Misconfigured) as refused:
        RecoveryCodes(count=0, length=0, alphabet="")

    assert len(refused.value.faults) == 3


@pytest.mark.parametrize("answer", ["", "123456", "0" * 10**6, "0" * 257, "-" * 16, None, 5, {}])
def test_what_cannot_be_a_code_is_never_hashed(answer):
    # A73 (a TOTP code in this slot) and A125 (a megabyte in it)
    held, _ = bind(CHEAP)
    saltless = type(held)(held.authenticator, b"", ())  # whoever hashes trips over this

    assert CHEAP.verify(saltless, CEREMONY, answer, NOW) == Wrong("malformed")
    with pytest.raises(HashingError):
        CHEAP.verify(saltless, CEREMONY, "0" * 16, NOW)
