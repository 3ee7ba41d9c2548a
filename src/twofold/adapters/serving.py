"""The HTTP server: listening, workers, and an end that lets running requests finish.

uvicorn does the work; what is ours is that the socket is bound before anything is promised, that
the address is said only when somebody answers there, and that SIGTERM means a clean exit.
"""

from __future__ import annotations

import asyncio
import logging
import multiprocessing
import os
import signal
import socket
import threading
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass
from types import FrameType
from typing import Any

from uvicorn.config import STARTUP_FAILURE, Config
from uvicorn.server import Server
from uvicorn.supervisors.multiprocess import Multiprocess

from twofold.core.errors import Misconfigured

BACKLOG = 2_048
"""Connections that may wait to be accepted."""

_REQUESTS = logging.getLogger("twofold.requests")

_SILENT_FOR = 30
"""Seconds without a sign of life after which a worker is replaced; a busy machine starts slowly."""

_LOOK_EVERY = 0.05
"""Seconds between two looks at workers that are starting."""


@dataclass(frozen=True, slots=True)
class Serving:
    """What is served, and how; ``application`` is called once in each worker.

    With several workers both must be importable by name: workers are new processes.
    """

    application: Callable[[], Any]
    protocol: type[asyncio.Protocol]
    workers: int = 1
    idle_seconds: int = 20
    drain_seconds: int = 10


def listen(host: str, port: int) -> socket.socket:
    """Bind the address, or raise Misconfigured with the reason; ``port`` 0 takes a free one."""
    with ExitStack() as undo:
        try:
            family, kind, protocol, _, address = socket.getaddrinfo(
                host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
            )[0]
            listener = undo.enter_context(socket.socket(family, kind, protocol))
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            listener.bind(address)
        except OSError as error:
            fault = f"server: {host} port {port} cannot be listened on: {error.strerror}"
            raise Misconfigured((fault,)) from None
        undo.pop_all()
        return listener


def begin_worker(level: str, *, requests: bool = False) -> None:
    """What each process does first: log to standard error, and end when its parent has ended."""
    logging.basicConfig(
        level=level.upper(), format="%(asctime)s %(levelname)s %(name)s %(message)s"
    )
    if requests:
        _REQUESTS.setLevel(logging.INFO)
    parent = multiprocessing.parent_process()
    if parent is not None:
        # Ctrl-C reaches every process of a terminal; the parent alone decides what it means.
        signal.signal(signal.SIGINT, signal.SIG_IGN)
        # A worker that outlived a killed parent would hold the port against its successor (R08).
        threading.Thread(target=_end_with, args=(parent,), daemon=True).start()


def run(serving: Serving, listener: socket.socket, ready: Callable[[], None]) -> int:
    """Serve until SIGTERM or SIGINT, then return the exit status.

    ``ready`` is called once, when every worker answers.
    """
    config = Config(
        serving.application,
        factory=True,
        http=serving.protocol,
        ws="none",
        lifespan="on",
        interface="asgi3",
        loop="uvloop",
        log_config=None,
        access_log=False,
        proxy_headers=False,
        server_header=False,
        workers=serving.workers,
        backlog=BACKLOG,
        timeout_keep_alive=serving.idle_seconds,
        timeout_graceful_shutdown=serving.drain_seconds,
        timeout_worker_healthcheck=_SILENT_FOR,
    )
    if serving.workers > 1:
        crowd = _Crowd(config, listener, ready)
        crowd.run()
        return int(any(process.exitcode == STARTUP_FAILURE for process in crowd.processes))
    # uvicorn raises the signal again once it is done; by then there is nothing left to interrupt.
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: None)
    try:
        _Lone(config, ready).run([listener])
    except SystemExit:
        return 1  # it could not start, and has said why
    return 0


def _end_with(parent: multiprocessing.process.BaseProcess) -> None:
    parent.join()
    os.kill(os.getpid(), signal.SIGTERM)


class _Lone(Server):
    """One process that says when it answers."""

    def __init__(self, config: Config, ready: Callable[[], None]) -> None:
        super().__init__(config)
        self._ready = ready

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        if self.started:
            self._ready()

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        """End in peace; only who presses Ctrl-C twice wants it at once."""
        twice = sig == signal.SIGINT and signal.SIGINT in self._captured_signals
        self._captured_signals.append(sig)
        self.should_exit = True
        self.force_exit = self.force_exit or twice


class _Crowd(Multiprocess):
    """Several processes on one socket; a dead one is replaced."""

    def __init__(self, config: Config, listener: socket.socket, ready: Callable[[], None]) -> None:
        super().__init__(config, [listener])
        self._ready = ready

    def init_processes(self) -> None:
        super().init_processes()
        while not self._all_answer():
            self.handle_signals()
            if self.should_exit.wait(_LOOK_EVERY):
                return
        self._ready()

    def _all_answer(self) -> bool:
        dead = [process for process in self.processes if not process.process.is_alive()]
        if any(process.exitcode == STARTUP_FAILURE for process in dead):
            self.should_exit.set()  # it has said why, and would say it again
        elif dead:
            self.keep_subprocess_alive()
        else:
            return all(process.is_ready(timeout=1) for process in self.processes)
        return False


def log_request(method: str, route: str, status: int, seconds: float) -> None:
    """Write one line; the route and not the path, so that no id or query gets into a log (A84)."""
    _REQUESTS.info("%s %s %d %.1f ms", method, route, status, seconds * 1_000)
