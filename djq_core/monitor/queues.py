"""What can be seen of one queue: what its broker says, and what its clusters have published."""

from __future__ import annotations

import time
from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from djq_core.brokers import Broker
from djq_core.brokers.base import Queued
from djq_core.envelope import TASK
from djq_core.envelope.wire import read_header
from djq_core.exceptions import NotSupported, PackageError
from djq_core.monitor.secrets import first_line
from djq_core.monitor.statistics import ClustersSeen, living

if TYPE_CHECKING:
    from djq_core.envelope import Signer
    from djq_core.runtime import Runtime

#: How many packages are looked at when the first one is held by somebody.
_FURTHER: Final = 20


@dataclass(frozen=True, slots=True, kw_only=True)
class QueueState:
    """What a broker says of its queue; None is what it does not tell.

    ``queued`` are the packages that wait, ``held`` those that are handed out and not answered. ``oldest`` are the
    seconds since the oldest one that waits was sent. ``error`` is why the broker cannot be reached.
    """

    is_reachable: bool = False
    queued: int | None = None
    held: int | None = None
    oldest: float | None = None
    error: str = ""


def look_at_queue(runtime: Runtime, name: str) -> QueueState:
    """Ask the broker of a queue, on a connection of its own."""
    try:
        broker = runtime.broker(name)
        try:
            return _ask(runtime.signer.named(name), broker)
        finally:
            broker.close()
    except Exception as error:  # whatever the client of a broker raises
        return QueueState(error=first_line(error))


def look_at_clusters(runtime: Runtime, name: str) -> ClustersSeen:
    """Read what the clusters of a queue have published, on a connection of its own."""
    try:
        broker = runtime.broker(name)
        try:
            return living(runtime, broker, name)
        finally:
            broker.close()
    except Exception as error:  # whatever the client of a broker raises
        return ClustersSeen(error=first_line(error))


def can_be_reached(runtime: Runtime, name: str) -> QueueState:
    """Ask the broker of a queue for a sign of life alone."""
    try:
        broker = runtime.broker(name)
        try:
            return QueueState(is_reachable=broker.ping() or _size(broker) is not None)
        finally:
            broker.close()
    except Exception as error:  # whatever the client of a broker raises
        return QueueState(error=first_line(error))


def _ask(signer: Signer, broker: Broker) -> QueueState:
    answers = broker.ping()
    queued = _size(broker)
    return QueueState(
        is_reachable=answers or queued is not None,
        queued=queued,
        held=broker.lock_size(),
        oldest=_oldest(signer, broker) if broker.supports_peek and queued != 0 else None,
    )


def _size(broker: Broker) -> int | None:
    try:
        return broker.queue_size()
    except NotSupported:
        return None


def _oldest(signer: Signer, broker: Broker) -> float | None:
    now = time.time()
    for count in (1, _FURTHER):
        seen = broker.peek(count)
        ages = [_age(signer, queued, now) for queued in _waiting(seen, now)]
        if known := [age for age in ages if age is not None]:
            return max(known)
        if len(seen) < count:
            return None
    return None


def _waiting(seen: Iterable[Queued], now: float) -> list[Queued]:
    """Return what could be handed out now: neither held under a lease in force nor put off."""
    return [queued for queued in seen if queued.due is None or queued.due <= now]


def _age(signer: Signer, queued: Queued, now: float) -> float | None:
    try:
        sent: float = read_header(signer.verify(TASK, queued.package))["sent"]
    except PackageError:  # a cluster will put it aside
        return None
    return max(0.0, now - sent)
