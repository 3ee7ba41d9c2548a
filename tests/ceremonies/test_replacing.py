"""A factor takes the place of another: in one commit, and not before it was proved."""

import base64

import pytest

from tests.ceremonies.stage import HERE, another, code
from twofold.ceremonies import enrol, manage, overview, prove, recover, sessions
from twofold.ceremonies.outcomes import Done, Granted
from twofold.ceremonies.sessions import Bearer
from twofold.core.errors import CodeRejected, NotFound, StaleSecurityState, StepUpRequired
from twofold.core.types import DEFAULT_REALM
from twofold.factors import Wish


async def starts(stage, person, session=None, *, replaces=None):
    """A set-up in the place of a factor, and the new secret."""
    session = session or (await stage.logs_in(person)).session
    begun = await enrol.begin(stage.engine, session, HERE, replaces=replaces or person.totp)
    revealed = await enrol.bind(stage.engine, begun.ticket, "totp", HERE, Wish(label="New phone"))
    text = revealed.secrets["secret"]
    return revealed.pending.ticket, base64.b32decode(text + "=" * (-len(text) % 8))


async def confirms(stage, ticket, secret):
    return await enrol.confirm(stage.engine, ticket, code(secret, stage.clock.now()), HERE)


async def kinds(stage, person):
    return sorted(a.kind for a in (await stage.view(person)).authenticators)


async def test_the_new_one_stands_in_the_place_of_the_old(stage):
    alice = await stage.person(mailed=True)
    await recover.renew(stage.engine, await stage.bearer(alice), HERE)
    ticket, secret = await starts(stage, alice)

    granted = await confirms(stage, ticket, secret)

    assert isinstance(granted, Granted)
    assert granted.recovery_codes == ()
    rows = await manage.factors(stage.engine, Bearer(granted.session, granted.subject))
    assert [(row.id, row.label, row.preferred) for row in rows] == [
        (granted.authenticator, "New phone", True),
        (alice.mailed, "Mail", False),
    ]
    assert await kinds(stage, alice) == ["email", "password", "recovery", "totp"]
    stage.clock.pass_(30)
    pending = await stage.begins(alice)
    with pytest.raises(CodeRejected):
        await prove.prove(stage.engine, pending.ticket, stage.code(alice), HERE)


async def test_one_letter_and_two_records_tell_of_it(stage):
    alice = await stage.person()
    ticket, secret = await starts(stage, alice)
    before = [template for _, template, _ in await stage.mail()]

    granted = await confirms(stage, ticket, secret)

    told = await stage.mailed("factor-replaced")
    assert (told["kind"], told["label"]) == ("totp", "New phone")
    assert (told["old_kind"], told["old_label"]) == ("totp", "Phone")
    letters = [template for _, template, _ in await stage.mail()]
    assert letters.count("factor-added") == before.count("factor-added")
    assert "factor-removed" not in letters
    (removed, old), (confirmed, new) = (await stage.records(alice))[-2:]
    assert (confirmed, new["authenticator"]) == ("enrol.confirmed", granted.authenticator)
    assert (removed, old["authenticator"]) == ("factor.removed", alice.totp)
    assert old["ceremony"] == new["ceremony"]


async def test_until_then_the_old_one_works_and_a_wrong_code_changes_nothing(stage):
    alice = await stage.person()
    ticket, secret = await starts(stage, alice)

    with pytest.raises(CodeRejected):
        await enrol.confirm(stage.engine, ticket, another(code(secret, stage.clock.now())), HERE)

    assert await kinds(stage, alice) == ["password", "totp"]
    assert isinstance(await stage.logs_in(alice), Granted)


async def test_the_last_one_may_go_this_way_where_a_second_factor_is_demanded(stage):
    await stage.policy(enforcement="required")
    alice = await stage.person()
    ticket, secret = await starts(stage, alice)

    granted = await confirms(stage, ticket, secret)

    assert [
        row.id
        for row in await manage.factors(stage.engine, Bearer(granted.session, granted.subject))
    ] == [granted.authenticator]


