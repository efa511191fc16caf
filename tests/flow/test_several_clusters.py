"""Clusters that share one queue."""

from __future__ import annotations

import time

import pytest

from tests.harness.fixtures import MARIADB, POSTGRESQL, SQLITE, MakeSite
from tests.harness.logs import WORKER
from tests.harness.oracle import START
from tests.harness.waiting import wait_until


@pytest.mark.parametrize(("vendor", "count"), [(POSTGRESQL, 5_000), (SQLITE, 500), (MARIADB, 500)])
def test_two_clusters_drain_one_queue_and_no_task_runs_twice(make_site: MakeSite, vendor: str, count: int) -> None:
    site = make_site(vendor, q_cluster={"retry": 30})
    with site.cluster() as one, site.cluster() as other:
        site.call("enqueue_many", "mark", [f"task-{n}" for n in range(count)], 0.001)
        site.wait_counts(count, seconds=90)
        starts = site.oracle.count(START)
        assert (len(starts), set(starts.values())) == (count, {1})
        assert site.ledger().differences() == []
        pids = set(site.oracle.pids())
        assert all(pids & set(cluster.processes()) for cluster in (one, other)), "both clusters had their share"
        assert (one.stop(), other.stop()) == (0, 0)


def test_a_long_task_is_not_taken_over_from_a_living_cluster(make_site: MakeSite) -> None:
    site = make_site(POSTGRESQL, q_cluster={"retry": 1, "workers": 2})
    site.call("enqueue_many", "mark", [f"task-{n}" for n in range(6)], 3.0)
    with site.cluster(), site.cluster():
        site.wait_counts(6)
        assert set(site.oracle.count(START).values()) == {1}


def test_clusters_of_two_names_do_not_touch_each_other(make_site: MakeSite) -> None:
    site = make_site(q_cluster={"ALT_CLUSTERS": {"others": {}}})
    with site.cluster(env={"Q_CLUSTER_NAME": "other"}) as other:
        assert other.log.lines(r"has no cluster 'other', .* There are: others, site\. Did you mean 'others'\?")
        site.call("enqueue", "mark", "mine")
        site.call("enqueue", "mark", "theirs", cluster="other")
        site.wait_counts(1, queued=1)
        assert set(site.oracle.count(START)) == {"theirs"}
        assert other.stop() == 0
    with site.cluster():
        site.wait_counts(2)
        assert site.oracle.count(START)["mine"] == 1


ALTERNATIVES = {"long": {"workers": 2, "timeout": 60}, "Long": {"workers": 1, "max_attempts": 1}}


@pytest.mark.parametrize("vendor", [MARIADB])
def test_clusters_side_by_side_on_one_database_run_their_own_tasks(make_site: MakeSite, vendor: str) -> None:
    site = make_site(vendor, q_cluster={"ALT_CLUSTERS": ALTERNATIVES, "workers": 3})
    labels = {name: [f"{name}-{n}" for n in range(30)] for name in ("site", "long", "Long")}
    for name, own in labels.items():
        site.call("enqueue_many", "mark", own, 0.01, cluster=name)
    site.call("enqueue", "fail", "broken", cluster="Long")
    with site.cluster("-n", "long") as long, site.cluster("--name", "Long") as short:
        site.wait_counts(60, failures=1, queued=30)
        processes = {"long": set(long.role(WORKER)), "Long": set(short.role(WORKER))}
        with site.cluster() as main:
            site.wait_counts(90, failures=1)
            processes["site"] = set(main.role(WORKER))
            assert [cluster.stop() for cluster in (main, short, long)] == [0, 0, 0]
    assert {name: len(pids) for name, pids in processes.items()} == {"site": 3, "long": 2, "Long": 1}
    for name, own in labels.items():
        assert set(site.oracle.pids(own)) <= processes[name]
    assert set(site.oracle.count(START).values()) == {1}


def test_a_cluster_leaves_what_another_was_to_do_when_that_one_is_gone(make_site: MakeSite) -> None:
    site = make_site(q_cluster={"ALT_CLUSTERS": ALTERNATIVES, "retry": 1})
    site.call("enqueue_many", "mark", [f"long-{n}" for n in range(8)], 0.5, cluster="long")
    with site.cluster() as main:
        with site.cluster("-n", "long") as gone:
            wait_until(lambda: site.oracle.total(START) >= 2, 10, "the other cluster works")
            gone.kill_all()
        started = site.oracle.total(START)
        site.call("enqueue", "mark", "mine")
        site.row("mine")
        time.sleep(2.0)
        assert site.oracle.total(START) == started + 1
        assert main.stop() == 0
    with site.cluster("-n", "long") as back:
        site.wait_counts(9)
        assert back.stop() == 0
    assert site.ledger().differences(kills=2) == []


def test_a_name_that_cannot_be_used_is_told_at_once(make_site: MakeSite) -> None:
    site = make_site(q_cluster={"ALT_CLUSTERS": {"long": {"workers": 0}}})
    done = site.manage("qcluster", "-n", "long")
    assert done.returncode == 1
    assert "ALT_CLUSTERS['long']: `workers`" in done.stderr
