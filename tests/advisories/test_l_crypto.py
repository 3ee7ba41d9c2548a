"""L: tokens have one form, randomness is the kernel's, and old keys keep their parameters."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import os
from collections import Counter

import pytest

from tests.support.client import Call, InProcess, bearer
from tests.support.codes import Phone
from tests.support.house import living


def part(value: object) -> str:
    raw = value if isinstance(value, bytes) else json.dumps(value).encode()
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()


def forged(subject: str) -> list[str]:
    """JOSE in every costume that has ever been taken for a session."""
    claims = {"sub": subject, "acr": "urn:twofold:aal2", "exp": 4_000_000_000}
    found = []
    for algorithm in ("none", "None", "NONE", "nOnE", "", "HS256", "EdDSA"):
        for extra in (
            {},
            {"kid": ""},
            {"kid": "../../../../dev/null"},
            {"kid": "' union select 'a"},
            {"jku": "https://evil.example/jwks"},
            {"x5u": "https://evil.example/cert"},
            {"jwk": {"kty": "oct", "k": part(b"k")}},
            {"crit": ["b64"], "b64": False},
        ):
            head = part({"alg": algorithm, "typ": "at+jwt", **extra})
            signed = f"{head}.{part(claims)}"
            tag = hmac.new(b"", signed.encode(), hashlib.sha256).digest()
            found += [f"{signed}.", f"{signed}.{part(tag)}", signed]
    return found


async def test_a143_nothing_of_jose_is_a_token_of_ours(house):
    """Alg none, confusion, embedded keys (CVE-2022-29217, CVE-2024-37568)."""
    alice = await house.settle("alice")
    wire = InProcess(house.app)
    for token in forged(alice.id):
        answer = await wire.send("GET", "/v1/session", bearer(token), b"")
        assert answer.said == "401 invalid-token"
        cookie = (("cookie", f"twofold_s={token}"),)
        assert (await wire.send("GET", "/v1/session", cookie, b"")).said == "401 invalid-token"
        answer = await wire.send("GET", "/v1/ceremony", (("ceremony", token),), b"")
        assert answer.status in {400, 410}


async def test_a143_every_bit_of_a_token_counts(house):
    """Key ids, kinds and tags that are not looked at."""
    alice = await house.settle("alice")
    client = await house.signed_in(alice)
    wire = InProcess(house.app)
    raw = base64.urlsafe_b64decode(client.token[3:] + "==")
    for place in range(len(raw)):
        for bit in (1, 128):
            bent = raw[:place] + bytes([raw[place] ^ bit]) + raw[place + 1 :]
            answer = await wire.send("GET", "/v1/session", bearer(f"a1.{part(bent)}"), b"")
            assert answer.said == "401 invalid-token", place
    for mangled in (raw[:-1], raw + b"\0", raw + raw, b"", raw[::-1]):
        answer = await wire.send("GET", "/v1/session", bearer(f"a1.{part(mangled)}"), b"")
        assert answer.said == "401 invalid-token"
    assert (await client.get("/v1/session")).status == 200


async def test_a143_every_part_of_a_ticket_counts(house):
    """A ticket bent into another state, subject or kind."""
    alice = await house.settle("alice")
    client = house.client()
    ticket = await client.ticket("alice", alice.password)
    raw = base64.urlsafe_b64decode(ticket[3:] + "==")
    for place in range(0, len(raw), 7):
        bent = raw[:place] + bytes([raw[place] ^ 1]) + raw[place + 1 :]
        answer = await client.verify(f"t1.{part(bent)}", alice.app.code(house.clock.seconds))
        assert answer.said == "410 ceremony-expired", place
    assert (await client.verify(ticket, alice.app.code(house.clock.seconds))).status == 200


async def test_a147_nothing_that_is_drawn_comes_twice(house):
    """Seeded or shared generators (CVE-2019-11842, CVE-2022-31034)."""
    alice = await house.settle("alice")
    client = await house.signed_in(alice)
    secrets, codes, tickets = [], [], []
    for _ in range(40):
        shown = (await client.post("/v1/factors", {"kind": "totp"})).json()
        secrets.append(shown["secret"])
        tickets.append(shown["ceremony"])
        codes += (await client.post("/v1/recovery-codes", {})).json()["codes"]
    for drawn in (secrets, codes, tickets):
        assert len(set(drawn)) == len(drawn)
    letters = Counter("".join(codes).replace("-", ""))
    share = sum(letters.values()) / len(letters)
    assert len(letters) == 32
    assert all(0.6 * share < count < 1.4 * share for count in letters.values())


def test_a147_a_forked_process_draws_its_own(tmp_path):
    """Two workers with one state hand out one secret twice."""
    from twofold.adapters.system import SystemEntropy

    entropy = SystemEntropy()
    entropy.draw(16)
    drawn = set()
    for _ in range(3):
        reading, writing = os.pipe()
        pid = os.fork()
        if not pid:
            os.write(writing, entropy.draw(16))
            os._exit(0)
        os.close(writing)
        with os.fdopen(reading, "rb") as stream:
            drawn.add(stream.read())
        os.waitpid(pid, 0)
    drawn.add(entropy.draw(16))
    assert len(drawn) == 4


@pytest.mark.parametrize(
    "options",
    [
        {"totp.digits": 8},
        {"totp.period": 60},
        {"totp.algorithm": "SHA512"},
        {"totp.digits": 7, "totp.period": 45, "totp.algorithm": "SHA256"},
    ],
    ids=str,
)
async def test_a151_a_changed_setting_breaks_and_weakens_no_old_app(tmp_path, options):
    """Parameters kept with the server instead of the secret (seed S)."""
    path = tmp_path / "db"
    async with living(path) as house:
        alice = await house.settle("alice")
        clock, ring = house.clock, house.ring
    async with living(path, options, clock=clock, ring=ring) as house:
        client = await house.signed_in(alice)
        shown = (await client.post("/v1/factors", {"kind": "totp"})).json()
        phone = Phone.scanned(shown["otpauth_uri"])
        done = await client.step(shown["ceremony"], "confirm", code=phone.code(clock.seconds))
        assert done.status == 200

        # The old secret under the new parameters is nobody's code.
        clock.move(120)
        other = Phone(alice.app.secret, phone.digits, phone.period, phone.algorithm)
        body = {"identifier": "alice", "password": alice.password}
        ticket = (await client.call(Call("POST", "/v1/ceremony", body))).json()["ceremony"]
        wrong = await client.verify(ticket, other.code(clock.seconds))
        assert wrong.said == "422 code-rejected"
        assert (await client.verify(ticket, phone.code(clock.seconds))).status == 200
        await house.signed_in(alice, later=60)
