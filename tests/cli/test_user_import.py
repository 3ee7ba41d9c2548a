"""Accounts brought along from Structr, with the secrets of their apps."""

import json
import sqlite3
import time

import pytest

from tests.cli.left import inside
from tests.support.codes import Phone
from twofold.ceremonies import admin, admin_factors, login, prove
from twofold.ceremonies.outcomes import Granted, Pending
from twofold.core.ceremony import State
from twofold.core.types import DEFAULT_REALM, Context

PASSWORD = "a-quiet-harbour-in-november"
TF = "security.twofactorauthentication."
RAW = b"1234567890123456789012345678901-"
LONG = "GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQGEWQ===="
SHORT = "GEZDGNBVGY3TQOJQ"


def exported(name, **fields):
    return {
        "id": name[0] * 32 if name[0] in "abcdef" else None,
        "name": name,
        "eMail": f"{name}@example.org",
        "isTwoFactorUser": True,
        "twoFactorConfirmed": True,
        "twoFactorSecret": LONG,
        **fields,
    }


USERS = [
    exported("alice"),
    exported("bob", twoFactorSecret=SHORT),
    exported("carol", isTwoFactorUser=False, twoFactorSecret=None, twoFactorConfirmed=False),
    exported("dave", blocked=True, isAdmin=True, locale="de_DE"),
    exported("erin", isTwoFactorUser=False),
    exported("frank", eMail="no address"),
    {"eMail": None},
]


@pytest.fixture
def file(tmp_path):
    """An export of seven users."""
    path = tmp_path / "users.json"
    path.write_text(json.dumps({"result": USERS}))
    return path


@pytest.fixture
def begun(run, tmp_path, monkeypatch):
    """A data directory, and a structr.conf that every command is started with."""
    conf = tmp_path / "structr.conf"
    conf.write_text(f"{TF}algorithm = SHA256\n{TF}digits = 8\n{TF}period = 60\n")
    monkeypatch.setenv("TWOFOLD_CONFIG", str(conf))
    assert run("user", "add", "root", "--password-stdin", stdin=f"{PASSWORD}\n").status == 0
    return run


def bring(run, file, *words):
    return run("user", "import", "--from", "structr", str(file), "--json", *words)


def outcomes(done):
    return {user["name"]: user["outcome"] for user in done.json["users"]}


def letters(data):
    connection = sqlite3.connect(data / "twofold.db")
    rows = connection.execute("select template, recipient from outbox").fetchall()
    connection.close()
    return sorted(rows)


EXPECTED = {
    "alice": "imported",
    "bob": "imported, must set up its app again",
    "carol": "imported",
    "dave": "imported",
    "erin": "imported",
    "frank": "refused",
    "entry 7": "refused",
}


def test_each_user_is_brought_along_or_named_with_the_reason(begun, file, data):
    done = bring(begun, file)

    assert done.status == 1
    assert outcomes(done) == EXPECTED
    assert done.json["counts"] == {
        "imported": 4, "imported, must set up its app again": 1, "already there": 0, "refused": 2,
    }  # fmt: skip
    why = {user["name"]: user["why"] for user in done.json["users"]}
    assert why["bob"] == "has a secret of 80 bits, less than 128"
    assert why["frank"] == "This is no e-mail address."
    assert why["entry 7"] == "has neither name nor eMail"
    alice = begun("user", "show", "alice", "--json").json
    assert alice["id"] == "a" * 32
    assert (alice["email"], alice["email_verified"]) == ("alice@example.org", True)
    dave = begun("user", "show", "dave", "--json").json
    assert (dave["admin"], dave["disabled"]) == (True, True)
    assert LONG not in done.out


def signs_in(data, name, code):
    async def work(house):
        context = Context()
        await admin.set_password(house.engine, context, "operator", name, PASSWORD)
        begun = await login.begin(house.engine, context, identifier=name, answer=PASSWORD)
        if isinstance(begun, Granted) or begun.ceremony.state is not State.SECOND_FACTOR:
            return begun
        return await prove.prove(house.engine, begun.ticket, code, context)

    return inside(data, work)


def test_the_app_of_an_imported_user_goes_on_with_the_parameters_of_the_settings(begun, file, data):
    bring(begun, file)
    app = Phone(RAW, digits=8, period=60, algorithm="sha256")

    assert isinstance(signs_in(data, "alice", app.code(time.time())), Granted)


def test_who_must_set_up_the_app_again_is_asked_to_at_the_next_login(begun, file, data):
    bring(begun, file)

    outcome = signs_in(data, "bob", "")

    assert isinstance(outcome, Pending)
    assert outcome.ceremony.state is State.ENROL


@pytest.mark.parametrize("name", ["carol", "erin"])
def test_who_had_one_factor_only_signs_in_with_it(begun, file, data, name):
    bring(begun, file)

    assert isinstance(signs_in(data, name, ""), Granted)


def test_owners_are_told_of_the_secret_that_came_along(begun, file, data):
    bring(begun, file)

    assert [row for row in letters(data) if row[0] == "factor-added"] == [
        ("factor-added", f"{name}@example.org") for name in ("alice", "dave", "erin")
    ]


