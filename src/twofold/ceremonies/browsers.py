"""What the browser of a login tells of earlier ones: whether it is remembered, or known at all.

A remembered browser spares the second step of a login and nothing else: the password is needed,
and nothing was proved that a step-up, an enrolment or a level would ask for. Its token is rotated
with each use. An old one that comes back later than an honest retry would is in two hands, and
both of them know the password: the browser is forgotten, and the second factor asked for.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, replace
from typing import Final, Literal

from twofold.ceremonies import sessions
from twofold.ceremonies.engine import Engine
from twofold.ceremonies.outcomes import Granted
from twofold.core import browsers
from twofold.core.browsers import Mark
from twofold.core.ceremony import Ceremony, Kind
from twofold.core.effects import CloseSessions, Effect, Forget, Renew, TakeGuess
from twofold.core.policy import Decision, Policy, remembered_until
from twofold.core.throttle import NONE
from twofold.core.types import SECOND, Context, Device, Instant, Session, Tally, View

GRACE = 60 * SECOND
"""How long the generation before is still taken: two tabs, or an answer that was lost and a
password that had to be typed again."""

QUIET = 600 * SECOND
"""How long after a letter about a new sign-in no other one is sent: nobody can fill a mailbox
with them (A139)."""

_LETTERS: Final = "letters:new-sign-in"


@dataclass(frozen=True, slots=True)
class Browser:
    """What a request shows for the subject of a view; nothing of it is a proof."""

    asked: bool = False
    """Whether it matters: this is a login, through a face that has a place for marks."""
    marks: tuple[Mark, ...] = ()
    """Of all subjects, as they were shown."""
    device: Device | None = None
    """The row of a token that is good now."""
    current: bool = False
    """Whether the token is of the row's own generation, and so must be rotated when used."""
    stolen: Device | None = None
    """The row of a token that was rotated away long ago."""
    known: bool = False
    """Whether somebody of this account has signed in here before."""

    @property
    def name(self) -> Literal["known", "new"] | None:
        """Return what a record calls it."""
        if not self.asked:
            return None
        return "known" if self.known else "new"


NOWHERE = Browser()
STRANGER = Browser(asked=True)


def shown(
    engine: Engine, ceremony: Ceremony, view: View, context: Context, now: Instant
) -> Browser:
    """Return what the browser shows of the view's subject; of anybody else it is nothing (A51)."""
    if context.device is None or ceremony.kind is not Kind.LOGIN:
        return NOWHERE
    if not context.device:
        return STRANGER
    marks = browsers.read(engine.ring(), context.realm, context.device)
    found = replace(STRANGER, marks=marks)
    for mark in marks:
        if mark.subject != view.subject.id:
            continue
        if mark.kind == "device":
            found = _judged(found, mark, view, now)
        elif mark.generation == view.subject.epoch:
            found = replace(found, known=True)
    return found


def _judged(found: Browser, mark: Mark, view: View, now: Instant) -> Browser:
    row = next((device for device in view.devices if device.id == mark.device), None)
    if row is None or row.trusted_until <= now:
        return found
    behind = row.generation - mark.generation
    if behind == 0 or (behind == 1 and now - row.seen_at <= GRACE):
        return replace(found, device=row, current=behind == 0)
    # Ahead of its row is a token of a store that was restored from a copy: no theft, and no use.
    return replace(found, stolen=row) if behind > 0 else found


async def theft(
    engine: Engine, browser: Browser, view: View, context: Context, now: Instant
) -> tuple[Effect, ...]:
    """Return what ends a remembered browser whose token is in two hands, and tells its owner.

    The sessions that were opened without a second step end along: one may be the thief's.
    """
    stolen = browser.stolen
    if stolen is None:
        return ()
    subject = view.subject
    opened = await engine.store.sessions(subject.realm, subject.id)
    return (
        Forget(subject.id, only=stolen.id),
        *(CloseSessions(subject.id, only=one.id) for one in opened if "rba" in one.amr),
        engine.record("device.theft", now, subject, context, device=stolen.id),
        *engine.letter(now, subject, "browser-theft", sessions.seen_from(context)),
    )


def used(
    browser: Browser, decision: Decision, context: Context, now: Instant
) -> tuple[Browser, tuple[Renew, ...]]:
    """Return the browser after a decision, and the rotation if it was the reason of that."""
    device = browser.device
    if device is None or not (decision.remembered and browser.current):
        return browser, ()
    renew = Renew(device.subject, device.id, device.generation, now, context.address)
    rotated = replace(
        device, generation=device.generation + 1, seen_at=now, address=context.address
    )
    return replace(browser, device=rotated), (renew,)


def shortened(
    session: Session, browser: Browser, decision: Decision, policy: Policy, view: View
) -> Session:
    """Return a session that does not outlive the remembrance it is opened by."""
    device = browser.device
    if device is None or not decision.remembered:
        return session
    until = remembered_until(policy, view.subject, device)
    return replace(session, expires_at=min(session.expires_at, until))


def arrival(
    engine: Engine, browser: Browser, view: View, policy: Policy, context: Context, now: Instant
) -> tuple[Effect, ...]:
    """Return the letter about a sign-in from a browser that is new to the account, if one is due.

    Whoever hides where it has been is told of. Where a face has no place for a mark every
    sign-in would be new, and none is told of.
    """
    subject = view.subject
    if not browser.asked or browser.known or not policy.sign_in_notice:
        return ()
    told = view.tallies.get(_LETTERS, NONE)
    if not subject.email_verified or now < told.since + QUIET:
        return ()
    named = hashlib.sha256(f"new-sign-in\0{subject.id}".encode()).hexdigest()[:32]
    tally = Tally(told.version + 1, spent=1, since=now)
    return (
        TakeGuess(subject.id, _LETTERS, tally, Instant(now + QUIET)),
        *engine.letter(now, subject, "new-sign-in", sessions.seen_from(context), name=named),
    )


def carried(engine: Engine, browser: Browser, view: View) -> str:
    """Return what the browser carries on after a login, empty where that does not matter."""
    if not browser.asked:
        return ""
    ring, subject = engine.ring(), view.subject
    if browser.device is not None:
        device = browsers.token(ring, browser.device)
    else:
        # A step that did not need it has not looked whether its row is there: it stays.
        own = (m.text for m in browser.marks if m.kind == "device" and m.subject == subject.id)
        device = next(own, "")
    return browsers.write(ring, subject, subject.epoch, device, browser.marks)


def repeated(
    engine: Engine, already: Granted, ceremony: Ceremony, view: View, context: Context, now: Instant
) -> Granted:
    """Return an answer that was lost on its way, with what the browser was to carry on.

    Without it the token of before would come back one day, and be taken for stolen.
    """
    browser = shown(engine, ceremony, view, context, now)
    return replace(already, device=carried(engine, browser, view))


def changed(engine: Engine, view: View, context: Context) -> str:
    """Return what the browser carries on after an act that changed its subject's epoch.

    The owner has just proved to be here, so the browser is known; to be remembered, it must be
    asked for anew.
    """
    if context.device is None:
        return ""
    ring, subject = engine.ring(), view.subject
    marks = browsers.read(ring, context.realm, context.device)
    return browsers.write(ring, subject, subject.epoch + 1, "", marks)
