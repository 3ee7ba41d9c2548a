"""What stands behind a token: who is signed in, refreshing, and ending sessions.

A token names a row; the row's times, its generation and its owner's status decide. Refreshing
raises the generation and nothing else: it proves nothing, so it never moves ``auth_time``, ``amr``
or the level (A35). A refresh token that was rotated away and comes back later than an honest
retry would is in two hands, and ends its session (RFC 9700 section 4.14.2).
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import partial
from typing import Literal, TypeAlias

from twofold.ceremonies.engine import Engine
from twofold.ceremonies.grants import tokens_of
from twofold.ceremonies.outcomes import Done, Granted
from twofold.core import tokens
from twofold.core.effects import CloseSessions, Forget, Rotate, Touch, Unchanged
from twofold.core.errors import InvalidToken, NotFound
from twofold.core.types import (
    SECOND,
    Context,
    Instant,
    Session,
    SessionId,
    Status,
    Subject,
    View,
)

GRACE = 20 * SECOND
"""How long the generation before is still taken: two tabs that refresh at once, a lost answer."""

TOUCHED = 60 * SECOND
"""How exactly it is known when a session was last used; a write per request would be dear."""

_IDLE_PARTS = 20
"""Where idling ends a session soon, its use is noted more exactly."""


Seen: TypeAlias = dict[str, str | int]
"""Values of a message: where a request came from, and the language asked for."""


@dataclass(frozen=True, slots=True)
class Bearer:
    """Who showed a good token; what may be done with it is for the ceremonies to say."""

    session: Session
    subject: Subject


async def authenticate(
    engine: Engine, token: str, kind: Literal["session", "access"], context: Context
) -> Bearer:
    """Return who stands behind a token; InvalidToken for anything wrong with it.

    One read, no policy, and a write only when the session's last use is a while ago.
    """
    now = engine.clock.now()
    claims = tokens.read(engine.ring(), kind, context.realm, token)
    found = await engine.store.session(context.realm, claims.subject, claims.session)
    if found is None or not _stands(*found, context, now):
        raise InvalidToken
    session, subject = found
    behind = session.generation - claims.generation
    if behind and not _in_grace(session, behind, now):
        raise InvalidToken
    # A cookie lives as long as its session; an access token has a shorter life of its own.
    if kind == "access" and now >= session.rotated_at + session.access_life * SECOND:
        raise InvalidToken
    if now - session.seen_at > min(TOUCHED, session.idle * SECOND // _IDLE_PARTS):
        await engine.store.commit(Touch(subject.id, session.id, now))
    return Bearer(session, subject)


async def refresh(engine: Engine, token: str, context: Context) -> Granted:
    """Return the tokens of the session's next generation; InvalidToken if it may have none.

    The same refresh token again, within the grace, is given the very same tokens; later it is
    taken for stolen, and the session is ended for whoever holds it.
    """
    now = engine.clock.now()
    claims = tokens.read(engine.ring(), "refresh", context.realm, token)
    return await engine.settle(partial(_refresh, engine, claims, context, now))


async def _refresh(
    engine: Engine, claims: tokens.Claims, context: Context, now: Instant
) -> Granted:
    found = await engine.store.session(context.realm, claims.subject, claims.session)
    if found is None or not _stands(*found, context, now):
        raise InvalidToken
    session, subject = found
    if session.transport != context.transport.value:
        # What scripts cannot read in its cookie must not become a token that they can.
        raise InvalidToken
    behind = session.generation - claims.generation
    if _in_grace(session, behind, now):
        return Granted(session, subject, tokens_of(engine, session))
    if behind < 0:
        # Of a generation the store has never heard of: it was restored from a copy.
        raise InvalidToken
    if behind:
        await _stolen(engine, session, subject, context, now)
        raise InvalidToken
    await engine.commit(
        Unchanged(subject.id, subject.epoch),
        Rotate(subject.id, session.id, session.generation, now),
        engine.record("session.refreshed", now, subject, context, session=session.id),
    )
    rotated = replace(
        session,
        generation=session.generation + 1,
        rotated_at=now,
        seen_at=max(session.seen_at, now),
    )
    return Granted(rotated, subject, tokens_of(engine, rotated))


async def _stolen(
    engine: Engine, session: Session, subject: Subject, context: Context, now: Instant
) -> None:
    """End a session of which two parties hold tokens: nobody can say which one is the owner."""
    await engine.commit(
        CloseSessions(subject.id, only=session.id),
        engine.record("session.theft", now, subject, context, session=session.id),
        *engine.letter(now, subject, "session-theft", seen_from(context)),
    )


def _in_grace(session: Session, behind: int, now: Instant) -> bool:
    return behind == 1 and now - session.rotated_at <= GRACE


def is_alive(session: Session, now: Instant) -> bool:
    """Say whether a session is within its idle and its absolute time."""
    return now < session.expires_at and now < session.seen_at + session.idle * SECOND


def _stands(session: Session, subject: Subject, context: Context, now: Instant) -> bool:
    # A session of one application is nothing in the hands of another (A41).
    foreign = context.client and session.client and context.client != session.client
    return subject.status is Status.ACTIVE and is_alive(session, now) and not foreign


def seen_from(context: Context) -> Seen:
    """Return where a request came from and in which language, as far as a message tells it."""
    seen: Seen = {}
    if context.address:
        seen["address"] = context.address
    if context.agent:
        seen["agent"] = context.agent
    if context.locale:
        seen["locale"] = context.locale
    return seen


async def look(engine: Engine, bearer: Bearer, *, devices: bool = False) -> tuple[View, Session]:
    """Read what an act of a signed-in subject may decide on; InvalidToken if the session ended.

    The bearer was read when the request came in; what it may do is decided on what is true now.
    """
    view = await engine.store.view(
        bearer.subject.realm, bearer.subject.id, session=bearer.session.id, devices=devices
    )
    if view is None or view.session is None or view.subject.status is not Status.ACTIVE:
        raise InvalidToken
    return view, view.session


async def listed(engine: Engine, bearer: Bearer) -> tuple[Session, ...]:
    """Return the subject's sessions that are alive, newest first."""
    return await alive(engine, bearer.subject)


