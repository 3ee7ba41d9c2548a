"""The pages of somebody who is signed in, and of those who came from a message we sent."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from twofold.ceremonies import account, enrol, manage, recover, sessions, step_up
from twofold.ceremonies.outcomes import Pending
from twofold.core import errors
from twofold.core.errors import InvalidToken, StepUpRequired, TwofoldError
from twofold.core.policy import Requirement, parse_acr
from twofold.core.types import Aal, Transport
from twofold.faces.answers import OVER
from twofold.faces.pages import Pages
from twofold.faces.pages_login import KINDS, LoginPages
from twofold.faces.transport import Caller, Signed
from twofold.web.kit import Request, Response, Route
from twofold.web.problems import status_of
from twofold.web.response import redirect

_LATER = (errors.Throttled, errors.Unavailable)


class AccountPages:
    """Who I am, my factors, signing out; a forgotten password, an address to confirm."""

    __slots__ = ("_engine", "_entrance", "_login", "_pages")

    def __init__(self, pages: Pages, login: LoginPages) -> None:
        self._pages = pages
        self._login = login
        self._engine = pages.engine
        self._entrance = pages.entrance

    async def home(self, _: Request) -> Response:
        """Lead to the account, which leads to the sign-in."""
        return redirect("/account")

    async def account(self, request: Request) -> Response:
        """Show who is signed in."""
        bearer = (await self._signed(request)).bearer
        left = await manage.recovery_left(self._engine, bearer)
        return self._pages.show(
            request,
            "account.html",
            subject=bearer.subject,
            strong=bearer.session.aal >= Aal.TWO,
            recovered="rc" in bearer.session.amr,
            until=self._pages.moment(bearer.session.expires_at),
            factors=await manage.factors(self._engine, bearer),
            left=0 if left is None else left.remaining,
            kinds=KINDS,
        )

    async def add(self, request: Request) -> Response:
        """Begin to set up another factor."""

        async def act(signed: Signed) -> Response:
            pending = await enrol.begin(self._engine, signed.bearer.session, signed.context)
            return self._pages.onward(pending, Caller(signed.context))

        return await self._proved(request, act)

    async def remove(self, request: Request) -> Response:
        """Remove a factor."""
        form = await self._pages.form(request)

        async def act(signed: Signed) -> Response:
            done = await manage.remove(self._engine, signed.bearer, form["factor"], signed.context)
            ended = self._pages.answers.ended_cookies(done, cookies=True)
            return redirect("/login" if done.closes_session else "/account", *ended)

        return await self._proved(request, act)

    async def renew(self, request: Request) -> Response:
        """Make new recovery codes and show them in this answer, this once."""

        async def act(signed: Signed) -> Response:
            done = await recover.renew(self._engine, signed.bearer, signed.context)
            return self._login.ended(request, done, Caller(signed.context))

        return await self._proved(request, act)

    async def log_out(self, request: Request) -> Response:
        """Sign out."""
        await self._pages.form(request)
        signed = await self._signed(request)
        done = await sessions.log_out(self._engine, signed.bearer, signed.context)
        return redirect("/login", *self._pages.answers.ended_cookies(done, cookies=True))

    async def _signed(self, request: Request) -> Signed:
        signed = await self._entrance.signed(request)
        if not signed.cookies:
            raise InvalidToken
        return signed

    async def _proved(
        self, request: Request, act: Callable[[Signed], Awaitable[Response]]
    ) -> Response:
        """Do it, or ask for a fresh proof first."""
        await self._pages.form(request)
        signed = await self._signed(request)
        try:
            return await act(signed)
        except StepUpRequired as error:
            wanted = Requirement(parse_acr(error.acr_values) or Aal.ONE)
        pending: Pending = await step_up.begin(
            self._engine, signed.bearer.session, signed.context, wanted
        )
        return self._pages.onward(pending, Caller(signed.context))

    async def forgot(self, request: Request) -> Response:
        """Ask whose password is forgotten."""
        return self._pages.show(request, "forgot.html", sent=False, error=None)

    async def forgot_sent(self, request: Request) -> Response:
        """Send a message if there is somebody to send it to; the page is the same if not."""
        form = await self._pages.form(request)
        context = self._entrance.context(request, Transport.COOKIE)
        try:
            await account.ask_reset(self._engine, form["name"], context)
        except _LATER as error:
            return self._pages.show(
                request, "forgot.html", status=status_of(type(error)), sent=False, error=error
            )
        return self._pages.show(request, "forgot.html", sent=True, error=None)

    async def reset(self, request: Request) -> Response:
        """Ask for the code of the message and the new password."""
        return self._token(request, reset=True)

    async def reset_sent(self, request: Request) -> Response:
        """Set the new password."""
        form = await self._pages.form(request)
        context = self._entrance.context(request, Transport.COOKIE)
        try:
            await account.reset_password(self._engine, form["token"], form["password"], context)
        except (*_LATER, *OVER, errors.WeakPassword) as error:
            return self._token(request, reset=True, error=error, token=form["token"][:4096])
        return self._token(request, reset=True, done=True)

    async def verify(self, request: Request) -> Response:
        """Ask for the code of the message."""
        return self._token(request, reset=False)

    async def verify_sent(self, request: Request) -> Response:
        """Take the code for proof of the address."""
        form = await self._pages.form(request)
        context = self._entrance.context(request, Transport.COOKIE)
        try:
            await account.verify_address(self._engine, form["token"], context)
        except (*_LATER, *OVER, errors.Taken) as error:
            return self._token(request, reset=False, error=error, token=form["token"][:4096])
        return self._token(request, reset=False, done=True)

    def _token(
        self,
        request: Request,
        *,
        reset: bool,
        done: bool = False,
        error: TwofoldError | None = None,
        token: str = "",
    ) -> Response:
        status = 200 if error is None else status_of(type(error))
        return self._pages.show(
            request, "token.html", status=status, reset=reset, done=done, error=error, token=token
        )

    def routes(self) -> tuple[Route, ...]:
        """The route table."""
        table = (
            ("GET", "/", self.home),
            ("GET", "/account", self.account),
            ("POST", "/account/factors", self.add),
            ("POST", "/account/factors/remove", self.remove),
            ("POST", "/account/recovery-codes", self.renew),
            ("POST", "/logout", self.log_out),
            ("GET", "/forgot-password", self.forgot),
            ("POST", "/forgot-password", self.forgot_sent),
            ("GET", "/reset-password", self.reset),
            ("POST", "/reset-password", self.reset_sent),
            ("GET", "/verify-address", self.verify),
            ("POST", "/verify-address", self.verify_sent),
        )
        return tuple(
            Route(method, path, handler, listed=False, on_error=self._pages.refused)
            for method, path, handler in table
        )