def test_a_dry_run_says_the_same_and_does_nothing(begun, file, data):
    dry = bring(begun, file, "--dry-run")

    assert (dry.status, outcomes(dry), dry.json["dry_run"]) == (1, EXPECTED, True)
    assert [user["name"] for user in begun("user", "list", "--json").json] == ["root"]
    assert letters(data) == []
    plain = begun("user", "import", "--from", "structr", str(file), "--dry-run").out
    assert plain.startswith("Nothing was done; this is what would be.\n")
    assert plain.endswith("\n4 imported, 1 imported, must set up its app again, 2 refused\n")


def test_a_dry_run_finds_who_would_collide_with_another_of_the_export(begun, tmp_path):
    file = tmp_path / "twice.json"
    file.write_text(
        json.dumps(
            [
                exported("alice"),
                exported("ALICE", id=None),
                exported("zoe", eMail="Alice@example.org"),
            ]
        )
    )

    dry = bring(begun, file, "--dry-run")

    assert outcomes(dry) == {"alice": "imported", "ALICE": "refused", "zoe": "refused"}


def test_a_second_run_changes_nobody_and_mails_nobody(begun, file, data):
    bring(begun, file)
    begun("user", "reset", "alice")
    before = letters(data)

    again = bring(begun, file)

    assert outcomes(again) == {
        name: "refused" if outcome == "refused" else "already there"
        for name, outcome in EXPECTED.items()
    }
    assert letters(data) == before
    assert begun("user", "show", "alice", "--json").json["factors"] == []


def test_an_account_that_was_there_before_is_left_alone(begun, tmp_path):
    file = tmp_path / "root.json"
    file.write_text(json.dumps(exported("root", isAdmin=True)))

    assert outcomes(bring(begun, file)) == {"root": "already there"}
    root = begun("user", "show", "root", "--json").json
    assert (root["admin"], root["factors"], root["email"]) == (False, [], None)


@pytest.mark.parametrize("bound", [False, True], ids=["before its factor", "before the end"])
def test_a_run_that_was_interrupted_is_finished_by_the_next_one(begun, tmp_path, data, bound):
    file = tmp_path / "alice.json"
    file.write_text(json.dumps(exported("alice")))

    async def interrupted(house):
        context = Context(DEFAULT_REALM)
        made = await admin.create_subject(
            house.engine, context, "operator", name="alice", attributes={"import": "begun"}
        )
        if bound:
            await admin_factors.import_factor(
                house.engine, context, "operator", made.id, "totp", secret=RAW
            )

    inside(data, interrupted)

    assert outcomes(bring(begun, file)) == {"alice": "imported"}
    assert outcomes(bring(begun, file)) == {"alice": "already there"}
    assert len(begun("user", "show", "alice", "--json").json["factors"]) == 1


def test_addresses_nobody_has_confirmed_are_not_taken_for_proved(begun, tmp_path):
    file = tmp_path / "two.json"
    file.write_text(json.dumps([exported("alice", confirmationKey="k"), exported("bob")]))
    bring(begun, file)
    assert begun("user", "show", "alice", "--json").json["email_verified"] is False

    other = tmp_path / "three.json"
    other.write_text(json.dumps([exported("carol")]))
    bring(begun, other, "--unverified")
    assert begun("user", "show", "carol", "--json").json["email_verified"] is False


def test_progress_is_told_beside_the_result(begun, tmp_path):
    file = tmp_path / "many.csv"
    lines = [f"user{n},user{n}@example.org" for n in range(250)]
    file.write_text("\n".join(["name,eMail", *lines]))

    done = begun("user", "import", "--from", "structr", str(file))

    assert done.status == 0
    assert done.err.splitlines() == ["100 ...", "200 ..."]
    assert done.out.endswith("\n250 imported\n")


@pytest.mark.parametrize(
    ("content", "words", "said"),
    [
        (None, [], "cannot be read"),
        (b"\xff", [], "is not UTF-8 text."),
        (b"{", [], "The export is no JSON."),
        (b"[]", ["--from", "keycloak"], "An export can be from structr."),
    ],
    ids=["absent", "bytes", "cut", "whose"],
)
def test_what_is_no_export_is_refused(begun, tmp_path, content, words, said):
    file = tmp_path / "x.json"
    if content is not None:
        file.write_bytes(content)

    done = bring(begun, file, *words)

    assert done.status == 2
    assert said in done.json["faults"][0]


def test_an_export_of_nobody_is_fine(begun, tmp_path):
    file = tmp_path / "none.json"
    file.write_text("[]")

    done = begun("user", "import", "--from", "structr", str(file))

    assert (done.status, done.out.endswith("There was nobody.\n")) == (0, True)


def test_nobody_is_brought_to_where_no_server_has_run(run, file, data):
    done = bring(run, file)

    assert (done.status, data.exists()) == (2, False)


def test_no_secret_of_the_export_is_readable_in_the_data_directory(begun, file, data):
    bring(begun, file)

    for path in data.rglob("*"):
        raw = path.read_bytes() if path.is_file() else b""
        assert RAW not in raw
        assert LONG[:32].encode() not in raw
