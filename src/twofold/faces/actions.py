"""What can be done now: the actions that every answer of a ceremony lists.

Each has the fields to send along as they are (``send``) and those to ask a person for (``input``),
so that a client that only follows them completes every flow.
"""

from __future__ import annotations

from twofold.ceremonies.outcomes import Choice, Pending
from twofold.core.ceremony import Ceremony, Kind, State
from twofold.core.errors import StepUpRequired
from twofold.faces.views import Action

CEREMONY = "/v1/ceremony"
PASSKEY = "webauthn"
"""The kind of factor that no person types the answer of."""

_CANCEL = Action("cancel", "DELETE", CEREMONY, ())
_RECOVERY = Action("recovery", "POST", f"{CEREMONY}/verify", ("recovery_code",))
_VERIFY = Action("verify", "POST", f"{CEREMONY}/verify", ("code",))
_SIGN = Action("verify", "POST", f"{CEREMONY}/verify", ("webauthn",))
_CONFIRM = Action("confirm", "POST", f"{CEREMONY}/confirm", ("code",))
_CREATE = Action("confirm", "POST", f"{CEREMONY}/confirm", ("webauthn",))
_INVITE = Action("challenge", "POST", f"{CEREMONY}/challenge", (), for_="passkey")
_OPEN = Action(
    "first-factor", "POST", f"{CEREMONY}/first-factor", ("webauthn",), {"method": "passkey"}
)
_SKIP = Action("skip", "POST", f"{CEREMONY}/skip", ())
RESTART = Action("start", "POST", CEREMONY, ("identifier", "password"), {"kind": "login"})
_REFRESH = Action("refresh", "POST", "/v1/tokens/refresh", ("refresh_token",))


def actions(pending: Pending) -> tuple[Action, ...]:
    """What can be done in a ceremony that goes on, likeliest first."""
    match pending.ceremony.state:
        case State.FIRST_FACTOR:
            return (_first(pending.ceremony), *_passkeys(pending), _CANCEL)
        case State.SECOND_FACTOR | State.CHALLENGE:
            return _second(pending)
        case State.ENROL | State.CONFIRM:
            return _enrolment(pending)
        case State.DONE | State.CANCELLED:
            return ()


def _first(ceremony: Ceremony) -> Action:
    known = ceremony.identifier or ceremony.subject is not None
    asked = ("password",) if known else ("identifier", "password")
    return Action("first-factor", "POST", f"{CEREMONY}/first-factor", asked, {"method": "password"})


def _passkeys(pending: Pending) -> tuple[Action, ...]:
    if not pending.discoverable:
        return ()
    return (_OPEN, _INVITE) if "webauthn" in pending.show else (_INVITE,)


def _second(pending: Pending) -> tuple[Action, ...]:
    sent = pending.ceremony.asked if pending.ceremony.state is State.CHALLENGE else None
    found = [_answering(pending)] if sent is not None else []
    ready = [choice for choice in pending.choices if not choice.needs_challenge]
    if sent is not None:
        found += [_aimed(choice) for choice in ready]
    elif ready:
        # Without a factor's id a code is tried on all of one kind: two phones, one field.
        found += [_VERIFY, *(_aimed(c) for c in ready if c.kind != ready[0].kind)]
    found += [_asking(choice) for choice in pending.choices if choice.needs_challenge]
    return (*found, *((_RECOVERY,) if pending.recovery else ()), _CANCEL)


def _answering(pending: Pending) -> Action:
    kinds = (c.kind for c in pending.choices if c.id == pending.ceremony.asked)
    return _SIGN if next(kinds, "") == PASSKEY else _VERIFY


def _aimed(choice: Choice) -> Action:
    return Action(
        "verify", "POST", f"{CEREMONY}/verify", ("code",), {"factor": choice.id}, choice.id
    )


def _asking(choice: Choice) -> Action:
    return Action(
        "challenge", "POST", f"{CEREMONY}/challenge", (), {"factor": choice.id}, choice.id
    )


def _enrolment(pending: Pending) -> tuple[Action, ...]:
    ceremony = pending.ceremony
    found = []
    if ceremony.state is State.CONFIRM:
        signs = ceremony.draft is not None and ceremony.draft.kind == PASSKEY
        found.append(_CREATE if signs else _CONFIRM)
    found += [
        Action("enroll", "POST", f"{CEREMONY}/enroll", (), {"kind": kind}, kind)
        for kind in pending.kinds
    ]
    if ceremony.skippable_until is not None:
        found.append(_SKIP)
    return (*found, _CANCEL)


def step_up(error: StepUpRequired) -> Action:
    """The way to the fresh proof that was missing."""
    require: dict[str, object] = {"acr": error.acr_values}
    if error.max_age is not None:
        require["max_age"] = error.max_age
    return Action("stepup", "POST", CEREMONY, (), {"kind": str(Kind.STEP_UP), "require": require})
