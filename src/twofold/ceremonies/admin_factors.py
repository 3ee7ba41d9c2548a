"""What administrators and the operator do with factors: see, reset, import, unlock, sign out.

A reset can be started here and not steered: the owner binds the next factor alone (ASVS 6.4.6).
Owners are told of every act that touches what they sign in with.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial

from twofold.ceremonies import second
from twofold.ceremonies.admin import find
from twofold.ceremonies.changes import ending, rebound
from twofold.ceremonies.engine import Engine
from twofold.ceremonies.manage import (
    FactorRow,
    factor_rows,
    found,
    unbinding,
    unbinding_all,
)
from twofold.core import identifiers, letters
from twofold.core.effects import Bind, CloseSessions, Effect, Forget, Forgive
from twofold.core.errors import Malformed, NotAllowed, NotFound
from twofold.core.throttle import of_kind
from twofold.core.types import (
    Context,
    Instant,
    Realm,
    SessionId,
    Subject,
    View,
)
from twofold.factors import Wish


async def factors_of(engine: Engine, realm: Realm, subject: str) -> tuple[FactorRow, ...]:
    """Return a subject's second factors; NotFound if there is no such subject."""
    return factor_rows(engine, await find(engine, realm, subject))


async def reset_factors(
    engine: Engine,
    context: Context,
    by: str,
    subject: str,
    *,
    only: str | None = None,
    reason: str = "",
) -> tuple[FactorRow, ...]:
    """Remove all second factors and recovery codes, or ``only`` one; returns what was removed.

    All sessions end, and guesses at what is gone are forgotten. Raises NotFound.
    """
    now = engine.clock.now()

    async def attempt() -> tuple[FactorRow, ...]:
        view = await find(engine, context.realm, subject)
        rows = tuple(row for row in factor_rows(engine, view) if only in (None, row.id))
        record = engine.record(
            "factor.reset",
            now,
            view.subject,
            context,
            by=by,
            authenticators=[row.id for row in rows],
            methods=[row.kind for row in rows],
            reason=reason or None,
        )
        await engine.commit(
            *rebound(view.subject),
            *(unbinding_all(engine, view) if only is None else _one_gone(engine, view, only)),
            CloseSessions(view.subject.id),
            record,
            *_told(engine, view.subject, rows, only, now),
        )
        return rows

    return await engine.settle(attempt)


def _told(
    engine: Engine, owner: Subject, rows: tuple[FactorRow, ...], only: str | None, now: Instant
) -> tuple[Effect, ...]:
    """Return the letter: of a reset, or of the one factor an administrator removed."""
    if only is None:
        return engine.letter(now, owner, "factor-reset", {})
    return tuple(
        letter
        for row in rows
        for letter in engine.letter(
            now,
            owner,
            "factor-removed",
            {"kind": row.kind, "label": row.label, "administrator": 1},
        )
    )


def _one_gone(engine: Engine, view: View, id: str) -> tuple[Effect, ...]:
    left = tuple(m for m in second.methods(engine, view) if m.authenticator.id != id)
    return unbinding(engine, view, found(engine, view, id).authenticator, left)


async def import_factor(
    engine: Engine,
    context: Context,
    by: str,
    subject: str,
    kind: str,
    *,
    secret: bytes | None = None,
    parameters: Mapping[str, str | int] | None = None,
    label: str = "",
) -> str:
    """Bind a factor with material from elsewhere; returns the authenticator's id.

    The owner is told, and sessions end as policy says. Raises NotFound, NotAllowed for a kind
    that may not be bound, Malformed for what does not fit or has less than 128 bits.
    """
    now = engine.clock.now()
    letters.check_text(label, field="label")
    wish = Wish(label=label, secret=secret, parameters=dict(parameters or {}))
    return await engine.settle(partial(_import, engine, context, by, subject, kind, wish, now))


async def _import(
    engine: Engine, context: Context, by: str, subject: str, kind: str, wish: Wish, now: Instant
) -> str:
    view = await find(engine, context.realm, subject)
    policy, owner = engine.policy(view.policy), view.subject
    factor = engine.factors.get(kind)
    if factor is None or kind not in second.bindable(engine, policy):
        raise NotAllowed
    if wish.secret is None and not factor.asks:
        raise Malformed("There is no secret to import.", field="secret")
    bound = factor.bind(owner, wish, engine.draw(), now)
    if not bound.secret and not bound.parameters:
        # Only its owner can show it to us; a blank row would prove nothing and lock them out.
        raise NotAllowed("This kind of factor is set up by its owner alone.")
    first = not second.methods(engine, view)
    new = engine.made(owner, kind, bound, now, label=wish.label, preferred=first)
    told: dict[str, str | int] = {"kind": kind, "label": wish.label, "administrator": 1}
    await engine.commit(
        *rebound(owner),
        Bind(new),
        *ending(policy, owner.id),
        engine.record(
            "factor.imported", now, owner, context, by=by, authenticator=new.id, method=kind
        ),
        *engine.letter(now, owner, "factor-added", told),
    )
    return new.id


async def unlock(
    engine: Engine, context: Context, by: str, subject: str, *, passwords_only: bool = False
) -> tuple[str, ...]:
    """Forgive all wrong guesses at a subject, or those at its password; returns their scopes.

    Ceremonies that were ended or guessed out stay so.
    """
    now = engine.clock.now()
    only = of_kind(engine.opening.kind) if passwords_only else None

    async def attempt() -> tuple[Subject, tuple[str, ...]]:
        view = await find(engine, context.realm, subject)
        known = (scope for scope in view.tallies if only in (None, scope))
        scopes = sorted(scope for scope in known if not scope.startswith("ceremony:"))
        owner = view.subject
        await engine.commit(
            *(Forgive(owner.id, scope, view.tallies[scope].version) for scope in scopes),
            engine.record("guess.unlocked", now, owner, context, by=by, scopes=scopes),
        )
        return owner, tuple(scopes)

    owner, scopes = await engine.settle(attempt)
    for text in (owner.name, owner.email, owner.phone, owner.id):
        for name in identifiers.candidates(text):
            engine.gate.forget(name)
    engine.gate.forget(owner.id)
    return scopes


async def close_sessions(
    engine: Engine, context: Context, by: str, subject: str, session: str | None = None
) -> None:
    """End one session of a subject, or all of them; NotFound if there is no such one.

    With all of them, no browser is remembered any more.
    """
    now = engine.clock.now()
    owner = (await find(engine, context.realm, subject)).subject
    if session is None:
        record = engine.record("session.closed.all", now, owner, context, by=by)
        await engine.commit(CloseSessions(owner.id), Forget(owner.id), record)
        return
    known = await engine.store.session(context.realm, owner.id, SessionId(session))
    if known is None:
        raise NotFound
    record = engine.record("session.closed", now, owner, context, by=by, session=session)
    await engine.commit(CloseSessions(owner.id, only=known[0].id), record)
