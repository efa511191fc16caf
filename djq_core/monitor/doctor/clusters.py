"""The clusters of this site: whether they run, agree, fetch and save."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Final

from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from djq_core import __version__
from djq_core.brokers import Finding
from djq_core.brokers.finding import ERROR, WARNING
from djq_core.cluster.status import Stat
from djq_core.conf import Conf
from djq_core.monitor.doctor.broker import APART
from djq_core.monitor.explain_clusters import cluster_name
from djq_core.monitor.statistics import living
from djq_core.monitor.words import duration

if TYPE_CHECKING:
    from djq_core.runtime import Runtime

#: So many results that wait to be saved are more than a batch under way.
_BACKLOG: Final = 300


def look(runtime: Runtime) -> Iterator[Finding]:
    """Look at the clusters of each name."""
    if runtime.conf.sync:
        return
    for name in sorted({runtime.conf.name, *runtime.conf.clusters}):
        broker = runtime.shared_broker(name)
        seen = living(runtime, broker, name)
        if not seen.is_known:
            yield Finding(
                level=ERROR,
                code="clusters-unknown",
                message=_("Nobody can tell whether a cluster %(name)r runs. %(reason)s")
                % {"name": name, "reason": seen.why_unknown},
                remedy=_("See broker and cache above."),
            )
        elif not seen.stats:
            yield _none(name)
        else:
            yield from _some(runtime.conf, name, seen.stats)


def _none(name: str) -> Finding:
    return Finding(
        level=ERROR,
        code="clusters-none",
        message=_("No cluster %(name)r runs.") % {"name": name},
        remedy=_("python manage.py qcluster --name %(name)s") % {"name": name},
    )


def _some(conf: Conf, name: str, stats: Sequence[Stat]) -> Iterator[Finding]:
    workers = sum(len(stat.workers) for stat in stats)
    message = ngettext(
        "%(count)s cluster %(name)r runs, with %(workers)s workers.",
        "%(count)s clusters %(name)r run, with %(workers)s workers.",
        len(stats),
    )
    yield Finding(code="clusters", message=message % {"count": len(stats), "name": name, "workers": workers})
    yield from _versions(stats)
    if all(stat.status in (Conf.STOPPING, Conf.STOPPED) for stat in stats):
        yield Finding(
            level=ERROR,
            code="clusters-stopping",
            message=_("Every cluster %(name)r is stopping and fetches nothing more.") % {"name": name},
            remedy=_("python manage.py qcluster --name %(name)s") % {"name": name},
        )
    for stat in stats:
        yield from _one(conf, stat)


def _versions(stats: Sequence[Stat]) -> Iterator[Finding]:
    others = [stat for stat in stats if stat.version != __version__]
    if others:
        told = ", ".join(f"{cluster_name(stat)}: {stat.version or '?'}" for stat in others)
        yield Finding(
            level=WARNING,
            code="clusters-version",
            message=_("djq-core is %(version)s here and another version there: %(others)s.")
            % {"version": __version__, "others": told},
            remedy=_("Restart these clusters after the deployment, so that all run the same version."),
        )


def _one(conf: Conf, stat: Stat) -> Iterator[Finding]:
    name = cluster_name(stat)
    ahead = stat.timestamp - time.time()
    if ahead > APART:
        yield Finding(
            level=WARNING,
            code="clusters-clock",
            message=_("The clock of the host of %(cluster)s is at least %(duration)s ahead of this host's.")
            % {"cluster": name, "duration": duration(ahead)},
            remedy=_("Let NTP set the clocks of all hosts."),
        )
    if stat.done_q_size > _BACKLOG:
        yield Finding(
            level=WARNING,
            code="clusters-saving",
            message=_("%(count)s results wait in %(cluster)s to be saved.")
            % {"count": stat.done_q_size, "cluster": name},
            remedy=_("See whether the database answers in time, and whether a hook keeps the monitor busy."),
        )
    if stat.lease_age is not None and stat.lease_age > conf.retry:
        yield Finding(
            level=ERROR,
            code="clusters-leases",
            message=_("%(cluster)s has not renewed its leases for %(duration)s: others may start its tasks again.")
            % {"cluster": name, "duration": duration(stat.lease_age)},
            remedy=_("See whether the broker answers it, and whether its host is overloaded."),
        )
