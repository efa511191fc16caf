"""Workers that have done their share."""

from __future__ import annotations

from tests.harness.fixtures import MakeSite
from tests.harness.logs import WORKER
from tests.harness.oracle import START


def test_a_worker_is_recycled_after_its_tasks_and_keeps_its_name(make_site: MakeSite) -> None:
    site = make_site(q_cluster={"workers": 2, "recycle": 5})
    with site.cluster() as cluster:
        site.call("enqueue_many", "mark", [f"task-{n}" for n in range(40)], 0.005)
        site.wait_counts(40)
        cluster.wait_for(r"recycled worker Process-1:[12]$")
        per_worker = {pid: site.oracle.pids().count(pid) for pid in site.oracle.pids()}
        assert len(per_worker) >= 8
        assert max(per_worker.values()) == 5
        cluster.wait_full(2, 2.0)
        assert {cluster.name(pid) for pid in per_worker} == {"Process-1:1", "Process-1:2"}
        assert set(site.oracle.count(START).values()) == {1}
        assert cluster.stop() == 0


def test_a_worker_that_grew_too_large_is_recycled(make_site: MakeSite) -> None:
    site = make_site(q_cluster={"workers": 1, "max_rss": 200_000})
    with site.cluster() as cluster:
        site.call("enqueue", "mark", "small")
        site.wait_counts(1)
        (first,) = cluster.role(WORKER)
        site.call("enqueue", "keep", "large", 250)
        cluster.wait_for(r"recycled worker Process-1:1$")
        site.call("enqueue", "mark", "small-again")
        site.wait_counts(3)
        small, large, again = site.oracle.pids()
        assert small == large == first
        assert again != first
        cluster.wait_full(1, 2.0, without=first)


def test_a_worker_that_stays_small_is_kept(make_site: MakeSite) -> None:
    site = make_site(q_cluster={"workers": 1, "max_rss": 2_000_000})
    with site.cluster():
        site.call("enqueue_many", "mark", [f"task-{n}" for n in range(50)])
        site.wait_counts(50)
        assert len(set(site.oracle.pids())) == 1
