"""What bounds us from below, on the same machine in the same run: bare servers that do one thing.

``hello`` answers a constant; ``grouped`` does one guarded update per request and commits all that
arrived together at once; ``alone`` is the naive handler that commits each update by itself. The
update is the one no second factor can do without: a mark that only rises, in a row found by its
subject and id, in a table of the same columns as ours. All run on the same uvicorn with uvloop
and httptools, and read their request as JSON. Started as a process:
``python -m bench.floors hello|grouped|alone|argon2 PORT DATABASE [synchronous]``.
"""

from __future__ import annotations

import asyncio
import os
import queue
import random
import sqlite3
import sys
import threading
import time
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import msgspec
import uvicorn
from argon2 import PasswordHasher

Scope = dict[str, Any]
Receive = Callable[[], Awaitable[dict[str, Any]]]
Send = Callable[[dict[str, Any]], Awaitable[None]]

START = {
    "type": "http.response.start",
    "status": 200,
    "headers": [(b"content-type", b"application/json"), (b"content-length", b"11")],
}
BODY = {"type": "http.response.body", "body": b'{"ok":true}'}
GUARDED = "update authenticator set mark = ?, used_at = ? where subject = ? and id = ? and mark < ?"
TABLE = """create table authenticator (
    subject text not null, id text not null, realm text not null, kind text not null,
    created_at bigint not null, label text not null, sealed blob not null,
    parameters text not null, mark bigint not null, used_at bigint, primary key (subject, id))"""


async def hello(_scope: Scope, _receive: Receive, send: Send) -> None:
    """Answer a constant."""
    await send(START)
    await send(BODY)


class Update(msgspec.Struct):
    """Which mark shall rise to what."""

    subject: str
    id: str
    mark: int

    @property
    def values(self) -> tuple[int, int, str, str, int]:
        """What the statement is given."""
        return (self.mark, self.mark, self.subject, self.id, self.mark)


_read = msgspec.json.Decoder(Update).decode


async def posted(receive: Receive) -> Update:
    """The request."""
    return _read((await receive())["body"])


def opened(path: str, synchronous: str) -> sqlite3.Connection:
    """A database in WAL mode."""
    connection = sqlite3.connect(path, isolation_level=None, check_same_thread=False)
    connection.execute("pragma journal_mode=wal")
    connection.execute(f"pragma synchronous={synchronous}")
    return connection


def made(path: str, rows: int) -> list[bytes]:
    """A table of that many rows, and the requests that update each once, in no order."""
    connection = opened(path, "off")
    connection.execute(TABLE)
    updates = [Update(os.urandom(16).hex(), os.urandom(8).hex(), 1) for _ in range(rows)]
    connection.execute("begin")
    connection.executemany(
        "insert into authenticator values (?, ?, 'default', 'totp', 1, '', ?, ?, 0, null)",
        (
            (u.subject, u.id, os.urandom(52), '{"algorithm":"SHA1","digits":6,"period":30}')
            for u in updates
        ),
    )
    connection.execute("commit")
    connection.close()
    random.Random(rows).shuffle(updates)
    return [msgspec.json.encode(update) for update in updates]


class Grouped:
    """The bare group-commit writer: one thread, one transaction for all that is waiting."""

    def __init__(self, path: str, synchronous: str) -> None:
        self._waiting: queue.SimpleQueue[tuple[Update, asyncio.Future[bool]]] = queue.SimpleQueue()
        self._connection = opened(path, synchronous)
        threading.Thread(target=self._write, daemon=True).start()

    def _write(self) -> None:
        while True:
            batch = [self._waiting.get()]
            while not self._waiting.empty():
                batch.append(self._waiting.get())
            self._connection.execute("begin immediate")
            won = [self._connection.execute(GUARDED, u.values).rowcount == 1 for u, _ in batch]
            self._connection.execute("commit")
            answered = zip((future for _, future in batch), won, strict=True)
            batch[0][1].get_loop().call_soon_threadsafe(_resolve, list(answered))

    async def __call__(self, _scope: Scope, receive: Receive, send: Send) -> None:
        """One guarded update, durable before the answer."""
        future: asyncio.Future[bool] = asyncio.get_running_loop().create_future()
        self._waiting.put((await posted(receive), future))
        assert await future
        await send(START)
        await send(BODY)


def _resolve(answered: list[tuple[asyncio.Future[bool], bool]]) -> None:
    for future, won in answered:
        future.set_result(won)


class Alone:
    """The naive handler: each update is its own transaction, in its own thread hop."""

    def __init__(self, path: str, synchronous: str) -> None:
        self._connection = opened(path, synchronous)
        self._one = threading.Lock()

    def _update(self, update: Update) -> bool:
        with self._one:
            return self._connection.execute(GUARDED, update.values).rowcount == 1

    async def __call__(self, _scope: Scope, receive: Receive, send: Send) -> None:
        """One guarded update by itself, durable before the answer."""
        assert await asyncio.to_thread(self._update, await posted(receive))
        await send(START)
        await send(BODY)


def argon2(seconds: float = 2.0) -> float:
    """Password verifications a second on one core with our default parameters."""
    hasher = PasswordHasher(time_cost=2, memory_cost=19_456, parallelism=1)
    known = hasher.hash("correct horse battery staple")
    count, began = 0, time.perf_counter()
    while time.perf_counter() - began < seconds:
        hasher.verify(known, "correct horse battery staple")
        count += 1
    return count / (time.perf_counter() - began)


def main(kind: str, port: str, database: str = "", synchronous: str = "full") -> None:
    """Serve one floor until killed; ``argon2`` prints its rate instead."""
    if kind == "argon2":
        print(argon2())
        return
    served = (
        hello
        if kind == "hello"
        else {"grouped": Grouped, "alone": Alone}[kind](str(Path(database)), synchronous)
    )
    uvicorn.run(
        served, host="127.0.0.1", port=int(port), loop="uvloop", http="httptools",
        lifespan="off", access_log=False, log_level="warning",
    )  # fmt: skip


if __name__ == "__main__":
    main(*sys.argv[1:])
