"""Whether a second step is asked of one subject, where its realm leaves the choice.

A wish stands beside the factors and not in them: whoever switches the second step off and on
again has the very same authenticator. What a realm demands, no wish takes back.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

from twofold.ceremonies import second, sessions
from twofold.ceremonies.admin import find
from twofold.ceremonies.changes import changed, password_set
from twofold.ceremonies.engine import Engine
from twofold.ceremonies.manage import unbinding_all
from twofold.ceremonies.sessions import Bearer
from twofold.ceremonies.step_up import require_fresh
from twofold.core.effects import CloseSessions, Effect, Forget
from twofold.core.errors import NotAllowed
from twofold.core.policy import WISH, Enforcement, enforced, wishing
from twofold.core.throttle import NONE, of_kind
from twofold.core.types import Context, Instant, Realm, Session, Subject, View


@dataclass(frozen=True, slots=True)
class Standing:
    """How a subject stands to its second step; no secret."""

    subject: Subject
    wished: bool
    """Whether a second step is asked for, as far as the subject's own side goes."""
    confirmed: bool
    """Whether a factor is bound that can take it."""
    wrong_passwords: int
    """Wrong ones in a row."""
    password_set: Instant | None
    last_login: Instant | None
    sessions: tuple[Session, ...] = ()


async def standing(engine: Engine, realm: Realm, id_or_name: str) -> Standing:
    """Return how a subject stands; NotFound if there is none."""
    view = await find(engine, realm, id_or_name)
    first = [a for a in view.authenticators if a.kind == engine.opening.kind]
    alive = await sessions.alive(engine, view.subject)
    began = [session.created_at for session in alive]
    return Standing(
        subject=view.subject,
        wished=_wished(engine, view),
        confirmed=bool(second.methods(engine, view)),
        wrong_passwords=view.tallies.get(of_kind(engine.opening.kind), NONE).streak,
        password_set=max(map(password_set, first), default=None),
        last_login=max([*began, *(a.used_at for a in first if a.used_at)], default=None),
        sessions=alive,
    )


def _wished(engine: Engine, view: View) -> bool:
    wish = view.subject.attributes.get(WISH)
    if wish is None:
        return bool(second.methods(engine, view))
    return wish == Enforcement.REQUIRED


async def require_own(engine: Engine, bearer: Bearer) -> None:
    """Let the bearer weaken its own second step, or raise.

    NotAllowed where policy demands one, StepUpRequired unless what it proved is fresh (A69).
    """
    view, session = await sessions.look(engine, bearer)
    policy = engine.policy(view.policy)
    without = replace(view.subject, attributes={})
    if enforced(policy, without, session.client)[0] is Enforcement.REQUIRED:
        raise NotAllowed
    require_fresh(engine, view, session, policy, engine.clock.now())


async def require_proved(engine: Engine, bearer: Bearer) -> None:
    """Raise StepUpRequired unless the bearer's proof is fresh: for a new password, say."""
    view, session = await sessions.look(engine, bearer)
    policy = engine.policy(view.policy)
    require_fresh(engine, view, session, policy, engine.clock.now())


async def switch(engine: Engine, context: Context, by: str, subject: str, *, on: bool) -> None:
    """Ask for a second step of this subject from now on, or no longer; its owner hears of that.

    Pending logins end. Raises NotFound.
    """

    def change(view: View) -> tuple[dict[str, Any], tuple[Effect, ...]]:
        if _wished(engine, view) is on:
            return {}, ()
        wish: Enforcement | None = Enforcement.OFF
        if on:
            wish = None if second.methods(engine, view) else Enforcement.REQUIRED
        now = engine.clock.now()
        event = "wish.on" if on else "wish.off"
        record = engine.record(event, now, view.subject, context, by=by)
        told = () if on else engine.letter(now, view.subject, "second-step-off", {})
        return wishing(view.subject, wish), (record, *told)

    await _changed(engine, context, subject, change)


async def begin_anew(
    engine: Engine, context: Context, by: str, subject: str, *, forget: bool = False
) -> None:
    """Have a subject set its second factor up again: what was bound is gone for good.

    Where nothing is bound yet nothing changes, unless it is to ``forget`` what is pending and
    that a second step was wished for. Sessions end, the owner is told. Raises NotFound.
    """

    def change(view: View) -> tuple[dict[str, Any], tuple[Effect, ...]]:
        bound = second.methods(engine, view)
        if not bound and not forget:
            return {}, ()
        wish = Enforcement.REQUIRED if _wished(engine, view) and not forget else None
        now = engine.clock.now()
        record = engine.record(
            "factor.reset",
            now,
            view.subject,
            context,
            by=by,
            authenticators=[method.authenticator.id for method in bound],
            methods=[method.factor.kind for method in bound],
        )
        effects = (
            *unbinding_all(engine, view),
            Forget(view.subject.id),
            CloseSessions(view.subject.id),
            record,
            *engine.letter(now, view.subject, "factor-reset", {}),
        )
        return wishing(view.subject, wish), effects

    await _changed(engine, context, subject, change)


async def describe(
    engine: Engine, context: Context, by: str, subject: str, facts: dict[str, object]
) -> None:
    """Keep what a dialect knows about its user beside what is ours."""

    def change(view: View) -> tuple[dict[str, Any], tuple[Effect, ...]]:
        now = engine.clock.now()
        record = engine.record(
            "subject.changed", now, view.subject, context, by=by, fields=sorted(facts)
        )
        return {**view.subject.attributes, **facts}, (record,)

    await _changed(engine, context, subject, change)


async def _changed(
    engine: Engine,
    context: Context,
    subject: str,
    change: Callable[[View], tuple[dict[str, Any], tuple[Effect, ...]]],
) -> None:
    async def attempt() -> None:
        view = await find(engine, context.realm, subject)
        attributes, effects = change(view)
        if effects:
            await engine.commit(changed(view.subject, attributes=attributes), *effects)

    await engine.settle(attempt)
