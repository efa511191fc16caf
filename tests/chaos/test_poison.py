"""R9: tasks that take their worker with them."""

from __future__ import annotations

import random
from concurrent.futures import ThreadPoolExecutor
from itertools import cycle, islice
from typing import Any

from tests.chaos.sizes import EVERYWHERE, percentile, report, short_and_full
from tests.harness.fixtures import SQLITE, MakeSite
from tests.harness.oracle import END, PUT
from tests.harness.sites import Site

MAX_CRASHES = 3
#: Seconds before another attempt; unset it is what is left of ``retry``, which would take minutes here.
BACKOFF = 0.5
#: What the failure row must name.
POISON = {"segfault": "SIGSEGV", "overflow_the_stack": "SIGSEGV", "run_out_of_memory": "SIGKILL", "leave": "7"}
#: Seconds of one healthy task; at this pace two of four workers are busy.
TASK = 0.1
PER_SECOND = 20.0
WARM_UP = 20


def _calls(tasks: int, poison: int, rng: random.Random) -> list[list[Any]]:
    """Return healthy calls with so many poisonous ones in random places among them, after some to warm up with."""
    calls: list[list[Any]] = [["mark", f"task-{n}", TASK] for n in range(tasks)]
    for number, func in enumerate(islice(cycle(POISON), poison)):
        calls.insert(rng.randrange(len(calls)), [func, f"{func}-{number}"])
    return [["mark", f"warm-{n}", TASK] for n in range(WARM_UP)] + calls


def _feed(site: Site, calls: list[list[Any]]) -> None:
    """Enqueue calls at a steady pace and wait until all of them have ended."""
    healthy = sum(func == "mark" for func, *_ in calls)
    site.call("enqueue_paced", calls, PER_SECOND, seconds=120)
    site.wait_counts(healthy, failures=len(calls) - healthy)


def _p99(site: Site) -> float:
    """Return the seconds from enqueueing to end that 99 in 100 healthy tasks do not exceed."""
    put = {entry.label: entry.at for entry in site.oracle.entries(PUT)}
    ends = [entry for entry in site.oracle.entries(END) if entry.label.startswith("task-")]
    return percentile([entry.at - put[entry.label] for entry in ends], 0.99)


def _measure(make_site: MakeSite, rng: random.Random, vendor: str, tasks: int, poison: int) -> tuple[float, float]:
    """Feed a cluster with poison and one without at the same time; return the p99 of the healthy tasks of both."""
    site, control = (make_site(vendor, q_cluster={"max_crashes": MAX_CRASHES, "backoff": BACKOFF}) for _ in range(2))
    with site.cluster() as cluster, control.cluster(), ThreadPoolExecutor(2) as pool:
        fed = [pool.submit(_feed, one, _calls(tasks, count, rng)) for one, count in ((site, poison), (control, 0))]
        for one in fed:
            one.result()
        assert cluster.stop() == 0
    ledger = site.ledger()
    among, without = _p99(site), _p99(control)
    report(ledger, p99_without=f"{without * 1000:.0f} ms", p99_among=f"{among * 1000:.0f} ms")
    poisonous = [label for label in ledger.enqueued if not label.startswith(("task-", "warm-"))]
    assert len(poisonous) == poison
    assert ledger.differences(poison=poisonous) == []
    for label in poisonous:
        assert ledger.started[label] <= MAX_CRASHES
        assert POISON[label.rpartition("-")[0]] in ledger.failures[label]
    return among, without


@short_and_full("tasks, poison", (240, 4), (2_000, 20), seconds=600, vendors=EVERYWHERE, short_on=(SQLITE,))
def test_r9_poison_is_stopped_and_its_neighbours_hardly_notice(
    make_site: MakeSite, rng: random.Random, vendor: str, tasks: int, poison: int
) -> None:
    """A second cluster, fed alike at the same time but without poison, tells how fast this machine is just now."""
    among, without = _measure(make_site, rng, vendor, tasks, poison)
    assert among <= 2 * without
