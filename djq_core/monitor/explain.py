"""Why a task does not run, or what became of it: pure reasoning over facts.

The first cause is the answer; the others are true beside it. Every cause has a code that stays, see ``docs/doctor.md``.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from djq_core.cluster.status import Stat
from djq_core.conf import Conf
from djq_core.monitor.causes import Cause, fine, trouble
from djq_core.monitor.explain_clusters import START, alive, buffering, cluster_name, crowd
from djq_core.monitor.explain_outcome import failed_before, gone, succeeded
from djq_core.monitor.explain_schedules import of_schedule
from djq_core.monitor.explain_unknown import unknown
from djq_core.monitor.facts import Facts, Package, Queue
from djq_core.monitor.words import duration

#: A living cluster renews a lease at every third of it, so that less than this share is left of nobody's.
RENEWED = 0.5
#: Statistics are at most so many seconds behind.
JUST = 3.0
#: Who waits for so many seconds while all clusters are idle is seen by none of them.
LONG = 30.0
_LATER = "waits-for-its-time"


def explain(facts: Facts) -> list[Cause]:
    """Return what is true of the task, the answer first; never empty."""
    causes = [
        *_running(facts),
        *succeeded(facts),
        *_packages(facts),
        *_away(facts),
        *gone(facts),
        *(cause for planned in facts.schedules for cause in of_schedule(facts, planned) if cause.is_trouble),
    ]
    return causes or [unknown(facts)]


# It runs now


def _running(facts: Facts) -> Iterator[Cause]:
    for stat, run in facts.running:
        yield fine(
            "running",
            _("It is running now, since %(when)s.") % {"when": facts.clock.when(run.since)},
            _("Attempt %(attempt)s, in process %(pid)s of %(cluster)s.")
            % {"attempt": run.attempt, "pid": run.worker, "cluster": cluster_name(stat)},
            *failed_before(facts),
        )


# It lies on a queue


def _packages(facts: Facts) -> Iterator[Cause]:
    is_running = bool(facts.running)
    for queue, package in facts.packages:
        if is_running and not package.flaw:
            continue
        cause = _package(facts, queue, package)
        if package.flaw:
            yield cause
            continue
        causes = [cause.with_details(failed_before(facts))]
        if cause.code == _LATER and queue.stats is not None and (missing := alive(facts, queue)):
            causes.append(missing)
        if facts.function_flaw:
            causes.append(_no_function(facts.function_flaw))
        yield from sorted(causes, key=lambda each: not each.is_trouble)


def _package(facts: Facts, queue: Queue, package: Package) -> Cause:
    if package.flaw:
        return _unverifiable(queue, package)
    if package.queued.is_held:
        return _held(facts, queue, package)
    if package.queued.due is not None and package.queued.due > facts.clock.now:
        return _waits_for_its_time(facts, package)
    return _waits(facts, queue, package)


def _unverifiable(queue: Queue, package: Package) -> Cause:
    if package.signed_for:
        remedy = _("Send it with the option cluster=%(name)r, or start the cluster of that name on its own queue.")
    else:
        remedy = _(
            "Give the program that sends it the SECRET_KEY and the Q_CLUSTER['name'] of this site; during a change of "
            "keys, keep the old one in SECRET_KEY_FALLBACKS. Then send the task again."
        )
    return trouble(
        "signature",
        _("A package that names it is on the queue %(queue)r, and its signature cannot be verified.")
        % {"queue": queue.name},
        package.flaw,
        _("A cluster that fetches it records a failure of the function 'unreadable', under another id."),
        remedy=remedy % {"name": package.signed_for},
    )


def _no_function(flaw: str) -> Cause:
    return trouble(
        "function",
        _("Its function cannot be run as things are here."),
        flaw,
        remedy=_("Install or deploy what is missing, or add the path to allowed_functions; every cluster needs it."),
    )


# Held


def _held(facts: Facts, queue: Queue, package: Package) -> Cause:
    due = package.queued.due
    if due is not None and due <= facts.clock.now:
        lapsed = _("Who held it has not answered in time: its lease ended at %(when)s.")
        detail = lapsed % {"when": facts.clock.when(due)}
        return _waits(facts, queue, package).with_details([detail])
    until = _("The lease ends at %(when)s.") % {"when": facts.clock.when(due)} if due else ""
    if queue.stats is None:
        return _nobody_knows(queue, _("It is held by a cluster that cannot be told."), until)
    holders = [stat for stat in queue.stats if stat.task_q_size or stat.done_q_size]
    if queue.at_work and _was_just_taken(facts, queue, due):
        holders = holders or queue.at_work
    elif not holders or _is_not_renewed(facts, queue, due):
        return _held_by_the_dead(facts, queue, due)
    if all(stat.done_q_size and not stat.task_q_size for stat in holders):
        return buffering(facts, holders, until)
    details = [_holds(stat) for stat in holders if stat.task_q_size]
    return fine(
        "held",
        _("A cluster holds it and will start it: it waits for a worker there."),
        *details,
        *(each for stat in holders for each in crowd(facts, stat)),
        _("%(until)s The cluster renews it.") % {"until": until},
        remedy=_("More workers, or another cluster, would start it sooner."),
    )


def _holds(stat: Stat) -> str:
    return ngettext(
        "%(cluster)s holds %(count)s task that waits for a worker.",
        "%(cluster)s holds %(count)s tasks that wait for a worker.",
        stat.task_q_size,
    ) % {"cluster": cluster_name(stat), "count": stat.task_q_size}


def _is_not_renewed(facts: Facts, queue: Queue, due: float | None) -> bool:
    return bool(facts.conf.renew_leases and due is not None and due - facts.clock.now < queue.lease * RENEWED)


def _was_just_taken(facts: Facts, queue: Queue, due: float | None) -> bool:
    """Was it fetched, or its lease renewed, too short a while ago for the statistics to show it?"""
    return due is not None and due - facts.clock.now > queue.lease - JUST


def _held_by_the_dead(facts: Facts, queue: Queue, due: float | None) -> Cause:
    when = facts.clock.when(due) if due else _("an unknown time")
    details = (
        []
        if queue.at_work
        else [_("No living cluster will take it then: none works for the queue %(queue)r.") % {"queue": queue.name}]
    )
    return Cause(
        code="held-by-the-dead",
        headline=_("A cluster that no longer lives holds it; it comes back when the lease ends, at %(when)s.")
        % {"when": when},
        details=(
            _("No living cluster holds it: a lease lasts %(retry)s and is renewed long before it ends.")
            % {"retry": duration(queue.lease)},
            *details,
        ),
        remedy=(
            _("Wait for the end of the lease. A smaller `retry` brings back sooner what a dead cluster held.")
            if queue.at_work
            else str(START)
        ),
        is_trouble=not queue.at_work,
    )


# Waiting


def _waits_for_its_time(facts: Facts, package: Package) -> Cause:
    due, attempts = package.queued.due or 0.0, package.queued.attempts
    tried = ngettext("It has been tried %(count)s time.", "It has been tried %(count)s times.", attempts)
    after = [tried % {"count": attempts}] if attempts else []
    return fine(
        _LATER,
        _("It waits for its next attempt at %(when)s.") % {"when": facts.clock.when(due)},
        *after,
        remedy=_("`backoff` sets how long a task waits that has failed; without it, that is what is left of `retry`."),
    )


def _waits(facts: Facts, queue: Queue, package: Package) -> Cause:
    place = _place(queue, package.ahead)
    if queue.stats is None:
        return _nobody_knows(queue, place)
    if missing := alive(facts, queue, place):
        return missing
    if store := buffering_all(facts, queue, place):
        return store
    details = [each for stat in queue.at_work for each in crowd(facts, stat)]
    if _is_passed_over(facts, queue, package):
        return _not_fetched(facts, package, place, details)
    if not package.ahead:
        return fine("next", place, *details)
    return fine(
        "behind",
        place,
        *details,
        remedy=_("Nothing is wrong. More workers, or another cluster, would bring its turn sooner."),
    )


def _is_passed_over(facts: Facts, queue: Queue, package: Package) -> bool:
    """Has it never been fetched, for long, although every cluster has nothing to do?"""
    if package.queued.attempts or package.sent is None or facts.clock.now - package.sent < LONG:
        return False
    return all(stat.status == Conf.IDLE for stat in queue.at_work)


def _not_fetched(facts: Facts, package: Package, place: str, details: Iterable[str]) -> Cause:
    waited = duration(facts.clock.now - (package.sent or 0.0))
    return trouble(
        "not-fetched",
        _("It has waited for %(duration)s, and every cluster of its queue is idle: none sees it.")
        % {"duration": waited},
        place,
        *details,
        remedy=_(
            "Compare the settings of the broker here and where the cluster runs: host, port, database, name. If they "
            "are the same, read in the log of the cluster why it cannot fetch."
        ),
    )


def _place(queue: Queue, ahead: int) -> str:
    if not ahead:
        return _("It waits on the queue %(queue)r, the next one to go.") % {"queue": queue.name}
    return ngettext(
        "It waits on the queue %(queue)r, behind %(count)s other.",
        "It waits on the queue %(queue)r, behind %(count)s others.",
        ahead,
    ) % {"queue": queue.name, "count": ahead}


def buffering_all(facts: Facts, queue: Queue, place: str) -> Cause | None:
    """Return why no cluster fetches: all keep results that the database does not take."""
    holders = [stat for stat in queue.at_work if stat.done_q_size]
    if not facts.database_away or len(holders) < len(queue.at_work):
        return None
    return buffering(facts, holders, place)


def _nobody_knows(queue: Queue, place: str, *details: str) -> Cause:
    return trouble(
        "statistics",
        _("%(place)s Nobody can tell whether a cluster works for it: the statistics cannot be read.")
        % {"place": place},
        queue.unknown,
        *filter(None, details),
        remedy=_(
            "Set `cache` to an entry of CACHES that all processes share, such as Redis, Memcached or the database."
        ),
    )


# Not found anywhere


def _away(facts: Facts) -> Iterator[Cause]:
    """What does not answer: the task may be there."""
    if facts.running or (facts.outcome and facts.outcome.is_success):
        return
    for queue in facts.queues:
        if queue.away:
            yield trouble(
                "broker-away",
                _("The broker of the queue %(queue)r does not answer.") % {"queue": queue.name},
                queue.away,
                _("Clusters go on by themselves as soon as it does."),
                remedy=_("Start the broker, or correct the settings of its connection; `djq doctor` looks closer."),
            )
    if facts.database_away:
        holders = [stat for stat in facts.stats() if stat.done_q_size]
        yield buffering(facts, holders, "")
