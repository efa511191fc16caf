"""What an operator does with a schedule: running it now, pausing it, letting it go on."""

from __future__ import annotations

import datetime
from typing import Any

import pytest
from django.test import override_settings

from djq_core import current
from djq_core.envelope import TASK, TaskPackage, decode_package
from djq_core.models import Schedule, Task
from djq_core.tasks.steering import NotRunnable, pause, resume, run_now

pytestmark = pytest.mark.django_db

NOON = datetime.datetime(2026, 5, 1, 12, tzinfo=datetime.UTC)


def make(**fields: Any) -> Schedule:
    return Schedule.objects.create(
        **{"func": "math.pow", "args": "2, 3", "next_run": NOON, "schedule_type": "H", **fields}
    )


def queued(name: str = "tests") -> list[TaskPackage]:
    runtime = current.runtime()
    found = runtime.shared_broker(name).receive(10, 0)
    return [decode_package(runtime.signer.named(name).verify(TASK, each.package), max_bytes=10**6) for each in found]


def test_running_now_sends_what_a_run_sends_and_leaves_what_is_due() -> None:
    schedule = make(name="powers", hook="hooks.done", kwargs="q_options={'timeout': 7}", repeats=0)
    task_id = run_now(schedule)
    (package,) = queued()
    assert (package.id, package.func, package.group, package.hook, package.timeout) == (
        task_id,
        "math.pow",
        "powers",
        "hooks.done",
        7,
    )
    schedule.refresh_from_db()
    assert (schedule.next_run, schedule.repeats, schedule.task) == (NOON, 0, task_id)
    assert run_now(schedule) != task_id


def test_running_now_goes_to_the_only_cluster_that_runs_it() -> None:
    with override_settings(Q_CLUSTER={"name": "tests", "orm": "default", "ALT_CLUSTERS": {"far": {}}}):
        run_now(make(cluster="far"))
        assert queued() == []
        assert [package.func for package in queued("far")] == ["math.pow"]


def test_running_now_runs_in_sync_mode() -> None:
    with override_settings(Q_CLUSTER={"name": "tests", "orm": "default", "sync": True}):
        task_id = run_now(make())
    assert Task.objects.get(pk=task_id).result == 8.0


def test_runs_that_must_not_overlap_do_not() -> None:
    schedule = make(overlap_policy=Schedule.SKIP)
    run_now(schedule)
    schedule.refresh_from_db()
    assert schedule.is_running
    with pytest.raises(NotRunnable, match="has not ended"):
        run_now(schedule)
    assert len(queued()) == 1


def test_what_cannot_be_read_is_not_sent() -> None:
    schedule = make(args="2, x")
    with pytest.raises(ValueError, match="'x' is not a Python literal"):
        run_now(schedule)
    assert queued() == []
    schedule.refresh_from_db()
    assert schedule.task is None


def test_a_pause_remembers_how_often_it_still_runs() -> None:
    schedule = make(repeats=24)
    resting = make(repeats=0)
    assert pause(Schedule.objects.all()) == 1
    schedule.refresh_from_db()
    assert (schedule.repeats, schedule.next_runs()) == (0, [])
    assert pause(Schedule.objects.all()) == 0
    assert resume(schedule, NOON)
    schedule.refresh_from_db()
    assert (schedule.repeats, schedule.paused_repeats) == (24, None)
    assert not resume(schedule, NOON)
    resting.refresh_from_db()
    assert resting.repeats == 0


@pytest.mark.parametrize(
    ("fields", "repeats", "hours"),
    [
        ({"schedule_type": "H"}, -1, 4),
        ({"schedule_type": "H", "paused_repeats": -7}, -7, 4),
        ({"schedule_type": "I", "minutes": 90}, -1, 4.5),
        ({"schedule_type": "O"}, 1, 0),
        ({"schedule_type": "H", "next_run": NOON + datetime.timedelta(hours=9)}, -1, 9),
    ],
)
def test_what_was_due_in_the_pause_is_left_out(fields: dict[str, Any], repeats: int, hours: float) -> None:
    schedule = make(repeats=0, **fields)
    assert resume(schedule, NOON + datetime.timedelta(hours=3.5))
    schedule.refresh_from_db()
    assert (schedule.repeats, schedule.next_run) == (repeats, NOON + datetime.timedelta(hours=hours))
