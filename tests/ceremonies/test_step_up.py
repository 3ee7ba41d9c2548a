from dataclasses import replace

import pytest

from tests.ceremonies.stage import HERE
from twofold.ceremonies import login, prove, recover, sessions, step_up
from twofold.ceremonies.outcomes import Granted, Pending
from twofold.ceremonies.sessions import Bearer
from twofold.core.ceremony import State
from twofold.core.errors import (
    CeremonyConsumed,
    CeremonyExpired,
    InvalidCredentials,
    InvalidToken,
    NotAllowed,
    StepUpRequired,
)
from twofold.core.policy import ACR, Policy, Requirement
from twofold.core.types import Aal


async def begins(stage, session, **more):
    return await step_up.begin(stage.engine, session, HERE, **more)


async def demand(stage, person, session):
    view = await stage.view(person)
    step_up.require_fresh(stage.engine, view, session, Policy(), stage.clock.now())


async def recovered(stage, person):
    """A session that a recovery code opened."""
    bearer = await stage.bearer(person)
    codes = (await recover.renew(stage.engine, bearer, HERE)).facts["recovery_codes"]
    pending = await stage.begins(person)
    granted = await prove.prove(stage.engine, pending.ticket, codes[0], HERE, recovery=True)
    return granted.session, codes


async def test_who_has_a_factor_proves_it_again(stage):
    alice = await stage.person()
    old = (await stage.logs_in(alice)).session
    stage.clock.pass_(600)
    begun = await begins(stage, old)
    assert begun.ceremony.state is State.SECOND_FACTOR

    granted = await prove.prove(stage.engine, begun.ticket, stage.code(alice), HERE)

    assert granted.session.aal is Aal.TWO
    assert granted.session.auth_time == stage.clock.now()
    assert granted.session.id != old.id
    assert granted.ended == (old.id,)
    assert [s.id for s in await stage.sessions(alice)] == [granted.session.id]
    assert (await stage.events(alice))[-1] == "stepup.granted"


async def test_a_session_of_the_first_level_rises(stage):
    await stage.policy(trusted_networks=["192.0.2.0/24"])
    alice = await stage.person()
    low = (await stage.begins(alice)).session
    assert low.amr == ("pwd", "rba")

    begun = await begins(stage, low, require=Requirement(Aal.TWO))
    granted = await prove.prove(stage.engine, begun.ticket, stage.code(alice), HERE)

    assert (granted.session.aal, granted.session.amr) == (Aal.TWO, ("pwd", "otp", "mfa"))


async def test_without_a_factor_the_password_is_the_fresh_proof(stage):
    alice = await stage.person(totp=False)
    old = (await stage.logs_in(alice)).session
    stage.clock.pass_(600)
    begun = await begins(stage, old)
    assert begun.ceremony.state is State.FIRST_FACTOR

    with pytest.raises(InvalidCredentials):
        await login.first_factor(stage.engine, begun.ticket, "wrong", HERE)
    granted = await login.first_factor(stage.engine, begun.ticket, alice.password, HERE)

    assert isinstance(granted, Granted)
    assert granted.session.auth_time == stage.clock.now()
    assert "stepup.password.refused" in await stage.events(alice)


async def test_a_mailbox_is_no_fresh_proof_of_an_app(stage):
    alice = await stage.person(mailed=True)
    stolen = (await stage.logs_in(alice)).session
    stage.clock.pass_(600)
    begun = await begins(stage, stolen)
    asked = await prove.ask(stage.engine, begun.ticket, HERE, authenticator=alice.mailed)
    code = (await stage.mailed("code"))["code"]

    outcome = await prove.prove(stage.engine, asked.ticket, code, HERE)

    assert isinstance(outcome, Pending)
    assert outcome.ceremony.state is State.SECOND_FACTOR
    with pytest.raises(StepUpRequired):
        await demand(stage, alice, stolen)


async def test_a_recovery_code_stands_in_for_the_lost_app(stage):
    alice = await stage.person()
    bearer = await stage.bearer(alice)
    codes = (await recover.renew(stage.engine, bearer, HERE)).facts["recovery_codes"]
    stage.clock.pass_(600)
    begun = await begins(stage, bearer.session)

    granted = await prove.prove(stage.engine, begun.ticket, codes[0], HERE, recovery=True)

    assert granted.session.aal is Aal.ONE
    await demand(stage, alice, granted.session)


async def test_a_recovery_code_does_not_reach_a_level_that_was_asked_for(stage):
    alice = await stage.person()
    bearer = await stage.bearer(alice)
    codes = (await recover.renew(stage.engine, bearer, HERE)).facts["recovery_codes"]
    begun = await begins(stage, bearer.session, require=Requirement(Aal.TWO))

    outcome = await prove.prove(stage.engine, begun.ticket, codes[0], HERE, recovery=True)

    assert isinstance(outcome, Pending)


