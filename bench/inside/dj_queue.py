"""The calls of dj-queue."""

from __future__ import annotations

from collections.abc import Sequence

from bench.inside.asking import rows
from bench.inside.framework import append, enqueue

__all__ = ["enqueue", "enqueue_many", "queued", "stored"]


def enqueue_many(numbers: Sequence[int], milliseconds: float) -> None:
    """Send many in one call."""
    append.get_backend().enqueue_all([(append, [number, milliseconds], {}) for number in numbers])


def queued() -> int:
    """Return how many are on the queue, whoever holds them."""
    return rows("dj_queue_ready_executions") + rows("dj_queue_claimed_executions")


def stored() -> int:
    """Return how many results there are."""
    return rows("dj_queue_jobs", "finished_at IS NOT NULL")
