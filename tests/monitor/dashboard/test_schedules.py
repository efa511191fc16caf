"""The schedules about to run, and those that do not."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.db import connection
from django.utils import timezone

from djq_core.models import Schedule, Task
from djq_core.monitor.dashboard import read_schedules

pytestmark = pytest.mark.django_db


def add(name: str, minutes: float, **fields: Any) -> Schedule:
    moment = timezone.now() + timedelta(minutes=minutes)
    return Schedule.objects.create(**{"func": "a.b", "name": name, "next_run": moment, "schedule_type": "H", **fields})


def test_the_next_ten_come_in_their_order() -> None:
    for number in range(12):
        add(f"in-{number}", 12 - number)
    told = read_schedules()
    assert [each.row.name for each in told.upcoming] == [f"in-{number}" for number in range(11, 1, -1)]
    assert told.paused == ()


def test_what_is_due_says_so_and_what_is_paused_is_apart() -> None:
    add("late", -5)
    add("soon", 5)
    add("paused", -60, repeats=0)
    add("paused later", -30, repeats=0)
    add("never", 0, next_run=None)
    told = read_schedules()
    assert [(each.row.name, each.is_due) for each in told.upcoming] == [("late", True), ("soon", False)]
    assert [each.row.name for each in told.paused] == ["paused later", "paused"]


def test_the_last_run_is_told_where_its_result_is_kept() -> None:
    now = timezone.now()
    Task.objects.create(id="a" * 32, name="kept", func="a.b", started=now, stopped=now, success=False)
    add("one", 1, task="a" * 32)
    add("two", 2, task="b" * 32)
    one, two = read_schedules().upcoming
    assert one.last is not None
    assert (one.last.name, one.last.success, two.last) == ("kept", False, None)


def test_a_table_that_cannot_be_read_is_said() -> None:
    with connection.cursor() as cursor:
        cursor.execute(f"DROP TABLE {Schedule._meta.db_table}")
    assert "no such table" in read_schedules().trouble
