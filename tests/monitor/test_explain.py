"""Every cause is seeded on a real queue and database, and ``djq explain`` must name it with its remedy."""

from __future__ import annotations

import re
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from django.test import override_settings

from djq_core import current
from djq_core.conf import Conf
from djq_core.envelope import TASK, encode_package, new_id
from djq_core.models import Part, Schedule
from djq_core.tasks import async_task
from tests.making import package_of
from tests.monitor.seeding import broker, busy, explained, file_cache, publish, run_of, store, take
from tests.services.valkey import ValkeyServer

pytestmark = pytest.mark.django_db

LEASE = {"name": "tests", "orm": "default", "retry": 600}


@pytest.fixture(autouse=True)
def a_site(tmp_path: Path) -> Iterator[None]:
    """A lease that outlasts the test, and a cache that processes share."""
    with override_settings(Q_CLUSTER=LEASE, CACHES={"default": file_cache(tmp_path)}):
        yield


def enqueue(**options: Any) -> str:
    return str(async_task("math.pow", 2, 3, **options))


def details(answer: dict[str, Any]) -> str:
    return " | ".join([answer["headline"], *answer["details"]])


# Clusters


def test_no_cluster_is_alive() -> None:
    publish("another")
    task_id = enqueue()
    answer = explained(task_id)
    assert (answer["cause"], answer["exit"], answer["trouble"]) == ("no-cluster", 1, True)
    assert "No cluster is alive for the queue 'tests'" in answer["headline"]
    assert "python manage.py qcluster" in answer["remedy"]
    assert answer["task"]["id"] == task_id
    assert answer["task"]["func"] == "math.pow"


def test_all_clusters_are_stopping() -> None:
    task_id = enqueue()
    publish(**busy(status=Conf.STOPPING))
    answer = explained(task_id)
    assert (answer["cause"], answer["exit"]) == ("stopping", 1)
    assert "waits for a-name (shop.tasks.bill), which has run for 1 min 30 s" in details(answer)
    assert "next cluster" in answer["remedy"]


def test_it_runs_now() -> None:
    task_id = enqueue()
    take()
    store(task_id, "ValueError: no", success=False, attempt_count=1)
    publish(**busy(run_of(task_id, seconds=40, attempt=2)))
    answer = explained(task_id)
    assert (answer["cause"], answer["exit"], answer["also"]) == ("running", 0, [])
    assert re.search(r"running now, since \d\d:\d\d:\d\d, 4\d s ago", answer["headline"])
    assert "Attempt 2, in process 101 of cluster 17 on orion" in details(answer)
    assert "Attempt 1 failed" in details(answer)


def test_a_cluster_holds_it_behind_others() -> None:
    task_id = enqueue()
    take()
    publish(**busy(task_q_size=4, queue_limit=4))
    answer = explained(task_id)
    assert (answer["cause"], answer["exit"]) == ("held", 0)
    assert "holds 4 tasks that wait for a worker" in details(answer)
    assert "is full: 4 of 4" in details(answer)
    assert "All 2 workers of cluster 17 on orion are busy" in details(answer)
    assert "shop.tasks.bill for 1 min 30 s" in details(answer)
    assert re.search(r"The lease ends at .*, in (10 min|9 min)", details(answer))
    assert "More workers" in answer["remedy"]


def test_a_cluster_has_just_fetched_it() -> None:
    task_id = enqueue()
    take()
    publish()
    answer = explained(task_id)
    assert (answer["cause"], answer["exit"]) == ("held", 0)
    assert "2 of 2 workers idle" in details(answer)


def test_a_dead_cluster_holds_it() -> None:
    task_id = enqueue()
    broker().extend(take(), 580)
    publish()
    answer = explained(task_id)
    assert (answer["cause"], answer["exit"]) == ("held-by-the-dead", 0)
    assert re.search(r"comes back when the lease ends, at \d\d:\d\d:\d\d, in (9|10) min", answer["headline"])
    assert "`retry`" in answer["remedy"]


def test_a_lease_that_nobody_renews_is_that_of_the_dead_though_others_are_busy() -> None:
    task_id = enqueue()
    broker().extend(take(), 200)
    publish(**busy(task_q_size=4))
    assert explained(task_id)["cause"] == "held-by-the-dead"


def test_a_queue_has_a_lease_of_its_own() -> None:
    with override_settings(Q_CLUSTER={**LEASE, "ALT_CLUSTERS": {"reports": {"retry": 30}}}):
        task_id = enqueue(cluster="reports")
        broker("reports").extend(take(1, "reports"), 20)
        publish("reports", **busy(task_q_size=1))
        assert explained(task_id)["cause"] == "held"


