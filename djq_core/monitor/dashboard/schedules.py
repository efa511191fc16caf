"""The schedules about to run, and those that are paused."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from django.db import Error, router
from django.utils import timezone

from djq_core.models import Schedule, Task
from djq_core.monitor.dashboard.troubles import guarded, reason

#: How many that are about to run, and how many paused ones, are named.
NEXT: Final = 10
PAUSED: Final = 5
#: Paused schedules are looked for among so many that are the longest past their time: time has gone on without them.
_WINDOW: Final = 500
_FIELDS: Final = ("pk", "name", "func", "schedule_type", "minutes", "cron", "repeats", "next_run", "cluster", "task")


@dataclass(frozen=True, slots=True, kw_only=True)
class LastRun:
    """The last task of a schedule, where its result is kept."""

    id: str
    name: str
    success: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Upcoming:
    """A schedule: its row, without what a run is given, and its last run."""

    row: Schedule
    last: LastRun | None = None

    @property
    def is_due(self) -> bool:
        """Is its time past?"""
        return self.row.next_run is not None and self.row.next_run <= timezone.now()

    @property
    def next_run(self) -> datetime | None:
        """When it is due next."""
        return self.row.next_run


@dataclass(frozen=True, slots=True, kw_only=True)
class Schedules:
    """The next :data:`NEXT` that run, and at most :data:`PAUSED` that are paused or have ended."""

    upcoming: tuple[Upcoming, ...] = ()
    paused: tuple[Upcoming, ...] = ()
    trouble: str = ""


def read_schedules() -> Schedules:
    """Return the schedules about to run, read with three queries; never raises a database's error."""
    rows = Schedule.objects.only(*_FIELDS).order_by("next_run", "pk")
    try:
        with guarded(router.db_for_read(Schedule)):
            upcoming = list(rows.exclude(repeats=0).filter(next_run__isnull=False)[:NEXT])
            paused = [row for row in rows[:_WINDOW] if not row.repeats]
            paused = sorted(paused, key=_next_run, reverse=True)[:PAUSED]
            last = _last_runs([*upcoming, *paused])
    except Error as error:
        return Schedules(trouble=reason(error))
    return Schedules(upcoming=_with_last(upcoming, last), paused=_with_last(paused, last))


def _next_run(row: Schedule) -> float:
    return row.next_run.timestamp() if row.next_run else 0.0


def _with_last(rows: Sequence[Schedule], last: dict[str, LastRun]) -> tuple[Upcoming, ...]:
    return tuple(Upcoming(row=row, last=last.get(row.task or "")) for row in rows)


def _last_runs(rows: Sequence[Schedule]) -> dict[str, LastRun]:
    ids = [row.task for row in rows if row.task]
    found = Task.objects.filter(pk__in=ids).values("id", "name", "success") if ids else ()
    return {each["id"]: LastRun(**each) for each in found}
