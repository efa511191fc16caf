"""Reading the queues of a site, whatever of it is away."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from django.core.cache import caches
from django.test import override_settings

from djq_core.brokers import Broker
from djq_core.monitor.dashboard import QueueState, read_queues
from tests.making import MemoryBroker, runtime_of
from tests.monitor.dashboard.parts import (
    AWAY_CACHE,
    NO_CACHE,
    AwayBroker,
    Counting,
    durations,
    running,
    snapshot,
    tell,
)


@pytest.fixture(autouse=True)
def clean() -> Iterator[None]:
    caches["default"].clear()
    yield
    caches["default"].clear()


def read(broker: type[Broker] = Counting, *stats: dict[str, Any], **keys: Any) -> list[QueueState]:
    runtime = runtime_of(broker=broker, name="main", **keys)
    tell(runtime, runtime.shared_broker(), stats)
    return read_queues(runtime)


def test_a_queue_is_told_with_its_clusters() -> None:
    (queue,) = read(Counting, snapshot(), snapshot(cluster_id=4713))
    assert (queue.name, queue.server, queue.waiting, queue.held) == ("main", "Memory 1.0", 7, 2)
    assert [stat.cluster_id for stat in queue.clusters] == [4711, 4713]
    assert queue.per_minute == pytest.approx(120, rel=0.2)
    assert (queue.broker_trouble, queue.stats_trouble, queue.is_deserted) == ("", "", False)


def test_every_queue_of_the_site_is_told_the_own_one_first() -> None:
    queues = read(Counting, ALT_CLUSTERS={"zebra": {}, "ape": {}})
    assert [queue.name for queue in queues] == ["main", "ape", "zebra"]


def test_workers_that_run_the_longest_come_first() -> None:
    taken = snapshot(workers=[1, 2, 3], running=[running(2, ago=5), running(3, ago=50)])
    (queue,) = read(Counting, taken)
    assert [(worker.pid, bool(worker.running)) for worker in queue.workers] == [(3, True), (2, True), (1, False)]
    assert [worker.pid for worker in queue.busy] == [3, 2]


def test_latencies_are_those_of_all_clusters_together() -> None:
    (queue,) = read(Counting, snapshot(runs=durations(0)), snapshot(cluster_id=2, runs=durations(6, 6, 6)))
    assert queue.runs.p50 == pytest.approx(0.05 + 0.05 / 3)
    assert queue.runs.lately == (0.2, 1.5)
    assert queue.waits.lately == (0.02, 0.3)
    assert queue.waits.p99 is None


def test_a_broker_that_is_away_is_said_and_asked_once() -> None:
    AwayBroker.asked = 0
    queues = read(AwayBroker, snapshot(), ALT_CLUSTERS={"other": {}})
    assert AwayBroker.asked == 1
    assert {queue.broker_trouble for queue in queues} == {
        "The broker does not answer: The server at nowhere:1 <script>refuses</script>."
    }
    assert [queue.waiting for queue in queues] == [None, None]
    assert [len(queue.clusters) for queue in queues] == [1, 0]


def test_a_broker_that_does_not_count_is_no_trouble() -> None:
    (queue,) = read(MemoryBroker)
    assert (queue.waiting, queue.held, queue.broker_trouble) == (None, None, "")


def test_tasks_that_wait_for_nobody_are_noticed() -> None:
    runtime = runtime_of(broker=Counting, name="main")
    caches["default"].set("djq:stat:main", ["nothing"], 1)
    with override_settings(
        CACHES={
            "default": {"BACKEND": "django.core.cache.backends.filebased.FileBasedCache", "LOCATION": "/nonexistent"}
        }
    ):
        (queue,) = read_queues(runtime)
    assert queue.is_deserted


@override_settings(CACHES=NO_CACHE)
def test_a_cache_that_keeps_nothing_is_said() -> None:
    (queue,) = read(Counting)
    assert queue.stats_trouble.startswith("The cache 'default' keeps nothing. No cluster can be seen")
    assert not queue.is_deserted


def test_a_cache_that_nobody_shares_is_said_where_no_cluster_is_seen() -> None:
    (queue,) = read(Counting)
    assert "is not shared between processes" in queue.stats_trouble
    (queue,) = read(Counting, snapshot())
    assert queue.stats_trouble == ""


@override_settings(CACHES=AWAY_CACHE)
def test_a_cache_that_is_away_is_said_without_its_secrets() -> None:
    runtime = runtime_of(broker=Counting, name="main")
    (queue,) = read_queues(runtime)
    assert queue.waiting == 7
    assert queue.stats_trouble == "The clusters cannot be seen: the cache “default” does not answer (ConnectionError)."
