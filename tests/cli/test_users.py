"""Accounts from the command line: by the engine's own acts, with their records and letters."""

import re
import sqlite3

import pytest

from tests.cli.left import inside
from tests.support.people import settle
from twofold.ceremonies import login
from twofold.core.types import Context

PASSWORD = "a-quiet-harbour-in-november"


def events(run):
    return [record["event"] for record in run("audit", "tail").lines]


def letters(data):
    connection = sqlite3.connect(data / "twofold.db")
    rows = connection.execute("select template, recipient from outbox").fetchall()
    connection.close()
    return rows


def signs_in(data, name, password):
    async def begin(house):
        return await login.begin(house.engine, Context(), identifier=name, answer=password)

    return inside(data, begin)


def test_an_account_is_added_with_a_password_from_standard_input(run, data):
    done = run(
        "user", "add", "Alice", "--email", "Alice@Example.org", "--phone", "+49 30 123456",
        "--admin", "--group", "staff", "--group", "ops", "--password-stdin", "--json",
        stdin=f"{PASSWORD}\n",
    )  # fmt: skip

    assert done.status == 0
    made = done.json
    assert made["name"] == "Alice"
    assert (made["email"], made["email_verified"]) == ("alice@example.org", True)
    assert (made["phone"], made["phone_verified"]) == ("+4930123456", False)
    assert (made["admin"], made["groups"]) == (True, ["staff", "ops"])
    assert PASSWORD not in done.out
    assert signs_in(data, "alice", PASSWORD)
    assert events(run)[:2] == ["keys.created", "subject.created"]


def test_without_a_password_one_is_drawn_and_shown_once(run, data):
    done = run("user", "add", "alice")

    assert done.status == 0
    password = re.search(r"shown this once: (\S+)$", done.out)[1]
    assert signs_in(data, "alice", password)
    assert password not in run("user", "show", "alice").out


@pytest.mark.parametrize(
    ("words", "stdin", "status", "said"),
    [
        (["alice"], "", 1, "This name or address is already in use."),
        (["bob", "--password-stdin"], "short\n", 1, "A password has at least 8 characters."),
        (["bob", "--password-stdin"], "", 2, "There is no password on standard input."),
        (["bob", "--email", "nowhere"], "", 2, "This is no e-mail address."),
        (["bob", "--phone", "123"], "", 2, "A phone number starts with + and its country code."),
        (["bob\x07"], "", 2, "Control and invisible characters are refused."),
    ],
)
def test_what_cannot_be_added_is_said(run, words, stdin, status, said):
    run("user", "add", "alice")

    done = run("user", "add", *words, stdin=stdin)

    assert (done.status, done.out, done.err) == (status, "", f"{said}\n")
    assert [user["name"] for user in run("user", "list", "--json").json] == ["alice"]


def test_an_address_still_to_be_proved_is_marked_so(run):
    done = run("user", "add", "alice", "--email", "a@example.org", "--unverified", "--json")

    assert done.json["email_verified"] is False


def test_accounts_are_listed_by_name_and_searched(run):
    for name in ("carol", "alice", "bob"):
        run("user", "add", name, "--email", f"{name}@example.org")

    assert [user["name"] for user in run("user", "list", "--json").json] == [
        "alice",
        "bob",
        "carol",
    ]
    assert [user["name"] for user in run("user", "list", "--search", "bo", "--json").json] == [
        "bob"
    ]
    assert [line.split("\t")[0] for line in run("user", "list").out.splitlines()] == [
        "alice",
        "bob",
        "carol",
    ]


def test_an_account_is_shown_without_its_secrets(run, data):
    run("user", "add", "zoe")
    inside(data, lambda house: settle(house.engine, "alice"))

    shown = run("user", "show", "alice", "--json").json

    assert shown["name"] == "alice"
    assert [factor["kind"] for factor in shown["factors"]] == ["totp"]
    assert shown["recovery_codes_left"] == 10
    assert not re.search(r"secret|password|sealed|argon2", str(shown))
    text = run("user", "show", shown["id"]).out
    assert "recovery  10 codes left" in text
    assert "factor    totp" in text


def test_what_is_named_changes_and_all_else_stays(run, data):
    run("user", "add", "alice", "--email", "a@example.org", "--group", "staff", "--admin")

    done = run("user", "set", "alice", "--email", "b@example.org", "--no-admin", "--json")

    changed = done.json
    assert (changed["email"], changed["email_verified"]) == ("b@example.org", True)
    assert (changed["admin"], changed["groups"]) == (False, ["staff"])
    assert run("user", "set", "alice", "--group", "", "--json").json["groups"] == []
    assert run("user", "set", "alice", "--name", "alina", "--json").json["name"] == "alina"
    assert run("user", "set", "alina", "--disable", "--json").json["disabled"] is True
    assert run("user", "set", "alina", "--enable", "--json").json["disabled"] is False
    assert {"subject.changed", "subject.disabled", "subject.enabled"} <= {*events(run)}


