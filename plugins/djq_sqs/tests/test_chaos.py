"""R1, R3, R6 and R7 on SQS: workers, monitors and whole clusters are killed, and the way to SQS is."""

from __future__ import annotations

import random
import time
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from tests.chaos.sizes import report
from tests.harness.clusters import ClusterProcess
from tests.harness.fixtures import MakeSite
from tests.harness.logs import MONITOR, WORKER
from tests.harness.oracle import END, PUT
from tests.harness.sites import WORKERS, Site
from tests.harness.waiting import wait_until
from tests.services.gateway import Gateway
from tests.services.ministack import MiniStack

#: Seconds, and how many tasks a killed cluster may cost a second run: `workers` + `queue_limit`.
RETRY = 3
HELD = WORKERS + WORKERS**2
HOOK = "tests.harness.tasks.note_hook"
LONG = (pytest.mark.chaos, pytest.mark.timeout(900))
#: Seconds that a call may take where the way to SQS is closed.
TIME_OUT = 3
#: Seconds after which the full number of workers is at work again, and after which tasks are fetched again.
BACK, CONSUMING = 1.0, 5.0


def short_and_full(names: str, short: tuple[Any, ...], full: tuple[Any, ...]) -> pytest.MarkDecorator:
    return pytest.mark.parametrize(
        names, [pytest.param(*short, id="short"), pytest.param(*full, id="full", marks=LONG)]
    )


def site_on(server: MiniStack | Gateway, make_site: MakeSite, name: str, **q_cluster: Any) -> Site:
    """Return a site on a queue of its own: a server has those of all tests."""
    times = {"connect_timeout": TIME_OUT, "read_timeout": TIME_OUT}
    sqs = server.settings(**({"config": times} if isinstance(server, Gateway) else {}))
    return make_site(broker={"sqs": sqs}, q_cluster={"name": name, "retry": RETRY, **q_cluster})


@pytest.fixture
def name() -> str:
    return f"chaos-{random.SystemRandom().randrange(1 << 48):x}"


def wait_stored(site: Site, count: int, seconds: float = 120.0) -> None:
    wait_until(lambda: site.call("counts") == [count, 0, 0], seconds, lambda: f"all stored: {site.ledger()}", 0.2)


def _kill_one(cluster: ClusterProcess, rng: random.Random) -> float:
    victim = rng.choice(cluster.role(WORKER))
    assert cluster.kill(victim)
    return cluster.wait_full(WORKERS, 5.0, without=victim)


