"""R3: the monitor, or a worker, is killed at exact moments."""

from __future__ import annotations

import pytest

from tests.chaos.scenarios import POINTS, kill_monitors, wait_stored
from tests.chaos.sizes import EVERYWHERE, report, short_and_full
from tests.harness.fixtures import MARIADB, POSTGRESQL, REDIS_RECEIPTS, SQLITE, MakeSite

#: Where the next link of a chain is part of the save.
SHARES_THE_DATABASE = frozenset({SQLITE, POSTGRESQL, MARIADB})


@pytest.mark.parametrize("point", POINTS)
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
    kill_monitors(make_site(vendor), point, tasks, chains, kills, is_joined=vendor in SHARES_THE_DATABASE)


@short_and_full("tasks, kills", (100, 5), (1_000, 20), seconds=300, vendors=EVERYWHERE, short_on=(POSTGRESQL,))
def test_a_worker_killed_after_its_task_costs_one_run_per_kill(
    make_site: MakeSite, vendor: str, tasks: int, kills: int
) -> None:
    site = make_site(vendor, q_cluster={"max_crashes": 20})
    site.call("enqueue_many", "mark", [f"task-{n}" for n in range(tasks)], 0.01)
    with site.cluster(env=site.fault("worker.after_execute:kill", kills)) as cluster:
        ledger = wait_stored(site, tasks, 60)
        report(ledger, kills=kills)
        assert ledger.differences(kills=kills) == []
        assert ledger.extra_starts.total() == kills
        assert cluster.stop() == 0
