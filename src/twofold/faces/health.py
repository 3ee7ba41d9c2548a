"""``/health/live``, ``/health/ready`` and ``/metrics``, for whoever keeps us running.

Figures tell a stranger how many people sign in and how often codes are wrong, so they are for the
networks that the settings name (loopback, unless they say otherwise) and for administrators. A
request that some proxy passed on counts as coming from outside, unless that proxy is declared:
otherwise a proxy on the same machine would make the whole world local.
"""

from __future__ import annotations

from typing import Literal

from msgspec import Struct

from twofold.core import errors
from twofold.core.errors import Unavailable
from twofold.faces import Front
from twofold.faces.api_admin import administrator
from twofold.faces.transport import Entrance
from twofold.web.headers import DATA
from twofold.web.kit import Request, Response, Route
from twofold.web.response import json

_TAG = "Operation"
_FIGURES = (*DATA, (b"content-type", b"text/plain; version=0.0.4; charset=utf-8"))
_PASSED_ON = ("x-forwarded-for", "forwarded", "x-real-ip", "via", "x-forwarded-host")


class Alive(Struct, frozen=True):
    """The process answers."""

    status: Literal["ok"] = "ok"


class Health:
    """What monitors ask."""

    __slots__ = ("_entrance", "_front")

    def __init__(self, front: Front, entrance: Entrance) -> None:
        self._front = front
        self._entrance = entrance

    async def live(self, _: Request) -> Response:
        """Say that the process answers; nothing else is looked at."""
        return json(Alive())

    async def ready(self, _: Request) -> Response:
        """Say that requests can be served, or name what is missing."""
        checks = await self._front.ready()
        failing = sorted(name for name, fault in checks.items() if fault)
        if failing:
            # What is wrong with them is in the log; a stranger learns only that it is.
            raise Unavailable(f"Not ready: {', '.join(failing)}.")
        return json(Alive())

    async def metrics(self, request: Request) -> Response:
        """Tell the counters."""
        if not self._near(request):
            await administrator(self._front.engine, self._entrance, request)
        return Response(200, self._front.figures(), _FIGURES)

    def _near(self, request: Request) -> bool:
        proxied = any(request.header(name) is not None for name in _PASSED_ON)
        if proxied and request.peer not in self._front.site.proxies:
            return False
        return request.address in self._front.scrapers

    def routes(self) -> tuple[Route, ...]:
        """The route table."""
        refusals = (errors.InvalidToken, errors.MixedCredentials, errors.NotAllowed)
        return (
            Route("GET", "/health/live", self.live, "Is the process alive", _TAG,
                  answers={200: Alive}),
            Route("GET", "/health/ready", self.ready, "Can requests be served", _TAG,
                  answers={200: Alive}),
            Route("GET", "/metrics", self.metrics, "Counters for Prometheus", _TAG,
                  answers={200: str}, errors=(*refusals, errors.StepUpRequired)),
        )  # fmt: skip
