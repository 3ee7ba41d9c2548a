"""What is PostgreSQL's own: what it refuses to trust, batches, order, and outcomes nobody knows."""

import asyncio
import contextlib

import asyncpg
import pytest

from tests.contracts import samples as a
from tests.contracts.samples import ALICE, BOB, NOW, PHONE, REALM, later
from tests.support.postgres import PASSWORD, empty, rows
from tests.support.proxy import Cut, wire
from tests.support.town import until
from twofold.adapters.stores import _migrations, _pg_commits, _pg_function, _pg_transaction
from twofold.adapters.stores._pg_frequent import FREQUENT
from twofold.adapters.stores.postgres import Address, PostgresStore, look
from twofold.core.effects import (
    Advance,
    Bind,
    OpenSession,
    PutDocument,
    PutSubject,
    Record,
    Seal,
    Sweep,
    TakeGuess,
    Unchanged,
)
from twofold.core.errors import Misconfigured, Overloaded, Replayed, Stale, Unavailable, Uncertain
from twofold.core.types import Document, Instant


@pytest.fixture
async def url(swept):
    await empty(swept)
    return swept


@pytest.fixture
async def store(url):
    made = PostgresStore(Address(url))
    await made.open()
    yield made
    await made.close()


@pytest.fixture
async def spare(cluster):
    """A database of its own, for what the shared one would not survive."""
    return cluster.url(cluster.database())


@contextlib.asynccontextmanager
async def opened(url, **how):
    made = PostgresStore(Address(url), **how)
    await made.open()
    try:
        yield made
    finally:
        await made.close()


def login(number, step):
    """A right answer as an engine commits it."""
    return (
        Unchanged(ALICE, 0, ("kind:totp",)),
        Advance(ALICE, PHONE, step, NOW),
        OpenSession(a.session(number)),
        a.record(number),
    )


# What is refused at the door


async def refused(url):
    with pytest.raises(Misconfigured) as caught:
        await PostgresStore(Address(url)).open()
    with pytest.raises(Misconfigured) as looked:
        await look(Address(url))
    assert looked.value.detail == caught.value.detail
    return caught.value.detail


async def test_a_server_that_does_not_answer_is_named(cluster):
    said = await refused(cluster.url("x", port=1))

    assert said.startswith("database.url: PostgreSQL at 127.0.0.1:1/x cannot be used: ")


async def test_a_wrong_password_is_said_and_not_shown(cluster):
    right = cluster.url(user=f"keeper:{PASSWORD}")
    wrong = cluster.url(user="keeper:tr0ub4dor")

    said = await refused(wrong)

    assert said.endswith("cannot be used: it refuses the user or the password")
    assert "tr0ub4dor" not in said + repr(Address(wrong)) + str(Address(wrong))
    assert (await look(Address(right))).standing.replica is False


async def test_a_database_that_is_not_there_is_said(cluster):
    assert (await refused(cluster.url("nowhere"))).endswith("it has no such database")


async def test_a_url_that_cannot_be_read_is_said(cluster):
    assert "cannot be used" in await refused("postgresql://127.0.0.1:port/x")


async def test_a_database_of_another_program_is_refused(spare):
    connection = await asyncpg.connect(spare)
    await connection.execute("create table subject (id text)")
    await connection.close()

    assert await refused(spare) == "database: it belongs to another program"


async def test_a_database_of_a_newer_version_is_refused(spare):
    async with opened(spare):
        pass
    connection = await asyncpg.connect(spare)
    await connection.execute("insert into migration values (999, 'x')")
    await connection.close()

    assert "made by a newer version" in await refused(spare)


async def test_a_migration_that_was_edited_is_refused(spare):
    async with opened(spare):
        pass
    connection = await asyncpg.connect(spare)
    await connection.execute("update migration set checksum = 'x'")
    await connection.close()

    assert "is not the one that was applied" in await refused(spare)


async def test_a_role_that_would_not_wait_for_the_disk_is_refused(cluster, spare):
    cluster.sql("create role hasty superuser login; alter role hasty set synchronous_commit = off")

    with pytest.raises(Misconfigured, match="synchronous_commit is off for this role"):
        await PostgresStore(Address(spare.replace("postgres@", "hasty@"))).open()


