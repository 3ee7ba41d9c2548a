"""What a careful operator would look at, looked at in one go; nothing is changed or made."""

from __future__ import annotations

import asyncio
import ipaddress
import json
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Final
from urllib.parse import urlsplit

from twofold.adapters import premises
from twofold.adapters.keyfile import NAME, KeyFile
from twofold.adapters.system import SystemClock
from twofold.core.errors import TwofoldError
from twofold.core.types import DEFAULT_REALM, SECOND, Instant, Status
from twofold.ports import Store
from twofold.settings import Settings
from twofold.settings.sections import Sending
from twofold.wiring import post, postgres
from twofold.wiring.house import base_url, database_path, store_of
from twofold.wiring.keys import DOCUMENT

ROOM: Final = 256 * 1024 * 1024
"""Bytes that should be free where the database lies."""

SPARE: Final = 100
"""Files a process may need beside its connections."""

WAITING: Final = 60
"""Seconds a message may wait without anybody wondering."""

UNSEALED: Final = 6
"""Seconds after which a record should be in a segment, while a server runs."""

EQUALLY_GOOD: Final = ((47_104, 1), (19_456, 2), (12_288, 3), (9_216, 4), (7_168, 5))
"""KiB and passes of Argon2id: OWASP Password Storage Cheat Sheet."""


_AT_ONCE: Final = 500
_NO_SECOND: Final = frozenset({"password", "recovery"})


class Verdict(StrEnum):
    """How a check ended."""

    OK = "ok"
    WARNING = "warning"
    FAULT = "fault"


@dataclass(frozen=True, slots=True)
class Check:
    """One thing that was looked at."""

    name: str
    verdict: Verdict
    text: str


def examine(settings: Settings) -> list[Check]:
    """Look at everything; no check keeps the others from being made."""
    found = [*_settings(settings)]
    directory = Path(settings.data)
    if not directory.is_dir():
        return [*found, _fault("data", f"{directory} is not there; no server has run with it yet")]
    found += _directory(directory)
    clock = SystemClock()
    keys = KeyFile(directory / NAME, clock)
    found.append(_key_file(keys))
    try:
        looked, usable = _look(settings, clock.now())
        found += looked
        if usable:
            found += asyncio.run(_inside(settings, keys, clock.now()))
    except TwofoldError as error:
        found.append(_fault("database", error.detail))
    return found


def _look(settings: Settings, now: Instant) -> tuple[list[Check], bool]:
    """Look at the database from outside; and whether it may be opened without changing it."""
    if postgres.meant(settings):
        seen = asyncio.run(postgres.examine(settings, now))
        checks = [Check(name, Verdict(verdict), text) for name, verdict, text in seen]
        return checks, not any(check.verdict is Verdict.FAULT or _old(check) for check in checks)
    path = database_path(settings)
    if path is None or not path.exists():
        return [_fault("database", f"{path or 'memory:'} is not there")], False
    return [*_database(path)], True


def _old(check: Check) -> bool:
    return check.name == "database.schema" and check.verdict is not Verdict.OK


async def _inside(settings: Settings, keys: KeyFile, now: Instant) -> list[Check]:
    store = store_of(settings)
    await store.open()
    try:
        return [check async for check in _store(store, keys, now)]
    finally:
        await store.close()


def _settings(settings: Settings) -> Iterator[Check]:
    url = urlsplit(base_url(settings))
    local = _is_loopback(url.hostname or "")
    if url.scheme == "https" and not settings.server.trusted_proxies.entries:
        text = "is https, but no proxy is trusted: every visitor looks like the proxy itself"
        yield _warning("server.trusted_proxies", f"base_url {text}")
    elif url.scheme == "http" and not local:
        text = f"{url.geturl()}: passwords and cookies travel in the clear"
        yield _fault("server.base_url", text)
    else:
        yield _ok("server.base_url", url.geturl())
    if settings.email.sender is Sending.CONSOLE and not local:
        yield _warning("email.sender", "console: mail is printed and not delivered")
    else:
        yield _ok("email.sender", settings.email.sender)
    faults = post.faults(settings)
    yield from (_warning("email.templates", f"{fault}; ours is sent instead") for fault in faults)
    if not faults:
        yield _ok("email.templates", settings.email.templates or "ours")
    password = settings.password
    cost = f"{password.memory_kib} KiB, {password.time} passes"
    strong = any(password.memory_kib >= m and password.time >= t for m, t in EQUALLY_GOOD)
    yield _ok("password", cost) if strong else _fault("password", f"{cost}: guessing is too cheap")
    wanted, allowed = settings.server.connections + SPARE, premises.open_files()
    text = f"{allowed} open files allowed, {wanted} may be needed"
    yield _ok("files", text) if allowed >= wanted else _warning("files", text)


