"""The schedules: whether they can run, and are run."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Final

from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from djq_core.brokers import Finding
from djq_core.brokers.finding import ERROR, WARNING
from djq_core.models import Schedule
from djq_core.monitor.explain_schedules import LATE
from djq_core.monitor.facts import Planned
from djq_core.monitor.gathering import planned_of
from djq_core.monitor.statistics import living
from djq_core.monitor.words import duration

if TYPE_CHECKING:
    from djq_core.runtime import Runtime

#: So many schedules are looked at, those that are due first.
_MOST: Final = 1000


def look(runtime: Runtime) -> Iterator[Finding]:
    """Look at the schedules that are not paused."""
    rows = list(Schedule.objects.exclude(repeats=0).order_by("next_run")[:_MOST])
    count = len(rows)
    message = ngettext("%(count)s schedule is active.", "%(count)s schedules are active.", count)
    yield Finding(code="schedules", message=message % {"count": count})
    planned = [planned_of(runtime, row) for row in rows]
    yield from map(_broken, filter(lambda each: each.flaw, planned))
    yield from _clusters(runtime, [each.row for each in planned])
    yield from _late(planned)


def _broken(planned: Planned) -> Finding:
    return Finding(
        level=ERROR,
        code="schedules-function",
        message=_("The schedule %(name)r cannot be run: %(flaw)s") % {"name": str(planned.row), "flaw": planned.flaw},
        remedy=_("Correct its function, hook or rule, or pause it with 0 repeats."),
    )


def _clusters(runtime: Runtime, rows: Sequence[Schedule]) -> Iterator[Finding]:
    names = sorted({row.cluster or runtime.conf.name for row in rows})
    for name in names:
        seen = living(runtime, runtime.shared_broker(name), name)
        if not seen.is_known:  # the area of the clusters says so
            continue
        if not seen.stats and name not in runtime.conf.clusters:
            yield Finding(
                level=WARNING,
                code="schedules-cluster",
                message=_("Schedules belong to the cluster %(name)r, which does not run.") % {"name": name},
                remedy=_("python manage.py qcluster --name %(name)s, or give them another cluster.") % {"name": name},
            )
        elif seen.stats and not any(stat.scheduler for stat in seen.stats):
            yield _no_scheduler(name)


def _no_scheduler(name: str) -> Finding:
    return Finding(
        level=ERROR,
        code="schedules-off",
        message=_("No living cluster %(name)r has a scheduler, so that nothing is run by schedule.") % {"name": name},
        remedy=_("Start a cluster with `scheduler` set to True; one is enough."),
    )


def _late(planned: Sequence[Planned]) -> Iterator[Finding]:
    late = [each for each in planned if each.due is not None and each.due < time.time() - LATE]
    if late:
        longest = time.time() - min(each.due or 0.0 for each in late)
        yield Finding(
            level=WARNING,
            code="schedules-late",
            message=ngettext(
                "%(count)s schedule is late by %(duration)s: %(name)s.",
                "%(count)s schedules are late, one of them by %(duration)s: %(name)s.",
                len(late),
            )
            % {"count": len(late), "duration": duration(longest), "name": late[0].row},
            remedy=_("python manage.py djq explain --schedule NAME tells why."),
        )
