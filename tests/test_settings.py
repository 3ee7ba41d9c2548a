"""Settings come from files, environment and command line; all that is wrong is said at once."""

from pathlib import Path

import pytest

from twofold import settings
from twofold.core.errors import Misconfigured
from twofold.core.networks import parse_networks
from twofold.core.policy import Enforcement, Policy, Profile
from twofold.core.types import Aal
from twofold.settings import KEYS, Settings


def read(tmp_path: Path, text: str, **environment: str) -> Settings:
    file = tmp_path / "twofold.toml"
    file.write_text(text)
    return settings.load([file], environment)


def faults(tmp_path: Path, text: str, **environment: str) -> tuple[str, ...]:
    with pytest.raises(Misconfigured) as refused:
        read(tmp_path, text, **environment)
    return tuple(
        fault.replace(str(tmp_path / "twofold.toml"), "FILE") for fault in refused.value.faults
    )


def test_nothing_given_is_a_server_on_loopback_with_the_policy_of_the_core():
    found = settings.load()

    assert (found.server.host, found.server.port, found.data) == ("127.0.0.1", 8080, "twofold-data")
    assert found.policy == Policy()
    assert found == Settings()


def test_every_key_can_be_given_in_a_file_and_in_the_environment(tmp_path):
    lines = []
    variables = {}
    for name, key in KEYS.items():
        plain = settings.policy_document.plain(key.default)
        variables[key.variable] = as_text(plain)
        lines.append(f"{name} = {as_toml(plain)}")

    assert read(tmp_path, "\n".join(lines)) == Settings()
    assert settings.load(environment=variables) == Settings()


def as_toml(value: object) -> str:
    match value:
        case bool():
            return str(value).lower()
        case dict():
            return "{}"
        case list():
            return "[" + ", ".join(map(as_toml, value)) + "]"
        case str():
            return f'"{value}"'
        case _:
            return str(value)


def as_text(value: object) -> str:
    match value:
        case bool():
            return str(value).lower()
        case list():
            return ", ".join(map(str, value))
        case _:
            return str(value)


def test_the_names_scripts_rely_on_are_there():
    promised = {
        "server.host", "server.port", "server.base_url", "server.trusted_proxies",
        "server.workers", "database.url", "policy.enforcement", "profile", "dialects.enabled",
        "email.sender", "email.host", "email.port", "email.username", "email.password",
        "email.tls", "email.from", "email.file", "sms.sender", "sms.file",
    }  # fmt: skip

    assert promised <= KEYS.keys()


def test_later_files_win_then_the_environment_then_the_command_line(tmp_path):
    first, second = tmp_path / "1.toml", tmp_path / "2.toml"
    first.write_text('[server]\nhost = "10.0.0.1"\nport = 1\nworkers = 2\nidle_seconds = 9\n')
    second.write_text("[server]\nport = 2\nworkers = 3\nidle_seconds = 8\n")

    found = settings.load(
        [first, second],
        {"TWOFOLD_SERVER__WORKERS": "4", "TWOFOLD_SERVER__IDLE_SECONDS": "7"},
        {"server.idle_seconds": 6, "server.port": None},
    )

    server = found.server
    assert (server.host, server.port, server.workers, server.idle_seconds) == ("10.0.0.1", 2, 4, 6)
    assert found.origins == {
        "server.host": str(first),
        "server.port": str(second),
        "server.workers": "TWOFOLD_SERVER__WORKERS",
        "server.idle_seconds": "--idle_seconds",
    }


def test_a_policy_in_the_file_is_the_policy_of_the_realms(tmp_path):
    found = read(
        tmp_path,
        """
        profile = "strict"
        [policy]
        enforcement = "required"
        trusted_networks = ["10.0.0.0/8"]
        [policy.guesses]
        allowed = 7
        [policy.sessions.aal2]
        idle = 60
        [policy.groups]
        staff = "required"
        [policy.clients.shop]
        aal = 2
        """,
        TWOFOLD_POLICY__GUESSES__ABSOLUTE="50",
    )

    policy = found.policy
    assert policy.enforcement is Enforcement.REQUIRED
    assert policy.profile is Profile.STRICT
    assert policy.trusted_networks == parse_networks("10.0.0.0/8")
    assert (policy.guesses.allowed, policy.guesses.absolute) == (7, 50)
    assert policy.lifetime(Aal.TWO).idle == 60
    assert policy.groups == {"staff": Enforcement.REQUIRED}
    assert policy.clients["shop"].aal is Aal.TWO


