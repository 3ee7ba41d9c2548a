"""One run of login, step-up, enrolment or verification, as one table and one function.

``TRANSITIONS`` is the whole machine: from a state, a step may lead to the states listed and to
no other. ``advance`` is the only way to move; an illegal step raises and changes nothing. The
diagram in the manual is drawn from the table.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field, fields, replace
from enum import StrEnum
from typing import Any

from twofold.core.errors import NotPossible
from twofold.core.policy import Proven, Requirement
from twofold.core.types import Aal, Category, Instant, Realm, SessionId, SubjectId
from twofold.core.values import quick


class Kind(StrEnum):
    """What a ceremony is run for."""

    LOGIN = "login"
    STEP_UP = "stepup"
    ENROL = "enroll"
    """Binding another factor from inside a session; the wire keeps the common spelling."""


class State(StrEnum):
    """Where a ceremony stands."""

    FIRST_FACTOR = "first_factor"
    SECOND_FACTOR = "second_factor"
    CHALLENGE = "challenge"
    ENROL = "enroll"
    CONFIRM = "enroll_confirm"
    DONE = "done"
    CANCELLED = "cancelled"


class Step(StrEnum):
    """What moves a ceremony."""

    BEGIN = "begin"
    PROVE = "prove"
    ASK = "ask"
    BIND = "bind"
    CONFIRM = "confirm"
    SKIP = "skip"
    CANCEL = "cancel"


TRANSITIONS: Mapping[tuple[State, Step], frozenset[State]] = {
    (State.FIRST_FACTOR, Step.PROVE): frozenset({State.SECOND_FACTOR, State.ENROL, State.DONE}),
    (State.FIRST_FACTOR, Step.CANCEL): frozenset({State.CANCELLED}),
    (State.SECOND_FACTOR, Step.ASK): frozenset({State.CHALLENGE}),
    (State.SECOND_FACTOR, Step.PROVE): frozenset({State.SECOND_FACTOR, State.ENROL, State.DONE}),
    (State.SECOND_FACTOR, Step.CANCEL): frozenset({State.CANCELLED}),
    (State.CHALLENGE, Step.ASK): frozenset({State.CHALLENGE}),
    (State.CHALLENGE, Step.PROVE): frozenset({State.SECOND_FACTOR, State.ENROL, State.DONE}),
    (State.CHALLENGE, Step.CANCEL): frozenset({State.CANCELLED}),
    (State.ENROL, Step.BIND): frozenset({State.CONFIRM}),
    (State.ENROL, Step.SKIP): frozenset({State.DONE}),
    (State.ENROL, Step.CANCEL): frozenset({State.CANCELLED}),
    (State.CONFIRM, Step.BIND): frozenset({State.CONFIRM}),
    (State.CONFIRM, Step.CONFIRM): frozenset({State.DONE}),
    (State.CONFIRM, Step.SKIP): frozenset({State.DONE}),
    (State.CONFIRM, Step.CANCEL): frozenset({State.CANCELLED}),
}
"""Every legal step; whatever is not here raises NotPossible. A wrong answer moves nothing."""

TERMINAL = frozenset({State.DONE, State.CANCELLED})
"""No step leads out of these."""


@dataclass(frozen=True, slots=True)
class Draft:
    """A factor in the making; it lives in the ticket alone until it is confirmed."""

    authenticator: str
    kind: str
    label: str
    secret: str = field(repr=False)
    """Base64; nobody reads it but us: the whole ticket is sealed."""
    parameters: Mapping[str, str | int] = field(default_factory=dict)
    items: tuple[tuple[str, int | None], ...] = field(default=(), repr=False)
    seed: str = field(default="", repr=False)
    """Base64; the recovery codes that come with the binding are made from it."""


@quick
@dataclass(frozen=True, slots=True)
class Ceremony:
    """The state a ticket carries; times are absolute."""

    jti: str
    kind: Kind
    realm: Realm
    client: str
    state: State
    started_at: Instant
    expires_at: Instant
    require: Requirement = field(default_factory=Requirement)
    subject: SubjectId | None = None
    epoch: int = 0
    proofs: tuple[Proven, ...] = ()
    identifier: str = ""
    """What the claimant said to be called, until a first factor is proved."""
    binding: str | None = None
    """The browser's pre-session cookie; a leaked ticket is useless elsewhere."""
    transport: str = "json"
    asked: str | None = None
    """The authenticator whose challenge is out."""
    challenge: str | None = None
    """The name under which that challenge is answered, when it is not the ceremony's own."""
    draft: Draft | None = None
    session: SessionId | None = None
    """The session a step-up or enrolment was begun from."""
    skippable_until: Instant | None = None

    @property
    def voice(self) -> str:
        """Name the challenge to factors: what one kind of ceremony asked answers no other kind."""
        return self.challenge or f"{self.kind}.{self.jti}"

    @property
    def name(self) -> str:
        """What records call it; the jti itself stays inside the ticket."""
        return hashlib.sha256(b"twofold ceremony\0" + bytes.fromhex(self.jti)).hexdigest()[:16]


