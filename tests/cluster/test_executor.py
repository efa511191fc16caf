"""Running one task: whatever it does, an outcome comes of it."""

from __future__ import annotations

import asyncio
import functools
import json
import re
import threading
import time
import traceback
from collections.abc import Callable, Mapping
from typing import Any

import pytest
from django.contrib.auth.models import User

from djq_core import hookimpl
from djq_core.cluster.executor import FRESH, Executor, Outcome, Tools, describe
from djq_core.envelope import TaskPackage, encode_package
from djq_core.exceptions import SerializationError, TimeLimitExceeded
from djq_core.runtime import Runtime
from tests.making import Reporter, new_reporter, package_of, runtime_of

HERE = __name__


class Refusal(Exception):
    pass


class Mute(Exception):
    def __str__(self) -> str:
        raise ValueError("no words")


class NoValue:
    def __reduce__(self) -> Any:
        raise SystemExit(3)


def deep(level: int = 0) -> int:
    return deep(level + 1)


def fail(error: type[BaseException], *args: Any) -> None:
    raise error(*args)


def fail_after_another() -> None:
    try:
        fail(KeyError, "first")
    except KeyError as error:
        raise Refusal("second") from error


async def nobody_awaits() -> int:
    return 1


def make_lock() -> Any:
    return threading.Lock()


def make_nested(levels: int) -> list[Any]:
    value: list[Any] = []
    for _ in range(levels):
        value = [value]
    return value


class Watcher:
    """A plugin around tasks; ``raises`` names the hook that raises."""

    def __init__(self, raises: str = "") -> None:
        self.raises = raises
        self.seen: list[Any] = []

    def _note(self, hook: str, *what: Any) -> None:
        self.seen.append((hook, *what))
        if hook == self.raises:
            raise Refusal(hook)

    @hookimpl
    def djq_pre_execute(self, func: Callable[..., Any], task: Mapping[str, Any]) -> None:
        self._note("pre_execute", func.__name__, task["args"], task["kwargs"])

    @hookimpl
    def djq_post_execute_in_worker(
        self, func: Callable[..., Any], task: Mapping[str, Any], result: Any, error: BaseException | None
    ) -> None:
        self._note("post_execute_in_worker", func.__name__, result, error)


class Guard:
    """A plugin with an allow-list."""

    @hookimpl
    def djq_resolve_function(self, path: str) -> Callable[..., Any] | None:
        if path == "alias":
            return round
        if path == "forbidden":
            raise PermissionError("not on the list")
        return None


def run(func: str, *args: Any, runtime: Runtime | None = None, **kwargs: Any) -> tuple[bool, Any]:
    """Run a function and return whether it succeeded, and the value or the error's text."""
    runtime = runtime or runtime_of()
    return read(runtime, Executor(Tools.of(runtime, _nothing)).execute(package_of(runtime, func, args, kwargs)))


def read(runtime: Runtime, outcome: Outcome) -> tuple[bool, Any]:
    return outcome.success, runtime.load(outcome.serializer, outcome.result)


def _nothing() -> None: ...


# Success


def test_the_value_of_the_function_is_the_result() -> None:
    assert run("math.pow", 2, 3) == (True, 8.0)
    assert run("builtins.dict", a=1) == (True, {"a": 1})


def test_an_outcome_makes_the_result_of_a_package() -> None:
    runtime = runtime_of()
    package = package_of(runtime, "math.pow", (2, 3))
    outcome = Executor(Tools.of(runtime, _nothing)).execute(package)
    result = outcome.of(package, attempt=2)
    assert (result.package, result.success, result.attempt, result.stopped) == (package, True, 2, outcome.stopped)
    assert result.stopped.tzinfo is not None


def test_a_text_is_read_and_run() -> None:
    runtime = runtime_of()
    executor = Executor(Tools.of(runtime, _nothing))
    assert read(runtime, executor.execute_text(encode_package(package_of(runtime)))) == (True, 8.0)


