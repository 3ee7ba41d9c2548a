"""Structr's two-factor login, its users and its tokens, as its manual documents them.

The manual is the contract; where it is silent, Structr's own behaviour is, except for what that
leaves open to others. ``docs/dialects/structr.md`` lists both.
"""

from __future__ import annotations

from dataclasses import dataclass

from twofold.dialects import Hall
from twofold.dialects.structr.account import Accounts
from twofold.dialects.structr.entry import Current, Entry
from twofold.dialects.structr.login import REST, Logins
from twofold.dialects.structr.pages import Pages
from twofold.dialects.structr.users import Users
from twofold.web.kit import Route

NAME = "structr"
"""As ``dialects.enabled`` names it."""


@dataclass(frozen=True, slots=True)
class Structr:
    """The dialect, over one hall and the settings as they are now."""

    hall: Hall
    settings: Current
    name: str = NAME

    def routes(self) -> tuple[Route, ...]:
        """Everything it serves."""
        entry = Entry(self.hall, self.settings)
        logins = Logins(entry)
        routes = (
            *logins.routes(),
            *Users(entry).routes(),
            *Accounts(entry).routes(),
            *Pages(entry, logins).routes(),
        )
        return (*routes, *entry.options(routes), *entry.nowhere(f"{REST}/{{kind}}"))
