"""What the machine knows, and the invariants I1 to I10 as questions to the database file.

The model is told every answer the moment it comes; what it asserts afterwards it reads from the
tables and the audit trail, past the engine, so that a fault which lies to the API is found too.
"""

from __future__ import annotations

import json
from collections import Counter
from dataclasses import dataclass, field

from hypothesis import event

from tests.support.client import Answer, Call, InProcess
from tests.support.house import House
from tests.support.people import Person

FRESH = 300
ROWS = ("subject", "identifier", "authenticator", "item", "guess", "document", "segment")
"""Tables of which no row changes without a record. A session's last use is noted without one."""

GRANTING = {
    "login.granted", "stepup.granted", "enrol.confirmed", "enrol.declined",
    "account.password.changed",
}  # fmt: skip


@dataclass(slots=True)
class Ticket:
    """A ceremony somebody has in hand."""

    text: str
    owner: str
    kind: str
    finished: bool = False
    last: Call | None = None
    """The answer that was given last, to be given again."""
    began_from: str = ""
    """The session a step-up will take the place of."""
    name: str = ""
    """What it is called while its text changes from step to step."""

    def __post_init__(self) -> None:
        self.name = self.text


@dataclass(slots=True)
class Seat:
    """Somebody's session, as the answers told of it."""

    owner: str
    id: str
    token: str
    refresh: str
    older: list[str] = field(default_factory=list)
    """Refresh tokens that were rotated away."""
    proved_at: float = 0.0
    strong: bool = False


@dataclass(slots=True)
class Model:
    """Everything the test knows about the house."""

    house: House
    people: dict[str, Person] = field(default_factory=dict)
    tickets: list[Ticket] = field(default_factory=list)
    seats: list[Seat] = field(default_factory=list)
    spent: dict[tuple[str, ...], str] = field(default_factory=dict)
    """What was accepted, by proof, and the session or ceremony it was accepted for."""
    wrong: Counter[tuple[str, str]] = field(default_factory=Counter)
    """Consecutive wrong answers by subject and kind."""
    mail: dict[str, list[str]] = field(default_factory=dict)
    """Codes that came, by address."""
    dead: list[str] = field(default_factory=list)
    """Access tokens of sessions that were ended."""
    seen: tuple[object, int] | None = None

    async def ask(self, call: Call, peer: str = "127.0.0.1") -> Answer:
        """Ask, and look at once at what every answer must and must not be."""
        before = self.records()
        answer = await InProcess(self.house.app, peer).send(*call.raw)
        assert answer.status < 500, (call, answer.body)
        event(f"{call.method} {call.path.rpartition('/')[0]} {answer.said}")
        self._tells_no_secret(call, answer)
        tried = answer.status in {422, 429} and call.path != "/v1/ceremony/challenge"
        if tried and answer.code != "rate-limited":
            # I7: whoever tried something and was refused left a record of it.
            assert self.records() > before, (call, answer.said)
        return answer

    def _tells_no_secret(self, call: Call, answer: Answer) -> None:
        """I5: a secret is in the answer that first shows it and in no other."""
        shows = call.path in {"/v1/ceremony/enroll", "/v1/ceremony/confirm", "/v1/recovery-codes"}
        if shows or (call.path == "/v1/factors" and call.method == "POST"):
            return
        text = answer.body.decode()
        for person in self.people.values():
            assert person.password not in text
            assert person.phone is None or person.app.secret.hex() not in text
            for code in person.recovery:
                assert code not in text
        assert "otpauth" not in text

    def records(self) -> int:
        """How many audit records there are."""
        return int(self.house.rows("select count(*) from audit")[0][0])

    def accepted(self, proof: tuple[str, ...], where: str) -> None:
        """I1: whatever works once was accepted for one thing only."""
        assert self.spent.setdefault(proof, where) == where, proof

    def guessed(self, person: Person, kind: str, answer: Answer) -> None:
        """I3: keep the count that the database must have."""
        if answer.status == 200:
            self.wrong[person.id, kind] = 0
        elif answer.code in {"code-rejected", "invalid-credentials"}:
            self.wrong[person.id, kind] += 1

    def check(self) -> None:
        """Ask the database file for the invariants that hold between any two steps."""
        self._every_session_was_earned()
        self._no_failure_is_forgotten()
        self._nothing_changed_in_silence()
        self._nothing_was_spent_twice()

    def _every_session_was_earned(self) -> None:
        """I2, I7, I9: a session has a record, and one of level 2 a spent proof in it."""
        earned = {}
        for name, body in self.house.rows("select event, body from audit"):
            told = json.loads(body)
            if name in GRANTING and told.get("session"):
                earned[told["session"]] = (name, told)
        for id, aal, amr in self.house.rows("select id, aal, amr from session"):
            assert id in earned, id
            name, told = earned[id]
            if aal < 2 or name == "account.password.changed":
                continue
            assert told["spent"], told
            assert told["authenticator"], told
            assert told["aal"] == aal, told
            assert set(json.loads(amr)) >= {"otp", "mfa"}, amr

    def _no_failure_is_forgotten(self) -> None:
        """I3: the tally is what was told to the guesser, and never above the cap."""
        sql = "select subject, scope, streak from guess where scope like 'kind:%'"
        counted = {
            (subject, scope.removeprefix("kind:")): streak
            for subject, scope, streak in self.house.rows(sql)
        }
        for key, streak in counted.items():
            assert streak <= 100
            assert streak == self.wrong[key], (key, streak, self.wrong[key])
        for key, wrong in self.wrong.items():
            assert wrong == counted.get(key, 0), (key, wrong)

    def _nothing_changed_in_silence(self) -> None:
        """I7: whatever is different now was recorded."""
        state = tuple(tuple(self.house.table(table)) for table in ROWS)
        now = (state, self.records())
        if self.seen is not None and self.seen[0] != now[0]:
            assert now[1] > self.seen[1]
        self.seen = now

    def _nothing_was_spent_twice(self) -> None:
        """I1 once more, as the trail tells it."""
        spent = Counter()
        for (body,) in self.house.rows(
            "select body from audit where event in"
            " ('login.granted', 'stepup.granted', 'enrol.confirmed', 'login.code.accepted')"
        ):
            told = json.loads(body)
            if "step=" in told.get("spent", ""):
                spent[told["authenticator"], told["spent"]] += 1
        assert not [proof for proof, times in spent.items() if times > 1]

    def fresh(self, seat: Seat) -> bool:
        """Whether this session may change factors now, as the model sees it."""
        return seat.strong and self.house.clock.seconds - seat.proved_at <= FRESH

    def ended(self, *, owner: str, keep: str | None = None) -> None:
        """Sessions that an act has ended."""
        for seat in [s for s in self.seats if s.owner == owner and s.id != keep]:
            self.seats.remove(seat)
            self.dead.append(seat.token)
