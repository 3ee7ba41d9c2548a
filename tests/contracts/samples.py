"""Small values for store tests: one of each, changed by keyword."""

from dataclasses import replace

from twofold.core.effects import Bind, Effect, PutSubject, Record, Send
from twofold.core.types import (
    SECOND,
    Aal,
    Authenticator,
    AuthenticatorId,
    Device,
    DeviceId,
    Instant,
    Item,
    Realm,
    Session,
    SessionId,
    Subject,
    SubjectId,
    Tally,
)

REALM = Realm("default")
OTHER_REALM = Realm("other")
NOW = Instant(1_700_000_000 * SECOND)
ALICE = SubjectId("a" * 32)
BOB = SubjectId("b" * 32)
NOBODY = SubjectId("0" * 32)
PHONE = AuthenticatorId("1" * 16)
CODES = AuthenticatorId("2" * 16)
GONE = AuthenticatorId("9" * 16)


def later(seconds):
    return Instant(NOW + seconds * SECOND)


def sid(number):
    return SessionId(f"{number:032x}")


def subject(id=ALICE, name="alice", **changes):
    return replace(Subject(REALM, id, name, NOW), **changes)


def authenticator(id=PHONE, owner=ALICE, **changes):
    plain = Authenticator(
        id, owner, REALM, "totp", NOW, sealed=b"\x00secret\xff", parameters={"digits": 6}
    )
    return replace(plain, **changes)


def codes(*keys, **changes):
    return authenticator(
        CODES, kind="recovery_codes", parameters={}, items=tuple(map(Item, keys)), **changes
    )


def session(id=1, owner=ALICE, **changes):
    plain = Session(
        REALM,
        owner,
        sid(id),
        created_at=NOW,
        auth_time=NOW,
        aal=Aal.TWO,
        amr=("pwd", "otp"),
        expires_at=later(3600),
        idle=600,
        seen_at=NOW,
        proof="5e" * 12,
        access_life=300,
    )
    return replace(plain, **changes)


def did(number):
    return DeviceId(f"{number:032x}")


def device(id=1, owner=ALICE, **changes):
    plain = Device(
        REALM,
        owner,
        did(id),
        created_at=NOW,
        seen_at=NOW,
        trusted_until=later(3600),
        generation=7,
        label="a browser",
        address="192.0.2.1",
    )
    return replace(plain, **changes)


def tally(version=1, **changes):
    return replace(Tally(version, spent=version, since=NOW, streak=version), **changes)


def record(number=1, **changes):
    plain = Record(REALM, ALICE, f"{number:016x}", later(number), "login.granted", '{"a":1}')
    return replace(plain, **changes)


def message(number=1, **changes):
    plain = Send(
        REALM,
        ALICE,
        f"{number:032x}",
        channel="email",
        to="alice@example.org",
        template="code",
        sealed=b"\x01\x02",
        due_at=NOW,
        expires_at=later(300),
    )
    return replace(plain, **changes)


def alice(*more: Effect) -> tuple[Effect, ...]:
    """A subject with an authenticator and two recovery codes."""
    return (
        PutSubject(subject()),
        Bind(authenticator()),
        Bind(codes("one", "two")),
        *more,
    )
