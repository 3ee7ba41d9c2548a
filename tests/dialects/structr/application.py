"""A Structr application in front of our server: its pages, and everything else passed on to us.

To a browser both are one origin, as they are with Structr itself.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from http.client import HTTPConnection
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

DOCUMENT = Path(__file__).parent / "document"

LOGIN = """<!DOCTYPE html>
<html><body><h1>Login</h1>
<form id="form"><input id="name"><input id="password" type="password">
<button type="submit">Sign in</button></form>
<script src="/app/login.js"></script>
<script>
document.getElementById('form').addEventListener('submit', (event) => {
  event.preventDefault();
  login(document.getElementById('name').value, document.getElementById('password').value);
});
</script></body></html>
"""
"""What the manual leaves to its reader: a form that calls its function."""

HOME = "<!DOCTYPE html><html><body><h1>Home</h1></body></html>"

PAGES: Mapping[str, tuple[str, str]] = {
    "/": ("text/html", HOME),
    "/app/login": ("text/html", LOGIN),
    "/app/login.js": ("text/javascript", (DOCUMENT / "login.js").read_text()),
    "/structr/docs/twofactor.js": ("text/javascript", (DOCUMENT / "twofactor.js").read_text()),
}
OWN_PAGE = {"/twofactor": ("text/html", (DOCUMENT / "twofactor.html").read_text())}
"""The manual's page for the second step; without it ours is passed on."""

_NOT_PASSED = {"connection", "transfer-encoding", "date", "server"}


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    port: int
    pages: Mapping[str, tuple[str, str]]
    seen: list[tuple[str, str, str]]

    def _serve(self) -> None:
        self.seen.append((self.command, self.path, self.headers.get("referer", "")))
        page = self.pages.get(self.path.partition("?")[0]) if self.command == "GET" else None
        if page is None:
            self._pass_on()
            return
        body = page[1].encode()
        self.send_response(200)
        self.send_header("content-type", page[0])
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    do_GET = do_POST = do_PUT = do_OPTIONS = _serve  # noqa: N815 -- names of the library

    def _pass_on(self) -> None:
        body = self.rfile.read(int(self.headers.get("content-length", 0)))
        connection = HTTPConnection("127.0.0.1", self.port)
        connection.request(self.command, self.path, body or None, dict(self.headers))
        answer = connection.getresponse()
        told = answer.read()
        self.send_response(answer.status)
        for name, value in answer.getheaders():
            if name.lower() not in _NOT_PASSED:
                self.send_header(name, value)
        self.end_headers()
        self.wfile.write(told)
        connection.close()

    def log_message(self, *_: object) -> None:
        """Say nothing."""


@contextmanager
def application(port: int, *, own_page: bool) -> Iterator[tuple[str, list[tuple[str, str, str]]]]:
    """Serve the pages in front of our server; yields the URL and every request so far."""
    seen: list[tuple[str, str, str]] = []
    pages = {**PAGES, **(OWN_PAGE if own_page else {})}
    handler = type("Handler", (_Handler,), {"port": port, "pages": pages, "seen": seen})
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}", seen
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
