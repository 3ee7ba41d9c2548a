"""The properties of a user that are understood here, read from what a client sends.

Others are ignored, as Structr does; a value of the wrong kind is refused by its property.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Final

from twofold.ceremonies.admin import SubjectChange
from twofold.dialects.structr import words
from twofold.dialects.structr.config import StructrSettings

_TRUTHS: Final = ("isTwoFactorUser", "twoFactorConfirmed", "blocked", "isAdmin")
_TEXTS: Final = ("name", "eMail", "password", "locale")
_LONGEST: Final = 4_096


@dataclass(frozen=True, slots=True)
class Wanted:
    """What is to become of a user; None leaves it."""

    name: str | None = None
    email: str | None = None
    password: str | None = field(default=None, repr=False)
    locale: str | None = None
    admin: bool | None = None
    blocked: bool | None = None
    two_factor: bool | None = None
    anew: bool = False
    """Whether the second factor is to be set up again."""
    forget: bool = False
    """Whether what was ever set up is to be forgotten, and that it was wanted."""
    forgive: bool = False
    """Whether wrong passwords are to be forgotten."""

    @property
    def weakens(self) -> bool:
        """Whether a second factor would go, or no longer be asked for."""
        return self.two_factor is False or self.anew or self.forget

    @property
    def reserved(self) -> bool:
        """Whether anything is wanted that only administrators may change."""
        names = (self.name, self.email, self.blocked)
        return self.forget or self.forgive or any(value is not None for value in names)

    def without_account(self) -> Wanted:
        """What is left to do once the account is made."""
        return replace(self, name=None, email=None, password=None, admin=None)

    def change(self) -> SubjectChange:
        """What concerns the account itself; an administrator's word about an address counts."""
        return SubjectChange(
            name=self.name,
            email=self.email,
            email_verified=True if self.email else None,
            admin=self.admin,
            disabled=self.blocked,
        )


def wanted(body: Mapping[str, object], settings: StructrSettings) -> Wanted:
    """Read a user's properties; Unfit names every one that is wrong.

    A masked value is one that was read here and comes back as it was.
    """
    body = {name: value for name, value in body.items() if value != words.HIDDEN}
    faults = tuple(_faults(body, settings))
    if faults:
        raise words.Unfit(*faults)
    forget = "twoFactorSecret" in body and body["twoFactorSecret"] is None
    text: dict[str, str | None] = {}
    for name in _TEXTS:
        value = body.get(name)
        text[name] = value if isinstance(value, str) else "" if name in body else None
    truth = {name: None if body.get(name) is None else bool(body[name]) for name in _TRUTHS}
    return Wanted(
        name=text["name"],
        email=text["eMail"],
        password=text["password"],
        locale=text["locale"],
        admin=truth["isAdmin"],
        blocked=truth["blocked"],
        two_factor=truth["isTwoFactorUser"],
        anew=truth["twoFactorConfirmed"] is False,
        forget=forget,
        forgive=body.get("passwordAttempts") == 0 and "passwordAttempts" in body,
    )


def _faults(body: Mapping[str, object], settings: StructrSettings) -> Iterator[tuple[str, str]]:
    for name in _TRUTHS:
        if not isinstance(body.get(name), bool | None):
            yield name, "must_be_boolean"
    for name in _TEXTS:
        value = body.get(name)
        if not isinstance(value, str | None):
            yield name, "must_be_string"
        elif isinstance(value, str) and len(value) > _LONGEST:
            yield name, "is_too_long"
    attempts = body.get("passwordAttempts", 0)
    if isinstance(attempts, bool) or not isinstance(attempts, int) or attempts < 0:
        yield "passwordAttempts", "must_be_numerical"
    if body.get("twoFactorSecret") is not None:
        # A key comes in by import, where its length is looked at; nobody sends one by accident.
        yield "twoFactorSecret", "is_read_only_property"
    if "name" in body and not body["name"] and not body.get("eMail"):
        yield "name", "must_not_be_empty"
    password = body.get("password")
    if "password" in body and not password:
        yield "password", "must_not_be_empty"
    elif isinstance(password, str) and settings.enforce_complexity:
        yield from _too_simple(password, settings)


def _too_simple(password: str, settings: StructrSettings) -> Iterator[tuple[str, str]]:
    if len(password) < settings.min_length:
        yield "password", "too_short"
    for demanded, pattern, token in (
        (settings.require_uppercase, r"[A-Z]", "must_contain_uppercase"),
        (settings.require_lowercase, r"[a-z]", "must_contain_lowercase"),
        (settings.require_digits, r"[0-9]", "must_contain_digits"),
        (settings.require_special, r"[^A-Za-z0-9]", "must_contain_non_alphanumeric"),
    ):
        if demanded and re.search(pattern, password) is None:
            yield "password", token
