"""Verifying for applications that keep their own passwords: a subject, a code, one call.

The budgets and the marks are those of logins: a code is spent once, here or there, and wrong ones
add up. The application says by calling that it has checked a first factor itself, so the level in
the statement counts that one; ``amr`` names only what was verified here.

An application may verify any subject of its realm. It makes, enrols and forgets its own only.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

from twofold.ceremonies import enrol, second
from twofold.ceremonies.account import check_name, plain
from twofold.ceremonies.admin import find
from twofold.ceremonies.changes import changed
from twofold.ceremonies.clients import Client, authenticate_client
from twofold.ceremonies.engine import Engine
from twofold.ceremonies.judging import (
    Attempt,
    Judged,
    Words,
    budgeted,
    codes_left,
    judge,
    paid,
    spending,
)
from twofold.ceremonies.manage import FactorRow, RecoveryRow, factor_rows, recovery_row
from twofold.ceremonies.outcomes import Done, Outcome, Revealed
from twofold.ceremonies.step_up import reachable
from twofold.core import assertions, identifiers
from twofold.core.assertions import Assertion
from twofold.core.ceremony import Ceremony, Kind, State
from twofold.core.effects import PutSubject, RemoveSubject, Unchanged
from twofold.core.errors import (
    CooldownActive,
    Malformed,
    NotAllowed,
    NotEnrolled,
    NotFound,
    StepUpRequired,
    Taken,
)
from twofold.core.policy import ACR, Policy, Proven, Requirement, demanded, level, references
from twofold.core.types import (
    SECOND,
    Aal,
    Category,
    Context,
    Instant,
    Status,
    Subject,
    SubjectId,
    View,
)
from twofold.factors import Answer, Wish

__all__ = [
    "Client",
    "Summary",
    "ask",
    "authenticate_client",
    "check",
    "enrol_begin",
    "enrol_confirm",
    "forget",
    "jwks",
    "put_subject",
    "summary",
]

OWNER = "twofold.client"
"""The attribute of a subject that names the application it was made by; no face writes it."""

Chooser = Callable[[View, Policy], tuple[second.Method, ...]]
"""Which authenticators an answer may be meant for."""

_WORDS = Words("verify.refused", "verify.replayed", "verify.blocked")


@dataclass(frozen=True, slots=True)
class Summary:
    """What an application may know of a subject: which methods it can be asked for."""

    subject: Subject
    factors: tuple[FactorRow, ...]
    recovery: RecoveryRow | None


async def check(
    engine: Engine,
    client: Client,
    subject: str,
    answer: Answer,
    context: Context,
    *,
    authenticator: str | None = None,
    recovery: bool = False,
    nonce: str = "",
) -> Done:
    """Judge and spend an answer for an application, and sign a statement about it.

    The facts are ``assertion``, ``acr``, ``amr``, ``auth_time``, ``subject`` and, after a
    recovery code, ``codes_left``. Without ``authenticator`` the code may be of any factor of the
    first kind that shows codes, or one that was mailed. Raises NotEnrolled (for a stranger as
    well), CodeRejected, CodeAlreadyUsed, FactorBlocked, or NotAllowed for a disabled subject.
    """
    if len(nonce) > assertions.NONCE_LIMIT:
        raise Malformed("This is too long.", field="nonce")
    attempt = _attempt(engine, client, answer, context)
    choose = partial(_targets, engine, client, authenticator, answer, recovery=recovery)
    view, judged = await _spent(engine, attempt, subject, choose)
    facts = _facts(engine, client, subject, attempt.now, judged, nonce)
    left = codes_left(engine, judged)
    return Done({**facts, "subject": view.subject.id, "codes_left": left})


def _attempt(engine: Engine, client: Client, answer: Answer, context: Context) -> Attempt:
    where = replace(context, realm=client.realm, client=client.id)
    return Attempt(answer, where, engine.clock.now(), _WORDS, _voice(client))


def _voice(client: Client) -> str:
    # What was mailed for one application answers no other, and no login (I4, ASVS 6.6.2).
    return f"verify.{client.id}"


async def _spent(
    engine: Engine, attempt: Attempt, subject: str, choose: Chooser
) -> tuple[View, Judged]:
    """Judge an answer and commit what it spends; looks again as long as somebody was faster."""

    async def round_() -> tuple[View, Judged]:
        view = await _active(engine, attempt.context, subject, attempt.now)
        policy = engine.policy(view.policy)
        judged = await judge(engine, attempt, view, policy, choose(view, policy))
        record = engine.record(
            "verify.accepted",
            attempt.now,
            view.subject,
            attempt.context,
            method=judged.method.factor.kind,
            authenticator=judged.method.authenticator.id,
            spent=judged.proof.note or None,
        )
        effects = paid(engine, attempt, view, judged, view.subject.epoch)
        await spending(attempt, judged, engine.commit(*effects, record))
        return view, judged

    return await engine.settle(round_)


async def _active(engine: Engine, context: Context, subject: str, now: Instant) -> View:
    try:
        view = await find(engine, context.realm, subject)
    except NotFound:
        raise NotEnrolled from None
    if view.subject.status is not Status.ACTIVE:
        refused = engine.record("verify.refused", now, view.subject, context, hint="disabled")
        await engine.commit(refused)
        raise NotAllowed
    return view


def _targets(
    engine: Engine,
    client: Client,
    wanted: str | None,
    answer: Answer,
    view: View,
    policy: Policy,
    *,
    recovery: bool,
) -> tuple[second.Method, ...]:
    """Return what an answer may be meant for, all of one kind and as strong as policy demands."""
    least = demanded(policy, client.id, Requirement()).aal
    if recovery:
        found = second.chosen(engine, view, None, recovery=True)
        if least > Aal.ONE:
            raise NotAllowed
        return found
    known = second.methods(engine, view)
    fit = [m for m in known if m.factor.aal >= least and wanted in (None, m.authenticator.id)]
    if not fit:
        raise NotAllowed if known and wanted is None else NotEnrolled
    if not isinstance(answer, str):
        return second.chosen(
            engine, view, fit[0].authenticator.id, recovery=False, names_itself=True
        )
    ready = [m for m in fit if not m.factor.asks] or fit
    return tuple(m for m in ready if m.factor.kind == ready[0].factor.kind)


def _facts(
    engine: Engine, client: Client, subject: str, now: Instant, judged: Judged, nonce: str
) -> dict[str, object]:
    proofs = (_word(now), second.proven(judged.method.factor, now, judged.proof))
    reached = level(proofs)
    said = Assertion(
        issuer=engine.rules.base_url,
        audience=client.id,
        subject=subject,
        acr=ACR[reached],
        amr=references(proofs, reached),
        at=now,
        jti=engine.draw(16).hex(),
        nonce=nonce,
    )
    return {
        "assertion": assertions.sign(engine.ring().current(assertions.PURPOSE), said),
        "acr": said.acr,
        "amr": said.amr,
        "auth_time": now,
    }


def _word(now: Instant) -> Proven:
    """Return the first factor that the application has checked, by its own word."""
    return Proven("application", (), Aal.ONE, Category.KNOWLEDGE, now, first=True)


def jwks(engine: Engine) -> dict[str, object]:
    """Return the public keys that statements are checked with, as a JWK set."""
    return assertions.jwks(engine.ring().derive(assertions.PURPOSE))


async def ask(
    engine: Engine,
    client: Client,
    subject: str,
    context: Context,
    authenticator: str | None = None,
) -> Done:
    """Send a code that answers this application only; raises CooldownActive, FactorBlocked."""
    where = replace(context, realm=client.realm, client=client.id)
    now = engine.clock.now()

    async def attempt() -> Done:
        view = await _active(engine, where, subject, now)
        policy = engine.policy(view.policy)
        method = second.asking(engine, view, authenticator)
        asking = Attempt("", where, now, _WORDS, _voice(client))
        await budgeted(engine, asking, view, policy, method.factor.kind)
        challenge, sent = second.challenged(
            engine, view, method, _voice(client), now, {"application": client.name or client.id}
        )
        if challenge.ceremony not in (None, _voice(client)) and challenge.resend_at is not None:
            # A code for another application is on its way; this one needs its own.
            wait = -(-(challenge.resend_at - now) // SECOND)
            raise CooldownActive(retry_after=wait, resend_at=challenge.resend_at)
        if sent or challenge.resend_at is not None:
            unchanged = Unchanged(view.subject.id, view.subject.epoch)
            kind = method.factor.kind
            record = engine.record("verify.asked", now, view.subject, where, method=kind)
            await engine.commit(unchanged, *sent, record)
        facts = {"authenticator": method.authenticator.id, "resend_at": challenge.resend_at}
        return Done({**challenge.show, **facts, "expires_at": challenge.expires_at})

    return await engine.settle(attempt)


async def summary(engine: Engine, client: Client, subject: str) -> Summary:
    """Return which methods a subject has; NotFound for a stranger."""
    view = await find(engine, client.realm, subject)
    return Summary(view.subject, factor_rows(engine, view), recovery_row(engine, view))


async def put_subject(
    engine: Engine,
    client: Client,
    subject: str,
    context: Context,
    *,
    email: str | None = None,
    phone: str | None = None,
) -> Subject:
    """Make a subject of the application's own, or change its address; Taken for another's name.

    It has no password and cannot sign in here; its address counts once a mailed code came back.
    """
    where = replace(context, realm=client.realm, client=client.id)
    now = engine.clock.now()
    check_name(subject)
    contact: dict[str, Any] = {
        "email": plain(identifiers.email(email)) if email else None,
        "phone": plain(identifiers.phone(phone)) if phone else None,
    }

    async def attempt() -> Subject:
        view = await engine.store.view(client.realm, identifier=identifiers.name(subject))
        if view is None:
            id = SubjectId(engine.draw(16).hex())
            blank = Subject(client.realm, id, subject, now, attributes={OWNER: client.id})
            effect, event = PutSubject(replace(blank, **contact)), "subject.created"
        else:
            _require_own(client, view, Taken())
            effect, event = _moved(view.subject, contact), "subject.changed"
        record = engine.record(event, now, effect.subject, where, by=f"client:{client.id}")
        await engine.commit(effect, record)
        return effect.subject

    return await engine.settle(attempt)


def _moved(old: Subject, contact: Mapping[str, str | None]) -> PutSubject:
    """Return the change of a subject's addresses; what is not given stays."""
    moved = {key: text for key, text in contact.items() if text not in (None, getattr(old, key))}
    return changed(old, **moved, **{f"{key}_verified": False for key in moved})


