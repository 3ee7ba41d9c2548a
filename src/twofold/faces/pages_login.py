"""The pages of a ceremony: name and password, code, recovery code."""

from __future__ import annotations

from typing import Final

from twofold.ceremonies import account, leaving, login, prove
from twofold.ceremonies.outcomes import Choice, Outcome, Pending
from twofold.core import errors
from twofold.core.ceremony import State
from twofold.core.errors import InvalidToken, Malformed, TwofoldError
from twofold.core.types import Instant, Transport
from twofold.faces import intents
from twofold.faces.actions import PASSKEY
from twofold.faces.pages import RETURN_TO, Form, Pages
from twofold.faces.pages_enrol import KINDS, EnrolPages
from twofold.faces.steps import WRONG, inspected, signed, standing, status, typed, waiting
from twofold.faces.transport import Caller
from twofold.faces.words import ENDED
from twofold.web.headers import Header
from twofold.web.kit import Request, Response, Route
from twofold.web.languages import marked
from twofold.web.response import redirect

__all__ = ["KINDS", "LoginPages"]

_NOT_TAKEN: Final = marked("This passkey was not accepted. Try again, or use another method.")
_OPENS_NOTHING: Final = marked(
    "This passkey signs nobody in here. Perhaps it was removed from its account, or the page was"
    " open for too long. Try again, or use your password."
)
"""What is said instead of a wrong code, and of a wrong name or password."""


