"""One run of login, step-up, enrolment or verification, as one table and one function.

``TRANSITIONS`` is the whole machine: from a state, a step may lead to the states listed and to
no other. ``advance`` is the only way to move; an illegal step raises and changes nothing. The
diagram in the manual is drawn from the table.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
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
    (State.FIRST_FACTOR, Step.ASK): frozenset({State.FIRST_FACTOR}),
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
    purpose: str = ""
    """What the proof is for, in the words of the face that asked: where it leads back to."""
    resend_at: Instant | None = None
    """When another code may be asked for, once one was."""
    good_until: Instant | None = None
    """How long the code is good that was sent."""

    @property
    def voice(self) -> str:
        """Name the challenge to factors: what one kind of ceremony asked answers no other kind."""
        return self.challenge or f"{self.kind}.{self.jti}"

    @property
    def name(self) -> str:
        """What records call it; the jti itself stays inside the ticket."""
        return hashlib.sha256(b"twofold ceremony\0" + bytes.fromhex(self.jti)).hexdigest()[:16]


def session_of(jti: str) -> SessionId:
    """Return the id of the one session that a ceremony may open."""
    digest = hashlib.sha256(b"twofold session\0" + bytes.fromhex(jti)).digest()
    return SessionId(digest[:16].hex())


def advance(ceremony: Ceremony, step: Step, to: State, **changes: Any) -> Ceremony:
    """Return the ceremony moved on; raise NotPossible and change nothing if the table says no."""
    require_step(ceremony, step, to)
    return replace(ceremony, state=to, **changes)


def require_step(ceremony: Ceremony, step: Step, to: State | None = None) -> None:
    """Raise NotPossible for a step the state does not know, or that does not lead ``to`` there."""
    targets = TRANSITIONS.get((ceremony.state, step))
    if targets is None or (to is not None and to not in targets):
        raise NotPossible


_KINDS = {str(kind): kind for kind in Kind}
_STATES = {str(state): state for state in State}
_AALS = {int(aal): aal for aal in Aal}
_CATEGORIES = {str(category): category for category in Category}


def dump(ceremony: Ceremony) -> list[Any]:
    """Return the ceremony as JSON values for the inside of a ticket, in the order of its fields.

    Without names, because a ticket is read with every step and travels with it. Whoever changes
    the order changes ``tickets.PREFIX`` too, so that older tickets are expired and not misread.
    """
    draft = ceremony.draft
    return [
        ceremony.jti,
        ceremony.kind,
        ceremony.realm,
        ceremony.client,
        ceremony.state,
        ceremony.started_at,
        ceremony.expires_at,
        [ceremony.require.aal, ceremony.require.max_age],
        ceremony.subject,
        ceremony.epoch,
        [[p.kind, p.amr, p.aal, p.category, p.at, p.first] for p in ceremony.proofs],
        ceremony.identifier,
        ceremony.binding,
        ceremony.transport,
        ceremony.asked,
        ceremony.challenge,
        None if draft is None else _drafted(draft),
        ceremony.session,
        ceremony.skippable_until,
        ceremony.purpose,
        ceremony.resend_at,
        ceremony.good_until,
    ]


def load(values: Sequence[Any]) -> Ceremony:
    """Return the ceremony that ``dump`` wrote; only ever called on what a ticket's seal kept."""
    jti, kind, realm, client, state, started_at, expires_at, require, subject, epoch, *rest = values
    proofs, identifier, binding, transport, asked, challenge, draft, session, *rest = rest
    skippable, purpose, resend_at, good_until = rest
    return Ceremony(
        jti,
        _KINDS[kind],
        realm,
        client,
        _STATES[state],
        started_at,
        expires_at,
        Requirement(_AALS[require[0]], require[1]),
        subject,
        epoch,
        tuple(map(_proven, proofs)),
        identifier,
        binding,
        transport,
        asked,
        challenge,
        None if draft is None else _draft(*draft),
        session,
        skippable,
        purpose,
        resend_at,
        good_until,
    )


def _proven(values: Sequence[Any]) -> Proven:
    kind, amr, aal, category, at, first = values
    return Proven(kind, tuple(amr), _AALS[aal], _CATEGORIES[category], at, first)


def _drafted(draft: Draft) -> list[Any]:
    return [
        draft.authenticator,
        draft.kind,
        draft.label,
        draft.secret,
        dict(draft.parameters),
        draft.items,
        draft.seed,
    ]


def _draft(
    authenticator: str,
    kind: str,
    label: str,
    secret: str,
    parameters: Mapping[str, str | int],
    items: Sequence[tuple[str, int | None]],
    seed: str,
) -> Draft:
    once = tuple((key, until) for key, until in items)
    return Draft(authenticator, kind, label, secret, parameters, once, seed)


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
