"""What the clusters of a queue have to do with a task that waits."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from djq_core.cluster.status import Stat
from djq_core.conf import Conf
from djq_core.monitor.causes import Cause, trouble
from djq_core.monitor.facts import Facts, Queue
from djq_core.monitor.words import duration

START = gettext_lazy("Start one: python manage.py qcluster")
_START_NAMED = gettext_lazy("Start it: python manage.py qcluster --name %(name)s")
#: So many running tasks are named.
_MOST = 3


def cluster_name(stat: Stat) -> str:
    """Return how a cluster is called."""
    return _("cluster %(id)s on %(host)s") % {"id": stat.cluster_id, "host": stat.host}


def alive(facts: Facts, queue: Queue, place: str = "") -> Cause | None:
    """Return why nobody fetches from a queue; None where a cluster does. ``place`` is where the task is on it."""
    if queue.at_work:
        return None
    if queue.stats:
        return _all_stopping(queue, place)
    if queue.name != facts.conf.name:
        return trouble(
            "other-queue",
            _("It was sent to the queue of another cluster, %(name)r, which does not run.") % {"name": queue.name},
            *filter(None, [place]),
            remedy=_START_NAMED % {"name": queue.name},
        )
    return trouble(
        "no-cluster",
        _("No cluster is alive for the queue %(queue)r.") % {"queue": queue.name},
        *filter(None, [place]),
        remedy=str(START),
    )


def _all_stopping(queue: Queue, place: str) -> Cause:
    stats = queue.stats or ()
    return trouble(
        "stopping",
        _("Every cluster of the queue %(queue)r is stopping and fetches nothing more.") % {"queue": queue.name},
        *filter(None, [place]),
        *(each for stat in stats for each in _what_it_waits_for(stat)),
        remedy=_("It goes on with the next cluster: python manage.py qcluster"),
    )


def _what_it_waits_for(stat: Stat) -> Iterator[str]:
    for run in stat.running[:_MOST]:
        yield _("%(cluster)s waits for %(task)s (%(func)s), which has run for %(duration)s.") % {
            "cluster": cluster_name(stat),
            "task": run.name,
            "func": run.func,
            "duration": duration(run.seconds()),
        }


def crowd(facts: Facts, stat: Stat) -> Iterator[str]:
    """Return what keeps a cluster from starting more."""
    cluster, workers = cluster_name(stat), len(stat.workers)
    if stat.status == Conf.STARTING:
        yield _("%(cluster)s is starting.") % {"cluster": cluster}
        return
    if stat.queue_limit and stat.task_q_size >= stat.queue_limit:
        yield _("The task queue of %(cluster)s is full: %(size)s of %(limit)s (queue_limit).") % {
            "cluster": cluster,
            "size": stat.task_q_size,
            "limit": stat.queue_limit,
        }
    if workers and len(stat.running) >= workers:
        yield _all_busy(stat)
        for run in sorted(stat.running, key=lambda each: each.since)[:_MOST]:
            since = duration(facts.clock.now - run.since)
            yield _("  %(func)s for %(duration)s (%(task)s)") % {"func": run.func, "duration": since, "task": run.name}
    elif workers:
        yield _("%(cluster)s has %(idle)s of %(workers)s workers idle.") % {
            "cluster": cluster,
            "idle": workers - len(stat.running),
            "workers": workers,
        }


def _keeps(stat: Stat) -> str:
    return ngettext(
        "%(cluster)s keeps %(count)s result and saves it when it can.",
        "%(cluster)s keeps %(count)s results and saves them when it can.",
        stat.done_q_size,
    ) % {"cluster": cluster_name(stat), "count": stat.done_q_size}


def _all_busy(stat: Stat) -> str:
    workers = len(stat.workers)
    return ngettext(
        "The one worker of %(cluster)s is busy:", "All %(workers)s workers of %(cluster)s are busy:", workers
    ) % {"workers": workers, "cluster": cluster_name(stat)}


def buffering(facts: Facts, holders: Sequence[Stat], place: str) -> Cause:
    """Return that results wait for the database."""
    kept = [_keeps(stat) for stat in holders]
    if not facts.database_away:
        return trouble(
            "saving",
            _("It has run; a cluster is about to save its result."),
            *kept,
            *filter(None, [place]),
            remedy=_("Ask again in a moment. If nothing changes, read the log of the cluster."),
        )
    return trouble(
        "database-away",
        _("The database that holds the results cannot be read."),
        *filter(None, [place]),
        facts.database_away,
        *kept,
        _("Meanwhile clusters fetch nothing and lose nothing."),
        remedy=_("Bring the database back; the clusters go on by themselves."),
    )
