"""Tasks run the same under every setting of how they travel."""

from __future__ import annotations

from typing import Any

import pytest

from tests.harness.fixtures import MakeSite
from tests.harness.oracle import START

COUNT = 40


@pytest.mark.parametrize(
    "q_cluster",
    [
        {"compress": True},
        {"serializer": "json"},
        {"workers": 1, "queue_limit": 1},
        {"bulk": 10, "poll": 0.05},
        {"cpu_affinity": 1},
        {"daemonize_workers": False},
        {"scheduler": False},
        {"renew_leases": False, "retry": 30},
        {"recycle": 1},
        {"guard_cycle": 5},
        {"log_level": "ERROR"},
    ],
    ids=lambda q_cluster: ",".join(f"{key}={value}" for key, value in q_cluster.items()),
)
def test_every_task_runs_once(make_site: MakeSite, q_cluster: dict[str, Any]) -> None:
    site = make_site(q_cluster={"max_attempts": 1, **q_cluster})
    with site.cluster(is_awaited=q_cluster.get("log_level") != "ERROR") as cluster:
        labels = [f"task-{n}" for n in range(COUNT)]
        site.call("enqueue_many", "mark", labels, 0.001, hook="tests.harness.tasks.note_hook")
        site.call("enqueue", "fail", "bad")
        site.wait_counts(COUNT, failures=1, seconds=20.0)
        assert site.ledger().differences(poison=["bad"]) == []
        assert site.oracle.count("hook") == dict.fromkeys(labels, 1)
        assert cluster.stop() == 0


def test_packages_signed_with_an_old_key_run(make_site: MakeSite) -> None:
    site = make_site()
    site.call("enqueue_many", "mark", [f"old-{n}" for n in range(20)])
    site.close_shell()
    site.change_settings(SECRET_KEY="a new key", SECRET_KEY_FALLBACKS=["the key of this test site"])
    site.call("enqueue_many", "mark", [f"new-{n}" for n in range(20)])
    with site.cluster():
        site.wait_counts(40)
        assert set(site.oracle.count(START).values()) == {1}


def test_a_task_of_a_worker_that_is_no_daemon_may_have_children(make_site: MakeSite) -> None:
    site = make_site(q_cluster={"daemonize_workers": False, "max_attempts": 1})
    with site.cluster() as cluster:
        row = site.row(site.call("enqueue_plain", "tests.harness.tasks.with_a_child", "parent", task_name="parent"))
        assert (row["success"], row["result"]) == (True, 0)
        assert cluster.stop() == 0
