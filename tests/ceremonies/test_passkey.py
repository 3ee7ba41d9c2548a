"""Passkeys in every ceremony: as a second step, as fresh proof, bound, removed, and alone."""

import asyncio
import hashlib
from dataclasses import replace

import pytest

from tests.ceremonies.stage import BROWSER, HERE, MASTER, PASSWORD
from tests.support.authenticator import BE, BS, UP, Passkey, b64
from twofold.ceremonies import (
    admin,
    admin_factors,
    enrol,
    login,
    manage,
    passkey,
    prove,
    step_up,
    verify,
)
from twofold.ceremonies.admin import SubjectChange
from twofold.ceremonies.outcomes import Granted, Pending
from twofold.ceremonies.sessions import Bearer
from twofold.ceremonies.verify import Client
from twofold.core.ceremony import State
from twofold.core.errors import (
    CeremonyConsumed,
    CeremonyExpired,
    CodeAlreadyUsed,
    CodeRejected,
    FactorBlocked,
    InvalidCredentials,
    LastFactor,
    NotAllowed,
    NotEnrolled,
    NotPossible,
    StaleSecurityState,
    StepUpRequired,
    Throttled,
)
from twofold.core.keyring import Keyring, MasterKey
from twofold.core.policy import ACR, Requirement
from twofold.core.types import Aal

ORIGIN = "https://stage.example"
SHOP = Client("shop", "The shop")


def shown(pending):
    return pending.show["webauthn"]


async def sets_up(stage, session, key, *, label="Key"):
    """A set-up from within a session, up to what its browser answers."""
    begun = await enrol.begin(stage.engine, session, HERE)
    revealed = await enrol.bind(
        stage.engine, begun.ticket, "webauthn", HERE, enrol.Wish(label=label)
    )
    return revealed, key.create(shown(revealed.pending))


async def binds(stage, session, key, **more):
    revealed, answer = await sets_up(stage, session, key, **more)
    return await enrol.confirm(stage.engine, revealed.pending.ticket, answer, HERE)


async def keyed(stage, name="alice", *, key=None, totp=False):
    """Somebody with a passkey; what is returned beside is the key and the session it came with."""
    person = await stage.person(name, totp=totp)
    key = key or Passkey(ORIGIN)
    granted = await binds(stage, (await stage.logs_in(person)).session, key)
    stage.clock.pass_(30)
    return person, key, granted


async def asks(stage, person, **more):
    """The second step of a login with its challenge."""
    pending = await stage.begins(person)
    if pending.ceremony.state is not State.CHALLENGE:
        pending = await prove.ask(stage.engine, pending.ticket, HERE, **more)
    return pending


async def proves(stage, pending, answer, **more):
    return await prove.prove(stage.engine, pending.ticket, answer, HERE, **more)


async def opens(stage, key, *, context=HERE, **wrong):
    """A login that consists of a passkey."""
    begun = await passkey.begin(stage.engine, context)
    return await passkey.prove(stage.engine, begun.ticket, key.get(shown(begun), **wrong), context)


async def authenticator_of(stage, person):
    view = await stage.view(person)
    (held,) = [a for a in view.authenticators if a.kind == "webauthn"]
    return held


# --- Binding ---


async def test_a_passkey_is_bound_with_recovery_codes_a_letter_and_a_new_session(stage):
    alice, key, granted = await keyed(stage)

    assert isinstance(granted, Granted)
    assert len(granted.recovery_codes) == 10
    assert (granted.session.aal, granted.session.amr) == (
        Aal.TWO, ("pwd", "swk", "pop", "user", "mfa"),
    )  # fmt: skip
    held = await authenticator_of(stage, alice)
    assert (held.label, held.preferred, held.id) == ("Key", True, granted.authenticator)
    assert held.parameters["credential"] == b64(key.id)
    told = await stage.mailed("factor-added")
    assert (told["kind"], told["label"]) == ("webauthn", "Key")
    assert (await stage.events(alice))[-2:] == ["enrol.begun", "enrol.confirmed"]


async def test_a_lost_answer_to_a_set_up_is_given_again(stage):
    alice = await stage.person(totp=False)
    revealed, answer = await sets_up(stage, (await stage.logs_in(alice)).session, Passkey(ORIGIN))
    first = await enrol.confirm(stage.engine, revealed.pending.ticket, answer, HERE)

    again = await enrol.confirm(stage.engine, revealed.pending.ticket, answer, HERE)

    assert (again.session, again.recovery_codes) == (first.session, first.recovery_codes)