async def alive(engine: Engine, subject: Subject) -> tuple[Session, ...]:
    """Return the sessions of a subject that have not run out, newest first."""
    now = engine.clock.now()
    found = await engine.store.sessions(subject.realm, subject.id)
    return tuple(session for session in found if is_alive(session, now))


async def close(engine: Engine, bearer: Bearer, session_id: str, context: Context) -> Done:
    """End one session of the bearer's own; NotFound for any other (A71)."""
    now = engine.clock.now()
    known = await engine.store.session(
        bearer.subject.realm, bearer.subject.id, SessionId(session_id)
    )
    if known is None:
        raise NotFound
    session, subject = known
    await engine.commit(
        CloseSessions(subject.id, only=session.id),
        engine.record("session.closed", now, subject, context, session=session.id),
    )
    return Done(closes_session=session.id == bearer.session.id)


async def close_others(engine: Engine, bearer: Bearer, context: Context) -> Done:
    """End all sessions of the bearer but the one that asks; no browser is remembered any more.

    Somebody who signs out everywhere wants to be asked again everywhere.
    """
    now = engine.clock.now()
    # Looked at again: a session that was ended elsewhere ends nobody else's (A41).
    await look(engine, bearer)
    ours = bearer.session.id
    ended = [session.id for session in await listed(engine, bearer) if session.id != ours]
    await engine.commit(
        CloseSessions(bearer.subject.id, keep=ours),
        Forget(bearer.subject.id),
        engine.record("session.closed.all", now, bearer.subject, context, kept=ours),
    )
    return Done({"ended": tuple(ended)})


async def log_out(engine: Engine, bearer: Bearer, context: Context) -> Done:
    """End the session that asks."""
    now = engine.clock.now()
    await engine.commit(
        CloseSessions(bearer.subject.id, only=bearer.session.id),
        engine.record("session.closed", now, bearer.subject, context, session=bearer.session.id),
    )
    return Done(closes_session=True)
