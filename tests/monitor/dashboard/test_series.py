"""From samples to points: what each thirty seconds of the last half hour come to."""

from __future__ import annotations

from typing import Any

import pytest

from djq_core.cluster.status import Sample
from djq_core.monitor.dashboard.series import LENGTH, STEP, Point, points_of

NOW = 100_000 * STEP + 5.0
LATEST = 100_000 * STEP


def sample(ago: float, processed: int = 0, **fields: Any) -> Sample:
    values: dict[str, Any] = {"queued": 0, "held": 0, "failed": 0, **fields}
    return Sample(timestamp=NOW - ago, processed=processed, **values)


def points(*samples: Sample, **others: list[Sample]) -> tuple[Point, ...]:
    return points_of({"orion:1": list(samples), **others}, NOW)


def test_half_an_hour_ends_with_the_step_of_now() -> None:
    told = points()
    assert [point.timestamp for point in told] == [LATEST - STEP * (LENGTH - 1 - n) for n in range(LENGTH)]
    assert {(point.queued, point.held, point.processed, point.waits) for point in told} == {
        (None, None, None, (None, None))
    }


def test_points_stay_where_they_are_while_time_goes_on() -> None:
    samples = {"orion:1": [sample(ago, 1000 - int(ago)) for ago in range(600, 0, -10)]}
    now, later = points_of(samples, NOW), points_of(samples, NOW + 20)
    assert now[-21:-1] == later[-21:-1]


def test_runs_are_dealt_out_to_the_steps_between_two_samples() -> None:
    told = points(sample(95, 0), sample(5, 90, failed=9))
    assert [point.processed for point in told[-4:]] == [pytest.approx(60)] * 3 + [None]
    assert told[-2].failed == pytest.approx(6)


def test_a_step_that_has_just_begun_is_not_taken_for_a_slow_one() -> None:
    told = points(sample(12, 0), sample(2, 20))
    assert [point.processed for point in told[-2:]] == [pytest.approx(120)] * 2


def test_a_count_that_began_anew_is_no_negative_rate() -> None:
    told = points(sample(35, 1_000), sample(5, 6))
    assert told[-2].processed == pytest.approx(12)


def test_clusters_of_one_queue_are_added_up_but_for_the_queue_itself() -> None:
    mine = [sample(20, 0, queued=7, held=2), sample(10, 10, queued=5, held=1)]
    theirs = [sample(20, 0, queued=None, held=3), sample(10, 20, queued=4, held=4)]
    told = points_of({"a:1": mine, "b:2": theirs}, NOW)[-2]
    assert (told.queued, told.held) == (5, 5)
    assert told.processed == pytest.approx(180)


def test_latencies_are_the_highest_that_were_told() -> None:
    told = points(
        sample(30, waits=(0.1, 0.9), runs=(None, None)), sample(20, waits=(0.2, 0.3), runs=(1.0, 2.0)), sample(10)
    )
    assert (told[-2].waits, told[-2].runs) == ((0.2, 0.9), (1.0, 2.0))


def test_what_is_older_or_newer_is_left_out() -> None:
    told = points(sample(5_000, 0), sample(4_000, 50, held=9), sample(-100, 60, held=9))
    assert {point.held for point in told} == {None}
    assert len(told) == LENGTH
