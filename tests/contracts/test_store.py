"""The laws of a commit: all or nothing, one winner, and a refusal that harms nobody else."""

import asyncio

import pytest

from tests.contracts import samples as a
from tests.contracts.samples import ALICE, BOB, CODES, GONE, NOW, PHONE, REALM, later
from twofold.core.effects import (
    Advance,
    Amend,
    Bind,
    Burn,
    CloseSessions,
    Forget,
    Forgive,
    Issue,
    Lease,
    OpenSession,
    PutDocument,
    PutSubject,
    Record,
    Remember,
    RemoveDocument,
    RemoveSubject,
    Renew,
    Reusable,
    Rotate,
    Seal,
    Settle,
    Sweep,
    TakeGuess,
    Touch,
    Unbind,
    Unchanged,
    Unguessed,
)
from twofold.core.errors import Refused, Replayed, Stale, Taken
from twofold.core.types import Binding, Document, Item, Status

SCOPE = "kind:totp"
POLICY = Document(REALM, "policy", "realm", "{}", 1)
HARMLESS = PutDocument(Document(REALM, "note", "harmless", "{}", 1))

SENT = a.message()
GUESSED = TakeGuess(ALICE, SCOPE, a.tally(1), later(900))
AGAIN = TakeGuess(ALICE, SCOPE, a.tally(2), later(900))
BOBS = PutSubject(a.subject(BOB, "bob", email="b@example.org", email_verified=True))
VERIFIED = a.subject(email="B@example.org", email_verified=True)

