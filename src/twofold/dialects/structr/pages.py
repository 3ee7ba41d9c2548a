"""Forms: ``/structr/login`` and ``/structr/logout``, and our page for the second step.

Structr's sample sends its reader to ``/twofactor?token=...&qrdata=...``. Ours takes both out of
the address at once, into two cookies that only this page gets, live as long as the token, and no
script can read; what the browser remembers, sends as Referer or writes into its history is
``/twofactor``.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import Final
from urllib.parse import urlencode

from twofold.ceremonies import finish
from twofold.ceremonies.outcomes import Granted, Pending, Revealed
from twofold.core import errors
from twofold.core.errors import CsrfRejected, TwofoldError
from twofold.core.types import Transport
from twofold.dialects.structr import words
from twofold.dialects.structr.entry import Entry
from twofold.dialects.structr.login import Given, Logins, attempt, challenge, given
from twofold.dialects.structr.manner import Desk
from twofold.web.headers import Header
from twofold.web.html import Templates, local_path, page
from twofold.web.kit import Request, Response, Route
from twofold.web.response import redirect

PATH: Final = "/twofactor"
"""Where our page is, and where Structr's settings say by default that it is."""

_TEMPLATES: Final = Templates(Path(__file__).parent / "templates")
_TOKEN: Final = re.compile(r"[A-Za-z0-9._~\-]{1,3500}")
_PICTURE: Final = re.compile(r"iVBORw0KGgo[A-Za-z0-9_\-]{1,3400}={0,2}")
_FOUND: Final = 302
_OVER: Final = (errors.CeremonyExpired, errors.CeremonyConsumed, errors.StaleSecurityState)


class Pages:
    """The routes for forms and people."""

    __slots__ = ("_entry", "_logins", "_picture", "_token")

    def __init__(self, entry: Entry, logins: Logins) -> None:
        self._entry: Final = entry
        self._logins: Final = logins
        self._token: Final = entry.page_cookie("twofactor_token", PATH)
        self._picture: Final = entry.page_cookie("twofactor_qr", PATH)

    def routes(self) -> tuple[Route, ...]:
        """All of them."""
        return (
            self._entry.open("POST", "/structr/login", self._login),
            self._entry.open("POST", "/structr/logout", self._logout),
            self._entry.open("GET", PATH, self._page),
            self._entry.open("POST", PATH, self._answer),
        )

    async def _login(self, request: Request, desk: Desk) -> Response:
        form = await request.form()
        shown = given(form)
        context = self._entry.context(request, Transport.COOKIE)
        try:
            outcome = await attempt(desk.login, shown, context, desk.settings.superuser_name)
        except TwofoldError as error:
            refused = words.refusal(error, shown.table)
            beside = [h for h in refused.headers if h[0] in {b"reason", b"retry-after"}]
            return redirect(f"/?status={refused.status}", *beside, status=_FOUND)
        answer = await self._logins.answered(request, desk, outcome)
        if isinstance(outcome, Pending | Revealed):
            return self._onward(outcome, desk)
        cookies = [header for header in answer.headers if header[0] == b"set-cookie"]
        return redirect(local_path(form.get("targetPath")) or "/", *cookies, status=_FOUND)

    def _onward(self, outcome: Pending | Revealed, desk: Desk) -> Response:
        target = desk.settings.login_page
        headers = challenge(outcome, target)
        told = {name.decode(): value.decode() for name, value in headers}
        if target == PATH:
            cookies = self._kept(desk, told["token"], told.get("qrdata", ""))
            return redirect(PATH, *headers, *cookies, status=_FOUND)
        query = urlencode({"token": told["token"], "qrdata": told.get("qrdata", "")})
        glue = "&" if "?" in target else "?"
        return redirect(f"{target}{glue}{query}", *headers, status=_FOUND)

    async def _logout(self, request: Request, desk: Desk) -> Response:
        form = await request.form() if request.unread else {}
        cookies = await self._logins.left(request, desk)
        return redirect(local_path(form.get("targetPath")) or "/", *cookies, status=_FOUND)

    async def _page(self, request: Request, desk: Desk) -> Response:
        query = request.query
        if "token" in query or "qrdata" in query:
            if request.header("sec-fetch-site") == "cross-site":
                # Another site would have somebody finish a login of its own (A109).
                raise CsrfRejected
            return redirect(
                PATH, *self._taken(desk, query.get("token", ""), query.get("qrdata", ""))
            )
        return self._shown(request)

    def _taken(self, desk: Desk, token: str, picture: str) -> tuple[Header, ...]:
        if _TOKEN.fullmatch(token) is None:
            return self._gone()
        return self._kept(desk, token, picture if _PICTURE.fullmatch(picture) else "")

    def _kept(self, desk: Desk, token: str, picture: str) -> tuple[Header, ...]:
        life = desk.settings.login_timeout
        shown = self._picture.put(picture, max_age=life) if picture else self._picture.clear()
        return self._token.put(token, max_age=life), shown

    def _gone(self) -> tuple[Header, ...]:
        return self._token.clear(), self._picture.clear()

    def _shown(
        self, request: Request, *headers: Header, told: str = "", status: int = 200
    ) -> Response:
        token = request.cookies.get(self._token.name, "")
        picture = request.cookies.get(self._picture.name, "")
        return page(
            _TEMPLATES,
            "twofactor.html",
            *headers,
            status=status,
            begun=bool(token) and not headers,
            picture=picture.replace("_", "/").replace("-", "+") if not headers else "",
            told=told,
        )

    async def _answer(self, request: Request, desk: Desk) -> Response:
        form = await request.form()
        shown = Given(
            token=request.cookies.get(self._token.name, ""), code=form.get("code", "").strip()
        )
        context = self._entry.context(request, Transport.COOKIE)
        try:
            outcome = await finish.finish(desk.login, shown.token, shown.code, context)
        except _OVER:
            return self._shown(request, *self._gone(), told="over", status=401)
        except TwofoldError as error:
            refused = words.refusal(error, words.CODE)
            return self._shown(request, told="wrong", status=refused.status)
        answer = await self._logins.answered(request, desk, outcome)
        cookies = [header for header in answer.headers if header[0] == b"set-cookie"]
        if not isinstance(outcome, Granted):
            return self._shown(request, *self._gone(), told="over", status=401)
        return redirect("/", *cookies, *self._gone())
