"""K: what leaves the house goes to one person, says what we wrote, and not too often."""

from __future__ import annotations

import asyncio

import pytest

from tests.support.client import Client, InProcess
from tests.support.codes import Phone, mailed
from tests.support.house import living

OPEN = {"policy.registration": True}
BREAKS = ("\r\n", "\n", "\r", "\x00", "\u2028", "\u2029", "\x85", "\x0b")


@pytest.mark.parametrize("break_", BREAKS, ids=repr)
async def test_a137_no_text_of_a_stranger_begins_a_new_header(tmp_path, break_):
    """CR, LF and their kin in names, addresses and labels (ASVS 1.3.11)."""
    async with living(tmp_path / "db", OPEN) as house:
        alice = await house.settle("alice")
        client = await house.signed_in(alice)
        injected = f"x{break_}Bcc: thief@example.net"
        for body in (
            {"name": injected, "email": "a@example.net", "password": "a long phrase"},
            {"name": "x", "email": f"a@example.net{break_}Bcc: t@x.net", "password": "a phrase x"},
            {"name": "x", "email": f"a{break_}@example.net", "password": "a long phrase"},
        ):
            assert (await client.post("/v1/account", body)).said == "400 malformed"
        assert (await client.post("/v1/factors", {"kind": "totp", "label": injected})).status == 400
        path = f"/v1/factors/{alice.factor('totp')}"
        assert (await client.send("PATCH", path, {"label": injected})).status == 400
        address = {"kind": "email", "address": f"a@example.net{break_}"}
        assert (await client.post("/v1/factors", address)).status == 400
        assert await house.post() == []


@pytest.mark.parametrize(
    "address",
    ["a@b.c, d@e.f", "<a@b.c>", "a@b.c;d@e.f", "=?utf-8?q?a?=@b.c", "a@b@c.d", '"a b"@c.d', "a@"],
)
async def test_a137_an_address_is_one_address(tmp_path, address):
    """One field, several recipients."""
    async with living(tmp_path / "db", OPEN) as house:
        body = {"name": "x", "email": address, "password": "a long phrase"}
        assert (await house.client().post("/v1/account", body)).said == "400 malformed"
        assert await house.post() == []


async def test_a137_a_strange_user_agent_ends_no_line_and_keeps_nobody_out(house):
    """What the browser calls itself stands in a letter."""
    alice = await house.settle("alice")
    agent = (("user-agent", "x\u0085Subject: won\x7f<b>{{7*7}}"),)
    client = Client(InProcess(house.app), extra=agent)
    ticket = await client.ticket("alice", alice.password)
    answer = await client.verify(ticket, alice.app.code(house.clock.seconds))
    client.keep(answer)
    body = {"current_password": alice.password, "new_password": "another long phrase"}
    assert (await client.post("/v1/account/password", body)).status == 200
    [letter] = await house.post()
    assert letter.to == alice.email
    assert "\n" not in letter.subject
    assert "\x85" not in letter.text
    assert "49" not in letter.text or "{{7*7}}" in letter.text


async def test_a139_fifty_at_once_send_one_letter(house):
    """Bombing a mailbox, and the race of the cool-down (H1 1780399, H1 761000)."""
    dave = await house.settle("dave", totp=False, mail=True)
    clients = [house.client() for _ in range(50)]
    names = ("dave", "DAVE", "dave@example.org", "Dave@Example.ORG")

    answers = await asyncio.gather(
        *(c.start(names[n % 4], dave.password) for n, c in enumerate(clients))
    )
    tickets = [answer.json()["ceremony"] for answer in answers]
    again = await asyncio.gather(
        *(c.step(ticket, "challenge") for c, ticket in zip(clients, tickets, strict=True))
    )

    assert len(await house.post()) == 1
    assert {answer.said for answer in again} <= {"200", "429 cooldown-active"}
    waiting = next(answer for answer in again if answer.status == 429)
    assert 1 <= int(waiting.header("retry-after") or 0) <= 60
    house.clock.move(61)
    assert (await clients[0].step(tickets[0], "challenge")).status == 200
    assert len(await house.post()) == 1


async def test_a139_a_refused_resend_voids_nothing(house):
    """Asking again kills the code that is on its way."""
    dave = await house.settle("dave", totp=False, mail=True)
    client = house.client()
    ticket = (await client.start("dave", dave.password)).json()["ceremony"]
    code = await house.mailed_code(dave)
    assert (await client.step(ticket, "challenge")).said == "429 cooldown-active"

    assert (await client.verify(ticket, code)).status == 200


async def test_a139_an_address_gets_no_more_than_the_day_allows(tmp_path):
    """One letter a minute, all day long."""
    async with living(tmp_path / "db", {"email.code_daily": 4}) as house:
        dave = await house.settle("dave", totp=False, mail=True)
        letters = []
        for _ in range(8):
            assert (await house.client().start("dave", dave.password)).status == 200
            letters += await house.post()
            house.clock.move(61)
        assert len(letters) == 4


@pytest.mark.parametrize("path", ["reset", "register", "bind"])
async def test_a139_no_form_is_a_tool_for_bombing_strangers(tmp_path, path):
    """Letters to any address that is typed."""
    async with living(tmp_path / "db", OPEN, slowed=True) as house:
        alice = await house.settle("alice")
        client = await house.signed_in(alice)
        for number in range(30):
            match path:
                case "reset":
                    body = {"identifier": "alice@example.org"}
                    await house.client(f"10.0.0.{number}").post("/v1/account/password/reset", body)
                case "register":
                    body = {
                        "name": f"n{number}",
                        "email": "victim@example.net",
                        "password": "a long phrase",
                    }
                    await house.client(f"10.0.0.{number}").post("/v1/account", body)
                case "bind":
                    body = {"kind": "email", "address": "victim@example.net"}
                    await client.post("/v1/factors", body)
        letters = await house.post()
        assert 1 <= len(letters) <= 10
        if path == "bind":
            assert len(mailed(letters, "victim@example.net")) == len(letters)


TEMPLATES = (
    "{{7*7}}", "${7*7}", "{0.__class__}", "%(x)s", "{% raw %}", "#{7*7}", "<%= 7*7 %>",
    "{{ ''.__class__ }}", "<script>alert(1)</script>", "[x](http://evil.example)",
)  # fmt: skip


@pytest.mark.parametrize("text", TEMPLATES)
async def test_a141_what_people_call_themselves_is_no_template(house, text):
    """Template injection by names and labels (ASVS 1.3.7)."""
    mallory = await house.settle(f"m {text}", totp=False, email="m@example.org")
    client = await house.signed_in(mallory)
    shown = await client.post("/v1/factors", {"kind": "totp", "label": text})
    assert shown.status == 201
    phone = Phone.scanned(shown.json()["otpauth_uri"])
    ticket = shown.json()["ceremony"]
    assert (
        await client.step(ticket, "confirm", code=phone.code(house.clock.seconds))
    ).status == 200
    [letter] = await house.post()
    assert text in letter.text
    assert "49" not in letter.text.replace(text, "")
    assert "class" not in letter.text.replace(text, "")
