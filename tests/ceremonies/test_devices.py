"""Remembering a browser, seeing which ones are, forgetting them: by owners and administrators."""

from dataclasses import replace

import pytest

from tests.ceremonies.stage import HERE
from twofold.ceremonies import devices, enrol, manage, prove, sessions, step_up
from twofold.ceremonies.outcomes import Granted, Pending
from twofold.ceremonies.sessions import Bearer
from twofold.core.errors import (
    InvalidToken,
    NotAllowed,
    NotEnrolled,
    NotFound,
    NotPossible,
    StepUpRequired,
)
from twofold.core.types import DEFAULT_REALM, SECOND, Instant

DAY = 86_400


def at(carried="", **changes):
    return replace(HERE, device=carried, **changes)


def bearer_of(granted):
    return Bearer(granted.session, granted.subject)


async def rows(stage, person):
    return (await stage.store.view(DEFAULT_REALM, person.subject.id, devices=True)).devices


async def test_a_remembered_browser_is_listed_with_what_it_called_itself(stage):
    alice = await stage.person()
    granted = await stage.logs_in(alice, at())
    bearer, now = bearer_of(granted), stage.clock.now()

    done = await devices.remember(stage.engine, bearer, at(granted.device))

    row = devices.DeviceRow(
        id=done.row.id,
        label="a browser",
        address="192.0.2.7",
        created_at=now,
        seen_at=now,
        trusted_until=Instant(now + 30 * DAY * SECOND),
        current=True,
    )
    assert done.row == row
    assert (await devices.listed(stage.engine, bearer, at(done.device))).rows == (row,)
    elsewhere = (replace(row, current=False),)
    assert (await devices.listed(stage.engine, bearer, at())).rows == elsewhere
    assert await devices.of_subject(stage.engine, DEFAULT_REALM, "alice") == elsewhere


async def test_the_owner_is_told_and_it_is_recorded(stage):
    alice = await stage.person()
    bearer = await stage.bearer(alice, at())

    done = await devices.remember(stage.engine, bearer, at())

    told = await stage.mailed("browser-remembered")
    assert (told["days"], told["agent"]) == (30, "a browser")
    event, body = (await stage.records(alice))[-1]
    assert (event, body["device"], body["days"]) == ("device.remembered", done.row.id, 30)


async def test_a_fresh_proof_is_needed(stage):
    alice = await stage.person()
    bearer = await stage.bearer(alice, at())
    stage.clock.pass_(301)

    with pytest.raises(StepUpRequired):
        await devices.remember(stage.engine, bearer, at())

    assert await rows(stage, alice) == ()


async def test_what_a_remembered_browser_spared_was_not_proved(stage):
    alice = await stage.person()
    granted = await stage.logs_in(alice, at())
    carried = (await devices.remember(stage.engine, bearer_of(granted), at())).device
    spared = await stage.begins(alice, at(carried))

    assert (await devices.listed(stage.engine, bearer_of(spared), at(spared.device))).offered == 0
    with pytest.raises(StepUpRequired):
        await devices.remember(stage.engine, bearer_of(spared), at(spared.device))


async def test_what_a_trusted_network_spared_was_not_proved(stage):
    alice = await stage.person()
    await stage.policy(trusted_networks=["192.0.2.0/24"])
    granted = await stage.begins(alice, at())

    assert (await devices.listed(stage.engine, bearer_of(granted), at())).offered == 0
    with pytest.raises(StepUpRequired):
        await devices.remember(stage.engine, bearer_of(granted), at())


async def recovered(stage, person):
    """A login with a recovery code, by somebody who has just been given some."""
    fresh = await stage.bearer(person, at())
    begun = await enrol.begin(stage.engine, fresh.session, at())
    shown = await enrol.bind(stage.engine, begun.ticket, "email", at())
    code = (await stage.mailed("code"))["code"]
    done = await enrol.confirm(stage.engine, shown.pending.ticket, code, at())
    pending = await stage.begins(person, at())
    answer = done.recovery_codes[0]
    return await prove.prove(stage.engine, pending.ticket, answer, at(), recovery=True)


async def test_a_recovery_code_is_for_getting_back_in(stage):
    alice = await stage.person()
    granted = await recovered(stage, alice)

    assert (await devices.listed(stage.engine, bearer_of(granted), at())).offered == 0
    with pytest.raises(NotAllowed):
        await devices.remember(stage.engine, bearer_of(granted), at())


