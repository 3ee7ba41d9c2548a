"""The page behind "It was not me" in the message that carries a code."""

from __future__ import annotations

from twofold.ceremonies import disown
from twofold.core.errors import TwofoldError, Unavailable
from twofold.core.types import Transport
from twofold.faces.answers import OVER
from twofold.faces.pages import Pages
from twofold.faces.steps import status
from twofold.web.kit import Request, Response, Route


class DisownPages:
    """A button, and what became of it."""

    __slots__ = ("_pages",)

    def __init__(self, pages: Pages) -> None:
        self._pages = pages

    async def ask(self, request: Request) -> Response:
        """Ask whether to end what the code was sent for; looking at it changes nothing."""
        return self._show(request)

    async def act(self, request: Request) -> Response:
        """End it."""
        form = await self._pages.form(request)
        context = self._pages.entrance.context(request, Transport.COOKIE)
        try:
            await disown.disown(self._pages.engine, form["token"], context)
        except (*OVER, Unavailable) as error:
            return self._show(request, error=error, token=form["token"][:4096])
        return self._show(request, done=True)

    def _show(
        self,
        request: Request,
        *,
        done: bool = False,
        error: TwofoldError | None = None,
        token: str = "",
    ) -> Response:
        return self._pages.show(
            request, "disown.html", status=status(error), done=done, error=error, token=token
        )

    def routes(self) -> tuple[Route, ...]:
        """The route table."""
        path = f"/{disown.PURPOSE}"
        return self._pages.table(("GET", path, self.ask), ("POST", path, self.act))
