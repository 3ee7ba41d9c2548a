"""Figures for operators in Prometheus' text format; names and numbers, never who or what code.

With several workers the figures of all are added up: ``PROMETHEUS_MULTIPROC_DIR`` must then name
an empty directory before this module is first imported, as prometheus-client demands.
"""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Mapping

from prometheus_client import (
    CONTENT_TYPE_LATEST,
    CollectorRegistry,
    Counter,
    Gauge,
    Histogram,
    ProcessCollector,
    disable_created_metrics,
    generate_latest,
)
from prometheus_client.multiprocess import MultiProcessCollector, mark_process_dead

from twofold.core.audit import EVENTS

CONTENT_TYPE = CONTENT_TYPE_LATEST
"""The media type of ``exposition``."""

BUCKETS = (0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 10.0)
"""Seconds: from one group commit to a request that its client has given up."""

SERIES = 500
"""Label combinations per counter; whatever comes beyond is counted together."""

_OTHER = "other"
_SHARED = "PROMETHEUS_MULTIPROC_DIR"
_WORDS = re.compile(r"[^a-zA-Z0-9]+")


class PrometheusMetrics:
    """The port ``Metrics``: a metric is made when it is first needed.

    An audit event without labels counts in ``twofold_events_total{event=...}``; everything else
    has a metric of its own: ``http.requests`` is ``twofold_http_requests_total``, a duration
    ``store.commit`` is ``twofold_store_commit_seconds``, a level keeps its name.
    """

    def __init__(self) -> None:
        """Start with nothing counted."""
        # They would be a second line for every one that says something.
        disable_created_metrics()  # type: ignore[no-untyped-call] # untyped by its makers
        self._registry = CollectorRegistry()
        if not _shared():
            ProcessCollector(registry=self._registry)
        self._events = Counter(
            "twofold_events", "Events as the audit trail names them.", ["event"],
            registry=self._registry,
        )  # fmt: skip
        self._known = {event: self._events.labels(event) for event in EVENTS}
        self._counters: dict[str, Counter] = {}
        self._children: dict[str, dict[tuple[str, ...], Counter]] = {}
        self._histograms: dict[str, Histogram] = {}
        self._gauges: dict[str, Gauge] = {}

    def count(self, event: str, labels: Mapping[str, str]) -> None:
        """Count an event; a name must always come with the same labels."""
        known = self._known.get(event)
        if known is not None and not labels:
            known.inc()
        else:
            self.counting(event, labels)()

    def counting(self, event: str, labels: Mapping[str, str]) -> Callable[[], None]:
        """Return what counts one more of this, for those who count it with every request."""
        counter = self._counters.get(event)
        if counter is None:
            counter = self._counters[event] = Counter(
                _name(event), f"How often: {event}.", sorted(labels), registry=self._registry
            )
            self._children[event] = {}
        children = self._children[event]
        values = tuple(labels[name] for name in sorted(labels))
        child = children.get(values)
        if child is None:
            if len(children) >= SERIES:
                # Whoever can choose a label must not be able to fill our memory.
                values = (_OTHER,) * len(values)
            child = children[values] = counter.labels(*values) if values else counter
        return child.inc

    def observe(self, name: str, seconds: float) -> None:
        """Put a duration into its histogram."""
        histogram = self._histograms.get(name)
        if histogram is None:
            histogram = self._histograms[name] = Histogram(
                f"{_name(name)}_seconds",
                f"How long, in seconds: {name}.",
                buckets=BUCKETS,
                registry=self._registry,
            )
        histogram.observe(seconds)

    def level(self, name: str, value: float) -> None:
        """Set a level; with several workers, the one that looked last is believed."""
        gauge = self._gauges.get(name)
        if gauge is None:
            gauge = self._gauges[name] = Gauge(
                _name(name),
                f"Now: {name}.",
                multiprocess_mode="mostrecent",
                registry=self._registry,
            )
        gauge.set(value)

    def exposition(self) -> bytes:
        """All figures as text."""
        if not _shared():
            return generate_latest(self._registry)
        together = CollectorRegistry()
        MultiProcessCollector(together)  # type: ignore[no-untyped-call] # untyped by its makers
        return generate_latest(together)

    def close(self) -> None:
        """Take back what only a living worker may say."""
        if _shared():
            mark_process_dead(os.getpid())  # type: ignore[no-untyped-call] # untyped by its makers


def _shared() -> bool:
    return _SHARED in os.environ


def _name(name: str) -> str:
    return f"twofold_{_WORDS.sub('_', name)}"
