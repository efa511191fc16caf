"""Schedules whose runs must not overlap: a mark in the row tells which run is under way, and heals when that is lost.

The task of such a schedule names it in a signed header. ``task`` is the run that was sent last, ``holder`` the one that
a cluster has in hand: it takes the mark when it fetches the task, shows that it lives while it has it, and gives the
mark back with the final result. ``seen`` is when a run was last heard of. Nobody runs without being the holder: to give
up a run that nobody hears of may put a second package on the queue, but two never run at once.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Iterable, Mapping
from typing import Final

from django.db import DatabaseError, router
from django.db.models import Q, QuerySet

from djq_core.cluster.databases import refresh_connections
from djq_core.conf import Conf
from djq_core.envelope import TaskPackage
from djq_core.models import Schedule

logger = logging.getLogger("djq")

#: The header that names the schedule.
SCHEDULE: Final = "djq-schedule"
#: A run that no cluster has fetched for a day is given up, even where it may still wait on the queue.
UNFETCHED: Final = 86_400.0


def schedule_of(headers: object) -> int | None:
    """Return the key of the schedule whose runs must not overlap, None where a task belongs to none."""
    pk = headers.get(SCHEDULE) if isinstance(headers, Mapping) else None
    return int(pk) if isinstance(pk, str) and pk.isdecimal() else None


def patience(conf: Conf) -> float:
    """Return the seconds without a sign of life after which a run is lost: nine were due, or the next attempt was."""
    return 3.0 * max(conf.retry, conf.backoff.longest if conf.backoff else 0.0)


def take(pk: int, task_id: str, conf: Conf) -> bool:
    """Make a fetched task the holder; return False where another one is, and this one must not be run."""
    now = int(time.time())
    rows = _rows().filter(pk=pk)
    free = Q(holder__isnull=True) | Q(holder=task_id) | Q(seen__lt=now - patience(conf))
    return (
        bool(rows.filter(free).update(holder=task_id, seen=now))
        or not rows.filter(overlap_policy=Schedule.SKIP).exists()
    )


def keep(runs: Iterable[tuple[int, str]]) -> None:
    """Note that these tasks, given with their schedules, are in hand."""
    try:
        for pk, task_id in runs:
            _rows().filter(pk=pk, holder=task_id).update(seen=int(time.time()))
    except DatabaseError as error:  # the next sign of life is due soon
        logger.warning("Nobody can be told which schedules run: %s", error)
        refresh_connections()


def end_runs(packages: Iterable[TaskPackage]) -> None:
    """Note that these tasks have ended for good."""
    ended = [(pk, package.id) for package in packages if (pk := schedule_of(package.headers)) is not None]
    for pk, task_id in ended:
        rows = _rows().filter(pk=pk)
        rows.filter(holder=task_id).update(is_running=False, holder=None)
        rows.filter(task=task_id, holder__isnull=True).update(is_running=False)


def _rows() -> QuerySet[Schedule]:
    return Schedule.objects.using(router.db_for_write(Schedule))
