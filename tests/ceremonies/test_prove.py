import pytest

from tests.ceremonies.stage import HERE, another
from twofold.ceremonies import admin_factors, login, manage, prove, recover, sessions
from twofold.ceremonies.outcomes import Granted, Pending
from twofold.core.ceremony import State
from twofold.core.errors import (
    CeremonyConsumed,
    CodeAlreadyUsed,
    CodeRejected,
    CooldownActive,
    FactorBlocked,
    NotEnrolled,
    NotPossible,
    Throttled,
)
from twofold.core.policy import Requirement
from twofold.core.types import Aal


async def proves(stage, pending, answer, **more):
    return await prove.prove(stage.engine, pending.ticket, answer, HERE, **more)


async def codes_of(stage, person):
    """A set of recovery codes, as its owner was shown it."""
    bearer = await stage.bearer(person)
    return (await recover.renew(stage.engine, bearer, HERE)).facts["recovery_codes"]


async def test_a_right_code_signs_in_at_the_second_level(stage):
    alice = await stage.person()
    pending = await stage.begins(alice)

    granted = await proves(stage, pending, stage.code(alice))

    assert isinstance(granted, Granted)
    assert (granted.session.aal, granted.session.amr) == (Aal.TWO, ("pwd", "otp", "mfa"))
    assert granted.session.auth_time == stage.clock.now()
    assert (await stage.events(alice))[-1] == "login.granted"
    assert granted.notices == ()


async def test_a_right_answer_is_good_once(stage):
    alice = await stage.person()
    first, second = await stage.begins(alice), await stage.begins(alice)
    code = stage.code(alice)
    await proves(stage, first, code)

    with pytest.raises(CodeAlreadyUsed):
        await proves(stage, second, code)

    assert len(await stage.sessions(alice)) == 1
    assert await stage.tally(alice, "kind:totp") is None
    assert (await stage.events(alice))[-1] == "login.code.replayed"


async def test_of_two_that_send_one_code_at_once_one_gets_in(stage):
    alice = await stage.person()
    first, second = await stage.begins(alice), await stage.begins(alice)
    code = stage.code(alice)

    async def faster():
        await proves(stage, first, code)

    stage.store.before = faster

    with pytest.raises(CodeAlreadyUsed):
        await proves(stage, second, code)
    assert len(await stage.sessions(alice)) == 1


async def test_an_honest_retry_is_given_the_same_session(stage):
    alice = await stage.person()
    pending = await stage.begins(alice)
    code = stage.code(alice)
    granted = await proves(stage, pending, code)

    again = await proves(stage, pending, code)

    assert again.session == granted.session
    assert again.tokens == granted.tokens
    assert len(await stage.sessions(alice)) == 1


async def test_a_finished_ceremony_judges_nothing_more(stage):
    alice = await stage.person()
    pending = await stage.begins(alice)
    code = stage.code(alice)
    await proves(stage, pending, code)

    with pytest.raises(CeremonyConsumed):
        await proves(stage, pending, another(code))
    with pytest.raises(CeremonyConsumed):
        await login.inspect(stage.engine, pending.ticket, HERE)
    stage.clock.pass_(16)
    with pytest.raises(CeremonyConsumed):
        await proves(stage, pending, code)


async def test_wrong_codes_are_counted_and_end_the_ceremony(stage):
    alice = await stage.person()
    pending = await stage.begins(alice)
    left = []
    for _ in range(5):
        with pytest.raises(CodeRejected) as refused:
            await proves(stage, pending, another(stage.code(alice)))
        left.append(refused.value.attempts_left)

    assert left == [4, 3, 2, 1, 0]
    with pytest.raises(CeremonyConsumed):
        await proves(stage, pending, stage.code(alice))
    assert (await stage.events(alice))[-1] == "login.blocked"
    with pytest.raises(CeremonyConsumed):
        await login.inspect(stage.engine, pending.ticket, HERE)


async def test_what_is_left_can_be_asked_for(stage):
    alice = await stage.person()
    pending = await stage.begins(alice)
    with pytest.raises(CodeRejected):
        await proves(stage, pending, another(stage.code(alice)))

    seen = await login.inspect(stage.engine, pending.ticket, HERE)

    assert seen.attempts_left == 4