def test_a_dead_cluster_holds_it_and_nobody_is_left() -> None:
    task_id = enqueue()
    take()
    answer = explained(task_id)
    assert (answer["cause"], answer["exit"]) == ("held-by-the-dead", 1)
    assert "No living cluster will take it then" in details(answer)
    assert "qcluster" in answer["remedy"]


def test_a_lease_that_has_ended_makes_it_wait_again() -> None:
    task_id = enqueue()
    broker().extend(take(), 0)
    publish()
    answer = explained(task_id)
    assert (answer["cause"], answer["exit"]) == ("next", 0)
    assert "has not answered in time" in details(answer)


def test_it_waits_for_its_next_attempt() -> None:
    task_id = enqueue()
    broker().release(take(), delay=300)
    store(task_id, "ValueError: the printer burns\n\nTraceback", success=False)
    publish()
    answer = explained(task_id)
    assert (answer["cause"], answer["exit"]) == ("waits-for-its-time", 0)
    assert re.search(r"next attempt at .*, in (4 min 5\d|5 min 0) s", answer["headline"])
    assert "Attempt 1 failed" in details(answer)
    assert details(answer).endswith("ValueError: the printer burns")
    assert "`backoff`" in answer["remedy"]


def test_it_waits_for_its_next_attempt_and_no_cluster_is_left() -> None:
    task_id = enqueue()
    broker().release(take(), delay=300)
    answer = explained(task_id)
    assert (answer["cause"], answer["exit"]) == ("no-cluster", 1)
    assert [also["cause"] for also in answer["also"]] == ["waits-for-its-time"]


def test_others_are_before_it() -> None:
    for _ in range(3):
        enqueue()
    task_id = enqueue(task_name="the fourth")
    publish(**busy())
    answer = explained("the fourth")
    assert (answer["cause"], answer["exit"], answer["task"]["id"]) == ("behind", 0, task_id)
    assert "behind 3 others" in answer["headline"]
    assert "All 2 workers" in details(answer)
    assert "More workers" in answer["remedy"]


def test_it_is_the_next_one() -> None:
    task_id = enqueue()
    enqueue()
    publish()
    answer = explained(task_id)
    assert (answer["cause"], answer["exit"]) == ("next", 0)
    assert "2 of 2 workers idle" in details(answer)


def test_every_cluster_is_idle_and_none_sees_it() -> None:
    runtime = current.runtime()
    package = package_of(runtime)
    broker().enqueue(runtime.signer.sign(TASK, encode_package(package)))
    publish()
    answer = explained(package.id)
    assert (answer["cause"], answer["exit"]) == ("not-fetched", 1)
    assert "every cluster of its queue is idle" in answer["headline"]
    assert "host, port, database, name" in answer["remedy"]
    publish(**busy())
    assert explained(package.id)["cause"] == "next"


def test_the_list_of_redis_shows_what_waits_and_nothing_else(valkey_server: ValkeyServer) -> None:
    with override_settings(Q_CLUSTER={"name": "tests", "redis": valkey_server.settings()}):
        enqueue()
        task_id = enqueue()
        publish(**busy())
        waiting = explained(task_id)
        take(2)
        taken = explained(task_id)
        broker().close()
    assert (waiting["cause"], "behind 1 other." in waiting["headline"]) == ("behind", True)
    assert taken["cause"] == "unknown"
    assert "RedisBroker keeps nothing that it has handed out" in details(taken)


# Packages


def test_another_key_has_signed_it() -> None:
    with override_settings(SECRET_KEY="the key of a stranger"):
        task_id = enqueue()
    publish()
    answer = explained(task_id)
    assert (answer["cause"], answer["exit"]) == ("signature", 1)
    assert "Another SECRET_KEY or another cluster name" in details(answer)
    assert "SECRET_KEY_FALLBACKS" in answer["remedy"]


def test_it_is_signed_for_another_cluster_of_the_site() -> None:
    with override_settings(Q_CLUSTER={**LEASE, "ALT_CLUSTERS": {"reports": {}}}):
        task_id = enqueue(cluster="reports")
        (package,) = broker("reports").peek(1)
        broker("reports").purge_queue()
        broker().enqueue(package.package)
        publish()
        answer = explained(task_id)
    assert answer["cause"] == "signature"
    assert "signed for the cluster 'reports'" in details(answer)
    assert "cluster='reports'" in answer["remedy"]


