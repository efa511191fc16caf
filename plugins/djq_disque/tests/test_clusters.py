"""Real clusters on two nodes, while workers, monitors, whole clusters and the nodes themselves are killed."""

from __future__ import annotations

import os
import random
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from plugins.djq_disque.tests.conftest import StartDisque
from plugins.djq_disque.tests.standin.running import DisqueCluster, DisqueNode
from tests.harness.fixtures import SQLITE, MakeSite, make_site, sqlite_databases
from tests.harness.ledger import Ledger
from tests.harness.logs import WORKER
from tests.harness.oracle import END, PUT
from tests.harness.sites import WORKERS, Site
from tests.harness.waiting import wait_until

__all__ = ["make_site", "sqlite_databases"]

HOOK = "tests.harness.tasks.note_hook"
#: Where a monitor is killed; what differs between brokers comes after the save.
AFTER_THE_SAVE = ("monitor.after_save", "monitor.after_hook")
BEFORE = ("monitor.before_save", "monitor.before_hook")
LONG = (pytest.mark.chaos, pytest.mark.timeout(900))
HELD = WORKERS + WORKERS**2
RETRY = 3
#: Seconds of a call at the nodes, and until the other one is missed, in milliseconds.
TIME_OUT, MISSED = 2.0, "1000"
#: Seconds after which a cluster consumes again once its node is back; what was in it is held back for a lease.
BACK = 5.0 + RETRY


@pytest.fixture
def luck() -> random.Random:
    """Give luck that can be repeated."""
    seed = int(os.environ.get("DJQ_CHAOS_SEED") or random.SystemRandom().randrange(1 << 32))
    sys.stdout.write(f"\nseed {seed}\n")
    return random.Random(seed)


@pytest.fixture
def pair(start_disque: StartDisque) -> Iterator[DisqueCluster]:
    """Give two nodes that keep their jobs in a file."""
    return start_disque(2, appendonly="yes", cluster_node_timeout=MISSED)


def sizes(names: str, short: Sequence[object], full: Sequence[object]) -> pytest.MarkDecorator:
    """Run a test in its short form always, and in its long one where chaos is asked for."""
    return pytest.mark.parametrize(
        names, [pytest.param(*short, id="short"), pytest.param(*full, id="full", marks=LONG)]
    )


def on(pair: DisqueCluster, make_site: MakeSite, **q_cluster: Any) -> Site:
    """Make a site whose queue is on the nodes."""
    broker = {"disque_nodes": pair.names, "disque_timeout": TIME_OUT}
    return make_site(SQLITE, broker=broker, q_cluster={"retry": RETRY, **q_cluster})


def wait_stored(site: Site, count: int, seconds: float = 120) -> Ledger:
    """Wait until everything is done and nothing is queued; return the account."""
    wait_until(lambda: site.call("counts") == [count, 0, 0], seconds, lambda: f"all done: {site.ledger()}", 0.1)
    ledger = site.ledger()
    sys.stdout.write(f"{ledger}\n")
    return ledger


