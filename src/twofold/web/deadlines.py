"""Deadlines and caps on the connection itself, where an ASGI application cannot see them (F16).

uvicorn waits for ever on a connection that says nothing, on headers and bodies that trickle, on
answers that nobody reads, and it lets headers grow without end. This protocol is uvicorn's own
with a clock beside it. A request that arrives in one piece costs no timer; a slow one keeps one
timer per connection, which looks again instead of being set anew with each byte.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Any, Final

from uvicorn.config import Config
from uvicorn.protocols.http.httptools_impl import STATUS_LINE, HttpToolsProtocol
from uvicorn.server import ServerState

from twofold.core.errors import Malformed, Overloaded, TwofoldError
from twofold.web.headers import CLOSE, Header
from twofold.web.kit import App
from twofold.web.limits import Limits
from twofold.web.problems import refusal
from twofold.web.request import ANSWERS_WHOLE, KEEPS_DEADLINES, HeadTooLarge, Scope, TooSlow

_NOTHING: Final[object] = object()


class Protocol(HttpToolsProtocol):
    """uvicorn's HTTP/1.1 protocol with our limits, which it takes from the application.

    Each request has a scope of its own, so the identity of scopes tells how far the newest one
    has come, and the hot path needs no further calls from the parser: it is whole when it is
    ``_whole``, its headers are when the cycle has it, and it is new when it is not ``_watched``.
    """

    def __init__(
        self,
        config: Config,
        server_state: ServerState,
        app_state: dict[str, Any],
        _loop: asyncio.AbstractEventLoop | None = None,
    ) -> None:
        ours = {KEEPS_DEADLINES: True, ANSWERS_WHOLE: self.answer}
        super().__init__(config, server_state, {**app_state, **ours}, _loop)
        self._limits = _limits_of(config.loaded_app)
        self._whole: object = _NOTHING
        self._watched: object = None
        self._in_body = False
        self._head_size = 0
        self._due: float | None = None
        self._timer: asyncio.TimerHandle | None = None
        self._reading: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]  # uvicorn narrows it so
        """Begin to wait for the first headers."""
        super().connection_made(transport)
        if len(self.connections) > self._limits.connections:
            self._part(Overloaded())
            return
        self._wait(self._limits.head_seconds)

    def connection_lost(self, exc: Exception | None) -> None:
        """Forget the clock."""
        for timer in (self._timer, self._reading):
            if timer is not None:
                timer.cancel()
        self._due = None
        super().connection_lost(exc)
        # What names us goes, so that nobody has to look for a ring of references.
        self.app_state = {}
        if self.scope is not None:
            self.scope.pop("state", None)

    def data_received(self, data: bytes) -> None:
        """Read on, then look how far the newest request has come."""
        super().data_received(data)
        if self.scope is not self._whole:
            self._watch(len(data))
        elif self._due is None and self.timeout_keep_alive_task is None and self._idle():
            # Blank lines between requests begin none, yet made uvicorn stop its idle timer.
            self._wait(self._limits.idle_seconds)

    def answer(self, scope: Scope, status: int, headers: Sequence[Header], body: bytes) -> bool:
        """Write a whole answer at once; False, and nothing done, where there is more to it.

        uvicorn takes it in two messages and looks at each header by itself, which was a tenth of
        a session check.
        """
        cycle = self.cycle
        if cycle is None or cycle.scope is not scope or cycle.response_started:
            return False
        if cycle.disconnected or self.flow.write_paused or not cycle.keep_alive or CLOSE in headers:
            return False
        lines = [b"%b: %b\r\n" % header for header in (*cycle.default_headers, *headers)]
        head = b"".join(lines)
        if not head.count(b"\n") == head.count(b"\r") == len(lines):
            return False  # a header in two lines is for uvicorn to refuse
        cycle.waiting_for_100_continue = False
        cycle.response_started = cycle.response_complete = True
        self.transport.write(b"".join((STATUS_LINE[status], head, b"\r\n", body)))
        cycle.message_event.set()
        self.on_response_complete()
        return True

    def on_message_complete(self) -> None:
        """Nothing more is owed to us."""
        self._whole = self.scope
        self._due = None
        super().on_message_complete()

    def on_response_complete(self) -> None:
        """Do not wait for ever until a closing connection has taken its last answer."""
        super().on_response_complete()
        if self.transport.is_closing():
            self._abort_in_time()

    def timeout_keep_alive_handler(self) -> None:
        """Close an idle connection, even one that never read what we wrote."""
        super().timeout_keep_alive_handler()
        self._abort_in_time()

    def pause_writing(self) -> None:
        """The client does not read: its time begins."""
        super().pause_writing()
        self._reading = self.loop.call_later(self._limits.write_seconds, self.transport.abort)

    def resume_writing(self) -> None:
        """The client has read."""
        super().resume_writing()
        if self._reading is not None:
            self._reading.cancel()
            self._reading = None

    def send_400_response(self, msg: str) -> None:
        """What is no HTTP gets a problem document like everything else."""
        self._part(Malformed(msg))

    def _watch(self, received: int) -> None:
        if self.scope is not self._watched:
            # The deadline of the first headers on a connection runs since it was made.
            if self._whole is not _NOTHING:
                self._wait(self._limits.head_seconds)
            self._watched = self.scope
            self._in_body = False
            self._head_size = 0
        if self._in_body:
            return
        if self._mine():
            self._in_body = True
            self._wait(self._limits.body_seconds)
            return
        self._head_size += received
        if self._head_size > self._limits.head:
            self._part(HeadTooLarge())

    def _wait(self, seconds: float) -> None:
        self._due = self.loop.time() + seconds
        if self._timer is None:
            self._timer = self.loop.call_at(self._due, self._look)

    def _look(self) -> None:
        self._timer = None
        if self._due is None or self.transport.is_closing():
            return
        if self.loop.time() < self._due:
            self._timer = self.loop.call_at(self._due, self._look)
        elif self.scope is self._whole or self.scope is None:
            self._part(None)  # browsers open connections in advance; a 408 would answer nothing
        else:
            self._part(TooSlow("The request did not arrive in time."))

    def _idle(self) -> bool:
        return self.cycle is None or self.cycle.response_complete

    def _part(self, error: TwofoldError | None) -> None:
        """Close, with these last words if the client would take them for its own answer."""
        if self.transport.is_closing():
            return
        if error is not None and self._may_speak():
            self.transport.write(_last_words(error))
        if self.cycle is not None and not self.cycle.response_complete:
            self.cycle.disconnected = True
            self.cycle.message_event.set()
        self.transport.close()
        self._abort_in_time()

    def _mine(self) -> bool:
        # Before its headers are whole the newest request has no cycle: this is its predecessor's.
        return self.cycle is not None and self.cycle.scope is self.scope

    def _may_speak(self) -> bool:
        if self.pipeline:
            return False
        return not self.cycle.response_started if self._mine() else self._idle()

    def _abort_in_time(self) -> None:
        if self.transport.get_write_buffer_size():
            self.loop.call_later(self._limits.write_seconds, self.transport.abort)


def _limits_of(app: object) -> Limits:
    """The limits of our application, also inside what a server or an embedder wraps around it."""
    while not isinstance(app, App):
        app = getattr(app, "app", None)
        if app is None:
            return Limits()
    return app.limits


def _last_words(error: TwofoldError) -> bytes:
    answer = refusal(error)
    length = (b"content-length", str(len(answer.body)).encode())
    lines = [b"%b: %b\r\n" % header for header in (*answer.headers, length, CLOSE)]
    return b"".join((STATUS_LINE[answer.status], *lines, b"\r\n", answer.body))
