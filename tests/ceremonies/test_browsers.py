"""A login from a browser that is remembered, known, new, or in two hands."""

import base64
from dataclasses import replace

import pytest

from tests.ceremonies.stage import HERE, PASSWORD, code
from twofold.ceremonies import (
    account,
    admin,
    admin_factors,
    devices,
    enrol,
    login,
    manage,
    prove,
    recover,
    sessions,
    step_up,
)
from twofold.ceremonies.browsers import GRACE, QUIET
from twofold.ceremonies.outcomes import Granted, Pending
from twofold.ceremonies.sessions import Bearer
from twofold.core.effects import Remember
from twofold.core.errors import InvalidCredentials, Throttled
from twofold.core.policy import Requirement
from twofold.core.types import DEFAULT_REALM, SECOND, Aal

DAY = 86_400


def at(carried="", **changes):
    """A browser with this in its cookie."""
    return replace(HERE, device=carried, **changes)


async def remembers(stage, person, carried=""):
    """A whole login that ends with a browser that is remembered; what it carries."""
    granted = await stage.logs_in(person, at(carried))
    bearer = Bearer(granted.session, granted.subject)
    return (await devices.remember(stage.engine, bearer, at(granted.device))).device


async def rows(stage, person):
    return (await stage.store.view(DEFAULT_REALM, person.subject.id, devices=True)).devices


async def sets_up(stage, ticket, context):
    """Bind an app in a ceremony that has come to that."""
    shown = await enrol.bind(stage.engine, ticket, "totp", context)
    text = str(shown.secrets["secret"])
    secret = base64.b32decode(text + "=" * (-len(text) % 8))
    answer = code(secret, stage.clock.now())
    return await enrol.confirm(stage.engine, shown.pending.ticket, answer, context)


async def letters(stage, template="new-sign-in"):
    return [values for _, name, values in await stage.mail() if name == template]


# Remembered


async def test_a_remembered_browser_needs_the_password_alone_and_is_no_second_factor(stage):
    alice = await stage.person()
    carried = await remembers(stage, alice)

    granted = await stage.begins(alice, at(carried))

    assert isinstance(granted, Granted)
    assert (granted.session.aal, granted.session.amr) == (Aal.ONE, ("pwd", "rba"))
    event, body = (await stage.records(alice))[-1]
    assert event == "login.granted"
    assert body["reasons"] == ["remembered-browser"]
    assert body["browser"] == "known"


async def test_the_password_is_still_needed_and_wrong_ones_are_counted(stage):
    alice = await stage.person()
    carried = await remembers(stage, alice)

    for _ in range(10):
        with pytest.raises(InvalidCredentials):
            await login.begin(stage.engine, at(carried), identifier="alice", answer="wrong")
    with pytest.raises(Throttled):
        await stage.begins(alice, at(carried))
    assert (await stage.tally(alice, "kind:password")).streak == 10


async def test_its_token_is_another_one_after_each_use(stage):
    alice = await stage.person()
    seen = [await remembers(stage, alice)]
    [before] = await rows(stage, alice)

    for _ in range(3):
        stage.clock.pass_(DAY)
        granted = await stage.begins(alice, at(seen[-1], address="192.0.2.77"))
        assert isinstance(granted, Granted)
        seen.append(granted.device)

    assert len(set(seen)) == 4
    [after] = await rows(stage, alice)
    assert after.generation == before.generation + 3
    assert (after.seen_at, after.address) == (stage.clock.now(), "192.0.2.77")
    assert after.trusted_until == before.trusted_until


async def test_it_is_remembered_for_its_days_and_not_for_more(stage):
    alice = await stage.person()
    await stage.policy(remember={"days": 3})
    carried = await remembers(stage, alice)
    stage.clock.pass_(3 * DAY - 60)

    granted = await stage.begins(alice, at(carried))

    assert isinstance(granted, Granted)
    assert granted.session.expires_at == stage.clock.now() + 60 * SECOND
    stage.clock.pass_(60)
    assert isinstance(await stage.begins(alice, at(granted.device)), Pending)


@pytest.mark.parametrize("change", [{"remember": {"days": 0}}, {"profile": "strict"}])
async def test_a_policy_that_remembers_nobody_ignores_what_is_there(stage, change):
    alice = await stage.person()
    carried = await remembers(stage, alice)

    await stage.policy(**change)

    assert isinstance(await stage.begins(alice, at(carried)), Pending)


