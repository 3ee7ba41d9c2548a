"""Errors as RFC 9457 problem details: one total table from the error tree to statuses.

A wrong code is 422: a 401 would oblige us to name a challenge and makes some clients pop up a
dialog or drop their token. 401 says only that this request is not authenticated enough.
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from typing import Any, Final

import msgspec

from twofold.core import errors
from twofold.core.errors import TwofoldError
from twofold.core.types import SECOND
from twofold.web.bodies import TooLarge, WrongMediaType
from twofold.web.headers import DATA, Header
from twofold.web.request import HeadTooLarge, Request, TooSlow
from twofold.web.response import Response
from twofold.web.routes import WrongMethod

MEDIA_TYPE: Final = "application/problem+json"

STATUSES: Final[Mapping[type[TwofoldError], int]] = {
    TwofoldError: 400,
    errors.Refused: 409,
    errors.Replayed: 409,
    errors.Stale: 409,
    errors.Taken: 409,
    errors.Denied: 403,
    errors.InvalidCredentials: 422,
    errors.CodeRejected: 422,
    errors.CodeAlreadyUsed: 422,
    errors.Throttled: 429,
    errors.FactorBlocked: 429,
    errors.CooldownActive: 429,
    errors.CeremonyExpired: 410,
    errors.CeremonyConsumed: 409,
    errors.NotPossible: 409,
    errors.StaleSecurityState: 409,
    errors.StepUpRequired: 401,
    errors.InvalidToken: 401,
    errors.NotAllowed: 403,
    errors.LastFactor: 409,
    errors.NotEnrolled: 404,
    errors.CsrfRejected: 403,
    errors.TooManySessions: 409,
    errors.PasswordExpired: 403,
    errors.Faulty: 400,
    errors.Malformed: 400,
    errors.MixedCredentials: 400,
    errors.NotFound: 404,
    errors.WeakPassword: 422,
    errors.Misconfigured: 500,
    errors.Unavailable: 503,
    errors.Overloaded: 503,
    errors.Uncertain: 503,
    errors.Unsealable: 503,
    HeadTooLarge: 431,
    TooLarge: 413,
    TooSlow: 408,
    WrongMediaType: 415,
    WrongMethod: 405,
}

_HEADERS: Final = (*DATA, (b"content-type", MEDIA_TYPE.encode()))
_UNQUOTED: Final = re.compile(r"[^\x20\x21\x23-\x5b\x5d-\x7e]")
_encode: Final = msgspec.json.Encoder().encode


class Problem(msgspec.Struct, omit_defaults=True, frozen=True):
    """RFC 9457 problem details; ``type`` ends with the stable code."""

    type: str
    title: str
    status: int
    detail: str
    instance: str = ""
    """The request id; absent where a request was cut before it had one."""
    attempts_left: int | None = None
    retry_after: int | None = None
    """Seconds."""
    resend_at: int | None = None
    """Seconds since 1970, UTC."""
    acr_values: str | None = None
    max_age: int | None = None
    """Seconds."""
    field: str | None = None
    errors: Mapping[str, str] | None = None
    """What is wrong with each of several fields, by name."""


def status_of(kind: type[TwofoldError]) -> int:
    """The status of this class of errors; a plug-in's own class has that of its parent."""
    return next(STATUSES[parent] for parent in kind.__mro__ if parent in STATUSES)


def problem_of(error: TwofoldError, request: str) -> Problem:
    """The error as problem details for the request of this id."""
    facts = _facts(error)
    detail = error.detail
    if isinstance(error, errors.Misconfigured):
        # It names settings and where they came from; that is for the operator's eyes.
        detail = TwofoldError.title
    return Problem(
        type=f"urn:twofold:problem:{error.code}",
        title=error.title,
        status=status_of(type(error)),
        detail=detail,
        instance=request,
        **facts,
    )


def refusal(error: TwofoldError, request: str = "", **more: object) -> Response:
    """The answer to a refused request of this id; ``more`` are further members (``actions``)."""
    found = problem_of(error, request)
    body = _encode(found if not more else {**msgspec.to_builtins(found), **more})
    return Response(found.status, body, _HEADERS + _extra_headers(error))


def problem(request: Request, error: TwofoldError) -> Response:
    """The native words for an error: what routes without words of their own answer."""
    return refusal(error, request.id)


def broken(request: Request) -> Response:
    """The answer when we are at fault: closed, and silent about why (I9)."""
    body = Problem(
        type="urn:twofold:problem:internal-error",
        title="Something went wrong on our side.",
        status=500,
        detail="Nothing was granted. The operator finds the cause under this request id.",
        instance=request.id,
    )
    return Response(500, _encode(body), _HEADERS)


def _facts(error: TwofoldError) -> dict[str, Any]:
    match error:
        case errors.CooldownActive(retry_after=seconds, resend_at=moment):
            return {"retry_after": _seconds(seconds), "resend_at": -(-moment // SECOND)}
        case errors.Throttled(retry_after=seconds) | errors.Unavailable(retry_after=seconds):
            return {"retry_after": _seconds(seconds)}
        case errors.CodeRejected(attempts_left=left):
            return {"attempts_left": left}
        case errors.StepUpRequired(acr_values=values, max_age=age):
            return {"acr_values": values, "max_age": age}
        case errors.Malformed(field=name, fields=faults):
            return {"field": name, "errors": faults}
        case _:
            return {}


def _extra_headers(error: TwofoldError) -> tuple[Header, ...]:
    match error:
        case errors.Throttled(retry_after=seconds) | errors.Unavailable(retry_after=seconds):
            return ((b"retry-after", str(_seconds(seconds)).encode()),)
        case errors.StepUpRequired():
            return ((b"www-authenticate", _step_up(error)),)
        case errors.InvalidToken():
            return ((b"www-authenticate", b'Bearer error="invalid_token"'),)
        case WrongMethod(allow=allow):
            return ((b"allow", allow.encode()),)
        case WrongMediaType(accepts=accepts):
            return ((b"accept", accepts.encode()),)  # RFC 9110 section 15.5.16
        case _:
            return ()


def _step_up(error: errors.StepUpRequired) -> bytes:
    """RFC 9470 section 3."""
    values = _UNQUOTED.sub("", error.acr_values)
    challenge = f'Bearer error="insufficient_user_authentication", acr_values="{values}"'
    if error.max_age is not None:
        challenge += f", max_age={error.max_age}"
    return challenge.encode("ascii")


def _seconds(wait: float) -> int:
    return max(1, math.ceil(wait))
