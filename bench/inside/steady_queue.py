"""The calls of steady-queue, which keeps finished jobs but not what they returned."""

from __future__ import annotations

from steady_queue.models.job import Job

from bench.inside.framework import enqueue

__all__ = ["enqueue", "queued", "stored"]


def queued() -> int:
    """Return how many are on the queue, whoever holds them."""
    return int(Job.objects.filter(finished_at__isnull=True).count())


def stored() -> int:
    """Return how many finished jobs there are."""
    return int(Job.objects.filter(finished_at__isnull=False).count())
