import json
from dataclasses import replace

import pytest

from tests.ceremonies.stage import HERE, PASSWORD, Person, another
from twofold.ceremonies import account, admin, admin_factors, enrol, login, prove, sessions
from twofold.ceremonies.admin import SubjectChange
from twofold.ceremonies.outcomes import Done, Granted, Pending
from twofold.core.ceremony import State
from twofold.core.errors import (
    CeremonyConsumed,
    CeremonyExpired,
    CodeRejected,
    InvalidCredentials,
    NotAllowed,
    NotPossible,
    StaleSecurityState,
    Throttled,
    Unavailable,
)
from twofold.core.policy import Requirement
from twofold.core.types import Aal, Realm
from twofold.factors._argon2 import Argon2
from twofold.factors.password import Password


async def test_a_password_alone_signs_in_where_nothing_else_is_bound(stage):
    alice = await stage.person(totp=False)

    outcome = await stage.begins(alice)

    assert isinstance(outcome, Granted)
    assert (outcome.session.aal, outcome.session.amr) == (Aal.ONE, ("pwd",))
    assert outcome.notices == ("enroll-recommended",)
    assert (await stage.events(alice))[-1] == "login.granted"


async def test_a_password_only_opens_the_second_step_where_a_factor_is_bound(stage):
    alice = await stage.person()

    outcome = await stage.begins(alice)

    assert isinstance(outcome, Pending)
    assert outcome.ceremony.state is State.SECOND_FACTOR
    assert [choice.kind for choice in outcome.choices] == ["totp"]
    assert outcome.subject == (await stage.view(alice)).subject
    assert outcome.attempts_left == 5
    assert await stage.sessions(alice) == []


@pytest.mark.parametrize("spelling", ["Alice", " alice ", "ALICE@example.org", "alice@EXAMPLE.org"])
async def test_every_spelling_of_a_name_leads_to_one_account(stage, spelling):
    await stage.person(totp=False)

    outcome = await login.begin(stage.engine, HERE, identifier=spelling, answer=PASSWORD)

    assert isinstance(outcome, Granted)


async def test_a_login_may_begin_without_an_answer(stage):
    alice = await stage.person(totp=False)

    begun = await login.begin(stage.engine, HERE, identifier="alice")
    assert begun.ceremony.state is State.FIRST_FACTOR
    assert (begun.subject, begun.choices) == (None, ())
    outcome = await login.first_factor(stage.engine, begun.ticket, alice.password, HERE)

    assert isinstance(outcome, Granted)


async def test_the_name_may_come_with_the_answer(stage):
    alice = await stage.person(totp=False)
    begun = await login.begin(stage.engine, HERE)

    outcome = await login.first_factor(
        stage.engine, begun.ticket, alice.password, HERE, identifier="alice"
    )

    assert isinstance(outcome, Granted)


async def refusal(stage, identifier, answer):
    with pytest.raises(InvalidCredentials) as refused:
        await login.begin(stage.engine, HERE, identifier=identifier, answer=answer)
    return type(refused.value), str(refused.value), refused.value.args


async def test_every_reason_to_refuse_looks_the_same(stage):
    await stage.person()
    disabled = await stage.person("dora", totp=False)
    await admin.change_subject(
        stage.engine, HERE, "operator", disabled.subject.id, SubjectChange(disabled=True)
    )
    bare = await admin.create_subject(stage.engine, HERE, "operator", name="bare")

    answers = {
        await refusal(stage, *pair)
        for pair in [
            ("nobody", PASSWORD),
            ("", PASSWORD),
            ("alice", "wrong"),
            ("alice", ""),
            ("dora", PASSWORD),
            (bare.name, PASSWORD),
        ]
    }

    assert len(answers) == 1


async def test_strangers_cost_the_same_hash_as_people_we_know(stage):
    await stage.person()
    judged = []
    password = stage.engine.opening

    class Counting(Password):
        def verify(self, held, *rest):
            judged.append(held.secret)
            return password.verify(held, *rest)

    stage.engine = replace(stage.engine, opening=Counting(password.parameters))
    await refusal(stage, "nobody", "wrong")
    await refusal(stage, "alice", "wrong")

    assert len(judged) == 2


async def test_a_name_typed_into_the_wrong_field_is_not_recorded(stage):
    await refusal(stage, PASSWORD, "alice")

    assert PASSWORD not in json.dumps(await stage.records())


async def test_a_password_nobody_could_have_typed_is_refused_without_a_fuss(stage):
    await stage.person(totp=False)

    await refusal(stage, "alice", "\ud800" * 9)


