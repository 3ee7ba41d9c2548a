"""What each setting of a structr.conf may be, and what it is when nobody says so."""

import pytest

from twofold.core.errors import Malformed
from twofold.core.types import Secret
from twofold.dialects.structr import config
from twofold.dialects.structr.config import SETTINGS, StructrSettings

TF = "security.twofactorauthentication."
PP = "security.passwordpolicy."
DRAWN = "k3Zq-81vX_0mTbYw7Rj2LsUe9GpNcHd4"

DOCUMENTED = {
    f"{TF}level": 1,
    f"{TF}issuer": "structr",
    f"{TF}algorithm": "SHA1",
    f"{TF}digits": 6,
    f"{TF}period": 30,
    f"{TF}logintimeout": 30,
    f"{TF}loginpage": "/twofactor",
    f"{TF}whitelistedIPs": "",
    f"{TF}totp.skew": 1,
    f"{TF}maxfailedattempts": 10,
    "security.headerauthentication.bypasstwofactor": False,
    f"{PP}maxfailedattempts": 4,
    f"{PP}resetFailedAttemptsOnPasswordReset": True,
    f"{PP}forcechange": False,
    f"{PP}maxage": 90,
    f"{PP}remindtime": 14,
    f"{PP}onchange.clearsessions": False,
    f"{PP}complexity.enforce": False,
    f"{PP}complexity.minlength": 8,
    f"{PP}complexity.requireuppercase": False,
    f"{PP}complexity.requirelowercase": False,
    f"{PP}complexity.requiredigits": False,
    f"{PP}complexity.requirenonalphanumeric": False,
    "security.authentication.propertykeys": "",
    "security.jwt.secrettype": "secret",
    "security.jwt.secret": "",
    "security.jwt.jwtIssuer": "structr",
    "security.jwt.expirationtime": 60,
    "security.jwt.refreshtoken.expirationtime": 1440,
    "application.session.timeout": 1800,
    "application.session.max.number": -1,
    "application.session.clear.onstartup": False,
    "application.session.clear.onshutdown": False,
    "httpservice.cookies.httponly": True,  # the one that differs: safer
    "httpservice.cookies.samesite": "Lax",
    "httpservice.cookies.secure": False,
    "httpservice.force.https": False,
    "access.control.accepted.origins": "",
    "access.control.allow.methods": "",
    "access.control.allow.headers": "Authorization,refresh_token",
    "access.control.allow.credentials": False,
    "access.control.expose.headers": "",
    "access.control.max.age": 3600,
    "jsonrestservlet.user.autocreate": False,
    "jsonrestservlet.user.autologin": False,
    "registration.allowloginbeforeconfirmation": False,
    "registration.customuserattributes": "name",
    "confirmationkey.passwordreset.validityperiod": 30,
    "confirmationkey.registration.validityperiod": 2880,
    "superuser.username": "superadmin",
}


def test_every_default_is_the_documented_one():
    assert {name: config.plain(known.default) for name, known in SETTINGS.items()} == DOCUMENTED


GOOD = [
    (f"{TF}level", {"0": 0, "1": 1, "2": 2}),
    (f"{TF}issuer", {"ACME & Söhne": "ACME & Söhne", "a" * 64: "a" * 64}),
    (f"{TF}algorithm", {"SHA1": "SHA1", "sha256": "SHA256", "SHA512": "SHA512"}),
    (f"{TF}digits", {"6": 6, "8": 8}),
    (f"{TF}period", {"15": 15, "120": 120}),
    (f"{TF}logintimeout", {"2": 2, "600": 600}),
    (f"{TF}loginpage", {"/": "/", "/2fa?x=1": "/2fa?x=1", "https://a.example/2": "https://a.example/2"}),
    (f"{TF}whitelistedIPs", {"": "", "10.0.0.1, nonsense": "10.0.0.1, nonsense"}),
    (f"{TF}totp.skew", {"0": 0, "5": 5}),
    (f"{TF}maxfailedattempts", {"0": 0, "5": 5, "100": 100}),
    ("security.headerauthentication.bypasstwofactor", {"true": True, "FALSE": False}),
    (f"{PP}maxfailedattempts", {"-1": -1, "0": 0, "9": 9}),
    (f"{PP}complexity.minlength", {"12": 12}),
    ("security.jwt.secret", {"": "", DRAWN: "(hidden)"}),
    ("security.jwt.secrettype", {"SECRET": "secret"}),
    ("application.session.timeout", {"-1": -1, "0": 0, "2": 2}),
    ("application.session.max.number", {"-1": -1, "1": 1}),
    ("httpservice.cookies.samesite", {"strict": "Strict", "None": "None"}),
    ("access.control.accepted.origins", {
        "": "", "*": "*", "https://a.example https://b.example:8": "https://a.example, https://b.example:8",
        "http://[::1]:80,http://x": "http://[::1]:80, http://x",
    }),
    ("access.control.allow.methods", {"GET, PUT": "GET, PUT"}),
    ("access.control.allow.credentials", {"": False, "true": True}),
]  # fmt: skip


@pytest.mark.parametrize(("name", "cases"), GOOD, ids=[name for name, _ in GOOD])
def test_what_makes_sense_is_taken(name, cases):
    known = SETTINGS[name]

    assert {text: config.plain(config.read(known, text)) for text in cases} == cases


