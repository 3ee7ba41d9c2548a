"""The machine of every ceremony, walked step by step."""

from __future__ import annotations

import json
from dataclasses import replace
from itertools import product

import pytest
from hypothesis import given
from hypothesis import strategies as st

from twofold.core.ceremony import (
    TERMINAL,
    TRANSITIONS,
    Ceremony,
    Draft,
    Kind,
    State,
    Step,
    advance,
    diagram,
    dump,
    load,
    require_step,
)
from twofold.core.errors import NotPossible
from twofold.core.policy import Proven, Requirement
from twofold.core.types import (
    DEFAULT_REALM,
    Aal,
    Category,
    Instant,
    SessionId,
    SubjectId,
)


def at(state: State) -> Ceremony:
    """A login in that state."""
    return Ceremony(
        jti="ab" * 16,
        kind=Kind.LOGIN,
        realm=DEFAULT_REALM,
        client="",
        state=state,
        started_at=Instant(1),
        expires_at=Instant(2),
    )


@pytest.mark.parametrize(("state", "step", "to"), list(product(State, Step, State)))
def test_exactly_what_the_table_says_is_possible(state: State, step: Step, to: State) -> None:
    before = at(state)
    legal = to in TRANSITIONS.get((state, step), frozenset())

    if legal:
        assert advance(before, step, to).state is to
    else:
        with pytest.raises(NotPossible):
            advance(before, step, to)
    assert before == at(state)


@pytest.mark.parametrize(("state", "step"), list(product(State, Step)))
def test_a_step_the_state_does_not_know_is_refused_before_any_work(
    state: State, step: Step
) -> None:
    if (state, step) in TRANSITIONS:
        require_step(at(state), step)
    else:
        with pytest.raises(NotPossible):
            require_step(at(state), step)


def test_nothing_leads_out_of_an_end_and_everything_else_leads_on() -> None:
    sources = {state for state, _ in TRANSITIONS}

    assert sources == set(State) - TERMINAL


def test_every_state_can_be_reached() -> None:
    reached = {State.FIRST_FACTOR}.union(*TRANSITIONS.values())

    assert reached == set(State)


def test_no_step_reaches_the_end_from_a_first_factor_without_a_proof() -> None:
    """A57: only a proof, a confirmation or a permitted delay ends in a session."""
    ending = {step for (_, step), targets in TRANSITIONS.items() if State.DONE in targets}

    assert ending == {Step.PROVE, Step.CONFIRM, Step.SKIP}


def test_the_diagram_shows_every_row_of_the_table() -> None:
    drawn = diagram()

    for (state, step), targets in TRANSITIONS.items():
        for target in targets:
            assert f"    {state} --> {target}: {step}\n" in drawn
    assert drawn.startswith("stateDiagram-v2\n")


def test_records_and_factors_never_see_the_id_itself() -> None:
    ceremony = at(State.CHALLENGE)

    assert ceremony.jti not in ceremony.name
    assert ceremony.voice == f"login.{ceremony.jti}"
    assert load(dump(replace(ceremony, challenge="login.other"))).voice == "login.other"


instants = st.integers(0, 2**60).map(Instant)
proofs = st.builds(
    Proven,
    kind=st.text(max_size=9),
    amr=st.lists(st.text(max_size=4), max_size=3).map(tuple),
    aal=st.sampled_from(Aal),
    category=st.sampled_from(Category),
    at=instants,
    first=st.booleans(),
)
drafts = st.builds(
    Draft,
    authenticator=st.text(max_size=9),
    kind=st.text(max_size=9),
    label=st.text(max_size=9),
    secret=st.text(max_size=9),
    parameters=st.dictionaries(st.text(max_size=4), st.integers() | st.text(max_size=4)),
    items=st.lists(st.tuples(st.text(max_size=9), st.none() | st.integers(0, 9))).map(tuple),
    seed=st.text(max_size=9),
)
ceremonies = st.builds(
    Ceremony,
    jti=st.just("cd" * 16),
    kind=st.sampled_from(Kind),
    realm=st.just(DEFAULT_REALM),
    client=st.text(max_size=9),
    state=st.sampled_from(State),
    started_at=instants,
    expires_at=instants,
    require=st.builds(Requirement, st.sampled_from(Aal), st.none() | st.integers(0, 999)),
    subject=st.none() | st.just(SubjectId("e" * 32)),
    epoch=st.integers(0, 9),
    proofs=st.lists(proofs, max_size=2).map(tuple),
    identifier=st.text(max_size=9),
    binding=st.none() | st.just("bound"),
    transport=st.sampled_from(["json", "cookie"]),
    asked=st.none() | st.just("f" * 16),
    challenge=st.none() | st.just("login.1"),
    draft=st.none() | drafts,
    session=st.none() | st.just(SessionId("9" * 32)),
    skippable_until=st.none() | instants,
)


@given(ceremonies)
def test_a_ceremony_survives_its_ticket(ceremony: Ceremony) -> None:
    assert load(json.loads(json.dumps(dump(ceremony)))) == ceremony
