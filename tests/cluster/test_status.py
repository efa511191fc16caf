"""What a cluster is doing: taken, published, read."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.core.cache import caches

from djq_core import current
from djq_core.cluster.channels import Kind
from djq_core.cluster.snapshot import Snapshot
from djq_core.cluster.status import Stat, StatStore
from djq_core.cluster.traffic import Traffic
from djq_core.conf import Conf
from djq_core.envelope import STAT
from tests.cluster.stand_ins import Bench, task_frame
from tests.conf.making import conf
from tests.making import MemoryBroker, runtime_of


class Sharing(MemoryBroker):
    """A broker that keeps statistics itself."""

    shares_stats = True

    def put_stat(self, key: str, text: str, seconds: float) -> None:
        self.log.append((key, text, seconds))

    def get_stats(self, prefix: str) -> list[str]:
        return [text for key, text, _ in self.log if key.startswith(prefix)]


@pytest.fixture(autouse=True)
def clean() -> Iterator[None]:
    caches["default"].clear()
    yield
    caches["default"].clear()


def taken(**values: Any) -> dict[str, Any]:
    snapshot = Snapshot(conf(name="main"), 42, 43)
    return {**snapshot.take(Traffic(conf(), MemoryBroker), [], {}), **values}


# Taking


def test_a_snapshot_tells_what_is_true_now(bench: Bench) -> None:
    settings = conf(name="main")
    traffic, snapshot = Traffic(settings, MemoryBroker), Snapshot(settings, 42, 43)
    workers = [bench.worker(), bench.worker()]
    helpers = {role: bench.helper(role) for role in ("pusher", "monitor")}
    for number in (1, 2, 3):
        traffic.on_package(task_frame(number))
    traffic.on_package(task_frame(4, Kind.RESULT, error="unreadable"))
    snapshot.reincarnations = 5
    stat = Stat.from_dict(json.loads(json.dumps(snapshot.take(traffic, workers, helpers))))
    assert (stat.cluster_id, stat.name, stat.sentinel, stat.reincarnations) == (42, "main", 43, 5)
    assert (stat.task_q_size, stat.done_q_size) == (3, 1)
    assert stat.workers == [worker.pid for worker in workers]
    assert (stat.pusher, stat.monitor) == (helpers["pusher"].pid, helpers["monitor"].pid)
    assert 0 <= time.time() - stat.timestamp < 5


def test_the_states_are_those_of_the_manual() -> None:
    traffic, snapshot = Traffic(conf(), MemoryBroker), Snapshot(conf(), 1, 2)
    states = [snapshot.take(traffic, [], {})["status"]]
    snapshot.is_running = True
    states.append(snapshot.take(traffic, [], {})["status"])
    traffic.on_package(task_frame(1))
    states.append(snapshot.take(traffic, [], {})["status"])
    snapshot.is_stopping = True
    states.append(snapshot.take(traffic, [], {})["status"])
    snapshot.has_stopped = True
    states.append(snapshot.take(traffic, [], {})["status"])
    assert states == [Conf.STARTING, Conf.IDLE, Conf.WORKING, Conf.STOPPING, Conf.STOPPED]


# Reading


def test_the_workers_are_a_list_also_where_there_are_none() -> None:
    assert (Stat.from_dict(taken(workers=[8, 9])).workers, Stat(cluster_id=1).workers) == ([8, 9], [])
    cut = {name: value for name, value in taken().items() if name != "workers"}
    assert Stat.from_dict(cut).workers == []


def test_a_status_can_be_in_a_set_and_differs_by_its_workers() -> None:
    one, two = Stat.from_dict(taken(workers=[8])), Stat.from_dict(taken(workers=[9]))
    assert len({one, one, two}) == 2


def test_a_status_knows_its_age_and_whether_its_queues_are_empty() -> None:
    born = datetime.now(UTC) - timedelta(seconds=90)
    assert Stat(cluster_id=1, tob=born).uptime() == pytest.approx(90, abs=5)
    assert Stat(cluster_id=1).empty_queues()
    assert not Stat(cluster_id=1, task_q_size=1).empty_queues()
    assert not Stat(cluster_id=1, done_q_size=1).empty_queues()


def test_what_is_published_is_found() -> None:
    runtime = runtime_of(name="main")
    store = StatStore(runtime, MemoryBroker())
    store.put(taken(cluster_id=2, host="b"))
    store.put(taken(cluster_id=1, host="b", status=Conf.STARTING))
    store.put(taken(cluster_id=1, host="b", status=Conf.IDLE))
    store.put(taken(cluster_id=1, host="a"))
    found = StatStore(runtime, MemoryBroker()).get_all()
    assert [(stat.host, stat.cluster_id) for stat in found] == [("a", 1), ("b", 1), ("b", 2)]
    assert found[1].status == Conf.IDLE


def test_other_cluster_names_are_not_seen() -> None:
    StatStore(runtime_of(name="main"), MemoryBroker()).put(taken())
    assert StatStore(runtime_of(name="other"), MemoryBroker()).get_all() == []


def test_a_cluster_that_has_gone_silent_is_not_shown() -> None:
    store = StatStore(runtime_of(), MemoryBroker())
    store.put(taken(cluster_id=1, timestamp=time.time() - 60))
    store.put(taken(cluster_id=2))
    assert [stat.cluster_id for stat in store.get_all()] == [2]


def test_a_broker_that_shares_statistics_keeps_them() -> None:
    runtime, broker = runtime_of(name="main", guard_cycle=20), Sharing()
    store = StatStore(runtime, broker)
    store.put(taken(cluster_id=7, host="h"))
    store.put(taken(cluster_id=8, host="h", status=Conf.STOPPED))
    assert [(key, seconds) for key, _, seconds in broker.log] == [("djq:stat:main:h:7", 60), ("djq:stat:main:h:8", 3)]
    assert [stat.cluster_id for stat in store.get_all()] == [7, 8]


@pytest.mark.parametrize("kind", ["unsigned", "foreign", "task", "no json", "no stat"])
def test_what_is_no_status_of_ours_is_passed_over(kind: str) -> None:
    runtime, broker = runtime_of(), Sharing()
    store, text = StatStore(runtime, broker), json.dumps(taken())
    texts = {
        "unsigned": text,
        "foreign": runtime.signer.named("other").sign(STAT, text),
        "task": runtime.signer.sign("task", text),
        "no json": runtime.signer.sign(STAT, "{"),
        "no stat": runtime.signer.sign(STAT, '{"tob": "2026-01-01", "workers": []}'),
    }
    broker.log.append(("djq:stat:default:1", texts[kind], 1))
    assert store.get_all() == []
    store.put(taken())
    assert len(store.get_all()) == 1


def test_the_status_of_a_cluster_is_found_by_its_id() -> None:
    runtime = current.runtime()
    StatStore(runtime, runtime.shared_broker()).put(taken(status=Conf.WORKING))
    assert Stat.get(42).status == Conf.WORKING
    assert [stat.cluster_id for stat in Stat.get_all()] == [42]
    unknown = Stat.get(99)
    assert (unknown.cluster_id, unknown.status, unknown.workers) == (99, Conf.STOPPED, [])


def test_another_broker_can_be_asked() -> None:
    broker = Sharing()
    StatStore(current.runtime(), broker).put(taken(cluster_id=9, status=Conf.IDLE))
    assert (Stat.get(9, broker).status, Stat.get(9).status) == (Conf.IDLE, Conf.STOPPED)
    assert [stat.cluster_id for stat in Stat.get_all(broker=broker)] == [9]


def test_names_with_spaces_can_be_published() -> None:
    store = StatStore(runtime_of(name="my site"), MemoryBroker())
    store.put(taken(host="my host"))
    store.put_history("my host:1", [])
    assert len(store.get_all()) == 1
    assert list(store.histories()) == ["my host:1"]


def test_a_cluster_of_another_version_is_seen_as_far_as_both_agree() -> None:
    runtime, broker = runtime_of(), Sharing()
    later = taken(
        cluster_id=1,
        invented={"later": 1},
        running=[{"worker": 1, "id": "a", "name": "b", "func": "c", "since": 1.0, "x": 2}],
    )
    earlier = {name: value for name, value in taken(cluster_id=2).items() if name not in ("running", "waits", "runs")}
    for stat in (later, earlier):
        StatStore(runtime, broker).put(stat)
    first, second = StatStore(runtime, broker).get_all()
    assert (first.cluster_id, first.running[0].name) == (1, "b")
    assert (second.cluster_id, second.running, second.waits) == (2, (), ())


# What runs


def test_a_snapshot_tells_what_each_worker_runs(bench: Bench) -> None:
    traffic = Traffic(conf(), MemoryBroker)
    busy, idle = bench.worker(), bench.worker()
    traffic.on_package(task_frame(1, name="four-oranges", func="shop.bill", attempt=2))
    traffic.hand_out([busy], time.monotonic())
    busy.running, busy.since = traffic.table.at_worker[busy.key][0].ticket, time.monotonic() - 3
    stat = Stat.from_dict(json.loads(json.dumps(Snapshot(conf(), 1, 2).take(traffic, [busy, idle], {}))))
    (running,) = stat.running
    assert (running.worker, running.id, running.name) == (busy.pid, f"{1:032x}", "four-oranges")
    assert (running.func, running.attempt) == ("shop.bill", 2)
    assert running.seconds() == pytest.approx(3, abs=2)


def test_a_snapshot_tells_the_age_of_the_leases() -> None:
    traffic = Traffic(conf(), MemoryBroker)
    assert Snapshot(conf(), 1, 2).take(traffic, [], {})["lease_age"] is None
    traffic.on_package(task_frame(1, fetched=time.monotonic() - 20))
    assert Snapshot(conf(), 1, 2).take(traffic, [], {})["lease_age"] == pytest.approx(20, abs=5)
    traffic.on_renewed([(1, "r1", "r1")], [])
    assert Snapshot(conf(), 1, 2).take(traffic, [], {})["lease_age"] == pytest.approx(0, abs=5)


# Loading

SITE = """
import sys

import django
from django.conf import settings

settings.configure(
    SECRET_KEY="a key",
    INSTALLED_APPS=["djq_core", "djq_orm"],
    DATABASES={{"default": {{"ENGINE": "django.db.backends.sqlite3", "NAME": ":memory:"}}}},
    CACHES={{"default": {{"BACKEND": "django.core.cache.backends.{backend}", "LOCATION": "redis://nowhere"}}}},
    Q_CLUSTER={{"orm": "default"}},
)
django.setup()
from djq_core import current
from djq_core.cluster.status import StatStore

runtime = current.runtime()
broker = runtime.broker()
before = "redis" in sys.modules
StatStore(runtime, broker).load()
print(before, "redis" in sys.modules)
"""


@pytest.mark.parametrize(("backend", "needs"), [("locmem.LocMemCache", "False"), ("redis.RedisCache", "True")])
def test_redis_is_imported_for_a_cache_that_needs_it_and_for_no_queue_in_the_database(backend: str, needs: str) -> None:
    script = SITE.format(backend=backend)
    ended = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True, timeout=60)
    assert ended.stdout.split() == ["False", needs]
