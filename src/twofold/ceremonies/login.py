"""How a login begins, and its first step; also what every ceremony allows: look, cancel, skip."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from functools import partial

from twofold.ceremonies import browsers, guesses, second
from twofold.ceremonies.changes import password_set
from twofold.ceremonies.engine import Engine
from twofold.ceremonies.grants import again, granted, new_session, session_id
from twofold.ceremonies.judging import renewed
from twofold.ceremonies.openings import NOBODY, opened
from twofold.ceremonies.outcomes import Done, Outcome, Pending
from twofold.ceremonies.proceed import EVENTS, Right, proceed
from twofold.ceremonies.prove import asked
from twofold.core.ceremony import Ceremony, State, Step, advance, require_step
from twofold.core.effects import Effect, OpenSession, Record, Unchanged
from twofold.core.errors import (
    CeremonyConsumed,
    CooldownActive,
    FactorBlocked,
    InvalidCredentials,
    NotPossible,
    PasswordExpired,
    Throttled,
)
from twofold.core.identifiers import candidates
from twofold.core.networks import source_key
from twofold.core.policy import Policy, Requirement
from twofold.core.throttle import of_kind
from twofold.core.types import (
    SECOND,
    Authenticator,
    AuthenticatorId,
    Binding,
    Context,
    Instant,
    Status,
    View,
)
from twofold.factors import Answer, Held, Proof, Wrong


@dataclass(slots=True)
class Opening:
    """A first factor's answer on its way through as many rounds as races make necessary."""

    ceremony: Ceremony
    identifiers: tuple[str, ...]
    answer: Answer
    context: Context
    now: Instant
    verdicts: dict[bytes, Proof | Wrong] = field(default_factory=dict)
    """By sealed secret: a round lost to a race does not pay for a slow hash again."""


async def begin(
    engine: Engine,
    context: Context,
    *,
    identifier: str = "",
    answer: Answer | None = None,
    require: Requirement | None = None,
    purpose: str = "",
) -> Outcome:
    """Start a login; with an answer its first step is taken in the same breath.

    ``purpose`` travels sealed in the ticket and comes back with the grant.
    """
    now = engine.clock.now()
    ceremony = opened(engine, context, now, identifier=identifier, require=require, purpose=purpose)
    if answer is None:
        return second.pending(engine, ceremony, None, engine.rules.policy)
    return await _open(engine, ceremony, identifier, answer, context, now)


async def first_factor(
    engine: Engine, ticket: str, answer: Answer, context: Context, *, identifier: str = ""
) -> Outcome:
    """Judge a first factor's answer.

    Raises InvalidCredentials for every reason there is, Throttled for known and unknown names
    alike, Overloaded when the queue for slow hashes is full and nothing was tried.
    """
    now = engine.clock.now()
    ceremony = engine.ceremony(ticket, context, now)
    require_step(ceremony, Step.PROVE)
    if ceremony.state is not State.FIRST_FACTOR:
        raise NotPossible
    return await _open(engine, ceremony, identifier or ceremony.identifier, answer, context, now)


async def _open(
    engine: Engine,
    ceremony: Ceremony,
    identifier: str,
    answer: Answer,
    context: Context,
    now: Instant,
) -> Outcome:
    names = candidates(identifier) if ceremony.subject is None else ()
    name = names[0] if names else (ceremony.subject or "")
    source = source_key(context.address)
    opening = Opening(ceremony, names, answer, context, now)
    await _admit(engine, opening, source, name)
    limits = engine.terms.passwords
    try:
        outcome = await engine.settle(partial(_round, engine, opening))
    except InvalidCredentials:
        engine.gate.failed(source, name, now, limits)
        if limits is not None:
            # The guess that spends the budget hears of it; so do guesses at nobody's name.
            engine.gate.check(source, name, now, limits)
        raise
    engine.gate.forget(name)
    return await _asked_at_once(engine, outcome, context, now)


async def _admit(engine: Engine, opening: Opening, source: str, name: str) -> None:
    """Ask the doorkeeper, who may not have heard that somebody was unlocked.

    Its memory is one process's own. Whoever it slows for wrong passwords has a tally in the
    store; where that is gone, another process, or the operator at the command line, forgave.
    """
    limits = engine.terms.passwords
    try:
        engine.gate.check(source, name, opening.now, limits)
    except Throttled:
        view = await _find(engine, opening)
        # An account that may not sign in has no tally either, and stays as slow as a stranger.
        forgiven = (
            view is not None
            and _target(engine, view) is not None
            and of_kind(engine.opening.kind) not in view.tallies
        )
        if not forgiven:
            raise
        engine.gate.forget(name)
        engine.gate.check(source, name, opening.now, limits)


