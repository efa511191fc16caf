"""The way of writing rows for databases that cannot tell what one statement changed."""

from __future__ import annotations

from collections.abc import Sequence

from django.db import connections

from djq_core.envelope import TaskResult, new_id
from djq_core.models import Task
from djq_core.results import Stored
from djq_core.results.records import task_of
from djq_core.results.upsert import in_steps, rounds
from tests.results.conftest import MakeResult


def write(alias: str, results: Sequence[TaskResult]) -> dict[str, Stored]:
    return dict(in_steps(connections[alias], [(task_of(result), []) for result in results]))


def test_a_row_is_inserted_and_replaced(alias: str, make_result: MakeResult) -> None:
    task_id = new_id()
    died = make_result("died", success=False, crashed=True, id=task_id)
    assert write(alias, [died, make_result()])[task_id] == Stored(1, 1)
    assert write(alias, [died]) == {task_id: Stored(1, 1)}
    assert write(alias, [make_result(8.0, attempt=2, id=task_id)]) == {task_id: Stored(2, 1)}
    assert write(alias, [make_result("late", success=False, attempt=3, id=task_id)]) == {}
    task = Task.objects.get(pk=task_id)
    assert (task.success, task.result, task.args, task.attempt_count, task.crashes) == (True, 8.0, (2, 3), 2, 1)


def test_a_superseded_failure_changes_nothing(alias: str, make_result: MakeResult) -> None:
    task_id = new_id()
    write(alias, [make_result("second", success=False, attempt=2, id=task_id)])
    assert write(alias, [make_result("first", success=False, id=task_id)]) == {}


def test_rounds_hold_each_id_once_and_in_order(make_result: MakeResult) -> None:
    first, second = (task_of(make_result(id=letter * 32)) for letter in "ab")
    again = task_of(make_result(id="a" * 32, attempt=2))
    assert list(rounds([second, first, again])) == [[first, second], [again]]
    assert [round_[0].attempt_count for round_ in rounds([second, first, again])] == [1, 2]
