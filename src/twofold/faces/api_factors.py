"""``/v1/factors`` and ``/v1/recovery-codes``: what a subject has bound, without any secret."""

from __future__ import annotations

from collections.abc import Mapping

from msgspec import UNSET, Struct, UnsetType

from twofold.ceremonies import enrol, manage, recover
from twofold.core import errors
from twofold.core.errors import Malformed, NotFound
from twofold.core.types import SECOND
from twofold.faces import Front, shapes
from twofold.faces.answers import Answers
from twofold.faces.api_ceremony import wish
from twofold.faces.transport import Caller, Entrance, Perhaps
from twofold.faces.views import CeremonyAnswer
from twofold.web.kit import Auth, Request, Response, Route, Taking
from twofold.web.response import json

_TAG = "Factors"
_FRESH = (errors.StepUpRequired,)


class Factor(Struct, frozen=True):
    """A factor; times in seconds since 1970, UTC."""

    id: str
    kind: str
    label: str
    preferred: bool
    created_at: int
    used_at: int | None
    hint: str
    traits: Mapping[str, str | int] | UnsetType = UNSET
    """What a passkey told of itself: credential, aaguid, transports, synced, backed_up."""


class RecoveryCodes(Struct, frozen=True):
    """How many recovery codes are left of the set that was made then."""

    remaining: int
    generated_at: int | None
    total: int
    """How many the set had."""


class FactorList(Struct, frozen=True):
    """All second factors, preferred first, and what is left for the day they are lost."""

    factors: tuple[Factor, ...]
    recovery_codes: RecoveryCodes


class NewCodes(Struct, frozen=True):
    """A new set of recovery codes, shown in this answer and never again; the old ones are dead."""

    codes: tuple[str, ...]


def factor_shape(row: manage.FactorRow) -> Factor:
    """A factor as its owner sees it."""
    return Factor(
        id=row.id,
        kind=row.kind,
        label=row.label,
        preferred=row.preferred,
        created_at=row.created_at // SECOND,
        used_at=None if row.used_at is None else row.used_at // SECOND,
        hint=row.hint,
        traits=row.traits or UNSET,
    )


def recovery_shape(row: manage.RecoveryRow | None) -> RecoveryCodes:
    """What is left of the recovery codes, none if there never were any."""
    if row is None:
        return RecoveryCodes(0, None, 0)
    return RecoveryCodes(row.remaining, row.generated_at // SECOND, row.total)


class FactorApi:
    """A subject's own factors."""

    __slots__ = ("_answers", "_engine", "_entrance")

    def __init__(self, front: Front, entrance: Entrance, answers: Answers) -> None:
        self._engine = front.engine
        self._entrance = entrance
        self._answers = answers

    async def listed(self, request: Request) -> Response:
        """List the factors."""
        bearer = (await self._entrance.signed(request)).bearer
        rows = await manage.factors(self._engine, bearer)
        left = await manage.recovery_left(self._engine, bearer)
        return json(FactorList(tuple(map(factor_shape, rows)), recovery_shape(left)))

    async def add(self, request: Request, body: shapes.NewFactor) -> Response:
        """Begin an enrolment; with a kind, its secret is made in the same call."""
        signed = await self._entrance.signed(request)
        caller = Caller(signed.context)
        pending = await enrol.begin(self._engine, signed.bearer.session, signed.context)
        if isinstance(body.kind, UnsetType):
            return self._answers.of(pending, caller, status=201)
        wanted = wish(body.label, body.address)
        revealed = await enrol.bind(self._engine, pending.ticket, body.kind, signed.context, wanted)
        return self._answers.of(revealed, caller, status=201, drawing=body.qr)

    async def change(self, request: Request, body: shapes.FactorChange) -> Response:
        """Give a factor another label, or ask for it first."""
        signed = await self._entrance.signed(request)
        if isinstance(body.label, UnsetType) and isinstance(body.preferred, UnsetType):
            raise Malformed("Send label or preferred.", field="label")
        named = request.params["id"]
        if not isinstance(body.label, UnsetType):
            await manage.rename(self._engine, signed.bearer, named, body.label, signed.context)
        if not isinstance(body.preferred, UnsetType):
            await manage.prefer(self._engine, signed.bearer, named, signed.context)
        rows = await manage.factors(self._engine, signed.bearer)
        for row in rows:
            if row.id == named:
                return json(factor_shape(row))
        raise NotFound

    async def remove(self, request: Request) -> Response:
        """Remove a factor."""
        signed = await self._entrance.signed(request)
        named = request.params["id"]
        done = await manage.remove(self._engine, signed.bearer, named, signed.context)
        return self._answers.done(done, cookies=signed.cookies)

    async def recovery_left(self, request: Request) -> Response:
        """Say how many recovery codes are left."""
        bearer = (await self._entrance.signed(request)).bearer
        return json(recovery_shape(await manage.recovery_left(self._engine, bearer)))

    async def renew(self, request: Request, _: shapes.Empty) -> Response:
        """Make a new set of recovery codes."""
        signed = await self._entrance.signed(request)
        done = await recover.renew(self._engine, signed.bearer, signed.context)
        codes = done.facts.get("recovery_codes")
        shown = tuple(map(str, codes)) if isinstance(codes, list | tuple) else ()
        ended = self._answers.ended_cookies(done, cookies=signed.cookies)
        return json(NewCodes(shown), *ended)

    def routes(self) -> tuple[Route, ...]:
        """The route table."""
        return (
            Route(
                "GET", "/v1/factors", self.listed, "List factors", _TAG, Auth.SESSION,
                {200: FactorList},
            ),
            Route(
                "POST", "/v1/factors", Perhaps(shapes.NewFactor, self.add), "Begin an enrolment",
                _TAG, Auth.SESSION, {201: CeremonyAnswer},
                (*_FRESH, errors.NotAllowed, errors.Throttled),
            ),
            Route(
                "PATCH", "/v1/factors/{id}", Taking(shapes.FactorChange, self.change),
                "Name or prefer a factor", _TAG, Auth.SESSION, {200: Factor},
            ),
            Route(
                "DELETE", "/v1/factors/{id}", self.remove, "Remove a factor", _TAG, Auth.SESSION,
                {204: None}, (*_FRESH, errors.LastFactor),
            ),
            Route(
                "GET", "/v1/recovery-codes", self.recovery_left, "Count recovery codes", _TAG,
                Auth.SESSION, {200: RecoveryCodes},
            ),
            Route(
                "POST", "/v1/recovery-codes", Perhaps(shapes.Empty, self.renew),
                "Make new recovery codes", _TAG, Auth.SESSION, {200: NewCodes},
                (*_FRESH, errors.NotEnrolled),
            ),
        )  # fmt: skip
