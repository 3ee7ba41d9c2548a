"""Remembered browsers: the question after a sign-in, and what is forgotten on My security.

The question comes when somebody is signed in already. Whatever becomes of it, its page leads on
to where the sign-in was going.
"""

from __future__ import annotations

from typing import Final

from twofold.ceremonies import devices
from twofold.core.errors import NotAllowed, NotEnrolled, NotFound, NotPossible, StepUpRequired
from twofold.faces import intents
from twofold.faces.desk import Desk
from twofold.faces.pages import ASKED, QUESTION, RETURN_TO
from twofold.web.kit import Request, Response, Route
from twofold.web.response import redirect

_NO: Final = (NotAllowed, NotEnrolled, NotPossible, StepUpRequired)
"""Policy, or too long a look at the question; none of it stops anybody."""


class BrowserPages:
    """Asks, remembers, forgets."""

    __slots__ = ("_desk", "_engine", "_pages")

    def __init__(self, desk: Desk) -> None:
        self._desk = desk
        self._engine = desk.engine
        self._pages = desk.pages

    def _onward(self, wanted: str | None) -> str:
        return self._pages.returnable(wanted) or intents.HOME

    async def question(self, request: Request) -> Response:
        """Ask whether to remember this browser; lead on where that is not possible or unwanted."""
        signed = await self._desk.signed(request)
        onward = self._onward(request.query.get(RETURN_TO))
        if ASKED in self._desk.put_off(request):
            return redirect(onward)
        found = await devices.listed(self._engine, signed.bearer, signed.context)
        if not found.offered:
            return redirect(onward)
        return self._pages.show(request, "remember.html", days=found.offered, return_to=onward)

    async def answered(self, request: Request) -> Response:
        """Remember this browser, or ask no more for a while; then lead on."""
        form, signed = await self._desk.sent(request)
        onward = self._onward(form[RETURN_TO])
        if form["answer"] != "yes":
            return redirect(onward, self._desk.later(request, ASKED))
        try:
            done = await devices.remember(self._engine, signed.bearer, signed.context)
        except _NO:
            return self._desk.done("browser-not", place=onward)
        cookie = self._pages.answers.device_cookie(done.device)
        return self._desk.done("browser", *cookie, place=onward)

    async def forget(self, request: Request) -> Response:
        """Forget one browser, or all of them."""
        form, signed = await self._desk.sent(request)
        if "browser" not in form.fields:
            await devices.forget_all(self._engine, signed.bearer, signed.context)
            return self._desk.done("browsers-forgotten")
        try:
            await devices.forget(self._engine, signed.bearer, form["browser"], signed.context)
        except NotFound:
            # Pressed twice, or forgotten by itself meanwhile: it is what was wanted.
            return redirect(intents.HOME)
        return self._desk.done("browser-forgotten")

    def routes(self) -> tuple[Route, ...]:
        """The route table."""
        return self._desk.pages.table(
            ("GET", QUESTION, self.question),
            ("POST", QUESTION, self.answered),
            ("POST", "/account/browsers/forget", self.forget),
        )
