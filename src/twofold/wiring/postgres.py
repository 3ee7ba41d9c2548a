"""PostgreSQL as settings name it: the store, and what a careful operator would look at.

The driver is an extra, so nothing of it is imported before a setting asks for it.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Final

from twofold.core.errors import Misconfigured
from twofold.core.types import SECOND, Instant
from twofold.ports import Store
from twofold.settings import Settings

if TYPE_CHECKING:
    from twofold.adapters.stores.postgres import Address, Seen

SCHEMES: Final = ("postgresql://", "postgres://")

_APART: Final = 1 * SECOND
"""Clocks that differ by more are worth a word."""


def meant(settings: Settings) -> bool:
    """Whether the settings name PostgreSQL."""
    return settings.database.url.startswith(SCHEMES)


def store(settings: Settings) -> Store:
    """The store on PostgreSQL, not yet open; Misconfigured without the driver."""
    _insist_on_the_driver()
    from twofold.adapters.stores.postgres import PostgresStore

    return PostgresStore(_url(settings), connections=settings.database.connections)


async def examine(settings: Settings, now: Instant) -> Iterator[tuple[str, str, str]]:
    """Look at the server without changing it: the name of each check, its verdict and its text.

    Misconfigured where it cannot be reached.
    """
    _insist_on_the_driver()
    from twofold.adapters.stores.postgres import look

    return _checks(await look(_url(settings)), now)


def _checks(seen: Seen, now: Instant) -> Iterator[tuple[str, str, str]]:
    server = seen.standing
    yield from (("database", "fault", fault.partition(": ")[2]) for fault in server.faults())
    if not server.faults():
        text = f"{seen.where}, PostgreSQL {server.version}; what is acknowledged survives"
        yield "database", "ok", f"{text} {server.durability}"
    if server.full_page_writes != "on":
        text = "full_page_writes is off: only safe where the file system never tears a page"
        yield "database.pages", "warning", text
    apart = abs(server.now - now)
    text = f"{apart / SECOND:.1f} s apart from this machine's"
    yield "database.clock", "warning" if apart > _APART else "ok", text
    if seen.pending:
        steps = ", ".join(map(str, seen.pending))
        yield "database.schema", "warning", f"the next server to start applies migration {steps}"
    else:
        yield "database.schema", "ok", "up to date"


def _url(settings: Settings) -> Address:
    from twofold.adapters.stores.postgres import Address

    return Address(settings.database.url, prepared=settings.database.prepared)


def _insist_on_the_driver() -> None:
    try:
        import asyncpg  # noqa: F401 - whether it is there is the question
    except ImportError:
        fault = (
            "database.url: names PostgreSQL; install its driver: pip install 'twofold[postgres]'"
        )
        raise Misconfigured((fault,)) from None
