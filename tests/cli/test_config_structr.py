"""A vendor's settings at the command line: shown with their origin, changed while servers run."""

import json
import sqlite3

import pytest

from twofold.dialects.structr.config import SETTINGS

TF = "security.twofactorauthentication."
DRAWN = "k3Zq-81vX_0mTbYw7Rj2LsUe9GpNcHd4"


@pytest.fixture
def conf(tmp_path, monkeypatch):
    """A structr.conf that every command of the test is started with."""
    file = tmp_path / "structr.conf"
    file.write_text(f"{TF}digits = 8\n{TF}level = 1\nsecurity.jwt.secret = {DRAWN}\n")
    file.chmod(0o600)
    monkeypatch.setenv("TWOFOLD_CONFIG", str(file))
    return file


@pytest.fixture
def begun(run, conf):
    """A data directory in which a server could run."""
    assert (
        run("user", "add", "alice", "--password-stdin", stdin="a good long password\n").status == 0
    )
    return run


def shown(run):
    return run("config", "show", "--origin", "--json").json


def test_before_a_server_has_run_the_files_are_shown(run, conf, data):
    found = shown(run)

    assert SETTINGS.keys() <= found.keys()
    assert found[f"{TF}digits"] == {"value": 8, "origin": str(conf)}
    assert found[f"{TF}level"] == {"value": 1, "origin": f"{conf} ({TF}level)"}
    assert found[f"{TF}period"] == {"value": 30, "origin": "default"}
    assert found["security.jwt.secret"] == {"value": "(hidden)", "origin": str(conf)}
    assert not data.exists()


def test_a_change_is_kept_and_shown_with_its_origin(begun):
    done = begun("config", "set", f"{TF.upper()}DIGITS", "6", "--json")
    plain = begun("config", "set", f"{TF}whitelistedIPs", "10.0.0.1, 10.1.0.0/16")

    assert done.json == {"name": f"{TF}digits", "value": 6, "origin": "run time", "note": ""}
    assert plain.out == (
        f'{TF}whitelistedIPs = "10.0.0.1, 10.1.0.0/16" (from: run time; applies at once)\n'
    )
    found = shown(begun)
    assert found[f"{TF}digits"] == {"value": 6, "origin": "run time"}
    assert DRAWN not in begun("config", "show").out


def test_a_change_is_taken_back(begun, conf):
    begun("config", "set", f"{TF}digits", "6")

    assert begun("config", "unset", f"{TF}digits", "--json").json["value"] == 8
    assert shown(begun)[f"{TF}digits"]["origin"] == str(conf)


def test_the_level_changes_the_policy_and_is_shown_as_both(begun):
    begun("config", "set", f"{TF}level", "2")

    assert shown(begun)[f"{TF}level"] == {"value": 2, "origin": "run time"}
    last = json.loads(begun("audit", "tail", "-n", "1").out)
    assert last["event"] in {"document.changed", "policy.changed"}
    assert last["facts"]["by"] == "operator" if "facts" in last else "operator" in str(last)


@pytest.mark.parametrize(
    ("words", "status", "said"),
    [
        (("set", f"{TF}digits", "7"), 2, f"{TF}digits must be 6 or 8."),
        (("set", "zebra", "1"), 2, "zebra is no setting of Structr that is known here."),
        (("unset", "zebra"), 2, "zebra is no setting of Structr that is known here."),
        (
            ("set", "security.jwt.secret", "hunter2"),
            2,
            "security.jwt.secret is a secret, which is read from files and the environment only.",
        ),
        (
            ("set", "server.port", "1"),
            2,
            "server.port is read when the server starts; write it into twofold.toml.",
        ),
        (("set", f"{TF}digits"), 2, ""),
    ],
)
def test_what_cannot_be_set_is_refused_by_name(begun, words, status, said):
    done = begun("config", *words)

    assert done.status == status
    assert said in done.err
    assert "hunter2" not in done.err


def test_nothing_is_set_where_no_server_has_run(run, conf, data):
    done = run("config", "set", f"{TF}digits", "6")

    assert (done.status, data.exists()) == (2, False)
    assert "is not there" in done.err


def test_a_database_that_cannot_be_read_still_shows_the_files(begun, conf, data):
    (data / "twofold.db").write_bytes(b"nonsense" * 1024)

    done = begun("config", "show", "--json")

    assert done.json[f"{TF}digits"] == 8
    assert "Not as changed while running" in done.err


def test_the_check_tells_what_was_taken_with_a_grain_of_salt(run, conf):
    conf.write_text(f"{TF}whitelistedIPs = intranet\napplication.title = X\n")

    done, document = run("config", "check"), run("config", "check", "--json").json

    assert done.status == 0
    assert done.out.splitlines() == [
        *document["notes"],
        "fine: 4 settings given",
    ]
    assert document["notes"] == [
        f"{conf}: 1 keys concern Structr alone and mean nothing here: application.title",
        f"{conf}: {TF}whitelistedIPs: 'intranet' is no address and is left out",
    ]


def test_the_check_refuses_a_bad_value_by_file_and_key(run, conf):
    conf.write_text(f"{TF}level = 9\n{TF}nonsense = 1\n")

    done = run("config", "check")

    assert done.status == 2
    assert done.err.splitlines() == [
        f"{conf}: {TF}level must be a whole number from 0 to 2, not '9'",
        f"{conf}: {TF}nonsense is no setting of Structr",
    ]


def test_the_value_of_a_secret_is_in_no_row_of_the_database(begun, data):
    begun("config", "set", f"{TF}digits", "6")

    with sqlite3.connect(data / "twofold.db") as connection:
        dump = "\n".join(connection.iterdump())
    connection.close()
    assert DRAWN not in dump
