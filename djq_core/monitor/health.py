"""How a site's queues, clusters and plugins are: looked at within a time, for probes and for people (manual 1.15.7)."""

from __future__ import annotations

import socket
import time
from collections.abc import Callable, Collection, Iterable, Sequence
from concurrent.futures import Future
from concurrent.futures import TimeoutError as TookTooLong
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Final, TypeVar

from django.utils.translation import gettext as _

from djq_core.cluster.status import Stat
from djq_core.monitor import troubles
from djq_core.monitor.bounded import Calls
from djq_core.monitor.queues import QueueState, can_be_reached, look_at_clusters, look_at_queue
from djq_core.monitor.statistics import ClustersSeen
from djq_core.monitor.troubles import Kind, Trouble
from djq_core.plugins import Health

if TYPE_CHECKING:
    from djq_core.runtime import Runtime

T = TypeVar("T")

#: Seconds that all looking may take together; what has not answered by then counts as unreachable.
SECONDS: Final = 3.0
#: What says that a cluster has to be restarted.
LIVE: Final = frozenset({Kind.BROKEN})
#: What says that a cluster is not to be counted on yet, or no longer.
READY: Final = frozenset({Kind.UNREACHABLE, Kind.BROKEN, Kind.CHANGING})

_CALLS: Final = Calls()


