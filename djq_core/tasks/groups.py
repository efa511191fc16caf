"""Asking what became of the tasks of a group (manual 1.5)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Literal, overload

from djq_core.results import ResultBackend, parts
from djq_core.tasks.calls import backend_for
from djq_core.tasks.waiting import FOREVER, check_count, check_wait, wait_for

if TYPE_CHECKING:
    from django.db.models import QuerySet

    from djq_core.models import Task


def result_group(
    group_id: str,
    failures: bool = False,
    wait: int = 0,
    count: int | None = None,
    cached: bool | int | None = None,
) -> list[Any]:
    """Return the results of a group in the order of the calls, with ``failures`` those of failed tasks too.

    ``count`` waits until the group has that many results, failed ones counted, at most ``wait`` milliseconds where
    that is given, or until the group is that of a chain which has ended; without ``count``, ``wait`` waits for the
    first result. ``cached`` asks the cache instead of the
    database (default: the setting ``cached``). Raises ValueError for a ``wait`` below -1.
    """
    backend = backend_for(cached)
    _wait_for_group(backend, str(group_id), wait, count, failures)
    return backend.get_group_results(str(group_id), failures=failures)


@overload
def fetch_group(
    group_id: str,
    failures: bool = ...,
    wait: int = ...,
    count: int | None = ...,
    cached: Literal[False] | None = ...,
) -> QuerySet[Task]: ...


@overload
def fetch_group(
    group_id: str,
    failures: bool = ...,
    wait: int = ...,
    count: int | None = ...,
    *,
    cached: bool | int | None,
) -> Sequence[Task] | QuerySet[Task]: ...


def fetch_group(
    group_id: str,
    failures: bool = True,
    wait: int = 0,
    count: int | None = None,
    cached: bool | int | None = None,
) -> Sequence[Task] | QuerySet[Task]:
    """Return the tasks of a group: a query set from the database, a list from the cache.

    ``failures=False`` leaves out the failed ones; ``wait``, ``count`` and ``cached`` are those of :func:`result_group`.
    """
    backend = backend_for(cached)
    _wait_for_group(backend, str(group_id), wait, count, failures)
    return backend.get_group(str(group_id), failures=failures)


def count_group(group_id: str, failures: bool = False, cached: bool | int | None = None) -> int:
    """Return the number of results of a group, or with ``failures`` the number of its failures alone."""
    return backend_for(cached).count_group(str(group_id), failures=failures)


def delete_group(group_id: str, tasks: bool = False, cached: bool | int | None = None) -> int:
    """Take the label off a group, with ``tasks`` delete its tasks too; return the number of tasks affected."""
    return backend_for(cached).delete_group(str(group_id), tasks=tasks)


def _wait_for_group(backend: ResultBackend, group_id: str, wait: int, count: int | None, failures: bool) -> None:
    check_wait(wait)
    check_count(count)
    if count is not None:
        wait_for(lambda: backend.count_group(group_id) >= count or parts.has_ended(group_id), wait or FOREVER)
    elif wait:
        wait_for(lambda: _size(backend, group_id, failures), wait)


def _size(backend: ResultBackend, group_id: str, failures: bool) -> int:
    size = backend.count_group(group_id)
    return size if failures else size - backend.count_group(group_id, failures=True)
