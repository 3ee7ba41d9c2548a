"""Settings of a dialect that change while the server runs, in one process and in two."""

import asyncio
import json

import pytest

from tests.ceremonies.stage import HERE
from twofold.ceremonies.dialect_settings import DialectSettings
from twofold.core.effects import PutDocument
from twofold.core.errors import Malformed, Stale
from twofold.core.policy import Enforcement
from twofold.core.types import DEFAULT_REALM, Document, Instant
from twofold.dialects.structr.config import StructrSettings
from twofold.dialects.structr.config_table import StructrTable

TF = "security.twofactorauthentication."
ADMIN = "0" * 32
GROUND = StructrTable({f"{TF}digits": 8}, {f"{TF}digits": "/etc/structr.conf"})


@pytest.fixture
def live(stage):
    return DialectSettings(stage.engine, DEFAULT_REALM, GROUND)


async def change(live, changes, version=None):
    return await live.change(HERE, ADMIN, changes, version)


def row(shown, name):
    return next(found for found in shown.rows if found.name == f"{TF}{name}")


async def test_without_a_change_the_files_count(live):
    shown = await live.shown()

    assert shown.version == 0
    assert (row(shown, "digits").value, row(shown, "digits").origin) == (8, "/etc/structr.conf")
    assert (row(shown, "period").value, row(shown, "period").origin) == (30, "default")
    assert await live.current() == StructrSettings(digits=8)


async def test_a_change_is_in_force_at_once_and_shown_with_its_origin(live):
    before = await live.current()
    shown = await change(live, {f"{TF}DIGITS": "6", f"{TF}period": 60})

    assert shown.version == 1
    assert (row(shown, "digits").value, row(shown, "digits").origin) == (6, "run time")
    assert await live.current() == StructrSettings(digits=6, period=60)
    assert before != await live.current()


async def test_a_change_taken_back_leaves_what_the_file_says(live):
    await change(live, {f"{TF}digits": 6, f"{TF}period": 60})
    shown = await change(live, {f"{TF}digits": None})

    assert (row(shown, "digits").value, row(shown, "digits").origin) == (8, "/etc/structr.conf")
    assert row(shown, "period").value == 60
    assert shown.version == 2


async def test_settings_that_have_not_changed_are_the_same_object(stage, live):
    first = await live.current()
    stage.clock.pass_(5)

    assert await live.current() is first


async def test_another_process_sees_a_change_within_a_second_and_reads_once_a_second(stage, live):
    looks = []
    real = stage.store.document

    async def counted(*where):
        looks.append(where)
        return await real(*where)

    stage.store.document = counted
    other = DialectSettings(stage.engine, DEFAULT_REALM, GROUND)
    await other.current()
    await change(live, {f"{TF}issuer": "ACME"})
    looks.clear()

    for _ in range(50):
        await other.current()
    assert looks == []
    stage.clock.pass_(1)
    assert (await other.current()).issuer == "ACME"
    assert len(looks) == 2


async def test_a_clock_that_was_put_back_does_not_freeze_the_settings(stage, live):
    other = DialectSettings(stage.engine, DEFAULT_REALM, GROUND)
    await other.current()
    await change(live, {f"{TF}issuer": "ACME"})

    stage.clock.pass_(-3600)

    assert (await other.current()).issuer == "ACME"


LEVELS = {0: Enforcement.OFF, 1: Enforcement.OPTIONAL, 2: Enforcement.REQUIRED}


@pytest.mark.parametrize("level", LEVELS)
async def test_the_level_is_the_policy_of_the_realm_for_every_face(stage, live, level):
    await stage.policy(fresh=60)
    shown = await change(live, {f"{TF}level": level})

    document = await stage.store.document(DEFAULT_REALM, "policy", "realm")
    policy = stage.engine.policy(document)
    assert (policy.enforcement, policy.fresh) == (LEVELS[level], 60)
    assert (row(shown, "level").value, row(shown, "level").origin) == (level, "run time")
    assert (await live.current()).level == level
    own = await stage.store.document(DEFAULT_REALM, "dialect", "structr")
    assert json.loads(own.body) == {}


async def test_a_policy_that_an_administrator_changed_elsewhere_is_the_level_here(stage, live):
    await stage.policy(enforcement="required")

    assert row(await live.shown(), "level").value == 2
    assert row(await change(live, {f"{TF}level": None}), "level").value == 1