@dataclass(frozen=True, slots=True, kw_only=True)
class QueueReport:
    """A queue, and the clusters that work on it; ``knows_clusters`` is False where nobody can tell which those are."""

    name: str
    state: QueueState
    clusters: tuple[Stat, ...] = ()
    knows_clusters: bool = True

    def as_dict(self, *, detail: bool) -> dict[str, Any]:
        """Return it for JSON, with hosts and process ids where ``detail`` says so."""
        return {
            "name": self.name,
            "broker_reachable": self.state.is_reachable,
            "queued": self.state.queued,
            "held": self.state.held,
            "oldest_queued_seconds": _rounded(self.state.oldest),
            "clusters": [_cluster(stat, detail=detail) for stat in self.clusters] if self.knows_clusters else None,
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """What was seen, and everything that is wrong with it, the worst first."""

    queues: tuple[QueueReport, ...]
    plugins: tuple[Health, ...] = ()
    troubles: tuple[Trouble, ...] = ()

    @property
    def is_healthy(self) -> bool:
        """Is nothing wrong?"""
        return not self.troubles

    @property
    def status(self) -> str:
        """The kind of the worst trouble in small letters, ``"healthy"`` for none."""
        return self.troubles[0].kind.name.lower() if self.troubles else "healthy"

    @property
    def exitcode(self) -> int:
        """The exit code of ``manage.py djq health``."""
        return int(self.troubles[0].kind) if self.troubles else 0

    def only(self, kinds: Collection[Kind]) -> Report:
        """Return the report with the troubles of these kinds alone."""
        return replace(self, troubles=tuple(trouble for trouble in self.troubles if trouble.kind in kinds))

    def as_dict(self, *, detail: bool) -> dict[str, Any]:
        """Return it for JSON, with hosts, process ids and texts of errors where ``detail`` says so."""
        return {
            "status": self.status,
            "queues": [queue.as_dict(detail=detail) for queue in self.queues],
            "plugins": [
                {"name": each.name, "healthy": each.is_healthy, **({"message": each.message} if detail else {})}
                for each in self.plugins
            ],
            "problems": [trouble.as_dict(detail=detail) for trouble in self.troubles],
        }


def queue_names(runtime: Runtime) -> list[str]:
    """Return the names of the queues of this site: that of this process, the main one, and those in ALT_CLUSTERS."""
    return sorted({runtime.conf.name, *runtime.conf.clusters})


def examine(
    runtime: Runtime,
    names: Sequence[str] = (),
    *,
    here: bool = False,
    max_wait: float | None = None,
    seconds: float = SECONDS,
) -> Report:
    """Look at queues, clusters and plugins, for at most so many seconds.

    ``names`` are the queues, all of the site where none is given. ``here`` looks at the clusters of this host alone; it
    asks for one on each queue that was named, else for one at all. ``max_wait`` are the seconds that a task may wait.
    Raises ConfigurationError.
    """
    chosen, until = list(names) or queue_names(runtime), time.monotonic() + seconds
    states = [_begin(runtime, look_at_queue, name) for name in chosen]
    seen = [_begin(runtime, look_at_clusters, name) for name in chosen]
    healths = _CALLS.start(("plugins", id(runtime)), runtime.hooks.health)
    late, unseen = QueueState(error=_too_late()), ClustersSeen(error=_too_late())
    looks = [
        _Look(name, _within(state, until, late), _of_host(_within(clusters, until, unseen), here=here))
        for name, state, clusters in zip(chosen, states, seen, strict=True)
    ]
    plugins = _within(healths, until, None)
    found = [trouble for look in looks for trouble in _of_look(runtime, look, max_wait, bool(names) or not here)]
    if here and not names and not runtime.conf.sync and all(look.has_none for look in looks):
        found.append(troubles.no_cluster())
    return Report(
        queues=tuple(look.as_report() for look in looks),
        plugins=tuple(plugins or ()),
        troubles=_worst_first([*found, *troubles.of_plugins(plugins)]),
    )


def reach(runtime: Runtime, names: Sequence[str] = (), *, seconds: float = SECONDS) -> Report:
    """Look whether tasks can be sent to these queues, or to all of the site; clusters are not asked for.

    Raises ConfigurationError.
    """
    chosen, until = list(names) or queue_names(runtime), time.monotonic() + seconds
    futures = [_begin(runtime, can_be_reached, name) for name in chosen]
    states = [_within(future, until, QueueState(error=_too_late())) for future in futures]
    found = [trouble for name, state in zip(chosen, states, strict=True) for trouble in _unreachable(name, state)]
    pairs = zip(chosen, states, strict=True)
    queues = [QueueReport(name=name, state=state, knows_clusters=False) for name, state in pairs]
    return Report(queues=tuple(queues), troubles=tuple(found))


@dataclass(frozen=True, slots=True)
class _Look:
    name: str
    state: QueueState
    seen: ClustersSeen

    @property
    def has_none(self) -> bool:
        """Is it known that there is no cluster?"""
        return self.seen.is_known and not self.seen.stats

    def as_report(self) -> QueueReport:
        return QueueReport(
            name=self.name, state=self.state, clusters=self.seen.stats, knows_clusters=self.seen.is_known
        )


def _of_look(runtime: Runtime, look: _Look, max_wait: float | None, needs_one: bool) -> Iterable[Trouble]:
    name, conf = look.name, runtime.conf
    theirs = conf.for_cluster(name) if name in conf.clusters else conf
    yield from troubles.of_queue(name, look.state, max_wait)
    yield from troubles.of_clusters(name, look.seen, theirs, needs_one=needs_one and not conf.sync)


def _unreachable(name: str, state: QueueState) -> Iterable[Trouble]:
    return troubles.of_queue(name, state, None)


def _worst_first(found: Iterable[Trouble]) -> tuple[Trouble, ...]:
    return tuple(sorted(found, key=lambda trouble: trouble.kind))


def _begin(runtime: Runtime, look: Callable[[Runtime, str], T], name: str) -> Future[T]:
    return _CALLS.start((look, id(runtime), name), lambda: look(runtime, name))


def _within(future: Future[T], until: float, otherwise: T | None) -> Any:
    """Return the answer of a look, or the other value where it has not come by then."""
    try:
        return future.result(timeout=max(0.0, until - time.monotonic()))
    except TookTooLong:
        return otherwise


def _too_late() -> str:
    return _("No answer came in time.")


def _of_host(seen: ClustersSeen, *, here: bool) -> ClustersSeen:
    if not here:
        return seen
    host = socket.gethostname()
    return replace(seen, stats=tuple(stat for stat in seen.stats if stat.host == host))


def _cluster(stat: Stat, *, detail: bool) -> dict[str, Any]:
    told = {
        "status": stat.status,
        "uptime_seconds": _rounded(stat.uptime()),
        "workers": len(stat.workers),
        "running": len(stat.running),
        "task_queue": stat.task_q_size,
        "result_queue": stat.done_q_size,
        "reincarnations": stat.reincarnations,
        "processed": stat.processed,
        "failed": stat.failed,
        "lease_age_seconds": _rounded(stat.lease_age),
    }
    return {"host": stat.host, "id": stat.cluster_id, **told} if detail else told


def _rounded(seconds: float | None) -> float | None:
    return None if seconds is None else round(seconds, 3)
