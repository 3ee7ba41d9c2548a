"""What each effect leaves behind, as its docstring in core/effects.py promises."""

import pytest

from tests.contracts import samples as a
from tests.contracts.samples import ALICE, BOB, CODES, NOBODY, NOW, PHONE, REALM, later
from twofold.core.effects import (
    Advance,
    Amend,
    Bind,
    Burn,
    CloseSessions,
    Forgive,
    Issue,
    Lease,
    OpenSession,
    PutDocument,
    PutSubject,
    RemoveDocument,
    RemoveSubject,
    Rotate,
    Seal,
    Settle,
    Sweep,
    TakeGuess,
    Touch,
    Unbind,
)
from twofold.core.errors import Malformed, Replayed, Taken
from twofold.core.types import Binding, Document, Instant, Item, Status

SCOPE = "kind:totp"


async def held(store, id):
    seen = await store.view(REALM, ALICE)
    return next((one for one in seen.authenticators if one.id == id), None)


async def test_advance_moves_the_mark_and_notes_the_use(store):
    await store.commit(*a.alice())

    await store.commit(Advance(ALICE, PHONE, 7, later(1)))

    assert await held(store, PHONE) == a.authenticator(mark=7, used_at=later(1))


async def test_burn_deletes_the_item_and_notes_the_use(store):
    await store.commit(*a.alice())

    await store.commit(Burn(ALICE, CODES, "one", later(1)))

    assert await held(store, CODES) == a.codes("two", used_at=later(1))


async def test_a_code_is_good_until_just_before_it_expires(store):
    await store.commit(*a.alice(Issue(ALICE, CODES, (Item("late", later(60)),))))

    await store.commit(Burn(ALICE, CODES, "late", Instant(later(60) - 1)))


async def test_a_guess_is_kept_as_the_rule_made_it(store):
    await store.commit(*a.alice())
    first, second = a.tally(1), a.tally(2, blocked_until=later(900), rounds=1, streak=9)

    await store.commit(TakeGuess(ALICE, SCOPE, first, later(900)))
    assert (await store.view(REALM, ALICE)).tallies == {SCOPE: first}

    await store.commit(TakeGuess(ALICE, SCOPE, second, later(900)))
    assert (await store.view(REALM, ALICE)).tallies == {SCOPE: second}


async def test_guesses_are_counted_apart_by_scope_and_subject(store):
    await store.commit(*a.alice(PutSubject(a.subject(BOB, "bob"))))

    await store.commit(
        TakeGuess(ALICE, SCOPE, a.tally(1), NOW),
        TakeGuess(ALICE, "ceremony:x", a.tally(1), NOW),
        TakeGuess(BOB, SCOPE, a.tally(1), NOW),
        Forgive(ALICE, SCOPE, 1),
    )

    assert (await store.view(REALM, ALICE)).tallies == {"ceremony:x": a.tally(1)}
    assert (await store.view(REALM, BOB)).tallies == {SCOPE: a.tally(1)}


async def test_an_open_session_is_found_by_its_id(store):
    await store.commit(*a.alice())
    opened = a.session(address="192.0.2.1", agent="a browser", client="shop", transport="cookie")

    await store.commit(OpenSession(opened))

    assert await store.session(REALM, ALICE, opened.id) == (opened, a.subject())
    assert (await store.view(REALM, ALICE, session=opened.id)).session == opened


CLOSED = {
    "all": (CloseSessions(ALICE), []),
    "one": (CloseSessions(ALICE, only=a.sid(2)), [1, 3]),
    "one that is not there": (CloseSessions(ALICE, only=a.sid(9)), [1, 2, 3]),
    "all but one": (CloseSessions(ALICE, keep=a.sid(2)), [2]),
    "one, but not that one": (CloseSessions(ALICE, only=a.sid(2), keep=a.sid(2)), [1, 2, 3]),
    "those of another subject": (CloseSessions(BOB), [1, 2, 3]),
}


@pytest.mark.parametrize(("effect", "left"), list(CLOSED.values()), ids=list(CLOSED))
async def test_sessions_close(store, effect, left):
    await store.commit(*a.alice(*(OpenSession(a.session(n)) for n in (1, 2, 3))))

    await store.commit(effect)

    assert [s.id for s in await store.sessions(REALM, ALICE)] == [a.sid(n) for n in left]


