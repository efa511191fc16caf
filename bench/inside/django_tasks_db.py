"""The calls of django-tasks-db."""

from __future__ import annotations

from bench.inside.asking import rows
from bench.inside.framework import enqueue

__all__ = ["enqueue", "queued", "stored"]

_TABLE = "django_tasks_database_dbtaskresult"


def queued() -> int:
    """Return how many are on the queue, whoever holds them."""
    return rows(_TABLE, "status IN ('READY', 'RUNNING')")


def stored() -> int:
    """Return how many results there are."""
    return rows(_TABLE, "status = 'SUCCESSFUL'")