@pytest.mark.parametrize(
    ("variable", "text", "section", "name", "expected"),
    [
        ("TWOFOLD_SERVER__PORT", " 81 ", "server", "port", 81),
        ("TWOFOLD_LOG__REQUESTS", "True", "log", "requests", True),
        ("TWOFOLD_EMAIL__FROM", "A <a@b.example>", "email", "from_", "A <a@b.example>"),
        (
            "TWOFOLD_SERVER__TRUSTED_PROXIES", "10.0.0.1, ::1", "server", "trusted_proxies",
            parse_networks("10.0.0.1, ::1"),
        ),
        ("TWOFOLD_POLICY__KINDS", "email,totp", "policy", "kinds", ("email", "totp")),
        ("TWOFOLD_POLICY__KINDS", '["totp"]', "policy", "kinds", ("totp",)),
        (
            "TWOFOLD_POLICY__GROUPS", '{"a": "off"}', "policy", "groups", {"a": Enforcement.OFF},
        ),
    ],
)  # fmt: skip
def test_text_of_the_environment_becomes_a_value(variable, text, section, name, expected):
    found = settings.load(environment={variable: text})

    assert getattr(getattr(found, section), name) == expected


WRONG = [
    ("server.port = 80801", "FILE: server.port must be a whole number from 0 to 65535, not 80801"),
    ('server.port = "80"', "FILE: server.port must be a whole number from 0 to 65535, not '80'"),
    ("server.port = true", "FILE: server.port must be a whole number from 0 to 65535, not True"),
    ("totp.digits = 5", "FILE: totp.digits must be a whole number from 6 to 8, not 5"),
    ("totp.digits = 9", "FILE: totp.digits must be a whole number from 6 to 8, not 9"),
    ("totp.period = 14", "FILE: totp.period must be a whole number from 15 to 120, not 14"),
    ("totp.future = 2", "FILE: totp.future must be a whole number from 0 to 1, not 2"),
    ("totp.past = 11", "FILE: totp.past must be a whole number from 0 to 10, not 11"),
    (
        'totp.algorithm = "MD5"',
        "FILE: totp.algorithm must be one of SHA1, SHA256, SHA512, not 'MD5'",
    ),
    ("recovery.count = 0", "FILE: recovery.count must be a whole number from 1 to 100, not 0"),
    ("recovery.length = 0", "FILE: recovery.length must be a whole number from 1 to 64, not 0"),
    ("recovery.length = -3", "FILE: recovery.length must be a whole number from 1 to 64, not -3"),
    (
        "recovery.length = 3",
        "FILE: recovery.length makes codes of less than 20 bits, which can be guessed",
    ),
    (
        "policy.ceremony_life = -1",
        "FILE: policy.ceremony_life must be a whole number from 1 to 600, not -1",
    ),
    (
        "policy.sessions.aal1.absolute = -5",
        "FILE: policy.sessions.aal1.absolute must be a whole number from 1 to 34560000, not -5",
    ),
    (
        "policy.sessions.aal2.idle = 86401",
        "FILE: policy.sessions.aal2.idle must not exceed sessions.aal2.absolute",
    ),
    (
        "email.code_life = -600",
        "FILE: email.code_life must be a whole number from 30 to 900, not -600",
    ),
    ('email.sender = "smtp"', "default: email.host is missing: email.sender is smtp"),
    (
        "[email]\nsender = 'smtp'\nhost = 'mx.example.org'\ntls = 'none'\nusername = 'u'",
        "FILE: email.tls must not be none: the password would travel in the clear",
    ),
    (
        'email.username = "u"\nemail.password = "changeme"',
        "FILE: email.password is a sample value, not a secret",
    ),
    ('email.password = "Yq3-1Zk0"', "default: email.username is missing: email.password is set"),
    ('email.from = "nobody"', "FILE: email.from must hold an address"),
    (
        'sms.sender = "twilio"',
        "FILE: sms.sender must be console: this version sends no text messages yet",
    ),
    (
        'dialects.enabled = ["structr", "klingon"]',
        "FILE: dialects.enabled names klingon, which nobody here speaks",
    ),
    (
        'database.url = "postgresql://localhost/x"\nsessions.cache_seconds = 5',
        "FILE: sessions.cache_seconds must be 0: sessions on PostgreSQL are not remembered yet",
    ),
    (
        'database.url = "postgresql//u:hidden@localhost/x"',
        "FILE: database.url must be sqlite:///PATH, postgresql://USER@HOST/NAME or memory:",
    ),
    (
        'database.url = "memory:"\nserver.workers = 2',
        "FILE: server.workers must be 1: processes do not share memory:",
    ),
    ('profile = "strict"\nemail.code_life = 601',
     "FILE: email.code_life must not exceed 600 in the profile strict"),
    ("email.code_cooldown = 300\nemail.code_life = 200",
     "FILE: email.code_cooldown must not exceed email.code_life"),
    ("password.memory_kib = 8\npassword.lanes = 2",
     "FILE: password.memory_kib must be at least 8 per lane (RFC 9106 section 3.1)"),
    ("throttle.source_delay = 60\nthrottle.source_longest = 30",
     "FILE: throttle.source_delay must not exceed throttle.source_longest"),
    ('data = ""', "FILE: data must name a directory"),
    ('email.templates = "/nowhere"', "FILE: email.templates names what is not there"),
    ('email.authorities = "/no.pem"', "FILE: email.authorities names what is not there"),
    ("server = 3", "FILE: server is a section and must be a table"),
    ("server.base_url = 'https://a.example/x'",
     "FILE: server.base_url must be an http or https URL without a path, not 'https://a.example/x'"),
    ('totp.issuer = "A:B"',
     "FILE: totp.issuer must be a name of 1 to 64 characters without a colon, not 'A:B'"),
    ("[recovery]\nalphabet = 'aab'",
     "FILE: recovery.alphabet must be 2 to 62 different ASCII letters and digits, not 'aab'"),
    ("totp.digit = 6", "FILE: totp.digit is no setting; did you mean totp.digits?"),
    ("digits = 6", "FILE: digits is no setting; did you mean totp.digits?"),
    ("[serve]\nport = 1\nhost = 'a'", "FILE: serve.port is no setting; did you mean server.port?"),
    ("[serve]\nport = 1\nhost = 'a'", "FILE: serve.host is no setting; did you mean server.host?"),
    ("zebra = 1", "FILE: zebra is no setting"),
    ('profile = "lax"', "FILE: profile must be one of compat, standard, strict, not 'lax'"),
    ("policy.profile = 'strict'", "FILE: policy.profile is no setting; did you mean profile?"),
    ("server.port = ", "FILE: is no TOML: Invalid value (at end of document)"),
]  # fmt: skip


