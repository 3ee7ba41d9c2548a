"""What people are told happened: words for events, proofs, reasons and what was just done.

All are English sentences for the catalogues; templates look them up.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

from twofold.ceremonies.devices import DeviceRow
from twofold.core import agents
from twofold.core.activity import Activity
from twofold.core.types import Instant, Session
from twofold.web.languages import marked

EVENTS: Mapping[str, str] = MappingProxyType(
    {
        "login.granted": marked("Signed in"),
        "login.password.accepted": marked("Right password, but the sign-in was not finished"),
        "login.password.refused": marked("Wrong password"),
        "login.code.refused": marked("Right password, then a wrong code"),
        "login.code.replayed": marked("Right password, then a code that was used before"),
        "login.blocked": marked("Sign-in stopped after too many wrong codes"),
        "login.passkey.replayed": marked("A passkey's answer was used twice"),
        "login.refused": marked("Sign-in refused by the rules of this site"),
        "stepup.granted": marked("Confirmed that it is you"),
        "stepup.password.refused": marked("Wrong password while confirming"),
        "stepup.code.refused": marked("Wrong code while confirming"),
        "stepup.code.replayed": marked("Code used twice while confirming"),
        "stepup.blocked": marked("Confirming stopped after too many wrong codes"),
        "verify.accepted": marked("An application checked a code of yours"),
        "verify.refused": marked("An application was given a wrong code"),
        "verify.blocked": marked("An application was given too many wrong codes"),
        "enrol.confirmed": marked("Method added"),
        "enrol.declined": marked("Signed in; a second method was put off"),
        "factor.imported": marked("Method added by an administrator"),
        "factor.removed": marked("Method removed"),
        "factor.renamed": marked("Method renamed"),
        "factor.preferred": marked("Preferred method changed"),
        "factor.closed": marked("Method closed after too many wrong codes"),
        "factor.reset": marked("Methods removed by an administrator"),
        "recovery.used": marked("Recovery code used"),
        "recovery.refused": marked("Wrong recovery code"),
        "recovery.renewed": marked("New recovery codes made"),
        "factor.counter.regressed": marked("A passkey may have been copied"),
        "device.remembered": marked("Browser remembered"),
        "device.forgotten": marked("Remembered browser forgotten"),
        "device.forgotten.all": marked("All remembered browsers forgotten"),
        "device.theft": marked("Remembered browser forgotten: it was in use in two places"),
        "session.theft": marked("Session ended: it was in use in two places"),
        "session.closed": marked("Signed out"),
        "session.closed.all": marked("Signed out elsewhere"),
        "account.registered": marked("Account made"),
        "account.registered.again": marked("Somebody tried to register with your address"),
        "account.verified": marked("E-mail address confirmed"),
        "account.changed": marked("Account changed"),
        "account.address.asked": marked("Another e-mail address asked for"),
        "account.address.changed": marked("E-mail address changed"),
        "account.exported": marked("Data downloaded"),
        "account.password.changed": marked("Password changed"),
        "account.password.refused": marked("Wrong password while changing it"),
        "account.password.reset.asked": marked("A new password was asked for by e-mail"),
        "account.password.reset": marked("New password set by e-mail"),
        "subject.created": marked("Account made by an administrator"),
        "subject.changed": marked("Account changed by an administrator"),
        "subject.disabled": marked("Account shut by an administrator"),
        "subject.enabled": marked("Account opened again by an administrator"),
        "subject.password.set": marked("Password set by an administrator"),
        "guess.unlocked": marked("Unlocked by an administrator"),
    }
)
"""What each event is called on the page of its owner."""

ALARMING = frozenset(
    {
        "login.password.accepted",
        "login.code.refused",
        "login.code.replayed",
        "login.blocked",
        "session.theft",
        "login.passkey.replayed",
        "factor.counter.regressed",
        "device.theft",
    }
)
"""What an owner who did not do it should act on."""

PROOFS: Mapping[str, str] = MappingProxyType(
    {
        "rc": marked("recovery code"),
        "pwd": marked("password"),
        "otp": marked("code"),
        "email": marked("code by e-mail"),
        "sms": marked("code by text message"),
        "hwk": marked("passkey or security key"),
        "swk": marked("passkey or security key"),
        "rba": marked("known place or browser"),
    }
)
"""What was proved, by the values of RFC 8176."""

REASONS: Mapping[str, str] = MappingProxyType(
    {
        "trusted-network": marked("no second method was asked for: trusted network"),
        "remembered-browser": marked("no second method was asked for: remembered browser"),
        "no-second-factor": marked("no second method is set up"),
        "enforcement-off": marked("this site asks for no second method"),
    }
)
"""Why no more was asked for, by the word before the colon."""

NOTICES: Mapping[str, str] = MappingProxyType(
    {
        "added": marked("The method was added."),
        "removed": marked("The method was removed."),
        "renamed": marked("The method has its new name."),
        "preferred": marked("This method is now asked for first."),
        "ended": marked("The session was ended."),
        "others": marked("All other sessions were ended."),
        "password": marked("Your password was changed, and all other sessions were ended."),
        "address": marked("We sent a code to the new address. The old one stays until it is used."),
        "sent": marked("We sent another message."),
        "registered": marked(
            "If this address can have an account, a message is on its way to it. Open its link,"
            " or type its code here."
        ),
        "browser": marked("This browser is remembered."),
        "browser-not": marked("This browser was not remembered: too much time had passed."),
        "browser-forgotten": marked("The browser was forgotten."),
        "browsers-forgotten": marked("All remembered browsers were forgotten."),
        "later": marked("We will not remind you in this browser for a while."),
    }
)
"""What was just done; the word travels in a cookie, so that no link can say it."""

ENDED: Mapping[str, str] = MappingProxyType(
    {
        "expired": marked("Your session has expired. Sign in again."),
        "password": marked("You were signed out because the password was changed."),
        "factors": marked("You were signed out because your sign-in methods were changed."),
        "closed": marked("This session was ended from another place."),
        "theft": marked(
            "You were signed out because this session was in use in two places. If that was not"
            " you, change your password."
        ),
    }
)
"""Why a session is over, by the word of ``leaving.why_ended``."""


@dataclass(frozen=True, slots=True)
class Event:
    """One line of what happened."""

    words: str
    at: Instant
    browser: str
    system: str
    address: str
    client: str
    proofs: tuple[str, ...]
    reasons: tuple[str, ...]
    alarming: bool


def event(one: Activity) -> Event:
    """What an owner reads of one thing that happened."""
    browser, system = agents.named(one.agent)
    return Event(
        words=EVENTS[one.event],
        at=one.at,
        browser=browser,
        system=system,
        address=one.address,
        client=one.client,
        proofs=proofs(one.amr),
        reasons=reasons(one.reasons),
        alarming=one.event in ALARMING,
    )


def proofs(amr: tuple[str, ...]) -> tuple[str, ...]:
    """What was proved, each thing once; a recovery code is no code of an app."""
    known = [value for value in amr if not (value == "otp" and "rc" in amr)]
    return tuple(dict.fromkeys(PROOFS[value] for value in known if value in PROOFS))


def reasons(found: tuple[str, ...]) -> tuple[str, ...]:
    """Why no more was asked for, as far as it concerns the owner."""
    words = (REASONS.get(reason.partition(":")[0]) for reason in found)
    return tuple(word for word in words if word)


@dataclass(frozen=True, slots=True)
class Remembered:
    """A browser that is spared the second method."""

    id: str
    browser: str
    system: str
    address: str
    since: Instant
    seen: Instant
    until: Instant
    current: bool


def browser(row: DeviceRow) -> Remembered:
    """What an owner reads of a remembered browser."""
    name, system = agents.named(row.label)
    return Remembered(
        id=row.id,
        browser=name,
        system=system,
        address=row.address,
        since=row.created_at,
        seen=row.seen_at,
        until=row.trusted_until,
        current=row.current,
    )


@dataclass(frozen=True, slots=True)
class Place:
    """One browser or application that is signed in."""

    id: str
    browser: str
    system: str
    address: str
    client: str
    since: Instant
    seen: Instant
    proofs: tuple[str, ...]
    current: bool


def place(session: Session, current: str) -> Place:
    """What an owner reads of a session."""
    browser, system = agents.named(session.agent)
    return Place(
        id=session.id,
        browser=browser,
        system=system,
        address=session.address,
        client=session.client,
        since=session.created_at,
        seen=session.seen_at,
        proofs=proofs(session.amr),
        current=session.id == current,
    )
