"""A broker that can be looked at, and clusters that have published what they do."""

from __future__ import annotations

import threading
import time
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any, ClassVar

from djq_core.brokers import Broker
from djq_core.brokers.base import Package, Queued
from djq_core.cluster.snapshot import Snapshot
from djq_core.cluster.status import StatStore
from djq_core.cluster.traffic import Traffic
from djq_core.conf import Conf
from djq_core.enqueue.send import seal
from djq_core.exceptions import BrokerError
from djq_core.runtime import Runtime
from tests.conf.making import conf
from tests.making import package_of, runtime_of

HOST = "orion"


class Watched(Broker):
    """A broker whose instances share one content; made by :func:`new_broker`, which gives each test a class of its own.

    What is in ``away`` raises; what is in ``hanging`` waits for ``go_on``.
    """

    name = "memory"
    supports_peek = True
    shares_stats = True

    texts: ClassVar[dict[str, str]]
    queue: ClassVar[dict[str, list[Queued]]]
    away: ClassVar[set[str]]
    hanging: ClassVar[set[str]]
    go_on: ClassVar[threading.Event]
    calls: ClassVar[list[str]]

    def ping(self) -> bool:
        self._note("ping")
        return True

    def enqueue(self, package: Package) -> str | None:
        self.queue.setdefault(self.list_key, []).append(Queued(package=package))
        return None

    def queue_size(self) -> int:
        self._note("queue_size")
        return len(self.queue.get(self.list_key, []))

    def lock_size(self) -> int:
        return sum(queued.is_held for queued in self.queue.get(self.list_key, []))

    def peek(self, count: int) -> list[Queued]:
        self._note(f"peek {count}")
        return self.queue.get(self.list_key, [])[:count]

    def put_stat(self, key: str, text: str, seconds: float) -> None:
        self.texts[key] = text

    def get_stats(self, prefix: str) -> list[str]:
        self._note("get_stats")
        return [text for key, text in self.texts.items() if key.startswith(prefix)]

    def _note(self, call: str) -> None:
        self.calls.append(call)
        if call in self.away:
            raise BrokerError(f"No route to secret.example ({call}).")
        if call in self.hanging:
            self.go_on.wait(30)


def new_broker(*, away: tuple[str, ...] = (), hanging: tuple[str, ...] = (), **flags: Any) -> type[Watched]:
    """Return a class of brokers that share one content."""
    own: dict[str, Any] = {"texts": {}, "queue": {}, "calls": [], "go_on": threading.Event()}
    return type("OwnBroker", (Watched,), {**own, "away": set(away), "hanging": set(hanging), **flags})


def site_of(broker: type[Broker] | None = None, **options: Any) -> Runtime:
    """Return a runtime with a broker that can be looked at."""
    return runtime_of(broker=broker or new_broker(), **{"name": "main", **options})


def publish(runtime: Runtime, queue: str = "main", **values: Any) -> None:
    """Let a cluster be seen that is well, but for these values."""
    StatStore(runtime, runtime.broker(queue), queue).put(taken(**{"name": queue, **values}))


def taken(**values: Any) -> dict[str, Any]:
    """Return the snapshot of a cluster that is well, but for these values."""
    snapshot = Snapshot(conf(name="main"), 17, 18).take(Traffic(conf(), Watched), [], {})
    well: Mapping[str, Any] = {"host": HOST, "status": Conf.IDLE, "pusher": 19, "monitor": 20, "scheduler": 21}
    return {**snapshot, **well, "workers": [22, 23], **values}


def put(runtime: Runtime, queue: str = "main", *, age: float = 0.0, **fields: Any) -> None:
    """Put a task on a queue that was sent so many seconds ago; ``fields`` are further fields of Queued."""
    sent = datetime.fromtimestamp(time.time() - age, UTC)
    broker = runtime.broker(queue)
    assert isinstance(broker, Watched)
    text = seal(runtime, package_of(runtime, started=sent, cluster=queue), broker)
    broker.queue.setdefault(queue, []).append(Queued(package=text, **fields))
