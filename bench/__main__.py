"""The command: ``python -m bench [scenario …] [--only system,…] [--rounds n] [--tasks n]``."""

from __future__ import annotations

import argparse
import signal
import sys
from collections.abc import Sequence
from fnmatch import fnmatch
from pathlib import Path

from bench import records, runner, servers, table
from bench.records import Record
from bench.runner import Plan
from bench.scenarios.base import Scenario
from bench.scenarios.catalogue import SCENARIOS
from bench.systems import SYSTEMS
from bench.systems.base import System
from tests.services.versions import version_of


def main(words: Sequence[str]) -> int:
    """Run what was asked for, print the table and keep the report."""
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))  # so that every context ends what it has started
    asked = _arguments(words)
    plans = [_plan(SCENARIOS[name], asked) for name in asked.scenarios or SCENARIOS]
    report = records.read(asked.report)
    report.machine = records.machine(_servers())

    def keep(new: Sequence[Record]) -> None:
        report.keep(new)
        records.write(asked.report, report)

    with servers.running() as running:
        for plan in plans:
            runner.run(plan, running, _say, keep)
    sys.stdout.write("\n" + table.table(report) + "\n")
    return 0


def _arguments(words: Sequence[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="make bench", description=__doc__)
    parser.add_argument("scenarios", nargs="*", metavar="scenario", help=f"of {', '.join(SCENARIOS)}; all by default")
    parser.add_argument("--only", default="*", help="systems, with commas between; patterns such as djq-* are good")
    parser.add_argument("--rounds", type=int, help="how often each system is measured")
    parser.add_argument("--tasks", type=int, help="how many tasks, in place of what suits each system")
    parser.add_argument("--report", type=Path, default=table.REPORT, help="the file of JSON that keeps the figures")
    asked = parser.parse_args(words)
    if unknown := [name for name in asked.scenarios if name not in SCENARIOS]:
        parser.error(f"no scenario {', '.join(unknown)}; there are {', '.join(SCENARIOS)}")
    if not chosen(asked.only):
        parser.error(f"no system {asked.only}; there are {', '.join(SYSTEMS)}")
    return asked


def chosen(patterns: str) -> list[System]:
    """Return the systems whose names match one of the patterns."""
    return [system for name, system in SYSTEMS.items() if any(fnmatch(name, each) for each in patterns.split(","))]


def _plan(scenario: Scenario, asked: argparse.Namespace) -> Plan:
    systems = [system for system in chosen(asked.only) if scenario.takes(system)]
    return Plan(scenario, systems, asked.rounds, asked.tasks)


def _servers() -> dict[str, str]:
    names = (version_of(vendor).partition(" ") for vendor in ("postgresql", "redis", "sqlite"))
    return {name: version for name, _, version in names}


def _say(text: str) -> None:
    sys.stdout.write(text + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
