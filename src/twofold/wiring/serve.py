"""The server: the house with its faces, its outbox, its sealer and its sweeper.

First a short visit prepares everything that is done once (directory, keys, first account); then
each worker moves in by itself.
"""

from __future__ import annotations

import asyncio
import gc
import os
import tempfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from socket import socket
from typing import Final, Protocol

from twofold import __version__
from twofold.adapters import serving
from twofold.adapters.letters import counting
from twofold.adapters.metrics import PrometheusMetrics
from twofold.adapters.outbox import Outbox, Patience
from twofold.adapters.senders.console import ConsoleSender
from twofold.adapters.sweeper import Sweeper
from twofold.core.errors import TwofoldError
from twofold.core.types import DEFAULT_REALM, Secret
from twofold.faces import Front
from twofold.faces.site import routes
from twofold.ports import Sender, Store
from twofold.settings import Settings
from twofold.settings.sections import Email, Sending
from twofold.web.deadlines import Protocol as Connection
from twofold.web.kit import App, Hook, Route, Site
from twofold.web.limits import Limits
from twofold.wiring import dialects, structr_settings
from twofold.wiring.house import House, World, base_url, build, prepare
from twofold.wiring.passkeys import passkeys_of
from twofold.wiring.post import stationery

SHARED_FIGURES: Final = "PROMETHEUS_MULTIPROC_DIR"
"""Where workers put their figures together; prometheus-client's own name for it."""

GRACE: Final = 5
"""Seconds that a delivery is given beyond the sender's own time-out."""


class Resident(Protocol):
    """What runs beside the requests until it is told to stop."""

    async def run(self) -> None:
        """Run until stopped."""


@dataclass(slots=True)
class Running:
    """A house that is lived in: opened with the server, closed after its last request."""

    house: House
    outbox: Outbox
    sweeper: Sweeper
    metrics: PrometheusMetrics
    _tasks: dict[str, asyncio.Task[None]] = field(default_factory=dict)

    async def start(self) -> None:
        """Open the store, check the keys once more, and let the residents in."""
        await self.house.open()
        residents: Mapping[str, Resident] = {
            "outbox": self.outbox,
            "sealer": self.house.sealer,
            "sweeper": self.sweeper,
        }
        for name, resident in residents.items():
            self._tasks[name] = asyncio.create_task(resident.run())

    async def stop(self) -> None:
        """Deliver what is under way, seal what was recorded, and close."""
        await self.outbox.stop()
        self.sweeper.stop()
        self.house.sealer.stop()
        # Whatever ended one of them, the others finish and the store is closed.
        await asyncio.gather(*self._tasks.values(), return_exceptions=True)
        await self.house.close()
        self.metrics.close()

    async def ready(self) -> Mapping[str, str]:
        """What is checked for /health/ready, and what is wrong with it.

        Not how long messages wait: a mail server that is down must not take down the logins of
        those who use an app (R12); doctor and the figures tell of it.
        """
        return {
            "database": await self._read(),
            "keys": self._open(),
            "residents": self._gone(),
        }

    def _gone(self) -> str:
        """None of them ends by itself while we serve; one that broke is missed here."""
        gone = [name for name, task in self._tasks.items() if task.done()]
        return f"{', '.join(gone)} ended" if gone else ""

    async def _read(self) -> str:
        try:
            await self.house.store.document(DEFAULT_REALM, "policy", "realm")
        except TwofoldError as error:
            return error.detail
        return ""

    def _open(self) -> str:
        try:
            self.house.engine.ring()
        except TwofoldError as error:
            return error.detail
        return ""


@contextmanager
def bound(settings: Settings) -> Iterator[tuple[socket, Settings]]:
    """Bind the address; the settings then name the port that was really taken."""
    server = settings.server
    with serving.listen(server.host, server.port) as listener:
        port = listener.getsockname()[1]
        yield listener, replace(settings, server=replace(server, port=port))


def serve(
    settings: Settings,
    listener: socket,
    ready: Callable[[str], None],
    store: Store | None = None,
) -> int:
    """Serve until a signal and return the exit status; ``ready`` is told the URL in time.

    A ``store`` that was made before is for one worker only: others are other processes.
    """
    server = settings.server
    with ExitStack() as stack:
        if server.workers > 1 and SHARED_FIGURES not in os.environ:
            shared = stack.enter_context(tempfile.TemporaryDirectory(prefix="twofold-"))
            os.environ[SHARED_FIGURES] = shared
        return serving.run(
            serving.Serving(
                application=partial(application, settings, store),
                protocol=Connection,
                workers=server.workers,
                idle_seconds=server.idle_seconds,
                drain_seconds=server.drain_seconds,
            ),
            listener,
            partial(ready, base_url(settings)),
        )


