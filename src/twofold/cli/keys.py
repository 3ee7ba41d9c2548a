"""``twofold keys``: see the master keys by their ids, and put a new one in front."""

from __future__ import annotations

import asyncio

from twofold.cli.frame import moment, say, table
from twofold.core.keyring import Keyring
from twofold.settings import Settings
from twofold.wiring.house import opened
from twofold.wiring.keys import ring_of, rotated


def listing(settings: Settings, *, as_json: bool) -> int:
    """List the keys, the one that makes new things first; never a secret."""
    _show(asyncio.run(_read(settings)), as_json=as_json)
    return 0


def rotate(settings: Settings, *, as_json: bool) -> int:
    """Make a new key; what was sealed under the old ones stays readable."""
    _show(asyncio.run(_rotate(settings)), as_json=as_json)
    return 0


async def _read(settings: Settings) -> Keyring:
    async with opened(settings, create=False, reads_only=True) as house:
        return ring_of(house.keys)


async def _rotate(settings: Settings) -> Keyring:
    async with opened(settings, create=False) as house:
        world = house.world
        return await rotated(house.store, house.keys, world.clock, world.entropy)


def _show(ring: Keyring, *, as_json: bool) -> None:
    rows = [
        (master.id, moment(master.created_at) or "", "makes and reads" if place == 0 else "reads")
        for place, master in enumerate(ring.masters)
    ]
    document = [
        {"id": id, "created_at": made, "current": place == 0}
        for place, (id, made, _) in enumerate(rows)
    ]
    say(document, as_json=as_json, text=table(("id", "made", "use"), rows))
