import pytest

from tests.ceremonies.stage import HERE, another
from twofold.ceremonies import admin_factors, manage, prove, recover, sessions
from twofold.ceremonies.outcomes import Granted
from twofold.core.errors import (
    CodeRejected,
    FactorBlocked,
    InvalidToken,
    LastFactor,
    Malformed,
    NotEnrolled,
    NotFound,
    StaleSecurityState,
    StepUpRequired,
)


async def removes(stage, bearer, id):
    return await manage.remove(stage.engine, bearer, id, HERE)


async def with_recovery(stage, **more):
    alice = await stage.person(**more)
    bearer = await stage.bearer(alice)
    codes = (await recover.renew(stage.engine, bearer, HERE)).facts["recovery_codes"]
    return alice, bearer, codes


async def test_the_list_shows_what_an_owner_may_see(stage):
    alice = await stage.person(mailed=True)
    bearer = await stage.bearer(alice)

    first, second = await manage.factors(stage.engine, bearer)

    assert (first.id, first.kind, first.label, first.preferred) == (
        alice.totp, "totp", "Phone", True,
    )  # fmt: skip
    assert first.used_at == stage.clock.now()
    assert (second.kind, second.hint, second.used_at) == ("email", "a***@e***.org", None)
    assert alice.secret.hex() not in repr((first, second))


async def test_what_is_left_of_the_recovery_codes_is_shown_without_them(stage):
    alice = await stage.person()
    bearer = await stage.bearer(alice)
    assert await manage.recovery_left(stage.engine, bearer) is None
    await recover.renew(stage.engine, bearer, HERE)

    row = await manage.recovery_left(stage.engine, bearer)

    assert (row.remaining, row.generated_at) == (10, stage.clock.now())


async def test_a_factor_can_be_renamed(stage):
    alice = await stage.person()
    bearer = await stage.bearer(alice)

    await manage.rename(stage.engine, bearer, alice.totp, "Old phone", HERE)

    assert (await manage.factors(stage.engine, bearer))[0].label == "Old phone"
    assert (await stage.events(alice))[-1] == "factor.renamed"
    with pytest.raises(Malformed):
        await manage.rename(stage.engine, bearer, alice.totp, "a\nb", HERE)


async def test_a_factor_can_be_preferred(stage):
    alice = await stage.person(mailed=True)
    bearer = await stage.bearer(alice)

    await manage.prefer(stage.engine, bearer, alice.mailed, HERE)

    rows = await manage.factors(stage.engine, bearer)
    assert [(row.kind, row.preferred) for row in rows] == [("email", True), ("totp", False)]
    assert (await stage.events(alice))[-1] == "factor.preferred"


async def test_nobody_touches_a_factor_of_somebody_else(stage):
    alice, bob = await stage.person(), await stage.person("bob")
    his = await stage.bearer(bob)

    with pytest.raises(NotFound):
        await manage.rename(stage.engine, his, alice.totp, "mine now", HERE)
    with pytest.raises(NotFound):
        await manage.prefer(stage.engine, his, alice.totp, HERE)
    with pytest.raises(NotFound):
        await removes(stage, his, alice.totp)
    with pytest.raises(NotFound):
        await removes(stage, his, "no such id")


async def test_removing_the_last_factor_takes_the_recovery_codes_along(stage):
    alice, bearer, codes = await with_recovery(stage)
    before = (await stage.view(alice)).subject.epoch

    done = await removes(stage, bearer, alice.totp)

    assert done.closes_session is False
    view = await stage.view(alice)
    assert [a.kind for a in view.authenticators] == ["password"]
    assert view.subject.epoch == before + 1
    assert isinstance(await stage.begins(alice), Granted)
    assert (await stage.mailed("factor-removed"))["label"] == "Phone"
    assert "factor.removed" in await stage.events(alice)
    # Old codes stay dead when a factor is bound again (A11).
    alice.totp = await stage.binds(alice, "totp", secret=alice.secret)
    pending = await stage.begins(alice)
    with pytest.raises(NotEnrolled):
        await prove.prove(stage.engine, pending.ticket, codes[0], HERE, recovery=True)


async def test_removing_one_of_two_keeps_the_codes_and_moves_the_preference(stage):
    alice, bearer, _ = await with_recovery(stage, mailed=True)

    await removes(stage, bearer, alice.totp)

    rows = await manage.factors(stage.engine, bearer)
    assert [(row.kind, row.preferred) for row in rows] == [("email", True)]
    assert await manage.recovery_left(stage.engine, bearer) is not None
    (held,) = [a for a in (await stage.view(alice)).authenticators if a.kind == "email"]
    assert held.preferred is True


