"""Signing in and out: ``/login``, ``/logout`` and ``/token``."""

from __future__ import annotations

import base64
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Final

from twofold.ceremonies import finish, login, sessions
from twofold.ceremonies.engine import Engine
from twofold.ceremonies.outcomes import Done, Granted, Outcome, Pending, Revealed
from twofold.core.errors import InvalidCredentials, InvalidToken, Malformed, NotFound, TwofoldError
from twofold.core.types import SECOND, Context, Instant, Transport
from twofold.dialects.structr import words
from twofold.dialects.structr.entry import Entry, Visitor
from twofold.dialects.structr.manner import CLIENT, Desk
from twofold.web import qr
from twofold.web.headers import Header
from twofold.web.kit import Request, Response, Route

REST: Final = "/structr/rest"

SIDE: Final = 200
"""Pixels of the picture in ``qrdata``."""

_KEYS: Final = ("name", "eMail", "password", "twoFactorToken", "twoFactorCode")


@dataclass(frozen=True, slots=True)
class Given:
    """What somebody signs in with; empty where it was left out."""

    name: str = ""
    password: str = field(default="", repr=False)
    token: str = field(default="", repr=False)
    code: str = field(default="", repr=False)

    @property
    def table(self) -> Mapping[type[TwofoldError], words.Said]:
        """The words for what may be refused."""
        return words.CODE if self.token else words.PASSWORD


def given(body: Mapping[str, object]) -> Given:
    """Read what Structr's clients send; what else they send is nobody's business."""
    values = {key: body.get(key) for key in _KEYS}
    if not all(value is None or isinstance(value, str) for value in values.values()):
        raise words.NotText
    text = {key: str(value or "") for key, value in values.items()}
    return Given(
        text["eMail"] or text["name"],
        text["password"],
        text["twoFactorToken"],
        text["twoFactorCode"],
    )


async def read(request: Request) -> Mapping[str, object]:
    """The body, a JSON object whatever its Content-Type says."""
    body = await request.plain_json(typed=False)
    if not isinstance(body, dict):
        raise Malformed("The body is no JSON object.")
    return body


async def attempt(engine: Engine, shown: Given, context: Context, superuser: str) -> Outcome:
    """One step of a login: the second, when there is a token of the first."""
    if shown.token:
        return await finish.finish(engine, shown.token, shown.code, context)
    if shown.name and shown.name == superuser:
        raise words.NoSuperuser
    if not shown.name or not shown.password:
        raise InvalidCredentials
    return await login.begin(engine, context, identifier=shown.name, answer=shown.password)


def challenge(outcome: Pending | Revealed, page: str) -> tuple[Header, ...]:
    """The headers that say what the second step needs."""
    pending = outcome.pending if isinstance(outcome, Revealed) else outcome
    headers: list[Header] = [
        (b"token", pending.ticket.encode()),
        (b"twoFactorLoginPage", page.encode()),
    ]
    if isinstance(outcome, Revealed):
        headers.append((b"qrdata", picture(str(outcome.secrets["uri"])).encode()))
    return tuple(headers)


def picture(uri: str) -> str:
    """A key URI as the page takes it: a PNG in URL-safe base64 with its padding."""
    return base64.urlsafe_b64encode(qr.square_png(uri, side=SIDE)).decode()