async def _round(engine: Engine, opening: Opening) -> Outcome:
    view = await _find(engine, opening)
    target = _target(engine, view)
    verdict = await _verdict(engine, opening, target)
    if view is None or target is None:
        # Recorded without the name: people type passwords into the wrong field.
        await engine.commit(_refusal(engine, opening, view, "unknown"))
        raise InvalidCredentials
    policy = engine.policy(view.policy)
    try:
        budget = guesses.budget(view, _own(engine, policy), engine.opening.kind, None, opening.now)
    except FactorBlocked:
        # Right and wrong alike, and no other words than for a stranger (I8); terms with a lock of
        # their own have it said to whoever knows the password, and nobody else.
        await engine.commit(_refusal(engine, opening, view, "blocked"))
        if engine.terms.passwords is not None and isinstance(verdict, Proof):
            raise
        raise InvalidCredentials from None
    if isinstance(verdict, Wrong):
        await engine.commit(*budget.wrong(), _refusal(engine, opening, view, verdict.hint))
        raise InvalidCredentials
    already = again(engine, opening.ceremony, view, opening.answer, opening.now)
    if already is not None:
        return browsers.repeated(
            engine, already, opening.ceremony, view, opening.context, opening.now
        )
    await _refuse_old(engine, opening, view, target, budget)
    # A ticket may be known to be given up, or to have opened a session that is closed by now.
    guesses.going_on(view, opening.ceremony, policy)
    method = second.Method(target, engine.opening)
    paid = (
        *budget.standing(view.subject.epoch),
        *renewed(engine, method, verdict),
    )
    return await _opened(engine, opening, view, policy, method, verdict.note, paid)


async def _refuse_old(
    engine: Engine, opening: Opening, view: View, held: Authenticator, budget: guesses.Budget
) -> None:
    life = engine.terms.password_life
    if life is not None and password_set(held) + life * SECOND <= opening.now:
        # Said to whoever knows it, who has guessed nothing wrong.
        await engine.commit(*budget.right(), _refusal(engine, opening, view, "too-old"))
        raise PasswordExpired


def _own(engine: Engine, policy: Policy) -> Policy:
    limits = engine.terms.passwords
    return policy if limits is None else replace(policy, guesses=limits)


async def _opened(
    engine: Engine,
    opening: Opening,
    view: View,
    policy: Policy,
    method: second.Method,
    note: str,
    paid: tuple[Effect, ...],
) -> Outcome:
    ceremony = replace(
        opening.ceremony,
        subject=view.subject.id,
        epoch=view.subject.epoch,
        identifier="",
        expires_at=Instant(opening.ceremony.started_at + policy.ceremony_life * SECOND),
    )
    right = Right(
        answer=opening.answer,
        method=engine.opening.kind,
        authenticator=method.authenticator.id,
        note=note,
        proofs=(*opening.ceremony.proofs, second.proven(engine.opening, opening.now)),
        paid=paid,
    )
    return await proceed(engine, ceremony, view, policy, opening.context, opening.now, right)


async def _find(engine: Engine, opening: Opening) -> View | None:
    ceremony = opening.ceremony
    own = session_id(ceremony)
    if ceremony.subject is not None:
        return await engine.look(ceremony, own)
    devices = bool(opening.context.device)
    for identifier in opening.identifiers:
        view = await engine.store.view(
            ceremony.realm, identifier=identifier, session=own, devices=devices
        )
        if view is not None:
            return view
    return None


def _target(engine: Engine, view: View | None) -> Authenticator | None:
    if view is None or view.subject.status is not Status.ACTIVE:
        return None
    known = (a for a in view.authenticators if a.kind == engine.opening.kind)
    return next((a for a in known if a.state is Binding.ACTIVE), None)


async def _verdict(engine: Engine, opening: Opening, target: Authenticator | None) -> Proof | Wrong:
    key = target.sealed if target is not None else b""
    if key not in opening.verdicts:
        held = engine.held(target) if target is not None else _decoy(engine, opening)
        opening.verdicts[key] = await engine.judge(
            engine.opening, held, opening.ceremony.voice, opening.answer, opening.now
        )
    return opening.verdicts[key]


