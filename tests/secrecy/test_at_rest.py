"""What lies in the data directory of a running server, as a thief or a backup would see it."""

from __future__ import annotations

import asyncio
import base64
import shutil
import stat
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.client import Client, Dialler
from tests.support.codes import Phone
from tests.support.server import RunningServer, running_server, start_server
from tests.support.town import town


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningServer]:
    """A server of one's own."""
    with running_server(tmp_path_factory.mktemp("rest")) as found:
        yield found


def test_everything_in_the_data_directory_is_for_its_owner_alone(server):
    assert stat.S_IMODE(server.data.stat().st_mode) == 0o700
    files = [path for path in server.data.rglob("*") if path.is_file()]
    assert {"twofold.db", "twofold.db-wal", "twofold.key"} <= {path.name for path in files}
    assert {path.name: oct(path.stat().st_mode & 0o077) for path in files} == {
        path.name: "0o0" for path in files
    }


async def test_no_file_but_the_key_helps_to_a_secret(server, tmp_path):
    async with town(server.data) as place:
        carol = await place.settle("carol", totp=False)
    client = Client(Dialler(server.url))
    client.keep(await client.start("carol", carol.password))
    shown = (await client.post("/v1/factors", {"kind": "totp"})).json()
    phone = Phone.scanned(shown["otpauth_uri"])
    # Nothing is written before it is confirmed, not even into the log of a database.
    assert not found(server.data, phone.secret, shown["ceremony"].encode())
    done = await client.step(shown["ceremony"], "confirm", code=phone.code(time.time()))
    codes = done.json()["result"]["recovery_codes"]
    client.keep(done)

    stolen = tmp_path / "stolen"
    shutil.copytree(server.data, stolen, ignore=shutil.ignore_patterns("twofold.key"))
    secrets = [phone.secret, carol.password.encode(), client.token.encode()]
    secrets += [client.refresh_token.encode(), *(code.encode() for code in codes)]
    secrets += [code.replace("-", "").encode() for code in codes]
    assert not found(stolen, *secrets)
    # The search would find them: this one is no secret.
    assert found(stolen, b"carol@example.org")


def found(directory: Path, *secrets: bytes) -> list[str]:
    """Which files hold one of these, raw or written in a usual way."""
    forms = [
        form
        for secret in secrets
        for form in (
            secret,
            secret.hex().encode(),
            base64.b64encode(secret).rstrip(b"="),
            base64.b32encode(secret).rstrip(b"="),
            base64.urlsafe_b64encode(secret).rstrip(b"="),
        )
    ]
    return [
        path.name
        for path in directory.rglob("*")
        if path.is_file() and any(form in path.read_bytes() for form in forms)
    ]


async def test_a_stolen_database_serves_nobody_without_its_key(server, tmp_path):
    stolen = tmp_path / "twofold-data"
    shutil.copytree(server.data, stolen, ignore=shutil.ignore_patterns("twofold.key"))
    with pytest.raises(RuntimeError, match="key"):
        await asyncio.to_thread(start_server, tmp_path)
    assert not (stolen / "twofold.key").exists()


async def test_a_stolen_database_serves_nobody_with_another_key(server, tmp_path):
    other = tmp_path / "other"
    other.mkdir()
    (await asyncio.to_thread(start_server, other)).stop()
    stolen = tmp_path / "twofold-data"
    shutil.copytree(server.data, stolen)
    shutil.copy(other / "twofold-data" / "twofold.key", stolen)
    with pytest.raises(RuntimeError, match="does not fit"):
        await asyncio.to_thread(start_server, tmp_path)