async def test_wrong_passwords_are_slowed_for_known_and_unknown_names_alike(stage):
    await stage.person(totp=False)
    for name in ("alice", "nobody"):
        for _ in range(10):
            await refusal(stage, name, "wrong")
        with pytest.raises(Throttled):
            await login.begin(stage.engine, HERE, identifier=name, answer=PASSWORD)


async def test_a_blocked_password_is_refused_right_or_wrong_even_after_a_restart(stage):
    await stage.person(totp=False)
    for _ in range(10):
        await refusal(stage, "alice", "wrong")
    stage.engine = replace(stage.engine, gate=type(stage.engine.gate)())

    await refusal(stage, "alice", PASSWORD)

    _, body = (await stage.records())[-1]
    assert body["hint"] == "blocked"
    stage.clock.pass_(900)
    stage.engine = replace(stage.engine, gate=type(stage.engine.gate)())
    await login.begin(stage.engine, HERE, identifier="alice", answer=PASSWORD)


async def test_a_right_password_lets_the_name_in_again(stage):
    alice = await stage.person(totp=False)
    for _ in range(9):
        await refusal(stage, "alice", "wrong")

    await stage.begins(alice)
    await refusal(stage, "alice", "wrong")

    await stage.begins(alice)


async def test_who_was_unlocked_elsewhere_is_let_in_by_a_doorkeeper_who_has_not_heard(stage):
    alice = await stage.person(totp=False)
    for _ in range(10):
        await refusal(stage, "alice", "wrong")
    elsewhere = replace(stage.engine, gate=type(stage.engine.gate)())
    await admin_factors.unlock(elsewhere, HERE, "operator", alice.subject.id)

    assert isinstance(await stage.begins(alice), Granted)


async def test_a_right_password_never_clears_the_budget_of_the_codes(stage):
    alice = await stage.person()
    for _ in range(4):
        pending = await stage.begins(alice)
        with pytest.raises(CodeRejected):
            await prove.prove(stage.engine, pending.ticket, "nonsense", HERE)

    await stage.begins(alice)

    assert (await stage.tally(alice, "kind:totp")).streak == 4


async def test_a_password_hashed_long_ago_is_hashed_anew(stage):
    alice = await stage.person(totp=False)
    before = (await stage.view(alice)).authenticators[0].sealed
    dearer = Password(Argon2(memory_kib=16, time=1, lanes=1))
    stage.engine = replace(stage.engine, opening=dearer)

    await stage.begins(alice)

    after = (await stage.view(alice)).authenticators[0].sealed
    assert after != before
    await stage.begins(alice)
    assert (await stage.view(alice)).authenticators[0].sealed == after


async def test_a_login_that_meets_a_change_of_the_password_looks_again(stage):
    alice = await stage.person(totp=False)

    async def replaced():
        await admin.set_password(
            stage.engine, HERE, "operator", alice.subject.id, "another umbrella twenty"
        )

    stage.store.before = replaced

    with pytest.raises(InvalidCredentials):
        await stage.begins(alice)


async def test_a_guess_taken_meanwhile_makes_a_right_answer_look_again(stage):
    alice = await stage.person(totp=False)

    async def guessed():
        await refusal(stage, "alice", "wrong")

    stage.store.before = guessed

    assert isinstance(await stage.begins(alice), Granted)


async def test_an_attempt_does_not_look_for_ever(stage):
    alice = await stage.person(totp=False)
    commit = stage.store.commit

    async def always_late(*effects):
        stage.store.before = None
        await admin.change_subject(
            replace(stage.engine, store=stage.store.store),
            HERE, "operator", alice.subject.id, SubjectChange(groups=()),
        )  # fmt: skip
        await commit(*effects)

    stage.store.commit = always_late

    with pytest.raises(Unavailable):
        await stage.begins(alice)


async def test_a_level_nobody_can_reach_is_refused_after_the_password(stage):
    alice = await stage.person(totp=False)

    with pytest.raises(NotAllowed):
        await stage.begins(alice, require=Requirement(Aal.THREE))

    assert (await stage.events(alice))[-1] == "login.refused"


async def test_a_trusted_network_spares_the_second_step_and_says_so(stage):
    await stage.policy(trusted_networks=["192.0.2.0/24"])
    alice = await stage.person()

    outcome = await stage.begins(alice)

    assert isinstance(outcome, Granted)
    assert (outcome.session.aal, outcome.session.amr) == (Aal.ONE, ("pwd", "rba"))


async def test_a_mailed_code_is_sent_along_with_the_password_step(stage):
    dave = await stage.person("dave", totp=False, mailed=True)

    outcome = await stage.begins(dave)

    assert outcome.ceremony.state is State.CHALLENGE
    assert outcome.show == {"hint": "d***@e***.org"}
    code = (await stage.mailed("code"))["code"]
    granted = await prove.prove(stage.engine, outcome.ticket, code, HERE)
    assert isinstance(granted, Granted)
    assert granted.session.aal is Aal.ONE


