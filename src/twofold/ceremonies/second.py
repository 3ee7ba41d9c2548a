"""The second step, wherever it is taken: which methods there are, asking, proving.

Login and step-up differ in how they begin and end; what lies between is this one piece.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from twofold.ceremonies.engine import Engine
from twofold.ceremonies.outcomes import Choice, Pending
from twofold.core.ceremony import Ceremony, State
from twofold.core.errors import NotEnrolled, NotPossible
from twofold.core.policy import Policy, Proven, Situation
from twofold.core.types import Aal, Authenticator, Binding, Context, Instant, View
from twofold.factors import Factor


@dataclass(frozen=True, slots=True)
class Method:
    """An authenticator with the code that knows its kind."""

    authenticator: Authenticator
    factor: Factor


def methods(engine: Engine, view: View) -> tuple[Method, ...]:
    """Return the subject's second factors, preferred and strongest first; no recovery codes.

    A kind that policy no longer lets anybody bind is still asked for: shrinking the list must
    not turn a protected account into one that a password opens.
    """
    found = [
        Method(a, engine.factors[a.kind])
        for a in view.authenticators
        if a.state is Binding.ACTIVE
        and a.kind in engine.factors
        and a.kind not in (engine.opening.kind, engine.recovery.kind)
    ]
    return tuple(
        sorted(
            found,
            key=lambda m: (
                not m.authenticator.preferred,
                -m.factor.aal,
                m.factor.asks,
                m.authenticator.created_at,
                m.authenticator.id,
            ),
        )
    )


def has_recovery(engine: Engine, view: View) -> bool:
    """Say whether the subject has recovery codes left."""
    return any(a.kind == engine.recovery.kind and a.items for a in view.authenticators)


def situation(
    engine: Engine, view: View, ceremony: Ceremony, context: Context, now: Instant
) -> Situation:
    """Return everything that policy may look at."""
    usable = methods(engine, view)
    return Situation(
        subject=view.subject,
        usable=frozenset(m.factor.kind for m in usable),
        strong=frozenset(m.factor.kind for m in usable if m.factor.aal >= Aal.TWO),
        proofs=ceremony.proofs,
        address=context.address,
        client=ceremony.client,
        require=ceremony.require,
        now=now,
    )


def proven(factor: Factor, now: Instant) -> Proven:
    """Return what a right answer of a factor adds to a ceremony."""
    return Proven(factor.kind, factor.amr, factor.aal, factor.category, now, first=factor.first)


def chosen(engine: Engine, view: View, wanted: str | None, *, recovery: bool) -> tuple[Method, ...]:
    """Return the authenticators an answer may be meant for, all of one kind.

    With an id, that one; else every authenticator of the first kind that needs no challenge: a
    person with two phones just types a code.
    """
    if recovery:
        return _recovery(engine, view)
    known = methods(engine, view)
    if wanted is not None:
        return tuple(m for m in known if m.authenticator.id == wanted) or _none()
    ready = [m for m in known if not m.factor.asks]
    if not ready:
        raise NotPossible
    return tuple(m for m in ready if m.factor.kind == ready[0].factor.kind)


def pending(
    engine: Engine,
    ceremony: Ceremony,
    view: View | None,
    policy: Policy,
    *,
    attempts_left: int | None = None,
    show: dict[str, object] | None = None,
    resend_at: Instant | None = None,
) -> Pending:
    """Return the outcome of a ceremony that goes on, with a fresh ticket."""
    inside = view is not None and ceremony.state is not State.FIRST_FACTOR
    binds = ceremony.state in (State.ENROL, State.CONFIRM)
    return Pending(
        ceremony=ceremony,
        ticket=engine.ticket(ceremony),
        subject=view.subject if view is not None and inside else None,
        choices=tuple(_choices(methods(engine, view))) if view is not None and inside else (),
        recovery=view is not None and inside and has_recovery(engine, view),
        attempts_left=policy.guesses_per_ceremony if attempts_left is None else attempts_left,
        kinds=bindable(engine, policy) if binds else (),
        show=show or {},
        resend_at=resend_at,
    )


def bindable(engine: Engine, policy: Policy) -> tuple[str, ...]:
    """Return the kinds of second factor that may be bound, in the policy's order."""
    return tuple(kind for kind in policy.kinds if kind in engine.factors)


def _choices(known: Iterable[Method]) -> Iterable[Choice]:
    for place, method in enumerate(known):
        hint = method.authenticator.parameters.get("hint", "")
        yield Choice(
            id=method.authenticator.id,
            kind=method.factor.kind,
            label=method.authenticator.label,
            preferred=place == 0,
            needs_challenge=method.factor.asks,
            hint=str(hint),
        )


def _recovery(engine: Engine, view: View) -> tuple[Method, ...]:
    found = tuple(
        Method(a, engine.recovery) for a in view.authenticators if a.kind == engine.recovery.kind
    )
    return found or _none()


def _none() -> tuple[Method, ...]:
    raise NotEnrolled
