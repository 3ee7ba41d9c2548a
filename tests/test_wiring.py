"""The house is put together right: keys fit the database, the first start happens once."""

import asyncio
import json
import os
import sqlite3
import stat
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from tests.contracts import samples
from twofold import settings
from twofold.adapters.keyfile import KeyFile
from twofold.adapters.stores.memory import MemoryStore
from twofold.adapters.system import SystemClock
from twofold.ceremonies import login
from twofold.ceremonies.outcomes import Pending
from twofold.core.ceremony import State
from twofold.core.errors import Misconfigured
from twofold.core.types import DEFAULT_REALM, Context
from twofold.wiring import keys as keeping
from twofold.wiring.first_start import first_start
from twofold.wiring.house import base_url, build, database_path, opened
from twofold.wiring.serve import inhabited

CHEAP = {"password.memory_kib": 8, "password.time": 1}


def configured(data: Path, **options):
    return settings.load(options={"data": str(data), **CHEAP, **options})


def key_file(data: Path) -> KeyFile:
    return KeyFile(data / "twofold.key", SystemClock())


def seen_by(data: Path, work):
    async def visit():
        async with opened(configured(data)) as house:
            return await work(house)

    return asyncio.run(visit())


def records(data: Path) -> list[str]:
    async def read(house):
        return [e.record.event for e in await house.store.records(None, limit=1_000)]

    return seen_by(data, read)


def test_a_first_start_makes_a_private_directory_a_key_and_one_account(tmp_path):
    data = tmp_path / "data"

    password = first_start(configured(data))

    assert stat.S_IMODE(data.stat().st_mode) == 0o700
    for name in ("twofold.key", "twofold.db", "audit.head"):
        assert stat.S_IMODE((data / name).stat().st_mode) == 0o600, name
    assert len(password.replace("-", "")) == 20
    assert records(data) == ["keys.created", "subject.created"]


def test_the_first_account_is_an_administrator_who_must_set_a_second_factor_up(tmp_path):
    password = first_start(configured(tmp_path))

    async def sign_in(house):
        outcome = await login.begin(house.engine, Context(), identifier="admin", answer=password)
        assert isinstance(outcome, Pending)
        return outcome

    outcome = seen_by(tmp_path, sign_in)
    assert outcome.ceremony.state is State.ENROL
    assert outcome.subject.admin


def test_a_second_start_makes_nothing(tmp_path):
    first_start(configured(tmp_path))
    before = (tmp_path / "twofold.key").read_bytes()

    assert first_start(configured(tmp_path), "another-password-of-mine") is None

    assert (tmp_path / "twofold.key").read_bytes() == before
    assert records(tmp_path).count("subject.created") == 1


def test_a_chosen_password_is_taken_and_not_shown(tmp_path):
    assert first_start(configured(tmp_path), "a-quiet-harbour-in-november") is None

    async def sign_in(house):
        return await login.begin(
            house.engine, Context(), identifier="admin", answer="a-quiet-harbour-in-november"
        )

    assert isinstance(seen_by(tmp_path, sign_in), Pending)


@pytest.mark.parametrize("weak", ["admin", "password", "12345678", "adminadmin"])
def test_a_weak_chosen_password_is_refused_by_the_name_of_its_variable(tmp_path, weak):
    with pytest.raises(Misconfigured, match="TWOFOLD_ADMIN_PASSWORD: "):
        first_start(configured(tmp_path), weak)

    assert "subject.created" not in records(tmp_path)


def test_servers_that_start_at_once_end_with_one_key_and_one_account(tmp_path):
    found = configured(tmp_path / "data")

    with ThreadPoolExecutor(6) as together:
        passwords = list(together.map(lambda _: first_start(found), range(6)))

    assert len([password for password in passwords if password]) == 1
    assert records(tmp_path / "data").count("subject.created") == 1
    assert records(tmp_path / "data").count("keys.created") == 1
    assert len(key_file(tmp_path / "data").read().masters) == 1


def test_another_key_than_the_database_was_used_with_is_refused(tmp_path):
    first_start(configured(tmp_path))
    first_start(configured(tmp_path / "other"))
    known = key_file(tmp_path).read().masters[0].id
    (tmp_path / "twofold.key").write_bytes((tmp_path / "other" / "twofold.key").read_bytes())

    with pytest.raises(Misconfigured, match=f"does not fit the database.*{known}"):
        first_start(configured(tmp_path))


def test_a_lost_key_file_is_not_replaced_by_a_new_one(tmp_path):
    first_start(configured(tmp_path))
    (tmp_path / "twofold.key").unlink()

    with pytest.raises(Misconfigured, match="is missing, but the database needs its keys"):
        first_start(configured(tmp_path))

    assert not (tmp_path / "twofold.key").exists()


def test_a_key_that_was_dropped_from_the_file_is_missed(tmp_path):
    first_start(configured(tmp_path))
    rotate(tmp_path)
    file = key_file(tmp_path)
    old = file.read().masters[1].id
    file.replace(file.read().without(old))

    with pytest.raises(Misconfigured, match=old):
        first_start(configured(tmp_path))


def rotate(data: Path) -> None:
    async def turn(house):
        await keeping.rotated(house.store, house.keys, house.world.clock, house.world.entropy)

    seen_by(data, turn)


