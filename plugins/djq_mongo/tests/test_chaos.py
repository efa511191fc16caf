"""R1, R3, R6 and R7 in a smaller size: clusters whose queue is in MongoDB are killed, and so is the server."""

from __future__ import annotations

import random
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from tests.chaos.sizes import report
from tests.harness.clusters import ClusterProcess
from tests.harness.fixtures import SQLITE, MakeSite
from tests.harness.logs import WORKER
from tests.harness.oracle import END, PUT
from tests.harness.sites import WORKERS, Site
from tests.harness.waiting import wait_until
from tests.services.fixtures import StartMongo
from tests.services.mongo import NX, SECANTUS, MongoServer

#: Seconds after which the full number of workers is at work again, or a cluster consumes again.
BACK_AT_WORK, BACK = 1.0, 5.0
#: So long after its time-out a call may end on a machine that has other things to do.
LATE = 1.0
HELD = WORKERS + WORKERS**2
RETRY = 3
HOOK = "tests.harness.tasks.note_hook"
AFTER_SAVE, AFTER_HOOK = "monitor.after_save", "monitor.after_hook"

SiteOn = Callable[..., Site]


def sizes(
    names: str, short: tuple[int | str, ...], *full: tuple[int | str, ...], short_on: str
) -> pytest.MarkDecorator:
    """Run a test in the short form on one server always, and in the full form on both where chaos is asked for."""
    marks = (pytest.mark.chaos, pytest.mark.timeout(600))
    cases = [
        pytest.param(short_on, *short, id=f"{short_on}-short"),
        *(pytest.param(kind, *each, id=f"{kind}-full", marks=marks) for kind in (SECANTUS, NX) for each in full),
    ]
    return pytest.mark.parametrize(("kind", *(name.strip() for name in names.split(","))), cases)


@pytest.fixture
def site_on(make_site: MakeSite) -> SiteOn:
    """Give a maker of sites whose queue is on a server."""

    def make(server: MongoServer, q_cluster: dict[str, Any], **mongo: Any) -> Site:
        return make_site(SQLITE, broker=server.settings(**mongo), q_cluster=q_cluster)

    return make


@pytest.fixture
def shared(request: pytest.FixtureRequest) -> Callable[[str], MongoServer]:
    """Give the server of this kind that the test run has."""
    names = {SECANTUS: "secantus_server", NX: "nx_server"}
    return lambda kind: request.getfixturevalue(names[kind])


def labels_of(tasks: int) -> list[str]:
    return [f"task-{number}" for number in range(tasks)]


def wait_stored(site: Site, count: int) -> None:
    wait_until(lambda: site.call("counts") == [count, 0, 0], 120, lambda: f"all stored: {site.ledger()}", 0.2)


