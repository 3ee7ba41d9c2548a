"""One of several processes that race for the same codes on one database.

Started as ``-m tests.races.contender DATABASE NUMBER``. For each line it reads it fights for one
more round of prizes, many times at once, and answers with the kinds it won as JSON.
"""

import asyncio
import json
import sys
from pathlib import Path

from tests.contracts import samples as a
from tests.contracts.samples import ALICE, BOB, CODES, NOW, PHONE, later
from twofold.adapters.stores.postgres import Address, PostgresStore
from twofold.adapters.stores.sqlite import SqliteStore
from twofold.core.effects import Advance, Burn, OpenSession, PutSubject, Renew, TakeGuess
from twofold.core.errors import Refused

ROUNDS = 25
TRIES = 6


def prizes(number):
    return {
        "step": Advance(ALICE, PHONE, number, NOW),
        "code": Burn(ALICE, CODES, f"code{number}", NOW),
        "session": OpenSession(a.session(number)),
        "guess": TakeGuess(ALICE, "kind:totp", a.tally(number), later(900)),
        "browser": Renew(ALICE, a.did(1), number, NOW, ""),
        "name": PutSubject(a.subject(f"{number:032x}", f"name{number}")),
        "change": PutSubject(a.subject(BOB, "bob", epoch=number), number - 1),
    }


def store_at(place):
    """The store on a file, or on the database of a URL."""
    if place.startswith("postgresql:"):
        return PostgresStore(Address(place))
    return SqliteStore(Path(place))


async def main(place, who):
    store = store_at(place)
    await store.open()

    async def fight(number, attempt, kind, effect):
        try:
            await store.commit(effect, a.record(attempt, event=f"{kind} {number} {who}"))
        except Refused:
            return None
        return kind

    sys.stdout.write("ready\n")
    for number in range(1, ROUNDS + 1):
        sys.stdout.flush()
        sys.stdin.readline()
        fights = (
            fight(number, attempt, kind, effect)
            for attempt in range(TRIES)
            for kind, effect in prizes(number).items()
        )
        won = [kind for kind in await asyncio.gather(*fights) if kind]
        sys.stdout.write(json.dumps(won) + "\n")
    await store.close()


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:]))
