"""What somebody knows: hashed once, never under another person's salt, never without a cap."""

import pytest
from argon2.exceptions import VerificationError

from tests.factors.bindings import ALICE, CEREMONY, NOW, bind, seed, spend
from twofold.core.effects import Reusable
from twofold.core.errors import Malformed
from twofold.core.types import Aal, Category
from twofold.factors import Held, Proof, Wish, Wrong
from twofold.factors._argon2 import CHEAPEST, OWASP, Argon2, verify
from twofold.factors.password import Password

CHEAP = Password(CHEAPEST)
DEARER = Password(Argon2(memory_kib=16, time=1, lanes=1))


def with_password(text, factor=CHEAP, number=1):
    held, _ = bind(factor, Wish(secret=text.encode()), number=number)
    return held


def test_a_password_opens_a_ceremony_and_proves_knowledge():
    assert (CHEAP.first, CHEAP.slow, CHEAP.asks) == (True, True, False)
    assert (CHEAP.amr, CHEAP.aal, CHEAP.category) == (("pwd",), Aal.ONE, Category.KNOWLEDGE)
    assert Password().parameters == OWASP


@pytest.mark.parametrize(
    "text", ["x", "correct horse", "pässwörd 🔑", " blanks matter ", "a" * 1024]
)
def test_the_right_password_is_right_and_another_is_wrong(text):
    held = with_password(text)

    assert CHEAP.verify(held, CEREMONY, text, NOW) == Proof(Reusable())
    assert CHEAP.verify(held, CEREMONY, text[:-1] + "?", NOW) == Wrong("mismatch")


def test_a_password_needs_no_confirmation_and_shows_nothing():
    bound = CHEAP.bind(ALICE, Wish(secret=b"correct horse"), seed(), NOW)

    assert not bound.needs_confirmation
    assert not bound.reveal
    assert not bound.parameters


def test_two_spellings_of_one_character_are_one_password():
    assert isinstance(CHEAP.verify(with_password("ﬁ"), CEREMONY, "fi", NOW), Proof)
    assert isinstance(CHEAP.verify(with_password("é"), CEREMONY, "e\u0301", NOW), Proof)


def test_case_is_kept():
    assert CHEAP.verify(with_password("Secret"), CEREMONY, "secret", NOW) == Wrong("mismatch")


def test_equal_passwords_of_two_subjects_have_different_hashes():
    assert with_password("same", number=1).secret != with_password("same", number=2).secret


@pytest.mark.parametrize(
    "secret", [None, b"", b"\xff\xfe", b"a" * 1025, "é".encode() * 513], ids=repr
)
def test_what_cannot_be_a_password_is_not_bound(secret):
    with pytest.raises(Malformed) as refused:
        CHEAP.bind(ALICE, Wish(secret=secret), seed(), NOW)

    assert refused.value.field == "password"


@pytest.mark.parametrize(
    "answer", ["", "a" * 1025, "a" * 10**6, "\ud800", 12345678, None, {"password": "x"}, b"bytes"],
    ids=lambda answer: repr(answer)[:16],
)  # fmt: skip
def test_what_cannot_be_a_password_is_never_hashed(answer):
    unreadable = Held(with_password("x").authenticator, b"whoever hashes trips over this")

    assert CHEAP.verify(unreadable, CEREMONY, answer, NOW) == Wrong("malformed")
    with pytest.raises(VerificationError):
        CHEAP.verify(unreadable, CEREMONY, "a password", NOW)


def test_a_right_password_under_old_parameters_comes_with_a_new_hash():
    held = with_password("correct horse")

    proof = DEARER.verify(held, CEREMONY, "correct horse", NOW)

    assert proof.spend == Reusable()
    assert not DEARER.parameters.needs_rehash(proof.renew.decode())
    assert verify(proof.renew.decode(), b"correct horse")
    renewed = spend(held, proof)
    assert DEARER.verify(renewed, CEREMONY, "correct horse", NOW) == Proof(Reusable())


def test_a_wrong_password_under_old_parameters_changes_nothing():
    assert DEARER.verify(with_password("correct horse"), CEREMONY, "wrong", NOW) == Wrong(
        "mismatch"
    )


def test_renewing_keeps_salts_apart():
    renewed = {
        DEARER.verify(with_password("same", number=n), CEREMONY, "same", NOW).renew
        for n in range(4)
    }

    assert len({hash_.split(b"$")[4] for hash_ in renewed}) == 4


@pytest.mark.parametrize("factor", [CHEAP, DEARER])
def test_a_decoy_costs_what_a_hash_costs_and_nobody_has_it(factor):
    decoy = factor.decoy

    assert decoy == factor.decoy
    assert not factor.parameters.needs_rehash(decoy.decode())
    held = Held(with_password("x").authenticator, decoy)
    for guess in ("", "x", "decoy", "twofold: nobody has this password"):
        assert isinstance(factor.verify(held, CEREMONY, guess, NOW), Wrong)