async def test_a_factor_of_another_kind_passes_its_preference_on(stage):
    alice = await stage.person(mailed=True)
    bearer = await stage.bearer(alice)
    await manage.prefer(stage.engine, bearer, alice.mailed, HERE)
    ticket, secret = await starts(stage, alice, bearer.session, replaces=alice.mailed)

    granted = await confirms(stage, ticket, secret)

    rows = await manage.factors(stage.engine, Bearer(granted.session, granted.subject))
    assert [(row.id, row.preferred) for row in rows] == [
        (granted.authenticator, True),
        (alice.totp, False),
    ]


async def test_where_all_sessions_end_it_ends_them_too(stage):
    await stage.policy(closing="all")
    alice = await stage.person()
    ticket, secret = await starts(stage, alice)

    done = await confirms(stage, ticket, secret)

    assert isinstance(done, Done)
    assert await stage.sessions(alice) == []
    assert await kinds(stage, alice) == ["password", "recovery", "totp"]


async def test_nobody_replaces_a_factor_of_somebody_else(stage):
    """A71."""
    alice, bob = await stage.person(), await stage.person("bob")
    session = (await stage.logs_in(alice)).session

    for unknown in (bob.totp, "0" * 16):
        with pytest.raises(NotFound):
            await enrol.begin(stage.engine, session, HERE, replaces=unknown)


async def test_it_needs_fresh_proof(stage):
    """A69."""
    alice = await stage.person()
    session = (await stage.logs_in(alice)).session
    stage.clock.pass_(301)

    with pytest.raises(StepUpRequired):
        await enrol.begin(stage.engine, session, HERE, replaces=alice.totp)


async def test_what_was_removed_meanwhile_is_not_replaced(stage):
    alice = await stage.person(mailed=True)
    bearer = await stage.bearer(alice)
    ticket, secret = await starts(stage, alice, bearer.session)
    await manage.remove(stage.engine, bearer, alice.totp, HERE)

    with pytest.raises(StaleSecurityState):
        await confirms(stage, ticket, secret)

    assert await kinds(stage, alice) == ["email", "password"]


async def test_whoever_lost_the_phone_replaces_it_after_a_recovery_code(stage):
    """E28, E29."""
    alice = await stage.person()
    bearer = await stage.bearer(alice)
    made = (await recover.renew(stage.engine, bearer, HERE)).facts["recovery_codes"]
    pending = await stage.begins(alice)
    granted = await prove.prove(stage.engine, pending.ticket, made[0], HERE, recovery=True)
    inside = Bearer(granted.session, granted.subject)
    assert (await overview.overview(stage.engine, inside, HERE)).recovered
    stage.clock.pass_(1)
    ticket, secret = await starts(stage, alice, granted.session)

    after = await confirms(stage, ticket, secret)

    found = await overview.overview(stage.engine, Bearer(after.session, after.subject), HERE)
    assert not found.recovered
    assert [row.id for row in found.factors] == [after.authenticator]
    assert found.recovery.remaining == 9
    assert len(await sessions.listed(stage.engine, Bearer(after.session, after.subject))) == 1


async def test_a_lost_answer_is_given_again_and_replaces_nothing_twice(stage):
    alice = await stage.person()
    ticket, secret = await starts(stage, alice)
    answer = code(secret, stage.clock.now())
    first = await enrol.confirm(stage.engine, ticket, answer, HERE)

    again = await enrol.confirm(stage.engine, ticket, answer, HERE)

    assert (again.session.id, again.authenticator) == (first.session.id, first.authenticator)
    assert (await stage.events(alice)).count("factor.removed") == 1
    found = await stage.store.records(DEFAULT_REALM, subject=alice.subject.id, limit=1000)
    assert len({entry.record.id for entry in found}) == len(found)


async def test_a_method_that_was_never_used_is_called_to_mind_after_a_while(stage):
    """E30."""
    alice = await stage.person(mailed=True)
    bearer = await stage.bearer(alice)
    day = 86_400

    assert (await overview.overview(stage.engine, bearer, HERE)).unused == ()
    stage.clock.pass_(28 * day)
    bearer = await stage.bearer(alice)
    assert [row.id for row in (await overview.overview(stage.engine, bearer, HERE)).unused] == [
        alice.mailed
    ]
    await stage.policy(unused=29 * day)
    assert (await overview.overview(stage.engine, bearer, HERE)).unused == ()
    await stage.policy(unused=0)
    stage.clock.pass_(365 * day)
    bearer = await stage.bearer(alice)
    assert (await overview.overview(stage.engine, bearer, HERE)).unused == ()
