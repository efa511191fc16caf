"""kill -9 of any process of a cluster under load."""

from __future__ import annotations

import time

import pytest

from tests.harness.clusters import ClusterProcess
from tests.harness.fixtures import MakeSite, on_all, on_both
from tests.harness.logs import MONITOR, PUSHER, SCHEDULER, SENTINEL, WORKER
from tests.harness.oracle import END, HOOK, START
from tests.harness.sites import WORKERS, Site
from tests.harness.waiting import wait_until

#: Seconds after which the full number must be at work again.
BACK = 1.0
COUNT = 300
#: How many may run again when sentinel or command die: what ran, and what had run and was not saved.
IN_FLIGHT = WORKERS + WORKERS**2


def _load(site: Site) -> None:
    """Enqueue some seconds of work and wait until it is under way."""
    site.call("enqueue_many", "mark", [f"task-{n}" for n in range(COUNT)], 0.02)
    wait_until(lambda: site.oracle.total(END) > COUNT // 10, 15, "the load runs")


def _assert_whole(site: Site, kills: int) -> None:
    wait_until(lambda: site.call("counts")[::2] == [COUNT, 0], 30, lambda: f"all done: {site.ledger()}", 0.05)
    assert site.ledger().differences(kills=kills) == []


def _assert_full(cluster: ClusterProcess, seconds: float = BACK) -> None:
    began = time.monotonic()
    for role, count in ((WORKER, 4), (MONITOR, 1), (PUSHER, 1), (SCHEDULER, 1), (SENTINEL, 1)):
        cluster.wait_full(count, max(0.01, began + seconds - time.monotonic()), role=role)


@on_both
def test_a_killed_worker_is_replaced_and_the_log_tells_what_it_held(make_site: MakeSite, vendor: str) -> None:
    site = make_site(vendor)
    with site.cluster() as cluster:
        _load(site)
        wait_until(site.oracle.running, 5, "a task runs")
        pid, label = next(iter(site.oracle.running().items()))
        name = cluster.name(pid)
        assert cluster.kill(pid)
        cluster.wait_full(4, BACK, without=pid)
        _assert_whole(site, kills=1)
        (line,) = cluster.log.deaths()
        assert name in line
        held = [one for one in site.oracle.count(START) if f"[{one}]" in line or f" {one} " in line]
        assert held, line
        assert label in held or site.oracle.count(END)[label], line
        assert cluster.stop() == 0


def test_a_killed_idle_worker_is_replaced_and_the_log_says_that_it_held_nothing(make_site: MakeSite) -> None:
    site = make_site()
    with site.cluster() as cluster:
        victim = cluster.role(WORKER)[0]
        name = cluster.name(victim)
        assert cluster.kill(victim)
        cluster.wait_full(4, BACK, without=victim)
        (line,) = cluster.log.deaths()
        assert f"{name} (pid {victim}) ended by signal 9 (SIGKILL)" in line
        assert "holding" not in line
        site.call("enqueue_many", "mark", [f"task-{n}" for n in range(8)])
        site.wait_counts(8, seconds=2.0)


@pytest.mark.parametrize("role", [PUSHER, MONITOR, SCHEDULER])
@on_all
def test_a_killed_companion_is_replaced_and_nothing_is_lost(make_site: MakeSite, vendor: str, role: str) -> None:
    site = make_site(vendor, q_cluster={"retry": 3})
    with site.cluster() as cluster:
        _load(site)
        victim = cluster.only(role)
        name = cluster.name(victim)
        assert cluster.kill(victim)
        cluster.wait_full(1, BACK, role=role, without=victim)
        _assert_whole(site, kills=0)
        (line,) = cluster.log.deaths()
        assert name in line
        _assert_full(cluster)
        assert cluster.stop() == 0


@on_all
def test_a_killed_sentinel_is_replaced_and_nothing_is_lost(make_site: MakeSite, vendor: str) -> None:
    site = make_site(vendor, q_cluster={"retry": 3})
    with site.cluster() as cluster:
        _load(site)
        before = cluster.processes()
        victim = cluster.only(SENTINEL)
        assert cluster.kill(victim)
        cluster.wait_full(1, BACK, role=SENTINEL, without=victim)
        wait_until(lambda: not (set(cluster.processes()) & set(before)) - {cluster.pid}, 5, "the old children are gone")
        _assert_full(cluster)
        _assert_whole(site, kills=IN_FLIGHT)
        assert [line for line in cluster.log.deaths() if "Process-1 " in line]
        assert cluster.stop() == 0


@on_all
def test_nothing_is_left_of_a_killed_command_and_the_next_cluster_goes_on(make_site: MakeSite, vendor: str) -> None:
    site = make_site(vendor, q_cluster={"retry": 3})
    with site.cluster() as cluster:
        _load(site)
        assert cluster.kill(cluster.pid)
        cluster.assert_nothing_left(5.0)
    with site.cluster() as cluster:
        _assert_whole(site, kills=IN_FLIGHT)
        assert cluster.stop() == 0


def test_nothing_is_left_of_a_killed_command_whose_workers_are_deaf(make_site: MakeSite) -> None:
    site = make_site(q_cluster={"retry": 60})
    with site.cluster() as cluster:
        site.call("enqueue_many", "sleep_deaf", [f"deaf-{n}" for n in range(4)], 60)
        wait_until(lambda: site.oracle.total(START) == 4, 10, "four deaf workers")
        assert cluster.kill(cluster.pid)
        cluster.assert_nothing_left(5.0)
    assert site.call("sizes") == [4, 0]  # handed back, not left to the end of the lease


@pytest.mark.parametrize("role", [SENTINEL, None])
def test_nothing_is_left_where_a_hook_holds_the_interpreter(make_site: MakeSite, role: str | None) -> None:
    """Neither of a killed sentinel nor of a killed command: the monitor cannot see by itself that it is an orphan."""
    site = make_site(q_cluster={"retry": 3})
    with site.cluster() as cluster:
        site.call("enqueue", "mark", "holding", hook="tests.harness.tasks.hang_in_hook")
        wait_until(lambda: site.oracle.total(HOOK) == 1, 10, "the hook is running")
        before = cluster.processes()
        assert cluster.kill(cluster.only(role) if role else cluster.pid)
        if role is None:
            return cluster.assert_nothing_left(5.0)
        wait_until(lambda: not (set(cluster.processes()) & set(before)) - {cluster.pid}, 5, "the old children are gone")
        _assert_full(cluster)
        return None


def test_a_hook_that_kills_the_monitor_is_logged_and_not_called_again(make_site: MakeSite) -> None:
    site = make_site()
    with site.cluster() as cluster:
        victim = cluster.only(MONITOR)
        site.call("enqueue", "mark", "deadly", hook="tests.harness.tasks.die_in_hook")
        site.call("enqueue_many", "mark", [f"task-{n}" for n in range(20)], hook="tests.harness.tasks.note_hook")
        site.wait_counts(21)
        cluster.wait_full(1, BACK, role=MONITOR, without=victim)
        hooks = site.oracle.count("hook")
        assert hooks["deadly"] == 1
        assert len(hooks) == 21
        assert cluster.log.lines("die_in_hook")
        assert set(site.oracle.count(START).values()) == {1}
