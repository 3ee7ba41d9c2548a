"""The server as its operator meets it: real processes, real signals, a real port."""

import http.client
import json
import os
import re
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests.support.server import (
    ENDED_WITHIN,
    TWOFOLD,
    children,
    running_server,
    surroundings,
    toml,
    twofold,
)
from twofold.cli.serve import Options, plain_options


def ask(server, method: str, path: str, body: object = None) -> tuple[int, bytes]:
    line = http.client.HTTPConnection("127.0.0.1", server.port, timeout=20)
    try:
        raw = None if body is None else json.dumps(body)
        line.request(method, path, raw, {"content-type": "application/json"} if raw else {})
        answer = line.getresponse()
        return answer.status, answer.read()
    finally:
        line.close()


def sign_in(server, name: str, password: str) -> int:
    body = {"kind": "login", "identifier": name, "password": password}
    return ask(server, "POST", "/v1/ceremony", body)[0]


def wait_for(condition, what: str) -> None:
    deadline = time.monotonic() + ENDED_WITHIN
    while not condition():
        if time.monotonic() > deadline:
            pytest.fail(f"in vain: {what}")
        time.sleep(0.05)


def test_a_bare_start_says_where_it_is_and_shows_the_password_once(tmp_path):
    command = [*TWOFOLD, "serve", "--port", "0"]
    process = subprocess.Popen(
        command, cwd=tmp_path, env=surroundings(), stdout=subprocess.PIPE, text=True
    )
    with process:
        lines = []
        for line in process.stdout:
            lines.append(line.rstrip("\n"))
            if "is ready at" in line:
                break
        process.send_signal(signal.SIGTERM)
        rest = process.stdout.read()

    assert process.returncode == 0
    assert lines[0] == "The account admin has been made. Its password is shown this once:"
    assert re.fullmatch(r"    [0-9a-z]{5}(-[0-9a-z]{5}){3}", lines[2])
    assert re.fullmatch(
        r"Twofold \S+ is ready at http://127\.0\.0\.1:\d+ with its data in twofold-data", lines[-1]
    )
    assert rest == ""
    assert sorted(path.name for path in (tmp_path / "twofold-data").iterdir()) == [
        "audit.head",
        "twofold.db",
        "twofold.key",
    ]


def test_a_drawn_password_opens_the_account_and_is_not_shown_again(tmp_path):
    with running_server(tmp_path, admin_password=None) as server:
        password = server.admin_password
        assert sign_in(server, "admin", password) == 200
    with running_server(tmp_path, admin_password=None) as server:
        assert server.admin_password == ""
        assert sign_in(server, "admin", password) == 200


def test_the_first_password_leaves_the_environment_of_the_server(tmp_path):
    with running_server(tmp_path, workers=2) as server:
        # What a process was started with stays readable; its workers are started without it.
        for pid in server.pids:
            environment = Path(f"/proc/{pid}/environ").read_bytes()
            assert b"TWOFOLD_ADMIN_PASSWORD" not in environment
        assert sign_in(server, "admin", server.admin_password) == 200


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
@pytest.mark.parametrize("workers", [1, 2])
def test_a_signal_means_a_clean_end(tmp_path, number, workers):
    with running_server(tmp_path, workers=workers) as server:
        pids = server.pids

        server.process.send_signal(number)

        assert server.stop() == 0
        assert not [pid for pid in pids if Path(f"/proc/{pid}").exists()]
        assert "Traceback" not in server.log.read_text()


def test_a_request_under_way_is_answered_before_the_end(tmp_path):
    with running_server(tmp_path) as server:
        known = {"kind": "login", "identifier": "admin", "password": server.admin_password}
        body = json.dumps(known).encode()
        head = (
            "POST /v1/ceremony HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\n"
            f"content-length: {len(body)}\r\nexpect: 100-continue\r\n\r\n"
        )
        with socket.create_connection(("127.0.0.1", server.port), timeout=20) as line:
            line.sendall(head.encode())
            # Whoever asks for the body has begun to answer.
            assert line.recv(65_536).startswith(b"HTTP/1.1 100 ")
            server.process.send_signal(signal.SIGTERM)
            wait_for(lambda: not listening(server.port), "no more connections are taken")

            line.sendall(body)

            assert line.recv(65_536).startswith(b"HTTP/1.1 200 ")
        assert server.stop() == 0


