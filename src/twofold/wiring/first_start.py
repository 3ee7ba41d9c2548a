"""What happens once in the life of a data directory: the first key, and the first account.

Two servers that start at once on one directory end with one key and one account: the second
one's key file is not written, and its commit is refused.
"""

from __future__ import annotations

import asyncio
from typing import Final

from twofold.ceremonies import admin
from twofold.core import codes
from twofold.core.errors import Misconfigured, Taken, WeakPassword
from twofold.core.types import DEFAULT_REALM, Context
from twofold.ports import Store
from twofold.settings import Settings
from twofold.wiring.house import House, opened

ADMIN: Final = "admin"
CHOSEN: Final = "TWOFOLD_ADMIN_PASSWORD"
"""The variable that may hold the first account's password."""

_LETTERS: Final = 20
"""Of 32: 100 bits."""


def first_start(
    settings: Settings, chosen: str | None = None, store: Store | None = None
) -> str | None:
    """Prepare a data directory; return the password that was drawn for a new ``admin``.

    None if there are accounts already, or if the password was ``chosen``; Misconfigured if that
    one is too weak.
    """
    return asyncio.run(_first_start(settings, chosen, store))


def drawn_password(seed: bytes) -> str:
    """A password to be shown once, in groups that can be typed."""
    return codes.grouped(codes.letters(seed, _LETTERS, codes.RECOVERY_ALPHABET), 5)


async def _first_start(settings: Settings, chosen: str | None, store: Store | None) -> str | None:
    async with opened(settings, store=store) as house:
        if await house.store.subjects(DEFAULT_REALM, limit=1):
            return None
        return await _first_account(house, chosen)


async def _first_account(house: House, chosen: str | None) -> str | None:
    engine = house.engine
    password = chosen or drawn_password(engine.draw())
    try:
        await admin.create_subject(
            engine,
            Context(DEFAULT_REALM),
            admin.OPERATOR,
            name=ADMIN,
            password=password,
            admin=True,
        )
    except Taken:
        return None  # another process was faster, and has told its operator
    except WeakPassword as error:
        raise Misconfigured((f"{CHOSEN}: {error.detail}",)) from None
    return None if chosen else password
