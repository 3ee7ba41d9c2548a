"""The console sender shows messages to whoever tries things out, and to nobody else."""

import io
import json
import stat

import pytest

from twofold.adapters.senders.console import ConsoleSender
from twofold.ports import Letter

LETTER = Letter(
    "1.1", "email", "alice@example.org", "Your code", "Hello,\n\n    123456\n", "<p>x</p>"
)


async def test_a_message_is_printed(capsys):
    await ConsoleSender().send(LETTER)

    said = capsys.readouterr().out
    assert "email to alice@example.org\nYour code\n\nHello,\n\n    123456\n" in said
    assert "<p>" not in said


async def test_a_file_gets_one_json_line_per_message(tmp_path):
    file = tmp_path / "sms.jsonl"
    sender = ConsoleSender("sms", file)

    await sender.send(LETTER)
    await sender.send(LETTER)

    lines = file.read_text().splitlines()
    assert len(lines) == 2
    assert json.loads(lines[1]) == {
        "channel": "email",
        "to": "alice@example.org",
        "subject": "Your code",
        "text": "Hello,\n\n    123456\n",
    }
    assert sender.channel == "sms"


async def test_the_file_is_for_its_owner_only(tmp_path):
    await ConsoleSender("email", tmp_path / "mail.jsonl").send(LETTER)

    assert stat.S_IMODE((tmp_path / "mail.jsonl").stat().st_mode) == 0o600


async def test_a_file_that_cannot_be_written_is_a_failed_delivery(tmp_path):
    with pytest.raises(OSError, match="missing"):
        await ConsoleSender("email", tmp_path / "missing" / "mail.jsonl").send(LETTER)


async def test_a_full_disk_is_a_failed_delivery():
    with pytest.raises(OSError, match="No space"):
        await ConsoleSender("email", full_device()).send(LETTER)


def full_device():
    from pathlib import Path

    return Path("/dev/full")


async def test_nothing_in_a_message_drives_the_terminal(capsys):
    hostile = Letter("1.1", "email", "a@b.c", "Hi\x1b[2J", "\x1b]0;owned\x07 \u202e\x9b1m\rx\n")

    await ConsoleSender().send(hostile)

    said = capsys.readouterr().out
    assert not set("\x1b\x07\u202e\x9b\r") & set(said)


async def test_a_terminal_without_umlauts_still_gets_the_code(monkeypatch):
    raw = io.BytesIO()
    monkeypatch.setattr("sys.stdout", io.TextIOWrapper(raw, encoding="ascii"))

    await ConsoleSender().send(Letter("1.1", "email", "a@b.c", "Für dich", "123456 \U0001f511\n"))

    assert b"123456" in raw.getvalue()
