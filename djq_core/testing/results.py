"""The contract of a result backend as a test suite."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager
from datetime import timedelta
from typing import Any, ClassVar

import pytest

from djq_core.envelope import new_id
from djq_core.exceptions import ResultBackendUnavailable
from djq_core.results.base import ResultBackend, Stored
from djq_core.testing.applying import given
from djq_core.testing.groups import Groups
from djq_core.testing.records import START, MakeResult


class Saving(Groups):
    """What is saved is found, and only what is newer replaces it."""

    def test_it_has_a_name(self) -> None:
        assert self.backend_class.name

    def test_a_result_is_found_by_its_id(self, backend: ResultBackend, make_result: MakeResult, group: str) -> None:
        result = make_result(group=group, hook="hooks.done", cluster="main")
        assert backend.save_many([result]) == {result.package.id: Stored(1, 0)}
        task = self.found(backend, result)
        assert (task.id, task.name, task.func) == (result.package.id, result.package.name, "math.pow")
        assert (task.hook, task.group, task.cluster) == ("hooks.done", group, "main")
        assert (list(task.args), task.kwargs, task.result) == ([2, 3], {}, 8.0)
        assert (task.started, task.stopped) == (START, START + timedelta(seconds=1))
        assert (task.success, task.attempt_count, task.crashes) == (True, 1, 0)

    def test_a_result_is_found_by_its_name(self, backend: ResultBackend, make_result: MakeResult) -> None:
        result = make_result(name=f"winter-{new_id()}")
        backend.save_many([result])
        task = backend.get(result.package.name)
        assert task is not None
        assert task.id == result.package.id

    def test_what_was_never_saved_is_not_found(self, backend: ResultBackend) -> None:
        assert backend.get(new_id()) is None
        assert backend.get("") is None

    def test_a_failure_is_found(self, backend: ResultBackend, make_result: MakeResult) -> None:
        result = make_result("it broke", success=False, attempt=2, crashed=True)
        assert backend.save_many([result])[result.package.id].crashes == 1
        task = self.found(backend, result)
        assert (task.success, task.result, task.attempt_count) == (False, "it broke", 2)

    def test_nothing_to_save_is_nothing(self, backend: ResultBackend) -> None:
        assert backend.save_many([]) == {}

    def test_a_large_batch_arrives(self, backend: ResultBackend, make_result: MakeResult) -> None:
        results = [make_result(number) for number in range(300)]
        assert backend.save_many(results).keys() == {result.package.id for result in results}
        assert [self.found(backend, result).result for result in results[::50]] == [0, 50, 100, 150, 200, 250]

    def test_a_result_of_a_megabyte_arrives(self, backend: ResultBackend, make_result: MakeResult) -> None:
        result = make_result("\N{SNOWMAN}\x00" * 250_000)
        backend.save_many([result])
        assert self.found(backend, result).result == "\N{SNOWMAN}\x00" * 250_000

    @pytest.mark.parametrize("text", ["n" * 300, "a\x00b", "half \ud800", "snow \N{SNOWMAN} \N{MUSICAL SYMBOL G CLEF}"])
    def test_texts_are_made_to_fit(self, backend: ResultBackend, make_result: MakeResult, text: str) -> None:
        result = make_result(name=text, func=text, hook=text)
        assert result.package.id in backend.save_many([result])
        assert self.found(backend, result).result == 8.0

    def test_values_are_not_read_before_they_are_looked_at(
        self, backend: ResultBackend, make_result: MakeResult
    ) -> None:
        result = make_result(parts={"args": b"what nobody can read"})
        backend.save_many([result])
        assert str(self.found(backend, result).args).startswith("This value cannot be read")

    # What replaces what

    def test_a_later_success_replaces_a_failure(self, backend: ResultBackend, make_result: MakeResult) -> None:
        task_id = new_id()
        backend.save_many([make_result("broken", success=False, id=task_id)])
        later = make_result(9.0, attempt=2, id=task_id)
        assert backend.save_many([later]) == {task_id: Stored(2, 0)}
        task = self.found(backend, later)
        assert (task.success, task.result, task.attempt_count) == (True, 9.0, 2)

    def test_a_later_failure_replaces_a_failure(self, backend: ResultBackend, make_result: MakeResult) -> None:
        task_id = new_id()
        backend.save_many([make_result("first", success=False, id=task_id)])
        later = make_result("second", success=False, attempt=2, id=task_id)
        assert backend.save_many([later]) == {task_id: Stored(2, 0)}
        assert self.found(backend, later).result == "second"

    @pytest.mark.parametrize("success", [True, False])
    def test_nothing_replaces_a_success(self, backend: ResultBackend, make_result: MakeResult, success: bool) -> None:
        first = make_result()
        backend.save_many([first])
        late = make_result("late", success=success, attempt=2, id=first.package.id)
        assert backend.save_many([late]) == {}
        task = self.found(backend, first)
        assert (task.success, task.result, task.attempt_count) == (True, 8.0, 1)

    def test_a_failure_of_a_superseded_attempt_changes_nothing(
        self, backend: ResultBackend, make_result: MakeResult
    ) -> None:
        second = make_result("second", success=False, attempt=2)
        backend.save_many([second])
        assert backend.save_many([make_result("first", success=False, id=second.package.id)]) == {}
        assert self.found(backend, second).result == "second"

    def test_a_success_of_a_superseded_attempt_counts(self, backend: ResultBackend, make_result: MakeResult) -> None:
        second = make_result("second", success=False, attempt=2)
        backend.save_many([second])
        late = make_result(8.0, id=second.package.id)
        assert backend.save_many([late]) == {second.package.id: Stored(2, 0)}
        assert self.found(backend, second).success

    def test_a_repeat_is_harmless_and_told_again(self, backend: ResultBackend, make_result: MakeResult) -> None:
        result = make_result()
        for _ in range(3):
            assert backend.save_many([result]) == {result.package.id: Stored(1, 0)}
        assert self.found(backend, result).attempt_count == 1

    def test_crashes_are_counted_once_for_each_attempt(self, backend: ResultBackend, make_result: MakeResult) -> None:
        task_id = new_id()
        first = make_result("died", success=False, crashed=True, id=task_id)
        second = make_result("raised", success=False, attempt=2, id=task_id)
        third = make_result("died", success=False, crashed=True, attempt=3, id=task_id)
        seen = [backend.save_many([each])[task_id] for each in (first, first, second, third, third)]
        assert seen == [Stored(1, 1), Stored(1, 1), Stored(2, 1), Stored(3, 2), Stored(3, 2)]

    def test_a_task_may_come_several_times_in_a_batch(self, backend: ResultBackend, make_result: MakeResult) -> None:
        task_id = new_id()
        died = make_result("died", success=False, crashed=True, id=task_id)
        again = make_result("died", success=False, crashed=True, attempt=2, id=task_id)
        assert backend.save_many([died, make_result(), died, again])[task_id] == Stored(2, 2)

    # Deleting

    @pytest.mark.parametrize("by", ["id", "name"])
    def test_a_deleted_task_is_gone(self, backend: ResultBackend, make_result: MakeResult, by: str) -> None:
        gone, kept = make_result(), make_result()
        backend.save_many([gone, kept])
        assert backend.delete(getattr(gone.package, by)) is True
        assert backend.delete(getattr(gone.package, by)) is False
        assert backend.get(gone.package.id) is None
        assert self.found(backend, kept).result == 8.0

    def test_pruning_keeps_the_newest_successes_and_every_failure(
        self, backend: ResultBackend, make_result: MakeResult
    ) -> None:
        successes = [make_result(number, stopped=START + timedelta(seconds=number)) for number in range(10)]
        failed = make_result("old", success=False, stopped=START - timedelta(days=1))
        backend.save_many([*successes, failed])
        backend.prune(3)
        assert [self.found(backend, result).result for result in successes[-3:]] == [7, 8, 9]
        assert self.found(backend, failed).result == "old"

    # With a database, and without its store

    def test_a_save_is_part_of_its_transaction(self, backend: ResultBackend, make_result: MakeResult) -> None:
        if backend.database is None:
            pytest.skip(f"{self.backend_class.__name__} joins no transaction")
        from django.db import transaction

        result, kept = make_result(), make_result()
        with transaction.atomic(using=backend.database):
            backend.save_many([result])
            transaction.set_rollback(True, using=backend.database)
        assert backend.get(result.package.id) is None
        with backend.transaction():
            backend.save_many([kept])
        assert self.found(backend, kept).result == 8.0

    @given("outage")
    def test_a_store_that_is_away_is_told_from_a_refusal(
        self,
        backend: ResultBackend,
        make_result: MakeResult,
        outage: Callable[[], AbstractContextManager[Any]],
    ) -> None:
        result = make_result()
        with outage(), pytest.raises(ResultBackendUnavailable):
            backend.save_many([result])
        assert result.package.id in backend.save_many([result])
        assert self.found(backend, result).result == 8.0


class ResultBackendContract(Saving):
    """What every result backend promises; subclass it and set ``backend_class``.

    Every fixture may be left out: ``backend`` (one over an empty store, by default built with the site's Conf),
    ``outage`` (a callable that returns a context manager during which the store is away) and ``after_thread`` (a
    callable: what a thread does before it ends, by default closing its database connections). ``package_fields`` are
    fields of every task whose result is saved here, such as ``cached``.
    """

    contract_name: ClassVar[str] = "ResultBackendContract"
