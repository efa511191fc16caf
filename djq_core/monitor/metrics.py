"""Metrics for Prometheus, made at the scrape of what clusters publish: the same in every web process."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any, Final

from djq_core import optional
from djq_core.cluster.status import Stat
from djq_core.cluster.tally import BOUNDS
from djq_core.conf import Conf
from djq_core.monitor.health import SECONDS, Report, examine

if TYPE_CHECKING:
    from djq_core.runtime import Runtime

_STATES: Final = (Conf.STARTING, Conf.IDLE, Conf.WORKING, Conf.STOPPING, Conf.STOPPED)
_QUEUE: Final = ("queue",)
_CLUSTER: Final = ("queue", "cluster")
_LE: Final = (*(str(float(bound)) for bound in BOUNDS), "+Inf")


def exposition(
    runtime: Runtime, names: Sequence[str] = (), *, seconds: float = SECONDS, accepted: str = ""
) -> tuple[bytes, str]:
    """Return the metrics in the format that the header ``Accept`` asks for, and its content type.

    Raises ImportError that says what to install, and ConfigurationError.
    """
    client = optional.prometheus_client()
    registry = client.CollectorRegistry(auto_describe=False)
    registry.register(Collector(runtime, names, seconds=seconds))
    generate, content_type = client.exposition.choose_encoder(accepted)
    return generate(registry), content_type


class Collector:
    """A collector of ``prometheus_client`` that looks at queues and clusters when it is asked.

    A site with a registry of its own registers one there.
    """

    def __init__(self, runtime: Runtime, names: Sequence[str] = (), *, seconds: float = SECONDS) -> None:
        """``names`` are the queues, all of the site where none is given; ``seconds`` is how long a look may take."""
        self._runtime = runtime
        self._names = names
        self._seconds = seconds
        self._kinds: Any = optional.prometheus_client().metrics_core

    def describe(self) -> list[Any]:
        """Return nothing, so that nobody looks when a site registers this."""
        return []

    def collect(self) -> Iterator[Any]:
        """Yield the families of metrics."""
        report = examine(self._runtime, self._names, seconds=self._seconds)
        yield from self._of_queues(report)
        stats = [(queue.name, stat) for queue in report.queues for stat in queue.clusters]
        yield from self._gauges(stats)
        yield from self._counters(stats)
        for word, meaning in (("wait", "from the call to the first start"), ("run", "from a start to its end")):
            yield self._histogram(f"djq_task_{word}_seconds", f"Seconds of tasks {meaning}.", word, stats)

    def _of_queues(self, report: Report) -> Iterator[Any]:
        reachable = self._gauge("djq_broker_reachable", "Whether the broker of a queue answers.", _QUEUE)
        healthy = self._gauge("djq_queue_healthy", "Whether nothing is wrong with a queue and its clusters.", _QUEUE)
        clusters = self._gauge("djq_queue_clusters", "Clusters that work on a queue.", _QUEUE)
        queued = self._gauge("djq_queue_tasks", "Tasks on a queue that wait to be fetched.", _QUEUE)
        held = self._gauge("djq_queue_held_tasks", "Tasks of a queue that are fetched and not answered.", _QUEUE)
        oldest = self._gauge("djq_queue_oldest_task_seconds", "Seconds since the oldest waiting task was sent.", _QUEUE)
        wrong = {trouble.queue for trouble in report.troubles}
        for queue in report.queues:
            labels, state = [queue.name], queue.state
            reachable.add_metric(labels, state.is_reachable)
            healthy.add_metric(labels, queue.name not in wrong)
            if queue.knows_clusters:
                clusters.add_metric(labels, len(queue.clusters))
            for family, value in ((queued, state.queued), (held, state.held)):
                if value is not None:
                    family.add_metric(labels, value)
            if state.oldest is not None or state.queued == 0:
                oldest.add_metric(labels, state.oldest or 0.0)
        yield from (reachable, healthy, clusters, queued, held, oldest)

    def _gauges(self, stats: Sequence[tuple[str, Stat]]) -> Iterator[Any]:
        status = self._gauge("djq_cluster_status", "1 for the state that a cluster is in.", (*_CLUSTER, "status"))
        for queue, stat in stats:
            for state in _STATES:
                status.add_metric([*_place(queue, stat), state.lower()], stat.status == state)
        yield status
        for name, text, value in (
            (
                "start_time_seconds",
                "When a cluster was started, in seconds since 1970.",
                lambda stat: stat.tob.timestamp(),
            ),
            ("workers", "Workers of a cluster.", lambda stat: len(stat.workers)),
            ("running_tasks", "Tasks that the workers of a cluster run now.", lambda stat: len(stat.running)),
            ("task_queue_tasks", "Tasks that a cluster has fetched and not started.", lambda stat: stat.task_q_size),
            ("task_queue_limit", "The most tasks that a cluster fetches ahead.", lambda stat: stat.queue_limit),
            ("result_queue_tasks", "Results of a cluster that are not saved yet.", lambda stat: stat.done_q_size),
            ("lease_age_seconds", "Seconds since a cluster renewed its leases; 0 where it holds none.", _lease_age),
        ):
            family = self._gauge(f"djq_cluster_{name}", text, _CLUSTER)
            for queue, stat in stats:
                family.add_metric(_place(queue, stat), value(stat))
            yield family

    def _counters(self, stats: Sequence[tuple[str, Stat]]) -> Iterator[Any]:
        tasks = self._kinds.CounterMetricFamily(
            "djq_tasks", "Runs of tasks that have ended.", labels=(*_CLUSTER, "outcome")
        )
        reborn = self._kinds.CounterMetricFamily(
            "djq_cluster_reincarnations", "Processes that a cluster had to start anew.", labels=_CLUSTER
        )
        for queue, stat in stats:
            place, born = _place(queue, stat), stat.tob.timestamp()
            tasks.add_metric([*place, "success"], stat.processed - stat.failed, created=born)
            tasks.add_metric([*place, "failure"], stat.failed, created=born)
            reborn.add_metric(place, stat.reincarnations, created=born)
        yield from (tasks, reborn)

    def _histogram(self, name: str, text: str, word: str, stats: Sequence[tuple[str, Stat]]) -> Any:
        family = self._kinds.HistogramMetricFamily(name, text, labels=_CLUSTER)
        for queue, stat in stats:
            counts, total = (stat.waits, stat.waited) if word == "wait" else (stat.runs, stat.ran)
            sums = list(itertools.accumulate(counts)) or [0] * len(_LE)
            family.add_metric(_place(queue, stat), list(zip(_LE, sums, strict=True)), total)
        return family

    def _gauge(self, name: str, text: str, labels: tuple[str, ...]) -> Any:
        return self._kinds.GaugeMetricFamily(name, text, labels=labels)


def _place(queue: str, stat: Stat) -> list[str]:
    return [queue, f"{stat.host}:{stat.cluster_id}"]


def _lease_age(stat: Stat) -> float:
    return stat.lease_age or 0.0
