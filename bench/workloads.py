"""What is measured: the second factor, a whole login, an enrolment, a session check."""

from __future__ import annotations

import asyncio
import base64
import json
import time
from collections.abc import Sequence
from dataclasses import dataclass

from bench.load import Run, drive, request
from bench.population import PASSWORD, PERIOD, Person

OK = 200
CONNECTIONS = 64
MARGIN = 1.0
"""Seconds a run keeps away from the end of a time step."""


@dataclass(frozen=True, slots=True)
class Signed:
    """Somebody with a session."""

    access: str


def _posted(path: str, body: object, *headers: tuple[str, str]) -> bytes:
    return request("POST", path, body=json.dumps(body).encode(), headers=headers)


def expect(run: Run, status: int = OK) -> Run:
    """Stop unless every answer was the expected one."""
    if run.statuses != {status: len(run.replies)}:
        odd = next(r for r in run.replies if r is None or r.status != status)
        message = f"{dict(run.statuses)}, for example {odd and odd.body[:300]!r}"
        raise AssertionError(message)
    return run


def answers(run: Run) -> list[dict[str, object]]:
    """The bodies as JSON."""
    return [json.loads(reply.body) for reply in run.replies if reply is not None]


def passwords(people: Sequence[Person]) -> list[bytes]:
    """The first step of everybody's login."""
    return [_posted("/v1/ceremony", {"identifier": p.name, "password": PASSWORD}) for p in people]


async def past_password(port: int, people: Sequence[Person]) -> list[str]:
    """Take everybody past the password, and return their tickets."""
    run = expect(await drive(port, passwords(people), connections=32))
    return [str(answer["ceremony"]) for answer in answers(run)]


def codes(people: Sequence[Person], tickets: Sequence[str], at: float) -> list[bytes]:
    """The second step of everybody's login, with the code of that time."""
    return [
        _posted("/v1/ceremony/verify", {"code": p.code(at)}, ("Ceremony", ticket))
        for p, ticket in zip(people, tickets, strict=True)
    ]


async def aligned(seconds: float) -> float:
    """Wait until that many seconds of the time step are left, and return the time."""
    left = PERIOD - time.time() % PERIOD
    if left < seconds + MARGIN:
        await asyncio.sleep(left + 0.05)
    return time.time()


async def second_factor(
    port: int,
    people: Sequence[Person],
    *,
    connections: int = CONNECTIONS,
    rate: float | None = None,
    expected: float = 8.0,
) -> Run:
    """W1: everybody's code, each once, aligned to the time step."""
    tickets = await past_password(port, people)
    work = codes(people, tickets, await aligned(expected))
    return expect(await drive(port, work, connections=connections, rate=rate))


def signed(run: Run) -> list[Signed]:
    """Who has a session after a run that granted them."""
    found = []
    for answer in answers(run):
        result = answer["result"]
        assert isinstance(result, dict)
        found.append(Signed(result["tokens"]["access_token"]))
    return found


async def whole_login(port: int, people: Sequence[Person], *, connections: int = 8) -> float:
    """W2: password and code of everybody, two requests each; logins a second."""
    began = time.perf_counter()
    first = expect(await drive(port, passwords(people), connections=connections))
    middle = time.perf_counter()
    tickets = [str(answer["ceremony"]) for answer in answers(first)]
    work = codes(people, tickets, time.time())
    spent = middle - began
    second = expect(await drive(port, work, connections=connections))
    return len(people) / (spent + second.seconds)


def sessions(people: Sequence[Signed], count: int) -> list[bytes]:
    """W4: who-am-I with everybody's token, in turn."""
    each = [
        request("GET", "/v1/session", headers=(("Authorization", f"Bearer {p.access}"),))
        for p in people
    ]
    return [each[index % len(each)] for index in range(count)]


async def enrolments(port: int, people: Sequence[Person], *, connections: int = 16) -> Run:
    """W3: begin (with a drawn QR) and confirm of everybody who is past the password."""
    run = expect(await drive(port, passwords(people), connections=32))
    inside = signed(run)
    begun = [
        _posted("/v1/factors", {"kind": "totp"}, ("Authorization", f"Bearer {p.access}"))
        for p in inside
    ]
    began = time.perf_counter()
    opened = expect(await drive(port, begun, connections=connections), 201)
    spent = time.perf_counter() - began
    confirmations = []
    now = await aligned(6)
    for answer in answers(opened):
        assert answer["qr_svg"]
        phone = Person("", base64.b32decode(str(answer["secret"])))
        confirmations.append(
            _posted(
                "/v1/ceremony/confirm",
                {"code": phone.code(now)},
                ("Ceremony", str(answer["ceremony"])),
            )
        )
    done = expect(await drive(port, confirmations, connections=connections))
    done.seconds += spent
    return done
