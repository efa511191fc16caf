"""R16: tasks that are enqueued inside transactions, half of which are rolled back."""

from __future__ import annotations

from tests.chaos.sizes import EVERYWHERE, report, short_and_full
from tests.harness.fixtures import REDIS_RECEIPTS, MakeSite
from tests.harness.oracle import START
from tests.harness.waiting import wait_until


@short_and_full("blocks", (100,), (2_000,), seconds=300, vendors=EVERYWHERE)
def test_r16_what_is_rolled_back_never_runs_and_what_is_committed_does(
    make_site: MakeSite, vendor: str, blocks: int
) -> None:
    site = make_site(vendor, q_cluster={"enqueue_on_commit": vendor == REDIS_RECEIPTS})
    labels = [f"task-{n}" for n in range(blocks)]
    with site.cluster() as cluster:
        site.call("enqueue_in_transactions", labels, seconds=200)
        kept = set(labels[::2])
        wait_until(lambda: site.call("counts") == [len(kept), 0, 0], 60, lambda: str(site.ledger()), 0.1)
        ledger = site.ledger()
        report(ledger, blocks=blocks)
        assert ledger.differences(kills=0) == []
        assert set(ledger.successes) == set(site.oracle.count(START)) == kept
        assert cluster.stop() == 0