def _decoy(engine: Engine, opening: Opening) -> Held:
    nobody = Authenticator(
        id=AuthenticatorId("0" * 16),
        subject=NOBODY,
        realm=opening.ceremony.realm,
        kind=engine.opening.kind,
        created_at=opening.now,
    )
    return engine.draft(nobody, engine.opening.decoy)


def _refusal(engine: Engine, opening: Opening, view: View | None, hint: str) -> Record:
    prefix = EVENTS[opening.ceremony.kind]
    subject = view.subject if view is not None else None
    return engine.record(
        f"{prefix}.password.refused",
        opening.now,
        subject,
        opening.context,
        hint=hint,
        ceremony=opening.ceremony.name,
    )


async def _asked_at_once(
    engine: Engine, outcome: Outcome, context: Context, now: Instant
) -> Outcome:
    """Send the challenge along when the preferred method cannot be answered without one.

    A cool-down or a blocked method never fails the login: the claimant may choose another.
    """
    match outcome:
        case Pending(ceremony=ceremony, choices=(choice, *_)) if (
            engine.terms.asks_at_once
            and ceremony.state is State.SECOND_FACTOR
            and choice.needs_challenge
        ):
            try:
                return await engine.settle(
                    partial(asked, engine, ceremony, context, now, choice.id)
                )
            except (CooldownActive, Throttled):
                return outcome
        case _:
            return outcome


async def inspect(engine: Engine, ticket: str, context: Context) -> Outcome:
    """Say where a ceremony stands; secrets are never repeated."""
    now = engine.clock.now()
    ceremony = engine.ceremony(ticket, context, now)
    if ceremony.subject is None:
        return second.pending(engine, ceremony, None, engine.rules.policy)
    view = await engine.look(ceremony, session_id(ceremony))
    policy = engine.policy(view.policy)
    if view.session is not None:
        raise CeremonyConsumed
    guesses.going_on(view, ceremony, policy)
    left = guesses.left_here(view, ceremony, policy)
    return second.pending(engine, ceremony, view, policy, attempts_left=left)


async def cancel(engine: Engine, ticket: str, context: Context) -> Done:
    """End a ceremony for good: its ticket opens nothing any more."""
    now = engine.clock.now()
    ceremony = advance(engine.ceremony(ticket, context, now), Step.CANCEL, State.CANCELLED)
    if ceremony.subject is None:
        return Done()

    async def attempt() -> None:
        view = await engine.look(ceremony)
        event = f"{EVENTS[ceremony.kind]}.cancelled"
        record = engine.record(event, now, view.subject, context, ceremony=ceremony.name)
        await engine.commit(guesses.ended(view, ceremony, engine.policy(view.policy)), record)

    await engine.settle(attempt)
    return Done()


async def skip(engine: Engine, ticket: str, context: Context) -> Outcome:
    """Put a demanded enrolment off while policy still allows it."""
    now = engine.clock.now()
    ceremony = engine.ceremony(ticket, context, now)
    moved = advance(ceremony, Step.SKIP, State.DONE, draft=None)
    if ceremony.skippable_until is None or ceremony.skippable_until <= now:
        raise NotPossible

    async def attempt() -> Outcome:
        view = await engine.look(ceremony, session_id(ceremony))
        already = again(engine, ceremony, view, "", now)
        if already is not None:
            return already
        policy = engine.policy(view.policy)
        not_ended = guesses.going_on(view, ceremony, policy)
        session = new_session(engine, moved, policy, context, "", now)
        record = engine.record(
            "enrol.declined",
            now,
            view.subject,
            context,
            session=session.id,
            amr=session.amr,
            ceremony=ceremony.name,
        )
        unchanged = Unchanged(view.subject.id, ceremony.epoch)
        over = guesses.ended(view, ceremony, policy)
        browser = browsers.shown(engine, ceremony, view, context, now)
        letter = browsers.arrival(engine, browser, view, policy, context, now)
        await engine.commit(unchanged, not_ended, over, OpenSession(session), *letter, record)
        carried = browsers.carried(engine, browser, view)
        return granted(engine, session, view, device=carried, purpose=ceremony.purpose)

    return await engine.settle(attempt)
