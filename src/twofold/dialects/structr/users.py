"""Users as entities: ``/me`` and ``/User``, read and changed by administrators and themselves."""

from __future__ import annotations

import re
import time
from collections.abc import AsyncIterator, Callable, Mapping
from typing import Final

from twofold.ceremonies import admin, admin_factors, wishes
from twofold.core.errors import InvalidToken, Malformed, NotAllowed, NotFound, Taken
from twofold.core.types import Subject
from twofold.dialects.structr import words
from twofold.dialects.structr.entry import Entry, Visitor
from twofold.dialects.structr.login import REST, read
from twofold.dialects.structr.properties import Wanted, wanted
from twofold.web.kit import Request, Response, Route

SOFT_LIMIT: Final = 10_000
"""How many users one request looks through."""

_PAGE: Final = 500
_ID: Final = re.compile(r"[0-9a-f]{32}")
_NUMBER: Final = re.compile(r"[0-9]{1,5}")
_SORTS: Final = ("name", "id", "eMail", "createdDate")


class Users:
    """The routes of users."""

    __slots__ = ("_entry",)

    def __init__(self, entry: Entry) -> None:
        self._entry: Final = entry

    def routes(self) -> tuple[Route, ...]:
        """All of them."""
        entry, one = self._entry, f"{REST}/User/{{id}}"
        return (
            entry.known("GET", f"{REST}/me", self._me),
            entry.known("GET", f"{REST}/me/ui", self._me_ui),
            entry.known("PUT", f"{REST}/me", self._change_me),
            entry.known("PATCH", f"{REST}/me", self._change_me),
            entry.known("GET", f"{REST}/User", self._list),
            entry.known("GET", f"{REST}/User/ui", self._list),
            entry.known("POST", f"{REST}/User", self._create),
            entry.known("GET", one, self._show),
            entry.known("GET", f"{one}/ui", self._show),
            entry.known("PUT", one, self._change),
            entry.known("PATCH", one, self._change),
            entry.known("DELETE", one, self._delete),
        )

    async def _me(self, _: Request, visitor: Visitor) -> Response:
        return words.envelope(words.public(visitor.bearer.subject), began=time.perf_counter())

    async def _me_ui(self, request: Request, visitor: Visitor) -> Response:
        return await _shown(visitor, visitor.bearer.subject.id, request)

    async def _show(self, request: Request, visitor: Visitor) -> Response:
        id = _id(request)
        if id != visitor.bearer.subject.id:
            await _require_admin(visitor)
        return await _shown(visitor, id, request)

    async def _list(self, request: Request, visitor: Visitor) -> Response:
        await _require_admin(visitor)
        began, query = time.perf_counter(), request.query
        found = [user async for user in _found(visitor, query)]
        sort = query.get("_sort", query.get("sort", ""))
        if sort in _SORTS:
            found.sort(key=_order(sort), reverse=query.get("_order", query.get("order")) == "desc")
        size, page = _count(query, "_pageSize", SOFT_LIMIT), _count(query, "_page", 1)
        here = found[(page - 1) * size : page * size]
        paged = (page, size, len(found)) if "_pageSize" in query else None
        if not request.path.endswith("/ui"):
            return words.envelope([words.public(user) for user in here], began=began, page=paged)
        realm = visitor.context.realm
        standing = [await wishes.standing(visitor.engine, realm, user.id) for user in here]
        return words.envelope([words.ui(user) for user in standing], began=began, page=paged)

    async def _create(self, request: Request, visitor: Visitor) -> Response:
        await _require_admin(visitor)
        new = wanted(await read(request), visitor.settings)
        if not (new.name or new.email):
            missing = (("name", "must_not_be_empty"), ("eMail", "must_not_be_empty"))
            raise words.Unfit(*missing, message=words.NAMELESS)
        try:
            made = await admin.create_subject(
                visitor.engine,
                visitor.context,
                visitor.bearer.subject.id,
                name=new.name or new.email or "",
                email=new.email or None,
                email_verified=bool(new.email),
                password=new.password,
                admin=bool(new.admin),
            )
        except (Taken, Malformed) as error:
            raise _unfit(error, new) from None
        await _apply(visitor, made.id, new.without_account())
        location = f"{REST}/User/{made.id}".encode()
        return words.envelope([made.id], (b"location", location), status=201)

    async def _change(self, request: Request, visitor: Visitor) -> Response:
        return await self._changed(_id(request), request, visitor)

    async def _change_me(self, request: Request, visitor: Visitor) -> Response:
        return await self._changed(visitor.bearer.subject.id, request, visitor)

    async def _changed(self, id: str, request: Request, visitor: Visitor) -> Response:
        body, bearer = await read(request), visitor.bearer
        if bearer.subject.admin:
            await _require_admin(visitor)
            await wishes.standing(visitor.engine, visitor.context.realm, id)
        elif id != bearer.subject.id:
            raise words.NoWrite
        new = wanted(body, visitor.settings)
        if not bearer.subject.admin:
            _refuse_reserved(new)
        if id == bearer.subject.id:
            await _require_own(visitor, new)
        await _apply(visitor, id, new)
        return words.envelope({})

    async def _delete(self, request: Request, visitor: Visitor) -> Response:
        if not visitor.bearer.subject.admin:
            raise words.NoWrite
        await _require_admin(visitor)
        by = visitor.bearer.subject.id
        await admin.remove_subject(
            visitor.engine, visitor.context, by, await _there(visitor, request)
        )
        return words.envelope({})


