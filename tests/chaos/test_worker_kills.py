"""R1 and R2: kill -9 of workers, busy and idle."""

from __future__ import annotations

import random

from tests.chaos.scenarios import FULL, kill_workers
from tests.chaos.sizes import EVERYWHERE, report, short_and_full
from tests.harness.clusters import ClusterProcess
from tests.harness.fixtures import MakeSite
from tests.harness.logs import WORKER
from tests.harness.oracle import END
from tests.harness.sites import WORKERS, Site
from tests.harness.waiting import wait_until


@short_and_full("tasks, kills", (800, 16), (10_000, 200), seconds=600, vendors=EVERYWHERE)
def test_r1_killed_workers_lose_nothing(
    make_site: MakeSite, rng: random.Random, vendor: str, tasks: int, kills: int
) -> None:
    kill_workers(make_site(vendor, q_cluster={"max_crashes": 20}), rng, tasks, kills)


def _kill_an_idle_one(site: Site, cluster: ClusterProcess, rng: random.Random, number: int) -> float:
    """Kill an idle worker, enqueue eight tasks and return how many seconds all eight took."""
    site.wait_counts(8 * number)
    cluster.wait_full(WORKERS, FULL)
    assert cluster.kill(rng.choice(cluster.role(WORKER)))
    site.call("enqueue_many", "mark", [f"round-{number}-{n}" for n in range(8)], 0.01)
    return wait_until(lambda: site.oracle.total(END) == 8 * (number + 1), 2.0, f"8 of 8 in round {number}")


@short_and_full("rounds", (5,), (50,), seconds=600, vendors=EVERYWHERE)
def test_r2_a_killed_idle_worker_freezes_nobody(
    make_site: MakeSite, rng: random.Random, vendor: str, rounds: int
) -> None:
    site = make_site(vendor)
    with site.cluster() as cluster:
        took = [_kill_an_idle_one(site, cluster, rng, number) for number in range(rounds)]
        site.wait_counts(8 * rounds)
        ledger = site.ledger()
        report(ledger, rounds=rounds, slowest=f"{max(took):.2f} s")
        assert ledger.differences(kills=0) == []
        assert cluster.stop() == 0
