"""RFC 4226 and RFC 6238, with two second opinions."""

import base64
import json
import random
import shutil
import subprocess
from pathlib import Path

import pyotp
import pytest
from hypothesis import given
from hypothesis import strategies as st

from twofold.core.errors import Malformed
from twofold.core.otp import (
    ALGORITHMS,
    Totp,
    drift,
    from_keyboard,
    hotp,
    match,
    normalise,
    step_at,
)
from twofold.core.types import SECOND, Instant

VECTORS = Path(__file__).parents[1] / "vectors"
RFC4226 = json.loads((VECTORS / "rfc4226.json").read_text())
RFC6238 = json.loads((VECTORS / "rfc6238.json").read_text())
SECRET = bytes.fromhex(RFC4226["secret"])
FAR = 2**64 - 1
TWIN, APART = 153_567, 2

secrets = st.binary(min_size=16, max_size=64)
steps = st.integers(min_value=20, max_value=2**40)
parameters = st.builds(
    Totp, st.sampled_from(sorted(ALGORITHMS)), st.integers(6, 8), st.integers(1, 86_400)
)


def at(seconds: int) -> Instant:
    return Instant(seconds * SECOND)


@pytest.mark.parametrize(("counter", "code"), [*enumerate(RFC4226["codes"])])
def test_hotp_gives_the_codes_of_rfc_4226_appendix_d(counter, code):
    assert hotp(SECRET, counter) == code


@pytest.mark.parametrize("row", RFC6238["codes"], ids=lambda row: str(row["seconds"]))
@pytest.mark.parametrize("algorithm", sorted(ALGORITHMS))
def test_totp_gives_the_codes_of_rfc_6238_appendix_b(row, algorithm):
    step = step_at(at(row["seconds"]), RFC6238["period"])
    secret = bytes.fromhex(RFC6238["secrets"][algorithm])
    assert step == row["step"]
    assert hotp(secret, step, RFC6238["digits"], algorithm) == row[algorithm]
    found = match(secret, row[algorithm], step, Totp(algorithm, 8), past=0, future=0)
    assert found == row["step"]


def draws(count):
    source = random.Random(6238)
    for _ in range(count):
        algorithm = source.choice(sorted(ALGORITHMS))
        secret = source.randbytes(source.choice((16, 20, 32, 64, 100, 129)))
        period = source.choice((1, 15, 30, 60, 97, 86_400))
        seconds = source.choice((0, 2**31 - 40, 2**32 - 40, source.randrange(2**34)))
        yield algorithm, secret, source.randint(6, 8), period, seconds


def test_codes_are_those_of_pyotp():
    for algorithm, secret, digits, period, seconds in draws(3_000):
        other = pyotp.HOTP(
            base64.b32encode(secret).decode(), digits=digits, digest=ALGORITHMS[algorithm]
        )
        step = step_at(at(seconds), period)
        assert hotp(secret, step, digits, algorithm) == other.at(step)


@pytest.mark.realparts
@pytest.mark.skipif(shutil.which("oathtool") is None, reason="oathtool is not installed")
def test_codes_are_those_of_oathtool():
    window = 30
    for algorithm, secret, digits, period, seconds in draws(100):
        command = ["oathtool", f"--totp={algorithm}", "-d", str(digits), "-s", f"{period}s"]
        command += ["-w", str(window), "-N", f"@{seconds}", secret.hex()]
        theirs = subprocess.run(command, check=True, capture_output=True, text=True).stdout
        first = step_at(at(seconds), period)
        ours = [hotp(secret, first + i, digits, algorithm) for i in range(window + 1)]
        assert ours == theirs.split()


@pytest.mark.parametrize(
    ("seconds", "step"),
    [(0, 0), (29, 0), (30, 1), (2**31, 71582788), (2**32, 143165576), (253402300800, 8446743360)],
    ids=["the epoch", "one second before", "on the edge", "2038", "2106", "the year 10000"],
)
def test_a_step_begins_on_its_first_microsecond_in_any_year(seconds, step):
    assert step_at(at(seconds), 30) == step
    assert step_at(Instant(step * 30 * SECOND), 30) == step
    assert step_at(Instant(step * 30 * SECOND - 1), 30) == step - 1