BAD = [
    (f"{TF}level", ["3", "-1", "two", "", "1.0", "0x1", "١"], "a whole number from 0 to 2"),
    (f"{TF}issuer", ["", "a:b", "a" * 65, "a%b", "a\tb"],
     "a name of 1 to 64 characters without a colon"),
    (f"{TF}algorithm", ["MD5", "", "SHA-1", "HmacSHA1"], "one of SHA1, SHA256, SHA512"),
    (f"{TF}digits", ["7", "5", "10", "six", ""], "6 or 8"),
    (f"{TF}period", ["0", "14", "121", "-30", "30s"], "a whole number from 15 to 120"),
    (f"{TF}logintimeout", ["0", "-1", "601", ""], "a whole number from 1 to 600"),
    (f"{TF}loginpage", ["", "twofactor", "//evil.example", "/\\evil", "javascript:x", "/a b", "/ä", "https://a@b/"],
     "a path such as /twofactor, or an http or https URL"),
    (f"{TF}totp.skew", ["-1", "6", "x"], "a whole number from 0 to 5"),
    (f"{TF}maxfailedattempts", ["-1", "1", "4", "101", ""], "0 or a whole number from 5 to 100"),
    ("security.headerauthentication.bypasstwofactor", ["yes", "1", ""], "true or false"),
    ("security.jwt.secrettype", ["keypair", "jwks", ""], "secret"),
    ("security.jwt.secret", [
        "short", "x" * 32, "ab" * 20, "changeme" + DRAWN,
        "your-secret-key-of-more-than-32-chars", "${JWT_SECRET}" + "a1b2c3d4e5" * 3,
    ], "empty, or a secret of at least 32 characters that were drawn at random"),
    ("security.jwt.expirationtime", ["0", "-5", "1441"], "a whole number from 1 to 1440"),
    ("application.session.timeout", ["-2", "soon"], "a whole number from -1 to 34560000"),
    ("httpservice.cookies.samesite", ["", "Loose"], "one of Lax, Strict, None"),
    ("access.control.accepted.origins", ["a.example", "https://a/x", "* https://a"],
     "origins such as https://app.example.org, separated by commas or blanks, or *"),
    ("access.control.allow.methods", ["GET; PUT", "G\tET\x00"],
     "names separated by commas or blanks"),
    ("access.control.allow.credentials", ["yes"], "true, false or nothing"),
    ("confirmationkey.passwordreset.validityperiod", ["0"], "a whole number from 1 to 1440"),
]  # fmt: skip


@pytest.mark.parametrize(("name", "texts", "expected"), BAD, ids=[name for name, *_ in BAD])
def test_what_makes_none_is_refused_with_what_is_expected(name, texts, expected):
    for text in texts:
        with pytest.raises(Malformed) as refused:
            config.read(SETTINGS[name], text)
        assert refused.value.detail == f"must be {expected}", text


@pytest.mark.parametrize("value", [None, [], {}, 1.5], ids=["null", "list", "object", "fraction"])
def test_no_setting_takes_what_json_has_beside_texts_numbers_and_truth(value):
    for known in SETTINGS.values():
        with pytest.raises(Malformed):
            config.read(known, value)


def test_truth_is_no_number_and_a_number_no_truth():
    for known in SETTINGS.values():
        wrong = 1 if isinstance(known.default, bool) else True
        with pytest.raises(Malformed):
            config.read(known, wrong)


def test_every_default_is_read_as_itself_from_the_file_it_would_be_written_to():
    for known in SETTINGS.values():
        text = config.written(known.default)
        assert config.read(known, text) == known.default, known.name


def test_a_name_is_found_in_any_case_and_by_its_alias():
    assert config.find("SECURITY.TwoFactorAuthentication.whitelistedips").attribute == "whitelist"
    assert config.find(f"{TF}skew") is config.find(f"{TF}totp.skew")
    assert config.find(f"{PP}minlength") is config.find(f"{PP}complexity.minlength")
    assert config.find("application.title") is None


def test_no_two_settings_share_a_name_a_field_or_a_variable():
    names = [n.lower() for s in SETTINGS.values() for n in (s.name, *s.aliases)]
    assert len(set(names)) == len(names)
    assert len({s.variable for s in SETTINGS.values()}) == len(SETTINGS)


@pytest.mark.parametrize(
    ("given", "name", "said"),
    [
        (
            {"access.control.accepted.origins": ("*",), "access.control.allow.credentials": True},
            "access.control.allow.credentials",
            "must not be true while access.control.accepted.origins is *",
        ),
        (
            {"httpservice.cookies.samesite": "None"},
            "httpservice.cookies.samesite",
            "must not be None without httpservice.cookies.secure",
        ),
    ],
    ids=["every page with cookies", "every site without https"],
)
def test_values_that_are_fine_alone_are_refused_together(given, name, said):
    read = {key: config.read(SETTINGS[key], config.written(value)) for key, value in given.items()}

    assert config.misfits(read) == [(name, said)]
    assert config.misfits({}) == []


def test_a_secret_is_in_no_repr_and_in_no_text():
    found = config.build({"security.jwt.secret": Secret(DRAWN.encode())})

    assert DRAWN not in repr(found)
    assert config.written(found.jwt_secret) == "(hidden)"
    assert found != StructrSettings()
