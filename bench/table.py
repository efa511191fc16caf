"""The figures as Markdown, and the page of the documentation that has them: ``python -m bench.table``."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from bench import bars, records
from bench.bars import Bar, Verdict
from bench.figures import Spread, shown
from bench.records import Record, Report
from bench.scenarios.base import Scenario
from bench.scenarios.catalogue import SCENARIOS
from bench.systems import SYSTEMS
from bench.systems.base import OURS

DOCS = Path(__file__).parent.parent / "docs"
REPORT = DOCS / "benchmarks.json"
PAGE = DOCS / "benchmarks.md"
BEGIN, END = "<!-- made by `make figures` -->\n", "<!-- end of what was made -->\n"

_HELD: Mapping[bool | None, str] = {True: "yes", False: "**no**", None: "not measured"}
_ORDER = {name: place for place, name in enumerate(SYSTEMS)}


def table(report: Report) -> str:
    """Return all figures: a table for each scenario, with its bars."""
    parts = [_head(report)]
    parts += [_scenario(SCENARIOS[name], report.of(name)) for name in SCENARIOS if report.of(name)]
    return "\n".join(parts)


def page(text: str, report: Report) -> str:
    """Return the page with what is between the markers made anew."""
    before, _, rest = text.partition(BEGIN)
    _, _, after = rest.partition(END)
    return f"{before}{BEGIN}\n{table(report)}\n{END}{after}"


def verdicts(scenario: str, found: Sequence[Record]) -> list[Verdict]:
    """Judge every bar of a scenario; only what was run together is compared."""
    return [bars.judge(bar, _medians(bar.figure, bar, found)) for bar in bars.of(scenario)]


def _medians(figure: str, bar: Bar, found: Sequence[Record]) -> dict[str, float]:
    run = next((record.run for record in found if record.system == bar.ours), None)
    spreads = {record.system: record.spreads for record in found if record.run == run}
    return {name: each[figure].median for name, each in spreads.items() if figure in each}


def _head(report: Report) -> str:
    if not report.machine:
        return "Nothing was run yet.\n"
    machine = report.machine
    judged = [verdict for name in SCENARIOS for verdict in verdicts(name, report.of(name))]
    held = sum(verdict.has_held is True for verdict in judged)
    servers = ", ".join(f"{name} {version}" for name, version in machine["servers"].items())
    return (
        f"{held} of {len(judged)} bars held, on Python {machine['python']}, Django {machine['django']},"
        f" {machine['cores']} cores, {servers}.\n"
    )


def _scenario(scenario: Scenario, found: Sequence[Record]) -> str:
    ordered = sorted(found, key=lambda record: _ORDER.get(record.system, len(_ORDER)))
    names = _figures(ordered)
    lines = [f"### {scenario.title}", "", *([scenario.note, ""] if scenario.note else [])]
    lines += [f"| | {' | '.join(names)} | rounds | tasks |", f"|---|{'---|' * len(names)}---|---|"]
    lines += [_row(record, names) for record in ordered]
    lines += ["", *_reasons(ordered), *_bars(scenario.name, found)]
    return "\n".join(lines)


def _figures(found: Sequence[Record]) -> list[str]:
    return list(dict.fromkeys(name for record in found for name in record.spreads))


def _row(record: Record, names: Sequence[str]) -> str:
    spreads = record.spreads
    cells = [_cell(spreads[name]) if name in spreads else "" for name in names]
    return f"| {_label(record)} | {' | '.join(cells)} | {len(record.rounds)} | {record.tasks:,} |"


def _cell(spread: Spread) -> str:
    if spread.least == spread.most:
        return shown(spread.median)
    return f"{shown(spread.median)} ({shown(spread.least)} to {shown(spread.most)})"


def _label(record: Record) -> str:
    system = SYSTEMS.get(record.system)
    if system is None:
        return record.system
    label = f"{system.label} ({system.version_of} {record.version})" if record.version else system.label
    return f"**{label}**" if system.kind == OURS else label


def _reasons(found: Sequence[Record]) -> list[str]:
    told = [f"- {record.system}: {reason}" for record in found for reason in record.reasons]
    return ["What could not be run:", "", *told, ""] if told else []


def _bars(scenario: str, found: Sequence[Record]) -> list[str]:
    rows = [_bar(verdict, found) for verdict in verdicts(scenario, found)]
    return ["| bar | found | held |", "|---|---|---|", *rows, ""] if rows else []


def _bar(verdict: Verdict, found: Sequence[Record]) -> str:
    bar = verdict.bar
    against = f" \N{MULTIPLICATION SIGN} {', '.join(bar.others)}" if bar.others else ""
    text = f"{bar.ours}, {bar.figure} {bar.sign} {shown(bar.limit)}{against}"
    told = _told(verdict) + [f"{name} not measured" for name in verdict.missing]
    if bar.beside and verdict.found:
        told.append(f"by CPU time: {', '.join(_told(bars.judge(bar, _medians(bar.beside, bar, found))))}")
    return f"| {text} | {'; '.join(told)} | {_HELD[verdict.has_held]} |"


def _told(verdict: Verdict) -> list[str]:
    return [f"{name} {shown(value)}".strip() for name, value in verdict.found.items()]


if __name__ == "__main__":
    PAGE.write_text(page(PAGE.read_text(), records.read(REPORT)))
