from dataclasses import replace

import pytest

from tests.ceremonies.stage import HERE
from twofold.ceremonies import clients
from twofold.core.errors import InvalidCredentials, Malformed, NotFound, Throttled
from twofold.core.policy import ClientRule, Enforcement
from twofold.core.types import DEFAULT_REALM, Aal, Realm


async def makes(stage, id="shop", **more):
    return await clients.put_client(stage.engine, HERE, "operator", id=id, **more)


async def shows(stage, secret, id="shop", context=HERE):
    return await clients.authenticate_client(stage.engine, id, secret, context)


async def test_a_client_is_known_by_its_secret(stage):
    client, secret = await makes(stage, name="The shop")

    assert await shows(stage, secret) == client
    assert (client.id, client.name, client.realm) == ("shop", "The shop", DEFAULT_REALM)
    assert len(secret) == 43
    assert secret not in repr(await stage.store.documents(DEFAULT_REALM, "client"))
    assert "document.changed" in await stage.events()


async def test_a_second_making_renames_and_keeps_the_secret(stage):
    _, secret = await makes(stage)

    client, none = await makes(stage, name="Renamed")

    assert (client.name, none) == ("Renamed", None)
    assert (await shows(stage, secret)).name == "Renamed"


async def test_every_wrong_pair_is_refused_alike_and_recorded(stage):
    _, secret = await makes(stage)
    for id, shown in [
        ("shop", "wrong"),
        ("shop", ""),
        ("shop", "\ud800"),
        ("shop", secret + "x"),
        ("nobody", secret),
        ("../policy", secret),
        ("", secret),
    ]:
        with pytest.raises(InvalidCredentials) as refused:
            await shows(stage, shown, id)
        assert str(refused.value) == InvalidCredentials.title

    assert (await stage.events()).count("access.refused") == 7


async def test_a_client_of_one_realm_is_a_stranger_in_another(stage):
    _, secret = await makes(stage)

    with pytest.raises(InvalidCredentials):
        await shows(stage, secret, context=replace(HERE, realm=Realm("elsewhere")))


async def test_who_tries_secrets_is_slowed(stage):
    _, secret = await makes(stage)
    for _ in range(50):
        with pytest.raises(InvalidCredentials):
            await shows(stage, "wrong")

    with pytest.raises(Throttled):
        await shows(stage, secret)


async def test_two_secrets_are_good_at_a_time(stage):
    _, first = await makes(stage)
    second = await clients.rotate_client_secret(stage.engine, HERE, "operator", "shop")
    for secret in (first, second):
        await shows(stage, secret)

    third = await clients.rotate_client_secret(stage.engine, HERE, "operator", "shop")

    for secret in (second, third):
        await shows(stage, secret)
    with pytest.raises(InvalidCredentials):
        await shows(stage, first)


async def test_two_rotations_at_once_are_two(stage):
    await makes(stage)
    secrets = []

    async def other():
        secrets.append(await clients.rotate_client_secret(stage.engine, HERE, "operator", "shop"))

    stage.store.before = other
    secrets.append(await clients.rotate_client_secret(stage.engine, HERE, "operator", "shop"))

    for secret in secrets:
        await shows(stage, secret)


async def test_a_removed_client_is_nobody(stage):
    _, secret = await makes(stage)

    await clients.remove_client(stage.engine, HERE, "operator", "shop")

    with pytest.raises(InvalidCredentials):
        await shows(stage, secret)
    with pytest.raises(NotFound):
        await clients.remove_client(stage.engine, HERE, "operator", "shop")
    with pytest.raises(NotFound):
        await clients.rotate_client_secret(stage.engine, HERE, "operator", "shop")
    assert "document.removed" in await stage.events()


async def test_of_two_removals_at_once_one_finds_nothing(stage):
    await makes(stage)

    async def other():
        await clients.remove_client(stage.engine, HERE, "operator", "shop")

    stage.store.before = other

    with pytest.raises(NotFound):
        await clients.remove_client(stage.engine, HERE, "operator", "shop")


async def test_what_a_client_demands_stands_in_the_policy(stage):
    await makes(stage, "shop")
    await makes(stage, "bank")
    await stage.policy(clients={"bank": {"enforcement": "required", "aal": 2}})

    bank, shop = await clients.clients(stage.engine, DEFAULT_REALM)

    assert bank.rule == ClientRule(Enforcement.REQUIRED, Aal.TWO)
    assert shop.rule == ClientRule()


@pytest.mark.parametrize("id", ["", "Shop", "a b", "-a", "x" * 64, "ä", "a/b", "a\n"])
async def test_odd_ids_are_refused(stage, id):
    with pytest.raises(Malformed):
        await makes(stage, id)


async def test_odd_names_are_refused(stage):
    with pytest.raises(Malformed):
        await makes(stage, name="a\nb")
