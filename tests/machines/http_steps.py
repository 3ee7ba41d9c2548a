"""Single steps of the machine: what somebody asks, and what the model learns from the answer."""

from __future__ import annotations

import asyncio
import itertools
import tempfile
from contextlib import AsyncExitStack
from dataclasses import replace
from pathlib import Path
from typing import Any

from tests.machines.http_model import Model, Seat, Ticket
from tests.support.client import Answer, Call, bearer, proving
from tests.support.codes import Phone, mailed
from tests.support.house import House, living
from tests.support.people import Person

NAMES = ("alice", "bob", "carol", "dave")
HOWS = ({}, {"mail": True}, {"totp": False}, {"totp": False, "mail": True})
"""What each of them has: an app, an app and a mailbox, nothing, a mailbox."""


class Steps:
    """One house, the model of it, and the way to ask."""

    def __init__(self) -> None:
        self.runner = asyncio.Runner()
        self.stack = AsyncExitStack()
        # What is tried here is not the disk: where there is memory to write to, that will do.
        memory = Path("/dev/shm")  # noqa: S108 - a folder of our own is made in it
        self.folder = tempfile.TemporaryDirectory(dir=memory if memory.is_dir() else None)
        self.model = Model(self.runner.run(self.opened()))
        for name, how in zip(NAMES, HOWS, strict=True):
            settled = self.model.house.settle(name, **how)
            self.model.people[name] = self.runner.run(settled)

    def close(self) -> None:
        """Leave nothing behind."""
        self.runner.run(self.stack.aclose())
        self.runner.close()
        self.folder.cleanup()

    async def opened(self, **kept: Any) -> House:
        """The house on its database file."""
        path = Path(self.folder.name) / "db"
        return await self.stack.enter_async_context(living(path, **kept))

    def reopen(self) -> None:
        """The same database under another process."""
        old = self.model.house

        async def again() -> House:
            await self.stack.aclose()
            return await self.opened(clock=old.clock, ring=old.ring)

        self.model.house = self.runner.run(again())

    def ask(self, call: Call) -> Answer:
        """Ask."""
        return self.runner.run(self.model.ask(call))

    def post(self, path: str, **body: object) -> Answer:
        """Ask with a body."""
        return self.ask(Call("POST", path, body))

    @property
    def now(self) -> float:
        """The moment in seconds."""
        return self.model.house.clock.seconds

    def judged(self, person: Person, kind: str, before: int) -> bool:
        """Whether a refusal was a verdict; a blocked one is refused in the same words."""
        sql = "select streak from guess where subject = ? and scope = ?"
        rows = self.model.house.rows(sql, person.id, f"kind:{kind}")
        return bool(rows) and rows[0][0] == before + 1

    def ticket(self, pick: int) -> Ticket | None:
        """A ceremony in hand; one is begun if there is none, or for a change."""
        known = self.model.tickets
        if not known or pick % 3 == 0:
            begun = self.password(NAMES[pick % len(NAMES)], right=True)
            if begun is not None:
                return begun
        return known[-1 - pick % len(known)] if known else None

    def seat(self, pick: int) -> Seat | None:
        """A session; somebody signs in if there is none, or for a change."""
        known = self.model.seats
        if not known or pick % 3 == 0:
            self.sign_in(NAMES[pick % len(NAMES)])
        return known[-1 - pick % len(known)] if known else None

    def sign_in(self, name: str) -> None:
        """All steps of a login, with all that is right."""
        ticket = self.password(name, right=True)
        if ticket is None:
            return
        person = self.model.people[name]
        if person.phone is not None:
            self.code(ticket, "right", person)
        else:
            self.mail(ticket, asked=False, number=0, right=True)

    def password(self, name: str, *, right: bool) -> Ticket | None:
        """Begin a login."""
        person, model = self.model.people[name], self.model
        said = person.password if right else "not the password"
        shut = model.wrong[person.id, "password"]
        answer = self.post("/v1/ceremony", identifier=name, password=said)
        if answer.status == 422:
            assert not right or shut >= 10, "a right password was refused"
            if self.judged(person, "password", shut):
                model.guessed(person, "password", answer)
            return None
        assert answer.status == 200
        assert right
        model.guessed(person, "password", answer)
        return self.goes_on(answer, name, "login")

    def goes_on(self, answer: Answer, name: str, kind: str) -> Ticket | None:
        """Keep the ticket of a ceremony that goes on, or the session of one that is done."""
        found = answer.json()
        if found["state"] == "done":
            self.seated(answer, name)
            return None
        ticket = Ticket(found["ceremony"], name, kind)
        self.model.tickets.append(ticket)
        return ticket

    def seated(self, answer: Answer, name: str) -> Seat:
        """Keep a session, once."""
        result = answer.json()["result"]
        session, tokens = result["session"], result["tokens"]
        person = self.model.people[name]
        assert session["sub"] == person.id
        for seat in self.model.seats:
            if seat.id == session["id"]:
                assert seat.owner == name
                return seat
        assert tokens["access_token"] not in self.model.dead, "a dead token came back to life"
        strong = len({*session["amr"]} - {"mfa"}) > 1 or len(person.factors) == 1
        seat = Seat(
            name, session["id"], tokens["access_token"], tokens["refresh_token"],
            proved_at=self.now, strong=strong,
        )  # fmt: skip
        self.model.seats.append(seat)
        return seat

    def finished(self, ticket: Ticket, answer: Answer) -> None:
        """A right answer: a session, which takes the place of the one a step-up began from."""
        if answer.json()["state"] == "done":
            self.seated(answer, ticket.owner)
            for seat in [s for s in self.model.seats if s.id == ticket.began_from]:
                self.model.seats.remove(seat)
                self.model.dead.append(seat.token)
        ticket.finished = True

    def code(self, ticket: Ticket, how: str, other: Person) -> Answer | None:
        """Answer with a code of an app."""
        person = self.model.people[ticket.owner]
        if person.phone is None:
            return None
        code, step = self.coded(person, how, other)
        call = proving(ticket.text, code=code, factor=person.factor("totp"))
        again, answer = ticket.finished, self.ask(call)
        ticket.last = call
        if how in {"wrong", "junk", "early"}:
            assert answer.status != 200, how
        if answer.status == 200:
            # A retry of what this very ceremony was answered with is no second use.
            self.model.accepted((person.factor("totp"), str(step)), ticket.name)
            self.finished(ticket, answer)
        self.counted(person, "totp", answer, again=again)
        return answer

    def coded(self, person: Person, how: str, other: Person) -> tuple[str, int]:
        """A code and the step it is for."""
        app, step = person.app, person.app.step(self.now)
        match how:
            case "right":
                return app.code(self.now), step
            case "last":
                return app.code(self.now, -1), step - 1
            case "early":
                return app.code(self.now, 1), step + 1
            case "others" if other.phone is not None and other is not person:
                return other.app.code(self.now), step
            case "junk":
                return "12 34 5x", 0
            case _:
                return next(itertools.islice(app.wrong(self.now), step % 50, None)), 0

    def counted(self, person: Person, kind: str, answer: Answer, *, again: bool) -> None:
        """Keep the count of wrong answers; the same session once more forgives none."""
        if (answer.status == 200 and not again) or answer.code == "code-rejected":
            self.model.guessed(person, kind, answer)

    def recovery(self, ticket: Ticket, number: int, *, junk: bool) -> None:
        """Answer with a recovery code."""
        person = self.model.people[ticket.owner]
        if not person.recovery:
            return
        code = "A" * 16 if junk else person.recovery[number]
        again, answer = ticket.finished, self.ask(proving(ticket.text, recovery_code=code))
        if answer.status == 200:
            assert not junk
            self.model.accepted((person.id, code), ticket.name)
            self.finished(ticket, answer)
        self.counted(person, "recovery", answer, again=again)

    def mail(self, ticket: Ticket, *, asked: bool, number: int, right: bool) -> None:
        """Have a code sent, read the mailbox, and answer with what is in it."""
        person = self.model.people[ticket.owner]
        if "email" not in dict(person.factors):
            return
        if asked:
            said = self.post("/v1/ceremony/challenge", ceremony=ticket.text)
            if said.status == 200:
                ticket.text = said.json()["ceremony"]
        codes = self.mailbox(person)
        if not codes:
            return
        place = len(codes) - 1 - number % len(codes)
        code = codes[place] if right else f"{(int(codes[place]) + 1) % 1_000_000:06d}"
        call = proving(ticket.text, code=code, factor=person.factor("email"))
        again, answer = ticket.finished, self.ask(call)
        if answer.status == 200:
            assert right
            self.model.accepted((person.email, str(place)), ticket.name)
            self.finished(ticket, answer)
        self.counted(person, "email", answer, again=again)

    def mailbox(self, person: Person) -> list[str]:
        """All codes that ever came."""
        letters = self.runner.run(self.model.house.post())
        for one in self.model.people.values():
            self.model.mail.setdefault(one.email, []).extend(mailed(letters, one.email))
        return self.model.mail[person.email]

    def without_app(self, person: Person) -> Person:
        """What somebody has left after the app was removed."""
        kinds = dict(person.factors)
        kinds.pop("totp")
        self.model.wrong[person.id, "totp"] = 0
        recovery = person.recovery
        if "email" not in kinds:
            kinds.pop("recovery", None)
            self.model.wrong[person.id, "recovery"] = 0
            recovery = ()
        return replace(person, phone=None, factors=tuple(kinds.items()), recovery=recovery)

    def bind(self, seat: Seat, person: Person) -> Answer:
        """Set an app up, from beginning to end."""
        shown = self.ask(Call("POST", "/v1/factors", {"kind": "totp"}, bearer(seat.token)))
        if shown.status != 201:
            return shown
        phone = Phone.scanned(shown.json()["otpauth_uri"])
        ticket = shown.json()["ceremony"]
        done = self.post("/v1/ceremony/confirm", ceremony=ticket, code=phone.code(self.now))
        assert done.status == 200, done.body
        result = done.json()["result"]
        self.model.accepted((result["factor"], str(phone.step(self.now))), "bound")
        self.model.wrong[person.id, "totp"] = 0
        codes = tuple(result.get("recovery_codes", ())) or person.recovery
        kinds = {**dict(person.factors), "totp": result["factor"], "recovery": "known"}
        self.model.people[seat.owner] = replace(
            person, phone=phone, recovery=codes, factors=tuple(kinds.items())
        )
        self.model.ended(owner=seat.owner)
        seat.id = self.seated(done, seat.owner).id
        return done
