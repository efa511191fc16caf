"""A site with something on it: what clusters have told, and brokers and caches that are away."""

from __future__ import annotations

import time
from collections.abc import Iterable
from typing import Any

from django.core.cache.backends.locmem import LocMemCache

from djq_core.brokers import Broker
from djq_core.cluster.snapshot import Snapshot
from djq_core.cluster.status import Sample, StatStore
from djq_core.cluster.tally import no_durations
from djq_core.cluster.traffic import Traffic
from djq_core.conf import Conf
from djq_core.exceptions import BrokerError
from djq_core.runtime import Runtime
from tests.conf.making import conf
from tests.making import MemoryBroker

AWAY = f"{__name__}.AwayBroker"
AWAY_CACHE = {"default": {"BACKEND": f"{__name__}.AwayCache"}}
NO_CACHE = {"default": {"BACKEND": "django.core.cache.backends.dummy.DummyCache"}}


class AwayBroker(MemoryBroker):
    """A broker whose server does not answer."""

    name = "away"
    asked = 0

    def queue_size(self) -> int:
        type(self).asked += 1
        raise BrokerError("The server at nowhere:1 <script>refuses</script>.")


class AwayCache(LocMemCache):
    """A cache whose server does not answer."""

    def __init__(self, name: str, params: dict[str, Any]) -> None:
        super().__init__("away", params)

    def get(self, *args: Any, **kwargs: Any) -> Any:
        raise ConnectionError("redis://:secret@nowhere")


class Counting(MemoryBroker):
    """A broker that counts."""

    def queue_size(self) -> int:
        return 7

    def lock_size(self) -> int:
        return 2

    def info(self) -> str:
        return "Memory 1.0"


def snapshot(**values: Any) -> dict[str, Any]:
    """Return what a cluster tells of itself, with these values."""
    taken = Snapshot(conf(name="main"), 4711, 4712).take(Traffic(conf(), MemoryBroker), [], {})
    return {**taken, "host": "orion", "status": Conf.IDLE, **values}


def running(worker: int, name: str = "four-oranges", ago: float = 65, **values: Any) -> dict[str, Any]:
    """Return a task that a worker runs."""
    run = {"worker": worker, "id": "a" * 32, "name": name, "func": "shop.bill", "since": time.time() - ago}
    return {**run, "attempt": 1, **values}


def durations(*classes: int) -> list[int]:
    """Return counts with one duration in each of these classes."""
    return [classes.count(number) for number in range(len(no_durations()))]


def samples(count: int = 30) -> list[Sample]:
    """Return the last five minutes of a cluster that runs sixty tasks a minute."""
    now = time.time()
    return [
        Sample(now - 10 * (count - n), 3, 1, 10 * n, n, waits=(0.02, 0.3), runs=(0.2, 1.5)) for n in range(1, count + 1)
    ]


def tell(runtime: Runtime, broker: Broker, stats: Iterable[dict[str, Any]], name: str | None = None) -> None:
    """Publish what clusters of a name tell, with a history each."""
    store = StatStore(runtime, broker, name)
    for stat in stats:
        store.put(stat)
        store.put_history(f"{stat['host']}:{stat['cluster_id']}", samples())


class RefusingBroker(Counting):
    """A broker that takes nothing."""

    def enqueue(self, package: str | bytes) -> str | None:
        raise BrokerError("The memory is full.")