async def test_a_cool_down_does_not_fail_the_login(stage):
    dave = await stage.person("dave", totp=False, mailed=True)
    for _ in range(29):
        await stage.begins(dave)
        stage.clock.pass_(61)
    await stage.begins(dave)
    stage.clock.pass_(601)

    outcome = await stage.begins(dave)

    assert outcome.ceremony.state is State.SECOND_FACTOR


async def test_who_must_enrol_gets_no_session_before(stage):
    await stage.policy(enforcement="required")
    alice = await stage.person(totp=False)

    outcome = await stage.begins(alice)

    assert outcome.ceremony.state is State.ENROL
    assert outcome.kinds == ("totp", "email", "webauthn")
    assert outcome.ceremony.skippable_until is None
    assert await stage.sessions(alice) == []
    with pytest.raises(NotPossible):
        await login.skip(stage.engine, outcome.ticket, HERE)


async def test_an_enrolment_may_be_put_off_while_policy_says_so(stage):
    await stage.policy(enforcement="required", grace=3_600)
    alice = await stage.person(totp=False)
    outcome = await stage.begins(alice)

    granted = await login.skip(stage.engine, outcome.ticket, HERE)

    assert isinstance(granted, Granted)
    assert granted.session.aal is Aal.ONE
    assert (await stage.events(alice))[-1] == "enrol.declined"
    stage.clock.pass_(3_600)
    late = await stage.begins(alice)
    with pytest.raises(NotPossible):
        await login.skip(stage.engine, late.ticket, HERE)


async def test_a_grace_that_ends_while_the_page_is_open_has_ended(stage):
    await stage.policy(enforcement="required", grace=60)
    alice = await stage.person(totp=False)
    outcome = await stage.begins(alice)
    stage.clock.pass_(60)

    with pytest.raises(NotPossible):
        await login.skip(stage.engine, outcome.ticket, HERE)


async def test_putting_off_twice_with_one_ticket_is_one_session(stage):
    await stage.policy(enforcement="required", grace=3_600)
    alice = await stage.person(totp=False)
    outcome = await stage.begins(alice)
    first = await login.skip(stage.engine, outcome.ticket, HERE)

    second = await login.skip(stage.engine, outcome.ticket, HERE)

    assert second.session.id == first.session.id
    assert len(await stage.sessions(alice)) == 1
    stage.clock.pass_(20)
    with pytest.raises(CeremonyConsumed):
        await login.skip(stage.engine, outcome.ticket, HERE)


async def test_where_a_login_stands_can_be_asked_for_and_shows_no_secret_twice(stage):
    await stage.policy(enforcement="required")
    alice = await stage.person(totp=False)
    begun = await login.begin(stage.engine, HERE)
    assert (await login.inspect(stage.engine, begun.ticket, HERE)).subject is None
    outcome = await stage.begins(alice)
    revealed = await enrol.bind(stage.engine, outcome.ticket, "totp", HERE)

    seen = await login.inspect(stage.engine, revealed.pending.ticket, HERE)

    assert seen.ceremony.state is State.CONFIRM
    assert revealed.secrets["secret"] not in repr(seen)


async def test_a_cancelled_login_opens_nothing_any_more(stage):
    alice = await stage.person()
    pending = await stage.begins(alice)

    assert await login.cancel(stage.engine, pending.ticket, HERE) == Done()

    with pytest.raises(CeremonyConsumed):
        await prove.prove(stage.engine, pending.ticket, stage.code(alice), HERE)
    assert "login.cancelled" in await stage.events(alice)


async def test_a_login_of_nobody_yet_can_be_cancelled(stage):
    begun = await login.begin(stage.engine, HERE)

    assert await login.cancel(stage.engine, begun.ticket, HERE) == Done()


async def test_a_ticket_dies_with_its_time(stage):
    alice = await stage.person()
    pending = await stage.begins(alice)
    stage.clock.pass_(300)

    with pytest.raises(CeremonyExpired):
        await prove.prove(stage.engine, pending.ticket, stage.code(alice), HERE)


@pytest.mark.parametrize(
    "elsewhere",
    [
        replace(HERE, realm=Realm("elsewhere")),
        replace(HERE, client="another-app"),
        replace(HERE, binding="another browser"),
        replace(HERE, binding=None),
    ],
)
async def test_a_ticket_works_where_it_was_made_only(stage, elsewhere):
    browser = replace(HERE, binding="this browser")
    alice = await stage.person()
    pending = await stage.begins(alice, browser)

    with pytest.raises(CeremonyExpired):
        await prove.prove(stage.engine, pending.ticket, stage.code(alice), elsewhere)

    assert isinstance(
        await prove.prove(stage.engine, pending.ticket, stage.code(alice), browser), Granted
    )


