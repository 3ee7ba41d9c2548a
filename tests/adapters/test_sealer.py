"""Records are sealed in time by whichever process comes first, and a cut-off tail is found."""

import asyncio
import json
import runpy
import stat
from pathlib import Path

import pytest

from twofold.adapters.sealer import Sealer, read_head_file
from twofold.adapters.stores.memory import MemoryStore
from twofold.adapters.stores.sqlite import SqliteStore
from twofold.core import audit, evidence, keyring
from twofold.core.effects import Record
from twofold.core.errors import Stale, Unavailable
from twofold.core.evidence import Fault
from twofold.core.keyring import Keyring, MasterKey
from twofold.core.types import DEFAULT_REALM, SECOND, Instant, Realm

SCRIPT = runpy.run_path(str(Path(__file__).parents[2] / "scripts" / "verify_audit.py"))
RING = Keyring((MasterKey.of(bytes((n * n * 7 + 3 * n) % 256 for n in range(32)), Instant(1)),))
START = 1_800_000_000 * SECOND


class Clock:
    def now(self):
        return Instant(START)


class Figures:
    def __init__(self):
        self.counted = []
        self.levels = {}

    def count(self, event, labels):
        self.counted.append(event)

    def observe(self, name, seconds):
        pass

    def level(self, name, value):
        self.levels[name] = value


@pytest.fixture(params=["memory", "sqlite"])
async def store(request, tmp_path):
    opened = MemoryStore() if request.param == "memory" else SqliteStore(tmp_path / "t.db")
    await opened.open()
    yield opened
    await opened.close()


@pytest.fixture
def sealer(store, tmp_path):
    return make(store, tmp_path)


def make(store, tmp_path, **options):
    return Sealer(
        store=store,
        ring=lambda: RING,
        clock=Clock(),
        metrics=Figures(),
        head=tmp_path / "audit-head.json",
        **options,
    )


async def write(store, first, count, realm=DEFAULT_REALM):
    for number in range(first, first + count):
        at = Instant(START - 2 * SECOND + number)
        await store.commit(Record(realm, None, f"{number:016x}", at, "login.granted", "{}"))


async def everything(store):
    return [entry.record for entry in await store.records(DEFAULT_REALM, limit=10_000)]


async def findings(store, tmp_path):
    keys = audit.public_keys(RING.derive("audit-sign"))
    head = read_head_file(tmp_path / "audit-head.json")
    segments = await store.segments(limit=10_000)
    return evidence.findings(await everything(store), segments, head, keys)


async def test_what_is_written_is_sealed_and_whole(store, sealer, tmp_path):
    await write(store, 1, 5)

    await sealer.seal()

    assert await findings(store, tmp_path) == []
    assert await store.unsealed(limit=10) == []
    assert (await store.last_segment()).number == 1
    assert read_head_file(tmp_path / "audit-head.json").number == 1


async def test_nothing_new_makes_no_segment(store, sealer, tmp_path):
    await sealer.seal()
    assert await store.last_segment() is None
    assert not (tmp_path / "audit-head.json").exists()

    await write(store, 1, 1)
    await sealer.seal()
    await sealer.seal()
    assert (await store.last_segment()).number == 1


async def test_many_records_make_several_segments(store, tmp_path):
    await write(store, 1, 25)

    await make(store, tmp_path, most=10).seal()

    bodies = [json.loads(seal.body) for seal in await store.segments()]
    assert [body["count"] for body in bodies] == [10, 10, 5]
    assert await findings(store, tmp_path) == []
    assert read_head_file(tmp_path / "audit-head.json").number == 3


async def test_records_of_all_realms_are_sealed_together(store, sealer):
    await write(store, 1, 1)
    await write(store, 2, 1, realm=Realm("other"))

    await sealer.seal()

    [segment] = await store.segments()
    assert json.loads(segment.body)["count"] == 2


async def test_two_sealers_never_seal_a_record_twice(store, tmp_path):
    await write(store, 1, 60)
    first, second = (make(store, tmp_path, most=7) for _ in range(2))

    await asyncio.gather(first.seal(), second.seal())

    ids = [id for seal in await store.segments() for id in json.loads(seal.body)["ids"]]
    assert len(ids) == len(set(ids)) == 60
    assert await findings(store, tmp_path) == []


