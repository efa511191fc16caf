"""What clusters are doing: published by the pusher of each, read by everyone (manual 1.10.3)."""

from __future__ import annotations

import importlib
import json
import time
from collections.abc import Iterable, Mapping
from dataclasses import astuple, dataclass, field, fields
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from django.core.cache import caches
from django.core.cache.backends.redis import RedisCache

from djq_core import current
from djq_core.brokers import Broker
from djq_core.conf import Conf
from djq_core.envelope import HISTORY, STAT
from djq_core.exceptions import BadPackageSignature

if TYPE_CHECKING:
    from djq_core.runtime import Runtime

#: Seconds after which the statistics of a silent cluster are gone, at least.
LIFETIME = 10.0
#: Seconds for which a cluster that has stopped is shown as such.
STOPPED_LIFETIME = 3.0
#: Seconds for which the history of a silent cluster is kept.
HISTORY_LIFETIME = 600.0
_PREFIX = "djq:stat"
_HISTORY_PREFIX = "djq:history"


def _known(kind: type[Any], values: Mapping[str, Any]) -> dict[str, Any]:
    names = {each.name for each in fields(kind)}
    return {name: value for name, value in values.items() if name in names}


@dataclass(frozen=True, slots=True, kw_only=True)
class Running:
    """A task that a worker runs now: the worker's process id, the task, and its start in seconds since 1970."""

    worker: int
    id: str
    name: str
    func: str
    since: float
    attempt: int = 1

    def seconds(self) -> float:
        """Return for how many seconds it has run."""
        return max(0.0, time.time() - self.since)


@dataclass(frozen=True, slots=True)
class Sample:
    """A cluster at one moment of its history.

    ``queued`` is the size of the broker's queue (None: not known), ``held`` that of the task queue, ``processed`` and
    ``failed`` count since the birth of the cluster. ``waits`` and ``runs`` are the median and the 95th percentile, in
    seconds, of the tasks since the sample before (None: there were none).
    """

    timestamp: float
    queued: int | None
    held: int
    processed: int
    failed: int
    waits: tuple[float | None, ...] = (None, None)
    runs: tuple[float | None, ...] = (None, None)


@dataclass(frozen=True, slots=True, kw_only=True)
class Status:
    """The status of one cluster; sizes and counts as the manual's legend has them (1.10.1, 1.10.4).

    ``running`` are the tasks that its workers run now. ``processed`` and ``failed`` count the runs since its birth,
    ``waits`` and ``runs`` their durations by the classes of ``djq_core.cluster.tally.BOUNDS``; ``waited`` and ``ran``
    are the sums of these in seconds. ``lease_age`` are the seconds since the leases of what it holds were renewed last,
    None where it holds none. ``version`` is its djq-core.
    """

    cluster_id: int
    host: str = ""
    name: str = ""
    tob: datetime = field(default_factory=lambda: datetime.now(UTC))
    status: str = Conf.STOPPED
    reincarnations: int = 0
    task_q_size: int = 0
    done_q_size: int = 0
    queue_limit: int = 0
    pusher: int | None = None
    monitor: int | None = None
    sentinel: int | None = None
    scheduler: int | None = None
    workers: list[int] = field(default_factory=list, hash=False)
    running: tuple[Running, ...] = ()
    processed: int = 0
    failed: int = 0
    waits: tuple[int, ...] = ()
    runs: tuple[int, ...] = ()
    waited: float = 0.0
    ran: float = 0.0
    lease_age: float | None = None
    version: str = ""
    timestamp: float = 0.0

    def uptime(self) -> float:
        """Return the seconds since the cluster was born."""
        return (datetime.now(UTC) - self.tob).total_seconds()

    def empty_queues(self) -> bool:
        """Return whether neither tasks nor results are left in the cluster."""
        return not (self.task_q_size or self.done_q_size)


class Stat(Status):
    """The status of one cluster, and where to find it (manual 1.10.3)."""

    __slots__ = ()

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
        """Return the status that a snapshot holds, as far as this version of djq and that of its cluster agree."""
        values = _known(cls, taken)
        counts = {name: tuple(values.get(name, ())) for name in ("waits", "runs")}
        workers = list(values.get("workers", ()))
        running = tuple(Running(**_known(Running, run)) for run in values.get("running", ()))
        born = datetime.fromisoformat(taken["tob"])
        return cls(**{**values, **counts, "tob": born, "workers": workers, "running": running})


