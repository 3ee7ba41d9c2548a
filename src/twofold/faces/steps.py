"""What the pages of a ceremony have in common: where it stands, what was typed and refused."""

from __future__ import annotations

from typing import Final

from msgspec import MsgspecError
from msgspec.json import decode

from twofold.ceremonies import login
from twofold.ceremonies.engine import Engine
from twofold.ceremonies.outcomes import Outcome, Pending
from twofold.core import errors, otp
from twofold.core.errors import Malformed, NotPossible, TwofoldError
from twofold.faces import shapes
from twofold.faces.transport import Caller, Entrance
from twofold.web.headers import Header
from twofold.web.kit import Request
from twofold.web.problems import status_of

WRONG: Final = (
    errors.CodeRejected,
    errors.CodeAlreadyUsed,
    errors.Throttled,
    errors.NotEnrolled,
    errors.Unavailable,
)
"""What is said beside the field, because another try may be right."""

_LONGEST: Final = 256


def going(outcome: Outcome) -> Pending:
    """The ceremony, if it goes on; NotPossible otherwise."""
    match outcome:
        case Pending():
            return outcome
        case _:
            raise NotPossible


async def inspected(engine: Engine, caller: Caller) -> Pending:
    """Where the caller's ceremony stands; NotPossible if it is over."""
    return going(await login.inspect(engine, caller.ticket, caller.context))


async def standing(engine: Engine, entrance: Entrance, request: Request) -> tuple[Caller, Pending]:
    """Who goes on with a ceremony, and where it stands."""
    caller = entrance.continuing(request)
    return caller, await inspected(engine, caller)


def status(error: TwofoldError | None) -> int:
    """The status of a page that shows this error, or none."""
    return 200 if error is None else status_of(type(error))


def waiting(error: TwofoldError | None) -> tuple[Header, ...]:
    """The header that says how long to wait, where that is known."""
    match error:
        case errors.Throttled(retry_after=seconds) | errors.Unavailable(retry_after=seconds):
            return ((b"retry-after", str(max(1, seconds)).encode()),)
        case _:
            return ()


def typed(answer: str) -> str:
    """An answer as a keyboard of any script gave it; Malformed if there is none."""
    if not answer or len(answer) > _LONGEST:
        raise Malformed("Type the code.", field="code")
    return otp.from_keyboard(answer)


def signed(credential: str) -> dict[str, object]:
    """A passkey's answer as script put it into a form; Malformed if there is none."""
    if not credential:
        raise Malformed("Passkeys need JavaScript. Use another method.", field="credential")
    try:
        return shapes.credential(decode(credential, type=shapes.Credential))
    except (MsgspecError, UnicodeError):
        raise Malformed("What the passkey said cannot be read.", field="credential") from None
