"""Results in the cache."""

from __future__ import annotations

import threading
import time
from datetime import timedelta
from typing import Any

import pytest
from django.core.cache import BaseCache, caches
from django.db import connections
from django.test import override_settings

from djq_core import current
from djq_core.envelope import GROUP, RESULT, new_id
from djq_core.exceptions import ResultBackendUnavailable
from djq_core.models import Task
from djq_core.results import Stored
from djq_core.results.cache import CacheResults
from djq_core.results.cache_groups import key
from tests.results.conftest import START, MakeResult


@pytest.fixture
def backend(request: pytest.FixtureRequest) -> Any:
    """A backend on a cache of this test's own."""
    own = {
        "BACKEND": "django.core.cache.backends.locmem.LocMemCache",
        "LOCATION": request.node.name,
        "OPTIONS": {"MAX_ENTRIES": 100_000},
    }
    with override_settings(CACHES={"default": own}):
        yield CacheResults(current.runtime().conf)
        caches["default"].clear()


def test_a_result_is_found_by_id_and_by_name(backend: CacheResults, make_result: MakeResult) -> None:
    result = make_result(name="winter maple \N{SNOWMAN}" * 50, cached=True, hook="hooks.done", cluster="main")
    assert backend.save_many([result]) == {result.package.id: Stored(1, 0)}
    task = backend.get(result.package.id)
    assert task is not None
    assert task == backend.get(task.name)
    assert (task.func, task.hook, task.cluster, task.success) == ("math.pow", "hooks.done", "main", True)
    assert (task.args, task.kwargs, task.result) == ((2, 3), {}, 8.0)
    assert (task.started, task.stopped, task.time_taken()) == (START, START + timedelta(seconds=1), 1.0)
    assert backend.get("no such name") is None


@pytest.mark.django_db
def test_save_stores_a_cached_task_in_the_database(backend: CacheResults, make_result: MakeResult) -> None:
    result = make_result(cached=True)
    backend.save_many([result])
    cached = backend.get(result.package.id)
    assert cached is not None
    cached.save()
    task = Task.objects.get(pk=result.package.id)
    assert (task.result, task.args, task.stopped, task.name) == (8.0, (2, 3), cached.stopped, cached.name)


def test_values_are_not_read_before_they_are_looked_at(backend: CacheResults, make_result: MakeResult) -> None:
    result = make_result(cached=True, parts={"args": b"not a pickle"})
    backend.save_many([result])
    task = backend.get(result.package.id)
    assert task is not None
    assert str(task.args).startswith("This value cannot be read")


def test_seconds_end_a_result(backend: CacheResults, make_result: MakeResult) -> None:
    result = make_result(cached=1, group="g")
    backend.save_many([result])
    assert backend.count_group("g") == 1
    time.sleep(1.1)
    assert backend.get(result.package.id) is None
    assert (backend.count_group("g"), backend.get_group("g")) == (0, [])


def test_a_later_success_replaces_a_failure_and_nothing_replaces_a_success(
    backend: CacheResults, make_result: MakeResult
) -> None:
    task_id = new_id()
    failed = make_result("broken", success=False, crashed=True, cached=True, id=task_id, group="g")
    assert backend.save_many([failed]) == {task_id: Stored(1, 1)}
    assert (backend.count_group("g"), backend.count_group("g", failures=True)) == (1, 1)
    assert backend.save_many([make_result(9.0, attempt=2, cached=True, id=task_id, group="g")]) == {
        task_id: Stored(2, 1)
    }
    assert backend.save_many([make_result("late", success=False, attempt=3, cached=True, id=task_id, group="g")]) == {}
    assert (backend.count_group("g"), backend.count_group("g", failures=True)) == (1, 0)
    assert backend.get_group_results("g") == [9.0]


