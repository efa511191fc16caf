"""The queues of a site: what waits on each, and the clusters that work on it."""

from __future__ import annotations

import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from django.utils.translation import gettext as _

from djq_core.brokers import Broker
from djq_core.cluster.status import Running, Sample, Stat, StatStore
from djq_core.cluster.tally import quantile
from djq_core.exceptions import NotSupported
from djq_core.monitor.dashboard.series import STEP, Percentiles, Point, highest_since, points_of
from djq_core.monitor.dashboard.troubles import guarded, reason
from djq_core.monitor.statistics import unseen

if TYPE_CHECKING:
    from djq_core.runtime import Runtime

#: How many seconds "lately" are.
LATELY: Final = 300


@dataclass(frozen=True, slots=True, kw_only=True)
class Latency:
    """How long tasks waited, or ran, in seconds; None where there were none.

    ``lately`` are the highest median and 95th percentile of the last five minutes, the others count since the births of
    the living clusters.
    """

    lately: Percentiles = (None, None)
    p50: float | None = None
    p95: float | None = None
    p99: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Worker:
    """A worker of a cluster, by its process id, and what it runs now."""

    cluster: Stat
    pid: int
    running: Running | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class QueueState:
    """One queue of the site, by the name of its clusters.

    ``server`` is what the broker says of itself. ``waiting`` and ``held`` are None where the broker does not count or
    does not answer. ``broker_trouble`` and ``stats_trouble`` say in a line why something is not known.
    """

    name: str
    server: str = ""
    waiting: int | None = None
    held: int | None = None
    clusters: tuple[Stat, ...] = ()
    points: tuple[Point, ...] = ()
    waits: Latency = field(default_factory=Latency)
    runs: Latency = field(default_factory=Latency)
    broker_trouble: str = ""
    stats_trouble: str = ""

    @property
    def workers(self) -> list[Worker]:
        """Its workers: first those that run something, the longest running one first."""
        workers = [worker for cluster in self.clusters for worker in _workers_of(cluster)]
        return sorted(workers, key=lambda worker: worker.running.since if worker.running else float("inf"))

    @property
    def busy(self) -> list[Worker]:
        """The workers that run something."""
        return [worker for worker in self.workers if worker.running]

    @property
    def is_deserted(self) -> bool:
        """Do tasks wait while nobody is known to work on them?"""
        return bool(self.waiting) and not self.clusters and not self.stats_trouble

    @property
    def per_minute(self) -> float | None:
        """Runs a minute, lately; None where nobody knows."""
        rates = [point.processed for point in self.points[-2:] if point.processed is not None]
        return rates[-1] if rates else None


def read_queues(runtime: Runtime) -> list[QueueState]:
    """Return every queue of the site, the own one first; whatever cannot be read is said, never raised."""
    names = [runtime.conf.name, *sorted(runtime.conf.clusters - {runtime.conf.name})]
    reader = _Reader(runtime)
    return [reader.read(name) for name in names]


class _Reader:
    """Reads one queue after the other, and asks no server again that has not answered."""

    def __init__(self, runtime: Runtime) -> None:
        self._runtime = runtime
        self._silent: list[tuple[Broker, str]] = []
        self._cache_trouble = ""

    def read(self, name: str) -> QueueState:
        try:
            broker = self._runtime.shared_broker(name)
        except Exception as error:  # the configuration of another cluster, or a plugin's constructor
            return QueueState(name=name, broker_trouble=reason(error))
        server, waiting, held, broker_trouble = self._sizes(broker)
        clusters, histories, stats_trouble = self._stats(broker, name, is_silent=bool(broker_trouble))
        points = points_of(histories, time.time())
        return QueueState(
            name=name,
            server=server,
            waiting=waiting,
            held=held,
            clusters=tuple(clusters),
            points=points,
            waits=_latency((stat.waits for stat in clusters), [point.waits for point in points]),
            runs=_latency((stat.runs for stat in clusters), [point.runs for point in points]),
            broker_trouble=broker_trouble,
            stats_trouble=stats_trouble,
        )

    def _sizes(self, broker: Broker) -> tuple[str, int | None, int | None, str]:
        if told := next((told for other, told in self._silent if _is_same_server(broker, other)), None):
            return type(broker).__name__, None, None, told
        try:
            with guarded(broker.database):
                waiting, held = _count(broker)
                return broker.info(), waiting, held, ""
        except Exception as error:  # whatever a broker's client raises
            told = _("The broker does not answer: %(reason)s") % {"reason": reason(error)}
            self._silent.append((broker, told))
            return type(broker).__name__, None, None, told

    def _stats(self, broker: Broker, name: str, *, is_silent: bool) -> tuple[list[Stat], dict[str, list[Sample]], str]:
        if broker.shares_stats and is_silent:
            return [], {}, _("The clusters cannot be seen: the broker keeps what they tell.")
        if not broker.shares_stats and self._cache_trouble:
            return [], {}, self._cache_trouble
        store = StatStore(self._runtime, broker, name)
        try:
            clusters, histories = store.get_all(), store.histories()
        except Exception as error:  # whatever a cache, or a broker, raises
            return [], {}, self._no_stats(broker, error)
        told = "" if clusters or broker.shares_stats else unseen(self._runtime.conf.cache)
        return clusters, histories, told

    def _no_stats(self, broker: Broker, error: Exception) -> str:
        if broker.shares_stats:
            return _("The clusters cannot be seen: %(reason)s") % {"reason": reason(error)}
        values = {"alias": self._runtime.conf.cache, "reason": reason(error)}
        told = _("The clusters cannot be seen: the cache “%(alias)s” does not answer (%(reason)s).") % values
        self._cache_trouble = told
        return told


def _is_same_server(broker: Broker, other: Broker) -> bool:
    return type(broker) is type(other) and broker.settings.options == other.settings.options


def _count(broker: Broker) -> tuple[int | None, int | None]:
    try:
        return broker.queue_size(), broker.lock_size()
    except NotSupported:
        return None, None


def _latency(counts: Iterable[Sequence[int]], told: Sequence[Percentiles]) -> Latency:
    added = [sum(column) for column in zip(*counts, strict=False)]
    p50, p95, p99 = (quantile(added, share) for share in (0.5, 0.95, 0.99))
    return Latency(lately=highest_since(told[-LATELY // STEP :]), p50=p50, p95=p95, p99=p99)


def _workers_of(cluster: Stat) -> list[Worker]:
    runs = {run.worker: run for run in cluster.running}
    pids = dict.fromkeys([*cluster.workers, *runs])
    return [Worker(cluster=cluster, pid=pid, running=runs.get(pid)) for pid in pids]