@pytest.mark.parametrize(("text", "fault"), WRONG)
def test_what_is_wrong_is_named_with_its_file_and_key(tmp_path, text, fault):
    assert fault in faults(tmp_path, text)


def test_all_faults_come_at_once(tmp_path):
    found = faults(
        tmp_path,
        'profil = "x"\n[server]\nport = -1\n[totp]\ndigits = 4\n',
        TWOFOLD_RECOVERY__COUNT="0",
        TWOFOLD_SERVER_PORT="1",
    )

    assert [fault.split(" ")[0] for fault in found] == [
        "FILE:", "FILE:", "FILE:", "TWOFOLD_RECOVERY__COUNT:", "TWOFOLD_SERVER_PORT:",
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("variable", "meant"),
    [
        ("TWOFOLD_SERVER_PORT", "TWOFOLD_SERVER__PORT"),
        ("TWOFOLD_SERVER__PROT", "TWOFOLD_SERVER__PORT"),
        ("TWOFOLD_PROFIL", "TWOFOLD_PROFILE"),
    ],
)
def test_a_variable_of_ours_that_names_nothing_is_a_fault(variable, meant):
    with pytest.raises(Misconfigured) as refused:
        settings.load(environment={variable: "1"})

    (fault,) = refused.value.faults
    assert fault.startswith(f"{variable}: ")
    assert fault.endswith(f"did you mean {meant}?")