def test_it_is_on_the_queue_of_a_cluster_that_does_not_run() -> None:
    with override_settings(Q_CLUSTER={**LEASE, "ALT_CLUSTERS": {"reports": {}}}):
        task_id = enqueue(cluster="reports")
        publish()
        answer = explained(task_id)
    assert (answer["cause"], answer["exit"]) == ("other-queue", 1)
    assert "queue of another cluster, 'reports', which does not run" in answer["headline"]
    assert "qcluster --name reports" in answer["remedy"]


def test_a_queue_that_no_setting_names_is_looked_at_when_it_is_given() -> None:
    task_id = enqueue(cluster="far")
    publish()
    unknown = explained(task_id)
    answer = explained(task_id, "--queue", "far")
    assert unknown["cause"] == "unknown"
    assert "look there with --queue" in details(unknown)
    assert answer["cause"] == "other-queue"


@pytest.mark.parametrize(
    ("func", "allowed", "told"),
    [
        ("shop.no_such_module.bill", None, "there is no module 'shop'"),
        ("math.no_such_function", None, "has no attribute 'no_such_function'"),
        ("math.pow", ["shop.*"], "is not allowed here: `allowed_functions`"),
    ],
)
def test_its_function_cannot_be_run_here(func: str, allowed: list[str] | None, told: str) -> None:
    task_id = str(async_task(func))
    with override_settings(Q_CLUSTER={**LEASE, **({"allowed_functions": allowed} if allowed else {})}):
        publish()
        answer = explained(task_id)
    assert answer["cause"] == "function"
    assert answer["exit"] == 1
    assert told in details(answer)
    assert "allowed_functions" in answer["remedy"]
    assert [also["cause"] for also in answer["also"]] == ["next"]


def test_a_function_that_travels_as_itself_needs_no_path() -> None:
    task_id = str(async_task(sum, [1]))
    publish()
    assert explained(task_id)["cause"] == "next"


# Outcomes


def test_it_has_succeeded() -> None:
    task_id = new_id()
    store(task_id, 8, success=True, attempt_count=2)
    answer = explained(task_id)
    assert (answer["cause"], answer["exit"]) == ("succeeded", 0)
    assert re.search(r"succeeded at .*, 1 min \d s ago", answer["headline"])
    assert "Attempts: 2" in details(answer)


@pytest.mark.parametrize(
    ("keys", "why"),
    [
        ({"max_attempts": 3}, "max_attempts is 3"),
        ({"ack_failures": True}, "ack_failures is set"),
        ({}, "on no queue any more"),
    ],
)
def test_it_has_failed_for_good(keys: dict[str, Any], why: str) -> None:
    task_id = new_id()
    store(task_id, "ValueError: the printer burns\n\nTraceback …", success=False, attempt_count=3)
    with override_settings(Q_CLUSTER={**LEASE, **keys}):
        answer = explained(task_id)
    assert (answer["cause"], answer["exit"]) == ("failed", 1)
    assert "ValueError: the printer burns" in answer["details"]
    assert "Attempts: 3" in details(answer)
    assert why in details(answer)
    assert "resubmit" in answer["remedy"]


def test_it_was_given_up_for_its_crashes() -> None:
    task_id = new_id()
    store(task_id, "The worker was ended by SIGKILL.", success=False, attempt_count=3, crashes=3)
    answer = explained(task_id)
    assert (answer["cause"], answer["exit"]) == ("crashed", 1)
    assert "ended its worker 3 times (max_crashes 3)" in answer["headline"]
    assert "SIGKILL" in details(answer)
    assert "memory" in answer["remedy"]


def test_it_has_failed_for_its_function() -> None:
    task_id = new_id()
    store(task_id, "FunctionNotFound: 'shop.x' cannot be found", success=False)
    answer = explained(task_id)
    assert (answer["cause"], answer["exit"]) == ("function", 1)
    assert "'shop.x' cannot be found" in details(answer)


def test_it_is_an_iter_whose_parts_end() -> None:
    whole = new_id()
    for number in range(3):
        stopped = datetime.now(UTC)
        Part.objects.create(id=new_id(), whole=whole, number=number, success=number > 0, stopped=stopped)
    answer = explained(whole)
    assert (answer["cause"], answer["exit"]) == ("parts", 0)
    assert "3 parts have ended (failed: 1)" in answer["headline"]


# Schedules


def make_schedule(**fields: Any) -> Schedule:
    values = {
        "name": "nightly",
        "func": "math.pow",
        "schedule_type": Schedule.DAILY,
        "next_run": datetime.now(UTC) + timedelta(hours=2),
        **fields,
    }
    return Schedule.objects.create(**values)


def test_a_schedule_is_paused() -> None:
    make_schedule(repeats=0)
    publish()
    answer = explained("--schedule", "nightly")
    assert (answer["cause"], answer["exit"]) == ("schedule-paused", 1)
    assert "repeats to -1" in answer["remedy"]


