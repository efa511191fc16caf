"""The models of the manual's reference."""

from __future__ import annotations

import datetime
from collections.abc import Sequence
from contextlib import nullcontext
from datetime import timedelta
from io import StringIO
from typing import Any

import pytest
from django.core.exceptions import ValidationError
from django.core.management import call_command
from django.test import override_settings
from django.urls import path
from django.utils import timezone

from djq_core.envelope import new_id
from djq_core.models import Failure, Schedule, Success, Task

pytestmark = pytest.mark.django_db

NOW = datetime.datetime(2026, 1, 2, 3, 4, 5, tzinfo=datetime.UTC)
urlpatterns = [path("", lambda request: None)]  # type: ignore[arg-type, return-value]


def make_task(result: Any = None, *, success: bool = True, seconds: float = 0, **fields: Any) -> Task:
    values = {"id": new_id(), "name": "winter", "func": "math.pow", **fields}
    return Task.objects.create(
        result=result,
        success=success,
        started=NOW + timedelta(seconds=seconds),
        stopped=NOW + timedelta(minutes=1),
        **values,
    )


def test_migrations_hold_all_that_the_models_say() -> None:
    call_command("makemigrations", "djq_core", check=True, dry_run=True, stdout=StringIO())


def test_get_task_by_id_or_name() -> None:
    old = make_task(1, name="maple")
    Task.objects.filter(pk=old.pk).update(stopped=NOW)
    new = make_task(2, name="maple")
    assert Task.get_task(old.pk) == old
    assert Task.get_task("maple") == new
    assert Task.get_result(old.pk) == 1
    assert Task.get_result("maple") == 2
    assert Task.get_task("oak") is None
    assert Task.get_result("0" * 32) is None


def test_a_name_may_be_as_long_as_an_id() -> None:
    task = make_task(name="n" * 32)
    assert Task.get_task("n" * 32) == task


def test_time_taken_is_in_seconds() -> None:
    assert make_task(seconds=12.5).time_taken() == 47.5


def test_groups() -> None:
    late, early = make_task("late", group="g", seconds=2), make_task("early", group="g", seconds=1)
    failed = make_task("error", success=False, group="g", seconds=3)
    alone = make_task("alone")
    assert Task.get_result_group("g") == early.group_result() == ["early", "late"]
    assert Task.get_result_group("g", failures=True) == early.group_result(failures=True) == ["early", "late", "error"]
    assert list(Task.get_task_group("g")) == [early, late, failed]
    assert list(Task.get_task_group("g", failures=False).exclude(result__isnull=True)) == [early, late]
    assert Task.get_group_count("g") == early.group_count() == 3
    assert Task.get_group_count("g", failures=True) == early.group_count(failures=True) == 1
    assert (alone.group_result(), alone.group_count(), alone.group_delete()) == ([], 0, 0)


@pytest.mark.parametrize(("objects", "left"), [(False, 3), (True, 1)])
def test_delete_group(objects: bool, left: int) -> None:
    make_task(group="g"), make_task(group="g"), make_task(group="other")
    assert Task.delete_group("g", objects=objects) == 2
    assert (Task.objects.count(), Task.get_group_count("g"), Task.get_group_count("other")) == (left, 0, 1)
    assert Task.delete_group("g", objects=objects) == 0


def test_no_label_is_no_group() -> None:
    make_task()
    none: Any = None
    assert (Task.get_result_group(none), Task.get_group_count(none)) == ([], 0)
    assert Task.delete_group(none, objects=True) == 0
    assert Task.objects.count() == 1


@pytest.mark.parametrize(("tasks", "left"), [(False, 2), (True, 0)])
def test_group_delete(tasks: bool, left: int) -> None:
    task = make_task(group="g")
    make_task(group="g")
    assert task.group_delete(tasks=tasks) == 2
    assert Task.objects.count() == left


def test_success_and_failure_are_the_two_kinds_of_task() -> None:
    good, bad = make_task(), make_task(success=False)
    assert [task.pk for task in Success.objects.all()] == [good.pk]
    assert [task.pk for task in Failure.objects.all()] == [bad.pk]
    assert Success.get_task(bad.pk) is None
    assert isinstance(Failure.objects.get(), Failure)


def test_the_newest_come_first() -> None:
    for model in (Task, Success, Failure):
        assert model._meta.ordering == ["-stopped"]