async def test_a_level_is_never_spared(stage):
    alice = await stage.person()
    carried = await remembers(stage, alice)

    outcome = await stage.begins(alice, at(carried), require=Requirement(Aal.TWO))

    assert isinstance(outcome, Pending)
    stage.clock.pass_(30)
    granted = await prove.prove(stage.engine, outcome.ticket, stage.code(alice), at(carried))
    assert granted.session.aal is Aal.TWO
    # And it stays remembered for a login that asks for less.
    assert isinstance(await stage.begins(alice, at(granted.device)), Granted)


async def test_a_step_up_is_never_spared(stage):
    mailed = await stage.person("dave", totp=False)
    await stage.policy(remember={"days": 30})
    alice = await stage.person()
    carried = await remembers(stage, alice)
    granted = await stage.begins(alice, at(carried))

    pending = await step_up.begin(stage.engine, granted.session, at(granted.device))

    assert pending.ceremony.state == "second_factor"
    # Somebody without a second factor types the password again, and is given no marks for it.
    plain = await stage.logs_in(mailed, at())
    begun = await step_up.begin(stage.engine, plain.session, at(plain.device))
    raised = await login.first_factor(stage.engine, begun.ticket, PASSWORD, at(plain.device))
    assert raised.device == ""


async def test_one_browser_serves_several_people_each_for_itself(stage):
    alice, bob = await stage.person(), await stage.person("bob")
    carried = await remembers(stage, alice)

    assert isinstance(await stage.begins(bob, at(carried)), Pending)
    both = await remembers(stage, bob, carried)

    assert isinstance(await stage.begins(bob, at(both)), Granted)
    assert isinstance(await stage.begins(alice, at(both)), Granted)


# Twice, and in two hands


async def test_two_tabs_at_once_are_both_let_in_and_rotate_once(stage):
    alice = await stage.person()
    carried = await remembers(stage, alice)
    [before] = await rows(stage, alice)
    first = []

    async def other_tab():
        first.append(await stage.begins(alice, at(carried)))

    stage.store.before = other_tab
    second = await stage.begins(alice, at(carried))

    assert isinstance(second, Granted)
    assert second.device == first[0].device
    [after] = await rows(stage, alice)
    assert after.generation == before.generation + 1


async def test_a_lost_answer_is_given_again_with_the_token_it_brought(stage):
    alice = await stage.person()
    carried = await remembers(stage, alice)
    begun = await login.begin(stage.engine, at(carried), identifier="alice")
    first = await login.first_factor(stage.engine, begun.ticket, PASSWORD, at(carried))

    again = await login.first_factor(stage.engine, begun.ticket, PASSWORD, at(carried))

    assert (again.session, again.device) == (first.session, first.device)


async def test_within_the_grace_an_old_token_is_nobodys_theft(stage):
    alice = await stage.person()
    carried = await remembers(stage, alice)
    granted = await stage.begins(alice, at(carried))
    stage.clock.at += GRACE

    again = await stage.begins(alice, at(carried))

    assert again.device == granted.device
    assert "device.theft" not in await stage.events(alice)


@pytest.mark.parametrize("uses", [1, 2])
async def test_an_old_token_is_in_two_hands_and_ends_the_browser(stage, uses):
    alice = await stage.person()
    stolen = carried = await remembers(stage, alice)
    for _ in range(uses):
        carried = (await stage.begins(alice, at(carried))).device
        stage.clock.pass_(1)
    strong = await stage.logs_in(alice, at())
    stage.clock.at += GRACE

    outcome = await stage.begins(alice, at(stolen))

    assert isinstance(outcome, Pending)
    assert await rows(stage, alice) == ()
    assert (await letters(stage, "browser-theft"))[0]["address"] == "192.0.2.7"
    assert (await stage.events(alice)).count("device.theft") == 1
    # What was opened with a second step stays; what a browser was spared for is over.
    left = await stage.sessions(alice)
    assert strong.session.id in {one.id for one in left}
    assert all("rba" not in one.amr for one in left)
    assert isinstance(await stage.begins(alice, at(carried)), Pending)


