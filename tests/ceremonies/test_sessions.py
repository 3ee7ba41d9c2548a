from dataclasses import replace

import pytest

from tests.ceremonies.stage import BROWSER, HERE
from twofold.ceremonies import account, admin, sessions
from twofold.ceremonies.admin import SubjectChange
from twofold.ceremonies.grants import tokens_of
from twofold.core import tokens
from twofold.core.errors import InvalidToken, NotFound
from twofold.core.types import DEFAULT_REALM, Realm


async def refreshed(stage, granted, context=HERE):
    return await sessions.refresh(stage.engine, granted.tokens.refresh, context)


@pytest.mark.parametrize(("kind", "context"), [("session", BROWSER), ("access", HERE)])
async def test_a_token_names_its_session_and_its_owner(stage, kind, context):
    alice = await stage.person()
    granted = await stage.logs_in(alice, context)

    bearer = await sessions.authenticate(stage.engine, getattr(granted.tokens, kind), kind, HERE)

    assert bearer.session == granted.session
    assert bearer.subject.id == alice.subject.id


async def test_a_session_has_the_tokens_of_its_transport_only(stage):
    alice = await stage.person(totp=False)

    cookies, header = await stage.logs_in(alice, BROWSER), await stage.logs_in(alice, HERE)

    assert (bool(cookies.tokens.session), bool(cookies.tokens.access)) == (True, False)
    assert (bool(header.tokens.session), bool(header.tokens.access)) == (False, True)


@pytest.mark.parametrize("context", [BROWSER, HERE])
@pytest.mark.parametrize("place", ["session", "access"])
async def test_a_refresh_token_opens_nothing_but_the_next_generation(stage, context, place):
    granted = await stage.logs_in(await stage.person(totp=False), context)

    with pytest.raises(InvalidToken):
        await sessions.authenticate(stage.engine, granted.tokens.refresh, place, HERE)


@pytest.mark.parametrize(
    ("context", "shown", "place"), [(BROWSER, "session", "access"), (HERE, "access", "session")]
)
async def test_each_token_works_in_its_own_place_only(stage, context, shown, place):
    granted = await stage.logs_in(await stage.person(totp=False), context)
    token = getattr(granted.tokens, shown)

    with pytest.raises(InvalidToken):
        await sessions.authenticate(stage.engine, token, place, HERE)
    with pytest.raises(InvalidToken):
        await sessions.refresh(stage.engine, token, HERE)


@pytest.mark.parametrize(
    "other", [replace(HERE, realm=Realm("elsewhere")), replace(HERE, client="another-app")]
)
async def test_a_token_is_nothing_in_another_realm_or_application(stage, other):
    alice = await stage.person()
    granted = await stage.logs_in(alice, replace(HERE, client="an-app"))

    with pytest.raises(InvalidToken):
        await sessions.authenticate(stage.engine, granted.tokens.access, "access", other)
    with pytest.raises(InvalidToken):
        await sessions.refresh(stage.engine, granted.tokens.refresh, other)

    await sessions.authenticate(stage.engine, granted.tokens.access, "access", HERE)


async def test_a_session_ends_by_idling(stage):
    granted = await stage.logs_in(await stage.person(), BROWSER)
    stage.clock.pass_(granted.session.idle - 1)
    await sessions.authenticate(stage.engine, granted.tokens.session, "session", HERE)
    stage.clock.pass_(granted.session.idle - 1)
    await sessions.authenticate(stage.engine, granted.tokens.session, "session", HERE)

    stage.clock.pass_(granted.session.idle)

    with pytest.raises(InvalidToken):
        await sessions.authenticate(stage.engine, granted.tokens.session, "session", HERE)
    with pytest.raises(InvalidToken):
        await refreshed(stage, granted)


async def test_a_session_ends_at_its_absolute_time_however_busy(stage):
    granted = await stage.logs_in(await stage.person(), BROWSER)
    while stage.clock.now() < granted.session.expires_at - 3_000 * 1_000_000:
        stage.clock.pass_(3_000)
        await sessions.authenticate(stage.engine, granted.tokens.session, "session", HERE)
    stage.clock.pass_(3_000)

    with pytest.raises(InvalidToken):
        await sessions.authenticate(stage.engine, granted.tokens.session, "session", HERE)


async def test_a_use_is_noted_at_most_once_a_minute(stage):
    granted = await stage.logs_in(await stage.person(), BROWSER)
    before = stage.store.commits
    for _ in range(3):
        stage.clock.pass_(20)
        await sessions.authenticate(stage.engine, granted.tokens.session, "session", HERE)
    assert stage.store.commits == before

    stage.clock.pass_(20)
    bearer = await sessions.authenticate(stage.engine, granted.tokens.session, "session", HERE)

    assert stage.store.commits == before + 1
    kept = await stage.store.session(DEFAULT_REALM, bearer.subject.id, bearer.session.id)
    assert kept[0].seen_at == stage.clock.now()


