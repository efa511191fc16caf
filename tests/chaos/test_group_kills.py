"""R6: whole clusters are killed."""

from __future__ import annotations

import random

from tests.chaos.scenarios import HELD, RETRY, kill_clusters, kill_every_cluster
from tests.chaos.sizes import EVERYWHERE, report, short_and_full
from tests.harness.fixtures import POSTGRESQL, REDIS_LIST, REDIS_RECEIPTS, MakeSite
from tests.harness.waiting import wait_until


@short_and_full(
    "tasks, kills",
    (400, 3),
    (5_000, 10),
    seconds=600,
    vendors=EVERYWHERE,
    short_on=(POSTGRESQL, REDIS_RECEIPTS),
)
def test_r6_with_receipts_a_killed_group_loses_nothing(
    make_site: MakeSite, rng: random.Random, vendor: str, tasks: int, kills: int
) -> None:
    kill_clusters(make_site(vendor, q_cluster={"retry": RETRY}), rng, tasks, kills)


@short_and_full("tasks, kills", (400, 3), (5_000, 10), seconds=600, vendors=(REDIS_LIST,))
def test_r6_on_the_list_a_killed_group_loses_what_it_held_and_said_so(
    make_site: MakeSite, rng: random.Random, vendor: str, tasks: int, kills: int
) -> None:
    site = make_site(vendor)
    kill_every_cluster(
        site, rng, tasks, kills, f"at most once: a kill loses what the killed processes held, up to {HELD} tasks"
    )
    with site.cluster() as cluster:
        wait_until(lambda: site.call("sizes")[0] == 0, 120, "the queue is empty", 0.2)
        assert cluster.stop() == 0
    ledger = site.ledger()
    report(ledger, kills=kills)
    assert not ledger.extra_starts
    assert not ledger.failures
    assert 0 < len(ledger.lost) <= kills * HELD
