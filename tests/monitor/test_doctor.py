"""Every fault is seeded in a real site, and ``djq doctor`` must find it with its remedy."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from django.db import connection
from django.db.migrations.loader import MigrationLoader
from django.db.migrations.recorder import MigrationRecorder
from django.test import override_settings

from djq_core import current, hookimpl
from djq_core.conf import Conf
from djq_core.models import Schedule
from djq_core.monitor.doctor.broker import clock_finding
from djq_core.plugins.values import Health
from djq_core.tasks import async_task
from tests.monitor.seeding import file_cache, manage, publish
from tests.services.fixtures import StartValkey

pytestmark = pytest.mark.django_db

Q_CLUSTER = {"name": "tests", "orm": "default", "max_attempts": 5}
#: What is always said of the database of the tests.
OWN = ("database-memory", "orm-transactions")
KEY = "".join(chr(number) for number in range(33, 127))


@pytest.fixture(autouse=True)
def a_site(tmp_path: Path) -> Iterator[None]:
    """A site with which nothing is wrong but its database, which lives in memory."""
    with override_settings(Q_CLUSTER=Q_CLUSTER, CACHES={"default": file_cache(tmp_path)}, SECRET_KEY=KEY):
        yield


def examined(*options: str) -> dict[str, Any]:
    code, told = manage("doctor", "--json", *options)
    found: dict[str, Any] = json.loads(told)
    return {**found, "exit": code}


def faults(*options: str) -> dict[str, dict[str, str]]:
    """Return what is doubtful or wrong by its code, without what is so of the tests' own database."""
    found = [each for each in examined(*options)["findings"] if each["level"] != "ok"]
    assert all(each["remedy"] for each in found)
    return {each["code"]: each for each in found if each["code"] not in OWN}


def test_a_site_with_which_nothing_is_wrong() -> None:
    publish()
    assert faults() == {}
    found = examined()["findings"]
    assert found[0]["area"] == "configuration"
    assert {"plugins", "broker", "database", "cache", "clusters", "schedules"} <= {each["area"] for each in found}
    assert any("ORM default (SQLite" in each["message"] for each in found)


def test_a_database_in_memory_is_seen_by_nobody_else() -> None:
    publish()
    found = examined()
    assert (found["exit"], found["counts"]["error"], found["counts"]["warning"]) == (1, 1, 1)
    (finding,) = [each for each in found["findings"] if each["code"] == "database-memory"]
    assert "no other process sees it" in finding["message"]
    (finding,) = [each for each in found["findings"] if each["code"] == "orm-transactions"]
    assert "'transaction_mode': 'IMMEDIATE'" in finding["remedy"]


# Configuration


@pytest.mark.parametrize(
    ("keys", "code", "remedy"),
    [
        ({"queue_limt": 3}, "djq.E101", "queue_limit"),
        ({"sqs": {}, "disabled_plugins": ["sqs"]}, "djq.E102", "Remove one of the two"),
        ({"retry": 10, "timeout": 20, "renew_leases": False}, "djq.E006", "Raise `retry`"),
        ({"queue_limit": 1, "workers": 4}, "djq.W002", "Raise `queue_limit`"),
        ({"retry": 2, "max_attempts": 5}, "retry", "Set retry to 30 s"),
        ({"max_attempts": 0, "backoff": 1}, "attempts", "Set max_attempts"),
    ],
)
def test_the_configuration_is_wrong(keys: dict[str, Any], code: str, remedy: str) -> None:
    with override_settings(Q_CLUSTER={**Q_CLUSTER, **keys}):
        publish() if not code.startswith("djq.E") else None
        found = faults()
    assert list(found) == [code]
    assert remedy in found[code]["remedy"] + found[code]["message"]


def test_an_error_of_the_configuration_ends_the_examination() -> None:
    with override_settings(Q_CLUSTER={**Q_CLUSTER, "workers": "four"}):
        found = examined()
    assert {each["area"] for each in found["findings"]} == {"configuration"}
    assert found["exit"] == 1


