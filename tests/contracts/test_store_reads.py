"""What reads return, in which order, and what they must not show."""

import asyncio
from dataclasses import replace

import pytest

from tests.contracts import samples as a
from tests.contracts.samples import ALICE, BOB, NOBODY, NOW, REALM, later
from twofold.core.effects import (
    Bind,
    OpenSession,
    PutDocument,
    PutSubject,
    Seal,
)
from twofold.core.types import Document, Item, SubjectId
from twofold.ports import Entry

POLICY = Document(REALM, "policy", "realm", '{"enforcement":"required"}', 1)


async def test_a_view_shows_all_a_step_decides_on(store):
    await store.commit(*a.alice(OpenSession(a.session()), PutDocument(POLICY)))

    by_id = await store.view(REALM, ALICE, session=a.sid(1))
    by_name = await store.view(REALM, identifier="name:alice", session=a.sid(1))

    assert by_id == by_name
    assert by_id.subject == a.subject()
    assert by_id.authenticators == (a.authenticator(), a.codes("one", "two"))
    assert by_id.tallies == {}
    assert by_id.policy == POLICY
    assert by_id.session == a.session()


async def test_a_view_shows_no_policy_and_no_session_where_there_are_none(store):
    other = Document(a.OTHER_REALM, "policy", "realm", "{}", 1)
    await store.commit(*a.alice(OpenSession(a.session()), PutDocument(other)))

    assert (await store.view(REALM, ALICE)).policy is None
    assert (await store.view(REALM, ALICE)).session is None
    assert (await store.view(REALM, ALICE, session=a.sid(2))).session is None


@pytest.mark.parametrize(
    "asked",
    [
        {"subject": NOBODY},
        {"identifier": "name:nobody"},
        {"identifier": "alice"},
        {"identifier": "email:alice"},
        {},
    ],
)
async def test_an_unknown_subject_has_no_view(store, asked):
    await store.commit(*a.alice())

    assert await store.view(REALM, **asked) is None


async def test_a_realm_does_not_see_another_ones_subjects(store):
    await store.commit(*a.alice(OpenSession(a.session()), a.record()))

    assert await store.view(a.OTHER_REALM, ALICE, session=a.sid(1)) is None
    assert await store.view(a.OTHER_REALM, identifier="name:alice") is None
    assert await store.session(a.OTHER_REALM, ALICE, a.sid(1)) is None
    assert await store.sessions(a.OTHER_REALM, ALICE) == []
    assert await store.subjects(a.OTHER_REALM) == []
    assert await store.records(a.OTHER_REALM) == []
    assert await store.records(a.OTHER_REALM, subject=ALICE) == []


async def test_a_session_is_its_subjects_alone(store):
    await store.commit(*a.alice(PutSubject(a.subject(BOB, "bob")), OpenSession(a.session())))

    assert await store.session(REALM, BOB, a.sid(1)) is None
    assert (await store.view(REALM, BOB, session=a.sid(1))).session is None
    assert await store.sessions(REALM, BOB) == []


async def test_authenticators_come_oldest_first_with_their_own_items(store):
    held = [
        a.authenticator(f"{n:016x}", created_at=later(at), items=(Item(f"z{n}"), Item(f"a{n}")))
        for n, at in ((5, 1), (4, 2), (3, 3), (1, 4), (2, 4))
    ]
    await store.commit(PutSubject(a.subject()), *(Bind(one) for one in reversed(held)))

    assert (await store.view(REALM, ALICE)).authenticators == tuple(held)


async def test_a_view_is_one_moment_even_while_others_write(store):
    await store.commit(*a.alice())
    seen = []

    async def write():
        for epoch in range(1, 40):
            label = a.authenticator(f"{epoch:016x}", created_at=later(epoch))
            await store.commit(PutSubject(a.subject(epoch=epoch), epoch - 1), Bind(label))

    async def look():
        while not seen or seen[-1].subject.epoch < 39:
            seen.append(await store.view(REALM, ALICE))
            await asyncio.sleep(0)

    async with asyncio.timeout(30):
        await asyncio.gather(look(), write(), return_exceptions=False)

    assert [len(view.authenticators) for view in seen] == [
        view.subject.epoch + len((a.PHONE, a.CODES)) for view in seen
    ]


async def test_sessions_come_newest_first(store):
    opened = [a.session(n, created_at=later(at)) for n, at in ((3, 30), (1, 20), (2, 20))]
    await store.commit(*a.alice(*(OpenSession(one) for one in reversed(opened))))

    assert await store.sessions(REALM, ALICE) == opened


NAMES = ("Zoe", "adam", "bob", "Eve", "mal_lory", "mallory", "ümit", "100%", "50")


