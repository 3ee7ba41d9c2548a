"""What Structr says: its envelope, its users, and its errors, each of which has a table.

The tables are total: whatever the engine may raise or lead to has words here, and a test walks
through all of it.
"""

from __future__ import annotations

import json
import math
import time
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final

from twofold.ceremonies.wishes import Standing
from twofold.core import errors
from twofold.core.errors import TwofoldError
from twofold.core.types import SECOND, Instant, Status, Subject
from twofold.web.headers import DATA, Header
from twofold.web.problems import status_of
from twofold.web.request import Request
from twofold.web.response import Response
from twofold.web.routes import WrongMethod

HIDDEN: Final = "****** HIDDEN ******"
"""How every secret of a user reads."""

WRONG: Final = (
    "Wrong username or password, or user is blocked."
    " Check caps lock. Note: Username is case sensitive!"
)
DENIED: Final = "Access denied"
NOT_TEXT: Final = "Unable to process login data. All attributes must be of type String."
SUPERUSER: Final = "login with superuser not supported."
BAD_REFRESH: Final = "The given access_token or refresh_token is invalid"
NAMELESS: Final = "A user must have a name or an email address"

_HEADERS: Final = (*DATA, (b"content-type", b"application/json; charset=utf-8"))


@dataclass(frozen=True, slots=True)
class Said:
    """One refusal: its status, its fixed message, and the stable word in its header."""

    status: int
    message: str
    reason: str = ""


class Unfit(errors.Malformed):
    """Values of an entity that do not fit; each fault is a property and a token."""

    code = "structr-unfit"

    def __init__(self, *faults: tuple[str, str], message: str = "") -> None:
        """Keep the faults in Structr's own words."""
        super().__init__(message or "Unable to commit transaction, validation failed")
        self.faults = faults


class NotText(errors.Malformed):
    """A login with values that are no text."""

    code = "structr-not-text"


class NoSuperuser(errors.InvalidCredentials):
    """A login under the name that never signs in."""

    code = "structr-no-superuser"


class SecondFactorMissing(errors.InvalidCredentials):
    """Name and password came in headers, and this user needs a second factor."""

    code = "structr-second-factor-missing"


class BadRefresh(errors.InvalidToken):
    """A refresh token behind which nothing stands."""

    code = "structr-bad-refresh"


class NoWrite(errors.NotAllowed):
    """Somebody signed in may not change this."""

    code = "structr-no-write"


_SESSIONS: Final = Said(401, "Max. number of sessions exceeded", "sessionLimitExceeded")

PASSWORD: Final[Mapping[type[TwofoldError], Said]] = {
    errors.InvalidCredentials: Said(401, WRONG),
    errors.Throttled: Said(401, "Too many failed login attempts", "loginAttempts"),
    errors.TooManySessions: _SESSIONS,
    errors.PasswordExpired: Said(
        401, "The password has not been changed for too long", "passwordChangeRequired"
    ),
    NotText: Said(401, NOT_TEXT),
    NoSuperuser: Said(401, SUPERUSER),
    SecondFactorMissing: Said(401, "Two factor authentication required", "twoFactorRequired"),
    BadRefresh: Said(401, BAD_REFRESH),
}
"""At the first step of a login."""

_STALE: Final = Said(
    401, "Two factor authentication token not valid anymore", "invalidTwoFactorToken"
)
_FAILED: Final = Said(401, "Two factor authentication failed", "wrongTwoFactorCode")

CODE: Final[Mapping[type[TwofoldError], Said]] = {
    errors.CodeRejected: _FAILED,
    errors.CodeAlreadyUsed: _FAILED,
    errors.NotEnrolled: _FAILED,
    errors.NotPossible: _FAILED,
    errors.CeremonyExpired: _STALE,
    errors.CeremonyConsumed: _STALE,
    errors.StaleSecurityState: _STALE,
    errors.Throttled: Said(
        401, "Too many failed two factor authentication attempts", "tooManyTwoFactorAttempts"
    ),
    errors.TooManySessions: _SESSIONS,
    NotText: Said(401, NOT_TEXT),
}
"""At the second step."""

GENERAL: Final[Mapping[type[TwofoldError], Said]] = {
    errors.InvalidToken: Said(401, DENIED),
    errors.StepUpRequired: Said(403, "A fresh second factor is needed for this"),
    errors.NotFound: Said(404, "Not found"),
    errors.WeakPassword: Said(422, "The password is too short or too common"),
    errors.Taken: Said(422, "Unable to commit transaction, validation failed"),
    Unfit: Said(422, "Unable to commit transaction, validation failed"),
}
"""Everywhere; what none of the tables names has the status of its kind and its own title."""


