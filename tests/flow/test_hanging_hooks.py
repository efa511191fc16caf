"""Hooks that outlast their time."""

from __future__ import annotations

from tests.harness.fixtures import MakeSite
from tests.harness.logs import MONITOR
from tests.harness.oracle import HOOK


def test_a_hook_that_hangs_is_given_up_and_results_go_on(make_site: MakeSite) -> None:
    site = make_site(q_cluster={"hook_timeout": 1})
    with site.cluster() as cluster:
        victim = cluster.only(MONITOR)
        site.call("enqueue", "mark", "hanging", hook="tests.harness.tasks.hang_in_hook")
        site.call("enqueue_many", "mark", [f"task-{n}" for n in range(20)], hook="tests.harness.tasks.note_hook")
        cluster.wait_full(1, 6.0, role=MONITOR, without=victim)
        site.wait_counts(21)
        hooks = site.oracle.count(HOOK)
        assert hooks["hanging"] == 1
        assert len(hooks) == 21
        assert cluster.log.lines("hang_in_hook")
        assert cluster.stop() == 0


def test_results_are_saved_while_a_hook_takes_its_time(make_site: MakeSite) -> None:
    site = make_site()
    with site.cluster():
        site.call("enqueue", "mark", "slow", hook="tests.harness.tasks.nap_in_hook")
        site.call("enqueue_many", "mark", [f"task-{n}" for n in range(20)])
        site.wait_counts(21, queued=1, seconds=3.0)
        site.wait_counts(21)
