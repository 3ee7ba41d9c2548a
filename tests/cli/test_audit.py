"""The trail from the command line: checked, exported, looked at."""

import json
import sqlite3
import subprocess
import sys
from pathlib import Path

import pytest

SCRIPT = Path(__file__).parents[2] / "scripts" / "verify_audit.py"


@pytest.fixture
def lived_in(run):
    for name in ("alice", "bob", "carol"):
        run("user", "add", name)
    run("user", "delete", "bob")


def change(data, sql, *values):
    connection = sqlite3.connect(data / "twofold.db")
    connection.execute(sql, values)
    connection.commit()
    connection.close()


def test_a_trail_that_nobody_touched_is_whole(run, lived_in):
    done = run("audit", "verify")

    assert done.status == 0
    assert done.out == "5 records in 4 segments: nothing is wrong\n"
    assert run("audit", "verify", "--json").json == {"records": 5, "segments": 4, "findings": []}


@pytest.mark.parametrize(
    ("sql", "fault"),
    [
        ("update audit set body = '{}' where position = 3", "edited"),
        ("delete from audit where position = 3", "deleted"),
        ("delete from audit where position = 5", "cut-off"),
        ("delete from segment where number = 4", "cut-off"),
        ("update segment set body = replace(body, '\"v\":1', '\"v\":2')", "segment-altered"),
    ],
)
def test_what_was_done_to_the_trail_is_named(run, lived_in, data, sql, fault):
    ids = [record["id"] for record in run("audit", "tail").lines]
    change(data, sql)

    done = run("audit", "verify", "--json")

    assert done.status == 1
    found = done.json["findings"]
    assert fault in {finding["fault"] for finding in found}
    assert {finding["record"] for finding in found} <= {*ids, None}
    text = run("audit", "verify")
    assert text.status == 1
    assert f"{fault}: " in text.out


def test_the_head_outside_the_database_is_needed(run, lived_in, data):
    (data / "audit.head").unlink()
    assert "head-missing" in run("audit", "verify").out

    (data / "audit.head").write_text("nonsense")
    damaged = run("audit", "verify")
    assert (damaged.status, damaged.err) == (
        2,
        f"audit head {data / 'audit.head'}: is damaged\n",
    )


def test_an_export_convinces_a_stranger(run, lived_in, tmp_path):
    file = tmp_path / "trail.jsonl"
    file.write_text(run("audit", "export").out)

    checked = subprocess.run(
        [sys.executable, SCRIPT, file], capture_output=True, text=True, check=False
    )

    assert (checked.returncode, checked.stdout) == (0, "5 records, 4 segments: nothing is wrong\n")
    kinds = [json.loads(line)["type"] for line in file.read_text().splitlines()]
    assert kinds == ["key", *["record"] * 5, *["segment"] * 4, "head"]


def test_the_end_of_the_trail_is_shown_oldest_first(run, lived_in):
    done = run("audit", "tail", "--count", "2")

    assert [record["event"] for record in done.lines] == ["subject.created", "subject.deleted"]
    assert done.lines[-1]["by"] == "operator"
    assert run("audit", "tail", "-n", "0").out == ""
    assert run("audit", "tail", "--realm", "elsewhere").out == ""


def test_whoever_follows_sees_what_comes(run, lived_in, monkeypatch, capsys):
    from twofold.cli import audit

    looks = []

    async def instead_of_waiting(seconds):
        looks.append(seconds)
        if len(looks) > 2:
            raise KeyboardInterrupt

    monkeypatch.setattr(audit.asyncio, "sleep", instead_of_waiting)

    done = run("audit", "tail", "-n", "1", "--follow")

    assert done.status == 0
    assert [record["event"] for record in done.lines] == ["subject.deleted"]
    assert looks == [audit.LOOK_EVERY] * 3


def test_a_reader_that_leaves_is_no_fault(run, lived_in, data):
    from tests.support.server import TWOFOLD, surroundings

    with subprocess.Popen(
        [*TWOFOLD, "audit", "export", "--data", str(data)],
        env=surroundings(),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    ) as process:
        process.stdout.close()
        said = process.stderr.read()

    assert said == b""
    assert process.returncode == 1
