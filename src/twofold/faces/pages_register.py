"""The pages of people without a session: signing up, a forgotten password, a mailed code.

The code of a message stands in its link behind the number sign, which browsers send to nobody;
what takes it from there into the form is a script, and without one it is copied by hand.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from twofold.ceremonies import account, address, mailed
from twofold.core import errors
from twofold.core.errors import Malformed, NotAllowed, TwofoldError
from twofold.core.types import Transport
from twofold.faces.answers import OVER
from twofold.faces.desk import Desk
from twofold.faces.steps import status
from twofold.web.kit import Request, Response, Route

_LATER = (errors.Throttled, errors.Unavailable)
_REGISTER = (*_LATER, errors.WeakPassword, errors.Taken, Malformed)
_NAME = 254
_TOKEN = 4096


class RegisterPages:
    """What nobody has to be signed in for."""

    __slots__ = ("_desk", "_engine", "_entrance")

    def __init__(self, desk: Desk) -> None:
        self._desk = desk
        self._engine = desk.engine
        self._entrance = desk.entrance

    async def register(self, request: Request) -> Response:
        """Ask for an address and a password, where people may register."""
        context = self._entrance.context(request, Transport.COOKIE)
        if not await account.registration(self._engine, context.realm):
            raise NotAllowed
        return self._register(request)

    def _register(
        self,
        request: Request,
        error: TwofoldError | None = None,
        typed: Mapping[str, str] = MappingProxyType({}),
    ) -> Response:
        return self._desk.show(
            request,
            "register.html",
            status=status(error),
            error=error,
            email=typed.get("email", "")[:_NAME],
            name=typed.get("name", "")[:_NAME],
            least=self._engine.rules.password_minimum,
        )

    async def register_sent(self, request: Request) -> Response:
        """Ask for the account; the page is the same whether or not the address was free (A85)."""
        form = await self._desk.pages.form(request)
        try:
            await account.register(
                self._engine,
                self._entrance.context(request, Transport.COOKIE),
                name=form["name"],
                email=form["email"],
                password=form["password"],
            )
        except _REGISTER as error:
            return self._register(request, error, form.fields)
        return self._desk.done("registered", place=f"/{mailed.VERIFY}")

    async def forgot(self, request: Request) -> Response:
        """Ask whose password is forgotten."""
        return self._forgot(request)

    def _forgot(
        self, request: Request, error: TwofoldError | None = None, *, sent: bool = False
    ) -> Response:
        return self._desk.show(request, "forgot.html", status=status(error), sent=sent, error=error)

    async def forgot_sent(self, request: Request) -> Response:
        """Send a message if there is somebody to send it to; the page is the same if not."""
        form = await self._desk.pages.form(request)
        context = self._entrance.context(request, Transport.COOKIE)
        try:
            await account.ask_reset(self._engine, form["name"], context)
        except _LATER as error:
            return self._forgot(request, error)
        return self._forgot(request, sent=True)

    async def reset(self, request: Request) -> Response:
        """Ask for the code of the message and the new password."""
        return self._token(request, mailed.RESET)

    async def reset_sent(self, request: Request) -> Response:
        """Set the new password; it opens no session, and skips no second method."""
        form = await self._desk.pages.form(request)
        context = self._entrance.context(request, Transport.COOKIE)
        token = form["token"]
        try:
            await account.reset_password(self._engine, token, form["password"], context)
        except (*_LATER, *OVER, errors.WeakPassword) as error:
            return self._token(request, mailed.RESET, error, token)
        return self._token(request, mailed.RESET, done=True)

    async def verify(self, request: Request) -> Response:
        """Ask for the code of the message."""
        return self._token(request, mailed.VERIFY)

    async def verify_sent(self, request: Request) -> Response:
        """Take the code for proof of the address."""
        form = await self._desk.pages.form(request)
        context = self._entrance.context(request, Transport.COOKIE)
        try:
            await account.verify_address(self._engine, form["token"], context)
        except (*_LATER, *OVER, errors.Taken) as error:
            return self._token(request, mailed.VERIFY, error, form["token"])
        return self._token(request, mailed.VERIFY, done=True)

    async def change(self, request: Request) -> Response:
        """Ask for the code of the message to the new address."""
        return self._token(request, address.CHANGE)

    async def change_sent(self, request: Request) -> Response:
        """Move the account to the new address."""
        form = await self._desk.pages.form(request)
        context = self._entrance.context(request, Transport.COOKIE)
        try:
            await address.confirm_change(self._engine, form["token"], context)
        except (*_LATER, *OVER, errors.Taken) as error:
            return self._token(request, address.CHANGE, error, form["token"])
        return self._token(request, address.CHANGE, done=True)

    def _token(
        self,
        request: Request,
        purpose: str,
        error: TwofoldError | None = None,
        token: str = "",
        *,
        done: bool = False,
    ) -> Response:
        return self._desk.show(
            request,
            "token.html",
            status=status(error),
            purpose=purpose,
            done=done,
            error=error,
            token=token[:_TOKEN],
            least=self._engine.rules.password_minimum,
        )

    def routes(self) -> tuple[Route, ...]:
        """The route table."""
        return self._desk.pages.table(
            ("GET", "/register", self.register),
            ("POST", "/register", self.register_sent),
            ("GET", "/forgot-password", self.forgot),
            ("POST", "/forgot-password", self.forgot_sent),
            ("GET", f"/{mailed.RESET}", self.reset),
            ("POST", f"/{mailed.RESET}", self.reset_sent),
            ("GET", f"/{mailed.VERIFY}", self.verify),
            ("POST", f"/{mailed.VERIFY}", self.verify_sent),
            ("GET", f"/{address.CHANGE}", self.change),
            ("POST", f"/{address.CHANGE}", self.change_sent),
        )
