"""What is SQLite's own: the file, its refusals, batches, plans, and what happens on a full disk."""

import asyncio
import re
import resource
import sqlite3
import stat
from contextlib import closing, contextmanager
from importlib import resources
from pathlib import Path

import pytest

from tests.contracts import samples as a
from tests.contracts.samples import ALICE, CODES, NOW, PHONE, REALM, later
from twofold.adapters.stores import _file, _migrations, _reads, _sql
from twofold.adapters.stores._writer import CROWD
from twofold.adapters.stores.sqlite import SqliteStore
from twofold.core.effects import (
    Advance,
    Burn,
    Forgive,
    OpenSession,
    PutDocument,
    PutSubject,
    Renew,
    Rotate,
    TakeGuess,
    Touch,
    Unchanged,
    Unguessed,
)
from twofold.core.errors import Misconfigured, Overloaded, Stale, Unavailable, Uncertain
from twofold.core.types import Document, Instant

SCHEMA = (
    resources.files("twofold.adapters.stores")
    .joinpath("migrations/0001_ground_floor.sql")
    .read_text()
)


@pytest.fixture
def path(tmp_path):
    return tmp_path / "twofold.db"


@pytest.fixture
async def store(path):
    made = SqliteStore(path)
    await made.open()
    yield made
    await made.close()


def login(number, step):
    """A right answer as an engine commits it."""
    return (
        Advance(ALICE, PHONE, step, NOW),
        Unchanged(ALICE, 0, ("kind:totp", "ceremony:x")),
        OpenSession(a.session(number)),
        a.record(number),
    )


# The file


async def test_the_file_and_its_companions_are_private(store, path):
    await store.commit(a.record())

    modes = {file.name: stat.S_IMODE(file.stat().st_mode) for file in path.parent.iterdir()}

    assert modes == {"twofold.db": 0o600, "twofold.db-wal": 0o600, "twofold.db-shm": 0o600}


async def test_a_file_that_others_could_read_is_made_private(path):
    path.touch(mode=0o644)
    store = SqliteStore(path)

    await store.open()
    await store.close()

    assert stat.S_IMODE(path.stat().st_mode) == 0o600


async def test_a_commit_is_flushed_before_it_is_acknowledged(store):
    await store.commit(a.record())
    connection = store._open.writer._connection

    assert connection.execute("pragma journal_mode").fetchone() == ("wal",)
    assert connection.execute("pragma synchronous").fetchone() == (2,)


async def test_what_was_committed_is_there_after_reopening(path):
    store = SqliteStore(path)
    await store.open()
    await store.commit(*a.alice(), *login(1, 5))
    await store.close()

    await store.open()

    assert (await store.view(REALM, ALICE, session=a.sid(1))).session == a.session()
    with pytest.raises(Stale):
        await store.commit(Unchanged(ALICE, 1))
    await store.close()


async def test_a_store_that_is_closed_is_unavailable(path):
    store = SqliteStore(path)
    await store.close()

    with pytest.raises(Unavailable):
        await store.commit(a.record())
    with pytest.raises(Unavailable):
        await store.view(REALM, ALICE)
    with pytest.raises(Unavailable):
        await store.records(REALM)


async def test_closing_finishes_what_was_accepted(path):
    store = SqliteStore(path)
    await store.open()
    waiting = [asyncio.ensure_future(store.commit(a.record(n))) for n in range(600)]
    await asyncio.sleep(0)

    await store.close()

    assert [task.exception() for task in waiting] == [None] * 600


MOUNTS = """\
/dev/vda1 / ext4 rw 0 0
proc /proc proc rw 0 0
server:/srv /srv nfs4 rw 0 0
//server/share /mnt/with\\040blank cifs rw 0 0
me@there: /home/me/there fuse.sshfs rw 0 0
tmpfs /srv/fast tmpfs rw 0 0
/dev/fuse /run/user/doc fuse.portal rw 0 0
drive /mnt/ümlaut 9p rw 0 0
first /twice ext4 rw 0 0
second /twice nfs rw 0 0
"""

