"""Clusters whose processes are not forked from the sentinel."""

from __future__ import annotations

import pytest

from tests.harness.fixtures import MakeSite
from tests.harness.logs import WORKER
from tests.harness.oracle import START


@pytest.mark.parametrize("method", ["spawn", "forkserver"])
def test_a_cluster_runs_tasks_and_survives_a_kill(make_site: MakeSite, method: str) -> None:
    site = make_site(q_cluster={"workers": 2, "start_method": method, "max_attempts": 2})
    with site.cluster(is_forked=False) as cluster:
        site.call("enqueue_many", "mark", [f"task-{n}" for n in range(20)])
        site.call("enqueue", "fail", "bad", hook="tests.harness.tasks.note_hook")
        site.call("enqueue", "mark", "late", 30, timeout=1)
        site.wait_counts(20, failures=2)
        assert [call["name"] for call in site.hook_calls()].count("bad") >= 1
        victim = cluster.role(WORKER)[0]
        assert cluster.kill(victim)
        cluster.wait_full(2, 10.0, without=victim)
        site.call("enqueue_many", "mark", [f"more-{n}" for n in range(8)])
        site.wait_counts(28, failures=2)
        assert max(site.oracle.count(START).values()) == 2
        assert cluster.stop() == 0


@pytest.mark.parametrize("method", ["forkserver"])
def test_nothing_is_left_of_a_killed_command(make_site: MakeSite, method: str) -> None:
    site = make_site(q_cluster={"workers": 2, "start_method": method})
    with site.cluster(is_forked=False) as cluster:
        assert cluster.kill(cluster.pid)
        cluster.assert_nothing_left(5.0)
