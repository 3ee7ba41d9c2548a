"""What a fresh proof is asked for: which page it leads back to, and how that page is called.

An intent travels sealed in the step-up's ticket, as ``remove:0123456789abcdef``. It names a page
of ours that shows something and changes nothing; what is done there is asked for once more, by a
form. So no address, and nobody who could write one, decides where a proof leads (A115).
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final

from twofold.web.languages import marked

HOME: Final = "/account"

_ID: Final = re.compile(r"[0-9a-f]{16}")


@dataclass(frozen=True, slots=True)
class _Page:
    path: str
    words: str
    """An infinitive: what somebody is about to do."""


_PAGES: Final = {
    "add": _Page("/account/methods/add", marked("add a method")),
    "remove": _Page(
        "/account/methods/{id}/remove",
        marked("remove a method"),
    ),
    "codes": _Page(
        "/account/recovery-codes",
        marked("make new recovery codes"),
    ),
    "password": _Page("/account/password", marked("change your password")),
    "address": _Page("/account/address", marked("change your e-mail address")),
    "export": _Page("/account/export", marked("download your data")),
    "delete": _Page("/account/delete", marked("delete your account")),
}


def path(intent: str) -> str | None:
    """The page of an intent; None for what is none."""
    name, _, id = intent.partition(":")
    page = _PAGES.get(name)
    if page is None:
        return None
    if "{id}" in page.path:
        return page.path.format(id=id) if _ID.fullmatch(id) else None
    return page.path if intent == name else None


def place(intent: str) -> str:
    """Where a proof leads: the page of its intent, or the account."""
    return path(intent) or HOME


def words(intent: str) -> str:
    """What the page is for, in English, for the catalogue; empty for no intent."""
    return _PAGES[intent.partition(":")[0]].words if path(intent) else ""