def test_a_failure_of_a_superseded_attempt_changes_nothing(backend: CacheResults, make_result: MakeResult) -> None:
    task_id = new_id()
    backend.save_many([make_result("second", success=False, attempt=2, cached=True, id=task_id)])
    assert backend.save_many([make_result("first", success=False, cached=True, id=task_id)]) == {}


def test_crashes_are_counted_once_for_each_attempt(backend: CacheResults, make_result: MakeResult) -> None:
    task_id = new_id()
    first = make_result("died", success=False, crashed=True, cached=True, id=task_id)
    second = make_result("died", success=False, crashed=True, cached=True, attempt=2, id=task_id)
    assert backend.save_many([first, first, second, second]) == {task_id: Stored(2, 2)}


def test_a_repeated_save_counts_once_and_is_told_again(backend: CacheResults, make_result: MakeResult) -> None:
    result = make_result(cached=True, group="g")
    for _ in range(3):
        assert backend.save_many([result]) == {result.package.id: Stored(1, 0)}
    assert (backend.count_group("g"), backend.get_group_results("g")) == (1, [8.0])


def test_groups(backend: CacheResults, make_result: MakeResult) -> None:
    moments = [START + timedelta(seconds=n) for n in (3, 1, 2)]
    backend.save_many([make_result(n, group="g", cached=60, started=moment) for n, moment in enumerate(moments)])
    failed = make_result("no", success=False, group="g", cached=True)
    backend.save_many([failed, make_result(7, group="other", cached=True)])
    assert backend.get_group_results("g") == [1, 2, 0]
    assert backend.get_group_results("g", failures=True) == ["no", 1, 2, 0]
    assert [task.result for task in backend.get_group("g", failures=False)] == [1, 2, 0]
    assert (backend.count_group("g"), backend.count_group("g", failures=True)) == (4, 1)
    assert backend.delete(failed.package.id)
    assert not backend.delete(failed.package.id)
    assert (backend.count_group("g"), backend.count_group("g", failures=True)) == (3, 0)


@pytest.mark.parametrize("tasks", [True, False])
def test_deleting_a_group(backend: CacheResults, make_result: MakeResult, tasks: bool) -> None:
    results = [make_result(n, group="g", cached=True) for n in range(3)]
    backend.save_many(results)
    assert backend.delete_group("g", tasks=tasks) == 3
    assert (backend.count_group("g"), backend.delete_group("g")) == (0, 0)
    assert (backend.get(results[0].package.id) is None) is tasks
    backend.save_many([make_result(group="g", cached=True)])
    assert backend.count_group("g") == 1


def test_a_group_of_thousands(backend: CacheResults, make_result: MakeResult) -> None:
    backend.save_many([make_result(n, group="g", cached=True) for n in range(2500)])
    assert backend.count_group("g") == 2500
    assert sorted(backend.get_group_results("g")) == list(range(2500))


def _join_from_threads(backend: CacheResults, make_result: MakeResult, threads: int, each: int) -> None:
    def save() -> None:
        for _ in range(each):
            backend.save_many([make_result(group="g", cached=True)])
        connections.close_all()

    running = [threading.Thread(target=save) for _ in range(threads)]
    for thread in running:
        thread.start()
    for thread in running:
        thread.join()


def test_no_member_is_lost_between_writers(backend: CacheResults, make_result: MakeResult) -> None:
    _join_from_threads(backend, make_result, threads=8, each=20)
    assert backend.count_group("g") == 160


class LaggingCache(BaseCache):
    """A cache that counts as the file and database caches do: it reads, waits, and writes."""

    def __init__(self, name: str, params: dict[str, Any]) -> None:
        super().__init__(params)
        self._values: dict[str, Any] = VALUES.setdefault(name, {})
        self._lock = LOCK

    def add(self, key: str, value: Any, timeout: Any = None, version: int | None = None) -> bool:
        with self._lock:
            return self._values.setdefault(key, value) is value

    def get(self, key: str, default: Any = None, version: int | None = None) -> Any:
        return self._values.get(key, default)

    def set(self, key: str, value: Any, timeout: Any = None, version: int | None = None) -> None:
        self._values[key] = value

    def touch(self, key: str, timeout: Any = None, version: int | None = None) -> bool:
        return key in self._values

    def incr(self, key: str, delta: int = 1, version: int | None = None) -> int:
        value = int(self._values[key]) + delta
        time.sleep(0.0005)
        self._values[key] = value
        return value

    def clear(self) -> None:
        self._values.clear()


