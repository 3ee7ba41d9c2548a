from dataclasses import replace

import pytest

from tests.ceremonies.stage import HERE, PASSWORD
from twofold.ceremonies import admin, login, prove, recover, sessions
from twofold.ceremonies.admin import SubjectChange
from twofold.ceremonies.outcomes import Granted
from twofold.core.errors import (
    CodeRejected,
    InvalidCredentials,
    InvalidToken,
    Malformed,
    NotAllowed,
    NotFound,
    StepUpRequired,
    Taken,
    WeakPassword,
)
from twofold.core.policy import ACR
from twofold.core.types import DEFAULT_REALM, Aal, Status


async def creates(stage, by="operator", **more):
    return await admin.create_subject(stage.engine, HERE, by, **{"name": "erin", **more})


async def changes(stage, person, by="operator", **change):
    return await admin.change_subject(
        stage.engine, HERE, by, person.subject.id, SubjectChange(**change)
    )


async def removes(stage, person, by="operator"):
    return await admin.remove_subject(stage.engine, HERE, by, person.subject.id)


async def requires(stage, bearer, *, fresh=False):
    await admin.require_admin(stage.engine, bearer, HERE, fresh=fresh)


# Who may


async def test_only_administrators_are_administrators(stage):
    alice = await stage.person()
    bearer = await stage.bearer(alice)

    with pytest.raises(NotAllowed):
        await requires(stage, bearer)

    assert (await stage.events(alice))[-1] == "access.refused"
    await changes(stage, alice, admin=True)
    await requires(stage, bearer)


async def test_an_administrator_with_a_factor_has_proved_it(stage):
    await stage.policy(trusted_networks=["192.0.2.0/24"])
    root = await stage.person("root", admin=True)
    granted = await stage.begins(root)
    bearer = sessions.Bearer(granted.session, granted.subject)

    with pytest.raises(StepUpRequired) as refused:
        await requires(stage, bearer)

    assert (refused.value.acr_values, refused.value.max_age) == (ACR[Aal.TWO], None)


async def test_a_recovery_code_makes_no_administrator(stage):
    root = await stage.person("root", admin=True)
    codes = (await recover.renew(stage.engine, await stage.bearer(root), HERE)).facts
    pending = await stage.begins(root)
    granted = await prove.prove(
        stage.engine, pending.ticket, codes["recovery_codes"][0], HERE, recovery=True
    )

    with pytest.raises(StepUpRequired):
        await requires(stage, sessions.Bearer(granted.session, granted.subject))


async def test_some_acts_need_fresh_proof(stage):
    bearer = await stage.bearer(await stage.person("root", admin=True))
    await requires(stage, bearer, fresh=True)
    stage.clock.pass_(301)
    await requires(stage, bearer)

    with pytest.raises(StepUpRequired):
        await requires(stage, bearer, fresh=True)


async def test_an_administrator_without_a_factor_is_as_strong_as_a_password(stage):
    await stage.policy(admins="optional")
    bearer = await stage.bearer(await stage.person("root", totp=False, admin=True))

    await requires(stage, bearer, fresh=True)


# Finding


async def test_subjects_are_listed_in_order_and_found_by_their_words(stage):
    for name in ("carol", "alice", "bob"):
        await stage.person(name, totp=False)
    engine = stage.engine

    listed = await admin.subjects(engine, DEFAULT_REALM)
    assert [s.name for s in listed] == ["alice", "bob", "carol"]
    found = await admin.subjects(engine, DEFAULT_REALM, "BOB@", limit=1)
    assert [s.name for s in found] == ["bob"]
    rest = await admin.subjects(engine, DEFAULT_REALM, after="alice", limit=1)
    assert [s.name for s in rest] == ["bob"]


@pytest.mark.parametrize("how", ["id", "name", "email"])
async def test_a_subject_is_found_by_id_name_or_verified_address(stage, how):
    alice = await stage.person()

    detail = await admin.subject(
        stage.engine, DEFAULT_REALM, getattr(alice.subject, how).upper()
        if how != "id" else alice.subject.id,
    )  # fmt: skip

    assert detail.subject.id == alice.subject.id