async def test_every_fault_is_told_by_its_key_and_nothing_is_changed(stage, live):
    with pytest.raises(Malformed) as refused:
        await change(
            live,
            {
                f"{TF}level": 3, f"{TF}digits": "7", f"{TF}lvel": 1, f"{TF}period": 60,
                "security.jwt.secret": "k3Zq-81vX_0mTbYw7Rj2LsUe9GpNcHd4",
                f"{TF}skew": 1, f"{TF}totp.skew": 2, "application.title": None,
            },
        )  # fmt: skip

    assert refused.value.fields == {
        f"{TF}level": "must be a whole number from 0 to 2",
        f"{TF}digits": "must be 6 or 8",
        f"{TF}lvel": "is no setting of Structr that is known here",
        "security.jwt.secret": "is a secret, which is read from files and the environment only",
        f"{TF}totp.skew": "is given twice",
        "application.title": "is no setting of Structr that is known here",
    }
    assert refused.value.field == f"{TF}level"
    assert "k3Zq" not in refused.value.detail
    assert (await live.shown()).version == 0
    assert await stage.records() == []


async def test_values_that_do_not_go_together_are_refused_whenever_they_were_given(live):
    await change(live, {"access.control.accepted.origins": "*"})

    with pytest.raises(Malformed) as refused:
        await change(live, {"access.control.allow.credentials": True})

    assert set(refused.value.fields) == {"access.control.allow.credentials"}


async def test_the_strict_profile_refuses_what_brings_a_weakness_back(stage, live):
    await stage.policy(profile="strict")

    with pytest.raises(Malformed) as refused:
        await change(live, {"security.headerauthentication.bypasstwofactor": True})

    assert set(refused.value.fields) == {"security.headerauthentication.bypasstwofactor"}


async def test_what_of_a_list_was_not_understood_is_shown(live):
    shown = await change(live, {f"{TF}whitelistedIPs": "10.0.0.1, intranet"})

    assert row(shown, "whitelistedIPs").note == "'intranet' is no address and is left out"


async def test_the_trail_says_who_changed_which_keys_and_no_value(stage, live):
    await change(live, {f"{TF}issuer": "ACME", f"{TF}level": 2})

    names = dict(await stage.records())
    assert names["document.changed"]["by"] == ADMIN
    assert names["document.changed"]["kind"] == "dialect"
    assert names["document.changed"]["name"] == "structr"
    assert names["document.changed"]["keys"] == [f"{TF}issuer", f"{TF}level"]
    assert names["policy.changed"]["keys"] == ["enforcement"]
    assert "ACME" not in str(names)


async def test_nobody_overwrites_a_change_unseen(live):
    shown = await change(live, {f"{TF}issuer": "A"}, 0)

    for seen in (0, 2):
        with pytest.raises(Stale):
            await change(live, {f"{TF}issuer": "B"}, seen)
    assert (await change(live, {f"{TF}issuer": "C"}, shown.version)).version == 2


async def test_two_changes_at_once_without_a_version_are_both_kept(stage, live):
    other = DialectSettings(stage.engine, DEFAULT_REALM, GROUND)

    await asyncio.gather(change(live, {f"{TF}issuer": "A"}), change(other, {f"{TF}period": 60}))

    assert await live.current() == StructrSettings(digits=8, issuer="A", period=60)


async def test_an_empty_change_writes_nothing(stage, live):
    assert (await change(live, {})).version == 0
    assert await stage.records() == []


async def test_what_a_later_version_no_longer_takes_is_as_if_taken_back(stage, live):
    body = json.dumps({f"{TF}digits": 7, "gone.key": 1, f"{TF}period": 60})
    await stage.store.commit(PutDocument(Document(DEFAULT_REALM, "dialect", "structr", body)))

    assert await live.current() == StructrSettings(digits=8, period=60)
    assert row(await live.shown(), "digits").origin == "/etc/structr.conf"


async def test_the_moment_of_the_first_look_is_no_look(stage):
    stage.clock.at = Instant(0)

    live = DialectSettings(stage.engine, DEFAULT_REALM, GROUND)

    assert (await live.current()).digits == 8