def may(ceremony: Ceremony, step: Step) -> bool:
    """Say whether a step is legal in the ceremony's state."""
    return (ceremony.state, step) in TRANSITIONS


def advance(ceremony: Ceremony, step: Step, to: State, **changes: Any) -> Ceremony:
    """Return the ceremony moved on; raise NotPossible and change nothing if the table says no."""
    require_step(ceremony, step, to)
    return replace(ceremony, state=to, **changes)


def require_step(ceremony: Ceremony, step: Step, to: State | None = None) -> None:
    """Raise NotPossible for a step the state does not know, or that does not lead ``to`` there."""
    targets = TRANSITIONS.get((ceremony.state, step))
    if targets is None or (to is not None and to not in targets):
        raise NotPossible


_PLAIN = tuple(f.name for f in fields(Ceremony) if f.name not in {"require", "proofs", "draft"})


def dump(ceremony: Ceremony) -> dict[str, Any]:
    """Return the ceremony as JSON values for the inside of a ticket, defaults left out."""
    values: dict[str, Any] = {
        name: value
        for name in _PLAIN
        if (value := getattr(ceremony, name)) is not None and value is not False and value != ""
    }
    require = ceremony.require
    values["require"] = [int(require.aal), require.max_age]
    values["proofs"] = [
        [p.kind, list(p.amr), int(p.aal), str(p.category), p.at, p.first] for p in ceremony.proofs
    ]
    if ceremony.draft is not None:
        p = ceremony.draft
        values["draft"] = [
            p.authenticator, p.kind, p.label, p.secret, dict(p.parameters), list(p.items), p.seed,
        ]  # fmt: skip
    return values


def load(values: Mapping[str, Any]) -> Ceremony:
    """Return the ceremony that ``dump`` wrote; only ever called on what a ticket's seal kept."""
    known = {name: values[name] for name in _PLAIN if name in values}
    known["kind"] = Kind(known["kind"])
    known["state"] = State(known["state"])
    aal, max_age = values["require"]
    proofs = tuple(
        Proven(kind, tuple(amr), Aal(level), Category(category), at, first)
        for kind, amr, level, category, at, first in values["proofs"]
    )
    draft = values.get("draft")
    if draft is not None:
        authenticator, kind, label, secret, parameters, items, seed = draft
        known["draft"] = Draft(
            authenticator=authenticator,
            kind=kind,
            label=label,
            secret=secret,
            parameters=parameters,
            items=tuple((key, until) for key, until in items),
            seed=seed,
        )
    known.setdefault("client", "")
    return Ceremony(require=Requirement(Aal(aal), max_age), proofs=proofs, **known)


def diagram() -> str:
    """Return the machine as a Mermaid state diagram, for the manual."""
    lines = ["stateDiagram-v2", "    [*] --> first_factor: begin"]
    lines += [
        f"    {state} --> {target}: {step}"
        for (state, step), targets in TRANSITIONS.items()
        for target in sorted(targets)
    ]
    lines += [f"    {state} --> [*]" for state in sorted(TERMINAL)]
    return "\n".join(lines) + "\n"
