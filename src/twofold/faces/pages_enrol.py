"""The pages that set a second method up: choose, set up and confirm, save recovery codes."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Final
from urllib.parse import parse_qsl

from msgspec import UNSET

from twofold.ceremonies import enrol, login
from twofold.ceremonies.outcomes import Choice, Done, Granted, Outcome, Pending, Revealed
from twofold.core.ceremony import State
from twofold.core.errors import CodeRejected, Malformed, NotPossible, TwofoldError
from twofold.core.types import SECOND
from twofold.faces import intents
from twofold.faces.actions import PASSKEY
from twofold.faces.api_ceremony import wish
from twofold.faces.pages import Pages
from twofold.faces.steps import WRONG, inspected, signed, standing, status, typed, waiting
from twofold.faces.transport import Caller
from twofold.web import qr
from twofold.web.headers import Header
from twofold.web.kit import Request, Response, Route
from twofold.web.languages import marked

_WITH_CODES: Final = 3
"""Steps of a set-up that ends with recovery codes: choose, set up and confirm, save."""

_LABEL: Final = 64
_DAY: Final = 86_400 * SECOND

KINDS: Final = {
    "totp": marked("Authenticator app"),
    "email": marked("Code by e-mail"),
    "sms": marked("Code by text message"),
    "webauthn": marked("Passkey or security key"),
    "webhook": marked("Code by messenger"),
}
"""What people call the kinds of factors."""

_ABOUT: Final = {
    "totp": marked("Works without network, on your phone or in your password manager."),
    "email": marked("Convenient, and as safe as your mailbox is."),
    "sms": marked("Needs a phone with reception."),
    "webauthn": marked("The safest: nobody can be tricked into passing it on."),
}
"""What helps to choose one."""

_REFUSED: Final = marked("This passkey was not accepted. Try again, or use another method.")
"""What is said instead of a wrong code."""


class EnrolPages:
    """From the choice of a method to its recovery codes."""

    __slots__ = ("_engine", "_entrance", "_pages")

    def __init__(self, pages: Pages) -> None:
        self._pages = pages
        self._engine = pages.engine
        self._entrance = pages.entrance

    async def enrol(self, request: Request) -> Response:
        """Offer what may be set up, or ask for the code of what is being set up."""
        caller, pending = await standing(self._engine, self._entrance, request)
        if pending.ceremony.state not in (State.ENROL, State.CONFIRM):
            return self._pages.onward(pending, caller)
        return self._enrol(request, pending)

    def _enrol(
        self,
        request: Request,
        pending: Pending,
        *headers: Header,
        error: TwofoldError | None = None,
        secrets: dict[str, object] | None = None,
        named: str = "",
    ) -> Response:
        draft = pending.ceremony.draft
        shown = secrets or {}
        uri = shown.get("uri")
        passkey = draft is not None and draft.kind == PASSKEY
        return self._pages.show(
            request,
            "enrol.html",
            *waiting(error),
            *headers,
            status=status(error),
            error=error,
            names=KINDS,
            kinds={kind: KINDS.get(kind, kind) for kind in pending.kinds},
            draft=draft.kind if draft is not None else "",
            secrets=shown,
            label=draft.label if draft is not None else "",
            options=pending.show.get(PASSKEY),
            instead=_REFUSED if passkey and isinstance(error, CodeRejected) else "",
            about=_ABOUT,
            picture=self._picture(request, uri) if isinstance(uri, str) else "",
            hint=_hint(pending, shown),
            steps=_steps(pending),
            replaced=_replaced(pending),
            digits=_digits(draft.parameters) if draft is not None else 0,
            seconds=self._pages.seconds_left(pending.ceremony.expires_at),
            skippable=pending.ceremony.skippable_until is not None,
            days_left=self._days_left(pending),
            named=named,
            forced=pending.ceremony.session is None,
        )

    def _picture(self, request: Request, uri: str) -> str:
        title = marked("QR code for your authenticator app")
        return qr.svg(uri, title=self._pages.language(request).text(title))

    def _days_left(self, pending: Pending) -> int:
        until = pending.ceremony.skippable_until
        return (until - self._engine.clock.now()) // _DAY if until is not None else 0

    async def enrol_begun(self, request: Request) -> Response:
        """Make a secret and show it in this answer: it is shown nowhere else, and once."""
        form = await self._pages.form(request)
        caller = self._entrance.continuing(request)
        wanted = wish(form["label"].strip()[:_LABEL], UNSET)
        try:
            revealed = await enrol.bind(
                self._engine, caller.ticket, form["kind"], caller.context, wanted
            )
        except (*WRONG, Malformed, NotPossible) as error:
            pending = await inspected(self._engine, caller)
            if pending.ceremony.state not in (State.ENROL, State.CONFIRM):
                raise
            return self._enrol(request, pending, error=error, named=form["label"][:_LABEL])
        return self._revealed(request, revealed, caller)

    def _revealed(self, request: Request, revealed: Revealed, caller: Caller) -> Response:
        cookies = self._pages.answers.ticket_cookies(revealed.pending, caller)
        return self._enrol(request, revealed.pending, *cookies, secrets=dict(revealed.secrets))

    async def enrol_confirmed(self, request: Request) -> Response:
        """Prove that the new factor is held."""
        form = await self._pages.form(request)
        caller = self._entrance.continuing(request)
        passkey = "credential" in form.fields
        try:
            answer = signed(form["credential"]) if passkey else typed(form["code"])
            outcome = await enrol.confirm(self._engine, caller.ticket, answer, caller.context)
        except (*WRONG, Malformed) as error:
            pending = await inspected(self._engine, caller)
            return self._enrol(request, pending, error=error)
        return self.ended(request, outcome, caller, steps=_WITH_CODES)

    def ended(
        self,
        request: Request,
        outcome: Outcome,
        caller: Caller,
        *,
        account: str = "",
        steps: int = 0,
    ) -> Response:
        """Lead on, unless there are recovery codes to be shown, this once.

        ``account`` is whose codes they are, where the outcome does not say it.
        """
        onward = intents.HOME
        match outcome:
            case Granted(recovery_codes=codes) if codes:
                cookies = self._pages.answers.session_cookies(outcome)
                onward = self._pages.arrival(outcome)
                account = outcome.subject.name
            case Done(facts={"recovery_codes": tuple(codes)}) if codes:
                cookies = self._pages.answers.ended_cookies(outcome, cookies=True)
            case _:
                return self._pages.onward(outcome, caller)
        return self._codes(request, codes, onward, *cookies, account=account, steps=steps)

    def _codes(
        self,
        request: Request,
        codes: tuple[str, ...],
        onward: str,
        *cookies: Header,
        account: str,
        steps: int,
    ) -> Response:
        place, _, query = onward.partition("?")
        now, name = self._pages.now(), self._pages.looks.now.name
        return self._pages.show(
            request,
            "codes.html",
            *cookies,
            codes=codes,
            account=account,
            steps=steps,
            now=now,
            onward=place,
            # A form that is sent by GET replaces the query of its address.
            carried=parse_qsl(query, keep_blank_values=True),
            file=f"{_plain(name)}-{_plain(account)}-{now:%Y-%m-%d}.txt".replace("--", "-"),
            text="\n".join((name, account, f"{now:%Y-%m-%d}", "", *codes, "")),
        )

    async def skip(self, request: Request) -> Response:
        """Put a demanded enrolment off."""
        await self._pages.form(request)
        caller = self._entrance.continuing(request)
        return self._pages.onward(
            await login.skip(self._engine, caller.ticket, caller.context), caller
        )

    def routes(self) -> tuple[Route, ...]:
        """The route table."""
        return self._pages.table(
            ("GET", "/login/enrol", self.enrol),
            ("POST", "/login/enrol", self.enrol_begun),
            ("POST", "/login/enrol/confirm", self.enrol_confirmed),
            ("POST", "/login/skip", self.skip),
        )


def _steps(pending: Pending) -> int:
    """Return how many steps the set-up has; the last shows recovery codes, if some are made."""
    draft = pending.ceremony.draft
    more = bool(draft.seed) if draft is not None else not pending.recovery
    return _WITH_CODES if more else _WITH_CODES - 1


def _replaced(pending: Pending) -> Choice | None:
    """Return the method that the new one is for."""
    wanted = pending.ceremony.replaces
    return next((choice for choice in pending.choices if choice.id == wanted), None)


def _hint(pending: Pending, shown: Mapping[str, object]) -> str:
    draft = pending.ceremony.draft
    kept = draft.parameters.get("hint") if draft is not None else None
    return str(pending.show.get("hint") or shown.get("hint") or kept or "")


def _digits(parameters: Mapping[str, str | int]) -> int:
    """Return how many digits complete a code; 0 where that is not known."""
    found = parameters.get("digits")
    return found if isinstance(found, int) else 0


def _plain(name: str) -> str:
    """Return a part of a file's name that every system takes."""
    return re.sub(r"[^A-Za-z0-9]+", "-", name).strip("-").lower()
