"""The pages of a ceremony: name and password, code, enrolment, recovery codes."""

from __future__ import annotations

from msgspec import UNSET

from twofold.ceremonies import enrol, login, prove
from twofold.ceremonies.outcomes import Choice, Done, Granted, Outcome, Pending, Revealed
from twofold.core import errors, otp
from twofold.core.ceremony import State
from twofold.core.errors import InvalidToken, Malformed, NotPossible, TwofoldError
from twofold.core.types import Transport
from twofold.faces.api_ceremony import wish
from twofold.faces.pages import Form, Pages
from twofold.faces.transport import Caller
from twofold.web import qr
from twofold.web.headers import Header
from twofold.web.kit import Request, Response, Route
from twofold.web.problems import status_of
from twofold.web.response import redirect

_WRONG = (
    errors.CodeRejected,
    errors.CodeAlreadyUsed,
    errors.Throttled,
    errors.NotEnrolled,
    errors.Unavailable,
)
"""What is said beside the field, because another try may be right."""

_LONGEST = 256
_LABEL = 64

KINDS = {
    "totp": "Authenticator app",
    "email": "Code by e-mail",
    "sms": "Code by text message",
    "webauthn": "Passkey or security key",
    "webhook": "Code by messenger",
}
"""What people call the kinds of factors."""


