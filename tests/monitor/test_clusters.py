"""The clusters and queues of a site at one moment."""

from __future__ import annotations

import time
from collections.abc import Iterator
from typing import Any, ClassVar

import pytest
from django.core.cache import caches
from django.test import override_settings

from djq_core.brokers import Broker
from djq_core.cluster.snapshot import Snapshot
from djq_core.cluster.status import Sample, StatStore
from djq_core.cluster.traffic import Traffic
from djq_core.conf import Conf
from djq_core.exceptions import BrokerError
from djq_core.monitor.clusters import Lookout
from djq_core.monitor.secrets import first_line
from djq_core.monitor.statistics import unseen
from djq_core.runtime import Runtime
from tests.conf.making import conf
from tests.making import MemoryBroker, runtime_of

MEMORY = "django.core.cache.backends.locmem.LocMemCache"
DUMMY = "django.core.cache.backends.dummy.DummyCache"


class Away(Exception):
    """What the client of a server says."""


def new_broker(*, shares: bool = True) -> type[Any]:
    """Return a class of brokers with one content each, which ``is_away`` makes raise."""

    class Counting(MemoryBroker):
        shares_stats = shares
        is_away: ClassVar[bool] = False
        texts: ClassVar[dict[str, str]] = {}

        def queue_size(self) -> int:
            self._ask()
            return 7

        def lock_size(self) -> int:
            return 2

        def put_stat(self, key: str, text: str, seconds: float) -> None:
            self.texts[key] = text

        def get_stats(self, prefix: str) -> list[str]:
            self._ask()
            return [text for key, text in self.texts.items() if key.startswith(prefix)]

        def _ask(self) -> None:
            if type(self).is_away:
                raise Away("no route to redis://:s3cret@host\nand more")

    return Counting


@pytest.fixture(autouse=True)
def clean() -> Iterator[None]:
    caches["default"].clear()
    yield
    caches["default"].clear()


def publish(runtime: Runtime, name: str, cluster_id: int, processed: int = 0) -> None:
    """Publish a cluster of a name that has worked for 40 seconds."""
    store = StatStore(runtime, runtime.shared_broker(name), name)
    taken = Snapshot(conf(name=name), cluster_id, 1).take(Traffic(conf(), MemoryBroker), [], {})
    store.put({**taken, "host": "h", "processed": processed, "status": Conf.WORKING})
    store.put_history(f"h:{cluster_id}", [Sample(time.time() - 40, 9, 1, 0, 0)])


def test_every_cluster_name_of_a_site_is_looked_at() -> None:
    runtime = runtime_of(broker=new_broker(), name="main", ALT_CLUSTERS={"mails": {}})
    publish(runtime, "main", 1, processed=400)
    publish(runtime, "mails", 2)
    found = Lookout(runtime).overview(has_series=True)
    assert [(stat.name, stat.cluster_id) for stat in found.stats] == [("mails", 2), ("main", 1)]
    assert [(queue.name, queue.waiting, queue.held) for queue in found.queues] == [("mails", 7, 2), ("main", 7, 2)]
    assert found.queues[0].rate == 0
    assert found.queues[1].rate == pytest.approx(10, rel=0.05)
    assert 10 in found.queues[1].series.depths
    assert found.problems == ()


def test_a_cluster_under_a_name_of_its_own_sees_the_others_too() -> None:
    settings = Conf.from_settings({"broker": "memory", "name": "main"}, secret_key="k" * 8, cluster_name="extra")
    assert Lookout(Runtime(settings, runtime_of(broker=new_broker()).registry)).names == ["extra", "main"]


def test_charts_are_read_where_they_are_wanted_alone() -> None:
    runtime = runtime_of(broker=new_broker())
    publish(runtime, "default", 1)
    assert Lookout(runtime).overview().queues[0].series.depths == ()
    assert Lookout(runtime).queued().queues[0].rate is None
    assert Lookout(runtime).stats().queues == ()


def test_a_broker_that_is_away_is_one_line_without_a_secret_and_comes_back() -> None:
    broker = new_broker()
    runtime = runtime_of(broker=broker, name="main")
    publish(runtime, "main", 1)
    lookout = Lookout(runtime)
    broker.is_away = True
    found = lookout.overview()
    assert found.problems == ("The broker of main does not answer: Away: no route to redis://********@host",)
    assert (found.stats, found.queues[0].waiting, found.queues[0].rate) == ((), None, None)
    broker.is_away = False
    again = lookout.overview()
    assert (again.problems, len(again.stats), again.queues[0].waiting) == ((), 1, 7)


def test_a_broker_that_cannot_count_is_no_problem() -> None:
    class Silent(Broker):
        shares_stats = True

        def get_stats(self, prefix: str) -> list[str]:
            return []

    found = Lookout(runtime_of(broker=Silent)).overview()
    assert (found.queues[0].waiting, found.queues[0].held, found.problems) == (None, 0, ())


# The cache


def test_a_cache_of_one_process_is_said_so() -> None:
    (problem,) = Lookout(runtime_of(broker=new_broker(shares=False))).overview().problems
    assert problem == (
        "The cache 'default' is not shared between processes. "
        "No cluster can be seen: choose a cache that all processes share."
    )


def test_a_cache_that_keeps_nothing_is_said_so() -> None:
    with override_settings(CACHES={"default": {"BACKEND": DUMMY}}):
        (problem,) = Lookout(runtime_of(broker=new_broker(shares=False))).stats().problems
    assert "keeps nothing." in problem


def test_the_cache_of_a_broker_that_shares_statistics_does_not_matter() -> None:
    with override_settings(CACHES={"default": {"BACKEND": DUMMY}}):
        assert Lookout(runtime_of(broker=new_broker())).stats().problems == ()


def test_each_name_is_looked_for_in_its_own_cache() -> None:
    both = {"default": {"BACKEND": MEMORY}, "other": {"BACKEND": MEMORY, "LOCATION": "other"}}
    with override_settings(CACHES=both):
        runtime = runtime_of(broker=new_broker(shares=False), ALT_CLUSTERS={"mails": {"cache": "other"}})
        alternative = Runtime(runtime.conf.for_cluster("mails"), runtime.registry)
        publish(alternative, "mails", 5)
        assert [stat.cluster_id for stat in Lookout(runtime).stats().stats] == [5]


def test_a_shared_cache_is_no_problem() -> None:
    shared = {"default": {"BACKEND": "django.core.cache.backends.filebased.FileBasedCache", "LOCATION": "/nowhere"}}
    with override_settings(CACHES=shared):
        assert unseen("default") == ""


def test_an_error_is_shown_by_its_first_line() -> None:
    assert first_line(ValueError("one\ntwo")) == "ValueError: one"
    assert first_line(TimeoutError()) == "TimeoutError"
    assert first_line(BrokerError("Redis is away.")) == "Redis is away."
