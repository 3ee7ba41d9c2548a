"""The pages of what belongs to an owner: password, address, a copy of the data, leaving."""

from __future__ import annotations

import msgspec

from twofold.ceremonies import account, address, leaving, mailed, overview
from twofold.core import errors
from twofold.core.errors import Malformed, NotAllowed, TwofoldError
from twofold.faces import intents
from twofold.faces.api_owner import export_of
from twofold.faces.desk import Desk
from twofold.faces.steps import status
from twofold.web.kit import Request, Response, Route
from twofold.web.response import json

_PASSWORD = (
    errors.InvalidCredentials,
    errors.Throttled,
    errors.Unavailable,
    errors.WeakPassword,
    errors.NotEnrolled,
)
_ADDRESS = (Malformed, errors.NotPossible, errors.Throttled)
_FILE = (b"content-disposition", b'attachment; filename="account.json"')


class OwnerPages:
    """What owners do with the account itself."""

    __slots__ = ("_desk", "_engine")

    def __init__(self, desk: Desk) -> None:
        self._desk = desk
        self._engine = desk.engine

    async def password(self, request: Request) -> Response:
        """Ask for the present and the next password."""
        signed = await self._desk.signed(request)
        return self._password(request, signed.bearer.subject.name)

    def _password(self, request: Request, name: str, error: TwofoldError | None = None) -> Response:
        return self._desk.show(
            request,
            "account_password.html",
            status=status(error),
            error=error,
            wrong=isinstance(error, errors.InvalidCredentials),
            name=name,
            least=self._engine.rules.password_minimum,
        )

    async def change_password(self, request: Request) -> Response:
        """Change the password; the session is renewed, and all others end."""
        form, signed = await self._desk.sent(request)

        async def act() -> Response:
            granted = await account.change_password(
                self._engine, signed.bearer, form["current"], form["password"], signed.context
            )
            cookies = self._desk.pages.answers.session_cookies(granted)
            return self._desk.done("password", *cookies)

        try:
            return await self._desk.proved(signed, "password", act)
        except _PASSWORD as error:
            return self._password(request, signed.bearer.subject.name, error)

    async def address(self, request: Request) -> Response:
        """Ask for another address, or to prove the present one."""
        signed = await self._desk.signed(request)
        return self._address(request, signed.bearer.subject)

    def _address(
        self,
        request: Request,
        subject: object,
        error: TwofoldError | None = None,
        typed: str = "",
    ) -> Response:
        return self._desk.show(
            request,
            "account_address.html",
            status=status(error),
            error=error,
            subject=subject,
            typed=typed,
        )

    async def change_address(self, request: Request) -> Response:
        """Send a code to the new address."""
        form, signed = await self._desk.sent(request)
        wanted = form["email"]

        async def act() -> Response:
            await address.ask_change(self._engine, signed.bearer, wanted, signed.context)
            return self._desk.done("address", place=f"/{address.CHANGE}")

        try:
            return await self._desk.proved(signed, "address", act)
        except _ADDRESS as error:
            return self._address(request, signed.bearer.subject, error, wanted[:254])

    async def prove_address(self, request: Request) -> Response:
        """Send the code of the present address again."""
        _, signed = await self._desk.sent(request)
        try:
            await account.ask_verification(self._engine, signed.bearer, signed.context)
        except _ADDRESS as error:
            return self._address(request, signed.bearer.subject, error)
        return self._desk.done("sent", place=f"/{mailed.VERIFY}")

    async def exporting(self, request: Request) -> Response:
        """Say what is in the copy."""
        await self._desk.signed(request)
        return self._desk.show(request, "account_export.html")

    async def export(self, request: Request) -> Response:
        """Hand out all that is kept of the account, as a file."""
        _, signed = await self._desk.sent(request)

        async def act() -> Response:
            found = await overview.export(self._engine, signed.bearer, signed.context)
            answer = json(export_of(found), _FILE)
            return answer._replace(body=msgspec.json.format(answer.body, indent=2))

        return await self._desk.proved(signed, "export", act)

    async def deleting(self, request: Request) -> Response:
        """Say what is lost with the account."""
        signed = await self._desk.signed(request)
        found = await overview.standing(self._engine, signed.bearer)
        if not found.deletable:
            raise NotAllowed
        return self._desk.show(request, "account_delete.html", subject=found.subject)

    async def delete(self, request: Request) -> Response:
        """Delete the account; the box on its page must have been ticked."""
        form, signed = await self._desk.sent(request)
        if form["sure"] != "yes":
            return await self.deleting(request)

        async def act() -> Response:
            done = await leaving.delete(self._engine, signed.bearer, signed.context)
            ended = self._desk.pages.answers.ended_cookies(done, cookies=True)
            return self._desk.show(request, "account_deleted.html", *ended)

        return await self._desk.proved(signed, "delete", act)

    def routes(self) -> tuple[Route, ...]:
        """The route table."""
        return self._desk.pages.table(
            ("GET", intents.place("password"), self.password),
            ("POST", intents.place("password"), self.change_password),
            ("GET", intents.place("address"), self.address),
            ("POST", intents.place("address"), self.change_address),
            ("POST", "/account/address/prove", self.prove_address),
            ("GET", intents.place("export"), self.exporting),
            ("POST", intents.place("export"), self.export),
            ("GET", intents.place("delete"), self.deleting),
            ("POST", intents.place("delete"), self.delete),
        )
