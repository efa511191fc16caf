"""What is wrong with a queue or a cluster, each in a sentence with its remedy."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from enum import IntEnum
from typing import TYPE_CHECKING, Any

from django.utils.translation import gettext as _

from djq_core.conf import Conf
from djq_core.monitor.queues import QueueState
from djq_core.monitor.statistics import ClustersSeen
from djq_core.plugins import Health

if TYPE_CHECKING:
    from djq_core.cluster.status import Stat


class Kind(IntEnum):
    """What a trouble is about; the value is the exit code of ``manage.py djq health``, the smallest one counts."""

    #: A broker, or where clusters publish what they do, cannot be reached.
    UNREACHABLE = 3
    #: There is no cluster, or one does not do its work.
    BROKEN = 4
    #: Tasks wait too long, or a plugin is not well.
    DEGRADED = 5
    #: A cluster starts or stops: it passes.
    CHANGING = 6


@dataclass(frozen=True, slots=True, kw_only=True)
class Trouble:
    """Something that is wrong.

    ``code`` is for programs, ``message`` and ``remedy`` are sentences for people. ``cluster`` is host and id
    (``"orion:17004"``), ``detail`` the text of an error: these may name servers, and are not for everybody.
    """

    kind: Kind
    code: str
    message: str
    remedy: str
    queue: str = ""
    cluster: str = ""
    detail: str = field(default="", repr=False)

    def as_dict(self, *, detail: bool) -> dict[str, Any]:
        """Return it for JSON, with the names of servers where ``detail`` says so."""
        told = {
            "kind": self.kind.name.lower(),
            "code": self.code,
            "queue": self.queue or None,
            "message": self.message,
            "remedy": self.remedy,
        }
        return {**told, "cluster": self.cluster or None, "detail": self.detail or None} if detail else told


def of_queue(name: str, state: QueueState, max_wait: float | None) -> Iterator[Trouble]:
    """Yield what is wrong with a queue; ``max_wait`` are the seconds that a task may wait, None for any time."""
    if not state.is_reachable:
        yield Trouble(
            kind=Kind.UNREACHABLE,
            code="broker_unreachable",
            queue=name,
            message=_("The broker of the queue %(queue)s cannot be reached.") % {"queue": name},
            remedy=_("See that its server runs and that the settings lead to it; clusters go on by themselves then."),
            detail=state.error,
        )
    elif max_wait is not None and state.oldest is not None and state.oldest > max_wait:
        yield Trouble(
            kind=Kind.DEGRADED,
            code="waits_too_long",
            queue=name,
            message=_("The oldest task on the queue %(queue)s has waited for %(seconds).0f s, over %(most).0f s.")
            % {"queue": name, "seconds": state.oldest, "most": max_wait},
            remedy=_("Start further clusters or give them more workers, or find out which tasks take so long."),
        )


def of_clusters(name: str, seen: ClustersSeen, conf: Conf, *, needs_one: bool) -> Iterator[Trouble]:
    """Yield what is wrong with the clusters of a queue; ``conf`` is theirs."""
    if seen.flaw and needs_one:
        yield Trouble(
            kind=Kind.UNREACHABLE,
            code="cache_not_shared",
            queue=name,
            message=_("Nobody can see whether a cluster works on the queue %(queue)s. %(flaw)s")
            % {"queue": name, "flaw": seen.flaw},
            remedy=_("Let the setting `cache` name one of CACHES that all processes share."),
        )
    elif seen.error:
        yield Trouble(
            kind=Kind.UNREACHABLE,
            code="statistics_unreachable",
            queue=name,
            message=_("The statistics of the clusters of the queue %(queue)s cannot be read.") % {"queue": name},
            remedy=_("See that the server of the cache, or of the broker that keeps them, runs and can be reached."),
            detail=seen.error,
        )
    elif seen.is_known and not seen.stats and needs_one:
        yield no_cluster(name)
    for stat in seen.stats:
        yield from _of_cluster(name, stat, conf)


def no_cluster(name: str = "") -> Trouble:
    """Return that nobody works on a queue, or, without a name, that no cluster of this host is there."""
    message = (
        _("No cluster works on the queue %(queue)s.") % {"queue": name}
        if name
        else _("No cluster runs on this host, or it has gone silent.")
    )
    remedy = _("Start one: python manage.py qcluster --name %(queue)s") % {"queue": name}
    return Trouble(
        kind=Kind.BROKEN,
        code="no_cluster",
        queue=name,
        message=message,
        remedy=remedy if name else _("Start one: python manage.py qcluster"),
    )


def _of_cluster(name: str, stat: Stat, conf: Conf) -> Iterator[Trouble]:
    place = {"queue": name, "cluster": f"{stat.host}:{stat.cluster_id}"}
    if stat.status == Conf.STARTING:
        yield Trouble(
            kind=Kind.CHANGING,
            code="starting",
            message=_("A cluster of the queue %(queue)s is starting.") % place,
            remedy=_("Wait a moment; where it does not get further, its log says why."),
            **place,
        )
    elif stat.status in (Conf.STOPPING, Conf.STOPPED):
        yield Trouble(
            kind=Kind.CHANGING,
            code="stopping",
            message=_("A cluster of the queue %(queue)s is stopping.") % place,
            remedy=_("Wait until its tasks have ended; `stop_timeout` says how long that may take."),
            **place,
        )
    else:
        yield from _of_processes(stat, conf, place)
    if stat.lease_age is not None and stat.lease_age > conf.retry:
        yield Trouble(
            kind=Kind.BROKEN,
            code="leases_expired",
            message=_("A cluster of the queue %(queue)s has not renewed its leases for %(seconds).0f s.")
            % {**place, "seconds": stat.lease_age},
            remedy=_("Other clusters run its tasks again: see in its log why the broker does not answer it."),
            **place,
        )


def _of_processes(stat: Stat, conf: Conf, place: dict[str, str]) -> Iterator[Trouble]:
    missing = {
        "no_workers": (not stat.workers, _("A cluster of the queue %(queue)s has no workers.")),
        "no_pusher": (stat.pusher is None, _("A cluster of the queue %(queue)s has no pusher, and fetches nothing.")),
        "no_monitor": (stat.monitor is None, _("A cluster of the queue %(queue)s has no monitor, and saves nothing.")),
        "no_scheduler": (
            conf.scheduler and stat.scheduler is None,
            _("A cluster of the queue %(queue)s has no scheduler, and runs no schedule."),
        ),
    }
    for code, (is_so, message) in missing.items():
        if is_so:
            yield Trouble(
                kind=Kind.BROKEN,
                code=code,
                message=message % place,
                remedy=_("It starts a new one by itself; where it cannot, its log says why. Else restart it."),
                **place,
            )


def of_plugins(plugins: Sequence[Health] | None) -> Iterator[Trouble]:
    """Yield which parts of plugins are not well; None stands for plugins that have not answered."""
    remedy = _("The documentation of the plugin tells more: python manage.py djq plugins lists what is installed.")
    if plugins is None:
        yield Trouble(
            kind=Kind.DEGRADED,
            code="plugins_silent",
            message=_("The plugins did not say in time how they are."),
            remedy=remedy,
        )
    for health in plugins or ():
        if not health.is_healthy:
            yield Trouble(
                kind=Kind.DEGRADED,
                code="plugin_unhealthy",
                message=_("%(plugin)s is not well.") % {"plugin": health.name},
                remedy=remedy,
                detail=health.message,
            )
