"""R6: whole clusters are killed."""

from __future__ import annotations

import random

from tests.chaos.sizes import EVERYWHERE, report, short_and_full
from tests.harness.fixtures import POSTGRESQL, REDIS_LIST, REDIS_RECEIPTS, MakeSite
from tests.harness.oracle import END
from tests.harness.sites import WORKERS, Site
from tests.harness.waiting import wait_until

QUEUE_LIMIT = WORKERS**2
HELD = WORKERS + QUEUE_LIMIT
RETRY = 3


def _kill_clusters(site: Site, rng: random.Random, tasks: int, kills: int) -> None:
    """Enqueue tasks and kill so many clusters, one after another, in the middle of them."""
    site.call("enqueue_many", "mark", [f"task-{n}" for n in range(tasks)], 0.02)
    for number in range(kills):
        with site.cluster() as cluster:
            site.wait_done(site.oracle.total(END) + rng.randrange(1, tasks // (2 * kills)))
            cluster.kill_all()
            report_line = cluster.log.lines("at most once|at least once")
            assert report_line, f"cluster {number} said nothing of its promise"


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
    site = make_site(vendor, q_cluster={"retry": RETRY})
    _kill_clusters(site, rng, tasks, kills)
    with site.cluster() as cluster:
        wait_until(lambda: site.call("counts") == [tasks, 0, 0], 120, lambda: f"all stored: {site.ledger()}", 0.2)
        ledger = site.ledger()
        report(ledger, kills=kills)
        assert ledger.differences(kills=kills * HELD) == []
        assert cluster.stop() == 0


@short_and_full("tasks, kills", (400, 3), (5_000, 10), seconds=600, vendors=(REDIS_LIST,))
def test_r6_on_the_list_a_killed_group_loses_what_it_held_and_said_so(
    make_site: MakeSite, rng: random.Random, vendor: str, tasks: int, kills: int
) -> None:
    site = make_site(vendor)
    _kill_clusters(site, rng, tasks, kills)
    with site.cluster() as cluster:
        assert cluster.log.lines(f"at most once: a kill loses what the killed processes held, up to {HELD} tasks")
        wait_until(lambda: site.call("sizes")[0] == 0, 120, "the queue is empty", 0.2)
        assert cluster.stop() == 0
    ledger = site.ledger()
    report(ledger, kills=kills)
    assert not ledger.extra_starts
    assert not ledger.failures
    assert 0 < len(ledger.lost) <= kills * HELD
