"""What owners do with their factors: look, rename, prefer, and with fresh proof remove.

Names and preferences are comfort. Removing is a change of factors: it needs fresh proof (A69),
starts a new epoch, ends sessions as policy says and is told to the owner.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import partial

from twofold.ceremonies import second, sessions
from twofold.ceremonies.changes import ending, rebound
from twofold.ceremonies.engine import Engine
from twofold.ceremonies.outcomes import Done
from twofold.ceremonies.sessions import Bearer
from twofold.ceremonies.step_up import require_fresh
from twofold.core import letters
from twofold.core.effects import Amend, Effect, Forgive, Unbind, Unchanged
from twofold.core.errors import LastFactor, NotFound
from twofold.core.policy import Closing, Enforcement, Policy, enforced
from twofold.core.throttle import of_kind
from twofold.core.types import Authenticator, Binding, Context, Instant, Session, View


@dataclass(frozen=True, slots=True)
class FactorRow:
    """A second factor as its owner and administrators see it; nothing of its secret."""

    id: str
    kind: str
    label: str
    preferred: bool
    created_at: Instant
    used_at: Instant | None
    hint: str = ""
    """A masked address."""
    traits: Mapping[str, str | int] = field(default_factory=dict)
    """What the authenticator told of itself: TRAITS, as far as its kind has them."""


TRAITS = frozenset({"aaguid", "backed_up", "credential", "synced", "transports"})
"""What a passkey's page may tell of it, and tell the browser when it is gone."""


@dataclass(frozen=True, slots=True)
class RecoveryRow:
    """How many recovery codes are left, and since when the set exists."""

    remaining: int
    generated_at: Instant
    total: int
    """How many the set had."""


async def factors(engine: Engine, bearer: Bearer) -> tuple[FactorRow, ...]:
    """Return the bearer's second factors, the one that is asked for first in front."""
    view, _ = await sessions.look(engine, bearer)
    return factor_rows(engine, view)


def factor_rows(engine: Engine, view: View) -> tuple[FactorRow, ...]:
    """Return the second factors of a view, the one that is asked for first in front."""
    return tuple(
        FactorRow(
            id=method.authenticator.id,
            kind=method.factor.kind,
            label=method.authenticator.label,
            preferred=place == 0,
            created_at=method.authenticator.created_at,
            used_at=method.authenticator.used_at,
            hint=str(method.authenticator.parameters.get("hint", "")),
            traits={k: v for k, v in method.authenticator.parameters.items() if k in TRAITS},
        )
        for place, method in enumerate(second.methods(engine, view))
    )


async def recovery_left(engine: Engine, bearer: Bearer) -> RecoveryRow | None:
    """Return what is left of the bearer's recovery codes, None without a set."""
    view, _ = await sessions.look(engine, bearer)
    return recovery_row(engine, view)


def recovery_row(engine: Engine, view: View) -> RecoveryRow | None:
    """Return what is left of the recovery codes of a view, None without a set."""
    held = recovery_of(engine, view)
    if held is None:
        return None
    left = len(held.items)
    return RecoveryRow(left, held.created_at, int(held.parameters.get("count", left)))


def recovery_of(engine: Engine, view: View) -> Authenticator | None:
    """Return the set of recovery codes, if there is one."""
    return next((a for a in view.authenticators if a.kind == engine.recovery.kind), None)


async def rename(engine: Engine, bearer: Bearer, id: str, label: str, context: Context) -> Done:
    """Give a factor another label; NotFound if it is not the bearer's (A71)."""
    letters.check_text(label, field="label")
    return await _amend(engine, bearer, id, context, label=label)


async def prefer(engine: Engine, bearer: Bearer, id: str, context: Context) -> Done:
    """Make a factor the one that is asked for first; NotFound if it is not the bearer's (A71)."""
    return await _amend(engine, bearer, id, context, label=None)