@short_and_full("tasks, kills", (60, 3), (2_000, 60))
def test_r1_killed_workers_lose_nothing(
    make_site: MakeSite, sqs_server: MiniStack, name: str, rng: random.Random, tasks: int, kills: int
) -> None:
    site = site_on(sqs_server, make_site, name, max_crashes=20)
    site.call("enqueue_many", "mark", [f"task-{n}" for n in range(tasks)], 0.005)
    comebacks = []
    with site.cluster() as cluster:
        for number in range(kills):
            site.wait_done(number * tasks // (kills + 1))
            comebacks.append(_kill_one(cluster, rng))
        wait_stored(site, tasks)
        ledger = site.ledger()
        report(ledger, kills=kills, longest_comeback=f"{max(comebacks):.2f} s")
        assert ledger.differences(kills=kills) == []
        assert max(comebacks) <= BACK
        assert len(cluster.log.deaths()) == kills
        assert cluster.stop() == 0


@pytest.mark.parametrize(
    ("point", "tasks", "chains", "kills"),
    [
        pytest.param("monitor.after_save", 20, 6, 2, id="short"),
        *(
            pytest.param(f"monitor.{point}", 200, 20, 5, id=point, marks=LONG)
            for point in ("before_save", "after_save", "before_hook", "after_hook")
        ),
    ],
)
def test_r3_a_killed_monitor_loses_no_result_hook_or_link(
    make_site: MakeSite, sqs_server: MiniStack, name: str, point: str, tasks: int, chains: int, kills: int
) -> None:
    site = site_on(sqs_server, make_site, name)
    site.call("enqueue_many", "mark", [f"task-{n}" for n in range(tasks)], 0.01, hook=HOOK)
    site.call("enqueue_chains", [f"chain-{n}" for n in range(chains)], 2, 0.01)
    with site.cluster(env=site.fault(f"{point}:kill", kills)) as cluster:
        wait_stored(site, tasks + 2 * chains)
        assert len(cluster.log.deaths()) == kills
        cluster.wait_full(1, 1.0, role=MONITOR)
        assert cluster.stop() == 0
    ledger = site.ledger()
    report(ledger, point=point, kills=kills)
    assert ledger.differences(kills=0 if point == "monitor.before_save" else kills) == []
    assert set(ledger.extra_starts) <= {f"chain-{n}:1" for n in range(chains)}
    assert set(ledger.hooked) == {f"task-{n}" for n in range(tasks)}
    assert ledger.extra_hooks.total() <= (kills if point == "monitor.after_hook" else 0)


@short_and_full("tasks, kills", (60, 1), (1_000, 8))
def test_r6_a_killed_group_loses_nothing(
    make_site: MakeSite, sqs_server: MiniStack, name: str, rng: random.Random, tasks: int, kills: int
) -> None:
    site = site_on(sqs_server, make_site, name)
    site.call("enqueue_many", "mark", [f"task-{n}" for n in range(tasks)], 0.02)
    for _ in range(kills):
        with site.cluster() as cluster:
            site.wait_done(site.oracle.total(END) + rng.randrange(1, tasks // (2 * kills)))
            cluster.kill_all()
            assert cluster.log.lines("at least once: a dead cluster's tasks are taken over after 3 s")
            assert cluster.log.lines("SQS keeps a task for 14 days and drops it then")
    with site.cluster() as cluster:
        wait_stored(site, tasks)
        ledger = site.ledger()
        report(ledger, kills=kills)
        assert ledger.differences(kills=kills * HELD) == []
        assert cluster.stop() == 0


def _wait_consuming(site: Site) -> float:
    seen = site.oracle.total(END)
    return wait_until(lambda: site.oracle.total(END) > seen, CONSUMING, "it consumes again")


def _disturb(site: Site, gateway: Gateway, outages: int, frozen: float, rng: random.Random) -> list[float]:
    """Close the way to SQS and block it, in turn; return how long each comeback took."""
    took = []
    for _ in range(outages):
        time.sleep(rng.uniform(0.5, 1.5))
        gateway.kill()
        time.sleep(rng.uniform(0.2, 1.0))
        gateway.start()
        took.append(_wait_consuming(site))
        gateway.pause()
        time.sleep(frozen)
        gateway.resume()
        took.append(_wait_consuming(site))
    return took


@short_and_full("outages, each, frozen", (1, 250, 4), (5, 600, 10))
def test_r7_what_was_accepted_outlives_an_outage(
    make_site: MakeSite,
    sqs_gateway: Gateway,
    name: str,
    rng: random.Random,
    outages: int,
    each: int,
    frozen: int,
) -> None:
    site = site_on(sqs_gateway, make_site, name)
    labels = [f"task-{n}" for n in range(each * outages)]
    with site.cluster() as cluster, ThreadPoolExecutor(1) as pool:
        sending = pool.submit(site.call, "enqueue_once_each", labels, 40.0, seconds=600)
        wait_until(lambda: site.oracle.total(END) > 0, 60, "it has begun")
        comebacks = _disturb(site, sqs_gateway, outages, frozen, rng)
        refused, longest = sending.result()
        accepted = set(site.oracle.count(PUT))
        wait_until(lambda: not accepted - set(site.call("stored")["successes"]), 60, lambda: str(site.ledger()), 0.2)
        ledger = site.ledger()
        report(ledger, refused=refused, longest_call=f"{longest:.1f} s", longest_comeback=f"{max(comebacks):.1f} s")
        assert refused > 0
        assert longest <= TIME_OUT + 1.0
        assert not ledger.lost
        assert not ledger.failures
        assert not cluster.log.deaths("")
        assert cluster.stop() == 0
