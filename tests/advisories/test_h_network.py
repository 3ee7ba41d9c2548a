"""H: where somebody comes from is what the socket says, and it spares little."""

from __future__ import annotations

import pytest

from tests.support.client import Client, InProcess
from tests.support.house import living
from twofold.core.networks import parse_networks
from twofold.web.kit import Site

HOME = "192.168.1.100"
TRUSTED = {"policy.trusted_networks": ["192.168.1.0/24"]}
SPOOFS = (
    ("x-forwarded-for", HOME),
    ("x-forwarded-for", f"{HOME}, 203.0.113.9"),
    ("x-forwarded-for", f"203.0.113.9, {HOME}"),
    ("x-forwarded-for", f"::ffff:{HOME}"),
    ("x-forwarded-for", f"{HOME}:443"),
    ("x_forwarded_for", HOME),
    ("forwarded", f"for={HOME}"),
    ("x-real-ip", HOME),
    ("true-client-ip", HOME),
    ("client-ip", HOME),
    ("cf-connecting-ip", HOME),
    ("x-forwarded-host", HOME),
)


async def state(house, person, headers, peer):
    client = Client(InProcess(house.app, peer), extra=headers)
    return (await client.start(person.name, person.password)).json()["state"]


@pytest.mark.parametrize("spoof", SPOOFS, ids=lambda spoof: f"{spoof[0]}={spoof[1]}")
async def test_a99_a_header_of_a_stranger_says_nothing_of_where_he_is(tmp_path, spoof):
    """X-Forwarded-For into the whitelist (CVE-2026-108736, allauth 65.14.2)."""
    async with living(tmp_path / "db", TRUSTED) as house:
        alice = await house.settle("alice")
        assert await state(house, alice, (spoof,), "203.0.113.5") == "second_factor"
        assert await state(house, alice, (spoof, spoof), "203.0.113.5") == "second_factor"
        assert await state(house, alice, (), HOME) == "done"


@pytest.mark.parametrize(
    ("chain", "spared"),
    [
        (HOME, True),
        (f"203.0.113.9, {HOME}", True),
        (f"{HOME}, 203.0.113.9", False),
        (f"{HOME}, 203.0.113.9, 10.0.0.2", False),
        (f"203.0.113.9, {HOME}, 10.0.0.2", True),
        (f"{HOME}, garbage", False),
        (f"{HOME},", False),
        ("", False),
    ],
)
async def test_a101_the_first_hop_that_is_not_declared_is_the_client(tmp_path, chain, spared):
    """The client writes the left end of the chain (ASVS 4.1.3, 15.3.4)."""
    site = Site("http://127.0.0.1:8080", proxies=parse_networks(["10.0.0.1", "10.0.0.2"]))
    async with living(tmp_path / "db", TRUSTED, site=site) as house:
        alice = await house.settle("alice")
        headers = (("x-forwarded-for", chain),)
        found = await state(house, alice, headers, "10.0.0.1")
        assert found == ("done" if spared else "second_factor")


async def test_a103_a_trusted_network_spares_the_second_step_and_nothing_else(tmp_path):
    """The whitelist opens more than it says (seed S; ASVS 8.4.2)."""
    async with living(tmp_path / "db", TRUSTED) as house:
        alice = await house.settle("alice")
        root = await house.settle("root", admin=True)
        home = house.client(HOME)
        assert (await home.start("alice", "wrong wrong")).said == "422 invalid-credentials"
        session = home.keep(await home.start("alice", alice.password)).json()["result"]["session"]
        assert (session["acr"], session["amr"]) == ("urn:twofold:aal1", ["pwd", "rba"])
        demanding = await home.start("alice", alice.password, require={"acr": "aal2"})
        assert demanding.json()["state"] == "second_factor"
        stepped = (await home.inside("stepup")).json()
        assert stepped["state"] == "second_factor"
        assert (await home.post("/v1/recovery-codes", {})).said == "401 step-up-required"

        boss = house.client(HOME)
        boss.keep(await boss.start("root", root.password))
        assert (await boss.get("/admin/v1/users")).said == "401 step-up-required"
        for _ in range(10):
            await house.client(HOME).start("alice", "wrong wrong")
        locked = await house.client(HOME).start("alice", alice.password)
        assert locked.said == "422 invalid-credentials"


IDENTITIES = (
    ("remote-user", "alice"),
    ("x-user", "alice"),
    ("x-remote-user", "alice"),
    ("x-forwarded-user", "alice"),
    ("x-forwarded-email", "alice@example.org"),
    ("x-auth-request-user", "alice"),
    ("x-authenticated-user", "alice"),
    ("x-forwarded-uri", "/health/live"),
    ("x-original-url", "/health/live"),
    ("x-rewrite-url", "/health/live"),
    ("x-http-method-override", "OPTIONS"),
)


@pytest.mark.parametrize("header", IDENTITIES, ids=lambda header: header[0])
async def test_a105_nobody_is_who_a_header_says(tmp_path, header):
    """Identity headers from outside (CVE-2026-63438, CVE-2026-40575)."""
    site = Site("http://127.0.0.1:8080", proxies=parse_networks("127.0.0.1"))
    async with living(tmp_path / "db", site=site) as house:
        await house.settle("alice")
        client = Client(InProcess(house.app), extra=(header,))
        for path in ("/v1/session", "/v1/factors", "/admin/v1/users"):
            assert (await client.get(path)).said == "401 invalid-token"