async def people(store):
    everybody = [
        a.subject(SubjectId(f"{n:032x}"), name, email=f"{n}@Example.org")
        for n, name in enumerate(NAMES)
    ]
    await store.commit(*(PutSubject(one) for one in everybody))
    return sorted(everybody, key=lambda one: one.name)


async def test_subjects_come_by_name_page_by_page(store):
    everybody = await people(store)

    pages, after = [], ""
    while page := await store.subjects(REALM, after=after, limit=4):
        pages.extend(page)
        after = page[-1].name

    assert pages == everybody


SEARCHED = {
    "": set(NAMES),
    "mal": {"mal_lory", "mallory"},
    "MALL": {"mallory"},
    "_": {"mal_lory"},
    "%": {"100%"},
    "\\": set(),
    "Ü": {"ümit"},
    "0@exam": {"Zoe"},
    "@EXAMPLE": set(NAMES),
    "50\n": set(),
    "nobody": set(),
}


@pytest.mark.parametrize(("search", "found"), list(SEARCHED.items()), ids=list(SEARCHED))
async def test_a_search_looks_into_name_and_email_of_any_case(store, search, found):
    await people(store)

    assert {one.name for one in await store.subjects(REALM, search=search)} == found


async def test_records_rise_in_the_order_of_commits(store):
    for n in range(5):
        await store.commit(a.record(n))

    entries = await store.records(REALM)

    assert [e.record for e in entries] == [a.record(n) for n in range(5)]
    positions = [e.position for e in entries]
    assert positions == sorted(set(positions))
    assert positions[0] > 0


async def test_records_are_read_forwards_from_a_position_or_newest_first(store):
    bobs = a.record(9, subject=BOB)
    system = a.record(8, subject=None)
    await store.commit(a.record(1), bobs, a.record(2), system, a.record(3, realm=a.OTHER_REALM))
    entries = await store.records(REALM)

    assert [e.record for e in entries] == [a.record(1), bobs, a.record(2), system]
    everybodys = [a.record(1), bobs, a.record(2), system, a.record(3, realm=a.OTHER_REALM)]
    assert [e.record for e in await store.records(None)] == everybodys
    assert await store.records(REALM, limit=2) == entries[:2]
    assert await store.records(REALM, after=entries[1].position) == entries[2:]
    assert await store.records(REALM, newest=True) == entries[::-1]
    assert await store.records(REALM, newest=True, limit=1) == entries[-1:]
    assert await store.records(REALM, newest=True, after=entries[2].position) == entries[3:]
    assert await store.records(REALM, subject=BOB) == [Entry(entries[1].position, bobs)]


async def test_unsealed_records_are_of_all_realms(store):
    both = (a.record(1), a.record(2, realm=a.OTHER_REALM, subject=None), a.record(3))
    await store.commit(*both)

    entries = await store.unsealed(limit=2)
    assert [e.record for e in entries] == list(both[:2])

    await store.commit(Seal(1, NOW, entries[-1].position, "{}"))
    assert [e.record for e in await store.unsealed(limit=2)] == [both[2]]


async def test_segments_come_in_order(store):
    sealed = [Seal(n, later(n), n * 10, f'{{"n":{n}}}') for n in range(1, 6)]
    assert await store.last_segment() is None
    for one in sealed:
        await store.commit(one)

    assert await store.segments() == sealed
    assert await store.segments(after=2, limit=2) == sealed[2:4]
    assert await store.last_segment() == sealed[-1]


async def test_due_messages_come_oldest_first(store):
    late, now, old, future = (
        a.message(n, due_at=later(at)) for n, at in ((1, -1), (2, 0), (3, -2), (4, 1))
    )
    await store.commit(late, now, old, future)

    assert [q.message for q in await store.due(NOW, limit=9)] == [old, late, now]
    assert [q.message for q in await store.due(NOW, limit=1)] == [old]
    assert await store.queued() == (4, later(-2))


async def test_a_dead_message_is_due_so_that_somebody_settles_it(store):
    dead = a.message(expires_at=later(-1))
    await store.commit(dead)

    assert [q.message for q in await store.due(NOW, limit=9)] == [dead]


async def test_documents_come_by_name_of_one_kind_and_realm(store):
    b, c, d = (Document(REALM, "client", name, "{}", 1) for name in "bcd")
    elsewhere = replace(b, realm=a.OTHER_REALM)
    await store.commit(*map(PutDocument, (d, b, c, elsewhere, POLICY)))

    assert await store.documents(REALM, "client") == [b, c, d]
    assert await store.document(a.OTHER_REALM, "client", "b") == elsewhere
    assert await store.document(a.OTHER_REALM, "client", "c") is None
