"""The laws every sender obeys: one message, one recipient, the same words, or an exception."""

import asyncio
import json
from contextlib import asynccontextmanager

import pytest

from tests.adapters.mailboxes import Mailbox, serve
from twofold.adapters.senders.console import ConsoleSender
from twofold.adapters.senders.smtp import Relay, SmtpSender
from twofold.core.errors import Malformed
from twofold.core.types import Instant
from twofold.ports import Letter


class Clock:
    def now(self):
        return Instant(1_800_000_000_000_000)


@asynccontextmanager
async def console(tmp_path):
    file = tmp_path / "mail.jsonl"

    def came():
        lines = file.read_text().splitlines() if file.exists() else []
        return [([m["to"]], m["subject"], m["text"]) for m in map(json.loads, lines)]

    yield ConsoleSender("email", file), came


@asynccontextmanager
async def smtp(tmp_path):
    box = Mailbox()
    async with serve(box) as port:
        relay = Relay("127.0.0.1", port, "Twofold <noreply@example.org>", tls="none")
        yield SmtpSender(relay, Clock()), box.came


@pytest.fixture(params=[console, smtp], ids=lambda make: make.__name__)
async def door(request, tmp_path):
    async with request.param(tmp_path) as opened:
        yield opened


def letter(**changes):
    fields = {
        "id": "0" * 32 + ".1",
        "channel": "email",
        "to": "alice@example.org",
        "subject": "Your Twofold code",
        "text": "Hello alice,\n\n    123456\n",
    }
    return Letter(**fields | changes)


async def test_a_sender_names_its_channel(door):
    sender, _ = door

    assert sender.channel == "email"


@pytest.mark.parametrize(
    "changes",
    [
        {},
        {"text": "Grüße, 山田 🔑\n"},
        {"subject": "Ihr Schlüssel für Bücher & Söhne"},
        {"subject": "A very long subject " * 12 + "that ends"},
        {"text": "x" * 5000 + "\n"},
        {"text": "one\n.\n..two\n.three\n"},
        {"text": "From here\n>From there\n"},
        {"text": "{{7*7}} ${7*7} %(x)s {0.__class__}\n"},
        {"html": "<p>Hello <b>alice</b></p>"},
        {"to": "o'brien+tag@sub.example.org"},
        {"to": "a" * 64 + "@" + "long." * 30 + "example.org"},
        {"to": "grüße@example.org"},
    ],
    ids=lambda changes: "+".join(changes) or "plain",
)
async def test_what_is_sent_is_what_arrives(door, changes):
    sender, came = door
    sent = letter(**changes)

    await sender.send(sent)

    assert came() == [([sent.to], sent.subject, sent.text)]


@pytest.mark.parametrize(
    "changes",
    [
        {"to": "alice@example.org\r\nBcc: eve@example.org"},
        {"to": "alice@example.org\nRCPT TO:<eve@example.org>"},
        {"to": "alice@example.org, eve@example.org"},
        {"to": "=?utf-8?q?alice=2Ceve=40example.org?=@example.org"},
        {"subject": "Hello\r\nBcc: eve@example.org"},
        {"subject": "Hello\r\n\r\nA body"},
        {"subject": "Hello\x00"},
        {"id": "1\r\nBcc: eve@example.org"},
        {"text": "Hello\r\n.\r\nMAIL FROM:<eve@example.org>\r\n"},
    ],
    ids=lambda changes: "+".join(changes) or "plain",
)
async def test_nothing_in_a_letter_adds_a_recipient_or_a_message(door, changes):
    sender, came = door
    sent = letter(**changes)

    try:
        await sender.send(sent)
    except Malformed:
        assert came() == []
    else:
        assert [recipients for recipients, _, _ in came()] == [[sent.to]]


async def test_many_letters_at_once_all_arrive_whole(door):
    sender, came = door
    sent = [letter(id=f"{n:032x}.1", text=f"{n}\n" + "x" * 3000 + "\n") for n in range(20)]

    await asyncio.gather(*map(sender.send, sent))

    assert sorted(text for _, _, text in came()) == sorted(one.text for one in sent)
