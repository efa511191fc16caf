"""S3: a new SECRET_KEY, the old one in SECRET_KEY_FALLBACKS, loses nothing that the old one has signed."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import AbstractContextManager
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.core.cache import caches
from django.db import connection
from django.test import override_settings

from djq_core import current
from djq_core.cluster.status import StatStore
from djq_core.fields import Unreadable
from djq_core.models import Task
from djq_core.results import ResultBackend
from djq_core.results.cache import CacheResults
from tests.chaos.record import note
from tests.cluster.test_status import Sharing
from tests.making import START, package_of, result_of
from tests.security.test_forgery import taken

pytestmark = [pytest.mark.security, pytest.mark.django_db]

COUNT = 1000
OLD, NEW = "the old key", "the new key"
VALUES: dict[str, list[Any]] = {
    "pickle": [(1, {2}), {"a": datetime(2026, 1, 2, tzinfo=UTC)}, None, b"\x00"],
    "json": [(1, {2}), {"a": datetime(2026, 1, 2, tzinfo=UTC)}, None, b"\x00"],
}
serializers = pytest.mark.parametrize("serializer", VALUES)


def site(key: str, serializer: str, *fallbacks: str) -> AbstractContextManager[Any]:
    """Return a block in which the site has this key."""
    q_cluster = {"orm": "default", "serializer": serializer}
    return override_settings(SECRET_KEY=key, SECRET_KEY_FALLBACKS=list(fallbacks), Q_CLUSTER=q_cluster)


@pytest.fixture(autouse=True)
def own_cache(request: pytest.FixtureRequest) -> Iterator[None]:
    backend = {"BACKEND": "django.core.cache.backends.locmem.LocMemCache", "LOCATION": request.node.name}
    with override_settings(CACHES={"default": {**backend, "OPTIONS": {"MAX_ENTRIES": 100_000}}}):
        yield
        caches["default"].clear()


def saved(backend: ResultBackend, serializer: str, **fields: Any) -> list[tuple[str, Any]]:
    """Save results and return the id of each with its value."""
    runtime, values = current.runtime(), VALUES[serializer]
    packages = [package_of(runtime, args=(number,), **fields) for number in range(COUNT)]
    pairs = [(package, values[number % len(values)]) for number, package in enumerate(packages)]
    stopped = START + timedelta(seconds=1)
    backend.save_many([result_of(runtime, package, value, stopped=stopped) for package, value in pairs])
    return [(package.id, value) for package, value in pairs]


@serializers
def test_s3_values_at_rest_in_the_database_are_read(serializer: str) -> None:
    with site(OLD, serializer):
        kept = saved(current.runtime().results, serializer)
    with site(NEW, serializer, OLD):
        found = Task.objects.in_bulk([task_id for task_id, _ in kept])
        read = [found[task_id] for task_id, _ in kept]
        assert [(task.result, task.args) for task in read] == [(kept[n][1], (n,)) for n in range(COUNT)]
        Task.objects.get(pk=kept[0][0]).save()
    note(serializer=serializer, values=2 * COUNT, read=2 * COUNT)
    with site(NEW, serializer):
        assert isinstance(Task.objects.get(pk=kept[1][0]).result, Unreadable)


@serializers
def test_s3_a_value_that_is_saved_again_is_signed_with_the_new_key(serializer: str) -> None:
    with site(OLD, serializer):
        ((task_id, value), *_) = saved(current.runtime().results, serializer)
    with site(NEW, serializer, OLD):
        task = Task.objects.get(pk=task_id)
        task.result = task.result  # a value that was looked at is sealed anew
        task.save()
    with site(NEW, serializer):
        task = Task.objects.get(pk=task_id)
        assert (task.result, isinstance(task.args, Unreadable)) == (value, True)


@serializers
def test_s3_results_and_groups_in_the_cache_are_found(serializer: str) -> None:
    with site(OLD, serializer):
        kept = saved(CacheResults(current.runtime().conf), serializer, cached=True, group="g")
    with site(NEW, serializer, OLD):
        backend = CacheResults(current.runtime().conf)
        found = {task.pk: task.result for task in backend.get_group("g")}
        assert found == dict(kept)
        assert backend.count_group("g") == COUNT
        task = backend.get(kept[0][0])
        assert task is not None
        assert task.args == (0,)
        more = package_of(current.runtime(), cached=True, group="g")
        backend.save_many([result_of(current.runtime(), more)])
        assert backend.count_group("g") == COUNT + 1
    note(serializer=serializer, results=COUNT, found=COUNT)
    with site(NEW, serializer):
        backend = CacheResults(current.runtime().conf)
        assert (backend.get(kept[0][0]), backend.count_group("g")) == (None, 1)


@pytest.mark.parametrize("place", ["the broker", "the cache"])
def test_s3_the_status_of_a_cluster_with_the_old_key_is_seen(place: str) -> None:
    broker = Sharing()
    chosen: Any = broker if place == "the broker" else current.runtime().broker()
    with site(OLD, "pickle"):
        StatStore(current.runtime(), chosen).put(taken())
    with site(NEW, "pickle", OLD):
        assert [stat.cluster_id for stat in StatStore(current.runtime(), chosen).get_all()] == [42]
    with site(NEW, "pickle"):
        assert StatStore(current.runtime(), chosen).get_all() == []


def test_s3_nothing_is_written_anew_by_reading() -> None:
    with site(OLD, "pickle"):
        ((task_id, _), *_) = saved(current.runtime().results, "pickle")
    with connection.cursor() as cursor:
        before = _stored(cursor, task_id)
        with site(NEW, "pickle", OLD):
            Task.objects.get(pk=task_id).result  # noqa: B018 - looking is the point
        assert _stored(cursor, task_id) == before


def _stored(cursor: Any, task_id: str) -> list[Any]:
    cursor.execute(f"SELECT result, args, kwargs FROM {Task._meta.db_table} WHERE id = %s", [task_id])
    return list(cursor.fetchall())
