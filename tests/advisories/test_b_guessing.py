"""B: nobody guesses longer by asking in another way."""

from __future__ import annotations

from itertools import islice

import pytest

from tests.support.client import Client, InProcess
from tests.support.codes import Phone
from tests.support.house import living
from twofold import settings
from twofold.core.errors import Misconfigured
from twofold.core.networks import parse_networks
from twofold.web.kit import Site


async def test_a15_a_fresh_challenge_brings_no_fresh_guesses(house):
    """The counter lives in the challenge (AuthQuake, 2024)."""
    alice = await house.settle("alice")
    guesses = alice.app.wrong(house.clock.seconds)
    said = []
    for _ in range(50):
        client = house.client()
        ticket = await client.ticket("alice", alice.password)
        said += [(await client.verify(ticket, code)).said for code in islice(guesses, 4)]

    assert said[:10] == ["422 code-rejected"] * 10
    assert said[10:] == ["429 factor-blocked"] * 190
    ticket = await client.ticket("alice", alice.password)
    right = await client.verify(ticket, alice.app.code(house.clock.seconds))
    assert right.said == "429 factor-blocked"
    assert int(right.header("retry-after") or 0) == 900


async def test_a15_all_guesses_of_a_year_are_fewer_than_a_hundred(house):
    """Back-offs that end begin the guessing anew, for ever."""
    alice = await house.settle("alice")
    judged = 0
    for _ in range(60):
        client = house.client()
        ticket = await client.ticket("alice", alice.password)
        for code in islice(alice.app.wrong(house.clock.seconds), 4):
            judged += (await client.verify(ticket, code)).code == "code-rejected"
        house.clock.move(6 * 86_400)

    assert judged == 100


async def test_a17_a_right_password_forgives_no_wrong_code(house):
    """One counter for both steps, cleared by the first (CVE-2024-32868, CVE-2025-64102)."""
    alice = await house.settle("alice")
    guesses = alice.app.wrong(house.clock.seconds)
    said = []
    for _ in range(12):
        client = house.client()
        ticket = await client.ticket("alice", alice.password)
        said.append((await client.verify(ticket, next(guesses))).code)

    assert said == ["code-rejected"] * 10 + ["factor-blocked"] * 2


async def test_a17_a_recovery_code_forgives_no_wrong_code_of_an_app(house):
    """Any right answer clears all counters."""
    alice = await house.settle("alice")
    guesses = alice.app.wrong(house.clock.seconds)
    client = house.client()
    for _ in range(9):
        await client.verify(await client.ticket("alice", alice.password), next(guesses))
    ticket = await client.ticket("alice", alice.password)
    assert (await client.recover(ticket, alice.recovery[0])).status == 200

    said = []
    for _ in range(2):
        ticket = await client.ticket("alice", alice.password)
        said.append((await client.verify(ticket, next(guesses))).code)
    assert said == ["code-rejected", "factor-blocked"]


async def test_a19_what_is_shut_at_the_login_is_shut_at_every_other_door(house):
    """A limit that is enforced in one endpoint only (CVE-2026-8760, CVE-2026-35597)."""
    alice = await house.settle("alice")
    inside = await house.signed_in(alice)
    stepped = (await inside.inside("stepup")).json()["ceremony"]
    shown = (await inside.post("/v1/factors", {"kind": "totp"})).json()
    shop = await house.application("shop")
    guesses = alice.app.wrong(house.clock.seconds)
    client = house.client()
    for _ in range(10):
        await client.verify(await client.ticket("alice", alice.password), next(guesses))

    house.clock.move(30)
    now = house.clock.seconds
    right = alice.app.code(now)
    drafted = Phone.scanned(shown["otpauth_uri"]).code(now)
    said = [
        (await client.verify(await client.ticket("alice", alice.password), right)).said,
        (await inside.verify(stepped, right)).said,
        (await inside.step(shown["ceremony"], "confirm", code=drafted)).said,
        (await shop.post("/v1/verify", {"subject": alice.id, "code": right})).said,
    ]
    assert said == ["429 factor-blocked"] * 4


async def test_a19_mailed_codes_are_shut_where_they_are_verified_and_where_they_are_sent(house):
    """The check sits in the branch that sends, not in the one that verifies."""
    dave = await house.settle("dave", totp=False, mail=True)
    client = house.client()
    ticket = (await client.start("dave", dave.password)).json()["ceremony"]
    code = await house.mailed_code(dave)
    wrong = f"{(int(code) + 1) % 1_000_000:06d}"
    for _ in range(10):
        again = (await client.start("dave", dave.password)).json()["ceremony"]
        await client.verify(again, wrong)

    assert (await client.verify(ticket, code)).said == "429 factor-blocked"
    house.clock.move(61)
    assert (await client.step(ticket, "challenge")).said == "429 factor-blocked"
    assert await house.post() == []


