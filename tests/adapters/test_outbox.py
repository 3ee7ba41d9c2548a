"""Messages leave at once, again when they must, never dead, and no sender holds up another."""

import asyncio
import json
import logging
from dataclasses import replace

import pytest

from twofold.adapters.letters import Stationery, Style
from twofold.adapters.outbox import Outbox, Patience
from twofold.adapters.stores.memory import MemoryStore
from twofold.core import letters
from twofold.core.effects import Lease, Settle
from twofold.core.errors import Malformed, Unavailable
from twofold.core.keyring import Keyring, MasterKey
from twofold.core.types import DEFAULT_REALM, SECOND, Instant, SubjectId

SUBJECT = SubjectId("5" * 32)
RING = Keyring((MasterKey.of(bytes((n * n * 7 + 3 * n) % 256 for n in range(32)), Instant(1)),))
START = 1_800_000_000 * SECOND
MINUTE = 60 * SECOND


class Clock:
    def __init__(self):
        self.at = START

    def now(self):
        return Instant(self.at)


class Entropy:
    """Draws the same all the time: 0 makes every pause the shortest, 255 the longest."""

    def __init__(self, byte=0):
        self.byte = byte
        self.count = 0

    def draw(self, size):
        self.count += 1
        return bytes([self.byte]) * (size - 1) + bytes([self.count % 256])


class Figures:
    def __init__(self):
        self.counted = []
        self.levels = {}
        self.observed = {}

    def count(self, event, labels):
        self.counted.append(event)

    def observe(self, name, seconds):
        self.observed[name] = seconds

    def level(self, name, value):
        self.levels[name] = value


class Post:
    """A sender that does as it is told, and remembers what it delivered."""

    def __init__(self, channel="email"):
        self.channel = channel
        self.delivered = []
        self.tried = 0
        self.fault = None
        self.open = asyncio.Event()
        self.open.set()
        self.arrived = asyncio.Event()
        self.begun = asyncio.Event()

    async def send(self, letter):
        self.tried += 1
        self.begun.set()
        await self.open.wait()
        if self.fault is not None:
            raise self.fault
        self.delivered.append(letter)
        self.arrived.set()


class House:
    """An outbox on a memory store, with everything around it in the test's hand."""

    def __init__(self, *posts, store=None, byte=0, **patience):
        self.store = store or MemoryStore()
        self.clock = Clock()
        self.figures = Figures()
        self.posts = posts or (Post(),)
        self.entropy = Entropy(byte)
        self.outbox = Outbox(
            store=self.store,
            ring=lambda: RING,
            clock=self.clock,
            entropy=self.entropy,
            metrics=self.figures,
            senders=self.posts,
            stationery=Stationery(Style("Acme")),
            patience=Patience(**{"poll": 0.005, "deadline": 10.0} | patience),
        )

    @property
    def post(self):
        return self.posts[0]

    async def queue(self, number=1, life=10 * MINUTE, **changes):
        fields = {
            "realm": DEFAULT_REALM,
            "subject": SUBJECT,
            "id": f"{number:032x}",
            "channel": "email",
            "to": "alice@example.org",
            "template": "code",
            "expires_at": Instant(self.clock.at + life),
            "values": {"name": "alice", "code": f"{424200 + number}"},
        }
        draft = letters.Draft(**fields | changes)
        message = letters.compose(RING, number.to_bytes(12, "big"), draft, self.clock.now())
        await self.store.commit(message)
        return message

    async def pass_once(self):
        """One look, and the end of every delivery it began."""
        await self.outbox.look()
        while self.outbox._flying:
            await asyncio.wait(self.outbox._flying.values())
            await asyncio.sleep(0)

    async def waiting(self):
        return (await self.store.queued())[0]

    async def records(self):
        entries = await self.store.records(DEFAULT_REALM)
        return [(entry.record.event, json.loads(entry.record.body)) for entry in entries]


@pytest.fixture
async def house():
    return House()


async def test_a_queued_message_is_delivered_once_and_taken_out(house):
    await house.queue()

    await house.pass_once()
    await house.pass_once()

    [letter] = house.post.delivered
    assert (letter.to, letter.subject) == ("alice@example.org", "Your code to sign in to Acme")
    assert "424201" in letter.text
    assert await house.waiting() == 0
    assert house.figures.counted == ["outbox.delivered"]


async def test_a_nudge_delivers_without_waiting_for_a_poll():
    house = House(poll=3600.0)
    running = asyncio.create_task(house.outbox.run())
    await asyncio.sleep(0)

    await house.queue()
    house.outbox.nudge()

    async with asyncio.timeout(10):
        await house.post.arrived.wait()
        await house.outbox.stop()
        await running