async def test_an_old_token_without_the_password_ends_nothing(stage):
    alice = await stage.person()
    stolen = await remembers(stage, alice)
    carried = (await stage.begins(alice, at(stolen))).device
    stage.clock.pass_(3_600)

    with pytest.raises(InvalidCredentials):
        await login.begin(stage.engine, at(stolen), identifier="alice", answer="wrong")

    assert isinstance(await stage.begins(alice, at(carried)), Granted)


async def test_a_token_ahead_of_its_row_is_neither_good_nor_a_theft(stage):
    """A store that was restored from a copy."""
    alice = await stage.person()
    carried = await remembers(stage, alice)
    [old] = await rows(stage, alice)
    ahead = (await stage.begins(alice, at(carried))).device
    await devices.forget_of(stage.engine, HERE, "operator", alice.subject.id)
    await stage.store.commit(Remember(old))

    assert isinstance(await stage.begins(alice, at(ahead)), Pending)
    assert await rows(stage, alice) == (old,)


# What ends it


async def _own_password(stage, person, bearer):
    await account.change_password(stage.engine, bearer, PASSWORD, "another long phrase", HERE)
    return "another long phrase"


async def _reset_password(stage, person, bearer):
    await account.ask_reset(stage.engine, "alice", HERE)
    token = (await stage.mailed("reset-password"))["code"]
    await account.reset_password(stage.engine, token, "another long phrase", HERE)
    return "another long phrase"


async def _set_password(stage, person, bearer):
    await admin.set_password(stage.engine, HERE, "operator", "alice", "another long phrase")
    return "another long phrase"


async def _new_factor(stage, person, bearer):
    await stage.binds(person, "email")


async def _own_factor(stage, person, bearer):
    begun = await enrol.begin(stage.engine, bearer.session, HERE)
    await sets_up(stage, begun.ticket, HERE)


async def _removed_factor(stage, person, bearer):
    await manage.remove(stage.engine, bearer, person.mailed, HERE)


async def _new_codes(stage, person, bearer):
    await recover.renew(stage.engine, bearer, HERE)


async def _reset_one(stage, person, bearer):
    await admin_factors.reset_factors(stage.engine, HERE, "operator", "alice", only=person.mailed)


async def _disabled(stage, person, bearer):
    change = admin.SubjectChange
    for shut in (True, False):
        await admin.change_subject(stage.engine, HERE, "operator", "alice", change(disabled=shut))


async def _signed_out(stage, person, bearer):
    await sessions.close_others(stage.engine, bearer, HERE)


async def _signed_out_by_others(stage, person, bearer):
    await admin_factors.close_sessions(stage.engine, HERE, "operator", "alice")


async def _forgotten(stage, person, bearer):
    [row] = (await devices.listed(stage.engine, bearer, HERE)).rows
    await devices.forget(stage.engine, bearer, row.id, HERE)


async def _all_forgotten(stage, person, bearer):
    await devices.forget_all(stage.engine, bearer, HERE)


async def _forgotten_by_others(stage, person, bearer):
    await devices.forget_of(stage.engine, HERE, "operator", "alice")


ENDS = [
    _own_password, _reset_password, _set_password, _new_factor, _own_factor, _removed_factor,
    _new_codes, _reset_one, _disabled, _signed_out, _signed_out_by_others, _forgotten,
    _all_forgotten, _forgotten_by_others,
]  # fmt: skip


@pytest.mark.parametrize("act", ENDS, ids=lambda act: act.__name__)
async def test_what_changes_an_account_forgets_its_browsers(stage, act):
    alice = await stage.person(mailed=True)
    bearer = await stage.bearer(alice, at())
    carried = (await devices.remember(stage.engine, bearer, at())).device

    password = await act(stage, alice, bearer) or PASSWORD

    assert await rows(stage, alice) == ()
    outcome = await login.begin(stage.engine, at(carried), identifier="alice", answer=password)
    assert isinstance(outcome, Pending)
    assert "device.theft" not in await stage.events(alice)


async def test_what_changes_nothing_about_signing_in_forgets_none(stage):
    alice = await stage.person()
    carried = await remembers(stage, alice)

    await admin.change_subject(
        stage.engine, HERE, "operator", "alice", admin.SubjectChange(groups=("staff",))
    )

    assert isinstance(await stage.begins(alice, at(carried)), Granted)


