"""What somebody has: every step once, in its window, as the key's own app makes its codes."""

from dataclasses import replace

import pyotp
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.factors.bindings import ALICE, CEREMONY, NOBODYS_WISH, NOW, bind, later, seed, spend
from twofold.core import otp, otpauth
from twofold.core.effects import Advance
from twofold.core.errors import Malformed, Misconfigured
from twofold.core.types import SECOND, Aal, Binding, Category, Instant
from twofold.factors import Proof, Wish, Wrong
from twofold.factors.totp import TotpFactor

FACTOR = TotpFactor("Twofold")
STEP = otp.step_at(NOW, 30)


def code(held, step=STEP):
    parameters = otp.Totp.of(held.authenticator.parameters)
    return otp.hotp(held.secret, step, parameters.digits, parameters.algorithm)


def test_an_app_is_possession_and_helps_to_the_second_level():
    assert (FACTOR.first, FACTOR.slow, FACTOR.asks) == (False, False, False)
    assert (FACTOR.amr, FACTOR.aal, FACTOR.category) == (("otp",), Aal.TWO, Category.POSSESSION)


@pytest.mark.parametrize(("algorithm", "size"), [("SHA1", 20), ("SHA256", 32), ("SHA512", 64)])
def test_a_new_key_is_as_long_as_its_hash(algorithm, size):
    bound = TotpFactor("Twofold", algorithm).bind(ALICE, NOBODYS_WISH, seed(), NOW)

    assert len(bound.secret) == size
    assert bound.parameters == {"algorithm": algorithm, "digits": 6, "period": 30}
    assert bound.needs_confirmation


def test_what_is_shown_once_is_all_that_an_app_needs():
    bound = TotpFactor("My Shop", "SHA256", 8, 60).bind(
        ALICE, Wish(account="jane@example.com"), seed(), NOW
    )
    shown = bound.reveal

    read = otpauth.parse(shown["uri"])

    assert (read.issuer, read.account, read.secret) == ("My Shop", "jane@example.com", bound.secret)
    assert (read.algorithm, read.digits, read.period) == ("SHA256", 8, 60)
    assert otpauth.from_base32(shown["secret"]) == bound.secret
    assert shown["secret_groups"].replace(" ", "") == shown["secret"]
    assert shown["secret_groups"][4] == " "
    assert {key: shown[key] for key in ("algorithm", "digits", "period", "issuer", "account")} == {
        "algorithm": "SHA256",
        "digits": 8,
        "period": 60,
        "issuer": "My Shop",
        "account": "jane@example.com",
    }


def test_an_account_without_a_wish_is_called_by_its_name():
    assert bind(FACTOR)[1]["account"] == "alice"