async def test_one_person_has_several_and_none_of_them_twice(stage):
    alice, first, granted = await keyed(stage)
    second = Passkey(ORIGIN)
    revealed, answer = await sets_up(stage, granted.session, second)
    excluded = shown(revealed.pending)["excludeCredentials"]
    assert [entry["id"] for entry in excluded] == [b64(first.id)]
    granted = await enrol.confirm(stage.engine, revealed.pending.ticket, answer, HERE)
    assert granted.recovery_codes == ()

    with pytest.raises(CodeRejected):
        await binds(stage, granted.session, first)

    rows = await manage.factors(stage.engine, Bearer(granted.session, granted.subject))
    assert [row.traits["credential"] for row in rows] == [b64(first.id), b64(second.id)]
    assert rows[0].traits.keys() == manage.TRAITS
    assert (await stage.records(alice))[-1][1]["hint"] == "already-bound"


async def test_of_two_set_ups_of_one_key_at_once_one_binds(stage):
    alice, _, granted = await keyed(stage)
    key = Passkey(ORIGIN)
    one, answer = await sets_up(stage, granted.session, key)
    other, same = await sets_up(stage, granted.session, key)

    async def first():
        await enrol.confirm(stage.engine, one.pending.ticket, answer, HERE)

    stage.store.before = first
    with pytest.raises((StaleSecurityState, CeremonyExpired)):
        await enrol.confirm(stage.engine, other.pending.ticket, same, HERE)

    held = [a for a in (await stage.view(alice)).authenticators if a.kind == "webauthn"]
    assert len(held) == 2


async def test_the_answer_of_another_set_up_binds_nothing(stage):
    alice, _, granted = await keyed(stage)
    _, answer = await sets_up(stage, granted.session, Passkey(ORIGIN))
    other, _ = await sets_up(stage, granted.session, Passkey(ORIGIN))

    with pytest.raises(CodeRejected) as refused:
        await enrol.confirm(stage.engine, other.pending.ticket, answer, HERE)

    assert refused.value.attempts_left == 4
    assert (await stage.records(alice))[-1][1]["hint"] == "other-ceremony"


async def test_a_demanded_enrolment_may_be_a_passkey(stage):
    await stage.policy(enforcement="required")
    alice = await stage.person(totp=False)
    pending = await stage.begins(alice)
    key = Passkey(ORIGIN)

    revealed = await enrol.bind(stage.engine, pending.ticket, "webauthn", HERE)
    answer = key.create(shown(revealed.pending))
    granted = await enrol.confirm(stage.engine, revealed.pending.ticket, answer, HERE)

    assert granted.session.aal is Aal.TWO


async def test_an_administrator_cannot_bind_a_passkey_for_somebody(stage):
    alice = await stage.person()

    with pytest.raises(NotAllowed):
        await admin_factors.import_factor(
            stage.engine, HERE, "operator", alice.subject.id, "webauthn"
        )

    kinds = [a.kind for a in (await stage.view(alice)).authenticators]
    assert sorted(kinds) == ["password", "totp"]


# --- The second step ---


async def test_a_passkey_is_the_second_step_and_leaves_nothing_behind_until_it_is_proved(stage):
    alice, key, _ = await keyed(stage)
    pending = await stage.begins(alice)
    commits = stage.store.commits
    assert pending.ceremony.state is State.CHALLENGE

    asked = await prove.ask(stage.engine, pending.ticket, HERE)
    assert stage.store.commits == commits
    granted = await proves(stage, asked, key.get(shown(asked)))

    assert granted.session.amr == ("pwd", "swk", "pop", "user", "mfa")
    event, facts = (await stage.records(alice))[-1]
    assert (event, facts["spent"]) == ("login.granted", "count=0 verified=1")


async def test_a_key_that_is_not_unlocked_is_the_second_of_two_factors(stage):
    alice, key, _ = await keyed(stage, key=Passkey(ORIGIN, unlocks=False, synced=False))

    pending = await asks(stage, alice)
    granted = await proves(stage, pending, key.get(shown(pending)))

    assert (granted.session.aal, granted.session.amr) == (
        Aal.TWO, ("pwd", "hwk", "pop", "user", "mfa"),
    )  # fmt: skip


