from dataclasses import replace

import pytest

from tests.ceremonies.stage import BROWSER, HERE
from twofold.ceremonies import (
    account,
    admin,
    leaving,
    login,
    manage,
    prove,
    recover,
    sessions,
    step_up,
)
from twofold.ceremonies.grants import tokens_of
from twofold.ceremonies.outcomes import Granted
from twofold.ceremonies.sessions import Bearer
from twofold.core.effects import Sweep
from twofold.core.errors import InvalidCredentials, InvalidToken, NotAllowed, StepUpRequired
from twofold.core.types import Instant

NEW = "another very good one"


async def leaves(stage, bearer):
    return await leaving.delete(stage.engine, bearer, HERE)


async def why(stage, granted):
    return await leaving.why_ended(stage.engine, granted.tokens.session, BROWSER)


async def test_an_owner_deletes_the_account_and_gets_the_last_letter(stage):
    """E57."""
    await stage.policy(deletion=True)
    alice = await stage.person()
    bearer = await stage.bearer(alice)

    done = await leaves(stage, bearer)

    assert done.closes_session
    assert await stage.view(alice) is None
    assert [(to, name) for to, name, _ in await stage.mail()] == [
        ("alice@example.org", "account-deleted")
    ]
    assert (await stage.events(alice))[-1] == "account.deleted"
    with pytest.raises(InvalidToken):
        await leaves(stage, bearer)
    with pytest.raises(InvalidCredentials):
        await stage.begins(alice)


async def test_deleting_needs_fresh_proof(stage):
    await stage.policy(deletion=True)
    alice = await stage.person()
    bearer = await stage.bearer(alice)
    stage.clock.pass_(600)

    with pytest.raises(StepUpRequired):
        await leaves(stage, bearer)
    assert await stage.view(alice)


@pytest.mark.parametrize("admin_", [True, False])
async def test_nobody_deletes_where_policy_does_not_allow_it_and_no_administrator_ever(
    stage, admin_
):
    await stage.policy(deletion=admin_)
    bearer = await stage.bearer(await stage.person(admin=admin_))

    with pytest.raises(NotAllowed):
        await leaves(stage, bearer)


async def test_a_session_that_stands_has_not_ended(stage):
    granted = await stage.logs_in(await stage.person(), BROWSER)

    assert await why(stage, granted) == ""


@pytest.mark.parametrize("token", ["", "nonsense", "s1.AAAA"])
async def test_nothing_is_said_to_whoever_has_no_session_of_ours(stage, token):
    await stage.person()

    assert await leaving.why_ended(stage.engine, token, BROWSER) == ""


async def test_a_token_of_another_kind_is_told_nothing(stage):
    granted = await stage.logs_in(await stage.person(), BROWSER)

    assert await leaving.why_ended(stage.engine, granted.tokens.refresh, BROWSER) == ""


async def test_a_session_that_ran_out_has_expired_also_once_it_is_swept(stage):
    granted = await stage.logs_in(await stage.person(), BROWSER)
    stage.clock.pass_(86_401)
    assert await why(stage, granted) == "expired"

    await stage.store.commit(Sweep(Instant(stage.clock.now() + 1)))

    assert await why(stage, granted) == "expired"


async def by_password(stage, alice, other):
    await account.change_password(stage.engine, other, alice.password, NEW, HERE)


async def by_reset(stage, alice, _):
    await account.ask_reset(stage.engine, "alice", HERE)
    token = (await stage.mailed("reset-password"))["code"]
    await account.reset_password(stage.engine, token, NEW, HERE)


async def by_administrator(stage, _alice, _other):
    await admin.set_password(stage.engine, HERE, "operator", "alice", NEW)


async def by_removal(stage, alice, other):
    await manage.remove(stage.engine, other, alice.totp, HERE)


async def by_new_codes(stage, _, other):
    await recover.renew(stage.engine, other, HERE)


async def by_others(stage, _, other):
    await sessions.close_others(stage.engine, other, HERE)