class LoginPages:
    """From the name to the account."""

    __slots__ = ("_engine", "_enrolment", "_entrance", "_pages", "pages")

    def __init__(self, pages: Pages) -> None:
        self.pages = self._pages = pages
        self._engine = pages.engine
        self._entrance = pages.entrance
        self._enrolment = EnrolPages(pages)

    async def sign_in(self, request: Request) -> Response:
        """Ask for name and password; somebody who is signed in already is led on."""
        asked, ended = request.query, ""
        cookie = self._entrance.cookies.session
        shown = request.cookies.get(cookie.name)
        if shown:
            try:
                await self._entrance.signed(request)
            except InvalidToken:
                context = self._entrance.context(request, Transport.COOKIE)
                ended = await leaving.why_ended(self._engine, shown, context)
            else:
                return redirect(self._pages.returnable(asked.get(RETURN_TO)) or intents.HOME)
        known = {"name": asked.get("login_hint", ""), RETURN_TO: asked.get(RETURN_TO, "")}
        dead = (cookie.clear(),) if shown else ()
        return await self._sign_in(request, Form(known), *dead, ended=ENDED.get(ended, ""))

    async def _sign_in(
        self,
        request: Request,
        form: Form,
        *headers: Header,
        error: TwofoldError | None = None,
        ended: str = "",
        instead: str = "",
    ) -> Response:
        realm = self._entrance.context(request, Transport.COOKIE).realm
        return self._pages.show(
            request,
            "login.html",
            *waiting(error),
            *headers,
            status=status(error),
            error=error,
            ended=ended,
            instead=instead,
            passkeys=self._engine.discoverable is not None,
            registration=await account.registration(self._engine, realm),
            name=form["name"][:254],
            return_to=self._pages.returnable(form[RETURN_TO]),
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
                purpose=self._pages.returnable(form[RETURN_TO]),
            )
        except (errors.InvalidCredentials, errors.Throttled, errors.Unavailable) as error:
            return await self._sign_in(request, form, error=error)
        return self._pages.onward(outcome, caller)

    async def password(self, request: Request) -> Response:
        """Ask somebody who is signed in for the password again."""
        caller, pending = await standing(self._engine, self._entrance, request)
        if pending.ceremony.state is not State.FIRST_FACTOR:
            return self._pages.onward(pending, caller)
        if pending.ceremony.subject is None and not pending.ceremony.identifier:
            # A challenge was shown to whoever comes; a password needs a name.
            return redirect("/login")
        return self._password(request, pending)

    async def refused_passkey(self, request: Request, form: Form, error: TwofoldError) -> Response:
        """The page that a passkey was to sign in from, with what is wrong."""
        instead = _OPENS_NOTHING if isinstance(error, errors.InvalidCredentials) else ""
        if "factor" not in form.fields:
            return await self._sign_in(request, form, error=error, instead=instead)
        _, pending = await standing(self._engine, self._entrance, request)
        return self._password(request, pending, error, instead)

    def _password(
        self,
        request: Request,
        pending: Pending,
        error: TwofoldError | None = None,
        instead: str = "",
    ) -> Response:
        return self._pages.show(
            request,
            "password.html",
            *waiting(error),
            status=status(error),
            error=error,
            instead=instead,
            passkeys=pending.discoverable,
            purpose=intents.words(pending.ceremony.purpose),
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
            pending = await inspected(self._engine, caller)
            return self._password(request, pending, error)
        return self._pages.onward(outcome, caller)

    async def code(self, request: Request) -> Response:
        """Ask for a code; which method it is for stands in the query."""
        caller, pending = await standing(self._engine, self._entrance, request)
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
        ceremony = pending.ceremony
        resend_at = _resend_at(pending, error)
        wait = self._pages.seconds_left(resend_at) if resend_at is not None else 0
        good_for = self._pages.seconds_left(ceremony.good_until) if ceremony.good_until else 0
        return self._pages.show(
            request,
            "code.html",
            *waiting(error),
            status=status(error),
            error=error,
            instead=_instead(chosen, error),
            chosen=chosen,
            aimed=chosen.id if chosen is not None and aimed else "",
            asked=chosen is not None and chosen.id == pending.ceremony.asked,
            others=_others(pending, chosen),
            kinds=KINDS,
            use_recovery=recovery or (chosen is None and pending.recovery),
            recovery=pending.recovery,
            seconds=self._pages.seconds_left(ceremony.expires_at),
            purpose=intents.words(ceremony.purpose),
            stepping_up=ceremony.session is not None,
            good_for=-(-good_for // 60),
            digits=_digits(pending, chosen, aimed=bool(aimed)),
            resend_at=self._pages.moment(resend_at) if resend_at is not None and wait else None,
            resend_in=wait,
            now=self._pages.now(),
        )

    async def code_sent(self, request: Request) -> Response:
        """Prove a second factor."""
        form = await self._pages.form(request)
        caller = self._entrance.continuing(request)
        recovery = bool(form["recovery_code"])
        answer = form["recovery_code"] or form["code"]
        passkey = "credential" in form.fields
        try:
            outcome = await prove.prove(
                self._engine,
                caller.ticket,
                signed(form["credential"]) if passkey else typed(answer),
                caller.context,
                authenticator=form["factor"] or None,
                recovery=recovery,
            )
        except (*WRONG, Malformed) as error:
            return await self._again(request, caller, form, error)
        return self._pages.onward(outcome, caller)

    async def _again(
        self, request: Request, caller: Caller, form: Form, error: TwofoldError
    ) -> Response:
        pending = await inspected(self._engine, caller)
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
        except WRONG as error:
            return await self._again(request, caller, form, error)
        return self._pages.onward(outcome, caller)

    async def cancel(self, request: Request) -> Response:
        """Give the ceremony up."""
        await self._pages.form(request)
        caller = self._entrance.continuing(request)
        done = await login.cancel(self._engine, caller.ticket, caller.context)
        return self._pages.onward(done, caller)

    def ended(
        self,
        request: Request,
        outcome: Outcome,
        caller: Caller,
        *,
        account: str = "",
    ) -> Response:
        """Lead on, unless there are recovery codes to be shown, this once.

        ``account`` is whose codes they are, where the outcome does not say it.
        """
        return self._enrolment.ended(request, outcome, caller, account=account)

    def routes(self) -> tuple[Route, ...]:
        """The route table."""
        own = self._pages.table(
            ("GET", "/login", self.sign_in),
            ("POST", "/login", self.sign_in_sent),
            ("GET", "/login/password", self.password),
            ("POST", "/login/password", self.password_sent),
            ("GET", "/login/code", self.code),
            ("POST", "/login/code", self.code_sent),
            ("POST", "/login/challenge", self.challenge),
            ("POST", "/login/cancel", self.cancel),
        )
        return (*own, *self._enrolment.routes())


def _chosen(pending: Pending, wanted: str) -> Choice | None:
    """Return the method that the page is for: the one asked for, else the first that is ready."""
    for choice in pending.choices:
        if choice.id == (wanted or pending.ceremony.asked):
            return choice
    ready = (c for c in pending.choices if not c.needs_challenge or c.kind == PASSKEY)
    return next(ready, None) or next(iter(pending.choices), None)


def _resend_at(pending: Pending, error: TwofoldError | None) -> Instant | None:
    if isinstance(error, errors.CooldownActive):
        return error.resend_at
    return pending.ceremony.resend_at


def _others(pending: Pending, chosen: Choice | None) -> tuple[Choice, ...]:
    """Return what else may be used; one challenge is for all passkeys, so they are one choice."""
    passkeys = [choice for choice in pending.choices if choice.kind == PASSKEY]
    same = passkeys if chosen in passkeys else passkeys[1:]
    return tuple(c for c in pending.choices if c is not chosen and c not in same)


def _instead(chosen: Choice | None, error: TwofoldError | None) -> str:
    """Return what is said of a passkey where the error speaks of a code."""
    passkey = chosen is not None and chosen.kind == PASSKEY
    wrong = isinstance(error, errors.CodeRejected | errors.CodeAlreadyUsed)
    return _NOT_TAKEN if passkey and wrong else ""


def _digits(pending: Pending, chosen: Choice | None, *, aimed: bool) -> int:
    """Return how many digits complete the code; 0 where two apps of one field disagree."""
    if chosen is None:
        return 0
    meant = [c for c in pending.choices if c is chosen or (not aimed and c.kind == chosen.kind)]
    return chosen.digits if len({choice.digits for choice in meant}) == 1 else 0