async def test_any_of_a_persons_keys_answers_the_challenge_of_one(stage):
    alice, _, granted = await keyed(stage)
    second = Passkey(ORIGIN)
    bound = await binds(stage, granted.session, second)
    stage.clock.pass_(30)

    pending = await asks(stage, alice)
    assert pending.ceremony.asked != bound.authenticator
    granted = await proves(stage, pending, second.get(shown(pending)))

    (event, facts) = (await stage.records(alice))[-1]
    assert (event, facts["authenticator"]) == ("login.granted", bound.authenticator)


async def test_an_app_may_answer_where_a_passkey_was_asked(stage):
    alice, _, _ = await keyed(stage, totp=True)
    pending = await stage.begins(alice)
    key = next(c.id for c in pending.choices if c.kind == "webauthn")

    asked = await prove.ask(stage.engine, pending.ticket, HERE, authenticator=key)
    granted = await proves(stage, asked, stage.code(alice), authenticator=alice.totp)

    assert granted.session.amr == ("pwd", "otp", "mfa")


async def test_a_credential_nobody_asked_for_is_no_answer(stage):
    alice, key, _ = await keyed(stage, totp=True)
    pending = await stage.begins(alice)
    asked = await prove.ask(stage.engine, pending.ticket, HERE)

    with pytest.raises(NotEnrolled):
        await proves(stage, pending, key.get(shown(asked)))
    assert await stage.tally(alice, "kind:totp") is None


async def test_a_wrong_answer_is_counted_like_a_wrong_code(stage):
    alice, key, _ = await keyed(stage)
    pending = await asks(stage, alice)

    with pytest.raises(CodeRejected) as refused:
        await proves(stage, pending, key.get(shown(pending), client={"crossOrigin": True}))

    assert refused.value.attempts_left == 4
    event, facts = (await stage.records(alice))[-1]
    assert (event, facts["hint"]) == ("login.code.refused", "other-origin")


async def test_an_answer_opens_one_session_and_a_lost_one_is_given_again(stage):
    alice, key, _ = await keyed(stage)
    pending = await asks(stage, alice)
    answer = key.get(shown(pending))
    granted = await proves(stage, pending, answer)

    again = await proves(stage, pending, answer)

    assert again.session == granted.session
    with pytest.raises(CeremonyConsumed):
        await proves(stage, pending, key.get(shown(pending)))


async def test_an_answer_given_twice_at_once_opens_one_session(stage):
    alice, key, _ = await keyed(stage)
    pending = await asks(stage, alice)
    answer = key.get(shown(pending))

    both = await asyncio.gather(
        proves(stage, pending, answer), proves(stage, pending, answer), return_exceptions=True
    )

    assert len({granted.session.id for granted in both}) == 1


async def test_a_newer_answer_kills_the_older_challenges(stage):
    alice, key, _ = await keyed(stage)
    earlier = await asks(stage, alice)
    waiting = key.get(shown(earlier))
    stage.clock.pass_(5)
    later = await asks(stage, alice)
    await proves(stage, later, key.get(shown(later)))

    with pytest.raises(CodeAlreadyUsed):
        await proves(stage, earlier, waiting)

    assert (await stage.events(alice))[-1] == "login.code.replayed"
    again = await prove.ask(stage.engine, earlier.ticket, HERE)
    assert isinstance(await proves(stage, again, key.get(shown(again))), Granted)


async def test_a_blocked_kind_is_not_asked_for(stage):
    alice, key, _ = await keyed(stage)
    for _ in range(2):
        pending = await asks(stage, alice)
        for _ in range(5):
            with pytest.raises(CodeRejected):
                await proves(stage, pending, key.get(shown(pending), count=1, flags=0))

    pending = await stage.begins(alice)
    assert pending.show == {}
    with pytest.raises(FactorBlocked):
        await prove.ask(stage.engine, pending.ticket, HERE)


# --- The counter ---


async def test_a_counter_that_runs_back_is_recorded_and_locks_nobody_out(stage):
    alice, key, _ = await keyed(stage, key=Passkey(ORIGIN, counts=True))
    for count in (7, 3):
        pending = await asks(stage, alice)
        granted = await proves(stage, pending, key.get(shown(pending), count=count))
        assert isinstance(granted, Granted)
        stage.clock.pass_(5)

    records = await stage.records(alice)
    regressed = [facts for event, facts in records if event == "factor.counter.regressed"]
    held = await authenticator_of(stage, alice)
    assert [facts["authenticator"] for facts in regressed] == [held.id]
    assert held.parameters["count"] == 3