async def test_ten_wrong_codes_block_the_kind_over_all_ceremonies(stage):
    alice = await stage.person()
    for _ in range(2):
        pending = await stage.begins(alice)
        for _ in range(5):
            with pytest.raises(CodeRejected):
                await proves(stage, pending, another(stage.code(alice)))
    pending = await stage.begins(alice)

    with pytest.raises(FactorBlocked) as refused:
        await proves(stage, pending, stage.code(alice))

    assert refused.value.retry_after == 900
    stage.clock.pass_(900)
    assert isinstance(await proves(stage, await stage.begins(alice), stage.code(alice)), Granted)
    assert await stage.tally(alice, "kind:totp") is None


async def test_guesses_that_race_are_each_counted(stage):
    alice = await stage.person()
    pending = await stage.begins(alice)

    async def guessed():
        with pytest.raises(CodeRejected):
            await proves(stage, pending, "000000")

    stage.store.before = guessed
    with pytest.raises(CodeRejected) as refused:
        await proves(stage, pending, another(stage.code(alice)))

    assert refused.value.attempts_left == 3
    assert (await stage.tally(alice, "kind:totp")).streak == 2


async def test_a_source_that_guesses_at_many_people_is_slowed(stage):
    people = [await stage.person(name) for name in ("ada", "ben", "cleo", "dan", "eve", "fay")]
    pendings = [await stage.begins(p) for p in people for _ in range(2)]
    for pending in pendings[:10]:
        for _ in range(5):
            with pytest.raises(CodeRejected):
                await proves(stage, pending, "nonsense")

    with pytest.raises(Throttled):
        await proves(stage, pendings[10], "nonsense")


async def test_a_person_with_two_phones_just_types_a_code(stage):
    alice = await stage.person()
    old = alice.secret
    new = stage.engine.draw(20)
    await stage.binds(alice, "totp", secret=new, label="New phone")
    for secret in (old, new):
        alice.secret = secret
        outcome = await proves(stage, await stage.begins(alice), stage.code(alice))
        assert isinstance(outcome, Granted)


async def test_of_two_phones_a_replay_on_either_is_a_replay(stage):
    alice = await stage.person()
    code = stage.code(alice)
    await stage.binds(alice, "totp", secret=stage.engine.draw(20))
    await proves(stage, await stage.begins(alice), code)

    with pytest.raises(CodeAlreadyUsed):
        await proves(stage, await stage.begins(alice), code)


async def test_an_answer_may_name_what_it_is_for(stage):
    alice = await stage.person()
    other = await stage.binds(alice, "totp", secret=stage.engine.draw(20))

    pending = await stage.begins(alice)
    with pytest.raises(CodeRejected):
        await proves(stage, pending, stage.code(alice), authenticator=other)

    assert isinstance(
        await proves(stage, pending, stage.code(alice), authenticator=alice.totp), Granted
    )


async def test_nobody_proves_a_factor_of_somebody_else(stage):
    alice, bob = await stage.person(), await stage.person("bob")
    pending = await stage.begins(alice)

    with pytest.raises(NotEnrolled):
        await proves(stage, pending, stage.code(bob), authenticator=bob.totp)


async def test_a_challenge_can_be_asked_for_and_answered(stage):
    alice = await stage.person(mailed=True)
    pending = await stage.begins(alice)
    asked = await prove.ask(stage.engine, pending.ticket, HERE)

    assert asked.ceremony.state is State.CHALLENGE
    assert asked.ceremony.asked == alice.mailed
    assert asked.resend_at == stage.clock.now() + 60 * 1_000_000
    assert stage.nudges
    code = (await stage.mailed("code"))["code"]
    granted = await proves(stage, asked, code)

    assert (granted.session.aal, granted.session.amr) == (Aal.ONE, ("pwd", "otp", "email"))


async def test_while_a_challenge_is_out_the_app_still_answers_by_name(stage):
    alice = await stage.person(mailed=True)
    pending = await stage.begins(alice)
    asked = await prove.ask(stage.engine, pending.ticket, HERE, authenticator=alice.mailed)

    with pytest.raises(CodeRejected):
        await proves(stage, asked, stage.code(alice))

    assert isinstance(
        await proves(stage, asked, stage.code(alice), authenticator=alice.totp), Granted
    )


