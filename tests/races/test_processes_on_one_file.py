"""Several server processes on one database: whatever can be won once is won once."""

import json
import subprocess
import sys
from pathlib import Path

from tests.contracts import samples as a
from tests.contracts.samples import ALICE, BOB, REALM
from tests.races.contender import ROUNDS, prizes, store_at
from twofold.core.effects import Bind, PutSubject, Remember

ROOT = Path(__file__).parents[2]
PROCESSES = 3


def contend(place):
    """Let the processes loose round by round; return for each round who won what."""
    contenders = [
        subprocess.Popen(
            [sys.executable, "-m", "tests.races.contender", place, str(who)],
            cwd=ROOT,
            env={"PYTHONPATH": f"{ROOT / 'src'}:{ROOT}"},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        for who in range(PROCESSES)
    ]
    rounds = []
    try:
        assert [contender.stdout.readline() for contender in contenders] == ["ready\n"] * PROCESSES
        for number in range(ROUNDS):
            # Everybody is told first in turn.
            turn = number % PROCESSES
            for contender in contenders[turn:] + contenders[:turn]:
                contender.stdin.write("go\n")
                contender.stdin.flush()
            rounds.append([json.loads(contender.stdout.readline()) for contender in contenders])
        for contender in contenders:
            contender.communicate(timeout=60)
    finally:
        for contender in contenders:
            contender.kill()
            contender.communicate()
    return rounds


async def test_every_prize_has_one_winner_over_all_processes(tmp_path, database):
    place = database or str(tmp_path / "twofold.db")
    store = store_at(place)
    await store.open()
    codes = a.codes(*(f"code{number}" for number in range(1, ROUNDS + 1)))
    bob = PutSubject(a.subject(BOB, "bob"))
    await store.commit(PutSubject(a.subject()), Bind(a.authenticator()), Bind(codes), bob)
    await store.commit(Remember(a.device(generation=1)))

    rounds = contend(place)

    once = sorted(prizes(1))
    assert [sorted(kind for won in wins for kind in won) for wins in rounds] == [once] * ROUNDS
    seen = await store.view(REALM, ALICE)
    assert seen.authenticators[0].mark == ROUNDS
    assert seen.authenticators[1].items == ()
    assert seen.tallies["kind:totp"].version == ROUNDS
    assert len(await store.sessions(REALM, ALICE)) == ROUNDS
    [browser] = (await store.view(REALM, ALICE, devices=True)).devices
    assert browser.generation == ROUNDS + 1
    assert (await store.view(REALM, BOB)).subject.epoch == ROUNDS
    assert len(await store.records(REALM, limit=10_000)) == ROUNDS * len(once)
    # Otherwise there was no race: every process must have been in time for something.
    assert all(any(wins[who] for wins in rounds) for who in range(PROCESSES))
    await store.close()


def test_processes_that_start_together_on_no_file_agree_on_one(tmp_path):
    path = tmp_path / "twofold.db"
    start = (
        "import sys, pathlib; from twofold.adapters.stores import _file;"
        " sys.stdin.readline(); _file.prepare(pathlib.Path(sys.argv[1]), '')"
    )
    starters = [
        subprocess.Popen(
            [sys.executable, "-c", start, str(path)],
            stdin=subprocess.PIPE,
            env={"PYTHONPATH": str(ROOT / "src")},
        )
        for _ in range(4)
    ]
    for starter in starters:
        starter.stdin.write(b"go\n")
        starter.stdin.flush()

    assert [starter.wait(timeout=60) for starter in starters] == [0] * len(starters)
    for starter in starters:
        starter.stdin.close()
