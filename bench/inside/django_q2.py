"""The calls of Django-Q2."""

from __future__ import annotations

from django_q.brokers import get_broker
from django_q.models import Success
from django_q.tasks import async_task

TASK = "bench.work.append"


def enqueue(number: int, milliseconds: float) -> None:
    """Send one task."""
    async_task(TASK, number, milliseconds)


def queued() -> int:
    """Return how many are on the queue, whoever holds them."""
    broker = get_broker()
    return int(broker.queue_size()) + int(broker.lock_size() or 0)


def stored() -> int:
    """Return how many results there are."""
    return int(Success.objects.count())