def test_a_password_is_set_from_standard_input_and_its_owner_told(run, data):
    run("user", "add", "alice", "--email", "a@example.org")

    assert run("user", "set", "alice", "--password-stdin", stdin=f"{PASSWORD}\n").status == 0

    assert signs_in(data, "alice", PASSWORD)
    assert ("password-changed", "a@example.org") in letters(data)
    assert "subject.password.set" in events(run)


def test_a_reset_removes_all_second_factors_and_tells_the_owner(run, data):
    run("user", "add", "zoe")
    inside(data, lambda house: settle(house.engine, "alice"))

    done = run("user", "reset", "alice", "--reason", "phone lost", "--json")

    assert [gone["kind"] for gone in done.json["removed"]] == ["totp"]
    assert run("user", "show", "alice", "--json").json["factors"] == []
    assert ("factor-reset", "alice@example.org") in letters(data)
    (record,) = (r for r in run("audit", "tail").lines if r["event"] == "factor.reset")
    assert (record["by"], record["reason"]) == ("operator", "phone lost")


def test_an_unlock_forgives(run, data):
    run("user", "add", "alice", "--password-stdin", stdin=f"{PASSWORD}\n")

    async def guess(house):
        for _ in range(3):
            with pytest.raises(Exception, match="name or the password"):
                await login.begin(house.engine, Context(), identifier="alice", answer="no")

    inside(data, guess)

    assert run("user", "unlock", "alice", "--json").json == {"unlocked": ["kind:password"]}
    assert run("user", "unlock", "alice").out == "alice may try again: nothing was counted.\n"


def test_a_deleted_account_is_gone_and_its_records_stay(run):
    run("user", "add", "alice")

    done = run("user", "delete", "alice")

    assert (done.status, done.out) == (0, "alice has been deleted.\n")
    assert run("user", "list", "--json").json == []
    assert events(run)[-1] == "subject.deleted"


@pytest.mark.parametrize("command", ["show", "set", "delete", "unlock", "reset"])
def test_nobody_is_named_as_nobody(run, command):
    run("user", "add", "alice")

    assert run("user", command, "nobody").status == 1
    assert run("user", command, "nobody", "--json").json == {
        "error": "not-found",
        "faults": ["There is no such thing."],
    }


def test_only_a_terminal_is_asked_whether_it_is_sure(run, monkeypatch):
    run("user", "add", "alice")
    monkeypatch.setattr("builtins.input", pytest.fail)

    assert run("user", "reset", "alice").status == 0
    assert run("user", "delete", "alice").status == 0


def test_who_is_not_sure_changes_nothing(run, monkeypatch):
    from twofold.cli import users

    run("user", "add", "alice")
    monkeypatch.setattr(users, "_at_a_terminal", lambda: True)
    monkeypatch.setattr("builtins.input", lambda question: "")

    assert run("user", "delete", "alice").status == 1
    monkeypatch.setattr("builtins.input", lambda question: "yes")
    assert run("user", "delete", "alice").status == 0


def test_a_password_can_be_typed_twice_at_a_terminal(run, monkeypatch, data):
    from twofold.cli import users

    typed = iter([PASSWORD, PASSWORD, PASSWORD, "something else", ""])
    monkeypatch.setattr(users, "_typing", lambda: True)
    monkeypatch.setattr("getpass.getpass", lambda prompt: next(typed))

    assert run("user", "add", "alice").status == 0
    assert signs_in(data, "alice", PASSWORD)
    refused = run("user", "add", "bob")
    assert (refused.status, refused.err) == (2, "The two are not the same.\n")
    assert "shown this once" in run("user", "add", "carol").out


def test_no_command_takes_a_password_as_an_argument():
    from typer.main import get_command

    from twofold.cli.grammar import app

    for name, command in get_command(app).commands["user"].commands.items():
        options = {word for option in command.params for word in option.opts}
        assert not {word for word in options if "password" in word} - {"--password-stdin"}, name


def test_commands_need_a_directory_that_is_there(run, data):
    done = run("user", "list")

    assert done.status == 2
    assert done.err == f"data: {data} is not there; no server has run with it yet\n"
    assert not data.exists()