def _directory(directory: Path) -> Iterator[Check]:
    if premises.is_private(directory):
        yield _ok("data", str(directory))
    else:
        mode = premises.mode_of(directory)
        yield _warning("data", f"{directory} has mode {mode}; chmod 700 it")
    free = premises.free_bytes(directory)
    room = f"{free // (1024 * 1024)} MiB free"
    yield _ok("room", room) if free >= ROOM else _warning("room", room)


def _key_file(keys: KeyFile) -> Check:
    try:
        ring = keys.read()
    except TwofoldError as error:
        return _fault("keys", error.detail)
    return _ok("keys", f"{len(ring.masters)} in {keys.path}, newest {ring.masters[0].id}")


def _database(path: Path) -> Iterator[Check]:
    seen = premises.look_at(path)
    if seen.damage:
        yield _fault("database", f"{path} is damaged: {seen.damage}")
    elif seen.journal != "wal":
        yield _fault("database", f"{path} keeps its journal as {seen.journal}, not as wal")
    else:
        yield _ok("database", f"{path} on {seen.filesystem or 'an unknown file system'}, durable")


async def _store(store: Store, keys: KeyFile, now: Instant) -> AsyncIterator[Check]:
    yield await _fit(store, keys)
    yield await _admins(store)
    newest = await store.records(None, limit=1, newest=True)
    ahead = newest[0].record.at - now if newest else 0
    if ahead > SECOND:
        text = f"is {ahead // SECOND} s behind the newest record; one-time codes will fail"
        yield _fault("clock", text)
    else:
        yield _ok("clock", "not behind the newest record")
    waiting, oldest = await store.queued()
    late = max(0, now - oldest) // SECOND if oldest else 0
    text = f"{waiting} waiting, the oldest for {late} s"
    yield _warning("outbox", text) if late > WAITING else _ok("outbox", text)
    unsealed = await store.unsealed(limit=1)
    age = max(0, now - unsealed[0].record.at) // SECOND if unsealed else 0
    text = f"oldest record without a seal: {age} s"
    yield _warning("audit", text) if age > UNSEALED else _ok("audit", text)


async def _fit(store: Store, keys: KeyFile) -> Check:
    document = await store.document(DEFAULT_REALM, *DOCUMENT)
    if document is None:
        return _warning("fit", "the database has not been used with any key yet")
    try:
        strangers = keys.read().strangers(json.loads(document.body))
    except TwofoldError as error:
        return _fault("fit", error.detail)
    if strangers:
        return _fault("fit", f"the database was used with keys we lack: {', '.join(strangers)}")
    return _ok("fit", "keys and database belong together")


async def _admins(store: Store) -> Check:
    """Until an administrator has a second factor, whoever has the password may bind one."""
    bare: list[str] = []
    after = ""
    while page := await store.subjects(DEFAULT_REALM, after=after, limit=_AT_ONCE):
        for subject in page:
            if subject.admin and subject.status is Status.ACTIVE:
                view = await store.view(subject.realm, subject.id)
                kinds = {held.kind for held in view.authenticators} if view is not None else set()
                bare += [] if kinds - _NO_SECOND else [subject.name]
        after = page[-1].name
    if bare:
        return _warning("admins", f"without a second factor: {', '.join(bare)}")
    return _ok("admins", "each has a second factor")


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost" or host.endswith(".localhost")


def _ok(name: str, text: str) -> Check:
    return Check(name, Verdict.OK, text)


def _warning(name: str, text: str) -> Check:
    return Check(name, Verdict.WARNING, text)


def _fault(name: str, text: str) -> Check:
    return Check(name, Verdict.FAULT, text)
