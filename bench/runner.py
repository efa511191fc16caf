"""Runs a scenario: every system once, then every system once more, and so on, so that all share good and bad times."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version

from bench.driver import DriverError
from bench.figures import shown
from bench.records import Record
from bench.scenarios.base import Scenario
from bench.servers import Servers
from bench.stand import Stand, Stuck
from bench.systems.base import System

#: How much of a reason is kept.
LONGEST_REASON = 300


@dataclass(frozen=True, slots=True)
class Plan:
    """What of a scenario is run; None leaves the number to the scenario."""

    scenario: Scenario
    systems: Sequence[System]
    rounds: int | None = None
    tasks: int | None = None


def run(plan: Plan, servers: Servers, say: Callable[[str], None], keep: Callable[[Sequence[Record]], None]) -> None:
    """Run all rounds; ``keep`` is given all records at first and after each measure."""
    name = time.strftime("%Y-%m-%dT%H:%M:%S")
    records = {system.name: _record(plan, system, name) for system in plan.systems}
    keep(list(records.values()))
    stands: dict[str, Stand] = {}
    with ExitStack() as stack:
        for number in range(plan.rounds or plan.scenario.rounds):
            for system in plan.systems:
                record = records[system.name]
                if number == 0 and not record.reasons:
                    _stand(system, servers, record, stands, stack)
                if system.name in stands:
                    _measure(plan.scenario, stands[system.name], record, say, number)
                    keep(list(records.values()))


def _record(plan: Plan, system: System, run: str) -> Record:
    found = version_of(system)
    needed = f"; it asks for {system.asks_for}" if system.asks_for else ""
    reasons = [] if found else [f"{system.version_of} is not installed{needed}"]
    return Record(plan.scenario.name, system.name, run, found, plan.tasks or plan.scenario.tasks(system), [], reasons)


def version_of(system: System) -> str:
    """Return the version of a system's distribution, "" where it is not installed."""
    try:
        return version(system.version_of)
    except PackageNotFoundError:
        return ""


def _stand(system: System, servers: Servers, record: Record, stands: dict[str, Stand], stack: ExitStack) -> None:
    """Make the stand of a system, or note why there is none."""
    try:
        stand = stands[system.name] = Stand(system, servers)
    except (Stuck, DriverError, OSError) as error:
        record.reasons.append(reason(error))
        return
    stack.callback(stand.close)


def _measure(scenario: Scenario, stand: Stand, record: Record, say: Callable[[str], None], number: int) -> None:
    try:
        found = dict(scenario.measure(stand, record.tasks))
    except (Stuck, DriverError, OSError) as error:
        record.reasons.append(f"round {number + 1}: {reason(error)}")
        say(f"{scenario.name} {stand.system.name}: {error}")
        return
    record.rounds.append({name: round(value, 6) for name, value in found.items()})
    say(f"{scenario.name} {number + 1} {stand.system.name}: " + ", ".join(f"{k} {shown(v)}" for k, v in found.items()))


def reason(error: Exception) -> str:
    """Return what an error says first and, of a traceback or a log, what it says last."""
    lines = [line for line in str(error).splitlines() if line and not line.startswith((" ", "LINE "))]
    told = [lines[0], lines[-1]] if len(lines) > 1 else lines or [type(error).__name__]
    return " … ".join(told)[:LONGEST_REASON]
