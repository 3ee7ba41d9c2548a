"""People, thieves and time at the HTTP API, in any order, and I1 to I10 after every step."""

from __future__ import annotations

import os
from dataclasses import replace

from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from tests.machines.http_model import Seat
from tests.machines.http_steps import NAMES, Steps
from tests.support.client import Call, bearer
from twofold.ceremonies import admin, admin_factors
from twofold.core.types import Context

WAITS = (1, 29, 31, 31, 31, 61, 61, 301, 901, 3_601)
numbers = st.integers(min_value=0, max_value=1_000)
names = st.sampled_from(NAMES)
hows = st.sampled_from(["right", "right", "right", "wrong", "last", "others", "early", "junk"])
mostly = st.sampled_from([True, True, True, False])


class HttpMachine(RuleBasedStateMachine):
    """The rules; each does one thing that somebody might do."""

    def __init__(self) -> None:
        super().__init__()
        self.steps = Steps()
        self.model = self.steps.model

    def teardown(self) -> None:
        self.steps.close()

    @rule(seconds=st.sampled_from(WAITS))
    def time_passes(self, seconds: int) -> None:
        self.model.house.clock.move(seconds)

    @rule()
    def the_house_is_closed_and_opened_again(self) -> None:
        self.steps.reopen()

    @rule(name=names, right=mostly)
    def somebody_gives_a_password(self, name: str, right: bool) -> None:
        self.steps.password(name, right=right)

    @rule(name=names)
    def somebody_signs_in(self, name: str) -> None:
        self.steps.sign_in(name)

    @rule(pick=numbers, how=hows, other=names, times=st.sampled_from([1, 1, 1, 5]))
    def somebody_gives_a_code(self, pick: int, how: str, other: str, times: int) -> None:
        ticket = self.steps.ticket(pick)
        for _ in range(times if ticket else 0):
            self.steps.code(ticket, how, self.model.people[other])

    @rule(pick=numbers, number=st.integers(0, 3), junk=st.booleans())
    def somebody_gives_a_recovery_code(self, pick: int, number: int, junk: bool) -> None:
        ticket = self.steps.ticket(pick)
        if ticket is not None:
            self.steps.recovery(ticket, number, junk=junk)

    @rule(pick=numbers, asked=st.booleans(), number=st.integers(0, 2), right=mostly)
    def somebody_reads_the_mail(self, pick: int, asked: bool, number: int, right: bool) -> None:
        ticket = self.steps.ticket(pick)
        if ticket is not None:
            self.steps.mail(ticket, asked=asked, number=number, right=right)

    @rule(pick=numbers)
    def an_answer_is_sent_again(self, pick: int) -> None:
        with_last = [ticket for ticket in self.model.tickets if ticket.last]
        if not with_last:
            return
        ticket = with_last[pick % len(with_last)]
        again, person = ticket.finished, self.model.people[ticket.owner]
        answer = self.steps.ask(ticket.last)
        if answer.status == 200:
            self.steps.finished(ticket, answer)
        self.steps.counted(person, "totp", answer, again=again)

    @rule(pick=numbers)
    def the_page_of_a_login_that_is_over_is_used_again(self, pick: int) -> None:
        """I1: a ticket makes one session, also when that session has ended since."""
        over = [ticket for ticket in self.model.tickets if ticket.finished]
        if not over:
            return
        ticket = over[-1 - pick % len(over)]
        self.model.house.clock.move(30)
        answer = self.steps.code(ticket, "right", self.model.people[ticket.owner])
        assert answer is None or answer.status in {401, 404, 409, 410, 429}, answer.said

    @rule(pick=numbers)
    def a_ceremony_is_given_up(self, pick: int) -> None:
        ticket = self.steps.ticket(pick)
        if ticket is None:
            return
        self.model.tickets.remove(ticket)
        gone = self.steps.ask(Call("DELETE", "/v1/ceremony", None, (("ceremony", ticket.text),)))
        person = self.model.people[ticket.owner]
        if gone.status == 204 and not ticket.finished:
            late = self.steps.code(ticket, "right", person)
            assert late is None or late.status in {404, 409, 410, 429}, late.said

    @rule(pick=numbers)
    def somebody_signs_out(self, pick: int) -> None:
        seat = self.steps.seat(pick)
        if seat is None:
            return
        gone = self.steps.ask(Call("DELETE", "/v1/session", None, bearer(seat.token)))
        assert gone.status in {204, 401}
        if gone.status == 204:
            self._dead(seat)

    def _dead(self, seat: Seat) -> None:
        self.model.seats.remove(seat)
        self.model.dead.append(seat.token)

    @rule(pick=numbers)
    def an_ended_session_stays_ended(self, pick: int) -> None:
        for token in self.model.dead[pick % 3 :: 3]:
            answer = self.steps.ask(Call("GET", "/v1/session", None, bearer(token)))
            assert answer.said == "401 invalid-token"

    @rule(pick=numbers, stale=st.booleans())
    def somebody_refreshes(self, pick: int, stale: bool) -> None:
        seat = self.steps.seat(pick)
        if seat is None:
            return
        shown = seat.older[0] if stale and seat.older else seat.refresh
        sql = "select auth_time, aal, amr, expires_at from session where id = ?"
        before = self.model.house.rows(sql, seat.id)
        answer = self.steps.post("/v1/tokens/refresh", refresh_token=shown)
        if answer.status == 200:
            tokens = answer.json()["tokens"]
            if tokens["refresh_token"] != seat.refresh:
                seat.older.append(seat.refresh)
            seat.token, seat.refresh = tokens["access_token"], tokens["refresh_token"]
            # A35: no refresh ever moves what was proved, or when.
            assert before == self.model.house.rows(sql, seat.id)
            return
        assert answer.said == "401 invalid-token"
        if before and not self.model.house.rows(sql, seat.id):
            assert shown != seat.refresh, "an honest refresh was taken for theft"
            self._dead(seat)

    @rule(pick=numbers, how=hows)
    def somebody_steps_up(self, pick: int, how: str) -> None:
        seat = self.steps.seat(pick)
        if seat is None:
            return
        call = Call("POST", "/v1/ceremony", {"kind": "stepup"}, bearer(seat.token))
        answer = self.steps.ask(call)
        if answer.status != 200:
            return
        ticket = self.steps.goes_on(answer, seat.owner, "stepup")
        assert ticket is not None, "a session alone was proof enough"
        ticket.began_from = seat.id
        if answer.json()["state"] == "second_factor":
            self.steps.code(ticket, how, self.model.people[seat.owner])

    @rule(pick=numbers, what=st.sampled_from(["codes", "remove", "bind", "bind"]))
    def somebody_changes_factors(self, pick: int, what: str) -> None:
        seat = self.steps.seat(pick)
        if seat is None:
            return
        person, allowed = self.model.people[seat.owner], self.model.fresh(seat)
        self.steps.mailbox(person)
        if what == "codes":
            answer = self.steps.ask(Call("POST", "/v1/recovery-codes", {}, bearer(seat.token)))
            if answer.status == 200:
                person = replace(person, recovery=tuple(answer.json()["codes"]))
                self.model.wrong[person.id, "recovery"] = 0
        elif what == "remove" and person.phone is not None:
            path = f"/v1/factors/{person.factor('totp')}"
            answer = self.steps.ask(Call("DELETE", path, None, bearer(seat.token)))
            person = self.steps.without_app(person) if answer.status == 204 else person
        elif what == "bind" and person.phone is None:
            answer = self.steps.bind(seat, person)
            person = self.model.people[seat.owner]
        else:
            return
        if answer.status >= 400:
            known = {"401 step-up-required", "401 invalid-token", "404 not-enrolled"}
            assert answer.said in {*known, "429 factor-blocked"}
            return
        # I6: fresh proof, a letter to the owner, the end of the other sessions.
        assert allowed, (what, seat)
        letters = self.steps.runner.run(self.model.house.post())
        assert any(letter.to == person.email for letter in letters)
        self.model.people[seat.owner] = person
        self.model.ended(owner=seat.owner, keep=seat.id)

    @rule(pick=numbers, right=mostly)
    def somebody_changes_the_password(self, pick: int, right: bool) -> None:
        seat = self.steps.seat(pick)
        if seat is None:
            return
        person = self.model.people[seat.owner]
        new = f"phrase number {pick} of {seat.owner}"
        shut = self.model.wrong[person.id, "password"]
        body = {"current_password": person.password if right else "wrong", "new_password": new}
        call = Call("POST", "/v1/account/password", body, bearer(seat.token))
        answer = self.steps.ask(call)
        if answer.status == 200:
            assert right
            self.model.people[seat.owner] = replace(person, password=new)
            self.model.wrong[person.id, "password"] = 0
            self.model.ended(owner=seat.owner)
            found = answer.json()
            tokens, id = found["tokens"], found["session"]["id"]
            renewed = replace(
                seat, id=id, token=tokens["access_token"], refresh=tokens["refresh_token"], older=[]
            )
            self.model.seats.append(renewed)
        elif self.steps.judged(person, "password", shut):
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

        self.steps.runner.run(acting())
        if act == "unlock":
            for key in [key for key in self.model.wrong if key[0] == person.id]:
                self.model.wrong[key] = 0
        else:
            self.model.ended(owner=name)

    @rule(pick=numbers, name=names)
    def nothing_works_where_it_does_not_belong(self, pick: int, name: str) -> None:
        """I4: each token in each other place."""
        person = self.model.people[name]
        texts = [t.text for t in self.model.tickets] + [s.refresh for s in self.model.seats]
        for token in texts[pick % 3 :: 3]:
            answer = self.steps.ask(Call("GET", "/v1/session", None, bearer(token)))
            assert answer.said == "401 invalid-token"
        for seat in self.model.seats[pick % 3 :: 3]:
            shown = self.steps.post("/v1/tokens/refresh", refresh_token=seat.token)
            assert shown.said == "401 invalid-token"
            if seat.owner != name and person.phone is not None:
                path = f"/v1/factors/{person.factor('totp')}"
                call = Call("PATCH", path, {"label": "mine"}, bearer(seat.token))
                assert self.steps.ask(call).said in {"404 not-found", "401 invalid-token"}

    @rule(name=names)
    def a_stranger_learns_nothing(self, name: str) -> None:
        """I8: a name that is there is refused as one that is not."""
        person, wrong = self.model.people[name], "not the password"
        shut = self.model.wrong[person.id, "password"]
        known = self.steps.post("/v1/ceremony", identifier=name, password=wrong)
        if self.steps.judged(person, "password", shut):
            self.model.guessed(person, "password", known)
        unknown = self.steps.post("/v1/ceremony", identifier="nobody", password=wrong)
        plain = [
            {k: v for k, v in answer.json().items() if k != "instance"}
            for answer in (known, unknown)
        ]
        assert plain[0] == plain[1]

    @invariant()
    def the_database_agrees(self) -> None:
        self.model.check()


HttpMachine.TestCase.settings = settings(
    max_examples=int(os.environ.get("EXAMPLES", "60")),
    stateful_step_count=40,
    deadline=None,
    derandomize=True,
    # Each run is half a second: whoever wants the shortest one takes Phase.shrink in.
    phases=(Phase.generate,),
    suppress_health_check=list(HealthCheck),
)
TestHttpMachine = HttpMachine.TestCase
