"""From a call to a package: callables by path or by value, arguments that cannot travel named."""

from __future__ import annotations

import functools
import math
import threading
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from djq_core.enqueue.build import build_package, dotted_path
from djq_core.envelope import TaskPackage, new_id, task_name
from djq_core.exceptions import SerializationError
from djq_core.runtime import Runtime
from tests.making import START, runtime_of


def work(*args: Any, **kwargs: Any) -> Any:
    return args, kwargs


def report(task: Any) -> None:
    """Be a hook."""


class Tool:
    def __init__(self, factor: int) -> None:
        self.factor = factor

    def __call__(self, number: int) -> int:
        return number * self.factor

    def method(self, number: int) -> int:
        return number * self.factor

    @staticmethod
    def static(number: int) -> int:
        return number


@pytest.fixture(scope="module")
def runtime() -> Runtime:
    return runtime_of()


def build(
    runtime: Runtime, func: str | Callable[..., Any] = work, *args: Any, options: Any = None, **kwargs: Any
) -> TaskPackage:
    return build_package(runtime, func, args, kwargs, options or {})


def read(runtime: Runtime, package: TaskPackage, part: str) -> Any:
    return runtime.load(package.serializer, package.parts[part])


@pytest.mark.parametrize(
    ("func", "path"),
    [
        ("any.path.as_it_is", "any.path.as_it_is"),
        (work, f"{__name__}.work"),
        (Tool, f"{__name__}.Tool"),
        (Tool.static, f"{__name__}.Tool.static"),
        (math.pow, "math.pow"),
        (len, "builtins.len"),
    ],
)
def test_a_path_leads_to_what_a_module_holds(runtime: Runtime, func: Any, path: str) -> None:
    assert dotted_path(func) == path
    assert set(build(runtime, func).parts) == {"args", "kwargs"}


@pytest.mark.parametrize("func", [functools.partial(work, 1), Tool(3), Tool(3).method])
def test_a_callable_without_a_path_travels_itself(runtime: Runtime, func: Callable[..., Any]) -> None:
    package = build(runtime, func)
    assert package.func == repr(func)
    assert read(runtime, package, "func")(5) == func(5)


def test_a_hook_travels_as_a_function_does(runtime: Runtime) -> None:
    assert build(runtime, options={"hook": report}).hook == f"{__name__}.report"
    assert build(runtime, options={"hook": "a.b"}).hook == "a.b"
    assert build(runtime).hook is None
    own = build(runtime, options={"hook": Tool(3)})
    assert read(runtime, own, "hook")(5) == 15


def test_arguments_come_back(runtime: Runtime) -> None:
    package = build(runtime, work, 1, "two", a=START)
    assert read(runtime, package, "args") == (1, "two")
    assert read(runtime, package, "kwargs") == {"a": START}


def test_id_name_and_start_are_made(runtime: Runtime) -> None:
    package = build(runtime)
    assert package.name == task_name(package.id)
    assert timedelta() <= datetime.now(UTC) - package.started < timedelta(seconds=5)
    assert build(runtime).id != package.id
    assert package.serializer == "pickle"


def test_options_become_fields(runtime: Runtime) -> None:
    options = {"id": new_id(), "name": "own", "started": START, "group": "g", "timeout": 3, "cluster": "c"}
    package = build(runtime, options=options)
    assert {name: getattr(package, name) for name in options} == options


def test_a_positional_argument_that_cannot_travel_is_named(runtime: Runtime) -> None:
    with pytest.raises(SerializationError, match=r"Argument 2 of '.*\.work' cannot be sent to a worker: .*lock"):
        build(runtime, work, 1, threading.Lock(), 3)


def test_a_keyword_argument_that_cannot_travel_is_named(runtime: Runtime) -> None:
    with pytest.raises(SerializationError, match=r"Argument 'where' of 'a\.b' cannot be sent to a worker: .*lock"):
        build(runtime, "a.b", 1, who="me", where=threading.Lock())


def test_json_names_what_it_does_not_have() -> None:
    with pytest.raises(SerializationError, match=r"Argument 1 of 'a\.b' .*complex is not JSON"):
        build(runtime_of(serializer="json"), "a.b", 1j)


@pytest.mark.parametrize(("options", "part"), [({}, "func"), ({"hook": lambda task: None}, "hook")])
def test_a_function_that_no_module_holds_is_refused(runtime: Runtime, options: Any, part: str) -> None:
    def nested() -> None: ...

    with pytest.raises(SerializationError, match=rf"The {part} <function .* Give a function of a module, or its path"):
        build(runtime, work if options else nested, options=options)
