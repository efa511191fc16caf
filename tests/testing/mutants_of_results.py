"""Result backends with one fault each, and the test of the contract that finds it."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from django.core.cache import caches
from django.utils import timezone

from djq_core.envelope import TaskResult
from djq_core.models import Task
from djq_core.results import ResultBackend, Stored
from djq_core.results.cache import CacheResults


class HasNoName(CacheResults):
    name = ""


class LosesTheLast(CacheResults):
    def save_many(self, results: Sequence[TaskResult]) -> Mapping[str, Stored]:
        stored = super().save_many(results)
        if len(results) > 100:
            super().delete(results[-1].package.id)
            return {task_id: each for task_id, each in stored.items() if task_id != results[-1].package.id}
        return stored


class KnowsNoNames(CacheResults):
    def get(self, task_id: str) -> Task | None:
        task = super().get(task_id)
        return task if task is not None and task.id == task_id else None


class FindsAnything(CacheResults):
    def get(self, task_id: str) -> Task | None:
        return super().get(task_id) or Task(id=task_id)


class CallsEverythingASuccess(CacheResults):
    def get(self, task_id: str) -> Task | None:
        task = super().get(task_id)
        if task is not None:
            task.success = True
        return task


class KeepsAHalf(CacheResults):
    def save_many(self, results: Sequence[TaskResult]) -> Mapping[str, Stored]:
        return super().save_many([_cut(result) for result in results])


def _cut(result: TaskResult) -> TaskResult:
    return replace(result, result=result.result[: len(result.result) // 2]) if len(result.result) > 9999 else result


class RefusesOddTexts(CacheResults):
    def save_many(self, results: Sequence[TaskResult]) -> Mapping[str, Stored]:
        if any("\x00" in result.package.name for result in results):
            raise ValueError("a text with NUL")
        return super().save_many(results)


class ReadsAtOnce(CacheResults):
    def save_many(self, results: Sequence[TaskResult]) -> Mapping[str, Stored]:
        if any(result.package.parts.get("args") == b"what nobody can read" for result in results):
            raise ValueError("what nobody can read")
        return super().save_many(results)


class TheFirstWins(CacheResults):
    def save_many(self, results: Sequence[TaskResult]) -> Mapping[str, Stored]:
        return super().save_many([result for result in results if self.get(result.package.id) is None])


class TheLastWins(CacheResults):
    def save_many(self, results: Sequence[TaskResult]) -> Mapping[str, Stored]:
        for result in results:
            known = self.get(result.package.id)
            if known is not None and known.stopped != result.stopped:
                self.delete(result.package.id)
        return super().save_many(results)


class ForgetsRepeats(CacheResults):
    def save_many(self, results: Sequence[TaskResult]) -> Mapping[str, Stored]:
        known = {result.package.id for result in results if self._is_known(result)}
        return {task_id: each for task_id, each in super().save_many(results).items() if task_id not in known}

    def _is_known(self, result: TaskResult) -> bool:
        task = self.get(result.package.id)
        return task is not None and task.stopped == result.stopped


class CountsNoCrashes(CacheResults):
    def save_many(self, results: Sequence[TaskResult]) -> Mapping[str, Stored]:
        return {task_id: Stored(each.attempts) for task_id, each in super().save_many(results).items()}


class SavesOnceABatch(CacheResults):
    def save_many(self, results: Sequence[TaskResult]) -> Mapping[str, Stored]:
        return super().save_many(list({result.package.id: result for result in reversed(results)}.values()))


class AlwaysDeleted(CacheResults):
    def delete(self, task_id: str) -> bool:
        super().delete(task_id)
        return True


class PrunesEverything(CacheResults):
    def prune(self, keep: int, **only: str | None) -> None:
        caches["default"].clear()


class KeepsNoOrder(CacheResults):
    def get_group(self, group_id: str, *, failures: bool = True) -> list[Task]:
        return sorted(super().get_group(group_id, failures=failures), key=lambda task: str(task.result))


class ShowsFailures(CacheResults):
    def get_group(self, group_id: str, *, failures: bool = True) -> list[Task]:
        return super().get_group(group_id, failures=True)


class MixesGroups(CacheResults):
    def get_group(self, group_id: str, *, failures: bool = True) -> list[Task]:
        return super().get_group(group_id.removesuffix("-other"), failures=failures)


class CountsEachSave(CacheResults):
    def save_many(self, results: Sequence[TaskResult]) -> Mapping[str, Stored]:
        cache = caches["default"]
        for result in results:
            cache.set(f"n-{result.package.group}", cache.get(f"n-{result.package.group}", 0) + 1)
        return super().save_many(results)

    def count_group(self, group_id: str, *, failures: bool = False) -> int:
        return super().count_group(group_id, failures=True) if failures else caches["default"].get(f"n-{group_id}", 0)


class CountsWhoLeft(CountsEachSave):
    """Keeps the number that it has counted."""


class LosesBetweenWriters(CacheResults):
    def save_many(self, results: Sequence[TaskResult]) -> Mapping[str, Stored]:
        for result in results:
            self._join(f"list-{result.package.group}", result.package.id)
        return super().save_many(results)

    def count_group(self, group_id: str, *, failures: bool = False) -> int:
        return len(caches["default"].get(f"list-{group_id}", []))

    @staticmethod
    def _join(key: str, task_id: str) -> None:
        members: list[Any] = caches["default"].get(key, [])
        time.sleep(0.001)
        caches["default"].set(key, [*members, task_id])


class ForgetsTheTasksOfAGroup(CacheResults):
    def delete_group(self, group_id: str, *, tasks: bool = False) -> int:
        return super().delete_group(group_id)


class ShowsAHundred(CacheResults):
    def get_group(self, group_id: str, *, failures: bool = True) -> list[Task]:
        return super().get_group(group_id, failures=failures)[:100]


class StartsAnew(CacheResults):
    def get(self, task_id: str) -> Task | None:
        task = super().get(task_id)
        if task is not None:
            task.started = timezone.now()
        return task


class FallsOver(CacheResults):
    is_away = False

    def save_many(self, results: Sequence[TaskResult]) -> Mapping[str, Stored]:
        if self.is_away:
            raise OSError("no route")
        return super().save_many(results)


FOUND_BY: dict[type[ResultBackend], str] = {
    HasNoName: "test_it_has_a_name",
    StartsAnew: "test_a_result_is_found_by_its_id",
    KnowsNoNames: "test_a_result_is_found_by_its_name",
    FindsAnything: "test_what_was_never_saved_is_not_found",
    CallsEverythingASuccess: "test_a_failure_is_found",
    LosesTheLast: "test_a_large_batch_arrives",
    KeepsAHalf: "test_a_result_of_a_megabyte_arrives",
    RefusesOddTexts: "test_texts_are_made_to_fit",
    ReadsAtOnce: "test_values_are_not_read_before_they_are_looked_at",
    TheFirstWins: "test_a_later_success_replaces_a_failure",
    TheLastWins: "test_nothing_replaces_a_success",
    ForgetsRepeats: "test_a_repeat_is_harmless_and_told_again",
    CountsNoCrashes: "test_crashes_are_counted_once_for_each_attempt",
    SavesOnceABatch: "test_a_task_may_come_several_times_in_a_batch",
    AlwaysDeleted: "test_a_deleted_task_is_gone",
    PrunesEverything: "test_pruning_keeps_the_newest_successes_and_every_failure",
    KeepsNoOrder: "test_a_group_is_in_the_order_of_its_calls",
    ShowsFailures: "test_failures_are_told_from_successes",
    MixesGroups: "test_two_groups_do_not_mix",
    CountsEachSave: "test_a_repeat_is_one_member",
    CountsWhoLeft: "test_a_deleted_task_leaves_its_group",
    ForgetsTheTasksOfAGroup: "test_a_group_is_deleted_with_its_tasks_or_without",
    ShowsAHundred: "test_a_group_of_hundreds_is_whole",
    LosesBetweenWriters: "test_no_member_is_lost_between_writers",
    FallsOver: "test_a_store_that_is_away_is_told_from_a_refusal",
}
