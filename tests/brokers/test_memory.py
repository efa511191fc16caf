"""The memory broker: the whole contract, and what is its own."""

from __future__ import annotations

import pickle

import pytest

from djq_core.brokers import BrokerSettings
from djq_core.brokers.memory import MemoryBroker
from djq_core.cluster import Cluster
from djq_core.exceptions import BrokerError, ConfigurationError
from djq_core.plugins import load
from djq_core.runtime import Runtime
from djq_core.testing import BrokerContract
from tests.conf.making import conf

PATH = "djq_core.brokers.memory.MemoryBroker"


class TestMemoryBroker(BrokerContract):
    broker_class = MemoryBroker


def runtime() -> Runtime:
    chosen = conf({"broker_class": PATH, "workers": 2})
    return Runtime(chosen, load(chosen, entry_points=[]))


def test_all_brokers_of_a_runtime_share_the_queues() -> None:
    mine = runtime()
    mine.broker().enqueue("a")
    assert mine.broker().queue_size() == 1
    assert runtime().broker().queue_size() == 0


def test_a_pickled_one_says_why_it_is_of_no_use() -> None:
    settings = BrokerSettings(options=MemoryBroker.read_options({}))
    again = pickle.loads(pickle.dumps(MemoryBroker(settings)))
    with pytest.raises(BrokerError, match="pip install djq-redis, or djq-orm"):
        again.enqueue("a")


def test_a_receipt_of_another_broker_is_told() -> None:
    with pytest.raises(BrokerError, match="'nonsense' is no receipt of the memory broker"):
        MemoryBroker().acknowledge("nonsense")


def test_a_package_is_deleted_by_the_id_of_its_enqueue() -> None:
    broker = MemoryBroker()
    first, _ = broker.enqueue_many(["a", "b"])
    broker.delete(str(first))
    assert [package for _, package in broker.dequeue()] == ["b"]


def test_a_cluster_refuses_it_with_the_remedy() -> None:
    with pytest.raises(ConfigurationError, match=r"MemoryBroker lives in one process.* sync=True, or .*djq-redis"):
        Cluster(runtime=runtime()).start()
