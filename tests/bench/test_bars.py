"""How bars are judged, and that each names what there is."""

from __future__ import annotations

import pytest

from bench.bars import BARS, Bar, judge
from bench.scenarios.catalogue import SCENARIOS
from bench.systems import SYSTEMS
from bench.systems.base import OURS

LEAST = Bar("drain", "tasks/s", "us", 10, ("slow", "fast"))


def test_a_bar_holds_when_it_holds_against_each() -> None:
    verdict = judge(LEAST, {"us": 1000.0, "slow": 10.0, "fast": 100.0})
    assert verdict.found == {"slow": 100.0, "fast": 10.0}
    assert verdict.has_held is True


def test_a_bar_is_missed_when_one_is_too_close() -> None:
    assert judge(LEAST, {"us": 1000.0, "slow": 10.0, "fast": 101.0}).has_held is False


@pytest.mark.parametrize(("ours", "has_held"), [(49.0, True), (51.0, False)])
def test_a_bar_from_above(ours: float, has_held: bool) -> None:
    bar = Bar("latency", "ms p95", "us", 0.5, ("them",), is_least=False)
    assert judge(bar, {"us": ours, "them": 100.0}).has_held is has_held


@pytest.mark.parametrize(("ours", "has_held"), [(97.0, True), (96.9, False)])
def test_a_bar_without_others_is_a_limit(ours: float, has_held: bool) -> None:
    assert judge(Bar("sleep5", "busy %", "us", 97), {"us": ours}).has_held is has_held


def test_what_was_not_measured_is_told() -> None:
    verdict = judge(LEAST, {"us": 1000.0, "fast": 100.0})
    assert (verdict.has_held, verdict.missing) == (True, ("slow",))
    assert judge(LEAST, {"us": 1000.0}).has_held is None
    assert judge(LEAST, {"fast": 1.0}).missing == ("us",)


@pytest.mark.parametrize(
    "bar", BARS, ids=lambda bar: f"{bar.scenario}-{bar.figure}-{bar.ours}-{bar.sign}{bar.limit:.3g}"
)
def test_every_bar_names_systems_and_a_scenario_that_measures_them(bar: Bar) -> None:
    scenario = SCENARIOS[bar.scenario]
    assert SYSTEMS[bar.ours].kind == OURS
    assert all(scenario.takes(SYSTEMS[name]) for name in (bar.ours, *bar.others))
