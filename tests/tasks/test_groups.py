"""The functions for groups, on the database and the cache."""

from __future__ import annotations

import time
from typing import Any
from uuid import UUID

import pytest
from django.db.models import QuerySet

from djq_core.tasks import async_task, count_group, delete_group, fetch, fetch_group, result_group

pytestmark = pytest.mark.django_db


@pytest.fixture(params=[False, True], ids=["database", "cache"])
def cached(request: pytest.FixtureRequest) -> bool:
    return bool(request.param)


def run_group(cached: bool, size: int = 3, *, fails: bool = False) -> None:
    for number in range(size):
        async_task("math.sqrt", number * number, sync=True, cached=cached, group="roots")
    if fails:
        async_task("math.sqrt", -1, sync=True, cached=cached, group="roots")


def test_results_come_in_the_order_of_the_calls(cached: bool) -> None:
    run_group(cached, fails=True)
    assert result_group("roots", cached=cached) == [0.0, 1.0, 2.0]
    results = result_group("roots", failures=True, cached=cached)
    assert results[:3] == [0.0, 1.0, 2.0]
    assert "math domain error" in results[3]


def test_tasks_are_a_query_set_or_a_list(cached: bool) -> None:
    run_group(cached, fails=True)
    tasks = fetch_group("roots", cached=cached)
    assert isinstance(tasks, list if cached else QuerySet)
    assert [task.success for task in tasks] == [True, True, True, False]
    assert [task.result for task in fetch_group("roots", failures=False, cached=cached)] == [0.0, 1.0, 2.0]


def test_counting(cached: bool) -> None:
    run_group(cached, fails=True)
    assert (count_group("roots", cached=cached), count_group("roots", failures=True, cached=cached)) == (4, 1)
    assert count_group("roots", cached=not cached) == 0


@pytest.mark.parametrize("tasks", [False, True])
def test_deleting(cached: bool, tasks: bool) -> None:
    run_group(cached)
    task_id = fetch_group("roots", cached=cached)[0].pk
    assert delete_group("roots", tasks=tasks, cached=cached) == 3
    assert delete_group("roots", tasks=tasks, cached=cached) == 0
    assert (result_group("roots", cached=cached), count_group("roots", cached=cached)) == ([], 0)
    assert (fetch(task_id, cached=cached) is None) is tasks


def test_a_group_that_is_not_there_is_empty(cached: bool) -> None:
    assert result_group("none", cached=cached) == []
    assert list(fetch_group("none", cached=cached)) == []


@pytest.mark.parametrize("label", [7, UUID(int=7)])
def test_a_label_is_found_as_it_was_given(cached: bool, label: Any) -> None:
    async_task("math.sqrt", 4, sync=True, cached=cached, group=label)
    assert result_group(label, count=1, wait=100, cached=cached) == [2.0]
    assert [task.group for task in fetch_group(label, cached=cached)] == [str(label)]
    assert (count_group(label, cached=cached), delete_group(label, cached=cached)) == (1, 1)


@pytest.mark.parametrize("options", [{"wait": 100}, {"wait": 100, "count": 4}])
@pytest.mark.parametrize("call", [result_group, fetch_group])
def test_waiting_ends_after_the_milliseconds(cached: bool, options: Any, call: Any) -> None:
    run_group(cached, size=3 if "count" in options else 0)
    started = time.monotonic()
    found = call("roots", cached=cached, **options)
    assert 0.1 <= time.monotonic() - started < 3
    assert len(found) == (3 if "count" in options else 0)


@pytest.mark.parametrize("options", [{"count": 4}, {"count": 4, "wait": -1}, {"wait": -1}, {"count": 0}])
@pytest.mark.parametrize("call", [result_group, fetch_group])
def test_a_failed_task_counts_and_waiting_ends_at_once(cached: bool, options: Any, call: Any) -> None:
    run_group(cached, fails=True)
    started = time.monotonic()
    assert len(call("roots", cached=cached, failures=False, **options)) == 3
    assert time.monotonic() - started < 3


def test_waiting_for_successes_is_not_ended_by_a_failure(cached: bool) -> None:
    async_task("math.sqrt", -1, sync=True, cached=cached, group="roots")
    assert len(result_group("roots", failures=True, wait=-1, cached=cached)) == 1
    started = time.monotonic()
    assert result_group("roots", wait=100, cached=cached) == []
    assert time.monotonic() - started >= 0.1


@pytest.mark.parametrize(
    ("options", "error"),
    [
        ({"wait": -2}, ValueError),
        ({"count": -1}, ValueError),
        ({"count": "4"}, TypeError),
        ({"count": True}, TypeError),
    ],
)
@pytest.mark.parametrize("call", [result_group, fetch_group])
def test_what_cannot_be_is_refused(call: Any, options: Any, error: type[Exception]) -> None:
    with pytest.raises(error, match=f"{next(iter(options))} takes"):
        call("roots", **options)
