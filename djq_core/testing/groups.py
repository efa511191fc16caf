"""Groups in a result backend: in order, counted once, complete whoever writes."""

from __future__ import annotations

import threading
from collections.abc import Callable
from datetime import timedelta

import pytest

from djq_core.exceptions import ResultBackendUnavailable
from djq_core.results.base import ResultBackend
from djq_core.testing.records import START, MakeResult, Records

_THREADS = 4
_EACH = 10
_TRIES = 100


class Groups(Records):
    """Groups."""

    def test_a_group_is_in_the_order_of_its_calls(
        self, backend: ResultBackend, make_result: MakeResult, group: str
    ) -> None:
        moments = [START + timedelta(seconds=seconds) for seconds in (3, 1, 2)]
        backend.save_many([make_result(number, group=group, started=at) for number, at in enumerate(moments)])
        assert [task.result for task in backend.get_group(group)] == [1, 2, 0]
        assert backend.get_group_results(group) == [1, 2, 0]

    def test_failures_are_told_from_successes(
        self, backend: ResultBackend, make_result: MakeResult, group: str
    ) -> None:
        failed = make_result("no", success=False, group=group)
        backend.save_many([failed, make_result(1, group=group, started=START + timedelta(seconds=1))])
        assert backend.get_group_results(group) == [1]
        assert backend.get_group_results(group, failures=True) == ["no", 1]
        assert [task.success for task in backend.get_group(group)] == [False, True]
        assert [task.success for task in backend.get_group(group, failures=False)] == [True]
        assert (backend.count_group(group), backend.count_group(group, failures=True)) == (2, 1)

    def test_a_task_that_succeeds_later_is_one_member(
        self, backend: ResultBackend, make_result: MakeResult, group: str
    ) -> None:
        failed = make_result("no", success=False, group=group)
        backend.save_many([failed])
        backend.save_many([make_result(9, attempt=2, id=failed.package.id, group=group)])
        assert (backend.count_group(group), backend.count_group(group, failures=True)) == (1, 0)
        assert backend.get_group_results(group, failures=True) == [9]

    def test_a_repeat_is_one_member(self, backend: ResultBackend, make_result: MakeResult, group: str) -> None:
        result = make_result(group=group)
        for _ in range(3):
            backend.save_many([result])
        assert (backend.count_group(group), backend.get_group_results(group)) == (1, [8.0])

    def test_two_groups_do_not_mix(self, backend: ResultBackend, make_result: MakeResult, group: str) -> None:
        other = f"{group}-other"
        backend.save_many([make_result(1, group=group), make_result(2, group=other), make_result(3)])
        assert (backend.get_group_results(group), backend.get_group_results(other)) == ([1], [2])
        assert backend.delete_group(other, tasks=True) == 1
        assert backend.get_group_results(group) == [1]

    def test_a_group_that_nobody_made_is_empty(self, backend: ResultBackend, group: str) -> None:
        assert list(backend.get_group(group)) == []
        assert backend.get_group_results(group) == []
        assert (backend.count_group(group), backend.count_group(group, failures=True)) == (0, 0)
        assert (backend.delete_group(group), backend.delete_group(group, tasks=True)) == (0, 0)

    def test_a_deleted_task_leaves_its_group(self, backend: ResultBackend, make_result: MakeResult, group: str) -> None:
        gone = make_result(1, group=group)
        backend.save_many([gone, make_result(2, group=group)])
        backend.delete(gone.package.id)
        assert (backend.count_group(group), backend.get_group_results(group)) == (1, [2])

    @pytest.mark.parametrize("tasks", [True, False])
    def test_a_group_is_deleted_with_its_tasks_or_without(
        self, backend: ResultBackend, make_result: MakeResult, group: str, tasks: bool
    ) -> None:
        results = [make_result(number, group=group) for number in range(3)]
        backend.save_many(results)
        assert backend.delete_group(group, tasks=tasks) == 3
        assert (backend.count_group(group), backend.delete_group(group)) == (0, 0)
        assert [backend.get(result.package.id) is None for result in results] == [tasks] * 3
        backend.save_many([make_result(group=group)])
        assert backend.count_group(group) == 1

    def test_a_group_of_hundreds_is_whole(self, backend: ResultBackend, make_result: MakeResult, group: str) -> None:
        backend.save_many([make_result(number, group=group) for number in range(300)])
        assert backend.count_group(group) == 300
        assert sorted(backend.get_group_results(group)) == list(range(300))

    def test_no_member_is_lost_between_writers(
        self, backend: ResultBackend, make_result: MakeResult, group: str, after_thread: Callable[[], object]
    ) -> None:
        errors: list[BaseException] = []

        def save() -> None:
            try:
                for _ in range(_EACH):
                    _save(backend, make_result, group)
            except BaseException as error:
                errors.append(error)
            finally:
                after_thread()

        threads = [threading.Thread(target=save) for _ in range(_THREADS)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert errors == []
        assert backend.count_group(group) == _THREADS * _EACH


def _save(backend: ResultBackend, make_result: MakeResult, group: str) -> None:
    """Save one result; what cannot be reached for a moment is tried again, as the cluster does."""
    result = make_result(group=group)
    for _ in range(_TRIES - 1):
        try:
            backend.save_many([result])
        except ResultBackendUnavailable:
            continue
        return
    backend.save_many([result])