def test_texts_of_models() -> None:
    assert str(make_task()) == "winter"
    assert str(Schedule(func="math.pow")) == "math.pow"
    assert str(Schedule(func="math.pow", name="nightly")) == "nightly"


# Schedules


def test_a_schedule_has_the_manuals_fields_and_defaults() -> None:
    schedule = Schedule.objects.create(func="math.copysign", hook="hooks.print_result", args="2,-2")
    schedule.refresh_from_db()
    assert (schedule.schedule_type, schedule.repeats, schedule.minutes, schedule.cron) == ("O", -1, None, None)
    assert (schedule.name, schedule.kwargs, schedule.cluster, schedule.task) == (None, None, None, None)
    assert schedule.next_run is not None
    assert abs(schedule.next_run - timezone.now()) < timedelta(minutes=1)
    assert schedule.intended_date_kwarg is None


def test_the_types_of_schedules() -> None:
    names = ("ONCE", "MINUTES", "HOURLY", "DAILY", "WEEKLY", "MONTHLY", "QUARTERLY", "YEARLY", "CRON")
    assert [getattr(Schedule, name) for name in names] == list("OIHDWMQYC") == [key for key, _ in Schedule.TYPE]


def test_a_schedule_without_a_run_shows_nothing() -> None:
    for schedule in (Schedule(func="f"), Schedule(func="f", task="0" * 32)):
        assert (schedule.last_run(), schedule.success()) == (None, None)


@pytest.mark.parametrize(("success", "page"), [(True, "success"), (False, "failure")])
def test_a_schedule_links_to_its_last_task(success: bool, page: str) -> None:
    task = make_task(success=success, name="<b>")
    schedule = Schedule(func="f", task=task.pk)
    assert schedule.success() is success
    assert schedule.last_run() == f'<a href="/admin/djq_core/{page}/{task.pk}/change/">[&lt;b&gt;]</a>'


def test_a_schedule_is_asked_for_its_last_task_anew() -> None:
    schedule = Schedule(func="f", task="1" * 32)
    assert schedule.success() is None
    make_task(id="1" * 32, success=False)
    assert schedule.success() is False
    schedule.task = make_task().pk
    assert schedule.success() is True


@override_settings(ROOT_URLCONF=__name__)
def test_without_an_admin_a_schedule_names_its_last_task() -> None:
    assert Schedule(func="f", task=make_task().pk).last_run() == "winter"


@pytest.mark.parametrize(
    ("fields", "hours"),
    [
        ({"schedule_type": "H"}, range(12, 22)),
        ({"schedule_type": "H", "repeats": 2}, [12, 13]),
        ({"schedule_type": "H", "repeats": 0}, []),
        ({"schedule_type": "O"}, [12]),
        ({"schedule_type": "O", "next_run": None}, []),
    ],
)
def test_a_schedule_tells_its_next_ten_runs(fields: dict[str, Any], hours: Sequence[int]) -> None:
    first = datetime.datetime(2026, 5, 1, 12, tzinfo=datetime.UTC)
    schedule = Schedule.objects.create(**{"func": "f.f", "next_run": first, **fields})
    assert schedule.next_runs() == [first.replace(hour=hour) for hour in hours]
    assert schedule.next_runs(1) == schedule.next_runs()[:1]


@pytest.mark.parametrize(
    ("fields", "wrong"),
    [
        ({}, set()),
        ({"args": "open('x')"}, {"args"}),
        ({"kwargs": "1"}, {"kwargs"}),
        ({"schedule_type": "C", "cron": "* * * * * *"}, {"cron"}),
        ({"schedule_type": "H", "cron": "nonsense"}, set()),
        ({"schedule_type": "I"}, {"minutes"}),
        ({"schedule_type": "I", "minutes": 0}, {"minutes"}),
        ({"schedule_type": "I", "minutes": 1}, set()),
    ],
)
def test_a_form_refuses_what_cannot_be_run(fields: dict[str, Any], wrong: set[str]) -> None:
    pytest.importorskip("croniter")
    schedule = Schedule(func="f.f", **fields)
    with pytest.raises(ValidationError) if wrong else nullcontext() as raised:
        schedule.clean()
    assert set(raised.value.message_dict if raised else ()) == wrong
