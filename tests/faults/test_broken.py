"""The harness finds what it is there to find: each of these stores is broken in one way.

An hour without a finding means something only if the same hour would have found these.
"""

from __future__ import annotations

import asyncio
import random
from contextlib import AsyncExitStack

import pytest

from tests.faults.actors import WINDOW, Actor
from tests.faults.history import Journal, check, look
from tests.support.client import InProcess
from tests.support.house import living
from twofold.adapters.system import SystemClock
from twofold.core.effects import Advance, Burn, Forgive, OpenSession, Record, TakeGuess
from twofold.core.errors import Replayed
from twofold.core.throttle import of_kind

ACTS = 60


def whole(draw):
    """Nothing is broken."""
    return lambda store, effects: store(*effects)


def forgets_what_is_spent(draw):
    """Read, check, write: nobody asks whether the code was spent meanwhile."""
    return lambda store, effects: store(*(e for e in effects if not isinstance(e, Advance)))


def remembers_in_the_process(draw):
    """Each process remembers for itself which codes were spent."""
    spent: set[object] = set()

    async def commit(store, effects):
        marks = {(e.authenticator, e.mark) for e in effects if isinstance(e, Advance)}
        if marks & spent:
            raise Replayed
        await store(*(e for e in effects if not isinstance(e, Advance)))
        spent.update(marks)

    return commit


def keeps_recovery_codes(draw):
    """A spent recovery code stays in the list."""
    return lambda store, effects: store(*(e for e in effects if not isinstance(e, Burn)))


def records_later(draw):
    """The record is written after the commit, and sometimes there is no after."""

    async def commit(store, effects):
        await store(*(e for e in effects if not isinstance(e, Record)))
        if draw.random() < 0.9:
            await store(*(e for e in effects if isinstance(e, Record)))

    return commit


def records_first(draw):
    """The record is written before the commit, and sometimes there is no commit."""

    async def commit(store, effects):
        opens = any(isinstance(e, OpenSession) for e in effects)
        if opens and draw.random() < 0.1:
            await store(*(e for e in effects if isinstance(e, Record)))
            raise ConnectionError
        await store(*effects)

    return commit


def answers_first(draw):
    """The answer does not wait for the disk, and the disk is sometimes too late."""

    async def commit(store, effects):
        if draw.random() < 0.9:
            await store(*effects)

    return commit


def forgives_for_a_password(draw):
    """A right password clears what was counted for codes."""

    async def commit(store, effects):
        await store(*effects)
        for effect in effects:
            if isinstance(effect, Record) and effect.event == "login.password.accepted":
                scope = of_kind("totp")
                view = await store.__self__.view(effect.realm, effect.subject)
                if scope in view.tallies:
                    seen = view.tallies[scope].version
                    await store(Forgive(effect.subject, scope, seen))

    return commit


def counts_now_and_then(draw):
    """A wrong guess is lost with the process that heard it."""

    def commit(store, effects):
        lost = draw.random() < 0.3
        return store(*(e for e in effects if not (lost and isinstance(e, TakeGuess))))

    return commit


BROKEN = {
    forgets_what_is_spent: "twice",
    remembers_in_the_process: "twice",
    keeps_recovery_codes: "lost",
    records_later: "unaudited",
    records_first: "unaudited",
    answers_first: "lost",
    forgives_for_a_password: "uncounted",
    counts_now_and_then: "uncounted",
}


async def findings(path, broken) -> list[str]:
    """Let actors loose on two houses whose stores are broken, and check what they tell."""
    draw = random.Random(7)
    journal = Journal()
    async with AsyncExitStack() as stack:
        first = await stack.enter_async_context(
            living(path, {"totp.past": WINDOW, "policy.closing": "none"}, clock=SystemClock())
        )
        second = await stack.enter_async_context(
            living(path, {"totp.past": WINDOW, "policy.closing": "none"},
                   clock=first.clock, ring=first.ring)
        )  # fmt: skip
        crowd = [[await first.settle(f"p{a}-{n}") for n in range(3)] for a in range(4)]
        for house in (first, second):
            store = house.engine.store
            store.commit = _through(store.commit, broken(draw))
        doors = [lambda house=house: InProcess(house.app) for house in (first, second)]
        actors = [
            Actor(number, people, doors, journal, random.Random(number))
            for number, people in enumerate(crowd)
        ]
        await asyncio.gather(*(actor.run(ACTS) for actor in actors))
    return check(journal.events, look(path))


def _through(store, commit):
    def committed(*effects):
        return commit(store, effects)

    return committed


async def test_a_store_that_is_whole_is_called_whole(tmp_path):
    assert await findings(tmp_path / "db", whole) == []


@pytest.mark.parametrize("broken", BROKEN, ids=lambda broken: broken.__name__)
async def test_a_store_that_is_broken_is_found_out(tmp_path, broken):
    found = await findings(tmp_path / "db", broken)

    assert any(fault.startswith(BROKEN[broken]) for fault in found), found