def test_a_function_that_travelled_itself_is_run() -> None:
    runtime = runtime_of()
    parts = {"func": runtime.dump(functools.partial(pow, 2)), "args": runtime.dump((5,)), "kwargs": runtime.dump({})}
    package = package_of(runtime, "<no path>", parts=parts)
    assert read(runtime, Executor(Tools.of(runtime, _nothing)).execute(package)) == (True, 32)


def test_a_plugin_says_what_a_path_means() -> None:
    runtime = runtime_of(plugins=[Guard()])
    assert run("alias", 2.6, runtime=runtime) == (True, 3)
    assert run("math.pow", 2, 3, runtime=runtime) == (True, 8.0)
    success, text = run("forbidden", runtime=runtime)
    assert (success, text.splitlines()[0]) == (False, "PermissionError: not on the list")


# Failures


@pytest.mark.parametrize(
    ("func", "args", "headline"),
    [
        ("fail", (Refusal, "today"), f"{HERE}.Refusal: today"),
        ("fail", (ValueError,), "ValueError"),
        ("fail", (SystemExit, 3), "SystemExit: 3"),
        ("fail", (KeyboardInterrupt,), "KeyboardInterrupt"),
        ("fail", (GeneratorExit,), "GeneratorExit"),
        ("fail", (asyncio.CancelledError,), "asyncio.exceptions.CancelledError"),
        ("fail", (MemoryError, "full"), "MemoryError: full"),
        ("fail", (TimeLimitExceeded, "too long"), "TimeLimitExceeded: too long"),
        ("fail", (Mute,), f"{HERE}.Mute: <exception str() failed>"),
        ("deep", (), "RecursionError: maximum recursion depth exceeded"),
        ("fail", (), "TypeError: fail() missing 1 required positional argument: 'error'"),
    ],
)
def test_every_error_becomes_a_failure_that_begins_with_what_it_is(
    func: str, args: tuple[Any, ...], headline: str
) -> None:
    success, text = run(f"{HERE}.{func}", *args)
    assert not success
    assert text.splitlines()[0] == headline


def test_the_text_tells_where_without_our_own_frames() -> None:
    _, text = run(f"{HERE}.fail", ValueError, "x")
    assert "test_executor.py" in text
    assert "in fail" in text
    assert 'executor.py", line' not in text.replace("test_executor.py", "")
    assert "pluggy" not in text


def test_the_text_leaves_out_the_plugins_that_wrap_the_function() -> None:
    class Around:
        @hookimpl(wrapper=True)
        def djq_execute(self) -> Any:
            return (yield)

    _, text = run(f"{HERE}.fail", ValueError, "x", runtime=runtime_of(plugins=[Around()]))
    assert "in fail" in text
    assert "pluggy" not in text
    assert "in djq_execute" not in text


def test_the_text_tells_what_came_before() -> None:
    _, text = run(f"{HERE}.fail_after_another")
    assert text.startswith(f"{HERE}.Refusal: second")
    assert "KeyError: 'first'" in text
    assert "direct cause" in text


@pytest.mark.parametrize(
    ("func", "reason"),
    [
        (
            "nosuchmodule.work",
            "FunctionNotFound: 'nosuchmodule.work' cannot be found: there is no module 'nosuchmodule'.",
        ),
        ("math.nosuch", "FunctionNotFound: 'math.nosuch' cannot be found: 'math' has no attribute 'nosuch'."),
    ],
)
def test_a_function_that_cannot_be_found_is_one_sentence(func: str, reason: str) -> None:
    success, text = run(func)
    assert not success
    assert text == reason


@pytest.mark.parametrize(
    ("func", "args", "reason"),
    [
        ("nobody_awaits", (), r"SerializationError: '.*nobody_awaits' returned a coroutine.*async_to_sync"),
        ("make_lock", (), r"SerializationError: The result of '.*make_lock' cannot be serialized: .*lock"),
        ("make_nested", (100_000,), "SerializationError: The result of .* is nested too deeply for pickle"),
        ("NoValue", (), "SystemExit: 3"),
    ],
)
def test_a_result_that_cannot_travel_is_a_failure(func: str, args: tuple[Any, ...], reason: str) -> None:
    success, text = run(f"{HERE}.{func}", *args)
    assert not success
    assert re.match(reason, text)