async def test_a_newer_counter_is_stored_together_with_a_newer_seal(stage):
    alice, key, _ = await keyed(stage, key=Passkey(ORIGIN, counts=True))
    before = await authenticator_of(stage, alice)
    newest = MasterKey.of(hashlib.sha256(b"a newer key").digest(), stage.clock.now())
    ring = Keyring((newest, MASTER))
    stage.engine = replace(stage.engine, ring=lambda: ring)

    pending = await asks(stage, alice)
    await proves(stage, pending, key.get(shown(pending)))

    after = await authenticator_of(stage, alice)
    assert (before.parameters["count"], after.parameters["count"]) == (0, 1)
    assert (stage.engine.is_current(before.sealed), stage.engine.is_current(after.sealed)) == (
        False, True,
    )  # fmt: skip
    assert stage.engine.held(after).secret == stage.engine.held(before).secret


# --- Fresh proof ---


async def test_a_passkey_is_fresh_proof(stage):
    _alice, key, granted = await keyed(stage)
    stage.clock.pass_(600)
    begun = await step_up.begin(stage.engine, granted.session, HERE)

    asked = await prove.ask(stage.engine, begun.ticket, HERE)
    fresh = await proves(stage, asked, key.get(shown(asked)))

    assert fresh.session.aal is Aal.TWO
    assert fresh.session.auth_time == stage.clock.now()
    assert fresh.ended == (granted.session.id,)


async def test_what_was_signed_for_fresh_proof_opens_no_login(stage):
    alice, key, granted = await keyed(stage)
    begun = await step_up.begin(stage.engine, granted.session, HERE)
    asked = await prove.ask(stage.engine, begun.ticket, HERE)
    answer = key.get(shown(asked))

    pending = await asks(stage, alice)
    with pytest.raises(CodeRejected):
        await proves(stage, pending, answer)
    opening = await passkey.begin(stage.engine, HERE)
    with pytest.raises(InvalidCredentials):
        await passkey.prove(stage.engine, opening.ticket, answer, HERE)


# --- Owners ---


async def test_owners_rename_prefer_and_remove_a_passkey(stage):
    alice, key, granted = await keyed(stage, totp=True)
    bearer = Bearer(granted.session, granted.subject)

    await manage.rename(stage.engine, bearer, granted.authenticator, "Yellow", HERE)
    await manage.prefer(stage.engine, bearer, granted.authenticator, HERE)
    row = (await manage.factors(stage.engine, bearer))[0]
    assert (row.kind, row.label, row.preferred) == ("webauthn", "Yellow", True)
    await manage.remove(stage.engine, bearer, granted.authenticator, HERE)

    assert "webauthn" not in [a.kind for a in (await stage.view(alice)).authenticators]
    assert (await stage.mailed("factor-removed"))["kind"] == "webauthn"
    with pytest.raises(InvalidCredentials):
        await opens(stage, key)


async def test_the_last_passkey_stays_where_a_factor_is_demanded(stage):
    _, _, granted = await keyed(stage)
    await stage.policy(enforcement="required")

    with pytest.raises(LastFactor):
        await manage.remove(
            stage.engine, Bearer(granted.session, granted.subject), granted.authenticator, HERE
        )


async def test_who_signed_in_with_a_passkey_may_change_factors_while_that_is_fresh(stage):
    _, key, _ = await keyed(stage)
    granted = await opens(stage, key)

    begun = await enrol.begin(stage.engine, granted.session, HERE)
    assert isinstance(begun, Pending)
    stage.clock.pass_(600)
    with pytest.raises(StepUpRequired) as refused:
        await enrol.begin(stage.engine, granted.session, HERE)
    assert refused.value.acr_values == ACR[Aal.TWO]


# --- A passkey alone ---


async def test_an_unlocked_passkey_alone_signs_in_at_the_second_level(stage):
    alice, key, _ = await keyed(stage)

    granted = await opens(stage, key)

    assert granted.subject.id == alice.subject.id
    assert (granted.session.aal, granted.session.amr) == (
        Aal.TWO, ("swk", "pop", "user", "mfa"),
    )  # fmt: skip
    event, facts = (await stage.records(alice))[-1]
    assert (event, facts["method"]) == ("login.granted", "webauthn")
    assert (await authenticator_of(stage, alice)).used_at == stage.clock.now()


