"""Charts as paths: scales, gaps, words."""

from __future__ import annotations

from typing import Any

import pytest

from djq_core.dashboard.charts import HEIGHT, WIDTH, Chart, ceiling, charts_of
from djq_core.dashboard.texts import UNKNOWN
from djq_core.monitor.dashboard import Point
from djq_core.monitor.dashboard.series import LENGTH, STEP


def depth(*known: tuple[int, int]) -> Chart:
    values: dict[int, Any] = dict(known)
    points = [Point(timestamp=float(n * STEP), queued=values.get(n), held=0) for n in range(LENGTH)]
    return charts_of(points)[0]


@pytest.mark.parametrize(
    ("value", "top"), [(0, 1), (1, 1), (1.5, 2), (3, 5), (7, 10), (10, 10), (11, 20), (4321, 5000), (0.4, 1)]
)
def test_a_scale_ends_with_a_round_number(value: float, top: float) -> None:
    assert ceiling(value, at_least=1.0) == pytest.approx(top)


def test_a_line_goes_from_edge_to_edge() -> None:
    chart = depth(*((n, 5 if n else 0) for n in range(LENGTH)))
    path = chart.lines[0].path
    assert path.startswith(f"M0.0,{HEIGHT}.0 L")
    assert path.endswith(f"{WIDTH}.0,0.0")
    assert chart.lines[0].area.endswith(f"L{WIDTH}.0,{HEIGHT} Z")
    assert (chart.top, chart.half) == ("5", "2.5")


def test_a_short_gap_is_bridged_and_a_long_one_is_seen() -> None:
    assert depth((1, 2), (4, 2)).lines[0].path.count("M") == 1
    assert depth((1, 2), (2, 2), (20, 2), (21, 2)).lines[0].path.count("M") == 2


def test_a_lone_point_can_be_seen() -> None:
    assert depth((59, 2)).lines[0].path.count("L") == 1


def test_a_chart_is_told_in_words() -> None:
    told = depth((57, 2_000), (59, 3)).summary
    assert told == "Queue depth. on the queue: now 3, at most 2,000; fetched: now 0, at most 0."
    assert f"on the queue: now {UNKNOWN}, at most 9" in depth((10, 9)).summary


def test_nothing_known_is_an_empty_chart() -> None:
    waits = charts_of([Point(timestamp=0.0)] * LENGTH)[2]
    assert waits.is_empty
    assert (waits.lines[0].path, waits.lines[0].now) == ("", UNKNOWN)
