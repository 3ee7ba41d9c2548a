"""``/v1/verify`` and ``/v1/apps``: for applications that keep their own passwords.

They show their id and secret by HTTP Basic. What they are handed is a signed statement; a truth
value alone can be ignored or mixed up.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from msgspec import UNSET, Struct, UnsetType

from twofold.ceremonies import verify
from twofold.ceremonies.outcomes import Done, Revealed
from twofold.core import errors
from twofold.core.errors import (
    InvalidCredentials,
    InvalidToken,
    Malformed,
    NotFound,
    NotPossible,
    TwofoldError,
)
from twofold.core.networks import read_address
from twofold.core.types import SECOND, Context, Transport
from twofold.faces import Front, shapes, shapes_verify
from twofold.faces.answers import OVER, pending_answer, revealed_answer
from twofold.faces.api_ceremony import wish
from twofold.faces.api_factors import Factor, RecoveryCodes, factor_shape, recovery_shape
from twofold.faces.transport import Entrance
from twofold.faces.views import Action, CeremonyAnswer, Result
from twofold.web.credentials import basic
from twofold.web.kit import Auth, Request, Response, Route, Taking
from twofold.web.problems import refusal
from twofold.web.response import empty, json

_TAG = "Applications"
_JUDGED = (
    errors.CodeRejected,
    errors.CodeAlreadyUsed,
    errors.FactorBlocked,
    errors.NotEnrolled,
    errors.NotAllowed,
)


_ASKED = (errors.FactorBlocked, errors.Throttled, errors.NotEnrolled, errors.NotAllowed)


class Verified(Struct, frozen=True):
    """The signed statement, and what it says; ``auth_time`` in seconds since 1970, UTC."""

    assertion: str
    acr: str
    amr: tuple[str, ...]
    auth_time: int
    sub: str
    recovery_codes_left: int | UnsetType = UNSET


class Sent(Struct, frozen=True):
    """A code is on its way, or here is a challenge; times in seconds since 1970, UTC."""

    factor: str
    channel_hint: str
    resend_at: int
    expires_at: int
    webauthn: Mapping[str, Any] | UnsetType = UNSET
    """For parseRequestOptionsFromJSON, where the factor is a passkey."""


class AppSubject(Struct, frozen=True):
    """What an application may know of a subject."""

    sub: str
    name: str
    factors: tuple[Factor, ...]
    recovery_codes: RecoveryCodes


class Keys(Struct, frozen=True):
    """A JWK set (RFC 7517)."""

    keys: tuple[dict[str, str], ...]


class VerifyApi:
    """Verifying for others."""

    __slots__ = ("_engine", "_entrance")

    def __init__(self, front: Front, entrance: Entrance) -> None:
        self._engine = front.engine
        self._entrance = entrance

    async def _application(self, request: Request) -> tuple[verify.Client, Context]:
        shown = basic(request)
        if shown is None:
            raise InvalidToken
        context = self._entrance.context(request, Transport.JSON)
        try:
            client = await verify.authenticate_client(self._engine, *shown, context)
        except InvalidCredentials:
            raise InvalidToken from None
        named = request.params.get("client", client.id)
        if named != client.id:
            raise NotFound
        return client, context

    async def check(self, request: Request, body: shapes_verify.Check) -> Response:
        """Judge a code, spend it, and say so in a signed statement."""
        client, context = await self._application(request)
        answer, recovery = _answer(body)
        done = await verify.check(
            self._engine,
            client,
            body.subject,
            answer,
            _told(context, body.context),
            authenticator=None if isinstance(body.factor, UnsetType) else body.factor,
            recovery=recovery,
            nonce=body.nonce,
        )
        return json(_verified(done))

    async def ask(self, request: Request, body: shapes_verify.AskFor) -> Response:
        """Have a code sent to a subject; it answers this application only."""
        client, context = await self._application(request)
        done = await verify.ask(
            self._engine,
            client,
            body.subject,
            _told(context, body.context),
            None if isinstance(body.factor, UnsetType) else body.factor,
        )
        facts: dict[str, Any] = dict(done.facts)
        return json(
            Sent(
                factor=facts["authenticator"],
                channel_hint=str(facts.get("hint", "")),
                resend_at=-(-(facts["resend_at"] or 0) // SECOND),
                expires_at=(facts["expires_at"] or 0) // SECOND,
                webauthn=facts.get("webauthn", UNSET),
            )
        )

    async def keys(self, _: Request) -> Response:
        """The public keys that statements are checked with."""
        return json(verify.jwks(self._engine))

    async def subject(self, request: Request) -> Response:
        """Say which methods a subject has."""
        client, _ = await self._application(request)
        found = await verify.summary(self._engine, client, request.params["subject"])
        return json(
            AppSubject(
                found.subject.id,
                found.subject.name,
                tuple(map(factor_shape, found.factors)),
                recovery_shape(found.recovery),
            )
        )

    async def put_subject(self, request: Request, body: shapes_verify.Contact) -> Response:
        """Make a subject of the application's own, or change its addresses."""
        client, context = await self._application(request)
        named = request.params["subject"]
        await verify.put_subject(
            self._engine,
            client,
            named,
            context,
            email=None if isinstance(body.email, UnsetType) else body.email,
            phone=None if isinstance(body.phone, UnsetType) else body.phone,
        )
        return await self.subject(request)

    async def forget(self, request: Request) -> Response:
        """Forget a subject of the application's own."""
        client, context = await self._application(request)
        await verify.forget(self._engine, client, request.params["subject"], context)
        return empty()

    async def enroll(self, request: Request, body: shapes_verify.AppFactor) -> Response:
        """Make a factor's secret for a subject of the application's own, and show it once."""
        client, context = await self._application(request)
        answer, recovery = _proof(body) or (None, False)
        revealed = await verify.enrol_begin(
            self._engine,
            client,
            request.params["subject"],
            body.kind,
            context,
            wish=wish(body.label, body.address),
            answer=answer,
            authenticator=None if isinstance(body.factor, UnsetType) else body.factor,
            recovery=recovery,
        )
        return _revealed(revealed, f"{request.path}/confirm", body)

    async def confirm(self, request: Request, body: shapes_verify.AppConfirm) -> Response:
        """Prove that the factor is held; only now is it stored."""
        client, context = await self._application(request)
        answer = shapes.code_or_credential(body.code, body.webauthn)
        outcome = await verify.enrol_confirm(self._engine, client, body.ceremony, answer, context)
        if not isinstance(outcome, Done):
            raise NotPossible
        codes = outcome.facts.get("recovery_codes")
        result = Result(
            recovery_codes=codes if isinstance(codes, tuple) and codes else UNSET,
            factor=str(outcome.facts["authenticator"]),
        )
        return json(CeremonyAnswer(state="done", result=result))

    def routes(self) -> tuple[Route, ...]:
        """The route table."""
        one = "/v1/apps/{client}/subjects/{subject}"
        found = (
            Route(
                "POST", "/v1/verify", Taking(shapes_verify.Check, self.check),
                "Verify a code for an application", _TAG, Auth.CLIENT, {200: Verified}, _JUDGED,
            ),
            Route(
                "POST", "/v1/verify/challenge", Taking(shapes_verify.AskFor, self.ask),
                "Have a code sent for an application", _TAG, Auth.CLIENT, {200: Sent},
                (*_ASKED, errors.CooldownActive),
            ),
            Route("GET", "/.well-known/jwks.json", self.keys, "Keys of signed statements", _TAG,
                  answers={200: Keys}),
            Route("GET", one, self.subject, "Show an application's subject", _TAG, Auth.CLIENT,
                  {200: AppSubject}),
            Route(
                "PUT", one, Taking(shapes_verify.Contact, self.put_subject),
                "Make an application's subject", _TAG, Auth.CLIENT, {200: AppSubject},
                (errors.Taken,),
            ),
            Route("DELETE", one, self.forget, "Forget an application's subject", _TAG,
                  Auth.CLIENT, {204: None}),
            Route(
                "POST", f"{one}/factors", Taking(shapes_verify.AppFactor, self.enroll),
                "Make a factor for an application's subject", _TAG, Auth.CLIENT,
                {201: CeremonyAnswer}, (*_JUDGED, errors.StepUpRequired, errors.Throttled),
            ),
            Route(
                "POST", f"{one}/factors/confirm", Taking(shapes_verify.AppConfirm, self.confirm),
                "Confirm a factor of an application's subject", _TAG, Auth.CLIENT,
                {200: CeremonyAnswer},
                (errors.CodeRejected, errors.FactorBlocked, *OVER),
            ),
        )  # fmt: skip
        return tuple(replace(route, on_error=refused) for route in found)


