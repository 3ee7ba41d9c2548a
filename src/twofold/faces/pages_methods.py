"""The pages of second methods: one method, adding and removing one, and recovery codes."""

from __future__ import annotations

from twofold.ceremonies import enrol, manage, overview, recover
from twofold.ceremonies.overview import Standing
from twofold.core.errors import LastFactor, Malformed, NotFound, TwofoldError
from twofold.core.policy import Closing
from twofold.faces import intents
from twofold.faces.authenticators import named
from twofold.faces.desk import Desk
from twofold.faces.pages_login import KINDS, LoginPages
from twofold.faces.steps import status
from twofold.faces.transport import Caller
from twofold.web.kit import Request, Response, Route
from twofold.web.response import redirect

_LABEL = 64


class MethodPages:
    """What owners do with their methods."""

    __slots__ = ("_desk", "_engine", "_login", "_pages")

    def __init__(self, desk: Desk, login: LoginPages) -> None:
        self._desk = desk
        self._login = login
        self._pages = desk.pages
        self._engine = desk.engine

    async def method(self, request: Request) -> Response:
        """Show one method: its name, its place, and the way out of it."""
        found, row = await self._row(request)
        return self._method(request, found, row)

    async def _row(self, request: Request) -> tuple[Standing, manage.FactorRow]:
        signed = await self._desk.signed(request)
        found = await overview.standing(self._engine, signed.bearer)
        for row in found.factors:
            if row.id == request.params["id"]:
                return found, named(row)
        raise NotFound

    def _method(
        self,
        request: Request,
        found: Standing,
        row: manage.FactorRow,
        error: TwofoldError | None = None,
    ) -> Response:
        return self._desk.show(
            request,
            "account_method.html",
            status=status(error),
            error=error,
            method=row,
            several=len(found.factors) > 1,
            kinds=KINDS,
            moment=self._pages.moment,
        )

    async def rename(self, request: Request) -> Response:
        """Give a method another name."""
        form, signed = await self._desk.sent(request)
        found, row = await self._row(request)
        label = form["label"].strip()[:_LABEL]
        try:
            await manage.rename(self._engine, signed.bearer, row.id, label, signed.context)
        except Malformed as error:
            return self._method(request, found, row, error)
        return self._desk.done("renamed")

    async def prefer(self, request: Request) -> Response:
        """Ask for a method first."""
        _, signed = await self._desk.sent(request)
        named = request.params["id"]
        await manage.prefer(self._engine, signed.bearer, named, signed.context)
        return self._desk.done("preferred")

    async def removal(self, request: Request) -> Response:
        """Say what is lost with a method, or why it has to stay."""
        found, row = await self._row(request)
        return self._removal(request, found, row)

    def _removal(
        self,
        request: Request,
        found: Standing,
        row: manage.FactorRow,
        error: TwofoldError | None = None,
    ) -> Response:
        others = tuple(named(other) for other in found.factors if other.id != row.id)
        return self._desk.show(
            request,
            "account_remove.html",
            status=status(error),
            error=error,
            method=row,
            others=others,
            stays=found.demanded and not others,
            left=found.recovery.remaining if found.recovery is not None else 0,
            ends=found.closing,
            closing=Closing,
            kinds=KINDS,
        )

    async def remove(self, request: Request) -> Response:
        """Remove a method."""
        _, signed = await self._desk.sent(request)
        named = request.params["id"]

        async def act() -> Response:
            done = await manage.remove(self._engine, signed.bearer, named, signed.context)
            if done.closes_session:
                return redirect("/login", *self._pages.answers.ended_cookies(done, cookies=True))
            return self._desk.done("removed")

        try:
            return await self._desk.proved(signed, f"remove:{named}", act)
        except LastFactor as error:
            found, row = await self._row(request)
            return self._removal(request, found, row, error)

    async def adding(self, request: Request) -> Response:
        """Where a proof leads back to: one more button, because no address changes anything."""
        await self._desk.signed(request)
        return self._desk.show(request, "account_add.html")

    async def add(self, request: Request) -> Response:
        """Begin to set up another method."""
        _, signed = await self._desk.sent(request)

        async def act() -> Response:
            pending = await enrol.begin(self._engine, signed.bearer.session, signed.context)
            return self._pages.onward(pending, Caller(signed.context))

        return await self._desk.proved(signed, "add", act)

    async def replacing(self, request: Request) -> Response:
        """Say how a method is replaced: the new one first."""
        _, row = await self._row(request)
        return self._desk.show(request, "account_replace.html", method=row, kinds=KINDS)

    async def replace(self, request: Request) -> Response:
        """Begin to set up what takes the place of a method."""
        _, signed = await self._desk.sent(request)
        named = request.params["id"]

        async def act() -> Response:
            pending = await enrol.begin(
                self._engine, signed.bearer.session, signed.context, replaces=named
            )
            return self._pages.onward(pending, Caller(signed.context))

        return await self._desk.proved(signed, f"replace:{named}", act)

    async def codes(self, request: Request) -> Response:
        """Say what new recovery codes do to the old ones."""
        signed = await self._desk.signed(request)
        found = await overview.standing(self._engine, signed.bearer)
        if not found.factors:
            return redirect(intents.HOME)
        return self._desk.show(request, "account_codes.html", recovery=found.recovery)

    async def renew(self, request: Request) -> Response:
        """Make new recovery codes and show them in this answer, this once."""
        _, signed = await self._desk.sent(request)

        async def act() -> Response:
            done = await recover.renew(self._engine, signed.bearer, signed.context)
            return self._login.ended(
                request, done, Caller(signed.context), account=signed.bearer.subject.name
            )

        return await self._desk.proved(signed, "codes", act)

    def routes(self) -> tuple[Route, ...]:
        """The route table."""
        return self._desk.pages.table(
            ("GET", "/account/methods/add", self.adding),
            ("POST", "/account/methods/add", self.add),
            ("GET", "/account/methods/{id}", self.method),
            ("POST", "/account/methods/{id}/name", self.rename),
            ("POST", "/account/methods/{id}/prefer", self.prefer),
            ("GET", "/account/methods/{id}/remove", self.removal),
            ("POST", "/account/methods/{id}/remove", self.remove),
            ("GET", "/account/methods/{id}/replace", self.replacing),
            ("POST", "/account/methods/{id}/replace", self.replace),
            ("GET", "/account/recovery-codes", self.codes),
            ("POST", "/account/recovery-codes", self.renew),
        )
