"""From a row of the schedule table to the packages of its slots that are due, and what becomes of the row."""

from __future__ import annotations

import hashlib
import json
import logging
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from itertools import islice
from typing import TYPE_CHECKING, Any, Final

from djq_core.cluster.overlaps import SCHEDULE, UNFETCHED, patience
from djq_core.cluster.status import StatStore
from djq_core.enqueue import build_package
from djq_core.enqueue.options import read_options, read_q_options
from djq_core.envelope import TaskPackage
from djq_core.envelope.package import ORIGIN
from djq_core.models import Schedule
from djq_core.phrases import Phrase
from djq_core.schedules.literals import read_args, read_kwargs
from djq_core.schedules.times import Times

if TYPE_CHECKING:
    from djq_core.runtime import Runtime

logger = logging.getLogger("djq")

#: A slot of the policy "skip" that is so late was missed.
MISSED: Final = timedelta(minutes=1)
Q_OPTIONS: Final = "q_options"
BROKER_NAME: Final = "broker_name"


@dataclass(frozen=True, slots=True)
class Run:
    """What is to be done for a row: the packages to send, the row as it is afterwards, and whether it is deleted."""

    row: Schedule
    packages: tuple[TaskPackage, ...] = ()
    is_over: bool = False
    error: Exception | None = None

    @property
    def clusters(self) -> set[str | None]:
        """The cluster that its packages are meant for, None for the own one; empty where there are none."""
        return {package.cluster for package in self.packages[:1]}


class Runs:
    """Plan what is due; one for each look, for it remembers which clusters are alive."""

    def __init__(self, runtime: Runtime, now: datetime) -> None:
        self._runtime = runtime
        self._now = now
        self._alive: dict[str, bool] = {}

    def moment(self, row: Schedule) -> datetime:
        """Return when a row is due."""
        assert row.next_run is not None
        return times_of(self._runtime, row).read(row.next_run, row.slot).astimezone(UTC)

    def plan(self, row: Schedule, most: int) -> Run:
        """Return what at most so many slots of a row come to; one that is broken is paused."""
        try:
            return self._plan(row, most)
        except Exception as error:  # whatever a row, or a plugin's type, may hold
            row.repeats = 0
            return Run(row, error=error)

    def _plan(self, row: Schedule, most: int) -> Run:
        assert row.next_run is not None
        times = times_of(self._runtime, row)
        slots, following = self._slots(row, times, most)
        if row.overlap_policy == Schedule.SKIP:
            slots = self._not_overlapping(row, slots)
        packages = self._packages(row, times, slots)
        is_over = following is None and row.repeats < 0
        row.repeats = 0 if following is None else row.repeats - len(slots)
        last = slots[-1] if slots else None
        if slot := following if row.repeats else last:
            row.next_run, row.slot = times.stored(slot), slot.isoformat()
        self._note(row, packages)
        return Run(row, packages, is_over)

    def at_once(self, row: Schedule) -> Run:
        """Return one run for now beside those that are due, none where it may not overlap; raises what is wrong."""
        slots = [self._now]
        if row.overlap_policy == Schedule.SKIP:
            slots = self._not_overlapping(row, slots)
        packages = self._packages(row, times_of(self._runtime, row), slots)
        self._note(row, packages)
        return Run(row, packages)

    def _note(self, row: Schedule, packages: tuple[TaskPackage, ...]) -> None:
        if packages:
            row.task = packages[-1].id
            row.is_running = row.overlap_policy == Schedule.SKIP
            row.holder, row.seen = None, int(self._now.timestamp())

    def _slots(self, row: Schedule, times: Times, most: int) -> tuple[list[datetime], datetime | None]:
        """Return the slots that are run by the row's policy, and the slot that is next."""
        assert row.next_run is not None
        rule, first = times.rule, times.read(row.next_run, row.slot)
        policy = row.misfire_policy or (Schedule.ALL if self._runtime.conf.catch_up else Schedule.LATEST)
        if policy == Schedule.ALL:
            most = min(most, row.repeats) if row.repeats > 0 else most
            slots = list(islice(rule.until(first, self._now), most))
            return slots, rule.after(slots[-1])
        latest = rule.latest(first, self._now)
        is_missed = policy == Schedule.SKIP and self._now - latest > MISSED
        return [] if is_missed else [latest], rule.after(latest)

    def _not_overlapping(self, row: Schedule, slots: list[datetime]) -> list[datetime]:
        runs = [] if row.is_running and not self._is_lost(row) else slots[:1]
        if len(runs) < len(slots):
            logger.info("Schedule %s [%s] still runs and skips %s", row.pk, row, len(slots) - len(runs))
        elif row.is_running:
            logger.warning("The run %s of schedule %s [%s] is lost and no longer waited for", row.task, row.pk, row)
        return runs

    def _is_lost(self, row: Schedule) -> bool:
        """Has nobody heard of the run for too long? Where it was never fetched, it may still wait on its queue."""
        silent = self._now.timestamp() - row.seen
        if silent <= patience(self._runtime.conf):
            return False
        return row.holder is not None or silent > UNFETCHED or self._is_queue_empty(row)

    def _is_queue_empty(self, row: Schedule) -> bool:
        cluster = self._options(row, read_kwargs(row.kwargs).get(Q_OPTIONS))["cluster"]
        try:
            return self._runtime.shared_broker(cluster).queue_size() == 0
        except Exception:  # whatever a broker raises: it cannot tell
            logger.warning("Nobody can tell whether the queue of schedule %s is empty", row.pk, exc_info=True)
            return False

    def _packages(self, row: Schedule, times: Times, slots: list[datetime]) -> tuple[TaskPackage, ...]:
        args, kwargs = read_args(row.args), read_kwargs(row.kwargs)
        options = self._options(row, kwargs.pop(Q_OPTIONS, None))
        packages: list[TaskPackage] = []
        for slot in slots:
            last = packages[-1].id if packages else row.task
            when = {row.intended_date_kwarg: times.stored(slot).isoformat()} if row.intended_date_kwarg else {}
            own = {**options, "id": _task_id(row, slot, last)}
            package = build_package(self._runtime, row.func, args, {**kwargs, **when}, own)
            packages.append(package.with_headers(_headers(row)))
        return tuple(packages)

    def _options(self, row: Schedule, q_options: object) -> dict[str, Any]:
        wanted, broker_name = split_broker_name(q_options)
        options = read_options(wanted)
        if broker_name and self._is_alive(broker_name):
            options = replace(options, cluster=broker_name)
        conf = self._runtime.conf
        return {
            **options.for_package(cached=conf.cached, own_cluster=conf.name),
            "hook": row.hook or options.hook,
            "group": row.name or str(row.pk),
        }

    def _is_alive(self, name: str) -> bool:
        """Is a cluster of this name at work?"""
        if name not in self._alive:
            self._alive[name] = self._ask(name)
        return self._alive[name]

    def _ask(self, name: str) -> bool:
        try:
            return StatStore(self._runtime, self._runtime.shared_broker(name), name).is_anyone_at_work()
        except Exception:  # whatever a cache raises: the own queue is there
            logger.warning("Nobody can tell whether the cluster %s runs", name, exc_info=True)
            return False


