"""R11 and R13: tasks that hang and can only be killed, and tasks that take longer than a lease."""

from __future__ import annotations

import time

from tests.chaos.sizes import full_only, report
from tests.harness import procs
from tests.harness.clusters import ClusterProcess
from tests.harness.fixtures import MakeSite
from tests.harness.oracle import START
from tests.harness.sites import Site
from tests.harness.waiting import wait_until

TIMEOUT = 2
GRACE = 1.0
#: What a kill may take beyond time-out and grace, in seconds.
MARGIN = 1.0
RETRY = 1
#: How many leases a long task takes.
LEASES = 5


def _lives(site: Site, cluster: ClusterProcess, hung: set[str], seconds: float) -> dict[str, float]:
    """Wait until the processes of all hung tasks have ended; return how many seconds after its start each did."""
    lives: dict[str, float] = {}

    def have_all_ended() -> bool:
        for entry in site.oracle.entries(START):
            is_new = entry.label in hung and entry.label not in lives
            if is_new and not procs.lives_in(cluster.pid, entry.pid):
                lives[entry.label] = time.monotonic() - entry.at
        return len(lives) == len(hung)

    wait_until(have_all_ended, seconds, lambda: f"{len(hung)} ended, {len(lives)} have")
    return lives


@full_only("hung, tasks", (50, 500), seconds=600)
def test_r11_what_hangs_in_c_is_killed_in_time_and_recorded(
    make_site: MakeSite, vendor: str, hung: int, tasks: int
) -> None:
    site = make_site(vendor, q_cluster={"timeout": TIMEOUT, "timeout_grace": GRACE, "max_attempts": 1})
    labels = [f"hung-{n}" for n in range(hung)]
    site.call("enqueue_many", "sleep_deaf", labels, 600)
    site.call("enqueue_many", "mark", [f"task-{n}" for n in range(tasks)], 0.01)
    with site.cluster() as cluster:
        lives = _lives(site, cluster, set(labels), 60 + hung * (TIMEOUT + GRACE))
        site.wait_counts(tasks, failures=hung)
        ledger = site.ledger()
        report(ledger, longest_life=f"{max(lives.values()):.2f} s")
        assert ledger.differences(poison=labels) == []
        assert [ledger.started[label] for label in labels] == [1] * hung
        assert all("timeout" in ledger.failures[label] for label in labels)
        assert min(lives.values()) >= TIMEOUT
        assert max(lives.values()) <= TIMEOUT + GRACE + MARGIN
        assert cluster.stop() == 0


@full_only("tasks, long", (20_000, 50), seconds=900)
def test_r13_tasks_that_outlast_their_lease_start_once_on_two_clusters(
    make_site: MakeSite, vendor: str, tasks: int, long: int
) -> None:
    site = make_site(vendor, q_cluster={"retry": RETRY})
    share = tasks // long
    for number in range(long):
        site.call("enqueue", "mark", f"long-{number}", float(LEASES * RETRY))
        labels = [f"task-{n}" for n in range(number * share, (number + 1) * share)]
        site.call("enqueue_many", "mark", labels, 0.001)
    with site.cluster() as first, site.cluster() as second:
        site.wait_counts(tasks + long, seconds=600)
        ledger = site.ledger()
        report(ledger)
        assert ledger.differences(kills=0) == []
        assert [cluster.stop() for cluster in (first, second)] == [0, 0]