async def test_a_short_idle_time_is_noted_more_exactly(stage):
    await stage.policy(sessions={"aal1": {"idle": 100, "absolute": 1000}})
    granted = await stage.logs_in(await stage.person(totp=False), BROWSER)
    for _ in range(30):
        stage.clock.pass_(30)
        await sessions.authenticate(stage.engine, granted.tokens.session, "session", HERE)


async def test_an_access_token_dies_before_its_session(stage):
    await stage.policy(access_life=120)
    granted = await stage.logs_in(await stage.person())
    stage.clock.pass_(119)
    await sessions.authenticate(stage.engine, granted.tokens.access, "access", HERE)

    stage.clock.pass_(1)

    with pytest.raises(InvalidToken):
        await sessions.authenticate(stage.engine, granted.tokens.access, "access", HERE)
    fresh = await refreshed(stage, granted)
    await sessions.authenticate(stage.engine, fresh.tokens.access, "access", HERE)


async def test_a_cookie_lives_as_long_as_its_session(stage):
    await stage.policy(access_life=120)
    granted = await stage.logs_in(await stage.person(), BROWSER)
    stage.clock.pass_(3_000)

    await sessions.authenticate(stage.engine, granted.tokens.session, "session", HERE)


async def test_refreshing_proves_nothing(stage):
    granted = await stage.logs_in(await stage.person())
    stage.clock.pass_(1_000)

    fresh = await refreshed(stage, granted)

    assert fresh.session.generation == 1
    same = ("id", "auth_time", "aal", "amr", "created_at", "expires_at")
    assert [getattr(fresh.session, name) for name in same] == [
        getattr(granted.session, name) for name in same
    ]
    assert "session.refreshed" in await stage.events()


async def test_two_tabs_that_refresh_at_once_get_the_same_tokens(stage):
    granted = await stage.logs_in(await stage.person())
    first = []

    async def other_tab():
        first.append(await refreshed(stage, granted))

    stage.store.before = other_tab
    second = await refreshed(stage, granted)

    assert second.tokens == first[0].tokens
    assert second.session.generation == 1


async def test_a_lost_answer_can_be_asked_for_again_for_a_while(stage):
    granted = await stage.logs_in(await stage.person())
    fresh = await refreshed(stage, granted)
    stage.clock.pass_(20)

    again = await refreshed(stage, granted)

    assert again.tokens == fresh.tokens
    await sessions.authenticate(stage.engine, granted.tokens.access, "access", HERE)


async def test_a_rotated_access_token_dies_after_the_grace(stage):
    granted = await stage.logs_in(await stage.person())
    await refreshed(stage, granted)
    stage.clock.pass_(21)

    with pytest.raises(InvalidToken):
        await sessions.authenticate(stage.engine, granted.tokens.access, "access", HERE)


async def test_a_rotated_refresh_token_that_comes_back_late_ends_the_session(stage):
    alice = await stage.person()
    granted = await stage.logs_in(alice)
    fresh = await refreshed(stage, granted)
    stage.clock.pass_(21)

    with pytest.raises(InvalidToken):
        await refreshed(stage, granted)

    with pytest.raises(InvalidToken):
        await refreshed(stage, fresh)
    with pytest.raises(InvalidToken):
        await sessions.authenticate(stage.engine, fresh.tokens.access, "access", HERE)
    assert "session.theft" in await stage.events(alice)
    told = await stage.mailed("session-theft")
    assert (told["address"], told["agent"]) == (HERE.address, HERE.agent)


async def test_two_rotations_ago_is_late_even_within_the_grace(stage):
    granted = await stage.logs_in(await stage.person())
    await refreshed(stage, await refreshed(stage, granted))

    with pytest.raises(InvalidToken):
        await refreshed(stage, granted)

    assert "session.theft" in await stage.events()


async def test_a_theft_seen_from_nowhere_is_told_all_the_same(stage):
    nowhere = replace(HERE, address="", agent="")
    granted = await stage.logs_in(await stage.person())
    await refreshed(stage, granted)
    stage.clock.pass_(21)

    with pytest.raises(InvalidToken):
        await refreshed(stage, granted, nowhere)

    assert "address" not in await stage.mailed("session-theft")


