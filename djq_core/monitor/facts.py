"""What is known of a task, its queue and its clusters: plain values, gathered elsewhere."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

from djq_core.brokers import Broker, Queued
from djq_core.cluster.status import Running, Stat
from djq_core.conf import Conf
from djq_core.models import Schedule
from djq_core.monitor.words import Clock


@dataclass(frozen=True, slots=True, kw_only=True)
class Package:
    """The package of the task as it lies on a queue.

    ``ahead`` is how many that wait lie before it, ``sent`` when it was sent, in seconds since 1970. ``flaw`` says why
    it cannot be read; what it says of itself is then not to be trusted. ``signed_for`` is the other cluster whose
    signature it has, where that is one of this site's.
    """

    queued: Queued
    id: str
    name: str
    func: str
    sent: float | None = None
    ahead: int = 0
    flaw: str = ""
    signed_for: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Queue:
    """A queue and the clusters that work for it; ``lease`` is for how many seconds these hold what they fetch.

    ``away`` says why the broker does not answer. ``seen`` are the packages that were looked at, ``is_whole`` whether
    these are all, None where the broker shows none. ``stats`` are the living clusters, None where nobody can know of
    them, for the reason in ``unknown``.
    """

    name: str
    broker: type[Broker]
    lease: float = 60.0
    away: str = ""
    size: int | None = None
    held: int | None = None
    seen: int = 0
    is_whole: bool | None = None
    packages: tuple[Package, ...] = ()
    unreadable: int = 0
    stats: tuple[Stat, ...] | None = ()
    unknown: str = ""

    @property
    def at_work(self) -> list[Stat]:
        """The clusters that are alive and fetch, or are about to."""
        return [stat for stat in self.stats or () if stat.status not in (Conf.STOPPING, Conf.STOPPED)]


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """What is stored of the last attempt of a task; times in seconds since 1970."""

    id: str
    name: str
    func: str
    is_success: bool
    started: float
    stopped: float
    attempts: int
    crashes: int = 0
    error: str = ""
    is_cached: bool = False

    @property
    def headline(self) -> str:
        """The first line of the error."""
        return self.error.strip().partition("\n")[0]


@dataclass(frozen=True, slots=True, kw_only=True)
class Planned:
    """A schedule; ``due`` in seconds since 1970, ``flaw`` says why its function or its rule cannot be used."""

    row: Schedule
    due: float | None = None
    flaw: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Parts:
    """How many parts of an iter, or links of a chain, have ended, and how many of them failed."""

    ended: int
    failed: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Facts:
    """Everything that was found out about what was asked for.

    Successes that ended before ``oldest_success`` (in seconds since 1970) may have been deleted.
    """

    query: str
    conf: Conf
    clock: Clock = field(default_factory=Clock)
    queues: tuple[Queue, ...] = ()
    outcome: Outcome | None = None
    database_away: str = ""
    parts: Parts | None = None
    schedules: tuple[Planned, ...] = ()
    function_flaw: str = ""
    unreadable_failures: int = 0
    oldest_success: float | None = None

    @property
    def running(self) -> list[tuple[Stat, Running]]:
        """The runs of the task, each with its cluster."""
        return [
            (stat, run)
            for queue in self.queues
            for stat in queue.stats or ()
            for run in stat.running
            if self.query in (run.id, run.name)
        ]

    @property
    def packages(self) -> list[tuple[Queue, Package]]:
        """The packages of the task, each with its queue; those that can be read first."""
        found = [(queue, package) for queue in self.queues for package in queue.packages]
        return sorted(found, key=lambda each: bool(each[1].flaw))

    @property
    def own(self) -> Queue | None:
        """The queue of the configured cluster."""
        return next((queue for queue in self.queues if queue.name == self.conf.name), None)

    def stats(self) -> Iterable[Stat]:
        """Return the clusters of all queues."""
        return [stat for queue in self.queues for stat in queue.stats or ()]
