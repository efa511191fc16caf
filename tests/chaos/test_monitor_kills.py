"""R3: the monitor, or a worker, is killed at exact moments."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.chaos.sizes import EVERYWHERE, report, short_and_full
from tests.harness.fixtures import MARIADB, POSTGRESQL, REDIS_RECEIPTS, SQLITE, MakeSite
from tests.harness.ledger import Ledger
from tests.harness.logs import MONITOR
from tests.harness.sites import Site
from tests.harness.waiting import wait_until

HOOK = "tests.harness.tasks.note_hook"
#: At these the hook has been called, so that each kill explains one more call.
AFTER_THE_CALL = frozenset({"monitor.after_hook", "monitor.before_acknowledge"})

#: Where the next link of a chain is part of the save; elsewhere a kill between the two repeats that one link.
SHARES_THE_DATABASE = frozenset({SQLITE, POSTGRESQL, MARIADB})


def _run(site: Site, point: str, tasks: int, chains: int, kills: int) -> Ledger:
    """Drain plain tasks with hooks, and chains of two, under so many kills at one point."""
    site.call("enqueue_many", "mark", [f"task-{n}" for n in range(tasks)], 0.01, hook=HOOK)
    site.call("enqueue_chains", [f"chain-{n}" for n in range(chains)], 2, 0.01)
    fault = site.fault(f"{point}:kill", kills)
    with site.cluster(env=fault) as cluster:
        whole = tasks + 2 * chains
        wait_until(lambda: site.call("counts") == [whole, 0, 0], 120, lambda: f"all stored: {site.ledger()}", 0.1)
        left = list(Path(fault["DJQ_FAULT_BUDGET"]).iterdir())
        assert not left, f"{len(left)} of {kills} kills did not happen"
        assert len(cluster.log.deaths()) == kills
        cluster.wait_full(1, 1.0, role=MONITOR)
        assert cluster.stop() == 0
    return site.ledger()


@pytest.mark.parametrize(
    "point", ["monitor.before_save", "monitor.after_save", "monitor.before_hook", "monitor.after_hook"]
)
@short_and_full(
    "tasks, chains, kills",
    (60, 20, 3),
    (1_900, 50, 10),
    seconds=600,
    vendors=EVERYWHERE,
    short_on=(SQLITE, REDIS_RECEIPTS),
)
def test_r3_a_killed_monitor_loses_no_result_hook_or_link(
    make_site: MakeSite, vendor: str, point: str, tasks: int, chains: int, kills: int
) -> None:
    site = make_site(vendor)
    ledger = _run(site, point, tasks, chains, kills)
    report(ledger, point=point, kills=kills)
    labels = {f"task-{n}" for n in range(tasks)} | {f"chain-{n}:{link}" for n in range(chains) for link in (0, 1)}
    links = 0 if vendor in SHARES_THE_DATABASE or point == "monitor.before_save" else kills
    assert ledger.differences(kills=links) == []
    assert set(ledger.successes) == labels
    assert set(ledger.extra_starts) <= {f"chain-{n}:1" for n in range(chains)}
    assert set(ledger.hooked) == {f"task-{n}" for n in range(tasks)}
    assert ledger.extra_hooks.total() <= (kills if point in AFTER_THE_CALL else 0)


@short_and_full("tasks, kills", (100, 5), (1_000, 20), seconds=300, vendors=EVERYWHERE, short_on=(POSTGRESQL,))
def test_a_worker_killed_after_its_task_costs_one_run_per_kill(
    make_site: MakeSite, vendor: str, tasks: int, kills: int
) -> None:
    site = make_site(vendor, q_cluster={"max_crashes": 20})
    site.call("enqueue_many", "mark", [f"task-{n}" for n in range(tasks)], 0.01)
    with site.cluster(env=site.fault("worker.after_execute:kill", kills)) as cluster:
        wait_until(lambda: site.call("counts") == [tasks, 0, 0], 60, lambda: f"all stored: {site.ledger()}", 0.1)
        ledger = site.ledger()
        report(ledger, kills=kills)
        assert ledger.differences(kills=kills) == []
        assert ledger.extra_starts.total() == kills
        assert cluster.stop() == 0