async def test_a21_a_hundred_addresses_have_one_budget_for_one_person(tmp_path):
    """Guesses counted by source alone (GHSA-c55g-q6f4-5qxr)."""
    proxied = Site("http://127.0.0.1:8080", proxies=parse_networks("127.0.0.1"))
    async with living(tmp_path / "db", site=proxied) as house:
        alice = await house.settle("alice")
        guesses = alice.app.wrong(house.clock.seconds)
        said = []
        for number in range(100):
            source = (("x-forwarded-for", f"203.0.113.{number}"),)
            client = Client(InProcess(house.app), extra=source)
            ticket = await client.ticket("alice", alice.password)
            said.append((await client.verify(ticket, next(guesses))).code)

    assert said == ["code-rejected"] * 10 + ["factor-blocked"] * 90


async def test_a21_one_source_that_tries_many_names_is_slowed(tmp_path):
    """A spray of one password over all names is below every limit per name."""
    async with living(tmp_path / "db", {"throttle.source_allowed": 20}, slowed=True) as house:
        client = house.client()
        said = [(await client.start(f"nobody-{n}", "hunter2 hunter2")).said for n in range(25)]
        other = await house.client("198.51.100.7").start("nobody-0", "hunter2 hunter2")

    assert said == ["422 invalid-credentials"] * 20 + ["429 rate-limited"] * 5
    assert other.said == "422 invalid-credentials"


SPELLINGS = (
    "alice",
    "ALICE",
    " alice ",
    "alice@example.org",
    "Alice@EXAMPLE.org",
    "ａｌｉｃｅ",
    "alice@ｅxample.org",
)


async def test_a23_every_spelling_of_a_name_has_the_same_budget(house):
    """Name and address counted apart (CVE-2025-24806, CVE-2025-54998)."""
    alice = await house.settle("alice")
    client = house.client()
    for number in range(10):
        spelling = SPELLINGS[number % len(SPELLINGS)]
        assert (await client.start(spelling, "wrong wrong")).said == "422 invalid-credentials"

    for spelling in SPELLINGS:
        answer = await client.start(spelling, alice.password)
        assert answer.said == "422 invalid-credentials", spelling
    [(streak,)] = house.rows("select streak from guess where scope = 'kind:password'")
    assert streak == 10


async def test_a23_each_spelling_leads_to_the_one_account(house):
    """A tag makes another mailbox, capitals do not."""
    alice = await house.settle("alice")
    for spelling in SPELLINGS:
        assert (await house.client().start(spelling, alice.password)).status == 200, spelling
    tagged = await house.client().start("alice+tag@example.org", alice.password)
    assert tagged.said == "422 invalid-credentials"


@pytest.mark.parametrize("past", [-1, 11, 100, "many", 2.5, True])
def test_a27_a_window_that_is_too_wide_is_no_setting(past):
    """Sixty-one codes are right at any moment (django-mfa2 3.2.0)."""
    with pytest.raises(Misconfigured, match=r"totp\.past"):
        settings.load(options={"totp.past": past})


@pytest.mark.parametrize("past", [0, 1, 10])
async def test_a27_exactly_the_steps_of_the_window_are_right(tmp_path, past):
    """A window takes more steps than it says."""
    async with living(tmp_path / "db", {"totp.past": past}) as house:
        alice = await house.settle("alice")
        now, client = house.clock.seconds, house.client()
        for steps in (-past - 1, 1):
            ticket = await client.ticket("alice", alice.password)
            early = await client.verify(ticket, alice.app.code(now, steps))
            assert early.said == "422 code-rejected"
        for steps in range(-past, 1):
            ticket = await client.ticket("alice", alice.password)
            assert (await client.verify(ticket, alice.app.code(now, steps))).status == 200


PARTS = (
    lambda code: code[:1],
    lambda code: code[:5],
    lambda code: code[1:],
    lambda code: code + code[-1],
    lambda code: "0" + code,
    lambda code: code + "0",
    lambda code: "",
    lambda code: str(int(code)),
    lambda code: hex(int(code)),
    lambda code: f"{code}.0",
)


@pytest.mark.parametrize("part", PARTS)
async def test_a29_a_part_of_a_code_is_no_code(house, part):
    """A comparison that stops early (npm otpauth, accounts-js 1227)."""
    alice = await house.settle("alice")
    while not alice.app.code(house.clock.seconds).startswith("0"):
        house.clock.move(30)
    code = alice.app.code(house.clock.seconds)
    client = house.client()
    ticket = await client.ticket("alice", alice.password)

    answer = await client.verify(ticket, part(code))

    assert answer.status in {400, 422}
    assert house.rows("select count(*) from session") == [(0,)]
    assert (await client.verify(ticket, code)).status == 200
