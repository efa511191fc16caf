"""Pausing a schedule, and letting it run again."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from djq_core.models import Schedule
from djq_core.tasks.pausing import pause, resume

pytestmark = pytest.mark.django_db


def add(**fields: Any) -> Schedule:
    return Schedule.objects.create(**{"func": "a.b", "name": "n", "schedule_type": "D", **fields})


def stored(schedule: Schedule) -> Schedule:
    return Schedule.objects.get(pk=schedule.pk)


def test_a_schedule_is_paused_once() -> None:
    schedule = add(repeats=3)
    assert pause(schedule)
    assert not pause(schedule)
    assert stored(schedule).repeats == 0


def test_it_goes_on_with_the_next_time_of_its_rule() -> None:
    before = datetime.now(UTC) - timedelta(days=10, hours=5)
    schedule = add(repeats=0, next_run=before)
    assert resume(schedule)
    row = stored(schedule)
    assert (row.repeats, row.next_run) == (-1, before + timedelta(days=11))
    assert row.next_runs(1) == [row.next_run]


def test_a_time_that_is_still_to_come_stands() -> None:
    moment = datetime.now(UTC) + timedelta(hours=1)
    schedule = add(repeats=0, next_run=moment)
    assert resume(schedule, 4)
    assert (stored(schedule).repeats, stored(schedule).next_run) == (4, moment)


def test_one_that_has_no_further_time_runs_at_once() -> None:
    moment = datetime.now(UTC) - timedelta(hours=1)
    schedule = add(repeats=0, next_run=moment, schedule_type="O")
    assert resume(schedule, 1)
    assert stored(schedule).next_run == moment


def test_one_without_a_time_gets_one() -> None:
    schedule = add(repeats=0, next_run=None)
    assert resume(schedule)
    assert stored(schedule).next_run > datetime.now(UTC)  # type: ignore[operator]


def test_one_that_runs_is_left_alone() -> None:
    schedule = add(repeats=-7)
    assert not resume(schedule)
    assert stored(schedule).repeats == -7


def test_what_cannot_be_meant_is_refused() -> None:
    with pytest.raises(ValueError, match="0 repeats"):
        resume(add(repeats=0), 0)
    with pytest.raises(ValueError, match="no schedule type"):
        resume(add(repeats=0, schedule_type="?", name="m", next_run=datetime(2026, 1, 1, tzinfo=UTC)))