async def test_a_generation_the_store_never_heard_of_is_no_theft(stage):
    granted = await stage.logs_in(await stage.person())
    ahead = tokens_of(stage.engine, replace(granted.session, generation=1))

    with pytest.raises(InvalidToken):
        await sessions.refresh(stage.engine, ahead.refresh, HERE)

    await refreshed(stage, granted)
    assert "session.theft" not in await stage.events()


async def test_a_refresh_that_meets_a_change_of_the_account_looks_again(stage):
    alice = await stage.person()
    granted = await stage.logs_in(alice)

    async def shut_out():
        await admin.change_subject(
            stage.engine, HERE, "operator", alice.subject.id, SubjectChange(disabled=True)
        )

    stage.store.before = shut_out

    with pytest.raises(InvalidToken):
        await refreshed(stage, granted)


@pytest.mark.parametrize("change", ["disabled", "password", "closed", "deleted"])
async def test_no_token_outlives_the_ground_it_stood_on(stage, change):
    alice = await stage.person()
    granted = await stage.logs_in(alice)
    engine, id = stage.engine, alice.subject.id
    match change:
        case "disabled":
            await admin.change_subject(engine, HERE, "operator", id, SubjectChange(disabled=True))
        case "password":
            await admin.set_password(engine, HERE, "operator", id, "another umbrella twenty")
        case "closed":
            await sessions.log_out(engine, sessions.Bearer(granted.session, granted.subject), HERE)
        case "deleted":
            await admin.remove_subject(engine, HERE, "operator", id)

    with pytest.raises(InvalidToken):
        await sessions.authenticate(engine, granted.tokens.access, "access", HERE)
    with pytest.raises(InvalidToken):
        await refreshed(stage, granted)
    with pytest.raises(InvalidToken):
        await sessions.look(engine, sessions.Bearer(granted.session, granted.subject))


async def test_the_list_shows_what_is_alive_newest_first(stage):
    alice = await stage.person(totp=False)
    old = await stage.logs_in(alice)
    stage.clock.pass_(14 * 86_400)
    middle = await stage.logs_in(alice)
    stage.clock.pass_(1)
    bearer = await stage.bearer(alice)

    listed = await sessions.listed(stage.engine, bearer)

    assert [session.id for session in listed] == [bearer.session.id, middle.session.id]
    assert old.session.id not in {session.id for session in listed}


async def test_closing_one_session_leaves_the_others(stage):
    alice = await stage.person(totp=False)
    phone, desk = await stage.bearer(alice), await stage.bearer(alice)

    done = await sessions.close(stage.engine, desk, phone.session.id, HERE)

    assert done.closes_session is False
    assert [s.id for s in await stage.sessions(alice)] == [desk.session.id]
    done = await sessions.close(stage.engine, desk, desk.session.id, HERE)
    assert done.closes_session is True
    assert await stage.sessions(alice) == []


async def test_nobody_closes_a_session_of_somebody_else(stage):
    alice, bob = await stage.person(totp=False), await stage.person("bob", totp=False)
    hers, his = await stage.bearer(alice), await stage.bearer(bob)

    with pytest.raises(NotFound):
        await sessions.close(stage.engine, his, hers.session.id, HERE)

    assert len(await stage.sessions(alice)) == 1


async def test_closing_the_others_keeps_the_one_that_asks(stage):
    alice = await stage.person(totp=False)
    phone, desk = await stage.bearer(alice), await stage.bearer(alice)

    done = await sessions.close_others(stage.engine, desk, HERE)

    assert done.facts["ended"] == (phone.session.id,)
    assert [s.id for s in await stage.sessions(alice)] == [desk.session.id]
    assert "session.closed.all" in await stage.events(alice)


async def test_logging_out_tells_the_face_to_forget_its_cookies(stage):
    bearer = await stage.bearer(await stage.person())

    done = await sessions.log_out(stage.engine, bearer, HERE)

    assert done.closes_session is True
    assert (await stage.events())[-1] == "session.closed"


async def test_a_new_password_hands_out_tokens_of_another_session(stage):
    alice = await stage.person(totp=False)
    bearer = await stage.bearer(alice)

    granted = await account.change_password(
        stage.engine, bearer, alice.password, "another umbrella twenty", HERE
    )

    claims = tokens.read(stage.engine.ring(), "access", DEFAULT_REALM, granted.tokens.access)
    assert claims.session != bearer.session.id


@pytest.mark.parametrize(("mine", "other"), [(HERE, BROWSER), (BROWSER, HERE)])
async def test_a_refresh_token_stays_in_its_transport(stage, mine, other):
    granted = await stage.logs_in(await stage.person(), mine)

    with pytest.raises(InvalidToken):
        await sessions.refresh(stage.engine, granted.tokens.refresh, other)

    assert (await sessions.refresh(stage.engine, granted.tokens.refresh, mine)).tokens
