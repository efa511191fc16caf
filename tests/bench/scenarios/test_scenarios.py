"""What the scenarios make of what they have seen."""

from __future__ import annotations

import pytest

from bench.scenarios import drain, latency, one_long, sleeping
from bench.scenarios.drain import Moment
from bench.work import Run


def test_a_drain_counts_what_came_after_the_warm_up() -> None:
    found = drain.figures(Moment(10.0, 200, 1.0, 0.5), Moment(12.0, 1200, 2.0, 1.0))
    assert found == {"tasks/s": 500.0, "tasks/CPU s": 1000 / 1.5, "µs CPU/task": 1000.0, "µs server/task": 500.0}


def test_latency_counts_from_the_call_to_the_start() -> None:
    sent = {number: number * 1_000_000 for number in range(1, 101)}
    done = [Run(number, sent[number] + number * 1000, 0) for number in range(1, 101)]
    assert latency.figures(sent, done) == {"ms p50": 50.0, "ms p95": 95.0, "ms most": 100.0}


@pytest.mark.parametrize(("length", "share"), [(10, 1.0), (5, 0.5)])
def test_utilisation_is_the_share_of_both_workers_time(length: int, share: float) -> None:
    done = [Run(0, start, start + length) for start in range(0, 1000, 10) for _ in range(2)]
    assert sleeping.utilisation(done) == pytest.approx(share, abs=0.006)


def test_one_worker_that_sleeps_is_half_of_the_time() -> None:
    assert sleeping.utilisation([Run(0, start, start + 10) for start in range(0, 1000, 10)]) == pytest.approx(0.5)


def test_a_pause_of_the_short_ones_is_seen() -> None:
    done = [Run(0, 0, 10_000_000), Run(1, 0, 1000), Run(2, 1000, 2000), Run(3, 10_001_000, 10_002_000)]
    found = one_long.figures(done)
    assert found == {"longest pause s": 9.999, "s for the short": 10.002, "after the long": 1}
