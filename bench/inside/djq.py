"""Our own calls."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from django.utils import timezone

from bench.inside.asking import setting
from djq_core.brokers import get_broker
from djq_core.models import Success
from djq_core.tasks import async_task, async_task_many

TASK = "bench.work.append"
#: How many rows are made at once.
CHUNK = 5000


def enqueue(number: int, milliseconds: float) -> None:
    """Send one task."""
    async_task(TASK, number, milliseconds)


def enqueue_many(numbers: Sequence[int], milliseconds: float) -> None:
    """Send many in one call."""
    async_task_many(TASK, [(number, milliseconds) for number in numbers])


def stuff(count: int) -> None:
    """Put so many successes into the table."""
    now = timezone.now()
    for start in range(0, count, CHUNK):
        rows = (_success(number, now) for number in range(start, min(start + CHUNK, count)))
        Success.objects.bulk_create(rows)


def _success(number: int, when: datetime) -> Success:
    name = f"{number:032x}"
    return Success(
        id=name, name=name, func=TASK, args=(number, 0.0), kwargs={}, started=when, stopped=when, success=True
    )


def queued() -> int:
    """Return how many are on the queue, whoever holds them."""
    broker = get_broker()
    return broker.queue_size() + broker.lock_size()


def stored() -> int:
    """Return how many results there are."""
    if setting("Q_CLUSTER").get("cached"):
        return _cached()
    return int(Success.objects.count())


def _cached() -> int:
    from django.core.cache import cache

    client = cache._cache.get_client(None, write=True)  # type: ignore[attr-defined]
    return sum(1 for _ in client.scan_iter(match="*djq:success:*", count=10_000))