def listening(port: int) -> bool:
    lines = Path("/proc/net/tcp").read_text().splitlines()[1:]
    local, listens = f"0100007F:{port:04X}", "0A"
    return any(line.split()[1] == local and line.split()[3] == listens for line in lines)


def test_a_client_that_never_finishes_does_not_hold_the_end_up(tmp_path):
    with running_server(tmp_path, config={"server": {"drain_seconds": 1}}) as server:
        head = "POST /v1/ceremony HTTP/1.1\r\ncontent-type: application/json\r\n"
        with socket.create_connection(("127.0.0.1", server.port), timeout=20) as line:
            line.sendall(f"{head}content-length: 9\r\nexpect: 100-continue\r\n\r\n".encode())
            assert line.recv(65_536).startswith(b"HTTP/1.1 100 ")

            assert server.stop() == 0


def test_a_dead_worker_is_replaced(tmp_path):
    with running_server(tmp_path, workers=2) as server:
        first, second = server.pids

        os.kill(first, signal.SIGKILL)

        wait_for(lambda: len({*server.pids} - {first}) == 2, "two workers again")
        assert second in server.pids
        assert ask(server, "GET", "/health/ready")[0] == 200


def test_workers_do_not_outlive_a_killed_parent(tmp_path):
    with running_server(tmp_path, workers=2) as server:
        workers = server.pids

        os.kill(server.pid, signal.SIGKILL)
        server.process.wait(ENDED_WITHIN)

        wait_for(lambda: not any(Path(f"/proc/{pid}").exists() for pid in workers), "all ended")
        assert not listening(server.port)


def test_figures_of_all_workers_are_added_up(tmp_path):
    with running_server(tmp_path, workers=2) as server:
        for _ in range(20):
            assert ask(server, "GET", "/health/live")[0] == 200
        status, text = ask(server, "GET", "/metrics")

    assert status == 200
    counted = re.findall(
        rb'^twofold_http_requests_total\{[^}]*route="/health/live"[^}]*\} ([0-9.]+)$',
        text,
        re.MULTILINE,
    )
    assert sum(map(float, counted)) == 20


def test_a_server_in_memory_forgets_all_but_its_key(tmp_path):
    config = {"database": {"url": "memory:"}}
    with running_server(tmp_path, config=config) as server:
        assert sign_in(server, "admin", server.admin_password) == 200
        assert sign_in(server, "admin", "wrong") == 422
    with running_server(tmp_path, config=config, admin_password=None) as server:
        assert sign_in(server, "admin", server.admin_password) == 200

    assert {path.name for path in server.data.iterdir()} <= {"twofold.key", "audit.head"}


def test_two_servers_may_share_a_directory(tmp_path):
    with running_server(tmp_path) as one, running_server(tmp_path) as other:
        assert sign_in(one, "admin", one.admin_password) == 200
        assert sign_in(other, "admin", one.admin_password) == 200


def test_what_another_process_unlocks_is_unlocked_here(tmp_path):
    with running_server(tmp_path) as server:
        said = [sign_in(server, "admin", f"wrong-guess-{number}") for number in range(12)]
        assert said == [422] * 10 + [429] * 2
        assert sign_in(server, "admin", server.admin_password) == 429

        assert twofold("user", "unlock", "admin", data=server.data).returncode == 0

        assert sign_in(server, "admin", server.admin_password) == 200


@pytest.mark.slow
def test_a_key_rotated_meanwhile_costs_nobody_a_sign_in(tmp_path):
    with running_server(tmp_path, workers=2) as server:
        body = {"kind": "login", "identifier": "admin", "password": server.admin_password}
        tickets = []
        old = {key["id"] for key in json.loads(keys(server).stdout)}

        assert twofold("keys", "rotate", data=server.data).returncode == 0

        def used_by(ticket: str) -> bool:
            line = http.client.HTTPConnection("127.0.0.1", server.port, timeout=20)
            line.request("GET", "/v1/ceremony", headers={"ceremony": ticket})
            found = line.getresponse().status
            line.close()
            return found == 200

        deadline = time.monotonic() + 5
        while time.monotonic() < deadline:
            status, raw = ask(server, "POST", "/v1/ceremony", body)
            assert status == 200
            tickets.append(json.loads(raw)["ceremony"])
            assert all(map(used_by, tickets[-3:]))
            time.sleep(0.2)
        assert len(json.loads(keys(server).stdout)) == len(old) + 1
        assert all(map(used_by, tickets))


