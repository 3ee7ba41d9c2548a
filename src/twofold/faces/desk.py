"""What the pages of somebody who is signed in share: who it is, fresh proof, what was just done."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any, Final

from twofold.ceremonies import step_up
from twofold.core.errors import InvalidToken, StepUpRequired
from twofold.core.policy import Requirement, parse_acr
from twofold.core.types import Aal
from twofold.faces import intents, words
from twofold.faces.pages import ASKED, Form, Pages
from twofold.faces.transport import Caller, Signed
from twofold.web.headers import Header
from twofold.web.kit import Request, Response
from twofold.web.response import redirect

ADVICE: Final = "second-method"
"""The advice that may be put off."""

_SECONDS: Final = 60
"""How long a notice waits for the page that says it."""

_MONTH: Final = 30 * 86_400
_PUT_OFF: Final = frozenset({ADVICE, ASKED})


class Desk:
    """Reads who asks, and leads to a fresh proof and back."""

    __slots__ = ("engine", "entrance", "pages")

    def __init__(self, pages: Pages) -> None:
        self.pages = pages
        self.engine = pages.engine
        self.entrance = pages.entrance

    async def signed(self, request: Request) -> Signed:
        """Whose session's cookie this is; a token in a header is no sign-in for pages."""
        signed = await self.entrance.signed(request)
        if not signed.cookies:
            raise InvalidToken
        return signed

    async def sent(self, request: Request) -> tuple[Form, Signed]:
        """A form of ours, and who sent it."""
        form = await self.pages.form(request)
        return form, await self.signed(request)

    async def proved(
        self, signed: Signed, intent: str, act: Callable[[], Awaitable[Response]]
    ) -> Response:
        """Do it; where the proof is too old, ask for another that leads back to the intent."""
        try:
            return await act()
        except StepUpRequired as missing:
            return await self.ask(signed, intent, missing)

    async def ask(self, signed: Signed, intent: str, missing: StepUpRequired) -> Response:
        """Begin a step-up for an intent."""
        wanted = Requirement(parse_acr(missing.acr_values) or Aal.ONE)
        pending = await step_up.begin(
            self.engine, signed.bearer.session, signed.context, wanted, purpose=intent
        )
        return self.pages.onward(pending, Caller(signed.context))

    def done(self, word: str, *headers: Header, place: str = intents.HOME) -> Response:
        """Lead on; the next page says what was done."""
        notice = self.entrance.cookies.notice.put(word, max_age=_SECONDS)
        return redirect(place, notice, *headers)

    def put_off(self, request: Request) -> frozenset[str]:
        """What this browser does not want to hear of for a while."""
        return frozenset(request.cookies.get(self.entrance.cookies.later.name, "").split("."))

    def later(self, request: Request, word: str) -> Header:
        """The cookie that puts one more thing off."""
        words_put_off = sorted({*self.put_off(request) & _PUT_OFF, word})
        return self.entrance.cookies.later.put(".".join(words_put_off), max_age=_MONTH)

    def show(
        self, request: Request, template: str, *headers: Header, status: int = 200, **values: Any
    ) -> Response:
        """A page that first says what was just done, this once."""
        cookie = self.entrance.cookies.notice
        word = request.cookies.get(cookie.name, "")
        heard = (cookie.clear(),) if word else ()
        notice = words.NOTICES.get(word, "")
        return self.pages.show(
            request, template, *headers, *heard, status=status, notice=notice, **values
        )
