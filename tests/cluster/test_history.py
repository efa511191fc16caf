"""The samples that a cluster's charts are drawn from."""

from __future__ import annotations

import json
from collections.abc import Iterator
from itertools import pairwise
from typing import Any

import pytest
from django.core.cache import caches

from djq_core.brokers.memory import MemoryBroker
from djq_core.cluster.history import INTERVAL, LENGTH, Recorder
from djq_core.cluster.snapshot import Snapshot
from djq_core.cluster.status import Sample, StatStore
from djq_core.cluster.traffic import Traffic
from djq_core.conf import Conf
from djq_core.envelope import HISTORY, STAT
from djq_core.exceptions import BrokerError
from tests.conf.making import conf
from tests.making import runtime_of


class Away(MemoryBroker):
    """A broker whose server does not answer."""

    def queue_size(self) -> int:
        raise BrokerError("away")


class Counting(MemoryBroker):
    """A broker that tells these sizes one after the other."""

    sizes: list[int]

    def queue_size(self) -> int:
        return self.sizes.pop(0)


@pytest.fixture(autouse=True)
def clean() -> Iterator[None]:
    caches["default"].clear()
    yield
    caches["default"].clear()


def snapshot(traffic: Traffic, **values: Any) -> dict[str, Any]:
    return {**Snapshot(conf(), 7, 8).take(traffic, [], {}), "host": "orion", "status": Conf.WORKING, **values}


def recorded(broker: MemoryBroker, *stats: dict[str, Any]) -> list[Sample]:
    store = StatStore(runtime_of(), broker)
    recorder = Recorder(broker, store)
    for stat in stats:
        recorder.on_snapshot(stat)
    (samples,) = store.histories().values()
    return samples


def test_a_sample_tells_what_was_done_since_the_one_before() -> None:
    traffic, broker = Traffic(conf(), MemoryBroker), MemoryBroker()
    broker.enqueue_many(["a", "b", "c"])
    traffic.tally.ended(success=False)
    traffic.tally.took(0.2, 0.01)
    first = snapshot(traffic, timestamp=1000.0)
    traffic.tally.took(30.0, 3.0)
    samples = recorded(broker, first, snapshot(traffic, timestamp=1000.0 + INTERVAL))
    assert [(each.timestamp, each.queued, each.processed, each.failed) for each in samples] == [
        (1000.0, 3, 1, 1),
        (1010.0, 3, 1, 1),
    ]
    assert samples[0].waits[1] == pytest.approx(0.2, rel=0.6)
    assert samples[1].waits[0] == pytest.approx(30.0, rel=0.6)
    assert samples[1].runs[0] == pytest.approx(3.0, rel=0.6)


def test_where_nothing_ran_there_are_no_percentiles() -> None:
    (sample,) = recorded(MemoryBroker(), snapshot(Traffic(conf(), MemoryBroker)))
    assert (sample.waits, sample.runs) == ((None, None), (None, None))


def test_samples_keep_their_distance_and_the_oldest_go() -> None:
    traffic = Traffic(conf(), MemoryBroker)
    times = [1000.0 + number * INTERVAL / 2 for number in range(2 * LENGTH + 20)]
    samples = recorded(MemoryBroker(), *(snapshot(traffic, timestamp=time) for time in times))
    assert len(samples) == LENGTH
    assert samples[-1].timestamp == times[-2]
    assert {round(after.timestamp - before.timestamp, 3) for before, after in pairwise(samples)} == {INTERVAL}


def test_an_idle_cluster_asks_the_broker_until_the_queue_is_empty() -> None:
    traffic, broker = Traffic(conf(), MemoryBroker), Counting()
    store = StatStore(runtime_of(), broker)
    recorder = Recorder(broker, store)
    broker.sizes = [3, 2, 0]
    for number in range(5):
        recorder.on_snapshot(snapshot(traffic, status=Conf.IDLE, timestamp=1000.0 + number * INTERVAL))
    (samples,) = store.histories().values()
    assert [sample.queued for sample in samples] == [3, 2, 0, 0, 0]
    assert broker.sizes == []


def test_where_the_broker_is_away_there_is_a_gap() -> None:
    (sample,) = recorded(Away(), snapshot(Traffic(conf(), MemoryBroker)))
    assert sample.queued is None


def test_what_is_no_history_of_ours_is_passed_over() -> None:
    runtime, broker = runtime_of(), MemoryBroker()
    store = StatStore(runtime, broker)
    good = json.dumps({"cluster": "a:1", "samples": [[1.0, 2, 3, 4, 5, [None, None], [0.1, 0.2]]]})
    texts = {
        "unsigned": good,
        "foreign": runtime.signer.named("other").sign(HISTORY, good),
        "stat": runtime.signer.sign(STAT, good),
        "no-json": runtime.signer.sign(HISTORY, "{"),
        "no-samples": runtime.signer.sign(HISTORY, '{"cluster": "a:1", "samples": [1]}'),
        "good": runtime.signer.sign(HISTORY, good),
    }
    for key, text in texts.items():
        caches["default"].set(key, text)
    caches["default"].set("djq:history:default", list(texts))
    assert store.histories() == {"a:1": [Sample(1.0, 2, 3, 4, 5, (None, None), (0.1, 0.2))]}
