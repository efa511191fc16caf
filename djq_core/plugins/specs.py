"""The catalogue of hooks, in the order of a task's and a cluster's life.

Each says when and in which process it is called, what its return means, and what happens when it raises. "Logged" means
that the error goes to the logger ``djq`` with the plugin's name, the other implementations are called all the same, and
an implementation that raised five times in a row is left out for a minute. ``task`` is always a dictionary of the
plugin's own (manual 1.13): changing it changes nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Protocol

from djq_core.markers import hookspec

if TYPE_CHECKING:
    from django.core.checks import CheckMessage

    from djq_core.brokers import Broker
    from djq_core.conf import Conf
    from djq_core.plugins.values import Health, PluginSetting
    from djq_core.reporters import ErrorReporter
    from djq_core.results import ResultBackend
    from djq_core.schedules import ScheduleType
    from djq_core.serializers import Serializer


class HookSpecs(Protocol):
    """Every hook that core calls."""

    # Loading: called once per runtime, in every process that builds one. A raise makes the plugin broken.

    @hookspec
    def djq_register_brokers(self) -> list[type[Broker]]:
        """Return the broker classes of the plugin, each with a ``name`` and its ``conf_keys``.

        .. versionadded:: 0.1
        """

    @hookspec
    def djq_register_result_backends(self) -> list[type[ResultBackend]]:
        """Return the result backends of the plugin, each with a ``name``.

        .. versionadded:: 0.1
        """

    @hookspec
    def djq_register_serializers(self) -> list[type[Serializer]]:
        """Return the serializers of the plugin, each with a ``tag``.

        .. versionadded:: 0.1
        """

    @hookspec
    def djq_register_error_reporters(self) -> list[type[ErrorReporter]]:
        """Return the error reporters of the plugin, each with the ``name`` that chooses it.

        .. versionadded:: 0.1
        """

    @hookspec
    def djq_register_schedule_types(self) -> list[type[ScheduleType]]:
        """Return the kinds of schedules of the plugin, each with a ``code``.

        .. versionadded:: 0.1
        """

    @hookspec
    def djq_settings(self) -> list[PluginSetting]:
        """Return the keys of ``Q_CLUSTER`` that the plugin reads, besides the ``conf_keys`` of its classes.

        .. versionadded:: 0.1
        """

    # A process begins

    @hookspec
    def djq_check(self, conf: Conf, deploy: bool) -> Sequence[CheckMessage]:
        """Return messages for ``manage.py check``; ``deploy`` is its option of that name. Logged when it raises.

        .. versionadded:: 0.1
        """

    @hookspec
    def djq_after_fork(self, role: str) -> None:
        """Renew what a process must not share with its parent, in a new process before it works. Logged.

        .. versionadded:: 0.1
        """

    @hookspec(historic=True)
    def djq_ready(self, conf: Conf) -> None:
        """Learn that this process is about to use djq; also called for a plugin that is registered later. Logged.

        .. versionadded:: 0.1
        """

    @hookspec
    def djq_post_spawn(self, role: str, name: str, pid: int) -> None:
        """Learn that a process was started, in that process before it works. Logged when it raises.

        ``role`` is pusher, worker, monitor or scheduler; ``name`` is the one in the log.

        .. versionadded:: 0.1
        """

    # The way of a task

    @hookspec
    def djq_pre_enqueue(self, task: Mapping[str, Any]) -> Mapping[str, str] | None:
        """Veto a task, or add to its headers, where ``async_task`` is called.

        What it raises reaches the caller and the task is not sent. A mapping of texts that it returns is merged into
        the package's signed headers (trace context, tenant).

        .. versionadded:: 0.1
        """

    @hookspec
    def djq_post_enqueue(self, task: Mapping[str, Any], receipt: str | None) -> None:
        """Learn that the broker has taken a task, where ``async_task`` was called. Logged when it raises.

        ``receipt`` is the broker's tracking id, None where it has none.

        .. versionadded:: 0.1
        """

    @hookspec(firstresult=True)
    def djq_resolve_function(self, path: str) -> Callable[..., Any] | None:
        """Return the callable of a dotted path; None leaves it to others, at last to core.

        Called in the worker for a task's function, in the monitor for its hook, when ``allowed_functions`` has it.
        What it raises refuses the function: the task fails with that error, a hook is not called.

        .. versionadded:: 0.1
        """

    @hookspec
    def djq_pre_execute(self, func: Callable[..., Any], task: Mapping[str, Any]) -> None:
        """Prepare for a task, in the worker before it. What it raises is the task's failure.

        .. versionadded:: 0.1
        """

    @hookspec(firstresult=True)
    def djq_execute(self, func: Callable[..., Any], task: Mapping[str, Any]) -> Any:
        """Run a task, in the worker: ``func(*task["args"], **task["kwargs"])`` is core's own implementation.

        Wrap it with ``@hookimpl(wrapper=True)``: yield once, return the result. An implementation that does not wrap
        and returns anything but None takes core's place. What it raises is the task's failure.

        .. versionadded:: 0.1
        """

    @hookspec
    def djq_post_execute_in_worker(
        self, func: Callable[..., Any], task: Mapping[str, Any], result: Any, error: BaseException | None
    ) -> None:
        """Learn of a run that has ended, in the worker, before its result is saved. Logged when it raises.

        ``error`` is what the run failed with, time-outs included, and ``result`` then the text that is recorded; None
        where it succeeded, and ``result`` is what the function returned. Follows each :meth:`djq_pre_execute`, unless
        the worker is killed.

        .. versionadded:: 0.1
        """

    @hookspec
    def djq_post_execute(self, task: Mapping[str, Any]) -> None:
        """Learn that a result is saved, in the monitor. Logged when it raises.

        ``task`` has ``success``, ``result``, ``stopped`` and ``attempt`` too.

        .. versionadded:: 0.1
        """

    @hookspec
    def djq_task_retried(self, task: Mapping[str, Any], attempt: int, delay: float) -> None:
        """Learn that a task failed and is about to go back to the broker, in the monitor. Logged when it raises.

        ``attempt`` counts the starts so far; ``delay`` is in seconds. One that outlasts ``hook_timeout`` is given up.

        .. versionadded:: 0.1
        """

    @hookspec
    def djq_task_quarantined(self, task: Mapping[str, Any], reason: str) -> None:
        """Learn that a task was given up or could not be read, in the monitor. Logged when it raises.

        One that outlasts ``hook_timeout`` is given up.

        .. versionadded:: 0.1
        """

    # A cluster and its processes

    @hookspec
    def djq_cluster_starting(self, name: str, pid: int) -> None:
        """Learn that a cluster is about to start its processes, in the process of the command. Logged when it raises.

        .. versionadded:: 0.1
        """

    @hookspec
    def djq_cluster_started(self, name: str, pid: int) -> None:
        """Learn that the cluster's processes run, in the process of the command. Logged when it raises.

        .. versionadded:: 0.1
        """

    @hookspec
    def djq_process_died(self, role: str, name: str, pid: int, exitcode: int | None, task_name: str | None) -> None:
        """Learn that a process of the cluster ended unbidden, in the monitor. Logged when it raises.

        Of the sentinel itself it is told in the process of the command, for the sentinel runs no code of plugins.
        ``exitcode`` is negative for a signal; ``task_name`` names the task that it ran, None for none.

        .. versionadded:: 0.1
        """

    @hookspec
    def djq_process_stopping(self, role: str, name: str, pid: int) -> None:
        """Send what is still kept (spans, reports), in a process that is about to end in order. Logged when it raises.

        ``role`` and ``name`` are those of :meth:`djq_post_spawn`. A worker that takes more than some seconds is ended.
        A process that is killed tells nobody.

        .. versionadded:: 0.1
        """

    @hookspec
    def djq_cluster_stopping(self, name: str, pid: int) -> None:
        """Learn that the cluster was told to stop, in the process of the command. Logged when it raises.

        .. versionadded:: 0.1
        """

    @hookspec
    def djq_cluster_stopped(self, name: str, pid: int) -> None:
        """Learn that the cluster's processes have ended, in the process of the command. Logged when it raises.

        .. versionadded:: 0.1
        """

    # Watching

    @hookspec
    def djq_metric(self, name: str, value: float, tags: Mapping[str, str]) -> None:
        """Take a measurement, in the process that made it. Logged when it raises.

        The monitor measures each run once its result is saved: ``task_run_seconds``, and of a first run
        ``task_wait_seconds`` since the task was sent. Their tags are ``queue``, ``func`` and ``outcome`` (success or
        failure). One that outlasts ``hook_timeout`` is given up.

        .. versionadded:: 0.1
        """

    @hookspec
    def djq_health(self) -> Sequence[Health]:
        """Return how the plugin's own parts are, where it is asked for; a raise counts as not healthy and is logged.

        .. versionadded:: 0.1
        """

    @hookspec(firstresult=True)
    def djq_redact(self, key: str, value: object) -> str | None:
        """Return the text to show in place of a setting's value, None to leave it to others.

        Called where settings are shown. When it raises, that is logged and the value is not shown at all.

        .. versionadded:: 0.1
        """
