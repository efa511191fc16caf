"""R1, R3, R6 and R7 on two nodes of Disque, in a smaller size."""

from __future__ import annotations

import random
import time
from typing import Any

import pytest

from plugins.djq_disque.tests.conftest import StartDisque
from plugins.djq_disque.tests.standin.running import DisqueCluster
from tests.chaos.scenarios import (
    AFTER_SAVE,
    CONSUMING,
    POINTS,
    RETRY,
    Disturb,
    begin_without,
    kill_clusters,
    kill_monitors,
    kill_workers,
    take_away,
    wait_consuming,
    wait_stored,
)
from tests.chaos.sizes import short_and_full
from tests.harness.fixtures import MakeSite
from tests.harness.sites import Site

ON = ["disque"]
LONG = 600
#: Seconds of a call at the nodes, and until the other one is missed, in milliseconds.
TIME_OUT, MISSED = 2.0, "1000"


@pytest.fixture
def pair(start_disque: StartDisque) -> DisqueCluster:
    """Give two nodes that keep their jobs in a file."""
    return start_disque(2, appendonly="yes", cluster_node_timeout=MISSED)


def site_on(pair: DisqueCluster, make_site: MakeSite, **q_cluster: Any) -> Site:
    """Make a site whose queue is on the nodes."""
    broker = {"disque_nodes": pair.names, "disque_timeout": TIME_OUT}
    return make_site(broker=broker, q_cluster={"retry": RETRY, **q_cluster})


@short_and_full("tasks, kills", (150, 3), (2_000, 40), seconds=LONG, vendors=ON)
def test_r1_killed_workers_lose_nothing(
    pair: DisqueCluster, make_site: MakeSite, rng: random.Random, vendor: str, tasks: int, kills: int
) -> None:
    kill_workers(site_on(pair, make_site, max_crashes=20), rng, tasks, kills)


@short_and_full(
    "point, tasks, chains, kills",
    (AFTER_SAVE, 30, 10, 2),
    *((point, 800, 30, 5) for point in POINTS),
    seconds=LONG,
    vendors=ON,
)
def test_r3_a_killed_monitor_loses_no_result_hook_or_link(
    pair: DisqueCluster, make_site: MakeSite, vendor: str, point: str, tasks: int, chains: int, kills: int
) -> None:
    kill_monitors(site_on(pair, make_site), point, tasks, chains, kills)


@short_and_full("tasks, kills", (120, 2), (1_000, 8), seconds=LONG, vendors=ON)
def test_r6_a_killed_group_loses_nothing(
    pair: DisqueCluster, make_site: MakeSite, rng: random.Random, vendor: str, tasks: int, kills: int
) -> None:
    kill_clusters(site_on(pair, make_site), rng, tasks, kills)


def one_by_one_and_both(pair: DisqueCluster, outages: int, frozen: float) -> Disturb:
    """Kill one node and start it again, freeze the other, then kill both; what was in a node is held for a lease."""

    def disturb(site: Site, rng: random.Random) -> list[float]:
        took = []
        for _ in range(outages):
            lost, other = rng.sample(list(pair.nodes), 2)
            time.sleep(0.5)
            lost.kill()
            time.sleep(frozen)
            lost.start()
            pair.wait_joined()
            other.pause()
            time.sleep(frozen)
            other.resume()
            pair.wait_joined()
            pair.kill()
            time.sleep(rng.uniform(0.2, 0.7))
            pair.start()
            took.append(wait_consuming(site, CONSUMING + RETRY))
        return took

    return disturb


@short_and_full("outages, each, frozen", (1, 1_000, 0.5), (3, 2_000, 5.0), seconds=LONG, vendors=ON)
def test_r7_what_was_accepted_outlives_the_nodes(
    pair: DisqueCluster,
    make_site: MakeSite,
    rng: random.Random,
    vendor: str,
    outages: int,
    each: int,
    frozen: float,
) -> None:
    disturb = one_by_one_and_both(pair, outages, frozen)
    take_away(site_on(pair, make_site), disturb, rng, each * outages, longest=2 * TIME_OUT)


def test_one_of_two_nodes_dies_and_the_work_goes_on(pair: DisqueCluster, make_site: MakeSite) -> None:
    """Nothing waits for the node, and each process says once where it goes on."""
    site = site_on(pair, make_site)
    with site.cluster() as cluster:
        site.call("enqueue_many", "mark", [f"before-{n}" for n in range(20)])
        site.wait_counts(20)
        pair.nodes[0].kill()
        site.call("enqueue_many", "mark", [f"after-{n}" for n in range(20)])
        site.wait_done(40, 15)
        assert wait_stored(site, 40).differences(kills=0) == []
        said = cluster.log.lines("Going on at")
        assert all(line.endswith(f"Going on at {pair.names[1]}.") for line in said)
        assert len(said) <= 3 * 2
        assert not cluster.log.lines("Traceback|ERROR")
        assert cluster.stop() == 0


@pytest.mark.chaos
def test_a_cluster_that_waits_for_its_server_begins_when_it_is_there(pair: DisqueCluster, make_site: MakeSite) -> None:
    begin_without(site_on(pair, make_site), pair)