def test_a_schedule_is_not_due() -> None:
    row = make_schedule()
    publish()
    answer = explained("--schedule", str(row.pk))
    assert (answer["cause"], answer["exit"]) == ("schedule-not-due", 0)
    assert re.search(r"due at .*, in (2 h 0|1 h 59) min", answer["headline"])


def test_a_schedule_belongs_to_a_cluster_that_does_not_run() -> None:
    make_schedule(cluster="reports")
    publish()
    answer = explained("--schedule", "nightly")
    assert (answer["cause"], answer["exit"]) == ("schedule-cluster", 1)
    assert "qcluster --name reports" in answer["remedy"]


def test_a_schedule_skips_what_overlaps() -> None:
    task_id = new_id()
    make_schedule(
        overlap_policy=Schedule.SKIP, is_running=True, task=task_id, holder=task_id, seen=int(time.time()) - 20
    )
    publish(**busy(run_of(task_id)))
    answer = explained("--schedule", "nightly")
    assert (answer["cause"], answer["exit"]) == ("schedule-overlap", 0)
    assert f"{task_id} was heard of last 2" in details(answer)
    assert f"djq explain {task_id}" in answer["remedy"]


def test_no_cluster_has_a_scheduler() -> None:
    make_schedule(next_run=datetime.now(UTC) - timedelta(minutes=10))
    with override_settings(Q_CLUSTER={**LEASE, "scheduler": False}):
        publish(scheduler=None)
        answer = explained("--schedule", "nightly")
    assert (answer["cause"], answer["exit"]) == ("scheduler-off", 1)
    assert "`scheduler` is False" in details(answer)
    assert [also["cause"] for also in answer["also"]] == ["schedule-late"]


@pytest.mark.parametrize(("fields"), [{"func": "shop.nothing"}, {"schedule_type": "C", "cron": "nonsense"}])
def test_a_schedule_cannot_be_run(fields: dict[str, Any]) -> None:
    make_schedule(**fields)
    publish()
    answer = explained("--schedule", "nightly")
    assert (answer["cause"], answer["exit"]) == ("function", 1)


def test_there_is_no_such_schedule() -> None:
    answer = explained("--schedule", "weekly")
    assert (answer["cause"], answer["exit"]) == ("unknown", 1)


def test_the_task_of_a_paused_schedule_says_so() -> None:
    task_id = new_id()
    make_schedule(repeats=0, task=task_id)
    store(task_id, 8, success=True)
    publish()
    answer = explained(task_id)
    assert answer["cause"] == "succeeded"
    assert [also["cause"] for also in answer["also"]] == ["schedule-paused"]


# Nothing is known, or can be


@pytest.mark.parametrize(
    ("keys", "told"),
    [({"save_limit": -1}, "successes are not kept"), ({"save_limit": 1}, "older successes are deleted (save_limit 1)")],
)
def test_nothing_is_known_of_it(keys: dict[str, Any], told: str) -> None:
    store(new_id(), 8, success=True)
    with override_settings(Q_CLUSTER={**LEASE, **keys}):
        publish()
        answer = explained(new_id())
    assert (answer["cause"], answer["exit"], answer["task"]) == ("unknown", 1, None)
    assert told in details(answer)
    assert "never have been sent" in details(answer)
    assert "async_task()" in answer["remedy"]


def test_what_lies_deeper_than_was_looked_is_said() -> None:
    enqueue()
    task_id = enqueue()
    publish()
    answer = explained(task_id, "--depth", "1")
    assert answer["cause"] == "unknown"
    assert "beyond the 1 that were looked at" in details(answer)


def test_the_broker_is_away() -> None:
    with override_settings(Q_CLUSTER={"name": "tests", "redis": {"port": 1}}):
        answer = explained(new_id())
    assert (answer["cause"], answer["exit"]) == ("broker-away", 1)
    assert "localhost:1" in details(answer)
    assert "Start the broker" in answer["remedy"]


@pytest.mark.parametrize(
    ("backend", "told"),
    [
        ("dummy.DummyCache", "keeps nothing"),
        ("locmem.LocMemCache", "is not shared between processes"),
    ],
)
def test_the_statistics_cannot_be_read(backend: str, told: str) -> None:
    with override_settings(CACHES={"default": {"BACKEND": f"django.core.cache.backends.{backend}"}}):
        task_id = enqueue()
        answer = explained(task_id)
    assert (answer["cause"], answer["exit"]) == ("statistics", 1)
    assert told in details(answer)
    assert "the next one to go" in details(answer)
    assert "`cache`" in answer["remedy"]