async def test_it_satisfies_a_policy_that_demands_two_factors(stage):
    await stage.policy(enforcement="required")
    alice = await stage.person(totp=False)
    pending = await stage.begins(alice)
    key = Passkey(ORIGIN)
    revealed = await enrol.bind(stage.engine, pending.ticket, "webauthn", HERE)
    await enrol.confirm(
        stage.engine, revealed.pending.ticket, key.create(shown(revealed.pending)), HERE
    )
    stage.clock.pass_(5)
    begun = await passkey.begin(stage.engine, HERE, require=Requirement(Aal.TWO))

    granted = await passkey.prove(stage.engine, begun.ticket, key.get(shown(begun)), HERE)

    assert granted.session.aal is Aal.TWO


async def test_no_passkey_is_ever_the_third_level(stage):
    alice, key, _ = await keyed(stage, key=Passkey(ORIGIN, synced=False))
    begun = await passkey.begin(stage.engine, HERE, require=Requirement(Aal.THREE))

    with pytest.raises(NotAllowed):
        await passkey.prove(stage.engine, begun.ticket, key.get(shown(begun)), HERE)

    assert (await stage.events(alice))[-1] == "login.refused"


async def test_the_challenge_is_the_same_for_every_name_and_for_none(stage):
    await keyed(stage)
    shapes = []
    for name in ("alice", "nobody", ""):
        begun = await passkey.begin(stage.engine, HERE, identifier=name)
        asked = await prove.ask(stage.engine, begun.ticket, HERE)
        assert begun.discoverable
        assert (begun.subject, begun.choices, begun.recovery) == (None, (), False)
        for pending in (begun, asked):
            options = dict(shown(pending))
            assert len(options.pop("challenge")) == 54
            shapes.append(options)

    assert all(shape == shapes[0] for shape in shapes)
    assert shapes[0]["allowCredentials"] == []


async def test_a_login_that_began_with_a_name_may_end_with_a_passkey_or_the_password(stage):
    alice, key, _ = await keyed(stage)
    begun = await login.begin(stage.engine, HERE, identifier="alice")
    asked = await prove.ask(stage.engine, begun.ticket, HERE)

    granted = await passkey.prove(stage.engine, asked.ticket, key.get(shown(asked)), HERE)
    other = await passkey.begin(stage.engine, HERE, identifier="alice")
    pending = await login.first_factor(stage.engine, other.ticket, PASSWORD, HERE)

    assert granted.subject.id == alice.subject.id
    assert pending.ceremony.state is State.CHALLENGE


async def test_a_lost_answer_is_given_again_and_no_other_is_judged(stage):
    _, key, _ = await keyed(stage)
    begun = await passkey.begin(stage.engine, HERE)
    answer = key.get(shown(begun))
    granted = await passkey.prove(stage.engine, begun.ticket, answer, HERE)

    again = await passkey.prove(stage.engine, begun.ticket, answer, HERE)

    assert again.session == granted.session
    stage.clock.pass_(16)
    with pytest.raises(CeremonyConsumed):
        await passkey.prove(stage.engine, begun.ticket, answer, HERE)


async def test_of_two_that_open_with_one_answer_at_once_both_get_one_session(stage):
    _, key, _ = await keyed(stage)
    begun = await passkey.begin(stage.engine, HERE)
    answer = key.get(shown(begun))

    async def faster():
        await passkey.prove(stage.engine, begun.ticket, answer, HERE)

    stage.store.before = faster
    granted = await passkey.prove(stage.engine, begun.ticket, answer, HERE)

    assert len([s for s in await stage.sessions(granted) if s.id == granted.session.id]) == 1


async def refused(stage, begun, answer, context=HERE):
    with pytest.raises(InvalidCredentials):
        await passkey.prove(stage.engine, begun.ticket, answer, context)
    found = await stage.records()
    return found[-1]


