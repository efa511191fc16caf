"""What tasks leave behind in their worker: threads and copies of it."""

from __future__ import annotations

from tests.harness.fixtures import MakeSite
from tests.harness.logs import WORKER
from tests.harness.names import HOSTILE
from tests.harness.oracle import START


def test_a_copy_of_the_worker_ends_where_the_task_ends(make_site: MakeSite) -> None:
    site = make_site(q_cluster={"workers": 2})
    with site.cluster() as cluster:
        site.call("enqueue_plain", f"{HOSTILE}.fork_and_return_twice", "forked", task_name="forked")
        site.call("enqueue_many", "mark", [f"task-{n}" for n in range(20)], 0.01)
        site.wait_counts(21, seconds=10.0)
        assert set(site.oracle.count(START).values()) == {1}
        assert cluster.stop(5.0) == 0


def test_a_thread_left_behind_does_not_keep_the_cluster_from_stopping(make_site: MakeSite) -> None:
    site = make_site(q_cluster={"workers": 1})
    with site.cluster() as cluster:
        site.call("enqueue_plain", f"{HOSTILE}.leave_a_thread", "thread", 60, task_name="thread")
        site.wait_counts(1)
        assert cluster.stop(10.0) == 0


def test_a_thread_left_behind_does_not_keep_a_worker_from_being_recycled(make_site: MakeSite) -> None:
    site = make_site(q_cluster={"workers": 1, "recycle": 2})
    with site.cluster() as cluster:
        site.call("enqueue_plain", f"{HOSTILE}.leave_a_thread", "thread", 60, task_name="thread")
        site.call("enqueue_many", "mark", [f"task-{n}" for n in range(9)])
        site.wait_counts(10)
        cluster.wait_full(1, 10.0, role=WORKER)