async def test_what_another_process_left_is_found_without_a_nudge(house):
    running = asyncio.create_task(house.outbox.run())
    await asyncio.sleep(0)

    await house.queue()

    async with asyncio.timeout(10):
        await house.post.arrived.wait()
        await house.outbox.stop()
        await running


async def test_a_message_leased_by_another_is_left_to_it(house):
    message = await house.queue()
    until = Instant(house.clock.at + MINUTE)
    await house.store.commit(Lease(SUBJECT, message.id, 0, until, house.clock.now()))

    await house.pass_once()
    assert house.post.delivered == []

    house.clock.at += MINUTE
    await house.pass_once()
    assert len(house.post.delivered) == 1


async def test_of_two_outboxes_one_delivers():
    store = MemoryStore()
    first, second = House(store=store), House(store=store)
    for number in range(20):
        await first.queue(number)

    while await first.waiting():
        await asyncio.gather(first.pass_once(), second.pass_once())

    delivered = [letter.id for house in (first, second) for letter in house.post.delivered]
    assert len(delivered) == len(set(delivered)) == 20


async def test_a_failed_message_is_tried_again_after_its_pause(house):
    house.post.fault = OSError("nobody there")
    await house.queue()
    await house.pass_once()

    await house.pass_once()
    assert house.post.tried == 1

    house.post.fault = None
    house.clock.at += 11 * SECOND
    await house.pass_once()
    assert len(house.post.delivered) == 1


async def test_a_second_try_is_the_same_message_to_the_mailbox(house):
    await house.queue()
    settle, house.store.commit = house.store.commit, crash_on(Settle, house.store.commit)
    await house.pass_once()
    house.store.commit = settle
    house.clock.at += MINUTE

    await house.pass_once()

    first, second = house.post.delivered
    assert first.id == second.id


def crash_on(kind, commit):
    async def crashing(*effects):
        if any(isinstance(effect, kind) for effect in effects):
            raise Unavailable
        await commit(*effects)

    return crashing


@pytest.mark.parametrize(
    ("byte", "longest"),
    [(0, [10, 10, 10]), (255, [11, 12, 14, 18, 26, 42, 74, 138, 266, 522, 1034, 2058, 3610, 3610])],
)
async def test_pauses_double_up_to_an_hour_with_full_jitter(byte, longest):
    house = House(byte=byte)
    house.post.fault = OSError()
    message = await house.queue(life=1000 * 3600 * SECOND)

    pauses = []
    for _ in longest:
        await house.pass_once()
        queued = (await house.store.due(Instant(2**62), limit=1))[0]
        pauses.append(round((queued.lease_until - house.clock.at) / SECOND))
        house.clock.at = queued.lease_until

    assert pauses == longest
    assert message.id == queued.message.id


async def test_a_dead_code_is_never_delivered_and_that_is_recorded(house):
    await house.queue(life=MINUTE)
    house.clock.at += MINUTE

    await house.pass_once()

    assert house.post.tried == 0
    assert await house.waiting() == 0
    [(event, facts)] = await house.records()
    assert event == "message.expired"
    assert facts == {
        "by": "outbox", "channel": "email", "template": "code", "message": f"{1:032x}", "tries": 0
    }  # fmt: skip


async def test_a_message_falls_due_again_when_it_dies():
    house = House(byte=255)
    house.post.fault = OSError()
    await house.queue(life=MINUTE)
    while house.post.tried < 4:
        await house.pass_once()
        house.clock.at += SECOND

    house.clock.at = START + MINUTE
    await house.pass_once()

    assert [event for event, _ in await house.records()] == ["message.expired"]


async def test_a_message_is_given_up_after_so_many_tries_and_that_is_recorded():
    house = House(tries=3)
    house.post.fault = OSError("550 alice@example.org 424201")
    await house.queue()

    for _ in range(3):
        await house.pass_once()
        house.clock.at += 11 * SECOND

    assert house.post.tried == 3
    assert await house.waiting() == 0
    [(event, facts)] = await house.records()
    assert (event, facts["reason"], facts["tries"]) == ("message.failed", "OSError", 3)


async def test_an_address_refused_for_good_is_given_up_at_once(house):
    house.post.fault = Malformed("no such mailbox")
    await house.queue()

    await house.pass_once()

    assert await house.waiting() == 0
    [(event, facts)] = await house.records()
    assert (event, facts["reason"], facts["tries"]) == ("message.failed", "Malformed", 1)


async def test_neither_code_nor_address_is_in_records_or_logs(house, caplog):
    caplog.set_level(logging.DEBUG)
    house.post.fault = Malformed("alice@example.org 424201")
    await house.queue(1)
    await house.pass_once()
    house.post.fault = OSError("you sent: alice@example.org 424202")
    await house.queue(2)
    await house.pass_once()

    said = caplog.text + str(await house.store.records(DEFAULT_REALM))
    assert "OSError" in said
    assert "4242" not in said
    assert "alice" not in said