REFUSALS = {
    "not unlocked": ({"flags": UP | BE | BS}, "unverified"),
    "framed": ({"client": {"crossOrigin": True}}, "other-origin"),
    "another site": ({"client": {"origin": "https://evil.example"}}, "other-origin"),
    "another signature": ({"signer": Passkey(ORIGIN).private}, "mismatch"),
    "another challenge": ({"client": {"challenge": b64(b"x" * 40)}}, "other-ceremony"),
}


@pytest.mark.parametrize("name", REFUSALS)
async def test_every_wrong_answer_gets_the_words_of_a_wrong_password(stage, name):
    wrong, hint = REFUSALS[name]
    alice, key, _ = await keyed(stage)
    begun = await passkey.begin(stage.engine, HERE)

    event, facts = await refused(stage, begun, key.get(shown(begun), **wrong))

    assert (event, facts["hint"]) == ("login.passkey.refused", hint)
    assert (await stage.tally(alice, "kind:webauthn")).spent == 1


async def test_strangers_get_the_same_words_and_nothing_is_counted_against_anybody(stage):
    alice, key, _ = await keyed(stage)
    unknown = Passkey(ORIGIN, handle=b"\x07" * 16)
    mine = Passkey(ORIGIN, handle=key.handle)
    begun = await passkey.begin(stage.engine, HERE)

    for answer in (
        unknown.get(shown(begun)),
        mine.get(shown(begun)),
        key.get(shown(begun), handle=b""),
        key.get(shown(begun), handle=b"\x07" * 16),
        "a password",
        {},
    ):
        event, facts = await refused(stage, begun, answer)
        assert (event, facts["hint"]) == ("login.passkey.refused", "unknown")

    assert await stage.tally(alice, "kind:webauthn") is None


async def test_a_stranger_costs_as_many_commits_as_a_wrong_answer(stage):
    _, key, _ = await keyed(stage)
    begun = await passkey.begin(stage.engine, HERE)
    twin = Passkey(ORIGIN, handle=key.handle)
    costs = []

    for answer in (
        key.get(shown(begun), signer=twin.private),
        twin.get(shown(begun)),
        key.get(shown(begun), handle=b"\x07" * 16),
    ):
        before = stage.store.commits
        await refused(stage, begun, answer)
        costs.append(stage.store.commits - before)

    assert costs == [1, 1, 1]


async def test_a_disabled_account_is_a_stranger(stage):
    alice, key, _ = await keyed(stage)
    await admin.change_subject(
        stage.engine, HERE, "operator", alice.subject.id, SubjectChange(disabled=True)
    )
    begun = await passkey.begin(stage.engine, HERE)

    _, facts = await refused(stage, begun, key.get(shown(begun)))

    assert facts["hint"] == "unknown"


async def test_a_replayed_answer_is_refused_like_any_other(stage):
    alice, key, _ = await keyed(stage)
    earlier = await passkey.begin(stage.engine, HERE)
    waiting = key.get(shown(earlier))
    stage.clock.pass_(5)
    await opens(stage, key)

    event, _ = await refused(stage, earlier, waiting)

    assert event == "login.passkey.replayed"
    assert await stage.tally(alice, "kind:webauthn") is None


async def test_a_blocked_kind_refuses_right_and_wrong_alike(stage):
    alice, key, _ = await keyed(stage)
    for place in range(10):
        elsewhere = replace(HERE, address=f"198.51.100.{place}")
        begun = await passkey.begin(stage.engine, elsewhere)
        answer = key.get(shown(begun), flags=UP | BE | BS)
        await refused(stage, begun, answer, elsewhere)
        stage.engine.gate.forget(alice.subject.id)

    begun = await passkey.begin(stage.engine, HERE)
    event, _ = await refused(stage, begun, key.get(shown(begun)))

    assert event == "login.blocked"


async def test_wrong_passkeys_are_slowed_by_name_and_by_source_whoever_they_claim_to_be(stage):
    key = Passkey(ORIGIN, handle=b"\x07" * 16)
    begun = await passkey.begin(stage.engine, HERE)
    answer = key.get(shown(begun))
    for _ in range(10):
        await refused(stage, begun, answer)

    with pytest.raises(Throttled):
        await passkey.prove(stage.engine, begun.ticket, answer, HERE)


async def test_a_right_passkey_clears_what_was_held_against_its_owner(stage):
    alice, key, _ = await keyed(stage)
    begun = await passkey.begin(stage.engine, HERE)
    await refused(stage, begun, key.get(shown(begun), flags=UP | BE | BS))

    await opens(stage, key)

    assert await stage.tally(alice, "kind:webauthn") is None


