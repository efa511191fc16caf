"""Finding out about a task: its queues, clusters, outcome and schedules. Nothing is changed, no argument is loaded."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import datetime
from typing import TYPE_CHECKING, TypeVar

from django.db import Error, router
from django.db.models import Q
from django.utils import timezone

from djq_core.envelope.package import UNREADABLE
from djq_core.models import Part, Schedule, Task
from djq_core.monitor.facts import Facts, Outcome, Parts, Planned, Queue
from djq_core.monitor.looking import find_function_flaw, look
from djq_core.monitor.runnable import function_flaw
from djq_core.monitor.secrets import without_secrets
from djq_core.monitor.statistics import living
from djq_core.monitor.words import Clock
from djq_core.phrases import in_words
from djq_core.schedules.times import Times

if TYPE_CHECKING:
    from djq_core.runtime import Runtime

T = TypeVar("T")

#: How many packages of a queue are looked at, unless told otherwise.
DEPTH = 1000


def gather(runtime: Runtime, query: str, *, queues: Iterable[str] = (), depth: int = DEPTH) -> Facts:
    """Return what is known of the task with this id or name.

    The queues of this site's clusters and those of its schedules are looked at, and the ones that are given; at most
    ``depth`` packages of each. What does not answer is noted as such.
    """
    rows = _Rows(runtime)
    outcome = rows.outcome(query)
    names = {runtime.conf.name, *runtime.conf.clusters, *queues, *rows.clusters()}
    found = tuple(queue_facts(runtime, name, query, depth) for name in sorted(names, key=lambda n: _order(runtime, n)))
    return Facts(
        query=query,
        conf=runtime.conf,
        clock=Clock(runtime.conf.site_time_zone),
        queues=found,
        outcome=outcome,
        parts=rows.parts(query),
        schedules=rows.schedules(Q(task=query) | (Q(task=outcome.id) if outcome else Q())),
        function_flaw=find_function_flaw(runtime, found),
        unreadable_failures=rows.unreadable_failures(),
        oldest_success=rows.oldest_success(),
        database_away=rows.away,
    )


def gather_schedule(runtime: Runtime, query: str) -> Facts:
    """Return what is known of the schedules with this name, or this number."""
    rows = _Rows(runtime)
    wanted = Q(name=query) | (Q(pk=int(query)) if query.isdecimal() else Q())
    planned = rows.schedules(wanted)
    names = {runtime.conf.name, *runtime.conf.clusters, *(each.row.cluster or "" for each in planned)} - {""}
    return Facts(
        query=query,
        conf=runtime.conf,
        clock=Clock(runtime.conf.site_time_zone),
        queues=tuple(queue_facts(runtime, name, "", 0) for name in sorted(names, key=lambda n: _order(runtime, n))),
        schedules=planned,
        database_away=rows.away,
    )


def queue_facts(runtime: Runtime, name: str, query: str, depth: int) -> Queue:
    """Return what is known of a queue, its clusters, and the packages on it that the query means."""
    broker = runtime.shared_broker(name)
    seen = living(runtime, broker, name)
    lease = broker.settings.lease
    queue = Queue(
        name=name,
        broker=type(broker),
        lease=lease,
        stats=seen.stats if seen.is_known else None,
        unknown=seen.why_unknown,
    )
    return look(runtime, broker, queue, query, depth)


def planned_of(runtime: Runtime, row: Schedule) -> Planned:
    """Return a schedule with its moment, and why its function or rule cannot be used."""
    flaw = next(filter(None, (function_flaw(runtime, path) for path in (row.func, row.hook) if path)), "")
    if row.next_run is None:
        return Planned(row=row, flaw=flaw)
    try:
        times = Times.of(row.schedule_type, row.minutes, row.cron, runtime.conf, runtime.registry.schedule_types)
        slot = times.read(row.next_run, row.slot)
        times.rule.after(slot)
    except Exception as error:  # a plugin's type, or whatever a row may hold
        return Planned(row=row, flaw=flaw or in_words(error))
    return Planned(row=row, due=slot.timestamp(), flaw=flaw)


class _Rows:
    """What the database says; once it does not answer it is not asked again, and ``away`` says why."""

    def __init__(self, runtime: Runtime) -> None:
        self._runtime = runtime
        self.away = ""

    def outcome(self, query: str) -> Outcome | None:
        """Return what is stored of a task, by id or name, in the database, in a plugin's backend or the cache."""
        found = self._asked(lambda: Task.get_task(query))
        if found is not None:
            return self._read(found, is_cached=False)
        for is_cached in (False, True):
            try:
                found = self._runtime.results_for(is_cached).get(query)
            except Exception:  # whatever the client of a cache or a plugin raises; it is looked at elsewhere
                continue
            if found is not None:
                return self._read(found, is_cached=is_cached)
        return None

    @staticmethod
    def _read(task: Task, *, is_cached: bool) -> Outcome:
        return Outcome(
            id=task.pk,
            name=task.name,
            func=task.func,
            is_success=task.success,
            started=_timestamp(task.started),
            stopped=_timestamp(task.stopped),
            attempts=task.attempt_count,
            crashes=task.crashes,
            error="" if task.success else str(task.result),
            is_cached=is_cached,
        )

    def clusters(self) -> list[str]:
        """Return the clusters that schedules belong to."""
        named = Schedule.objects.exclude(cluster=None).exclude(cluster="").order_by()
        found = self._asked(lambda: list(named.values_list("cluster", flat=True).distinct()[:20]))
        return [name for name in found or () if name]

    def parts(self, query: str) -> Parts | None:
        """Return the ended parts of an iter or chain; of a single link, that it has ended."""
        rows = Part.objects.filter(Q(whole=query) | Q(pk=query))
        found = self._asked(lambda: list(rows.values_list("success", flat=True)[:10_000]))
        return Parts(ended=len(found), failed=found.count(False)) if found else None

    def schedules(self, wanted: Q) -> tuple[Planned, ...]:
        """Return the schedules that are meant."""
        rows = self._asked(lambda: list(Schedule.objects.filter(wanted)[:20])) if wanted else []
        return tuple(planned_of(self._runtime, row) for row in rows or ())

    def unreadable_failures(self) -> int:
        """Return how many packages were recorded that nobody could read; a hundred at most are counted."""
        failed = Task.objects.filter(func=UNREADABLE, success=False).order_by("-stopped")
        return len(self._asked(lambda: list(failed.values_list("pk", flat=True)[:100])) or ())

    def oldest_success(self) -> float | None:
        """Return when the oldest success has ended that is sure to be kept; None where all of them are."""
        limit, ended = self._runtime.conf.save_limit, Task.objects.filter(success=True).order_by("-stopped")
        if limit <= 0:
            return None
        found = self._asked(lambda: list(ended.values_list("stopped", flat=True)[limit - 1 : limit]))
        return _timestamp(found[0]) if found else None

    def _asked(self, ask: Callable[[], T]) -> T | None:
        if self.away:
            return None
        try:
            return ask()
        except Error as error:
            self.away = without_secrets(f"{router.db_for_read(Task)}: {error}".strip())
            return None


def _timestamp(moment: datetime) -> float:
    return (timezone.make_aware(moment) if timezone.is_naive(moment) else moment).timestamp()


def _order(runtime: Runtime, name: str) -> tuple[bool, str]:
    return name != runtime.conf.name, name
