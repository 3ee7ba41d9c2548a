"""Outcomes and errors of the engine as responses of the native API, with the cookies they need."""

from __future__ import annotations

import base64
from collections.abc import Mapping
from typing import Any, Literal

from msgspec import UNSET

from twofold.ceremonies.outcomes import Choice, Done, Granted, Outcome, Pending, Revealed
from twofold.core import errors
from twofold.core.ceremony import State
from twofold.core.errors import TwofoldError
from twofold.core.policy import ACR
from twofold.core.types import SECOND, Instant, Session
from twofold.faces import Front
from twofold.faces.actions import RESTART, actions, step_up
from twofold.faces.transport import Caller
from twofold.faces.views import (
    CeremonyAnswer,
    FactorChoice,
    Renewed,
    Result,
    SessionView,
    TokenSet,
)
from twofold.web import qr
from twofold.web.cookies import Cookies, own_cookies
from twofold.web.csrf import new_binding
from twofold.web.headers import SIGNED_OUT, Header
from twofold.web.kit import Request, Response
from twofold.web.problems import problem, refusal
from twofold.web.response import empty, json

Drawing = Literal["svg", "png", "none"]

CARRIED = 400 * 86_400
"""Seconds a browser is known by its cookie: the most that browsers grant (RFC 6265bis 5.5)."""

OVER = (errors.CeremonyExpired, errors.CeremonyConsumed, errors.StaleSecurityState)
"""After these nothing is left of a ceremony."""


def seconds(moment: Instant) -> int:
    """A moment in whole seconds since 1970."""
    return moment // SECOND


def session_view(session: Session) -> SessionView:
    """A session without anything that opens it."""
    return SessionView(
        id=session.id,
        sub=session.subject,
        acr=ACR[session.aal],
        amr=session.amr,
        auth_time=session.auth_time // SECOND,
        expires_at=session.expires_at // SECOND,
    )


def token_set(granted: Granted, now: Instant) -> TokenSet:
    """The tokens of a session, and how long the first of them is good."""
    session = granted.session
    life = session.rotated_at + session.access_life * SECOND
    return TokenSet(
        access_token=granted.tokens.access,
        refresh_token=granted.tokens.refresh,
        expires_in=max(0, min(life, session.expires_at) - now) // SECOND,
    )


