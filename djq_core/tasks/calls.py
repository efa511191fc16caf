"""Asking what became of a task (manual 1.4.6)."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from djq_core import current
from djq_core.brokers import Broker
from djq_core.models import Task
from djq_core.results import ResultBackend
from djq_core.tasks.waiting import check_wait, wait_for


def result(task_id: str | UUID, wait: int = 0, cached: bool | int | None = None) -> Any:
    """Return the result of a task, by id or name: None where there is none yet, the error's text where it failed.

    ``wait`` is how many milliseconds to wait for it, -1 for ever; ``cached`` asks the cache instead of the database
    (default: the setting ``cached``). Raises ValueError for a ``wait`` below -1.
    """
    task = fetch(task_id, wait, cached)
    return task.result if task else None


def fetch(task_id: str | UUID, wait: int = 0, cached: bool | int | None = None) -> Task | None:
    """Return a task that has been executed, by id or name, None where there is none yet.

    ``wait`` and ``cached`` are those of :func:`result`. A task from the cache is unsaved: its ``save()`` stores it in
    the database.
    """
    check_wait(wait)
    backend, key = backend_for(cached), _text(task_id)
    return wait_for(lambda: backend.get(key), wait)


def queue_size(broker: Broker | None = None) -> int:
    """Return the number of task packages that wait in the queue, without those being processed."""
    return (broker or current.runtime().shared_broker()).queue_size()


def delete_cached(task_id: str | UUID, broker: Broker | None = None) -> bool:  # noqa: ARG001 - the manual's signature
    """Delete a task, by id or name, from the cache and return whether it was there; ``broker`` makes no difference."""
    return current.runtime().cache_results.delete(_text(task_id))


def _text(task_id: str | UUID) -> str:
    """Return an id as tasks have it: a UUID, as a UUIDField returns it, without hyphens."""
    return task_id.hex if isinstance(task_id, UUID) else str(task_id)


def backend_for(cached: bool | int | None) -> ResultBackend:
    """Return the backend that ``cached`` names, None standing for the setting of that name."""
    runtime = current.runtime()
    return runtime.results_for(runtime.conf.cached if cached is None else cached)
