"""R12: clusters are restarted in turn, and asked to stop again and again, under load."""

from __future__ import annotations

import random
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager

from tests.chaos.scenarios import wait_stored
from tests.chaos.sizes import EVERYWHERE, full_only, report, short_and_full
from tests.harness.clusters import ClusterProcess
from tests.harness.fixtures import POSTGRESQL, MakeSite
from tests.harness.sites import Site

#: Seconds within which a cluster must be gone: what Docker gives by default.
STOP_BUDGET = 10.0
#: Far above the time of a run, so that whatever a stop does not hand back shows as a task that is missing.
RETRY = 600
TASK = 0.05


class Pair:
    """Two clusters of one site, one of which is stopped and started again at a time."""

    def __init__(self, site: Site) -> None:
        self._site = site
        self._stacks = [ExitStack(), ExitStack()]
        self._clusters = [self._start(stack) for stack in self._stacks]

    def restart(self, number: int) -> float:
        """Restart one of them and return the seconds of its stop."""
        slot = number % 2
        took = _stop(self._clusters[slot])
        self._stacks[slot].close()
        self._clusters[slot] = self._start(self._stacks[slot])
        return took

    def stop(self) -> list[float]:
        """Stop both."""
        return [_stop(cluster) for cluster in self._clusters]

    def close(self) -> None:
        """Leave nothing behind."""
        for stack in self._stacks:
            stack.close()

    def _start(self, stack: ExitStack) -> ClusterProcess:
        return stack.enter_context(self._site.cluster())


@contextmanager
def _pair(site: Site) -> Iterator[Pair]:
    pair = Pair(site)
    try:
        yield pair
    finally:
        pair.close()


def _stop(cluster: ClusterProcess) -> float:
    """Send SIGTERM and return the seconds until the cluster was gone; it must end with 0 and leave no process."""
    began = time.monotonic()
    assert cluster.stop(STOP_BUDGET) == 0, cluster.log.tail()
    return time.monotonic() - began


def _enqueue(site: Site, first: int, count: int) -> None:
    """Enqueue so many tasks: enough to keep every worker busy for longer than it takes until the signal comes."""
    site.call("enqueue_many", "mark", [f"task-{n}" for n in range(first, first + count)], TASK)


@full_only("tasks, restarts", (20_000, 200), seconds=1_500)
def test_r12_rolling_restarts_lose_nothing_and_run_nothing_twice(
    make_site: MakeSite, rng: random.Random, vendor: str, tasks: int, restarts: int
) -> None:
    site = make_site(vendor, q_cluster={"retry": RETRY})
    share, took = tasks // restarts, []
    with _pair(site) as pair:
        for number in range(restarts):
            _enqueue(site, number * share, share)
            time.sleep(rng.uniform(0.0, 0.3))
            took.append(pair.restart(number))
        ledger = wait_stored(site, tasks, 600)
        report(ledger, restarts=restarts, longest_stop=f"{max(took):.1f} s")
        assert ledger.differences(kills=0) == []
        assert max(pair.stop()) <= STOP_BUDGET


def _signal_again_and_again(site: Site, rng: random.Random, signals: int, share: int) -> list[float]:
    """Start a cluster, give it tasks, and stop it, so many times; return the seconds of each stop."""
    took = []
    for number in range(signals):
        with site.cluster() as cluster:
            _enqueue(site, number * share, share)
            time.sleep(rng.uniform(0.0, 0.4))
            took.append(_stop(cluster))
    return took


@short_and_full("signals, share", (5, 40), (250, 40), seconds=1_500, vendors=EVERYWHERE, short_on=(POSTGRESQL,))
def test_sigterm_under_load_ends_a_cluster_in_time(
    make_site: MakeSite, rng: random.Random, vendor: str, signals: int, share: int
) -> None:
    """Four brokers make a thousand signals; two sites at a time keep two cores busy."""
    lanes = 2 if signals > 10 else 1
    sites = [make_site(vendor, q_cluster={"retry": RETRY}) for _ in range(lanes)]
    with ThreadPoolExecutor(lanes) as pool:
        luck = [random.Random(rng.random()) for _ in sites]
        running = [
            pool.submit(_signal_again_and_again, *each, signals // lanes, share)
            for each in zip(sites, luck, strict=True)
        ]
        took = [seconds for each in running for seconds in each.result()]
    assert len(took) == signals
    assert max(took) <= STOP_BUDGET
    for site in sites:
        with site.cluster() as cluster:
            site.wait_counts(signals // lanes * share, seconds=120)
            assert cluster.stop() == 0
        ledger = site.ledger()
        report(ledger, sites=lanes, longest_stop=f"{max(took):.1f} s")
        assert ledger.differences(kills=0) == []
