"""Who did not ask for a mailed code takes it away, with all that came of it, and nothing else."""

from dataclasses import replace

import pytest

from tests.ceremonies.stage import HERE
from twofold.ceremonies import admin, disown, enrol, prove, verify
from twofold.ceremonies.outcomes import Granted
from twofold.ceremonies.verify import Client
from twofold.core.errors import CeremonyConsumed, CeremonyExpired, CodeAlreadyUsed, CodeRejected
from twofold.core.types import Realm


async def waits(stage, **more):
    """Somebody of whom a login has just sent a code: the person, the ceremony, its letter."""
    dave = await stage.person("dave", totp=False, mailed=True, **more)
    pending = await stage.begins(dave)
    return dave, pending, await stage.mailed("code")


async def disowns(stage, letter, context=HERE):
    return await disown.disown(stage.engine, letter["link"].partition("#")[2], context)


async def answers(stage, pending, letter):
    return await prove.prove(stage.engine, pending.ticket, letter["code"], HERE)


async def test_a_disowned_code_opens_nothing(stage):
    dave, pending, letter = await waits(stage)
    assert letter["link"].startswith("https://stage.example/disown#")

    await disowns(stage, letter)

    with pytest.raises(CeremonyConsumed):
        await answers(stage, pending, letter)
    assert await stage.sessions(dave) == []
    assert (await stage.events(dave))[-2:] == ["code.disowned", "login.blocked"]
    (mailed,) = [a for a in (await stage.view(dave)).authenticators if a.kind == "email"]
    assert (mailed.items, mailed.used_at) == ((), None)


async def test_the_next_sign_in_is_as_ever(stage):
    dave, _, letter = await waits(stage)
    await disowns(stage, letter)
    stage.clock.pass_(61)

    pending = await stage.begins(dave)

    assert isinstance(await answers(stage, pending, await stage.mailed("code")), Granted)


async def test_a_session_that_came_of_the_code_is_ended(stage):
    dave, pending, letter = await waits(stage)
    await answers(stage, pending, letter)
    stage.clock.pass_(61)
    await answers(stage, await stage.begins(dave), await stage.mailed("code"))
    assert len(await stage.sessions(dave)) == 2

    await disowns(stage, letter)

    assert len(await stage.sessions(dave)) == 1
    assert dave.subject.epoch == (await stage.view(dave)).subject.epoch


async def test_a_newer_code_is_left_alone(stage):
    dave, _, letter = await waits(stage)
    stage.clock.pass_(61)
    newer = await stage.begins(dave)

    await disowns(stage, letter)

    assert isinstance(await answers(stage, newer, await stage.mailed("code")), Granted)


async def test_a_newer_code_that_is_sent_at_the_same_moment_is_left_alone(stage):
    dave, _, letter = await waits(stage)
    stage.clock.pass_(61)
    begun = []

    async def faster():
        begun.append(await stage.begins(dave))

    stage.store.before = faster
    await disowns(stage, letter)

    assert isinstance(await answers(stage, begun[0], await stage.mailed("code")), Granted)


async def test_an_answer_of_the_same_moment_opens_no_session_that_stays(stage):
    dave, pending, letter = await waits(stage)

    async def faster():
        assert isinstance(await answers(stage, pending, letter), Granted)

    stage.store.before = faster
    await disowns(stage, letter)

    assert await stage.sessions(dave) == []


async def test_an_answer_that_comes_a_moment_late_is_not_taken(stage):
    dave, pending, letter = await waits(stage)

    async def faster():
        await disowns(stage, letter)

    stage.store.before = faster
    with pytest.raises(CodeAlreadyUsed):
        await answers(stage, pending, letter)

    assert await stage.sessions(dave) == []


async def test_a_second_time_changes_nothing_more(stage):
    dave, pending, letter = await waits(stage)
    await disowns(stage, letter)

    await disowns(stage, letter)

    with pytest.raises(CeremonyConsumed):
        await answers(stage, pending, letter)
    assert (await stage.tally(dave, "kind:email")) is None


async def test_a_set_up_that_nobody_asked_for_is_ended(stage):
    dave = await stage.person("dave", totp=False)
    granted = await stage.logs_in(dave)
    pending = await enrol.begin(stage.engine, granted.session, HERE)
    revealed = await enrol.bind(stage.engine, pending.ticket, "email", HERE)
    letter = await stage.mailed("code")
    assert letter["purpose"] == "enroll"

    await disowns(stage, letter)

    with pytest.raises(CeremonyConsumed):
        await enrol.confirm(stage.engine, revealed.pending.ticket, letter["code"], HERE)


async def test_a_code_for_an_application_is_void_too(stage):
    shop = Client("shop", "The shop")
    await stage.person("dave", totp=False, mailed=True)
    await verify.ask(stage.engine, shop, "dave", HERE)
    letter = await stage.mailed("code")
    assert (letter["purpose"], letter["application"]) == ("verify", "The shop")

    await disowns(stage, letter)

    with pytest.raises(CodeRejected):
        await verify.check(stage.engine, shop, "dave", letter["code"], HERE)


async def test_a_link_has_an_end(stage):
    _, pending, letter = await waits(stage)
    stage.clock.pass_(disown.LIFE)

    with pytest.raises(CeremonyExpired):
        await disowns(stage, letter)

    stage.clock.pass_(-disown.LIFE)
    assert isinstance(await answers(stage, pending, letter), Granted)


async def test_only_a_link_of_ours_ends_anything(stage):
    dave, pending, letter = await waits(stage)
    elsewhere = replace(HERE, realm=Realm("other"))

    for token, context in (
        ("", HERE),
        ("x", HERE),
        (pending.ticket, HERE),
        (letter["link"].partition("#")[2], elsewhere),
    ):
        with pytest.raises(CeremonyExpired):
            await disown.disown(stage.engine, token, context)
    with pytest.raises(CeremonyExpired):
        await prove.prove(stage.engine, letter["link"].partition("#")[2], letter["code"], HERE)

    await admin.remove_subject(stage.engine, HERE, "operator", dave.subject.id)
    with pytest.raises(CeremonyExpired):
        await disowns(stage, letter)
