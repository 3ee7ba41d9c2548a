"""Commands on a database server: what the doctor says of it, and what nobody may ever read."""

import sys

import pytest

from tests.support.postgres import rows

SECRET = "tr0ub4dor-and-3"


@pytest.fixture
def url(cluster, monkeypatch):
    """The URL of an empty database that the commands are told of."""
    made = cluster.url(cluster.database())
    monkeypatch.setenv("TWOFOLD_DATABASE__URL", made)
    return made


def checks(done):
    return {one["name"]: (one["verdict"], one["text"]) for one in done.json["checks"]}


def test_a_server_is_looked_at_from_all_sides(run, data, url):
    run("user", "add", "alice")

    found = checks(run("doctor", "--json"))

    verdict, text = found["database"]
    assert verdict == "ok"
    assert text.endswith("survives a crash of this server, not the loss of its disk")
    assert found["database.clock"][0] == "ok"
    assert found["database.schema"] == ("ok", "up to date")
    assert found["fit"][0] == "ok"
    assert rows(url, "select name from subject") == [("alice",)]


def test_a_look_at_an_empty_database_leaves_it_empty(run, data, url):
    data.mkdir(mode=0o700, exist_ok=True)

    found = checks(run("doctor", "--json"))

    assert found["database.schema"][0] == "warning"
    assert "migration 1" in found["database.schema"][1]
    assert "fit" not in found
    assert rows(url, "select count(*) from pg_tables where schemaname = 'public'") == [(0,)]


def test_a_hasty_role_is_a_fault(run, data, url, cluster):
    run("user", "add", "alice")
    name = url.rpartition("/")[2]
    cluster.sql(f"alter database {name} set synchronous_commit = off")

    verdict, text = checks(run("doctor", "--json"))["database"]

    assert verdict == "fault"
    assert text.startswith("synchronous_commit is off for this role")


@pytest.mark.parametrize(
    "words", [("doctor",), ("doctor", "--json"), ("user", "add", "bob"), ("config", "show")]
)
def test_a_password_in_the_url_is_never_shown(run, data, cluster, monkeypatch, words):
    data.mkdir(mode=0o700, exist_ok=True)
    monkeypatch.setenv("TWOFOLD_DATABASE__URL", cluster.url(user=f"keeper:{SECRET}"))

    done = run(*words)

    assert SECRET not in done.out + done.err
    if words != ("config", "show"):
        assert "it refuses the user or the password" in done.out + done.err


def test_a_url_that_is_none_is_not_repeated(run, data, monkeypatch):
    monkeypatch.setenv("TWOFOLD_DATABASE__URL", f"postgresql//u:{SECRET}@localhost/x")

    done = run("user", "add", "bob")

    assert "database.url must be" in done.err
    assert SECRET not in done.out + done.err


def test_without_the_driver_it_is_said_what_to_install(run, data, url, monkeypatch):
    monkeypatch.setitem(sys.modules, "asyncpg", None)

    done = run("user", "add", "bob")

    assert done.status != 0
    assert "pip install 'twofold[postgres]'" in done.out + done.err
