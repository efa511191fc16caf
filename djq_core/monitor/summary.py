"""The one-off summary of all clusters, their queues and the stored tasks (manual 1.10.2)."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

from django.utils import timezone

from djq_core.models import Failure, Schedule, Success
from djq_core.monitor.clusters import Overview

#: No more rows are counted: who has as many wants to know that there are many.
MOST_COUNTED: Final = 1_000_000
#: In each of the 24 hours as many rows are counted at most, and the times of as many of the newest ones are read.
MOST_AN_HOUR: Final = 500_000
_READ_AN_HOUR: Final = 200
_HOURS: Final = 24
_SECONDS: Final = 24 * 3600


@dataclass(frozen=True, slots=True, kw_only=True)
class Summary:
    """All clusters together, and what the database tells of them.

    ``queued`` is None where no broker can count. ``done`` are the successes of the last 24 hours, ``avg_time`` the mean
    seconds that they took, their wait in the queue included, None where there are none. A count that reached its bound
    is one of at least so many: :data:`MOST_COUNTED` for ``successes`` and ``failures``; ``is_done_complete`` tells it
    of ``done``.
    """

    clusters: int
    workers: int
    restarts: int
    queued: int | None
    successes: int
    failures: int
    schedules: int
    done: int
    is_done_complete: bool
    avg_time: float | None

    @property
    def rate(self) -> tuple[float, str]:
        """The tasks per second, minute, hour or day over the last 24 hours, in the unit that gives at least one."""
        for unit, periods in (("second", _SECONDS), ("minute", 24 * 60), ("hour", 24)):
            if self.done > periods:
                return self.done / periods, unit
        return float(self.done), "day"


def summarize(overview: Overview, now: datetime | None = None) -> Summary:
    """Return the summary; raises what the database raises.

    Counts read the index of ``success`` and ``stopped`` alone, each up to a bound. The mean is exact for two hundred
    tasks an hour; of more, the newest two hundred of each hour stand for that hour.
    """
    hours = list(_hours(now or timezone.now()))
    done = sum(hour.count for hour in hours)
    sizes = [queue.waiting for queue in overview.queues if queue.waiting is not None]
    return Summary(
        clusters=len(overview.stats),
        workers=sum(len(stat.workers) for stat in overview.stats),
        restarts=sum(stat.reincarnations for stat in overview.stats),
        queued=sum(sizes) if sizes else None,
        successes=_count(Success.objects.all(), MOST_COUNTED),
        failures=_count(Failure.objects.all(), MOST_COUNTED),
        schedules=Schedule.objects.count(),
        done=done,
        is_done_complete=all(hour.count < MOST_AN_HOUR for hour in hours),
        avg_time=sum(hour.count * hour.mean for hour in hours) / done if done else None,
    )


@dataclass(frozen=True, slots=True)
class _Hour:
    count: int
    mean: float


def _hours(now: datetime) -> Iterator[_Hour]:
    for number in range(_HOURS):
        until = now - timedelta(hours=number)
        rows = Success.objects.filter(stopped__gt=until - timedelta(hours=1), stopped__lte=until)
        if count := _count(rows, MOST_AN_HOUR):
            yield _Hour(count, _mean(rows.order_by("-stopped")))


def _count(rows: Any, most: int) -> int:
    """Count on the index: only ``stopped`` is read, in no order."""
    return int(rows.order_by().values("stopped")[:most].count())


def _mean(rows: Any) -> float:
    times = list(rows.values_list("started", "stopped")[:_READ_AN_HOUR])
    return float(sum((stopped - started).total_seconds() for started, stopped in times)) / max(len(times), 1)
