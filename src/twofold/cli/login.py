"""``twofold login``: a whole sign-in in the terminal, driven by nothing but what the API offers.

Every answer of the server lists what can be done now, with the fields to ask for and those to
send along. This driver knows no state, no factor and no flow; it is what any client may be.
"""

from __future__ import annotations

import getpass
import http.client
import json
import sys
from collections.abc import Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

from twofold.cli.frame import FOUND, say
from twofold.core.errors import Misconfigured, Unavailable

START = "/v1/ceremony"
PATIENCE = 30
"""Seconds to wait for an answer."""

_BEGIN: Mapping[str, Any] = {
    "rel": "start",
    "method": "POST",
    "href": START,
    "input": ("identifier", "password"),
    "send": {"kind": "login"},
}

_ONCE_MORE = frozenset({400, 422})
"""What was typed was wrong; the ceremony is where it was."""

_SECRET = frozenset({"password"})
"""Fields that a terminal does not show while they are typed."""

_UNINTERESTING = frozenset(
    {"actions", "ceremony", "expires_at", "factors", "kind", "methods", "qr_png", "qr_svg", "state"}
)


@dataclass(slots=True)
class Server:
    """The API at a URL."""

    url: str
    _line: http.client.HTTPConnection | None = field(default=None, repr=False)

    def call(
        self, method: str, path: str, body: Mapping[str, object] | None, ticket: str
    ) -> tuple[int, dict[str, Any]]:
        """Ask once; status and JSON, or Unavailable."""
        headers = {"accept": "application/json", "user-agent": "twofold-login"}
        if ticket:
            headers["ceremony"] = ticket
        sent = None
        if body is not None and method != "DELETE":
            headers["content-type"] = "application/json"
            sent = json.dumps(body).encode()
        try:
            self._line = self._line or self._connect()
            self._line.request(method, urlsplit(self.url).path + path, sent, headers)
            answer = self._line.getresponse()
            raw = answer.read()
            found = json.loads(raw) if raw else {"state": "over"}
        except (OSError, ValueError, http.client.HTTPException) as error:
            raise self._odd(str(error) or type(error).__name__) from None
        refused = answer.status >= http.client.BAD_REQUEST
        if not isinstance(found, dict) or ("state" not in found and not refused):
            raise self._odd(f"status {answer.status}")
        return answer.status, found

    def close(self) -> None:
        """Hang up."""
        if self._line is not None:
            self._line.close()

    def _odd(self, what: str) -> Unavailable:
        return Unavailable(f"{self.url} does not answer as Twofold does: {what}")

    def _connect(self) -> http.client.HTTPConnection:
        parts = urlsplit(self.url)
        if parts.scheme not in {"http", "https"} or not parts.hostname:
            raise Misconfigured((f"--url: {self.url} is no http or https URL",))
        kind = (
            http.client.HTTPSConnection if parts.scheme == "https" else http.client.HTTPConnection
        )
        return kind(parts.hostname, parts.port, timeout=PATIENCE)


@dataclass(frozen=True, slots=True)
class Talk:
    """What is asked and told; with JSON as the answer all of it goes to standard error."""

    as_json: bool

    def tell(self, text: str) -> None:
        """Say something."""
        print(text, file=sys.stderr if self.as_json else sys.stdout, flush=True)

    def ask(self, name: str) -> str:
        """Have one field filled in; a pipe is read line by line."""
        label = name.replace("_", " ")
        if not sys.stdin.isatty():
            line = sys.stdin.readline()
            if not line:
                raise Unavailable(f"standard input ended where {label} was asked for")
            return line.rstrip("\n")
        if name in _SECRET:
            return getpass.getpass(f"{label}: ")
        print(f"{label}: ", end="", file=sys.stderr, flush=True)
        return sys.stdin.readline().rstrip("\n")

    def choose(self, actions: Sequence[Mapping[str, Any]]) -> Mapping[str, Any]:
        """Have one of several actions chosen; one alone beside ``cancel`` needs no question."""
        ahead = [action for action in actions if action["rel"] != "cancel"]
        if len(ahead) == 1:
            return ahead[0]
        for number, action in enumerate(actions, start=1):
            self.tell(f"  {number}  {_named(action)}")
        typed = self.ask(f"1 to {len(actions)}, empty for 1").strip()
        place = int(typed) if typed.isascii() and typed.isdigit() else 1
        return actions[min(max(place, 1), len(actions)) - 1]


def login(url: str, name: str | None, *, as_json: bool) -> int:
    """Sign in, step by step, until there is a session or nothing more can be done."""
    with closing(Server(url.rstrip("/"))) as server:
        return _follow(server, Talk(as_json), name)


def _follow(server: Server, talk: Talk, name: str | None) -> int:
    known = {"identifier": name} if name else {}
    ticket, actions = "", [_BEGIN]
    while True:
        action = talk.choose(actions)
        typed = {field: known.get(field) or talk.ask(field) for field in action.get("input", ())}
        body = {**action.get("send", {}), **typed}
        ticket = "" if action["rel"] == "start" else ticket
        status, found = server.call(action["method"], action["href"], body, ticket)
        if status >= http.client.BAD_REQUEST:
            _complain(talk, status, found)
            if "actions" in found:
                actions = found["actions"]
            elif status not in _ONCE_MORE:
                return FOUND
        elif action["rel"] == "cancel":
            talk.tell("cancelled")
            return FOUND
        elif found.get("state") == "done":
            return _finished(found, as_json=talk.as_json)
        else:
            ticket, actions = found["ceremony"], _typable(found)
            _show(talk, found)


def _typable(found: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    """What can be done at a terminal: no browser here asks an authenticator to sign."""
    signing = {f["id"] for f in found.get("factors", ()) if f["kind"] == "webauthn"}
    signing |= {"passkey", "webauthn"}
    return [a for a in found["actions"] if signing.isdisjoint((a.get("for"), *a["input"]))]


def _complain(talk: Talk, status: int, found: Mapping[str, Any]) -> None:
    talk.tell(str(found.get("detail") or found.get("title") or f"HTTP status {status}"))
    for name in ("attempts_left", "retry_after"):
        if name in found:
            talk.tell(f"{_words(name)}: {found[name]}")


def _show(talk: Talk, found: Mapping[str, Any]) -> None:
    """Tell whatever the answer has for a person; what it is called says what it is."""
    talk.tell(f"-- {_words(str(found['state']))}")
    for name, value in found.items():
        if name not in _UNINTERESTING:
            talk.tell(f"{_words(name)}: {value}")


def _finished(found: Mapping[str, Any], *, as_json: bool) -> int:
    result = found.get("result", {})
    session = result.get("session", {})
    lines = ["You are signed in."] if session else ["Done."]
    lines += [f"{_words(name)}: {session[name]}" for name in ("acr", "amr") if name in session]
    lines += [f"notice: {notice}" for notice in result.get("notices", ())]
    if result.get("recovery_codes"):
        lines += ["Keep these recovery codes; each works once, and they are not shown again:"]
        lines += [f"    {code}" for code in result["recovery_codes"]]
    say(found, as_json=as_json, text="\n".join(lines))
    return 0


def _named(action: Mapping[str, Any]) -> str:
    return f"{_words(action['rel'])} {action['for']}" if "for" in action else _words(action["rel"])


def _words(name: str) -> str:
    return name.replace("_", " ").replace("-", " ")