def said(error: TwofoldError, *tables: Mapping[type[TwofoldError], Said]) -> Said:
    """The words for an error: of the first table that names it or its parent."""
    for table in (*tables, GENERAL):
        for kind in type(error).__mro__:
            if kind in table:
                return table[kind]
    status = status_of(type(error))
    # What settings are wrong with is for the operator's eyes.
    return Said(status, TwofoldError.title if status == 500 else error.detail)  # noqa: PLR2004


def refusal(error: TwofoldError, *tables: Mapping[type[TwofoldError], Said]) -> Response:
    """An error as Structr answers it."""
    words = said(error, *tables)
    found: list[dict[str, str]] = []
    message = words.message
    match error:
        case Unfit(faults=faults):
            message = error.detail
            found = [{"type": "User", "property": name, "token": token} for name, token in faults]
        case errors.WeakPassword():
            found = [{"type": "User", "property": "password", "token": "too_short"}]
        case errors.Malformed(field=str(name)) if words.status != 401:  # noqa: PLR2004
            found = [{"type": "User", "property": name, "token": "is_not_valid"}]
        case _:
            pass
    body = {"code": words.status, "message": message, "errors": found}
    return Response(words.status, _pretty(body), (*_HEADERS, *_beside(error, words)))


def _beside(error: TwofoldError, words: Said) -> tuple[Header, ...]:
    beside: list[Header] = []
    if words.reason:
        beside.append((b"reason", words.reason.encode()))
    match error:
        case errors.Throttled(retry_after=wait) | errors.Unavailable(retry_after=wait):
            beside.append((b"retry-after", str(max(1, math.ceil(wait))).encode()))
        case WrongMethod(allow=allow):
            beside.append((b"allow", allow.encode()))
        case _:
            pass
    return tuple(beside)


def envelope(
    result: object,
    *headers: Header,
    status: int = 200,
    began: float | None = None,
    page: tuple[int, int, int] | None = None,
) -> Response:
    """What was asked for, in what Structr wraps around it.

    ``began`` is when a query began; ``page`` are the page, its size, and how many there are in
    all.
    """
    count = len(result) if isinstance(result, list) else int(bool(result))
    body: dict[str, Any] = {"result": result}
    if began is not None:
        body["query_time"] = _seconds(time.perf_counter() - began)
    body["result_count"], body["page_count"] = count, 1
    if page is not None:
        number, size, total = page
        body |= {"page": number, "page_size": size}
        body["result_count"], body["page_count"] = total, max(1, -(-total // size))
    body |= {"result_count_time": _seconds(0), "serialization_time": _seconds(0)}
    return Response(status, _pretty(body), (*_HEADERS, *headers))


def options(allow: str) -> Response:
    """What a path can do."""
    return Response(200, b"", (*DATA, (b"allow", allow.encode())))


def on_error(_: Request, error: TwofoldError) -> Response:
    """The words for what is refused before or behind a handler."""
    return refusal(error)


def public(subject: Subject) -> dict[str, Any]:
    """A user as everybody sees it who may."""
    return {"id": subject.id, "type": "User", "isUser": True, "name": subject.name}


def ui(user: Standing) -> dict[str, Any]:
    """A user with everything its administrators see; no secret."""
    subject = user.subject
    kept = [session for session in user.sessions if session.transport == "cookie"]
    renewable = [session for session in user.sessions if session.transport == "json"]
    return {
        **public(subject),
        "createdDate": date(subject.created_at),
        "eMail": subject.email,
        "isAdmin": subject.admin,
        "blocked": subject.status is not Status.ACTIVE,
        "isTwoFactorUser": user.wished,
        "twoFactorConfirmed": user.confirmed,
        "twoFactorSecret": HIDDEN,
        "twoFactorToken": HIDDEN,
        "password": HIDDEN,
        "salt": HIDDEN,
        "passwordChangeDate": date(user.password_set),
        "passwordAttempts": user.wrong_passwords,
        "lastLoginDate": date(user.last_login),
        "locale": subject.attributes.get("locale"),
        "sessionIds": [session.id for session in kept],
        "refreshTokens": [session.id for session in renewable],
    }


def date(moment: Instant | None) -> str | None:
    """A moment as Structr writes it."""
    if moment is None:
        return None
    return datetime.fromtimestamp(moment // SECOND, UTC).strftime("%Y-%m-%dT%H:%M:%S+0000")


def _pretty(value: object) -> bytes:
    return json.dumps(value, indent=2, ensure_ascii=False).encode()


def _seconds(duration: float) -> str:
    return f"{duration:.9f}"
