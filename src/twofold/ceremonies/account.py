"""What people do about their own account: register, prove an address, change or reset a password.

Whoever asks without being signed in gets the same answer and causes the same work whether or not
the address belongs to somebody; only the owner of the mailbox reads which it was (I8). Mailed
tokens are sealed tickets, single use by the state they speak of: an address is verified once, and
setting a password raises the epoch that a token which resets it was made for.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, replace
from functools import partial

from twofold.ceremonies import browsers, second, sessions
from twofold.ceremonies.changes import (
    changed,
    first_password,
    hashed,
    letter_taken,
    new_password_effects,
)
from twofold.ceremonies.engine import Engine
from twofold.ceremonies.grants import tokens_of
from twofold.ceremonies.judging import Attempt, Words, judge
from twofold.ceremonies.outcomes import Done, Granted
from twofold.ceremonies.sessions import Bearer, Seen, seen_from
from twofold.ceremonies.step_up import require_fresh
from twofold.core import identifiers, languages, letters, tickets
from twofold.core.effects import CloseSessions, Effect, OpenSession, PutSubject
from twofold.core.errors import (
    CeremonyConsumed,
    CeremonyExpired,
    CodeRejected,
    InvalidCredentials,
    Malformed,
    NotAllowed,
    NotEnrolled,
    NotPossible,
    StaleSecurityState,
    Throttled,
)
from twofold.core.networks import source_key
from twofold.core.types import (
    POLICY,
    SECOND,
    Binding,
    Context,
    Instant,
    Realm,
    SessionId,
    Status,
    Subject,
    SubjectId,
    View,
)
from twofold.factors import Bound

VERIFY = "verify-address"
RESET = "reset-password"
"""Purpose of the ticket, name of the letter, and path of the page its link opens."""

LIVES = {VERIFY: 86_400, RESET: 3_600}
"""Seconds for which a mailed token is good; SP 800-63B section 4.2.1.2 has 24 hours."""

_CHANGE = Words(*["account.password.refused"] * 3)


@dataclass(frozen=True, slots=True)
class Token:
    """What a mailed token says; true only if the subject's row agrees."""

    subject: SubjectId
    mark: str
    """What must be true of the subject for the token to work; see _mark."""


async def registration(engine: Engine, realm: Realm) -> bool:
    """Say whether policy lets anybody register."""
    return engine.policy(await engine.store.document(realm, *POLICY)).registration


async def register(
    engine: Engine,
    context: Context,
    *,
    name: str = "",
    email: str,
    password: str,
    phone: str | None = None,
) -> Done:
    """Make a subject whose address is not verified yet; NotAllowed where policy says so.

    The answer is the same when the address already is somebody's: then a subject is made as
    well, which can sign in by its name, can never claim the address, and the owner is told.
    Taken speaks of the name alone. Malformed and WeakPassword are said before anybody is looked
    for.
    """
    now = engine.clock.now()
    if not await registration(engine, context.realm):
        raise NotAllowed
    source = source_key(context.address)
    engine.gate.check(source, "", now)
    subject = _applicant(engine, context, name, email, phone, now)
    # A sign-up costs us a hash, a row and a letter: one source may have so many (A139).
    engine.gate.failed(source, "", now)
    bound = await hashed(engine, subject, password, now)
    await engine.settle(partial(_register, engine, subject, bound, context, now))
    return Done({"subject": subject.id, "name": subject.name})


def _applicant(
    engine: Engine, context: Context, name: str, email: str, phone: str | None, now: Instant
) -> Subject:
    address = plain(identifiers.email(email))
    wished = name.strip() or f"{address.partition('@')[0]}-{engine.draw(4).hex()}"
    check_name(wished)
    # As it will be looked up: a full-width @ is one, too.
    if "@" in (folded := plain(identifiers.name(wished))) or folded.startswith("+"):
        # It would sign in under another's address or number before that is anybody's.
        raise Malformed("A name is no address and no number.", field="name")
    return Subject(
        realm=context.realm,
        id=SubjectId(engine.draw(16).hex()),
        name=wished,
        created_at=now,
        email=address,
        phone=plain(identifiers.phone(phone)) if phone else None,
        # So that what is told later is in the owner's words, whoever's browser caused it.
        locale=(*languages.fallbacks(context.locale), "")[0],
    )


def plain(identifier: str) -> str:
    """Return an address or number in the spelling it is kept in."""
    return identifier.partition(":")[2]


def check_name(name: str) -> None:
    """Refuse as Malformed what can be no name, or would not be safe in a letter."""
    identifiers.name(name)
    letters.check_text(name, field="name")


