"""The clusters and queues of a site at one moment (manual 1.10)."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, TypeVar

from django.utils.translation import gettext as _

from djq_core.cluster.status import Stat, StatStore
from djq_core.exceptions import NotSupported
from djq_core.monitor.rates import Series, rate_now, series
from djq_core.monitor.secrets import first_line
from djq_core.monitor.statistics import unseen

if TYPE_CHECKING:
    from djq_core.runtime import Runtime

_Found = TypeVar("_Found")


@dataclass(frozen=True, slots=True, kw_only=True)
class Queue:
    """A queue: ``waiting`` tasks in the broker, ``held`` ones handed out and not answered, None where not known.

    ``rate`` are the tasks that end in a second, None where no cluster has told yet.
    """

    name: str
    waiting: int | None = None
    held: int | None = None
    rate: float | None = None
    series: Series = field(default_factory=Series)


@dataclass(frozen=True, slots=True, kw_only=True)
class Overview:
    """Every cluster and queue of a site; ``problems`` are sentences that say what could not be read, and why."""

    stats: tuple[Stat, ...] = ()
    queues: tuple[Queue, ...] = ()
    problems: tuple[str, ...] = ()


class Lookout:
    """Looks at every cluster name of a site: its own, the main one and those in ``ALT_CLUSTERS``."""

    def __init__(self, runtime: Runtime) -> None:
        """Ask nobody yet; raise ConfigurationError."""
        names = sorted({runtime.conf.name, *runtime.conf.clusters})
        self._runtimes = {name: replace(runtime, conf=runtime.conf.for_cluster(name)) for name in names}

    @property
    def names(self) -> list[str]:
        """The names of the clusters, which are those of their queues."""
        return list(self._runtimes)

    def stats(self) -> Overview:
        """Return the clusters alone."""
        return _joined([self._clusters_of(name) for name in self._runtimes])

    def overview(self, *, has_series: bool = False) -> Overview:
        """Return the clusters and their queues, with ``has_series`` the last half hour of each queue too."""
        return _joined([self._look(name, has_series) for name in self._runtimes])

    def queued(self) -> Overview:
        """Return the clusters, and the sizes of their queues without any rate."""
        return _joined([part for name in self._runtimes for part in (self._clusters_of(name), self._sizes(name))])

    # One name

    def _look(self, name: str, has_series: bool) -> Overview:
        clusters, sizes, problems = self._clusters_of(name), self._sizes(name), []
        try:
            histories = self._store(name).histories() if not clusters.problems else {}
        except Exception as error:  # whatever the client of a broker or a cache raises
            histories, problems = {}, [self._unread(name, error)]
        queue = replace(
            sizes.queues[0],
            rate=rate_now(clusters.stats, histories),
            series=series(histories.values(), time.time()) if has_series else Series(),
        )
        found = Overview(queues=(queue,), problems=(*sizes.problems, *problems))
        return _joined([clusters, found])

    def _clusters_of(self, name: str) -> Overview:
        try:
            kept_nowhere = self._kept_nowhere(name)
            return Overview(stats=tuple(self._store(name).get_all()), problems=kept_nowhere)
        except Exception as error:  # whatever the client of a broker or a cache raises
            return Overview(problems=(self._unread(name, error),))

    def _sizes(self, name: str) -> Overview:
        broker = self._runtimes[name].shared_broker(name)
        try:
            waiting, held = _counted(broker.queue_size), _counted(broker.lock_size)
        except Exception as error:  # whatever the client of a broker raises
            return Overview(queues=(Queue(name=name),), problems=(_of_broker(name, error),))
        return Overview(queues=(Queue(name=name, waiting=waiting, held=held),))

    def _unread(self, name: str, error: Exception) -> str:
        if self._runtimes[name].shared_broker(name).shares_stats:
            return _of_broker(name, error)
        told = {"cluster": name, "error": first_line(error)}
        return _("The statistics of %(cluster)s cannot be read: %(error)s") % told

    def _store(self, name: str) -> StatStore:
        runtime = self._runtimes[name]
        return StatStore(runtime, runtime.shared_broker(name), name)

    def _kept_nowhere(self, name: str) -> tuple[str, ...]:
        runtime = self._runtimes[name]
        if runtime.shared_broker(name).shares_stats:
            return ()
        told = unseen(runtime.conf.cache)
        return (told,) if told else ()


def _of_broker(name: str, error: BaseException) -> str:
    return _("The broker of %(queue)s does not answer: %(error)s") % {"queue": name, "error": first_line(error)}


def _counted(count: Callable[[], _Found]) -> _Found | None:
    try:
        return count()
    except NotSupported:
        return None


def _joined(parts: Sequence[Overview]) -> Overview:
    return Overview(
        stats=tuple(stat for part in parts for stat in part.stats),
        queues=tuple(queue for part in parts for queue in part.queues),
        problems=tuple(dict.fromkeys(problem for part in parts for problem in part.problems)),
    )
