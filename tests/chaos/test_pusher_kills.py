"""R4: pushers are killed, at any moment and with what they have just fetched."""

from __future__ import annotations

from pathlib import Path

from djq_core.cluster.restarts import LONGEST_PAUSE
from tests.chaos.scenarios import wait_stored
from tests.chaos.sizes import EVERYWHERE, kill_evenly, report, short_and_full
from tests.harness.fixtures import REDIS_RECEIPTS, SQLITE, MakeSite
from tests.harness.logs import PUSHER
from tests.harness.oracle import PUT, START

RETRY = 2
JUST_FETCHED = "pusher.after_receive:kill"


@short_and_full("tasks, kills", (400, 4), (5_000, 40), seconds=600, vendors=EVERYWHERE, short_on=(SQLITE,))
def test_r4_killed_pushers_lose_nothing_and_cost_nothing(
    make_site: MakeSite, vendor: str, tasks: int, kills: int
) -> None:
    site = make_site(vendor, q_cluster={"retry": RETRY})
    site.call("enqueue_many", "mark", [f"task-{n}" for n in range(tasks)], 0.005)
    with site.cluster() as cluster:
        kill_evenly(site, cluster, PUSHER, tasks, kills)
        ledger = wait_stored(site, tasks)
        report(ledger, kills=kills)
        assert ledger.differences(kills=0) == []
        assert cluster.stop() == 0


@short_and_full("rounds", (2,), (10,), seconds=300, vendors=EVERYWHERE, short_on=(REDIS_RECEIPTS,))
def test_r4_what_a_killed_pusher_held_is_delivered_again_when_its_lease_ends(
    make_site: MakeSite, vendor: str, rounds: int
) -> None:
    site = make_site(vendor, q_cluster={"retry": RETRY})
    fault = site.fault(JUST_FETCHED, 0)
    with site.cluster(env=fault) as cluster:
        for number in range(rounds):
            Path(fault["DJQ_FAULT_BUDGET"], "kill").touch()
            site.call("enqueue_many", "mark", [f"task-{number}-{n}" for n in range(8)])
            site.wait_counts(8 * (number + 1))
        assert len(cluster.log.deaths()) == rounds
        assert cluster.stop() == 0
    ledger = site.ledger()
    assert ledger.differences(kills=0) == []
    waits = [site.oracle.at(label, START) - site.oracle.at(label, PUT) for label in ledger.enqueued]
    report(ledger, kills=rounds, longest=f"{max(waits):.2f} s")
    assert max(waits) <= RETRY + 1


@short_and_full("tasks, kills", (200, 3), (2_000, 10), seconds=600, vendors=EVERYWHERE, short_on=(SQLITE,))
def test_a_pusher_killed_with_what_it_has_fetched_costs_no_run(
    make_site: MakeSite, vendor: str, tasks: int, kills: int
) -> None:
    """Each pusher dies as soon as it has fetched, so the sentinel pauses for longer and longer between them."""
    site = make_site(vendor, q_cluster={"retry": RETRY})
    site.call("enqueue_many", "mark", [f"task-{n}" for n in range(tasks)], 0.005)
    fault = site.fault(JUST_FETCHED, kills)
    patience = 60 + kills * (LONGEST_PAUSE + 1)
    with site.cluster(env=fault) as cluster:
        ledger = wait_stored(site, tasks, patience)
        report(ledger, kills=kills)
        assert ledger.differences(kills=0) == []
        assert not list(Path(fault["DJQ_FAULT_BUDGET"]).iterdir())
        assert cluster.stop() == 0
