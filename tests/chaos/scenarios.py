"""R1, R3, R6 and R7 on a site whose broker is at least once: what is done to it, and what must hold.

The tests of each broker make the site and choose the sizes.
"""

from __future__ import annotations

import random
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Protocol

from tests.chaos.sizes import report
from tests.harness.clusters import ClusterProcess
from tests.harness.ledger import Ledger
from tests.harness.logs import MONITOR, SENTINEL, WORKER
from tests.harness.oracle import END, PUT
from tests.harness.sites import WORKERS, Site
from tests.harness.waiting import wait_until

#: How many tasks a cluster holds, and so how many a killed one may cost a second run: ``workers`` + ``queue_limit``.
HELD = WORKERS + WORKERS**2
#: The lease of the sites whose clusters or servers are killed, in seconds.
RETRY = 3
#: Seconds after which the full number is at work again, and after which a cluster consumes again from a server that is
#: back.
FULL, CONSUMING = 1.0, 5.0

BEFORE_SAVE, AFTER_SAVE = "monitor.before_save", "monitor.after_save"
BEFORE_HOOK, AFTER_HOOK = "monitor.before_hook", "monitor.after_hook"
POINTS = (BEFORE_SAVE, AFTER_SAVE, BEFORE_HOOK, AFTER_HOOK)
_HOOK = "tests.harness.tasks.note_hook"


class Server(Protocol):
    """What can be killed, started again on what it has kept, frozen and thawed."""

    def kill(self) -> None: ...
    def start(self) -> None: ...
    def pause(self) -> None: ...
    def resume(self) -> None: ...


#: Takes the server away again and again; returns how many seconds each comeback took.
Disturb = Callable[[Site, random.Random], list[float]]


def labels_of(tasks: int) -> list[str]:
    """Return the labels of so many tasks."""
    return [f"task-{number}" for number in range(tasks)]


def wait_stored(site: Site, count: int, seconds: float = 120.0) -> Ledger:
    """Wait until so many tasks have succeeded and nothing is queued; return the account."""
    wait_until(lambda: site.call("counts") == [count, 0, 0], seconds, lambda: f"all stored: {site.ledger()}", 0.2)
    return site.ledger()