def pending_answer(pending: Pending, *, cookies: bool) -> dict[str, Any]:
    """The members of a ceremony that goes on."""
    ceremony = pending.ceremony
    found: dict[str, Any] = {
        "state": str(ceremony.state),
        "kind": str(ceremony.kind),
        "expires_at": seconds(ceremony.expires_at),
        "recovery_codes": pending.recovery,
        "factors": tuple(map(_shown, pending.choices)),
        "actions": actions(pending),
    }
    if not cookies:
        found["ceremony"] = pending.ticket
    if pending.attempts_left is not None:
        found["attempts_left"] = pending.attempts_left
    if pending.resend_at is not None:
        found["resend_at"] = -(-pending.resend_at // SECOND)
    if "hint" in pending.show:
        found["channel_hint"] = str(pending.show["hint"])
    if "webauthn" in pending.show:
        found["webauthn"] = pending.show["webauthn"]
    return found | _of_state(pending)


def _of_state(pending: Pending) -> dict[str, Any]:
    ceremony = pending.ceremony
    found: dict[str, Any] = {}
    if ceremony.state is State.FIRST_FACTOR:
        found["methods"] = ("password", "passkey") if pending.discoverable else ("password",)
    if ceremony.state is State.CHALLENGE and ceremony.asked is not None:
        found["factor"] = ceremony.asked
    if ceremony.state in (State.ENROL, State.CONFIRM):
        found["allowed_kinds"] = pending.kinds
        if ceremony.skippable_until is not None:
            found["skippable_until"] = seconds(ceremony.skippable_until)
    if ceremony.state is State.CONFIRM and ceremony.draft is not None:
        found["factor_kind"] = ceremony.draft.kind
    return found


def _shown(choice: Choice) -> FactorChoice:
    return FactorChoice(
        choice.id, choice.kind, choice.label, choice.preferred, choice.needs_challenge, choice.hint
    )


_REVEALED = ("secret", "secret_groups", "algorithm", "digits", "period", "issuer", "account")


def revealed_answer(secrets: Mapping[str, object], drawing: Drawing) -> dict[str, Any]:
    """The members that are shown once: key URI, secret, and the code drawn from it."""
    found: dict[str, Any] = {name: secrets[name] for name in _REVEALED if name in secrets}
    if "hint" in secrets:
        found["channel_hint"] = str(secrets["hint"])
    uri = secrets.get("uri")
    if not isinstance(uri, str):
        return found
    found["otpauth_uri"] = uri
    if drawing == "svg":
        found["qr_svg"] = qr.svg(uri)
    elif drawing == "png":
        found["qr_png"] = "data:image/png;base64," + base64.b64encode(qr.png(uri)).decode()
    return found


class Answers:
    """Turns outcomes into responses, with the cookies that belong to them."""

    __slots__ = ("_clock", "cookies")

    def __init__(self, front: Front) -> None:
        self._clock = front.engine.clock
        self.cookies: Cookies = own_cookies(https=front.site.https)

    def of(
        self, outcome: Outcome, caller: Caller, *, status: int = 200, drawing: Drawing = "svg"
    ) -> Response:
        """The answer to a step of a ceremony."""
        match outcome:
            case Granted():
                return self._granted(outcome, caller)
            case Pending():
                members = pending_answer(outcome, cookies=caller.cookies)
                return self._pending(outcome, members, caller, status)
            case Revealed(pending=pending, secrets=secrets):
                members = pending_answer(pending, cookies=caller.cookies)
                members |= revealed_answer(secrets, drawing)
                return self._pending(pending, members, caller, status)
            case Done():
                return self._done(outcome, caller)

    def _pending(
        self, pending: Pending, members: dict[str, Any], caller: Caller, status: int
    ) -> Response:
        answer = json(CeremonyAnswer(**members), status=status)
        return answer.plus(*self.ticket_cookies(pending, caller))

    def _granted(self, granted: Granted, caller: Caller) -> Response:
        result = Result(
            notices=granted.notices,
            session=session_view(granted.session),
            tokens=UNSET if caller.cookies else token_set(granted, self._clock.now()),
            recovery_codes=granted.recovery_codes or UNSET,
            factor=granted.authenticator or UNSET,
            device=UNSET if caller.cookies else granted.device or UNSET,
        )
        answer = json(CeremonyAnswer(state="done", result=result))
        return answer.plus(*self.session_cookies(granted)) if caller.cookies else answer

    def _done(self, done: Done, caller: Caller) -> Response:
        codes = done.facts.get("recovery_codes") or ()
        factor = done.facts.get("authenticator")
        result = Result(
            notices=("signed-out",) if done.closes_session else (),
            recovery_codes=codes if isinstance(codes, tuple) and codes else UNSET,
            factor=str(factor) if factor is not None else UNSET,
        )
        answer = json(CeremonyAnswer(state="done", result=result))
        return answer.plus(*self.ended_cookies(done, cookies=caller.cookies))

    def done(self, done: Done, *, cookies: bool, status: int = 204) -> Response:
        """The answer to an act that leads to nothing but itself."""
        return empty(*self.ended_cookies(done, cookies=cookies), status=status)

    def renewed(self, granted: Granted, *, cookies: bool) -> Response:
        """The answer to an act that gave a session new tokens."""
        view = session_view(granted.session)
        if cookies:
            return json(Renewed(view), *self.token_cookies(granted))
        tokens = token_set(granted, self._clock.now())
        return json(Renewed(view, tokens, granted.device or UNSET))

    def ticket_cookies(self, pending: Pending, caller: Caller) -> tuple[Header, ...]:
        """The cookies of a ceremony that goes on."""
        headers: tuple[Header, ...] = ()
        if caller.fresh is not None:
            headers = (self.cookies.binding.put(caller.fresh),)
        if not caller.cookies:
            return headers
        left = seconds(Instant(pending.ceremony.expires_at - self._clock.now()))
        return (*headers, self.cookies.ticket.put(pending.ticket, max_age=max(1, left)))

    def session_cookies(self, granted: Granted) -> tuple[Header, ...]:
        """The cookies of a session; both are new, and so is the browser's binding (A109)."""
        return (
            *self.token_cookies(granted),
            self.cookies.ticket.clear(),
            self.cookies.binding.put(new_binding()),
        )

    def token_cookies(self, granted: Granted) -> tuple[Header, ...]:
        """The cookies that hold a session's tokens."""
        left = seconds(Instant(granted.session.expires_at - self._clock.now()))
        return (
            self.cookies.session.put(granted.tokens.session, max_age=max(1, left)),
            self.cookies.refresh.put(granted.tokens.refresh, max_age=max(1, left)),
            *self.device_cookie(granted.device),
        )

    def device_cookie(self, device: str) -> tuple[Header, ...]:
        """The cookie that a browser is known by at its next login; none where nothing is new."""
        return (self.cookies.device.put(device, max_age=CARRIED),) if device else ()

    def ended_cookies(self, done: Done, *, cookies: bool) -> tuple[Header, ...]:
        """What removes the cookies of a session that has ended."""
        if not (cookies and done.closes_session):
            return ()
        return (self.cookies.session.clear(), self.cookies.refresh.clear(), SIGNED_OUT)

    def refused(self, request: Request, error: TwofoldError) -> Response:
        """The problem, what can be done about it, and the end of cookies that are dead."""
        if isinstance(error, OVER):
            answer = refusal(error, request.id, actions=(RESTART,))
            dead = self.cookies.ticket
        elif isinstance(error, errors.InvalidToken):
            answer = problem(request, error)
            dead = self.cookies.session
        elif isinstance(error, errors.StepUpRequired):
            return refusal(error, request.id, actions=(step_up(error),))
        else:
            return problem(request, error)
        return answer.plus(dead.clear()) if dead.name in request.cookies else answer
