"""The stop procedure (manual 1.9 and 1.14)."""

from __future__ import annotations

import re
import signal
import time

import pytest

from tests.harness.fixtures import MakeSite, on_both
from tests.harness.oracle import END, START
from tests.harness.sites import Site
from tests.harness.waiting import wait_until

LINE = re.compile(r"^\d\d:\d\d:\d\d \[Q\] (DEBUG|INFO|WARNING|ERROR|CRITICAL) \S")


def _position(lines: list[str], pattern: str) -> int:
    (position,) = (number for number, line in enumerate(lines) if re.search(pattern, line))
    return position


def _busy(site: Site, seconds: float, waiting: int = 20) -> None:
    """Give all four workers a long task, and let others wait behind them."""
    site.call("enqueue_many", "mark", [f"running-{n}" for n in range(4)], seconds)
    wait_until(lambda: site.oracle.total(START) == 4, 10, "four tasks run")
    site.call("enqueue_many", "mark", [f"waiting-{n}" for n in range(waiting)], 0.01)
    time.sleep(0.5)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_an_idle_cluster_stops_in_the_order_of_the_manual(make_site: MakeSite, number: signal.Signals) -> None:
    site = make_site()
    with site.cluster() as cluster:
        cluster.send(number)
        assert cluster.wait_ended(5.0) == 0
        cluster.assert_nothing_left(0.5)
        lines = cluster.log.lines()
        order = [
            _position(lines, rf"Q Cluster-{cluster.pid} stopping\.$"),
            _position(lines, r"Process-1 stopping cluster processes$"),
            _position(lines, r"Process-1:\d+ stopped pushing tasks$"),
            *(_position(lines, rf"Process-1:{slot} stopped doing work$") for slot in sorted(_stop_order(lines))),
            _position(lines, r"Process-1:\d+ stopped monitoring results$"),
            _position(lines, rf"Q Cluster-{cluster.pid} has stopped\.$"),
        ]
        assert max(order[:3]) == order[2]
        assert order[2] < min(order[3:7])
        assert max(order[3:7]) < order[7] < order[8]
        assert order[8] == len(lines) - 1


def _stop_order(lines: list[str]) -> list[int]:
    found = (re.search(r"Process-1:(\d+) stopped doing work$", line) for line in lines)
    return [int(match[1]) for match in found if match]


def test_the_log_lines_are_those_of_the_manual(make_site: MakeSite) -> None:
    site = make_site()
    with site.cluster() as cluster:
        assert cluster.stop() == 0
        lines = cluster.log.lines()
        assert all(LINE.match(line) for line in lines), cluster.log.text()
        assert re.search(rf"INFO Q Cluster-{cluster.pid} starting\.", lines[0])
        names = [one.name for one in cluster.log.announced()]
        assert sorted(names) == sorted(["Process-1", *(f"Process-1:{n}" for n in range(1, 8))])
        roles = {one.name: one.role for one in cluster.log.announced()}
        assert [roles[f"Process-1:{n}"] for n in range(1, 5)] == ["ready for work"] * 4
        assert roles["Process-1:5"] == "monitoring"
        assert roles["Process-1:6"] == "pushing tasks"
        assert roles["Process-1"] == "guarding cluster"


@on_both
def test_running_tasks_finish_and_waiting_ones_go_back(make_site: MakeSite, vendor: str) -> None:
    site = make_site(vendor, q_cluster={"retry": 60})
    with site.cluster() as cluster:
        _busy(site, 2.0)
        assert cluster.stop() == 0
        ledger = site.ledger()
        started = set(site.oracle.count(START))
        assert site.oracle.count(END) == site.oracle.count(START)
        assert started >= {f"running-{n}" for n in range(4)}
        assert set(ledger.successes) == started
        assert ledger.queued == 24 - len(started) > 0
    with site.cluster():
        site.wait_counts(24, seconds=5.0)
        assert set(site.oracle.count(START).values()) == {1}


@on_both
def test_a_second_signal_releases_the_running_tasks_now(make_site: MakeSite, vendor: str) -> None:
    site = make_site(vendor, q_cluster={"retry": 60})
    with site.cluster() as cluster:
        _busy(site, 5.0)
        cluster.send(signal.SIGTERM)
        cluster.wait_for("stopping cluster processes")
        time.sleep(0.6)
        cluster.send(signal.SIGTERM)
        assert cluster.wait_ended(3.0) == 0
        cluster.assert_nothing_left(0.5)
        assert site.oracle.total(END) == 0
        assert site.call("counts") == [0, 0, 24]
    with site.cluster():
        site.wait_counts(24, seconds=20.0)
        starts = site.oracle.count(START)
        assert {starts.pop(f"running-{n}") for n in range(4)} == {2}
        assert set(starts.values()) == {1}


def test_stop_timeout_bounds_how_long_running_tasks_may_take(make_site: MakeSite) -> None:
    site = make_site(q_cluster={"stop_timeout": 1, "retry": 60})
    with site.cluster() as cluster:
        _busy(site, 20.0, waiting=0)
        assert cluster.stop(5.0) == 0
        assert site.call("counts") == [0, 0, 4]


def test_results_are_saved_before_the_end(make_site: MakeSite) -> None:
    site = make_site(q_cluster={"retry": 60})
    with site.cluster() as cluster:
        site.call("enqueue_many", "mark", [f"task-{n}" for n in range(500)])
        wait_until(lambda: site.oracle.total(END) > 100, 10, "some have run")
        assert cluster.stop() == 0
        ledger = site.ledger()
        assert set(ledger.successes) == set(ledger.finished) == set(ledger.started)
        assert len(ledger.successes) + ledger.queued == 500


def test_a_signal_while_starting_stops_the_cluster(make_site: MakeSite) -> None:
    site = make_site()
    with site.cluster(is_awaited=False) as cluster:
        cluster.wait_for("starting")
        cluster.send(signal.SIGTERM)
        assert cluster.wait_ended(10.0) == 0
        cluster.assert_nothing_left(0.5)


def test_a_signal_to_the_whole_terminal_stops_it_in_order(make_site: MakeSite) -> None:
    site = make_site(q_cluster={"retry": 60})
    with site.cluster() as cluster:
        _busy(site, 1.0)
        for pid in cluster.processes():
            cluster.kill(pid, signal.SIGINT)
        assert cluster.wait_ended(10.0) == 0
        ledger = site.ledger()
        assert set(ledger.successes) == set(ledger.started) == set(ledger.finished)
        assert len(ledger.successes) + ledger.queued == 24
