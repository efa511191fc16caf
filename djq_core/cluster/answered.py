"""How often a package came since a cluster last recorded how it ended, where the broker counts every delivery."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

from django.db import DatabaseError, router

from djq_core.cluster.databases import refresh_connections
from djq_core.models import Part, Task

if TYPE_CHECKING:
    from djq_core.runtime import Runtime

logger = logging.getLogger("djq")


def deliveries_since_an_end(runtime: Runtime, task_id: str, count: int) -> int:
    """Return how many of ``count`` deliveries came after the last one whose end is recorded, this one included.

    The number of a delivery is recorded as the attempt. While the database is away it is 1: the package is run.
    """
    try:
        ended = max(map(int, filter(None, (_in_database(Task, task_id), _in_database(Part, task_id)))), default=0)
    except DatabaseError as error:
        logger.warning("Nobody can tell now how the deliveries of %s ended: %s", task_id, error)
        refresh_connections()
        return 1
    cached = runtime.cache_results.get(task_id)
    return count - max(ended, cached.attempt_count if cached is not None else 0)


def _in_database(model: type[Task | Part], task_id: str) -> int | None:
    rows = model._default_manager.using(router.db_for_write(model)).filter(pk=task_id)
    return rows.values_list("attempt_count", flat=True).first()
