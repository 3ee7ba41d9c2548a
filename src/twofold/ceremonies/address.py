"""Moving an account to another address: fresh proof first, then the code of the new mailbox.

The old address stays the account's, for codes and for resets, until the new one is proved; then
it gets the last letter (A63). What is asked for is in the mailed token and nowhere else, and the
answer is the same whether or not the address belongs to somebody (A85).
"""

from __future__ import annotations

from functools import partial

from twofold.ceremonies import sessions
from twofold.ceremonies.account import LIVES, VERIFY, plain
from twofold.ceremonies.changes import changed, letter_taken
from twofold.ceremonies.engine import Engine
from twofold.ceremonies.outcomes import Done
from twofold.ceremonies.sessions import Bearer
from twofold.ceremonies.step_up import require_fresh
from twofold.core import identifiers, tickets
from twofold.core.effects import Send
from twofold.core.errors import CeremonyExpired, NotPossible, StaleSecurityState, Throttled
from twofold.core.types import SECOND, Context, Instant, Status, Subject, SubjectId

CHANGE = "change-address"
"""Purpose of the ticket, and path of the page its link opens."""


async def ask_change(engine: Engine, bearer: Bearer, address: str, context: Context) -> Done:
    """Send a code to the address that the bearer wants; nothing changes until it comes back.

    Raises Malformed, StepUpRequired, NotPossible when it is proved already, and Throttled.
    """
    now = engine.clock.now()
    wanted = plain(identifiers.email(address))
    return await engine.settle(partial(_ask, engine, bearer, wanted, context, now))


async def _ask(engine: Engine, bearer: Bearer, wanted: str, context: Context, now: Instant) -> Done:
    view, session = await sessions.look(engine, bearer)
    subject = view.subject
    require_fresh(engine, view, session, engine.policy(view.policy), now)
    if subject.email == wanted and subject.email_verified:
        raise NotPossible
    taken = letter_taken(view, "address", now)
    await engine.commit(
        taken,
        engine.record("account.address.asked", now, subject, context),
        *_letter(engine, subject, wanted, context, now),
    )
    return Done()


def _letter(
    engine: Engine, subject: Subject, wanted: str, context: Context, now: Instant
) -> tuple[Send, ...]:
    """Return the letter with the code; a mailbox that had too many is spared in silence (A139)."""
    try:
        engine.gate.check("", f"letters:{wanted}", now)
    except Throttled:
        return ()
    engine.gate.failed("", f"letters:{wanted}", now)
    life = LIVES[VERIFY]
    payload = {"s": subject.id, "m": subject.epoch, "a": wanted, "x": now + life * SECOND}
    ring, nonce = engine.ring(), engine.draw(12)
    token = tickets.seal_ticket(ring, CHANGE, subject.realm, "", payload, nonce)
    # Behind the number sign, where no server and no Referer header writes it down.
    link = f"{engine.rules.base_url.rstrip('/')}/{CHANGE}#{token}"
    values = {"code": token, "link": link, **sessions.seen_from(context)}
    return engine.letter(now, subject, VERIFY, values, to=wanted, lifetime=life)


async def confirm_change(engine: Engine, token: str, context: Context) -> Done:
    """Move the account to the address that the mailed token was sent to.

    CeremonyExpired, StaleSecurityState when it was used or the account has changed since, Taken
    when somebody else has proved the address: who reads its mailbox may know.
    """
    now = engine.clock.now()
    told = tickets.open_ticket(engine.ring(), CHANGE, context.realm, "", token.strip())
    if told["x"] <= now:
        raise CeremonyExpired

    async def attempt() -> Subject:
        view = await engine.store.view(context.realm, SubjectId(told["s"]))
        if view is None or view.subject.status is not Status.ACTIVE:
            raise CeremonyExpired
        old = view.subject
        if old.epoch != told["m"]:
            raise StaleSecurityState
        await engine.commit(
            changed(old, email=told["a"], email_verified=True),
            engine.record("account.address.changed", now, old, context),
            *engine.letter(now, old, "address-changed", sessions.seen_from(context)),
        )
        return old

    subject = await engine.settle(attempt)
    return Done({"subject": subject.id})
