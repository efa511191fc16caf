"""Rates and charts out of what clusters publish."""

from __future__ import annotations

from collections.abc import Iterable

import pytest

from djq_core.cluster.status import Sample, Stat
from djq_core.monitor.rates import rate_now, series

NOW = 10_000.0


def samples(*values: tuple[float, int | None, int, int]) -> list[Sample]:
    """Return samples of (age in seconds, queued, held, processed)."""
    return [Sample(NOW - age, queued, held, processed, 0) for age, queued, held, processed in values]


def steady(per_second: float, ages: Iterable[float]) -> list[Sample]:
    return samples(*((age, 5, 1, int((1000 - age) * per_second)) for age in ages))


def stat(cluster_id: int = 1, processed: int = 0) -> Stat:
    return Stat(cluster_id=cluster_id, host="h", processed=processed, timestamp=NOW)


# Now


def test_the_rate_is_that_of_the_last_half_minute() -> None:
    history = samples((60, 0, 0, 0), (40, 0, 0, 100), (20, 0, 0, 900))
    assert rate_now([stat(processed=500)], {"h:1": history}) == pytest.approx((500 - 100) / 40)


def test_a_young_cluster_has_a_rate_since_its_first_sample() -> None:
    assert rate_now([stat(processed=30)], {"h:1": samples((6, 0, 0, 0), (1, 0, 0, 20))}) == pytest.approx(5)


def test_the_rates_of_clusters_add_up_and_unknown_ones_do_not_count() -> None:
    histories = {"h:1": samples((40, 0, 0, 0)), "h:2": samples((40, 0, 0, 0))}
    stats = [stat(1, processed=40), stat(2, processed=80), stat(3, processed=99)]
    assert rate_now(stats, histories) == pytest.approx(3)


def test_a_rate_that_nobody_knows_is_none() -> None:
    assert rate_now([], {}) is None
    assert rate_now([stat(processed=5)], {}) is None
    assert rate_now([stat(processed=5)], {"h:1": samples((40, 0, 0, 7))}) is None  # another cluster had this id


# Charts


def test_a_chart_has_a_value_for_every_ten_seconds() -> None:
    found = series([steady(2, range(1000, -1, -10))], NOW, length=30)
    assert found.rates == pytest.approx((2,) * 30)
    assert found.depths == (6,) * 30


def test_samples_that_come_late_leave_no_gap() -> None:
    ages = [1000 - number * 10.7 for number in range(93)]
    found = series([steady(2, ages)], NOW, length=90)
    assert None not in found.rates
    assert found.rates == pytest.approx((2,) * 90, rel=0.1)


def test_a_chart_is_empty_before_the_birth_and_after_the_end() -> None:
    found = series([steady(1, (250, 240, 230, 220, 210))], NOW, length=30)
    assert [number for number, value in enumerate(found.depths) if value is not None] == [4, 5, 6, 7, 8, 9, 10]
    assert found.depths[-1] is None
    assert found.rates[4] is None  # there is one sample only


def test_clusters_add_up_on_one_queue() -> None:
    one = samples((10, 100, 3, 0), (0, 90, 3, 50))
    other = samples((10, 95, 4, 0), (0, None, 4, 10))
    found = series([one, other, []], NOW, length=2)
    assert found.depths == (100 + 7, 90 + 7)
    assert found.rates[0] is None
    assert found.rates[1] == pytest.approx(6)


def test_without_any_history_nothing_is_known() -> None:
    assert series([], NOW, length=2).depths == (None, None)
