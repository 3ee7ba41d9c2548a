"""Master keys from the command line: by their ids, never by their secrets."""

import json


def test_keys_are_listed_newest_first_without_their_secrets(run, data):
    run("user", "add", "alice")
    (first,) = run("keys", "list", "--json").json

    rotated = run("keys", "rotate", "--json")

    newest, older = rotated.json
    assert older == {**first, "current": False}
    assert newest["current"] is True
    assert run("keys", "list", "--json").json == rotated.json
    plain = run("keys", "list").out.splitlines()
    assert [line.split("\t")[0] for line in plain] == [newest["id"], older["id"]]
    for key in json.loads((data / "twofold.key").read_text())["keys"]:
        assert key["secret"] not in rotated.out + run("keys", "list").out


def test_what_was_sealed_before_a_rotation_stays_readable(run):
    run("user", "add", "alice", "--password-stdin", stdin="a-quiet-harbour-in-november\n")
    run("keys", "rotate")

    assert run("audit", "verify").status == 0
    assert run("user", "show", "alice").status == 0


def test_there_are_no_keys_without_a_directory(run):
    assert run("keys", "list").status == 2
    assert run("keys", "rotate").status == 2


def test_keys_in_memory_cannot_be_listed(run, monkeypatch):
    run("user", "add", "alice")
    from twofold.wiring import keys

    assert keys.KeyFile is not None
    refused = _in_memory(keys)
    assert "in memory only" in refused


def _in_memory(keys):
    try:
        keys.ring_of(None)
    except keys.Misconfigured as error:
        return str(error)
    return ""
