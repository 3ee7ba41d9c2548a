"""What commands leave in a data directory, as a house built on it finds it."""

import asyncio

from twofold import settings
from twofold.wiring.house import opened


def inside(data, work):
    async def visit():
        found = settings.load(
            options={"data": str(data), "password.memory_kib": 8, "password.time": 1}
        )
        async with opened(found) as house:
            return await work(house)

    return asyncio.run(visit())
