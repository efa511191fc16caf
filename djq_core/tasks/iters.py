"""One function over many arguments, with one result (manual 1.6)."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from djq_core import current
from djq_core.brokers import Broker
from djq_core.enqueue.options import Options
from djq_core.envelope import Place, new_id, task_name
from djq_core.tasks.calls import fetch
from djq_core.tasks.options import pick_options
from djq_core.tasks.submit import package_of, packages_of, read_items, send_many
from djq_core.tasks.waiting import check_wait

if TYPE_CHECKING:
    from djq_core.models import Task


def async_iter(func: str | Callable[..., Any], args_iter: Iterable[Any], **kwargs: Any) -> str:
    """Run a function once for each item, and return the id of the task that holds all results (manual 1.6).

    An item is a tuple of arguments, or a single argument. ``kwargs`` are those of the function, and options of
    ``async_task``: ``group``, ``task_name``, ``cached`` and ``save`` are those of the collated task, ``timeout``,
    ``ack_failure``, ``max_attempts`` and ``backoff`` hold for each call, ``hook`` is ignored. The result is a list in
    the order of the items, with the error's text where a call failed; then the collated task is a failure, until the
    call is tried again and succeeds.

    Raises ValueError for no items and what ``async_task`` raises; nothing is sent then.
    """
    return _start(func, args_iter, *pick_options(kwargs))


class Iter:
    """A function and its arguments, one call after the other, in one object (manual 1.6.1).

    ``kwargs`` may hold options of ``async_task``, in ``q_options`` too; ``cached``, ``sync``, ``broker`` and
    ``enqueue_on_commit`` come before them, and are the configuration's where nothing is given. Once arguments were
    appended it has to be run again.
    """

    def __init__(
        self,
        func: str | Callable[..., Any] | None = None,
        args: Iterable[Any] | None = None,
        kwargs: Mapping[str, Any] | None = None,
        cached: bool | int | None = None,
        sync: bool | None = None,
        broker: Broker | None = None,
        *,
        enqueue_on_commit: bool | str | None = None,
    ) -> None:
        self.func = func
        self.args: list[Any] = [] if args is None else list(args)
        self.kwargs: dict[str, Any] = dict(kwargs or {})
        self.cached = cached
        self.sync = sync
        self.broker = broker
        self.enqueue_on_commit = enqueue_on_commit
        self.id = ""
        self.started = False
        self._cached: bool | int | None = None

    def append(self, *args: Any) -> int:
        """Append the arguments of one call and return the number of calls."""
        self.args.append(args)
        self.started = False
        return self.length()

    def run(self) -> str:
        """Send the calls to the cluster and return the id of the collated task; raises what async_iter raises."""
        chosen = {name: getattr(self, name) for name in ("cached", "sync", "broker", "enqueue_on_commit")}
        options, own = pick_options(self.kwargs)
        options = replace(options, **{name: value for name, value in chosen.items() if value is not None})
        self.id = _start(self.func, self.args, options, own)  # type: ignore[arg-type]
        self._cached = options.cached
        self.started = True
        return self.id

    def result(self, wait: int = 0) -> list[Any] | None:
        """Return the list of results, None where they are not complete; ``wait`` is in milliseconds, -1 for ever."""
        task = self.fetch(wait)
        return task.result if task else None

    def fetch(self, wait: int = 0) -> Task | None:
        """Return the collated task, None where it is not complete; ``wait`` is in milliseconds, -1 for ever."""
        check_wait(wait)
        return fetch(self.id, wait, self._cached) if self.started else None

    def length(self) -> int:
        """Return the number of calls."""
        return len(self.args)


def _start(func: str | Callable[..., Any], args_iter: Iterable[Any], options: Options, own: Mapping[str, Any]) -> str:
    runtime = current.runtime()
    items = read_items(args_iter)
    if not items:
        raise ValueError("The iterable is empty: there is nothing to run, and no result to wait for.")
    pattern = package_of(runtime, func, (), own, replace(options, hook=None, task_name=None))
    whole = new_id()
    place = Place(whole, options.task_name or task_name(whole), 0, len(items))
    packages = packages_of(runtime, pattern, items, lambda number: {"place": replace(place, number=number)})
    send_many(runtime, packages, options)
    return whole