class StatStore:
    """Where statistics are kept, a signed text a cluster: in a broker that shares them, else in Django's cache."""

    def __init__(self, runtime: Runtime, broker: Broker, name: str | None = None) -> None:
        """``name`` is that of the clusters, the own one where it is not given."""
        self._runtime = runtime
        self._broker = broker
        self._name = name or runtime.conf.name
        self._signer = runtime.signer.named(self._name)
        self._seconds = max(LIFETIME, 3 * runtime.conf.guard_cycle)

    def load(self) -> None:
        """Import what publishing needs, so that processes share it which are forked later; nothing is connected.

        Django's cache on Redis imports its client, of seven megabytes, with the first call.
        """
        if not self._broker.shares_stats and isinstance(self._cache, RedisCache):
            importlib.import_module("redis")

    def put(self, stat: Mapping[str, Any]) -> None:
        """Publish a snapshot under its host and cluster id; it vanishes when it is not renewed."""
        text = self._signer.sign(STAT, _to_json(stat))
        seconds = STOPPED_LIFETIME if stat["status"] == Conf.STOPPED else self._seconds
        self._put(_PREFIX, f"{quote(stat['host'])}:{stat['cluster_id']}", text, seconds)

    def get_all(self) -> list[Stat]:
        """Return the newest status of each cluster that is signed for this cluster name and not too old."""
        oldest = time.time() - self._seconds
        stats = [stat for text in self._get(_PREFIX) if (stat := self._read(text)) and stat.timestamp >= oldest]
        newest = {(stat.host, stat.cluster_id): stat for stat in sorted(stats, key=lambda stat: stat.timestamp)}
        return [newest[place] for place in sorted(newest)]

    def is_anyone_at_work(self) -> bool:
        """Return whether a cluster of this name is alive and not about to stop."""
        return any(stat.status not in (Conf.STOPPING, Conf.STOPPED) for stat in self.get_all())

    def put_history(self, cluster: str, samples: Iterable[Sample]) -> None:
        """Publish the samples of a cluster, the oldest first; they outlive it by :data:`HISTORY_LIFETIME`."""
        text = self._signer.sign(HISTORY, _to_json({"cluster": cluster, "samples": list(map(astuple, samples))}))
        self._put(_HISTORY_PREFIX, quote(cluster, safe=":"), text, HISTORY_LIFETIME)

    def histories(self) -> dict[str, list[Sample]]:
        """Return the samples of each cluster by its host and id (``"orion:17004"``), of some that have stopped too."""
        told = [read for text in self._get(_HISTORY_PREFIX) if (read := self._read_history(text))]
        return dict(sorted(told))

    def _read(self, text: str) -> Stat | None:
        try:
            return Stat.from_dict(json.loads(self._signer.verify(STAT, text)))
        except (BadPackageSignature, ValueError, TypeError, LookupError):
            return None

    def _read_history(self, text: str) -> tuple[str, list[Sample]] | None:
        try:
            told = json.loads(self._signer.verify(HISTORY, text))
            return str(told["cluster"]), [Sample(*values[:5], *map(tuple, values[5:])) for values in told["samples"]]
        except (BadPackageSignature, ValueError, TypeError, LookupError):
            return None

    # Where it is kept

    def _key(self, kind: str) -> str:
        return f"{kind}:{quote(self._name)}"

    @property
    def _cache(self) -> Any:
        return caches[self._runtime.conf.cache]

    def _put(self, kind: str, cluster: str, text: str, seconds: float) -> None:
        key = f"{self._key(kind)}:{cluster}"
        if self._broker.shares_stats:
            self._broker.put_stat(key, text, seconds)
        else:
            self._put_into_cache(self._key(kind), key, text, seconds)

    def _put_into_cache(self, index: str, key: str, text: str, seconds: float) -> None:
        self._cache.set(key, text, seconds)
        known = self._cache.get(index) or []
        if key not in known:
            self._cache.set(index, [*known, key][-100:], None)

    def _get(self, kind: str) -> list[str]:
        if self._broker.shares_stats:
            return self._broker.get_stats(f"{self._key(kind)}:")
        return list(self._cache.get_many(self._cache.get(self._key(kind)) or []).values())


def _to_json(value: object) -> str:
    return json.dumps(value, separators=(",", ":"))
