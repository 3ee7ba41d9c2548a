"""Figures for operators: what happened how often, how long it took, how much there is."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
from prometheus_client.parser import text_string_to_metric_families

from twofold.adapters.metrics import CONTENT_TYPE, SERIES, PrometheusMetrics
from twofold.core.audit import EVENTS


def figures(metrics):
    families = text_string_to_metric_families(metrics.exposition().decode())
    return {
        (sample.name, *sorted(sample.labels.values())): sample.value
        for family in families
        for sample in family.samples
    }


def test_events_count_in_one_metric_under_their_names():
    metrics = PrometheusMetrics()

    metrics.count("login.granted", {})
    metrics.count("login.granted", {})

    assert figures(metrics)["twofold_events_total", "login.granted"] == 2


def test_every_event_is_there_from_the_start():
    # An alert on an event that never happened must not find an empty series.
    found = figures(PrometheusMetrics())

    assert {name[1] for name in found if name[0] == "twofold_events_total"} == set(EVENTS)


def test_anything_else_has_a_metric_of_its_own():
    metrics = PrometheusMetrics()

    metrics.count("http.requests", {"status": "200", "method": "GET"})
    metrics.count("http.requests", {"method": "GET", "status": "200"})
    metrics.count("http.requests", {"method": "GET", "status": "422"})
    metrics.count("outbox.disturbed", {})

    found = figures(metrics)
    assert found["twofold_http_requests_total", "200", "GET"] == 2
    assert found["twofold_http_requests_total", "422", "GET"] == 1
    assert found["twofold_outbox_disturbed_total",] == 1


def test_a_stranger_cannot_fill_the_memory_with_labels():
    metrics = PrometheusMetrics()

    for number in range(SERIES + 100):
        metrics.count("http.requests", {"path": f"/{number}"})

    found = figures(metrics)
    series = [name for name in found if name[0] == "twofold_http_requests_total"]
    assert len(series) == SERIES + 1
    assert found["twofold_http_requests_total", "other"] == 100


def test_durations_are_put_into_buckets():
    metrics = PrometheusMetrics()

    metrics.observe("store.commit", 0.003)
    metrics.observe("store.commit", 0.3)

    found = figures(metrics)
    assert found["twofold_store_commit_seconds_count",] == 2
    assert found["twofold_store_commit_seconds_bucket", "0.005"] == 1
    assert found["twofold_store_commit_seconds_bucket", "0.5"] == 2


def test_a_level_is_what_was_last_said():
    metrics = PrometheusMetrics()

    metrics.level("outbox.depth", 3)
    metrics.level("outbox.depth", 1)

    assert figures(metrics)["twofold_outbox_depth",] == 1


def test_the_process_itself_is_measured():
    assert figures(PrometheusMetrics())["process_resident_memory_bytes",] > 0


def test_two_engines_in_one_process_do_not_meet():
    one, other = PrometheusMetrics(), PrometheusMetrics()

    one.count("login.granted", {})

    assert figures(other)["twofold_events_total", "login.granted"] == 0


def test_the_text_is_what_prometheus_asks_for():
    assert CONTENT_TYPE.startswith("text/plain; version=")


WORKER = """
from twofold.adapters.metrics import PrometheusMetrics
metrics = PrometheusMetrics()
metrics.count("login.granted", {})
metrics.count("http.requests", {"status": "200"})
metrics.level("outbox.depth", 4)
print(metrics.exposition().decode())
metrics.close()
"""


@pytest.mark.slow
def test_the_figures_of_several_workers_are_added_up(tmp_path):
    source = Path(__file__).parents[2] / "src"
    environment = os.environ | {
        "PROMETHEUS_MULTIPROC_DIR": str(tmp_path),
        "PYTHONPATH": str(source),
    }

    said = [
        subprocess.run(
            [sys.executable, "-c", WORKER], env=environment, check=True, capture_output=True,
            text=True,
        ).stdout
        for _ in range(3)
    ]  # fmt: skip

    assert 'twofold_events_total{event="login.granted"} 3.0' in said[-1]
    assert 'twofold_http_requests_total{status="200"} 3.0' in said[-1]
    assert "twofold_outbox_depth 4.0" in said[-1]