def keys(server):
    return twofold("keys", "list", "--json", data=server.data)


def test_each_request_gets_its_line_without_what_was_asked(tmp_path):
    with running_server(tmp_path, config={"log": {"requests": True}}) as server:
        ask(server, "GET", "/health/live?token=hunter2")
        ask(server, "GET", "/v1/admin/subjects/hunter2")
    log = server.log.read_text()

    assert re.search(r"twofold\.requests GET /health/live 200 \d+\.\d ms$", log, re.MULTILINE)
    assert "hunter2" not in log


def test_a_quiet_server_writes_nothing_to_its_log(tmp_path):
    with running_server(tmp_path) as server:
        sign_in(server, "admin", server.admin_password)
        sign_in(server, "admin", "wrong")

    assert server.log.read_text() == ""


def test_a_port_that_is_taken_is_named_and_no_account_is_made(tmp_path):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        done = twofold("serve", "--port", port, data=tmp_path / "data")

    assert done.returncode == 2
    assert done.stdout == ""
    assert (
        done.stderr
        == f"server: 127.0.0.1 port {port} cannot be listened on: Address already in use\n"
    )
    assert not (tmp_path / "data").exists()


def test_all_that_is_wrong_is_said_before_anything_is_made(tmp_path):
    file = tmp_path / "x.toml"
    file.write_text(toml({"totp": {"digits": 12, "period": 5}, "recovery": {"count": 0}, "x": 1}))

    done = twofold("serve", "--config", str(file), "--port", "-1", data=tmp_path / "data")

    assert done.returncode == 2
    assert [line.split(" ")[1] for line in done.stderr.splitlines()] == [
        "x", "totp.digits", "totp.period", "recovery.count", "server.port",
    ]  # fmt: skip
    assert not (tmp_path / "data").exists()


@pytest.mark.parametrize(
    ("spoil", "said"),
    [
        (lambda key: key.chmod(0o644), "mode 0644 lets others in"),
        (lambda key: key.unlink(), "is missing, but the database needs its keys"),
        (lambda key: key.write_text("{}"), "key file"),
    ],
    ids=["open", "missing", "damaged"],
)
def test_keys_that_cannot_be_trusted_keep_a_server_from_starting(tmp_path, spoil, said):
    assert twofold("user", "add", "alice", data=tmp_path / "d").returncode == 0
    spoil(tmp_path / "d" / "twofold.key")

    done = twofold("serve", "--port", "0", data=tmp_path / "d")

    assert done.returncode == 2
    assert said in done.stderr


def test_serving_loads_nothing_of_the_commands_grammar():
    program = (
        "import sys; import twofold.cli.serve, twofold.wiring.first_start, twofold.wiring.serve;"
        "print([name for name in ('typer', 'rich', 'argparse', 'aiosmtplib', 'httpx2', 'pydantic')"
        " if name in sys.modules])"
    )
    done = subprocess.run(
        [sys.executable, "-c", program],
        env=surroundings(),
        capture_output=True,
        text=True,
        check=True,
    )

    assert done.stdout == "[]\n"


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        ("", Options()),
        ("--port 9 --host ::1", Options(port=9, host="::1")),
        ("--port=9 --json", Options(port=9, as_json=True)),
        ("--config a --config=b --data d", Options((Path("a"), Path("b")), "d")),
        ("--workers 2", Options(workers=2)),
        ("--help", None),
        ("--port", None),
        ("--port x", None),
        ("--port --json", None),
        ("--json=1", None),
        ("--unknown 1", None),
        ("here", None),
    ],
)
def test_plain_options_are_read_and_all_others_left_to_the_grammar(words, expected):
    assert plain_options(words.split()) == expected


def test_both_ways_to_read_the_options_know_the_same_ones():
    from typer.main import get_command

    from twofold.cli import grammar
    from twofold.cli.serve import _TAKEN

    declared = {
        word for option in get_command(grammar.app).commands["serve"].params for word in option.opts
    }

    assert declared == {*_TAKEN, "--json"}


def test_a_child_is_only_counted_when_it_is_a_worker():
    assert children(os.getpid()) == []
