"""A server that is started with a real structr.conf, and follows changes while it runs."""

import http.client
import json
import time

import pytest

from tests.support.server import (
    ADMIN_PASSWORD,
    ENDED_WITHIN,
    running_server,
    twofold,
)

TF = "security.twofactorauthentication."
PASSWORD = "a good long password"
TURNS = 12
"""Requests in a row that must say the same: more than one worker is likely to answer them."""


def ask(server, method, path, body):
    line = http.client.HTTPConnection("127.0.0.1", server.port, timeout=20)
    try:
        told = {"Content-Type": "application/json"}
        line.request(method, f"/structr/rest{path}", json.dumps(body), told)
        answer = line.getresponse()
        answer.read()
        return answer.status, answer.headers
    finally:
        line.close()


def log_in(server):
    return ask(server, "POST", "/login", {"name": "alice", "password": PASSWORD})


def changed(server, conf, *words):
    done = twofold("config", *words, "--config", str(conf), data=server.data)
    assert done.returncode == 0, done.stderr


def wait_for(condition):
    deadline = time.monotonic() + ENDED_WITHIN
    while not condition():
        if time.monotonic() > deadline:
            pytest.fail("in vain")


@pytest.fixture
def conf(tmp_path):
    file = tmp_path / "structr.conf"
    file.write_text(f"# as it was\n{TF}LOGINPAGE = /2fa\n{TF}level = 2\napplication.title = X\n")
    return file


def test_what_the_file_says_is_what_clients_meet_and_changes_need_no_restart(tmp_path, conf):
    with running_server(tmp_path, files=[conf], workers=2) as server:
        made = twofold(
            "user", "add", "alice", "--password-stdin", data=server.data, stdin=f"{PASSWORD}\n"
        )
        assert made.returncode == 0
        status, headers = log_in(server)
        assert (status, headers["twoFactorLoginPage"]) == (202, "/2fa")
        assert f"{conf}: 1 keys concern Structr alone" in server.log.read_text()

        changed(server, conf, "set", f"{TF}loginpage", "/other")
        wait_for(
            lambda: {log_in(server)[1]["twoFactorLoginPage"] for _ in range(TURNS)} == {"/other"}
        )

        # The level travels with every read: no worker may be late, not even for a second.
        changed(server, conf, "set", f"{TF}level", "1")
        assert {log_in(server)[0] for _ in range(TURNS)} == {200}
        changed(server, conf, "unset", f"{TF}level")
        assert {log_in(server)[0] for _ in range(TURNS)} == {202}

    with running_server(tmp_path, files=[conf]) as server:
        assert log_in(server)[1]["twoFactorLoginPage"] == "/other"


def test_the_environment_wins_over_the_file(tmp_path, conf):
    wins = {"STRUCTR_SECURITY_TWOFACTORAUTHENTICATION_LOGINPAGE": "/env"}
    with running_server(tmp_path, files=[conf], environment=wins) as server:
        status, headers = ask(
            server, "POST", "/login", {"name": "admin", "password": ADMIN_PASSWORD}
        )

    assert (status, headers["twoFactorLoginPage"]) == (202, "/env")


def test_a_bad_value_stops_the_start_before_anything_is_made(tmp_path, conf):
    conf.write_text(f"{TF}level = 7\n{TF}digits = 7\n{TF}levle = 1\n{TF}whitelistedIPs = x\n")
    data = tmp_path / "data"

    done = twofold("serve", "--config", str(conf), "--port", "0", data=data)

    assert (done.returncode, done.stdout, data.exists()) == (2, "", False)
    assert done.stderr.splitlines() == [
        f"{conf}: {TF}level must be a whole number from 0 to 2, not '7'",
        f"{conf}: {TF}digits must be 6 or 8, not '7'",
        f"{conf}: {TF}levle is no setting of Structr; did you mean {TF}level?",
    ]
