"""The checker finds nothing in a history that is right, and something in each that is not."""

from __future__ import annotations

import random
from dataclasses import replace

import pytest

from tests.faults.history import Entry, Event, Facts, check

PEOPLE = [f"person-{n}" for n in range(6)]


def good(seed: int) -> tuple[list[Event], Facts]:
    """A history without a fault, with refusals, retries and lost answers in it."""
    draw = random.Random(seed)
    history: list[Event] = []
    trail: list[Entry] = []
    sessions, marks, labels, left, streaks = set(), {}, {}, {}, {}
    for number, who in enumerate(PEOPLE):
        app = f"app-{who}"
        marks[app], labels[app], left[who], streaks[who, "totp"] = 0, "", 10, 0
        for turn in range(12):
            call, session = f"{who}.{turn}", f"session-{number}-{turn}"
            act = draw.choice(["login", "recover", "guess", "rename"])
            answered = draw.random() < 0.8
            happened = answered or draw.random() < 0.5
            proof = {
                "login": f"totp:{app}:{100 + turn}",
                "recover": f"recovery:{who}:{turn}",
                "rename": app,
                "guess": "",
            }[act]
            base = Event(call, "invoke", act, who, proof, value=call if act == "rename" else "")
            history.append(base)
            seen = "unknown" if not answered else "fail" if act == "guess" else "ok"
            problem = "code-rejected" if seen == "fail" else ""
            opened = session if act in {"login", "recover"} and seen == "ok" else ""
            history.append(replace(base, seen=seen, session=opened, problem=problem))
            if not happened:
                continue
            if act == "login":
                marks[app] = 100 + turn
                streaks[who, "totp"] = 0
                body = {"authenticator": app, "spent": f"step={100 + turn}", "method": "totp"}
                trail.append(Entry("login.granted", who, {**body, "session": session}))
                sessions.add(session)
            elif act == "recover":
                left[who] -= 1
                body = {"authenticator": f"codes-{who}", "spent": f"left={left[who]}"}
                trail.append(Entry("recovery.used", who, {"left": left[who]}))
                body = {**body, "method": "recovery", "session": session}
                trail.append(Entry("login.granted", who, body))
                sessions.add(session)
            elif act == "guess":
                streaks[who, "totp"] += 1
                trail.append(Entry("login.code.refused", who, {"method": "totp"}))
            else:
                labels[app] = call
                trail.append(Entry("factor.renamed", who, {"authenticator": app}))
    facts = Facts(frozenset(sessions), marks, labels, left, streaks, tuple(trail))
    return history, facts


def _first(history: list[Event], seen: str, act: str) -> Event:
    return next(e for e in reversed(history) if e.seen == seen and e.act == act)


def _accepted_twice(history, facts):
    event = _first(history, "ok", "login")
    return [*history, replace(event, call="thief", session="another")], facts


def _accepted_twice_in_the_trail(history, facts):
    granted = next(e for e in facts.trail if e.event == "login.granted")
    again = Entry("login.granted", granted.subject, {**granted.body, "session": "another"})
    kept = facts.sessions | {"another"}
    return history, replace(facts, trail=(*facts.trail, again), sessions=kept)


def _session_lost(history, facts):
    gone = _first(history, "ok", "login").session
    return history, replace(facts, sessions=facts.sessions - {gone})


def _step_unspent(history, facts):
    app = _first(history, "ok", "login").proof.split(":")[1]
    return history, replace(facts, marks={**facts.marks, app: 0})


def _code_back(history, facts):
    who = _first(history, "ok", "recover").subject
    return history, replace(facts, codes_left={**facts.codes_left, who: 10})


def _label_lost(history, facts):
    app = _first(history, "ok", "rename").proof
    return history, replace(facts, labels={**facts.labels, app: "never said"})


def _record_missing(history, facts):
    gone = _first(history, "ok", "login").session
    trail = tuple(e for e in facts.trail if e.body.get("session") != gone)
    return history, replace(facts, trail=trail)


def _record_without_session(history, facts):
    invented = Entry("login.granted", PEOPLE[0], {"session": "never", "authenticator": "x"})
    return history, replace(facts, trail=(*facts.trail, invented))


def _session_without_record(history, facts):
    return history, replace(facts, sessions=facts.sessions | {"smuggled"})


def _counter_reset(history, facts):
    who = next(who for (who, _), streak in facts.streaks.items() if streak)
    return history, replace(facts, streaks={**facts.streaks, (who, "totp"): 0})


def _counted_twice(history, facts):
    who = PEOPLE[0]
    streak = facts.streaks[who, "totp"] + 1
    return history, replace(facts, streaks={**facts.streaks, (who, "totp"): streak})


def _refusal_unrecorded(history, facts):
    refused = [e for e in facts.trail if e.event == "login.code.refused"]
    counted = next(e for e in reversed(refused) if facts.streaks[e.subject, "totp"])
    trail = list(facts.trail)
    last = max(n for n, e in enumerate(trail) if e is counted)
    del trail[last]
    return history, replace(facts, trail=tuple(trail))


def _chain_broken(history, facts):
    return history, replace(facts, breaks=("segment 3: record 7 was edited",))


FAULTS = (
    (_accepted_twice, "twice"),
    (_accepted_twice_in_the_trail, "twice"),
    (_session_lost, "lost"),
    (_step_unspent, "lost"),
    (_code_back, "lost"),
    (_label_lost, "lost"),
    (_record_missing, "unaudited"),
    (_record_without_session, "unaudited"),
    (_session_without_record, "unaudited"),
    (_counter_reset, "uncounted"),
    (_counted_twice, "uncounted"),
    (_refusal_unrecorded, "uncounted"),
    (_chain_broken, "trail"),
)
SEEDS = range(8)


@pytest.mark.parametrize("seed", SEEDS)
def test_a_history_that_is_right_is_called_right(seed):
    assert check(*good(seed)) == []


@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize(
    ("spoil", "rule"), FAULTS, ids=lambda value: getattr(value, "__name__", "")
)
def test_a_history_that_is_wrong_is_found_out(spoil, rule, seed):
    found = check(*spoil(*good(seed)))

    assert any(fault.startswith(rule) for fault in found), found
