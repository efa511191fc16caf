"""Rows and statistics for the dashboard."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from django.utils import timezone

from djq_core import current
from djq_core.envelope import new_id
from djq_core.models import Schedule, Task
from tests.monitor.dashboard.parts import running, snapshot, tell

SCRIPT = "<script>alert(1)</script>"


def add_failure(name: str = "lost-orange", func: str = "math.sqrt", **fields: Any) -> Task:
    """Store a failure of a minute ago."""
    now = timezone.now() - timedelta(minutes=1)
    values = {"args": (4,), "kwargs": {}, "success": False, "started": now, "stopped": now, **fields}
    return Task.objects.create(id=new_id(), name=name, func=func, **values)


def add_schedule(name: str = "nightly", **fields: Any) -> Schedule:
    """Store a schedule that is due in an hour and a half."""
    moment = timezone.now() + timedelta(minutes=90)
    return Schedule.objects.create(
        **{"name": name, "func": "math.fabs", "schedule_type": "H", "next_run": moment, **fields}
    )


def tell_of_clusters(text: str = "four-oranges") -> None:
    """Publish a cluster with a worker that runs something and two that do not."""
    runtime = current.runtime()
    run = running(17004, text, func=text)
    stat = snapshot(workers=[17004, 17005, 17006], running=[run], host=text, status="Working", reincarnations=3)
    tell(runtime, runtime.shared_broker(), [stat])


def fill(text: str) -> None:
    """Put a text into everything that has one."""
    tell_of_clusters(text)
    task = add_failure(text, text, group=text, cluster=text, hook=text)
    add_schedule(text, func=text, cluster=text, task=task.pk, schedule_type="C", cron=text)
    add_schedule(text, func=text, cluster=text, repeats=0)
