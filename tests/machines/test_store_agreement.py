"""The store on SQLite and the oracle, side by side: same answers, same refusals, same reads."""

import asyncio
import itertools
import tempfile
from dataclasses import replace
from pathlib import Path

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from tests.contracts import samples as a
from tests.contracts.samples import ALICE, BOB, CODES, OTHER_REALM, PHONE, REALM, later
from twofold.adapters.stores.memory import MemoryStore
from twofold.adapters.stores.sqlite import SqliteStore
from twofold.core import effects as do
from twofold.core.types import Binding, Document, Item, Status, Tally

pick = st.sampled_from
realms = pick([REALM, REALM, OTHER_REALM])
subjects = pick([ALICE, ALICE, BOB])
authenticators = pick([PHONE, CODES])
names = pick(["alice", "Alice", "bob", "ümit"])
emails = pick([None, "a@example.org", "A@Example.org", "b@example.org"])
phones = pick([None, "+49301234567"])
times = pick([later(n) for n in range(4)])
small = pick([0, 1, 2, 3])
epochs = pick([0, 0, 1])
scopes = pick(["kind:totp", "ceremony:x"])
sessions = pick([a.sid(1), a.sid(2)])
devices = pick([a.did(1), a.did(2)])
messages = pick([f"{n:032x}" for n in (1, 2)])
parameters = pick([{}, {"digits": 6}, {"digits": 8, "algorithm": "SHA256"}])
items = st.lists(
    st.builds(Item, pick(["one", "two", "x"]), st.none() | times, pick([None, "ceremony"])),
    max_size=3,
).map(tuple)

people = st.builds(
    a.subject,
    subjects,
    names,
    realm=realms,
    email=emails,
    email_verified=st.booleans(),
    phone=phones,
    phone_verified=st.booleans(),
    groups=pick([(), ("staff", "ops")]),
    status=pick([Status.ACTIVE, Status.ACTIVE, Status.DISABLED]),
    epoch=epochs,
    attributes=pick([{}, {"a": [1, {"b": None}]}]),
    locale=pick(["", "de"]),
)
bound = st.builds(
    a.authenticator,
    authenticators,
    subjects,
    kind=pick(["totp", "email"]),
    created_at=times,
    state=pick(list(Binding)),
    parameters=parameters,
    mark=small,
    preferred=st.booleans(),
    items=items,
)
tallies = st.builds(Tally, version=small, spent=small, since=times, streak=small, rounds=small)
opened = st.builds(
    a.session,
    pick([1, 2]),
    subjects,
    realm=realms,
    created_at=times,
    amr=pick([(), ("pwd",), ("pwd", "otp")]),
    expires_at=times,
    generation=epochs,
)
remembered = st.builds(
    a.device,
    pick([1, 2]),
    subjects,
    realm=realms,
    created_at=times,
    trusted_until=times,
    generation=epochs,
)
sent = st.builds(a.message, pick([1, 2]), subject=subjects, due_at=times, expires_at=times)
written = st.builds(a.record, small, subject=pick([ALICE, BOB, None]), realm=realms)
documents = st.builds(
    Document, realms, pick(["policy", "note"]), pick(["realm", "x"]), pick(["{}", "[]"]), small
)

