"""Schedules run by real clusters."""

from __future__ import annotations

import time
from typing import Any

import pytest

from tests.harness.clusters import ClusterProcess
from tests.harness.fixtures import POSTGRESQL, REDIS_LIST, REDIS_RECEIPTS, MakeSite
from tests.harness.logs import SCHEDULER
from tests.harness.names import TASKS
from tests.harness.oracle import START
from tests.harness.sites import Site
from tests.harness.waiting import wait_until


def _late(site: Site, due: float) -> float:
    """Return how many seconds after the due moment the last task was started."""
    since_boot = time.time() - time.monotonic()
    return max(entry.at for entry in site.oracle.entries(START)) + since_boot - due


@pytest.mark.parametrize("vendor", [POSTGRESQL, REDIS_RECEIPTS])
def test_a_slot_starts_within_a_second_of_its_time(make_site: MakeSite, vendor: str) -> None:
    site = make_site(vendor)
    due = site.call("add_schedules", 20, 20.0)
    with site.cluster() as one, site.cluster() as other:
        assert time.time() < due, "the clusters were there in time"
        site.wait_counts(20)
        assert set(site.oracle.count(START).values()) == {1}
        assert 0 <= _late(site, due) < 1.0
        assert [one.stop(), other.stop()] == [0, 0]
    assert site.call("schedule_rows") == []


def _alone(site: Site) -> dict[str, Any]:
    """Return the row of the schedule that must not overlap."""
    (row,) = [row for row in site.call("schedule_rows") if row["name"] == "alone"]
    return dict(row)


def _read_anew(site: Site, cluster: ClusterProcess) -> None:
    """Make the schedule that must not overlap due, and let another scheduler read the table at once."""
    site.call("make_due", "alone")
    cluster.kill(cluster.only(SCHEDULER))


def test_schedules_that_cannot_be_run_or_still_run_stop_no_other(make_site: MakeSite) -> None:
    site = make_site(REDIS_LIST, q_cluster={"retry": 1, "scheduler": False})
    site.call("schedule", f"{TASKS}.nowhere", name="no function")
    site.call("schedule", f"{TASKS}.mark", "good", hook=f"{TASKS}.nowhere", name="no hook")
    site.call("schedule", f"{TASKS}.mark", "alone", 600, name="alone", schedule_type="H", overlap_policy="skip")
    with site.cluster() as cluster:
        site.row(site.call("enqueue", "mark", "other"))
        assert (cluster.role(SCHEDULER), len(site.call("schedule_rows"))) == ([], 3)
    site.configure(retry=1)
    with site.cluster() as cluster:
        site.wait_counts(2, failures=1)
        (failed,) = [row for row in site.call("rows") if not row["success"]]
        assert (failed["group"], failed["func"]) == ("no function", f"{TASKS}.nowhere")
        assert "nowhere" in failed["result"]
        cluster.wait_for(rf"ERROR The hook {TASKS}\.nowhere of .* failed")
        wait_until(lambda: site.oracle.count(START)["alone"] == 1, 10.0, "the long run has begun", 0.05)
        began = time.time()
        wait_until(lambda: _alone(site)["seen"] > began, 10.0, "it shows that it lives", 0.05)
        _read_anew(site, cluster)
        cluster.wait_for(r"\[alone\] still runs and skips 1")
        site.call("purge")
        cluster.kill_all()
    row = _alone(site)
    assert (row["is_running"], row["holder"]) == (True, row["task"])
    wait_until(lambda: time.time() - row["seen"] > 4.0, 10.0, "nobody has heard of the run for long", 0.1)
    site.call("make_due", "alone")
    with site.cluster() as cluster:
        cluster.wait_for(r"\[alone\] is lost and no longer waited for")
        wait_until(lambda: site.oracle.count(START)["alone"] == 2, 10.0, "it runs again", 0.05)


@pytest.mark.chaos
@pytest.mark.timeout(180)
def test_ten_thousand_schedules_of_one_second_are_enqueued_by_two_clusters_in_ten(make_site: MakeSite) -> None:
    count = 10_000
    site = make_site(POSTGRESQL)
    due = site.call("add_schedules", count, 20.0, schedule_type="D", kwargs="q_options={'cluster': 'nobody'}")
    with site.cluster() as one, site.cluster() as other:
        assert time.time() < due, "the clusters were there in time"
        wait_until(lambda: time.time() > due, 30.0, "the moment has come")
        wait_until(lambda: site.call("due_schedules") == 0, 20.0, "all are enqueued", 0.1)
        took = time.time() - due
        assert site.call("queued_for", "nobody") == [count, count]
        shares = [len(cluster.log.lines("created .* from schedule")) for cluster in (one, other)]
        assert sum(shares) == count
        assert min(shares) > 0, "both clusters had their share"
        assert took < 10.0
        assert [one.stop(), other.stop()] == [0, 0]