async def test_a_rotation_raises_the_generation_and_is_a_use(store):
    await store.commit(*a.alice(OpenSession(a.session())))

    await store.commit(Rotate(ALICE, a.sid(1), 0, later(5)))

    rotated = a.session(generation=1, rotated_at=later(5), seen_at=later(5))
    assert await store.sessions(REALM, ALICE) == [rotated]


@pytest.mark.parametrize(("at", "seen_at"), [(later(5), later(5)), (later(-5), NOW)])
async def test_a_touch_never_moves_time_back(store, at, seen_at):
    await store.commit(*a.alice(OpenSession(a.session())))

    await store.commit(Touch(ALICE, a.sid(1), at))
    assert await store.sessions(REALM, ALICE) == [a.session(seen_at=seen_at)]

    await store.commit(Rotate(ALICE, a.sid(1), 0, at))
    assert [s.seen_at for s in await store.sessions(REALM, ALICE)] == [seen_at]


async def test_what_is_bound_comes_back_as_it_was(store):
    await store.commit(PutSubject(a.subject()))
    bound = a.authenticator(
        state=Binding.PENDING,
        label="Mein Telefon ☎",
        sealed=bytes(range(256)),
        parameters={"digits": 8, "algorithm": "SHA256"},
        mark=2**62,
        preferred=True,
        used_at=later(3),
        items=(Item("z"), Item("a", later(9)), Item("m", None, "ceremony")),
    )

    await store.commit(Bind(bound))

    assert (await store.view(REALM, ALICE)).authenticators == (bound,)


async def test_two_items_with_one_key_are_one(store):
    await store.commit(*a.alice(Issue(ALICE, CODES, (Item("x"), Item("y"), Item("x")))))

    assert (await held(store, CODES)).items == (Item("x"), Item("y"))


AMENDED = {
    "nothing": {},
    "label": {"label": "new"},
    "no label": {"label": ""},
    "state": {"state": Binding.CLOSED},
    "pending": {"state": Binding.PENDING},
    "secret": {"sealed": b"new"},
    "parameters": {"parameters": {"digits": 8}},
    "no parameters": {"parameters": {}},
    "all": {"label": "n", "state": Binding.CLOSED, "sealed": b"", "parameters": {"period": 60}},
}


@pytest.mark.parametrize("change", list(AMENDED.values()), ids=list(AMENDED))
async def test_an_amendment_leaves_what_it_does_not_name(store, change):
    await store.commit(*a.alice(Amend(ALICE, PHONE, label="old")))

    await store.commit(Amend(ALICE, PHONE, **change))

    assert await held(store, PHONE) == a.authenticator(**{"label": "old", **change})
    assert await held(store, CODES) == a.codes("one", "two")


async def test_one_authenticator_is_preferred_at_most(store):
    bobs = a.authenticator(owner=BOB, preferred=True)
    await store.commit(*a.alice(PutSubject(a.subject(BOB, "bob")), Bind(bobs)))

    await store.commit(Amend(ALICE, PHONE, preferred=True))
    await store.commit(Amend(ALICE, CODES, preferred=True))
    assert not (await held(store, PHONE)).preferred
    assert (await held(store, CODES)).preferred

    await store.commit(Amend(ALICE, CODES, preferred=False))
    assert not (await held(store, CODES)).preferred
    assert (await store.view(REALM, BOB)).authenticators == (bobs,)


async def test_what_is_unbound_takes_its_items_along(store):
    await store.commit(*a.alice())

    await store.commit(Unbind(ALICE, CODES))
    assert await held(store, CODES) is None

    await store.commit(Bind(a.codes()))
    assert (await held(store, CODES)).items == ()


async def test_a_new_code_voids_the_old_ones(store):
    await store.commit(*a.alice())

    await store.commit(Issue(ALICE, CODES, (Item("three"),)))

    assert await held(store, CODES) == a.codes("three")
    with pytest.raises(Replayed):
        await store.commit(Burn(ALICE, CODES, "one", NOW))


async def test_sending_a_code_notes_it_and_moves_the_mark(store):
    await store.commit(*a.alice())

    await store.commit(Issue(ALICE, CODES, (Item("a"),), {"sent": 5}, 0))
    await store.commit(Issue(ALICE, CODES, (Item("b"),), {}, 1))

    assert await held(store, CODES) == a.codes("b", mark=2)