async def by_name(stage, alice, other):
    for session in await stage.sessions(alice):
        if session.id != other.session.id:
            await sessions.close(stage.engine, other, session.id, HERE)


@pytest.mark.parametrize(
    ("ends", "reason"),
    [
        (by_password, "password"),
        (by_reset, "password"),
        (by_administrator, "password"),
        (by_removal, "factors"),
        (by_new_codes, "factors"),
        (by_others, "closed"),
        (by_name, "closed"),
    ],
)
async def test_a_session_that_was_ended_says_by_what(stage, ends, reason):
    """E51."""
    alice = await stage.person()
    granted = await stage.logs_in(alice, BROWSER)
    other = await stage.bearer(alice)

    await ends(stage, alice, other)
    stage.clock.pass_(1)

    assert await why(stage, granted) == reason


async def test_what_ended_it_is_told_and_not_what_came_after(stage):
    alice = await stage.person()
    granted = await stage.logs_in(alice, BROWSER)
    other = await stage.bearer(alice)
    await sessions.close_others(stage.engine, other, HERE)
    await by_password(stage, alice, other)

    assert await why(stage, granted) == "closed"


async def test_what_a_session_did_itself_did_not_end_it(stage):
    alice = await stage.person(mailed=True)
    granted = await stage.logs_in(alice, BROWSER)
    bearer = Bearer(granted.session, granted.subject)
    await manage.remove(stage.engine, bearer, alice.mailed, BROWSER)
    await sessions.close_others(stage.engine, bearer, BROWSER)
    stage.clock.pass_(86_401)
    await stage.store.commit(Sweep(Instant(stage.clock.now() + 1)))

    assert await why(stage, granted) == "expired"


async def test_a_stolen_session_says_so(stage):
    alice = await stage.person()
    granted = await stage.logs_in(alice, BROWSER)
    await sessions.refresh(stage.engine, granted.tokens.refresh, BROWSER)
    stage.clock.pass_(60)
    with pytest.raises(InvalidToken):
        await sessions.refresh(stage.engine, granted.tokens.refresh, BROWSER)

    assert await why(stage, granted) == "theft"


async def test_another_session_that_was_ended_is_not_the_reason(stage):
    alice = await stage.person()
    granted = await stage.logs_in(alice, BROWSER)
    other = await stage.bearer(alice)
    await sessions.log_out(stage.engine, other, HERE)
    stage.clock.pass_(86_401)
    await stage.store.commit(Sweep(Instant(stage.clock.now() + 1)))

    assert await why(stage, granted) == "expired"


async def test_an_account_that_is_shut_or_gone_is_not_spoken_of(stage):
    alice = await stage.person()
    granted = await stage.logs_in(alice, BROWSER)
    stage.clock.pass_(86_401)
    change = admin.SubjectChange(disabled=True)
    await admin.change_subject(stage.engine, HERE, "operator", "alice", change)

    assert await why(stage, granted) == "expired"
    await admin.remove_subject(stage.engine, HERE, "operator", "alice")
    assert await why(stage, granted) == "expired"


async def test_a_session_nobody_remembers_is_not_spoken_of(stage):
    alice = await stage.person()
    granted = await stage.logs_in(alice, BROWSER)
    forged = replace(granted.session, id="f" * 32)
    token = tokens_of(stage.engine, forged).session

    assert await leaving.why_ended(stage.engine, token, BROWSER) == ""


async def test_a_proof_comes_back_with_what_it_was_asked_for(stage):
    """E27."""
    alice = await stage.person()
    bearer = await stage.bearer(alice, BROWSER)
    stage.clock.pass_(600)
    begun = await step_up.begin(stage.engine, bearer.session, BROWSER, purpose="remove:x")
    assert (await login.inspect(stage.engine, begun.ticket, BROWSER)).ceremony.purpose == "remove:x"

    granted = await prove.prove(stage.engine, begun.ticket, stage.code(alice), BROWSER)
    again = await prove.prove(stage.engine, begun.ticket, stage.code(alice), BROWSER)

    assert isinstance(granted, Granted)
    assert (granted.purpose, again.purpose) == ("remove:x", "remove:x")
