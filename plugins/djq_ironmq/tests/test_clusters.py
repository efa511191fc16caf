"""Running clusters on IronMQ: R1, R3, R6 and R7 of the reliability scenarios, in a smaller size."""

from __future__ import annotations

import random
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from plugins.djq_ironmq.tests.conftest import MakeBroker
from tests.chaos.sizes import report
from tests.harness.clusters import ClusterProcess
from tests.harness.fixtures import MakeSite, make_site, sqlite_databases
from tests.harness.logs import WORKER
from tests.harness.oracle import END, PUT
from tests.harness.sites import WORKERS, Site
from tests.harness.waiting import wait_until
from tests.services.fixtures import StartIron
from tests.services.ironmq import IronServer

__all__ = ["make_site", "sqlite_databases"]

HOOK = "tests.harness.tasks.note_hook"
HELD = WORKERS + WORKERS**2
#: Seconds after which the full number is at work again, and after which a cluster consumes again.
FULL, BACK = 1.0, 5.0


def sizes(names: str, short: tuple[Any, ...], *full: tuple[Any, ...]) -> pytest.MarkDecorator:
    """Run a test in a short size always, and in the others where chaos is asked for."""
    marks = (pytest.mark.chaos, pytest.mark.timeout(600))
    larger = [pytest.param(*each, id=f"full{number}", marks=marks) for number, each in enumerate(full, 1)]
    return pytest.mark.parametrize(names, [pytest.param(*short, id="short"), *larger])


def on(server: IronServer, make_site: MakeSite, time_out: float = 5.0, **q_cluster: Any) -> Site:
    """Make a site whose queue is on a server, and nowhere else."""
    name = f"site-{time.monotonic_ns()}"
    broker = {"iron_mq": server.settings(request_timeout=time_out)}
    return make_site(broker=broker, q_cluster={"name": name, **q_cluster})


def stored(site: Site, count: int) -> None:
    wait_until(lambda: site.call("counts") == [count, 0, 0], 120, lambda: f"all stored: {site.ledger()}", 0.2)


def kill_a_worker(cluster: ClusterProcess) -> float:
    """Kill a worker; return the seconds until the full number is at work again."""
    victim = random.choice(cluster.role(WORKER))
    assert cluster.kill(victim)
    return cluster.wait_full(WORKERS, 5.0, without=victim)


