"""The calls of django-ox."""

from __future__ import annotations

from collections.abc import Sequence

from django_ox.bulk import enqueue_many as send

from bench.inside.asking import rows
from bench.inside.framework import append, enqueue

__all__ = ["enqueue", "enqueue_many", "queued", "stored"]

_TABLE = "django_ox_oxtask"


def enqueue_many(numbers: Sequence[int], milliseconds: float) -> None:
    """Send many in one call."""
    send(append, [((number, milliseconds), {}) for number in numbers])


def queued() -> int:
    """Return how many are on the queue, whoever holds them."""
    return rows(_TABLE, "status IN ('READY', 'RUNNING')")


def stored() -> int:
    """Return how many results there are."""
    return rows(_TABLE, "status = 'SUCCESSFUL'")
