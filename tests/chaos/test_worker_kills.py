"""R1 and R2: kill -9 of workers, busy and idle."""

from __future__ import annotations

import random
from pathlib import Path

from tests.chaos.sizes import EVERYWHERE, report, short_and_full
from tests.harness.clusters import ClusterProcess
from tests.harness.fixtures import MakeSite
from tests.harness.logs import SENTINEL, WORKER
from tests.harness.oracle import END
from tests.harness.sites import WORKERS, Site
from tests.harness.waiting import wait_until

#: Seconds after which the full number is at work again.
BACK = 1.0
TASK = 0.005


def _kill_one(cluster: ClusterProcess, rng: random.Random) -> float:
    """Kill a random worker and return how many seconds it took until the full number was at work again."""
    victim = rng.choice(cluster.role(WORKER))
    assert cluster.kill(victim)
    return cluster.wait_full(WORKERS, 5.0, without=victim)


def _kill_under_load(site: Site, cluster: ClusterProcess, rng: random.Random, tasks: int, kills: int) -> list[float]:
    """Kill workers spread evenly over the run and return how long each comeback took."""
    times = []
    for number in range(kills):
        site.wait_done(number * tasks // (kills + 1))
        times.append(_kill_one(cluster, rng))
    return times


@short_and_full("tasks, kills", (800, 16), (10_000, 200), seconds=600, vendors=EVERYWHERE)
def test_r1_killed_workers_lose_nothing(
    make_site: MakeSite, rng: random.Random, vendor: str, tasks: int, kills: int
) -> None:
    site = make_site(vendor, q_cluster={"max_crashes": 20})
    site.call("enqueue_many", "mark", [f"task-{n}" for n in range(tasks)], TASK)
    with site.cluster() as cluster:
        sentinel = Path(f"/proc/{cluster.only(SENTINEL)}/fd")
        descriptors = len(list(sentinel.iterdir()))
        comebacks = _kill_under_load(site, cluster, rng, tasks, kills)
        wait_until(lambda: site.call("counts") == [tasks, 0, 0], 120, lambda: f"all done: {site.ledger()}", 0.2)
        ledger = site.ledger()
        report(ledger, kills=kills, longest_comeback=f"{max(comebacks):.2f} s")
        assert ledger.differences(kills=kills) == []
        assert max(comebacks) <= BACK
        assert len(list(sentinel.iterdir())) == descriptors
        assert len(cluster.log.deaths()) == kills
        assert cluster.stop() == 0


def _kill_an_idle_one(site: Site, cluster: ClusterProcess, rng: random.Random, number: int) -> float:
    """Kill an idle worker, enqueue eight tasks and return how many seconds all eight took."""
    site.wait_counts(8 * number)
    cluster.wait_full(WORKERS, BACK)
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
