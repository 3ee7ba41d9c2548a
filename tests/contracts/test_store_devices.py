"""What remembered browsers leave behind, and when they are read."""

import pytest

from tests.contracts import samples as a
from tests.contracts.samples import ALICE, BOB, OTHER_REALM, REALM, later
from twofold.core.effects import Forget, PutSubject, Remember, RemoveSubject, Renew, Sweep


async def remembered(store, subject=ALICE):
    return (await store.view(REALM, subject, devices=True)).devices


async def test_a_remembered_browser_is_read_only_where_it_is_asked_for(store):
    await store.commit(*a.alice(Remember(a.device())))

    assert (await store.view(REALM, ALICE)).devices == ()
    assert (await store.view(REALM, identifier="name:alice")).devices == ()
    by_name = await store.view(REALM, identifier="name:alice", devices=True)
    assert by_name.devices == (a.device(),)
    assert await remembered(store) == (a.device(),)
    assert await store.view(OTHER_REALM, ALICE, devices=True) is None


async def test_browsers_come_newest_first_and_each_with_its_own_subject(store):
    bobs = a.device(1, BOB)
    rows = [a.device(1, created_at=later(1)), a.device(3), a.device(2)]
    await store.commit(*a.alice(PutSubject(a.subject(BOB, "bob")), *map(Remember, (*rows, bobs))))

    assert [row.id for row in await remembered(store)] == [a.did(1), a.did(2), a.did(3)]
    assert await remembered(store, BOB) == (bobs,)


async def test_a_use_raises_the_generation_and_is_noted(store):
    await store.commit(*a.alice(Remember(a.device()), Remember(a.device(2))))

    await store.commit(Renew(ALICE, a.did(1), 7, later(5), "192.0.2.9"))

    used = a.device(generation=8, seen_at=later(5), address="192.0.2.9")
    assert await remembered(store) == (used, a.device(2))


FORGOTTEN = {
    "all": (Forget(ALICE), []),
    "one": (Forget(ALICE, only=a.did(2)), [1]),
    "one that is not there": (Forget(ALICE, only=a.did(9)), [1, 2]),
    "those of another subject": (Forget(BOB), [1, 2]),
    "one of another subject": (Forget(BOB, only=a.did(1)), [1, 2]),
}


@pytest.mark.parametrize(("effect", "left"), list(FORGOTTEN.values()), ids=list(FORGOTTEN))
async def test_browsers_are_forgotten(store, effect, left):
    await store.commit(*a.alice(Remember(a.device(1)), Remember(a.device(2))))

    await store.commit(effect)

    assert [row.id for row in await remembered(store)] == [a.did(n) for n in left]


async def test_a_removed_subject_leaves_no_browser(store):
    await store.commit(*a.alice(Remember(a.device())))

    await store.commit(RemoveSubject(ALICE))
    await store.commit(PutSubject(a.subject()))

    assert await remembered(store) == ()


async def test_a_sweep_takes_those_whose_time_is_over_oldest_first(store):
    rows = [a.device(n, trusted_until=later(n)) for n in (3, 1, 2, 9)]
    await store.commit(*a.alice(*map(Remember, rows)))

    await store.commit(Sweep(later(9), limit=2))

    assert {row.id for row in await remembered(store)} == {a.did(3), a.did(9)}
