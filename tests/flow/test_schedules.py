"""Schedules run by real clusters."""

from __future__ import annotations

import time

import pytest

from tests.harness.fixtures import POSTGRESQL, REDIS_RECEIPTS, MakeSite
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
