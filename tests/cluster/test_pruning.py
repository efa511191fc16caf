"""Pruning: how many successes and unreadable packages are kept, and when the others are deleted."""

from __future__ import annotations

import logging
from datetime import timedelta
from typing import Any

import pytest

from djq_core.cluster.pruning import IDLE, Pruning
from djq_core.envelope.package import UNREADABLE
from djq_core.exceptions import ResultBackendUnavailable
from djq_core.models import Task
from djq_core.results.database import DatabaseResults
from djq_core.runtime import Runtime
from tests.making import START, Shelf, new_shelf, package_of, result_of, runtime_of


def pruning_of(shelf: type[Shelf], **keys: Any) -> tuple[Pruning, Runtime]:
    runtime = runtime_of(results=shelf, **keys)
    return Pruning("m", runtime), runtime


def pruned(count: int, *, force: bool = False, **keys: Any) -> list[Any]:
    log: list[Any] = []
    pruning, runtime = pruning_of(new_shelf(log=log), **keys)
    pruning.note([result_of(runtime, package_of(runtime)) for _ in range(count)])
    pruning.prune(force=force)
    pruning.prune(force=force)
    return log


def test_old_successes_are_pruned_now_and_then() -> None:
    assert pruned(10, save_limit=5) == []
    assert pruned(11, save_limit=5) == [("prune", 5)]
    assert pruned(11, save_limit=500) == []
    assert pruned(1, force=True, save_limit=500) == [("prune", 500)]


@pytest.mark.parametrize("limit", [0, -1])
def test_nothing_is_pruned_and_nobody_waits_for_it_without_a_limit(limit: int) -> None:
    pruning, runtime = pruning_of(new_shelf(), save_limit=limit)
    pruning.note([result_of(runtime, package_of(runtime))])
    assert pruning.patience is None
    assert pruned(50, force=True, save_limit=limit) == []


def test_failures_and_cached_results_are_not_counted() -> None:
    pruning, runtime = pruning_of(new_shelf(), save_limit=5)
    pruning.note([result_of(runtime, package_of(runtime), success=False)])
    pruning.note([result_of(runtime, package_of(runtime, cached=True))])
    assert pruning.patience is None


def test_what_could_not_be_pruned_is_left_to_the_next_time() -> None:
    shelf = new_shelf()

    class Moody(shelf):  # type: ignore[valid-type, misc]
        def prune(self, keep: int, **only: str | None) -> None:
            super().prune(keep, **only)
            if len(self.log) == 1:
                raise ResultBackendUnavailable("The shelf is locked.")

    pruning, runtime = pruning_of(Moody, save_limit=5, save_limit_per="name")
    pruning.note([result_of(runtime, package_of(runtime, name=f"n{number % 2}")) for number in range(11)])
    with pytest.raises(ResultBackendUnavailable):
        pruning.prune()
    assert pruning.patience == IDLE
    pruning.prune()
    assert shelf.log == [("prune", 5)] * 3
    assert pruning.patience is None


@pytest.mark.parametrize(
    ("error", "is_traced"), [(ResultBackendUnavailable("The shelf is locked."), False), (KeyError("why"), True)]
)
def test_what_fails_is_tried_ever_later_and_told(
    caplog: pytest.LogCaptureFixture, error: Exception, is_traced: bool
) -> None:
    class Locked(new_shelf()):  # type: ignore[misc]
        def prune(self, keep: int, **only: str | None) -> None:
            raise error

    pruning, runtime = pruning_of(Locked, save_limit=1)
    pruning.note([result_of(runtime, package_of(runtime))])
    for _ in range(5):
        pruning.look(is_idle=True)
    assert pruning.patience == 2 * IDLE
    pruning.finish()
    assert pruning.patience == 4 * IDLE
    told = [
        (record.getMessage(), bool(record.exc_info)) for record in caplog.records if record.levelno == logging.WARNING
    ]
    assert told == [(f"m could not prune the successful tasks, and tries again: {error}", is_traced)] * 2


def test_what_could_not_be_read_is_counted_for_itself() -> None:
    log: list[Any] = []
    pruning, runtime = pruning_of(new_shelf(log=log), quarantine_limit=20, save_limit=1)
    for number in range(11):
        assert not pruning.is_crowded
        pruning.note([result_of(runtime, package_of(runtime, UNREADABLE), success=False)])
        assert pruning.is_crowded is (number == 10)
    pruning.prune()
    pruning.note([result_of(runtime, package_of(runtime, UNREADABLE), success=False)])
    pruning.prune()
    assert log == [("prune_unreadable", 20)]
    pruning.prune(force=True)
    pruning.prune(force=True)
    assert log == [("prune_unreadable", 20)] * 2


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("per", "kept"),
    [(None, ["b3", "b2"]), ("func", ["b3", "b2", "a3", "a2"]), ("group", ["b3", "b2", "b1", "a3"])],
)
def test_the_limit_may_count_for_itself(per: str | None, kept: list[str]) -> None:
    runtime = runtime_of(results=DatabaseResults, save_limit=2, save_limit_per=per)
    pruning = Pruning("m", runtime)
    groups = {"a1": "g", "a2": "g", "a3": "g", "b1": None, "b2": "g", "b3": None}
    for number, (name, group) in enumerate(groups.items()):
        package = package_of(runtime, f"math.{name[0]}", name=name, group=group)
        result = result_of(runtime, package, stopped=START + timedelta(seconds=number))
        runtime.results.save_many([result])
        pruning.note([result])
    pruning.prune(force=True)
    assert list(Task.objects.order_by("-stopped").values_list("name", flat=True)) == kept