async def test_the_detail_shows_everything_but_secrets(stage):
    alice = await stage.person(mailed=True)
    bearer = await stage.bearer(alice)
    await recover.renew(stage.engine, bearer, HERE)
    for _ in range(2):
        pending = await stage.begins(alice)
        for _ in range(5):
            with pytest.raises(CodeRejected):
                await prove.prove(stage.engine, pending.ticket, "nonsense", HERE)

    detail = await admin.subject(stage.engine, DEFAULT_REALM, "alice")

    assert [row.kind for row in detail.factors] == ["totp", "email"]
    assert detail.recovery.remaining == 10
    assert [s.id for s in detail.sessions] == [bearer.session.id]
    assert detail.blocked == {"totp": stage.clock.now() + 900 * 1_000_000}
    assert alice.secret.hex() not in repr(detail)
    for nobody in ("nobody", "", "f" * 32):
        with pytest.raises(NotFound):
            await admin.subject(stage.engine, DEFAULT_REALM, nobody)


# Making


async def test_a_subject_is_made_with_what_is_given(stage):
    erin = await creates(
        stage, by="0" * 32, email="Erin@Example.org", phone="+49 30 1234567", admin=True,
        groups=("staff",), password=PASSWORD, attributes={"isTwoFactorUser": True},
    )  # fmt: skip

    kept = (await stage.store.view(DEFAULT_REALM, erin.id)).subject
    assert kept == erin
    assert (kept.email, kept.email_verified) == ("erin@example.org", False)
    assert kept.phone == "+49301234567"
    assert (kept.groups, kept.admin) == (("staff",), True)
    name, body = (await stage.records())[-1]
    assert (name, body["by"], body["admin"]) == ("subject.created", "0" * 32, 1)
    outcome = await login.begin(stage.engine, HERE, identifier="erin", answer=PASSWORD)
    assert not isinstance(outcome, Granted)


async def test_a_subject_may_have_no_password(stage):
    erin = await creates(stage, email="erin@example.org", email_verified=True)

    assert erin.email_verified is True
    assert (await stage.store.view(DEFAULT_REALM, erin.id)).authenticators == ()


@pytest.mark.parametrize(
    ("more", "error"),
    [
        ({"name": ""}, Malformed),
        ({"name": "a\r\nb"}, Malformed),
        ({"email": "no address"}, Malformed),
        ({"phone": "12"}, Malformed),
        ({"password": "short"}, WeakPassword),
        ({"name": "ALICE"}, Taken),
        ({"email": "alice@example.org", "email_verified": True}, Taken),
    ],
)
async def test_what_makes_no_sense_makes_no_subject(stage, more, error):
    await stage.person(totp=False)

    with pytest.raises(error):
        await creates(stage, **more)

    assert len(await stage.store.subjects(DEFAULT_REALM)) == 1


# Changing


async def test_a_change_leaves_what_it_does_not_name(stage):
    alice = await stage.person(totp=False, phone="+49301234567")

    await changes(stage, alice, groups=("staff",), attributes={"k": 1}, phone_verified=True)

    kept = (await stage.view(alice)).subject
    assert kept == replace(
        alice.subject, groups=("staff",), attributes={"k": 1}, phone_verified=True, epoch=1
    )
    name, body = (await stage.records(alice))[-1]
    assert (name, body["fields"]) == (
        "subject.changed", ["phone_verified", "groups", "attributes"],
    )  # fmt: skip


async def test_a_new_address_is_not_verified_and_the_old_one_is_told(stage):
    alice = await stage.person(totp=False)

    await changes(stage, alice, email="New@example.org", phone="+49301234567")

    kept = (await stage.view(alice)).subject
    assert (kept.email, kept.email_verified) == ("new@example.org", False)
    ((to, template, _),) = await stage.mail()
    assert (to, template) == ("alice@example.org", "address-changed")


async def test_an_administrator_may_vouch_for_an_address(stage):
    alice = await stage.person(totp=False)

    await changes(stage, alice, email="new@example.org", email_verified=True)

    found = await stage.store.view(DEFAULT_REALM, identifier="email:new@example.org")
    assert found.subject.id == alice.subject.id
    assert (await changes(stage, alice, email="new@example.org")).email_verified is True


async def test_an_address_can_be_cleared(stage):
    alice = await stage.person(totp=False)

    kept = await changes(stage, alice, email="", email_verified=True)

    assert (kept.email, kept.email_verified) == (None, False)


async def test_a_subject_can_be_renamed(stage):
    alice = await stage.person(totp=False)
    await stage.person("bob", totp=False)

    assert (await changes(stage, alice, name=" Alicia ")).name == "Alicia"

    with pytest.raises(Taken):
        await changes(stage, alice, name="bob")
    with pytest.raises(InvalidCredentials):
        await stage.begins(alice)