async def test_a_mailed_code_that_two_send_at_once_is_burnt_once(stage):
    dave = await stage.person("dave", totp=False, mailed=True)
    first = await stage.begins(dave)
    stage.clock.pass_(1)
    second = await stage.begins(dave)
    code = (await stage.mailed("code"))["code"]

    async def faster():
        await proves(stage, first, code)

    stage.store.before = faster

    with pytest.raises(CodeAlreadyUsed):
        await proves(stage, second, code)
    assert len(await stage.sessions(dave)) == 1


async def test_asking_again_too_soon_is_told_when_to_come_back(stage):
    alice = await stage.person(mailed=True)
    pending = await stage.begins(alice)
    asked = await prove.ask(stage.engine, pending.ticket, HERE)

    with pytest.raises(CooldownActive) as refused:
        await prove.ask(stage.engine, asked.ticket, HERE)

    assert refused.value.resend_at == asked.resend_at


async def test_a_blocked_kind_sends_nothing(stage):
    dave = await stage.person("dave", totp=False, mailed=True)
    for _ in range(2):
        pending = await stage.begins(dave)
        for _ in range(5):
            with pytest.raises(CodeRejected):
                await proves(stage, pending, "nonsense")
        stage.clock.pass_(61)
    sent = len(await stage.mail())

    pending = await stage.begins(dave)

    assert pending.ceremony.state is State.SECOND_FACTOR
    assert len(await stage.mail()) == sent
    with pytest.raises(FactorBlocked):
        await prove.ask(stage.engine, pending.ticket, HERE)
    assert len(await stage.mail()) == sent
    assert (await stage.events(dave))[-1] == "login.blocked"


async def test_what_needs_no_challenge_cannot_be_asked_for(stage):
    pending = await stage.begins(await stage.person())

    with pytest.raises(NotEnrolled):
        await prove.ask(stage.engine, pending.ticket, HERE)


async def test_a_code_cannot_be_typed_where_all_methods_must_be_asked_for(stage):
    await stage.policy(guesses={"allowed": 5})
    dave = await stage.person("dave", totp=False, mailed=True)
    for _ in range(5):
        outcome = await stage.begins(dave)
        with pytest.raises(CodeRejected):
            await proves(stage, outcome, "nonsense")
    blocked = await stage.begins(dave)
    assert blocked.ceremony.state is State.SECOND_FACTOR

    with pytest.raises(NotPossible):
        await proves(stage, blocked, "123456")


async def test_a_recovery_code_gets_back_in_at_the_first_level(stage):
    alice = await stage.person()
    codes = await codes_of(stage, alice)
    pending = await stage.begins(alice)
    assert pending.recovery is True

    granted = await proves(stage, pending, codes[0], recovery=True)

    assert (granted.session.aal, granted.session.amr) == (Aal.ONE, ("pwd", "otp", "rc"))
    assert granted.notices == ("replace-lost-factor",)
    assert "recovery.used" in await stage.events(alice)
    assert (await stage.mailed("recovery-used"))["left"] == 9


async def test_few_recovery_codes_are_told(stage):
    alice = await stage.person()
    codes = await codes_of(stage, alice)
    notices = []
    for code in codes:
        granted = await proves(stage, await stage.begins(alice), code, recovery=True)
        notices.append(granted.notices[0])

    assert notices[5:8] == ["replace-lost-factor", "recovery-codes-low(3)", "recovery-codes-low(2)"]
    pending = await stage.begins(alice)
    assert pending.recovery is False
    with pytest.raises(CodeRejected):
        await proves(stage, pending, codes[0], recovery=True)


async def test_a_recovery_code_works_once_and_a_wrong_one_is_counted(stage):
    alice = await stage.person()
    codes = await codes_of(stage, alice)
    await proves(stage, await stage.begins(alice), codes[0], recovery=True)

    with pytest.raises(CodeRejected):
        await proves(stage, await stage.begins(alice), codes[0], recovery=True)

    assert (await stage.tally(alice, "kind:recovery")).streak == 1
    assert (await stage.events(alice))[-1] == "recovery.refused"