@sizes("tasks, kills", (150, 4), (2_000, 60), short_on=NX)
def test_r1_killed_workers_lose_nothing(
    site_on: SiteOn, shared: Callable[[str], MongoServer], rng: random.Random, kind: str, tasks: int, kills: int
) -> None:
    site = site_on(shared(kind), {"max_crashes": 20})
    site.call("enqueue_many", "mark", labels_of(tasks), 0.005)
    with site.cluster() as cluster:
        comebacks = []
        for number in range(kills):
            site.wait_done(number * tasks // (kills + 1))
            victim = rng.choice(cluster.role(WORKER))
            assert cluster.kill(victim)
            comebacks.append(cluster.wait_full(WORKERS, 5.0, without=victim))
        wait_stored(site, tasks)
        ledger = site.ledger()
        report(ledger, kills=kills, longest_comeback=f"{max(comebacks):.2f} s")
        assert ledger.differences(kills=kills) == []
        assert max(comebacks) <= BACK_AT_WORK
        assert cluster.stop() == 0


@sizes(
    "point, tasks, chains, kills",
    (AFTER_HOOK, 24, 8, 2),
    (AFTER_SAVE, 400, 30, 8),
    (AFTER_HOOK, 400, 30, 8),
    short_on=SECANTUS,
)
def test_r3_a_killed_monitor_loses_no_result_hook_or_link(
    site_on: SiteOn,
    shared: Callable[[str], MongoServer],
    kind: str,
    point: str,
    tasks: int,
    chains: int,
    kills: int,
) -> None:
    site = site_on(shared(kind), {})
    site.call("enqueue_many", "mark", labels_of(tasks), 0.01, hook=HOOK)
    site.call("enqueue_chains", [f"chain-{number}" for number in range(chains)], 2, 0.01)
    with site.cluster(env=site.fault(f"{point}:kill", kills)) as cluster:
        wait_stored(site, tasks + 2 * chains)
        assert len(cluster.log.deaths()) == kills
        assert cluster.stop() == 0
    ledger = site.ledger()
    report(ledger, point=point, kills=kills)
    assert ledger.differences(kills=kills) == []
    assert set(ledger.extra_starts) <= {f"chain-{number}:1" for number in range(chains)}
    assert set(ledger.hooked) == set(labels_of(tasks))
    assert ledger.extra_hooks.total() <= (kills if point == AFTER_HOOK else 0)


@sizes("tasks, kills", (80, 1), (1_000, 8), short_on=NX)
def test_r6_a_killed_group_loses_nothing(
    site_on: SiteOn, shared: Callable[[str], MongoServer], rng: random.Random, kind: str, tasks: int, kills: int
) -> None:
    site = site_on(shared(kind), {"retry": RETRY})
    site.call("enqueue_many", "mark", labels_of(tasks), 0.02)
    for _ in range(kills):
        with site.cluster() as cluster:
            site.wait_done(site.oracle.total(END) + rng.randrange(1, tasks // (2 * kills)))
            cluster.kill_all()
            assert cluster.log.lines("at least once")
    with site.cluster() as cluster:
        wait_stored(site, tasks)
        ledger = site.ledger()
        report(ledger, kills=kills)
        assert ledger.differences(kills=kills * HELD) == []
        assert cluster.stop() == 0


def wait_consuming(site: Site) -> float:
    """Wait until one more task has ended; return the seconds it took."""
    seen = site.oracle.total(END)
    return wait_until(lambda: site.oracle.total(END) > seen, BACK, "it consumes again")


@sizes("outages, each, frozen, time_out", (1, 150, 2, 1), (4, 800, 8, 3), short_on=SECANTUS)
def test_r7_what_was_accepted_outlives_the_server(
    site_on: SiteOn,
    start_mongo: StartMongo,
    rng: random.Random,
    kind: str,
    outages: int,
    each: int,
    frozen: int,
    time_out: int,
) -> None:
    server = start_mongo(kind)
    site = site_on(server, {"retry": RETRY}, timeoutMS=time_out * 1000)
    with site.cluster() as cluster, ThreadPoolExecutor(1) as pool:
        sending = pool.submit(site.call, "enqueue_once_each", labels_of(each * outages), 50.0, seconds=500)
        wait_until(lambda: site.oracle.total(END) > 0, 20, "it has begun")
        comebacks = [took for _ in range(outages) for took in disturb(site, server, frozen, rng)]
        refused, longest = sending.result()
        accepted = set(site.oracle.count(PUT))
        wait_until(lambda: not accepted - set(site.call("stored")["successes"]), 60, lambda: str(site.ledger()), 0.2)
        ledger = site.ledger()
        report(ledger, refused=refused, longest_call=f"{longest:.1f} s", longest_comeback=f"{max(comebacks):.1f} s")
        assert refused > 0
        assert longest <= time_out + LATE
        assert not ledger.lost
        assert not ledger.failures
        assert not cluster.log.deaths("")
        assert cluster.stop() == 0


def disturb(site: Site, server: MongoServer, frozen: int, rng: random.Random) -> list[float]:
    """Kill the server and start it again, freeze it and let it go on; return how long each comeback took."""
    time.sleep(rng.uniform(0.5, 1.5))
    server.kill()
    time.sleep(rng.uniform(0.0, 1.0))
    server.start()
    took = [wait_consuming(site)]
    server.pause()
    time.sleep(frozen)
    server.resume()
    return [*took, wait_consuming(site)]


def test_a_cluster_that_waits_for_its_server_begins_when_it_is_there(site_on: SiteOn, start_mongo: StartMongo) -> None:
    server = start_mongo(NX)
    site = site_on(server, {"retry": RETRY}, timeoutMS=1000)
    server.kill()
    with site.cluster() as cluster:
        wait_until(lambda: cluster.log.lines("cannot fetch from the broker"), 10, "the outage is told")
        server.start()
        site.call("enqueue", "mark", "task-0")
        wait_stored(site, 1)
        assert not cluster.log.lines("Traceback")
        assert isinstance(cluster, ClusterProcess)
        assert cluster.stop() == 0
