"""What the settings of Structr ask of the engine, as terms: one set for each of three doors."""

from __future__ import annotations

from dataclasses import dataclass, replace

from twofold.ceremonies import mailed
from twofold.ceremonies.engine import Engine
from twofold.core.networks import Networks, parse_networks
from twofold.core.policy import Lifetime
from twofold.core.terms import DIALECT, Terms
from twofold.core.throttle import MOST_CONSECUTIVE, Limits
from twofold.core.types import SECOND
from twofold.dialects.structr.config import StructrSettings

CLIENT = f"{DIALECT}structr"
"""Whose sessions and pending logins they are."""

DAY = 86_400
"""Seconds."""

LONGEST = 400 * DAY
"""Seconds after which a session ends even where Structr never ends one."""

WINDOW = 900
"""Seconds within which wrong codes add up, and for which they lock the second step."""

PER_TOKEN = 5
"""Wrong codes that end a token."""

_EVERYWHERE = parse_networks("0.0.0.0/0, ::/0")


@dataclass(frozen=True, slots=True)
class Desk:
    """The engine on Structr's terms: for sessions, for tokens, and for one single request."""

    settings: StructrSettings
    login: Engine
    token: Engine
    header: Engine


def desk(engine: Engine, settings: StructrSettings) -> Desk:
    """What these settings mean."""
    login = login_terms(settings)
    return Desk(
        settings,
        login=engine.under(login),
        token=engine.under(token_terms(login, settings)),
        header=engine.under(header_terms(login, settings)),
    )


def login_terms(settings: StructrSettings) -> Terms:
    """For whoever signs in with name and password, and is given a session."""
    idle = settings.session_timeout if settings.session_timeout > 0 else LONGEST
    return Terms(
        admins_alike=True,
        any_proof=True,
        trusted_networks=settings.whitelist.networks,
        ceremony_life=settings.login_timeout,
        guesses=_codes(settings.max_failed_codes),
        guesses_per_ceremony=PER_TOKEN if settings.max_failed_codes else MOST_CONSECUTIVE,
        passwords=_passwords(settings.max_failed_passwords),
        password_life=DAY * settings.max_age_days if settings.force_change else None,
        links={
            mailed.RESET: 60 * settings.reset_minutes,
            mailed.VERIFY: 60 * settings.registration_minutes,
        },
        sessions=Lifetime(idle=idle, absolute=LONGEST),
        registration=settings.autocreate,
        window=(settings.skew, settings.skew),
        adopts="totp",
        issuer=settings.issuer,
        parameters={
            "algorithm": str(settings.algorithm),
            "digits": settings.digits,
            "period": settings.period,
        },
        newest_only=True,
        most_sessions=settings.max_sessions if settings.max_sessions >= 0 else None,
        # The idle time is exact to the second, so use is noted more exactly than that.
        use_noted=SECOND // 2,
        refresh_once=True,
    )


def token_terms(login: Terms, settings: StructrSettings) -> Terms:
    """For whoever is given a pair of tokens instead: the second is good for so long unused."""
    return replace(
        login,
        sessions=Lifetime(idle=60 * settings.refresh_minutes, absolute=LONGEST),
        access_life=60 * settings.access_minutes,
        most_sessions=None,
    )


def header_terms(login: Terms, settings: StructrSettings) -> Terms:
    """For whoever shows name and password with each request: nothing is begun that waits."""
    spared = _EVERYWHERE if settings.header_bypass else login.trusted_networks
    return replace(
        login,
        trusted_networks=Networks(spared.entries),
        sessions=Lifetime(idle=DAY, absolute=DAY),
        adopts="",
        newest_only=False,
        asks_at_once=False,
        most_sessions=None,
    )


def _codes(most: int) -> Limits:
    if most:
        return Limits(allowed=most, window=WINDOW, delay=WINDOW, longest=DAY)
    # Switched off: what remains is the cap of SP 800-63B section 3.2.2.
    return Limits(allowed=MOST_CONSECUTIVE, window=WINDOW, delay=WINDOW, longest=DAY)


def _passwords(most: int) -> Limits | None:
    if most <= 0:
        return None
    # Locked when there are more than so many in a row, until somebody unlocks.
    wrong = min(most + 1, MOST_CONSECUTIVE)
    return Limits(allowed=wrong, window=WINDOW, delay=WINDOW, longest=DAY, absolute=wrong)
