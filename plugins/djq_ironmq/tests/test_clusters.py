"""Running clusters on IronMQ: leases are renewed, and a stop hands back."""

from __future__ import annotations

from plugins.djq_ironmq.tests.conftest import MakeBroker, site_on
from tests.chaos.scenarios import wait_stored
from tests.harness.fixtures import MakeSite
from tests.harness.oracle import END
from tests.services.ironmq import IronServer


def test_tasks_that_outlast_their_lease_run_once(iron_server: IronServer, make_site: MakeSite) -> None:
    """Each of them is touched several times, and answered for by the receipt that is valid then."""
    site = site_on(iron_server, make_site, retry=3, queue_limit=24)
    site.call("enqueue_many", "mark", [f"long-{n}" for n in range(4)], 4.5)
    site.call("enqueue_many", "mark", [f"task-{n}" for n in range(100)], 0.02)
    with site.cluster() as cluster:
        assert wait_stored(site, 104).differences(kills=0) == []
        assert not cluster.log.lines("Superseded|could not be renewed")
        assert cluster.stop() == 0


def test_a_stop_hands_back_what_is_not_started_without_an_attempt(
    iron_server: IronServer, make_site: MakeSite, make_broker: MakeBroker
) -> None:
    site = site_on(iron_server, make_site, name="handing-back", queue_limit=12)
    site.call("enqueue_many", "mark", [f"task-{n}" for n in range(40)], 0.3)
    with site.cluster() as cluster:
        site.wait_done(4)
        assert cluster.stop() == 0
    left = make_broker(list_key="handing-back").peek(100)
    assert len(left) == 40 - site.oracle.total(END) > 0
    assert {(each.attempts, each.is_held) for each in left} == {(0, False)}
    with site.cluster() as cluster:
        assert wait_stored(site, 40).differences(kills=0) == []
        assert cluster.stop() == 0
