"""Schedules whose runs must not overlap: their tasks say which one they belong to, and their results end the run."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from django.db import router

from djq_core.envelope import TaskPackage
from djq_core.models import Schedule

#: The header that names the schedule.
SCHEDULE: Final = "djq-schedule"


def end_runs(packages: Iterable[TaskPackage]) -> None:
    """Note that these tasks have ended for good, where they are the last run of such a schedule."""
    ended = {package.headers[SCHEDULE]: package.id for package in packages if SCHEDULE in package.headers}
    rows = Schedule.objects.using(router.db_for_write(Schedule)) if ended else None
    for pk, task_id in ended.items():
        if rows is not None and pk.isdecimal():
            rows.filter(pk=int(pk), task=task_id).update(is_running=False)
