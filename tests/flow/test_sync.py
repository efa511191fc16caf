"""Tasks that run where they are called."""

from __future__ import annotations

from tests.harness.fixtures import MakeSite
from tests.harness.oracle import END, START


def test_sync_runs_here_and_the_cluster_runs_the_rest(make_site: MakeSite) -> None:
    site = make_site(q_cluster={"max_attempts": 1})
    row = site.call("run_inline", "mark", "here", hook="tests.harness.tasks.note_hook")
    assert (row["success"], row["result"]) == (True, "here")
    failed = site.call("run_inline", "fail", "bad")
    assert failed["success"] is False
    assert "broken on purpose: bad" in failed["result"]
    assert [call["name"] for call in site.hook_calls()] == ["here"]
    assert site.call("counts") == [1, 1, 0]
    site.call("enqueue", "mark", "there")
    assert site.call("queue_size") == 1
    with site.cluster() as cluster:
        site.wait_counts(2, failures=1)
        assert site.oracle.of("there") == [START, END]
        assert site.oracle.pids(["there"])[0] in cluster.processes()
        assert site.oracle.pids(["here"])[0] not in cluster.processes()
        assert cluster.stop() == 0


def test_the_setting_makes_everything_sync(make_site: MakeSite) -> None:
    site = make_site(q_cluster={"sync": True})
    site.call("enqueue", "mark", "here")
    assert site.call("counts") == [1, 0, 0]
