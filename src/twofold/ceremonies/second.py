"""The second step, wherever it is taken: which methods there are, asking, proving.

Login and step-up differ in how they begin and end; what lies between is this one piece.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace

from twofold.ceremonies import disown
from twofold.ceremonies.engine import Engine
from twofold.ceremonies.outcomes import Choice, Pending
from twofold.core.ceremony import Ceremony, Kind, State
from twofold.core.effects import Effect, Issue
from twofold.core.errors import NotEnrolled, NotPossible
from twofold.core.policy import Policy, Proven, Requirement, Situation
from twofold.core.types import (
    Aal,
    Authenticator,
    AuthenticatorId,
    Binding,
    Category,
    Context,
    Device,
    Instant,
    View,
)
from twofold.core.values import quick
from twofold.factors import Asked, Factor, Proof


@quick
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
    found = [Method(held, engine.factors[held.kind]) for held in _usable(engine, view)]
    if len(found) > 1:
        found.sort(key=_preference)
    return tuple(found)


def _usable(engine: Engine, view: View) -> list[Authenticator]:
    """Return the subject's second factors in no order."""
    others = (engine.opening.kind, engine.recovery.kind)
    active, factors = Binding.ACTIVE, engine.factors
    return [
        held
        for held in view.authenticators
        if held.state is active and held.kind in factors and held.kind not in others
    ]


def _preference(method: Method) -> tuple[bool, int, bool, Instant, str]:
    held, factor = method.authenticator, method.factor
    return not held.preferred, -factor.aal, factor.asks, held.created_at, held.id


def has_recovery(engine: Engine, view: View) -> bool:
    """Say whether the subject has recovery codes left."""
    return any(a.kind == engine.recovery.kind and a.items for a in view.authenticators)


def situation(
    engine: Engine,
    view: View,
    ceremony: Ceremony,
    proofs: tuple[Proven, ...],
    context: Context,
    now: Instant,
    device: Device | None = None,
) -> Situation:
    """Return everything that policy may look at."""
    usable = frozenset([held.kind for held in _usable(engine, view)])
    strong = frozenset([kind for kind in usable if engine.factors[kind].aal >= Aal.TWO])
    return Situation(
        subject=view.subject,
        usable=usable,
        strong=strong,
        proofs=proofs,
        address=context.address,
        client=ceremony.client,
        require=_raised(ceremony, proofs) if strong else ceremony.require,
        now=now,
        device=device,
    )


def _raised(ceremony: Ceremony, proofs: tuple[Proven, ...]) -> Requirement:
    """Return what a subject with a strong factor must prove: in a step-up, that factor.

    A recovery code stands in for it; what it opens is good for replacing the factor only.
    """
    if ceremony.kind is not Kind.STEP_UP:
        return ceremony.require
    if any(proof.category is Category.RECOVERY for proof in proofs):
        return ceremony.require
    return replace(ceremony.require, aal=max(ceremony.require.aal, Aal.TWO))


def proven(factor: Factor, now: Instant, proof: Proof | None = None) -> Proven:
    """Return what a right answer of a factor adds to a ceremony."""
    amr, category = factor.amr, factor.category
    if proof is not None:
        amr, category = proof.amr or amr, proof.category or category
    return Proven(factor.kind, amr, factor.aal, category, now, first=factor.first)


def chosen(
    engine: Engine, view: View, wanted: str | None, *, recovery: bool, names_itself: bool = False
) -> tuple[Method, ...]:
    """Return the authenticators an answer may be meant for, all of one kind.

    With an id, that one; else every authenticator of the first kind that needs no challenge: a
    person with two phones just types a code. An answer that ``names_itself``, as a credential
    does, may be of any authenticator of the kind that was asked: one challenge is for them all.
    """
    if recovery:
        return _recovery(engine, view)
    known = methods(engine, view)
    if names_itself:
        kinds = [m.factor.kind for m in known if m.authenticator.id == wanted]
        return tuple([m for m in known if m.factor.kind in kinds]) or _none()
    if wanted is not None:
        return tuple([m for m in known if m.authenticator.id == wanted]) or _none()
    ready = [m for m in known if not m.factor.asks]
    if not ready:
        raise NotPossible
    kind = ready[0].factor.kind
    return tuple([m for m in ready if m.factor.kind == kind])


