"""The steps that script takes for a passkey: have a challenge shown, sign in with the answer.

The challenge is asked for when somebody is about to answer it. So looking at the sign-in costs
nothing and changes no cookie, and a page that was open for long does not ask what is dead.
"""

from __future__ import annotations

from twofold.ceremonies import passkey, prove
from twofold.ceremonies.outcomes import Outcome, Pending
from twofold.core import errors
from twofold.core.errors import Malformed, TwofoldError
from twofold.core.types import Transport
from twofold.faces.actions import PASSKEY
from twofold.faces.pages import RETURN_TO, Form
from twofold.faces.pages_login import LoginPages
from twofold.faces.steps import going, inspected, signed
from twofold.faces.transport import Caller
from twofold.web.kit import Request, Response, Route
from twofold.web.response import json

_QUIET = "quiet"
"""Set where a browser offers passkeys while somebody types a name, and nobody asked for one."""

_LONG_ENOUGH = 120
"""Seconds that a ceremony must have left to be worth another challenge."""

_FACTOR = "factor"
"""There, even if empty, where a ceremony is under way."""


class PasskeyPages:
    """What ``passkey.js`` asks for and sends."""

    __slots__ = ("_engine", "_entrance", "_login", "_pages")

    def __init__(self, login_pages: LoginPages) -> None:
        self._login = login_pages
        self._pages = login_pages.pages
        self._engine = self._pages.engine
        self._entrance = self._pages.entrance

    async def options(self, request: Request) -> Response:
        """Show a challenge: of the ceremony under way, else of a new sign-in."""
        form = await self._pages.form(request)
        if _FACTOR in form.fields:
            caller = self._entrance.continuing(request)
            outcome = await prove.ask(
                self._engine, caller.ticket, caller.context, authenticator=form[_FACTOR] or None
            )
            return self._shown(outcome, caller)
        purpose = self._pages.returnable(form[RETURN_TO])
        here = await self._here(request)
        if here is not None and here.discoverable:
            if here.ceremony.purpose == purpose and self._lasts(here):
                caller = self._entrance.continuing(request)
                return self._shown(
                    await prove.ask(self._engine, caller.ticket, caller.context), caller
                )
        elif here is not None and form[_QUIET]:
            # Another tab stands where something was proved; nobody asked to give that up.
            return json({})
        caller = self._entrance.beginning(request, Transport.COOKIE)
        pending = await passkey.begin(self._engine, caller.context, purpose=purpose)
        return self._shown(pending, caller)

    async def _here(self, request: Request) -> Pending | None:
        """Return the ceremony of this browser, if one goes on; tabs share it."""
        if self._entrance.cookies.ticket.name not in request.cookies:
            return None
        caller = self._entrance.continuing(request)
        try:
            return await inspected(self._engine, caller)
        except TwofoldError:
            return None

    def _lasts(self, pending: Pending) -> bool:
        return self._pages.seconds_left(pending.ceremony.expires_at) >= _LONG_ENOUGH

    def _shown(self, outcome: Outcome, caller: Caller) -> Response:
        pending = going(outcome)
        cookies = self._pages.answers.ticket_cookies(pending, caller)
        left = self._pages.seconds_left(pending.ceremony.expires_at)
        return json({"options": pending.show.get(PASSKEY), "seconds": left}, *cookies)

    async def sign_in(self, request: Request) -> Response:
        """Sign in whoever the passkey says it is; refusals have one text (I8)."""
        form = await self._pages.form(request)
        try:
            caller, answer = self._answered(request, form)
            outcome = await passkey.prove(self._engine, caller.ticket, answer, caller.context)
        except (
            errors.InvalidCredentials, errors.Throttled, errors.Unavailable, Malformed,
        ) as error:  # fmt: skip
            return await self._login.refused_passkey(request, form, error)
        return self._pages.onward(outcome, caller)

    def _answered(self, request: Request, form: Form) -> tuple[Caller, dict[str, object]]:
        answer = signed(form["credential"])
        return self._entrance.continuing(request), answer

    def routes(self) -> tuple[Route, ...]:
        """The route table."""
        return self._pages.table(
            ("POST", "/login/passkey/options", self.options),
            ("POST", "/login/passkey", self.sign_in),
        )
