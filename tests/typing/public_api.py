"""The public API as a site uses it: never run, only type-checked by ``make types``."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any, assert_type

from django.db.models import QuerySet

from djq_core import hookimpl
from djq_core.brokers import Broker, Delivery
from djq_core.cluster import Cluster
from djq_core.conf import Conf
from djq_core.models import Failure, Schedule, Success, Task
from djq_core.tasks import (
    AsyncTask,
    Chain,
    Iter,
    async_chain,
    async_iter,
    async_task,
    count_group,
    delete_cached,
    delete_group,
    fetch,
    fetch_group,
    queue_size,
    result,
    result_group,
    schedule,
    scheduled,
)


def send_invoice(number: int, *, copy: bool = False) -> str:
    return f"{number}{copy}"


def invoice_sent(task: Task) -> None:
    assert_type(task.success, bool)
    assert_type(task.name, str)


def enqueue() -> None:
    task_id = async_task(send_invoice, 7, copy=True, hook=invoice_sent, group="invoices", timeout=30)
    assert_type(task_id, str)
    assert_type(async_task("math.copysign", 2, -2, q_options={"cached": 60}), str)
    assert_type(result(task_id, wait=200), Any)
    assert_type(fetch(task_id, wait=-1, cached=True), Task | None)
    assert_type(queue_size(), int)
    delete_cached(task_id)


def group() -> None:
    assert_type(count_group("invoices", failures=True), int)
    assert_type(result_group("invoices", wait=-1), list[Any])
    assert_type(delete_group("invoices", tasks=True), int)
    tasks = fetch_group("invoices", failures=False, wait=100, count=3)
    assert_type(tasks.exclude(func="math.floor")[0].result, Any)
    cached: Sequence[Task] | QuerySet[Task] = fetch_group("invoices", cached=60)
    assert_type(cached[0].result, Any)


def workflows() -> None:
    assert_type(async_iter("math.floor", range(3), cached=60), str)
    calls = Iter(send_invoice, [(1,), (2,)], {"copy": True}, sync=True)
    assert_type((calls.append(3), calls.length(), calls.run()), tuple[int, int, str])
    assert_type((calls.result(wait=-1), calls.fetch()), tuple[list[Any] | None, Task | None])
    assert_type(async_chain([("math.floor", (1,)), (send_invoice, (7,), {"copy": True})], on_failure="continue"), str)
    chain = Chain(cached=True)
    assert_type((chain.append(send_invoice, 7, copy=True), chain.run(), chain.current()), tuple[int, str, int])
    assert_type((chain.result(), chain.fetch(failures=False, wait=100)), tuple[list[Any], list[Task]])
    task = AsyncTask(send_invoice, 7, group="invoices")
    task.cached = 60
    assert_type((task.run(), task.started, task.fetch()), tuple[str, bool, Task | None])
    assert_type(task.result_group(count=10), list[Any])


def plan() -> None:
    row = schedule("math.hypot", 3, 4, schedule_type=Schedule.CRON, cron="0 22 * * 1-5", q_options={"timeout": 30})
    assert_type(row, Schedule)
    assert_type(row.next_runs(), list[datetime])
    assert_type(row.success(), bool | None)
    assert_type(row.last_run(), str | None)


@scheduled(schedule_type=Schedule.DAILY)
def clean_up(days: int = 7) -> int:
    return days


def call_what_is_scheduled() -> None:
    assert_type(clean_up(3), int)


def look() -> None:
    for task in Success.objects.all():
        assert_type(task.time_taken(), float)
    assert_type(Failure.objects.first(), Failure | None)


def run_cluster() -> None:
    cluster = Cluster()
    assert_type(cluster.start(), int)
    assert_type(cluster.is_running, bool)
    assert_type(cluster.stop(), bool)
    assert_type(cluster.stat().status == Conf.IDLE, bool)


class MyBroker(Broker):
    name = "mine"
    conf_keys = ("mine",)

    def receive(self, count: int, wait: float) -> list[Delivery]:
        return [Delivery("1", b"package")][:count]


class MyPlugin:
    @hookimpl
    def djq_register_brokers(self) -> list[type[Broker]]:
        return [MyBroker]