async def test_of_two_that_burn_one_recovery_code_one_gets_in(stage):
    alice = await stage.person()
    codes = await codes_of(stage, alice)
    first, second = await stage.begins(alice), await stage.begins(alice)

    async def faster():
        await proves(stage, first, codes[0], recovery=True)

    stage.store.before = faster
    before = len(await stage.sessions(alice))

    with pytest.raises(CodeAlreadyUsed):
        await proves(stage, second, codes[0], recovery=True)
    assert len(await stage.sessions(alice)) == before + 1


@pytest.mark.parametrize("junk", ["", "          ", "null", "{}", "0" * 16])
async def test_no_junk_is_a_recovery_code(stage, junk):
    alice = await stage.person()
    await codes_of(stage, alice)

    with pytest.raises(CodeRejected):
        await proves(stage, await stage.begins(alice), junk, recovery=True)

    assert (await stage.tally(alice, "kind:recovery")).streak == 1


async def test_codes_in_the_wrong_slot_are_refused(stage):
    alice = await stage.person()
    codes = await codes_of(stage, alice)
    pending = await stage.begins(alice)
    with pytest.raises(CodeRejected):
        await proves(stage, pending, stage.code(alice), recovery=True)
    with pytest.raises(CodeRejected):
        await proves(stage, pending, codes[0])


async def test_recovery_is_for_those_who_have_codes(stage):
    pending = await stage.begins(await stage.person())

    with pytest.raises(NotEnrolled):
        await proves(stage, pending, "0" * 16, recovery=True)


async def test_a_demanded_level_leads_on_from_a_weaker_factor(stage):
    dave = await stage.person("dave", totp=False, mailed=True)
    pending = await stage.begins(dave, require=Requirement(Aal.TWO))
    code = (await stage.mailed("code"))["code"]

    outcome = await proves(stage, pending, code)

    assert isinstance(outcome, Pending)
    assert outcome.ceremony.state is State.ENROL
    assert await stage.sessions(dave) == []


async def test_a_demanded_level_asks_for_the_stronger_factor_after_the_weaker(stage):
    alice = await stage.person(mailed=True)
    pending = await stage.begins(alice, require=Requirement(Aal.TWO))
    asked = await prove.ask(stage.engine, pending.ticket, HERE)
    code = (await stage.mailed("code"))["code"]

    outcome = await proves(stage, asked, code)
    assert outcome.ceremony.state is State.SECOND_FACTOR
    granted = await proves(stage, outcome, stage.code(alice))

    assert granted.session.aal is Aal.TWO


async def test_factors_of_a_kind_policy_forgot_are_still_asked_for(stage):
    alice = await stage.person()
    await stage.policy(kinds=["email"])

    outcome = await stage.begins(alice)

    assert isinstance(outcome, Pending)
    assert isinstance(await proves(stage, outcome, stage.code(alice)), Granted)


async def test_the_preferred_factor_is_offered_first(stage):
    alice = await stage.person(mailed=True)
    await manage.prefer(stage.engine, await stage.bearer(alice), alice.mailed, HERE)

    pending = await stage.begins(alice)

    assert [(c.kind, c.preferred, c.hint) for c in pending.choices] == [
        ("email", True, "a***@e***.org"),
        ("totp", False, ""),
    ]
    assert pending.ceremony.state is State.CHALLENGE


async def test_a_factor_removed_meanwhile_proves_nothing(stage):
    alice = await stage.person()
    pending = await stage.begins(alice)

    async def reset():
        await admin_factors.reset_factors(stage.engine, HERE, "operator", alice.subject.id)

    stage.store.before = reset

    with pytest.raises(Exception, match="security settings have changed"):
        await proves(stage, pending, stage.code(alice))
    assert await stage.sessions(alice) == []


async def test_a_ticket_whose_session_was_closed_opens_no_other(stage):
    alice = await stage.person()
    pending = await stage.begins(alice)
    granted = await proves(stage, pending, stage.code(alice))
    bearer = sessions.Bearer(granted.session, granted.subject)
    await sessions.log_out(stage.engine, bearer, HERE)
    stage.clock.pass_(30)

    with pytest.raises(CeremonyConsumed):
        await proves(stage, pending, stage.code(alice))
