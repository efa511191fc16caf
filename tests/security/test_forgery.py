"""S8: forged and replayed statuses, results and members of groups are ignored."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from django.core.cache import caches
from django.db import connection
from django.test import override_settings

from djq_core import current
from djq_core.cluster.snapshot import Snapshot
from djq_core.cluster.status import LIFETIME, StatStore
from djq_core.cluster.traffic import Traffic
from djq_core.conf import Conf
from djq_core.envelope import FIELD, GROUP, RESULT, STAT, TASK
from djq_core.fields import SITE, Unreadable
from djq_core.models import Task
from djq_core.results.cache import CacheResults
from djq_core.results.cache_groups import key
from tests.cluster.test_status import Sharing
from tests.conf.making import conf
from tests.making import START, MemoryBroker, package_of, result_of, runtime_of

pytestmark = pytest.mark.security


@pytest.fixture(autouse=True)
def own_cache(request: pytest.FixtureRequest) -> Iterator[None]:
    backend = {"BACKEND": "django.core.cache.backends.locmem.LocMemCache", "LOCATION": request.node.name}
    with override_settings(CACHES={"default": backend}):
        yield
        caches["default"].clear()


def taken(**values: Any) -> dict[str, Any]:
    return {**Snapshot(conf(), 42, 43).take(Traffic(conf(), MemoryBroker), [], {}), **values}


def test_s8_a_status_that_is_forged_foreign_or_old_is_ignored() -> None:
    runtime, broker, signer = runtime_of(), Sharing(), runtime_of().signer
    fresh, old = json.dumps(taken()), json.dumps(taken(timestamp=time.time() - LIFETIME - 60))
    signed = signer.sign(STAT, fresh)
    forged = [fresh, signed[:-1] + "!", signed.replace(fresh[:5], "{}"), signer.named("other").sign(STAT, fresh)]
    forged += [signer.sign(purpose, fresh) for purpose in (TASK, GROUP, RESULT, FIELD)]
    for number, text in enumerate([*forged, signer.sign(STAT, old)]):
        broker.log.append((f"djq:stat:default:{number}", text, 1))
    assert StatStore(runtime, broker).get_all() == []


def test_s8_a_status_that_is_copied_shows_no_second_cluster_and_hides_no_newer_one() -> None:
    runtime, broker = runtime_of(), Sharing()
    store = StatStore(runtime, broker)
    store.put(taken(status=Conf.IDLE, timestamp=time.time() - 2))
    replayed = broker.log[0][1]
    store.put(taken(status=Conf.STOPPING))
    for place in ("djq:stat:default:a:1", "djq:stat:default:z:9"):
        broker.log.append((place, replayed, 1))
    assert [(stat.cluster_id, stat.status) for stat in store.get_all()] == [(42, Conf.STOPPING)]


def cached_pair() -> tuple[CacheResults, Any, Any]:
    """Return the backend of the cache with two saved results, both of the group g."""
    runtime = runtime_of()
    backend = CacheResults(current.runtime().conf)
    results = [result_of(runtime, package_of(runtime, cached=True, group="g", name=name)) for name in ("one", "two")]
    results = [replace(each, stopped=START + timedelta(seconds=1)) for each in results]
    backend.save_many(results)
    one, two = (result.package for result in results)
    return backend, one, two


def test_s8_a_result_in_the_cache_that_is_forged_or_another_tasks_is_ignored() -> None:
    backend, one, two = cached_pair()
    cache, signer = caches["default"], current.runtime().signer.named(SITE)
    text = cache.get(key("success", one.id))
    body = text.rpartition(":")[0]
    forged = [text[:-1] + "!", body, cache.get(key("success", two.id)), b"\xff", None, 7]
    forged += [signer.sign(purpose, body) for purpose in (TASK, STAT, GROUP, FIELD)]
    forged.append(current.runtime().signer.named("other").sign(RESULT, body))
    for each in forged:
        cache.set(key("success", one.id), each)
        assert backend.get(one.id) is None
    assert backend.get(two.id) is not None


def test_s8_a_member_of_a_group_that_is_forged_or_another_groups_is_ignored() -> None:
    backend, _, two = cached_pair()
    cache, signer = caches["default"], current.runtime().signer.named(SITE)
    entry = cache.get(key("slot", "g", "kept", 1))
    body = entry.rpartition(":")[0]
    forged = [entry[:-1] + "!", body, f"{key('group', 'g')}:{'f' * 32}:+", b"\xff", 7]
    forged += [signer.sign(purpose, body) for purpose in (TASK, STAT, RESULT, FIELD)]
    for each in forged:
        cache.set(key("slot", "g", "kept", 1), each)
        assert [task.pk for task in backend.get_group("g")] == [two.id]
    cache.set(key("counter", "h", "kept"), 1)
    cache.set(key("slot", "h", "kept", 1), entry)
    assert backend.count_group("h") == 0


@pytest.mark.django_db
def test_s8_a_value_in_the_table_that_is_forged_is_shown_as_unreadable() -> None:
    Task.objects.create(
        id="a" * 32, name="n", func="math.pow", args=(2, 3), kwargs={}, result=8.0, started=START, stopped=START
    )
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT result FROM {Task._meta.db_table}")
        (stored,) = cursor.fetchone()
    body, signer = stored.rpartition(":")[0], current.runtime().signer
    forged = [body, stored[:-1] + "!", signer.sign(FIELD, body), "junk"]
    forged += [signer.named(SITE).sign(purpose, body) for purpose in (TASK, STAT, GROUP, RESULT)]
    for text in forged:
        with connection.cursor() as cursor:
            cursor.execute(f"UPDATE {Task._meta.db_table} SET result = %s", [text])
        assert isinstance(Task.objects.get().result, Unreadable)