def application(settings: Settings, store: Store | None = None) -> App:
    """The ASGI application of one worker, with the life of its house in its lifespan."""
    serving.begin_worker(settings.log.level, requests=settings.log.requests)
    running = inhabited(settings, store)
    site, engine = _site(settings), running.house.engine
    live = structr_settings.mounted(engine, settings)
    front = Front(
        engine=engine,
        site=site,
        ready=running.ready,
        figures=running.metrics.exposition,
        scrapers=settings.metrics.networks,
        version=__version__,
        theme=settings.theme,
        return_to=settings.server.return_to,
        dialects=live,
        rp_id=passkeys_of(settings, base_url(settings)).party.id,
    )
    app = App(
        (*routes(front), *dialects.routes(settings, engine, site, live)),
        site,
        hooks=(Hook(running.start, running.stop),),
        observe=_Observer(running.metrics, logged=settings.log.requests),
    )
    # All of this lives as long as the process: no collection has to walk through it again. What a
    # request leaves behind is freed at once, because our values form no cycles; looking for some
    # after every seventh request, as by default, takes a twentieth of its time.
    gc.freeze()
    gc.set_threshold(20_000, 10, 10)
    gc.enable()
    return app


def inhabited(settings: Settings, store: Store | None = None) -> Running:
    """A house with its residents, not yet opened."""
    prepare(settings)
    metrics = PrometheusMetrics()
    house = build(settings, World(metrics=metrics), store=store)
    world = house.world
    outbox = Outbox(
        store=house.store,
        ring=house.engine.ring,
        clock=world.clock,
        entropy=world.entropy,
        metrics=metrics,
        senders=senders(settings, world),
        stationery=stationery(settings, counting(metrics)),
        # The sender gives up first, so that its own words are what is recorded.
        patience=Patience(deadline=settings.email.timeout + GRACE),
    )
    house = replace(house, engine=replace(house.engine, nudge=outbox.nudge))
    period = settings.database.sweep_seconds
    sweeper = Sweeper(store=house.store, clock=world.clock, metrics=metrics, period=period)
    return Running(house, outbox, sweeper, metrics)


def senders(settings: Settings, world: World) -> tuple[Sender, ...]:
    """One sender per channel."""
    text = ConsoleSender("sms", _file(settings.sms.file))
    return _mail(settings.email, world), text


def _mail(email: Email, world: World) -> Sender:
    if email.sender is Sending.CONSOLE:
        return ConsoleSender("email", _file(email.file))
    # Loaded only by those who send: it brings half of the standard library's mail along.
    from twofold.adapters.senders.smtp import Relay, SmtpSender

    relay = Relay(
        host=email.host,
        port=email.port,
        sender=email.from_,
        tls=email.tls.value,
        username=email.username,
        password=Secret(email.password.encode()),
        authorities=_file(email.authorities),
        timeout=email.timeout,
    )
    return SmtpSender(relay, world.clock)


def _file(path: str) -> Path | None:
    return Path(path) if path else None


def _site(settings: Settings) -> Site:
    server = settings.server
    return Site(
        base_url=base_url(settings),
        trusted_origins=server.trusted_origins,
        proxies=server.trusted_proxies,
        limits=Limits(
            connections=server.connections,
            head_seconds=server.head_seconds,
            body_seconds=server.body_seconds,
            idle_seconds=server.idle_seconds,
            write_seconds=server.write_seconds,
        ),
    )


@dataclass(frozen=True, slots=True)
class _Observer:
    """Told of each answer: counts it, and writes a line if the operator wants one."""

    metrics: PrometheusMetrics
    logged: bool
    _counting: dict[tuple[str, str, int], Callable[[], None]] = field(default_factory=dict)
    """By method, route and status, of which there are few; looking one up is dear."""

    def __call__(self, route: Route | None, status: int, seconds: float) -> None:
        method, path = (route.method, route.path) if route else ("", "unknown")
        count = self._counting.get((method, path, status))
        if count is None:
            labels = {"method": method, "route": path, "status": str(status)}
            count = self._counting[method, path, status] = self.metrics.counting(
                "http.requests", labels
            )
        count()
        self.metrics.observe("http.request", seconds)
        if self.logged:
            serving.log_request(method, path, status, seconds)