class LoginPages:
    """From the name to the account."""

    __slots__ = ("_engine", "_entrance", "_pages")

    def __init__(self, pages: Pages) -> None:
        self._pages = pages
        self._engine = pages.engine
        self._entrance = pages.entrance

    async def sign_in(self, request: Request) -> Response:
        """Ask for name and password; somebody who is signed in already is led on."""
        if request.cookies.get(self._entrance.cookies.session.name):
            try:
                await self._entrance.signed(request)
            except InvalidToken:
                return self._sign_in(request)
            return redirect("/account")
        return self._sign_in(request)

    def _sign_in(
        self, request: Request, error: TwofoldError | None = None, *, name: str = ""
    ) -> Response:
        return self._pages.show(
            request, "login.html", *_waiting(error), status=_status(error), error=error, name=name
        )

    async def sign_in_sent(self, request: Request) -> Response:
        """Begin a login with name and password."""
        form = await self._pages.form(request)
        caller = self._entrance.beginning(request, Transport.COOKIE)
        try:
            outcome = await login.begin(
                self._engine,
                caller.context,
                identifier=form["name"],
                answer=form["password"],
            )
        except (errors.InvalidCredentials, errors.Throttled, errors.Unavailable) as error:
            return self._sign_in(request, error, name=form["name"][:254])
        return self._pages.onward(outcome, caller)

    async def password(self, request: Request) -> Response:
        """Ask somebody who is signed in for the password again."""
        caller, pending = await self._standing(request)
        if pending.ceremony.state is not State.FIRST_FACTOR:
            return self._pages.onward(pending, caller)
        return self._password(request)

    def _password(self, request: Request, error: TwofoldError | None = None) -> Response:
        return self._pages.show(
            request, "password.html", *_waiting(error), status=_status(error), error=error
        )

    async def password_sent(self, request: Request) -> Response:
        """Prove the password again."""
        form = await self._pages.form(request)
        caller = self._entrance.continuing(request)
        try:
            outcome = await login.first_factor(
                self._engine, caller.ticket, form["password"], caller.context
            )
        except (errors.InvalidCredentials, errors.Throttled, errors.Unavailable) as error:
            return self._password(request, error)
        return self._pages.onward(outcome, caller)

    async def code(self, request: Request) -> Response:
        """Ask for a code; which method it is for stands in the query."""
        caller, pending = await self._standing(request)
        if pending.ceremony.state not in (State.SECOND_FACTOR, State.CHALLENGE):
            return self._pages.onward(pending, caller)
        recovery = request.query.get("use") == "recovery" and pending.recovery
        return self._code(request, pending, request.query.get("factor", ""), recovery=recovery)

    def _code(
        self,
        request: Request,
        pending: Pending,
        factor: str,
        *,
        recovery: bool,
        error: TwofoldError | None = None,
    ) -> Response:
        chosen = _chosen(pending, factor)
        # Without an id the code may be any app's: two phones, one field.
        aimed = factor or pending.ceremony.asked is not None
        resend_at = error.resend_at if isinstance(error, errors.CooldownActive) else None
        return self._pages.show(
            request,
            "code.html",
            *_waiting(error),
            status=_status(error),
            error=error,
            chosen=chosen,
            aimed=chosen.id if chosen is not None and aimed else "",
            asked=chosen is not None and chosen.id == pending.ceremony.asked,
            others=tuple(choice for choice in pending.choices if choice is not chosen),
            kinds=KINDS,
            use_recovery=recovery or (chosen is None and pending.recovery),
            recovery=pending.recovery,
            minutes=self._pages.minutes_left(pending.ceremony.expires_at),
            resend_at=None if resend_at is None else self._pages.moment(resend_at),
        )

    async def code_sent(self, request: Request) -> Response:
        """Prove a second factor."""
        form = await self._pages.form(request)
        caller = self._entrance.continuing(request)
        recovery = bool(form["recovery_code"])
        answer = form["recovery_code"] or form["code"]
        try:
            outcome = await prove.prove(
                self._engine,
                caller.ticket,
                _typed(answer),
                caller.context,
                authenticator=form["factor"] or None,
                recovery=recovery,
            )
        except (*_WRONG, Malformed) as error:
            return await self._again(request, caller, form, error)
        return self._pages.onward(outcome, caller)

    async def _again(
        self, request: Request, caller: Caller, form: Form, error: TwofoldError
    ) -> Response:
        pending = _going(await login.inspect(self._engine, caller.ticket, caller.context))
        recovery = "recovery_code" in form.fields
        return self._code(request, pending, form["factor"], recovery=recovery, error=error)

    async def challenge(self, request: Request) -> Response:
        """Have a code sent, for the first time or again."""
        form = await self._pages.form(request)
        caller = self._entrance.continuing(request)
        try:
            outcome = await prove.ask(
                self._engine, caller.ticket, caller.context, authenticator=form["factor"] or None
            )
        except _WRONG as error:
            return await self._again(request, caller, form, error)
        return self._pages.onward(outcome, caller)

    async def cancel(self, request: Request) -> Response:
        """Give the ceremony up."""
        await self._pages.form(request)
        caller = self._entrance.continuing(request)
        done = await login.cancel(self._engine, caller.ticket, caller.context)
        return self._pages.onward(done, caller)

    async def enrol(self, request: Request) -> Response:
        """Offer what may be set up, or ask for the code of what is being set up."""
        caller, pending = await self._standing(request)
        if pending.ceremony.state not in (State.ENROL, State.CONFIRM):
            return self._pages.onward(pending, caller)
        return self._enrol(request, pending)

    def _enrol(
        self,
        request: Request,
        pending: Pending,
        *headers: Header,
        error: TwofoldError | None = None,
        secrets: dict[str, object] | None = None,
    ) -> Response:
        draft = pending.ceremony.draft
        shown = secrets or {}
        uri = shown.get("uri")
        return self._pages.show(
            request,
            "enrol.html",
            *_waiting(error),
            *headers,
            status=_status(error),
            error=error,
            kinds={kind: KINDS.get(kind, kind) for kind in pending.kinds},
            draft=draft.kind if draft is not None else "",
            secrets=shown,
            picture=qr.svg(uri, title="QR code for your authenticator app")
            if isinstance(uri, str)
            else "",
            hint=str(pending.show.get("hint") or shown.get("hint") or ""),
            skippable=pending.ceremony.skippable_until is not None,
            forced=pending.ceremony.session is None,
        )

    async def enrol_begun(self, request: Request) -> Response:
        """Make a secret and show it in this answer: it is shown nowhere else, and once."""
        form = await self._pages.form(request)
        caller = self._entrance.continuing(request)
        wanted = wish(form["label"].strip()[:_LABEL], UNSET)
        try:
            revealed = await enrol.bind(
                self._engine, caller.ticket, form["kind"], caller.context, wanted
            )
        except (*_WRONG, Malformed) as error:
            pending = _going(await login.inspect(self._engine, caller.ticket, caller.context))
            return self._enrol(request, pending, error=error)
        return self._revealed(request, revealed, caller)

    def _revealed(self, request: Request, revealed: Revealed, caller: Caller) -> Response:
        cookies = self._pages.answers.ticket_cookies(revealed.pending, caller)
        return self._enrol(request, revealed.pending, *cookies, secrets=dict(revealed.secrets))

    async def enrol_confirmed(self, request: Request) -> Response:
        """Prove that the new factor is held."""
        form = await self._pages.form(request)
        caller = self._entrance.continuing(request)
        try:
            outcome = await enrol.confirm(
                self._engine, caller.ticket, _typed(form["code"]), caller.context
            )
        except (*_WRONG, Malformed) as error:
            pending = _going(await login.inspect(self._engine, caller.ticket, caller.context))
            return self._enrol(request, pending, error=error)
        return self.ended(request, outcome, caller)

    def ended(self, request: Request, outcome: Outcome, caller: Caller) -> Response:
        """Lead on, unless there are recovery codes to be shown, this once."""
        match outcome:
            case Granted(recovery_codes=codes) if codes:
                cookies = self._pages.answers.session_cookies(outcome)
            case Done(facts={"recovery_codes": tuple(codes)}) if codes:
                cookies = self._pages.answers.ended_cookies(outcome, cookies=True)
            case _:
                return self._pages.onward(outcome, caller)
        return self._pages.show(request, "codes.html", *cookies, codes=codes)

    async def skip(self, request: Request) -> Response:
        """Put a demanded enrolment off."""
        await self._pages.form(request)
        caller = self._entrance.continuing(request)
        return self._pages.onward(
            await login.skip(self._engine, caller.ticket, caller.context), caller
        )

    async def _standing(self, request: Request) -> tuple[Caller, Pending]:
        caller = self._entrance.continuing(request)
        return caller, _going(await login.inspect(self._engine, caller.ticket, caller.context))

    def routes(self) -> tuple[Route, ...]:
        """The route table."""
        table = (
            ("GET", "/login", self.sign_in),
            ("POST", "/login", self.sign_in_sent),
            ("GET", "/login/password", self.password),
            ("POST", "/login/password", self.password_sent),
            ("GET", "/login/code", self.code),
            ("POST", "/login/code", self.code_sent),
            ("POST", "/login/challenge", self.challenge),
            ("POST", "/login/cancel", self.cancel),
            ("GET", "/login/enrol", self.enrol),
            ("POST", "/login/enrol", self.enrol_begun),
            ("POST", "/login/enrol/confirm", self.enrol_confirmed),
            ("POST", "/login/skip", self.skip),
        )
        return tuple(
            Route(method, path, handler, listed=False, on_error=self._pages.refused)
            for method, path, handler in table
        )


def _going(outcome: Outcome) -> Pending:
    match outcome:
        case Pending():
            return outcome
        case _:
            raise NotPossible


def _chosen(pending: Pending, wanted: str) -> Choice | None:
    """Return the method that the field is for; None where a code must be sent first."""
    for choice in pending.choices:
        if choice.id == (wanted or pending.ceremony.asked):
            return choice
    ready = (choice for choice in pending.choices if not choice.needs_challenge)
    return next(ready, None)


def _status(error: TwofoldError | None) -> int:
    return 200 if error is None else status_of(type(error))


def _waiting(error: TwofoldError | None) -> tuple[Header, ...]:
    match error:
        case errors.Throttled(retry_after=seconds) | errors.Unavailable(retry_after=seconds):
            return ((b"retry-after", str(max(1, seconds)).encode()),)
        case _:
            return ()


def _typed(answer: str) -> str:
    if not answer or len(answer) > _LONGEST:
        raise Malformed("Type the code.", field="code")
    return otp.from_keyboard(answer)
