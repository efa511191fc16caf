"""A cluster that was taken for dead comes back."""

from __future__ import annotations

import signal
import time

import pytest

from tests.harness.fixtures import MARIADB, POSTGRESQL, REDIS_RECEIPTS, SQLITE, MakeSite
from tests.harness.oracle import END, START
from tests.harness.sites import WORKERS
from tests.harness.waiting import wait_until

COUNT = 40
RETRY = 2


def everywhere(*, seldom: str) -> pytest.MarkDecorator:
    """Run a test on every broker that fences, on one of them only where chaos is asked for."""
    vendors = [SQLITE, POSTGRESQL, MARIADB, REDIS_RECEIPTS]
    usual = [vendor for vendor in vendors if vendor != seldom]
    return pytest.mark.parametrize("vendor", [*usual, pytest.param(seldom, marks=pytest.mark.chaos)])


@everywhere(seldom=REDIS_RECEIPTS)
def test_a_frozen_cluster_harms_nothing_when_it_thaws(make_site: MakeSite, vendor: str) -> None:
    site = make_site(vendor, q_cluster={"retry": RETRY})
    site.call("enqueue_many", "mark", [f"task-{n}" for n in range(COUNT)], 0.4)
    with site.cluster() as frozen:
        wait_until(lambda: site.oracle.total(START) >= WORKERS, 10, "four tasks run")
        for pid in frozen.processes():
            frozen.kill(pid, signal.SIGSTOP)
        with site.cluster() as other:
            site.wait_done(COUNT)
            for pid in frozen.processes():
                frozen.kill(pid, signal.SIGCONT)
            site.wait_counts(COUNT)
            time.sleep(2 * RETRY)
            ledger = site.ledger()
            assert ledger.differences(kills=WORKERS + WORKERS**2) == []
            assert (frozen.stop(), other.stop()) == (0, 0)
        assert site.call("counts") == [COUNT, 0, 0]


@everywhere(seldom=MARIADB)
def test_a_late_failure_does_not_touch_a_success(make_site: MakeSite, vendor: str) -> None:
    """The first start of the task fails late, in a cluster that was frozen; the second succeeded meanwhile."""
    site = make_site(vendor, q_cluster={"retry": RETRY, "workers": 1})
    site.call("enqueue", "fail_first", "late", 1.0)
    with site.cluster() as frozen:
        wait_until(lambda: site.oracle.total(START) == 1, 10, "the task runs")
        for pid in frozen.processes():
            frozen.kill(pid, signal.SIGSTOP)
        with site.cluster() as other:
            site.wait_counts(1, seconds=15)
            for pid in frozen.processes():
                frozen.kill(pid, signal.SIGCONT)
            time.sleep(2.5)
            row = site.call("row", "late")
            assert (row["success"], row["result"]) == (True, "late")
            assert frozen.log.lines(r"Superseded: a failure of \[late\]")
            assert not other.log.lines("Superseded")
            assert site.oracle.of("late") == [START, START, END]
            assert site.call("counts") == [1, 0, 0]
            assert (frozen.stop(), other.stop()) == (0, 0)


def test_packages_deleted_under_a_cluster_harm_nobody(make_site: MakeSite) -> None:
    site = make_site()
    site.call("enqueue_many", "mark", [f"task-{n}" for n in range(COUNT)], 0.2)
    with site.cluster() as cluster:
        wait_until(lambda: site.oracle.total(START) >= WORKERS, 10, "four tasks run")
        site.call("purge")
        site.call("enqueue", "mark", "after")
        assert site.row("after", 20.0)["success"]
        assert set(site.oracle.count(START).values()) == {1}
        assert not cluster.log.deaths("")
        assert cluster.stop() == 0


def test_tasks_and_hooks_may_enqueue_tasks(make_site: MakeSite) -> None:
    site = make_site()
    with site.cluster():
        site.call("enqueue", "enqueue_another", "first", hook="tests.harness.tasks.enqueue_from_hook")
        site.wait_counts(3)
        assert set(site.call("stored")["successes"]) == {"first", "first.task", "first.hook"}
