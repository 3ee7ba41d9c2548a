"""``/v1/session``, ``/v1/sessions``, ``/v1/tokens``: who is signed in, where, and for how long."""

from __future__ import annotations

from msgspec import Struct, UnsetType

from twofold.ceremonies import sessions
from twofold.core import agents
from twofold.core.errors import CsrfRejected, InvalidToken, Malformed, MixedCredentials
from twofold.core.policy import ACR
from twofold.core.types import SECOND, Session, Transport
from twofold.faces import Front, shapes
from twofold.faces.answers import Answers
from twofold.faces.transport import Entrance, Perhaps
from twofold.faces.views import Renewed
from twofold.web.kit import Auth, Request, Response, Route
from twofold.web.response import json

_TAG = "Sessions"


class Whoami(Struct, frozen=True):
    """Who is signed in, and what was proved for it; times in seconds since 1970, UTC."""

    sub: str
    name: str
    sid: str
    acr: str
    amr: tuple[str, ...]
    auth_time: int
    exp: int
    admin: bool
    groups: tuple[str, ...]
    email: str | None
    email_verified: bool
    locale: str
    """The language messages are written in; empty for the server's own."""


class SessionRow(Struct, frozen=True):
    """One session of the list."""

    id: str
    created_at: int
    seen_at: int
    auth_time: int
    expires_at: int
    acr: str
    amr: tuple[str, ...]
    address: str
    agent: str
    label: str
    """Browser and system in words, as far as they are known."""
    client: str
    current: bool


class SessionList(Struct, frozen=True):
    """Sessions, newest first."""

    sessions: tuple[SessionRow, ...]


def session_row(session: Session, current: str) -> SessionRow:
    """A session as its owner sees it."""
    return SessionRow(
        id=session.id,
        created_at=session.created_at // SECOND,
        seen_at=session.seen_at // SECOND,
        auth_time=session.auth_time // SECOND,
        expires_at=session.expires_at // SECOND,
        acr=ACR[session.aal],
        amr=session.amr,
        address=session.address,
        agent=session.agent,
        label=agents.label(session.agent),
        client=session.client,
        current=session.id == current,
    )


class SessionApi:
    """Sessions and their tokens."""

    __slots__ = ("_answers", "_engine", "_entrance")

    def __init__(self, front: Front, entrance: Entrance, answers: Answers) -> None:
        self._engine = front.engine
        self._entrance = entrance
        self._answers = answers

    async def whoami(self, request: Request) -> Response:
        """Say who is signed in."""
        bearer = (await self._entrance.signed(request)).bearer
        session, subject = bearer.session, bearer.subject
        return json(
            Whoami(
                sub=subject.id,
                name=subject.name,
                sid=session.id,
                acr=ACR[session.aal],
                amr=session.amr,
                auth_time=session.auth_time // SECOND,
                exp=session.expires_at // SECOND,
                admin=subject.admin,
                groups=subject.groups,
                email=subject.email,
                email_verified=subject.email_verified,
                locale=subject.locale,
            )
        )

    async def log_out(self, request: Request) -> Response:
        """End the session that asks."""
        signed = await self._entrance.signed(request)
        done = await sessions.log_out(self._engine, signed.bearer, signed.context)
        return self._answers.done(done, cookies=signed.cookies)

    async def listed(self, request: Request) -> Response:
        """List the subject's sessions."""
        signed = await self._entrance.signed(request)
        found = await sessions.listed(self._engine, signed.bearer)
        current = signed.bearer.session.id
        return json(SessionList(tuple(session_row(session, current) for session in found)))

    async def close_others(self, request: Request) -> Response:
        """End all sessions but the one that asks."""
        signed = await self._entrance.signed(request)
        done = await sessions.close_others(self._engine, signed.bearer, signed.context)
        return self._answers.done(done, cookies=signed.cookies)

    async def close(self, request: Request) -> Response:
        """End one session; somebody else's is as unknown as one that never was (A71)."""
        signed = await self._entrance.signed(request)
        done = await sessions.close(
            self._engine, signed.bearer, request.params["id"], signed.context
        )
        return self._answers.done(done, cookies=signed.cookies)

    async def refresh(self, request: Request, body: shapes.Refresh) -> Response:
        """Rotate the tokens of a session; level and moment of proof stay what they were."""
        shown = request.cookies.get(self._entrance.cookies.refresh.name)
        if isinstance(body.refresh_token, UnsetType):
            return await self._refresh_cookies(request, shown)
        if shown:
            raise MixedCredentials
        context = self._entrance.context(request, Transport.JSON)
        granted = await sessions.refresh(self._engine, body.refresh_token, context)
        return self._answers.renewed(granted, cookies=False)

    async def _refresh_cookies(self, request: Request, shown: str | None) -> Response:
        if not shown:
            raise Malformed("refresh_token is missing.", field="refresh_token")
        if request.header("authorization") is not None:
            raise MixedCredentials
        context = self._entrance.context(request, Transport.COOKIE)
        granted = await sessions.refresh(self._engine, shown, context)
        return self._answers.renewed(granted, cookies=True)

    def routes(self) -> tuple[Route, ...]:
        """The route table."""
        return (
            Route(
                "GET", "/v1/session", self.whoami, "Say who is signed in", _TAG, Auth.SESSION,
                {200: Whoami},
            ),
            Route(
                "DELETE", "/v1/session", self.log_out, "Sign out", _TAG, Auth.SESSION,
                {204: None},
            ),
            Route(
                "GET", "/v1/sessions", self.listed, "List sessions", _TAG, Auth.SESSION,
                {200: SessionList},
            ),
            Route(
                "DELETE", "/v1/sessions", self.close_others, "End all other sessions", _TAG,
                Auth.SESSION, {204: None},
            ),
            Route(
                "DELETE", "/v1/sessions/{id}", self.close, "End one session", _TAG,
                Auth.SESSION, {204: None},
            ),
            Route(
                "POST", "/v1/tokens/refresh", Perhaps(shapes.Refresh, self.refresh),
                "Rotate a session's tokens", _TAG, Auth.NONE, {200: Renewed},
                (InvalidToken, MixedCredentials, CsrfRejected),
            ),
        )  # fmt: skip
