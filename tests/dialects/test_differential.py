"""The same act through our own API and through a dialect is the same decision of one engine.

Stories are generated: who, which password, which code, how long to wait. Each is told to a hall
through the native API and to another, equal one through the dialect; what the engine recorded
(granted or refused, why, at which level, by which factors) must be equal. A dialect to come adds
its teller to ``TELLERS``.
"""

import asyncio
import json

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.dialects.structr.hall import PASSWORD, StructrHall
from twofold.core.types import DEFAULT_REALM

NAMES = ("plain", "bound", "shut", "nobody")
CODES = ("right", "wrong", "again", "short", "early")
COMPARED = ("amr", "aal", "method", "hint", "reasons", "spent")
"""What a record says of a decision; ids, addresses and moments differ."""

acts = st.lists(
    st.one_of(
        st.tuples(
            st.just("login"),
            st.sampled_from(NAMES),
            st.booleans(),
            st.lists(st.sampled_from(CODES), max_size=3),
        ),
        st.tuples(st.just("wait"), st.sampled_from([1, 10, 30, 901])),
    ),
    max_size=6,
)


class Native:
    """Signs in through our own API."""

    async def first(self, hall, name, password):
        begun = await hall.client().start(name, password)
        told = begun.json
        return told.get("ceremony") if begun.status == 200 and told["state"] != "done" else None

    async def second(self, hall, token, code):
        client = hall.client()
        await client.verify(code, ceremony=token)


class Structr:
    """Signs in through Structr's interface."""

    async def first(self, hall, name, password):
        answer = await hall.client().login(name, password)
        return answer.header("token") if answer.status == 202 else None

    async def second(self, hall, token, code):
        await hall.client().second(token, code)


TELLERS = {"structr": Structr}


async def told(story, teller):
    """The decisions of the engine that a story led to, in order."""
    hall = StructrHall()
    # Where the contract has figures of its own they are set to the realm's: same rules, same
    # decisions.
    hall.configure(max_failed_passwords=0, login_timeout=300)
    try:
        await hall.user("plain")
        await hall.user("bound", "totp")
        await hall.user("shut")
        await hall.put("shut", blocked=True)
        before = len(await records(hall))
        last = "000000"
        for act, *how in story:
            if act == "wait":
                hall.clock.forward(how[0])
                continue
            name, right, codes = how
            token = await teller.first(hall, name, PASSWORD if right else "wrong")
            for kind in codes if token else ():
                code, last = shown(hall, kind, last)
                await teller.second(hall, token, code)
        return (await records(hall))[before:]
    finally:
        await hall.pool.close()


def shown(hall, kind, last):
    match kind:
        case "right":
            code = hall.code("bound")
        case "early":
            code = hall.code("bound", offset=-1)
        case "again":
            code = last
        case "short":
            return "1", last
        case _:
            return hall.wrong("bound"), last
    return code, code


async def records(hall):
    found = await hall.store.records(DEFAULT_REALM, limit=10_000)
    kept = [(entry.record.event, json.loads(entry.record.body)) for entry in found]
    return [
        (event, {name: body[name] for name in COMPARED if name in body}) for event, body in kept
    ]


@pytest.mark.parametrize("dialect", TELLERS)
@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(story=acts)
def test_every_story_is_decided_alike(dialect, story):
    async def both():
        return await told(story, Native()), await told(story, TELLERS[dialect]())

    native, other = asyncio.run(both())

    assert other == native


def test_the_stories_are_about_something():
    story = [
        ("login", "bound", True, ["wrong", "right", "again"]),
        ("login", "bound", True, ["again"]),
        ("login", "shut", True, []),
        ("login", "nobody", False, []),
        ("login", "plain", True, []),
    ]

    found = [event for event, _ in asyncio.run(told(story, Native()))]

    assert found == [
        "login.password.accepted",
        "login.code.refused",
        "login.granted",
        "login.password.accepted",
        "login.code.replayed",
        "login.password.refused",
        "login.password.refused",
        "login.granted",
    ]
