"""The doctor finds what a careful operator would, and changes nothing."""

import sqlite3
from pathlib import Path

import pytest

from twofold.adapters import premises
from twofold.wiring import doctor


def verdicts(done) -> dict[str, str]:
    return {check["name"]: check["verdict"] for check in done.json["checks"]}


@pytest.fixture
def healthy(run, data):
    run("user", "add", "alice")
    return data


@pytest.fixture(autouse=True)
def dear_hashes(run, monkeypatch):
    # After `run`, which makes hashes cheap: the doctor looks at what they cost.
    monkeypatch.setenv("TWOFOLD_PASSWORD__MEMORY_KIB", "19456")
    monkeypatch.setenv("TWOFOLD_PASSWORD__TIME", "2")


def test_all_is_well_on_a_fresh_directory(run, healthy):
    before = {path: path.read_bytes() for path in healthy.iterdir()}

    done = run("doctor", "--json")

    assert done.status == 0
    assert done.json["ok"] is True
    assert set(verdicts(done).values()) == {"ok"}
    assert {path: path.read_bytes() for path in healthy.iterdir()} == before
    assert run("doctor").out.splitlines()[0].split("\t")[:2] == ["ok", "server.base_url"]


def test_a_missing_directory_is_a_fault_and_is_not_made(run, data):
    done = run("doctor", "--json")

    assert done.status == 1
    assert verdicts(done)["data"] == "fault"
    assert not data.exists()


def spoil_directory(data: Path):
    data.chmod(0o755)


def spoil_key_mode(data: Path):
    (data / "twofold.key").chmod(0o640)


def spoil_key(data: Path):
    (data / "twofold.key").unlink()


def spoil_database(data: Path):
    (data / "twofold.db").unlink()


def spoil_page(data: Path):
    raw = bytearray((data / "twofold.db").read_bytes())
    raw[8_192:40_960] = b"\x5a" * 32_768
    (data / "twofold.db").write_bytes(raw)


def change(data: Path, sql: str):
    connection = sqlite3.connect(data / "twofold.db")
    connection.execute(sql)
    connection.commit()
    connection.close()


def spoil_journal(data: Path):
    change(data, "pragma journal_mode = delete")


def spoil_clock(data: Path):
    change(data, "update audit set at = at + 3600000000")


def spoil_fit(data: Path):
    change(data, "update document set body = '{\"00000000\": \"00\"}' where kind = 'keys'")


def spoil_use(data: Path):
    change(data, "delete from document where kind = 'keys'")


def spoil_seals(data: Path):
    change(data, "delete from segment")
    change(data, "update audit set at = at - 60000000")


def spoil_outbox(data: Path):
    change(
        data,
        "insert into outbox values ('a', 'b', 'default', 'email', 'a@b.example', 'code', x'00',"
        " 1000000, 9000000000000000, 0, 0)",
    )


@pytest.mark.parametrize(
    ("spoil", "check", "verdict", "status"),
    [
        (spoil_directory, "data", "warning", 0),
        (spoil_key_mode, "keys", "fault", 1),
        (spoil_key, "keys", "fault", 1),
        (spoil_database, "database", "fault", 1),
        (spoil_page, "database", "fault", 1),
        (spoil_journal, "database", "fault", 1),
        (spoil_clock, "clock", "fault", 1),
        (spoil_fit, "fit", "fault", 1),
        (spoil_use, "fit", "warning", 0),
        (spoil_seals, "audit", "warning", 0),
        (spoil_outbox, "outbox", "warning", 0),
    ],
)
def test_what_is_wrong_is_found(run, healthy, spoil, check, verdict, status):
    spoil(healthy)

    done = run("doctor", "--json")

    found = [c for c in done.json["checks"] if c["name"] == check]
    assert verdict in {c["verdict"] for c in found}, done.out
    assert done.status == status


@pytest.mark.parametrize(
    ("variables", "check", "verdict"),
    [
        ({"SERVER__BASE_URL": "http://login.example.org"}, "server.base_url", "fault"),
        ({"SERVER__BASE_URL": "https://login.example.org"}, "server.trusted_proxies", "warning"),
        (
            {
                "SERVER__BASE_URL": "https://login.example.org",
                "SERVER__TRUSTED_PROXIES": "10.0.0.1",
            },
            "server.base_url",
            "ok",
        ),
        ({"SERVER__BASE_URL": "http://login.localhost"}, "server.base_url", "ok"),
        ({"SERVER__BASE_URL": "https://a.example"}, "email.sender", "warning"),
        ({"PASSWORD__MEMORY_KIB": "64"}, "password", "fault"),
        ({"PASSWORD__MEMORY_KIB": "9216", "PASSWORD__TIME": "4"}, "password", "ok"),
    ],
)
def test_settings_are_looked_at_too(run, healthy, monkeypatch, variables, check, verdict):
    for name, value in variables.items():
        monkeypatch.setenv(f"TWOFOLD_{name}", value)

    assert verdicts(run("doctor", "--json"))[check] == verdict


def test_an_administrator_without_a_second_factor_is_named(run, healthy):
    run("user", "add", "eve", "--admin")
    run("user", "add", "mallory", "--admin")
    run("user", "set", "mallory", "--disable")

    (check,) = (c for c in run("doctor", "--json").json["checks"] if c["name"] == "admins")

    assert check == {
        "name": "admins",
        "verdict": "warning",
        "text": "without a second factor: eve",
    }


def test_fewer_open_files_than_connections_are_worth_a_word(run, healthy, monkeypatch):
    monkeypatch.setattr(premises, "open_files", lambda: 1_024)
    assert verdicts(run("doctor", "--json"))["files"] == "ok"

    monkeypatch.setenv("TWOFOLD_SERVER__CONNECTIONS", "1000")
    assert verdicts(run("doctor", "--json"))["files"] == "warning"


def test_little_room_is_worth_a_word(run, healthy, monkeypatch):
    monkeypatch.setattr(premises, "free_bytes", lambda path: doctor.ROOM - 1)

    assert verdicts(run("doctor", "--json"))["room"] == "warning"
