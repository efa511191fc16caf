"""result, fetch, queue_size and delete_cached."""

from __future__ import annotations

import time
from typing import Any
from uuid import UUID

import pytest

from djq_core.brokers import get_broker
from djq_core.models import Task
from djq_core.tasks import async_task, delete_cached, fetch, queue_size, result

pytestmark = pytest.mark.django_db
on_both = pytest.mark.parametrize("cached", [False, True])


@on_both
def test_by_id_and_by_name(cached: bool) -> None:
    task_id = async_task("math.floor", 1.5, sync=True, cached=cached)
    task = fetch(task_id, cached=cached)
    assert task is not None
    assert (task.pk, task.result, result(task_id, cached=cached)) == (task_id, 1, 1)
    assert (fetch(task.name, cached=cached), result(task.name, cached=cached)) == (task, 1)
    assert (fetch(task_id, cached=not cached), result(task_id, cached=not cached)) == (None, None)


@on_both
def test_what_is_not_there_is_none_at_once(cached: bool) -> None:
    started = time.monotonic()
    assert (result("0" * 32, cached=cached), fetch("no-such-task", cached=cached)) == (None, None)
    assert time.monotonic() - started < 2


@on_both
def test_waiting_ends_after_the_milliseconds(cached: bool) -> None:
    started = time.monotonic()
    assert result("0" * 32, wait=150, cached=cached) is None
    assert 0.15 <= time.monotonic() - started < 3


@on_both
@pytest.mark.parametrize("wait", [-1, 5000])
def test_waiting_ends_at_once_when_the_result_is_there(cached: bool, wait: int) -> None:
    task_id = async_task("math.floor", 1.5, sync=True, cached=cached)
    started = time.monotonic()
    assert result(task_id, wait, cached) == 1
    assert time.monotonic() - started < 2


@pytest.mark.parametrize(("wait", "error"), [(-2, ValueError), ("5", TypeError), (True, TypeError)])
def test_a_wait_that_cannot_be_is_refused(wait: Any, error: type[Exception]) -> None:
    for call in (result, fetch):
        with pytest.raises(error, match="wait takes milliseconds"):
            call("0" * 32, wait=wait)


def test_a_result_that_is_none_is_a_result() -> None:
    task_id = async_task("time.sleep", 0, sync=True)
    task = fetch(task_id, wait=-1)
    assert task is not None
    assert (task.result, task.success) == (None, True)
    assert result(task_id, wait=-1) is None


def test_a_failure_is_its_error() -> None:
    assert "math domain error" in result(async_task("math.sqrt", -1, sync=True))


def test_a_cached_task_is_saved_by_its_save() -> None:
    task_id = async_task("math.floor", 1.5, sync=True, cached=10)
    cached = fetch(task_id, cached=True)
    assert cached is not None
    cached.save()
    assert (result(task_id), Task.objects.get().args) == (1, (1.5,))


def test_queue_size_counts_what_waits() -> None:
    assert queue_size() == 0
    async_task("math.floor", 1.5)
    async_task("math.floor", 2.5)
    assert queue_size() == 2


@pytest.mark.parametrize("cached", [False, True])
def test_an_id_may_come_from_a_field_of_uuids(cached: bool) -> None:
    task_id = UUID(async_task("math.floor", 1.5, sync=True, cached=cached))
    assert result(task_id, cached=cached) == 1
    assert delete_cached(task_id) is cached


def test_delete_cached() -> None:
    task_id = async_task("math.floor", 1.5, sync=True, cached=True)
    assert delete_cached(task_id)
    assert result(task_id, cached=True) is None
    assert not delete_cached(task_id)
    task_id = async_task("math.floor", 1.5, sync=True, cached=True)
    assert delete_cached(task_id, broker=get_broker())
    assert result(task_id, cached=True) is None
