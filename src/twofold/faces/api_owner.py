"""``/v1/account``, what belongs to its owner: what happened, another address, a copy, leaving."""

from __future__ import annotations

from msgspec import Struct

from twofold.ceremonies import address, leaving, overview
from twofold.ceremonies.overview import Overview
from twofold.core import agents, errors
from twofold.core.activity import Activity
from twofold.core.types import SECOND, Transport
from twofold.faces import Front, shapes
from twofold.faces.answers import Answers
from twofold.faces.api_factors import Factor, RecoveryCodes, factor_shape, recovery_shape
from twofold.faces.api_session import SessionRow, session_row
from twofold.faces.transport import Entrance, Perhaps
from twofold.web.kit import Auth, Request, Response, Route, Taking
from twofold.web.response import empty, json

_TAG = "Account"
_FRESH = (errors.StepUpRequired,)


class Happening(Struct, frozen=True):
    """One thing that happened to the account; the time in seconds since 1970, UTC."""

    id: str
    at: float
    event: str
    """A name from the list of events."""
    method: str
    """The kind of factor it was about."""
    amr: tuple[str, ...]
    """What was proved, where something was granted."""
    reasons: tuple[str, ...]
    """Why no more was asked for."""
    address: str
    agent: str
    label: str
    """Browser and system in words, as far as they are known."""
    client: str
    """The application it came through."""
    by: str
    """``administrator`` where it was not the owner."""


class Happenings(Struct, frozen=True):
    """What happened lately, newest first."""

    events: tuple[Happening, ...]


class Owner(Struct, frozen=True):
    """What the account says of its owner; the time in seconds since 1970, UTC."""

    sub: str
    name: str
    email: str | None
    email_verified: bool
    phone: str | None
    phone_verified: bool
    groups: tuple[str, ...]
    admin: bool
    created_at: int


class Export(Struct, frozen=True):
    """All that is kept of an account, for its owner to keep; no secret."""

    account: Owner
    factors: tuple[Factor, ...]
    recovery_codes: RecoveryCodes
    sessions: tuple[SessionRow, ...]
    events: tuple[Happening, ...]


def happening(one: Activity) -> Happening:
    """One thing that happened, as its owner may read it."""
    return Happening(
        id=one.id,
        at=one.at / SECOND,
        event=one.event,
        method=one.method,
        amr=one.amr,
        reasons=one.reasons,
        address=one.address,
        agent=one.agent,
        label=agents.label(one.agent),
        client=one.client,
        by=one.by,
    )


def export_of(found: Overview) -> Export:
    """A copy of an account."""
    subject = found.subject
    return Export(
        account=Owner(
            sub=subject.id,
            name=subject.name,
            email=subject.email,
            email_verified=subject.email_verified,
            phone=subject.phone,
            phone_verified=subject.phone_verified,
            groups=subject.groups,
            admin=subject.admin,
            created_at=subject.created_at // SECOND,
        ),
        factors=tuple(map(factor_shape, found.factors)),
        recovery_codes=recovery_shape(found.recovery),
        sessions=tuple(session_row(one, found.session.id) for one in found.sessions),
        events=tuple(map(happening, found.activity)),
    )


class OwnerApi:
    """What owners ask about and do with their account."""

    __slots__ = ("_answers", "_engine", "_entrance")

    def __init__(self, front: Front, entrance: Entrance, answers: Answers) -> None:
        self._engine = front.engine
        self._entrance = entrance
        self._answers = answers

    async def events(self, request: Request) -> Response:
        """List what happened lately."""
        query = request.arguments(shapes.EventQuery)
        bearer = (await self._entrance.signed(request)).bearer
        found = await overview.activity(self._engine, bearer, query.limit)
        return json(Happenings(tuple(map(happening, found))))

    async def export(self, request: Request, _: shapes.Empty) -> Response:
        """Hand out a copy of the account."""
        signed = await self._entrance.signed(request)
        return json(export_of(await overview.export(self._engine, signed.bearer, signed.context)))

    async def ask_address(self, request: Request, body: shapes.NewAddress) -> Response:
        """Have a code sent to the address that the account shall move to."""
        signed = await self._entrance.signed(request)
        await address.ask_change(self._engine, signed.bearer, body.email, signed.context)
        return empty(status=202)

    async def confirm_address(self, request: Request, body: shapes.Proof) -> Response:
        """Move the account to the address that the token was sent to."""
        context = self._entrance.context(request, Transport.JSON)
        await address.confirm_change(self._engine, body.token, context)
        return empty()

    async def delete(self, request: Request) -> Response:
        """Delete the account with all but its records."""
        signed = await self._entrance.signed(request)
        done = await leaving.delete(self._engine, signed.bearer, signed.context)
        return self._answers.done(done, cookies=signed.cookies)

    def routes(self) -> tuple[Route, ...]:
        """The route table."""
        return (
            Route(
                "GET", "/v1/account/events", self.events, "List what happened lately", _TAG,
                Auth.SESSION, {200: Happenings}, query=shapes.EventQuery,
            ),
            Route(
                "POST", "/v1/account/export", Perhaps(shapes.Empty, self.export),
                "Take a copy of the account", _TAG, Auth.SESSION, {200: Export}, _FRESH,
            ),
            Route(
                "POST", "/v1/account/email", Taking(shapes.NewAddress, self.ask_address),
                "Ask for another address", _TAG, Auth.SESSION, {202: None},
                (*_FRESH, errors.Throttled, errors.NotPossible),
            ),
            Route(
                "POST", "/v1/account/email/confirm", Taking(shapes.Proof, self.confirm_address),
                "Move to the other address", _TAG, answers={204: None},
                errors=(errors.CeremonyExpired, errors.StaleSecurityState, errors.Taken),
            ),
            Route(
                "DELETE", "/v1/account", self.delete, "Delete the account", _TAG, Auth.SESSION,
                {204: None}, (*_FRESH, errors.NotAllowed),
            ),
        )  # fmt: skip
