"""The table of ``qinfo`` (manual 1.10.2)."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from django.utils.translation import gettext as _
from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from djq_core.management.terminal.words import UNKNOWN, clean, number
from djq_core.monitor.summary import MOST_COUNTED, Summary

_PAIRS_A_ROW: Final = 3


def drawn(summary: Summary, problems: tuple[str, ...]) -> RenderableType:
    """Draw the summary, three pairs a row as in the manual."""
    grid = Table.grid(padding=(0, 2))
    for _pair in range(_PAIRS_A_ROW):
        grid.add_column()
        grid.add_column(justify="right", min_width=8)
    pairs = list(_pairs(summary))
    for start in range(0, len(pairs), _PAIRS_A_ROW):
        row = pairs[start : start + _PAIRS_A_ROW]
        grid.add_row(*(Text(cell, style=style) for pair in row for cell, style in zip(pair, ("cyan", ""), strict=True)))
    told = [Text(clean(problem), style="bold red") for problem in problems]
    return Group(*told, Text(_("djq summary"), style="bold"), grid)


def _pairs(summary: Summary) -> Iterator[tuple[str, str]]:
    rate, unit = summary.rate
    names = {
        "second": _("Tasks/second"),
        "minute": _("Tasks/minute"),
        "hour": _("Tasks/hour"),
        "day": _("Tasks/day"),
    }
    yield _("Clusters"), str(summary.clusters)
    yield _("Workers"), str(summary.workers)
    yield _("Restarts"), str(summary.restarts)
    yield _("Queued"), number(summary.queued)
    yield _("Successes"), _at_least(summary.successes)
    yield _("Failures"), _at_least(summary.failures)
    yield _("Schedules"), str(summary.schedules)
    yield names[unit], f"{rate:.2f}" + ("" if summary.is_done_complete else "+")
    yield _("Avg time"), UNKNOWN if summary.avg_time is None else f"{summary.avg_time:.4f}"


def _at_least(count: int) -> str:
    return f"{count}+" if count >= MOST_COUNTED else str(count)
