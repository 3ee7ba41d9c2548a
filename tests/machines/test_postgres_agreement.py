"""The store on PostgreSQL and the oracle, side by side; what a position counts is the store's own.

The oracle numbers records from one; PostgreSQL by transaction. So positions are compared by rank.
"""

import itertools
from dataclasses import replace

import pytest
from hypothesis import HealthCheck, settings

from tests.machines.test_store_agreement import Agreement
from tests.support.postgres import empty
from twofold.adapters.stores._pg_connection import Address
from twofold.adapters.stores.postgres import PostgresStore
from twofold.core import effects as do


class Ranked(PostgresStore):
    """A store on PostgreSQL whose positions are ranks."""

    there = (0,)

    async def look(self):
        self.there = (0, *await self._positions())

    async def commit(self, *effects):
        # Nothing is waited for here: commits must arrive in the order they were made in.
        await super().commit(
            *(
                replace(effect, upto=self.there[effect.upto]) if type(effect) is do.Seal else effect
                for effect in effects
            )
        )

    async def records(self, *args, **kwargs):
        return await self._ranked(await super().records(*args, **kwargs))

    async def unsealed(self, *args, **kwargs):
        return await self._ranked(await super().unsealed(*args, **kwargs))

    async def segments(self, *args, **kwargs):
        return [await self._lowered(seal) for seal in await super().segments(*args, **kwargs)]

    async def last_segment(self):
        found = await super().last_segment()
        return found and await self._lowered(found)

    async def _positions(self):
        return [entry.position for entry in await super().records(None, limit=100_000)]

    async def _ranked(self, entries):
        ranks = dict(zip(await self._positions(), itertools.count(1)))
        return [replace(entry, position=ranks[entry.position]) for entry in entries]

    async def _lowered(self, seal):
        positions = [0, *await self._positions()]
        return replace(seal, upto=positions.index(seal.upto))


class PostgresAgreement(Agreement):
    url = ""

    async def made(self):
        await empty(self.url)
        return Ranked(Address(self.url))

    async def both(self, commits):
        # A segment ends with a record that is there: only of such a one the position is known.
        there = len(self.oracle._tables.records)
        await self.store.look()
        await super().both(
            [
                tuple(
                    replace(effect, upto=min(effect.upto, there))
                    if type(effect) is do.Seal
                    else effect
                    for effect in effects
                )
                for effects in commits
            ]
        )


class TestAgreement(PostgresAgreement.TestCase):
    settings = settings(
        max_examples=25,
        stateful_step_count=25,
        deadline=None,
        suppress_health_check=[HealthCheck.too_slow],
    )

    @pytest.fixture(autouse=True)
    def database(self, swept):
        PostgresAgreement.url = swept