async def test_a_disabled_subject_is_out_at_once_and_may_come_back(stage):
    alice = await stage.person(totp=False)
    bearer = await stage.bearer(alice)

    await changes(stage, alice, disabled=True, groups=("gone",))

    assert await stage.sessions(alice) == []
    with pytest.raises(InvalidToken):
        await sessions.look(stage.engine, bearer)
    with pytest.raises(InvalidCredentials):
        await stage.begins(alice)
    assert (await changes(stage, alice, disabled=False)).status is Status.ACTIVE
    assert isinstance(await stage.begins(alice), Granted)
    events = [e for e in await stage.events(alice) if e.startswith("subject.")]
    assert events == ["subject.created", "subject.disabled", "subject.changed", "subject.enabled"]


async def test_a_change_that_meets_another_looks_again(stage):
    alice = await stage.person(totp=False)

    async def other():
        await changes(stage, alice, groups=("staff",))

    stage.store.before = other
    await changes(stage, alice, attributes={"k": 1})

    kept = (await stage.view(alice)).subject
    assert (kept.groups, kept.attributes) == (("staff",), {"k": 1})


async def test_who_is_not_there_cannot_be_changed(stage):
    for act in (
        admin.change_subject(stage.engine, HERE, "operator", "nobody", SubjectChange()),
        admin.remove_subject(stage.engine, HERE, "operator", "nobody"),
        admin.set_password(stage.engine, HERE, "operator", "nobody", PASSWORD),
    ):
        with pytest.raises(NotFound):
            await act


# The last administrator


@pytest.mark.parametrize("act", ["disable", "demote", "remove"])
async def test_no_administrator_is_the_last_to_go(stage, act):
    root = await stage.person("root", totp=False, admin=True)
    gone = await stage.person("gone", totp=False, admin=True)
    await stage.person("alice", totp=False)
    await changes(stage, gone, disabled=True)

    async def acts(by):
        match act:
            case "disable":
                await changes(stage, root, by, disabled=True)
            case "demote":
                await changes(stage, root, by, admin=False)
            case "remove":
                await removes(stage, root, by)

    for by in (root.subject.id, gone.subject.id, "f" * 32):
        with pytest.raises(NotAllowed):
            await acts(by)
    await changes(stage, gone, disabled=False)
    await acts(root.subject.id)


async def test_the_operator_may_do_what_no_administrator_may(stage):
    root = await stage.person("root", totp=False, admin=True)

    await removes(stage, root)

    assert (await stage.records())[-1][1]["by"] == "operator"


async def test_two_administrators_who_shut_each_other_out_leave_one(stage):
    one = await stage.person("one", totp=False, admin=True)
    two = await stage.person("two", totp=False, admin=True)

    async def faster():
        await changes(stage, one, two.subject.id, admin=False)

    stage.store.before = faster

    with pytest.raises(NotAllowed):
        await changes(stage, two, one.subject.id, admin=False)
    assert (await stage.view(two)).subject.admin is True


async def test_another_administrator_is_found_among_many(stage, monkeypatch):
    monkeypatch.setattr(admin, "_PAGE", 2)
    root = await stage.person("root", totp=False, admin=True)
    for number in range(5):
        await stage.person(f"p{number}", totp=False)
    await stage.person("zoe", totp=False, admin=True)

    await removes(stage, root, root.subject.id)


# Passwords, removal


async def test_a_password_set_by_an_administrator_ends_sessions_and_is_told(stage):
    alice = await stage.person(totp=False)
    await stage.bearer(alice)

    await admin.set_password(
        stage.engine, HERE, "0" * 32, alice.subject.id, "another umbrella twenty"
    )

    assert await stage.sessions(alice) == []
    with pytest.raises(InvalidCredentials):
        await stage.begins(alice)
    alice.password = "another umbrella twenty"
    assert isinstance(await stage.begins(alice), Granted)
    assert [template for _, template, _ in await stage.mail()] == ["password-changed"]
    with pytest.raises(WeakPassword):
        await admin.set_password(stage.engine, HERE, "0" * 32, "alice", "short")


async def test_what_a_removed_subject_did_stays_on_record(stage):
    alice = await stage.person()
    await stage.logs_in(alice)

    gone = await removes(stage, alice)

    assert gone.id == alice.subject.id
    assert await stage.store.view(DEFAULT_REALM, alice.subject.id) is None
    assert (await stage.events(alice))[-1] == "subject.deleted"
    await stage.person()
