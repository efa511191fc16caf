"""The charts of the page: a bar for each system, its median with its range (``python -m bench.charts``)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from bench import records
from bench.figures import Spread, shown
from bench.records import Record, Report
from bench.scenarios.base import Scenario
from bench.scenarios.catalogue import SCENARIOS
from bench.systems import SYSTEMS
from bench.systems.base import CEILING, OURS, PEER
from bench.table import DOCS, REPORT

#: What is drawn; the axis of what lies orders of magnitude apart is logarithmic.
DRAWN: Mapping[str, bool] = {"drain": True, "enqueue": True, "latency": True, "memory": False}
_COLOURS: Mapping[str, str] = {OURS: "#2a6f97", PEER: "#b0b0b0", CEILING: "#e9c46a"}


def picture(scenario: str) -> Path:
    """Return the file of the chart of a scenario."""
    return DOCS / f"benchmarks-{scenario}.png"


def draw(report: Report) -> None:
    """Draw every scenario that has been run."""
    for name, is_logarithmic in DRAWN.items():
        bars = _bars(SCENARIOS[name], report.of(name))
        if bars:
            _draw(SCENARIOS[name], bars, is_logarithmic=is_logarithmic)


def _bars(scenario: Scenario, found: Sequence[Record]) -> list[tuple[str, Spread]]:
    """Return system and figure, the largest first."""
    spreads = {record.system: record.spreads for record in found if record.system in SYSTEMS}
    bars = [(name, each[scenario.figure]) for name, each in spreads.items() if scenario.figure in each]
    return sorted(bars, key=lambda bar: bar[1].median)


def _draw(scenario: Scenario, bars: Sequence[tuple[str, Spread]], *, is_logarithmic: bool) -> None:
    from matplotlib.figure import Figure

    figure = Figure(figsize=(9.0, 0.9 + 0.27 * len(bars)), layout="constrained")
    axes: Any = figure.subplots()
    medians = [spread.median for _, spread in bars]
    ranges = [
        [spread.median - spread.least for _, spread in bars],
        [spread.most - spread.median for _, spread in bars],
    ]
    colours = [_COLOURS[SYSTEMS[name].kind] for name, _ in bars]
    drawn = axes.barh([SYSTEMS[name].label for name, _ in bars], medians, xerr=ranges, color=colours, ecolor="#606060")
    axes.bar_label(drawn, [shown(median) for median in medians], padding=4, fontsize="small")
    if is_logarithmic:
        axes.set_xscale("log")
    axes.margins(x=0.12, y=0.01)
    axes.set_xlabel(f"{scenario.figure}: median and range")
    axes.set_title(scenario.title)
    axes.tick_params(axis="y", labelsize="small")
    figure.savefig(picture(scenario.name), dpi=90)


if __name__ == "__main__":
    draw(records.read(REPORT))