async def test_a_connection_that_stopped_waiting_for_the_disk_commits_nothing(cluster, spare):
    async with opened(spare) as store:
        await store.commit(a.record())
        name = spare.rpartition("/")[2]
        cluster.sql(f"alter database {name} set synchronous_commit = off")
        cluster.hang_up(spare)
        # A connection that was ended under us is found out by the first who uses it.
        with pytest.raises(Unavailable, match=r"cannot be read|synchronous_commit is off"):
            await store.records(REALM)

        with pytest.raises(Unavailable, match="synchronous_commit is off"):
            await store.records(REALM)
        with pytest.raises(Unavailable):
            await store.commit(a.record(2))


async def test_no_verdict_comes_from_a_database_that_takes_no_writes(cluster, spare):
    async with opened(spare) as store:
        await store.commit(*a.alice())
        name = spare.rpartition("/")[2]
        cluster.sql(f"alter database {name} set default_transaction_read_only = on")
        cluster.hang_up(spare)
        with contextlib.suppress(Unavailable):
            await store.view(REALM, ALICE)

        with pytest.raises(Unavailable, match="replica"):
            await store.view(REALM, ALICE)


async def test_the_schema_is_made_once_by_those_who_start_together(spare):
    stores = [PostgresStore(Address(spare)) for _ in range(6)]

    await asyncio.gather(*(store.open() for store in stores))
    await asyncio.gather(*(store.close() for store in stores))

    steps = rows(spare, "select number, checksum from migration order by number")
    assert steps == [(step.number, step.checksum) for step in _migrations.known()]
    assert rows(spare, "select count(*) from audit_base") == [(1,)]
    assert (await look(Address(spare))).pending == ()


async def test_a_look_changes_nothing(spare):
    seen = await look(Address(spare))

    assert seen.pending == tuple(step.number for step in _migrations.known())
    assert rows(spare, "select tablename from pg_tables where schemaname = 'public'") == []


async def test_whole_numbers_have_64_bits_and_texts_their_own_order(store, url):
    sql = (
        "select count(*) from information_schema.columns where table_schema = 'public'"
        " and (data_type = 'integer' or data_type = 'text' and collation_name <> 'C')"
    )
    assert rows(url, sql) == [(0,)]
    for number, name in enumerate(["b", "B", "é", "z", "Z", "a"]):
        await store.commit(PutSubject(a.subject(f"{number:032x}", f"{name}{number}")))
    found = [subject.name for subject in await store.subjects(REALM)]
    assert found == sorted(found)


# Releases side by side


async def test_two_releases_on_one_database_use_a_function_each(url, store):
    async with opened(url, frequent=FREQUENT[:3]) as older:
        await store.commit(*a.alice(), *login(1, 5))
        await older.commit(*login(2, 6))
        await store.commit(*login(3, 7))

        assert len(await older.sessions(REALM, ALICE)) == 3
        with pytest.raises(Replayed):
            await older.commit(*login(4, 7))


def test_the_name_of_the_function_follows_its_text():
    ours = _pg_function.texts(FREQUENT)

    assert _pg_function.name(ours) == _pg_function.name(_pg_function.texts(FREQUENT))
    assert _pg_function.name(ours) != _pg_function.name(ours[:-1])
    assert _pg_function.name(ours) != _pg_function.name(((ours[0][0], Stale), *ours[1:]))


async def test_nothing_needs_to_stay_prepared(url):
    store = PostgresStore(Address(url, prepared=False))
    await store.open()
    await store.commit(*a.alice(), *login(1, 5))

    assert (await store.view(REALM, ALICE, session=a.sid(1))).session == a.session()
    await store.close()


# Batches


async def test_commits_of_one_turn_travel_together(store):
    await store.commit(*a.alice())
    before = store.counters.transactions

    await asyncio.gather(*(store.commit(a.record(number)) for number in range(300)))

    assert store.counters.transactions == before + 1
    assert len(await store.records(REALM, limit=1_000)) == 300


