"""Sending tasks to the queue (manual 1.4)."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import timedelta
from typing import Any

from djq_core import current
from djq_core.cluster.inline import run_inline
from djq_core.enqueue import build_package, enqueue, enqueue_many, repeating
from djq_core.enqueue.options import Options, check_function
from djq_core.envelope import TaskPackage
from djq_core.exceptions import SerializationError
from djq_core.runtime import Runtime
from djq_core.tasks.options import pick_options


def async_task(func: str | Callable[..., Any], *args: Any, **kwargs: Any) -> str:
    """Put a task on the queue and return its id (manual 1.4.1).

    These keywords are options and do not reach the function: ``hook`` (callable or dotted path, called with the Task),
    ``group`` (label), ``save`` (keep a success in the database), ``timeout`` (seconds from its start),
    ``ack_failure`` (do not try again), ``max_attempts`` (starts at most, 0: until it succeeds), ``backoff`` (the pause
    before another attempt: seconds, a list of them, or a dictionary of a growing one), ``sync`` (run it here and now),
    ``cached`` (keep the result in the cache: True for ever, else seconds), ``broker`` (an instance to send with),
    ``task_name``, ``cluster`` (the name of the cluster that runs it), ``enqueue_on_commit`` (send it when the
    transaction is committed: True, or a database's alias) and ``q_options``: a dictionary of these, which leaves their
    keywords to the function.

    Raises TypeError or ValueError for an option that cannot be meant, SerializationError for an argument that cannot
    be sent, ConfigurationError, and whatever the broker or a receiver of ``pre_enqueue`` raises.
    """
    runtime = current.runtime()
    options, own = pick_options(kwargs)
    return send(runtime, package_of(runtime, func, args, own, options), options)


def async_task_many(func: str | Callable[..., Any], args_iter: Iterable[Any], **kwargs: Any) -> list[str]:
    """Put one task for each item on the queue, many with one call to the broker, and return their ids in order.

    An item is a tuple of arguments, or a single argument. ``kwargs`` are those of every call, and options as
    ``async_task`` has them, for each task. Where broker and caller share a database all are sent or none.
    Raises what ``async_task`` raises; nothing is sent then.
    """
    runtime = current.runtime()
    options, own = pick_options(kwargs)
    pattern = package_of(runtime, func, (), own, options)
    named = {"name": options.task_name} if options.task_name else {}

    def own_fields(number: int) -> dict[str, Any]:
        # the results of a group come in the order of these moments
        return {**named, "started": pattern.started + timedelta(microseconds=number)}

    packages = packages_of(runtime, pattern, read_items(args_iter), own_fields)
    send_many(runtime, packages, options)
    return [package.id for package in packages]


def read_items(args_iter: Iterable[Any]) -> list[tuple[Any, ...]]:
    """Return the arguments of one call for each item; raises TypeError."""
    if not isinstance(args_iter, Iterable):
        raise TypeError(f"An iterable of arguments is needed, one item for each call, not {args_iter!r}.")
    return [item if isinstance(item, tuple) else (item,) for item in args_iter]


def packages_of(
    runtime: Runtime,
    pattern: TaskPackage,
    items: Iterable[tuple[Any, ...]],
    fields: Callable[[int], Mapping[str, Any]],
) -> list[TaskPackage]:
    """Return the call of the pattern with each item; ``fields`` gives what else is an item's own, by its number."""
    with_args, packages = repeating(runtime, pattern), []
    for number, args in enumerate(items):
        try:
            packages.append(with_args(args, fields(number)))
        except SerializationError as error:
            raise SerializationError(f"Item {number + 1} of the iterable: {error}") from error
    return packages


def package_of(
    runtime: Runtime, func: str | Callable[..., Any], args: tuple[Any, ...], kwargs: Mapping[str, Any], options: Options
) -> TaskPackage:
    """Return the package of a call; raises what ``async_task`` raises."""
    if func is None:
        raise TypeError("The function must be a callable or its dotted path, not None.")
    check_function(func, "function")
    wanted = options.for_package(cached=runtime.conf.cached, own_cluster=runtime.conf.name)
    return build_package(runtime, func, args, kwargs, wanted)


def send(runtime: Runtime, package: TaskPackage, options: Options) -> str:
    """Enqueue a package, or run it here where ``sync`` says so; return the task's id."""
    if _is_sync(runtime, options):
        return run_inline(runtime, package)
    return enqueue(runtime, package, options.broker, on_commit=_on_commit(runtime, options))


def send_many(runtime: Runtime, packages: Sequence[TaskPackage], options: Options) -> None:
    """Enqueue several packages of one cluster, or run them here one after the other where ``sync`` says so."""
    if not _is_sync(runtime, options):
        enqueue_many(runtime, packages, options.broker, on_commit=_on_commit(runtime, options))
        return
    for package in packages:
        run_inline(runtime, package)


def _is_sync(runtime: Runtime, options: Options) -> bool:
    return bool(options.sync or runtime.conf.sync)


def _on_commit(runtime: Runtime, options: Options) -> bool | str:
    return runtime.conf.enqueue_on_commit if options.enqueue_on_commit is None else options.enqueue_on_commit
