"""Which credential a request shows; one request never mixes two kinds (PROTOCOL section 9)."""

from __future__ import annotations

import base64
import re
from typing import Final

from twofold.core.errors import InvalidToken, MixedCredentials
from twofold.core.types import Transport
from twofold.web.cookies import Cookie
from twofold.web.request import Request

_SCHEME: Final = re.compile(r"([A-Za-z]{1,20}) +([A-Za-z0-9._~+/\-]{1,8192}=*)")


def authorization(request: Request) -> tuple[str, str] | None:
    """The scheme in lower case and its token68. Raises InvalidToken for anything else."""
    header = request.header("authorization")
    if header is None:
        return None
    found = _SCHEME.fullmatch(header)
    if found is None:
        raise InvalidToken
    return found[1].lower(), found[2]


def bearer(request: Request) -> str | None:
    """RFC 6750 section 2.1; another scheme shows no session and is InvalidToken."""
    match authorization(request):
        case None:
            return None
        case ("bearer", token):
            return token
        case _:
            raise InvalidToken


def basic(request: Request) -> tuple[str, str] | None:
    """RFC 7617: a name and its secret; another scheme is InvalidToken."""
    match authorization(request):
        case None:
            return None
        case ("basic", token):
            pass
        case _:
            raise InvalidToken
    try:
        name, colon, secret = base64.b64decode(token, validate=True).decode().partition(":")
    except ValueError:
        raise InvalidToken from None
    if not colon:
        raise InvalidToken
    return name, secret


def session_token(request: Request, cookie: Cookie) -> tuple[str, Transport] | None:
    """The token of a session and how it travelled. Raises MixedCredentials, InvalidToken."""
    shown = request.cookies.get(cookie.name)
    if request.header("authorization") is None:
        return (shown, Transport.COOKIE) if shown else None
    if shown:
        # Either could be the one somebody else planted; choosing would be guessing.
        raise MixedCredentials
    token = bearer(request)
    return (token, Transport.JSON) if token else None