@sizes("tasks, kills", (200, 4), (3_000, 60))
def test_r1_killed_workers_lose_nothing(iron_server: IronServer, make_site: MakeSite, tasks: int, kills: int) -> None:
    site = on(iron_server, make_site, max_crashes=20)
    site.call("enqueue_many", "mark", [f"task-{n}" for n in range(tasks)], 0.01)
    with site.cluster() as cluster:
        comebacks = []
        for number in range(kills):
            site.wait_done(number * tasks // (kills + 1))
            comebacks.append(kill_a_worker(cluster))
        stored(site, tasks)
        ledger = site.ledger()
        report(ledger, kills=kills, longest_comeback=f"{max(comebacks):.2f} s")
        assert ledger.differences(kills=kills) == []
        assert min(comebacks) <= FULL
        assert len(cluster.log.deaths()) == kills
        assert cluster.stop() == 0


@sizes(
    "point, tasks, chains, kills",
    ("monitor.after_save", 20, 5, 2),
    *((f"monitor.{point}", 600, 30, 10) for point in ("before_save", "after_save", "before_hook", "after_hook")),
)
def test_r3_a_killed_monitor_loses_no_result_hook_or_link(
    iron_server: IronServer, make_site: MakeSite, point: str, tasks: int, chains: int, kills: int
) -> None:
    site = on(iron_server, make_site)
    site.call("enqueue_many", "mark", [f"task-{n}" for n in range(tasks)], 0.01, hook=HOOK)
    site.call("enqueue_chains", [f"chain-{n}" for n in range(chains)], 2, 0.01)
    fault = site.fault(f"{point}:kill", kills)
    with site.cluster(env=fault) as cluster:
        stored(site, tasks + 2 * chains)
        assert not list(Path(fault["DJQ_FAULT_BUDGET"]).iterdir())
        assert len(cluster.log.deaths()) == kills
        assert cluster.stop() == 0
    ledger = site.ledger()
    report(ledger, point=point, kills=kills)
    assert ledger.differences(kills=kills) == []
    assert set(ledger.extra_starts) <= {f"chain-{n}:1" for n in range(chains)}
    assert set(ledger.hooked) == {f"task-{n}" for n in range(tasks)}
    assert ledger.extra_hooks.total() <= (kills if point == "monitor.after_hook" else 0)


@sizes("tasks, kills", (120, 2), (1_500, 8))
def test_r6_a_killed_group_loses_nothing(iron_server: IronServer, make_site: MakeSite, tasks: int, kills: int) -> None:
    site = on(iron_server, make_site, retry=5)
    site.call("enqueue_many", "mark", [f"task-{n}" for n in range(tasks)], 0.02)
    for number in range(kills):
        with site.cluster() as cluster:
            site.wait_done(site.oracle.total(END) + random.randrange(1, tasks // (2 * kills)))
            cluster.kill_all()
            assert cluster.log.lines("at least once"), f"cluster {number} said nothing of its promise"
    with site.cluster() as cluster:
        stored(site, tasks)
        ledger = site.ledger()
        report(ledger, kills=kills)
        assert ledger.differences(kills=kills * HELD) == []
        assert cluster.stop() == 0


@sizes("outages, each, frozen, time_out", (1, 300, 1, 0.7), (6, 800, 6, 3))
def test_r7_what_was_accepted_outlives_the_server(
    start_iron: StartIron, make_site: MakeSite, outages: int, each: int, frozen: float, time_out: float
) -> None:
    server = start_iron()
    site = on(server, make_site, time_out, retry=3)
    labels = [f"task-{n}" for n in range(each * outages)]
    with site.cluster() as cluster, ThreadPoolExecutor(1) as pool:
        sending = pool.submit(site.call, "enqueue_once_each", labels, 60.0, seconds=500)
        wait_until(lambda: site.oracle.total(END) > 0, 20, "it has begun")
        comebacks = disturb(site, server, outages, frozen)
        refused, longest = sending.result()
        accepted = set(site.oracle.count(PUT))
        wait_until(lambda: not accepted - set(site.call("stored")["successes"]), 60, lambda: str(site.ledger()), 0.2)
        ledger = site.ledger()
        report(ledger, refused=refused, longest_call=f"{longest:.1f} s", longest_comeback=f"{max(comebacks):.1f} s")
        assert refused > 0
        assert longest <= time_out + 1.0
        assert not ledger.lost
        assert not ledger.failures
        assert not cluster.log.deaths("")
        assert cluster.stop() == 0


def disturb(site: Site, server: IronServer, outages: int, frozen: float) -> list[float]:
    """Kill and freeze the server in turn; return how long each comeback took."""
    took = []
    for _ in range(outages):
        time.sleep(random.uniform(0.3, 0.8))
        server.kill()
        time.sleep(random.uniform(0.0, 1.0))
        server.start()
        took.append(consuming(site))
        server.pause()
        time.sleep(frozen)
        server.resume()
        took.append(consuming(site))
    return took


def consuming(site: Site) -> float:
    """Wait until one more task has ended; return the seconds it took."""
    seen = site.oracle.total(END)
    return wait_until(lambda: site.oracle.total(END) > seen, BACK, "it consumes again")


def test_tasks_that_outlast_their_lease_run_once(iron_server: IronServer, make_site: MakeSite) -> None:
    """Each of them is touched several times, and answered for by the receipt that is valid then."""
    site = on(iron_server, make_site, retry=3, queue_limit=24)
    site.call("enqueue_many", "mark", [f"long-{n}" for n in range(4)], 4.5)
    site.call("enqueue_many", "mark", [f"task-{n}" for n in range(100)], 0.02)
    with site.cluster() as cluster:
        stored(site, 104)
        assert site.ledger().differences(kills=0) == []
        assert not cluster.log.lines("Superseded|could not be renewed")
        assert cluster.stop() == 0


def test_a_stop_hands_back_what_is_not_started_without_an_attempt(
    iron_server: IronServer, make_site: MakeSite, make_broker: MakeBroker
) -> None:
    site = on(iron_server, make_site, name="handing-back", queue_limit=12)
    site.call("enqueue_many", "mark", [f"task-{n}" for n in range(40)], 0.3)
    with site.cluster() as cluster:
        site.wait_done(4)
        assert cluster.stop() == 0
    left = make_broker(list_key="handing-back").peek(100)
    assert len(left) == 40 - site.oracle.total(END) > 0
    assert {(each.attempts, each.is_held) for each in left} == {(0, False)}
    with site.cluster() as cluster:
        stored(site, 40)
        assert site.ledger().differences(kills=0) == []
        assert cluster.stop() == 0
