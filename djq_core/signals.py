"""The Django signals of a task's life (manual 1.13).

The receivers of a signal share a copy of the task: changing it changes nothing but what those after them see.
``sender`` is :data:`SENDER`.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from django.dispatch import Signal

#: The sender of every signal.
SENDER: Final = "djq"

#: Sent where ``async_task`` is called, with ``task``; a receiver that raises stops the call with its error.
pre_enqueue = Signal()

#: Sent in the worker before a task, with ``func`` and ``task``; a receiver that raises makes the task fail.
pre_execute = Signal()

#: Sent in the worker after each run, with ``func``, ``task`` (its ``success`` and ``result`` included) and ``error``,
#: the exception that it failed with or None.
post_execute_in_worker = Signal()

#: Sent in the monitor once a result is saved, with ``task``, its ``result`` and ``success`` included.
post_execute = Signal()

#: Sent when a process of the cluster has been started, with ``proc_name``, ``role`` and ``pid``.
post_spawn = Signal()


def own_copy(task: Mapping[str, Any]) -> dict[str, Any]:
    """Return the task as a dictionary that its receiver may change; the arguments themselves are not copied."""
    return {key: dict(value) if key in ("kwargs", "headers") else value for key, value in task.items()}