async def test_a_message_waits_until_it_is_settled(store):
    await store.commit(*a.alice(a.message()))
    assert await store.queued() == (1, NOW)

    await store.commit(Settle(ALICE, a.message().id))

    assert await store.queued() == (0, None)


async def test_a_message_with_a_known_id_replaces_the_unsent_one(store):
    old, new = a.message(), a.message(sealed=b"new", due_at=later(1))
    await store.commit(*a.alice(old, Lease(ALICE, old.id, 0, later(30), NOW)))

    await store.commit(new)

    queued = await store.due(later(1), limit=9)
    assert [(q.message, q.tries) for q in queued] == [(new, 0)]


async def test_a_message_replaced_while_the_older_was_delivered_stays(store):
    old, new = a.message(), a.message(sealed=b"new", due_at=later(1))
    await store.commit(*a.alice(old))
    await store.commit(new)

    await store.commit(Settle(ALICE, old.id, old.due_at))
    assert await store.queued() == (1, later(1))

    await store.commit(Settle(ALICE, new.id, new.due_at))
    assert await store.queued() == (0, None)


async def test_a_lease_counts_tries_and_ends(store):
    await store.commit(*a.alice(a.message()))

    await store.commit(Lease(ALICE, a.message().id, 0, later(30), NOW))

    assert await store.due(later(29), limit=9) == []
    assert [q.tries for q in await store.due(later(30), limit=9)] == [1]
    await store.commit(Lease(ALICE, a.message().id, 1, later(60), later(30)))


async def test_a_subject_comes_back_as_it_was(store):
    full = a.subject(
        name="Alíce ⚕",
        email="Alice@Example.org",
        email_verified=True,
        phone="+49 30 1234567",
        phone_verified=True,
        groups=("staff", "ops"),
        admin=True,
        status=Status.DISABLED,
        epoch=3,
        attributes={"nested": {"list": [1, None, True, "ü"]}},
        locale="de-AT",
    )

    await store.commit(PutSubject(full))

    assert (await store.view(REALM, ALICE)).subject == full


async def test_a_change_of_name_or_address_moves_the_identifiers(store):
    old = a.subject(email="a@example.org", email_verified=True)
    new = a.subject(name="alicia", email="c@example.org", email_verified=True)
    await store.commit(PutSubject(old))

    await store.commit(PutSubject(new, 0))

    async def found(identifier):
        seen = await store.view(REALM, identifier=identifier)
        return seen and seen.subject

    assert await found("name:alice") is None
    assert await found("email:a@example.org") is None
    assert await found("name:alicia") == new
    assert await found("email:c@example.org") == new
    await store.commit(PutSubject(a.subject(BOB, "alice")))


async def test_an_unverified_address_reserves_and_finds_nothing(store):
    await store.commit(
        PutSubject(a.subject(email="a@example.org", phone="+49301234567")),
        PutSubject(
            a.subject(
                BOB,
                "bob",
                email="a@example.org",
                email_verified=True,
                phone="+49301234567",
                phone_verified=True,
            )
        ),
    )

    for identifier in ("email:a@example.org", "phone:+49301234567"):
        assert (await store.view(REALM, identifier=identifier)).subject.id == BOB
    taken = a.subject(email="a@example.org", email_verified=True)
    with pytest.raises(Taken):
        await store.commit(PutSubject(taken, 0))


async def test_names_are_taken_within_a_realm_only(store):
    await store.commit(PutSubject(a.subject()))

    await store.commit(PutSubject(a.subject(BOB, realm=a.OTHER_REALM)))

    for realm, id in ((REALM, ALICE), (a.OTHER_REALM, BOB)):
        assert (await store.view(realm, identifier="name:alice")).subject.id == id


async def test_a_name_nobody_could_type_is_malformed(store):
    with pytest.raises(Malformed):
        await store.commit(a.record(), PutSubject(a.subject(name="a\nb")))

    assert await store.subjects(REALM) == []
    assert await store.records(REALM) == []