def test_variables_of_others_and_the_first_password_are_no_settings():
    environment = {"PATH": "/bin", "TWOFOLD_ADMIN_PASSWORD": "x", "TWOFOLD_CONFIG": "y"}

    assert settings.load(environment=environment) == Settings()


def test_a_secret_is_in_no_fault_and_in_no_repr(tmp_path):
    file = tmp_path / "twofold.toml"
    file.write_text('email.password = 12345678\nemail.username = "u"\n')
    with pytest.raises(Misconfigured) as refused:
        settings.load([file], {"TWOFOLD_EMAIL__PASSWORD": "hunter2\nhunter2"})
    assert "hunter2" not in str(refused.value)
    assert "12345678" not in str(refused.value)

    file.write_text('email.username = "u"\n')
    found = settings.load([file], {"TWOFOLD_EMAIL__PASSWORD": "hunter2-hunter2"})
    assert "hunter2" not in repr(found)


VENDORS = [
    ("singularity.auth.two-factor.enabled=true\n", "Singularity"),
    ("singularity:\n  auth:\n    issuer: A\n", "Singularity"),
    ('{"resourceType": "AuthConfig", "id": "a"}', "Aidbox"),
    ("- resourceType: Client\n  id: a\n", "Aidbox"),
    ('{"config": {"twoFactor": {"enabled": true}}}', "Conduit"),
]


@pytest.mark.parametrize(("text", "vendor"), VENDORS)
def test_a_vendors_file_is_recognised_by_what_is_in_it(tmp_path, text, vendor):
    (fault,) = faults(tmp_path, text)

    assert fault == (
        f"FILE: this is a configuration of {vendor}, which this version does not read yet;"
        " it reads twofold.toml and structr.conf"
    )


@pytest.mark.parametrize(
    ("raw", "said"),
    [
        (b"\xff\xfe", "is not UTF-8 text"),
        (b"#" * 1_048_577, "is too large for a configuration"),
        (b"a = " + b"[" * 100_000, "is no TOML"),
        (b"[server]\n[server]\n", "is no TOML"),
    ],
)
def test_a_file_that_is_none_is_named(tmp_path, raw, said):
    file = tmp_path / "odd.toml"
    file.write_bytes(raw)

    with pytest.raises(Misconfigured) as refused:
        settings.load([file])

    assert f"{file}: {said}" in refused.value.faults[0]


def test_a_missing_file_is_named(tmp_path):
    with pytest.raises(Misconfigured) as refused:
        settings.load([tmp_path / "none.toml"])

    assert refused.value.faults == (
        f"{tmp_path / 'none.toml'}: cannot be read: No such file or directory",
    )


def test_values_come_back_with_their_origin():
    found = settings.load(environment={"TWOFOLD_POLICY__FRESH": "60"})

    rows = {key.name: (value, origin) for key, value, origin in settings.values_of(found)}
    assert rows.keys() == KEYS.keys()
    assert rows["policy.fresh"] == (60, "TWOFOLD_POLICY__FRESH")
    assert rows["email.from"] == ("Twofold <twofold@localhost>", "default")
    assert rows["server.port"] == (8080, "default")


def test_every_setting_is_one_sentence_and_its_default_may_be_read():
    for key in KEYS.values():
        assert key.text.endswith("."), key.name
        assert key.reader.read(settings.policy_document.plain(key.default)) == key.default