def test_a_rotation_puts_a_new_key_in_front_and_is_recorded(tmp_path):
    first_start(configured(tmp_path))
    old = key_file(tmp_path).read().masters

    rotate(tmp_path)

    new = key_file(tmp_path).read().masters
    assert new[1:] == old
    assert records(tmp_path)[-1] == "keys.rotated"
    assert first_start(configured(tmp_path)) is None


def test_rotations_at_once_lose_no_key(tmp_path):
    first_start(configured(tmp_path))

    with ThreadPoolExecutor(4) as together:
        list(together.map(lambda _: rotate(tmp_path), range(4)))

    assert len(key_file(tmp_path).read().masters) == 5
    assert first_start(configured(tmp_path)) is None


def test_a_rotation_that_crashed_before_the_database_heard_of_it_is_finished_at_the_next_start(
    tmp_path,
):
    first_start(configured(tmp_path))
    file = key_file(tmp_path)
    file.replace(file.read().with_newest(keeping.MasterKey.of(os.urandom(32), SystemClock().now())))

    first_start(configured(tmp_path))

    connection = sqlite3.connect(tmp_path / "twofold.db")
    (body,) = connection.execute("select body from document where kind = 'keys'").fetchone()
    connection.close()
    assert json.loads(body).keys() == {master.id for master in file.read().masters}


def test_a_visit_seals_what_it_recorded(tmp_path):
    first_start(configured(tmp_path))

    async def unsealed(house):
        return await house.store.unsealed(limit=10)

    assert seen_by(tmp_path, unsealed) == []


def test_a_command_makes_no_directory_unless_it_may(tmp_path):
    async def look():
        async with opened(configured(tmp_path / "none"), create=False):
            pytest.fail("nobody lives here")

    with pytest.raises(Misconfigured, match="is not there"):
        asyncio.run(look())

    assert not (tmp_path / "none").exists()


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        ({}, "http://127.0.0.1:8080"),
        ({"server.host": "::1", "server.port": 9}, "http://[::1]:9"),
        ({"server.host": "0.0.0.0"}, "http://localhost:8080"),  # noqa: S104 - nothing listens
        ({"server.host": "::"}, "http://localhost:8080"),
        ({"server.base_url": "https://login.example.org/"}, "https://login.example.org"),
        (
            {"server.base_url": "https://login.example.org:8443", "server.port": 1},
            "https://login.example.org:8443",
        ),
    ],
)
def test_browsers_reach_us_where_the_operator_says_or_where_we_listen(options, expected):
    assert base_url(settings.load(options=options)) == expected


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("", "here/twofold.db"),
        ("sqlite:///other.db", "other.db"),
        ("sqlite:////var/lib/x.db", "/var/lib/x.db"),
        ("memory:", None),
    ],
)
def test_the_database_is_where_its_url_says(url, expected):
    found = database_path(settings.load(options={"data": "here", "database.url": url}))

    assert found == (Path(expected) if expected else None)


def test_settings_reach_what_they_are_for(tmp_path):
    house = build(
        configured(
            tmp_path,
            **{
                "totp.issuer": "Acme",
                "totp.algorithm": "SHA256",
                "totp.digits": 8,
                "totp.period": 60,
                "totp.past": 2,
                "totp.future": 1,
                "recovery.count": 6,
                "recovery.length": 12,
                "recovery.group": 0,
                "email.code_digits": 8,
                "email.code_life": 300,
                "email.code_cooldown": 30,
                "email.code_daily": 5,
                "password.minimum": 12,
                "password.workers": 3,
                "password.queue": 5,
                "throttle.source_allowed": 7,
                "policy.enforcement": "required",
                "audit.seal_seconds": 1,
            },
        )
    )

    engine = house.engine
    totp, mail, recovery = engine.factors["totp"], engine.factors["email"], engine.recovery
    assert engine.rules.issuer == totp.issuer == "Acme"
    assert (totp.algorithm, totp.digits, totp.period) == ("SHA256", 8, 60)
    assert (totp.past, totp.future) == (2, 1)
    assert (recovery.count, recovery.length, recovery.group) == (6, 12, 0)
    assert (mail.digits, mail.lifetime, mail.cooldown, mail.daily) == (8, 300, 30, 5)
    assert engine.opening.parameters.memory_kib == recovery.weak.memory_kib == 8
    assert engine.rules.password_minimum == 12
    assert (house.hashing.workers, house.hashing.queue_limit) == (3, 15)
    assert engine.gate.by_source.allowed == 7
    assert engine.rules.policy.enforcement == "required"
    assert len(engine.rules.blocked_passwords) > 3_000


async def test_a_house_in_memory_needs_no_directory(tmp_path):
    ring = key_file_ring()
    house = build(configured(tmp_path / "none", **{"database.url": "memory:"}), ring=ring)

    await house.open()
    assert await house.store.subjects(DEFAULT_REALM) == []
    await house.close()

    assert not (tmp_path / "none").exists()


def key_file_ring():
    return keeping.Keyring((keeping.MasterKey.of(os.urandom(32), SystemClock().now()),))


async def test_a_mail_server_that_is_down_takes_nobody_out_of_service(tmp_path):
    """R12: who signs in with an app does not need the mail that waits for somebody else."""
    known = configured(tmp_path / "data")
    await asyncio.to_thread(first_start, known, None)
    store = MemoryStore()
    await store.commit(*samples.alice(samples.message(due_at=samples.NOW)))
    running = inhabited(known, store)

    assert await store.queued() == (1, samples.NOW)
    assert set((await running.ready()).values()) == {""}
