"""What people do who are not signed in: register, and ask for a new password."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from twofold.ceremonies import account
from twofold.core.encoding import to_base64url
from twofold.core.errors import Taken
from twofold.core.types import Transport
from twofold.dialects.structr import words
from twofold.dialects.structr.entry import Entry
from twofold.dialects.structr.login import REST, read
from twofold.dialects.structr.manner import Desk
from twofold.dialects.structr.properties import wanted
from twofold.web.kit import Request, Response, Route

_DRAWN: Final = 24
"""Bytes of a password that nobody is told: its owner sets one by mail."""


class Accounts:
    """The routes for strangers."""

    __slots__ = ("_entry",)

    def __init__(self, entry: Entry) -> None:
        self._entry: Final = entry

    def routes(self) -> tuple[Route, ...]:
        """All of them."""
        return (
            self._entry.open("POST", f"{REST}/registration", self._register),
            self._entry.open("POST", f"{REST}/reset-password", self._reset),
        )

    async def _register(self, request: Request, desk: Desk) -> Response:
        body, settings = await read(request), desk.settings
        email = _address(body)
        allowed = settings.registration_attributes.replace(",", " ").split()
        chosen = {name: body[name] for name in ("password", "name") if name in body}
        if "name" not in allowed:
            chosen.pop("name", None)
        new = wanted({**chosen, "eMail": email}, settings)
        # Before its address is confirmed nobody signs in with a password of their own choosing.
        own = new.password if settings.login_unconfirmed else None
        engine, context = desk.login, self._entry.context(request, Transport.JSON)
        password = own or to_base64url(engine.draw(_DRAWN))
        try:
            await account.register(
                engine, context, name=new.name or "", email=email, password=password
            )
        except Taken:
            raise words.Unfit(("name", "already_taken")) from None
        return words.envelope({}, status=201)

    async def _reset(self, request: Request, desk: Desk) -> Response:
        email = _address(await read(request))
        context = self._entry.context(request, Transport.JSON)
        await account.ask_reset(desk.login, email, context)
        return words.envelope({})


def _address(body: Mapping[str, object]) -> str:
    email = body.get("eMail")
    if not isinstance(email, str) or not email.strip():
        raise words.Unfit(("eMail", "must_not_be_empty"), message="No e-mail address given.")
    if "@" not in email:
        raise words.Unfit(("eMail", "is_not_valid"))
    return email.strip()
