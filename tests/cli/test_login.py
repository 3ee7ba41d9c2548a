"""A whole sign-in in the terminal, by following what the server offers and nothing else."""

import http.server
import json
import re
import sys
import threading
import time

import pytest

from tests.support.codes import Phone
from tests.support.server import running_server
from twofold.cli import main


class Person:
    """Somebody at the keyboard, who reads the screen before typing."""

    def __init__(self, capsys, *answers):
        self._capsys = capsys
        self._answers = list(answers)
        self.out = ""
        self.err = ""

    def isatty(self):
        return False

    def look(self):
        printed = self._capsys.readouterr()
        self.out += printed.out
        self.err += printed.err

    def readline(self):
        self.look()
        if not self._answers:
            return ""
        answer = self._answers.pop(0)
        return f"{answer(self) if callable(answer) else answer}\n"

    @property
    def screen(self):
        return self.out + self.err


@pytest.fixture
def sits_down(capsys, monkeypatch):
    def sit(url, *words, answers=()):
        person = Person(capsys, *answers)
        monkeypatch.setattr(sys, "stdin", person)
        status = main(["login", *words, "--url", url])
        person.look()
        return status, person

    return sit


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    with running_server(tmp_path_factory.mktemp("login")) as found:
        yield found


def scanned(person: Person) -> str:
    """The code of the app that has just read the key URI on the screen."""
    uri = re.findall(r"otpauth uri: (\S+)", person.screen)[-1]
    return Phone.scanned(uri).code(time.time())


def test_a_first_sign_in_sets_an_app_up_and_shows_the_recovery_codes(sits_down, server):
    status, person = sits_down(
        server.url, "admin", answers=[server.admin_password, "1", "1", scanned]
    )

    assert status == 0, person.screen
    assert "-- enroll" in person.out
    assert "  1  enroll totp\n" in person.out
    assert "secret groups: " in person.out
    assert "You are signed in.\nacr: urn:twofold:aal2\n" in person.out
    codes = re.findall(r"^    (\S{4}(?:-\S{4}){3})$", person.out, re.MULTILINE)
    assert len(codes) == 10

    wrong = ["x", server.admin_password, "1", "000000", "2", codes[0]]
    status, person = sits_down(server.url, "admin", answers=wrong)
    assert status == 0, person.screen
    assert "The name or the password is not right." in person.out
    assert "This code is not right." in person.out
    assert "attempts left: 4" in person.out
    assert "notice: replace lost factor" in person.out.replace("-", " ")


def test_the_answer_is_json_and_the_talk_goes_elsewhere(sits_down, server):
    status, person = sits_down(server.url, "--json", answers=["nobody", "a wrong password"])

    assert status == 1
    said = json.loads(person.out)
    assert said["faults"] == ["standard input ended where identifier was asked for"]
    assert "The name or the password is not right." in person.err


def test_who_cancels_is_not_signed_in(sits_down, server):
    twofold_user(server, "bob")
    status, person = sits_down(server.url, "bob", "--json", answers=["a-quiet-harbour-in-november"])
    assert (status, json.loads(person.out)["state"]) == (0, "done")
    assert "access_token" in person.out

    twofold_user(server, "eve", "--admin")
    status, person = sits_down(server.url, "eve", answers=["a-quiet-harbour-in-november", "3"])
    assert (status, person.out.splitlines()[-1]) == (1, "cancelled")


def twofold_user(server, name, *more):
    from tests.support.server import twofold

    done = twofold(
        "user", "add", name, "--password-stdin", *more,
        data=server.data, stdin="a-quiet-harbour-in-november\n",
    )  # fmt: skip
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize(
    ("url", "status", "said"),
    [
        ("http://127.0.0.1:1", 1, "does not answer as Twofold does"),
        ("ftp://127.0.0.1", 2, "is no http or https URL"),
        ("127.0.0.1:8080", 2, "is no http or https URL"),
    ],
)
def test_where_nobody_answers_is_said(sits_down, url, status, said):
    ended, person = sits_down(url, "alice", answers=["x"])

    assert ended == status
    assert said in person.err


class Stranger(http.server.BaseHTTPRequestHandler):
    """A server that is something else."""

    def do_POST(self):
        status, body = {
            "/plain/v1/ceremony": (200, b"hello"),
            "/list/v1/ceremony": (200, b"[]"),
            "/busy/v1/ceremony": (503, b'{"title": "Busy.", "retry_after": 3}'),
        }[self.path]
        self.send_response(status)
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *args):
        """Say nothing."""


@pytest.fixture(scope="module")
def stranger():
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Stranger)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.mark.parametrize(
    ("path", "said"),
    [
        ("plain", "does not answer as Twofold does"),
        ("list", "does not answer as Twofold does"),
        ("busy", "Busy.\nretry after: 3"),
    ],
)
def test_what_a_stranger_answers_ends_it(sits_down, stranger, path, said):
    status, person = sits_down(f"{stranger}/{path}", "alice", answers=["x"])

    assert status == 1
    assert said in person.screen, person.screen
