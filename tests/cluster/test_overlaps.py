"""The mark of schedules whose runs must not overlap: who may run, who is heard of, and what ends it."""

from __future__ import annotations

import random
import time
from typing import Any

import pytest
from django.db import DatabaseError

from djq_core.cluster.overlaps import SCHEDULE, end_runs, keep, patience, schedule_of, take
from djq_core.models import Schedule
from tests.conf.making import conf
from tests.making import package_of, runtime_of

pytestmark = pytest.mark.django_db
CONF = conf({"retry": 60})
STALE = 3 * 60 + 10


def row(**fields: Any) -> Schedule:
    values = {"func": "a.b", "overlap_policy": "skip", "is_running": True, "task": "mine", "seen": int(time.time())}
    return Schedule.objects.create(**{**values, **fields})


def state(schedule: Schedule) -> tuple[bool, str | None]:
    schedule.refresh_from_db()
    return schedule.is_running, schedule.holder


def end(schedule: Schedule, task_id: str) -> None:
    end_runs([package_of(runtime_of(), id=task_id, headers={SCHEDULE: str(schedule.pk)})])


@pytest.mark.parametrize(
    ("fields", "may_run"),
    [
        ({}, True),
        ({"holder": "mine"}, True),
        ({"holder": "other"}, False),
        ({"holder": "other", "seen": int(time.time()) - STALE}, True),
        ({"holder": "other", "overlap_policy": "allow"}, True),
    ],
)
def test_only_the_holder_runs(fields: dict[str, Any], may_run: bool) -> None:
    schedule = row(**fields)
    assert take(schedule.pk, "mine", CONF) is may_run
    if may_run and schedule.overlap_policy == "skip":
        assert state(schedule) == (True, "mine")
        assert schedule.seen >= time.time() - 5


def test_a_run_whose_schedule_is_gone_runs() -> None:
    assert take(12345, "mine", CONF)


def test_a_sign_of_life_counts_for_the_holder_alone() -> None:
    schedule = row(holder="other", seen=7)
    keep([(schedule.pk, "mine")])
    schedule.refresh_from_db()
    assert schedule.seen == 7
    keep([(schedule.pk, "other")])
    schedule.refresh_from_db()
    assert schedule.seen > 7


@pytest.mark.parametrize(
    ("holder", "ended", "left"),
    [
        ("mine", "mine", (False, None)),
        (None, "mine", (False, None)),
        ("other", "other", (False, None)),
        ("other", "mine", (True, "other")),
        (None, "older", (True, None)),
    ],
)
def test_the_end_of_the_holder_or_of_the_last_run_ends_the_mark(
    holder: str | None, ended: str, left: tuple[bool, str | None]
) -> None:
    schedule = row(holder=holder)
    end(schedule, ended)
    assert state(schedule) == left


@pytest.mark.parametrize(
    ("backoff", "longest"),
    [(None, 60), (1, 60), (600, 600), ([1, 600, 2], 600), ({"initial": 1, "maximum": 900}, 900)],
)
def test_patience_outlasts_signs_of_life_and_the_time_between_attempts(backoff: Any, longest: int) -> None:
    assert patience(conf({"retry": 60, "backoff": backoff})) == 3 * longest


@pytest.mark.parametrize("headers", [None, {}, {SCHEDULE: "x"}, {SCHEDULE: 5}, 5])
def test_most_tasks_belong_to_no_such_schedule(headers: Any) -> None:
    assert schedule_of(headers) is None
    assert schedule_of({SCHEDULE: "5"}) == 5


def test_however_tasks_come_again_and_end_no_two_run_at_once() -> None:
    dice, schedule = random.Random(14), row()
    running: set[str] = set()
    runs = 0
    for _ in range(300):
        task_id = dice.choice("abc")
        if task_id in running and dice.random() < 0.5:
            running.discard(task_id)
            end(schedule, task_id)
        elif take(schedule.pk, task_id, CONF):
            running.add(task_id)
            runs += 1
        keep((schedule.pk, each) for each in running)
        assert len(running) <= 1
    assert runs > 50


@pytest.mark.django_db(transaction=True)
def test_a_database_that_is_away_is_told_of_and_raises_nothing(caplog: pytest.LogCaptureFixture) -> None:
    class Away:
        def __iter__(self) -> Any:
            raise DatabaseError("away")

    keep(Away())
    assert "Nobody can be told which schedules run: away" in caplog.text