def test_arguments_that_cannot_be_read_are_a_failure() -> None:
    runtime = runtime_of()
    for parts in ({"args": b"no pickle", "kwargs": runtime.dump({})}, {"args": runtime.dump(())}):
        outcome = Executor(Tools.of(runtime, _nothing)).execute(package_of(runtime, parts=parts))
        assert not outcome.success


def test_a_serializer_that_is_not_accepted_is_a_failure_with_the_remedy() -> None:
    writer, reader = runtime_of(), runtime_of(serializer="json")
    outcome = Executor(Tools.of(reader, _nothing)).execute(package_of(writer))
    success, text = read(reader, outcome)
    assert (success, outcome.serializer) == (False, "json")
    assert "'pickle' is not accepted here; accept_serializers: json" in text


@pytest.mark.parametrize("text", ["", "no package", "e30=."])
def test_a_text_that_cannot_be_read_is_a_failure(text: str) -> None:
    runtime = runtime_of()
    success, told = read(runtime, Executor(Tools.of(runtime, _nothing)).execute_text(text))
    assert not success
    assert told.startswith("PackageError: The package is damaged")


def test_a_package_that_is_too_large_is_a_failure() -> None:
    runtime = runtime_of(max_package_bytes=100)
    text = encode_package(package_of(runtime, args=("x" * 200,)))
    success, told = read(runtime, Executor(Tools.of(runtime, _nothing)).execute_text(text))
    assert not success
    assert "max_package_bytes allows 100" in told


def test_some_errors_are_let_through_to_who_asked_for_them() -> None:
    runtime = runtime_of()
    executor = Executor(Tools.of(runtime, _nothing), lets_through=(KeyboardInterrupt,))
    with pytest.raises(KeyboardInterrupt):
        executor.execute(package_of(runtime, f"{HERE}.fail", (KeyboardInterrupt,)))


# Around the task


def test_plugins_see_function_task_and_value() -> None:
    watcher = Watcher()
    run("math.pow", 2, 3, runtime=runtime_of(plugins=[watcher]))
    assert watcher.seen == [("pre_execute", "pow", (2, 3), {}), ("post_execute_in_worker", "pow", 8.0, None)]


@pytest.mark.parametrize("kind", [ValueError, TimeLimitExceeded, SystemExit])
def test_plugins_see_the_error_of_a_failure_and_the_text_that_is_recorded(kind: type[BaseException]) -> None:
    watcher = Watcher()
    success, text = run(f"{HERE}.fail", kind, "no", runtime=runtime_of(plugins=[watcher]))
    before, (hook, name, told, error) = watcher.seen
    assert (success, before[0], hook, name, told) == (False, "pre_execute", "post_execute_in_worker", "fail", text)
    assert (type(error), str(error)) == (kind, "no")


def test_plugins_see_that_a_result_cannot_be_written() -> None:
    watcher = Watcher()
    _, text = run("threading.Lock", runtime=runtime_of(plugins=[watcher]))
    assert watcher.seen[-1][2] == text
    assert isinstance(watcher.seen[-1][3], SerializationError)


def test_plugins_are_told_of_no_run_that_did_not_begin() -> None:
    watcher = Watcher()
    run(f"{HERE}.no_such_function", runtime=runtime_of(plugins=[watcher]))
    assert watcher.seen == []


def test_a_result_that_is_too_large_is_a_failure_with_the_remedy() -> None:
    runtime = runtime_of(max_package_bytes=1000)
    assert run("operator.mul", "x", 800, runtime=runtime)[0]
    success, told = run("operator.mul", "x", 2000, runtime=runtime)
    assert not success
    assert "The result of 'operator.mul' has 2,0" in told
    assert "max_package_bytes allows 1,000. Keep the data elsewhere" in told


