"""A cluster on Redis, with the manual's list and with receipts."""

from __future__ import annotations

import pytest

from tests.harness.fixtures import REDIS_LIST, REDIS_RECEIPTS, MakeSite
from tests.harness.oracle import END, START
from tests.harness.sites import Site
from tests.harness.waiting import wait_until
from tests.services.fixtures import StartValkey

on_redis = pytest.mark.parametrize("vendor", [REDIS_LIST, REDIS_RECEIPTS])

#: The statistics need none.
NO_CACHE = {"default": {"BACKEND": "django.core.cache.backends.dummy.DummyCache"}}


def _status(site: Site) -> list[tuple[int, str, int]]:
    return [(one["cluster_id"], one["status"], one["task_q_size"]) for one in site.call("stats")]


@on_redis
def test_tasks_chains_and_hooks_run_once(make_site: MakeSite, vendor: str) -> None:
    site = make_site(vendor)
    site.call("enqueue_many", "mark", [f"task-{n}" for n in range(300)], hook="tests.harness.tasks.note_hook")
    site.call("enqueue_chains", [f"chain-{n}" for n in range(10)], 3)
    with site.cluster() as cluster:
        site.wait_counts(330)
        ledger = site.ledger()
        assert ledger.differences(kills=0) == []
        assert ledger.hooked.total() == 300
        assert ledger.started.total() == 330
        assert cluster.stop() == 0


@on_redis
def test_sizes_and_status_are_right_while_tasks_run(make_site: MakeSite, vendor: str) -> None:
    site = make_site(vendor, q_cluster={"workers": 2, "queue_limit": 3}, CACHES=NO_CACHE)
    site.call("enqueue_many", "mark", [f"task-{n}" for n in range(12)], 2.0)
    assert site.call("sizes") == [12, 0]
    with site.cluster() as cluster:
        held = 5 if vendor == REDIS_RECEIPTS else 0
        wait_until(lambda: site.call("sizes") == [7, held], 10, lambda: f"2 + 3 are held: {site.call('sizes')}")
        assert site.call("queue_size") == 7
        wait_until(
            lambda: _status(site) == [(cluster.pid, "Working", 3)], 5, lambda: f"the status shows it: {_status(site)}"
        )
        site.call("purge" if vendor == REDIS_LIST else "delete_queue")
        assert site.call("sizes") == [0, 0]
        site.wait_done(2)
        site.call("enqueue_many", "mark", ["after"])
        wait_until(lambda: "after" in site.oracle.count(END), 20, "the queue works again")
        site.call("purge")
        assert cluster.stop() == 0


@pytest.mark.parametrize(
    ("vendor", "promise"),
    [
        (REDIS_LIST, r"at most once: a kill loses what the killed processes held, up to 20 tasks\."),
        (REDIS_RECEIPTS, r"at least once: a dead cluster's tasks are taken over after 5 s\."),
    ],
)
def test_the_start_tells_the_promise_and_what_the_server_keeps(make_site: MakeSite, vendor: str, promise: str) -> None:
    site = make_site(vendor)
    with site.cluster() as cluster:
        assert cluster.log.lines(rf"broker redis, queue 'site', 4 workers; {promise}")
        assert cluster.log.lines(r"appendonly is off: a restart of the server loses")
        assert cluster.stop() == 0


def test_a_cluster_starts_without_its_server_and_waits_for_it(make_site: MakeSite, start_valkey: StartValkey) -> None:
    server = start_valkey(appendonly="yes")
    site = make_site(REDIS_RECEIPTS, server=server)
    server.kill()
    with site.cluster() as cluster:
        assert cluster.log.lines(r"does not know yet what its broker keeps: Redis at .* cannot be reached")
        cluster.wait_for("cannot fetch from the broker")
        server.start()
        site.call("enqueue", "mark", "task")
        site.wait_counts(1)
        assert not cluster.log.deaths()
        assert cluster.stop() == 0


@on_redis
def test_a_failed_task_is_tried_again_where_there_are_receipts(make_site: MakeSite, vendor: str) -> None:
    site = make_site(vendor, q_cluster={"max_attempts": 3})
    site.call("enqueue", "fail", "bad")
    with site.cluster() as cluster:
        attempts = 3 if vendor == REDIS_RECEIPTS else 1
        row = site.row("bad", attempts=attempts)
        assert (row["success"], row["attempt_count"]) == (False, attempts)
        site.wait_counts(0, failures=1)
        assert site.oracle.count(START)["bad"] == attempts
        assert cluster.stop() == 0


@on_redis
def test_what_cannot_be_read_is_a_failure_and_stops_nobody(make_site: MakeSite, vendor: str) -> None:
    site = make_site(vendor)
    site.call("enqueue_foreign", "foreign")
    site.call("enqueue", "mark", "good")
    with site.cluster() as cluster:
        site.wait_counts(1, failures=1)
        assert cluster.stop() == 0


def test_a_stop_hands_back_what_is_not_started(make_site: MakeSite) -> None:
    site = make_site(REDIS_RECEIPTS, q_cluster={"workers": 2, "retry": 60})
    site.call("enqueue_many", "mark", [f"task-{n}" for n in range(6)], 1.5)
    with site.cluster() as cluster:
        wait_until(lambda: site.oracle.total(START) == 2, 10, "two have started")
        assert cluster.stop() == 0
    assert site.call("sizes") == [4, 0]
    with site.cluster() as cluster:
        site.wait_counts(6)
        assert site.ledger().differences(kills=0) == []
        assert cluster.stop() == 0