REFUSED = {
    "a step that was spent": (
        (Advance(ALICE, PHONE, 5, NOW),),
        Advance(ALICE, PHONE, 5, NOW),
        Replayed,
    ),
    "a step before one that was spent": (
        (Advance(ALICE, PHONE, 5, NOW),),
        Advance(ALICE, PHONE, 4, NOW),
        Replayed,
    ),
    "a step of an authenticator that is gone": ((), Advance(ALICE, GONE, 5, NOW), Replayed),
    "a code that was spent": (
        (Burn(ALICE, CODES, "one", NOW),),
        Burn(ALICE, CODES, "one", NOW),
        Replayed,
    ),
    "a code that never was": ((), Burn(ALICE, CODES, "three", NOW), Replayed),
    "a code of another authenticator": ((), Burn(ALICE, PHONE, "one", NOW), Replayed),
    "a code at the moment it expires": (
        (Issue(ALICE, CODES, (Item("late", later(60)),)),),
        Burn(ALICE, CODES, "late", later(60)),
        Replayed,
    ),
    "a subject of a later epoch": ((), Unchanged(ALICE, 1), Stale),
    "a subject of an earlier epoch": (
        (PutSubject(a.subject(epoch=2), 0),),
        Unchanged(ALICE, 1),
        Stale,
    ),
    "a subject that is disabled": (
        (PutSubject(a.subject(status=Status.DISABLED), 0),),
        Unchanged(ALICE, 0),
        Stale,
    ),
    "a subject that is not there": ((), Unchanged(BOB, 0), Stale),
    "a guess where none was seen": ((GUESSED,), Unchanged(ALICE, 0, (SCOPE,)), Stale),
    "a guess in the second scope": ((GUESSED,), Unchanged(ALICE, 0, ("kind:x", SCOPE)), Stale),
    "a later epoch without a guess": ((), Unchanged(ALICE, 1, (SCOPE,)), Stale),
    "a first guess that is the second": ((GUESSED,), GUESSED, Stale),
    "a second guess without a first": ((), TakeGuess(ALICE, SCOPE, a.tally(2), NOW), Stale),
    "a guess that skips one": ((GUESSED,), TakeGuess(ALICE, SCOPE, a.tally(3), NOW), Stale),
    "forgiving what was not seen": ((GUESSED,), Forgive(ALICE, SCOPE, 0), Stale),
    "forgiving what has grown": ((GUESSED, AGAIN), Forgive(ALICE, SCOPE, 1), Stale),
    "forgiving more than there is": ((GUESSED,), Forgive(ALICE, SCOPE, 2), Stale),
    "guesses that have grown": ((GUESSED, AGAIN), Unguessed(ALICE, SCOPE, 1), Stale),
    "more guesses than there are": ((GUESSED,), Unguessed(ALICE, SCOPE, 2), Stale),
    "forgiving what is not there": ((), Forgive(ALICE, SCOPE, 1), Stale),
    "a guess that was not seen": ((GUESSED,), Unguessed(ALICE, SCOPE, 0), Stale),
    "a guess that is not there": ((), Unguessed(ALICE, SCOPE, 1), Stale),
    "a session that exists": ((OpenSession(a.session()),), OpenSession(a.session()), Replayed),
    "a rotation of an older generation": (
        (OpenSession(a.session(generation=2)),),
        Rotate(ALICE, a.sid(1), 1, NOW),
        Stale,
    ),
    "a rotation of a closed session": ((), Rotate(ALICE, a.sid(1), 0, NOW), Stale),
    "a browser that is remembered": ((Remember(a.device()),), Remember(a.device()), Stale),
    "a browser of an older generation": (
        (Remember(a.device()),),
        Renew(ALICE, a.did(1), 6, NOW, ""),
        Stale,
    ),
    "a browser of a generation to come": (
        (Remember(a.device()),),
        Renew(ALICE, a.did(1), 8, NOW, ""),
        Stale,
    ),
    "a browser of somebody else": (
        (Remember(a.device()),),
        Renew(BOB, a.did(1), 7, NOW, ""),
        Stale,
    ),
    "a browser that was forgotten": (
        (Remember(a.device()), Forget(ALICE)),
        Renew(ALICE, a.did(1), 7, NOW, ""),
        Stale,
    ),
    "an authenticator that exists": ((), Bind(a.authenticator()), Stale),
    "a change of one that is gone": ((), Amend(ALICE, GONE, label="x"), Stale),
    "no change of one that is gone": ((), Amend(ALICE, GONE), Stale),
    "a farewell to one that is gone": ((), Unbind(ALICE, GONE), Stale),
    "codes for one that is gone": ((), Issue(ALICE, GONE, ()), Stale),
    "a code sent for one that is gone": ((), Issue(ALICE, GONE, (), {"sent": 1}, 0), Stale),
    "a code sent twice at once": (
        (Issue(ALICE, CODES, (), {"sent": 1}, 0),),
        Issue(ALICE, CODES, (), {"sent": 1}, 0),
        Stale,
    ),
    "a code sent without having looked": ((), Issue(ALICE, CODES, (), {"sent": 1}, None), Stale),
    "a lease that is held": (
        (SENT, Lease(ALICE, SENT.id, 0, later(30), NOW)),
        Lease(ALICE, SENT.id, 1, later(60), later(29)),
        Stale,
    ),
    "a lease that was seen at fewer tries": (
        (SENT, Lease(ALICE, SENT.id, 0, later(30), NOW)),
        Lease(ALICE, SENT.id, 0, later(60), later(30)),
        Stale,
    ),
    "a lease of what is settled": (
        (SENT, Settle(ALICE, SENT.id)),
        Lease(ALICE, SENT.id, 0, later(30), NOW),
        Stale,
    ),
    "a new subject that exists": ((), PutSubject(a.subject(name="again")), Stale),
    "a change of a subject that is gone": ((), PutSubject(a.subject(BOB, "bob"), 0), Stale),
    "a change decided on another epoch": ((), PutSubject(a.subject(epoch=2), 1), Stale),
    "a subject that changes realm": ((), PutSubject(a.subject(realm=a.OTHER_REALM), 0), Stale),
    "a name that is taken": ((BOBS,), PutSubject(a.subject(name="BOB"), 0), Taken),
    "a new subject with a name that is taken": ((), PutSubject(a.subject(BOB, "Alice")), Taken),
    "an address that is taken": ((BOBS,), PutSubject(VERIFIED, 0), Taken),
    "a number that is taken": (
        (PutSubject(a.subject(BOB, "bob", phone="+49301234567", phone_verified=True)),),
        PutSubject(a.subject(phone="+49 30 1234567", phone_verified=True), 0),
        Taken,
    ),
    "removing a subject that is gone": ((), RemoveSubject(BOB), Stale),
    "a first document that exists": ((PutDocument(POLICY),), PutDocument(POLICY), Stale),
    "a second version without a first": (
        (),
        PutDocument(Document(REALM, "policy", "realm", "{}", 2)),
        Stale,
    ),
    "a version that skips one": (
        (PutDocument(POLICY),),
        PutDocument(Document(REALM, "policy", "realm", "{}", 3)),
        Stale,
    ),
    "a version that was replaced": (
        (PutDocument(POLICY), PutDocument(Document(REALM, "policy", "realm", "{}", 2))),
        PutDocument(Document(REALM, "policy", "realm", "{}", 2)),
        Stale,
    ),
    "removing a document that is gone": ((), RemoveDocument(REALM, "policy", "realm"), Stale),
    "a first segment that is not the first": ((), Seal(2, NOW, 1, "{}"), Stale),
    "a segment that was sealed": ((Seal(1, NOW, 1, "{}"),), Seal(1, NOW, 1, "{}"), Stale),
}