EFFECTS = {
    do.Advance: st.builds(do.Advance, subjects, authenticators, st.integers(1, 50), times),
    do.Burn: st.builds(do.Burn, subjects, authenticators, pick(["one", "two", "x"]), times),
    do.Reusable: st.builds(do.Reusable),
    do.Unchanged: st.builds(do.Unchanged, subjects, epochs)
    | st.builds(do.Unchanged, subjects, epochs, st.lists(scopes, max_size=2).map(tuple)),
    do.TakeGuess: st.builds(do.TakeGuess, subjects, scopes, tallies, times),
    do.Forgive: st.builds(do.Forgive, subjects, scopes, small),
    do.Unguessed: st.builds(do.Unguessed, subjects, scopes, small),
    do.OpenSession: st.builds(do.OpenSession, opened),
    do.CloseSessions: st.builds(
        do.CloseSessions, subjects, st.none() | sessions, st.none() | sessions
    ),
    do.Rotate: st.builds(do.Rotate, subjects, sessions, epochs, times),
    do.Touch: st.builds(do.Touch, subjects, sessions, times),
    do.Remember: st.builds(do.Remember, remembered),
    do.Renew: st.builds(do.Renew, subjects, devices, epochs, times, pick(["", "192.0.2.1"])),
    do.Forget: st.builds(do.Forget, subjects, st.none() | devices),
    do.Bind: st.builds(do.Bind, bound),
    do.Amend: st.builds(
        do.Amend,
        subjects,
        authenticators,
        label=pick([None, "", "new"]),
        preferred=pick([None, True, False]),
        state=st.none() | pick(list(Binding)),
        sealed=pick([None, b"", b"\xff"]),
        parameters=st.none() | parameters,
    ),
    do.Unbind: st.builds(do.Unbind, subjects, authenticators),
    do.Issue: st.builds(do.Issue, subjects, authenticators, items)
    | st.builds(do.Issue, subjects, authenticators, items, parameters, small),
    do.Send: sent,
    do.Lease: st.builds(do.Lease, subjects, messages, epochs, times, times),
    do.Settle: st.builds(do.Settle, subjects, messages),
    do.PutSubject: st.builds(do.PutSubject, people, st.none() | epochs),
    do.RemoveSubject: st.builds(do.RemoveSubject, subjects),
    do.PutDocument: st.builds(do.PutDocument, documents),
    do.RemoveDocument: st.builds(
        do.RemoveDocument, realms, pick(["policy", "note"]), pick(["realm", "x"])
    ),
    do.Record: written,
    do.Seal: st.builds(do.Seal, pick([1, 2, 3]), times, small, pick(["{}"])),
    do.Sweep: st.builds(do.Sweep, times, pick([1, 2, 500])),
}


@st.composite
def any_effect(draw):
    """Any of them, under a short name: hypothesis prints its strategies, and these are many."""
    return draw(st.one_of(*EFFECTS.values()))


ANY = any_effect()
COMMIT = st.tuples(ANY) | st.tuples(ANY) | st.lists(ANY, min_size=2, max_size=4).map(tuple)
LOGIN = st.tuples(
    EFFECTS[do.Unchanged] | EFFECTS[do.Reusable],
    EFFECTS[do.Advance] | EFFECTS[do.Reusable],
    EFFECTS[do.Forgive] | EFFECTS[do.Unguessed] | EFFECTS[do.TakeGuess],
    EFFECTS[do.OpenSession] | EFFECTS[do.Reusable],
    EFFECTS[do.Record],
)


def test_every_effect_is_drawn():
    assert set(EFFECTS) == set(do.Effect.__args__)


async def everything(store):
    """Every read of the port, for all the ids that are drawn."""
    views = [
        await store.view(realm, subject, session=session, devices=True)
        for realm, subject, session in itertools.product(
            (REALM, OTHER_REALM), (ALICE, BOB), (a.sid(1), a.sid(2))
        )
    ]
    found = [
        await store.view(realm, identifier=identifier, devices=realm == REALM)
        for realm in (REALM, OTHER_REALM)
        for identifier in (
            "name:alice",
            "name:bob",
            "email:a@example.org",
            "email:b@example.org",
            "phone:+49301234567",
        )
    ]
    realms = [
        (
            await store.subjects(realm),
            await store.subjects(realm, search="A@", after="alice"),
            await store.records(realm),
            await store.records(realm, subject=ALICE, newest=True, limit=3),
            await store.documents(realm, "policy"),
            await store.document(realm, "note", "x"),
            await store.sessions(realm, ALICE),
            await store.session(realm, ALICE, a.sid(1)),
        )
        for realm in (REALM, OTHER_REALM)
    ]
    shared = (
        await store.unsealed(limit=5),
        await store.segments(),
        await store.last_segment(),
        await store.due(later(2), limit=5),
        await store.queued(),
    )
    return views, found, realms, shared


