"""A real structr.conf beside our own file: recognised, read, and refused by file and key."""

from pathlib import Path

import pytest

from twofold import settings
from twofold.core.errors import Misconfigured
from twofold.core.policy import Enforcement
from twofold.dialects.structr.config import SETTINGS, written
from twofold.settings import Settings, structr

TF = "security.twofactorauthentication."
DRAWN = "k3Zq-81vX_0mTbYw7Rj2LsUe9GpNcHd4"

REAL = """\
# Structr configuration, as its installer writes it
application.title = Intranet
application.http.port = 8082
configured.services = NodeService AgentService

! another kind of comment
SECURITY.TWOFACTORAUTHENTICATION.LEVEL = 2
  security.twofactorauthentication.issuer=ACME Ltd
Security.TwoFactorAuthentication.Digits   =   8
security.twofactorauthentication.whitelistedIPs = 192.168.1.100, 10.0.0.0/24
application.session.timeout: 600
superuser.password = SomethingLong
"""


def conf(tmp_path: Path, text: str, name: str = "structr.conf") -> Path:
    file = tmp_path / name
    file.write_text(text)
    file.chmod(0o600)
    return file


def faults(*files: Path, **environment: str) -> tuple[str, ...]:
    with pytest.raises(Misconfigured) as refused:
        settings.load(files, environment)
    return refused.value.faults


def read(*files: Path, **environment: str) -> Settings:
    return settings.load(files, environment)


def test_a_real_file_is_read_whatever_it_is_called(tmp_path):
    found = read(conf(tmp_path, REAL, name="any.txt"))
    of = structr.settings_of(found.vendors["structr"].values, found.policy)

    assert (of.level, of.issuer, of.digits, of.session_timeout) == (2, "ACME Ltd", 8, 600)
    assert of.whitelist.contains("10.0.0.77")
    assert found.policy.enforcement is Enforcement.REQUIRED
    assert found.notes == (
        (
            f"{tmp_path}/any.txt: 4 keys concern Structr alone and mean nothing here:"
            " application.title, application.http.port, configured.services, ..."
        ),
    )


@pytest.mark.parametrize("name", list(SETTINGS))
def test_every_setting_alone_is_recognised_and_can_be_given_by_the_environment(tmp_path, name):
    known = SETTINGS[name]
    text = DRAWN if known.secret else written(known.default)

    from_file = read(conf(tmp_path, f"{name.upper()} = {text}\n"))
    from_environment = read(**{known.variable: text})

    assert from_file.vendors == from_environment.vendors
    assert from_file.vendors["structr"].values.keys() == {name}
    assert from_environment.vendors["structr"].origins == {name: known.variable}


def test_the_environment_wins_over_the_file_and_later_files_over_earlier_ones(tmp_path):
    first = conf(tmp_path, f"{TF}digits = 8\n{TF}period = 60\n{TF}skew = 2\n")
    second = conf(tmp_path, f"{TF}period = 90\n{TF}totp.skew = 3\n", "two")

    found = read(
        first, second,
        STRUCTR_SECURITY_TWOFACTORAUTHENTICATION_SKEW="4",
        structr_security_twofactorauthentication_issuer="A",
        STRUCTR_HOME="/opt", STRUCTR_SOME__KEY="x",
    ).vendors["structr"]  # fmt: skip

    assert found.values == {
        f"{TF}digits": 8, f"{TF}period": 90, f"{TF}totp.skew": 4, f"{TF}issuer": "A",
    }  # fmt: skip
    assert found.origins == {
        f"{TF}digits": str(first),
        f"{TF}period": str(second),
        f"{TF}totp.skew": "STRUCTR_SECURITY_TWOFACTORAUTHENTICATION_SKEW",
        f"{TF}issuer": "structr_security_twofactorauthentication_issuer",
    }


LEVELS = {0: Enforcement.OFF, 1: Enforcement.OPTIONAL, 2: Enforcement.REQUIRED}


@pytest.mark.parametrize("level", LEVELS)
def test_the_level_is_the_enforcement_of_the_realm(tmp_path, level):
    file = conf(tmp_path, f"{TF}level = {level}\n")
    found = read(file)

    assert found.policy.enforcement is LEVELS[level]
    assert found.origins["policy.enforcement"] == f"{file} ({TF}level)"


def test_of_the_level_and_our_own_word_for_it_the_later_one_counts_for_both(tmp_path):
    level = conf(tmp_path, f"{TF}level = 0\n")
    ours = conf(tmp_path, 'policy.enforcement = "required"\n', "twofold.toml")

    for files, enforcement, shown in (
        ((level, ours), Enforcement.REQUIRED, 2),
        ((ours, level), Enforcement.OFF, 0),
    ):
        found = read(*files)
        assert found.policy.enforcement is enforcement
        assert structr.settings_of(found.vendors["structr"].values, found.policy).level == shown
    both = read(
        STRUCTR_SECURITY_TWOFACTORAUTHENTICATION_LEVEL="0", TWOFOLD_POLICY__ENFORCEMENT="required"
    )
    assert both.policy.enforcement is Enforcement.REQUIRED


