"""The doorkeeper remembers in one process; who was unlocked in another is let in all the same."""

import pytest

from twofold.ceremonies import admin, login
from twofold.ceremonies.admin import OPERATOR, SubjectChange
from twofold.core.effects import Forgive
from twofold.core.errors import InvalidCredentials, Throttled
from twofold.core.throttle import of_kind
from twofold.core.types import DEFAULT_REALM, Context
from twofold.testing import ready_engine

PASSWORD = "a-quiet-harbour-in-november"
HERE = Context(address="192.0.2.1")


async def try_in(house, name, password):
    try:
        await login.begin(house.engine, HERE, identifier=name, answer=password)
    except (InvalidCredentials, Throttled) as refused:
        return type(refused)
    return None


async def forgiven_by_another_process(house, person):
    view = await house.engine.store.view(DEFAULT_REALM, person.id)
    scope = of_kind("password")
    await house.engine.store.commit(Forgive(person.id, scope, view.tallies[scope].version))


@pytest.fixture
def house():
    return ready_engine()


async def test_who_is_forgiven_elsewhere_is_let_in(house):
    person = await house.add("alice", PASSWORD)
    guesses = [await try_in(house, "alice", "wrong") for _ in range(11)]
    assert guesses[-1] is Throttled
    assert await try_in(house, "alice", PASSWORD) is Throttled

    await forgiven_by_another_process(house, person)

    assert await try_in(house, "alice", PASSWORD) is None


async def test_a_stranger_and_a_shut_account_are_slowed_alike(house):
    await house.add("zoe", PASSWORD)
    person = await house.add("mallory", PASSWORD)
    await admin.change_subject(
        house.engine, Context(), OPERATOR, person.id, SubjectChange(disabled=True)
    )

    for name in ("nobody", "mallory"):
        guesses = [await try_in(house, name, "wrong") for _ in range(11)]
        assert guesses == [InvalidCredentials] * 10 + [Throttled], name


async def test_a_slowed_source_stays_slow_whoever_is_forgiven(house):
    person = await house.add("alice", PASSWORD)
    for _ in range(11):
        await try_in(house, "alice", "wrong")
    for number in range(45):
        await try_in(house, f"nobody{number}", "wrong")
    await forgiven_by_another_process(house, person)

    assert await try_in(house, "alice", PASSWORD) is Throttled
