"""The façade: what a plugin is told, what its return means, and what becomes of one that raises."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Generator, Mapping
from typing import Any

import pytest
from django.core.checks import Warning as CheckWarning

from djq_core import hookimpl
from djq_core.exceptions import FunctionNotFound, PluginError, TimeLimitExceeded
from djq_core.plugins import Health, Hooks, builtin
from djq_core.plugins.calls import PAUSE, STRIKES
from djq_core.plugins.hooks import CORE, new_manager
from djq_core.plugins.specs import HookSpecs
from tests.plugins.distributions import conf_of

TASK = {"id": "1", "name": "one", "args": (1, 2), "kwargs": {"sep": ","}, "headers": {}}


class Clock:
    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


def hooks_with(*plugins: object, clock: Callable[[], float] = time.monotonic) -> Hooks:
    manager = new_manager()
    manager.register(builtin, CORE)
    hooks = Hooks(manager, clock=clock)
    for number, plugin in enumerate(plugins, start=1):
        hooks.register(plugin, f"plugin{number}")
    return hooks


class Recorder:
    """Implements every notification and writes down what it is told."""

    def __init__(self, log: list[Any] | None = None) -> None:
        self.log: list[Any] = [] if log is None else log

    @hookimpl
    def djq_ready(self, conf: Any) -> None:
        self.log.append(("ready", conf))

    @hookimpl
    def djq_post_enqueue(self, task: Any, receipt: Any) -> None:
        self.log.append(("post_enqueue", task["id"], receipt))

    @hookimpl
    def djq_pre_execute(self, func: Any, task: Any) -> None:
        self.log.append(("pre_execute", func, task["id"]))

    @hookimpl
    def djq_post_execute_in_worker(self, func: Any, task: Any, result: Any) -> None:
        self.log.append(("post_execute_in_worker", func, task["id"], result))

    @hookimpl
    def djq_post_execute(self, task: Any) -> None:
        self.log.append(("post_execute", task["id"]))

    @hookimpl
    def djq_task_retried(self, task: Any, attempt: int, delay: float) -> None:
        self.log.append(("task_retried", task["id"], attempt, delay))

    @hookimpl
    def djq_task_quarantined(self, task: Any, reason: str) -> None:
        self.log.append(("task_quarantined", task["id"], reason))

    @hookimpl
    def djq_cluster_starting(self, name: str, pid: int) -> None:
        self.log.append(("cluster_starting", name, pid))

    @hookimpl
    def djq_cluster_started(self, name: str, pid: int) -> None:
        self.log.append(("cluster_started", name, pid))

    @hookimpl
    def djq_post_spawn(self, role: str, name: str, pid: int) -> None:
        self.log.append(("post_spawn", role, name, pid))

    @hookimpl
    def djq_after_fork(self, role: str) -> None:
        self.log.append(("after_fork", role))

    @hookimpl
    def djq_process_died(self, role: str, name: str, pid: int, exitcode: Any, task_name: Any) -> None:
        self.log.append(("process_died", role, name, pid, exitcode, task_name))

    @hookimpl
    def djq_process_stopping(self, role: str, name: str, pid: int) -> None:
        self.log.append(("process_stopping", role, name, pid))

    @hookimpl
    def djq_cluster_stopping(self, name: str, pid: int) -> None:
        self.log.append(("cluster_stopping", name, pid))

    @hookimpl
    def djq_cluster_stopped(self, name: str, pid: int) -> None:
        self.log.append(("cluster_stopped", name, pid))

    @hookimpl
    def djq_metric(self, name: str, value: float, tags: Any) -> None:
        self.log.append(("metric", name, value, tags))


CONF = conf_of()
NOTIFICATIONS: list[tuple[str, tuple[Any, ...], tuple[Any, ...]]] = [
    ("ready", (CONF,), (CONF,)),
    ("post_enqueue", (TASK, "r1"), ("1", "r1")),
    ("post_execute_in_worker", (print, TASK, 3), (print, "1", 3)),
    ("post_execute", (TASK,), ("1",)),
    ("task_retried", (TASK, 2, 60.0), ("1", 2, 60.0)),
    ("task_quarantined", (TASK, "bad"), ("1", "bad")),
    ("cluster_starting", ("c", 7), ("c", 7)),
    ("cluster_started", ("c", 7), ("c", 7)),
    ("post_spawn", ("worker", "Process-1:1", 7), ("worker", "Process-1:1", 7)),
    ("after_fork", ("worker",), ("worker",)),
    ("process_died", ("worker", "Process-1:1", 7, -9, "one"), ("worker", "Process-1:1", 7, -9, "one")),
    ("process_stopping", ("worker", "Process-1:1", 7), ("worker", "Process-1:1", 7)),
    ("cluster_stopping", ("c", 7), ("c", 7)),
    ("cluster_stopped", ("c", 7), ("c", 7)),
    ("metric", ("tasks", 1.5, {"cluster": "c"}), ("tasks", 1.5, {"cluster": "c"})),
]


@pytest.mark.parametrize(("name", "arguments", "told"), NOTIFICATIONS)
def test_a_notification_reaches_the_plugin(name: str, arguments: tuple[Any, ...], told: tuple[Any, ...]) -> None:
    recorder = Recorder()
    getattr(hooks_with(recorder), name)(*arguments)
    assert recorder.log == [(name, *told)]


@pytest.mark.parametrize(("name", "arguments", "told"), NOTIFICATIONS)
def test_one_that_raises_is_logged_and_cuts_off_nobody(
    name: str, arguments: tuple[Any, ...], told: tuple[Any, ...], caplog: pytest.LogCaptureFixture
) -> None:
    class Full(list[Any]):
        def append(self, item: Any) -> None:
            raise OSError("disk full")

    first, last = Recorder(), Recorder()
    hooks = hooks_with(last, Recorder(Full()), first)
    with caplog.at_level(logging.ERROR, "djq"):
        getattr(hooks, name)(*arguments)
    assert first.log == last.log == [(name, *told)]
    assert [record.getMessage() for record in caplog.records] == [f"Plugin plugin2 failed in djq_{name}"]
    assert "disk full" in caplog.text


def test_every_hook_has_its_method() -> None:
    hooks = {name.removeprefix("djq_") for name in dir(HookSpecs) if name.startswith("djq_")}
    called = {name for name in hooks if not name.startswith("register_")} - {"settings"}
    assert called == {name for name in dir(Hooks) if not name.startswith(("_", "wants_"))} - {"register"}


# One that keeps raising


class Flaky:
    def __init__(self) -> None:
        self.calls = 0
        self.is_well = False

    @hookimpl
    def djq_post_execute(self, task: Any) -> None:
        self.calls += 1
        if not self.is_well:
            raise RuntimeError("again")


def test_one_that_keeps_raising_is_left_out_for_a_while(caplog: pytest.LogCaptureFixture) -> None:
    clock, flaky, other = Clock(), Flaky(), Recorder()
    hooks = hooks_with(flaky, other, clock=clock)
    with caplog.at_level(logging.ERROR, "djq"):
        for _ in range(STRIKES + 4):
            hooks.post_execute(TASK)
    assert flaky.calls == STRIKES
    assert len(other.log) == STRIKES + 4
    left_out = [record.getMessage() for record in caplog.records if "left out" in record.getMessage()]
    assert left_out == ["Plugin plugin1 failed in djq_post_execute 5 times in a row and is left out for 60 s"]

    clock.now += PAUSE - 1
    hooks.post_execute(TASK)
    assert flaky.calls == STRIKES
    clock.now += 1
    hooks.post_execute(TASK)
    assert flaky.calls == STRIKES + 1


def test_only_failures_in_a_row_count() -> None:
    flaky = Flaky()
    hooks = hooks_with(flaky)
    for number in range(1, 3 * STRIKES + 1):
        flaky.is_well = number % STRIKES == 0
        hooks.post_execute(TASK)
    assert flaky.calls == 3 * STRIKES


def test_a_time_limit_passes_through() -> None:
    class Slow:
        @hookimpl
        def djq_post_execute_in_worker(self, func: Any, task: Any, result: Any) -> None:
            raise TimeLimitExceeded

    with pytest.raises(TimeLimitExceeded):
        hooks_with(Slow()).post_execute_in_worker(print, TASK, None)


# The way of a task


class Tracing:
    @hookimpl
    def djq_pre_enqueue(self, task: Mapping[str, Any]) -> dict[str, str]:
        return {"trace": task["id"]}


def test_headers_of_all_plugins_are_merged() -> None:
    class Tenant:
        @hookimpl
        def djq_pre_enqueue(self) -> dict[str, str]:
            return {"tenant": "blue"}

    assert hooks_with(Tracing(), Tenant(), Recorder()).pre_enqueue(TASK) == {"trace": "1", "tenant": "blue"}


def test_a_veto_reaches_the_caller() -> None:
    class Veto:
        @hookimpl
        def djq_pre_enqueue(self, task: Any) -> None:
            raise PermissionError("not today")

    with pytest.raises(PermissionError, match="not today"):
        hooks_with(Tracing(), Veto()).pre_enqueue(TASK)


@pytest.mark.parametrize("answer", ["text", {"n": 1}, {1: "n"}, ["a"]])
def test_headers_that_are_no_texts_are_refused(answer: Any) -> None:
    class Wrong:
        @hookimpl
        def djq_pre_enqueue(self, task: Any) -> Any:
            return answer

    with pytest.raises(PluginError, match=r"djq_pre_enqueue of the plugin 'plugin1' returned .* mapping of texts"):
        hooks_with(Wrong()).pre_enqueue(TASK)


def test_nobody_wants_a_task_where_nobody_listens() -> None:
    assert not hooks_with().wants_enqueue
    assert not hooks_with().wants_post_execute
    assert hooks_with(Tracing()).wants_enqueue
    assert hooks_with(Recorder()).wants_post_execute


def test_changing_a_task_changes_nothing() -> None:
    class Meddling:
        @hookimpl
        def djq_pre_execute(self, task: dict[str, Any]) -> None:
            task["kwargs"]["sep"] = "changed"
            task["headers"]["x"] = "changed"
            task.clear()

    task = {**TASK, "kwargs": {"sep": ","}, "headers": {}}
    recorder = Recorder()
    hooks_with(recorder, Meddling()).pre_execute(print, task)
    assert recorder.log == [("pre_execute", print, "1")]
    assert task == TASK


def test_what_pre_execute_raises_reaches_the_worker() -> None:
    class Refusing:
        @hookimpl
        def djq_pre_execute(self, func: Any, task: Any) -> None:
            raise LookupError("no tenant")

    with pytest.raises(LookupError, match="no tenant"):
        hooks_with(Refusing()).pre_execute(print, TASK)


def joined(*args: Any, sep: str) -> str:
    return sep.join(map(str, args))


def test_core_calls_the_function() -> None:
    assert hooks_with().execute(joined, TASK) == "1,2"


class Wrapping:
    @hookimpl(wrapper=True)
    def djq_execute(self, func: Any, task: Any) -> Generator[None, Any, Any]:
        result = yield
        return f"<{func.__name__} {task['id']}: {result}>"


def test_a_plugin_wraps_the_call() -> None:
    assert hooks_with(Wrapping()).execute(joined, TASK) == "<joined 1: 1,2>"
    assert hooks_with(Wrapping()).execute(lambda *args, **kwargs: None, {**TASK}) == "<<lambda> 1: None>"


def test_a_plugin_takes_cores_place() -> None:
    class Dry:
        @hookimpl
        def djq_execute(self, func: Any, task: Any) -> str | None:
            return "not run" if func is joined else None

    hooks = hooks_with(Dry())
    assert hooks.execute(joined, TASK) == "not run"
    assert hooks.execute(max, {**TASK, "kwargs": {}}) == 2


def test_a_wrapper_cannot_change_what_is_called() -> None:
    class Meddling:
        @hookimpl(wrapper=True)
        def djq_execute(self, task: Any) -> Generator[None, Any, Any]:
            with pytest.raises(TypeError):
                task["args"] = ()
            with pytest.raises(TypeError):
                task["kwargs"]["sep"] = "changed"
            return (yield)

    assert hooks_with(Meddling()).execute(joined, TASK) == "1,2"


def test_what_the_function_raises_passes_the_wrapper() -> None:
    def fail(*args: Any, **kwargs: Any) -> None:
        raise ZeroDivisionError("as written")

    with pytest.raises(ZeroDivisionError, match="as written"):
        hooks_with(Wrapping()).execute(fail, TASK)


def test_a_function_is_resolved_refused_or_left_to_core() -> None:
    class AllowList:
        @hookimpl
        def djq_resolve_function(self, path: str) -> Callable[..., Any] | None:
            if path.startswith("os."):
                raise FunctionNotFound(f"{path!r} is not allowed.")
            return joined if path == "join" else None

    hooks = hooks_with(AllowList())
    assert hooks.resolve_function("join") is joined
    assert hooks.resolve_function("other") is None
    with pytest.raises(FunctionNotFound, match=r"'os\.system' is not allowed"):
        hooks.resolve_function("os.system")


# A process begins


def test_ready_is_told_to_a_plugin_that_comes_later() -> None:
    early, late = Recorder(), Recorder()
    hooks = hooks_with(early)
    hooks.ready(CONF)
    hooks.register(late, "late")
    assert early.log == late.log == [("ready", CONF)]


def test_checks_of_all_plugins_are_listed(caplog: pytest.LogCaptureFixture) -> None:
    class Checking:
        @hookimpl
        def djq_check(self, conf: Any, deploy: bool) -> list[Any]:
            return [CheckWarning(f"deploy is {deploy}", id="acme.W001")]

    class Failing:
        @hookimpl
        def djq_check(self, conf: Any, deploy: bool) -> list[Any]:
            raise OSError("unreachable")

    with caplog.at_level(logging.ERROR, "djq"):
        messages = hooks_with(Checking(), Failing()).check(CONF, True)
    assert [message.msg for message in messages] == ["deploy is True"]
    assert "Plugin plugin2 failed in djq_check" in caplog.text


# Watching


def test_the_health_of_one_that_raises_is_bad() -> None:
    class Well:
        @hookimpl
        def djq_health(self) -> list[Health]:
            return [Health("queue")]

    class Ill:
        @hookimpl
        def djq_health(self) -> list[Health]:
            raise OSError("no route")

    assert hooks_with(Well(), Ill()).health() == [Health("plugin2", False, "OSError: no route"), Health("queue")]


def test_the_health_of_one_that_says_something_else_is_bad() -> None:
    class Odd:
        @hookimpl
        def djq_health(self) -> list[Any]:
            return ["well"]

    class Leaving:
        @hookimpl
        def djq_health(self) -> list[Health]:
            raise SystemExit(3)

    told = hooks_with(Odd(), Leaving()).health()
    assert [(health.name, health.is_healthy) for health in told] == [("plugin2", False), ("plugin1", False)]
    assert told[1].message == "TypeError: djq_health returned 'well': give values of djq_core.plugins.Health."


def test_nobody_wants_metrics_unless_a_plugin_does() -> None:
    assert not hooks_with().wants_metrics
    assert hooks_with(Recorder()).wants_metrics


def test_a_wrapper_that_is_idle_is_not_called() -> None:
    class Idle:
        is_idling = True
        calls = 0

        def is_idle(self, hook: str) -> bool:
            return hook == "djq_execute" and self.is_idling

        @hookimpl(wrapper=True)
        def djq_execute(self) -> Generator[None, Any, Any]:
            self.calls += 1
            return (yield)

    plugin = Idle()
    hooks = hooks_with(plugin)
    assert hooks.execute(pow, {"args": (2, 3), "kwargs": {}}) == 8
    assert plugin.calls == 0
    plugin.is_idling = False
    assert hooks.execute(pow, {"args": (2, 3), "kwargs": {}}) == 8
    assert plugin.calls == 1


def test_a_value_is_redacted_by_the_first_that_answers(caplog: pytest.LogCaptureFixture) -> None:
    class Redacting:
        @hookimpl
        def djq_redact(self, key: str, value: object) -> str | None:
            if key == "broken":
                raise ValueError(key)
            return "(a token)" if key == "token" else None

    hooks = hooks_with(Redacting())
    assert hooks.redact("token", "s3cret") == "(a token)"
    assert hooks.redact("name", "site") is None
    with caplog.at_level(logging.ERROR, "djq"):
        assert hooks.redact("broken", "s3cret") == "********"
    assert "s3cret" not in caplog.text
    assert hooks_with().redact("token", "s3cret") is None
