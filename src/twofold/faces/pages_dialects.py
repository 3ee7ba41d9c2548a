"""``/admin/dialects/{name}``: a vendor's settings as a form, for administrators, without script."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from twofold.ceremonies import admin, step_up
from twofold.ceremonies.dialect_settings import Plain, Shown
from twofold.core.errors import InvalidToken, Malformed, Stale, StepUpRequired, TwofoldError
from twofold.core.policy import Requirement, parse_acr
from twofold.core.types import Aal
from twofold.faces import Front
from twofold.faces.api_dialects import named
from twofold.faces.pages import Form, Pages
from twofold.faces.steps import status
from twofold.faces.transport import Caller, Signed
from twofold.web.kit import Request, Response, Route
from twofold.web.response import redirect

PATH: Final = "/admin/dialects/{name}"

_OVERTAKEN: Final = "Somebody else changed the settings meanwhile; this is how they are now."


class DialectPages:
    """The settings of dialects, as a vendor's own configuration page has them."""

    __slots__ = ("_dialects", "_pages")

    def __init__(self, front: Front, pages: Pages) -> None:
        self._dialects = front.dialects
        self._pages = pages

    async def show(self, request: Request) -> Response:
        """Show the settings."""
        try:
            await self._administrator(request, fresh=False)
        except StepUpRequired as error:
            return await self._prove(request, error)
        return self._page(request, await named(self._dialects, request).shown())

    async def save(self, request: Request) -> Response:
        """Change what was typed differently, or take one change back."""
        form = await self._pages.form(request)
        try:
            signed = await self._administrator(request, fresh=True)
        except StepUpRequired as error:
            return await self._prove(request, error)
        dialect = named(self._dialects, request)
        shown = await dialect.shown()
        changes = _changes(shown, form)
        by = signed.bearer.subject.id
        try:
            await dialect.change(signed.context, by, changes, _version(form))
        except Malformed as error:
            return self._page(request, shown, error, form.fields)
        except Stale as error:
            return self._page(request, await dialect.shown(), error)
        return redirect(PATH.format(name=request.params["name"]))

    async def _administrator(self, request: Request, *, fresh: bool) -> Signed:
        signed = await self._signed(request)
        await admin.require_admin(self._pages.engine, signed.bearer, signed.context, fresh=fresh)
        return signed

    async def _signed(self, request: Request) -> Signed:
        signed = await self._pages.entrance.signed(request)
        if not signed.cookies:
            raise InvalidToken
        return signed

    async def _prove(self, request: Request, error: StepUpRequired) -> Response:
        signed = await self._signed(request)
        wanted = Requirement(parse_acr(error.acr_values) or Aal.ONE)
        pending = await step_up.begin(
            self._pages.engine, signed.bearer.session, signed.context, wanted
        )
        return self._pages.onward(pending, Caller(signed.context))

    def _page(
        self,
        request: Request,
        shown: Shown,
        error: TwofoldError | None = None,
        typed: Mapping[str, str] | None = None,
    ) -> Response:
        faults: Mapping[str, str] = {}
        if isinstance(error, Malformed):
            faults = error.fields or {}
        written = {row.name: _written(row.value) for row in shown.rows}
        return self._pages.show(
            request,
            "dialect.html",
            status=status(error),
            dialect=request.params["name"],
            here=PATH.format(name=request.params["name"]),
            rows=shown.rows,
            # Who corrects a fault still answers for what the form was made of.
            version=(typed or {}).get("version", shown.version),
            values={**written, **(typed or {})},
            defaults={row.name: _written(row.default) for row in shown.rows},
            faults=faults,
            notice=_OVERTAKEN if isinstance(error, Stale) else "",
        )

    def routes(self) -> tuple[Route, ...]:
        """The route table."""
        return self._pages.table(("GET", PATH, self.show), ("POST", PATH, self.save))


def _changes(shown: Shown, form: Form) -> dict[str, Plain | None]:
    """What is to be changed; a field that is left as shown is no change of it."""
    if form["back"]:
        return {form["back"]: None}
    return {
        row.name: form[row.name]
        for row in shown.rows
        if not row.fixed and row.name in form.fields and form[row.name] != _written(row.value)
    }


def _version(form: Form) -> int:
    """The version that the form was made for; what is no number was made for none."""
    text = form["version"]
    return int(text) if text.isascii() and text.isdigit() and len(text) < _LONGEST else -1


_LONGEST: Final = 19


def _written(value: Plain) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)
