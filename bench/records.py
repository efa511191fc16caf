"""What runs have found, in a file of JSON: one record for each scenario and system."""

from __future__ import annotations

import json
import os
import platform
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from bench.figures import Spread, spreads


@dataclass(slots=True)
class Record:
    """What one system has done in one scenario; ``run`` is the same for all that were interleaved."""

    scenario: str
    system: str
    run: str
    version: str
    tasks: int
    rounds: list[dict[str, float]] = field(default_factory=list)
    #: Why it could not be run, or what went wrong in a round.
    reasons: list[str] = field(default_factory=list)

    @property
    def key(self) -> tuple[str, str]:
        """What a newer record takes the place of."""
        return self.scenario, self.system

    @property
    def spreads(self) -> dict[str, Spread]:
        """The spread of every figure over the rounds."""
        return spreads(self.rounds)


@dataclass(slots=True)
class Report:
    """All records, and the machine of the last run."""

    machine: Mapping[str, Any] = field(default_factory=dict)
    records: list[Record] = field(default_factory=list)

    def keep(self, new: Sequence[Record]) -> None:
        """Take records in, in place of older ones of the same scenario and system."""
        known = {record.key: record for record in self.records} | {record.key: record for record in new}
        self.records = [known[key] for key in sorted(known)]

    def of(self, scenario: str) -> list[Record]:
        """Return the records of a scenario."""
        return [record for record in self.records if record.scenario == scenario]


def read(path: Path) -> Report:
    """Return the report of a file, an empty one where there is no file."""
    if not path.exists():
        return Report()
    known = json.loads(path.read_text())
    return Report(known["machine"], [Record(**each) for each in known["records"]])


def write(path: Path, report: Report) -> None:
    """Write a report, whole or not at all."""
    new = path.with_suffix(".new")
    new.write_text(json.dumps(asdict(report), indent=1, ensure_ascii=False) + "\n")
    new.replace(path)


def machine(servers: Mapping[str, str]) -> dict[str, Any]:
    """Return what the figures depend on."""
    import django

    return {
        "python": platform.python_version(),
        "django": django.get_version(),
        "cores": os.cpu_count(),
        "servers": dict(servers),
    }