@given(secrets, steps, parameters, st.integers(0, 3), st.integers(0, 3), st.integers(-5, 5))
def test_a_code_is_right_in_its_window_and_nowhere_else(secret, step, how, past, future, off):
    code = hotp(secret, step + off, how.digits, how.algorithm)
    window = range(step - past, step + future + 1)
    right = [s for s in window if hotp(secret, s, how.digits, how.algorithm) == code]
    assert match(secret, code, step, how, past=past, future=future) == max(right, default=None)
    assert not -past <= off <= future or right


def test_of_two_steps_with_one_code_the_later_is_spent():
    """Otherwise the very same digits would be good a second time."""
    code = hotp(SECRET, TWIN)
    assert hotp(SECRET, TWIN + APART) == code
    assert match(SECRET, code, TWIN, Totp(), past=0, future=APART) == TWIN + APART


def test_a_window_that_reaches_beyond_time_is_cut():
    assert match(SECRET, RFC4226["codes"][0], 0, Totp(), past=5, future=0) == 0
    assert match(SECRET, hotp(SECRET, FAR), FAR, Totp(), past=0, future=5) == FAR


@pytest.mark.parametrize("off", range(-12, 13))
def test_drift_says_how_many_steps_a_clock_is_off(off):
    code = hotp(SECRET, 1_000_000 + off)
    assert drift(SECRET, code, 1_000_000, Totp()) == (off if -10 <= off <= 10 else None)


@pytest.mark.parametrize(
    ("typed", "code"),
    [
        ("123456", "123456"),
        ("012345", "012345"),
        ("123 456", "123456"),
        ("123-456", "123456"),
        (" 123456 ", "123456"),
        ("1 2 3 4 5 6", "123456"),
    ],
)
def test_blanks_and_dashes_in_a_code_are_ignored(typed, code):
    assert normalise(typed, 6) == code


@pytest.mark.parametrize(
    "typed",
    [
        "", " ", "-" * 6, "1", "12345", "1234567", "123456\n", " 123456\n", "123456\r\n",
        "\t123456", "123\u00a0456", "+123456", "1_23456", "123456\x00", "12345a", "0x1234",
        "１２３４５６", "١٢٣٤٥٦", "²³¹²³¹", "123456.0", "1e5000", "123456" + " " * 40,
        "\ud800", None, True, 123456, 123456.0, [], {}, b"123456",
    ],
    ids=repr,
)  # fmt: skip
def test_what_is_not_exactly_a_code_is_none(typed):
    assert normalise(typed, 6) is None


@given(st.integers(6, 8).flatmap(lambda n: st.text("0123456789", min_size=n, max_size=n)))
def test_every_code_is_its_own_normal_form(code):
    assert normalise(code, len(code)) == code


@pytest.mark.parametrize(
    ("typed", "plain"),
    [
        ("１２３\u3000４５６", "123 456"),
        ("١٢٣–٤٥٦", "123-456"),
        ("१२३\u00a0४५६", "123 456"),
        ("abc DEF", "abc DEF"),
        ("²³", "²³"),
        ("1\n2\t", "1\n2\t"),
    ],
)
def test_a_keyboard_of_any_script_types_digits_on_a_page(typed, plain):
    assert from_keyboard(typed) == plain


def test_a_long_paste_is_cut_before_anything_is_done_with_it():
    assert len(from_keyboard("1" * 1_000_000)) == 64


@pytest.mark.parametrize(
    ("values", "field"),
    [
        ({"algorithm": "MD5"}, "algorithm"),
        ({"algorithm": "sha1"}, "algorithm"),
        ({"algorithm": 1}, "algorithm"),
        ({"digits": 5}, "digits"),
        ({"digits": 9}, "digits"),
        ({"digits": "6"}, "digits"),
        ({"digits": True}, "digits"),
        ({"digits": 6.0}, "digits"),
        ({"period": 0}, "period"),
        ({"period": -30}, "period"),
        ({"period": 86_401}, "period"),
        ({"period": None}, "period"),
    ],
)
def test_parameters_out_of_range_are_refused_by_name(values, field):
    with pytest.raises(Malformed) as caught:
        Totp.of(values)
    assert caught.value.field == field


@given(parameters)
def test_parameters_survive_beside_the_secret(how):
    assert Totp.of({**how.parameters(), "unknown": 1}) == how


def test_absent_parameters_are_those_every_app_knows():
    assert Totp.of({}) == Totp("SHA1", 6, 30)