refused = pytest.mark.parametrize(
    ("before", "effect", "error"), list(REFUSED.values()), ids=list(REFUSED)
)


async def everything(store):
    """All that can be read, to see that nothing has changed."""
    return (
        await store.subjects(REALM),
        [await store.view(REALM, who, session=a.sid(1), devices=True) for who in (ALICE, BOB)],
        await store.sessions(REALM, ALICE),
        await store.records(REALM),
        await store.unsealed(limit=100),
        await store.segments(),
        await store.due(later(10_000), limit=100),
        [await store.documents(REALM, kind) for kind in ("policy", "note")],
    )


@refused
async def test_a_refusal_says_why(store, before, effect, error):
    await store.commit(*a.alice(*before))

    with pytest.raises(error) as caught:
        await store.commit(effect)

    assert type(caught.value) is error


@refused
async def test_a_refusal_undoes_what_came_before_it(store, before, effect, error):
    await store.commit(*a.alice(*before))
    as_it_was = await everything(store)

    with pytest.raises(error):
        await store.commit(HARMLESS, a.record(), effect)

    assert await everything(store) == as_it_was


@refused
async def test_a_refusal_forbids_what_comes_after_it(store, before, effect, error):
    await store.commit(*a.alice(*before))
    as_it_was = await everything(store)

    with pytest.raises(error):
        await store.commit(effect, a.record(), HARMLESS)

    assert await everything(store) == as_it_was


@refused
async def test_a_refusal_harms_no_neighbour(store, before, effect, error):
    await store.commit(*a.alice(*before))
    neighbours = [
        (PutDocument(Document(REALM, "note", f"{n}", "{}", 1)), a.record(n)) for n in range(4)
    ]

    results = await asyncio.gather(
        *(store.commit(*neighbour) for neighbour in neighbours[:2]),
        store.commit(effect),
        *(store.commit(*neighbour) for neighbour in neighbours[2:]),
        return_exceptions=True,
    )

    assert [type(result) for result in results] == [type(None)] * 2 + [error] + [type(None)] * 2
    assert [d.name for d in await store.documents(REALM, "note")] == ["0", "1", "2", "3"]
    assert [e.record for e in await store.records(REALM)] == [a.record(n) for n in range(4)]


async def test_the_first_refusal_is_the_one_that_is_told(store):
    await store.commit(*a.alice())

    with pytest.raises(Replayed):
        await store.commit(Advance(ALICE, GONE, 1, NOW), Unchanged(ALICE, 7))
    with pytest.raises(Stale):
        await store.commit(Unchanged(ALICE, 7), Advance(ALICE, GONE, 1, NOW))


async def test_effects_see_those_before_them(store):
    await store.commit(*a.alice(GUESSED))

    await store.commit(
        Forgive(ALICE, SCOPE, 1),
        TakeGuess(ALICE, SCOPE, a.tally(1, rounds=3), later(900)),
        Unguessed(ALICE, SCOPE, 1),
        PutSubject(a.subject(epoch=1), 0),
        Unchanged(ALICE, 1),
        Advance(ALICE, PHONE, 5, NOW),
        Advance(ALICE, PHONE, 6, NOW),
        Unbind(ALICE, CODES),
        Bind(a.codes("three")),
        Burn(ALICE, CODES, "three", NOW),
    )

    seen = await store.view(REALM, ALICE)
    assert seen.tallies == {SCOPE: a.tally(1, rounds=3)}
    assert [held.mark for held in seen.authenticators] == [6, 0]
    assert seen.authenticators[1].items == ()
    with pytest.raises(Replayed):
        await store.commit(Advance(ALICE, PHONE, 8, NOW), Advance(ALICE, PHONE, 7, NOW))


async def test_committing_nothing_is_nothing(store):
    await store.commit()
    await store.commit(Reusable())