PLACES = {
    "/var/lib": "ext4",
    "/srv": "nfs4",
    "/srv/deep/er": "nfs4",
    "/srvice": "ext4",
    "/srv/fast/x": "tmpfs",
    "/mnt/with blank/x": "cifs",
    "/home/me/there": "fuse.sshfs",
    "/run/user/doc": "fuse.portal",
    "/mnt/ümlaut/x": "9p",
    "/twice": "nfs",
}


@pytest.mark.parametrize(("folder", "kind"), list(PLACES.items()))
def test_the_file_system_is_that_of_the_nearest_mount(folder, kind):
    assert _file.filesystem(Path(folder), MOUNTS) == kind


@pytest.mark.parametrize("kind", ["nfs", "nfs4", "cifs", "smb3", "9p", "fuse.sshfs", "ceph"])
def test_a_network_file_system_is_refused(path, kind):
    with pytest.raises(Misconfigured, match=f"network file system \\({kind}\\)"):
        _file.prepare(path, f"server:/x / {kind} rw 0 0\n")

    assert not path.exists()


@pytest.mark.parametrize("kind", ["ext4", "xfs", "btrfs", "zfs", "tmpfs", "overlay"])
def test_a_local_file_system_is_accepted(path, kind):
    _file.prepare(path, f"/dev/x / {kind} rw 0 0\n")

    assert path.exists()


def test_where_nobody_says_what_is_mounted_the_file_is_accepted(path):
    _file.prepare(path, "")

    assert path.exists()


def test_a_folder_that_is_missing_is_named(tmp_path):
    with pytest.raises(Misconfigured, match=r"missing/twofold\.db cannot be used"):
        _file.prepare(tmp_path / "missing" / "twofold.db", "")


def test_a_file_that_is_no_database_is_refused(path):
    path.write_text("A letter home.\n" * 100)

    with pytest.raises(Misconfigured, match="cannot be used"):
        _file.prepare(path, "")


def test_a_database_of_another_program_is_refused(path):
    with closing(sqlite3.connect(path)) as other:
        other.execute("create table subject (id)")

    with pytest.raises(Misconfigured, match="belongs to another program"):
        _file.prepare(path, "")


# Migrations


def test_preparing_twice_changes_nothing(path):
    _file.prepare(path, "")
    with closing(sqlite3.connect(path)) as database:
        before = database.execute("select * from sqlite_master").fetchall()

    _file.prepare(path, "")

    with closing(sqlite3.connect(path)) as database:
        assert database.execute("select * from sqlite_master").fetchall() == before
        assert database.execute("select number from migration").fetchall() == [
            (step.number,) for step in _migrations.known()
        ]


def test_a_database_of_a_newer_version_is_refused(path):
    _file.prepare(path, "")
    with closing(sqlite3.connect(path, isolation_level=None)) as database:
        database.execute("insert into migration values (9999, 'x')")

    with pytest.raises(Misconfigured, match=r"newer version \(migration 9999"):
        _file.prepare(path, "")


def test_a_migration_that_was_edited_afterwards_is_refused(path):
    _file.prepare(path, "")
    with closing(sqlite3.connect(path, isolation_level=None)) as database:
        database.execute("update migration set checksum = 'x' where number = 1")

    with pytest.raises(Misconfigured, match="migration 1 is not the one"):
        _file.prepare(path, "")


def test_migrations_are_numbered_from_one_without_gaps():
    numbers = [step.number for step in _migrations.known()]

    assert numbers == list(range(1, len(numbers) + 1))


def test_a_migration_stays_as_it_was_published():
    # Once released, a change of this text would lock out every database made with it.
    published = {1: "1a06abad07c97a6d"}

    assert {step.number: step.checksum[:16] for step in _migrations.known()} == published


# The schema is one for all engines


def columns():
    for table, body in re.findall(r"create table (\w+) \((.*?)\n\);", SCHEMA, re.DOTALL):
        for line in body.splitlines():
            if (words := line.strip().rstrip(",").split()) and words[0] != "primary":
                yield table, words


def test_columns_have_types_that_every_engine_knows():
    types = {words[1] for _, words in columns()}

    assert types == {"text", "bytea", "bigint", "integer", "smallint"}
    assert {" ".join(words[2:]) for _, words in columns()} == {"", "not null"}


