"""async_task."""

from __future__ import annotations

import math
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.contrib.auth.models import Group
from django.db import transaction
from django.test import override_settings

from djq_core import current
from djq_core.brokers import BrokerSettings
from djq_core.exceptions import SerializationError
from djq_core.models import Task
from djq_core.tasks import async_task, async_task_many, fetch, queue_size, result
from tests.making import MemoryBroker
from tests.tasks import functions
from tests.tasks.conftest import Queued

pytestmark = pytest.mark.django_db
SYNC: dict[str, Any] = {"name": "tests", "orm": "default", "sync": True}


@pytest.fixture(autouse=True)
def no_calls() -> None:
    functions.CALLS.clear()


def test_a_task_goes_to_the_queue(queued: Queued) -> None:
    task_id = async_task("math.copysign", 2, -2, hook="hooks.done", group="g", timeout=30, save=False, cached=60)
    assert queue_size() == 1
    (package,) = queued()
    assert package.id == task_id
    assert len(task_id) == 32
    assert (package.func, package.hook, package.group, package.timeout) == ("math.copysign", "hooks.done", "g", 30)
    assert (package.save, package.cached, package.ack_failure, package.chain) == (False, 60, None, ())
    assert datetime.now(UTC) - package.started < timedelta(minutes=1)
    load = current.runtime().load
    assert load(package.serializer, package.parts["args"]) == (2, -2)
    assert load(package.serializer, package.parts["kwargs"]) == {}


def test_many_tasks_are_sent_with_one_call(queued: Queued, django_assert_max_num_queries: Any) -> None:
    options: dict[str, Any] = {"group": "g", "timeout": 30, "hook": "hooks.done"}
    with django_assert_max_num_queries(5):
        ids = async_task_many(math.copysign, iter([(2, -1), (3, -1)]), **options)
    packages = queued()
    assert [package.id for package in packages] == ids
    assert len({package.name for package in packages}) == 2
    assert {(each.func, each.group, each.timeout, each.hook) for each in packages} == {
        ("math.copysign", "g", 30, "hooks.done")
    }
    load = current.runtime().load
    assert [load(each.serializer, each.parts["args"]) for each in packages] == [(2, -1), (3, -1)]


def test_many_tasks_share_a_name_that_is_given_and_their_keywords(queued: Queued) -> None:
    async_task_many(functions.echo, ["a", "b"], task_name="mine", extra=1)
    load = current.runtime().load
    packages = queued()
    assert [(each.name, load("pickle", each.parts["args"])) for each in packages] == [
        ("mine", ("a",)),
        ("mine", ("b",)),
    ]
    assert {str(load("pickle", each.parts["kwargs"])) for each in packages} == {"{'extra': 1}"}


def test_many_tasks_of_a_group_are_told_apart_by_their_moments(queued: Queued) -> None:
    async_task_many("math.floor", [1.5] * 20, group="g")
    moments = [package.started for package in queued()]
    assert moments == sorted(set(moments))


def test_of_many_tasks_none_is_sent_where_one_cannot_be(queued: Queued) -> None:
    with pytest.raises(SerializationError, match="Item 2 of the iterable: Argument 1"):
        async_task_many("math.floor", [1.5, lambda: None])
    with pytest.raises(TypeError, match="An iterable of arguments is needed, one item for each call, not 7"):
        async_task_many("math.floor", 7)  # type: ignore[arg-type]
    assert queue_size() == 0
    assert async_task_many("math.floor", []) == []


@override_settings(Q_CLUSTER=SYNC)
def test_many_tasks_can_be_run_here_and_now() -> None:
    ids = async_task_many("math.floor", [1.5, 2.5])
    assert [result(each) for each in ids] == [1, 2]


def test_callables_travel_by_their_path(queued: Queued) -> None:
    async_task(math.floor, 1.5, hook=functions.hook, task_name="mine")
    (package,) = queued()
    assert (package.func, package.hook, package.name) == ("math.floor", "tests.tasks.functions.hook", "mine")


