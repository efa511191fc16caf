"""R5, R12 and R13: killed sentinels, restarts under load, two clusters; and kills of any process."""

from __future__ import annotations

import random
import time

import pytest

from tests.chaos.sizes import kill_evenly, report
from tests.harness.fixtures import MakeSite, on_both
from tests.harness.logs import ROLES, SENTINEL
from tests.harness.oracle import END, START
from tests.harness.sites import WORKERS, Site
from tests.harness.waiting import wait_until

pytestmark = [pytest.mark.chaos, pytest.mark.timeout(600)]

QUEUE_LIMIT = WORKERS**2
RETRY = 3


def _enqueue(site: Site, count: int, seconds: float = 0.005) -> None:
    site.call("enqueue_many", "mark", [f"task-{n}" for n in range(count)], seconds)


def _assert_whole(site: Site, count: int, extra: int) -> None:
    """Wait for the end and account for everything; ``extra`` starts are explained."""
    wait_until(lambda: site.call("counts") == [count, 0, 0], 120, lambda: f"all done: {site.ledger()}", 0.2)
    ledger = site.ledger()
    report(ledger, explained=extra)
    assert ledger.differences(kills=extra) == []


@on_both
def test_r5_killed_sentinels_leave_no_orphans_and_lose_nothing(make_site: MakeSite, vendor: str) -> None:
    site = make_site(vendor, q_cluster={"retry": RETRY})
    _enqueue(site, 4_000)
    with site.cluster() as cluster:
        kill_evenly(site, cluster, SENTINEL, 4_000, 20)
        _assert_whole(site, 4_000, extra=20 * (WORKERS + QUEUE_LIMIT))
        wait_until(lambda: len(cluster.processes()) == 1 + 1 + WORKERS + 3, 5.0, lambda: str(cluster.processes()))
        assert cluster.stop() == 0


@on_both
def test_r12_rolling_restarts_lose_nothing_and_run_nothing_twice(
    make_site: MakeSite, rng: random.Random, vendor: str
) -> None:
    site = make_site(vendor, q_cluster={"retry": 30})
    _enqueue(site, 6_000)
    with site.cluster():
        for _ in range(20):
            with site.cluster() as other:
                time.sleep(rng.uniform(0.0, 0.5))
                assert other.stop(10.0) == 0
        _assert_whole(site, 6_000, extra=0)


@on_both
def test_r13_long_tasks_start_once_on_two_clusters(make_site: MakeSite, vendor: str) -> None:
    site = make_site(vendor, q_cluster={"retry": 1})
    site.call("enqueue_many", "mark", [f"long-{n}" for n in range(20)], 5.0)
    _enqueue(site, 5_000, 0.001)
    with site.cluster(), site.cluster():
        wait_until(lambda: site.call("counts") == [5_020, 0, 0], 120, lambda: f"all done: {site.ledger()}", 0.2)
        assert set(site.oracle.count(START).values()) == {1}


@on_both
def test_any_process_may_die_at_any_time(make_site: MakeSite, rng: random.Random, vendor: str) -> None:
    site = make_site(vendor, q_cluster={"retry": RETRY, "max_crashes": 50})
    count, kills = 4_000, 0
    site.call("enqueue_many", "mark", [f"task-{n}" for n in range(count)], 0.005, hook="tests.harness.tasks.note_hook")
    with site.cluster() as cluster:
        while site.oracle.total(END) < count:
            alive = [pid for role in ROLES for pid in cluster.role(role)]
            kills += bool(alive) and cluster.kill(rng.choice(alive))
            time.sleep(rng.uniform(0.0, 0.3))
        _assert_whole(site, count, extra=kills * (WORKERS + QUEUE_LIMIT))
        assert set(site.oracle.count("hook")) == {f"task-{n}" for n in range(count)}
        assert cluster.stop() == 0