def test_all_that_is_wrong_is_said_at_once_by_file_and_key(tmp_path):
    first = conf(
        tmp_path,
        f"{TF}level = 3\n{TF.upper()}ALGORITHM = md5\n{TF}lvel = 1\nsecurity.jwt.secret = hunter2\n"
        f"{TF}digits\n{TF}whitelistedIPs = all of them\n{TF}zzz = 1\n",
    )
    second = conf(tmp_path, "server.port = 99999\n", "twofold.toml")

    found = faults(first, second, STRUCTR_SECURITY_TWOFACTORAUTHENTICATION_PERIOD="0")

    assert found == (
        f"{first}: {TF}level must be a whole number from 0 to 2, not '3'",
        f"{first}: {TF.upper()}ALGORITHM must be one of SHA1, SHA256, SHA512, not 'md5'",
        f"{first}: {TF}lvel is no setting of Structr; did you mean {TF}level?",
        (f"{first}: security.jwt.secret must be empty, or a secret of at least 32 characters that"
        " were drawn at random"),
        f"{first}: line 5 is no 'key = value'",
        f"{first}: {TF}zzz is no setting of Structr",
        f"{second}: server.port must be a whole number from 0 to 65535, not 99999",
        ("STRUCTR_SECURITY_TWOFACTORAUTHENTICATION_PERIOD must be a whole number from 15 to 120,"
        " not '0'"),
    )  # fmt: skip


def test_an_unknown_variable_of_the_second_factor_is_a_fault():
    assert faults(STRUCTR_SECURITY_TWOFACTORAUTHENTICATION_LEVELS="2") == (
        ("STRUCTR_SECURITY_TWOFACTORAUTHENTICATION_LEVELS:"
        f" SECURITY.TWOFACTORAUTHENTICATION.LEVELS is no setting of Structr;"
        f" did you mean {TF}level?"),
    )  # fmt: skip


def test_values_that_do_not_go_together_name_the_file_of_one_of_them(tmp_path):
    file = conf(
        tmp_path, "access.control.accepted.origins = *\naccess.control.allow.credentials = true\n"
    )

    assert faults(file) == (
        (
            f"{file}: access.control.allow.credentials must not be true while"
            " access.control.accepted.origins is *"
        ),
    )


def test_a_malformed_address_stops_nothing_and_is_told(tmp_path):
    file = conf(tmp_path, f"{TF}whitelistedIPs = intranet, 10.0.0.1\n")
    found = read(file)

    assert found.vendors["structr"].values[f"{TF}whitelistedIPs"].contains("10.0.0.1")
    assert found.notes == (f"{file}: {TF}whitelistedIPs: 'intranet' is no address and is left out",)


@pytest.mark.parametrize(
    ("mode", "value", "told"),
    [(0o600, DRAWN, False), (0o640, DRAWN, True), (0o604, DRAWN, True), (0o644, "", False)],
    ids=["private", "group", "others", "no secret"],
)
def test_a_file_with_a_secret_that_others_can_read_is_advised_against(tmp_path, mode, value, told):
    file = conf(tmp_path, f"security.jwt.secret = {value}\n")
    file.chmod(mode)

    notes = read(file).notes

    advice = f"{file}: holds a secret and can be read by others; chmod 600 {file}"
    assert notes == ((advice,) if told else ())
    assert DRAWN not in "".join(notes)


def test_a_secret_is_in_no_repr_of_the_settings(tmp_path):
    assert DRAWN not in repr(read(conf(tmp_path, f"security.jwt.secret = {DRAWN}\n")))


def test_a_byte_order_mark_and_windows_line_ends_are_no_fault(tmp_path):
    found = read(conf(tmp_path, f"\ufeff{TF}digits = 8\r\n{TF}period = 60\r\n"))

    assert found.vendors["structr"].values == {f"{TF}digits": 8, f"{TF}period": 60}


def test_what_is_asked_for_and_has_no_effect_is_told(tmp_path):
    file = conf(
        tmp_path, "httpservice.force.https = true\nsecurity.passwordpolicy.remindtime = 14\n"
    )

    assert read(file).notes == (
        (
            f"{file}: httpservice.force.https has no effect here:"
            " Whether http is turned away; a proxy in front does that here."
        ),
    )


def test_the_strict_profile_refuses_switches_that_bring_a_weakness_back(tmp_path):
    file = conf(
        tmp_path,
        "security.headerauthentication.bypasstwofactor = true\n"
        f"{TF}maxfailedattempts = 0\nhttpservice.cookies.httponly = false\n",
    )

    assert read(file).vendors["structr"].values
    assert read(file, TWOFOLD_PROFILE="compat").vendors["structr"].values
    assert faults(file, TWOFOLD_PROFILE="strict") == (
        (
            f"{file}: security.headerauthentication.bypasstwofactor must not be true"
            " in the profile strict"
        ),
        f"{file}: {TF}maxfailedattempts must not be 0 in the profile strict",
        f"{file}: httpservice.cookies.httponly must not be false in the profile strict",
    )
