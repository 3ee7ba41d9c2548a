"""The effects whose statements PostgreSQL keeps a plan of: those of logins, sessions and messages.

The values mean nothing here; what counts is which statements they lead to. An effect that is not
named works all the same, its statements are only planned anew each time.
"""

from __future__ import annotations

from typing import Final

from twofold.core.effects import (
    Advance,
    Burn,
    CloseSessions,
    Effect,
    Forgive,
    Issue,
    Lease,
    OpenSession,
    Record,
    Renew,
    Rotate,
    Send,
    Settle,
    TakeGuess,
    Touch,
    Unchanged,
    Unguessed,
)
from twofold.core.types import (
    Aal,
    AuthenticatorId,
    DeviceId,
    Instant,
    Item,
    Realm,
    Session,
    SessionId,
    SubjectId,
    Tally,
)

_R, _S, _A, _I, _AT = Realm(""), SubjectId(""), AuthenticatorId(""), SessionId(""), Instant(0)
_SESSION = Session(_R, _S, _I, _AT, _AT, Aal.ONE, (), _AT, 0, _AT)

FREQUENT: Final[tuple[Effect, ...]] = (
    Record(_R, None, "", _AT, "", ""),
    Unchanged(_S, 0, ("",)),
    Unchanged(_S, 0, ("", "")),
    Unchanged(_S, 0, ("", "", "")),
    Unchanged(_S, 0),
    Unguessed(_S, "", 0),
    Advance(_S, _A, 0, _AT),
    OpenSession(_SESSION),
    TakeGuess(_S, "", Tally(version=1), _AT),
    TakeGuess(_S, "", Tally(version=2), _AT),
    Unguessed(_S, "", 1),
    Forgive(_S, "", 1),
    Burn(_S, _A, "", _AT),
    Touch(_S, _I, _AT),
    Rotate(_S, _I, 0, _AT),
    CloseSessions(_S, only=_I),
    CloseSessions(_S),
    Issue(_S, _A, (Item(""),), {}, 0),
    Send(_R, _S, "", "", "", "", b"", _AT, _AT),
    Lease(_S, "", 0, _AT, _AT),
    Settle(_S, "", _AT),
    Renew(_S, DeviceId(""), 0, _AT, ""),
)