def test_a_cluster_reads_its_own_queue(queued: Queued) -> None:
    async_task("math.floor", 1.5, cluster="other")
    async_task("math.ceil", 1.5, broker=current.runtime().broker("third"))
    assert queue_size() == 0
    assert queue_size(current.runtime().broker("other")) == 1
    assert [package.func for package in queued("other")] == ["math.floor"]
    assert [package.func for package in queued("third")] == ["math.ceil"]


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize(
    ("setting", "options", "sent"),
    [
        (False, {}, 1),
        (False, {"enqueue_on_commit": True}, 0),
        (True, {}, 0),
        ("default", {}, 0),
        (True, {"enqueue_on_commit": False}, 1),
    ],
)
def test_it_waits_for_the_commit_where_that_is_asked_for(
    *, setting: bool | str, options: dict[str, Any], sent: int
) -> None:
    with override_settings(Q_CLUSTER={**SYNC, "sync": False, "enqueue_on_commit": setting}):
        broker = MemoryBroker(BrokerSettings(list_key="tests"))
        with transaction.atomic():
            async_task("math.floor", 1.5, broker=broker, **options)
            assert len(broker.queue) == sent
        assert len(broker.queue) == 1


def test_options_never_reach_the_function() -> None:
    async_task(functions.echo, 1, a=2, sync=True, timeout=5, save=True, ack_failure=True, task_name="t", group="g")
    assert functions.CALLS == [((1,), {"a": 2})]


def test_q_options_leave_their_keywords_to_the_function() -> None:
    task_id = async_task(functions.echo, group="mine", q_options={"group": "g", "sync": True})
    assert functions.CALLS == [((), {"group": "mine"})]
    assert fetch(task_id).group == "g"  # type: ignore[union-attr]


def test_sync_runs_saves_and_calls_the_hook() -> None:
    task_id = async_task(functions.echo, 1, sync=True, hook=functions.hook)
    assert result(task_id) == ((1,), {})
    assert [call.pk for call in functions.CALLS[1:]] == [task_id]
    assert functions.CALLS[1].result == ((1,), {})
    assert queue_size() == 0


def test_sync_of_a_failing_task_raises_nothing() -> None:
    task = fetch(async_task(functions.fail, sync=True))
    assert task is not None
    assert not task.success
    assert "on purpose" in task.result


def test_sync_leaves_the_caller_s_transaction_usable() -> None:
    with transaction.atomic():
        task = fetch(async_task(functions.name_group_twice, "a", sync=True))
        assert task is not None
        assert task.result.startswith("django.db.utils.IntegrityError")
        async_task(functions.echo, sync=True, hook=functions.name_group_twice)
        async_task(functions.name_group, "b", sync=True)
        assert [group.name for group in Group.objects.all()] == ["b"]


@override_settings(Q_CLUSTER=SYNC)
def test_the_setting_sync_forces_every_call() -> None:
    assert result(async_task("math.floor", 1.5)) == 1
    assert result(async_task("math.floor", 2.5, sync=False)) == 2


@override_settings(Q_CLUSTER={**SYNC, "cached": True})
def test_the_setting_cached_is_the_default_of_every_call() -> None:
    task_id = async_task("math.floor", 1.5)
    assert not Task.objects.exists()
    assert result(task_id) == 1
    kept = async_task("math.floor", 2.5, cached=False)
    assert (result(kept), result(kept, cached=False)) == (None, 2)


@pytest.mark.parametrize("func", [None, 7, ["math.floor"]])
def test_a_function_that_is_none_is_refused(func: Any) -> None:
    with pytest.raises(TypeError, match="function must be a callable or its dotted path"):
        async_task(func)


@pytest.mark.parametrize("func", ["", "floor", "math.", "math floor"])
def test_a_text_that_is_no_path_is_refused(func: str) -> None:
    with pytest.raises(ValueError, match="is no dotted path"):
        async_task(func)


def test_an_argument_that_cannot_be_sent_is_named() -> None:
    with pytest.raises(SerializationError, match=r"Argument 2 of 'math\.floor'"):
        async_task("math.floor", 1, lambda: None)
    with pytest.raises(SerializationError, match="Argument 'key'"):
        async_task("math.floor", 1, key=lambda: None)
    assert queue_size() == 0
