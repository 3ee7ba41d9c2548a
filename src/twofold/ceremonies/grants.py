"""How a ceremony ends well: one session, named after the ceremony, and its tokens.

The session's id is derived from the ceremony's own id, which no client ever sees, and is the
primary key of the insert: one ceremony makes at most one session (decision 2), without a
table of used tickets. Tokens are MACs over the session's identity, so an honest retry of a lost
answer is given the very same ones.
"""

from __future__ import annotations

import hmac
import json
from typing import Any

from twofold.ceremonies import second
from twofold.ceremonies.engine import Engine
from twofold.ceremonies.outcomes import Granted, Tokens
from twofold.core import tokens
from twofold.core.ceremony import Ceremony, session_of
from twofold.core.errors import CeremonyConsumed
from twofold.core.mac import mac
from twofold.core.policy import Lifetime, Policy, Proven, level, references
from twofold.core.types import (
    SECOND,
    Aal,
    Context,
    Instant,
    Session,
    SessionId,
    SubjectId,
    View,
)
from twofold.factors import Answer

RETRY = 15 * SECOND
"""How long the same answer to the same ceremony gets the same session again."""

RECOVERED = Lifetime(idle=900, absolute=3_600)
"""How long a session lives that a recovery code opened: long enough to replace what was lost."""

FEW = 3
"""With so many recovery codes left, the claimant is told."""


def session_id(ceremony: Ceremony) -> SessionId:
    """Return the id of the one session this ceremony may open."""
    return session_of(ceremony.jti)


def new_session(
    engine: Engine,
    ceremony: Ceremony,
    policy: Policy,
    context: Context,
    answer: Answer,
    now: Instant,
    *,
    proofs: tuple[Proven, ...] | None = None,
    trusted: bool = False,
) -> Session:
    """Return the session that proofs earn, the ceremony's own unless others are given."""
    proofs = ceremony.proofs if proofs is None else proofs
    aal = level(proofs)
    amr = references(proofs, aal, trusted=trusted)
    lifetime = RECOVERED if "rc" in amr else policy.lifetime(aal)
    return Session(
        realm=ceremony.realm,
        subject=_subject(ceremony),
        id=session_id(ceremony),
        created_at=now,
        auth_time=max([proof.at for proof in proofs], default=now),
        aal=aal,
        amr=amr,
        expires_at=Instant(now + lifetime.absolute * SECOND),
        idle=lifetime.idle,
        seen_at=now,
        client=ceremony.client,
        transport=ceremony.transport,
        rotated_at=now,
        address=context.address,
        agent=context.agent[:256],
        proof=_mark(engine, ceremony, answer)[0],
        access_life=policy.access_life,
    )


def granted(
    engine: Engine, session: Session, view: View, *, codes_left: int | None = None, **more: Any
) -> Granted:
    """Return the outcome that hands a session over; ``more`` is what else came of it."""
    return Granted(
        session=session,
        subject=view.subject,
        tokens=tokens_of(engine, session),
        notices=_notices(engine, session, view, codes_left),
        **more,
    )


def tokens_of(engine: Engine, session: Session) -> Tokens:
    """Return the tokens of a session's present generation, as its transport takes them."""
    ring = engine.ring()
    named = (session.realm, session.subject, session.id, session.generation)
    refresh = tokens.mint(ring, "refresh", *named)
    if session.transport == "cookie":
        return Tokens(session=tokens.mint(ring, "session", *named), refresh=refresh)
    return Tokens(access=tokens.mint(ring, "access", *named), refresh=refresh)


def again(
    engine: Engine, ceremony: Ceremony, view: View, answer: Answer, now: Instant
) -> Granted | None:
    """Return the session this ceremony already opened, to an honest retry of the same answer.

    None if it opened none; CeremonyConsumed if the answer is another one or came too late: a
    finished ceremony never judges again, so nothing can be guessed at.
    """
    if view.session is None:
        return None
    same = any(
        hmac.compare_digest(mark, view.session.proof) for mark in _mark(engine, ceremony, answer)
    )
    fresh = now - view.session.created_at <= RETRY and view.session.generation == 0
    if not (same and fresh):
        raise CeremonyConsumed
    return granted(engine, view.session, view, purpose=ceremony.purpose)


def _subject(ceremony: Ceremony) -> SubjectId:
    if ceremony.subject is None:
        raise CeremonyConsumed
    return ceremony.subject


def _mark(engine: Engine, ceremony: Ceremony, answer: Answer) -> tuple[str, ...]:
    # Keyed, because a six-digit code behind a plain hash is no secret.
    text = answer if isinstance(answer, str) else json.dumps(answer, sort_keys=True)
    said = f"answer\0{ceremony.jti}\0{text}".encode(errors="surrogatepass")
    return tuple([mac(key, said)[:12].hex() for key in engine.ring().keys("code-mac").values()])


def _notices(
    engine: Engine, session: Session, view: View, codes_left: int | None
) -> tuple[str, ...]:
    found = []
    if codes_left is not None and codes_left <= FEW:
        found.append(f"recovery-codes-low({codes_left})")
    if "rc" in session.amr:
        found.append("replace-lost-factor")
    elif session.aal is Aal.ONE and not second.methods(engine, view):
        found.append("enroll-recommended")
    return tuple(found)
