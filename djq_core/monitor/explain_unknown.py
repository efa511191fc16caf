"""Where a task may be of which nothing was found."""

from __future__ import annotations

from collections.abc import Iterator

from django.utils.translation import gettext as _

from djq_core.monitor.causes import Cause, trouble
from djq_core.monitor.facts import Facts, Queue


def unknown(facts: Facts) -> Cause:
    """Return that nothing is known of the task, and where it may be all the same."""
    return trouble(
        "unknown",
        _("Nothing is known of a task %(query)r.") % {"query": facts.query},
        *_possibilities(facts),
        remedy=_("Look at the id that async_task() returned, and into the log of the program that called it."),
    )


def _possibilities(facts: Facts) -> Iterator[str]:
    yield _("It may never have been sent: its transaction was rolled back, or the id is not from this site.")
    if facts.conf.save_limit < 0:
        yield _("It may have succeeded: save_limit is -1, so that successes are not kept.")
    elif facts.oldest_success is not None:
        yield _("It may have succeeded before %(when)s: older successes are deleted (save_limit %(limit)s).") % {
            "when": facts.clock.moment(facts.oldest_success),
            "limit": facts.conf.save_limit,
        }
    for queue in facts.queues:
        yield from _blind_spots(queue)
    if facts.unreadable_failures:
        yield _("It may be among those that no cluster could read: the failures of the function 'unreadable'.")
    yield _("It may be on another queue than %(queues)s: look there with --queue.") % {
        "queues": ", ".join(repr(queue.name) for queue in facts.queues)
    }


def _blind_spots(queue: Queue) -> Iterator[str]:
    if queue.stats is None:
        told = _("Nobody can tell whether a cluster %(name)r runs. %(reason)s")
        yield told % {"name": queue.name, "reason": queue.unknown}
    if queue.is_whole is None:
        told = _("It may be on the queue %(queue)r: this broker does not show its %(size)s packages.")
        yield told % {"queue": queue.name, "size": queue.size if queue.size is not None else "?"}
    elif not queue.is_whole:
        told = _("It may be on the queue %(queue)r beyond the %(seen)s that were looked at: ask with a larger --depth.")
        yield told % {"queue": queue.name, "seen": queue.seen}
    if not queue.broker.supports_receipts:
        told = _("It may have been lost or be in a cluster: %(broker)s keeps nothing that it has handed out.")
        yield told % {"broker": queue.broker.__name__}