def kill_workers(site: Site, rng: random.Random, tasks: int, kills: int, seconds: float = 0.005) -> None:
    """R1: kill random workers, spread over tasks of so many seconds."""
    site.call("enqueue_many", "mark", labels_of(tasks), seconds)
    with site.cluster() as cluster:
        sentinel = Path(f"/proc/{cluster.only(SENTINEL)}/fd")
        descriptors = len(list(sentinel.iterdir()))
        comebacks = []
        for number in range(kills):
            site.wait_done(number * tasks // (kills + 1))
            comebacks.append(_kill_a_worker(cluster, rng))
        ledger = wait_stored(site, tasks)
        report(ledger, kills=kills, longest_comeback=f"{max(comebacks):.2f} s")
        assert ledger.differences(kills=kills) == []
        assert max(comebacks) <= FULL
        assert len(list(sentinel.iterdir())) == descriptors
        assert len(cluster.log.deaths()) == kills
        assert cluster.stop() == 0


def _kill_a_worker(cluster: ClusterProcess, rng: random.Random) -> float:
    """Kill a random worker; return the seconds until the full number was at work again."""
    victim = rng.choice(cluster.role(WORKER))
    assert cluster.kill(victim)
    return cluster.wait_full(WORKERS, 5.0, without=victim)


def kill_monitors(site: Site, point: str, tasks: int, chains: int, kills: int, *, is_joined: bool = False) -> None:
    """R3: kill the monitor at one point, beside plain tasks with hooks and chains of two.

    ``is_joined``: the next link of a chain is part of the save; elsewhere a kill between the two repeats that link.
    """
    site.call("enqueue_many", "mark", labels_of(tasks), 0.01, hook=_HOOK)
    site.call("enqueue_chains", [f"chain-{number}" for number in range(chains)], 2, 0.01)
    fault = site.fault(f"{point}:kill", kills)
    with site.cluster(env=fault) as cluster:
        wait_stored(site, tasks + 2 * chains)
        left = list(Path(fault["DJQ_FAULT_BUDGET"]).iterdir())
        assert not left, f"{len(left)} of {kills} kills did not happen"
        assert len(cluster.log.deaths()) == kills
        cluster.wait_full(1, FULL, role=MONITOR)
        assert cluster.stop() == 0
    ledger = site.ledger()
    report(ledger, point=point, kills=kills)
    links = {f"chain-{number}:{link}" for number in range(chains) for link in (0, 1)}
    assert ledger.differences(kills=0 if is_joined or point == BEFORE_SAVE else kills) == []
    assert set(ledger.successes) == {*labels_of(tasks), *links}
    assert set(ledger.extra_starts) <= {f"chain-{number}:1" for number in range(chains)}
    assert set(ledger.hooked) == set(labels_of(tasks))
    assert ledger.extra_hooks.total() <= (kills if point == AFTER_HOOK else 0)


def kill_clusters(site: Site, rng: random.Random, tasks: int, kills: int) -> None:
    """R6: kill whole clusters, one after another, in the middle of the tasks; the last one is left alone."""
    kill_every_cluster(site, rng, tasks, kills, f"at least once: a dead cluster's tasks are taken over after {RETRY} s")
    with site.cluster() as cluster:
        ledger = wait_stored(site, tasks)
        report(ledger, kills=kills)
        assert ledger.differences(kills=kills * HELD) == []
        assert cluster.stop() == 0


def kill_every_cluster(site: Site, rng: random.Random, tasks: int, kills: int, promise: str) -> None:
    """Enqueue tasks and kill so many clusters in the middle of them, each after it has said what it promises."""
    site.call("enqueue_many", "mark", labels_of(tasks), 0.02)
    for number in range(kills):
        with site.cluster() as cluster:
            site.wait_done(site.oracle.total(END) + rng.randrange(1, tasks // (2 * kills)))
            cluster.kill_all()
            assert cluster.log.lines(promise), f"cluster {number} said nothing of its promise"


def take_away(
    site: Site, disturb: Disturb, rng: random.Random, tasks: int, longest: float, per_second: float = 100.0
) -> None:
    """R7: enqueue at a pace while the server is taken away; no call may take longer than ``longest`` seconds."""
    with site.cluster() as cluster, ThreadPoolExecutor(1) as pool:
        sending = pool.submit(site.call, "enqueue_once_each", labels_of(tasks), per_second, seconds=900)
        wait_until(lambda: site.oracle.total(END) > 0, 20, "it has begun")
        comebacks = disturb(site, rng)
        refused, slowest = sending.result()
        accepted = set(site.oracle.count(PUT))
        wait_until(lambda: not accepted - set(site.call("stored")["successes"]), 60, lambda: str(site.ledger()), 0.2)
        ledger = site.ledger()
        report(ledger, refused=refused, longest_call=f"{slowest:.1f} s", longest_comeback=f"{max(comebacks):.1f} s")
        assert refused > 0
        assert slowest <= longest
        assert not ledger.lost
        assert not ledger.failures
        assert not cluster.log.deaths("")
        assert cluster.stop() == 0


def begin_without(site: Site, server: Server) -> None:
    """Start a cluster while its server is away: it says so in a line, and works when the server is there."""
    server.kill()
    with site.cluster() as cluster:
        wait_until(lambda: cluster.log.lines("cannot fetch from the broker"), 20, "the outage is told")
        server.start()
        site.call("enqueue", "mark", "task-0")
        wait_stored(site, 1)
        assert len(cluster.log.lines("cannot fetch from the broker")) == 1
        assert not cluster.log.lines("Traceback")
        assert cluster.stop() == 0


def kill_and_freeze(server: Server, outages: int, frozen: float) -> Disturb:
    """Kill a server and freeze it for so many seconds, in turn, so many times each."""

    def disturb(site: Site, rng: random.Random) -> list[float]:
        took = []
        for _ in range(outages):
            time.sleep(rng.uniform(0.5, 1.5))
            server.kill()
            time.sleep(rng.uniform(0.0, 1.0))
            server.start()
            took.append(wait_consuming(site))
            server.pause()
            time.sleep(frozen)
            server.resume()
            took.append(wait_consuming(site))
        return took

    return disturb


def wait_consuming(site: Site, within: float = CONSUMING) -> float:
    """Wait until one more task has ended; return the seconds it took."""
    seen = site.oracle.total(END)
    return wait_until(lambda: site.oracle.total(END) > seen, within, "it consumes again")
