"""Typed calls to every plugin: core never calls pluggy's hooks itself."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, Final

from pluggy import PluginManager

from djq_core.exceptions import PluginError
from djq_core.markers import PROJECT
from djq_core.plugins.calls import Implementation, read_only
from djq_core.plugins.masking import HIDDEN
from djq_core.plugins.specs import HookSpecs
from djq_core.plugins.values import Health

if TYPE_CHECKING:
    from django.core.checks import CheckMessage

    from djq_core.conf import Conf

logger = logging.getLogger("djq")

#: The name under which core registers its own implementations.
CORE: Final = "core"


def new_manager() -> PluginManager:
    """Return a plugin manager that knows the catalogue and no plugin."""
    manager = PluginManager(PROJECT)
    manager.add_hookspecs(HookSpecs)
    return manager


class Hooks:
    """One method per hook; see :class:`djq_core.plugins.specs.HookSpecs` for who is called when.

    A hook that nobody implements, a Django signal without receivers included, costs next to nothing.
    """

    def __init__(self, manager: PluginManager, *, clock: Callable[[], float] = time.monotonic) -> None:
        self._manager = manager
        self._clock = clock
        self._ready_with: Conf | None = None
        self._implementations: dict[str, tuple[Implementation, ...]] = {}
        self._refresh()

    def register(self, plugin: object, name: str) -> None:
        """Add a plugin to this runtime alone, for tests and for a site's own hooks; raises what pluggy refuses.

        Its ``djq_ready`` is called at once where the others' has been. What it registers by key is not looked at.
        """
        self._manager.register(plugin, name)
        self._refresh()
        if self._ready_with is not None:
            self._notify("djq_ready", {"conf": self._ready_with}, only=name)

    # A process begins

    def ready(self, conf: Conf) -> None:
        """Tell every plugin that this process is about to use djq."""
        self._ready_with = conf
        self._notify("djq_ready", {"conf": conf})

    def check(self, conf: Conf, deploy: bool) -> list[CheckMessage]:
        """Return the messages of all plugins for ``manage.py check``."""
        answers = self._notify("djq_check", {"conf": conf, "deploy": deploy})
        return [message for answer in answers for message in answer]

    # The way of a task

    @property
    def wants_enqueue(self) -> bool:
        """Is there anyone to tell of a task that is enqueued?"""
        return self._has_active("djq_pre_enqueue", "djq_post_enqueue")

    def pre_enqueue(self, task: Mapping[str, Any]) -> dict[str, str]:
        """Return the headers that plugins add; raise what one raises. An empty task is nobody's."""
        headers: dict[str, str] = {}
        for implementation in self._active("djq_pre_enqueue") if task else ():
            headers.update(_headers(implementation.plugin, implementation.call({"task": task})))
        return headers

    def post_enqueue(self, task: Mapping[str, Any], receipt: str | None) -> None:
        """Tell that the broker has taken a task."""
        if task:
            self._notify("djq_post_enqueue", {"task": task, "receipt": receipt})

    def resolve_function(self, path: str) -> Callable[..., Any] | None:
        """Return the callable that a plugin gives for a path, None to leave it to core; raise what one raises."""
        if not self._implementations["djq_resolve_function"]:
            return None
        return self._manager.hook.djq_resolve_function(path=path)  # type: ignore[no-any-return]

    def pre_execute(self, func: Callable[..., Any], task: Mapping[str, Any]) -> None:
        """Prepare for a task; raise what a plugin raises."""
        for implementation in self._active("djq_pre_execute"):
            implementation.call({"func": func, "task": task})

    def execute(self, func: Callable[..., Any], task: Mapping[str, Any]) -> Any:
        """Run ``func`` with the ``args`` and ``kwargs`` of the task, inside the plugins that wrap it."""
        if not self._executors or not any(executor.is_active() for executor in self._executors):
            return func(*task["args"], **task["kwargs"])
        return self._manager.hook.djq_execute(func=func, task=read_only(task))

    @property
    def wants_post_execute_in_worker(self) -> bool:
        """Is there anyone to tell, in the worker, of a run that has ended?"""
        return self._has_active("djq_post_execute_in_worker")

    def post_execute_in_worker(
        self, func: Callable[..., Any], task: Mapping[str, Any], result: Any, error: BaseException | None = None
    ) -> None:
        """Tell of a run that has ended, with the ``error`` that it ended with."""
        self._notify("djq_post_execute_in_worker", {"func": func, "task": task, "result": result, "error": error})

    @property
    def wants_post_execute(self) -> bool:
        """Is there anyone to tell of a task whose result is saved?"""
        return self._has_active("djq_post_execute")

    def post_execute(self, task: Mapping[str, Any]) -> None:
        """Tell of a task whose result is saved; ``task`` has ``success`` and ``result``."""
        self._notify("djq_post_execute", {"task": task})

    @property
    def wants_verdicts(self) -> bool:
        """Is there anyone to tell of a task that is tried again or given up?"""
        return self._has_active("djq_task_retried", "djq_task_quarantined")

    def task_retried(self, task: Mapping[str, Any], attempt: int, delay: float) -> None:
        """Tell of a task that failed and goes back to the broker, for ``delay`` seconds."""
        self._notify("djq_task_retried", {"task": task, "attempt": attempt, "delay": delay})

    def task_quarantined(self, task: Mapping[str, Any], reason: str) -> None:
        """Tell of a task that was given up or could not be read."""
        self._notify("djq_task_quarantined", {"task": task, "reason": reason})

    # The processes of a cluster

    def cluster_starting(self, name: str, pid: int) -> None:
        """Tell that a cluster is about to start its processes."""
        self._notify("djq_cluster_starting", {"name": name, "pid": pid})

    def cluster_started(self, name: str, pid: int) -> None:
        """Tell that a cluster's processes run."""
        self._notify("djq_cluster_started", {"name": name, "pid": pid})

    def post_spawn(self, role: str, name: str, pid: int) -> None:
        """Tell that a process was started."""
        self._notify("djq_post_spawn", {"role": role, "name": name, "pid": pid})

    def after_fork(self, role: str) -> None:
        """Let plugins renew what this new process must not share."""
        self._notify("djq_after_fork", {"role": role})

    def process_died(self, role: str, name: str, pid: int, exitcode: int | None, task_name: str | None = None) -> None:
        """Tell that a process ended unbidden, and which task it ran."""
        self._notify(
            "djq_process_died",
            {"role": role, "name": name, "pid": pid, "exitcode": exitcode, "task_name": task_name},
        )

    def process_stopping(self, role: str, name: str, pid: int) -> None:
        """Tell that this process is about to end in order."""
        self._notify("djq_process_stopping", {"role": role, "name": name, "pid": pid})

    def cluster_stopping(self, name: str, pid: int) -> None:
        """Tell that a cluster was told to stop."""
        self._notify("djq_cluster_stopping", {"name": name, "pid": pid})

    def cluster_stopped(self, name: str, pid: int) -> None:
        """Tell that a cluster's processes have ended."""
        self._notify("djq_cluster_stopped", {"name": name, "pid": pid})

    # Watching

    @property
    def wants_metrics(self) -> bool:
        """Is there anyone to hand a measurement to?"""
        return bool(self._implementations["djq_metric"])

    def metric(self, name: str, value: float, tags: Mapping[str, str] | None = None) -> None:
        """Hand out a measurement."""
        if self.wants_metrics:
            self._notify("djq_metric", {"name": name, "value": value, "tags": dict(tags or {})})

    def health(self) -> list[Health]:
        """Return how the parts of all plugins are; one that raises is not well."""
        return [health for implementation in self._active("djq_health") for health in _health(implementation)]

    def redact(self, key: str, value: object) -> str | None:
        """Return what to show in place of a setting's value, None to show it."""
        try:
            shown = self._manager.hook.djq_redact(key=key, value=value)
        except Exception:
            logger.exception("A plugin failed in djq_redact for %s", key)
            return HIDDEN
        return None if shown is None else str(shown)

    # Calling

    def _refresh(self) -> None:
        self._implementations = {
            hook: tuple(Implementation(hook, impl, clock=self._clock) for impl in self._called_first_to_last(hook))
            for hook in dir(HookSpecs)
            if hook.startswith(f"{PROJECT}_")
        }
        self._executors = [each for each in self._implementations["djq_execute"] if each.plugin != CORE]

    def _called_first_to_last(self, hook: str) -> list[Any]:
        return list(reversed(getattr(self._manager.hook, hook).get_hookimpls()))

    def _active(self, hook: str) -> list[Implementation]:
        return [implementation for implementation in self._implementations[hook] if implementation.is_active()]

    def _has_active(self, *hooks: str) -> bool:
        for hook in hooks:
            for implementation in self._implementations[hook]:
                if implementation.is_active():
                    return True
        return False

    def _notify(self, hook: str, arguments: Mapping[str, Any], *, only: str | None = None) -> list[Any]:
        if not (active := self._active(hook)):
            return []
        answers = [each.notify(arguments) for each in active if only in (None, each.plugin)]
        return [answer for answer in answers if answer is not None]


def _headers(plugin: str, headers: object) -> Mapping[str, str]:
    if headers is None:
        return {}
    if not isinstance(headers, Mapping) or not all(isinstance(text, str) for pair in headers.items() for text in pair):
        raise PluginError(
            f"djq_pre_enqueue of the plugin {plugin!r} returned {headers!r}: give a mapping of texts, or None."
        )
    return headers


def _health(implementation: Implementation) -> list[Health]:
    try:
        answers = list(implementation.call({}))
        if wrong := [answer for answer in answers if not isinstance(answer, Health)]:
            raise TypeError(f"djq_health returned {wrong[0]!r}: give values of djq_core.plugins.Health.")
    except (Exception, SystemExit) as error:
        logger.exception("Plugin %s failed in djq_health", implementation.plugin)
        return [Health(implementation.plugin, is_healthy=False, message=f"{type(error).__name__}: {error}")]
    return answers