# New, and known


async def test_a_sign_in_from_a_new_browser_is_told_of_and_the_next_one_is_not(stage):
    alice = await stage.person()

    granted = await stage.logs_in(alice, at())

    [told] = await letters(stage)
    assert (told["name"], told["address"], told["agent"]) == ("alice", "192.0.2.7", "a browser")
    assert (await stage.records(alice))[-1][1]["browser"] == "new"
    stage.clock.at += QUIET
    again = await stage.logs_in(alice, at(granted.device))
    assert len(await letters(stage)) == 1
    assert (await stage.records(alice))[-1][1]["browser"] == "known"
    assert again.device == granted.device


async def test_hiding_where_one_has_been_hides_nothing(stage):
    alice = await stage.person()
    await stage.logs_in(alice, at())
    first = await stage.mail()
    stage.clock.at += QUIET

    await stage.logs_in(alice, at("rubbish", address="198.51.100.9"))

    [told] = await letters(stage)
    assert told["address"] == "198.51.100.9"
    assert len(await stage.mail()) == len(first)  # An unsent one was replaced.


async def test_it_is_no_lever_to_fill_a_mailbox(stage):
    alice = await stage.person()
    for _ in range(5):
        await stage.logs_in(alice, at())

    assert (await stage.tally(alice, "letters:new-sign-in")).version == 1


async def test_a_mark_of_somebody_else_makes_nobody_known(stage):
    alice, bob = await stage.person(), await stage.person("bob")
    carried = (await stage.logs_in(alice, at())).device

    both = (await stage.logs_in(bob, at(carried))).device

    assert len(await letters(stage)) == 2
    stage.clock.at += QUIET
    await stage.logs_in(alice, at(both))
    assert (await stage.records(alice))[-1][1]["browser"] == "known"


async def test_a_mark_dies_with_a_change_of_factors_except_where_it_was_made(stage):
    alice = await stage.person()
    elsewhere = (await stage.logs_in(alice, at())).device
    granted = await stage.logs_in(alice, at(elsewhere))
    bearer = Bearer(granted.session, granted.subject)

    changed = await account.change_password(
        stage.engine, bearer, PASSWORD, PASSWORD + " x", at(granted.device)
    )

    alice = replace(alice, password=PASSWORD + " x")
    stage.clock.at += QUIET
    for carried, name in ((changed.device, "known"), (elsewhere, "new")):
        await stage.logs_in(alice, at(carried))
        assert (await stage.records(alice))[-1][1]["browser"] == name


@pytest.mark.parametrize("policy", [{"sign_in_notice": False}, {}])
async def test_nobody_is_told_where_policy_or_an_unproved_address_forbids_it(stage, policy):
    await stage.policy(**policy)
    alice = await stage.person(email_verified=bool(policy))

    await stage.logs_in(alice, at())

    assert await letters(stage) == []


async def test_a_face_without_a_place_for_marks_tells_of_none(stage):
    alice = await stage.person()

    granted = await stage.logs_in(alice)

    assert (granted.device, await letters(stage)) == ("", [])
    assert "browser" not in (await stage.records(alice))[-1][1]


async def test_a_login_that_had_to_enrol_or_put_it_off_is_told_of_as_well(stage):
    await stage.policy(enforcement="required", grace=3_600)
    alice = await stage.person(totp=False)
    pending = await stage.begins(alice, at())

    skipped = await login.skip(stage.engine, pending.ticket, at())

    assert len(await letters(stage)) == 1
    assert skipped.device
    bob = await stage.person("bob", totp=False)
    forced = await stage.begins(bob, at(skipped.device))
    granted = await sets_up(stage, forced.ticket, at(skipped.device))
    assert len(await letters(stage)) == 2
    stage.clock.pass_(QUIET // SECOND)
    await stage.begins(bob, at(granted.device))
    assert (await stage.records(bob))[-1][1]["browser"] == "known"


async def test_an_answer_that_was_lost_at_the_code_brings_its_mark_again(stage):
    alice = await stage.person()
    pending = await stage.begins(alice, at())
    stage.clock.pass_(30)
    code = stage.code(alice)
    first = await prove.prove(stage.engine, pending.ticket, code, at())

    again = await prove.prove(stage.engine, pending.ticket, code, at())

    assert again.device == first.device