async def test_a_first_factor_is_not_taken_in_the_second_step(stage):
    alice = await stage.person()
    pending = await stage.begins(alice)

    with pytest.raises(NotPossible):
        await login.first_factor(stage.engine, pending.ticket, alice.password, HERE)


async def test_a_second_factor_is_not_taken_in_the_first_step(stage):
    alice = await stage.person()
    begun = await login.begin(stage.engine, HERE, identifier="alice")

    with pytest.raises(NotPossible):
        await prove.prove(stage.engine, begun.ticket, stage.code(alice), HERE)
    asked = await prove.ask(stage.engine, begun.ticket, HERE)
    assert asked.show["webauthn"]["allowCredentials"] == []


async def test_a_change_of_the_account_ends_logins_that_stand_between_the_steps(stage):
    alice = await stage.person()
    pending = await stage.begins(alice)
    await admin.set_password(
        stage.engine, HERE, "operator", alice.subject.id, "another umbrella twenty"
    )

    with pytest.raises(StaleSecurityState):
        await prove.prove(stage.engine, pending.ticket, stage.code(alice), HERE)


async def test_a_disabled_or_deleted_subject_ends_its_logins(stage):
    for name, end in (("dora", True), ("gone", False)):
        person = await stage.person(name)
        pending = await stage.begins(person)
        if end:
            await admin.change_subject(
                stage.engine, HERE, "operator", person.subject.id, SubjectChange(disabled=True)
            )
        else:
            await admin.remove_subject(stage.engine, HERE, "operator", person.subject.id)
        with pytest.raises(CeremonyExpired):
            await prove.prove(stage.engine, pending.ticket, stage.code(person), HERE)


async def test_the_realms_own_policy_decides_how_long_a_login_may_take(stage):
    await stage.policy(ceremony_life=60)
    alice = await stage.person()

    pending = await stage.begins(alice)

    assert pending.ceremony.expires_at - stage.clock.now() == 60 * 1_000_000


async def test_a_subject_with_an_unverified_address_signs_in_by_its_name_only(stage):
    await stage.policy(registration=True)
    await account.register(
        stage.engine, HERE, name="erin", email="erin@example.org", password=PASSWORD
    )

    await refusal(stage, "erin@example.org", PASSWORD)

    assert isinstance(
        await login.begin(stage.engine, HERE, identifier="erin", answer=PASSWORD), Granted
    )


async def test_a_reset_of_factors_lets_a_password_in_alone(stage):
    alice = await stage.person()
    await admin_factors.reset_factors(stage.engine, HERE, "operator", alice.subject.id)

    assert isinstance(await stage.begins(alice), Granted)


async def test_a_wrong_code_is_not_mistaken_for_a_wrong_password(stage):
    alice = await stage.person()
    pending = await stage.begins(alice)
    with pytest.raises(CodeRejected):
        await prove.prove(stage.engine, pending.ticket, another(stage.code(alice)), HERE)

    assert await stage.tally(alice, "kind:password") is None
    assert isinstance(alice, Person)


async def test_a_lost_answer_to_a_password_is_given_again(stage):
    alice = await stage.person(totp=False)
    begun = await login.begin(stage.engine, HERE, identifier="alice")
    stage.clock.pass_(1)
    granted = await login.first_factor(stage.engine, begun.ticket, alice.password, HERE)

    again = await login.first_factor(stage.engine, begun.ticket, alice.password, HERE)

    assert again.tokens == granted.tokens
    assert len(await stage.sessions(alice)) == 1
    with pytest.raises(InvalidCredentials):
        await login.first_factor(stage.engine, begun.ticket, "wrong", HERE)
    stage.clock.pass_(16)
    with pytest.raises(CeremonyConsumed):
        await login.first_factor(stage.engine, begun.ticket, alice.password, HERE)


async def test_a_first_step_whose_session_was_closed_opens_no_other(stage):
    alice = await stage.person(totp=False)
    begun = await login.begin(stage.engine, HERE, identifier="alice")
    stage.clock.pass_(1)
    granted = await login.first_factor(stage.engine, begun.ticket, alice.password, HERE)
    await sessions.log_out(stage.engine, sessions.Bearer(granted.session, granted.subject), HERE)

    with pytest.raises(CeremonyConsumed):
        await login.first_factor(stage.engine, begun.ticket, alice.password, HERE)
