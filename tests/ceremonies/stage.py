"""A small world for ceremonies: a real engine and store, a clock the test sets, real codes."""

import base64
import hashlib
import hmac
import json
from dataclasses import dataclass, field, replace

from twofold.adapters.unmetered import Unmetered
from twofold.ceremonies import admin, admin_factors, admin_realm, login, prove
from twofold.ceremonies.engine import Engine, Rules
from twofold.ceremonies.gate import Gate
from twofold.ceremonies.outcomes import Granted, Pending
from twofold.ceremonies.sessions import Bearer
from twofold.core import letters
from twofold.core.keyring import Keyring, MasterKey
from twofold.core.policy import Policy
from twofold.core.types import DEFAULT_REALM, SECOND, Context, Instant, Subject, Transport
from twofold.factors._argon2 import CHEAPEST
from twofold.factors._webauthn import Party
from twofold.factors.email import email
from twofold.factors.password import Password
from twofold.factors.recovery_codes import RecoveryCodes
from twofold.factors.totp import TotpFactor
from twofold.factors.webauthn import WebAuthn

START = Instant(1_800_000_000 * SECOND)
PASSWORD = "corridor umbrella nineteen"
BROWSER = Context(address="192.0.2.7", agent="a browser", request="r-1", transport=Transport.COOKIE)
HERE = Context(address="192.0.2.7", agent="a browser", request="r-1")
MASTER = MasterKey.of(hashlib.sha256(b"the key of the stage").digest(), START)


class StageClock:
    """The clock of the play."""

    def __init__(self):
        self.at = START

    def now(self):
        return self.at

    def pass_(self, seconds):
        self.at = Instant(self.at + int(seconds * SECOND))


class Interrupted:
    """A store before whose next commit something else happens: a race, told as a story."""

    def __init__(self, store):
        self.store = store
        self.before = None
        self.commits = 0

    def __getattr__(self, name):
        return getattr(self.store, name)

    async def commit(self, *effects):
        self.commits += 1
        before, self.before = self.before, None
        if before is not None:
            await before()
        await self.store.commit(*effects)


class Scripted:
    """Randomness that a test may foresee where it wants a collision, and real elsewhere."""

    def __init__(self, real):
        self.real = real

    def draw(self, size):
        return self.real.draw(size)


@dataclass
class Person:
    """A subject with what only its owner knows."""

    subject: Subject
    password: str
    secret: bytes = field(default=b"", repr=False)
    totp: str = ""
    """The id of the TOTP factor."""
    mailed: str = ""
    """The id of the mail factor."""


@dataclass
class Stage:
    """An engine and short ways to bring people onto it."""

    engine: Engine
    store: Interrupted
    clock: StageClock
    nudges: list

    def rules(self, **changes):
        """Replace what settings fix; the stage's engine is another one afterwards."""
        self.engine = replace(self.engine, rules=replace(self.engine.rules, **changes))

    async def policy(self, **body):
        """Give the realm a policy of its own."""
        _, version = await admin_realm.policy(self.engine, DEFAULT_REALM)
        await admin_realm.put_policy(self.engine, HERE, "operator", body, version)

    async def person(self, name="alice", *, totp=True, mailed=False, password=PASSWORD, **more):
        """A subject with a verified address, a password and the factors asked for."""
        wanted = {"email": f"{name}@example.org", "email_verified": True, **more}
        subject = await admin.create_subject(
            self.engine, HERE, "operator", name=name, password=password, **wanted
        )
        person = Person(subject, password)
        if totp:
            person.secret = self.engine.draw(20)
            person.totp = await self.binds(person, "totp", secret=person.secret, label="Phone")
        if mailed:
            person.mailed = await self.binds(person, "email", label="Mail")
        person.subject = (await self.view(person)).subject
        return person

    async def binds(self, person, kind, **more):
        return await admin_factors.import_factor(
            self.engine, HERE, "operator", person.subject.id, kind, **more
        )

    async def view(self, person):
        return await self.store.view(DEFAULT_REALM, person.subject.id)

    def code(self, person, *, steps=0):
        return code(person.secret, self.clock.now(), steps=steps)

    async def begins(self, person, context=HERE, **more):
        """The password step of a login."""
        return await login.begin(
            self.engine, context, identifier=person.subject.name, answer=person.password, **more
        )

    async def logs_in(self, person, context=HERE):
        """A whole login, with the factor that shows codes if there is one."""
        outcome = await self.begins(person, context)
        if isinstance(outcome, Pending):
            self.clock.pass_(30)
            outcome = await prove.prove(self.engine, outcome.ticket, self.code(person), context)
        assert isinstance(outcome, Granted)
        return outcome

    async def bearer(self, person, context=HERE):
        """Who stands behind a fresh login."""
        granted = await self.logs_in(person, context)
        return Bearer(granted.session, granted.subject)

    async def mail(self):
        """What waits in the outbox, oldest first: to whom, which letter, its values."""
        later = Instant(self.clock.now() + 1)
        waiting = await self.store.due(later, limit=500)
        ring = self.engine.ring()
        return [
            (queued.message.to, queued.message.template, letters.values(ring, queued.message))
            for queued in waiting
        ]

    async def mailed(self, template):
        """The values of the newest letter of a kind."""
        found = [values for _, name, values in await self.mail() if name == template]
        assert found, template
        return found[-1]

    async def events(self, person=None):
        """The names of all records in order."""
        return [name for name, _ in await self.records(person)]

    async def records(self, person=None):
        subject = person.subject.id if person is not None else None
        found = await self.store.records(DEFAULT_REALM, subject=subject, limit=10_000)
        return [(entry.record.event, json.loads(entry.record.body)) for entry in found]

    async def sessions(self, person):
        return await self.store.sessions(DEFAULT_REALM, person.subject.id)

    async def tally(self, person, scope):
        return (await self.view(person)).tallies.get(scope)


def code(secret, at, *, steps=0, digits=6):
    """The code an app shows, worked out here and not by us (RFC 6238, SHA-1, 30 s)."""
    step = at // SECOND // 30 + steps
    mac = hmac.digest(secret, step.to_bytes(8, "big"), "sha1")
    start = mac[-1] & 15
    number = int.from_bytes(mac[start : start + 4], "big") & 0x7FFFFFFF
    return str(number % 10**digits).zfill(digits)


def another(right):
    """A code of the same shape that is not right, nor right a moment ago or from now."""
    return str((int(right) + 500_000) % 10 ** len(right)).zfill(len(right))


def payload(token):
    """The claims of a JWS, unread by whoever made it."""
    part = token.split(".")[1]
    return json.loads(base64.urlsafe_b64decode(part + "=" * (-len(part) % 4)))


def engine_on(store, clock, entropy, hashing, nudges):
    """The engine as wiring puts it together, with hashes that cost nothing."""
    ring = Keyring((MASTER,))
    password = Password(parameters=CHEAPEST)
    recovery = RecoveryCodes(strong=CHEAPEST, weak=CHEAPEST)
    passkeys = WebAuthn(Party("stage.example", "Stage", ("https://stage.example",)))
    kinds = (password, TotpFactor("Stage"), email(), passkeys, recovery)
    return Engine(
        store=store,
        ring=lambda: ring,
        clock=clock,
        entropy=entropy,
        hashing=hashing,
        factors={factor.kind: factor for factor in kinds},
        opening=password,
        recovery=recovery,
        metrics=Unmetered(),
        rules=Rules(issuer="Stage", base_url="https://stage.example", policy=Policy()),
        gate=Gate(),
        nudge=lambda: nudges.append(1),
        discoverable=passkeys,
    )
