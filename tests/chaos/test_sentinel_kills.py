"""R5: sentinels are killed; and any process at any time."""

from __future__ import annotations

import random
import time

from tests.chaos.scenarios import HELD, RETRY, wait_stored
from tests.chaos.sizes import EVERYWHERE, full_only, report
from tests.harness.clusters import PATIENCE, ClusterProcess
from tests.harness.fixtures import MakeSite
from tests.harness.logs import ROLES, SENTINEL
from tests.harness.oracle import END
from tests.harness.sites import WORKERS
from tests.harness.waiting import wait_until

#: Seconds after which nothing may be left of a killed sentinel's processes.
ORPHANS = 5.0


def _kill_a_sentinel(cluster: ClusterProcess) -> float:
    """Kill the sentinel once all are at work; return after how many seconds all that it had started were gone."""
    cluster.everybody(WORKERS)
    sentinel = cluster.only(SENTINEL)
    children = set(cluster.processes()) - {cluster.pid, sentinel}
    assert cluster.kill(sentinel)
    return wait_until(
        lambda: not children & set(cluster.processes()), ORPHANS, lambda: f"no orphans: {cluster.processes()}"
    )


@full_only("tasks, kills", (4_000, 20), seconds=600)
def test_r5_killed_sentinels_leave_no_orphans_and_lose_nothing(
    make_site: MakeSite, vendor: str, tasks: int, kills: int
) -> None:
    site = make_site(vendor, q_cluster={"retry": RETRY})
    site.call("enqueue_many", "mark", [f"task-{n}" for n in range(tasks)], 0.01)
    with site.cluster() as cluster:
        gone = []
        for number in range(kills):
            site.wait_done(number * tasks // (kills + 1))
            gone.append(_kill_a_sentinel(cluster))
        ledger = wait_stored(site, tasks)
        report(ledger, kills=kills, longest_orphan=f"{max(gone):.2f} s")
        assert ledger.differences(kills=kills * HELD) == []
        assert len(cluster.log.lines("guarding cluster")) == kills + 1
        assert cluster.stop() == 0


@full_only("tasks", (4_000,), seconds=600, vendors=EVERYWHERE)
def test_any_process_may_die_at_any_time(make_site: MakeSite, rng: random.Random, vendor: str, tasks: int) -> None:
    site = make_site(vendor, q_cluster={"retry": RETRY, "max_crashes": 50})
    kills = 0
    site.call("enqueue_many", "mark", [f"task-{n}" for n in range(tasks)], 0.005, hook="tests.harness.tasks.note_hook")
    with site.cluster() as cluster:
        while site.oracle.total(END) < tasks:
            alive = [pid for role in ROLES for pid in cluster.role(role)]
            kills += bool(alive) and cluster.kill(rng.choice(alive))
            time.sleep(rng.uniform(0.0, 0.3))
        ledger = wait_stored(site, tasks)
        report(ledger, killed=kills)
        assert ledger.differences(kills=kills * HELD) == []
        assert set(ledger.hooked) == {f"task-{n}" for n in range(tasks)}
        cluster.wait_full(WORKERS, PATIENCE)
        assert cluster.stop() == 0
