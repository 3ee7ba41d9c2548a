"""People who use two servers while these die: each follows a script of its own and writes it down.

One person is in the hands of one actor, so what may be true of a person follows from one history.
A request that got no answer is sent again, as a browser would, and stays unknown if even then
nobody can say what became of it.
"""

from __future__ import annotations

import asyncio
import itertools
import random
import time
from collections.abc import Callable
from dataclasses import dataclass, field, replace

from tests.faults.history import Event, Journal
from tests.support.client import Answer, Call, Client, Wire, bearer, proving
from tests.support.people import Person

WINDOW = 10
"""Past steps that the servers accept, so that nobody waits half a minute for the next code."""

GUESSES = 6
"""Wrong codes one person is used for; below the budget, so that the others are not refused."""

LOST = (OSError, asyncio.IncompleteReadError, TimeoutError)


@dataclass(slots=True)
class Actor:
    """One client with people of its own."""

    number: int
    people: list[Person]
    doors: list[Callable[[], Wire]]
    journal: Journal
    draw: random.Random
    stopped: bool = False
    _calls: itertools.count[int] = field(default_factory=itertools.count)
    _steps: dict[str, int] = field(default_factory=dict)
    _codes: dict[str, int] = field(default_factory=dict)
    _guesses: dict[str, int] = field(default_factory=dict)

    async def run(self, acts: int = 1_000_000) -> None:
        """Act so many times, or until stopped."""
        for _ in range(acts):
            if self.stopped:
                return
            person = self.draw.choice(self.people)
            act = self.draw.choice([self._login, self._login, self._recover, self._guess])
            try:
                await act(person)
            except LOST:
                # Nothing was asked for yet that could change anything.
                await asyncio.sleep(0.005)

    def _client(self, other: int = 0) -> Client:
        doors = self.doors
        return Client(doors[(self.number + self.draw.randrange(2) + other) % len(doors)]())

    async def _ticket(self, person: Person) -> str | None:
        answer = await self._client().start(person.name, person.password)
        return str(answer.json()["ceremony"]) if answer.status == 200 else None

    async def _login(self, person: Person) -> None:
        now = time.time()
        step = max(self._steps.get(person.id, 0) + 1, person.app.step(now) - WINDOW + 1)
        if step > person.app.step(now):
            return
        ticket = await self._ticket(person)
        if ticket is None:
            return
        self._steps[person.id] = step
        code = person.app.code(now, step - person.app.step(now))
        event = self._event("login", person, f"totp:{person.factor('totp')}:{step}")
        answer = await self._journaled(event, proving(ticket, code=code))
        if self.draw.random() < 0.5:
            await self._thief(person, event, code)
        if answer is not None and answer.status == 200 and self.draw.random() < 0.5:
            await self._rename(person, answer)

    async def _thief(self, person: Person, event: Event, code: str) -> None:
        """Somebody has read the code over the shoulder and tries it elsewhere."""
        try:
            ticket = await self._ticket(person)
        except LOST:
            return
        if ticket is not None:
            stolen = replace(event, call=f"{event.call}.thief")
            await self._journaled(stolen, proving(ticket, code=code))

    async def _rename(self, person: Person, answer: Answer) -> None:
        token = answer.json()["result"]["tokens"]["access_token"]
        event = self._event("rename", person, person.factor("totp"))
        event = replace(event, value=event.call)
        path = f"/v1/factors/{person.factor('totp')}"
        await self._journaled(event, Call("PATCH", path, {"label": event.call}, bearer(token)))

    async def _recover(self, person: Person) -> None:
        used = self._codes.get(person.id, 0)
        if used == len(person.recovery):
            return
        ticket = await self._ticket(person)
        if ticket is None:
            return
        self._codes[person.id] = used + 1
        event = self._event("recover", person, f"recovery:{person.id}:{used}")
        code = person.recovery[used]
        await self._journaled(event, proving(ticket, recovery_code=code))
        if self.draw.random() < 0.3:
            # Once spent it is any wrong code: counted, and below the budget.
            again = await self._ticket(person)
            if again is not None and self._may_guess(f"{person.id}.recovery"):
                stolen = replace(event, call=f"{event.call}.thief")
                await self._journaled(stolen, proving(again, recovery_code=code))

    async def _guess(self, person: Person) -> None:
        ticket = await self._ticket(person)
        if ticket is None or not self._may_guess(person.id):
            return
        code = next(itertools.islice(person.app.wrong(time.time()), self.draw.randrange(99), None))
        await self._journaled(
            self._event("guess", person, ""), proving(ticket, code=code), once=True
        )

    def _may_guess(self, what: str) -> bool:
        self._guesses[what] = self._guesses.get(what, 0) + 1
        return self._guesses[what] <= GUESSES

    def _event(self, act: str, person: Person, proof: str) -> Event:
        call = f"{self.number}.{next(self._calls)}"
        return Event(call, "invoke", act, person.id, proof)  # type: ignore[arg-type] # an act

    async def _journaled(self, event: Event, call: Call, *, once: bool = False) -> Answer | None:
        """Write down what is asked, ask until somebody answers, and write down what was said."""
        self.journal.note(event)
        lost = False
        for other in range(200):
            try:
                answer = await self._client(other).call(call)
            except ConnectionRefusedError:
                # Nobody was there: nothing was asked.
                await asyncio.sleep(0.01)
                continue
            except LOST:
                lost = True
                if once:
                    break
                continue
            if answer.status == 200:
                found = answer.json().get("result", {}).get("session", {}).get("id", "")
                self.journal.note(replace(event, seen="ok", session=found))
            elif answer.status < 500 and not lost:
                self.journal.note(replace(event, seen="fail", problem=answer.code))
            else:
                # A try that was lost may have done it: a refusal now says nothing.
                self.journal.note(replace(event, seen="unknown", problem=answer.code))
            return answer
        self.journal.note(replace(event, seen="unknown"))
        return None
