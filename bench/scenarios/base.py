"""What a scenario is."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from bench.stand import Stand
from bench.systems.base import System

#: What one round of one system has found, by the name of the figure.
Figures = Mapping[str, float]


@dataclass(frozen=True, slots=True, kw_only=True)
class Scenario:
    """One thing that is measured.

    ``measure`` is given a stand and the number of tasks; ``tasks`` says how many a system gets where nobody asks for a
    number, and ``takes`` whether the scenario is for a system. ``figure`` is the one that is drawn.
    """

    name: str
    title: str
    figure: str
    measure: Callable[[Stand, int], Figures]
    tasks: Callable[[System], int]
    takes: Callable[[System], bool]
    rounds: int
    note: str = ""