@pytest.mark.parametrize("key", ["s3cr3t", f"django-insecure-{KEY}", "x" * 60])
def test_a_key_that_can_be_guessed(key: str) -> None:
    with override_settings(SECRET_KEY=key):
        publish()
        found = faults()
        assert list(found) == ["secret-key"]
        assert key not in json.dumps(found)


def test_debug_mode() -> None:
    publish()
    with override_settings(DEBUG=True):
        assert list(faults()) == ["debug"]


def test_what_plugins_say() -> None:
    class Unwell:
        @hookimpl
        def djq_health(self) -> list[Health]:
            return [Health("the printer", is_healthy=False, message="It burns.")]

    current.runtime().hooks.register(Unwell(), "unwell")
    publish()
    found = faults()
    assert found["plugin-health"]["message"] == "the printer: It burns."


# Broker


def test_the_broker_is_away() -> None:
    with override_settings(Q_CLUSTER={"name": "tests", "redis": {"port": 1}, "max_attempts": 5}):
        found = faults()
    assert "localhost:1" in found["broker-away"]["message"]
    assert "Start the server" in found["broker-away"]["remedy"]
    assert "clusters-unknown" in found


def test_the_clock_of_the_server_is_wrong() -> None:
    with override_settings(Q_CLUSTER={**Q_CLUSTER, "broker_class": "tests.monitor.brokers.Ahead"}):
        publish()
        found = faults()
    assert "2 min 0 s ahead of this host's" in found["broker-clock"]["message"]
    assert "NTP" in found["broker-clock"]["remedy"]
    assert found["broker-clock"]["level"] == "error"


@pytest.mark.parametrize(("difference", "level"), [(0.3, "ok"), (-0.9, "ok"), (-3, "warning"), (-31, "error")])
def test_clocks_may_be_a_little_apart(difference: float, level: str) -> None:
    assert clock_finding(difference).level == level


def test_the_broker_is_slow_and_has_findings_of_its_own() -> None:
    with override_settings(Q_CLUSTER={**Q_CLUSTER, "broker_class": "tests.monitor.brokers.Slow"}):
        publish()
        found = faults()
    assert list(found) == ["broker-latency", "slow-disk"]


def test_a_broker_of_one_process_is_of_no_use() -> None:
    with override_settings(
        Q_CLUSTER={"name": "tests", "broker_class": "djq_core.brokers.memory.MemoryBroker", "max_attempts": 5}
    ):
        publish()
        assert list(faults()) == ["broker-local"]


def test_packages_of_another_key_are_on_the_queue() -> None:
    with override_settings(SECRET_KEY="the key of a stranger"):
        async_task("math.pow", 2, 3)
    async_task("math.pow", 2, 3)
    publish()
    found = faults()
    assert list(found) == ["broker-unreadable"]
    assert "Of the first 2 packages on the queue 'tests', 1 cannot be read" in found["broker-unreadable"]["message"]


def test_redis_throws_tasks_away(start_valkey: StartValkey) -> None:
    server = start_valkey(maxmemory="100mb", maxmemory_policy="allkeys-lru")
    with override_settings(Q_CLUSTER={"name": "tests", "redis": server.settings(), "max_attempts": 5}):
        publish()
        found = faults()
        assert examined("--fail-level", "warning", "--quiet")["exit"] == 1
        current.runtime().shared_broker().close()
    assert found.keys() == {"redis-persistence", "redis-eviction"}
    assert found["redis-eviction"]["level"] == "error"
    assert "noeviction" in found["redis-eviction"]["remedy"]


def test_a_second_cluster_of_the_site_is_looked_at_too() -> None:
    alternatives = {"reports": {"broker": "redis", "redis": {"port": 1}}}
    with override_settings(Q_CLUSTER={**Q_CLUSTER, "broker": "orm", "ALT_CLUSTERS": alternatives}):
        publish()
        found = faults()
    assert found["broker-away"]["message"].startswith("reports: The broker does not answer")


# Database


def test_a_migration_is_missing() -> None:
    publish()
    ((_, newest),) = MigrationLoader(connection).graph.leaf_nodes("djq_core")
    MigrationRecorder(connection).record_unapplied("djq_core", newest)
    found = faults()
    assert list(found) == ["database-migrations"]
    assert f"djq_core.{newest}" in found["database-migrations"]["message"]
    assert found["database-migrations"]["remedy"] == "python manage.py migrate --database=default"


