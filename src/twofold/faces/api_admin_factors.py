"""``/admin/v1/users/{id}/...``: factors, locks and sessions of others, in administrators' hands."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal

from msgspec import Struct, UnsetType

from twofold.ceremonies import admin, admin_factors
from twofold.core import otpauth
from twofold.core.errors import Malformed
from twofold.faces import Front, shapes_admin
from twofold.faces.api_admin import READING, TAG, administrator, detail_shape
from twofold.faces.api_factors import Factor, factor_shape
from twofold.faces.api_session import SessionRow
from twofold.faces.transport import Entrance, Perhaps, Signed
from twofold.web.kit import Auth, Request, Response, Route, Taking
from twofold.web.response import empty, json


class Factors(Struct, frozen=True):
    """The factors of a user, or those that were just removed."""

    factors: tuple[Factor, ...]


class Imported(Struct, frozen=True):
    """The factor that was bound."""

    id: str
    kind: str


class Unlocked(Struct, frozen=True):
    """What had wrong guesses counted."""

    scopes: tuple[str, ...]


class Sessions(Struct, frozen=True):
    """The sessions of a user, newest first."""

    sessions: tuple[SessionRow, ...]


class UserFactorApi:
    """What hangs on a user."""

    __slots__ = ("_engine", "_entrance", "_realm")

    def __init__(self, front: Front, entrance: Entrance) -> None:
        self._engine = front.engine
        self._realm = front.realm
        self._entrance = entrance

    async def _acting(self, request: Request) -> tuple[Signed, str]:
        signed = await administrator(self._engine, self._entrance, request, fresh=True)
        return signed, signed.bearer.subject.id

    async def factors(self, request: Request) -> Response:
        """List the factors of a user."""
        await administrator(self._engine, self._entrance, request)
        rows = await admin_factors.factors_of(self._engine, self._realm, request.params["id"])
        return json(Factors(tuple(map(factor_shape, rows))))

    async def import_factor(self, request: Request, body: shapes_admin.ImportedFactor) -> Response:
        """Bind a factor with material from elsewhere."""
        signed, by = await self._acting(request)
        secret, parameters = _material(body)
        made = await admin_factors.import_factor(
            self._engine,
            signed.context,
            by,
            request.params["id"],
            body.kind,
            secret=secret,
            parameters=parameters,
            label=body.label,
        )
        return json(Imported(made, body.kind), status=201)

    async def remove_factor(self, request: Request) -> Response:
        """Remove one factor of a user."""
        signed, by = await self._acting(request)
        params = request.params
        await admin_factors.reset_factors(
            self._engine, signed.context, by, params["id"], only=params["factor"]
        )
        return empty()

    async def reset(self, request: Request, body: shapes_admin.ResetFactors) -> Response:
        """Remove the factors and recovery codes of a user, who then sets up new ones."""
        signed, by = await self._acting(request)
        gone = await admin_factors.reset_factors(
            self._engine,
            signed.context,
            by,
            request.params["id"],
            only=None if isinstance(body.factor, UnsetType) else body.factor,
            reason=body.reason,
        )
        return json(Factors(tuple(map(factor_shape, gone))))

    async def unlock(self, request: Request, _: shapes_admin.Nothing) -> Response:
        """Forgive all wrong guesses at a user."""
        signed, by = await self._acting(request)
        scopes = await admin_factors.unlock(self._engine, signed.context, by, request.params["id"])
        return json(Unlocked(scopes))

    async def sessions(self, request: Request) -> Response:
        """List the sessions of a user."""
        await administrator(self._engine, self._entrance, request)
        detail = await admin.subject(self._engine, self._realm, request.params["id"])
        return json(Sessions(detail_shape(detail).sessions))

    async def close_sessions(self, request: Request) -> Response:
        """End all sessions of a user."""
        signed, by = await self._acting(request)
        await admin_factors.close_sessions(self._engine, signed.context, by, request.params["id"])
        return empty()

    async def close_session(self, request: Request) -> Response:
        """End one session of a user."""
        signed, by = await self._acting(request)
        params = request.params
        await admin_factors.close_sessions(
            self._engine, signed.context, by, params["id"], params["session"]
        )
        return empty()

    def routes(self) -> tuple[Route, ...]:
        """The route table."""
        one = "/admin/v1/users/{id}"
        return (
            Route("GET", f"{one}/factors", self.factors, "List a user's factors", TAG,
                  Auth.ADMIN, {200: Factors}, READING),
            Route(
                "POST", f"{one}/factors",
                Taking(shapes_admin.ImportedFactor, self.import_factor),
                "Import a factor", TAG, Auth.ADMIN, {201: Imported}, READING,
                example={"kind": "totp", "secret": "GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ"},
            ),
            Route("DELETE", f"{one}/factors/{{factor}}", self.remove_factor,
                  "Remove a user's factor", TAG, Auth.ADMIN, {204: None}, READING),
            Route(
                "POST", f"{one}/reset", Perhaps(shapes_admin.ResetFactors, self.reset),
                "Reset a user's factors", TAG, Auth.ADMIN, {200: Factors}, READING,
            ),
            Route(
                "POST", f"{one}/unlock", Perhaps(shapes_admin.Nothing, self.unlock),
                "Unlock a user", TAG, Auth.ADMIN, {200: Unlocked}, READING,
            ),
            Route("GET", f"{one}/sessions", self.sessions, "List a user's sessions", TAG,
                  Auth.ADMIN, {200: Sessions}, READING),
            Route("DELETE", f"{one}/sessions", self.close_sessions, "End a user's sessions",
                  TAG, Auth.ADMIN, {204: None}, READING),
            Route("DELETE", f"{one}/sessions/{{session}}", self.close_session,
                  "End one session of a user", TAG, Auth.ADMIN, {204: None}, READING),
        )  # fmt: skip


def _material(
    body: shapes_admin.ImportedFactor,
) -> tuple[bytes | None, Mapping[str, str | int]]:
    """The secret and what goes with it, from its parts or from a whole key URI."""
    names: tuple[Literal["algorithm", "digits", "period", "address"], ...] = (
        "algorithm", "digits", "period", "address",
    )  # fmt: skip
    parameters: dict[str, str | int] = {
        name: value for name in names if not isinstance(value := getattr(body, name), UnsetType)
    }
    if isinstance(body.uri, UnsetType):
        secret = None if isinstance(body.secret, UnsetType) else otpauth.from_base32(body.secret)
        return secret, parameters
    if not isinstance(body.secret, UnsetType) or parameters:
        raise Malformed("A key URI says all of this itself.", field="uri")
    told = otpauth.parse(body.uri)
    if told.kind != body.kind:
        raise Malformed("This key URI is for another kind.", field="uri")
    return told.secret, {
        "algorithm": told.algorithm,
        "digits": told.digits,
        "period": told.period,
    }