async def test_a_level_nobody_reaches_is_refused(stage):
    alice = await stage.person()
    begun = await begins(
        stage, (await stage.logs_in(alice)).session, require=Requirement(Aal.THREE)
    )
    stage.clock.pass_(30)

    with pytest.raises(NotAllowed):
        await prove.prove(stage.engine, begun.ticket, stage.code(alice), HERE)

    assert (await stage.events(alice))[-1] == "stepup.refused"


async def test_what_a_recovery_code_opened_is_forgotten_by_a_real_proof(stage):
    alice = await stage.person()
    session, _ = await recovered(stage, alice)
    stage.clock.pass_(30)
    begun = await begins(stage, session)

    granted = await prove.prove(stage.engine, begun.ticket, stage.code(alice), HERE)

    assert "rc" not in granted.session.amr


async def test_nobody_steps_up_for_a_subject_that_is_gone(stage):
    alice = await stage.person()
    session = replace((await stage.logs_in(alice)).session, subject="f" * 32)

    with pytest.raises(InvalidToken):
        await begins(stage, session)


async def test_nobody_steps_up_from_a_session_that_has_ended_since_it_was_read(stage):
    alice = await stage.person()
    session = replace((await stage.logs_in(alice)).session, id="f" * 32)

    with pytest.raises(InvalidToken):
        await begins(stage, session)


async def test_fresh_proof_grows_old(stage):
    alice = await stage.person()
    session = (await stage.logs_in(alice)).session
    stage.clock.pass_(300)
    await demand(stage, alice, session)
    stage.clock.pass_(1)

    with pytest.raises(StepUpRequired) as refused:
        await demand(stage, alice, session)

    assert (refused.value.acr_values, refused.value.max_age) == (ACR[Aal.TWO], 300)


async def test_a_password_is_no_proof_where_a_factor_is_bound(stage):
    alice = await stage.person(totp=False)
    session = (await stage.logs_in(alice)).session
    await demand(stage, alice, session)
    await stage.binds(alice, "totp", secret=b"s" * 20)

    with pytest.raises(StepUpRequired):
        await demand(stage, alice, session)


async def test_a_weaker_factor_has_to_be_proved_where_it_is_all_there_is(stage):
    dave = await stage.person("dave", totp=False, mailed=True)
    pending = await stage.begins(dave)
    code = (await stage.mailed("code"))["code"]
    session = (await prove.prove(stage.engine, pending.ticket, code, HERE)).session

    await demand(stage, dave, session)

    with pytest.raises(StepUpRequired):
        await demand(stage, dave, replace(session, amr=("pwd",)))
    assert step_up.is_proved(stage.engine, await stage.view(dave), session)


async def test_a_recovered_session_may_change_factors_while_it_is_fresh(stage):
    alice = await stage.person()
    session, _ = await recovered(stage, alice)

    await demand(stage, alice, session)

    assert not step_up.is_proved(stage.engine, await stage.view(alice), session)
    stage.clock.pass_(301)
    with pytest.raises(StepUpRequired):
        await demand(stage, alice, session)
    assert Bearer(session, alice.subject).session is session


@pytest.mark.parametrize("when", ["before", "meanwhile", "by itself"])
async def test_a_step_up_dies_with_the_session_it_began_from(stage, when):
    alice = await stage.person()
    await stage.policy(sessions={"aal2": {"idle": 60, "absolute": 60}})
    bearer = await stage.bearer(alice)
    begun = await begins(stage, bearer.session)
    stage.clock.pass_(30)

    async def signed_out():
        await sessions.log_out(stage.engine, bearer, HERE)

    match when:
        case "before":
            await signed_out()
        case "meanwhile":
            stage.store.before = signed_out
        case "by itself":
            stage.clock.pass_(30)

    with pytest.raises(CeremonyExpired):
        await prove.prove(stage.engine, begun.ticket, stage.code(alice), HERE)


async def test_a_step_up_that_meets_a_refresh_goes_on(stage):
    alice = await stage.person()
    granted = await stage.logs_in(alice)
    begun = await begins(stage, granted.session)
    stage.clock.pass_(30)

    async def refreshed():
        await sessions.refresh(stage.engine, granted.tokens.refresh, HERE)

    stage.store.before = refreshed
    raised = await prove.prove(stage.engine, begun.ticket, stage.code(alice), HERE)

    assert [s.id for s in await stage.sessions(alice)] == [raised.session.id]


async def test_a_lost_answer_to_a_step_up_is_given_again(stage):
    alice = await stage.person(totp=False)
    begun = await begins(stage, (await stage.logs_in(alice)).session)
    stage.clock.pass_(1)
    granted = await login.first_factor(stage.engine, begun.ticket, alice.password, HERE)

    again = await login.first_factor(stage.engine, begun.ticket, alice.password, HERE)

    assert again.tokens == granted.tokens


async def test_a_step_up_that_was_given_up_takes_no_password(stage):
    alice = await stage.person(totp=False)
    begun = await begins(stage, (await stage.logs_in(alice)).session)
    await login.cancel(stage.engine, begun.ticket, HERE)

    with pytest.raises(CeremonyConsumed):
        await login.first_factor(stage.engine, begun.ticket, alice.password, HERE)