async def test_the_first_commit_leaves_at_once_and_later_ones_fill_the_next(store):
    await store.commit(*a.alice())
    before = store.counters.transactions
    first = asyncio.ensure_future(store.commit(a.record(1)))
    await until(lambda: store.counters.transactions > before)

    await asyncio.gather(first, *(store.commit(a.record(number)) for number in range(2, 100)))

    assert store.counters.transactions <= before + 3


async def test_a_large_batch_is_parted(store, monkeypatch):
    monkeypatch.setattr(_pg_transaction, "MOST", 10)
    before = store.counters.transactions

    await asyncio.gather(*(store.commit(a.record(number)) for number in range(30)))

    assert store.counters.transactions - before > 2
    assert len(await store.records(REALM, limit=1_000)) == 30


async def test_a_value_that_postgresql_cannot_hold_harms_its_own_commit_only(store):
    good = [(PutDocument(Document(REALM, "note", f"{n}", "{}", 1)),) for n in range(3)]
    bad = [
        (PutDocument(Document(REALM, "note", "a\0b", "{}", 1)),),
        (PutDocument(Document(REALM, "note", "\ud800", "{}", 1)),),
        (a.record(1), PutDocument(Document(REALM, "note", "big", "{}", 2**63 + 1))),
        (a.record(1), TakeGuess(ALICE, "x", a.tally(2**64), NOW)),
    ]

    results = await asyncio.gather(
        *(store.commit(*effects) for effects in [*good, *bad]), return_exceptions=True
    )

    assert results[:3] == [None] * 3
    assert [isinstance(one, (ValueError, Stale)) for one in results[3:]] == [True] * 4
    assert [one.name for one in await store.documents(REALM, "note")] == ["0", "1", "2"]
    assert await store.records(REALM) == []


async def test_more_than_may_wait_is_turned_away(store, monkeypatch):
    monkeypatch.setattr(_pg_commits, "CROWD", 10)

    results = await asyncio.gather(
        *(store.commit(a.record(number)) for number in range(20)), return_exceptions=True
    )

    assert [type(one) for one in results] == [type(None)] * 10 + [Overloaded] * 10


async def test_closing_finishes_what_was_accepted(url):
    store = PostgresStore(Address(url))
    await store.open()
    waiting = [asyncio.ensure_future(store.commit(a.record(n))) for n in range(600)]
    await asyncio.sleep(0)

    await store.close()

    assert [task.exception() for task in waiting] == [None] * 600


async def test_a_store_that_is_closed_is_unavailable(url):
    store = PostgresStore(Address(url))
    await store.close()

    with pytest.raises(Unavailable):
        await store.commit(a.record())
    with pytest.raises(Unavailable):
        await store.view(REALM, ALICE)


# Side by side with others


async def test_batches_in_opposite_order_do_not_wait_for_each_other_in_a_ring(url, store):
    people = [f"{number:032x}" for number in range(40)]
    for number, who in enumerate(people):
        await store.commit(
            PutSubject(a.subject(who, f"n{number}")), Bind(a.authenticator(PHONE, who))
        )
    async with opened(url) as other:
        for step in range(1, 11):
            await asyncio.gather(
                *(store.commit(Advance(who, PHONE, 2 * step, NOW)) for who in people),
                *(other.commit(Advance(who, PHONE, 2 * step + 1, NOW)) for who in people[::-1]),
                return_exceptions=True,
            )
    name = url.rpartition("/")[2]
    sql = "select deadlocks from pg_stat_database where datname = ?"
    assert rows(url, sql, name) == [(0,)]


async def test_what_a_commit_was_decided_on_cannot_change_under_its_hands(url, store):
    await store.commit(*a.alice())
    connection = await asyncpg.connect(url)
    change = connection.transaction()
    await change.start()
    # Somebody else is about to raise the epoch, and has not committed yet.
    await connection.execute("update subject set epoch = 1 where id = $1", ALICE)
    waiting = asyncio.ensure_future(store.commit(*login(1, 5)))
    await blocked(url)

    await change.commit()

    with pytest.raises(Stale):
        await waiting
    assert await store.sessions(REALM, ALICE) == []
    await connection.close()