class Agreement(RuleBasedStateMachine):
    def __init__(self):
        super().__init__()
        self.loop = asyncio.new_event_loop()
        self.folder = tempfile.TemporaryDirectory()
        self.oracle = MemoryStore()
        self.store = self.run(self.made())
        self.run(self.store.open())

    async def made(self):
        """The store that must agree; other stores put theirs here."""
        return SqliteStore(Path(self.folder.name) / "twofold.db")

    def run(self, work):
        return self.loop.run_until_complete(work)

    def teardown(self):
        self.run(self.store.close())
        self.run(self.loop.shutdown_default_executor())
        self.loop.close()
        self.folder.cleanup()

    async def both(self, commits):
        results = []
        for store in (self.oracle, self.store):
            answers = await asyncio.gather(
                *(store.commit(*effects) for effects in commits), return_exceptions=True
            )
            results.append([type(answer) for answer in answers])
        assert results[0] == results[1]

    @initialize(spent=small)
    def begin_with_two_people(self, spent):
        bob = (
            do.PutSubject(a.subject(BOB, "bob")),
            do.Bind(a.authenticator(owner=BOB, mark=spent)),
        )
        self.run(self.both([a.alice(*bob)]))

    def right(self, subject, number):
        """A right answer of this subject, as an engine would commit it after a fresh look."""
        tables = self.oracle._tables
        person = tables.subjects.get(subject)
        held = tables.authenticators.get((subject, PHONE))
        guesses = tables.guesses.get((subject, "kind:totp"))
        epoch = person.epoch if person else 0
        standing = (
            (do.Unchanged(subject, epoch), do.Forgive(subject, "kind:totp", guesses.tally.version))
            if guesses
            else (do.Unchanged(subject, epoch, ("kind:totp", "ceremony:x")),)
        )
        return (
            do.Advance(subject, PHONE, held.mark + 1 if held else 1, later(1)),
            *standing,
            do.OpenSession(a.session(number, subject, expires_at=later(number))),
            a.record(number, subject=subject),
        )

    def wrong(self, subject, number):
        """A wrong answer, as an engine would commit it after a fresh look."""
        guesses = self.oracle._tables.guesses.get((subject, "kind:totp"))
        version = guesses.tally.version + 1 if guesses else 1
        return (
            do.TakeGuess(subject, "kind:totp", a.tally(version), later(2)),
            a.record(number, subject=subject),
        )

    @rule(answers=st.lists(st.tuples(st.booleans(), subjects, small), max_size=8))
    def answer_at_once(self, answers):
        commits = [(self.right if fits else self.wrong)(who, n) for fits, who, n in answers]
        self.run(self.both(commits))

    @rule(data=st.data(), off=pick([0, 0, 1]), more=st.lists(ANY, max_size=1))
    def use_what_is_there(self, data, off, more):
        tables = self.oracle._tables
        uses = [
            *(
                do.Rotate(of, id, row.generation + off, later(2))
                for (of, id), row in tables.sessions.items()
            ),
            *(
                do.Renew(of, id, row.generation + off, later(2), "")
                for (of, id), row in tables.devices.items()
            ),
            *(
                do.Lease(of, id, row.tries + off, later(3), row.lease_until)
                for (of, id), row in tables.outbox.items()
            ),
            *(
                do.Burn(of, id, item.key, later(off))
                for (of, id), row in tables.authenticators.items()
                for item in row.items
            ),
            *(
                do.Issue(of, id, (Item("sent", later(2)),), {"sent": 1}, row.mark + off)
                for (of, id), row in tables.authenticators.items()
            ),
            *(
                do.PutDocument(replace(row, version=row.version + 1 + off))
                for row in tables.documents.values()
            ),
            *(do.RemoveDocument(*key) for key in tables.documents),
        ]
        if uses:
            self.run(self.both([(*more, data.draw(pick(uses)))]))

    @rule(effects=COMMIT)
    def commit(self, effects):
        self.run(self.both([effects]))

    @rule(effect=EFFECTS[do.PutSubject])
    def put_somebody(self, effect):
        self.run(self.both([(effect,)]))

    @rule(effect=EFFECTS[do.Bind])
    def bind_something(self, effect):
        self.run(self.both([(effect,)]))

    @rule(logins=st.lists(LOGIN, min_size=1, max_size=6))
    def log_in_at_once(self, logins):
        self.run(self.both(logins))

    @rule(commits=st.lists(COMMIT | LOGIN, min_size=2, max_size=6))
    def commit_at_once(self, commits):
        self.run(self.both(commits))

    @rule()
    def reopen(self):
        self.run(self.store.close())
        self.run(self.store.open())

    @invariant()
    def reads_agree(self):
        async def compare():
            assert await everything(self.store) == await everything(self.oracle)

        self.run(compare())


Agreement.TestCase.settings = settings(
    max_examples=40,
    stateful_step_count=25,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow],
)
TestAgreement = Agreement.TestCase