async def test_a_ticket_of_one_browser_is_dead_in_another(stage):
    _, key, _ = await keyed(stage)
    browser = replace(BROWSER, binding="one")
    begun = await passkey.begin(stage.engine, browser)
    answer = key.get(shown(begun))

    for context in (replace(BROWSER, binding="other"), HERE):
        with pytest.raises(CeremonyExpired):
            await passkey.prove(stage.engine, begun.ticket, answer, context)
    granted = await passkey.prove(stage.engine, begun.ticket, answer, browser)
    assert isinstance(granted, Granted)


async def test_the_answer_to_one_ticket_does_not_answer_another(stage):
    _, key, _ = await keyed(stage)
    one, other = [await passkey.begin(stage.engine, HERE) for _ in range(2)]

    _, facts = await refused(stage, other, key.get(shown(one)))

    assert facts["hint"] == "other-ceremony"


async def test_what_the_second_step_asked_for_does_not_stand_in_for_both(stage):
    """An old ticket of the first step, and what a key signed without being unlocked."""
    _alice, key, _ = await keyed(stage)
    first = await login.begin(stage.engine, HERE, identifier="alice")
    second = await login.first_factor(stage.engine, first.ticket, PASSWORD, HERE)

    await refused(stage, first, key.get(shown(second)))


async def test_a_ticket_that_was_given_up_opens_nothing(stage):
    _alice, key, _ = await keyed(stage)
    first = await login.begin(stage.engine, HERE, identifier="alice")
    asked = await prove.ask(stage.engine, first.ticket, HERE)
    second = await login.first_factor(stage.engine, first.ticket, PASSWORD, HERE)
    await login.cancel(stage.engine, second.ticket, HERE)

    with pytest.raises(CeremonyConsumed):
        await passkey.prove(stage.engine, first.ticket, key.get(shown(asked)), HERE)


async def test_a_passkey_alone_is_taken_at_the_beginning_of_a_login_only(stage):
    alice = await stage.person(totp=False)
    session = (await stage.logs_in(alice)).session
    stepping = await step_up.begin(stage.engine, session, HERE)
    assert not stepping.discoverable

    with pytest.raises(NotPossible):
        await prove.ask(stage.engine, stepping.ticket, HERE)
    with pytest.raises(NotPossible):
        await passkey.prove(stage.engine, stepping.ticket, {}, HERE)


async def test_where_none_is_offered_none_is_taken(stage):
    _, key, _ = await keyed(stage)
    begun = await passkey.begin(stage.engine, HERE)
    stage.engine = replace(stage.engine, discoverable=None)

    for attempt in (
        passkey.begin(stage.engine, HERE),
        passkey.prove(stage.engine, begun.ticket, key.get(shown(begun)), HERE),
    ):
        with pytest.raises(NotPossible):
            await attempt
    assert not (await login.begin(stage.engine, HERE)).discoverable


# --- Applications ---


async def test_an_application_has_a_passkey_verified_once(stage):
    _alice, key, granted = await keyed(stage, totp=True)
    asked = await verify.ask(stage.engine, SHOP, "alice", HERE, granted.authenticator)
    assert asked.facts["resend_at"] is None
    answer = key.get(asked.facts["webauthn"])
    named = {"authenticator": granted.authenticator}

    done = await verify.check(stage.engine, SHOP, "alice", answer, HERE, **named)
    with pytest.raises(CodeAlreadyUsed):
        await verify.check(stage.engine, SHOP, "alice", answer, HERE, **named)

    assert (done.facts["acr"], done.facts["amr"]) == (
        ACR[Aal.TWO], ("swk", "pop", "user", "mfa"),
    )  # fmt: skip


async def test_what_was_signed_for_one_application_answers_no_other_and_no_login(stage):
    alice, key, granted = await keyed(stage)
    asked = await verify.ask(stage.engine, SHOP, "alice", HERE)
    answer = key.get(asked.facts["webauthn"])
    bank = Client("bank", "The bank")

    with pytest.raises(CodeRejected):
        await verify.check(
            stage.engine, bank, "alice", answer, HERE, authenticator=granted.authenticator
        )
    pending = await asks(stage, alice)
    with pytest.raises(CodeRejected):
        await proves(stage, pending, answer)