class Logins:
    """The routes for signing in and out."""

    __slots__ = ("_entry",)

    def __init__(self, entry: Entry) -> None:
        self._entry: Final = entry

    def routes(self) -> tuple[Route, ...]:
        """All of them."""
        return (
            self._entry.open("POST", f"{REST}/login", self._login),
            self._entry.open("POST", f"{REST}/logout", self._logout),
            self._entry.open("POST", f"{REST}/token", self._token),
        )

    async def _login(self, request: Request, desk: Desk) -> Response:
        body = await read(request)
        try:
            shown = given(body)
        except words.NotText as error:
            return words.refusal(error, words.PASSWORD)
        context = self._entry.context(request, Transport.COOKIE)
        superuser = desk.settings.superuser_name
        try:
            outcome = await attempt(desk.login, shown, context, superuser)
        except TwofoldError as error:
            return words.refusal(error, shown.table)
        return await self.answered(request, desk, outcome)

    async def answered(self, request: Request, desk: Desk, outcome: Outcome) -> Response:
        """The answer to a step of a login; what the request was signed in as before is over."""
        match outcome:
            case Granted(session=session, subject=subject, tokens=tokens):
                await self._leave(request, desk, session.id)
                cookie = self._entry.session_cookie(desk.settings).put(tokens.session)
                return words.envelope(words.public(subject), cookie)
            case Pending() | Revealed():
                await self._leave(request, desk)
                headers = challenge(outcome, desk.settings.login_page)
                return words.envelope({}, *headers, status=202)
            case Done():
                return words.envelope({})

    async def _leave(self, request: Request, desk: Desk, keep: str = "") -> None:
        carried = await self._entry.carried(request, desk)
        if carried is not None and carried.bearer.session.id != keep:
            await sessions.log_out(carried.engine, carried.bearer, carried.context)

    async def _logout(self, request: Request, desk: Desk) -> Response:
        return words.envelope({}, *await self.left(request, desk))

    async def left(self, request: Request, desk: Desk) -> tuple[Header, ...]:
        """End the session and every pair of tokens of its user; the cookies that go with them.

        Whoever is not signed in is signed out already.
        """
        access, refresh = self._entry.token_cookies(desk.settings)
        session = self._entry.session_cookie(desk.settings)
        with suppress(InvalidToken):
            visitor = await self._entry.signed(request, desk)
            if visitor is not None:
                await _end(visitor)
        return session.clear(), access.clear(), refresh.clear()

    async def _token(self, request: Request, desk: Desk) -> Response:
        body = await read(request) if request.unread else {}
        try:
            shown = given(body)
        except words.NotText as error:
            return words.refusal(error, words.PASSWORD)
        context = self._entry.context(request, Transport.JSON)
        try:
            if shown == Given():
                outcome: Outcome = await _refreshed(request, desk.token, body, context)
            else:
                superuser = desk.settings.superuser_name
                outcome = await attempt(desk.token, shown, context, superuser)
        except TwofoldError as error:
            return words.refusal(error, shown.table)
        if isinstance(outcome, Granted):
            return self._pair(desk, outcome)
        return await self.answered(request, desk, outcome)

    def _pair(self, desk: Desk, granted: Granted) -> Response:
        settings, session = desk.settings, granted.session
        ends = Instant(session.rotated_at + session.access_life * SECOND)
        access = self._entry.signer(settings).write(granted.subject, granted.tokens.access, ends)
        result = {
            "access_token": access,
            "refresh_token": granted.tokens.refresh,
            "expiration_date": str(ends // (SECOND // 1_000)),
            "token_type": "Bearer",
        }
        cookies = self._entry.token_cookies(settings)
        return words.envelope(
            result,
            cookies[0].put(access, max_age=60 * settings.access_minutes),
            cookies[1].put(granted.tokens.refresh, max_age=60 * settings.refresh_minutes),
        )


async def _refreshed(
    request: Request, engine: Engine, body: Mapping[str, object], context: Context
) -> Granted:
    shown = (
        body.get("refresh_token"),
        request.header("refresh_token"),
        request.header("refresh-token"),
        request.cookies.get("refresh_token"),
        request.cookies.get("Refresh-Token"),
    )
    token = next((value for value in shown if value), None)
    if token is None:
        raise InvalidCredentials
    if not isinstance(token, str):
        raise words.NotText
    try:
        return await sessions.refresh(engine, token, context)
    except InvalidToken:
        raise words.BadRefresh from None


async def _end(visitor: Visitor) -> None:
    engine, bearer, context = visitor.engine, visitor.bearer, visitor.context
    for session in await sessions.listed(engine, bearer):
        if session.client == CLIENT and session.transport == Transport.JSON.value:
            with suppress(NotFound):  # ended meanwhile
                await sessions.close(engine, bearer, session.id, context)
    await sessions.log_out(engine, bearer, context)
