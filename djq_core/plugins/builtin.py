"""What core itself offers, through the same hooks as every plugin."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

from django.dispatch import Signal

from djq_core import signals
from djq_core.markers import hookimpl
from djq_core.serializers import JsonSerializer, PickleSerializer, Serializer

if TYPE_CHECKING:
    from djq_core.results import ResultBackend

logger = logging.getLogger("djq")

_SIGNALS = {
    "djq_pre_enqueue": signals.pre_enqueue,
    "djq_pre_execute": signals.pre_execute,
    "djq_post_execute_in_worker": signals.post_execute_in_worker,
    "djq_post_execute": signals.post_execute,
    "djq_post_spawn": signals.post_spawn,
}


def is_idle(hook: str) -> bool:
    """Return whether a hook is for a signal that nobody has connected to."""
    return hook in _SIGNALS and not _SIGNALS[hook].receivers


@hookimpl
def djq_register_result_backends() -> list[type[ResultBackend]]:
    """Offer the database and Django's cache; imported here because models need a loaded app registry."""
    from djq_core.results.cache import CacheResults
    from djq_core.results.database import DatabaseResults

    return [DatabaseResults, CacheResults]


@hookimpl
def djq_register_serializers() -> list[type[Serializer]]:
    """Offer pickle and JSON."""
    return [PickleSerializer, JsonSerializer]


@hookimpl(trylast=True)
def djq_execute(func: Callable[..., Any], task: Mapping[str, Any]) -> Any:
    """Call the function of the task."""
    return func(*task["args"], **task["kwargs"])


# Django's signals (manual 1.13)


@hookimpl
def djq_pre_enqueue(task: dict[str, Any]) -> None:
    """Send ``pre_enqueue``; a receiver that raises stops the call."""
    signals.pre_enqueue.send(signals.SENDER, task=task)


@hookimpl
def djq_pre_execute(func: Callable[..., Any], task: dict[str, Any]) -> None:
    """Send ``pre_execute``; a receiver that raises makes the task fail."""
    signals.pre_execute.send(signals.SENDER, func=func, task=task)


@hookimpl
def djq_post_execute_in_worker(
    func: Callable[..., Any], task: dict[str, Any], result: Any, error: BaseException | None
) -> None:
    """Send ``post_execute_in_worker``, the result in the task."""
    told = {**task, "success": error is None, "result": result}
    _tell(signals.post_execute_in_worker, func=func, task=told, error=error)


@hookimpl
def djq_post_execute(task: dict[str, Any]) -> None:
    """Send ``post_execute``."""
    _tell(signals.post_execute, task=task)


@hookimpl
def djq_post_spawn(role: str, name: str, pid: int) -> None:
    """Send ``post_spawn``."""
    _tell(signals.post_spawn, proc_name=name, role=role, pid=pid)


def _tell(signal: Signal, **arguments: Any) -> None:
    try:
        answers = signal.send_robust(signals.SENDER, **arguments)
    except SystemExit:  # no reason to leave all receivers out for a while, as a plugin that raises is
        logger.exception("A signal receiver tried to end the process, those after it were not told")
        return
    for receiver, answer in answers:
        if isinstance(answer, Exception):
            logger.error("Signal receiver %r failed", receiver, exc_info=answer)