@pytest.mark.django_db
def test_an_instance_travels_in_json_and_one_that_is_gone_fails_the_task() -> None:
    runtime = runtime_of(serializer="json")
    user = User.objects.create(username="before")
    executor = Executor(Tools.of(runtime, _nothing))
    package = package_of(runtime, f"{HERE}.username_of", (user,))
    User.objects.update(username="after")
    assert read(runtime, executor.execute(package)) == (True, "after")
    User.objects.all().delete()
    success, told = read(runtime, executor.execute(package))
    assert not success
    assert told.startswith(f"InstanceGone: No auth.user has the primary key {package_key(runtime, package)}")


def username_of(user: User) -> str:
    return user.username


def package_key(runtime: Runtime, package: TaskPackage) -> str:
    return str(json.loads(package.parts["args"])["$tuple"][0]["$model"][1])


def test_a_plugin_that_raises_before_the_task_fails_it() -> None:
    success, text = run("math.pow", 2, 3, runtime=runtime_of(plugins=[Watcher("pre_execute")]))
    assert (success, text.splitlines()[0]) == (False, f"{HERE}.Refusal: pre_execute")


def test_a_plugin_that_raises_after_the_task_does_not(caplog: pytest.LogCaptureFixture) -> None:
    assert run("math.pow", 2, 3, runtime=runtime_of(plugins=[Watcher("post_execute_in_worker")])) == (True, 8.0)
    assert "djq_post_execute_in_worker" in caplog.text


def test_connections_are_looked_after_after_each_task_and_before_one_that_follows_a_pause() -> None:
    runtime, calls = runtime_of(), list[str]()
    executor = Executor(Tools.of(runtime, lambda: calls.append("around")))
    executor.execute(package_of(runtime))
    executor.execute(package_of(runtime, f"{HERE}.fail", (SystemExit,)))
    assert len(calls) == 3
    time.sleep(1.5 * FRESH)
    executor.execute(package_of(runtime))
    assert len(calls) == 5


def reported(func: str, *args: Any) -> tuple[TaskPackage, type[Reporter]]:
    reporter = new_reporter()
    runtime = runtime_of(reporter=reporter)
    package = package_of(runtime, func, args)
    executor = Executor(Tools.of(runtime, _nothing))
    executor.execute(package)
    assert reporter.reports == [], "nobody waits for a reporter before the outcome is safe"
    executor.report()
    executor.report()
    return package, reporter


def test_errors_are_reported_once_with_their_task() -> None:
    package, reporter = reported(f"{HERE}.fail", Refusal, "today")
    ((exc_info, task, where),) = reporter.reports
    assert exc_info is not None
    assert (exc_info[0], str(exc_info[1]), where) == (Refusal, "today", "worker")
    assert [frame.name for frame in traceback.extract_tb(exc_info[2])] == ["fail"], "our own frames are no news"
    assert task is not None
    assert task["id"] == package.id
    assert (task["args"], task["attempt"], task["queue"]) == ((Refusal, "today"), 1, "default")
    assert reported("math.pow", 2, 3)[1].reports == []


def test_a_reporter_is_told_of_the_task_and_the_attempt_of_a_package() -> None:
    reporter = new_reporter()
    runtime = runtime_of(reporter=reporter)
    package = package_of(runtime, f"{HERE}.fail", (Refusal, "today"), group="g")
    executor = Executor(Tools.of(runtime, _nothing))
    executor.execute_text(encode_package(package), attempt=3)
    executor.report()
    executor.execute_text("no package", attempt=2)
    executor.report()
    (_, task, _), (_, unread, _) = reporter.reports
    assert task is not None
    assert {name: task[name] for name in ("id", "group", "attempt")} == {"id": package.id, "group": "g", "attempt": 3}
    assert unread == {"attempt": 2, "queue": "default"}


def test_a_function_that_cannot_be_found_is_reported_with_its_task() -> None:
    package, reporter = reported(f"{HERE}.nowhere", 1)
    ((_, task, _),) = reporter.reports
    assert task is not None
    assert (task["id"], task["args"]) == (package.id, ())


def test_an_error_without_frames_is_one_line() -> None:
    assert describe(ValueError("one")) == "ValueError: one"
