import pytest

from tests.ceremonies.stage import HERE
from twofold.ceremonies import prove, recover
from twofold.ceremonies.outcomes import Granted
from twofold.core.errors import CodeRejected, NotEnrolled, StepUpRequired


async def renews(stage, bearer):
    return await recover.renew(stage.engine, bearer, HERE)


async def enters(stage, person, code):
    pending = await stage.begins(person)
    return await prove.prove(stage.engine, pending.ticket, code, HERE, recovery=True)


async def test_a_new_set_is_shown_once_and_the_old_one_is_dead(stage):
    alice = await stage.person()
    bearer = await stage.bearer(alice)
    old = (await renews(stage, bearer)).facts["recovery_codes"]

    done = await renews(stage, bearer)

    new = done.facts["recovery_codes"]
    assert (len(new), done.facts["remaining"], done.closes_session) == (10, 10, False)
    assert not set(new) & set(old)
    with pytest.raises(CodeRejected):
        await enters(stage, alice, old[0])
    assert isinstance(await enters(stage, alice, new[0]), Granted)
    assert (await stage.mailed("recovery-renewed"))["count"] == 10
    assert "recovery.renewed" in await stage.events(alice)


async def test_a_new_set_needs_fresh_proof(stage):
    bearer = await stage.bearer(await stage.person())
    stage.clock.pass_(301)

    with pytest.raises(StepUpRequired):
        await renews(stage, bearer)


async def test_without_a_factor_there_is_nothing_to_recover(stage):
    bearer = await stage.bearer(await stage.person(totp=False))

    with pytest.raises(NotEnrolled):
        await renews(stage, bearer)


async def test_a_new_set_forgets_the_guesses_at_the_old_one(stage):
    alice = await stage.person()
    bearer = await stage.bearer(alice)
    await renews(stage, bearer)
    with pytest.raises(CodeRejected):
        await enters(stage, alice, "0" * 16)

    await renews(stage, bearer)

    assert await stage.tally(alice, "kind:recovery") is None


@pytest.mark.parametrize(("closing", "ends"), [("all", True), ("none", False)])
async def test_sessions_end_as_policy_says(stage, closing, ends):
    await stage.policy(closing=closing)
    alice = await stage.person()
    bearer = await stage.bearer(alice)

    done = await renews(stage, bearer)

    assert done.closes_session is ends
    assert bool(await stage.sessions(alice)) is not ends


async def test_of_two_sets_made_at_once_one_is_good(stage):
    alice = await stage.person()
    bearer = await stage.bearer(alice)
    sets = []

    async def faster():
        sets.append((await renews(stage, bearer)).facts["recovery_codes"])

    stage.store.before = faster
    sets.append((await renews(stage, bearer)).facts["recovery_codes"])

    with pytest.raises(CodeRejected):
        await enters(stage, alice, sets[0][0])
    assert isinstance(await enters(stage, alice, sets[1][0]), Granted)
