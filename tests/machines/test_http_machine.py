"""People, thieves and time at the HTTP API, in any order, and I1 to I10 after every step."""

from __future__ import annotations

import asyncio
import itertools
import tempfile
from contextlib import AsyncExitStack
from dataclasses import replace
from pathlib import Path

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from tests.machines.http_model import Model, Seat, Ticket
from tests.support.client import Answer, Call, bearer, proving
from tests.support.codes import Phone, mailed
from tests.support.house import House, living
from tests.support.people import Person
from twofold.ceremonies import admin, admin_factors
from twofold.core.types import Context

NAMES = ("alice", "bob", "carol", "dave")
WAITS = (1, 29, 31, 61, 301, 901, 3_601)
numbers = st.integers(min_value=0, max_value=1_000)
names = st.sampled_from(NAMES)
ANSWERS = st.sampled_from(["right", "right", "right", "wrong", "last", "others", "early", "junk"])


class HttpMachine(RuleBasedStateMachine):
    """The rules; each does one thing that somebody might do."""

    def __init__(self) -> None:
        super().__init__()
        self.runner = asyncio.Runner()
        self.stack = AsyncExitStack()
        self.folder = tempfile.TemporaryDirectory()
        self.model: Model

    @initialize()
    def move_in(self) -> None:
        async def begin() -> None:
            house = await self._open()
            self.model = Model(house)
            shapes = ({}, {"mail": True}, {"totp": False}, {"totp": False, "mail": True})
            for name, how in zip(NAMES, shapes, strict=True):
                self.model.people[name] = await house.settle(name, **how)

        self.runner.run(begin())
        self.model.seen = None

    async def _open(self, **kept: object) -> House:
        path = Path(self.folder.name) / "db"
        return await self.stack.enter_async_context(living(path, **kept))

    def teardown(self) -> None:
        self.runner.run(self.stack.aclose())
        self.runner.close()
        self.folder.cleanup()

    def _ask(self, call: Call) -> Answer:
        return self.runner.run(self.model.ask(call))

    def _step(self, path: str, **body: object) -> Answer:
        return self._ask(Call("POST", path, body))

    @property
    def _now(self) -> float:
        return self.model.house.clock.seconds

    # --- time and machines

    @rule(seconds=st.sampled_from(WAITS))
    def time_passes(self, seconds: int) -> None:
        self.model.house.clock.move(seconds)

    @rule()
    def the_house_is_closed_and_opened_again(self) -> None:
        house = self.model.house

        async def again() -> House:
            await self.stack.aclose()
            return await self._open(clock=house.clock, ring=house.ring)

        self.model.house = self.runner.run(again())

    # --- signing in

    @rule(name=names, right=st.sampled_from([True, True, True, False]))
    def somebody_gives_a_password(self, name: str, right: bool) -> None:
        person = self.model.people[name]
        said = person.password if right else "not the password"
        answer = self._step("/v1/ceremony", identifier=name, password=said)
        shut = self.model.wrong[person.id, "password"]
        if answer.status == 422:
            assert not right or shut, "a right password was refused"
            if self._judged(person, "password", shut):
                self.model.guessed(person, "password", answer)
            return
        assert answer.status == 200
        assert right
        self.model.guessed(person, "password", answer)
        self._goes_on(answer, name, "login")

    def _ticket(self, pick: int) -> Ticket | None:
        """A ceremony that somebody has in hand; one is begun if there is none, or for a change."""
        name = NAMES[pick % len(NAMES)]
        if not self.model.tickets or pick % 3 == 0:
            self.somebody_gives_a_password(name, right=True)
        known = self.model.tickets
        return known[-1 - pick % len(known)] if known else None

    def _seat(self, pick: int) -> Seat | None:
        """A session; somebody signs in if there is none, or for a change."""
        if not self.model.seats or pick % 3 == 0:
            self.somebody_signs_in(NAMES[pick % len(NAMES)])
        known = self.model.seats
        return known[-1 - pick % len(known)] if known else None

    @rule(name=names)
    def somebody_signs_in(self, name: str) -> None:
        """All steps of a login, each as the others might have left it."""
        before = len(self.model.tickets)
        self.somebody_gives_a_password(name, right=True)
        if len(self.model.tickets) == before:
            return
        person, last = self.model.people[name], 0
        if person.phone is not None:
            self.somebody_gives_a_code(last, "right", name)
        elif "email" in dict(person.factors):
            self.somebody_reads_the_mail(last, ask=False, number=0, right=True)

    def _judged(self, person: Person, kind: str, before: int) -> bool:
        """Whether a refusal was a verdict; a blocked one is refused in the same words."""
        sql = "select streak from guess where subject = ? and scope = ?"
        rows = self.model.house.rows(sql, person.id, f"kind:{kind}")
        return bool(rows) and rows[0][0] == before + 1

    def _goes_on(self, answer: Answer, name: str, kind: str) -> None:
        found = answer.json()
        if found["state"] != "done":
            self.model.tickets.append(Ticket(found["ceremony"], name, kind))
            return
        self._seated(answer, name)

    def _seated(self, answer: Answer, name: str) -> Seat | None:
        result = answer.json()["result"]
        session, tokens = result["session"], result["tokens"]
        person = self.model.people[name]
        assert session["sub"] == person.id
        for seat in self.model.seats:
            if seat.id == session["id"]:
                assert seat.owner == name
                return seat
        strong = len(set(session["amr"]) - {"mfa"}) > 1 or len(person.factors) == 1
        seat = Seat(
            name, session["id"], tokens["access_token"], tokens["refresh_token"],
            proved_at=self._now, strong=strong,
        )  # fmt: skip
        self.model.seats.append(seat)
        return seat

    @rule(pick=numbers, how=ANSWERS, other=names)
    def somebody_gives_a_code(self, pick: int, how: str, other: str) -> None:
        ticket = self._ticket(pick)
        if ticket is None:
            return
        person = self.model.people[ticket.owner]
        if person.phone is None:
            return
        code, step = self._code(person, how, self.model.people[other])
        call = proving(ticket.text, code=code, factor=person.factor("totp"))
        answer = self._ask(call)
        ticket.last = call
        if how in {"wrong", "junk", "early"}:
            assert answer.status != 200, how
        if answer.status == 200:
            # A retry of what this very ceremony was answered with is no second use.
            self.model.accepted((person.factor("totp"), str(step)), ticket.text)
            assert self._seated(answer, ticket.owner)
            self._used(ticket)
        if answer.status == 200 or answer.code == "code-rejected":
            self.model.guessed(person, "totp", answer)

    def _code(self, person: Person, how: str, other: Person) -> tuple[str, int]:
        app, step = person.app, person.app.step(self._now)
        match how:
            case "right":
                return app.code(self._now), step
            case "last":
                return app.code(self._now, -1), step - 1
            case "early":
                return app.code(self._now, 1), step + 1
            case "others" if other.phone is not None and other is not person:
                return other.app.code(self._now), step
            case "junk":
                return "12 34 5x", 0
            case _:
                return next(itertools.islice(app.wrong(self._now), step % 50, None)), 0

    def _used(self, ticket: Ticket) -> None:
        ticket.finished = True

    @rule(pick=numbers, number=st.integers(0, 3), junk=st.booleans())
    def somebody_gives_a_recovery_code(self, pick: int, number: int, junk: bool) -> None:
        ticket = self._ticket(pick)
        if ticket is None:
            return
        person = self.model.people[ticket.owner]
        if not person.recovery:
            return
        code = "A" * 16 if junk else person.recovery[number]
        answer = self._ask(proving(ticket.text, recovery_code=code))
        if answer.status == 200:
            assert not junk
            self.model.accepted((person.id, code), ticket.text)
            self._seated(answer, ticket.owner)
            self._used(ticket)
        if answer.status == 200 or answer.code == "code-rejected":
            self.model.guessed(person, "recovery", answer)

    @rule(pick=numbers, ask=st.booleans(), number=st.integers(0, 2), right=st.booleans())
    def somebody_reads_the_mail(self, pick: int, ask: bool, number: int, right: bool) -> None:
        ticket = self._ticket(pick)
        if ticket is None:
            return
        person = self.model.people[ticket.owner]
        if "email" not in dict(person.factors):
            return
        if ask:
            said = self._step("/v1/ceremony/challenge", ceremony=ticket.text)
            if said.status == 200:
                ticket.text = said.json()["ceremony"]
        letters = self.runner.run(self.model.house.post())
        codes = self.model.mail.setdefault(person.email, [])
        codes += mailed(letters, person.email)
        if not codes:
            return
        code = codes[-1 - number % len(codes)]
        if not right:
            code = f"{(int(code) + 1) % 1_000_000:06d}"
        call = proving(ticket.text, code=code, factor=person.factor("email"))
        answer = self._ask(call)
        if answer.status == 200:
            assert right
            self.model.accepted((person.email, code, str(codes.index(code))), ticket.text)
            if answer.json()["state"] == "done":
                self._seated(answer, ticket.owner)
            self._used(ticket)
        if answer.status == 200 or answer.code == "code-rejected":
            self.model.guessed(person, "email", answer)

    @precondition(lambda self: any(t.last for t in self.model.tickets))
    @rule(pick=numbers)
    def an_answer_is_sent_again(self, pick: int) -> None:
        with_last = [ticket for ticket in self.model.tickets if ticket.last]
        ticket = with_last[pick % len(with_last)]
        person = self.model.people[ticket.owner]
        assert ticket.last is not None
        answer = self._ask(ticket.last)
        if answer.status == 200:
            assert self._seated(answer, ticket.owner)
            self.model.wrong[person.id, "totp"] = 0
        elif answer.code == "code-rejected":
            self.model.guessed(person, "totp", answer)

    @rule(pick=numbers)
    def a_ceremony_is_given_up(self, pick: int) -> None:
        ticket = self._ticket(pick)
        if ticket is None:
            return
        self.model.tickets.remove(ticket)
        gone = self._ask(Call("DELETE", "/v1/ceremony", None, (("ceremony", ticket.text),)))
        person = self.model.people[ticket.owner]
        if gone.status == 204 and person.phone is not None and not ticket.finished:
            late = self._ask(proving(ticket.text, code=person.app.code(self._now)))
            assert late.status in {404, 409, 410, 429}, late.said

    # --- sessions

    @rule(pick=numbers)
    def somebody_signs_out(self, pick: int) -> None:
        seat = self._seat(pick)
        if seat is None:
            return
        self.model.seats.remove(seat)
        gone = self._ask(Call("DELETE", "/v1/session", None, bearer(seat.token)))
        assert gone.status in {204, 401}
        self.model.dead.append(seat.token)

    @precondition(lambda self: self.model.dead)
    @rule(pick=numbers)
    def an_ended_session_stays_ended(self, pick: int) -> None:
        token = self.model.dead[pick % len(self.model.dead)]
        answer = self._ask(Call("GET", "/v1/session", None, bearer(token)))
        assert answer.said == "401 invalid-token"

    @rule(pick=numbers, stale=st.booleans())
    def somebody_refreshes(self, pick: int, stale: bool) -> None:
        seat = self._seat(pick)
        if seat is None:
            return
        shown = seat.older[0] if stale and seat.older else seat.refresh
        before = self.model.house.rows("select auth_time, aal, amr from session")
        answer = self._step("/v1/tokens/refresh", refresh_token=shown)
        if answer.status == 200:
            tokens = answer.json()["tokens"]
            if tokens["refresh_token"] != seat.refresh:
                seat.older.append(seat.refresh)
            seat.token, seat.refresh = tokens["access_token"], tokens["refresh_token"]
            assert before == self.model.house.rows("select auth_time, aal, amr from session")
        else:
            assert answer.said == "401 invalid-token"
            if stale:
                self.model.ended(owner=seat.owner, keep="") if False else None
                sql = "select count(*) from session where id = ?"
                if self.model.house.rows(sql, seat.id) == [(0,)]:
                    self.model.seats.remove(seat)
                    self.model.dead.append(seat.token)

    # --- changes

    @rule(pick=numbers)
    def somebody_begins_a_step_up(self, pick: int) -> None:
        seat = self._seat(pick)
        if seat is None:
            return
        answer = self._ask(Call("POST", "/v1/ceremony", {"kind": "stepup"}, bearer(seat.token)))
        if answer.status == 200:
            self._goes_on(answer, seat.owner, "stepup")

    @rule(pick=numbers, what=st.sampled_from(["codes", "remove", "bind"]))
    def somebody_changes_factors(self, pick: int, what: str) -> None:
        seat = self._seat(pick)
        if seat is None:
            return
        person = self.model.people[seat.owner]
        allowed = self.model.fresh(seat)
        self.runner.run(self.model.house.post())
        match what:
            case "codes":
                answer = self._ask(Call("POST", "/v1/recovery-codes", {}, bearer(seat.token)))
                if answer.status == 200:
                    person = replace(person, recovery=tuple(answer.json()["codes"]))
                    self.model.wrong[person.id, "recovery"] = 0
            case "remove" if person.phone is not None:
                path = f"/v1/factors/{person.factor('totp')}"
                answer = self._ask(Call("DELETE", path, None, bearer(seat.token)))
                if answer.status == 204:
                    person = self._without_app(person)
            case _ if person.phone is None:
                answer = self._bind(seat, person)
                if answer.status == 200:
                    person = self.model.people[seat.owner]
            case _:
                return
        if answer.status >= 400:
            assert answer.said in {"401 step-up-required", "401 invalid-token", "404 not-enrolled"}
            return
        # I6: fresh proof, a letter to the owner, the end of the other sessions.
        assert allowed, (what, seat)
        letters = self.runner.run(self.model.house.post())
        assert any(letter.to == person.email for letter in letters)
        self.model.people[seat.owner] = person
        self.model.ended(owner=seat.owner, keep=seat.id)

    def _without_app(self, person: Person) -> Person:
        kinds = dict(person.factors)
        kinds.pop("totp")
        self.model.wrong[person.id, "totp"] = 0
        recovery = person.recovery
        if "email" not in kinds:
            kinds.pop("recovery", None)
            self.model.wrong[person.id, "recovery"] = 0
            recovery = ()
        return replace(person, phone=None, factors=tuple(kinds.items()), recovery=recovery)

    def _bind(self, seat: Seat, person: Person) -> Answer:
        shown = self._ask(Call("POST", "/v1/factors", {"kind": "totp"}, bearer(seat.token)))
        if shown.status != 201:
            return shown
        phone = Phone.scanned(shown.json()["otpauth_uri"])
        body = {"ceremony": shown.json()["ceremony"], "code": phone.code(self._now)}
        done = self._step("/v1/ceremony/confirm", **body)
        assert done.status == 200, done.body
        result = done.json()["result"]
        id = result["factor"]
        self.model.accepted((id, str(phone.step(self._now))), "bound")
        self.model.wrong[person.id, "totp"] = 0
        self.model.seats.remove(seat)
        self.model.dead.append(seat.token)
        codes = tuple(result.get("recovery_codes", ())) or person.recovery
        kinds = {**dict(person.factors), "totp": id, "recovery": "known"}
        person = replace(person, phone=phone, recovery=codes, factors=tuple(kinds.items()))
        self.model.people[seat.owner] = person
        new = self._seated(done, seat.owner)
        assert new is not None
        self.model.ended(owner=seat.owner, keep=new.id)
        seat.id = new.id
        return done

    @rule(pick=numbers, right=st.booleans())
    def somebody_changes_the_password(self, pick: int, right: bool) -> None:
        seat = self._seat(pick)
        if seat is None:
            return
        person = self.model.people[seat.owner]
        new = f"phrase number {pick} of {seat.owner}"
        shut = self.model.wrong[person.id, "password"]
        body = {"current_password": person.password if right else "wrong", "new_password": new}
        answer = self._ask(Call("POST", "/v1/account/password", body, bearer(seat.token)))
        if answer.status == 200:
            assert right
            self.model.people[seat.owner] = replace(person, password=new)
            self.model.wrong[person.id, "password"] = 0
            self.model.ended(owner=seat.owner)
            tokens = answer.json()["tokens"]
            id = answer.json()["session"]["id"]
            self.model.seats.append(
                Seat(seat.owner, id, tokens["access_token"], tokens["refresh_token"],
                     proved_at=seat.proved_at, strong=seat.strong)
            )  # fmt: skip
        elif self._judged(person, "password", shut) and answer.code == "invalid-credentials":
            self.model.guessed(person, "password", answer)

    @rule(name=names, act=st.sampled_from(["unlock", "disable", "sessions"]))
    def an_operator_acts(self, name: str, act: str) -> None:
        person, engine = self.model.people[name], self.model.house.engine
        context = Context()

        async def acting() -> None:
            match act:
                case "unlock":
                    await admin_factors.unlock(engine, context, "operator", person.id)
                case "disable":
                    for shut in (True, False):
                        change = admin.SubjectChange(disabled=shut)
                        await admin.change_subject(engine, context, "operator", person.id, change)
                case _:
                    await admin_factors.close_sessions(engine, context, "operator", person.id)

        self.runner.run(acting())
        if act == "unlock":
            for key in [key for key in self.model.wrong if key[0] == person.id]:
                self.model.wrong[key] = 0
        else:
            self.model.ended(owner=name)

    # --- thieves

    @rule(pick=numbers, name=names)
    def nothing_works_where_it_does_not_belong(self, pick: int, name: str) -> None:
        """I4: each token in each other place."""
        person = self.model.people[name]
        texts = [t.text for t in self.model.tickets] + [s.refresh for s in self.model.seats]
        token = texts[pick % len(texts)]
        for path in ("/v1/session", "/v1/factors", "/v1/sessions"):
            assert self._ask(Call("GET", path, None, bearer(token))).said == "401 invalid-token"
        for seat in self.model.seats:
            shown = self._step("/v1/tokens/refresh", refresh_token=seat.token)
            assert shown.said == "401 invalid-token"
            if seat.owner != name and person.phone is not None:
                path = f"/v1/factors/{person.factor('totp')}"
                other = self._ask(Call("PATCH", path, {"label": "mine"}, bearer(seat.token)))
                assert other.said in {"404 not-found", "401 invalid-token"}

    @rule(name=names)
    def a_stranger_learns_nothing(self, name: str) -> None:
        """I8: a name that is there is refused as one that is not."""
        person = self.model.people[name]
        shut = self.model.wrong[person.id, "password"]
        known = self._step("/v1/ceremony", identifier=name, password="not the password")
        if self._judged(person, "password", shut):
            self.model.guessed(person, "password", known)
        unknown = self._step("/v1/ceremony", identifier="nobody", password="not the password")
        plain = [
            {k: v for k, v in answer.json().items() if k != "instance"}
            for answer in (known, unknown)
        ]
        assert plain[0] == plain[1]

    @invariant()
    def the_database_agrees(self) -> None:
        if hasattr(self, "model"):
            self.model.check()


HttpMachine.TestCase.settings = settings(
    max_examples=25,
    stateful_step_count=40,
    deadline=None,
    derandomize=True,
    suppress_health_check=list(HealthCheck),
)
TestHttpMachine = HttpMachine.TestCase
