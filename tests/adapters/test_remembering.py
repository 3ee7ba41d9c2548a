"""A memory of sessions is never wrong about what this process did, and late about others only."""

from dataclasses import replace

import pytest

from tests.contracts import samples
from twofold.adapters.stores.remembering import REMEMBERED, RememberingStore
from twofold.adapters.stores.sqlite import SqliteStore
from twofold.core.effects import (
    CloseSessions,
    OpenSession,
    PutSubject,
    RemoveSubject,
    Rotate,
)
from twofold.core.types import Status

ALICE = samples.subject()
SESSION = samples.session()


class Watch:
    """Seconds that pass when a test says so."""

    now = 0.0

    def __call__(self):
        return self.now


@pytest.fixture
def watch():
    return Watch()


@pytest.fixture
async def stores(tmp_path, watch):
    """One that remembers for five seconds, and another process's view of the same file."""
    ours = RememberingStore(tmp_path / "twofold.db", 5, watch)
    theirs = SqliteStore(tmp_path / "twofold.db")
    await ours.open()
    await theirs.open()
    await ours.commit(PutSubject(ALICE), OpenSession(SESSION))
    yield ours, theirs
    await theirs.close()
    await ours.close()


async def asked(store):
    return await store.session(ALICE.realm, ALICE.id, SESSION.id)


async def test_a_session_is_read_once_while_its_memory_is_fresh(stores):
    ours, _ = stores
    before = ours.counters.reads

    assert await asked(ours) == await asked(ours) == (SESSION, ALICE)
    assert ours.counters.reads == before + 1


@pytest.mark.parametrize(
    "effect",
    [
        CloseSessions(ALICE.id),
        RemoveSubject(ALICE.id),
        Rotate(ALICE.id, SESSION.id, SESSION.generation, SESSION.created_at),
        PutSubject(replace(ALICE, status=Status.DISABLED, epoch=ALICE.epoch + 1), seen=ALICE.epoch),
    ],
    ids=lambda effect: type(effect).__name__,
)
async def test_what_this_process_commits_is_seen_at_once(stores, effect):
    ours, theirs = stores
    await asked(ours)
    await ours.commit(effect)

    assert await asked(ours) == await asked(theirs)


async def test_what_another_process_commits_is_believed_after_the_time_allowed(stores, watch):
    ours, theirs = stores
    await asked(ours)
    await theirs.commit(CloseSessions(ALICE.id))

    watch.now = 4.9
    assert await asked(ours) == (SESSION, ALICE)
    watch.now = 5.0
    assert await asked(ours) is None


async def test_a_session_of_one_realm_is_not_remembered_for_another(stores):
    ours, _ = stores
    await asked(ours)

    assert await ours.session("elsewhere", ALICE.id, SESSION.id) is None


async def test_a_session_that_is_not_there_is_asked_for_again(stores):
    ours, theirs = stores
    await ours.commit(CloseSessions(ALICE.id))
    assert await asked(ours) is None
    await theirs.commit(OpenSession(SESSION))

    assert await asked(ours) == (SESSION, ALICE)


async def test_the_memory_does_not_grow_without_end(stores, monkeypatch):
    ours, _ = stores
    monkeypatch.setattr("twofold.adapters.stores.remembering.REMEMBERED", 1)
    bob = replace(ALICE, id="b" * 32, name="bob", email=None, phone=None)
    theirs = replace(SESSION, subject=bob.id, id="9" * 32)
    await ours.commit(PutSubject(bob), OpenSession(theirs))
    await asked(ours)
    before = ours.counters.reads
    await ours.session(bob.realm, bob.id, theirs.id)
    await asked(ours)

    assert REMEMBERED > 1
    assert ours.counters.reads == before + 2
