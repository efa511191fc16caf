"""The summary of all clusters and of the stored tasks (manual 1.10.2)."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from djq_core.cluster.status import Stat
from djq_core.envelope import new_id
from djq_core.models import Schedule, Task
from djq_core.monitor.clusters import Overview, Queue
from djq_core.monitor.failures import newest
from djq_core.monitor.summary import Summary, summarize

pytestmark = pytest.mark.django_db

NOW = datetime(2026, 5, 6, 7, 8, 9, tzinfo=UTC)


def add(count: int, *, hours: float, seconds: float = 1.0, success: bool = True, **fields: Any) -> None:
    """Store tasks that ended so many hours ago and took some seconds."""
    stopped = NOW - timedelta(hours=hours)
    started = stopped - timedelta(seconds=seconds)
    values = {"name": "n", "func": "math.pow", "started": started, "stopped": stopped, "success": success, **fields}
    Task.objects.bulk_create([Task(id=new_id(), **values) for _ in range(count)])


def made(done: int) -> Summary:
    zero = dict.fromkeys(("clusters", "workers", "restarts", "queued", "successes", "failures", "schedules"), 0)
    return Summary(**zero, done=done, is_done_complete=True, avg_time=None)


def test_everything_is_summed_up() -> None:
    add(3, hours=1.5, seconds=2)
    add(1, hours=20, seconds=6)
    add(5, hours=25)
    add(2, hours=1, seconds=100, success=False)
    Schedule.objects.create(func="math.pow")
    stats = (Stat(cluster_id=1, workers=[1, 2], reincarnations=3), Stat(cluster_id=2, workers=[3], reincarnations=1))
    queues = (Queue(name="a", waiting=4), Queue(name="b", waiting=None), Queue(name="c", waiting=5))
    found = summarize(Overview(stats=stats, queues=queues), NOW)
    assert (found.clusters, found.workers, found.restarts, found.queued) == (2, 3, 4, 9)
    assert (found.successes, found.failures, found.schedules, found.done) == (9, 2, 1, 4)
    assert found.avg_time == pytest.approx((3 * 2 + 6) / 4)
    assert found.is_done_complete


def test_nothing_is_nothing() -> None:
    found = summarize(Overview(), NOW)
    assert (found.queued, found.done, found.avg_time, found.rate) == (None, 0, None, (0.0, "day"))


@pytest.mark.parametrize(
    ("done", "rate", "unit"),
    [
        (24, 24, "day"),
        (177, 7.375, "hour"),
        (24 * 60, 60, "hour"),
        (24 * 60 * 2, 2, "minute"),
        (24 * 3600 * 5, 5, "second"),
    ],
)
def test_the_rate_is_told_in_the_unit_that_fits(done: int, rate: float, unit: str) -> None:
    assert made(done).rate[0] == pytest.approx(rate)
    assert made(done).rate[1] == unit


def test_of_many_tasks_in_an_hour_the_newest_stand_for_all() -> None:
    add(250, hours=0.9, seconds=100)
    add(200, hours=0.1, seconds=2)
    add(150, hours=5, seconds=4)
    assert summarize(Overview(), NOW).avg_time == pytest.approx((450 * 2 + 150 * 4) / 600)


def test_counts_read_the_index_alone_and_no_query_reads_the_table() -> None:
    add(30, hours=0.5)
    add(3, hours=0.5, success=False)
    with CaptureQueriesContext(connection) as captured:
        summarize(Overview(), NOW)
        newest()
    asked = [query["sql"] for query in captured if 'FROM "djq_core_task"' in query["sql"]]
    assert 3 < len(asked) < 60
    for sql in asked:
        plan = plan_of(sql)
        assert "djq_task_success" in plan, f"{plan}\n{sql}"
        assert ("COVERING INDEX" in plan) == ("COUNT" in sql), f"{plan}\n{sql}"
        assert "LIMIT" in sql
        assert "TEMP B-TREE" not in plan


def plan_of(sql: str) -> str:
    with connection.cursor() as cursor:
        cursor.execute(f"EXPLAIN QUERY PLAN {sql}")
        return "\n".join(row[-1] for row in cursor.fetchall() if "djq_core_task" in row[-1] or "B-TREE" in row[-1])
