"""``/v1/ceremony``: login, step-up and enrolment as one resource that says what is possible now."""

from __future__ import annotations

from typing import Any

from msgspec import UNSET, UnsetType

from twofold.ceremonies import enrol, login, passkey, prove, step_up
from twofold.ceremonies.enrol import Wish
from twofold.core import errors
from twofold.core.errors import Malformed, MixedCredentials
from twofold.core.policy import Requirement, parse_acr
from twofold.core.types import Aal, Transport
from twofold.faces import Front, shapes
from twofold.faces.answers import Answers
from twofold.faces.transport import Caller, Entrance, Perhaps
from twofold.faces.views import CeremonyAnswer
from twofold.web.kit import Auth, Request, Response, Route, Taking

_TAG = "Ceremony"
_ANSWERS = {200: CeremonyAnswer}
_GOING = (errors.CeremonyConsumed, errors.StaleSecurityState)


class CeremonyApi:
    """The steps of a ceremony."""

    __slots__ = ("_answers", "_engine", "_entrance")

    def __init__(self, front: Front, entrance: Entrance, answers: Answers) -> None:
        self._engine = front.engine
        self._entrance = entrance
        self._answers = answers

    async def start(self, request: Request, body: shapes.Start) -> Response:
        """Begin a ceremony; a login may bring its password along."""
        if body.replaces is not UNSET and body.kind != "enroll":
            raise Malformed("Only an enrolment replaces a factor.", field="replaces")
        if body.kind != "login":
            return await self._start_inside(request, body)
        wanted = Transport.COOKIE if body.transport == "cookie" else Transport.JSON
        caller = self._entrance.beginning(request, wanted)
        outcome = await login.begin(
            self._engine,
            caller.context,
            identifier=_given(body.identifier),
            answer=None if body.password is UNSET else str(body.password),
            require=_requirement(body.require),
        )
        return self._answers.of(outcome, caller)

    async def _start_inside(self, request: Request, body: shapes.Start) -> Response:
        if body.identifier is not UNSET or body.password is not UNSET:
            raise Malformed("A session says who you are; leave this out.", field="identifier")
        signed = await self._entrance.signed(request)
        if body.transport is not UNSET and body.transport != signed.context.transport.value:
            raise MixedCredentials
        caller = Caller(signed.context)
        if body.kind == "enroll":
            pending = await enrol.begin(
                self._engine, signed.bearer.session, signed.context, replaces=_given(body.replaces)
            )
        else:
            require = _requirement(body.require)
            pending = await step_up.begin(
                self._engine, signed.bearer.session, signed.context, require
            )
        return self._answers.of(pending, caller)

    async def state(self, request: Request) -> Response:
        """Where the ceremony stands; a secret that was shown is not shown again."""
        caller = self._entrance.continuing(request)
        outcome = await login.inspect(self._engine, caller.ticket, caller.context)
        return self._answers.of(outcome, caller)

    async def cancel(self, request: Request) -> Response:
        """End the ceremony for good."""
        caller = self._entrance.continuing(request)
        done = await login.cancel(self._engine, caller.ticket, caller.context)
        answer = self._answers.done(done, cookies=caller.cookies)
        return answer.plus(self._answers.cookies.ticket.clear()) if caller.cookies else answer

    async def first_factor(self, request: Request, body: shapes.FirstFactor) -> Response:
        """Prove the first factor."""
        caller = self._entrance.continuing(request, body.ceremony)
        if body.method == "passkey":
            answer = _passkey(body)
            outcome = await passkey.prove(self._engine, caller.ticket, answer, caller.context)
            return self._answers.of(outcome, caller)
        if isinstance(body.password, UnsetType) or body.webauthn is not UNSET:
            raise Malformed("Send password, and nothing else that proves.", field="password")
        outcome = await login.first_factor(
            self._engine,
            caller.ticket,
            body.password,
            caller.context,
            identifier=_given(body.identifier),
        )
        return self._answers.of(outcome, caller)

    async def challenge(self, request: Request, body: shapes.Ask) -> Response:
        """Have a code sent, or a challenge shown."""
        caller = self._entrance.continuing(request, body.ceremony)
        outcome = await prove.ask(
            self._engine, caller.ticket, caller.context, authenticator=_given(body.factor) or None
        )
        return self._answers.of(outcome, caller)

    async def verify(self, request: Request, body: shapes.Answer) -> Response:
        """Prove a second factor with its code or credential, or with a recovery code."""
        caller = self._entrance.continuing(request, body.ceremony)
        recovery = body.recovery_code is not UNSET
        if recovery and (body.code is not UNSET or body.webauthn is not UNSET):
            raise Malformed("Send one of code, webauthn and recovery_code.", field="code")
        outcome = await prove.prove(
            self._engine,
            caller.ticket,
            _given(body.recovery_code)
            if recovery
            else shapes.code_or_credential(body.code, body.webauthn),
            caller.context,
            authenticator=_given(body.factor) or None,
            recovery=recovery,
        )
        return self._answers.of(outcome, caller)

    async def enroll(self, request: Request, body: shapes.Enroll) -> Response:
        """Make a secret and show it, this once; asked again, another one."""
        caller = self._entrance.continuing(request, body.ceremony)
        outcome = await enrol.bind(
            self._engine, caller.ticket, body.kind, caller.context, wish(body.label, body.address)
        )
        return self._answers.of(outcome, caller, drawing=body.qr)

    async def confirm(self, request: Request, body: shapes.Confirm) -> Response:
        """Prove that the new factor is held; only now is anything stored."""
        caller = self._entrance.continuing(request, body.ceremony)
        answer = shapes.code_or_credential(body.code, body.webauthn)
        outcome = await enrol.confirm(self._engine, caller.ticket, answer, caller.context)
        return self._answers.of(outcome, caller)

    async def skip(self, request: Request, body: shapes.Step) -> Response:
        """Put a demanded enrolment off, while policy allows it."""
        caller = self._entrance.continuing(request, body.ceremony)
        outcome = await login.skip(self._engine, caller.ticket, caller.context)
        return self._answers.of(outcome, caller)

    def routes(self) -> tuple[Route, ...]:
        """The route table."""
        begun = (
            errors.InvalidCredentials,
            errors.Throttled,
            errors.NotAllowed,
            errors.StepUpRequired,
            errors.InvalidToken,
            errors.MixedCredentials,
            errors.NotFound,
            errors.Overloaded,
        )
        path = "/v1/ceremony"
        return (
            Route(
                "POST", path, Perhaps(shapes.Start, self.start),
                "Begin a login, a step-up or an enrolment", _TAG, answers=_ANSWERS, errors=begun,
            ),
            Route("GET", path, self.state, "Read where a ceremony stands", _TAG, Auth.CEREMONY,
                  _ANSWERS, _GOING),
            Route("DELETE", path, self.cancel, "Give a ceremony up", _TAG, Auth.CEREMONY,
                  {204: None}, (errors.StaleSecurityState,)),
            *self._steps(),
        )  # fmt: skip

    def _steps(self) -> tuple[Route, ...]:
        guess = (errors.CodeRejected, errors.FactorBlocked)
        password = (errors.InvalidCredentials, errors.Throttled, errors.NotAllowed)
        return (
            _step(
                "first-factor", Taking(shapes.FirstFactor, self.first_factor),
                "Prove the first factor", *password, errors.Overloaded,
            ),
            _step(
                "challenge", Perhaps(shapes.Ask, self.challenge),
                "Have a code sent, or a challenge shown",
                errors.CooldownActive, errors.FactorBlocked, errors.NotEnrolled,
            ),
            _step(
                "verify", Taking(shapes.Answer, self.verify), "Prove a second factor",
                *guess, errors.CodeAlreadyUsed, errors.Throttled, errors.NotEnrolled,
            ),
            _step(
                "enroll", Taking(shapes.Enroll, self.enroll), "Make the secret of a new factor",
                errors.NotAllowed, errors.Throttled,
            ),
            _step(
                "confirm", Taking(shapes.Confirm, self.confirm),
                "Prove that a new factor is held", *guess,
            ),
            _step("skip", Perhaps(shapes.Step, self.skip), "Put an enrolment off"),
        )  # fmt: skip