async def _amend(
    engine: Engine, bearer: Bearer, id: str, context: Context, *, label: str | None
) -> Done:
    now = engine.clock.now()
    event = "factor.preferred" if label is None else "factor.renamed"

    async def attempt() -> None:
        view, _ = await sessions.look(engine, bearer)
        held = found(engine, view, id).authenticator
        amended = Amend(held.subject, held.id, label=label, preferred=label is None or None)
        record = engine.record(
            event, now, view.subject, context, authenticator=held.id, method=held.kind
        )
        await engine.commit(Unchanged(view.subject.id, view.subject.epoch), amended, record)

    await engine.settle(attempt)
    return Done({"authenticator": id})


def found(engine: Engine, view: View, id: str) -> second.Method:
    """Return the second factor of this id; NotFound if the subject has no such one."""
    for method in second.methods(engine, view):
        if method.authenticator.id == id:
            return method
    raise NotFound


async def remove(engine: Engine, bearer: Bearer, id: str, context: Context) -> Done:
    """Remove a second factor; with the last one go the recovery codes (A11).

    Raises StepUpRequired, NotFound, and LastFactor where policy demands a second factor. The
    bearer's own session stays, unless policy ends all.
    """
    now = engine.clock.now()
    return await engine.settle(partial(_remove, engine, bearer, id, context, now))


async def _remove(engine: Engine, bearer: Bearer, id: str, context: Context, now: Instant) -> Done:
    view, session = await sessions.look(engine, bearer)
    policy = engine.policy(view.policy)
    require_fresh(engine, view, session, policy, now)
    gone = found(engine, view, id)
    left = tuple(m for m in second.methods(engine, view) if m.authenticator.id != id)
    if not left and is_demanded(policy, view, session):
        record = engine.record(
            "access.refused", now, view.subject, context, authenticator=id, reason=LastFactor.code
        )
        await engine.commit(record)
        raise LastFactor
    held, subject = gone.authenticator, view.subject
    told = {"kind": held.kind, "label": held.label, **sessions.seen_from(context)}
    await engine.commit(
        *rebound(subject),
        *unbinding(engine, view, held, left),
        *ending(policy, subject.id, session.id),
        engine.record(
            "factor.removed", now, subject, context,
            authenticator=held.id, method=held.kind, session=session.id,
        ),
        *engine.letter(now, subject, "factor-removed", told),
    )  # fmt: skip
    facts = {"authenticator": id, "left": len(left)}
    return Done(facts, closes_session=policy.closing is Closing.ALL)


def is_demanded(policy: Policy, view: View, session: Session) -> bool:
    """Say whether policy demands a second factor of the subject."""
    return enforced(policy, view.subject, session.client)[0] is Enforcement.REQUIRED


def unbinding(
    engine: Engine, view: View, held: Authenticator, left: tuple[second.Method, ...]
) -> tuple[Effect, ...]:
    """Return what removes a factor: what hangs on it goes along, and the preference moves on."""
    effects: list[Effect] = [Unbind(held.subject, held.id)]
    if not any(m.factor.kind == held.kind for m in left):
        effects += forgetting(view, held.kind)
    if held.preferred and left:
        effects.append(Amend(held.subject, left[0].authenticator.id, preferred=True))
    recovery = recovery_of(engine, view)
    if recovery is not None and not left:
        effects += (Unbind(held.subject, recovery.id), *forgetting(view, recovery.kind))
    return tuple(effects)


def unbinding_all(engine: Engine, view: View) -> tuple[Effect, ...]:
    """Return what removes every second factor, and the recovery codes.

    What a login has begun to set up goes along: whoever saw it could still confirm it.
    """
    gone = [method.authenticator for method in second.methods(engine, view)]
    gone += [held for held in view.authenticators if held.state is Binding.PENDING]
    recovery = recovery_of(engine, view)
    if recovery is not None:
        gone.append(recovery)
    effects: list[Effect] = [Unbind(held.subject, held.id) for held in gone]
    for kind in dict.fromkeys(held.kind for held in gone):
        effects += forgetting(view, kind)
    return tuple(effects)


def forgetting(view: View, kind: str) -> tuple[Effect, ...]:
    """Return what forgets the guesses at factors of a kind that are gone or renewed."""
    tally = view.tallies.get(of_kind(kind))
    return () if tally is None else (Forgive(view.subject.id, of_kind(kind), tally.version),)