VALUES: dict[str, dict[str, Any]] = {}
LOCK = threading.Lock()


def test_no_member_is_lost_where_the_cache_counts_badly(
    make_result: MakeResult, request: pytest.FixtureRequest
) -> None:
    lagging = {"BACKEND": f"{__name__}.LaggingCache", "LOCATION": request.node.name}
    with override_settings(CACHES={"default": lagging}):
        backend = CacheResults(current.runtime().conf)
        _join_from_threads(backend, make_result, threads=8, each=20)
        assert backend.count_group("g") == 160


# Who can write the cache


def test_a_text_of_another_key_cluster_or_task_is_ignored(backend: CacheResults, make_result: MakeResult) -> None:
    ours, other = make_result(cached=True), make_result(cached=True)
    backend.save_many([ours, other])
    cache = caches["default"]
    stored = cache.get(key("success", other.package.id))
    forged = [stored, stored[:-1] + "x", "no signature", b"bytes", 7]
    forged.append(current.runtime().signer.named("").sign(GROUP, stored.rpartition(":")[0]))
    forged.append(current.runtime().signer.named("elsewhere").sign(RESULT, stored.rpartition(":")[0]))
    for text in forged:
        cache.set(key("success", ours.package.id), text)
        assert backend.get(ours.package.id) is None


def test_an_entry_of_another_group_is_ignored(backend: CacheResults, make_result: MakeResult) -> None:
    backend.save_many([make_result(group="g", cached=True), make_result(group="h", cached=True)])
    cache = caches["default"]
    slots = {group: key("slot", group, "kept", 1) for group in "gh"}
    for entry in (cache.get(slots["h"]), "no signature", 7):
        assert entry is not None
        cache.set(slots["g"], entry)
        assert backend.count_group("g") == 0
    assert backend.count_group("h") == 1


def test_results_survive_a_change_of_the_key(backend: CacheResults, make_result: MakeResult) -> None:
    result = make_result(cached=True, group="g")
    backend.save_many([result])
    old = current.runtime().conf.secret_key
    with override_settings(SECRET_KEY="a new one", SECRET_KEY_FALLBACKS=[old]):
        rotated = CacheResults(current.runtime().conf)
        task = rotated.get(result.package.id)
        assert task is not None
        assert (task.result, rotated.count_group("g")) == (8.0, 1)
    with override_settings(SECRET_KEY="a new one"):
        assert CacheResults(current.runtime().conf).get(result.package.id) is None


# A cache that does not work


class BrokenCache(BaseCache):
    """A cache whose server is away, or that refuses to be written."""

    def __init__(self, name: str, params: dict[str, Any]) -> None:
        super().__init__(params)
        self._name = name

    def get(self, key: str, default: Any = None, version: int | None = None) -> Any:
        if self._name == "away":
            raise OSError("no route")
        return default

    def set(self, key: str, value: Any, timeout: Any = None, version: int | None = None) -> None:
        raise ValueError("too large")


@pytest.mark.parametrize(("name", "expected"), [("away", ResultBackendUnavailable), ("full", ValueError)])
def test_an_outage_is_told_from_a_refusal(make_result: MakeResult, name: str, expected: type[Exception]) -> None:
    with override_settings(CACHES={"default": {"BACKEND": f"{__name__}.BrokenCache", "LOCATION": name}}):
        backend = CacheResults(current.runtime().conf)
        with pytest.raises(expected):
            backend.save_many([make_result(cached=True)])
