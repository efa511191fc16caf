"""Counts of tasks and of how long they waited and took."""

from __future__ import annotations

import random
from bisect import bisect_left

import pytest

from djq_core.cluster.tally import BOUNDS, Tally, no_durations, quantile


def counted(*seconds: float) -> list[int]:
    tally = Tally()
    for each in seconds:
        tally.took(None, each)
    return tally.runs


def test_the_bounds_rise_from_a_millisecond_to_hours() -> None:
    assert list(BOUNDS) == sorted(set(BOUNDS))
    assert (BOUNDS[0], BOUNDS[-1]) == (0.001, 5000)


def test_runs_are_counted_by_how_they_ended() -> None:
    tally = Tally()
    for success in (True, False, True):
        tally.ended(success=success)
    assert (tally.processed, tally.failed) == (3, 1)


@pytest.mark.parametrize(
    ("seconds", "place"), [(0.0, 0), (0.001, 0), (0.0011, 1), (0.05, 5), (5000, 20), (5001, 21), (-1.0, 0)]
)
def test_a_duration_falls_into_one_class(seconds: float, place: int) -> None:
    assert counted(seconds) == [int(number == place) for number in range(len(BOUNDS) + 1)]


def test_only_a_first_start_has_waited() -> None:
    tally = Tally()
    tally.took(0.3, 0.1)
    tally.took(None, 0.1)
    assert (sum(tally.waits), sum(tally.runs)) == (1, 2)
    assert tally.waited == pytest.approx(0.3)
    assert tally.ran == pytest.approx(0.2)


def test_a_quantile_lies_in_the_class_of_the_true_one() -> None:
    seconds = sorted(random.lognormvariate(-3, 2) for _ in range(1001))
    for share in (0.01, 0.5, 0.95, 0.99):
        true, told = seconds[round(share * 1000)], quantile(counted(*seconds), share)
        assert told is not None
        assert abs(bisect_left(BOUNDS, told) - bisect_left(BOUNDS, true)) <= 1


def test_of_nothing_there_is_no_quantile() -> None:
    assert quantile(no_durations(), 0.5) is None


def test_what_is_beyond_all_bounds_counts_as_the_last() -> None:
    assert quantile(counted(10**6), 0.5) == BOUNDS[-1]