@pytest.mark.parametrize(
    "word",
    [
        "references",
        "trigger",
        "sequence",
        "serial",
        "autoincrement",
        "default",
        "boolean",
        "enum",
        "rowid",
        "check",
    ],
)
def test_the_schema_does_without(word):
    text = re.sub(r"--.*", "", SCHEMA).lower()

    assert not re.search(rf"\b{word}\b", text)


def test_what_belongs_to_a_subject_is_keyed_by_it_first():
    keys = dict(re.findall(r"create table (\w+) .*?primary key \(([^)]*)\)", SCHEMA, re.DOTALL))
    owned = {table for table, words in columns() if words[0] == "subject"}

    assert {table for table in owned if not keys[table].startswith("subject")} == {
        "identifier",  # leads to the subject
        "audit",  # in the order of commits
    }


# Plans


HOT = [
    Unchanged(ALICE, 0),
    Unchanged(ALICE, 0, ("kind:totp",)),
    Unchanged(ALICE, 0, ("kind:totp", "ceremony:x")),
    Advance(ALICE, PHONE, 1, NOW),
    Burn(ALICE, CODES, "one", NOW),
    TakeGuess(ALICE, "x", a.tally(1), NOW),
    TakeGuess(ALICE, "x", a.tally(2), NOW),
    Forgive(ALICE, "x", 0),
    Forgive(ALICE, "x", 1),
    Unguessed(ALICE, "x", 0),
    Unguessed(ALICE, "x", 1),
    OpenSession(a.session()),
    Rotate(ALICE, a.sid(1), 0, NOW),
    Touch(ALICE, a.sid(1), NOW),
    Renew(ALICE, a.did(1), 7, NOW, ""),
    a.record(),
]


@pytest.mark.parametrize("effect", HOT, ids=lambda effect: type(effect).__name__)
def test_no_frequent_effect_scans_a_table(path, effect):
    _file.prepare(path, "")
    with closing(_file.reader(path)) as database:
        for sql, values, _ in _sql.statements(effect):
            plan = database.execute(f"explain query plan {sql}", values).fetchall()
            scanned = {row[3] for row in plan if row[3].startswith("SCAN")}
            assert scanned <= {"SCAN CONSTANT ROW"}


@pytest.mark.parametrize("sql", [*_reads._BY_SUBJECT, *_reads._BY_IDENTIFIER, _reads._SESSION_OF])
def test_no_frequent_read_scans_a_table(path, sql):
    _file.prepare(path, "")
    with closing(_file.reader(path)) as database:
        plan = database.execute(f"explain query plan {sql}", (REALM, ALICE, a.sid(1))).fetchall()

    assert [row[3] for row in plan if row[3].startswith(("SCAN", "USE TEMP"))] == []


async def test_what_a_reader_does_with_a_view_changes_no_other(store):
    await store.commit(*a.alice())

    (await store.view(REALM, ALICE)).authenticators[0].parameters["digits"] = 8

    assert (await store.view(REALM, ALICE)).authenticators[0].parameters == {"digits": 6}


# Batches


async def test_one_verification_is_one_read_and_one_transaction(store):
    await store.commit(*a.alice())
    before = (store.counters.reads, store.counters.transactions)

    await store.view(REALM, ALICE)
    await store.commit(*login(1, 5))

    assert (store.counters.reads, store.counters.transactions) == (before[0] + 1, before[1] + 1)


async def test_commits_that_come_together_share_a_transaction(store):
    before = store.counters.transactions

    await asyncio.gather(*(store.commit(a.record(n)) for n in range(64)))

    assert store.counters.transactions == before + 1
    assert len(await store.records(REALM)) == 64


async def test_what_comes_during_a_flush_travels_in_the_next(store):
    before = store.counters.transactions
    first = asyncio.ensure_future(store.commit(a.record(0)))
    for _ in range(3):
        await asyncio.sleep(0)

    rest = [asyncio.ensure_future(store.commit(a.record(n))) for n in range(1, 20)]
    await asyncio.gather(first, *rest)

    assert store.counters.transactions == before + 2


