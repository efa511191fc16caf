"""Medians, ranges and ratios of what several rounds have found."""

from __future__ import annotations

import statistics
from collections.abc import Mapping, Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Spread:
    """The median of several rounds, and how far they lie apart."""

    median: float
    least: float
    most: float

    @classmethod
    def of(cls, values: Sequence[float]) -> Spread:
        """Return the spread of at least one value."""
        return cls(statistics.median(values), min(values), max(values))


def spreads(rounds: Sequence[Mapping[str, float]]) -> dict[str, Spread]:
    """Return the spread of every figure that each round has found."""
    names = [name for name in rounds[0] if all(name in each for each in rounds)] if rounds else []
    return {name: Spread.of([each[name] for each in rounds]) for name in names}


def ratio(ours: float, other: float) -> float:
    """Return ours as a multiple of the other; infinite where the other is nothing."""
    return ours / other if other else float("inf")


def percentile(values: Sequence[float], share: float) -> float:
    """Return the smallest value that at least this share (0 to 1) of the values does not exceed."""
    ordered = sorted(values)
    return ordered[max(0, -(-len(ordered) * round(share * 1000) // 1000) - 1)]


def shown(value: float) -> str:
    """Return a number as the tables have it: three digits, and thousands apart."""
    if value == float("inf"):
        return "∞"
    if abs(value) >= 100 or value == int(value):
        return f"{value:,.0f}"
    return f"{value:.3g}"