async def _register(
    engine: Engine, subject: Subject, bound: Bound, context: Context, now: Instant
) -> None:
    owner = await _owner(engine, subject)
    effects: list[Effect] = [
        PutSubject(subject),
        first_password(engine, subject, bound, now),
        engine.record("account.registered", now, subject, context),
    ]
    effects += _letter_to_address(engine, subject, owner, seen_from(context), now)
    if owner is not None:
        effects.append(engine.record("account.registered.again", now, owner.subject, context))
    await engine.commit(*effects)


async def _owner(engine: Engine, subject: Subject) -> View | None:
    """Return whose the address of a subject is, if somebody else has verified it."""
    identifier = identifiers.email(subject.email)
    found = await engine.store.view(subject.realm, identifier=identifier)
    return None if found is None or found.subject.id == subject.id else found


def _letter_to_address(
    engine: Engine, subject: Subject, owner: View | None, seen: Seen, now: Instant
) -> tuple[Effect, ...]:
    """Return the one letter an unverified address gets, as long as it has not had too many.

    Too many are dropped in silence: who types an address must not learn what others did.
    """
    address = f"letters:{subject.email}"
    try:
        engine.gate.check("", address, now)
        taken = () if owner is None else (letter_taken(owner, "again", now),)
    except Throttled:
        return ()
    engine.gate.failed("", address, now)
    if owner is None:
        return _token_letter(engine, subject, VERIFY, seen, now)
    told = engine.letter(now, owner.subject, "registered-again", seen)
    return (*taken, *told)


def _token_letter(
    engine: Engine, subject: Subject, purpose: str, seen: Seen, now: Instant
) -> tuple[Effect, ...]:
    life = LIVES[purpose]
    payload = {"s": subject.id, "m": _mark(purpose, subject), "x": now + life * SECOND}
    token = tickets.seal_ticket(engine.ring(), purpose, subject.realm, "", payload, engine.draw(12))
    # Behind the number sign, where no server and no Referer header writes it down.
    link = f"{engine.rules.base_url.rstrip('/')}/{purpose}#{token}"
    values = {**seen, "code": token, "link": link}
    return engine.letter(now, subject, purpose, values, to=subject.email, lifetime=life)


def _opened(engine: Engine, purpose: str, token: str, context: Context, now: Instant) -> Token:
    payload = tickets.open_ticket(engine.ring(), purpose, context.realm, "", token.strip())
    if payload["x"] <= now:
        raise CeremonyExpired
    return Token(payload["s"], payload["m"])


def _mark(purpose: str, subject: Subject) -> str:
    """Return what a token is bound to: the address it went to, or the epoch of the password."""
    if purpose == RESET:
        return str(subject.epoch)
    # A digest, because a letter has no room for the longest address within a token.
    return hashlib.sha256(f"address\0{subject.email}".encode()).hexdigest()[:16]


async def ask_verification(engine: Engine, bearer: Bearer, context: Context) -> Done:
    """Send another letter that verifies the bearer's address; Throttled after a few.

    NotPossible without an address, or when it is verified already.
    """
    now = engine.clock.now()

    async def attempt() -> None:
        view, _ = await sessions.look(engine, bearer)
        subject = view.subject
        if subject.email is None or subject.email_verified:
            raise NotPossible
        taken = letter_taken(view, "verify", now)
        owner = await _owner(engine, subject)
        letter = _letter_to_address(engine, subject, owner, seen_from(context), now)
        record = engine.record("account.verification.asked", now, subject, context)
        await engine.commit(taken, *letter, record)

    await engine.settle(attempt)
    return Done()


async def verify_address(engine: Engine, token: str, context: Context) -> Done:
    """Take a mailed token for proof that the subject reads that mailbox.

    CeremonyExpired, CeremonyConsumed when it is verified already, StaleSecurityState when the
    account has changed since, Taken when another subject verified the same address first.
    """
    now = engine.clock.now()
    told = _opened(engine, VERIFY, token, context, now)

    async def attempt() -> Subject:
        view = await engine.store.view(context.realm, told.subject)
        if view is None or view.subject.status is not Status.ACTIVE:
            raise CeremonyExpired
        subject = view.subject
        if subject.email_verified:
            raise CeremonyConsumed
        if _mark(VERIFY, subject) != told.mark:
            raise StaleSecurityState
        record = engine.record("account.verified", now, subject, context)
        await engine.commit(changed(subject, email_verified=True), record)
        return subject

    subject = await engine.settle(attempt)
    return Done({"subject": subject.id, "email": subject.email})


async def change_password(
    engine: Engine, bearer: Bearer, current: str, new: str, context: Context
) -> Granted:
    """Replace the password; every session ends, and a new one stands in the bearer's place.

    New, so that a copied token of the bearer's own session dies as well (ASVS 7.2.4, 7.4.3).
    It has the level and the ``auth_time`` of the old one: typing a password raises neither.
    Raises InvalidCredentials, counted with the guesses at logins, FactorBlocked, WeakPassword,
    NotEnrolled without a password, and StepUpRequired where a second factor is bound.
    """
    now = engine.clock.now()
    source = source_key(context.address)
    engine.gate.check(source, "", now)
    attempt = Attempt(current, context, now, _CHANGE, "account.password")
    bound: list[Bound] = []
    try:
        return await engine.settle(partial(_change_password, engine, bearer, attempt, new, bound))
    except CodeRejected:
        engine.gate.failed(source, "", now)
        raise InvalidCredentials from None