async def test_a_segment_that_another_closed_first_is_no_failure(store, sealer, tmp_path):
    await write(store, 1, 3)
    other = make(store, tmp_path)
    commit = store.commit

    async def overtaken(*effects):
        store.commit = commit
        await other.seal()
        await write(store, 4, 2)
        await commit(*effects)

    store.commit = overtaken
    await sealer.seal()

    bodies = [json.loads(seal.body) for seal in await store.segments()]
    assert [body["count"] for body in bodies] == [3, 2]
    assert await findings(store, tmp_path) == []


async def test_a_crash_between_segment_and_head_is_mended_by_the_next_round(
    store, sealer, tmp_path
):
    await write(store, 1, 3)
    await sealer.seal()
    await write(store, 4, 3)
    await sealer._close_one()
    assert read_head_file(tmp_path / "audit-head.json").number == 1
    assert await findings(store, tmp_path) == []

    await make(store, tmp_path).seal()

    assert read_head_file(tmp_path / "audit-head.json").number == 2


async def test_a_lost_head_is_made_again(store, sealer, tmp_path):
    await write(store, 1, 3)
    await sealer.seal()
    (tmp_path / "audit-head.json").unlink()

    await sealer.seal()

    assert read_head_file(tmp_path / "audit-head.json").number == 1


async def test_the_head_is_for_its_owner_only_and_leaves_no_draft_behind(store, sealer, tmp_path):
    await write(store, 1, 1)

    await sealer.seal()

    head = tmp_path / "audit-head.json"
    assert stat.S_IMODE(head.stat().st_mode) == 0o600
    assert [file.name for file in tmp_path.iterdir() if "head" in file.name] == [head.name]


async def test_a_head_that_cannot_be_put_in_place_leaves_no_draft_behind(
    store, sealer, tmp_path, monkeypatch
):
    def refuse(self, target):
        raise OSError("disk full")

    monkeypatch.setattr(Path, "replace", refuse)
    await write(store, 1, 1)

    with pytest.raises(OSError, match="disk full"):
        await sealer.seal()

    assert [file.name for file in tmp_path.iterdir() if "head" in file.name] == []


async def test_a_cut_off_tail_is_named_and_the_evidence_is_kept(tmp_path):
    store = SqliteStore(tmp_path / "t.db")
    await store.open()
    sealer = make(store, tmp_path, most=3)
    await write(store, 1, 6)
    await sealer.seal()
    await store.close()
    change(tmp_path, "delete from audit where position > 3", "delete from segment where number > 1")
    await store.open()

    await sealer.seal()

    assert read_head_file(tmp_path / "audit-head.json").number == 2
    assert sealer._metrics.counted == ["audit.head.differs"]
    found = await findings(store, tmp_path)
    assert [(one.fault, one.record) for one in found] == [
        (Fault.CUT_OFF, None),
        *[(Fault.CUT_OFF, f"{number:016x}") for number in (4, 5, 6)],
    ]
    await store.close()


async def test_a_head_that_is_nonsense_is_kept_and_reported(store, sealer, tmp_path):
    (tmp_path / "audit-head.json").write_text("{")
    await write(store, 1, 1)

    await sealer.seal()

    assert (tmp_path / "audit-head.json").read_text() == "{"
    assert sealer._metrics.counted == ["audit.head.differs"]
    assert await store.unsealed(limit=10) == []


async def test_it_seals_in_time_and_once_more_when_it_stops(store, tmp_path):
    sealer = make(store, tmp_path, period=0.001)
    running = asyncio.create_task(sealer.run())
    await write(store, 1, 3)
    async with asyncio.timeout(10):
        while await store.last_segment() is None:  # noqa: ASYNC110 - a store sends no events
            await asyncio.sleep(0.001)

    await write(store, 4, 3)
    sealer.stop()
    await running

    assert await store.unsealed(limit=10) == []
    assert await findings(store, tmp_path) == []


async def test_a_last_round_follows_even_a_stop_that_comes_at_once(store, tmp_path):
    sealer = make(store, tmp_path, period=3600.0)
    await write(store, 1, 1)
    running = asyncio.create_task(sealer.run())
    await asyncio.sleep(0)

    sealer.stop()
    async with asyncio.timeout(10):
        await running

    assert await store.unsealed(limit=10) == []


