"""What is tried again, how often, and when."""

from __future__ import annotations

import re
import time

import pytest

from tests.harness.fixtures import MakeSite, on_both
from tests.harness.oracle import END, START


def test_ack_failure_ends_a_failed_task(make_site: MakeSite) -> None:
    site = make_site()
    with site.cluster():
        task_id = site.call("enqueue", "fail", "once", ack_failure=True)
        site.wait_counts(0, failures=1)
        time.sleep(0.5)
        assert site.oracle.of("once") == [START]
        assert site.row(task_id)["attempt_count"] == 1


def test_ack_failures_ends_all_failed_tasks(make_site: MakeSite) -> None:
    site = make_site(q_cluster={"ack_failures": True})
    with site.cluster():
        site.call("enqueue_many", "fail", [f"once-{n}" for n in range(5)])
        site.wait_counts(0, failures=5)
        time.sleep(0.5)
        assert site.oracle.total(START) == 5


@on_both
def test_max_attempts_counts_starts(make_site: MakeSite, vendor: str) -> None:
    site = make_site(vendor, q_cluster={"max_attempts": 3})
    with site.cluster() as cluster:
        task_id = site.call("enqueue", "fail", "thrice")
        row = site.row(task_id, attempts=3)
        site.wait_counts(0, failures=1)
        time.sleep(0.5)
        assert site.oracle.of("thrice") == [START] * 3
        assert (row["success"], row["attempt_count"]) == (False, 3)
        assert cluster.stop() == 0


def test_a_failed_task_is_tried_until_it_succeeds(make_site: MakeSite) -> None:
    site = make_site()
    with site.cluster():
        site.call("enqueue", "fail_until", "fourth", 4)
        site.wait_counts(1)
        assert site.oracle.of("fourth") == [START] * 4 + [END]
        row = site.call("row", "fourth")
        assert (row["success"], row["result"], row["attempt_count"]) == (True, 4, 4)


def test_backoff_is_the_pause_between_attempts(make_site: MakeSite) -> None:
    site = make_site(q_cluster={"max_attempts": 2, "backoff": 1.5})
    with site.cluster():
        site.call("enqueue", "fail", "slow")
        site.wait_counts(0, failures=1)
        first, second = (entry.at for entry in site.oracle.entries(START))
        assert 1.4 <= second - first <= 3.0


def test_a_task_has_attempts_and_pauses_of_its_own(make_site: MakeSite) -> None:
    site = make_site(q_cluster={"max_attempts": 1, "backoff": 60})
    with site.cluster():
        site.call("enqueue", "fail", "own", max_attempts=3, backoff=[0.2, 1])
        site.wait_counts(0, failures=1)
        first, second, third = (entry.at for entry in site.oracle.entries(START))
        assert 0.1 <= second - first <= 0.9
        assert 0.9 <= third - second <= 2.5


def test_without_backoff_the_rest_of_retry_is_the_pause(make_site: MakeSite) -> None:
    site = make_site(q_cluster={"max_attempts": 2, "backoff": None, "retry": 3})
    with site.cluster():
        site.call("enqueue", "fail", "slow")
        site.wait_counts(0, failures=1)
        first, second = (entry.at for entry in site.oracle.entries(START))
        assert 2.0 <= second - first <= 4.5


@pytest.mark.parametrize(("func", "reason"), [("segfault", "SIGSEGV"), ("leave", "7")])
@on_both
def test_max_crashes_bounds_what_kills_its_worker(make_site: MakeSite, vendor: str, func: str, reason: str) -> None:
    site = make_site(vendor)
    with site.cluster() as cluster:
        task_id = site.call("enqueue", func, "poison")
        site.row(task_id, attempts=3)
        site.wait_counts(0, failures=1)
        row = site.row(task_id)
        assert site.oracle.of("poison") == [START] * 3
        assert reason in row["result"]
        assert re.search(r" Its peak memory was \d{2,4} MiB\.", row["result"])
        assert (f"in {func}" in row["result"]) is (func == "segfault")
        assert cluster.log.lines(f"{reason}.*poison|poison.*{reason}")
        cluster.wait_full(4, 1.0)


def test_a_retry_of_one_is_no_retry_of_the_others(make_site: MakeSite) -> None:
    site = make_site(q_cluster={"max_attempts": 4})
    with site.cluster():
        site.call("enqueue", "fail", "bad")
        site.call("enqueue_many", "mark", [f"good-{n}" for n in range(50)], 0.01)
        site.wait_counts(50, failures=1)
        starts = site.oracle.count(START)
        assert starts.pop("bad") == 4
        assert set(starts.values()) == {1}


def test_a_task_longer_than_retry_starts_once(make_site: MakeSite) -> None:
    site = make_site(q_cluster={"retry": 1})
    with site.cluster():
        site.call("enqueue", "mark", "long", 5.0)
        site.wait_counts(1)
        assert site.oracle.of("long") == [START, END]


def test_a_fixed_timer_starts_a_task_again_until_it_has_succeeded_once(make_site: MakeSite) -> None:
    site = make_site(q_cluster={"retry": 1, "renew_leases": False})
    with site.cluster() as cluster:
        site.call("enqueue", "mark", "long", 1.6)
        site.call("enqueue", "fail_first", "wrong", 1.6)
        site.wait_counts(2, seconds=10.0)  # and the queue is empty
        assert all(1 < site.oracle.count(START)[label] < 10 for label in ("long", "wrong"))
        assert cluster.log.lines("Failed .*the first start of wrong")