@pytest.mark.parametrize("index", ["djq_task_success", "djq_orm_ormq_due"])
def test_an_index_is_missing(index: str) -> None:
    publish()
    with connection.cursor() as cursor:
        cursor.execute(f"DROP INDEX {index}")
    found = faults()
    assert list(found) == ["database-indexes"]
    assert index in found["database-indexes"]["message"]


# Cache


@pytest.mark.parametrize("backend", ["dummy.DummyCache", "locmem.LocMemCache"])
def test_the_cache_is_not_shared(backend: str) -> None:
    with override_settings(CACHES={"default": {"BACKEND": f"django.core.cache.backends.{backend}"}}):
        found = faults()
    assert list(found) == ["cache", "clusters-unknown"]
    assert "Nobody sees which clusters run" in found["cache"]["message"]


@pytest.mark.parametrize(
    ("backend", "location", "remedy"),
    [
        ("db.DatabaseCache", "no_such_table", "Make its table: python manage.py createcachetable."),
        ("redis.RedisCache", "redis://localhost:1/0", "Start its server, or correct its entry in CACHES."),
    ],
)
def test_the_cache_does_not_answer(backend: str, location: str, remedy: str) -> None:
    entry = {"BACKEND": f"django.core.cache.backends.{backend}", "LOCATION": location}
    with override_settings(CACHES={"default": entry}):
        found = faults()
    assert list(found) == ["cache", "clusters-unknown"]
    assert found["cache"]["remedy"].startswith(remedy)
    assert ". Clusters that have a result for it save no result" in found["cache"]["message"]


# Clusters


def test_no_cluster_runs() -> None:
    found = faults()
    assert list(found) == ["clusters-none"]
    assert found["clusters-none"]["remedy"] == "python manage.py qcluster --name tests"


@pytest.mark.parametrize(
    ("stat", "code", "told"),
    [
        ({"version": "0.0.9"}, "clusters-version", "cluster 17 on orion: 0.0.9"),
        ({"status": Conf.STOPPING}, "clusters-stopping", "is stopping"),
        ({"done_q_size": 1000}, "clusters-saving", "1000 results wait"),
        ({"lease_age": 100.0}, "clusters-leases", "has not renewed its leases for 1 min 40 s"),
        ({"timestamp": time.time() + 3600}, "clusters-clock", "ahead of this host's"),
    ],
)
def test_a_cluster_is_not_as_it_should_be(stat: dict[str, Any], code: str, told: str) -> None:
    publish(**stat)
    found = faults()
    assert list(found) == [code]
    assert told in found[code]["message"]


# Schedules


def make_schedule(*, hours: float = 1, **fields: Any) -> None:
    """Make a schedule that is due in so many hours."""
    values = {"name": "nightly", "func": "math.pow", "next_run": datetime.now(UTC) + timedelta(hours=hours), **fields}
    Schedule.objects.create(schedule_type=Schedule.DAILY, **values)


@pytest.mark.parametrize(
    ("fields", "code", "told"),
    [
        ({"func": "shop.nothing"}, "schedules-function", "there is no module 'shop'"),
        ({"hook": "math.nothing"}, "schedules-function", "has no attribute 'nothing'"),
        ({"cluster": "reports"}, "schedules-cluster", "'reports', which does not run"),
        ({"hours": -1}, "schedules-late", "1 h 0 min: nightly"),
    ],
)
def test_a_schedule_is_not_as_it_should_be(fields: dict[str, Any], code: str, told: str) -> None:
    make_schedule(**fields)
    publish()
    found = faults()
    assert list(found) == [code]
    assert told in found[code]["message"]


def test_no_cluster_has_a_scheduler() -> None:
    make_schedule()
    publish(scheduler=None)
    assert list(faults()) == ["schedules-off"]


def test_a_paused_schedule_is_nobodys_business() -> None:
    make_schedule(func="shop.nothing", repeats=0)
    publish()
    assert faults() == {}
