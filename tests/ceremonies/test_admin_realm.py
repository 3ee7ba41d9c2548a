import pytest

from tests.ceremonies.stage import HERE
from twofold.ceremonies import admin_realm
from twofold.core.errors import Malformed, Stale
from twofold.core.policy import Enforcement
from twofold.core.types import DEFAULT_REALM, Realm

ADMIN = "0" * 32


async def puts(stage, body, version):
    return await admin_realm.put_policy(stage.engine, HERE, ADMIN, body, version)


async def test_a_realm_has_the_policy_of_the_settings_until_it_keeps_its_own(stage):
    policy, version = await admin_realm.policy(stage.engine, DEFAULT_REALM)

    assert (policy, version) == (stage.engine.rules.policy, 0)


async def test_a_policy_is_replaced_and_counted(stage):
    made, version = await puts(stage, {"enforcement": "required"}, 0)

    assert (made.enforcement, version) == (Enforcement.REQUIRED, 1)
    assert await admin_realm.policy(stage.engine, DEFAULT_REALM) == (made, 1)
    made, version = await puts(stage, {"fresh": 60}, 1)
    assert (made.enforcement, made.fresh, version) == (Enforcement.OPTIONAL, 60, 2)
    name, body = (await stage.records())[-1]
    assert (name, body["by"], body["keys"], body["version"]) == (
        "policy.changed", ADMIN, ["fresh"], 2,
    )  # fmt: skip
    elsewhere = await admin_realm.policy(stage.engine, Realm("elsewhere"))
    assert elsewhere == (stage.engine.rules.policy, 0)


async def test_nobody_overwrites_a_policy_unseen(stage):
    await puts(stage, {"fresh": 60}, 0)

    for seen in (0, 2):
        with pytest.raises(Stale):
            await puts(stage, {"fresh": 90}, seen)


async def test_a_policy_that_makes_no_sense_changes_nothing(stage):
    with pytest.raises(Malformed) as refused:
        await puts(stage, {"fresh": 10_000}, 0)

    assert refused.value.field == "fresh"
    assert (await admin_realm.policy(stage.engine, DEFAULT_REALM))[1] == 0


async def test_a_kind_that_nobody_has_written_is_refused_by_name(stage):
    with pytest.raises(Malformed, match="toptp") as refused:
        await puts(stage, {"kinds": ["totp", "toptp"]}, 0)

    assert refused.value.field == "kinds"


async def test_records_are_read_onwards_backwards_and_by_subject(stage):
    alice, bob = await stage.person(totp=False), await stage.person("bob", totp=False)
    await stage.logs_in(alice)

    everything = await admin_realm.events(stage.engine, DEFAULT_REALM)
    names = [entry.record.event for entry in everything]
    assert names == ["subject.created", "subject.created", "login.granted"]
    rest = await admin_realm.events(
        stage.engine, DEFAULT_REALM, after=everything[0].position, limit=1
    )
    assert rest == everything[1:2]
    last = await admin_realm.events(stage.engine, DEFAULT_REALM, limit=1, newest=True)
    assert last == everything[-1:]
    his = await admin_realm.events(stage.engine, DEFAULT_REALM, bob.subject.id)
    assert [entry.record.event for entry in his] == ["subject.created"]
