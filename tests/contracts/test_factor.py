"""The laws of every kind of authenticator; a new one adds its line to KINDS and RIGHT_ANSWER."""

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.factors import passkeys
from tests.factors.bindings import ALICE, BOB, CEREMONY, NOW, bind, issue, later, seed, spend
from twofold.core import otp
from twofold.core.effects import Advance, Burn, Reusable
from twofold.core.errors import NotPossible
from twofold.core.types import Aal, Category
from twofold.factors import Proof, Wish, Wrong
from twofold.factors._argon2 import CHEAPEST
from twofold.factors.email import email
from twofold.factors.password import Password
from twofold.factors.recovery_codes import RecoveryCodes
from twofold.factors.totp import TotpFactor

PASSWORD = "correct horse battery staple"
HINTS = {
    "malformed", "mismatch", "replayed", "expired", "none-issued", "other-ceremony",
    "other-origin", "unverified", "already-bound",
}  # fmt: skip

KINDS = {
    "password": (Password(CHEAPEST), Wish(secret=PASSWORD.encode())),
    "totp": (TotpFactor("Twofold"), Wish()),
    "email": (email(), Wish()),
    "recovery": (RecoveryCodes(strong=CHEAPEST, weak=CHEAPEST), Wish()),
    "webauthn": (passkeys.FACTOR, Wish()),
}

RIGHT_ANSWER = {
    "password": lambda held, reveal, asked: PASSWORD,
    "totp": lambda held, reveal, asked: otp.hotp(held.secret, otp.step_at(NOW, 30)),
    "email": lambda held, reveal, asked: asked.deliver["code"],
    "recovery": lambda held, reveal, asked: reveal["codes"][0],
    "webauthn": lambda held, reveal, asked: reveal["passkey"].get(asked.show["webauthn"]),
}


def _enrolled(subject, number):
    passkey, held = passkeys.enrolled(subject=subject, number=number)
    return held, {"passkey": passkey}


CONFIRMED = {"webauthn": _enrolled}
"""Kinds that have nothing to answer with before they were confirmed."""

TYPE_ZOO = [
    None, True, False, 0, 1, 123456, 123456.0, -1, 10**40, float("nan"), b"123456", [], {}, (),
    {"code": "123456"}, ["123456"], "", " ", "\0", "null", "true", "000000", "0", "1", "1e5",
    "+12345", "-12345", "1_2345", "123456\n", "\t123456", "\uff11\uff12\uff13\uff14\uff15\uff16",
    "\u0661\u0662\u0663\u0664\u0665\u0666", "\u00b2\u00b3", "\ud800", "9" * 1_000_000,
    "a" * 1_000_000, "-" * 200, "%s", "{0}", "' or 1=1 --",
]  # fmt: skip

every_kind = pytest.mark.parametrize("kind", KINDS)


def ready(kind, *, subject=ALICE, number=1):
    """The factor, an authenticator of a subject that may be answered, and the right answer."""
    factor, wish = KINDS[kind]
    make = CONFIRMED.get(kind)
    held, reveal = (
        make(subject, number) if make else bind(factor, wish, subject=subject, number=number)
    )
    asked = None
    if factor.asks:
        asked = factor.ask(subject, held, CEREMONY, seed(number), NOW)
        held = issue(held, asked)
    return factor, held, RIGHT_ANSWER[kind](held, reveal, asked)


def spelled(answer):
    """An answer as it would be found in a text."""
    text = answer if isinstance(answer, str) else answer["response"]["signature"]
    return text.replace("-", "").replace(" ", "")


def test_every_factor_we_bring_obeys_these_laws():
    assert {factor.kind for factor, _ in KINDS.values()} == KINDS.keys() == RIGHT_ANSWER.keys()


@every_kind
def test_a_kind_says_what_it_is(kind):
    factor, _ = KINDS[kind]

    assert factor.kind == kind
    assert factor.amr
    assert all(word.isascii() for word in factor.amr)
    assert isinstance(factor.aal, Aal)
    assert isinstance(factor.category, Category)
    assert {type(factor.first), type(factor.slow), type(factor.asks)} == {bool}


@every_kind
def test_a_right_answer_hands_over_what_it_uses_up(kind):
    factor, held, answer = ready(kind)

    verdict = factor.verify(held, CEREMONY, answer, NOW)

    assert isinstance(verdict, Proof)
    assert isinstance(verdict.spend, Advance | Burn | Reusable)
    if not isinstance(verdict.spend, Reusable):
        row = held.authenticator
        assert (verdict.spend.subject, verdict.spend.authenticator) == (row.subject, row.id)


@every_kind
def test_only_a_password_may_be_used_again(kind):
    factor, held, answer = ready(kind)
    proof = factor.verify(held, CEREMONY, answer, NOW)

    again = factor.verify(spend(held, proof), CEREMONY, answer, NOW)

    assert isinstance(again, Proof if kind == "password" else Wrong)