async def test_a_second_factor_is_needed_that_could_be_spared(stage):
    carol = await stage.person("carol", totp=False)
    bearer = await stage.bearer(carol, at())

    assert (await devices.listed(stage.engine, bearer, at())).offered == 0
    with pytest.raises(NotEnrolled):
        await devices.remember(stage.engine, bearer, at())


@pytest.mark.parametrize(
    ("policy", "person"),
    [
        ({"remember": {"days": 0}}, {}),
        ({"profile": "strict"}, {}),
        ({}, {"admin": True}),
    ],
    ids=["off", "strict", "administrator"],
)
async def test_policy_decides_whose_browser_is_remembered(stage, policy, person):
    await stage.policy(**policy)
    alice = await stage.person(**person)
    bearer = await stage.bearer(alice, at())

    assert (await devices.listed(stage.engine, bearer, at())).offered == 0
    with pytest.raises(NotAllowed):
        await devices.remember(stage.engine, bearer, at())


async def test_an_administrators_is_where_policy_says_so(stage):
    await stage.policy(remember={"admins": True, "days": 7})
    root = await stage.person("root", admin=True)
    bearer = await stage.bearer(root, at())

    assert (await devices.listed(stage.engine, bearer, at())).offered == 7
    await devices.remember(stage.engine, bearer, at())


async def test_a_face_without_a_place_for_the_token_remembers_nothing(stage):
    alice = await stage.person()
    bearer = await stage.bearer(alice)

    assert (await devices.listed(stage.engine, bearer, HERE)).offered == 0
    with pytest.raises(NotPossible):
        await devices.remember(stage.engine, bearer, HERE)
    assert len((await devices.listed(stage.engine, bearer, HERE)).rows) == 0


async def test_it_is_offered_until_it_is_done(stage):
    alice = await stage.person()
    granted = await stage.logs_in(alice, at())
    bearer = bearer_of(granted)

    assert (await devices.listed(stage.engine, bearer, at(granted.device))).offered == 30
    done = await devices.remember(stage.engine, bearer, at(granted.device))
    assert (await devices.listed(stage.engine, bearer, at(done.device))).offered == 0
    await devices.forget_all(stage.engine, bearer, at(done.device))
    assert (await devices.listed(stage.engine, bearer, at(done.device))).offered == 30


async def test_asked_for_twice_at_once_it_is_one_browser(stage):
    alice = await stage.person()
    bearer = await stage.bearer(alice, at())
    first = []

    async def click():
        first.append(await devices.remember(stage.engine, bearer, at()))

    stage.store.before = click
    second = await devices.remember(stage.engine, bearer, at())

    assert second == first[0]
    assert len(await rows(stage, alice)) == 1
    assert (await stage.events(alice)).count("device.remembered") == 1


async def test_remembered_anew_a_browser_has_one_row(stage):
    alice = await stage.person()
    granted = await stage.logs_in(alice, at())
    first = await devices.remember(stage.engine, bearer_of(granted), at(granted.device))
    again = await stage.logs_in(alice, at())

    second = await devices.remember(stage.engine, bearer_of(again), at(first.device))

    assert [row.id for row in await rows(stage, alice)] == [second.row.id]
    assert isinstance(await stage.begins(alice, at(first.device)), Pending)
    assert isinstance(await stage.begins(alice, at(second.device)), Granted)


async def test_forgotten_and_remembered_in_one_session_it_has_another_token(stage):
    """What was copied before must not be good again (A51)."""
    alice = await stage.person()
    bearer = await stage.bearer(alice, at())
    copied = (await devices.remember(stage.engine, bearer, at())).device
    await devices.forget_all(stage.engine, bearer, at())
    stage.clock.pass_(120)

    fresh = (await devices.remember(stage.engine, bearer, at())).device

    assert isinstance(await stage.begins(alice, at(fresh)), Granted)
    assert isinstance(await stage.begins(alice, at(copied)), Pending)


async def test_so_many_browsers_and_no_more_are_remembered(stage):
    alice = await stage.person()
    ids = []
    for _ in range(devices.MOST + 2):
        bearer = await stage.bearer(alice, at())
        ids.append((await devices.remember(stage.engine, bearer, at())).row.id)

    kept = [row.id for row in await rows(stage, alice)]
    assert kept == ids[:1:-1]
    assert len(kept) == devices.MOST


