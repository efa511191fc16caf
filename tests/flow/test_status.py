"""What a cluster tells of itself, and a cluster that a program of the site owns (manual 1.9.4, 1.10.3)."""

from __future__ import annotations

import socket

from tests.harness.fixtures import MakeSite, on_both
from tests.harness.logs import MONITOR, PUSHER, SENTINEL, WORKER
from tests.harness.oracle import START
from tests.harness.waiting import wait_until


@on_both
def test_a_stat_shows_the_cluster_as_it_is(make_site: MakeSite, vendor: str) -> None:
    site = make_site(vendor)
    with site.cluster() as cluster:
        wait_until(lambda: [stat["status"] for stat in site.call("stats")] == ["Idle"], 10, "it is said to be idle")
        (stat,) = site.call("stats")
        assert (stat["cluster_id"], stat["host"]) == (cluster.pid, socket.gethostname())
        assert sorted(stat["workers"]) == sorted(cluster.role(WORKER))
        assert stat["sentinel"] == cluster.only(SENTINEL)
        assert (stat["monitor"], stat["pusher"]) == (cluster.only(MONITOR), cluster.only(PUSHER))
        assert (stat["reincarnations"], stat["task_q_size"], stat["done_q_size"]) == (0, 0, 0)
        site.call("enqueue_many", "mark", [f"task-{n}" for n in range(8)], 2.0)
        wait_until(lambda: site.call("stats")[0]["status"] == "Working", 10, "at work")
        wait_until(lambda: site.call("stats")[0]["task_q_size"] == 4, 10, "four wait in the cluster")
        cluster.kill(cluster.role(WORKER)[0])
        wait_until(lambda: site.call("stats")[0]["reincarnations"] == 1, 10, "one reincarnation")
        site.wait_counts(8)
        assert cluster.stop() == 0
    wait_until(lambda: all(stat["status"] == "Stopped" for stat in site.call("stats")), 5, "it has stopped")


def test_a_new_status_is_told_at_once_however_long_the_guard_sleeps(make_site: MakeSite) -> None:
    site = make_site(q_cluster={"guard_cycle": 50, "workers": 1})

    def tells(status: str) -> None:
        wait_until(
            lambda: [stat["status"] for stat in site.call("stats")] == [status], 10, f"it is said to be {status}"
        )

    with site.cluster() as cluster:
        tells("Idle")
        site.call("enqueue", "mark", "long", 3.0)
        wait_until(lambda: site.oracle.total(START) == 1, 10, "it has started")
        cluster.send()
        tells("Stopping")


def test_a_program_may_own_a_cluster(make_site: MakeSite) -> None:
    site = make_site(q_cluster={"workers": 2})
    site.call("enqueue_many", "mark", [f"task-{n}" for n in range(20)])
    states = site.call("own_a_cluster")
    assert states == {
        "before": [False, False, False, False],
        "started": [False, True, False, False],
        "stopping": [False, False, True, False],
        "stopped": [False, False, False, True],
        "stat": "Idle",
        "is_own": True,
        "timeout": None,
    }
    assert site.oracle.total(START) == 21
    assert site.call("counts") == [21, 0, 0]
