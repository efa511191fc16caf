"""How the report looks in a terminal."""

from __future__ import annotations

from typing import Any

from rich.console import Console
from rich.table import Table
from rich.text import Text

from indexer.models import IndexRun


def print_report(console: Console, run: IndexRun, seconds: float) -> None:
    """Print what the hook has written."""
    report: dict[str, Any] = run.report
    totals = report["totals"]
    console.print()
    console.print(
        f"[bold]{totals['files']:,}[/] files in {seconds:.1f} s: {totals['lines']:,} lines, "
        f"{totals['tokens']:,} tokens, {totals['functions']:,} functions, {totals['classes']:,} classes, "
        f"[red]{totals['failed']} failed[/]",
        soft_wrap=True,
    )
    console.print()
    console.print(_functions(report["longest"]))
    console.print(_packages(report["packages"], totals["tokens"]))
    if report["failures"]:
        console.print()
        _print_failures(console, report["failures"], f"{run.folder}/")


def print_ending(console: Console, run: IndexRun, database: str) -> None:
    """Print where to go on."""
    tasks = f"The {run.files:,} tasks and their results are in {database}."
    console.print()
    console.print(f"{tasks} Look at them:  [bold]make demo-admin[/]", soft_wrap=True)


def _functions(rows: list[dict[str, Any]]) -> Table:
    table = Table("function", "where", title="The longest functions", title_justify="left", expand=True)
    table.add_column("lines", justify="right")
    for row in rows:
        table.add_row(row["name"], row["where"], f"{row['lines']:,}")
    return table


def _packages(rows: list[tuple[str, int]], total: int) -> Table:
    table = Table("package", title="The largest packages", title_justify="left", expand=True)
    table.add_column("tokens", justify="right")
    table.add_column("share", ratio=1)
    for name, tokens in rows:
        share = tokens / total if total else 0.0
        table.add_row(name, f"{tokens:,}", f"{'█' * round(share * 40)} {share:.0%}")
    return table


def _print_failures(console: Console, failures: dict[str, str], prefix: str) -> None:
    table = Table("file", "error", title="The failures", title_justify="left", expand=True)
    for column in table.columns:
        column.no_wrap, column.overflow = True, "ellipsis"
    for path, error in failures.items():
        table.add_row(path, Text(_gist(error).replace(prefix, ""), style="red"))
    console.print(table)
    path, error = next(iter(failures.items()))
    console.print(f"\n[bold]The traceback of {path}[/], as the task has kept it:", soft_wrap=True)
    console.print(Text(_trace(error), style="red"), soft_wrap=True)


def _gist(error: str) -> str:
    """Return the line of a task's error text that names the error: its last one that is not indented."""
    lines = [line for line in error.splitlines() if line and not line.startswith(" ")]
    return lines[-1] if lines else error.strip()


def _trace(error: str) -> str:
    before, mark, trace = error.partition("Traceback (most recent call last):")
    return f"{mark}{trace}".strip() if mark else before.strip()
