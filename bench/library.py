"""W4 as a library call: a session checked inside the process that asks, with nothing between."""

from __future__ import annotations

import asyncio
import tempfile
import time
from pathlib import Path

from bench.population import PASSWORD, settled
from twofold.ceremonies import login, sessions
from twofold.ceremonies.outcomes import Granted
from twofold.core.types import Context
from twofold.settings import load
from twofold.wiring.house import opened

CALLS = 20_000


async def calls(*, cached: bool) -> float:
    """Checks a second of one session, from the store or from memory."""
    with tempfile.TemporaryDirectory(prefix="bench-", dir=Path.cwd()) as directory:
        options = {"password.memory_kib": 8, "password.time": 1}
        await settled(Path(directory), 1, options, totp=False)
        options = {**options, "data": directory, "sessions.cache_seconds": 60 * cached}
        async with opened(load(options=options)) as house:
            context = Context()
            outcome = await login.begin(
                house.engine, context, identifier="person0", answer=PASSWORD
            )
            assert isinstance(outcome, Granted)
            token = outcome.tokens.access
            began = time.perf_counter()
            for _ in range(CALLS):
                await sessions.authenticate(house.engine, token, "access", context)
            return CALLS / (time.perf_counter() - began)


def measured(*, cached: bool) -> float:
    """The same, from outside an event loop."""
    return asyncio.run(calls(cached=cached))
