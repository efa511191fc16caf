"""async_iter and Iter."""

from __future__ import annotations

import math
import threading
from typing import Any

import pytest
from django.core.cache import cache
from django.db import transaction
from django.test import override_settings

from djq_core import current
from djq_core.brokers.base import BrokerSettings
from djq_core.exceptions import SerializationError
from djq_core.fields import Unreadable
from djq_core.models import Part, Task
from djq_core.tasks import Iter, async_iter, fetch, queue_size, result
from tests.making import MemoryBroker
from tests.tasks import functions
from tests.tasks.conftest import Queued

pytestmark = pytest.mark.django_db
SYNC: dict[str, Any] = {"name": "tests", "orm": "default", "sync": True}
on_both = pytest.mark.parametrize("cached", [False, True, 60])


@pytest.fixture(autouse=True)
def no_calls() -> None:
    functions.CALLS.clear()


def test_an_iter_sends_one_task_for_each_item(queued: Queued) -> None:
    options: dict[str, Any] = {"group": "g", "timeout": 30, "cached": 60, "task_name": "mine", "save": True}
    iter_id = async_iter("math.copysign", [(1, -1), (2, -2)], ack_failure=True, **options)
    packages = queued()
    assert queue_size() == 0
    assert len({package.id for package in packages} | {package.name for package in packages}) == 4
    assert iter_id not in {package.id for package in packages}
    for number, package in enumerate(packages):
        assert package.place is not None
        assert (package.place.whole, package.place.name) == (iter_id, "mine")
        assert (package.place.number, package.place.count) == (number, 2)
        assert (package.func, package.group, package.timeout, package.cached) == ("math.copysign", "g", 30, 60)
        assert (package.save, package.ack_failure) == (True, True)
        assert package.hook is None
    load = current.runtime().load
    assert [load(package.serializer, package.parts["args"]) for package in packages] == [(1, -1), (2, -2)]


def test_a_thousand_items_are_one_transaction(queued: Queued, django_assert_max_num_queries: Any) -> None:
    with django_assert_max_num_queries(40):
        async_iter("math.floor", range(2500))
    assert queue_size() == 2500


def test_an_iter_for_another_cluster(queued: Queued) -> None:
    async_iter("math.floor", [1.5], cluster="other")
    async_iter("math.floor", [2.5], broker=current.runtime().broker("other"))
    assert [package.cluster for package in queued("other")] == ["other", "other"]


@on_both
def test_the_results_are_one_task_in_the_order_of_the_items(cached: bool | int) -> None:
    iter_id = async_iter("math.copysign", iter([(1, -1), (2, -1), (3, -1)]), sync=True, cached=cached)
    task = fetch(iter_id, cached=cached)
    assert task is not None
    assert (task.result, task.success) == ([-1.0, -2.0, -3.0], True)
    assert result(iter_id, cached=cached) == [-1.0, -2.0, -3.0]
    assert (task.func, task.args, task.kwargs, task.hook) == ("math.copysign", None, {}, None)
    assert task.time_taken() > 0
    assert Task.objects.count() == (0 if cached else 1)
    assert not Part.objects.filter(result__isnull=False).exists()


def test_the_options_are_those_of_the_collated_task() -> None:
    iter_id = async_iter(functions.echo, [1, 2], a=7, sync=True, group="g", task_name="mine")
    task = Task.objects.get()
    assert (task.pk, task.name, task.group, task.kwargs) == (iter_id, "mine", "g", {"a": 7})
    assert result("mine") == [((1,), {"a": 7}), ((2,), {"a": 7})]


def test_an_item_that_is_no_tuple_is_one_argument() -> None:
    async_iter(functions.echo, [1, [2, 3], (4, 5), (), "six"], sync=True)
    assert [args for args, _ in functions.CALLS] == [(1,), ([2, 3],), (4, 5), (), ("six",)]


@pytest.mark.parametrize(
    "kwargs",
    [{"hook": functions.hook, "sync": True}, {"q_options": {"hook": functions.hook, "sync": True}}],
)
def test_a_hook_is_ignored(kwargs: Any) -> None:
    async_iter(functions.echo, [1, 2], **kwargs)
    assert [call[0] for call in functions.CALLS] == [(1,), (2,)]


@on_both
def test_a_failed_call_leaves_its_error_in_its_place(cached: bool | int) -> None:
    iter_id = async_iter("math.sqrt", [4, -1, 9], sync=True, cached=cached)
    task = fetch(iter_id, cached=cached)
    assert task is not None
    assert not task.success
    assert (task.result[0], task.result[2]) == (2.0, 3.0)
    assert "math domain error" in task.result[1]
    assert not Part.objects.filter(result__isnull=False).exists()


@pytest.mark.parametrize(("save", "fails", "rows"), [(False, False, 0), (False, True, 1), (True, False, 1)])
def test_what_is_not_kept_leaves_nothing_but_failures(save: bool, fails: bool, rows: int) -> None:
    async_iter("math.sqrt", [4, -1 if fails else 1], sync=True, save=save)
    assert (Task.objects.count(), Part.objects.filter(result__isnull=False).count()) == (rows, 0)