async def test_a_row_that_was_renewed_in_time_is_not_swept(url, store):
    await store.commit(*a.alice(TakeGuess(ALICE, "x", a.tally(1), later(10))))
    connection = await asyncpg.connect(url)
    change = connection.transaction()
    await change.start()
    await connection.execute("update guess set version = 2, keep_until = $1", later(900))
    sweeping = asyncio.ensure_future(store.commit(Sweep(later(20))))
    await blocked(url)

    await change.commit()

    await sweeping
    assert (await store.view(REALM, ALICE)).tallies["x"].version == 2
    await connection.close()


async def blocked(url):
    """Wait until somebody waits for a lock."""
    sql = "select 1 from pg_stat_activity where cardinality(pg_blocking_pids(pid)) > 0"
    await until(lambda: rows(url, sql))


async def test_one_segment_is_sealed_by_one_of_many(url, store):
    await store.commit(a.record())
    [entry] = await store.unsealed(limit=10)
    async with opened(url) as other:
        results = await asyncio.gather(
            *(
                one.commit(Seal(1, NOW, entry.position, "{}"))
                for one in (store, other, store, other)
            ),
            return_exceptions=True,
        )

    assert sorted(type(one).__name__ for one in results) == ["NoneType", "Stale", "Stale", "Stale"]


async def test_the_sealer_sees_nothing_that_something_could_still_come_before(url, store):
    await store.commit(a.record(1))
    early = await asyncpg.connect(url)
    change = early.transaction()
    await change.start()
    base = await early.fetchval("select pg_current_xact_id()::text::bigint")
    await store.commit(a.record(3))

    assert [entry.record.id for entry in await store.records(REALM)] == [
        a.record(1).id,
        a.record(3).id,
    ]
    assert [entry.record.id for entry in await store.unsealed(limit=10)] == [a.record(1).id]

    late = a.record(2)
    cells = (base << 16) + 1, REALM, late.subject, late.id, late.at, late.event, late.body
    await early.execute("insert into audit values ($1, $2, $3, $4, $5, $6, $7)", *cells)
    await change.commit()

    found = [entry.record.id for entry in await store.unsealed(limit=10)]
    assert found == [a.record(number).id for number in (1, 2, 3)]
    await early.close()


async def test_records_of_a_restored_database_stay_behind_what_comes(spare):
    async with opened(spare) as store:
        await store.commit(a.record(1))
        # As in a cluster whose transactions have counted much further than this one's.
        rows(spare, "update audit set position = 123456789::bigint << 16 returning 1")
        await store.commit(Seal(1, NOW, 123456789 << 16, "{}"))

    async with opened(spare) as store:
        await store.commit(a.record(2))
        await store.commit(a.record(3))

        found = await store.records(REALM)
        assert [entry.record.id for entry in found] == [a.record(n).id for n in (1, 2, 3)]
        assert [e.record.id for e in await store.unsealed(limit=9)] == [
            a.record(n).id for n in (2, 3)
        ]


async def test_on_a_serializable_database_contenders_try_again_and_one_wins(cluster, spare):
    name = spare.rpartition("/")[2]
    cluster.sql(f"alter database {name} set default_transaction_isolation = 'serializable'")
    async with opened(spare) as one, opened(spare) as two:
        await one.commit(*a.alice())
        for step in range(1, 16):
            results = await asyncio.gather(
                *(
                    store.commit(Advance(ALICE, PHONE, step, NOW), a.record(step))
                    for store in (one, two, one, two)
                ),
                return_exceptions=True,
            )
            assert sorted(type(result).__name__ for result in results) == [
                "NoneType", "Replayed", "Replayed", "Replayed",
            ]  # fmt: skip
        assert len(await two.records(REALM)) == 15
        # Two batches a round would have been enough if the server had never undone one.
        assert one.counters.transactions + two.counters.transactions > 2 * 15 + 1


# Outcomes nobody knows


async def test_a_connection_lost_on_the_way_there_leaves_the_outcome_open(url):
    async with wire(url) as line, opened(line.through) as store:
        await store.commit(*a.alice())
        line.cut = Cut.ASKING

        with pytest.raises(Uncertain):
            await store.commit(*login(1, 5))

        assert line.cuts == 1
        await store.commit(*login(1, 5))


