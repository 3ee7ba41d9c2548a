"""A new key under load: what one server makes with it, every other one reads, at every moment."""

from __future__ import annotations

import asyncio
import time

from tests.support.client import Call, bearer
from tests.support.server import twofold

LONG_ENOUGH = 6.0
"""Seconds: until a new key is settled and every process has looked at the file again."""


async def test_nobody_is_refused_while_a_key_is_rotated(pair, place):
    carol = await place.settle("carol-41", totp=False)
    alice = await place.settle("alice-42")
    refused: list[str] = []
    keys: set[str] = set()
    rotated = False
    end = time.monotonic() + LONG_ENOUGH

    async def come_and_go(number: int) -> None:
        """Sign in at one server, and show at the other what came of it."""
        while time.monotonic() < end:
            here, there = pair.client(number), pair.client(number + 1)
            answer = await here.start(carol.name, carol.password)
            if answer.status != 200:
                refused.append(f"login: {answer.said}")
                continue
            here.keep(answer)
            keys.add(here.token[3:8])
            shown = await there.call(Call("GET", "/v1/session", None, bearer(here.token)))
            body = {"refresh_token": here.refresh_token}
            fresh = await there.call(Call("POST", "/v1/tokens/refresh", body))
            ticket = await here.ticket(alice.name, alice.password)
            state = await there.get("/v1/ceremony", headers=(("ceremony", ticket),))
            refused.extend(one.said for one in (shown, fresh, state) if one.status != 200)

    async def rotate() -> None:
        nonlocal rotated
        done = await asyncio.to_thread(twofold, "keys", "rotate", data=pair.data)
        assert done.returncode == 0, done.stderr
        rotated = True

    await asyncio.gather(rotate(), *(come_and_go(number) for number in range(4)))

    assert refused == []
    assert rotated
    assert len(keys) == 2, "the new key was never taken up"