def test_a_result_that_cannot_be_read_hides_no_other() -> None:
    iter_id = async_iter("tests.tasks.functions.choose", [1, 2], sync=True)
    functions.Fragile.is_whole = False
    try:
        first, second = result(iter_id)
    finally:
        functions.Fragile.is_whole = True
    assert first == 1
    assert isinstance(second, Unreadable)


@override_settings(Q_CLUSTER={**SYNC, "cached": True})
def test_the_setting_cached_is_the_default() -> None:
    assert result(async_iter("math.floor", [1.5])) == [1]
    assert not Task.objects.exists()


def test_an_iter_leaves_nothing_in_the_cache_but_what_was_asked_for() -> None:
    async_iter("math.floor", range(20), sync=True)
    assert not cache._cache  # type: ignore[attr-defined]


@pytest.mark.parametrize(
    ("items", "error", "text"),
    [
        ([], ValueError, "The iterable is empty"),
        ((), ValueError, "The iterable is empty"),
        (7, TypeError, "An iterable of arguments is needed, one item for each call, not 7"),
        (None, TypeError, "An iterable of arguments is needed"),
        ([1, (2, threading.Lock())], SerializationError, "Item 2 of the iterable: Argument 2 of 'math.floor'"),
    ],
)
def test_what_cannot_be_is_refused(items: Any, error: type[Exception], text: str) -> None:
    with pytest.raises(error) as caught:
        async_iter("math.floor", items)
    assert text in str(caught.value)
    assert queue_size() == 0


@pytest.mark.parametrize(
    ("kwargs", "error"),
    [({"group": "g" * 101}, ValueError), ({"timeout": -1}, ValueError), ({"q_options": 3}, TypeError)],
)
def test_options_that_cannot_be_meant_are_refused(kwargs: Any, error: type[Exception]) -> None:
    with pytest.raises(error):
        async_iter("math.floor", [1], **kwargs)
    assert queue_size() == 0


# Iter


def test_arguments_are_appended_and_run() -> None:
    calls = Iter("math.copysign", sync=True)
    assert (calls.length(), calls.append(1, -1), calls.append(2, -1), calls.length()) == (0, 1, 2, 2)
    assert (calls.result(), calls.fetch(), calls.started) == (None, None, False)
    iter_id = calls.run()
    assert calls.id == iter_id
    assert len(iter_id) == 32
    assert calls.started
    assert calls.result(wait=100) == [-1.0, -2.0]
    task = calls.fetch(wait=-1)
    assert task is not None
    assert (task.pk, task.result) == (iter_id, [-1.0, -2.0])
    assert calls.append(3, 1) == 3
    assert (calls.result(), calls.fetch()) == (None, None)
    assert calls.run() != iter_id
    assert calls.result() == [-1.0, -2.0, 3.0]


@on_both
def test_arguments_and_options_are_given_at_construction(cached: bool | int) -> None:
    calls = Iter(functions.echo, (n for n in range(2)), {"a": 1, "group": "g"}, cached=cached, sync=True)
    calls.run()
    assert calls.result() == [((0,), {"a": 1}), ((1,), {"a": 1})]
    assert Task.objects.count() == (0 if cached else 1)


def test_cached_among_the_keywords_is_seen() -> None:
    calls = Iter(math.floor, [1.5], {"q_options": {"cached": 60, "sync": True}})
    calls.run()
    assert calls.result() == [1]


@pytest.mark.parametrize("kwargs", [{"cached": 60}, {"q_options": {"cached": 60, "sync": False}}])
def test_an_iter_s_own_options_come_first_and_never_reach_the_function(kwargs: Any) -> None:
    calls = Iter(functions.echo, [1], kwargs, cached=False, sync=True)
    calls.run()
    assert calls.result() == [((1,), {})]
    assert Task.objects.count() == 1


def test_arguments_are_any_iterable() -> None:
    class Column(list[int]):
        def __bool__(self) -> bool:
            raise ValueError("ambiguous, as numpy says")

    assert Iter("math.floor", Column([1, 2])).length() == 2


def test_a_broker_is_used(queued: Queued) -> None:
    Iter("math.floor", [1], broker=current.runtime().broker("third")).run()
    assert len(queued("third")) == 1


@pytest.mark.django_db(transaction=True)
def test_an_iter_waits_for_the_commit_where_that_is_asked_for() -> None:
    broker = MemoryBroker(BrokerSettings(list_key="tests"))
    with transaction.atomic():
        async_iter("math.floor", [1, 2], broker=broker, enqueue_on_commit=True)
        Iter("math.floor", [1], broker=broker, enqueue_on_commit="default").run()
        assert not broker.queue
        Iter("math.floor", [1], {"enqueue_on_commit": True}, broker=broker, enqueue_on_commit=False).run()
        assert len(broker.queue) == 1
    assert len(broker.queue) == 4


def test_an_iter_without_a_function_or_arguments_is_refused() -> None:
    with pytest.raises(TypeError, match="function must be a callable"):
        Iter(args=[1]).run()
    with pytest.raises(ValueError, match="iterable is empty"):
        Iter("math.floor").run()


def test_waiting_ends_after_the_milliseconds() -> None:
    calls = Iter("math.floor", [1])
    with pytest.raises(ValueError, match="wait takes"):
        calls.fetch(wait=-2)
    calls.run()
    assert calls.result(wait=50) is None
    with pytest.raises(ValueError, match="wait takes"):
        calls.result(wait=-2)
