import pytest

from tests.ceremonies.stage import HERE
from twofold.ceremonies import admin, admin_factors, login, prove, recover
from twofold.ceremonies.outcomes import Granted
from twofold.core.errors import (
    CeremonyConsumed,
    CodeRejected,
    InvalidCredentials,
    Malformed,
    NotAllowed,
    NotFound,
    Throttled,
)
from twofold.core.types import DEFAULT_REALM

ADMIN = "0" * 32


async def resets(stage, person, **more):
    return await admin_factors.reset_factors(stage.engine, HERE, ADMIN, person.subject.id, **more)


async def imports(stage, person, kind="totp", **more):
    return await admin_factors.import_factor(
        stage.engine, HERE, ADMIN, person.subject.id, kind, **more
    )


async def unlocks(stage, person):
    return await admin_factors.unlock(stage.engine, HERE, ADMIN, person.subject.id)


async def test_a_reset_removes_everything_but_the_password(stage):
    alice = await stage.person(mailed=True)
    bearer = await stage.bearer(alice)
    codes = (await recover.renew(stage.engine, bearer, HERE)).facts["recovery_codes"]
    pending = await stage.begins(alice)
    for answer, more in (("nonsense", {}), (codes[0][::-1], {"recovery": True})):
        with pytest.raises(CodeRejected):
            await prove.prove(stage.engine, pending.ticket, answer, HERE, **more)

    rows = await resets(stage, alice, reason="lost phone")

    assert [row.kind for row in rows] == ["totp", "email"]
    view = await stage.view(alice)
    assert [a.kind for a in view.authenticators] == ["password"]
    assert not {"kind:totp", "kind:recovery"} & set(view.tallies)
    assert await stage.sessions(alice) == []
    assert isinstance(await stage.begins(alice), Granted)
    name, body = next(r for r in await stage.records(alice) if r[0] == "factor.reset")
    assert (name, body["by"], body["reason"]) == ("factor.reset", ADMIN, "lost phone")
    assert body["methods"] == ["totp", "email"]
    assert "factor-reset" in {template for _, template, _ in await stage.mail()}


async def test_a_reset_of_one_factor_leaves_the_others(stage):
    alice = await stage.person(mailed=True)
    await recover.renew(stage.engine, await stage.bearer(alice), HERE)

    await resets(stage, alice, only=alice.totp)

    (left,) = await admin_factors.factors_of(stage.engine, DEFAULT_REALM, "alice")
    assert (left.kind, left.preferred) == ("email", True)
    detail = await admin.subject(stage.engine, DEFAULT_REALM, "alice")
    assert detail.recovery.remaining == 10
    with pytest.raises(NotFound):
        await resets(stage, alice, only="no such id")


async def test_a_reset_of_nothing_is_a_reset_all_the_same(stage):
    alice = await stage.person(totp=False)

    assert await resets(stage, alice) == ()


async def test_an_imported_secret_signs_in_and_is_told(stage):
    alice = await stage.person(totp=False)
    await stage.bearer(alice)
    alice.secret = b"k" * 20

    alice.totp = await imports(stage, alice, secret=alice.secret, label="Key fob")

    assert isinstance(await stage.logs_in(alice), Granted)
    assert len(await stage.sessions(alice)) == 1
    (row,) = await admin_factors.factors_of(stage.engine, DEFAULT_REALM, "alice")
    assert (row.id, row.label, row.preferred) == (alice.totp, "Key fob", True)
    assert (await stage.mailed("factor-added"))["label"] == "Key fob"
    assert "factor.imported" in await stage.events(alice)


async def test_how_its_app_makes_codes_is_imported_with_a_secret(stage):
    alice = await stage.person(totp=False)

    await imports(stage, alice, secret=b"k" * 20, parameters={"digits": 8, "period": 60})

    (held,) = [a for a in (await stage.view(alice)).authenticators if a.kind == "totp"]
    assert (held.parameters["digits"], held.parameters["period"]) == (8, 60)


async def test_sessions_stay_where_policy_ends_none(stage):
    await stage.policy(closing="none")
    alice = await stage.person(totp=False)
    await stage.bearer(alice)

    await imports(stage, alice, secret=b"k" * 20)

    assert len(await stage.sessions(alice)) == 1


@pytest.mark.parametrize(
    ("kind", "more", "error"),
    [
        ("totp", {}, Malformed),
        ("totp", {"secret": b"k" * 15}, Malformed),
        ("totp", {"secret": b"k" * 20, "parameters": {"digits": 9}}, Malformed),
        ("totp", {"secret": b"k" * 20, "label": "a\nb"}, Malformed),
        ("password", {"secret": b"corridor umbrella nineteen"}, NotAllowed),
        ("recovery", {}, NotAllowed),
        ("telepathy", {}, NotAllowed),
        ("email", {"parameters": {"address": "nonsense"}}, Malformed),
    ],
)
async def test_what_does_not_fit_is_not_imported(stage, kind, more, error):
    alice = await stage.person(totp=False)

    with pytest.raises(error):
        await imports(stage, alice, kind, **more)


async def test_unlocking_forgives_guesses_and_lets_the_name_in(stage):
    alice = await stage.person()
    for _ in range(2):
        pending = await stage.begins(alice)
        for _ in range(5):
            with pytest.raises(CodeRejected):
                await prove.prove(stage.engine, pending.ticket, "nonsense", HERE)
    for _ in range(10):
        with pytest.raises(InvalidCredentials):
            await login.begin(stage.engine, HERE, identifier="alice", answer="wrong")
    with pytest.raises(Throttled):
        await stage.begins(alice)

    scopes = await unlocks(stage, alice)

    assert scopes == ("kind:password", "kind:totp")
    assert isinstance(await stage.logs_in(alice), Granted)
    assert (await stage.events(alice)).count("guess.unlocked") == 1
    with pytest.raises(CeremonyConsumed):
        await prove.prove(stage.engine, pending.ticket, stage.code(alice), HERE)


async def test_unlocking_who_is_not_locked_changes_nothing(stage):
    bare = await stage.person("bare", totp=False, email=None, email_verified=False)

    assert await unlocks(stage, bare) == ()


async def test_an_administrator_ends_one_session_or_all(stage):
    alice = await stage.person(totp=False)
    one, _, _ = [await stage.bearer(alice) for _ in range(3)]

    async def closes(session=None):
        await admin_factors.close_sessions(stage.engine, HERE, ADMIN, alice.subject.id, session)

    await closes(one.session.id)
    assert len(await stage.sessions(alice)) == 2
    with pytest.raises(NotFound):
        await closes(one.session.id)
    await closes()

    assert await stage.sessions(alice) == []
    events = [e for e in await stage.events(alice) if e.startswith("session.")]
    assert events == ["session.closed", "session.closed.all"]
