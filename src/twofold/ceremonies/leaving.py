"""The ends of things: an owner deletes the account; a browser asks why its session is over."""

from __future__ import annotations

import json
from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

from twofold.ceremonies import sessions
from twofold.ceremonies.engine import Engine
from twofold.ceremonies.outcomes import Done
from twofold.ceremonies.overview import READ, may_delete
from twofold.ceremonies.sessions import Bearer
from twofold.ceremonies.step_up import require_fresh
from twofold.core import tokens
from twofold.core.effects import Record, RemoveSubject, Unchanged
from twofold.core.errors import InvalidToken, NotAllowed
from twofold.core.types import Context, SessionId, Status

EXPIRED = "expired"
"""Why a session ended that nobody ended."""

_OPENING = frozenset(
    {
        "login.granted",
        "stepup.granted",
        "enrol.confirmed",
        "enrol.declined",
        "account.password.changed",
    }
)
_ENDING: Mapping[str, str] = MappingProxyType(
    {
        "account.password.changed": "password",
        "account.password.reset": "password",
        "subject.password.set": "password",
        "enrol.confirmed": "factors",
        "factor.imported": "factors",
        "factor.removed": "factors",
        "factor.reset": "factors",
        "recovery.renewed": "factors",
        "session.closed": "closed",
        "session.closed.all": "closed",
        "session.theft": "theft",
    }
)


async def delete(engine: Engine, bearer: Bearer, context: Context) -> Done:
    """Delete the bearer's account with all but its records; StepUpRequired, NotAllowed.

    The last letter leaves in the same commit: whoever did it with a stolen session is told of.
    """
    now = engine.clock.now()

    async def attempt() -> None:
        view, session = await sessions.look(engine, bearer)
        subject, policy = view.subject, engine.policy(view.policy)
        if not may_delete(policy, subject):
            raise NotAllowed
        require_fresh(engine, view, session, policy, now)
        await engine.commit(
            Unchanged(subject.id, subject.epoch),
            RemoveSubject(subject.id),
            engine.record("account.deleted", now, subject, context),
            *engine.letter(now, subject, "account-deleted", sessions.seen_from(context)),
        )

    await engine.settle(attempt)
    return Done(closes_session=True)


async def why_ended(engine: Engine, token: str, context: Context) -> str:
    """Return why the session of a cookie is over: one of a few words, empty where none is known.

    Only the cookie itself makes us speak, and what it says is under our key: nobody learns by a
    name or a guess that somebody has an account, or what happened to it (I8).
    """
    try:
        claims = tokens.read(engine.ring(), "session", context.realm, token)
    except InvalidToken:
        return ""
    known = await engine.store.session(context.realm, claims.subject, claims.session)
    if known is not None:
        session, subject = known
        over = not sessions.is_alive(session, engine.clock.now())
        return EXPIRED if over and subject.status is Status.ACTIVE else ""
    found = await engine.store.records(
        context.realm, subject=claims.subject, limit=READ, newest=True
    )
    reason = EXPIRED
    for entry in found:
        record = entry.record
        body = json.loads(record.body)
        if record.event in _OPENING and body.get("session") == claims.session:
            return reason
        # Going back in time: the first that ended it is the last that is looked at.
        reason = _ended_by(record, body, claims.session) or reason
    return ""


def _ended_by(record: Record, body: Mapping[str, Any], session: SessionId) -> str:
    """Return the word for a record that ended this session, empty for any other record."""
    word = _ENDING.get(record.event, "")
    if record.event in {"session.closed", "session.theft"}:
        return word if body.get("session") == session else ""
    kept = body.get("kept", body.get("session"))
    return "" if kept == session else word
