"""What an operator does with a schedule beside editing it: run it now, pause it, let it go on (manual 1.11.3)."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime

from django.db import router, transaction
from django.db.models import F, QuerySet
from django.utils.translation import gettext_noop

from djq_core import current
from djq_core.cluster.runs import Runs
from djq_core.enqueue.options import Options
from djq_core.exceptions import DjqError
from djq_core.models import Schedule
from djq_core.schedules.mistakes import Mistake
from djq_core.tasks.submit import send


class NotRunnable(Mistake, DjqError):
    """The schedule cannot be run now."""


def run_now(schedule: Schedule) -> str:
    """Send the task of a schedule at once, paused or not, and return its id; what is due stays due.

    Raises NotRunnable while the last run of one that must not overlap has not ended, ValueError for arguments that
    cannot be read, and what ``async_task`` raises.
    """
    runtime = current.runtime()
    with transaction.atomic(using=router.db_for_write(Schedule)):
        row = _rows().select_for_update().get(pk=schedule.pk)
        run = Runs(runtime, datetime.now(UTC)).at_once(row)
        if not run.packages:
            raise NotRunnable(gettext_noop("Its last run has not ended, and its runs must not overlap."))
        (package,) = run.packages
        if row.cluster and package.cluster is None and row.cluster != runtime.conf.name:
            package = replace(package, cluster=row.cluster)
        row.save(update_fields=["task", "is_running", "holder", "seen"])
        return send(runtime, package, Options())


def pause(schedules: QuerySet[Schedule]) -> int:
    """Pause schedules that run, and remember how often each still runs; return how many there were."""
    return schedules.exclude(repeats=0).update(paused_repeats=F("repeats"), repeats=0)


def resume(schedule: Schedule, now: datetime | None = None) -> bool:
    """Let a paused schedule go on from its next time after now, as often as it would have run; return whether it was.

    One that has run out runs for ever, of the type ONCE once more, at once when its time has passed. Raises ValueError
    for a rule that cannot be read.
    """
    with transaction.atomic(using=router.db_for_write(Schedule)):
        row = _rows().select_for_update().get(pk=schedule.pk)
        if row.repeats:
            return False
        row.repeats = row.paused_repeats or (1 if row.schedule_type == Schedule.ONCE else -1)
        row.paused_repeats = None
        _move_on(row, now or datetime.now(UTC))
        row.save(update_fields=["repeats", "paused_repeats", "next_run", "slot"])
        return True


def _move_on(row: Schedule, now: datetime) -> None:
    """Leave out the slots that were due during the pause, but for that of a schedule that has only one."""
    times = row.times()
    slot = times.read(row.next_run, row.slot) if row.next_run else now.astimezone(times.rule.zone)
    if slot.astimezone(UTC) <= now:
        slot = times.rule.after(times.rule.latest(slot, now)) or slot
    row.next_run, row.slot = times.stored(slot), slot.isoformat()


def _rows() -> QuerySet[Schedule]:
    return Schedule.objects.using(router.db_for_write(Schedule))
