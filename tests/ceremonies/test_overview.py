import pytest

from tests.ceremonies.stage import BROWSER, HERE
from twofold.ceremonies import enrol, login, overview, prove, recover, sessions
from twofold.ceremonies.sessions import Bearer
from twofold.core.errors import InvalidToken, StepUpRequired
from twofold.core.policy import Closing


async def seen(stage, bearer):
    return await overview.overview(stage.engine, bearer, HERE)


async def test_an_owner_sees_everything_at_once(stage):
    alice = await stage.person(mailed=True)
    bearer = await stage.bearer(alice, BROWSER)
    codes = (await recover.renew(stage.engine, bearer, BROWSER)).facts["recovery_codes"]

    found = await seen(stage, bearer)

    assert found.subject.name == "alice"
    assert [row.label for row in found.factors] == ["Phone", "Mail"]
    assert (found.recovery.remaining, found.recovery.total) == (len(codes), len(codes))
    assert [one.id for one in found.sessions] == [bearer.session.id]
    assert [one.event for one in found.activity][:2] == ["recovery.renewed", "login.granted"]
    assert (found.demanded, found.recovered, found.deletable) == (False, False, False)
    assert found.closing is Closing.OTHERS


async def test_what_has_run_out_or_ended_is_not_listed(stage):
    alice = await stage.person()
    old = await stage.bearer(alice)
    stage.clock.pass_(3_601)
    bearer = await stage.bearer(alice)

    assert [one.id for one in (await seen(stage, bearer)).sessions] == [bearer.session.id]
    await sessions.log_out(stage.engine, bearer, HERE)
    for gone in (bearer,):
        with pytest.raises(InvalidToken):
            await seen(stage, gone)
    assert old.session.id != bearer.session.id


async def test_a_lost_factor_is_spoken_of_until_another_takes_its_place(stage):
    """E29."""
    alice = await stage.person()
    bearer = await stage.bearer(alice)
    codes = (await recover.renew(stage.engine, bearer, HERE)).facts["recovery_codes"]
    stage.clock.pass_(60)
    pending = await stage.begins(alice)
    granted = await prove.prove(stage.engine, pending.ticket, codes[0], HERE, recovery=True)
    bearer = Bearer(granted.session, granted.subject)
    assert (await seen(stage, bearer)).recovered
    stage.clock.pass_(60)

    begun = await enrol.begin(stage.engine, bearer.session, HERE)
    revealed = await enrol.bind(stage.engine, begun.ticket, "email", HERE)
    code = (await stage.mailed("code"))["code"]
    outcome = await enrol.confirm(stage.engine, revealed.pending.ticket, code, HERE)

    after = await seen(stage, Bearer(outcome.session, outcome.subject))
    assert not after.recovered


async def test_a_factor_that_was_found_again_is_not_lost(stage):
    alice = await stage.person()
    bearer = await stage.bearer(alice)
    codes = (await recover.renew(stage.engine, bearer, HERE)).facts["recovery_codes"]
    stage.clock.pass_(60)
    pending = await stage.begins(alice)
    await prove.prove(stage.engine, pending.ticket, codes[0], HERE, recovery=True)
    stage.clock.pass_(60)

    assert not (await seen(stage, await stage.bearer(alice))).recovered


async def test_owners_read_what_happened_to_nobody_else(stage):
    alice, bob = await stage.person(), await stage.person("bob")
    bearer = await stage.bearer(alice)
    await stage.bearer(bob)

    found = await overview.activity(stage.engine, bearer, 100)

    assert [one.event for one in found] == ["login.granted", "factor.imported", "subject.created"]
    assert len(await overview.activity(stage.engine, bearer, 1)) == 1
    assert {one.by for one in found[1:]} == {"administrator"}
    assert {one.address for one in found[1:]} == {""}


async def test_a_sign_in_that_was_not_finished_is_told(stage):
    alice = await stage.person()
    await stage.begins(alice)

    found = await overview.activity(stage.engine, await stage.bearer(alice), 2)

    assert [one.event for one in found] == ["login.granted", "login.password.accepted"]


async def test_a_set_up_that_was_put_off_finishes_the_sign_in(stage):
    await stage.policy(enforcement="required", grace=3_600)
    carol = await stage.person("carol", totp=False)
    pending = await stage.begins(carol)
    granted = await login.skip(stage.engine, pending.ticket, HERE)

    found = await overview.activity(stage.engine, Bearer(granted.session, granted.subject), 5)

    assert [one.event for one in found] == ["enrol.declined", "subject.created"]


async def test_what_must_be_proved_is_said_before_a_form_is_filled_in(stage):
    alice = await stage.person()
    bearer = await stage.bearer(alice)
    assert await overview.missing(stage.engine, bearer) is None

    stage.clock.pass_(600)

    assert isinstance(await overview.missing(stage.engine, bearer), StepUpRequired)
    assert isinstance(await overview.missing(stage.engine, bearer, password=True), StepUpRequired)


async def test_whoever_has_only_a_password_changes_it_without_another_proof(stage):
    bearer = await stage.bearer(await stage.person(totp=False))
    stage.clock.pass_(600)

    assert await overview.missing(stage.engine, bearer, password=True) is None
    assert isinstance(await overview.missing(stage.engine, bearer), StepUpRequired)


async def test_a_copy_of_the_account_needs_fresh_proof_and_is_recorded(stage):
    """E57."""
    alice = await stage.person()
    bearer = await stage.bearer(alice)

    found = await overview.export(stage.engine, bearer, HERE)

    assert found.activity[0].event == "account.exported"
    assert len(found.activity) == 4
    assert (await stage.events(alice))[-1] == "account.exported"
    stage.clock.pass_(600)
    with pytest.raises(StepUpRequired):
        await overview.export(stage.engine, bearer, HERE)


async def test_no_secret_is_in_what_an_owner_reads(stage):
    alice = await stage.person()
    bearer = await stage.bearer(alice)
    codes = (await recover.renew(stage.engine, bearer, HERE)).facts["recovery_codes"]

    text = repr(await overview.export(stage.engine, bearer, HERE))

    for secret in (alice.password, alice.secret.hex(), *codes):
        assert secret not in text


async def test_a_policy_says_whether_an_account_may_be_deleted(stage):
    await stage.policy(deletion=True)
    alice = await stage.person()
    boss = await stage.person("boss", admin=True)

    assert (await seen(stage, await stage.bearer(alice))).deletable
    assert not (await seen(stage, await stage.bearer(boss))).deletable


async def test_where_policy_demands_a_second_factor_the_last_one_must_stay(stage):
    await stage.policy(enforcement="required")
    bearer = await stage.bearer(await stage.person())

    assert (await seen(stage, bearer)).demanded
