"""Why a schedule does not run."""

from __future__ import annotations

from collections.abc import Iterator

from django.utils.translation import gettext as _

from djq_core.models import Schedule
from djq_core.monitor.causes import Cause, fine, trouble
from djq_core.monitor.facts import Facts, Planned, Queue
from djq_core.monitor.words import duration

#: A scheduler reads the table at least this often, in seconds; what is later was not run.
LATE = 60.0


def explain_schedules(facts: Facts) -> list[Cause]:
    """Return what is true of the schedules that were asked for, the answer first; never empty."""
    causes = [cause for planned in facts.schedules for cause in of_schedule(facts, planned)]
    if causes:
        return causes
    if facts.database_away:
        return [
            trouble(
                "database-away",
                _("The database that holds the schedules cannot be read."),
                facts.database_away,
                remedy=_("Bring the database back; the clusters go on by themselves."),
            )
        ]
    return [
        trouble(
            "unknown",
            _("There is no schedule %(query)r.") % {"query": facts.query},
            remedy=_("The admin lists the schedules. One that has run out is deleted, or stays with 0 repeats."),
        )
    ]


def of_schedule(facts: Facts, planned: Planned) -> list[Cause]:
    """Return what is true of one schedule, the answer first."""
    return [*_hindrances(facts, planned), *_state(facts, planned)]


def _hindrances(facts: Facts, planned: Planned) -> Iterator[Cause]:
    row, name = planned.row, {"name": str(planned.row)}
    if not row.repeats:
        yield trouble(
            "schedule-paused",
            _("Its schedule %(name)r is paused: it has 0 repeats left.") % name,
            remedy=_("Set its repeats to -1 for ever, or to a number of runs."),
        )
    if planned.flaw:
        yield trouble(
            "function",
            _("Its schedule %(name)r cannot be run as things are here.") % name,
            planned.flaw,
            remedy=_("Correct its function, hook or rule; every cluster needs what it names."),
        )
    yield from _schedulers(facts, row)


def _schedulers(facts: Facts, row: Schedule) -> Iterator[Cause]:
    queues = [queue for queue in facts.queues if not row.cluster or queue.name == row.cluster]
    if any(queue.stats is None for queue in queues):
        yield trouble(
            "statistics",
            _("Nobody can tell whether a cluster runs its schedule: the statistics cannot be read."),
            *{queue.unknown for queue in queues if queue.unknown},
            remedy=_("Set `cache` to an entry of CACHES that all processes share."),
        )
    elif not any(queue.at_work for queue in queues):
        yield _no_cluster(row)
    elif not any(stat.scheduler for queue in queues for stat in queue.at_work):
        yield _no_scheduler(facts, queues)


def _no_cluster(row: Schedule) -> Cause:
    if row.cluster:
        return trouble(
            "schedule-cluster",
            _("Its schedule %(name)r belongs to the cluster %(cluster)r, which does not run.")
            % {"name": str(row), "cluster": row.cluster},
            remedy=_("Start it: python manage.py qcluster --name %(name)s") % {"name": row.cluster},
        )
    return trouble(
        "no-cluster",
        _("No cluster is alive that could run its schedule %(name)r.") % {"name": str(row)},
        remedy=_("Start one: python manage.py qcluster"),
    )


def _no_scheduler(facts: Facts, queues: list[Queue]) -> Cause:
    is_off = not facts.conf.scheduler
    why = _("`scheduler` is False in Q_CLUSTER.") if is_off else _("Their scheduler has ended, or has not started yet.")
    return trouble(
        "scheduler-off",
        _("No living cluster of %(queues)s has a scheduler.")
        % {"queues": ", ".join(repr(queue.name) for queue in queues)},
        why,
        remedy=_("Start a cluster with `scheduler` set to True; one is enough, more do no harm."),
    )


def _state(facts: Facts, planned: Planned) -> Iterator[Cause]:
    row, due = planned.row, planned.due
    if not row.repeats:
        return
    if row.is_running and row.overlap_policy == Schedule.SKIP:
        yield _overlapping(facts, row)
    if due is None:
        yield trouble(
            "schedule-ended",
            _("Its schedule %(name)r has no next run.") % {"name": str(row)},
            remedy=_("Give it a next run."),
        )
    elif due > facts.clock.now - LATE:
        yield fine(
            "schedule-not-due",
            _("Its schedule %(name)r is due at %(when)s.") % {"name": str(row), "when": facts.clock.when(due)},
        )
    else:
        yield trouble(
            "schedule-late",
            _("Its schedule %(name)r was due at %(when)s and has not run.")
            % {"name": str(row), "when": facts.clock.when(due)},
            remedy=_("Read the log of the clusters: the scheduler says there why it cannot go on."),
        )


def _overlapping(facts: Facts, row: Schedule) -> Cause:
    seen = _("The run %(task)s was heard of last %(duration)s ago.") % {
        "task": row.task,
        "duration": duration(facts.clock.now - row.seen),
    }
    waiting = [] if row.holder else [_("No cluster has fetched that run yet.")]
    return fine(
        "schedule-overlap",
        _("Its schedule %(name)r skips what is due while its last run has not ended.") % {"name": str(row)},
        seen,
        *waiting,
        remedy=_("See what keeps that run: manage.py djq explain %(task)s") % {"task": row.task},
    )