async def _change_password(
    engine: Engine, bearer: Bearer, attempt: Attempt, new: str, hashes: list[Bound]
) -> Granted:
    now, context = attempt.now, attempt.context
    view, session = await sessions.look(engine, bearer)
    policy = engine.policy(view.policy)
    subject = view.subject
    if second.methods(engine, view):
        # Without one the right password is itself the freshest proof there can be.
        require_fresh(engine, view, session, policy, now)
    await judge(engine, attempt, view, policy, _password(engine, view))
    if not hashes:
        # A round lost to a race does not pay for the slow hash again.
        hashes.append(await hashed(engine, subject, new, now))
    renewed = replace(
        session,
        id=SessionId(engine.draw(16).hex()),
        generation=0,
        rotated_at=now,
        seen_at=now,
        proof="",
    )
    await engine.commit(
        changed(subject),
        *new_password_effects(engine, view, hashes[0], now),
        CloseSessions(subject.id),
        OpenSession(renewed),
        engine.record("account.password.changed", now, subject, context, session=renewed.id),
        *engine.letter(now, subject, "password-changed", seen_from(context)),
    )
    known = browsers.changed(engine, view, context)
    return Granted(renewed, subject, tokens_of(engine, renewed), ended=(session.id,), device=known)


def _password(engine: Engine, view: View) -> tuple[second.Method, ...]:
    found = tuple(
        second.Method(a, engine.opening)
        for a in view.authenticators
        if a.kind == engine.opening.kind and a.state is Binding.ACTIVE
    )
    if not found:
        raise NotEnrolled
    return found


async def ask_reset(engine: Engine, identifier: str, context: Context) -> Done:
    """Send a letter that resets the password, if there is somebody with a verified address.

    Always Done, whether or not there is; Throttled says only that this source asks too often.
    """
    now = engine.clock.now()
    source = source_key(context.address)
    engine.gate.check(source, "", now)
    engine.gate.failed(source, "", now)
    names = identifiers.candidates(identifier)

    async def attempt() -> None:
        view = None
        for name in names:
            view = view or await engine.store.view(context.realm, identifier=name)
        await engine.commit(*_reset_letter(engine, view, context, now))

    await engine.settle(attempt)
    return Done()


def _reset_letter(
    engine: Engine, view: View | None, context: Context, now: Instant
) -> tuple[Effect, ...]:
    """Return the letter and its record; for everybody else a record alone, of the same price."""
    event, subject = "account.password.reset.asked", view.subject if view is not None else None
    if view is None or subject is None:
        return (engine.record(event, now, None, context, hint="unknown"),)
    if subject.status is not Status.ACTIVE or not subject.email_verified:
        return (engine.record(event, now, subject, context, hint="no-address"),)
    try:
        taken = letter_taken(view, "reset", now)
    except Throttled:
        return (engine.record(event, now, subject, context, hint="too-many"),)
    letter = _token_letter(engine, subject, RESET, seen_from(context), now)
    return (taken, *letter, engine.record(event, now, subject, context))


async def reset_password(engine: Engine, token: str, new: str, context: Context) -> Done:
    """Set a new password with a mailed token; it never grants a session.

    All sessions end, and the next login asks for the second factor as ever (ASVS 6.4.3). Raises
    CeremonyExpired, StaleSecurityState when it was used or the account changed, WeakPassword.
    """
    now = engine.clock.now()
    told = _opened(engine, RESET, token, context, now)
    # Looked at before hashing: a used token must not make us work.
    subject = (await _resettable(engine, told, context)).subject
    bound = await hashed(engine, subject, new, now)

    async def attempt() -> None:
        view = await _resettable(engine, told, context)
        await engine.commit(
            changed(view.subject),
            *new_password_effects(engine, view, bound, now),
            CloseSessions(subject.id),
            engine.record("account.password.reset", now, subject, context),
            *engine.letter(now, subject, "password-changed", seen_from(context)),
        )

    await engine.settle(attempt)
    engine.gate.forget(identifiers.name(subject.name))
    engine.gate.forget(identifiers.email(subject.email))
    return Done()


async def _resettable(engine: Engine, told: Token, context: Context) -> View:
    view = await engine.store.view(context.realm, told.subject)
    if view is None or view.subject.status is not Status.ACTIVE:
        raise CeremonyExpired
    if _mark(RESET, view.subject) != told.mark or not view.subject.email_verified:
        raise StaleSecurityState
    return view