@sizes("tasks, kills", (150, 3), (2_000, 40))
def test_r1_killed_workers_lose_nothing(
    pair: DisqueCluster, make_site: MakeSite, luck: random.Random, tasks: int, kills: int
) -> None:
    site = on(pair, make_site, max_crashes=20)
    site.call("enqueue_many", "mark", [f"task-{n}" for n in range(tasks)], 0.005)
    with site.cluster() as cluster:
        for number in range(kills):
            site.wait_done(number * tasks // (kills + 1))
            victim = luck.choice(cluster.role(WORKER))
            assert cluster.kill(victim)
            assert cluster.wait_full(WORKERS, 5.0, without=victim) <= 1.0
        assert wait_stored(site, tasks).differences(kills=kills) == []
        assert len(cluster.log.deaths()) == kills
        assert cluster.stop() == 0


@pytest.mark.parametrize(
    ("point", "tasks", "chains", "kills"),
    [
        *(pytest.param(point, 30, 10, 2, id=f"{point}-short") for point in AFTER_THE_SAVE),
        *(pytest.param(point, 500, 50, 10, id=f"{point}-full", marks=LONG) for point in (*AFTER_THE_SAVE, *BEFORE)),
    ],
)
def test_r3_a_killed_monitor_loses_no_result_hook_or_link(
    pair: DisqueCluster, make_site: MakeSite, point: str, tasks: int, chains: int, kills: int
) -> None:
    site = on(pair, make_site)
    site.call("enqueue_many", "mark", [f"task-{n}" for n in range(tasks)], 0.01, hook=HOOK)
    site.call("enqueue_chains", [f"chain-{n}" for n in range(chains)], 2, 0.01)
    with site.cluster(env=site.fault(f"{point}:kill", kills)) as cluster:
        ledger = wait_stored(site, tasks + 2 * chains)
        assert len(cluster.log.deaths()) == kills
        assert cluster.stop() == 0
    ledger = site.ledger()
    assert ledger.differences(kills=0 if point == "monitor.before_save" else kills) == []
    assert set(ledger.extra_starts) <= {f"chain-{n}:1" for n in range(chains)}
    assert set(ledger.hooked) == {f"task-{n}" for n in range(tasks)}
    assert ledger.extra_hooks.total() <= (kills if point == "monitor.after_hook" else 0)


@sizes("tasks, kills", (120, 2), (2_000, 10))
def test_r6_a_killed_group_loses_nothing(
    pair: DisqueCluster, make_site: MakeSite, luck: random.Random, tasks: int, kills: int
) -> None:
    site = on(pair, make_site)
    site.call("enqueue_many", "mark", [f"task-{n}" for n in range(tasks)], 0.02)
    for _ in range(kills):
        with site.cluster() as cluster:
            site.wait_done(site.oracle.total(END) + luck.randrange(1, tasks // (2 * kills)))
            cluster.kill_all()
            assert cluster.log.lines("at least once: a dead cluster's tasks are taken over after 3 s")
    with site.cluster() as cluster:
        assert wait_stored(site, tasks).differences(kills=kills * HELD) == []
        assert cluster.stop() == 0


@sizes("outages, each, frozen", (1, 500, 0.5), (10, 2_000, 5.0))
def test_r7_what_was_accepted_outlives_the_nodes(
    pair: DisqueCluster, make_site: MakeSite, luck: random.Random, outages: int, each: int, frozen: float
) -> None:
    site = on(pair, make_site)
    labels = [f"task-{n}" for n in range(each * outages)]
    with site.cluster() as cluster, ThreadPoolExecutor(1) as pool:
        sending = pool.submit(site.call, "enqueue_once_each", labels, 100.0, seconds=900)
        wait_until(lambda: site.oracle.total(END) > 0, 20, "it has begun")
        comebacks = [disturb(pair, site, luck, frozen, sending.done) for _ in range(outages)]
        refused, longest = sending.result()
        accepted = set(site.oracle.count(PUT))
        wait_until(lambda: not accepted - set(site.call("stored")["successes"]), 60, lambda: str(site.ledger()), 0.2)
        ledger = site.ledger()
        sys.stdout.write(f"{ledger}; refused {refused}, longest call {longest:.1f} s, comebacks {comebacks}\n")
        assert longest <= 2 * TIME_OUT
        assert not ledger.lost
        assert not ledger.failures
        assert not cluster.log.deaths("")
        assert cluster.stop() == 0


def disturb(pair: DisqueCluster, site: Site, luck: random.Random, frozen: float, is_over: Callable[[], bool]) -> float:
    """Kill one node and start it again, freeze one, then kill both; return how long the last comeback took.

    There is none to wait for once everything was sent.
    """
    lost, other = luck.sample(list(pair.nodes), 2)
    time.sleep(0.5)
    lost.kill()
    time.sleep(frozen)
    _restart(pair, lost)
    other.pause()
    time.sleep(frozen)
    other.resume()
    pair.wait_joined()
    pair.kill()
    time.sleep(luck.uniform(0.0, 0.5))
    _restart(pair, lost, other)
    seen = site.oracle.total(END)
    return wait_until(lambda: site.oracle.total(END) > seen or is_over(), BACK, "it consumes again")


def _restart(pair: DisqueCluster, *nodes: DisqueNode) -> None:
    for node in nodes:
        node.start()
    pair.wait_joined()


def test_one_of_two_nodes_dies_and_the_work_goes_on(pair: DisqueCluster, make_site: MakeSite) -> None:
    """Nothing waits for the node, and each process says once where it goes on."""
    site = on(pair, make_site)
    with site.cluster() as cluster:
        site.call("enqueue_many", "mark", [f"before-{n}" for n in range(20)])
        site.wait_counts(20)
        pair.nodes[0].kill()
        site.call("enqueue_many", "mark", [f"after-{n}" for n in range(20)])
        site.wait_done(40, 15)
        site.wait_counts(40)
        assert site.ledger().differences(kills=0) == []
        said = cluster.log.lines("Going on at")
        assert all(line.endswith(f"Going on at {pair.names[1]}.") for line in said)
        assert len(said) <= 3 * 2
        assert not cluster.log.lines("Traceback|ERROR")
        assert cluster.stop() == 0
