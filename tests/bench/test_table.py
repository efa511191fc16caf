"""The report, its tables, and the page that has them."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

from bench.records import Record, Report, read, write
from bench.table import PAGE, REPORT, page, table

OURS, Q2, RAW = "djq-orm-postgresql", "django-q2-orm-postgresql", "raw-postgresql"
MACHINE = {"python": "3.12.1", "django": "6.1", "cores": 2, "servers": {"PostgreSQL": "18.6"}}


def a_record(system: str, *rates: float, run: str = "1", **more: Any) -> Record:
    rounds = [{"tasks/s": rate, "tasks/CPU s": rate / 2} for rate in rates]
    return Record("drain", system, run, "1.0", 100, rounds, **more)


def a_report(*records: Record) -> Report:
    return Report(MACHINE, list(records))


def row(text: str, start: str) -> str:
    return next(line for line in text.splitlines() if line.startswith(start))


def test_the_page_of_the_documentation_is_made_from_the_report() -> None:
    text = PAGE.read_text()
    assert text == page(text, read(REPORT)), "make figures"


def test_what_is_outside_the_markers_stays() -> None:
    text = PAGE.read_text()
    assert page(page(text, a_report(a_record(OURS, 1.0))), Report()) == page(text, Report())


def test_a_row_has_the_median_and_the_range() -> None:
    text = table(a_report(a_record(OURS, 3000.0, 1000.0, 2000.0)))
    assert (
        "| **djq, ORM on PostgreSQL (djq-core 1.0)** | 2,000 (1,000 to 3,000) | 1,000 (500 to 1,500) | 3 | 100 |"
        in text
    )


def test_a_bar_tells_what_was_found_by_the_clock_and_by_cpu_time() -> None:
    text = table(a_report(a_record(OURS, 1500.0), a_record(Q2, 100.0), a_record(RAW, 9000.0)))
    line = row(text, f"| {OURS}, tasks/s ≥ 15 ")
    assert f"{Q2} 15; procrastinate not measured; django-tasks-db not measured; by CPU time: {Q2} 15 | yes |" in line
    assert row(text, f"| {OURS}, tasks/s ≥ 0.333 ").endswith(f"| {RAW} 0.167; by CPU time: {RAW} 0.167 | **no** |")


def test_what_did_not_run_together_is_not_compared() -> None:
    text = table(a_report(a_record(OURS, 1500.0, run="1"), a_record(RAW, 100.0, run="2")))
    assert row(text, f"| {OURS}, tasks/s ≥ 0.333 ").endswith(f"| {RAW} not measured | not measured |")


def test_what_could_not_be_run_is_told_with_its_reason() -> None:
    text = table(a_report(a_record(OURS, 1.0), a_record("dj-queue", reasons=["dj-queue is not installed"])))
    assert "- dj-queue: dj-queue is not installed" in text
    assert re.search(r"\| dj-queue, two processes, prefetch 20 \(dj-queue 1.0\) \|.*\| 0 \| 100 \|", text)


def test_a_report_is_read_as_it_was_written(tmp_path: Path) -> None:
    path = tmp_path / "report.json"
    assert read(path) == Report()
    write(path, a_report(a_record(OURS, 1.0, 2.0, reasons=["round 3: stuck"])))
    assert read(path) == a_report(a_record(OURS, 1.0, 2.0, reasons=["round 3: stuck"]))


def test_a_record_takes_the_place_of_an_older_one_of_its_system() -> None:
    report = a_report(a_record(OURS, 1.0), a_record(RAW, 5.0))
    report.keep([a_record(OURS, 2.0, run="2")])
    assert [(record.system, record.run) for record in report.of("drain")] == [(OURS, "2"), (RAW, "1")]
