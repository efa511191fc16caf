"""A real cluster on SQS: leases are renewed, failures tried again, garbage is not run, a stop hands back."""

from __future__ import annotations

from plugins.djq_sqs.tests.conftest import site_on
from tests.harness.fixtures import MakeSite
from tests.harness.oracle import START
from tests.harness.sites import WORKERS
from tests.harness.waiting import wait_until
from tests.services.ministack import MiniStack


def test_long_tasks_run_once_failures_twice_and_garbage_never(make_site: MakeSite, sqs_server: MiniStack) -> None:
    site = site_on(sqs_server, make_site, max_attempts=2, retry=2)
    site.call("enqueue_many", "mark", [f"long-{n}" for n in range(2)], 3.5)
    failing = site.call("enqueue", "fail", "failing")
    site.call("enqueue_garbage", 1)
    site.call("enqueue_many", "mark", [f"short-{n}" for n in range(20)], 0.01)
    with site.cluster() as cluster:
        assert site.row(failing, attempts=2)["attempt_count"] == 2
        site.wait_counts(22, 2)
        assert {label: count for label, count in site.oracle.count(START).items() if count > 1} == {"failing": 2}
        assert len(cluster.log.lines("cannot read a package")) == 1
        assert cluster.stop() == 0


def test_a_stop_leaves_what_is_not_started_to_others_at_once(make_site: MakeSite, sqs_server: MiniStack) -> None:
    site = site_on(sqs_server, make_site, retry=60)
    labels = [f"task-{n}" for n in range(2 * WORKERS)]
    site.call("enqueue_many", "mark", labels, 0.3)
    with site.cluster() as cluster:
        wait_until(lambda: site.oracle.total(START) >= WORKERS, 10, "all workers run")
        assert cluster.stop() == 0
    assert site.call("sizes")[0] == len(labels) - site.oracle.total(START)
    with site.cluster() as cluster:
        site.wait_counts(len(labels))
        assert site.ledger().differences(kills=0) == []
        assert cluster.stop() == 0
