"""Schedules in code: one row each, whatever number of clusters starts, and kept in line with the code."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.conf import settings
from django.test import override_settings

from djq_core.cluster.declarations import reconcile
from djq_core.models import Schedule
from djq_core.schedules.declared import MARK
from djq_core.tasks import schedule, scheduled
from tests.cluster.declaring import tasks
from tests.making import new_reporter, runtime_of

pytestmark = pytest.mark.django_db
NOW = datetime(2026, 5, 1, 12, tzinfo=UTC)
APP = "tests.cluster.declaring"


@pytest.fixture(autouse=True)
def app() -> Iterator[None]:
    """Install the app, and forget at the end what was declared."""
    with override_settings(INSTALLED_APPS=[*settings.INSTALLED_APPS, APP]):
        yield
    for function in (tasks.nightly, tasks.hourly):
        function.__dict__.pop(MARK, None)


def rows() -> list[tuple[Any, ...]]:
    return list(Schedule.objects.order_by("declared").values_list("declared", "schedule_type", "repeats", "next_run"))


def start(now: datetime = NOW) -> None:
    reconcile(runtime_of(), now)


def test_a_declared_schedule_is_made_once() -> None:
    scheduled(1, schedule_type="D", name="night", x=2)(tasks.nightly)
    scheduled(schedule_type="H", key="a")(tasks.hourly)
    scheduled(schedule_type="H", key="b")(tasks.hourly)
    for _ in range(3):
        start()
    assert rows() == [
        (f"{APP}.tasks.hourly:a", "H", -1, NOW + timedelta(hours=1)),
        (f"{APP}.tasks.hourly:b", "H", -1, NOW + timedelta(hours=1)),
        (f"{APP}.tasks.nightly", "D", -1, NOW + timedelta(days=1)),
    ]
    row = Schedule.objects.get(name="night")
    assert (row.func, row.args, row.kwargs) == (f"{APP}.tasks.nightly", "1", "x=2")


def test_what_has_changed_in_code_changes_in_its_row_and_nothing_else_does() -> None:
    scheduled(schedule_type="D", name="night")(tasks.nightly)
    start()
    Schedule.objects.update(repeats=0, next_run=NOW + timedelta(hours=2))
    tasks.nightly.__dict__.pop(MARK)
    scheduled(5, schedule_type="D", name="noon")(tasks.nightly)
    start(NOW + timedelta(days=9))
    row = Schedule.objects.get()
    assert (row.name, row.args, row.repeats, row.next_run) == ("noon", "5", 0, NOW + timedelta(hours=2))


def test_a_new_rule_counts_from_now() -> None:
    scheduled(schedule_type="D")(tasks.nightly)
    start()
    tasks.nightly.__dict__.pop(MARK)
    scheduled(schedule_type="W")(tasks.nightly)
    start(NOW + timedelta(hours=1))
    assert rows() == [(f"{APP}.tasks.nightly", "W", -1, NOW + timedelta(days=7, hours=1))]


def test_what_is_no_longer_declared_is_deleted_and_other_rows_stay() -> None:
    scheduled(schedule_type="D")(tasks.nightly)
    start()
    schedule(f"{APP}.tasks.nightly", name="by hand")
    Schedule.objects.create(func="f.f", declared="elsewhere.tasks.nightly", next_run=NOW)
    tasks.nightly.__dict__.pop(MARK)
    start()
    assert [declared for declared, *_ in rows()] == [None, "elsewhere.tasks.nightly"]


@override_settings(INSTALLED_APPS=[*settings.INSTALLED_APPS, "tests.cluster.declaring_badly"])
def test_a_module_that_cannot_be_imported_is_reported_and_keeps_its_rows(caplog: pytest.LogCaptureFixture) -> None:
    Schedule.objects.create(func="f.f", declared="tests.cluster.declaring_badly.tasks.f", next_run=NOW)
    reporter = new_reporter()
    reconcile(runtime_of(reporter=reporter), NOW)
    assert "tests.cluster.declaring_badly.tasks cannot be imported" in caplog.text
    assert len(reporter.reports) == 1
    assert Schedule.objects.count() == 1


def test_a_type_that_is_not_there_is_reported_and_stops_no_other(caplog: pytest.LogCaptureFixture) -> None:
    scheduled(schedule_type="D")(tasks.nightly)
    start()
    tasks.nightly.__dict__.pop(MARK)
    scheduled(schedule_type="Z")(tasks.nightly)
    scheduled(schedule_type="Z", key="a")(tasks.hourly)
    scheduled(schedule_type="H", key="b")(tasks.hourly)
    reporter = new_reporter()
    reconcile(runtime_of(reporter=reporter), NOW)
    assert rows() == [
        (f"{APP}.tasks.hourly:b", "H", -1, NOW + timedelta(hours=1)),
        (f"{APP}.tasks.nightly", "D", -1, NOW + timedelta(days=1)),
    ]
    assert f"The schedule {APP}.tasks.nightly that stands in code cannot be run" in caplog.text
    assert "There is no schedule type 'Z'" in caplog.text
    assert len(reporter.reports) == 2


def test_a_schedule_in_code_has_no_first_run_of_its_own() -> None:
    with pytest.raises(TypeError, match="has no next_run"):
        scheduled(next_run=NOW)(tasks.nightly)
