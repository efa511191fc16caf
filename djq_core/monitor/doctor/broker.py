"""The brokers: whether they answer, how fast, by which clock, what they say of themselves, what lies on the queue."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Final

from django.utils.translation import gettext as _

from djq_core.brokers import Broker, Finding
from djq_core.brokers.finding import ERROR, WARNING
from djq_core.monitor.looking import read
from djq_core.monitor.secrets import without_secrets
from djq_core.monitor.words import duration
from djq_core.phrases import in_words

if TYPE_CHECKING:
    from djq_core.runtime import Runtime

#: Above this many seconds the way to a server is a slow one.
SLOW: Final = 0.05
#: How far clocks may be apart, in seconds: a doubtful and a bad difference.
APART: Final = 1.0
FAR_APART: Final = 30.0
_TRIES: Final = 3
#: So many packages are looked at.
_FIRST: Final = 50


def look(runtime: Runtime) -> Iterator[Finding]:
    """Look at the broker of each cluster of this site; a server that several share is looked at once."""
    if runtime.conf.sync:
        yield Finding(code="broker-sync", message=_("sync is True: tasks run where they are called, without a broker."))
        return
    seen: list[tuple[type[Broker], Any]] = []
    names = sorted({runtime.conf.name, *runtime.conf.clusters}, key=lambda name: name != runtime.conf.name)
    for name in names:
        broker = runtime.broker(name)
        is_new = (type(broker), broker.settings.options) not in seen
        seen.append((type(broker), broker.settings.options))
        try:
            yield from _of_cluster(runtime, name, broker, is_new=is_new)
        finally:
            broker.close()


def _of_cluster(runtime: Runtime, name: str, broker: Broker, *, is_new: bool) -> Iterator[Finding]:
    prefix = "" if name == runtime.conf.name else f"{name}: "
    found = _server(broker) if is_new else iter(())
    for finding in found:
        yield replace(finding, message=f"{prefix}{finding.message}")
        if finding.code == "broker-away":
            return
    yield from _queue(runtime, name, broker)


def _server(broker: Broker) -> Iterator[Finding]:
    if broker.is_local:
        yield Finding(
            level=ERROR,
            code="broker-local",
            message=_("%(broker)s lives in one process: no cluster can take from it.") % {"broker": broker.info()},
            remedy=_("Choose a broker with a server: pip install djq-redis, or djq-orm."),
        )
        return
    if not broker.ping():
        yield _away(broker)
        return
    seconds = min(_seconds(broker.ping) for _try in range(_TRIES))
    told = _("%(broker)s answers within %(ms)s ms.") % {
        "broker": broker.info(),
        "ms": f"{max(0.1, seconds * 1000):.1f}",
    }
    if seconds <= SLOW:
        yield Finding(code="broker-latency", message=told)
    else:
        remedy = _("Move the broker nearer to the clusters: every task makes several journeys.")
        yield Finding(level=WARNING, code="broker-latency", message=told, remedy=remedy)
    yield from _clock(broker)
    yield from broker.examine()


def _away(broker: Broker) -> Finding:
    try:
        broker.queue_size()
    except Exception as error:  # it says what is wrong
        reason = without_secrets(str(in_words(error))) or type(error).__name__
    else:
        reason = broker.info()
    return Finding(
        level=ERROR,
        code="broker-away",
        message=_("The broker does not answer: %(reason)s") % {"reason": reason},
        remedy=_("Start the server, or correct host, port and password in Q_CLUSTER."),
    )


def _seconds(call: Callable[[], object]) -> float:
    began = time.monotonic()
    call()
    return time.monotonic() - began


def _clock(broker: Broker) -> Iterator[Finding]:
    before, told, after = time.time(), broker.clock(), time.time()
    if told is None:
        return
    yield clock_finding(told - (before + after) / 2)


def clock_finding(difference: float) -> Finding:
    """Return what a difference between the server's clock and this host's means; ``difference`` in seconds."""
    told = (
        _("The clock of the broker's server is %(duration)s ahead of this host's.")
        if difference > 0
        else _("The clock of the broker's server is %(duration)s behind this host's.")
    ) % {"duration": duration(difference)}
    if abs(difference) <= APART:
        return Finding(code="broker-clock", message=_("The clocks of the broker's server and of this host agree."))
    return Finding(
        level=ERROR if abs(difference) > FAR_APART else WARNING,
        code="broker-clock",
        message=told,
        remedy=_("Let NTP set the clocks of all hosts: leases, delays and schedules count by them."),
    )


def _queue(runtime: Runtime, name: str, broker: Broker) -> Iterator[Finding]:
    if broker.is_local:
        return
    size, held = broker.queue_size(), broker.lock_size()
    message = _("The queue %(queue)r: %(size)s wait, %(held)s are held.")
    yield Finding(code="broker-queue", message=message % {"queue": name, "size": size, "held": held})
    if not broker.supports_peek:
        return
    readings = [read(runtime, name, queued) for queued in broker.peek(_FIRST)]
    flaws = [reading.flaw for reading in readings if reading.flaw]
    if flaws:
        message = _("Of the first %(seen)s packages on the queue %(queue)r, %(count)s cannot be read. %(flaw)s")
        yield Finding(
            level=ERROR,
            code="broker-unreadable",
            message=message % {"queue": name, "seen": len(readings), "count": len(flaws), "flaw": flaws[0]},
            remedy=_(
                "Give every program that sends to this queue the same SECRET_KEY and Q_CLUSTER['name']; during a "
                "change of keys, keep the old one in SECRET_KEY_FALLBACKS. A cluster that fetches these packages "
                "gives them up."
            ),
        )
    elif readings:
        message = _("What lies first on the queue %(queue)r can be read.") % {"queue": name}
        yield Finding(code="broker-unreadable", message=message)