@every_kind
def test_judging_the_same_twice_gives_the_same_verdict(kind):
    factor, held, answer = ready(kind)

    first = factor.verify(held, CEREMONY, answer, NOW)

    assert factor.verify(held, CEREMONY, answer, NOW) == first


@every_kind
def test_binding_is_a_function_of_its_seed(kind):
    factor, wish = KINDS[kind]

    once, again, other = (factor.bind(ALICE, wish, seed(n), NOW) for n in (1, 1, 2))

    assert once == again
    assert (once.secret, once.items) != (other.secret, other.items) or factor.asks


@pytest.mark.parametrize("kind", [kind for kind, (factor, _) in KINDS.items() if not factor.asks])
def test_a_seed_without_randomness_makes_no_secret(kind):
    factor, wish = KINDS[kind]

    with pytest.raises(ValueError, match="seed"):
        factor.bind(ALICE, wish, b"", NOW)


@every_kind
@pytest.mark.parametrize("answer", TYPE_ZOO, ids=lambda answer: repr(answer)[:20])
def test_an_answer_of_any_shape_is_wrong_and_never_breaks(kind, answer):
    factor, held, _ = ready(kind)

    verdict = factor.verify(held, CEREMONY, answer, NOW)

    assert isinstance(verdict, Wrong)
    assert verdict.hint in HINTS


@given(answer=st.text())
def test_no_text_breaks_a_factor(answer):
    for kind in KINDS:
        factor, held, right = ready(kind)

        verdict = factor.verify(held, CEREMONY, answer, NOW)

        assert isinstance(verdict, Wrong) or spelled(answer) == spelled(right)


@pytest.mark.parametrize(("kind", "other"), list(itertools.permutations(KINDS, 2)))
def test_the_right_answer_of_one_kind_is_wrong_for_another(kind, other):
    factor, held, _ = ready(kind)
    *_, answer = ready(other)

    assert isinstance(factor.verify(held, CEREMONY, answer, NOW), Wrong)


@pytest.mark.parametrize(
    "kind", sorted(KINDS.keys() - {"password"})
)  # two may have the same password
def test_the_right_answer_of_another_authenticator_is_wrong(kind):
    factor, held, _ = ready(kind)

    for subject, number in ((ALICE, 2), (BOB, 3)):
        *_, answer = ready(kind, subject=subject, number=number)

        assert isinstance(factor.verify(held, CEREMONY, answer, NOW), Wrong)


@every_kind
def test_what_is_stored_in_clear_shows_neither_secret_nor_answer(kind):
    factor, held, answer = ready(kind)
    row = held.authenticator
    clear = repr((row.parameters, [item.key for item in row.items], row)).replace("-", "")

    assert spelled(answer) not in clear
    for spelling in (held.secret.hex(), repr(held.secret)[2:-1]):
        assert not held.secret or spelling not in clear
    verdict = factor.verify(held, CEREMONY, answer, NOW)
    assert spelled(answer) not in verdict.note


@every_kind
def test_no_secret_shows_when_a_value_is_printed(kind):
    factor, wish = KINDS[kind]
    bound = factor.bind(ALICE, wish, seed(), NOW)
    held, reveal = bind(factor, wish)
    told = [text for text in reveal.values() if isinstance(text, str) and len(text) > 15]
    told += list(reveal.get("codes", ()))
    _, _, answer = ready(kind)
    proof = factor.verify(ready(kind)[1], CEREMONY, answer, NOW)

    printed = repr((factor, wish, bound, held, proof))

    assert not bound.secret or repr(bound.secret)[2:-1] not in printed
    assert spelled(answer) not in printed
    assert not any(text in printed for text in told)


@every_kind
def test_only_what_must_be_asked_for_can_be_asked_for(kind):
    factor, wish = KINDS[kind]
    held, _ = bind(factor, wish)
    if factor.asks:
        asked = factor.ask(ALICE, held, CEREMONY, seed(), NOW)
        assert asked.expires_at > NOW
        if asked.deliver is None:
            # What is not sent is shown, and nothing has to be kept for it.
            assert (bool(asked.show), asked.items) == (True, None)
        else:
            assert asked.items
            assert asked.deliver.keys() >= {"channel", "to", "template"}
        return

    with pytest.raises(NotPossible):
        factor.ask(ALICE, held, CEREMONY, seed(), NOW)


@every_kind
def test_a_clock_at_its_ends_breaks_no_factor(kind):
    factor, held, answer = ready(kind)

    for moment in (later(0, 0), later(2**33), later(2**40)):
        assert isinstance(factor.verify(held, CEREMONY, answer, moment), Proof | Wrong)


@every_kind
def test_a_factor_is_a_value(kind):
    factor, _ = KINDS[kind]

    assert hash(factor) == hash(factor)
    with pytest.raises(AttributeError):
        factor.kind = "other"
