"""Tasks that run too long."""

from __future__ import annotations

import re

import pytest

from tests.harness.fixtures import MakeSite, on_both
from tests.harness.logs import WORKER
from tests.harness.oracle import END, START
from tests.harness.sites import Site

TIMEOUT = 1
GRACE = 1.0
#: Beyond time-out and grace: the margin of R11.
MARGIN = 1.0


def _make(make_site: MakeSite, vendor: str = "sqlite", **more: object) -> Site:
    return make_site(vendor, q_cluster={"max_attempts": 1, "timeout_grace": GRACE, **more})


def _assert_recorded(site: Site, label: str, task_id: str, seconds: float) -> None:
    row = site.row(task_id, seconds)
    assert row["success"] is False
    assert f"{TIMEOUT} s" in row["result"] or f"{TIMEOUT}.0 s" in row["result"]
    assert "timeout" in row["result"].lower() or "too long" in row["result"].lower()
    assert site.oracle.of(label) == [START]


@on_both
def test_a_task_past_its_timeout_is_a_failure_and_its_worker_replaced(make_site: MakeSite, vendor: str) -> None:
    site = _make(make_site, vendor)
    with site.cluster() as cluster:
        task_id = site.call("enqueue", "mark", "late", 30, timeout=TIMEOUT)
        _assert_recorded(site, "late", task_id, TIMEOUT + GRACE + MARGIN)
        (worker,) = site.oracle.pids()
        cluster.wait_full(4, 2.0, without=worker)
        site.wait_counts(0, failures=1)
        assert cluster.log.lines(r"late"), cluster.log.text()
        assert cluster.stop() == 0


def test_the_timeout_of_the_cluster_holds_where_a_task_has_none(make_site: MakeSite) -> None:
    site = _make(make_site, timeout=TIMEOUT)
    with site.cluster():
        task_id = site.call("enqueue", "mark", "late", 30)
        _assert_recorded(site, "late", task_id, TIMEOUT + GRACE + MARGIN)


def test_without_a_timeout_a_task_takes_its_time(make_site: MakeSite) -> None:
    site = _make(make_site)
    with site.cluster():
        site.call("enqueue", "mark", "long", 2 * TIMEOUT)
        site.wait_counts(1)
        assert site.oracle.of("long") == [START, END]


@pytest.mark.parametrize("func", ["sleep_deaf", "count_in_c", "sleep_without_signal", "sleep_through_exceptions"])
def test_nothing_that_a_task_does_keeps_it_past_its_timeout(make_site: MakeSite, func: str) -> None:
    site = _make(make_site)
    with site.cluster() as cluster:
        task_id = site.call("enqueue", func, "hung", 30, timeout=TIMEOUT)
        _assert_recorded(site, "hung", task_id, TIMEOUT + GRACE + MARGIN + 0.5)
        if func == "count_in_c":
            assert re.search(r"signal 9.*Its last stack:.* in count_in_c\b", site.row(task_id)["result"], re.DOTALL)
        (worker,) = site.oracle.pids()
        cluster.wait_full(4, 2.0, without=worker)
        assert cluster.stop() == 0


def test_the_alarm_of_a_task_is_its_own(make_site: MakeSite) -> None:
    site = _make(make_site)
    with site.cluster():
        task_id = site.call("enqueue", "sleep_with_alarm", "alarmed", 30, timeout=TIMEOUT)
        _assert_recorded(site, "alarmed", task_id, TIMEOUT + MARGIN)
        assert "TimeLimitExceeded" in site.row(task_id)["result"]
        assert not site.oracle.of("alarmed-alarm")


def test_the_signals_a_task_took_are_given_back(make_site: MakeSite) -> None:
    site = _make(make_site, workers=1)
    with site.cluster():
        site.call("enqueue", "sleep_without_signal", "taken", 0)
        site.wait_counts(1)
        task_id = site.call("enqueue", "mark", "late", 30, timeout=TIMEOUT)
        _assert_recorded(site, "late", task_id, TIMEOUT + MARGIN)


def test_the_neighbours_of_a_late_task_run_once(make_site: MakeSite) -> None:
    site = _make(make_site, workers=2)
    with site.cluster():
        site.call("enqueue", "mark", "late", 30, timeout=TIMEOUT)
        site.call("enqueue_many", "mark", [f"quick-{n}" for n in range(100)], 0.02)
        site.wait_counts(100, failures=1)
        assert set(site.oracle.count(START).values()) == {1}


def test_a_late_task_that_may_be_tried_again_is(make_site: MakeSite) -> None:
    site = _make(make_site, max_attempts=2)
    with site.cluster():
        task_id = site.call("enqueue", "mark", "late", 30, timeout=TIMEOUT)
        site.row(task_id, attempts=2)
        site.wait_counts(0, failures=1)
        assert site.oracle.of("late") == [START, START]


def test_the_hook_of_a_late_task_is_called(make_site: MakeSite) -> None:
    site = _make(make_site)
    with site.cluster() as cluster:
        site.call("enqueue", "sleep_deaf", "late", 30, timeout=TIMEOUT, hook="tests.harness.tasks.note_hook")
        site.wait_counts(0, failures=1)
        (seen,) = site.hook_calls()
        assert (seen["name"], seen["success"]) == ("late", False)
        assert len(cluster.role(WORKER)) == 4