def _step(
    name: str, handler: Taking[Any], summary: str, *refusals: type[errors.TwofoldError]
) -> Route:
    return Route(
        "POST",
        f"/v1/ceremony/{name}",
        handler,
        summary,
        _TAG,
        Auth.CEREMONY,
        _ANSWERS,
        (*refusals, errors.NotPossible, *_GOING),
    )


def wish(label: str, address: str | UnsetType) -> Wish:
    """What the claimant wants bound."""
    parameters = {} if isinstance(address, UnsetType) else {"address": address}
    return Wish(label=label, parameters=parameters)


def _passkey(body: shapes.FirstFactor) -> dict[str, object]:
    if isinstance(body.webauthn, UnsetType):
        raise Malformed("webauthn is missing.", field="webauthn")
    for name in ("password", "identifier"):
        if getattr(body, name) is not UNSET:
            raise Malformed("A passkey says whose it is; leave this out.", field=name)
    return shapes.credential(body.webauthn)


def _given(value: str | UnsetType) -> str:
    return "" if isinstance(value, UnsetType) else value


def _requirement(wanted: shapes.Require | UnsetType) -> Requirement | None:
    if isinstance(wanted, UnsetType):
        return None
    aal = Aal.ONE
    if not isinstance(wanted.acr, UnsetType):
        level = parse_acr(wanted.acr)
        if level is None:
            raise Malformed("No such level is known.", field="require.acr")
        aal = level
    return Requirement(aal, None if isinstance(wanted.max_age, UnsetType) else wanted.max_age)
