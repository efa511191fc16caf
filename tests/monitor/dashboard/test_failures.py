"""The failures of a day, by function."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from djq_core.envelope import new_id
from djq_core.models import Task
from djq_core.monitor.dashboard import read_failures
from djq_core.monitor.dashboard.failures import FUNCTIONS, MOST, NEWEST

pytestmark = pytest.mark.django_db


def fail(func: str, *hours: float, success: bool = False) -> None:
    now = timezone.now()
    for each in hours:
        moment = now - timedelta(hours=each)
        Task.objects.create(
            id=new_id(), name=f"{func}-{each}", func=func, started=moment, stopped=moment, success=success
        )


def test_functions_that_fail_most_come_first() -> None:
    fail("a.a", 1, 2)
    fail("b.b", 3, 4, 5, 30)
    fail("c.c", 1, success=True)
    told = read_failures()
    assert [(each.func, each.count, each.newest.name) for each in told.functions] == [
        ("b.b", 3, "b.b-3"),
        ("a.a", 2, "a.a-1"),
    ]
    assert (told.count, told.is_cut, told.others, told.trouble) == (5, False, 0, "")
    assert [task.name for task in told.newest] == ["a.a-1", "a.a-2", "b.b-3", "b.b-4", "b.b-5"]


def test_nothing_is_told_of_a_day_without_failures() -> None:
    assert read_failures().count == 0


def test_only_so_many_are_named_and_counted_with_one_query() -> None:
    now = timezone.now()
    rows = [
        Task(id=f"{n:032x}", name="n", func=f"f.f{n % 14}", started=now, stopped=now, success=False)
        for n in range(MOST + 3)
    ]
    Task.objects.bulk_create(rows)
    with CaptureQueriesContext(connection) as queries:
        told = read_failures()
    asked = [query["sql"] for query in queries if "SAVEPOINT" not in query["sql"]]
    assert len(asked) == 1
    assert '"result"' not in asked[0]
    assert "args" not in asked[0]
    assert (told.count, told.is_cut, told.others, len(told.functions), len(told.newest)) == (
        MOST,
        True,
        4,
        FUNCTIONS,
        NEWEST,
    )


def test_a_table_that_cannot_be_read_is_said_and_the_transaction_goes_on() -> None:
    with connection.cursor() as cursor:
        cursor.execute(f"DROP TABLE {Task._meta.db_table}")
    assert "no such table" in read_failures().trouble
    assert connection.is_usable()
