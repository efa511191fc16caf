"""A task in one object (manual 1.4.2)."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from djq_core.tasks.calls import fetch
from djq_core.tasks.groups import fetch_group, result_group
from djq_core.tasks.submit import async_task
from djq_core.tasks.waiting import check_wait

if TYPE_CHECKING:
    from django.db.models import QuerySet

    from djq_core.models import Task


class _Option:
    """An option of ``async_task`` as an attribute; what stands in ``q_options`` comes first."""

    def __set_name__(self, owner: type[AsyncTask], name: str) -> None:
        self._name = name

    def __get__(self, task: AsyncTask | None, owner: type[AsyncTask]) -> Any:
        return self if task is None else self._place(task).get(self._name)

    def __set__(self, task: AsyncTask, value: Any) -> None:
        self._place(task)[self._name] = value

    def _place(self, task: AsyncTask) -> dict[str, Any]:
        q_options = task.kwargs.get("q_options") or {}
        return q_options if self._name in q_options else task.kwargs


class AsyncTask:
    """A task and its result in one object (manual 1.4.2): takes what :func:`async_task` takes.

    ``func``, ``args``, ``kwargs`` and the options can be read and changed, in ``kwargs`` too; after a change the task
    has to be run again. An option that was not given is None.
    """

    broker = _Option()
    sync = _Option()
    save = _Option()
    hook = _Option()
    group = _Option()
    cached = _Option()
    timeout = _Option()
    ack_failure = _Option()
    max_attempts = _Option()
    backoff = _Option()
    task_name = _Option()
    cluster = _Option()
    enqueue_on_commit = _Option()

    def __init__(self, func: str | Callable[..., Any], *args: Any, **kwargs: Any) -> None:
        self.id = ""
        self.func = func
        self.args = args
        self.kwargs = kwargs
        if isinstance(q_options := kwargs.get("q_options"), Mapping):
            self.kwargs["q_options"] = dict(q_options)
        self._ran: Sequence[Any] | None = None

    @property
    def started(self) -> bool:
        """Has the task been run with what it is given now?"""
        now = self._given()
        return self._ran is not None and len(now) == len(self._ran) and all(map(_is, now, self._ran))

    def run(self) -> str:
        """Send the task to the cluster and return its id; raises what :func:`async_task` raises."""
        self.id = async_task(self.func, *self.args, **self.kwargs)
        self._ran = self._given()
        return self.id

    def result(self, wait: int = 0) -> Any:
        """Return the result, None where there is none yet or the task was not run; ``wait`` is in milliseconds."""
        task = self.fetch(wait)
        return task.result if task else None

    def fetch(self, wait: int = 0) -> Task | None:
        """Return the Task, None where there is none yet or the task was not run; ``wait`` is in milliseconds."""
        check_wait(wait)
        return fetch(self.id, wait, self.cached) if self.started else None

    def result_group(self, failures: bool = False, wait: int = 0, count: int | None = None) -> list[Any]:
        """Return the results of this task's group, whoever sent them, as :func:`result_group` does."""
        return result_group(self.group, failures, wait, count, self.cached) if self._has_group else []

    def fetch_group(
        self, failures: bool = True, wait: int = 0, count: int | None = None
    ) -> Sequence[Task] | QuerySet[Task]:
        """Return the tasks of this task's group, whoever sent them, as :func:`fetch_group` does."""
        return fetch_group(self.group, failures, wait, count, cached=self.cached) if self._has_group else []

    @property
    def _has_group(self) -> bool:
        return self.group not in (None, "")  # the number 0 is a label

    def _given(self) -> Sequence[Any]:
        """Return all that the task is given, flat, so that a change of a dictionary shows too."""
        named = [*self.kwargs.items(), *(self.kwargs.get("q_options") or {}).items()]
        return [self.func, *self.args, *(each for pair in sorted(named, key=_name) for each in pair)]


def _name(pair: tuple[str, Any]) -> str:
    return pair[0]


def _is(one: object, other: object) -> bool:
    return one is other or (isinstance(one, str) and one == other)
