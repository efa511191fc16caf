"""The door for a site's code: send tasks, plan them, and ask what became of them (manual 1.4 to 1.8)."""

from __future__ import annotations

from djq_core.tasks.async_tasks import AsyncTask
from djq_core.tasks.calls import delete_cached, fetch, queue_size, result
from djq_core.tasks.chains import Chain, async_chain
from djq_core.tasks.groups import count_group, delete_group, fetch_group, result_group
from djq_core.tasks.iters import Iter, async_iter
from djq_core.tasks.scheduling import schedule, scheduled
from djq_core.tasks.submit import async_task, async_task_many

__all__ = [
    "AsyncTask",
    "Chain",
    "Iter",
    "async_chain",
    "async_iter",
    "async_task",
    "async_task_many",
    "count_group",
    "delete_cached",
    "delete_group",
    "fetch",
    "fetch_group",
    "queue_size",
    "result",
    "result_group",
    "schedule",
    "scheduled",
]