async def test_a_connection_lost_on_the_way_back_leaves_the_outcome_open(url):
    async with wire(url) as line, opened(line.through) as store:
        await store.commit(*a.alice())
        line.cut = Cut.ANSWERING

        with pytest.raises(Uncertain):
            await store.commit(*login(1, 5))

        # It did happen; who asks again hears that the code is spent.
        with pytest.raises(Replayed):
            await store.commit(*login(1, 5))
        assert await store.sessions(REALM, ALICE) == [a.session()]


async def test_whoever_gives_up_on_a_silent_server_hears_that_the_outcome_is_open(url):
    async with wire(url) as line, opened(line.through) as store:
        await store.commit(*a.alice())
        store._open.lanes.patience = 0.05
        line.frozen.clear()
        given_up = asyncio.ensure_future(store.commit(*login(1, 5)))

        with pytest.raises(Uncertain):
            await given_up

        line.frozen.set()
        store._open.lanes.patience = 10
        # Nothing was cancelled: it went on and counts.
        with pytest.raises(Replayed):
            await store.commit(*login(1, 5))


async def test_what_never_left_did_not_happen(url):
    async with wire(url) as line, opened(line.through) as store:
        await store.commit(*a.alice())
        store._open.lanes.patience = 0.05
        line.frozen.clear()
        stuck = []
        for number in range(2):
            stuck.append(asyncio.ensure_future(store.commit(a.record(number))))
            await until(lambda still=1 - number: len(store._open.lanes.free) == still)

        with pytest.raises(Unavailable) as caught:
            await store.commit(*login(1, 5))

        assert type(caught.value) is Unavailable
        line.frozen.set()
        results = await asyncio.gather(*stuck, return_exceptions=True)
        assert [type(one) for one in results] == [Uncertain, Uncertain]
        store._open.lanes.patience = 10
        await store.commit(*login(1, 5))


async def test_a_read_that_nobody_answers_ends(url, monkeypatch):
    monkeypatch.setattr("twofold.adapters.stores.postgres.PATIENCE", 0.05)
    async with wire(url) as line, opened(line.through) as store:
        await store.view(REALM, ALICE)
        line.frozen.clear()

        with pytest.raises(Unavailable, match="cannot be read"):
            await store.view(REALM, ALICE)

        line.frozen.set()
        assert await store.view(REALM, ALICE) is None


async def test_a_commit_that_stopped_waiting_for_its_standby_is_no_success(cluster, spare):
    async with opened(spare) as store:
        await store.commit(*a.alice())
        cluster.sql("alter system set synchronous_standby_names = 'nobody'")
        cluster.sql("select pg_reload_conf()")
        try:
            waiting = asyncio.ensure_future(store.commit(*login(1, 5)))
            sql = "select pid from pg_stat_activity where wait_event = 'SyncRep'"
            pid = await until(lambda: cluster.sql(sql))
            assert not waiting.done()
            await asyncio.to_thread(cluster.sql, f"select pg_cancel_backend({pid})")

            with pytest.raises(Uncertain):
                await waiting
        finally:
            cluster.sql("alter system reset synchronous_standby_names")
            cluster.sql("select pg_reload_conf()")

        with pytest.raises(Replayed):
            await store.commit(*login(1, 5))


async def test_a_server_that_ends_and_comes_back_is_found_again(cluster, spare):
    async with opened(spare) as store:
        await store.commit(*a.alice())
        cluster.hang_up(spare)
        for number in range(20):
            with contextlib.suppress(Unavailable):
                await store.commit(a.record(number))
        await store.commit(a.record(99))

        found = [entry.record.id for entry in await store.records(REALM, newest=True, limit=1)]
        assert found == [a.record(99).id]


async def test_a_subject_without_rows_and_a_record_of_nobody_are_fine(store):
    await store.commit(Record(REALM, None, "0" * 16, Instant(1), "keys.created", "{}"))

    assert await store.view(REALM, BOB) is None
    assert [entry.record.subject for entry in await store.records(REALM)] == [None]