async def test_the_one_that_was_used_longest_ago_makes_room(stage):
    alice = await stage.person()
    first = await devices.remember(stage.engine, await stage.bearer(alice, at()), at())
    for _ in range(devices.MOST - 1):
        await devices.remember(stage.engine, await stage.bearer(alice, at()), at())
    await stage.begins(alice, at(first.device))

    await devices.remember(stage.engine, await stage.bearer(alice, at()), at())

    assert first.row.id in {row.id for row in await rows(stage, alice)}


async def test_one_is_forgotten_and_the_others_stay(stage):
    alice = await stage.person()
    one = await devices.remember(stage.engine, await stage.bearer(alice, at()), at())
    bearer = await stage.bearer(alice, at())
    other = await devices.remember(stage.engine, bearer, at())

    await devices.forget(stage.engine, bearer, one.row.id, at())

    assert [row.id for row in await rows(stage, alice)] == [other.row.id]
    event, body = (await stage.records(alice))[-1]
    assert (event, body["device"]) == ("device.forgotten", one.row.id)
    with pytest.raises(NotFound):
        await devices.forget(stage.engine, bearer, one.row.id, at())


async def test_nobody_forgets_somebody_elses(stage):
    alice, bob = await stage.person(), await stage.person("bob")
    theirs = await devices.remember(stage.engine, await stage.bearer(alice, at()), at())

    with pytest.raises(NotFound):
        await devices.forget(stage.engine, await stage.bearer(bob, at()), theirs.row.id, at())

    assert len(await rows(stage, alice)) == 1


async def test_an_administrator_forgets_one_or_all_and_is_named(stage):
    alice = await stage.person()
    one = await devices.remember(stage.engine, await stage.bearer(alice, at()), at())
    await devices.remember(stage.engine, await stage.bearer(alice, at()), at())

    await devices.forget_of(stage.engine, HERE, "operator", "alice", one.row.id)
    assert len(await rows(stage, alice)) == 1
    with pytest.raises(NotFound):
        await devices.forget_of(stage.engine, HERE, "operator", "alice", one.row.id)
    await devices.forget_of(stage.engine, HERE, "operator", "alice")

    assert await rows(stage, alice) == ()
    event, body = (await stage.records(alice))[-1]
    assert (event, body["by"]) == ("device.forgotten.all", "operator")
    with pytest.raises(NotFound):
        await devices.of_subject(stage.engine, DEFAULT_REALM, "nobody")


async def test_the_list_is_true_for_the_policy_of_today(stage):
    alice = await stage.person()
    bearer = await stage.bearer(alice, at())
    done = await devices.remember(stage.engine, bearer, at())
    await stage.policy(remember={"days": 2})

    [row] = (await devices.listed(stage.engine, bearer, at())).rows
    assert row.trusted_until == done.row.created_at + 2 * DAY * SECOND
    await stage.policy(remember={"days": 0})
    assert (await devices.listed(stage.engine, bearer, at())).rows == ()
    # It is still there to be forgotten, should the policy change its mind.
    await devices.forget(stage.engine, bearer, done.row.id, at())


async def test_whoever_was_signed_out_remembers_nothing(stage):
    alice = await stage.person()
    bearer = await stage.bearer(alice, at())
    await sessions.log_out(stage.engine, bearer, at())

    for act in (devices.remember, devices.forget_all, devices.listed):
        with pytest.raises(InvalidToken):
            await act(stage.engine, bearer, at())


async def test_a_change_of_factors_at_the_same_moment_wins(stage):
    alice = await stage.person(mailed=True)
    bearer = await stage.bearer(alice, at())

    async def change():
        await manage.remove(stage.engine, bearer, alice.mailed, HERE)

    stage.store.before = change
    done = await devices.remember(stage.engine, bearer, at())

    # It was looked at again, and the browser is remembered for what is bound now.
    epoch = (await stage.view(alice)).subject.epoch
    assert [row.id for row in await rows(stage, alice)] == [done.row.id]
    assert epoch > bearer.subject.epoch


async def test_after_a_step_up_the_browser_may_be_remembered(stage):
    alice = await stage.person()
    granted = await stage.logs_in(alice, at())
    stage.clock.pass_(400)
    begun = await step_up.begin(stage.engine, granted.session, at(granted.device))
    raised = await prove.prove(stage.engine, begun.ticket, stage.code(alice), at(granted.device))

    done = await devices.remember(stage.engine, bearer_of(raised), at(granted.device))

    assert isinstance(await stage.begins(alice, at(done.device)), Granted)