def asking(engine: Engine, view: View, wanted: str | None) -> Method:
    """Return the method to ask for a challenge: the one named, or the first that needs one."""
    for method in methods(engine, view):
        if method.factor.asks and wanted in (None, method.authenticator.id):
            return method
    raise NotEnrolled


def kin(view: View, held: Authenticator) -> tuple[Authenticator, ...]:
    """Return the subject's other authenticators of the same kind, those that are shut as well.

    What was shut for too many guesses must not come in again as something new.
    """
    others = (a for a in view.authenticators if a.id != held.id)
    return tuple([a for a in others if a.kind == held.kind])


def challenged(
    engine: Engine,
    view: View,
    method: Method,
    voice: str,
    now: Instant,
    seen: Mapping[str, str | int] | None = None,
) -> tuple[Asked, tuple[Effect, ...]]:
    """Make a challenge: what it says, and the effects that store and send it.

    Two requests at once are one message, and what was sent before stays good unless something
    new was sent (A139). The message says what the code is for and what was ``seen`` of who asks.
    Raises CooldownActive or Throttled.
    """
    held = method.authenticator
    asking_of = replace(engine.held(held), kin=kin(view, held))
    challenge = method.factor.ask(view.subject, asking_of, voice, engine.draw(), now)
    sent = challenge.deliver is not None
    told = {**(seen or {}), **purpose(engine, view, held.id, voice, now)} if sent else {}
    sending = engine.delivery(now, view.subject, held.id, challenge, told)
    if challenge.items is None:
        return challenge, sending
    parameters = dict(challenge.parameters) if challenge.parameters is not None else None
    issue = Issue(held.subject, held.id, challenge.items, parameters, seen=held.mark)
    return challenge, (issue, *sending)


def purpose(
    engine: Engine, view: View, id: AuthenticatorId, voice: str, now: Instant
) -> dict[str, str | int]:
    """Return what a message with a code says it is for, and the link by which to disown it."""
    link = disown.link(engine, view.subject, id, voice, now)
    return {"purpose": voice.partition(".")[0], "link": link}


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
        discoverable=is_open(engine, ceremony),
    )


def is_open(engine: Engine, ceremony: Ceremony) -> bool:
    """Say whether a passkey alone may answer: in a login that nothing was proved in yet."""
    if ceremony.state is not State.FIRST_FACTOR or ceremony.kind is not Kind.LOGIN:
        return False
    return engine.discoverable is not None


def bindable(engine: Engine, policy: Policy) -> tuple[str, ...]:
    """Return the kinds of second factor that may be bound, in the policy's order."""
    return tuple(kind for kind in policy.kinds if kind in engine.factors)


def _choices(known: Iterable[Method]) -> Iterable[Choice]:
    for place, method in enumerate(known):
        hint = method.authenticator.parameters.get("hint", "")
        digits = method.authenticator.parameters.get("digits", 0)
        yield Choice(
            id=method.authenticator.id,
            kind=method.factor.kind,
            label=method.authenticator.label,
            preferred=place == 0,
            needs_challenge=method.factor.asks,
            hint=str(hint),
            digits=digits if isinstance(digits, int) else 0,
        )


def _recovery(engine: Engine, view: View) -> tuple[Method, ...]:
    found = tuple(
        Method(a, engine.recovery) for a in view.authenticators if a.kind == engine.recovery.kind
    )
    return found or _none()


def _none() -> tuple[Method, ...]:
    raise NotEnrolled
