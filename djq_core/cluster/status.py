"""What a cluster is doing: taken by the sentinel, published by the pusher, read by everyone (manual 1.10.3)."""

from __future__ import annotations

import json
import socket
import time
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from django.core.cache import caches

from djq_core import current
from djq_core.brokers import Broker
from djq_core.conf import Conf
from djq_core.envelope import STAT
from djq_core.exceptions import BadPackageSignature

if TYPE_CHECKING:
    from djq_core.cluster.children import Child, WorkerChild
    from djq_core.cluster.traffic import Traffic
    from djq_core.runtime import Runtime

#: Seconds after which the statistics of a silent cluster are gone, at least.
LIFETIME = 10.0
_PREFIX = "djq:stat"


class Snapshot:
    """The sentinel's side: what is true of the cluster now, as a dictionary that travels."""

    def __init__(self, conf: Conf, cluster_id: int, sentinel: int) -> None:
        self._conf = conf
        self._fixed = {
            "cluster_id": cluster_id,
            "host": socket.gethostname(),
            "name": conf.name,
            "tob": datetime.now(UTC).isoformat(),
            "sentinel": sentinel,
        }
        self.reincarnations = 0
        self.is_running = False
        self.is_stopping = False

    def take(self, traffic: Traffic, workers: Iterable[WorkerChild], helpers: Mapping[str, Child]) -> dict[str, Any]:
        """Return the statistics of this moment."""
        workers = list(workers)
        pids = {role: helper.pid for role, helper in helpers.items()}
        return {
            **self._fixed,
            "reincarnations": self.reincarnations,
            "status": self._status(traffic),
            "task_q_size": traffic.unstarted(workers),
            "done_q_size": len(traffic.table.finished),
            "pusher": pids.get("pusher"),
            "monitor": pids.get("monitor"),
            "workers": [worker.pid for worker in workers],
            "timestamp": time.time(),
        }

    def _status(self, traffic: Traffic) -> str:
        if self.is_stopping:
            return Conf.STOPPING
        if not self.is_running:
            return Conf.STARTING
        return Conf.IDLE if traffic.table.is_empty else Conf.WORKING


@dataclass(frozen=True, slots=True, kw_only=True)
class Stat:
    """The status of one cluster; sizes and counts as the manual's legend has them (1.10.1, 1.10.4)."""

    cluster_id: int
    host: str = ""
    name: str = ""
    tob: datetime = field(default_factory=lambda: datetime.now(UTC))
    status: str = Conf.STOPPED
    reincarnations: int = 0
    task_q_size: int = 0
    done_q_size: int = 0
    pusher: int | None = None
    monitor: int | None = None
    sentinel: int | None = None
    workers: tuple[int, ...] = ()
    timestamp: float = 0.0

    def uptime(self) -> float:
        """Return the seconds since the cluster was born."""
        return (datetime.now(UTC) - self.tob).total_seconds()

    def empty_queues(self) -> bool:
        """Return whether neither tasks nor results are left in the cluster."""
        return not (self.task_q_size or self.done_q_size)

    @classmethod
    def get(cls, cluster_id: int, broker: Broker | None = None) -> Stat:
        """Return the status of a cluster; one that is not known is stopped."""
        found = (stat for stat in cls.get_all(broker) if stat.cluster_id == cluster_id)
        return next(found, cls(cluster_id=cluster_id))

    @classmethod
    def get_all(cls, broker: Broker | None = None) -> list[Stat]:
        """Return the status of every cluster that is alive and works for this cluster name."""
        runtime = current.runtime()
        return StatStore(runtime, broker or runtime.shared_broker()).get_all()

    @classmethod
    def from_dict(cls, taken: Mapping[str, Any]) -> Stat:
        """Return the status that a snapshot holds."""
        return cls(**{**taken, "tob": datetime.fromisoformat(taken["tob"]), "workers": tuple(taken["workers"])})


class StatStore:
    """Where statistics are kept, a signed text a cluster: in a broker that shares them, else in Django's cache."""

    def __init__(self, runtime: Runtime, broker: Broker, name: str | None = None) -> None:
        """``name`` is that of the clusters, the own one where it is not given."""
        self._runtime = runtime
        self._broker = broker
        self._name = name or runtime.conf.name
        self._signer = runtime.signer.named(self._name)
        self._seconds = max(LIFETIME, 3 * runtime.conf.guard_cycle)

    def put(self, stat: Mapping[str, Any]) -> None:
        """Publish a snapshot under its host and cluster id; it vanishes when it is not renewed."""
        text = self._signer.sign(STAT, json.dumps(stat, separators=(",", ":")))
        key = f"{self._prefix}:{stat['host']}:{stat['cluster_id']}"
        if self._broker.shares_stats:
            self._broker.put_stat(key, text, self._seconds)
        else:
            self._put_into_cache(key, text)

    def get_all(self) -> list[Stat]:
        """Return the newest status of each cluster that is signed for this cluster name and not too old."""
        texts = self._broker.get_stats(self._prefix) if self._broker.shares_stats else self._from_cache()
        oldest = time.time() - self._seconds
        stats = [stat for text in texts if (stat := self._read(text)) and stat.timestamp >= oldest]
        newest = {(stat.host, stat.cluster_id): stat for stat in sorted(stats, key=lambda stat: stat.timestamp)}
        return [newest[place] for place in sorted(newest)]

    def is_anyone_at_work(self) -> bool:
        """Return whether a cluster of this name is alive and not about to stop."""
        return any(stat.status not in (Conf.STOPPING, Conf.STOPPED) for stat in self.get_all())

    def _read(self, text: str) -> Stat | None:
        try:
            return Stat.from_dict(json.loads(self._signer.verify(STAT, text)))
        except (BadPackageSignature, ValueError, TypeError, LookupError):
            return None

    @property
    def _prefix(self) -> str:
        return f"{_PREFIX}:{quote(self._name)}"

    @property
    def _cache(self) -> Any:
        return caches[self._runtime.conf.cache]

    def _put_into_cache(self, key: str, text: str) -> None:
        self._cache.set(key, text, self._seconds)
        known = self._cache.get(self._prefix) or []
        if key not in known:
            self._cache.set(self._prefix, [*known, key][-100:], None)

    def _from_cache(self) -> list[str]:
        return list(self._cache.get_many(self._cache.get(self._prefix) or []).values())
