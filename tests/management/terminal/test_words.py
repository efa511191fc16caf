"""Numbers, times, foreign texts and charts."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta

import pytest

from djq_core.management.terminal.words import clean, clean_json, duration, mebibytes, moment, number, pace, sparkline

NOW = datetime(2026, 5, 6, 7, 8, 9, tzinfo=UTC)


@pytest.mark.parametrize(
    ("seconds", "expected"),
    [(0, "0:00:00"), (75.9, "0:01:15"), (618, "0:10:18"), (360_000, "100:00:00"), (-3, "0:00:00")],
)
def test_a_duration_is_told_as_in_the_manual(seconds: float, expected: str) -> None:
    assert duration(seconds) == expected


@pytest.mark.parametrize(
    ("per_second", "expected"),
    [(None, "-"), (0, "0/s"), (1, "1.0/s"), (1234.5, "1234/s"), (0.5, "30.0/min"), (0.002, "7.2/h")],
)
def test_a_rate_is_told_in_the_unit_that_fits(per_second: float | None, expected: str) -> None:
    assert pace(per_second) == expected


def test_what_is_not_known_is_a_hyphen() -> None:
    assert (number(None), number(0), number(12_345)) == ("-", "0", "12345")
    assert (mebibytes(None), mebibytes(3 * 2**19)) == ("-", "1.5")


def test_a_time_of_today_has_no_date() -> None:
    assert moment(NOW - timedelta(hours=1), NOW) == "06:08:09"
    assert moment(NOW - timedelta(hours=8), NOW) == "2026-05-05 23:08"
    assert moment(NOW.replace(tzinfo=None), NOW) == "07:08:09"


def test_no_text_steers_the_terminal() -> None:
    assert clean("a\x1b[31mb\x07\nc\u202ed\x9b1m é 木") == "a�[31mb��c�d�1m é 木"


def test_a_no_break_space_is_no_danger() -> None:
    assert clean("En démarrer un\xa0: 1\u202f000\u2028\x85") == "En démarrer un\xa0: 1\u202f000��"


def test_no_json_steers_the_terminal_and_it_says_the_same() -> None:
    told = json.dumps({"näme": "a\x1b[31m\x9b1m\u202e\ud800 木"}, indent=2, ensure_ascii=False)
    cleaned = clean_json(told)
    assert cleaned.replace("\n", "").isprintable()
    assert "näme" in cleaned
    assert json.loads(cleaned) == json.loads(told)


# Charts


def test_a_chart_has_a_bar_for_each_value() -> None:
    assert sparkline([0, 1, 7, None, 3.5], 10) == "▁▂█·▅"


def test_a_narrow_chart_shows_the_highest_of_its_values() -> None:
    assert sparkline([0, 7, None, None, 1, 0], 3) == "█·▂"


def test_a_chart_of_nothing_is_flat() -> None:
    assert sparkline([0, 0], 5) == "▁▁"
    assert sparkline([], 5) == ""