async def test_a_commit_that_cannot_be_written_is_its_own_callers_problem(store):
    broken = [
        a.record(1, event="\ud800"),
        a.record(2, at=Instant(2**63)),
        a.record(3, body=None),
        a.record(4, body=object()),
    ]

    results = await asyncio.gather(
        store.commit(a.record(0)),
        *(store.commit(a.record(9), one) for one in broken),
        store.commit(a.record(5)),
        return_exceptions=True,
    )

    assert [type(result) for result in results[:4]] == [
        type(None),
        UnicodeEncodeError,
        OverflowError,
        sqlite3.IntegrityError,
    ]
    assert isinstance(results[4], sqlite3.Error)
    assert results[5] is None
    assert [e.record for e in await store.records(REALM)] == [a.record(0), a.record(5)]


async def test_more_commits_than_can_wait_are_turned_away_at_once(store):
    results = await asyncio.gather(
        *(store.commit(a.record(n)) for n in range(CROWD + 10)), return_exceptions=True
    )

    assert results[:CROWD] == [None] * CROWD
    assert {type(result) for result in results[CROWD:]} == {Overloaded}
    assert len(await store.records(REALM, limit=2 * CROWD)) == CROWD
    await store.commit(a.record(CROWD))


# Trouble


async def test_a_full_disk_refuses_all_and_is_overcome_when_there_is_space(store):
    await store.commit(*a.alice())
    connection = store._open.writer._connection
    pages = connection.execute("pragma page_count").fetchone()[0]
    connection.execute(f"pragma max_page_count = {pages}")
    large = PutDocument(Document(REALM, "note", "large", "x" * 100_000))

    results = await asyncio.gather(
        store.commit(*login(1, 5)), store.commit(large), return_exceptions=True
    )

    assert [type(result) for result in results] == [Unavailable, Unavailable]
    assert await store.sessions(REALM, ALICE) == []
    await store.commit(*login(1, 5))
    await store.commit(large)


@contextmanager
def no_file_longer_than(size):
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, limits[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)


async def test_a_write_error_leaves_the_outcome_open_and_is_overcome(store, path):
    await store.commit(*a.alice())
    log = path.with_name(path.name + "-wal")

    with no_file_longer_than(log.stat().st_size + 100):
        with pytest.raises(Uncertain):
            await store.commit(*login(1, 5))
        assert (await store.view(REALM, ALICE)).authenticators[0].mark == 0

    await store.commit(*login(1, 5))
    assert await store.sessions(REALM, ALICE) == [a.session()]


async def test_a_writer_that_is_kept_waiting_too_long_gives_up(store, path, monkeypatch):
    monkeypatch.setattr(_file, "PATIENCE", 50)
    with closing(sqlite3.connect(path, isolation_level=None)) as other:
        other.execute("begin immediate")

        with pytest.raises(Unavailable):
            await store.commit(a.record())
        assert await store.view(REALM, ALICE) is None

    await store.commit(a.record())


async def test_a_database_that_breaks_while_open_is_unavailable(store, path):
    await store.commit(*a.alice())
    with closing(sqlite3.connect(path, isolation_level=None)) as other:
        other.execute("drop table guess")

    with pytest.raises(Unavailable):
        await store.view(REALM, ALICE)
    with pytest.raises(Unavailable):
        await store.commit(a.record(), TakeGuess(ALICE, "x", a.tally(1), later(9)))
    assert await store.records(REALM) == []


async def test_a_listing_that_cannot_be_read_is_unavailable(store, path):
    with closing(sqlite3.connect(path, isolation_level=None)) as other:
        other.execute("drop table document")

    with pytest.raises(Unavailable):
        await store.documents(REALM, "policy")


async def test_two_stores_on_one_file_see_each_others_commits(store, path):
    other = SqliteStore(path)
    await other.open()
    await store.commit(*a.alice())

    await other.commit(PutSubject(a.subject(epoch=1), 0))

    assert (await store.view(REALM, ALICE)).subject.epoch == 1
    await other.close()
    await store.commit(Unchanged(ALICE, 1))
