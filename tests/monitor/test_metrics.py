"""The metrics, read back by Prometheus's own parser."""

from __future__ import annotations

from typing import Any

import pytest

from djq_core.conf import Conf
from djq_core.monitor.metrics import Collector, exposition
from djq_core.runtime import Runtime
from tests.monitor.making import HOST, new_broker, publish, put, site_of

pytest.importorskip("prometheus_client")
from prometheus_client import CollectorRegistry
from prometheus_client.openmetrics.parser import text_string_to_metric_families
from prometheus_client.parser import text_string_to_metric_families as plain_families

OPENMETRICS = "application/openmetrics-text; version=1.0.0"


def scrape(runtime: Runtime) -> dict[tuple[Any, ...], float]:
    """Return the value of each sample by its name and the values of its labels, in order of the labels' names."""
    text = exposition(runtime, accepted=OPENMETRICS)[0].decode()
    families: Any = text_string_to_metric_families
    samples = [sample for family in families(text) for sample in family.samples]
    return {(sample.name, *(sample.labels[name] for name in sorted(sample.labels))): sample.value for sample in samples}


def test_queues() -> None:
    runtime = site_of(ALT_CLUSTERS={"long": {}})
    publish(runtime)
    put(runtime, "long", age=90)
    seen = scrape(runtime)
    assert (seen["djq_queue_healthy", "main"], seen["djq_queue_healthy", "long"]) == (1, 0)
    assert (seen["djq_queue_clusters", "main"], seen["djq_queue_clusters", "long"]) == (1, 0)
    assert (seen["djq_queue_tasks", "main"], seen["djq_queue_tasks", "long"]) == (0, 1)
    assert seen["djq_queue_held_tasks", "main"] == 0
    assert seen["djq_queue_oldest_task_seconds", "main"] == 0
    assert seen["djq_queue_oldest_task_seconds", "long"] == pytest.approx(90, abs=5)
    assert seen["djq_broker_reachable", "main"] == 1


def test_a_broker_that_is_away_has_no_numbers() -> None:
    seen = scrape(site_of(new_broker(away=("ping", "get_stats"))))
    assert seen == {("djq_broker_reachable", "main"): 0, ("djq_queue_healthy", "main"): 0}


def test_clusters() -> None:
    runtime = site_of()
    publish(
        runtime,
        status=Conf.WORKING,
        processed=10,
        failed=3,
        reincarnations=2,
        task_q_size=4,
        done_q_size=5,
        queue_limit=9,
        lease_age=1.5,
        tob="2026-01-02T03:04:05+00:00",
    )
    seen, place = scrape(runtime), f"{HOST}:17"
    assert seen["djq_tasks_total", place, "success", "main"] == 7
    assert seen["djq_tasks_total", place, "failure", "main"] == 3
    assert seen["djq_tasks_created", place, "failure", "main"] == 1767323045
    assert seen["djq_cluster_reincarnations_total", place, "main"] == 2
    states = {key[3]: value for key, value in seen.items() if key[0] == "djq_cluster_status"}
    assert states == {"starting": 0, "idle": 0, "working": 1, "stopping": 0, "stopped": 0}
    wanted = {
        "workers": 2,
        "running_tasks": 0,
        "task_queue_tasks": 4,
        "task_queue_limit": 9,
        "result_queue_tasks": 5,
        "lease_age_seconds": 1.5,
        "start_time_seconds": 1767323045,
    }
    assert {name: seen[f"djq_cluster_{name}", place, "main"] for name in wanted} == wanted


def test_durations_are_histograms() -> None:
    runtime = site_of()
    waits, runs = [0] * 22, [0] * 22
    waits[0], waits[9], waits[21] = 2, 3, 1  # up to 1 ms, up to 1 s, beyond 5,000 s
    runs[9] = 6
    publish(runtime, waits=waits, runs=runs, waited=6001.5, ran=4.5)
    seen, place = scrape(runtime), f"{HOST}:17"
    buckets = {key[2]: value for key, value in seen.items() if key[0] == "djq_task_wait_seconds_bucket"}
    assert [buckets[le] for le in ("0.001", "0.5", "1.0", "5000.0", "+Inf")] == [2, 2, 5, 5, 6]
    assert seen["djq_task_wait_seconds_count", place, "main"] == 6
    assert seen["djq_task_wait_seconds_sum", place, "main"] == 6001.5
    assert seen["djq_task_run_seconds_count", place, "main"] == 6
    assert seen["djq_task_run_seconds_sum", place, "main"] == 4.5


def test_names_and_help_follow_the_conventions() -> None:
    runtime = site_of()
    publish(runtime)
    families = list(plain_families(exposition(runtime)[0].decode()))
    assert len(families) > 15
    for family in families:
        assert family.name.startswith("djq_")
        assert family.documentation
        assert family.type in ("gauge", "counter", "histogram")


def test_a_site_may_register_the_collector_where_it_likes() -> None:
    broker = new_broker()
    runtime = site_of(broker)
    registry = CollectorRegistry(auto_describe=True)
    registry.register(Collector(runtime))
    assert broker.calls == []
    assert registry.get_sample_value("djq_queue_clusters", {"queue": "main"}) == 0