async def _apply(visitor: Visitor, id: str, new: Wanted) -> None:
    """Do what is wanted, one act after the other; each is whole by itself and recorded."""
    engine, context, by = visitor.engine, visitor.context, visitor.bearer.subject.id
    change = new.change()
    try:
        if change != admin.SubjectChange():
            await admin.change_subject(engine, context, by, id, change)
        if new.password is not None:
            await admin.set_password(engine, context, by, id, new.password)
    except (Taken, Malformed) as error:
        raise _unfit(error, new) from None
    if new.forgive:
        await admin_factors.unlock(engine, context, by, id, passwords_only=True)
    if new.two_factor is not None:
        await wishes.switch(engine, context, by, id, on=new.two_factor)
    if new.anew or new.forget:
        await wishes.begin_anew(engine, context, by, id, forget=new.forget)
    if new.locale is not None:
        await wishes.describe(engine, context, by, id, {"locale": new.locale or None})


async def _require_admin(visitor: Visitor) -> None:
    try:
        await admin.require_admin(visitor.engine, visitor.bearer, visitor.context, fresh=False)
    except NotAllowed:
        # Structr has one answer for whoever may not use a resource, signed in or not.
        raise InvalidToken from None


def _refuse_reserved(new: Wanted) -> None:
    """Refuse what users who are no administrators may not change of themselves."""
    if new.admin is not None:
        raise words.Unfit(("isAdmin", "is_read_only_property"))
    if new.reserved:
        raise words.NoWrite


async def _require_own(visitor: Visitor, new: Wanted) -> None:
    """Raise unless the proof is fresh enough for what becomes of one's own account.

    Of administrators as well: a session that was left open must not take its owner's factor.
    """
    if new.weakens:
        await wishes.require_own(visitor.engine, visitor.bearer)
    if new.password is not None:
        await wishes.require_proved(visitor.engine, visitor.bearer)


async def _shown(visitor: Visitor, id: str, request: Request) -> Response:
    began = time.perf_counter()
    user = await wishes.standing(visitor.engine, visitor.context.realm, id)
    view = words.ui(user) if request.path.endswith("/ui") else words.public(user.subject)
    return words.envelope(view, began=began)


async def _there(visitor: Visitor, request: Request) -> str:
    id = _id(request)
    await wishes.standing(visitor.engine, visitor.context.realm, id)
    return id


def _id(request: Request) -> str:
    """The id in the path, with or without dashes; nothing else names a user there."""
    text = request.params["id"].replace("-", "").lower()
    if _ID.fullmatch(text) is None:
        raise NotFound
    return text


async def _found(visitor: Visitor, query: Mapping[str, str]) -> AsyncIterator[Subject]:
    name, email = query.get("name"), query.get("eMail")
    search = name or email or ""
    after, seen = "", 0
    while seen < SOFT_LIMIT:
        page = await admin.subjects(visitor.engine, visitor.context.realm, search, after, _PAGE)
        for user in page:
            if name in (None, user.name) and email in (None, user.email):
                yield user
        if len(page) < _PAGE:
            return
        after, seen = page[-1].name, seen + len(page)


def _order(sort: str) -> Callable[[Subject], str | int]:
    match sort:
        case "id":
            return lambda user: user.id
        case "eMail":
            return lambda user: user.email or ""
        case "createdDate":
            return lambda user: user.created_at
        case _:
            return lambda user: user.name


def _count(query: Mapping[str, str], name: str, default: int) -> int:
    text = query.get(name, "")
    return max(1, int(text)) if _NUMBER.fullmatch(text) else default


def _unfit(error: Taken | Malformed, new: Wanted) -> Malformed:
    if isinstance(error, words.Unfit):
        return error
    named = "eMail" if new.email else "name"
    if isinstance(error, Taken):
        return words.Unfit((named, "already_taken"))
    known = {"email": "eMail", "name": "name", "password": "password"}
    return words.Unfit((known.get(error.field or "", named), "is_not_valid"))
