"""A ready engine on the memory store, for the tests of those who build on us.

    ready = ready_engine({"policy.enforcement": "required"})
    await ready.add("alice", "a password of hers")
    outcome = await login.begin(ready.engine, Context(), identifier="alice", answer="...")
    ready.clock.move(30)
    code_for(uri, ready.clock)

Nothing is imitated: it is the engine that serves, with a clock that stands until it is moved and
hashes that cost next to nothing.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from twofold import settings
from twofold.ceremonies import admin
from twofold.ceremonies.engine import Engine
from twofold.core import letters, otp, otpauth
from twofold.core.effects import Settle
from twofold.core.keyring import SECRET_SIZE, Keyring, MasterKey
from twofold.core.types import DEFAULT_REALM, SECOND, Context, Instant, Subject
from twofold.wiring.house import World, build

NOON: Final = Instant(1_800_000_000 * SECOND)
"""When the clock of a ready engine stands: 15 January 2027, 08:00 UTC."""

_CHEAP: Final[Mapping[str, object]] = {
    "database.url": "memory:",
    "password.memory_kib": 8,
    "password.time": 1,
    "password.workers": 1,
}


@dataclass(slots=True)
class StandingClock:
    """A clock that stands until it is moved."""

    moment: Instant = NOON

    def now(self) -> Instant:
        """The moment in microseconds, UTC."""
        return self.moment

    def move(self, seconds: float) -> None:
        """Let time pass, or run back."""
        self.moment = Instant(self.moment + int(seconds * SECOND))


@dataclass(frozen=True, slots=True)
class Mail:
    """A message that an engine wanted delivered, with the values its words are made of."""

    channel: str
    to: str
    template: str
    values: Mapping[str, str | int]


@dataclass(frozen=True, slots=True)
class Ready:
    """An engine and what a test wants at hand beside it."""

    engine: Engine
    clock: StandingClock

    async def add(
        self, name: str, password: str, *, email: str | None = None, is_admin: bool = False
    ) -> Subject:
        """Make an account, its address verified; raises as an administrator's request would."""
        return await admin.create_subject(
            self.engine,
            Context(DEFAULT_REALM),
            admin.OPERATOR,
            name=name,
            password=password,
            email=email,
            email_verified=email is not None,
            admin=is_admin,
        )

    async def mails(self) -> list[Mail]:
        """Take what waits in the outbox, opened: a mailed code is in ``values``."""
        store, found = self.engine.store, []
        for queued in await store.due(self.clock.now(), limit=1_000):
            message = queued.message
            opened = letters.values(self.engine.ring(), message)
            found.append(Mail(message.channel, message.to, message.template, opened))
            await store.commit(Settle(message.subject, message.id))
        return found


def ready_engine(options: Mapping[str, object] | None = None) -> Ready:
    """An engine that needs no directory, no server and no patience.

    ``options`` are settings by their dotted names, as docs/reference/settings.md lists them;
    Misconfigured names each one that is wrong.
    """
    clock = StandingClock()
    world = World(clock=clock)
    ring = Keyring((MasterKey.of(world.entropy.draw(SECRET_SIZE), clock.now()),))
    house = build(settings.load(options={**_CHEAP, **(options or {})}), world, ring=ring)
    return Ready(house.engine, clock)


def code_for(uri: str, clock: StandingClock, steps: int = 0) -> str:
    """The code that an app which scanned this key URI shows, so many steps from now."""
    key = otpauth.parse(uri)
    step = otp.step_at(clock.now(), key.period)
    return otp.hotp(key.secret, step + steps, key.digits, key.algorithm)