def test_another_authenticator_app_shows_codes_we_take():
    held, reveal = bind(FACTOR)
    app = pyotp.parse_uri(reveal["uri"])

    assert isinstance(FACTOR.verify(held, CEREMONY, app.at(NOW // 10**6), NOW), Proof)


def test_a_right_code_advances_the_mark_to_its_step():
    held, _ = bind(FACTOR)

    proof = FACTOR.verify(held, CEREMONY, code(held), NOW)

    row = held.authenticator
    assert proof.spend == Advance(row.subject, row.id, mark=STEP, at=NOW)
    assert proof.note == f"step={STEP}"


@pytest.mark.parametrize("pretty", ["{0[0]}{0[1]}{0[2]} {1}", "{0}-{1}", " {0} {1} "])
def test_a_code_may_be_typed_in_groups(pretty):
    held, _ = bind(FACTOR)
    right = code(held)

    assert isinstance(
        FACTOR.verify(held, CEREMONY, pretty.format(right[:3], right[3:]), NOW), Proof
    )


WINDOWS = [(past, future) for past in (0, 1, 2, 10) for future in (0, 1)]


@pytest.mark.parametrize(("past", "future"), WINDOWS)
def test_the_window_is_exactly_as_wide_as_it_is_set(past, future):
    factor = TotpFactor("Twofold", past=past, future=future)
    held, _ = bind(factor)

    taken = [
        offset
        for offset in range(-12, 13)
        if isinstance(factor.verify(held, CEREMONY, code(held, STEP + offset), NOW), Proof)
    ]

    assert taken == list(range(-past, future + 1))


@pytest.mark.parametrize("drift", [-10, -2, 1, 10])
def test_how_far_a_clock_is_off_is_known_to_the_log(drift):
    held, _ = bind(FACTOR)

    wrong = FACTOR.verify(held, CEREMONY, code(held, STEP + drift), NOW)

    assert (wrong.hint, wrong.drift) == ("mismatch", drift)


@pytest.mark.parametrize(
    ("drift", "late"), [(-10, 300), (-2, 60), (1, None), (4, None), (10, None)]
)
def test_only_of_a_code_that_is_over_a_claimant_may_hear(drift, late):
    """A code of a step to come opens the account when its time has come: no word of it."""
    held, _ = bind(FACTOR)

    assert FACTOR.verify(held, CEREMONY, code(held, STEP + drift), NOW).late == late


@pytest.mark.parametrize("past", [0, 1, 3])
def test_a_code_that_may_still_be_taken_is_never_called_late(past):
    factor = TotpFactor("Twofold", past=past)
    held, _ = bind(factor)

    lates = {
        offset: factor.verify(held, CEREMONY, code(held, STEP + offset), NOW).late
        for offset in range(-10, -past)
    }

    assert lates == {offset: -offset * 30 for offset in range(-10, -past)}


def test_a_code_that_is_just_wrong_has_no_drift():
    held, _ = bind(FACTOR)
    around = {code(held, STEP + offset) for offset in range(-10, 11)}
    wrong = next(text for text in map("{:06}".format, range(10**6)) if text not in around)

    assert FACTOR.verify(held, CEREMONY, wrong, NOW) == Wrong("mismatch", None)


@pytest.mark.parametrize("wait", [0, 1, 29, 30, 59])
def test_a_spent_code_is_refused_for_as_long_as_the_window_reaches_it(wait):
    # A03, A09: with a window of one step on both sides, submitted as early as it goes
    factor = TotpFactor("Twofold", past=1, future=1)
    held, _ = bind(factor)
    early = code(held, STEP + 1)
    spent = spend(held, factor.verify(held, CEREMONY, early, NOW))

    assert factor.verify(spent, CEREMONY, early, later(wait)) == Wrong("replayed")
    assert factor.verify(spent, CEREMONY, code(held), NOW) == Wrong("replayed")


@given(offsets=st.lists(st.integers(-3, 3), max_size=12), waits=st.lists(st.integers(0, 90)))
def test_accepted_steps_only_ever_rise(offsets, waits):
    factor = TotpFactor("Twofold", past=2, future=1)
    held, _ = bind(factor)
    now, marks = NOW, []
    for offset, wait in zip(offsets, waits, strict=False):
        now = later(wait, now)
        verdict = factor.verify(held, CEREMONY, code(held, otp.step_at(now, 30) + offset), now)
        if isinstance(verdict, Proof):
            marks.append(verdict.spend.mark)
            held = spend(held, verdict)

    assert marks == sorted(set(marks))


def test_the_same_digits_at_two_steps_are_good_once():
    # The key of RFC 6238 shows 709847 at step 2386 and again at 2394. The higher one is spent:
    # spending the lower would let the same digits in a second time (I1).
    factor = TotpFactor("Twofold", past=10)
    held, _ = bind(factor, Wish(secret=b"12345678901234567890"))
    now = Instant(2394 * 30 * SECOND)

    proof = factor.verify(held, CEREMONY, "709847", now)

    assert proof.spend.mark == 2394
    assert factor.verify(spend(held, proof), CEREMONY, "709847", now) == Wrong("replayed")


def test_changed_settings_never_break_an_old_enrolment():
    # A151: parameters live with the secret
    held, _ = bind(TotpFactor("Twofold", "SHA512", 8, 60))
    step = otp.step_at(NOW, 60)

    assert isinstance(FACTOR.verify(held, CEREMONY, code(held, step), NOW), Proof)
    assert FACTOR.verify(held, CEREMONY, code(held, step)[:6], NOW) == Wrong("malformed")


def test_an_enrolment_is_confirmed_by_a_code_before_anything_is_stored():
    held, _ = bind(FACTOR)
    pending = replace(held, authenticator=replace(held.authenticator, state=Binding.PENDING))

    assert isinstance(FACTOR.verify(pending, CEREMONY, code(held), NOW), Proof)


@pytest.mark.parametrize("size", [16, 20, 64, 128])
def test_a_key_may_be_imported(size):
    held, reveal = bind(FACTOR, Wish(secret=b"k" * size))

    assert held.secret == b"k" * size
    assert otpauth.parse(reveal["uri"]).secret == held.secret


@pytest.mark.parametrize("size", [0, 1, 10, 15, 129, 10_000])
def test_a_key_of_less_than_128_bits_is_refused(size):
    # RFC 4226 R6; the sample JBSWY3DPEHPK3PXP that half the world imports has 80
    with pytest.raises(Malformed) as refused:
        bind(FACTOR, Wish(secret=b"k" * size))

    assert refused.value.field == "secret"


def test_an_imported_key_brings_how_its_app_makes_codes():
    wish = Wish(secret=b"k" * 20, parameters={"algorithm": "SHA256", "digits": 7, "period": 60})
    held, _ = bind(FACTOR, wish)

    assert held.authenticator.parameters == wish.parameters
    assert isinstance(FACTOR.verify(held, CEREMONY, code(held, STEP // 2), NOW), Proof)


@pytest.mark.parametrize(
    "parameters",
    [
        {"algorithm": "MD5"},
        {"digits": 5},
        {"digits": "6"},
        {"digits": True},
        {"period": 0},
        {"period": 300},
    ],
)
def test_a_wish_no_app_can_fulfil_is_refused(parameters):
    with pytest.raises(Malformed) as refused:
        bind(FACTOR, Wish(parameters=parameters))

    assert refused.value.field in parameters


@pytest.mark.parametrize(
    ("settings", "named"),
    [
        ({"algorithm": "MD5"}, "algorithm"),
        ({"digits": 5}, "digits"),
        ({"digits": 9}, "digits"),
        ({"period": 0}, "period"),
        ({"period": 14}, "period"),
        ({"period": 121}, "period"),
        ({"past": -1}, "past"),
        ({"past": 11}, "past"),
        ({"future": -1}, "future"),
        ({"future": 2}, "future"),
    ],
)
def test_settings_out_of_range_are_refused_by_name(settings, named):
    with pytest.raises(Misconfigured, match=named):
        TotpFactor("Twofold", **settings)


def test_all_faults_are_said_at_once():
    with pytest.raises(Misconfigured) as refused:
        TotpFactor("Twofold", digits=3, past=-1, future=-1)

    assert len(refused.value.faults) == 3
