"""Numbers and times as people read them."""

from __future__ import annotations

import pytest
from django.utils import translation

from djq_core.dashboard.texts import UNKNOWN, clock, duration, number


@pytest.mark.parametrize(
    ("value", "text"),
    [(None, UNKNOWN), (0, "0"), (0.04, "0"), (1.26, "1.3"), (9.97, "10"), (12.6, "13"), (1234567, "1,234,567")],
)
def test_numbers_have_the_decimals_that_tell_something(value: float | None, text: str) -> None:
    assert number(value) == text


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (None, UNKNOWN),
        (0.0042, "4.2 ms"),
        (0.5, "500 ms"),
        (2.5, "2.5 s"),
        (59, "59 s"),
        (150, "2.5 min"),
        (7200, "2 h"),
    ],
)
def test_durations_are_in_the_unit_that_fits(seconds: float | None, text: str) -> None:
    assert duration(seconds) == text


@pytest.mark.parametrize(
    ("seconds", "text"), [(75, "0:01:15"), (618.9, "0:10:18"), (360_000, "100:00:00"), (None, UNKNOWN)]
)
def test_uptimes_are_the_manuals(seconds: float | None, text: str) -> None:
    assert clock(seconds) == text


def test_numbers_follow_the_language() -> None:
    with translation.override("de"):
        assert (number(1234567), number(1.26)) == ("1.234.567", "1,3")