def _require_own(client: Client, view: View, refusal: Exception) -> None:
    if view.subject.attributes.get(OWNER) != client.id:
        raise refusal


async def forget(engine: Engine, client: Client, subject: str, context: Context) -> None:
    """Delete a subject of the application's own with all but its records; or NotFound."""
    where = replace(context, realm=client.realm, client=client.id)
    now = engine.clock.now()

    async def attempt() -> None:
        view = await find(engine, client.realm, subject)
        _require_own(client, view, NotFound())
        record = engine.record(
            "subject.deleted", now, view.subject, where, by=f"client:{client.id}"
        )
        await engine.commit(RemoveSubject(view.subject.id), record)

    await engine.settle(attempt)


async def enrol_begin(  # noqa: PLR0913 - a wish and a proof, each part by its keyword
    engine: Engine,
    client: Client,
    subject: str,
    kind: str,
    context: Context,
    *,
    wish: Wish | None = None,
    answer: Answer | None = None,
    authenticator: str | None = None,
    recovery: bool = False,
) -> Revealed:
    """Start binding a factor to a subject of the application's own.

    Who has a factor already must prove one with ``answer`` (A61), or StepUpRequired is raised.
    The outcome's ticket is for ``enrol_confirm``. Raises NotFound, NotAllowed, and what
    ``check`` raises.
    """
    where = replace(context, realm=client.realm, client=client.id)
    now = engine.clock.now()
    view = await find(engine, client.realm, subject)
    _require_own(client, view, NotFound())
    policy = engine.policy(view.policy)
    if second.methods(engine, view):
        if answer is None:
            needed = ACR[reachable(engine, view)]
            raise StepUpRequired(acr_values=needed, max_age=policy.fresh)
        choose = partial(_targets, engine, client, authenticator, answer, recovery=recovery)
        attempt = _attempt(engine, client, answer, context)
        view, _ = await _spent(engine, attempt, subject, choose)
    ticket = engine.ticket(_set_up(engine, view, policy, where, now))
    return await enrol.bind(engine, ticket, kind, where, wish)


def _set_up(engine: Engine, view: View, policy: Policy, context: Context, now: Instant) -> Ceremony:
    """Return an enrolment that no session began, so that none comes of it."""
    return engine.begun(
        Kind.ENROL,
        State.ENROL,
        context,
        now,
        life=policy.enrolment_life,
        subject=view.subject.id,
        epoch=view.subject.epoch,
        proofs=(_word(now),),
    )


async def enrol_confirm(
    engine: Engine, client: Client, ticket: str, answer: Answer, context: Context
) -> Outcome:
    """Bind the factor if the answer proves it is held; no session comes with it."""
    where = replace(context, realm=client.realm, client=client.id)
    return await enrol.confirm(engine, ticket, answer, where)