@pytest.mark.parametrize("fault", [Unavailable(), OSError("disk full")])
async def test_a_store_or_disk_in_trouble_leaves_records_to_the_next_round(store, tmp_path, fault):
    sealer = make(store, tmp_path, period=0.001)
    await write(store, 1, 3)
    commit, failed = store.commit, asyncio.Event()

    async def away(*effects):
        failed.set()
        raise fault

    store.commit = away
    running = asyncio.create_task(sealer.run())
    async with asyncio.timeout(10):
        await failed.wait()
        store.commit = commit
        sealer.stop()
        await running

    await sealer.seal()
    assert await findings(store, tmp_path) == []
    assert "audit.seal.failed" in sealer._metrics.counted


async def test_operators_see_what_waits_to_be_sealed(store, sealer):
    await write(store, 1, 4)

    await sealer.seal()
    assert sealer._metrics.levels["audit.unsealed"] == 4
    assert sealer._metrics.levels["audit.unsealed.age.seconds"] == pytest.approx(2, abs=0.1)

    await sealer.seal()
    assert sealer._metrics.levels == {"audit.unsealed": 0, "audit.unsealed.age.seconds": 0}


async def test_a_store_that_always_refuses_does_not_hold_up_the_end(tmp_path):
    # Stale again and again means that others are sealing all the time.
    store = MemoryStore()
    await write(store, 1, 1)
    commit, refusals = store.commit, []

    async def refuse(*effects):
        refusals.append(effects)
        if len(refusals) < 5:
            raise Stale
        await commit(*effects)

    store.commit = refuse
    await make(store, tmp_path).seal()

    assert len(refusals) == 5


def change(tmp_path, *statements):
    import sqlite3

    with sqlite3.connect(tmp_path / "t.db") as database:
        for statement in statements:
            database.execute(statement)
    database.close()


ON_FILE = [
    ((), []),
    (("update audit set body = '{\"x\":1}' where position = 2",), ["edited: record {2} segment 1"]),
    (("delete from audit where position = 2",), ["deleted: record {2} segment 1"]),
    (
        ("update audit set position = 99 where position = 2",),
        ["reordered: record {2} segment 1"],
    ),
    (
        ("delete from audit where position > 4",),
        [f"cut-off: record {{{n}}} segment 2" for n in (5, 6)],
    ),
]


@pytest.mark.parametrize(("statements", "expected"), ON_FILE)
async def test_the_stand_alone_script_reads_our_database_and_keys(
    tmp_path, capsys, statements, expected
):
    store = SqliteStore(tmp_path / "t.db")
    await store.open()
    await write(store, 1, 6)
    await make(store, tmp_path, most=3).seal()
    await store.close()
    (tmp_path / "twofold.key").write_text(keyring.dump(RING))
    change(tmp_path, *statements)

    status = SCRIPT["main"](
        ["--database", str(tmp_path / "t.db"), "--head", str(tmp_path / "audit-head.json"),
         "--key-file", str(tmp_path / "twofold.key")]
    )  # fmt: skip

    said = capsys.readouterr().out.splitlines()
    ids = [f"{number:016x}" for number in range(7)]
    assert said[:-1] == [line.format(*ids) for line in expected]
    assert status == (1 if expected else 0)


@pytest.mark.parametrize(
    "text",
    [
        "",
        None,
        '{"type":"pigeon"}',
        "not json",
        '{"type":"record"}',
        "[]",
        '{"type":"key","kid":1}',
    ],
)
def test_the_stand_alone_script_says_when_it_cannot_read(tmp_path, capsys, text):
    export = tmp_path / "export.jsonl"
    if text is not None:
        export.write_text(text)

    status = SCRIPT["main"]([str(export)])

    assert status == (0 if text == "" else 2)
    assert ("cannot be read" in capsys.readouterr().err) == (text != "")


async def test_keys_and_head_from_elsewhere_count_more_than_those_of_the_export(tmp_path, capsys):
    """Whoever can rewrite the trail can sign it with a key of their own and say so in it."""
    mallory = (b"evil", bytes(range(32)))
    record = Record(DEFAULT_REALM, None, "1" * 16, Instant(1), "login.granted", "{}")
    seal = audit.close([record], 1, None, Instant(2), mallory)
    head = evidence.follow(None, seal)
    export = tmp_path / "export.jsonl"
    lines = evidence.export([record], [seal], head, audit.public_keys([mallory]))
    export.write_text("\n".join(lines))
    ours = next(iter(audit.public_keys(RING.derive("audit-sign")).items()))

    assert SCRIPT["main"]([str(export)]) == 0
    assert SCRIPT["main"]([str(export), "--key", f"{ours[0]}={ours[1].hex()}"]) == 1
    assert "segment-forged: segment 1" in capsys.readouterr().out