def refused(request: Request, error: TwofoldError) -> Response:
    """The problem; an application that is not known is asked for Basic, not for a token."""
    answer = refusal(error, request.id)
    if not isinstance(error, InvalidToken):
        return answer
    kept = tuple(header for header in answer.headers if header[0] != b"www-authenticate")
    asked = (b"www-authenticate", b'Basic realm="applications", charset="UTF-8"')
    return answer._replace(headers=(*kept, asked))


_Proof = tuple[str | dict[str, object], bool]
"""What was given, and whether it is a recovery code."""


def _answer(body: shapes_verify.Check) -> _Proof:
    proof = _proof(body)
    if proof is None:
        raise Malformed("Send one of code, recovery_code and webauthn.", field="code")
    return proof


def _proof(body: shapes_verify.Check | shapes_verify.AppFactor) -> _Proof | None:
    match body.code, body.recovery_code, body.webauthn:
        case str(code), UnsetType(), UnsetType():
            return code, False
        case UnsetType(), str(code), UnsetType():
            return code, True
        case UnsetType(), UnsetType(), shapes.Credential() as given:
            if isinstance(body.factor, UnsetType):
                raise Malformed("Name the factor that was asked.", field="factor")
            return shapes.credential(given), False
        case UnsetType(), UnsetType(), UnsetType():
            return None
        case _:
            raise Malformed("Send one of code, recovery_code and webauthn.", field="code")


def _told(context: Context, user: shapes_verify.UserContext | UnsetType) -> Context:
    """The context with the person's address and agent, on the word of the application."""
    if isinstance(user, UnsetType):
        return context
    address = context.address
    if user.ip:
        found = read_address(user.ip)
        if found is None:
            raise Malformed("This is no address.", field="context.ip")
        address = str(found)
    return replace(context, address=address, agent=user.user_agent or context.agent)


def _verified(done: Done) -> Verified:
    facts: dict[str, Any] = dict(done.facts)
    left = facts["codes_left"]
    return Verified(
        assertion=facts["assertion"],
        acr=facts["acr"],
        amr=facts["amr"],
        auth_time=facts["auth_time"] // SECOND,
        sub=facts["subject"],
        recovery_codes_left=UNSET if left is None else left,
    )


def _revealed(revealed: Revealed, href: str, body: shapes_verify.AppFactor) -> Response:
    members = pending_answer(revealed.pending, cookies=False)
    members |= revealed_answer(revealed.secrets, body.qr)
    ticket = {"ceremony": revealed.pending.ticket}
    asked = "webauthn" if "webauthn" in members else "code"
    members["actions"] = (Action("confirm", "POST", href, (asked,), ticket),)
    return json(CeremonyAnswer(**members), status=201)