async def test_a_removed_subject_leaves_only_its_records(store):
    email = a.subject(email="a@example.org", email_verified=True)
    neighbour = (
        PutSubject(a.subject(BOB, "bob")),
        Bind(a.authenticator(owner=BOB)),
        OpenSession(a.session(owner=BOB)),
    )
    await store.commit(*a.alice(PutSubject(email, 0), *neighbour))
    await store.commit(
        OpenSession(a.session()), TakeGuess(ALICE, SCOPE, a.tally(), NOW), a.message(), a.record()
    )

    await store.commit(RemoveSubject(ALICE))

    assert await store.view(REALM, ALICE) is None
    assert await store.view(REALM, identifier="email:a@example.org") is None
    again = a.subject(NOBODY, "alice", email="a@example.org", email_verified=True)
    await store.commit(PutSubject(again))
    assert await store.session(REALM, ALICE, a.sid(1)) is None
    assert await store.queued() == (0, None)
    assert [e.record for e in await store.records(REALM, subject=ALICE)] == [a.record()]
    assert (await store.view(REALM, BOB, session=a.sid(1))).session == a.session(owner=BOB)
    assert len((await store.view(REALM, BOB)).authenticators) == 1


async def test_what_is_sent_behind_a_removal_is_not_removed(store):
    await store.commit(*a.alice(a.message(1)))

    await store.commit(RemoveSubject(ALICE), a.message(2))

    assert [q.message for q in await store.due(NOW, limit=9)] == [a.message(2)]


async def test_nothing_of_a_removed_subject_comes_back(store):
    await store.commit(*a.alice(OpenSession(a.session()), a.message()))
    await store.commit(TakeGuess(ALICE, SCOPE, a.tally(), NOW), RemoveSubject(ALICE))

    await store.commit(PutSubject(a.subject()))

    seen = await store.view(REALM, ALICE, session=a.sid(1))
    assert (seen.authenticators, seen.tallies, seen.session) == ((), {}, None)
    await store.commit(Bind(a.codes()))
    assert (await held(store, CODES)).items == ()


async def test_documents_are_replaced_version_by_version(store):
    first, second = (Document(REALM, "policy", "realm", f"{n}", n) for n in (1, 2))

    await store.commit(PutDocument(first))
    await store.commit(PutDocument(second))
    assert await store.document(REALM, "policy", "realm") == second

    await store.commit(RemoveDocument(REALM, "policy", "realm"))
    assert await store.document(REALM, "policy", "realm") is None
    await store.commit(PutDocument(first))


async def test_a_segment_covers_records_up_to_a_position(store):
    await store.commit(*(a.record(n) for n in (1, 2, 3)))
    second = (await store.unsealed(limit=9))[1].position

    await store.commit(Seal(1, NOW, second, "{}"))

    assert [e.record for e in await store.unsealed(limit=9)] == [a.record(3)]
    assert await store.last_segment() == Seal(1, NOW, second, "{}")


async def test_a_sweep_deletes_what_has_expired_and_nothing_else(store):
    expired, alive = NOW, later(1)
    await store.commit(
        *a.alice(
            Issue(ALICE, CODES, (Item("old", expired), Item("new", alive), Item("ever"))),
            OpenSession(a.session(1, expires_at=expired)),
            OpenSession(a.session(2, expires_at=alive)),
            TakeGuess(ALICE, "old", a.tally(), expired),
            TakeGuess(ALICE, "new", a.tally(), alive),
            a.message(1, expires_at=expired),
            a.message(2, expires_at=alive),
            a.record(),
        )
    )

    await store.commit(Sweep(alive))

    seen = await store.view(REALM, ALICE)
    assert (await held(store, CODES)).items == (Item("new", alive), Item("ever"))
    assert [s.id for s in await store.sessions(REALM, ALICE)] == [a.sid(2)]
    assert set(seen.tallies) == {"new"}
    assert await store.queued() == (1, NOW)
    assert len(await store.records(REALM)) == 1


async def test_a_sweep_takes_the_oldest_of_each_table_up_to_its_limit(store):
    await store.commit(
        *a.alice(
            Issue(ALICE, CODES, tuple(Item(f"{n}", later(n)) for n in (3, 1, 2))),
            *(OpenSession(a.session(n, expires_at=later(n))) for n in (3, 1, 2)),
            *(TakeGuess(ALICE, f"{n}", a.tally(), later(n)) for n in (3, 1, 2)),
            *(a.message(n, expires_at=later(n)) for n in (3, 1, 2)),
        )
    )

    await store.commit(Sweep(later(9), limit=2))

    seen = await store.view(REALM, ALICE)
    assert (await held(store, CODES)).items == (Item("3", later(3)),)
    assert [s.id for s in await store.sessions(REALM, ALICE)] == [a.sid(3)]
    assert set(seen.tallies) == {"3"}
    assert [q.message.id for q in await store.due(NOW, limit=9)] == [a.message(3).id]
