"""A63: who moves an account proves itself and the new mailbox, and the old one is told."""

import pytest

from tests.ceremonies.stage import HERE
from twofold.ceremonies import account, address, admin
from twofold.core.errors import (
    CeremonyExpired,
    Malformed,
    NotPossible,
    StaleSecurityState,
    StepUpRequired,
    Taken,
    Throttled,
)

NEW = "alice@new.example"


async def asked(stage, bearer, to=NEW):
    await address.ask_change(stage.engine, bearer, to, HERE)


async def confirmed(stage, token):
    return await address.confirm_change(stage.engine, token, HERE)


async def letters(stage):
    return [(to, name) for to, name, _ in await stage.mail()]


async def test_an_account_moves_when_the_code_comes_back(stage):
    alice = await stage.person()
    await asked(stage, await stage.bearer(alice), " Alice@NEW.example ")
    mailed = await stage.mailed("verify-address")
    assert mailed["link"] == f"https://stage.example/change-address#{mailed['code']}"
    assert (await stage.view(alice)).subject.email == "alice@example.org"

    await confirmed(stage, f" {mailed['code']}\n")

    moved = (await stage.view(alice)).subject
    assert (moved.email, moved.email_verified) == (NEW, True)
    assert ("alice@example.org", "address-changed") in await letters(stage)
    assert (await stage.events(alice))[-2:] == ["account.address.asked", "account.address.changed"]
    assert await stage.store.view(moved.realm, identifier=f"email:{NEW}")
    assert await stage.store.view(moved.realm, identifier="email:alice@example.org") is None


async def test_an_old_proof_does_not_move_an_account(stage):
    bearer = await stage.bearer(await stage.person())
    stage.clock.pass_(600)

    with pytest.raises(StepUpRequired):
        await asked(stage, bearer)
    assert "verify-address" not in [name for _, name in await letters(stage)]


@pytest.mark.parametrize("wrong", ["", "no address", "a@b@c"])
async def test_what_is_no_address_is_refused(stage, wrong):
    bearer = await stage.bearer(await stage.person())

    with pytest.raises(Malformed):
        await asked(stage, bearer, wrong)


async def test_the_address_it_has_is_no_other_one(stage):
    bearer = await stage.bearer(await stage.person())

    with pytest.raises(NotPossible):
        await asked(stage, bearer, "ALICE@example.org")


async def test_an_address_that_was_never_proved_may_be_asked_for_again(stage):
    alice = await stage.person(email_verified=False)
    await asked(stage, await stage.bearer(alice), "alice@example.org")

    await confirmed(stage, (await stage.mailed("verify-address"))["code"])

    assert (await stage.view(alice)).subject.email_verified


async def test_an_address_that_is_taken_is_answered_alike_and_stays_whose_it_is(stage):
    """A85: only who reads the mailbox learns that it is somebody's."""
    bob = await stage.person("bob")
    bearer = await stage.bearer(await stage.person())
    await asked(stage, bearer, "bob@example.org")
    token = (await stage.mailed("verify-address"))["code"]

    with pytest.raises(Taken):
        await confirmed(stage, token)
    assert (await stage.view(bob)).subject.email == "bob@example.org"


async def test_a_code_works_once_and_not_after_another_change(stage):
    alice = await stage.person()
    bearer = await stage.bearer(alice)
    await asked(stage, bearer)
    first = (await stage.mailed("verify-address"))["code"]
    stage.clock.pass_(1)
    await asked(stage, bearer, "other@new.example")

    await confirmed(stage, first)

    for token in (first, (await stage.mailed("verify-address"))["code"]):
        with pytest.raises(StaleSecurityState):
            await confirmed(stage, token)


async def test_a_code_that_is_old_or_none_moves_nothing(stage):
    alice = await stage.person()
    await asked(stage, await stage.bearer(alice))
    token = (await stage.mailed("verify-address"))["code"]
    stage.clock.pass_(account.LIVES[account.VERIFY])

    for wrong in (token, "nonsense", ""):
        with pytest.raises(CeremonyExpired):
            await confirmed(stage, wrong)


async def test_a_code_of_another_purpose_moves_nothing(stage):
    alice = await stage.person()
    await account.ask_reset(stage.engine, "alice", HERE)
    reset = (await stage.mailed("reset-password"))["code"]
    await asked(stage, await stage.bearer(alice))
    moving = (await stage.mailed("verify-address"))["code"]

    with pytest.raises(CeremonyExpired):
        await confirmed(stage, reset)
    with pytest.raises(CeremonyExpired):
        await account.verify_address(stage.engine, moving, HERE)
    with pytest.raises(CeremonyExpired):
        await account.reset_password(stage.engine, moving, "another very good one", HERE)


async def test_the_code_of_an_account_that_is_gone_moves_nothing(stage):
    alice = await stage.person()
    await asked(stage, await stage.bearer(alice))
    token = (await stage.mailed("verify-address"))["code"]
    await admin.remove_subject(stage.engine, HERE, "operator", "alice")

    with pytest.raises(CeremonyExpired):
        await confirmed(stage, token)


async def test_a_move_ends_what_the_old_mailbox_was_sent(stage):
    alice = await stage.person()
    await account.ask_reset(stage.engine, "alice", HERE)
    reset = (await stage.mailed("reset-password"))["code"]
    await asked(stage, await stage.bearer(alice))
    await confirmed(stage, (await stage.mailed("verify-address"))["code"])

    with pytest.raises(StaleSecurityState):
        await account.reset_password(stage.engine, reset, "another very good one", HERE)


async def test_an_owner_can_cause_few_letters(stage):
    """A139."""
    bearer = await stage.bearer(await stage.person())
    for number in range(5):
        await asked(stage, bearer, f"{number}@new.example")

    with pytest.raises(Throttled):
        await asked(stage, bearer, "6@new.example")


async def test_a_mailbox_that_had_too_many_letters_is_spared_in_silence(stage):
    """A139, and no word about what others did (A85)."""
    for number in range(10):
        bearer = await stage.bearer(await stage.person(f"p{number}"))
        await asked(stage, bearer, "victim@new.example")
    before = await letters(stage)
    bearer = await stage.bearer(await stage.person(email=None, email_verified=False))

    await asked(stage, bearer, "victim@new.example")

    assert await letters(stage) == before
