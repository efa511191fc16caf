"""AsyncTask."""

from __future__ import annotations

from typing import Any

import pytest
from django.db.models import QuerySet

from djq_core import current
from djq_core.models import Task
from djq_core.tasks import AsyncTask, async_task
from tests.tasks import functions
from tests.tasks.conftest import Queued

pytestmark = pytest.mark.django_db

OPTIONS: dict[str, Any] = {
    "sync": True,
    "save": True,
    "hook": functions.hook,
    "group": "g",
    "cached": False,
    "timeout": 30,
    "ack_failure": True,
    "max_attempts": 3,
    "backoff": {"initial": 2},
    "task_name": "mine",
    "cluster": "other",
    "enqueue_on_commit": True,
}


@pytest.fixture(autouse=True)
def no_calls() -> None:
    functions.CALLS.clear()


def test_a_task_is_run_and_asked_for() -> None:
    task = AsyncTask("math.floor", 1.5, sync=True)
    assert (task.id, task.started, task.result(), task.fetch()) == ("", False, None, None)
    assert (task.func, task.args, task.kwargs) == ("math.floor", (1.5,), {"sync": True})
    task_id = task.run()
    assert (task.id, task.started, len(task_id)) == (task_id, True, 32)
    assert task.result(wait=-1) == 1
    fetched = task.fetch(wait=100)
    assert isinstance(fetched, Task)
    assert fetched.pk == task_id


def test_the_manual_s_example_runs() -> None:
    task = AsyncTask("math.floor", 1.5, group="math", sync=True)
    task.cached = True
    task.run()
    assert task.result(wait=-1) == 1
    assert not Task.objects.exists()
    task.args = (2.5,)
    assert task.result() is None
    task.run()
    assert task.result(wait=10) == 2


CHANGES: dict[str, Any] = {
    "func": lambda task: setattr(task, "func", "math.ceil"),
    "args": lambda task: setattr(task, "args", (2.5,)),
    "more args": lambda task: setattr(task, "args", (1.5, 2)),
    "kwargs": lambda task: setattr(task, "kwargs", {"x": 1, "sync": True}),
    "a keyword": lambda task: task.kwargs.update(x=1),
    "an option in kwargs": lambda task: task.kwargs.update(group="h"),
    "a keyword less": lambda task: task.kwargs.pop("x"),
    **{name: lambda task, name=name: setattr(task, name, object()) for name in [*OPTIONS, "broker"]},
}


@pytest.mark.parametrize("change", CHANGES)
@pytest.mark.parametrize("in_q_options", [False, True])
def test_every_change_invalidates_the_result(change: str, in_q_options: bool) -> None:
    options: dict[str, Any] = {"sync": True, "group": "g"}
    task = AsyncTask(functions.echo, 1.5, x=None, **({"q_options": options} if in_q_options else options))
    task.run()
    assert task.result() == ((1.5,), {"x": None})
    CHANGES[change](task)
    assert not task.started
    assert (task.result(), task.fetch()) == (None, None)


@pytest.mark.parametrize("in_q_options", [False, True])
def test_options_are_attributes(in_q_options: bool) -> None:
    task = AsyncTask("math.floor", 1.5, **({"q_options": dict(OPTIONS)} if in_q_options else OPTIONS))
    assert {name: getattr(task, name) for name in OPTIONS} == OPTIONS
    task.group, task.timeout = "h", 5
    where = task.kwargs["q_options"] if in_q_options else task.kwargs
    assert (where["group"], where["timeout"], task.group) == ("h", 5, "h")


def test_an_option_that_was_not_given_is_none() -> None:
    task = AsyncTask("math.floor", 1.5)
    assert {getattr(task, name) for name in [*OPTIONS, "broker"]} == {None}


def test_the_options_of_the_caller_are_left_alone() -> None:
    given = {"group": "g"}
    task = AsyncTask("math.floor", 1.5, q_options=given)
    task.group = "h"
    assert given == {"group": "g"}


def test_a_hook_and_a_broker_are_used(queued: Queued) -> None:
    task = AsyncTask(functions.echo, 1, hook=functions.hook, broker=current.runtime().broker("third"))
    task.run()
    (package,) = queued("third")
    assert package.hook == "tests.tasks.functions.hook"
    task.broker, task.sync = None, True
    task.run()
    assert [call.pk for call in functions.CALLS[1:]] == [task.id]


def test_save_and_cached_decide_where_the_result_goes() -> None:
    task = AsyncTask("math.floor", 1.5, sync=True, save=False)
    task.run()
    assert task.result() is None
    task.save, task.cached = None, 60
    task.run()
    assert (task.result(), Task.objects.count()) == (1, 0)


@pytest.mark.parametrize("cached", [False, True])
def test_its_group_is_asked_for_run_or_not(cached: bool) -> None:
    for number in (4, -1):
        async_task("math.sqrt", number, group="roots", sync=True, cached=cached)
    task = AsyncTask("math.sqrt", 9, group="roots", cached=cached, sync=True)
    assert task.result_group(count=2) == [2.0]
    task.run()
    assert task.result_group(wait=-1, count=3) == [2.0, 3.0]
    assert len(task.result_group(failures=True)) == 3
    assert isinstance(task.fetch_group(), list if cached else QuerySet)
    assert [each.success for each in task.fetch_group(wait=10, count=3)] == [True, False, True]
    assert len(task.fetch_group(failures=False)) == 2


def test_a_number_is_a_group_too() -> None:
    task = AsyncTask("math.sqrt", 9, group=0, sync=True)
    task.run()
    assert task.result_group(wait=10) == [3.0]
    assert [each.group for each in task.fetch_group(wait=10)] == ["0"]


def test_without_a_group_its_group_is_empty() -> None:
    task = AsyncTask("math.floor", 1.5)
    assert (task.result_group(wait=-1), task.fetch_group(count=3)) == ([], [])


@pytest.mark.parametrize("is_run", [False, True])
def test_a_wait_that_cannot_be_is_refused(is_run: bool) -> None:
    task = AsyncTask("math.floor", 1.5, sync=True)
    if is_run:
        task.run()
    for call in (task.result, task.fetch):
        with pytest.raises(ValueError, match="wait takes milliseconds"):
            call(wait=-2)
