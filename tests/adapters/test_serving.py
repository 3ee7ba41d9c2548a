"""What the server does when it cannot: it says why, and ends with a status that says so."""

import socket
import subprocess
import sys

import pytest

from tests.support.server import surroundings
from twofold.adapters import serving
from twofold.core.errors import Misconfigured

PROGRAM = """
import sys
from twofold.adapters import serving
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

class Refusing:
    async def __call__(self, scope, receive, send):
        await receive()
        await send({"type": "lifespan.startup.failed", "message": "no key fits"})

def refusing():
    serving.begin_worker("warning")
    return Refusing()

if __name__ == "__main__":
    listener = serving.listen("127.0.0.1", 0)
    what = serving.Serving(refusing, HttpToolsProtocol, workers=int(sys.argv[1]))
    sys.exit(serving.run(what, listener, lambda: print("ready")))
"""


@pytest.mark.parametrize("workers", ["1", "2"])
def test_an_application_that_cannot_start_ends_the_server_with_its_reason(tmp_path, workers):
    program = tmp_path / "refusing.py"
    program.write_text(PROGRAM)

    done = subprocess.run(
        [sys.executable, program, workers],
        env=surroundings(),
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )

    assert done.returncode == 1
    assert done.stdout == ""
    assert "no key fits" in done.stderr


@pytest.mark.parametrize(
    ("host", "said"),
    [
        ("192.0.2.1", "Cannot assign requested address"),
        ("no such host", "cannot be listened on"),
    ],
)
def test_an_address_that_is_not_ours_is_named(host, said):
    with pytest.raises(Misconfigured, match=f"server: {host} port 0 .*{said}"):
        serving.listen(host, 0)


def test_a_taken_port_is_named():
    with serving.listen("127.0.0.1", 0) as first:
        first.listen()
        port = first.getsockname()[1]
        with pytest.raises(Misconfigured, match="Address already in use"):
            serving.listen("127.0.0.1", port)


def test_both_families_can_be_listened_on():
    with serving.listen("::1", 0) as six, serving.listen("127.0.0.1", 0) as four:
        assert (six.family, four.family) == (socket.AF_INET6, socket.AF_INET)
