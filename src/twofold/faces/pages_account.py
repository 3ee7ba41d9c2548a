"""My security: everything that protects an account on one page, sessions, and what happened."""

from __future__ import annotations

from typing import Final

from twofold.ceremonies import overview, sessions, step_up
from twofold.ceremonies.overview import Overview
from twofold.core.encoding import to_base64url
from twofold.core.errors import NotFound
from twofold.core.types import Aal
from twofold.faces import intents, words
from twofold.faces.actions import PASSKEY
from twofold.faces.authenticators import named
from twofold.faces.desk import ADVICE, Desk
from twofold.faces.pages_login import KINDS
from twofold.faces.transport import Caller
from twofold.web.kit import Request, Response, Route
from twofold.web.response import redirect

FEW: Final = 3
"""With so many recovery codes left, the page warns."""


class AccountPages:
    """The page of the account, and what is done on it without a page of its own."""

    __slots__ = ("_desk", "_engine", "_pages")

    def __init__(self, desk: Desk) -> None:
        self._desk = desk
        self._pages = desk.pages
        self._engine = desk.engine

    async def home(self, _: Request) -> Response:
        """Lead to the account, which leads to the sign-in."""
        return redirect(intents.HOME)

    async def account(self, request: Request) -> Response:
        """Show what protects the account, who is signed in to it, and what happened."""
        signed = await self._desk.signed(request)
        found = await overview.overview(self._engine, signed.bearer, signed.context)
        session, left = found.session, found.recovery
        later = ADVICE in self._desk.put_off(request)
        return self._desk.show(
            request,
            "account.html",
            subject=found.subject,
            strong=session.aal >= Aal.TWO,
            until=self._pages.moment(session.expires_at),
            moment=self._pages.moment,
            factors=tuple(map(named, found.factors)),
            signal=self._signal(found),
            kinds=KINDS,
            recovery=left,
            few=left is not None and left.remaining <= FEW,
            recovered=found.recovered,
            unused=found.unused,
            lonely=len(found.factors) == 1 and not found.recovered and not later,
            places=tuple(words.place(one, session.id) for one in found.sessions),
            browsers=tuple(map(words.browser, found.browsers)),
            events=tuple(map(words.event, found.activity)),
            deletable=found.deletable,
            dialects=self._pages.dialects if found.subject.admin else (),
        )

    def _signal(self, found: Overview) -> dict[str, object] | None:
        """Return what the browser is told of passkeys, so that it offers none that are gone."""
        rp_id = self._pages.rp_id
        if not rp_id or PASSKEY not in self._engine.factors:
            return None
        subject = found.subject
        return {
            "rpId": rp_id,
            "userId": to_base64url(bytes.fromhex(subject.id)),
            "name": subject.name,
            "displayName": subject.name,
            "allAcceptedCredentialIds": [
                row.traits["credential"] for row in found.factors if "credential" in row.traits
            ],
        }

    async def open(self, request: Request) -> Response:
        """Lead to the page of an intent, by way of a fresh proof where one is needed.

        So the proof comes before the form, and nothing that was typed is lost behind it.
        """
        form, signed = await self._desk.sent(request)
        intent = form["to"]
        page = intents.path(intent)
        if page is None:
            raise NotFound
        missing = await overview.missing(self._engine, signed.bearer, password=intent == "password")
        return redirect(page) if missing is None else await self._desk.ask(signed, intent, missing)

    async def end(self, request: Request) -> Response:
        """End one session."""
        form, signed = await self._desk.sent(request)
        done = await sessions.close(self._engine, signed.bearer, form["session"], signed.context)
        if done.closes_session:
            return redirect("/login", *self._pages.answers.ended_cookies(done, cookies=True))
        return self._desk.done("ended")

    async def end_others(self, request: Request) -> Response:
        """End all sessions but this one."""
        _, signed = await self._desk.sent(request)
        await sessions.close_others(self._engine, signed.bearer, signed.context)
        return self._desk.done("others")

    async def not_me(self, request: Request) -> Response:
        """Say what to do about something that was not the owner."""
        await self._desk.signed(request)
        return self._desk.show(request, "account_not_me.html")

    async def lock_out(self, request: Request) -> Response:
        """End all other sessions, then lead to a new password."""
        _, signed = await self._desk.sent(request)
        await sessions.close_others(self._engine, signed.bearer, signed.context)
        missing = await overview.missing(self._engine, signed.bearer, password=True)
        if missing is not None:
            return await self._desk.ask(signed, "password", missing)
        return self._desk.done("others", place=intents.place("password"))

    async def later(self, request: Request) -> Response:
        """Advise a second method no more for a while, in this browser."""
        await self._desk.sent(request)
        return self._desk.done("later", self._desk.later(request, ADVICE))

    async def try_out(self, request: Request) -> Response:
        """Ask for a code for no other reason than to see that it is right."""
        _, signed = await self._desk.sent(request)
        pending = await step_up.begin(self._engine, signed.bearer.session, signed.context)
        return self._pages.onward(pending, Caller(signed.context))

    async def log_out(self, request: Request) -> Response:
        """Sign out."""
        _, signed = await self._desk.sent(request)
        done = await sessions.log_out(self._engine, signed.bearer, signed.context)
        return redirect("/login", *self._pages.answers.ended_cookies(done, cookies=True))

    def routes(self) -> tuple[Route, ...]:
        """The route table."""
        return self._desk.pages.table(
            ("GET", "/", self.home),
            ("GET", "/account", self.account),
            ("POST", "/account/open", self.open),
            ("POST", "/account/sessions/end", self.end),
            ("POST", "/account/sessions/end-others", self.end_others),
            ("GET", "/account/not-me", self.not_me),
            ("POST", "/account/not-me", self.lock_out),
            ("POST", "/account/later", self.later),
            ("POST", "/account/try", self.try_out),
            ("POST", "/logout", self.log_out),
        )
