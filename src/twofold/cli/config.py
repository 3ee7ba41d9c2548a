"""``twofold config``: what is in force and where it comes from; whether it would be taken; changes.

A vendor's settings can be changed while servers run: each of them follows within a second. Our
own are read when a server starts.
"""

from __future__ import annotations

import asyncio
import json
import sys
from collections.abc import Iterator
from typing import Any

from twofold import settings
from twofold.ceremonies.admin import OPERATOR
from twofold.ceremonies.dialect_settings import Row, Shown
from twofold.cli.frame import say, table
from twofold.core import policy_document
from twofold.core.errors import Malformed, Misconfigured, TwofoldError
from twofold.core.types import DEFAULT_REALM, Context
from twofold.settings import KEYS, Key, Settings
from twofold.wiring import post

HIDDEN = "(hidden)"

Line = tuple[str, Any, str]
"""A name, a value and where it comes from."""


def show(known: Settings, *, origin: bool, as_json: bool) -> int:
    """Print every setting; a secret is shown as there or not there."""
    values: list[Line] = [
        *((key.name, _shown(key, value), where) for key, value, where in settings.values_of(known)),
        *((row.name, row.value, row.origin) for row in _of_dialects(known)),
    ]
    document = {
        name: {"value": value, "origin": where} if origin else value
        for name, value, where in values
    }
    if origin:
        rows = [(name, json.dumps(value), where) for name, value, where in values]
        text = table(("setting", "value", "from"), rows)
    else:
        text = table(("setting", "value"), [(name, json.dumps(value)) for name, value, _ in values])
    say(document, as_json=as_json, text=text)
    return 0


def check(known: Settings, *, as_json: bool) -> int:
    """Say that the configuration is taken; if it is not, reading it has said why."""
    if faults := post.faults(known):
        raise Misconfigured(tuple(f"email.templates: {fault}" for fault in faults))
    given = {*known.origins, *(name for vendor in known.vendors.values() for name in vendor.values)}
    if known.vendors:
        from twofold.dialects.structr import config_level

        given.discard(config_level.NAME)  # given as policy.enforcement already
    document = {"ok": True, "settings": len(given), "notes": list(known.notes)}
    text = "\n".join([*known.notes, f"fine: {len(given)} settings given"])
    say(document, as_json=as_json, text=text)
    return 0


def change(known: Settings, name: str, value: str | None, *, as_json: bool) -> int:
    """Change a vendor's setting in the data directory, or take a change back."""
    if name in KEYS:
        raise Malformed(f"{name} is read when the server starts; write it into twofold.toml.")
    shown = asyncio.run(_changed(known, name, value))
    from twofold.dialects.structr.config import require

    row = next(row for row in shown.rows if row.name == require(name).name)
    document = {"name": row.name, "value": row.value, "origin": row.origin, "note": row.note}
    text = f"{row.name} = {json.dumps(row.value)} (from: {row.origin}; applies {row.applies})"
    text += f"\n{row.note}" if row.note else ""
    say(document, as_json=as_json, text=text)
    return 0


async def _changed(known: Settings, name: str, value: str | None) -> Shown:
    from twofold.wiring import structr_settings
    from twofold.wiring.house import opened

    async with opened(known, create=False) as house:
        live = structr_settings.live(house.engine, known)
        return await live.change(Context(DEFAULT_REALM), OPERATOR, {name: value})


def _of_dialects(known: Settings) -> Iterator[Row]:
    """The settings of Structr, if it is mounted; as changed since, where a server has run."""
    if "structr" not in {*known.dialects.enabled, *known.vendors}:
        return
    from twofold.wiring import structr_settings
    from twofold.wiring.house import database_path

    path = database_path(known)
    if path is not None and path.exists():
        try:
            yield from asyncio.run(_now(known)).rows
        except TwofoldError as error:
            print(f"Not as changed while running: {error.detail}", file=sys.stderr)
        else:
            return
    yield from structr_settings.table(known).rows({}, known.policy, frozenset())


async def _now(known: Settings) -> Shown:
    from twofold.wiring import structr_settings
    from twofold.wiring.house import opened

    async with opened(known, create=False, reads_only=True) as house:
        return await structr_settings.live(house.engine, known).shown()


def _shown(key: Key, value: Any) -> Any:
    if key.secret:
        return HIDDEN if value else ""
    return policy_document.plain(value)
