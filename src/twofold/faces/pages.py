"""What all our pages share: rendering, forms that prove where they come from, errors in words.

The pages are server-rendered and work without script; a form is answered with a redirect, unless
something is shown that is shown only once. The ceremony's ticket travels in its cookie alone.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlencode

from twofold.ceremonies.outcomes import Done, Granted, Outcome, Pending, Revealed
from twofold.core.ceremony import State
from twofold.core.errors import (
    CsrfRejected,
    InvalidToken,
    Malformed,
    NotFound,
    TwofoldError,
)
from twofold.core.types import SECOND, Instant
from twofold.faces import Front, intents
from twofold.faces.answers import OVER, Answers
from twofold.faces.looks import Looks
from twofold.faces.transport import Caller, Entrance
from twofold.web.csrf import FIELD, FormTokens, new_binding
from twofold.web.headers import ASSET, Header
from twofold.web.html import Templates, local_path, page, return_path
from twofold.web.kit import Request, Response, Route
from twofold.web.languages import Language, languages, named
from twofold.web.problems import refusal
from twofold.web.response import redirect
from twofold.web.routes import Handler

HERE: Final = Path(__file__).parent
_TEMPLATES: Final = Templates(HERE / "templates")
RETURN_TO: Final = "return_to"
"""The parameter that says where a sign-in leads."""

QUESTION: Final = "/login/remember"
"""Where a browser is asked for, once somebody is signed in."""

ASKED: Final = "browser"
"""That this question was answered with "not now"."""

LOCALE: Final = "locale"
"""The query parameter that chooses a language."""

_NOT_ANOTHER: Final = frozenset({"pwd", "mfa"})
_SPARED: Final = frozenset({"rc", "rba"})
"""A recovery code is for getting back in; what was spared was not proved."""

_YEAR: Final = 365 * 86_400
_KEPT: Final = frozenset({b"retry-after", b"allow"})
_TYPES: Final = {
    ".css": b"text/css; charset=utf-8",
    ".js": b"text/javascript; charset=utf-8",
    ".svg": b"image/svg+xml",
}

_PLACES: Final[Mapping[State, str]] = {
    State.FIRST_FACTOR: "/login/password",
    State.SECOND_FACTOR: "/login/code",
    State.CHALLENGE: "/login/code",
    State.ENROL: "/login/enrol",
    State.CONFIRM: "/login/enrol",
}
"""Where a person finds what a ceremony in this state asks for."""


@dataclass(frozen=True, slots=True)
class Form:
    """A form that was sent from one of our pages."""

    fields: Mapping[str, str]

    def __getitem__(self, name: str) -> str:
        """A field as typed; what is not there is empty."""
        return self.fields.get(name, "")


class Pages:
    """Renders, reads forms, and leads from step to step."""

    __slots__ = ("_front", "answers", "dialects", "engine", "entrance", "looks", "rp_id")

    def __init__(self, front: Front, entrance: Entrance, answers: Answers) -> None:
        self._front = front
        self.engine = front.engine
        self.entrance = entrance
        self.answers = answers
        self.looks = Looks(front)
        self.rp_id = front.rp_id
        self.dialects = front.dialects

    def show(
        self,
        request: Request,
        template: str,
        *headers: Header,
        status: int = 200,
        binding: str | None = None,
        **values: Any,
    ) -> Response:
        """A page with a token for its forms; a browser without our cookie is given one.

        ``binding`` is the cookie that another header of this answer sets.
        """
        cookie = self.entrance.cookies.binding
        known = binding or request.cookies.get(cookie.name)
        if not known:
            known = new_binding()
            headers = (*headers, cookie.put(known))
        language, kept = self._chosen(request)
        return page(
            _TEMPLATES,
            template,
            *headers,
            *kept,
            status=status,
            language=language,
            languages=_switch(request),
            assets=ASSETS,
            csrf=FormTokens(self.engine.ring().current("form")[1]).make(known),
            look=self.looks.now,
            sources=self.looks.now.sources,
            **values,
        )

    def language(self, request: Request) -> Language:
        """The language of this page."""
        return self._chosen(request)[0]

    def _chosen(self, request: Request) -> tuple[Language, tuple[Header, ...]]:
        """Return what ``?locale=`` asks for, and the cookie that keeps it; else what was before."""
        chosen = named(_query(request).get(LOCALE))
        if chosen is None:
            return self.entrance.language(request), ()
        cookie = self.entrance.cookies.language
        return chosen, (cookie.put(chosen.tag, max_age=_YEAR),)

    async def form(self, request: Request) -> Form:
        """The fields of a form whose token belongs to this browser; CsrfRejected otherwise."""
        fields = await request.form()
        shown = request.cookies.get(self.entrance.cookies.binding.name)
        keys = tuple(self.engine.ring().keys("form").values())
        for key in keys[:-1]:
            try:
                FormTokens(key).check(shown, fields.get(FIELD))
            except CsrfRejected:
                continue
            return Form(fields)
        FormTokens(keys[-1]).check(shown, fields.get(FIELD))
        return Form(fields)

    def onward(self, outcome: Outcome, caller: Caller) -> Response:
        """Lead to the page that the next step is taken on."""
        match outcome:
            case Granted():
                place = self.arrival(outcome)
                return redirect(place, *self.answers.session_cookies(outcome))
            case Pending():
                place = _PLACES[outcome.ceremony.state]
                return redirect(place, *self.answers.ticket_cookies(outcome, caller))
            case Revealed(pending=pending):
                return redirect("/login/enrol", *self.answers.ticket_cookies(pending, caller))
            case Done():
                headers = self.answers.ended_cookies(outcome, cookies=True)
                return redirect("/login", self.entrance.cookies.ticket.clear(), *headers)

    def returnable(self, text: str | None) -> str:
        """Where a sign-in was asked to lead, if it may lead there; else nothing (A115)."""
        return return_path(text, self._front.return_to) or ""

    def destination(self, purpose: str) -> str:
        """Where a proof leads: what a step-up was for, or what a sign-in was asked to lead to.

        The ticket kept it sealed; an origin that was taken off the list since is refused.
        """
        return self.returnable(purpose) or intents.place(purpose)

    def arrival(self, granted: Granted) -> str:
        """Where a sign-in leads, by way of the question that comes after a second method.

        Whether it is asked is for its own page to find out: a sign-in is not held up by it.
        """
        place = self.destination(granted.purpose)
        proved = set(granted.session.amr)
        second = "pwd" in proved and proved - _NOT_ANOTHER
        if granted.ended or not second or proved & _SPARED:
            return place
        return f"{QUESTION}?{urlencode({RETURN_TO: place})}"

    def now(self) -> datetime:
        """The present moment for templates."""
        return self.moment(self.engine.clock.now())

    def seconds_left(self, moment: Instant) -> int:
        """Whole seconds until a moment; 0 when it is over."""
        return max(0, (moment - self.engine.clock.now()) // SECOND)

    def moment(self, instant: Instant) -> datetime:
        """A moment for templates, which print it for people without script."""
        return datetime.fromtimestamp(instant // SECOND, UTC)

    def refused(self, request: Request, error: TwofoldError) -> Response:
        """The page for an error that no form was there to show."""
        answer = refusal(error, request.id)
        kept = tuple(header for header in answer.headers if header[0] in _KEPT)
        cookies = self.entrance.cookies
        if isinstance(error, InvalidToken):
            # The dead cookie stays: the sign-in reads from it why the session ended, and clears it.
            return redirect(_sign_in(request))
        if isinstance(error, Malformed) and error.field == "ceremony":
            return redirect("/login")
        if isinstance(error, OVER):
            kept = (*kept, cookies.ticket.clear())
        return self.show(
            request,
            "refused.html",
            *kept,
            status=answer.status,
            error=error,
            over=isinstance(error, OVER),
            reference=request.id,
        )

    def table(self, *rows: tuple[str, str, Handler]) -> tuple[Route, ...]:
        """Routes of pages: unlisted, and with errors in words."""
        return tuple(
            Route(method, path, handler, listed=False, on_error=self.refused)
            for method, path, handler in rows
        )

    def routes(self) -> tuple[Route, ...]:
        """The style sheet and the one script."""
        return (Route("GET", "/static/{name}", self.static, "A file of our pages", listed=False),)

    async def static(self, request: Request) -> Response:
        """A file that we ship; the names are those of the folder, so none leads out of it."""
        found = _FILES.get(request.params["name"])
        if found is None:
            raise NotFound
        return found


def _query(request: Request) -> Mapping[str, str]:
    """Return the query, or nothing where it makes no sense: a page that refuses must not fail."""
    try:
        return request.query
    except Malformed:
        return {}


def _sign_in(request: Request) -> str:
    """Return the sign-in, which leads back to where somebody was before the session ended."""
    path = request.path if request.method == "GET" else ""
    if path in {"", "/", intents.HOME} or local_path(path) is None:
        return "/login"
    return f"/login?{urlencode({RETURN_TO: path})}"


def _switch(request: Request) -> tuple[tuple[Language, str], ...]:
    """Return each language with the address of this page in it; none after a form was sent."""
    if request.method != "GET":
        return ()
    query = _query(request)
    return tuple(
        (language, f"{request.path}?{urlencode({**query, LOCALE: language.tag})}")
        for language in languages().values()
    )


_FILES: Final[Mapping[str, Response]] = {
    path.name: Response(200, path.read_bytes(), (*ASSET, (b"content-type", _TYPES[path.suffix])))
    for path in sorted((HERE / "static").iterdir())
    if path.suffix in _TYPES
}

ASSETS: Final[Mapping[str, str]] = {
    name: f"/static/{name}?{hashlib.sha256(file.body).hexdigest()[:8]}"
    for name, file in _FILES.items()
}
"""The addresses of our files; another content has another address, so that caches never mix."""
