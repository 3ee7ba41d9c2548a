"""A process that commits and acknowledges until it is killed.

Started as ``-m tests.faults.sqlite_victim DATABASE FIRST``; prints the number of each commit
after it returned.
"""

import asyncio
import itertools
import os
import sys
from pathlib import Path

from tests.contracts import samples as a
from tests.contracts.samples import ALICE, NOW, PHONE
from twofold.adapters.stores.sqlite import SqliteStore
from twofold.core.effects import Advance, OpenSession
from twofold.core.errors import Replayed


async def main(path, first):
    store = SqliteStore(Path(path))
    await store.open()
    numbers = itertools.count(int(first))

    async def work():
        for number in numbers:
            effects = (OpenSession(a.session(number)), a.record(number))
            try:
                await store.commit(Advance(ALICE, PHONE, number, NOW), *effects)
            except Replayed:
                continue
            os.write(1, b"%d\n" % number)

    await asyncio.gather(*(work() for _ in range(8)))


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:]))
