"""kill -9 at any moment: what was acknowledged is there, and nothing is there by half."""

import random
import sqlite3
import subprocess
import sys
from contextlib import closing
from pathlib import Path

from tests.contracts import samples as a
from tests.contracts.samples import ALICE, REALM
from twofold.adapters.stores.sqlite import SqliteStore
from twofold.core.effects import Bind, PutSubject

ROOT = Path(__file__).parents[2]
KILLS = 24


def acknowledged_before_the_kill(path, first, patience):
    """Run a victim, kill it after so many acknowledgements or a moment later, return them."""
    victim = subprocess.Popen(
        [sys.executable, "-m", "tests.faults.sqlite_victim", str(path), str(first)],
        cwd=ROOT,
        env={"PYTHONPATH": f"{ROOT / 'src'}:{ROOT}"},
        stdout=subprocess.PIPE,
    )
    lines = [victim.stdout.readline() for _ in range(patience)]
    victim.kill()
    rest, _ = victim.communicate()
    # A number without its line end was cut off while it was being told.
    told = b"".join(lines) + rest
    return {int(line) for line in told.splitlines(keepends=True) if line.endswith(b"\n")}


async def test_what_was_acknowledged_survives_and_nothing_is_half_done(tmp_path):
    path = tmp_path / "twofold.db"
    store = SqliteStore(path)
    await store.open()
    await store.commit(PutSubject(a.subject()), Bind(a.authenticator()))
    await store.close()
    rng = random.Random(7)
    acknowledged, first = set(), 1

    for _ in range(KILLS):
        acknowledged |= acknowledged_before_the_kill(path, first, rng.randrange(1, 120))
        with closing(sqlite3.connect(path)) as database:
            assert database.execute("pragma integrity_check").fetchall() == [("ok",)]
        await store.open()
        mark = (await store.view(REALM, ALICE)).authenticators[0].mark
        opened = {int(s.id, 16) for s in await store.sessions(REALM, ALICE)}
        recorded = {int(e.record.id, 16) for e in await store.records(REALM, limit=1_000_000)}
        await store.close()

        assert acknowledged <= opened
        assert opened == recorded
        assert mark == max(opened)
        first = mark + 1
