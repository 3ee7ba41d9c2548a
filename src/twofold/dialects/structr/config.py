"""Every setting of a structr.conf that means something here, once.

Structr's own names, defaults and words; the readers, the administrators' page, the API, the
manual and the faults that name a key are all made from these lines. Other keys of a structr.conf
(there are hundreds) concern the product itself.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields
from types import MappingProxyType
from typing import Any, Final

from twofold.core.errors import Malformed
from twofold.core.fields import Text, Whole
from twofold.core.policy import Profile
from twofold.core.types import Secret
from twofold.dialects.structr.config_setting import Applies, Setting, setting, switch
from twofold.dialects.structr.config_values import (
    Algorithm,
    Figures,
    OffOr,
    Origins,
    Perhaps,
    SameSite,
    SecretType,
    SigningSecret,
    Word,
)
from twofold.dialects.structr.config_whitelist import Addresses, Whitelist

DAY: Final = 86_400
"""Seconds."""

TWO_FACTOR: Final = "security.twofactorauthentication."
"""Below this a name that nobody knows is a fault: a misspelt lock stands open."""

_POLICY: Final = "security.passwordpolicy."
_COMPLEXITY: Final = "security.passwordpolicy.complexity."
_CORS: Final = "access.control."


# What travels in a header is printable ASCII, and a page is one of this site or a whole URL: `//x`
# and `/\x` look like the first and are the second to a browser (A115).
_PAGE = Text(
    "a path such as /twofactor, or an http or https URL",
    r"/(?![/\\])[!-~]*|/|https?://[A-Za-z0-9.\-]+(?::[0-9]{1,5})?(?:/[!-~]*)?",
)
_NAMES = Text("names separated by commas or blanks", r"[A-Za-z0-9_\-,*\s]*")
_LIMIT = Whole(-1_000, 1_000)
_LINE = Text()


@dataclass(frozen=True, slots=True)
class StructrSettings:
    """All of them, checked and frozen; times in the unit that Structr uses."""

    level: int = setting(
        f"{TWO_FACTOR}level",
        1,
        Whole(0, 2),
        "Enforcement: 0 disabled, 1 optional (per user), 2 required of all users.",
    )
    issuer: str = setting(
        f"{TWO_FACTOR}issuer",
        "structr",
        Text("a name of 1 to 64 characters without a colon", r"[^:%]{1,64}"),
        "How the service calls itself in authenticator apps.",
    )
    algorithm: Algorithm = setting(
        f"{TWO_FACTOR}algorithm",
        Algorithm.SHA1,
        Word(Algorithm),
        "Hash of new keys.",
    )
    digits: int = setting(f"{TWO_FACTOR}digits", 6, Figures((6, 8)), "Digits of a code.")
    # The bounds of the factor: SP 800-63B section 3.1.4.1 has a code change every two minutes.
    period: int = setting(
        f"{TWO_FACTOR}period", 30, Whole(15, 120), "Seconds of one step of new keys."
    )
    login_timeout: int = setting(
        f"{TWO_FACTOR}logintimeout",
        30,
        Whole(1, 600),
        "Seconds for the second step of a login after its first.",
    )
    login_page: str = setting(
        f"{TWO_FACTOR}loginpage", "/twofactor", _PAGE, "Where the application asks for the code."
    )
    whitelist: Whitelist = setting(
        f"{TWO_FACTOR}whitelistedIPs",
        Whitelist(),
        Addresses(),
        "Addresses and networks from which the second step is not asked for.",
    )
    skew: int = setting(
        f"{TWO_FACTOR}totp.skew",
        1,
        Whole(0, 5),
        "Steps before and after the present one whose codes are taken.",
        aliases=(f"{TWO_FACTOR}skew",),
    )
    max_failed_codes: int = setting(
        f"{TWO_FACTOR}maxfailedattempts",
        10,
        OffOr(5, 100),
        "Wrong codes of a user within 15 minutes that lock the second step; 0 never does.",
    )
    header_bypass: bool = switch(
        "security.headerauthentication.bypasstwofactor",
        "Whether X-User and X-Password are enough for a user with two factors.",
    )
    max_failed_passwords: int = setting(
        f"{_POLICY}maxfailedattempts",
        4,
        _LIMIT,
        "Wrong passwords in a row beyond which a user is locked; 0 or less never locks.",
    )
    reset_failed_passwords: bool = switch(
        f"{_POLICY}resetFailedAttemptsOnPasswordReset",
        "Whether another password forgives the wrong ones before it; here it always does.",
        on=True,
        applies=Applies.NEVER,
    )
    force_change: bool = switch(
        f"{_POLICY}forcechange",
        "Whether passwords grow too old to sign in with (SP 800-63B advises against it).",
    )
    max_age_days: int = setting(
        f"{_POLICY}maxage",
        90,
        Whole(1, 36_500),
        "Days after which a password is too old.",
    )
    remind_days: int = setting(
        f"{_POLICY}remindtime",
        14,
        Whole(0, 36_500),
        "Days before that at which Structr reminds.",
        applies=Applies.NEVER,
    )
    change_clears_sessions: bool = switch(
        f"{_POLICY}onchange.clearsessions",
        "Whether another password ends all sessions; here it always does.",
        applies=Applies.NEVER,
    )
    enforce_complexity: bool = switch(f"{_COMPLEXITY}enforce", "Whether the next five hold.")
    min_length: int = setting(
        f"{_COMPLEXITY}minlength",
        8,
        Whole(1, 128),
        "Characters of a password, at least.",
        aliases=(f"{_POLICY}minlength",),
    )
    require_uppercase: bool = switch(
        f"{_COMPLEXITY}requireuppercase", "Whether it needs an upper-case letter."
    )
    require_lowercase: bool = switch(
        f"{_COMPLEXITY}requirelowercase", "Whether it needs a lower-case letter."
    )
    require_digits: bool = switch(f"{_COMPLEXITY}requiredigits", "Whether it needs a digit.")
    require_special: bool = switch(
        f"{_COMPLEXITY}requirenonalphanumeric",
        "Whether it needs something that is neither letter nor digit.",
    )
    property_keys: str = setting(
        "security.authentication.propertykeys",
        "",
        _LINE,
        "Further properties to sign in with; only name and eMail are used.",
        applies=Applies.NEVER,
    )
    jwt_secret_type: SecretType = setting(
        "security.jwt.secrettype",
        SecretType.SECRET,
        Word(SecretType),
        "How tokens are signed.",
        applies=Applies.START,
    )
    jwt_secret: Secret = setting(
        "security.jwt.secret",
        Secret(b""),
        SigningSecret(),
        "The secret that signs tokens.",
        applies=Applies.START,
        secret=True,
    )
    jwt_issuer: str = setting("security.jwt.jwtIssuer", "structr", _LINE, "The issuer in a token.")
    access_minutes: int = setting(
        "security.jwt.expirationtime", 60, Whole(1, 1_440), "Minutes an access token is good for."
    )
    refresh_minutes: int = setting(
        "security.jwt.refreshtoken.expirationtime",
        1_440,
        Whole(1, 525_600),
        "Minutes a refresh token is good for.",
    )
    session_timeout: int = setting(
        "application.session.timeout",
        1_800,
        Whole(-1, 400 * DAY),
        "Seconds without use that end a session; 0 or less never do.",
    )
    max_sessions: int = setting(
        "application.session.max.number",
        -1,
        Whole(-1, 100_000),
        "Sessions a user may have at a time; -1 sets no limit.",
    )
    clear_on_startup: bool = switch(
        "application.session.clear.onstartup",
        "Whether a start ends all sessions.",
        applies=Applies.NEVER,
    )
    clear_on_shutdown: bool = switch(
        "application.session.clear.onshutdown",
        "Whether a stop ends all sessions.",
        applies=Applies.NEVER,
    )
    cookie_http_only: bool = switch(
        "httpservice.cookies.httponly",
        "Whether scripts are kept from the session cookie; Structr's default is false.",
        on=True,
    )
    cookie_same_site: SameSite = setting(
        "httpservice.cookies.samesite",
        SameSite.LAX,
        Word(SameSite),
        "Which requests of other sites carry the session cookie.",
    )
    cookie_secure: bool = switch(
        "httpservice.cookies.secure",
        "Whether the session cookie travels over https only; with an https base_url it does.",
    )
    force_https: bool = switch(
        "httpservice.force.https",
        "Whether http is turned away; a proxy in front does that here.",
        applies=Applies.NEVER,
    )
    cors_origins: tuple[str, ...] = setting(
        f"{_CORS}accepted.origins", (), Origins(), "Origins whose pages may call."
    )
    cors_methods: str = setting(f"{_CORS}allow.methods", "", _NAMES, "Methods they may use.")
    cors_headers: str = setting(
        f"{_CORS}allow.headers", "Authorization,refresh_token", _NAMES, "Headers they may send."
    )
    cors_credentials: bool = setting(
        f"{_CORS}allow.credentials",
        default=False,
        reader=Perhaps(),
        text="Whether their requests carry cookies.",
    )
    cors_expose: str = setting(
        f"{_CORS}expose.headers",
        "",
        _NAMES,
        "Headers they may read, beside token, qrdata, twoFactorLoginPage and reason.",
    )
    cors_max_age: int = setting(
        f"{_CORS}max.age", 3_600, Whole(0, DAY), "Seconds for which they may remember this."
    )
    autocreate: bool = switch("jsonrestservlet.user.autocreate", "Whether anybody may register.")
    autologin: bool = switch(
        "jsonrestservlet.user.autologin",
        "Whether the link of a mail signs its reader in; here it never does.",
        applies=Applies.NEVER,
    )
    login_unconfirmed: bool = switch(
        "registration.allowloginbeforeconfirmation",
        "Whether who has registered may sign in before confirming the address.",
    )
    registration_attributes: str = setting(
        "registration.customuserattributes",
        "name",
        _NAMES,
        "Properties that may be sent along when registering.",
    )
    reset_minutes: int = setting(
        "confirmationkey.passwordreset.validityperiod",
        30,
        Whole(1, 1_440),
        "Minutes for which a link to reset a password is good.",
    )
    registration_minutes: int = setting(
        "confirmationkey.registration.validityperiod",
        2_880,
        Whole(1, 43_200),
        "Minutes for which a link to confirm a registration is good.",
    )
    superuser_name: str = setting(
        "superuser.username",
        "superadmin",
        _LINE,
        "A name that never signs in; there is no superuser here.",
    )


def _declared() -> Mapping[str, Setting]:
    found = {
        part.metadata["name"]: Setting(
            attribute=part.name, default=part.default, **dict(part.metadata)
        )
        for part in fields(StructrSettings)
    }
    return MappingProxyType(found)


SETTINGS: Final[Mapping[str, Setting]] = _declared()
"""Every setting by its name as Structr writes it, in the order of the manual."""

_BY_NAME: Final[Mapping[str, Setting]] = MappingProxyType(
    {name.lower(): known for known in SETTINGS.values() for name in (known.name, *known.aliases)}
)


def find(name: str) -> Setting | None:
    """The setting of this name or alias, in any case."""
    return _BY_NAME.get(name.lower())


def read(known: Setting, value: object) -> Any:
    """A value from text, or as JSON has it; Malformed says what is expected."""
    return known.reader.read(known.reader.text(value) if isinstance(value, str) else value)


def build(values: Mapping[str, Any]) -> StructrSettings:
    """Freeze values by name, already read; what is absent has its default."""
    return StructrSettings(**{SETTINGS[name].attribute: value for name, value in values.items()})


def misfits(
    values: Mapping[str, Any], profile: Profile = Profile.STANDARD
) -> list[tuple[str, str]]:
    """Names of values that are fine alone but not together, and what is wrong."""
    known = build(values)
    found: list[tuple[str, str]] = []
    if "*" in known.cors_origins and known.cors_credentials:
        # Every page in the world could then act for whoever is signed in.
        name = f"{_CORS}allow.credentials"
        found.append((name, f"must not be true while {_CORS}accepted.origins is *"))
    if known.cookie_same_site is SameSite.NONE and not known.cookie_secure:
        found.append(
            ("httpservice.cookies.samesite", "must not be None without httpservice.cookies.secure")
        )
    if profile is Profile.STRICT:
        found += [
            (name, f"must not be {written(weak)} in the profile strict")
            for name, weak in _WEAK.items()
            if getattr(known, SETTINGS[name].attribute) == weak
        ]
    return found


_WEAK: Final[Mapping[str, bool | int]] = {
    "security.headerauthentication.bypasstwofactor": True,
    f"{TWO_FACTOR}maxfailedattempts": 0,
    "httpservice.cookies.httponly": False,
}
"""Switches that bring a weakness back, which the profile strict refuses (decision 16)."""


def plain(value: object) -> str | int | bool:
    """A value as JSON has it; never a secret's."""
    match value:
        case Secret(value=raw):
            return "(hidden)" if raw else ""
        case bool() | int() | str():
            return value
        case tuple():
            return ", ".join(value)
        case _:
            return str(value)


def written(value: object) -> str:
    """A value as a structr.conf has it; never a secret's."""
    shown = plain(value)
    return str(shown).lower() if isinstance(shown, bool) else str(shown)


def require(name: str) -> Setting:
    """The setting of this name, in any case; Malformed if there is none."""
    known = find(name)
    if known is None:
        raise Malformed(f"{name} is no setting of Structr that is known here.", field=name)
    return known
