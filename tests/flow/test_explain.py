"""What ``djq explain`` says of a task on its way through a real cluster, which is killed at last."""

from __future__ import annotations

from typing import Any

import pytest

from tests.harness.fixtures import REDIS_RECEIPTS, SQLITE, MakeSite
from tests.harness.sites import Site
from tests.harness.waiting import wait_until


def explained(site: Site, task_id: str, cause: str, seconds: float = 15.0) -> str:
    """Wait until this is the first cause, and return what is told of it."""
    seen: list[Any] = []

    def is_so() -> bool:
        seen[:] = site.call("explained", task_id)
        return bool(seen[0][0] == cause)

    wait_until(is_so, seconds, lambda: f"{cause}, seen {seen}", 0.1)
    return " | ".join(seen[1])


@pytest.mark.parametrize("vendor", [SQLITE, REDIS_RECEIPTS])
def test_every_state_on_the_way_is_told(make_site: MakeSite, vendor: str) -> None:
    site = make_site(vendor, q_cluster={"workers": 1, "retry": 20, "backoff": 3600})
    failing = site.call("enqueue", "fail", "failing")
    explained(site, failing, "no-cluster")
    with site.cluster() as cluster:
        told = explained(site, failing, "waits-for-its-time")
        assert "1 h 0 min" in told or "59 min" in told
        assert "Attempt 1 failed" in told
        assert "ValueError: broken on purpose: failing" in told
        running = site.call("enqueue", "mark", "running", 60)
        assert f"cluster {cluster.pid}" in explained(site, running, "running")
        held = site.call("enqueue", "mark", "held")
        told = explained(site, held, "held")
        assert "tests.harness.tasks.mark for" in told
        cluster.kill_all()
        explained(site, running, "held-by-the-dead", 40)
        explained(site, failing, "no-cluster")