async def test_removing_what_was_not_preferred_leaves_the_preference(stage):
    alice, bearer, _ = await with_recovery(stage, mailed=True)

    await removes(stage, bearer, alice.mailed)

    rows = await manage.factors(stage.engine, bearer)
    assert [(row.kind, row.preferred) for row in rows] == [("totp", True)]


async def test_the_last_factor_stays_where_policy_demands_one(stage):
    alice = await stage.person(mailed=True)
    await stage.policy(enforcement="required")
    bearer = await stage.bearer(alice)
    await removes(stage, bearer, alice.mailed)

    with pytest.raises(LastFactor):
        await removes(stage, bearer, alice.totp)

    assert len(await manage.factors(stage.engine, bearer)) == 1


async def test_removing_needs_fresh_proof(stage):
    alice = await stage.person()
    bearer = await stage.bearer(alice)
    stage.clock.pass_(301)

    with pytest.raises(StepUpRequired):
        await removes(stage, bearer, alice.totp)


async def test_a_removal_ends_pending_logins(stage):
    alice = await stage.person(mailed=True)
    bearer = await stage.bearer(alice)
    pending = await stage.begins(alice)
    await removes(stage, bearer, alice.mailed)
    stage.clock.pass_(30)

    with pytest.raises(StaleSecurityState):
        await prove.prove(stage.engine, pending.ticket, stage.code(alice), HERE)


@pytest.mark.parametrize(
    ("closing", "others", "own"),
    [("others", False, True), ("none", True, True), ("all", False, False)],
)
async def test_sessions_end_as_policy_says(stage, closing, others, own):
    await stage.policy(closing=closing)
    alice = await stage.person()
    other, mine = await stage.bearer(alice), await stage.bearer(alice)

    done = await removes(stage, mine, alice.totp)

    alive = {session.id for session in await stage.sessions(alice)}
    assert (other.session.id in alive, mine.session.id in alive) == (others, own)
    assert done.closes_session is not own


async def test_guesses_at_what_is_gone_do_not_block_what_comes_after(stage):
    await stage.policy(guesses={"allowed": 5, "absolute": 5})
    alice, bearer, _ = await with_recovery(stage)
    for wrong, more in ((another(stage.code(alice)), {}), ("0" * 16, {"recovery": True})):
        pending = await stage.begins(alice)
        for _ in range(5):
            with pytest.raises(CodeRejected):
                await prove.prove(stage.engine, pending.ticket, wrong, HERE, **more)
        with pytest.raises(FactorBlocked):
            await prove.prove(stage.engine, (await stage.begins(alice)).ticket, wrong, HERE, **more)

    await removes(stage, bearer, alice.totp)

    assert await stage.tally(alice, "kind:totp") is None
    assert await stage.tally(alice, "kind:recovery") is None


async def test_two_removals_at_once_leave_no_one_without_a_demanded_factor(stage):
    alice = await stage.person(mailed=True)
    await stage.policy(enforcement="required")
    bearer = await stage.bearer(alice)

    async def faster():
        await removes(stage, bearer, alice.mailed)

    stage.store.before = faster

    with pytest.raises(LastFactor):
        await removes(stage, bearer, alice.totp)


async def test_an_ended_session_manages_nothing(stage):
    alice = await stage.person()
    bearer = await stage.bearer(alice)
    await sessions.log_out(stage.engine, bearer, HERE)

    with pytest.raises(InvalidToken):
        await removes(stage, bearer, alice.totp)
    with pytest.raises(InvalidToken):
        await manage.factors(stage.engine, bearer)


async def test_a_factor_removed_meanwhile_cannot_be_renamed(stage):
    alice = await stage.person()
    bearer = await stage.bearer(alice)

    async def reset():
        await admin_factors.reset_factors(
            stage.engine, HERE, "operator", alice.subject.id, only=alice.totp
        )

    stage.store.before = reset

    with pytest.raises(InvalidToken):
        await manage.rename(stage.engine, bearer, alice.totp, "gone", HERE)


async def test_removing_one_of_two_phones_keeps_the_count_of_the_other(stage):
    alice = await stage.person()
    old = await stage.binds(alice, "totp", secret=b"o" * 20)
    pending = await stage.begins(alice)
    with pytest.raises(CodeRejected):
        await prove.prove(stage.engine, pending.ticket, another(stage.code(alice)), HERE)
    bearer = await stage.bearer(alice)
    pending = await stage.begins(alice)
    with pytest.raises(CodeRejected):
        await prove.prove(stage.engine, pending.ticket, another(stage.code(alice)), HERE)

    await removes(stage, bearer, old)

    assert (await stage.tally(alice, "kind:totp")).streak == 1