async def test_a_sender_that_hangs_is_cut_off_and_the_message_kept():
    house = House(deadline=0.02)
    house.post.open.clear()
    await house.queue()

    await house.pass_once()

    assert house.post.tried == 1
    assert await house.waiting() == 1


async def test_a_hanging_sender_holds_up_no_other_channel():
    hanging, quick = Post("email"), Post("sms")
    hanging.open.clear()
    house = House(hanging, quick, at_once=2)
    for number in range(10):
        await house.queue(number)
    await house.queue(99, channel="sms", to="+4915112345678")

    await house.outbox.look()
    async with asyncio.timeout(10):
        await quick.arrived.wait()

    assert hanging.tried == 2
    hanging.open.set()
    await house.outbox.stop()


async def test_no_more_than_so_many_leave_at_once_and_the_rest_follows():
    house = House(at_once=3, poll=3600.0)
    house.post.open.clear()
    for number in range(9):
        await house.queue(number)
    running = asyncio.create_task(house.outbox.run())

    async with asyncio.timeout(10):
        await house.post.begun.wait()
        await asyncio.sleep(0.01)  # time for those that must not begin
        assert house.post.tried == 3
        house.post.open.set()
        await until(house.post, 9)
        await house.outbox.stop()
        await running


async def until(post, count):
    while len(post.delivered) < count:
        post.arrived.clear()
        await post.arrived.wait()


async def test_a_broken_message_does_not_stop_the_others(house):
    await house.queue(1, values={"name": "alice", "code": "1"}, template="code")
    broken = await house.queue(2)
    await house.store.commit(damaged(broken))
    await house.queue(3)

    await house.pass_once()

    assert len(house.post.delivered) == 2
    assert "outbox.disturbed" in house.figures.counted


def damaged(message):
    """Damage the sealed values: an attack, or a fault in the store."""
    return replace(message, sealed=message.sealed[:-1] + bytes([message.sealed[-1] ^ 1]))


async def test_a_store_that_is_away_for_a_while_stops_nothing(house):
    running = asyncio.create_task(house.outbox.run())
    due, failed = house.store.due, asyncio.Semaphore(0)

    async def away(now, *, limit):
        failed.release()
        raise RuntimeError

    house.store.due = away
    async with asyncio.timeout(10):
        for _ in range(3):
            await failed.acquire()
        house.store.due = due
        await house.queue()
        house.outbox.nudge()
        await house.post.arrived.wait()
        await house.outbox.stop()
        await running


async def test_a_newer_message_of_the_same_name_survives_the_delivery_of_the_older(house):
    house.post.open.clear()
    await house.queue(7)
    await house.outbox.look()
    async with asyncio.timeout(10):
        await house.post.begun.wait()

    house.clock.at += SECOND
    newer = await house.queue(7, values={"name": "alice", "code": "777777"})
    house.post.open.set()
    await house.pass_once()

    assert await house.waiting() == 1
    await house.pass_once()
    assert "777777" in house.post.delivered[1].text
    assert house.post.delivered[1].id.endswith(f"{newer.due_at:x}")
    assert house.post.delivered[0].id != house.post.delivered[1].id


async def test_a_channel_nobody_serves_keeps_its_messages_until_they_die(house):
    await house.queue(channel="sms", to="+4915112345678", life=MINUTE)

    await house.pass_once()
    assert await house.waiting() == 1

    house.clock.at += MINUTE
    await house.pass_once()
    assert await house.waiting() == 0


async def test_stopping_lets_what_is_under_way_arrive(house):
    house.post.open.clear()
    await house.queue()
    running = asyncio.create_task(house.outbox.run())
    async with asyncio.timeout(10):
        await house.post.begun.wait()
        stopping = asyncio.create_task(house.outbox.stop())
        await asyncio.sleep(0)
        house.post.open.set()
        await stopping
        await running

    assert len(house.post.delivered) == 1
    assert await house.waiting() == 0


async def test_stopping_does_not_wait_for_ever():
    house = House(deadline=0.02)
    await house.queue()
    await house.outbox.look()
    house.clock.at += 1
    house.post.open.clear()
    house.outbox._patience = Patience(deadline=0.01)

    async with asyncio.timeout(10):
        await house.outbox.stop()

    assert await house.waiting() == 1


async def test_operators_see_how_much_waits_and_for_how_long(house):
    house.post.fault = OSError()
    await house.queue()
    house.clock.at += 5 * SECOND

    await house.pass_once()
    assert house.figures.levels == {"outbox.depth": 1, "outbox.age.seconds": 5.0}

    house.post.fault = None
    house.clock.at += MINUTE
    await house.pass_once()
    await house.pass_once()
    assert house.figures.levels == {"outbox.depth": 0, "outbox.age.seconds": 0.0}
    assert house.figures.observed["outbox.delivery"] == 65.0