CONTESTED = {
    "a step": ((), Advance(ALICE, PHONE, 5, NOW)),
    "a code": ((), Burn(ALICE, CODES, "one", NOW)),
    "a first guess": ((), GUESSED),
    "a further guess": ((GUESSED,), TakeGuess(ALICE, SCOPE, a.tally(2), later(900))),
    "forgiveness": ((GUESSED,), Forgive(ALICE, SCOPE, 1)),
    "a session": ((), OpenSession(a.session())),
    "a rotation": ((OpenSession(a.session()),), Rotate(ALICE, a.sid(1), 0, NOW)),
    "a browser": ((), Remember(a.device())),
    "a use of a browser": ((Remember(a.device()),), Renew(ALICE, a.did(1), 7, NOW, "")),
    "an authenticator": ((), Bind(a.authenticator(GONE))),
    "its end": ((), Unbind(ALICE, PHONE)),
    "a code to send": ((), Issue(ALICE, CODES, (Item("new"),), {"sent": 1}, 0)),
    "a message": ((SENT,), Lease(ALICE, SENT.id, 0, later(30), NOW)),
    "a name": ((), PutSubject(a.subject(BOB, "bob"))),
    "a change": ((), PutSubject(a.subject(epoch=1), 0)),
    "a removal": ((), RemoveSubject(ALICE)),
    "a document": ((), PutDocument(POLICY)),
    "a document's end": ((PutDocument(POLICY),), RemoveDocument(REALM, "policy", "realm")),
    "a segment": ((), Seal(1, NOW, 1, "{}")),
}


@pytest.mark.parametrize(("before", "effect"), list(CONTESTED.values()), ids=list(CONTESTED))
async def test_among_many_at_once_one_wins(store, before, effect):
    await store.commit(*a.alice(*before))

    results = await asyncio.gather(
        *(store.commit(a.record(n), effect) for n in range(20)), return_exceptions=True
    )

    won = [n for n, result in enumerate(results) if result is None]
    assert len(won) == 1
    assert all(isinstance(r, Refused) for n, r in enumerate(results) if n not in won)
    assert [e.record for e in await store.records(REALM)] == [a.record(won[0])]


async def test_rising_steps_at_once_never_fall(store):
    await store.commit(*a.alice())

    results = await asyncio.gather(
        *(store.commit(Advance(ALICE, PHONE, step, NOW)) for step in (3, 1, 4, 1, 5, 9, 2, 6)),
        return_exceptions=True,
    )

    seen = await store.view(REALM, ALICE)
    assert seen.authenticators[0].mark == 9
    assert results[5] is None


async def test_different_codes_at_once_both_count(store):
    await store.commit(*a.alice())

    await asyncio.gather(
        store.commit(Burn(ALICE, CODES, "one", NOW)), store.commit(Burn(ALICE, CODES, "two", NOW))
    )

    assert (await store.view(REALM, ALICE)).authenticators[1].items == ()


async def test_parallel_guesses_against_a_budget_reveal_no_more_than_it(store):
    await store.commit(*a.alice())
    budget, verdicts = 5, []

    async def guess():
        while True:
            seen = (await store.view(REALM, ALICE)).tallies.get(SCOPE)
            spent = seen.version if seen else 0
            if spent >= budget:
                return
            try:
                await store.commit(TakeGuess(ALICE, SCOPE, a.tally(spent + 1), later(900)))
            except Stale:
                continue
            verdicts.append("wrong")

    await asyncio.gather(*(guess() for _ in range(30)))

    assert len(verdicts) == budget


async def test_a_caller_that_leaves_does_not_take_its_commit_along(store):
    await store.commit(*a.alice())
    caller = asyncio.ensure_future(store.commit(a.record()))
    await asyncio.sleep(0)

    caller.cancel()
    await store.commit(HARMLESS)

    assert [e.record for e in await store.records(REALM)] == [a.record()]


NEVER_REFUSED = {
    "reusing": Reusable(),
    "closing no session": CloseSessions(BOB),
    "forgetting no browser": Forget(BOB),
    "touching no session": Touch(BOB, a.sid(1), NOW),
    "settling no message": Settle(BOB, "f" * 32),
    "sweeping nothing": Sweep(NOW),
    "recording about nobody": Record(REALM, None, "f" * 16, NOW, "server.started", "{}"),
    "sending to nobody": a.message(subject=BOB),
    "seeing no guesses": Unguessed(BOB, SCOPE, 0),
    "seeing an account nobody guessed at": Unchanged(ALICE, 0, ("kind:x", SCOPE)),
    "forgiving no guesses": Forgive(BOB, SCOPE, 0),
    "renaming": Amend(ALICE, PHONE, label="x"),
    "closing": Amend(ALICE, PHONE, state=Binding.CLOSED),
}


@pytest.mark.parametrize("effect", list(NEVER_REFUSED.values()), ids=list(NEVER_REFUSED))
async def test_what_needs_nothing_is_not_refused(store, effect):
    await store.commit(*a.alice())

    await store.commit(effect)
