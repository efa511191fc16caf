"""Medians, ranges, percentiles and how numbers are shown."""

from __future__ import annotations

import pytest

from bench.figures import Spread, percentile, ratio, shown, spreads


def test_a_spread_is_the_median_and_the_range() -> None:
    assert Spread.of([3.0, 1.0, 10.0]) == Spread(3.0, 1.0, 10.0)


def test_only_figures_of_every_round_have_a_spread() -> None:
    found = spreads([{"a": 1.0, "b": 5.0}, {"a": 3.0}])
    assert found == {"a": Spread(2.0, 1.0, 3.0)}
    assert spreads([]) == {}


def test_a_ratio_to_nothing_is_infinite() -> None:
    assert ratio(6.0, 4.0) == 1.5
    assert ratio(6.0, 0.0) == float("inf")


@pytest.mark.parametrize(("share", "value"), [(0.5, 50.0), (0.95, 95.0), (0.99, 99.0), (1.0, 100.0), (0.0, 1.0)])
def test_a_percentile_is_one_of_the_values(share: float, value: float) -> None:
    assert percentile([float(number) for number in range(100, 0, -1)], share) == value


@pytest.mark.parametrize(
    ("value", "text"),
    [(0.0, "0"), (2.0, "2"), (0.3333, "0.333"), (12.345, "12.3"), (123.4, "123"), (12345.6, "12,346"), (0.95, "0.95")],
)
def test_numbers_are_shown_with_three_digits(value: float, text: str) -> None:
    assert shown(value) == text