def times_of(runtime: Runtime, row: Schedule) -> Times:
    """Return the times of a row."""
    return Times.of(row.schedule_type, row.minutes, row.cron, runtime.conf, runtime.registry.schedule_types)


def split_broker_name(q_options: object) -> tuple[dict[str, Any], str | None]:
    """Return the options, and the name of another queue; raise TypeError or ValueError (manual 1.8.4, q_options)."""
    given = dict(q_options) if isinstance(q_options, Mapping) else q_options
    name = given.pop(BROKER_NAME, None) if isinstance(given, dict) else None
    if not isinstance(name, str | None):
        raise TypeError(Phrase("The option broker_name takes the name of a queue, not {value!r}.", value=name))
    if isinstance(given, dict) and "broker" in given:
        raise TypeError(Phrase("A schedule takes no broker instance: give broker_name, the name of its queue."))
    return read_q_options(given), name


def _task_id(row: Schedule, slot: datetime, last: str | None) -> str:
    """Return an id that is the same however often a slot is tried; one that is set again follows another last task."""
    text = f"{row.pk}:{slot.astimezone(UTC).isoformat()}:{last or ''}"
    return hashlib.sha256(text.encode()).hexdigest()[:32]


def _headers(row: Schedule) -> dict[str, str]:
    told = {"id": row.pk, "name": row.name, "type": row.schedule_type, "minutes": row.minutes, "cron": row.cron}
    headers = {ORIGIN: json.dumps({name: value for name, value in told.items() if value is not None})}
    return {**headers, SCHEDULE: str(row.pk)} if row.overlap_policy == Schedule.SKIP else headers
