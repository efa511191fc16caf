"""A real cluster inside a site's tests."""

from __future__ import annotations

import pytest

from tests.testing.site import IN_MEMORY, run_tests

HEAD = """
import os
import signal
import time

import pytest
import site_tasks

from djq_core import current
from djq_core.models import Task
from djq_core.tasks import async_task, fetch, result
from djq_core.testing import ClusterFailure, run_cluster

from tests.harness.procs import session_of

on_disk = pytest.mark.django_db(transaction=True)
"""

USED = """
@on_disk
def test_what_was_enqueued_before_and_inside_is_done():
    with run_cluster() as cluster:
        ids = [async_task("site_tasks.double", n) for n in range(5)]
        owner = async_task(site_tasks.whose_process)
    assert [result(task_id) for task_id in ids] == [0, 2, 4, 6, 8]
    assert result(owner) not in (os.getpid(), cluster.pid)
    assert session_of(cluster.pid) == {}
    assert current.runtime().conf.sync


@on_disk
def test_what_tasks_enqueue_is_done_too():
    with run_cluster():
        async_task("site_tasks.count_down", 3)
    assert Task.objects.filter(success=True).count() == 4


def local(number):
    return number + 1


@on_disk
def test_functions_and_settings_of_a_test_are_seen(settings):
    settings.USE_TZ = False
    with run_cluster(workers=1, log_level="DEBUG") as cluster:
        assert current.runtime().conf.workers == 1
        task_id = async_task(local, 1)
        cluster.drain()
        assert result(task_id) == 2
        assert f"Q Cluster-{cluster.pid} running." in cluster.log


@on_disk
def test_a_failure_is_stored():
    with run_cluster(max_attempts=1):
        task_id = async_task("site_tasks.double")
    assert fetch(task_id).success is False


@on_disk
def test_without_draining_the_rest_stays():
    with run_cluster(workers=1, drain=False) as cluster:
        for _ in range(20):
            async_task("site_tasks.nap", 0.2)
        pid = cluster.pid
    assert current.runtime().broker().queue_size() > 0
    assert session_of(pid) == {}


@on_disk
def test_a_block_that_raises_ends_the_cluster_at_once():
    began = time.monotonic()
    with pytest.raises(KeyError), run_cluster() as cluster:
        async_task("site_tasks.nap", 30)
        raise KeyError
    assert time.monotonic() - began < 15
    assert session_of(cluster.pid) == {}
"""

REFUSED = """
@on_disk
def test_what_takes_too_long_is_told_with_the_log():
    with pytest.raises(ClusterFailure, match=r"left 0 packages waiting and 1 unfinished after 1 s(.|\\n)*running"):
        with run_cluster() as cluster:
            async_task("site_tasks.nap", 30)
            while current.runtime().broker().queue_size():
                time.sleep(0.02)
            cluster.drain(1)
    assert session_of(cluster.pid) == {}


@on_disk
def test_a_cluster_that_ends_is_told():
    with pytest.raises(ClusterFailure, match="ended by itself with exit code -9"):
        with run_cluster() as cluster:
            os.kill(cluster.pid, signal.SIGKILL)
            async_task("site_tasks.nap", 30)
            cluster.drain()


@on_disk
def test_a_cluster_that_cannot_start_is_told():
    with pytest.raises(ClusterFailure, match=r"ended by itself(.|\\n)*MemoryBroker lives in one process"):
        with run_cluster(broker_class="djq_core.brokers.memory.MemoryBroker"):
            raise AssertionError("it runs")


@pytest.mark.django_db
def test_a_transaction_is_refused():
    with pytest.raises(ClusterFailure, match=r"django_db\\(transaction=True\\)"):
        with run_cluster():
            raise AssertionError("it runs")
"""

AT_MOST_ONCE = """
from djq_core.brokers import Delivery
from djq_orm.broker import OrmBroker


class AtMostOnce(OrmBroker):
    supports_receipts = supports_leases = supports_delay = counts_deliveries = fences_receipts = False

    def receive(self, count, wait):
        deliveries = super().receive(count, wait)
        super().acknowledge_many([delivery.receipt for delivery in deliveries])
        return [Delivery(None, delivery.package) for delivery in deliveries]


def late(number):
    time.sleep(1)
    return async_task("site_tasks.double", number)


@on_disk
def test_what_is_enqueued_while_the_cluster_stops_is_done_too():
    with run_cluster(broker_class="test_site.AtMostOnce") as cluster:
        first = async_task(late, 4)
        cluster.drain()
        assert fetch(first) is None
    assert result(result(first)) == 8
"""

MEMORY = """
@on_disk
def test_a_database_in_memory_is_refused():
    with pytest.raises(ClusterFailure, match=r"'default' is in the memory of the test process.*TEST"):
        with run_cluster():
            raise AssertionError("it runs")
"""


def test_a_site_runs_its_tasks_in_its_tests(pytester: pytest.Pytester) -> None:
    run_tests(pytester, HEAD + USED).assert_outcomes(passed=6)


def test_what_goes_wrong_is_told(pytester: pytest.Pytester) -> None:
    run_tests(pytester, HEAD + REFUSED).assert_outcomes(passed=4)


def test_without_receipts_nothing_is_left_either(pytester: pytest.Pytester) -> None:
    run_tests(pytester, HEAD + AT_MOST_ONCE).assert_outcomes(passed=1)


def test_what_no_other_process_can_see_is_refused(pytester: pytest.Pytester) -> None:
    run_tests(pytester, HEAD + MEMORY, test_name=IN_MEMORY).assert_outcomes(passed=1)
